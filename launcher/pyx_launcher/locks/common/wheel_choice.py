"""Which of the wheels of a release fits an interpreter best, by their names.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/: among wheels of
the same tags the one with the highest build number, and one without a number is the lowest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.tags import Tag

BUILD = re.compile(r"(\d+)(.*)")

PARTS = 5
"""Of the name of a wheel, with a build number six: name, version, Python, ABI, platform."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranks:
    """The tags of an interpreter, each with its place among them: the lower, the better."""

    places: Mapping[str, int]
    known: tuple[frozenset[str], frozenset[str], frozenset[str]]
    """The words for Python, ABI and platform in them."""
    found: dict[str, int | None]
    """What was found before, by the part of a name that says what it is for."""


def rank_tags(tags: Iterable[Tag]) -> Ranks:
    """Return the places of `tags`, which are given best first."""
    places: dict[str, int] = {}
    pythons, abis, platforms = set(), set(), set()
    for place, tag in enumerate(tags):
        places.setdefault(f"{tag.interpreter}-{tag.abi}-{tag.platform}", place)
        pythons.add(tag.interpreter)
        abis.add(tag.abi)
        platforms.add(tag.platform)
    known = (frozenset(pythons), frozenset(abis), frozenset(platforms))
    return Ranks(places=places, known=known, found={})


def find_best(filenames: Sequence[str], ranks: Ranks) -> int | None:
    """Return the position of the wheel that fits best; None where none fits.

    Of several that fit equally well the first counts.
    """
    best: tuple[int, tuple[int, str]] | None = None
    found = None
    for position, filename in enumerate(filenames):
        place = find_place(filename, ranks)
        if place is None or (best is not None and place > best[0]):
            continue
        build = find_build(filename)
        if best is None or place < best[0] or build > best[1]:
            best, found = (place, build), position
    return found


def find_place(filename: str, ranks: Ranks) -> int | None:
    """Return the best place among `ranks` of the tags in a name; None where none fits."""
    # Many releases of a lock have wheels for the same platforms.
    rest = filename.split("-", 2)[-1]
    if rest not in ranks.found:
        ranks.found[rest] = _find_place(filename, ranks)
    return ranks.found[rest]


def _find_place(filename: str, ranks: Ranks) -> int | None:
    parts = filename.removesuffix(".whl").lower().rsplit("-", 3)[1:]
    if len(parts) < len(ranks.known):
        return None
    choices = []
    # A release may have a hundred wheels, and most are for another platform or Python.
    for part, known in zip(parts, ranks.known, strict=True):
        fitting = [word for word in part.split(".") if word in known]
        if not fitting:
            return None
        choices.append(fitting)
    places = [
        ranks.places[tag]
        for python in choices[0]
        for abi in choices[1]
        for platform in choices[2]
        if (tag := f"{python}-{abi}-{platform}") in ranks.places
    ]
    return min(places, default=None)


def find_build(filename: str) -> tuple[int, str]:
    """Return the build number in the name of a wheel, as it is sorted; (-1, "") for none."""
    parts = filename.split("-")
    match = BUILD.match(parts[2]) if len(parts) > PARTS else None
    return (int(match[1]), match[2]) if match else (-1, "")

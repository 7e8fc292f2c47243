"""What the options in requirements.txt say for every requirement: indexes and kinds of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.requirements.lines import place_find_links
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyx_launcher.locks.requirements.lines import Line

ALL, NONE = ":all:", ":none:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Formats:
    """Which kinds of files may be taken, by ``--no-binary`` and ``--only-binary``."""

    no_binary: frozenset[str] = frozenset()
    only_binary: frozenset[str] = frozenset()

    def allowed(self, name: str) -> tuple[bool, bool]:
        """Return whether wheels, and whether sdists, of a name may be taken."""
        for word in (name, ALL):
            if word in self.only_binary:
                return True, False
            if word in self.no_binary:
                return False, True
        return True, True


def read_options(lines: Iterable[Line]) -> IndexOptions:
    """Return what the lines that only have options say about indexes, in pip's order."""
    urls: list[str] | None = None
    extra: list[str] = []
    links: list[str] = []
    hosts: list[str] = []
    no_index = False
    for line in lines:
        if line.text:
            continue
        no_index |= ("--no-index", "") in line.options
        # As in pip, an index takes the place of all that were named before it.
        for url in line.values("--index-url"):
            urls, extra = [url], []
        extra += line.values("--extra-index-url")
        links += [place_find_links(line, value) for value in line.values("--find-links")]
        hosts += line.values("--trusted-host")
    if no_index:
        urls, extra = None, []
    return IndexOptions(
        index_urls=(*urls, *extra) if urls else None,
        extra_index_urls=() if urls else tuple(extra),
        find_links=tuple(links),
        no_index=no_index,
        trusted_hosts=tuple(hosts),
    )


def read_formats(lines: Iterable[Line]) -> Formats:
    """Return what the lines that only have options say about kinds of files, in pip's order."""
    sets: dict[str, set[str]] = {"--no-binary": set(), "--only-binary": set()}
    for line in lines:
        for option, value in () if line.text else line.options:
            if option in sets:
                other = "--only-binary" if option == "--no-binary" else "--no-binary"
                for word in value.split(","):
                    apply_word(word.strip(), sets[option], sets[other])
    return Formats(
        no_binary=frozenset(sets["--no-binary"]), only_binary=frozenset(sets["--only-binary"])
    )


def apply_word(word: str, target: set[str], other: set[str]) -> None:
    """Add one word to a set of names, and take it from the set of the opposite option."""
    if word in (ALL, NONE):
        target.clear()
    if word == ALL:
        other.clear()
        target.add(ALL)
    elif word and word != NONE:
        other.discard(canonicalize_name(word))
        target.add(canonicalize_name(word))

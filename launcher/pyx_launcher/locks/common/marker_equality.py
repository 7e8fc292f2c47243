"""Whether two environment markers mean the same, though a tool has rewritten one of them.

No algebra is needed for that: both are evaluated in every environment that the values they
mention can tell apart. Without a difference there, they are taken for the same.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from packaging.specifiers import SpecifierSet

MOST_ENVIRONMENTS = 4096
"""Above this the answer would cost more than a wrong one does: both count as the same."""

OPERATOR = r"\s*(?:===?|[<>!~]=|[<>]|not\s+in\b|in\b)\s*"
# Compiled when first used, for most markers are the same letter by letter.
ATOM = rf"""(?P<variable>[a-z_]+){OPERATOR}(?P<quote>["'])(?P<value>.*?)(?P=quote)
    |(?P<quote2>["'])(?P<value2>.*?)(?P=quote2){OPERATOR}(?P<variable2>[a-z_]+)"""

# Values that come together; a marker that asks for others asks for something that is nowhere.
PLATFORMS = (
    ("linux", "posix", "Linux"),
    ("darwin", "posix", "Darwin"),
    ("win32", "nt", "Windows"),
    ("other", "posix", "other"),
)
IMPLEMENTATIONS = (("cpython", "CPython"), ("pypy", "PyPy"), ("other", "other"))

JOINT = {
    ("sys_platform", "os_name", "platform_system"): PLATFORMS,
    ("implementation_name", "platform_python_implementation"): IMPLEMENTATIONS,
}

PYTHONS = ("python_version", "python_full_version")
VERSIONS = re.compile(r"\d+(?:\.\d+)*")


Alternative = tuple[str, tuple[str, ...]]
"""A marker, and others none of which may hold beside it. An empty text always holds."""


def mean_same(one: str, other: str, pythons: SpecifierSet) -> bool:
    """Return whether two markers hold for the same environments with one of `pythons`.

    An empty text always holds. Raises InvalidMarker for one that is no marker.
    """
    return (
        one == other
        or plain(one) == plain(other)
        or hold_alike([(one, ())], [(other, ())], pythons)
    )


def hold_alike(
    one: Collection[Alternative], other: Collection[Alternative], pythons: SpecifierSet
) -> bool:
    """Return whether one of the alternatives holds wherever one of the others does.

    No alternative at all never holds. Raises InvalidMarker for a text that is no marker.
    """
    texts = {t for marker, beside in (*one, *other) for t in (marker, *beside) if t}
    markers = {text: Marker(text) for text in texts}
    axes = list(find_axes(" and ".join(sorted(texts)), pythons))
    count = 1
    for axis in axes:
        count *= len(axis)
    if count > MOST_ENVIRONMENTS:
        return True
    try:
        return all(
            _holds(one, markers, environment) == _holds(other, markers, environment)
            for environment in environments(axes)
        )
    except (UndefinedComparison, UndefinedEnvironmentName):
        return True


def _holds(
    alternatives: Collection[Alternative],
    markers: Mapping[str, Marker],
    environment: dict[str, str],
) -> bool:
    return any(
        (not text or markers[text].evaluate(environment))
        and not any(not other or markers[other].evaluate(environment) for other in beside)
        for text, beside in alternatives
    )


def plain(text: str) -> str:
    """Return a marker with what never makes a difference written in one way."""
    # Below and from a minor version on, both variables agree.
    text = re.sub(r"\bpython_version(?=\s*(<|>=)\s*[\"'])", "python_full_version", text)
    text = re.sub(r"\s*([<>=!~]=|[<>])\s*", r" \1 ", text).replace('"', "'").strip()
    if " or " in text or "(" in text:
        return text
    return " and ".join(sorted(part.strip() for part in text.split(" and ")))


def find_axes(text: str, pythons: SpecifierSet) -> Iterator[list[dict[str, str]]]:
    """Yield, for each independent part of an environment, the values that `text` can tell apart."""
    values: dict[str, set[str]] = {}
    for match in re.finditer(ATOM, text, re.VERBOSE):
        variable = match["variable"] or match["variable2"]
        value = match["value"] if match["variable"] else match["value2"]
        values.setdefault(variable, set()).add(value)
    versions = [version for name in PYTHONS for version in values.pop(name, ())]
    if versions:
        yield list(python_axis([*versions, *(s.version for s in pythons)], pythons))
    for names, known in JOINT.items():
        asked = {name: values.pop(name) for name in names if name in values}
        if asked:
            yield list(joint_axis(names, known, asked))
    for name, mentioned in values.items():
        if name == "extra":
            yield [{name: value} for value in (*sorted(mentioned), "")]
        else:
            yield [{name: value} for value in (*sorted(mentioned), "other")]


def python_axis(texts: Iterable[str], pythons: SpecifierSet) -> Iterator[dict[str, str]]:
    """Yield the versions of Python on both sides of every version that is mentioned."""
    versions = {version for text in texts for version in around(text)}
    for version in sorted(versions):
        full = ".".join(map(str, version))
        if pythons.contains(full, prereleases=True):
            yield {
                "python_version": ".".join(map(str, version[:2])),
                "python_full_version": full,
            }


def around(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the releases at, just below and just above each version in `text`."""
    for found in VERSIONS.findall(text):
        try:
            major, minor, micro = (*Version(found).release, 0, 0)[:3]
        except InvalidVersion:
            continue
        yield major, minor, micro
        yield major, minor, micro + 1
        yield major, minor + 1, 0
        if micro:
            yield major, minor, micro - 1
        elif minor:
            yield major, minor - 1, 99


def joint_axis(
    names: tuple[str, ...], known: Sequence[tuple[str, ...]], asked: dict[str, set[str]]
) -> Iterator[dict[str, str]]:
    """Yield the values that come together, and each that is asked for and not known."""
    for row in known:
        yield dict(zip(names, row, strict=True))
    for name, values in asked.items():
        column = names.index(name)
        for value in sorted(values - {row[column] for row in known}):
            yield dict(zip(names, known[-1], strict=True)) | {name: value}


def environments(axes: Sequence[list[dict[str, str]]]) -> Iterator[dict[str, str]]:
    """Yield one environment for each combination."""
    for parts in itertools.product(*axes):
        joined = {"extra": ""}
        for part in parts:
            joined |= part
        yield joined

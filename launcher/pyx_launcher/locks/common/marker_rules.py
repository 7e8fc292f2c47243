"""How each tool answers what the specification of markers leaves open.

https://packaging.python.org/en/latest/specifications/dependency-specifiers/ compares versions, and
says nothing of a ``platform_release`` that is none, nor of ``<`` between other strings. `packaging`
says no to all of that; uv and PDM compare text, Poetry the number that a release begins with. A
list behind ``in`` is a text to `packaging`, and words to others. What a tool wrote into its own
lock it meant by its own rule, so comparisons that differ are answered here, and the rest is left
to `packaging`.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, Literal, cast

from packaging.markers import Marker
from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from packaging.markers import Environment

Rule = Literal["packaging", "uv", "poetry", "pdm"]
RULES: tuple[Rule, ...] = ("packaging", "uv", "poetry", "pdm")

PYTHONS = ("python_version", "python_full_version")
VERSIONS = (*PYTHONS, "implementation_version")
NAMES = (
    *VERSIONS,
    *("platform_release", "platform_version", "platform_machine", "platform_system"),
    *("platform_python_implementation", "implementation_name", "os_name", "sys_platform"),
)

COMPARISON = re.compile(
    rf"""(?<![\w.])(?P<name>{"|".join(NAMES)})\s*(?P<op>[<>=!~]==?|[<>]|not\s+in\b|in\b)\s*
    (?P<quote>["'])(?P<value>[^"']*)(?P=quote)""",
    re.VERBOSE,
)
"""A comparison whose variable stands first; the others mean the same to all."""

RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

RELEASE = re.compile(r"(?P<release>\d+(?:\.\d+)*)[+-]?(?P<build>[0-9A-Za-z+.-]+)\Z")
"""A release of an operating system, as Poetry reads it."""

SEPARATOR = re.compile(r"[ ,|]+")

CONSTANTS = {True: 'os_name != ""', False: 'os_name == ""'}


def apply_rule(rule: Rule, text: str, environment: Environment) -> str:
    """Return a marker in which what `packaging` would answer in another way is answered."""
    if rule == "packaging":
        return text

    def replace(match: re.Match[str]) -> str:
        answer = answer_comparison(rule, match, environment)
        return match[0] if answer is None else f"({CONSTANTS[answer]})"

    return COMPARISON.sub(replace, text)


def answer_comparison(rule: Rule, match: re.Match[str], environment: Environment) -> bool | None:
    """Return what a tool says to one `COMPARISON`; None where it is what `packaging` says."""
    name, op, value = match["name"], " ".join(match["op"].split()), match["value"]
    found = str(cast("dict[str, str]", environment).get(name, ""))
    if rule == "uv":
        return _answer_as_uv(name, found, op, value)
    if rule == "poetry":
        return _answer_as_poetry(name, found, op, value)
    return _answer_as_pdm(found, op, value) if rule == "pdm" else None


def _answer_as_uv(name: str, found: str, op: str, value: str) -> bool | None:
    if name not in VERSIONS:
        if op == "~=":
            # uv warns that this means nothing, and leaves it out.
            return True
        # Only these two are put in an order.
        has_order = name in ("platform_release", "platform_version")
        return RELATIONS[op](found, value) if has_order and op in RELATIONS else None
    if op in ("in", "not in"):
        try:
            versions = [Version(word) for word in value.split()]
        except InvalidVersion:
            # A list with commas is none to uv, and left out as well.
            return True
        return (Version(found) in versions) == (op == "in")
    if name not in PYTHONS:
        return None
    try:
        # A pre-release of Python counts as what it is to become.
        wanted, release = Version(value).base_version, Version(found).base_version
        return Specifier(f"{op}{wanted}").contains(release)
    except (InvalidVersion, InvalidSpecifier):
        return None


def _answer_as_pdm(found: str, op: str, value: str) -> bool | None:
    try:
        return Specifier(f"{op}{value}").contains(Version(found))
    except (InvalidSpecifier, InvalidVersion):
        return RELATIONS[op](found, value) if op in RELATIONS else None


def _answer_as_poetry(name: str, found: str, op: str, value: str) -> bool | None:
    if name not in (*PYTHONS, "platform_release"):
        # Of anything else Poetry only asks whether it is the same text.
        if op in ("in", "not in"):
            return (found in SEPARATOR.split(value)) == (op == "in")
        return found != value if op == "!=" else op in ("==", "===") and found == value
    release = _read_release(found)
    if release is None:
        return None
    if op in ("in", "not in"):
        words = [_read_release(word) for word in SEPARATOR.split(value)]
        return any(word is not None and _is_of(release, word) for word in words) == (op == "in")
    wanted = _read_release(value)
    if wanted is None:
        return None
    parts = [*wanted.release, *([0, 0] if name == "python_full_version" else [])]
    if op == "~=":
        # Up to the next number in front of the last one, and 6 alone goes up to 7.
        kept = parts[
            : max(1, len(wanted.release) - 1, 2 if len(parts) > len(wanted.release) else 0)
        ]
        above = Version(".".join(map(str, [*kept[:-1], kept[-1] + 1])))
        return _without_build(release, wanted) >= wanted and release < above
    return RELATIONS[op](_without_build(release, wanted), wanted) if op in RELATIONS else None


def _without_build(release: Version, wanted: Version) -> Version:
    """Return a release without what was built of it, as long as no build is asked for."""
    return release if wanted.local is not None else Version(release.public)


def _is_of(release: Version, wanted: Version) -> bool:
    """Return whether a release is the one that is wanted, of which one or two numbers will do."""
    few = len(wanted.release)
    if few < 3:
        return release.release[:few] == wanted.release
    return _without_build(release, wanted) == wanted


def _read_release(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        match = RELEASE.match(text)
    try:
        return Version(f"{match['release']}+{match['build'].replace('+', '.')}") if match else None
    except InvalidVersion:
        return None


def list_doubts(rule: Rule, text: str, environment: Environment) -> list[str]:
    """Return the comparisons in the text of a lock to which not all tools give one answer.

    Each is a line: the comparison, what is compared, the answer by `rule`, and who says otherwise.
    """
    doubts = []
    for match in COMPARISON.finditer(text.replace('\\"', '"')):
        try:
            answers = {
                each: Marker(apply_rule(each, match[0], environment)).evaluate(
                    cast("dict[str, str]", environment)
                )
                for each in RULES
            }
        except ValueError:
            # What is refused is told where it stands in the way.
            continue
        others = [each for each in RULES if answers[each] != answers[rule]]
        if others:
            found = cast("dict[str, str]", environment).get(match["name"], "")
            answer = (
                f"{'holds' if answers[rule] else 'does not hold'} for {found!r} by {rule}'s rule"
            )
            doubts.append(f"{match[0]} {answer}, otherwise by that of {', '.join(others)}")
    return list(dict.fromkeys(doubts))

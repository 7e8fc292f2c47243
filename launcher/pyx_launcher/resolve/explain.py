"""Why a tool could not lock, as far as its own words tell: the usual causes, and what to do.

Nothing rests on this but a hint: what the tool has said is shown in any case.
"""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_UNKNOWN = (
    rf"{_NAME} was not found in the (?:package registry|provided package locations)",
    rf"Could not find a matching version of package {_NAME}",
    rf"{_NAME} \([^)]*\) which doesn't match any versions",
    rf"Package (?P<q>['\"]?){_NAME}(?P=q) not found",
    rf"Unable to find (?:candidates|any candidates) for {_NAME}",
    rf"No matching distribution found for {_NAME}",
)
_PYTHON = (
    r"does not satisfy Python(?P<need>[<>=!~][^\s]*)",
    r"requires Python (?P<need>[<>=!~][^\s,;)]*)",
)
_VERSIONS = (
    rf"only {_NAME}(?P<known>[<>=!~]\S*) is available",
    rf"there (?:is|are) no versions? of {_NAME}",
    rf"only the following versions? of {_NAME}",
)
_OWN = re.compile(
    r"your project depends on (?P<wish>[^\s,]+)(?: and (?P<other>[A-Za-z0-9][^\s,]*))?"
)
_THEIR = re.compile(r"(?P<who>\S+) depends on (?P<wish>[^\s,]+)")


def explain_failure(text: str, known: Iterable[str]) -> str | None:
    """Return a hint for the usual causes that a tool's output `text` names; None for any other.

    `known` are the names of packages that may have been meant by one that is not there.
    """
    flat = " ".join(text.split())
    if conflict := _explain_conflict(flat):
        return conflict
    if found := _search(_UNKNOWN, flat):
        name = canonicalize_name(found["name"])
        close = difflib.get_close_matches(name, sorted({*known} - {name}), n=3, cutoff=0.7)
        if close:
            return f"no index has {name}: did you mean {' or '.join(close)}?"
        return f"no index has {name}: is it spelt so, and is PIP_INDEX_URL the index that has it?"
    if found := _search(_PYTHON, flat):
        need = found["need"].rstrip(".,;)")
        return (
            f"that needs Python {need}: say so in requires-python of the pyproject.toml,"
            " or ask for an older version of the package"
        )
    if found := _search(_VERSIONS, flat):
        name = canonicalize_name(found["name"])
        known_versions = found.groupdict().get("known")
        there = f": there is {name}{known_versions}" if known_versions else ""
        return f"no index has such a version of {name}{there}"
    return None


def _search(patterns: Iterable[str], text: str) -> re.Match[str] | None:
    return next(filter(None, (re.search(pattern, text) for pattern in patterns)), None)


def _explain_conflict(text: str) -> str | None:
    """Return which requirement of the project excludes which other one."""
    owns = [word for found in _OWN.finditer(text) for word in found.groups() if word]
    wishes = {_name_of(word): word for word in owns}
    for found in _THEIR.finditer(text):
        who, needed = found["who"], found["wish"]
        own = wishes.get(_name_of(needed))
        if who in ("project", "Python") or own is None or own == needed:
            continue
        return f"{own}, which the project requires, excludes {needed}, which {who} requires"
    return None


def _name_of(requirement: str) -> str:
    found = re.match(_NAME, requirement)
    return canonicalize_name(found["name"]) if found else requirement


def list_known(lock_names: Iterable[str], store: Path) -> set[str]:
    """Return the names that somebody here has used before: those of a lock, and of the store."""
    try:
        stored = [name for name in os.listdir(store) if not name.startswith(".")]
    except OSError:
        stored = []
    return {*lock_names, *stored}

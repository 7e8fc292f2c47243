"""A requirements.txt that was locked anew: what stays of the one before, which may be another's.

Takes and returns the bytes of the file. Its options are the user's, and so is its header if it is
that of the tool which the user compiles it with.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pyx_launcher.errors import PyxError
from pyx_launcher.locks.requirements.lines import VALUED, Line, join_lines, parse_line
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Sequence

_REQUIRING = {"--requirement", "--constraint", "--editable"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    head: str
    """All lines above the first requirement: comments and options."""
    options: tuple[str, ...]
    """The options of the whole file, a line each."""
    body: str
    required: frozenset[tuple[str, frozenset[str]]]
    """What it requires, with its hashes."""


def keep_own(old: bytes, new: bytes, source: Sequence[str]) -> bytes:
    """Return `new` with the options and the header of `old`; or `old`, if both say the same.

    `source` are the lines of what both are compiled from: an option of theirs is written in place
    of the old ones of its kind.
    """
    try:
        before, after = _split(old.decode()), _split(new.decode())
        wanted = _split("".join(f"{line}\n" for line in source)).options
    except (PyxError, UnicodeDecodeError):
        return new
    said = {_name_kind(one) for one in wanted}
    stale = [one for one in before.options if _name_kind(one) in said and one not in wanted]
    if before.required == after.required and not stale:
        return old
    if stale:
        before = _split("".join(line for line in _lines_but(old.decode(), stale)))
        after = replace(after, options=(*wanted, *after.options))
    head = before.head if "#" in before.head else after.head + before.head
    known = _split(head).options
    missing = [one for one in (*before.options, *after.options) if one not in known]
    if head and not head.endswith("\n"):
        head += "\n"
    lines = "".join(f"{one}\n" for one in dict.fromkeys(missing))
    return (head + lines + ("\n" if lines else "") + after.body).encode()


def _name_kind(option: str) -> str:
    """Return the name of an option of the whole file, by which pip knows it."""
    name = re.split(r"[\s=]", option, maxsplit=1)[0]
    return VALUED.get(name, name)


def _lines_but(text: str, options: Sequence[str]) -> list[str]:
    return [line for line in text.splitlines(keepends=True) if line.strip() not in options]


def _split(text: str) -> _Parts:
    lines = [
        (number, line, parse_line(Path(), number, line, is_constraint=False))
        for number, line in join_lines(text)
    ]
    first = next((number for number, _, line in lines if _requires(line)), None)
    physical = text.splitlines(keepends=True)
    at = len(physical) if first is None else first - 1
    return _Parts(
        head="".join(physical[:at]),
        options=tuple(written for _, written, line in lines if not _requires(line)),
        body="".join(physical[at:]),
        required=frozenset(_read_requirement(line) for _, _, line in lines if _requires(line)),
    )


def _requires(line: Line) -> bool:
    return bool(line.text) or any(name in _REQUIRING for name, _ in line.options)


def _read_requirement(line: Line) -> tuple[str, frozenset[str]]:
    """Return what a line requires, however it is spelt, and its hashes."""
    text = line.text
    try:
        requirement = Requirement(text)
        requirement.name = canonicalize_name(requirement.name)
        text = str(requirement)
    except InvalidRequirement:
        text += " ".join(value for name, value in line.options if name != "--hash")
    return text, frozenset(line.values("--hash"))

"""A requirements.txt that was locked anew: what stays of the one before, which may be another's.

Takes and returns the bytes of the file. Its options are the user's, and so is its header if it is
that of the tool which the user compiles it with.
"""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pyx_launcher.errors import PyxError
from pyx_launcher.locks.requirements.lines import Line, join_lines, parse_line
from pyx_launcher.values import dataclass

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


def keep_own(old: bytes, new: bytes) -> bytes:
    """Return `new` with the options and the header of `old`; or `old`, if both require the same."""
    try:
        before, after = _split(old.decode()), _split(new.decode())
    except (PyxError, UnicodeDecodeError):
        return new
    if before.required == after.required:
        return old
    head = before.head if "#" in before.head else after.head + before.head
    known = _split(head).options
    missing = [one for one in (*before.options, *after.options) if one not in known]
    if head and not head.endswith("\n"):
        head += "\n"
    lines = "".join(f"{one}\n" for one in dict.fromkeys(missing))
    return (head + lines + ("\n" if lines else "") + after.body).encode()


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

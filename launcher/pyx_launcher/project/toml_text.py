"""Put a new table into the text of a TOML file: where its like stand, blank lines around it.

A library that edits TOML keeps what is there; where something new goes, it does not look at blank
lines, nor at comments that belong to what follows. Takes and returns text.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import tomli

from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER = re.compile(r"^[ \t]*\[.*$", re.MULTILINE)

_BARE = re.compile(r"[A-Za-z0-9_-]+")
"""What TOML takes for a key without quotes."""

Path = tuple[str, ...]
"""The keys that lead to a table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One header with everything up to the next one."""

    keys: Path
    begin: int
    end: int
    """Where what belongs to it ends: before the blank lines and the comment of the next header."""


def keep_newlines(text: str, edit: Callable[[str], str]) -> str:
    """Return what `edit` makes of `text`, whose new lines end as all others do."""
    if "\r\n" not in text or text.count("\r\n") != text.count("\n"):
        return edit(text)
    return edit(text.replace("\r\n", "\n")).replace("\n", "\r\n")


def append_table(text: str, table: str) -> str:
    """Return TOML text with a table, given with its header, behind everything else."""
    return _join(text, table, "")


def insert_table(text: str, table: str, keys: Path) -> str | None:
    """Return TOML text with a table behind the first run of those whose keys begin with `keys`.

    None where there is no header of that kind.
    """
    run: list[Section] = []
    for section in list_sections(text):
        if section.keys[: len(keys)] == keys:
            run.append(section)
        elif run:
            break
    if not run:
        return None
    return _join(text[: run[-1].end], table, text[run[-1].end :])


def insert_item(text: str, keys: Path, key: str, value: object) -> str | None:
    """Return TOML text with a line more at the end of the table `keys`.

    None where that table has no header.
    """
    for section in list_sections(text):
        if section.keys == keys:
            head = text[: section.end]
            return f"{head}{_break(head)}{format_item(key, value)}{text[section.end :]}"
    return None


def format_item(key: str, value: object) -> str:
    """Return the line of a table that gives `key` the value."""
    import tomlkit

    shown = tomlkit.item(value).as_string()
    return f"{format_keys((key,))} = {shown}\n"


def format_keys(keys: Path) -> str:
    """Return keys as they stand in a header, quoted where TOML would have it so."""
    return ".".join(
        key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in keys
    )


def _join(head: str, table: str, tail: str) -> str:
    head += _break(head)
    before = "" if not head.strip() or not head.split("\n")[-2].strip() else "\n"
    after = "" if not tail or not tail.split("\n", maxsplit=1)[0].strip() else "\n"
    return f"{head}{before}{table}{after}{tail}"


def _break(head: str) -> str:
    return "" if not head or head.endswith("\n") else "\n"


def list_sections(text: str) -> list[Section]:
    """Return the sections of TOML text that is known to be sound, in their order."""
    headers: list[tuple[int, Path]] = []
    for found in _HEADER.finditer(text):
        keys = _read_header(found[0])
        # What looks like a header may be a line of an array or of a long string.
        if keys and _is_whole(text[: found.start()]):
            headers.append((found.start(), keys))
    ends = [*(begin for begin, _ in headers[1:]), None]
    return [
        Section(keys=keys, begin=begin, end=_find_end(text, begin, end))
        for (begin, keys), end in zip(headers, ends, strict=False)
    ]


def _find_end(text: str, begin: int, end: int | None) -> int:
    lines = text[begin:end].splitlines(keepends=True)
    while end is not None and len(lines) > 1 and lines[-1].lstrip().startswith("#"):
        lines.pop()
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    return begin + sum(map(len, lines))


def _read_header(line: str) -> Path:
    try:
        value: Any = tomli.loads(line)
    except tomli.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while value:
        value = value[0] if isinstance(value, list) else value
        [(key, value)] = value.items() if value else [("", None)]
        keys.append(key)
    return tuple(key for key in keys if key)


def _is_whole(text: str) -> bool:
    try:
        tomli.loads(text)
    except tomli.TOMLDecodeError:
        return False
    return True

"""What the listing commands print: a table where stdout is a terminal, else plain lines or JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def is_terminal() -> bool:
    """Tell whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def format_json(value: object) -> str:
    """Return `value` as JSON for a reader that may be a person."""
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def format_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return `rows`; on a terminal below the names of `columns`, in a pipe without those.

    The columns are as wide as they need be. What does not fit a line is wrapped by the terminal,
    so that a path can still be copied. Without rows there is nothing to print.
    """
    drawn = bool(rows) and is_terminal()
    lines = [columns, *rows] if drawn else rows
    widths = [
        max((count_columns(line[at]) for line in lines), default=0) for at in range(len(columns))
    ]
    if not drawn:
        return "".join(f"{_join(row, widths, '  ')}\n" for row in rows)
    head, *body = (f" {_join(line, widths, '   ')}\n" for line in lines)
    rule = "─" * (sum(widths) + 3 * (len(widths) - 1))
    return f"{head} {rule}\n{''.join(body)}"


def _join(cells: Sequence[str], widths: Sequence[int], gap: str) -> str:
    padded = (
        cell + " " * (width - count_columns(cell))
        for cell, width in zip(cells, widths, strict=True)
    )
    return gap.join(padded).rstrip()


def count_columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes (UAX 11)."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def format_facts(facts: Mapping[str, str | Sequence[str]]) -> str:
    """Return one ``name: value`` per line, and further values of one name below it."""
    lines = []
    for name, value in facts.items():
        values = [value] if isinstance(value, str) else [*value]
        lines += [(f"{name}:" if at == 0 else "", text) for at, text in enumerate(values)]
    width = max((len(label) for label, _ in lines), default=0) + 1
    return "".join(f"{label:<{width}}{text}".rstrip() + "\n" for label, text in lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """A part of a tree: a line, and what hangs below it."""

    label: str
    branches: tuple[Branch, ...] = ()


def format_tree(branches: Sequence[Branch]) -> str:
    """Return a drawn tree for a terminal, and one by indentation for a pipe."""
    if not is_terminal():
        return "".join(_indent(branch, "") for branch in branches)
    return "".join(_draw(branch, "", "") for branch in branches)


def _draw(branch: Branch, lead: str, below: str) -> str:
    """Return `branch` behind `lead`, and what hangs from it behind `below`."""
    text = f"{lead}{branch.label}\n"
    for child in branch.branches:
        is_last = child is branch.branches[-1]
        text += _draw(
            child,
            f"{below}{'└── ' if is_last else '├── '}",
            f"{below}{'    ' if is_last else '│   '}",
        )
    return text


def _indent(branch: Branch, prefix: str) -> str:
    lines = (_indent(child, prefix + "  ") for child in branch.branches)
    return f"{prefix}{branch.label}\n" + "".join(lines)

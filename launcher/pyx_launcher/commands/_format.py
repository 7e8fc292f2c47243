"""What the listing commands print: a table where stdout is a terminal, else plain lines or JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console


WIDEST = 10_000
"""Columns of a table; no terminal has as many."""


def is_terminal() -> bool:
    """Tell whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def format_json(value: object) -> str:
    """Return `value` as JSON for a reader that may be a person."""
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def format_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return `rows` under the names of `columns`; without those and without colour in a pipe.

    The plain form has columns as wide as they need be, and a line for each row. Without rows there
    is nothing to print.
    """
    if rows and is_terminal():
        return _draw_table(columns, rows)
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(len(columns))]
    lines = ("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def format_facts(facts: Mapping[str, str | Sequence[str]]) -> str:
    """Return one ``name: value`` per line, and further values of one name below it."""
    lines = []
    for name, value in facts.items():
        values = [value] if isinstance(value, str) else [*value]
        lines += [(f"{name}:" if at == 0 else "", text) for at, text in enumerate(values)]
    width = max((len(label) for label, _ in lines), default=0) + 1
    return "".join(f"{label:<{width}}{text}".rstrip() + "\n" for label, text in lines)


def _draw_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        # As text, since what comes from a lock may look like rich's markup.
        table.add_row(*(Text(cell) for cell in row))
    console = _open_console()
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def _open_console() -> Console:
    from rich.console import Console

    # What does not fit a line is wrapped by the terminal, so that a path can still be copied.
    return Console(width=WIDEST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """A part of a tree: a line, and what hangs below it."""

    label: str
    branches: tuple[Branch, ...] = ()


def format_tree(branches: Sequence[Branch]) -> str:
    """Return a drawn tree for a terminal, and one by indentation for a pipe."""
    if not is_terminal():
        return "".join(_indent(branch, "") for branch in branches)
    from rich.text import Text
    from rich.tree import Tree

    def grow(tree: Tree, below: Sequence[Branch]) -> Tree:
        for branch in below:
            grow(tree.add(Text(branch.label)), branch.branches)
        return tree

    console = _open_console()
    with console.capture() as capture:
        for branch in branches:
            console.print(grow(Tree(Text(branch.label)), branch.branches))
    return capture.get()


def _indent(branch: Branch, prefix: str) -> str:
    lines = (_indent(child, prefix + "  ") for child in branch.branches)
    return f"{prefix}{branch.label}\n" + "".join(lines)

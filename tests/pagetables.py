"""Tables in pages of the documentation that a program writes, between two comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import format_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row = tuple[str, ...]


def replace_between(page: str, start: str, end: str, text: str) -> str:
    """Return the page with `text` between its comments. Raises ValueError where it has none."""
    before, found, rest = page.partition(start)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page has no place for this: {start.strip()}")
    return f"{before}{start}{text}{end}{after}"


def replace_rows(
    page: str,
    marks: tuple[str, str],
    head: Sequence[str],
    order: Iterable[str],
    rows: Mapping[str, Row],
    note: str,
) -> str:
    """Return the page with `rows` put into its table, and `note` below it.

    A row is known by its first cell, one of `order`; those that are not given stay. Raises
    ValueError where the page has no place between the comments `marks`.
    """
    start, end = marks
    old = page.partition(start)[2].partition(end)[0]
    cells = (line.split("|")[1:-1] for line in old.splitlines() if line[:1] == "|")
    known = {name: (name, *rest) for name, *rest in ([*map(str.strip, line)] for line in cells)}
    table = {**known, **rows}
    text = format_table(head, [table[name] for name in order if name in table])
    return replace_between(page, start, end, f"{text}\n{note}\n")

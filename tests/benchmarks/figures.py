"""The figures of README.md: the rows of docs/performance.md that have a budget, and nothing else.

Input: the text of both pages. Output: README.md with the block between its two comments replaced.
So README.md never has a figure that the benchmarks have not put on the page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from measure import format_table

if TYPE_CHECKING:
    from collections.abc import Sequence

START = "<!-- figures: written by tests/benchmarks/run.py -->\n"
END = "<!-- end of figures -->\n"
COMMAND = "pyx tests/benchmarks/run.py --wheelhouse DIR"
NONE = f"No figures yet: `{COMMAND}` writes them here.\n"


def read_budgets(page: str) -> list[tuple[str, str, float, float]]:
    """Return what, against what, ratio and budget of each row of `page` that has a budget.

    Of rows that differ in the interpreter alone it is the worst.
    """
    rows: dict[tuple[str, str], tuple[float, float]] = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 6 and all(re.fullmatch(r"\d+\.\d+", cell) for cell in cells[2:4]):
            what, most = (cells[0], cells[1]), float(cells[3])
            rows[what] = (max(float(cells[2]), rows.get(what, (0.0, 0.0))[0]), most)
    return [(*what, *figures) for what, figures in rows.items()]


def format_figures(page: str) -> str:
    """Return the block for README.md: when and where it was measured, and the rows."""
    rows = read_budgets(page)
    if not rows:
        return NONE
    facts = [line[2:] for line in page.splitlines() if line.startswith("- ")][:2]
    table = [(what, peer, f"{ratio:.2f}", f"{most:.2f}") for what, peer, ratio, most in rows]
    return (
        "Ratios of wall time: below 1, pyx takes less. Where several Pythons were measured, it is\n"
        "the worst of them. Each ratio has a budget that a change must keep.\n"
        f"{_judge(rows)} {_sentence(facts)} `{COMMAND}` measures\n"
        "it anew and writes this table and [docs/performance.md](docs/performance.md).\n\n"
        + format_table(("what", "against", "ratio", "at most"), table)
    )


def _judge(rows: Sequence[tuple[str, str, float, float]]) -> str:
    over = [f"{what} against {peer}" for what, peer, ratio, most in rows if ratio > most]
    if not over:
        return "All are kept."
    return f"{len(over)} of {len(rows)} are not kept: {'; '.join(over)}."


def _sentence(facts: Sequence[str]) -> str:
    text = "; ".join(facts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def replace_figures(readme: str, page: str) -> str:
    """Return `readme` with the figures of `page`. Raises ValueError where it has no place."""
    before, found, rest = readme.partition(START)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError("README.md has no place for figures")
    return before + START + format_figures(page) + END + after

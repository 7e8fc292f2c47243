"""The figures of README.md: the budgets as docs/performance.md has them, and nothing else.

Input: the text of both pages. Output: README.md with the block between its two comments replaced.
So README.md never has a figure that the benchmarks have not put on the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from measure import format_table

if TYPE_CHECKING:
    from collections.abc import Sequence

START = "<!-- figures: written by tests/benchmarks/run.py -->\n"
END = "<!-- end of figures -->\n"
COMMAND = "pyx tests/benchmarks/run.py --wheelhouse DIR"
NONE = f"No figures yet: `{COMMAND}` writes them here.\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What is measured against what, the worst ratio of all runs, and the greatest allowed."""

    what: str
    against: str
    ratio: float
    most: float


def read_budgets(page: str) -> list[Budget]:
    """Return the rows of the section on budgets, in the form that `budgets` gives them."""
    lines = _find_section(page)
    head, *rows = ([*map(str.strip, line.split("|")[1:-1])] for line in lines if line[:1] == "|")
    runs = [at for at, name in enumerate(head) if name.startswith("run ")]
    return [
        Budget(
            what=row[0],
            against=row[1],
            most=float(row[2]),
            ratio=max(float(row[at]) for at in runs),
        )
        for row in rows[1:]
    ]


def _find_section(page: str) -> list[str]:
    _, _, section = page.partition("### Budgets\n")
    return section.partition("\n#")[0].splitlines()


def format_figures(page: str) -> str:
    """Return the block for README.md: when and where it was measured, and the rows."""
    if "### Budgets\n" not in page:
        return NONE
    budgets = read_budgets(page)
    facts = "; ".join(line[2:] for line in page.splitlines() if line.startswith("- "))
    rows = [(b.what, b.against, f"{b.ratio:.2f}", f"{b.most:.2f}") for b in budgets]
    rest = [line for line in _find_section(page) if line and line[0] != "|"]
    return (
        "Ratios of wall time: below 1, pyx takes less. The worst of all runs is shown, and the\n"
        f"budget that a change must keep. {_judge(budgets)}\n\n"
        + format_table(("what", "against", "ratio", "budget"), rows)
        + "".join(f"\n{line}\n" for line in rest)
        + f"\n[docs/performance.md](docs/performance.md) has the rest: {facts}.\n"
        f"`{COMMAND}` measures it anew, and writes that page and this block.\n"
    )


def _judge(budgets: Sequence[Budget]) -> str:
    over = [f"{b.what} against {b.against}" for b in budgets if b.ratio > b.most]
    if not over:
        return "All are kept."
    return f"{len(over)} of {len(budgets)} are not kept: {'; '.join(over)}."


def replace_figures(readme: str, page: str) -> str:
    """Return `readme` with the figures of `page`. Raises ValueError where it has no place."""
    before, found, rest = readme.partition(START)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError("README.md has no place for figures")
    return before + START + format_figures(page) + END + after

"""The table of docs/locks.md: which project was compared under which format, and the outcome.

A cell says how many distributions there were, on CPython 3.10 and on 3.13, for each choice of
extras and groups; or what the format lacks. Every cell is written by the test that found it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from oracle.projects import PROJECTS
from oracle.tools import FORMATS

if TYPE_CHECKING:
    from oracle.projects import Project

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "locks.md"

START = "<!-- The rest is written by the tests; see CONTRIBUTING.md. -->\n"

NOT_RUN = "not run"
NOT_HAD = "-"


def read_cells(text: str) -> dict[tuple[str, str], str]:
    """Return every outcome that a page states: by project and format."""
    lines = [line for line in text.partition(START)[2].splitlines() if line.startswith("| ")]
    rows = [line.strip("| ").split(" | ") for line in lines]
    return {
        (row[0], form): cell
        for row in rows[1:]
        for form, cell in zip(rows[0][1:], row[1:], strict=True)
    }


def read_cell(project: str, form: str) -> str | None:
    """Return one outcome that the page states, or None."""
    return read_cells(PAGE.read_text(encoding="utf-8")).get((project, form))


def write_cell(project: str, form: str, outcome: str) -> None:
    """Write one outcome into the page."""
    with FileLock(f"{PAGE}.lock"):
        text = PAGE.read_text(encoding="utf-8")
        cells = read_cells(text) | {(project, form): outcome}
        PAGE.write_text(render_page(text.partition(START)[0], cells), encoding="utf-8")
    Path(f"{PAGE}.lock").unlink(missing_ok=True)


def render_page(prose: str, cells: dict[tuple[str, str], str]) -> str:
    """Return the page: its prose, the outcomes, and what is special about each project."""
    head = ["project", *(form.name for form in FORMATS)]
    rows = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for project in PROJECTS:
        outcomes = [
            NOT_HAD if form.find_lack(project) else cells.get((project.name, form.name), NOT_RUN)
            for form in FORMATS
        ]
        rows.append(f"| {' | '.join([project.name, *outcomes])} |")
    projects = [f"- *{project.name}*: {project.about}{_lacks(project)}." for project in PROJECTS]
    return f"{prose}{START}\n" + "\n".join([*rows, "", *projects, ""])


def _lacks(project: Project) -> str:
    """Return which formats cannot express a project, and why, as a further part of a sentence."""
    lacks: dict[str, list[str]] = {}
    for form in FORMATS:
        lack = form.find_lack(project)
        if lack:
            lacks.setdefault(lack, []).append(form.name)
    return "".join(f"; not {', '.join(names)}: {lack}" for lack, names in lacks.items())

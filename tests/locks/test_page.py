"""docs/locks.md: the outcome of the lock oracle, which needs tools that not every machine has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from oracle.matrix import NOT_HAD, PAGE, START, read_cells, render_page
from oracle.projects import PROJECTS
from oracle.tools import FORMATS

if TYPE_CHECKING:
    from oracle.projects import Project

OUTCOME = re.compile(r"\d+(\+\d+)* / \d+(\+\d+)*\Z")


def test_the_page_names_every_project_and_format() -> None:
    """The table has a cell for each project under each format of the oracle, and no other."""
    cells = read_cells(PAGE.read_text(encoding="utf-8"))
    assert set(cells) == {(project.name, form.name) for project in PROJECTS for form in FORMATS}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_every_cell_has_an_outcome(project: Project) -> None:
    """What a format can express has been compared; what it cannot has a dash."""
    cells = read_cells(PAGE.read_text(encoding="utf-8"))
    for form in FORMATS:
        cell = cells[project.name, form.name]
        if form.find_lack(project):
            assert cell == NOT_HAD
        else:
            assert OUTCOME.match(cell), form.name


def test_the_page_is_what_its_cells_make_of_it() -> None:
    """Nothing below the prose is written by hand, so that the oracle can write it again."""
    text = PAGE.read_text(encoding="utf-8")
    prose, found, _ = text.partition(START)
    assert found
    assert render_page(prose, read_cells(text)) == text


def test_a_changed_cell_changes_the_page_there_alone() -> None:
    """Writing one outcome leaves every other as it is."""
    text = PAGE.read_text(encoding="utf-8")
    cells = read_cells(text)
    changed = render_page(text.partition(START)[0], cells | {("markers", "uv.lock"): "1 / 2"})
    assert read_cells(changed) == cells | {("markers", "uv.lock"): "1 / 2"}
    assert changed != text


def test_the_oracle_is_wide_enough() -> None:
    """Names are unique, and each format has been compared over most of the projects."""
    assert len({project.name for project in PROJECTS}) == len(PROJECTS) >= 12
    for form in FORMATS:
        assert sum(form.find_lack(project) is None for project in PROJECTS) >= 8, form.name

"""What the benchmarks make of their measurements: medians, tables, budgets, plots, sizes."""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from figures import NONE, format_figures, read_budgets, replace_figures
from installed import ROOT
from large import END, HEAD, PROGRAMS, PROJECTS, START, replace_rows
from measure import Command, Row, format_results, list_exceeded, measure, measure_rows
from plot import Line, draw_plot
from scale import measure_usage


def sleeper(label: str, seconds: float, directory: Path, **more: object) -> Command:
    """Return a command that takes at least `seconds`."""
    program = f"import time; time.sleep({seconds})"
    return Command(
        label=label,
        words=(sys.executable, "-I", "-S", "-c", program),
        environ=dict(os.environ),
        directory=str(directory),
        **more,  # type: ignore[arg-type]
    )


def test_a_ratio_is_of_the_medians_and_held_against_its_budget(tmp_path: Path) -> None:
    """Who takes ten times as long is far over a budget of 1, and who takes a tenth is not."""
    slow, quick = sleeper("slow", 0.5, tmp_path), sleeper("quick", 0.0, tmp_path)
    rows = [
        Row(name="a", subject=slow, peers=(quick,), at_most={"quick": 1.0}),
        Row(name="b", subject=quick, peers=(slow,), at_most={"slow": 1.0}),
    ]
    results = measure_rows(rows, 3, unmeasured=1)
    assert results[0].ratio("quick") > 1 > results[1].ratio("slow")
    (line,) = list_exceeded(results)
    assert line.startswith("a against quick: ")
    assert [line.split(" | ")[:2] for line in format_results(results).splitlines()[2:]] == [
        ["| a", "quick"],
        ["| b", "slow"],
    ]


def test_a_command_runs_where_its_preparation_says(tmp_path: Path) -> None:
    """It is prepared before each run, and the run takes place in the directory that it returns."""
    made: list[str] = []

    def prepare() -> str:
        made.append(str(tmp_path / str(len(made))))
        Path(made[-1]).mkdir()
        return made[-1]

    program = "open('was-here', 'x')"
    command = Command(
        label="it",
        words=(sys.executable, "-I", "-S", "-c", program),
        environ=dict(os.environ),
        directory=str(tmp_path),
        prepare=prepare,
    )
    measure(Row(name="row", subject=command, peers=()), 2, unmeasured=1)
    assert len(made) == 3
    assert all((Path(directory) / "was-here").is_file() for directory in made)


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    """What ends early would look quick."""
    command = Command(
        label="it",
        words=(sys.executable, "-I", "-S", "-c", "raise SystemExit(3)"),
        environ=dict(os.environ),
        directory=str(tmp_path),
    )
    with pytest.raises(RuntimeError, match="ended with status"):
        measure(Row(name="row", subject=command, peers=()), 1)


def test_a_plot_is_the_same_for_the_same_figures() -> None:
    """It is well-formed, has each point once and each label as text."""
    lines = [
        Line(label="one & only", points=[(1, 2), (10, 20), (100, 50)]),
        Line(label="two", points=[(1, 3), (100, 400)]),
    ]
    drawn = draw_plot("title", "x", "y", lines)
    assert drawn == draw_plot("title", "x", "y", lines)
    tree = ET.fromstring(drawn)  # noqa: S314 -- it was written here
    space = "{http://www.w3.org/2000/svg}"
    assert len(tree.findall(f"{space}circle")) == 5
    assert {"title", "x", "y", "one & only", "two", "10", "100"} <= {
        text.text for text in tree.findall(f"{space}text")
    }


def test_what_has_a_name_elsewhere_takes_nothing(tmp_path: Path) -> None:
    """Of files with several names only those are counted that have all of them here."""
    here = tmp_path / "here"
    (here / "below").mkdir(parents=True)
    (tmp_path / "shared").write_bytes(b"x" * 5000)
    (here / "shared").hardlink_to(tmp_path / "shared")
    empty = measure_usage(here)
    assert empty.inodes == 2
    (here / "own").write_bytes(os.urandom(5000))
    (here / "below" / "own").hardlink_to(here / "own")
    usage = measure_usage(here)
    assert usage.inodes == 3
    assert usage.bytes - empty.bytes >= 5000


PAGE = """\
# Performance

- measured on 2026-01-01: Linux
- 2 processors

### Budgets

| what | against | at most | run 1 | run 2 | python alone |
|---|---|---|---|---|---|
| warm start | `python -I` | 1.12 | 1.10 | 1.05 | 1.00, 1.00 |
| cold | uv | 1.00 | 0.90 | 1.30 |  |

A further environment takes 150 kB.

### More

| what | against | ratio | at most | pyx, ms | the other, ms |
|---|---|---|---|---|---|
| warm start | pex | 0.20 |  | 11.0 | 55.0 |
"""


def test_the_readme_has_the_budgets() -> None:
    """It says which are not kept, and the rest of it stays as it is."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    changed = replace_figures(readme, PAGE)
    assert "| warm start | `python -I` | 1.10 | 1.12 |\n| cold | uv | 1.30 | 1.00 |\n" in changed
    assert "1 of 2 are not kept: cold against uv." in changed
    assert "\nA further environment takes 150 kB.\n" in changed
    assert "measured on 2026-01-01: Linux; 2 processors" in changed
    assert "pex" not in format_figures(PAGE)
    assert "All are kept." in format_figures(PAGE.replace("1.30", "0.95"))
    assert replace_figures(changed, "") == replace_figures(readme, "")
    assert NONE in replace_figures(readme, "")


def test_figures_are_read_as_they_are_written() -> None:
    """The table is the one that the benchmark of the budgets makes."""
    found = [(b.what, b.against, b.ratio, b.most) for b in read_budgets(PAGE)]
    assert found == [("warm start", "`python -I`", 1.10, 1.12), ("cold", "uv", 1.30, 1.00)]
    source = (ROOT / "tests" / "benchmarks" / "budgets.py").read_text(encoding="utf-8")
    assert '["what", "against", "at most"]' in source
    assert "### Budgets\\n" in source


def test_the_readme_has_no_other_figures() -> None:
    """What stands there is what docs/performance.md says."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert replace_figures(readme, page) == readme


def test_a_row_of_large_packages_replaces_its_own_and_no_other() -> None:
    """A run of one project keeps the rows of all others, in the order of the projects."""
    first, second, *_ = PROJECTS
    row = {name: (name, *("1" for _ in HEAD[1:])) for name in (first, second)}
    page = replace_rows(f"above\n{START}{END}below\n", {second: row[second]}, "One.")
    page = replace_rows(page, {first: row[first]}, "Two.")
    page = replace_rows(page, {second: (second, *("2" for _ in HEAD[1:]))}, "Three.")
    lines = page.splitlines()
    assert [
        line.split(" | ")[:2] for line in lines if line.startswith(("| " + first, "| " + second))
    ] == [
        [f"| {first}", "1"],
        [f"| {second}", "2"],
    ]
    assert (lines[0], lines[-3], lines[-1]) == ("above", "Three.", "below")
    with pytest.raises(ValueError, match="no place"):
        replace_rows("a page", {}, "One.")


def test_each_large_project_has_its_program() -> None:
    """What is compared lies beside the benchmark, one program for each row."""
    assert {path.stem for path in PROGRAMS.glob("*.py")} == {*PROJECTS, "watch"}

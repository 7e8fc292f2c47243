"""Measure first starts: ``pyx tests/benchmarks/first.py [--wheelhouse DIR] [--quick]``.

Every distribution is in pyx's store and in uv's cache; the project is new in each round. Without a
wheelhouse there are only generated distributions.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ground import Ground, prepare_ground
from measure import Result, Row, format_results, list_exceeded, measure, measure_rows
from plot import Line, draw_plot
from projects import (
    WEB,
    Project,
    equal_start,
    filled_project,
    first_start,
    make_wheels,
    switched,
    uv_run,
    uv_sync,
)

if TYPE_CHECKING:
    from pathlib import Path

SIZES = (10, 30, 100, 300, 1000)
QUICK_SIZES = (10, 100)
ROUNDS = 9
MODULES = 40


def measure_first(ground: Ground) -> tuple[str, list[str]]:
    """Return the tables, and what exceeds its budget."""
    rounds = min(ground.rounds, ROUNDS)
    results: list[Result] = []
    for name, wheels in choose_wheels(ground).items():
        with filled_project(ground, name, wheels) as project:
            rows = make_rows(ground, project, is_real=ground.wheelhouse is not None)
            results += measure_rows(rows, rounds)
            if name == "few":
                results.append(measure(make_switched_row(ground, project), rounds))
            if name == "all" and ground.wheelhouse is not None:
                results.append(measure(make_useful_row(ground, project), min(rounds, 5)))
    return "### First starts\n\n" + format_results(results), list_exceeded(results)


def choose_wheels(ground: Ground) -> dict[str, list[Path]]:
    """Return the wheels of each project: real ones as far as there are any."""
    made = make_wheels(ground.directory / "made", 100 if ground.quick else 300, MODULES)
    real = sorted(ground.wheelhouse.glob("*.whl")) if ground.wheelhouse else made[:78]
    few = [w for w in real if w.name.split("-")[0].lower().replace("_", "-") in WEB]
    return {"few": few if len(few) == len(WEB) else real[:12], "all": real, "many": made}


def make_rows(ground: Ground, project: Project, *, is_real: bool) -> list[Row]:
    """Return the rows of one project."""
    peer, frozen = uv_sync(ground, project), uv_sync(ground, project, "--frozen")
    kind = "generated" if project.name == "many" or not is_real else "real"
    what = f"{project.size} {kind} packages"
    is_all = project.name.startswith("all")
    start = ("-c", "pass")
    return [
        Row(
            name=f"first start, {what}",
            subject=first_start(ground, project, "start", *start),
            peers=(peer, frozen) if is_all else (peer,),
            at_most=_limit(project) if is_real else {},
        ),
        Row(
            name=f"`pyx sync`, {what}",
            subject=first_start(ground, project, "sync", "sync"),
            peers=(peer,),
        ),
        Row(
            name=f"second project with an equal lock, {what}",
            subject=equal_start(ground, project, "equal", *start),
            peers=(peer,),
        ),
    ]


def _limit(project: Project) -> dict[str, float]:
    if project.name.startswith("all"):
        return {"`uv sync`": 0.60}
    return {"`uv sync`": 2.20} if project.name.startswith("few") else {}


def make_switched_row(ground: Ground, project: Project) -> Row:
    """Start with a lock that was there before, and is back."""
    start, uv = ("-c", "pass"), ground.find("uv") or "uv"
    return Row(
        name=f"start after a lock has come back, {project.size} packages",
        subject=switched(ground, project, "pyx", ground.pyx, *start),
        peers=(switched(ground, project, "`uv run`", uv, "run", "--quiet", "python", *start),),
    )


USEFUL = ("pandas", "django", "sympy")


def make_useful_row(ground: Ground, project: Project) -> Row:
    """Run a program that does something in a second project, when a first one has run it before."""
    program = "; ".join(f"import {name}" for name in USEFUL)
    ground.call(ground.pyx, "-c", program, directory=project.directory)
    return Row(
        name=f"second project, first run of {', '.join(USEFUL)}",
        subject=equal_start(ground, project, "useful", "-c", program),
        peers=(uv_run(ground, project, program),),
        at_most={"`uv run`": 0.18},
    )


def measure_sizes(ground: Ground) -> tuple[str, str]:
    """Return a table and a plot of the cost of a first start by the number of packages."""
    sizes = QUICK_SIZES if ground.quick else SIZES
    wheels = make_wheels(ground.directory / "sized", max(sizes), 10)
    results: list[Result] = []
    for size in sizes:
        with filled_project(ground, f"size-{size}", wheels[:size]) as project:
            row = Row(
                name=f"{size} packages",
                subject=first_start(ground, project, "pyx", "-c", "pass"),
                peers=(uv_sync(ground, project),),
            )
            results.append(measure(row, min(ground.rounds, 5), unmeasured=1))
    labels = {"pyx": "first start, pyx", "`uv sync`": "uv sync"}
    lines = [
        Line(
            label=shown,
            points=[(s, r.medians[label]) for s, r in zip(sizes, results, strict=True)],
        )
        for label, shown in labels.items()
    ]
    title = "Cost of a new environment whose files are all there"
    plot = draw_plot(title, "packages of 11 modules each", "milliseconds", lines)
    return "### Cost by the number of packages\n\n" + format_results(results), plot


def main() -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    with prepare_ground() as ground:
        text, exceeded = measure_first(ground)
        sizes, _ = measure_sizes(ground)
    sys.stdout.write(f"{text}\n{sizes}")
    sys.stderr.writelines(f"over budget: {line}\n" for line in exceeded)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure the budgets alone, three times: ``pyx tests/benchmarks/budgets.py --wheelhouse DIR``.

Each run is a table column of its own, so that chance can be told from what holds. Beside a warm
start stands what python alone takes, which no launcher can go below.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cold import PROCESSOR, cold_place, make_index_row, make_local_row, serving
from first import choose_wheels, make_useful_row
from first import make_rows as make_first_rows
from ground import Ground, prepare_ground
from imports import make_rows as make_import_rows
from measure import Result, format_table, measure, measure_rows, of_processor
from projects import filled_project, set_aside
from scale import measure_usage
from starts import BARE, make_row, measure_in_project, write_programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUNS, QUICK_RUNS = 3, 1
START_ROUNDS, FIRST_ROUNDS, IMPORT_ROUNDS, COLD_ROUNDS = 40, 9, 10, 3
BYTES, INODES = 200_000, 6.0
"""What one further environment may take on disk, and how many inodes for each distribution."""


def measure_budgets(ground: Ground) -> tuple[str, list[str]]:
    """Return the table of all budgets, and those that were exceeded in any run."""
    runs = [dict(_measure_all(ground, n)) for n in range(QUICK_RUNS if ground.quick else RUNS)]
    lines, exceeded = [], []
    for key, (limit, _, _) in runs[0].items():
        ratios = [run[key][1] for run in runs if key in run]
        floors = [run[key][2] for run in runs if key in run]
        bare = ", ".join(f"{floor:.2f}" for floor in floors if floor is not None)
        lines.append([*key, f"{limit:.2f}", *(f"{ratio:.2f}" for ratio in ratios), bare])
        if max(ratios) > limit:
            exceeded.append(f"{key[0]} against {key[1]}: {max(ratios):.2f}, at most {limit:.2f}")
    head = ["what", "against", "at most"]
    head += [f"run {number + 1}" for number in range(len(runs))]
    text = format_table([*head, "python alone"], lines)
    return f"### Budgets\n\n{text}\n{_describe_disk(ground, exceeded)}", exceeded


Found = tuple[tuple[str, str], tuple[float, float, "float | None"]]
"""What is compared with what; the budget, the ratio, and the ratio of python alone if it is one."""


def _measure_all(ground: Ground, number: int) -> Iterator[Found]:
    if ground.wheelhouse is not None:
        yield from _describe(_measure_first(ground, number))
    yield from _describe(_measure_starts(ground, number))
    if ground.wheelhouse is not None:
        yield from _describe(_measure_cold(ground))


def _describe(results: list[Result]) -> Iterator[Found]:
    for result in results:
        for peer, limit in result.row.at_most.items():
            medians: Mapping[str, float] = result.medians
            if peer in medians:
                floor = medians[BARE] / medians[peer] if BARE in medians and peer != BARE else None
                yield (result.row.name, peer), (limit, result.ratio(peer), floor)


def _measure_starts(ground: Ground, number: int) -> list[Result]:
    directory = ground.directory / f"budgets-{number}"
    kinds = [kind for kind in write_programs(directory) if kind.at_venv]
    rows = [make_row(ground, kind, "3.12", directory) for kind in kinds]
    results = [measure(row, min(ground.rounds, START_ROUNDS), unmeasured=4) for row in rows]
    return [*results, measure_in_project(ground, f"started-{number}")]


def _measure_first(ground: Ground, number: int) -> list[Result]:
    wheels, rounds = choose_wheels(ground), min(ground.rounds, FIRST_ROUNDS)
    with filled_project(ground, f"all-{number}", wheels["all"]) as project:
        results = [measure(make_useful_row(ground, project), min(rounds, 5))]
        results += measure_rows(make_first_rows(ground, project, is_real=True)[:1], rounds)
        imports = make_import_rows(ground, project)[:1]
        results += [measure(row, min(ground.rounds, IMPORT_ROUNDS)) for row in imports]
    with filled_project(ground, f"few-{number}", wheels["few"]) as project:
        return results + measure_rows(make_first_rows(ground, project, is_real=True)[:1], rounds)


def _measure_cold(ground: Ground) -> list[Result]:
    assert ground.wheelhouse is not None
    rounds = min(ground.rounds, COLD_ROUNDS)
    with cold_place(ground) as place:
        local = measure(make_local_row(place), rounds, unmeasured=1)
        with serving(ground.wheelhouse) as url:
            index = measure(make_index_row(place, url), rounds, unmeasured=1)
        return [local, of_processor(local, PROCESSOR), index]


def _describe_disk(ground: Ground, exceeded: list[str]) -> str:
    """Tell what an environment takes beside its entries; adds to `exceeded` if it is too much."""
    if ground.wheelhouse is None:
        return ""
    with filled_project(ground, "disk", choose_wheels(ground)["all"]) as project:
        # One that nobody has run yet: bytecode of single modules comes to lie in it, as in a venv.
        set_aside(ground, ground.directory / "pyx" / "data" / "environments")
        tell = (ground.pyx, "-c", "import sys; print(sys.prefix)")
        prefix = ground.call(*tell, directory=project.directory).strip()
        usage, size = measure_usage(Path(prefix)), project.size
    if usage.bytes > BYTES or usage.inodes > INODES * size:
        exceeded.append(f"a further environment takes {usage.bytes} bytes, {usage.inodes} inodes")
    return (
        f"A further environment of {size} packages, as it is made, takes "
        f"{usage.bytes / 1000:.0f} kB (at most {BYTES / 1000:.0f}) and {usage.inodes} inodes, "
        f"{usage.inodes / size:.1f} for each package (at most {INODES:.0f}).\n"
    )


def main() -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    with prepare_ground() as ground:
        text, exceeded = measure_budgets(ground)
    sys.stdout.write(text)
    sys.stderr.writelines(f"over budget: {line}\n" for line in exceeded)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())

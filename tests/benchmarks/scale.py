"""Measure a large store: ``pyx tests/benchmarks/scale.py [--quick]``.

Fills one store with 10,000 generated entries and 1,000 environments of twelve of them each, and
compares starts, `sync` and `info` of one project with those in a store that has that project
alone. Tells also what a further environment takes on disk.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ground import Ground, prepare_ground
from measure import Row, format_results, format_table, measure
from projects import make_wheels
from wheelhouse import pylock_text

ENTRIES, ENVIRONMENTS = 10_000, 1_000
QUICK_ENTRIES, QUICK_ENVIRONMENTS = 400, 20
PER_LOCK = 1_000
PER_ENVIRONMENT = 12
ROUNDS = 15
BIG, SMALL = "scale-big", "scale-small"


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a directory takes."""

    bytes: int
    inodes: int


def measure_scale(ground: Ground) -> str:
    """Return the tables."""
    count = QUICK_ENTRIES if ground.quick else ENTRIES
    number = QUICK_ENVIRONMENTS if ground.quick else ENVIRONMENTS
    directory = ground.directory / "scale"
    wheels = make_wheels(directory / "wheels", count, 1)
    all_locks = [wheels[at : at + PER_LOCK] for at in range(0, count, PER_LOCK)]
    whole = [_make_project(directory, f"all-{n}", some) for n, some in enumerate(all_locks)]
    step = max(1, (count - PER_ENVIRONMENT) // number)
    parts = [
        _make_project(directory, f"part-{n}", wheels[n * step : n * step + PER_ENVIRONMENT])
        for n in range(number)
    ]
    environ = ground.environ(home=BIG)
    for project in whole:
        ground.call(ground.pyx, "sync", directory=project, environ=environ)
    environments = ground.directory / BIG / "data" / "environments"
    before = measure_usage(environments)
    _sync_all(ground, parts)
    after = measure_usage(environments)
    ground.call(ground.pyx, "sync", directory=parts[0], environ=ground.environ(home=SMALL))
    what = f"{count:,} entries, {number + len(whole):,} environments"
    results = [measure(row, min(ground.rounds, ROUNDS)) for row in _make_rows(ground, parts[0])]
    text = f"### One store with {what}\n\n" + format_results(results)
    return text + "\n" + _describe(before, after, number)


def _make_project(directory: Path, name: str, wheels: list[Path]) -> Path:
    project = directory / name
    project.mkdir()
    (project / "pylock.toml").write_text(pylock_text(wheels))
    return project


def _sync_all(ground: Ground, projects: list[Path]) -> None:
    environ = ground.environ(home=BIG)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
        jobs = [
            workers.submit(ground.call, ground.pyx, "sync", directory=project, environ=environ)
            for project in projects
        ]
        for job in jobs:
            job.result()


def _make_rows(ground: Ground, project: Path) -> list[Row]:
    rows = []
    for what, words in {
        "warm start": ("-c", "pass"),
        "`pyx sync`, nothing to do": ("sync",),
        "`pyx info`": ("info",),
    }.items():
        big, small = (
            ground.command(
                label, ground.pyx, *words, directory=project, environ=ground.environ(home=home)
            )
            for label, home in (("pyx", BIG), ("a store with this project alone", SMALL))
        )
        rows.append(Row(name=what, subject=big, peers=(small,)))
    return rows


def measure_usage(directory: Path) -> Usage:
    """Return what `directory` holds alone: a file with a name elsewhere takes nothing here."""
    names: Counter[int] = Counter()
    infos: dict[int, os.stat_result] = {}
    for place, directories, files in os.walk(directory):
        for name in ("", *directories, *files):
            info = Path(place, name).lstat()
            # Each directory is counted where it is walked, once.
            if not name or not stat.S_ISDIR(info.st_mode):
                names[info.st_ino] += 1
                infos[info.st_ino] = info
    alone = [
        info
        for inode, info in infos.items()
        if stat.S_ISDIR(info.st_mode) or names[inode] == info.st_nlink
    ]
    return Usage(bytes=sum(info.st_blocks * 512 for info in alone), inodes=len(alone))


def _describe(before: Usage, after: Usage, count: int) -> str:
    each = (after.bytes - before.bytes) / count / 1000
    inodes = (after.inodes - before.inodes) / count
    head = ("each further environment", "takes", "at most")
    lines = [
        ["disk", f"{each:.0f} kB", "200 kB"],
        ["inodes for each package", f"{inodes / PER_ENVIRONMENT:.1f}", "6"],
    ]
    return format_table(head, lines)


def main() -> int:
    """Measure and print."""
    with prepare_ground() as ground:
        sys.stdout.write(measure_scale(ground))
    return 0


if __name__ == "__main__":
    sys.exit(main())

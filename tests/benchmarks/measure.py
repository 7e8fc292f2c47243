"""Time commands side by side: interleaved, so that whatever else the machine does hits them all."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

COLLECTED = re.compile(r"^==\d+== Collected : (\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One contender of a row."""

    label: str
    words: tuple[str, ...]
    environ: Mapping[str, str]
    directory: str
    prepare: Callable[[], str] | None = None
    """Called before each run, outside of the measured time; returns another directory to run in.

    It puts aside rather than deletes: on ext4 an inode that has just been freed is passed over for
    minutes, which makes whatever comes next look slow.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What is measured against what, and the budget for the ratio of the medians."""

    name: str
    subject: Command
    peers: tuple[Command, ...]
    at_most: Mapping[str, float] = field(default_factory=dict)
    """Label of a peer → the greatest ratio that is acceptable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The medians of one row, in milliseconds."""

    row: Row
    medians: Mapping[str, float]
    """Of wall time, by the label of the command."""
    processor: Mapping[str, float] = field(default_factory=dict)
    """Of processor time, with that of all processes which were waited for."""

    def ratio(self, peer: str) -> float:
        """Return how long the subject took, with the peer's time as 1."""
        return self.medians[self.row.subject.label] / self.medians[peer]


def of_processor(result: Result, at_most: Mapping[str, float]) -> Result:
    """Return the row once more, for the processor time that was taken meanwhile."""
    row = replace(result.row, name=f"{result.row.name}, processor time", at_most=at_most)
    return Result(row=row, medians=result.processor)


def measure(row: Row, rounds: int, *, unmeasured: int = 2) -> Result:
    """Run every command of `row` once per round, after rounds that do not count.

    Raises RuntimeError where a command fails.
    """
    return measure_rows([row], rounds, unmeasured=unmeasured)[0]


def measure_rows(rows: Sequence[Row], rounds: int, *, unmeasured: int = 2) -> list[Result]:
    """Measure several rows at once: commands of equal labels are one and run once per round.

    Raises RuntimeError where a command fails.
    """
    found = {each.label: each for row in rows for each in (row.subject, *row.peers)}
    commands = list(found.values())
    taken: dict[str, list[Taken]] = {command.label: [] for command in commands}
    for number in range(rounds + unmeasured):
        # Each is first as often as last, for who follows may find caches that another has filled.
        for command in commands if number % 2 else reversed(commands):
            each = run(command)
            if number >= unmeasured:
                taken[command.label].append(each)
    wall = {label: statistics.median(each.wall for each in runs) for label, runs in taken.items()}
    processor = {
        label: statistics.median(each.processor for each in runs) for label, runs in taken.items()
    }
    return [Result(row=row, medians=wall, processor=processor) for row in rows]


class Taken(NamedTuple):
    """What one run took, in milliseconds."""

    wall: float
    processor: float


def run(command: Command) -> Taken:
    """Run one process to its end. No shell and no pipe is in the way.

    Raises RuntimeError where it fails.
    """
    directory = command.prepare() if command.prepare else command.directory
    nowhere = os.open(os.devnull, os.O_RDWR)
    before = Path.cwd()
    os.chdir(directory)
    try:
        start = time.perf_counter_ns()
        child = os.posix_spawn(
            command.words[0],
            command.words,
            {**command.environ, "PWD": directory},
            file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, fd) for fd in (0, 1, 2)],
        )
        _, status, usage = os.wait4(child, 0)
        elapsed = (time.perf_counter_ns() - start) / 1e6
    finally:
        os.chdir(before)
        os.close(nowhere)
    if status != 0:
        raise RuntimeError(f"{' '.join(command.words)} ended with status {status} in {directory}")
    return Taken(wall=elapsed, processor=(usage.ru_utime + usage.ru_stime) * 1e3)


def count_instructions(command: Command, valgrind: str) -> float | None:
    """Return how many million instructions `command` takes; None where valgrind cannot tell."""
    words = [valgrind, "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]
    told = subprocess.run(
        [*words, *command.words],
        env={**command.environ, "PYTHONHASHSEED": "0"},
        cwd=command.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    counts = COLLECTED.findall(told.stderr)
    return sum(map(int, counts)) / 1e6 if counts and told.returncode == 0 else None


def format_results(results: Sequence[Result]) -> str:
    """Return the results as a table in Markdown, one line for each pair."""
    rows = []
    for result in results:
        own = result.medians[result.row.subject.label]
        for peer in result.row.peers:
            limit = result.row.at_most.get(peer.label)
            cells = [result.row.name, peer.label, f"{result.ratio(peer.label):.2f}"]
            times = [f"{own:.1f}", f"{result.medians[peer.label]:.1f}"]
            rows.append([*cells, f"{limit:.2f}" if limit else "", *times])
    head = ("what", "against", "ratio", "at most", "pyx, ms", "the other, ms")
    return format_table(head, rows)


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def list_exceeded(results: Sequence[Result]) -> list[str]:
    """Return one line for each budget that was exceeded."""
    return [
        f"{result.row.name} against {peer}: {result.ratio(peer):.2f}, at most {limit:.2f}"
        for result in results
        for peer, limit in result.row.at_most.items()
        if peer in result.medians and result.ratio(peer) > limit
    ]

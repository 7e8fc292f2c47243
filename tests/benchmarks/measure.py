"""Time commands side by side: interleaved, so that whatever else the machine does hits them all."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One contender of a row."""

    label: str
    words: tuple[str, ...]
    environ: Mapping[str, str]
    directory: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What is measured against what, and the budget for the ratio of the medians."""

    name: str
    subject: Command
    peers: tuple[Command, ...]
    at_most: Mapping[str, float]
    """Label of a peer → the greatest ratio that is acceptable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The medians of one row, in milliseconds."""

    row: Row
    medians: Mapping[str, float]

    def ratio(self, peer: str) -> float:
        """Return how long the subject took, with the peer's time as 1."""
        return self.medians[self.row.subject.label] / self.medians[peer]


def measure(row: Row, rounds: int) -> Result:
    """Run every command of `row` once per round, after two rounds that do not count.

    Raises RuntimeError where a command fails.
    """
    commands = (row.subject, *row.peers)
    times: dict[str, list[float]] = {command.label: [] for command in commands}
    for number in range(rounds + 2):
        for command in commands:
            elapsed = _run(command)
            if number >= 2:
                times[command.label].append(elapsed)
    medians = {label: statistics.median(values) for label, values in times.items()}
    return Result(row=row, medians=medians)


def _run(command: Command) -> float:
    """Run one process to its end; returns milliseconds. No shell and no pipe is in the way."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        start = time.perf_counter_ns()
        child = os.posix_spawn(
            command.words[0],
            command.words,
            {**command.environ, "PWD": command.directory},
            file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, fd) for fd in (0, 1, 2)],
        )
        _, status = os.waitpid(child, 0)
        elapsed = (time.perf_counter_ns() - start) / 1e6
    finally:
        os.close(nowhere)
    if status != 0:
        raise RuntimeError(f"{' '.join(command.words)} ended with status {status}")
    return elapsed


def format_table(results: Sequence[Result]) -> str:
    """Return the results as a table in Markdown."""
    lines = ["| what | against | ratio | at most |", "|---|---|---|---|"]
    for result in results:
        for peer in result.row.peers:
            limit = result.row.at_most.get(peer.label)
            ratio = result.ratio(peer.label)
            lines.append(f"| {result.row.name} | {peer.label} | {ratio:.2f} | {limit or ''} |")
    return "\n".join(lines) + "\n"

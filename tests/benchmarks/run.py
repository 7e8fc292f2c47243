"""Run every benchmark and write ``docs/performance.md``, its plots and the figures of README.md.

    pyx tests/benchmarks/run.py --wheelhouse DIR [--tools DIR:DIR] [--quick] [ARTIFACT...]

takes about 45 minutes, with ``--quick`` about 8, and then writes below ``--into`` alone. The page
is there after each part, so that a run may be ended early. Returns 1 if a budget is exceeded. A
benchmark that cannot run says why on stderr and is left out. ARTIFACTs are wheels, standalone
archives and packages, whose sizes and starts are told.
"""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from artifacts import KINDS, measure_artifacts
from budgets import measure_budgets
from bundles import measure_bundles
from cold import measure_cold
from counts import measure_counts
from figures import replace_figures
from first import measure_first, measure_sizes
from ground import Ground, prepare_ground
from imports import measure_imports
from layouts import measure_layouts
from locks import measure_locks
from scale import measure_scale
from starts import measure_starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
README = DOCS.parent / "README.md"
PEERS = ("uv", "pipx", "pex", "shiv", "poetry", "pdm", "pip-run")
INTRODUCTION = """\
# Performance

What is measured is ratios: the commands of a row run in turn, on one machine, in the same minutes,
and the medians of their wall time are compared. A ratio below 1 says that pyx takes less.
Instructions are counted by callgrind and do not depend on what else the machine does; where both
differ, believe the instructions. The budgets ("at most") are those of `CONTRIBUTING.md`.

"""


def main() -> int:
    """Measure everything, and write the page anew after each part."""
    arguments = sys.argv[1:]
    into = DOCS
    if "--into" in arguments:
        at = arguments.index("--into")
        into = Path(arguments[at + 1]).resolve()
        del arguments[at : at + 2]
    elif "--quick" in arguments:
        sys.stderr.write("quick figures do not go into docs/; name a directory: --into DIR\n")
        return 64
    artifacts = [Path(word).resolve() for word in arguments if word.endswith(KINDS)]
    arguments = [word for word in arguments if not word.endswith(KINDS)]
    into.mkdir(parents=True, exist_ok=True)
    exceeded: list[str] = []
    with prepare_ground(arguments) as ground:
        page = INTRODUCTION + describe_machine(ground)
        for section in measure_all(ground, artifacts):
            page += f"\n{section.text}"
            exceeded += section.exceeded
            if section.plot:
                name, drawing = section.plot
                (into / f"{name}.svg").write_text(drawing, encoding="utf-8")
                page += f"\n![{name}]({name}.svg)\n"
            write_page(into, page)
    sys.stderr.writelines(f"over budget: {line}\n" for line in exceeded)
    return 1 if exceeded else 0


def write_page(into: Path, page: str) -> None:
    """Write what is there of the page; README.md belongs to the page in docs/ alone."""
    (into / "performance.md").write_text(page, encoding="utf-8")
    if into == DOCS:
        readme = README.read_text(encoding="utf-8")
        README.write_text(replace_figures(readme, page), encoding="utf-8")


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of the page, and what exceeds its budget there."""

    text: str
    exceeded: list[str] = field(default_factory=list)
    plot: tuple[str, str] | None = None
    """The name and the content of a drawing below the text."""


def measure_all(ground: Ground, artifacts: list[Path]) -> Iterator[Section]:
    """Yield the sections of the page, those that most depends on first."""
    for measure in (
        measure_budgets,
        measure_counts,
        measure_starts,
        measure_first,
        measure_imports,
    ):
        answer = _attempt(measure, ground)
        if answer and answer[0]:
            yield Section(text=answer[0], exceeded=answer[1])
    plotted = {"cost-by-size": measure_sizes, "direct-or-farm": measure_layouts}
    for name, measure_and_plot in plotted.items():
        drawn = _attempt(measure_and_plot, ground)
        if drawn:
            yield Section(text=drawn[0], plot=(name, drawn[1]))
    locks = _attempt(measure_locks, ground)
    if locks:
        yield Section(text=locks)
    if artifacts:
        table = _attempt(lambda ground: measure_artifacts(ground, artifacts), ground)
        if table:
            yield Section(text=f"### What is installed\n\n{table}")
    bundles = _attempt(measure_bundles, ground)
    if bundles:
        yield Section(text=bundles)
    cold = _attempt(measure_cold, ground)
    if cold and cold[0]:
        yield Section(text=cold[0], exceeded=cold[1])
    scale = _attempt(measure_scale, ground)
    if scale:
        yield Section(text=scale)


def _attempt(measure: Callable[[Ground], T], ground: Ground) -> T | None:
    start = time.monotonic()
    try:
        return measure(ground)
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"left out {measure.__name__}: {error}\n")
        return None
    finally:
        taken = time.monotonic() - start
        sys.stderr.write(f"{measure.__name__}: {taken:.0f} s\n")


def describe_machine(ground: Ground) -> str:
    """Return where, when and by which command the figures came about."""
    uname = platform.uname()
    file_system = _first_line("stat", "-f", "-c", "%T", str(ground.directory))
    peers = [(name, ground.find(name)) for name in PEERS]
    versions = [_first_line(path, "--version") for _, path in peers if path]
    today = datetime.datetime.now(tz=datetime.timezone.utc).date()
    lines = [
        f"- measured on {today}: {uname.system} {uname.release} {uname.machine}",
        f"- {os.cpu_count()} processors, file system {file_system}",
        f"- {_first_line(ground.pyx, '--version')} under pyx, Python {', '.join(ground.pythons)}",
        f"- peers: {', '.join(filter(None, versions)) or 'none'}",
        f"- {ground.rounds} rounds at most; `pyx tests/benchmarks/run.py --wheelhouse DIR`",
    ]
    return "\n".join(lines) + "\n"


def _first_line(*words: str) -> str:
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    lines = told.stdout.strip().splitlines()
    name = Path(words[0]).name
    known = lines[0] if lines else ""
    return f"{name} {known}" if known[:1].isdigit() else known


if __name__ == "__main__":
    sys.exit(main())

"""Count instructions: ``pyx tests/benchmarks/counts.py --wheelhouse DIR``.

They do not depend on what else the machine does. Counted are programs that people run, in a
virtual environment that uv made and in pyx's environment of the same lock, and the slow path with
nothing left to do. Needs valgrind.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from first import choose_wheels
from ground import Ground, prepare_ground
from measure import count_instructions, format_table
from projects import Project, filled_project

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

PROGRAMS = {
    "black": ("`black --version`", ("-m", "black", "--version")),
    "pytest": ("`pytest --version`", ("-m", "pytest", "--version")),
    "django": ("`django --version`", ("-m", "django", "--version")),
    "pandas": ("`import pandas`", ("-c", "import pandas")),
}
"""By the package that each needs."""
AT_VENV = 0.99
SLOW_MILLIONS = 200
WITHOUT_START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "exec(sys.argv[2]) if sys.argv[1] == '-c' else "
    "(sys.argv.pop(0), sys.argv.pop(0), runpy.run_module(sys.argv[0], None, '__main__', True))"
)
"""Runs a program with a path that is given, which is the least that any start could do."""


def measure_counts(ground: Ground) -> tuple[str, list[str]]:
    """Return the tables, and what exceeds its budget; nothing without valgrind and a wheelhouse."""
    valgrind = ground.find("valgrind")
    if ground.wheelhouse is None or valgrind is None:
        return "", []
    wheels = choose_wheels(ground)
    with filled_project(ground, "counted", wheels["all"]) as project:
        packages = {wheel.name.split("-")[0].lower() for wheel in wheels["all"]}
        lines = list(_count_programs(ground, project, packages, valgrind))
    with filled_project(ground, "slow", wheels["few"]) as project:
        sync = ground.command("pyx", ground.pyx, "sync", directory=project.directory)
        slow = count_instructions(sync, valgrind) or 0
        size = project.size
    head = ("instructions, millions", "pyx", "venv", "bare", "pyx / venv", "at most", "bare / venv")
    exceeded = [f"{line[0]}: {line[4]} of a venv, at most {line[5]}" for line in lines if line[7]]
    what = f"`pyx sync` with nothing to do, {size} packages"
    if slow > SLOW_MILLIONS:
        exceeded.append(f"{what}: {slow:.0f} million instructions, at most {SLOW_MILLIONS}")
    return (
        "### Instructions\n\n"
        + format_table(head, [line[:7] for line in lines])
        + "\nBare is `python -I -S` that is given the same path and runs the same module.\n\n"
        + f"{what}: {slow:.0f} million instructions, at most {SLOW_MILLIONS}.\n"
    ), exceeded


def _count_programs(
    ground: Ground, project: Project, packages: Container[str], valgrind: str
) -> Iterator[list[str]]:
    """Yield the cells of each row, and a last one that is empty where the budget is kept."""
    there = {"directory": project.directory}
    tell = (ground.pyx, "-c", "import json, sys; print(json.dumps(sys.path[1:]))")
    path = ground.call(*tell, **there).strip()
    bare = (ground.python, "-I", "-S", "-c", WITHOUT_START, path)
    venv = project.directory / ".venv" / "bin" / "python"
    for package, (what, words) in PROGRAMS.items():
        if package not in packages:
            continue
        commands = [
            ground.command(label, *start, *words, **there)
            for label, start in {"pyx": (ground.pyx,), "venv": (venv,), "bare": bare}.items()
        ]
        counts = []
        for command in commands:
            # What is compiled once is not counted, nor what is decided once.
            for _ in range(2):
                ground.call(*command.words, **there)
            counts.append(count_instructions(command, valgrind) or 0)
        own, peer, least = counts
        ratio = own / peer if peer else 0
        over = "over" if round(ratio, 2) > AT_VENV else ""
        cells = [*(f"{count:.1f}" for count in counts), f"{ratio:.2f}", f"{AT_VENV:.2f}"]
        yield [what, *cells, f"{least / peer if peer else 0:.2f}", over]


def main() -> int:
    """Count, print, and return 1 if a budget is exceeded."""
    with prepare_ground() as ground:
        text, exceeded = measure_counts(ground)
    sys.stdout.write(text or "name a directory of wheels: --wheelhouse DIR\n")
    sys.stderr.writelines(f"over budget: {line}\n" for line in exceeded)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())

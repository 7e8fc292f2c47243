"""Count instructions: ``pyx tests/benchmarks/counts.py --wheelhouse DIR``.

They do not depend on what else the machine does. Counted are programs that people run, in a
virtual environment that uv made and in pyx's environment of the same lock, and the slow path with
nothing left to do: recalled, decided anew, and what of that is imports. Needs valgrind.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from first import choose_wheels
from ground import Ground, prepare_ground
from measure import count_instructions, format_table
from projects import Project, filled_project

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from measure import Command

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
        ground.call(*sync.words, directory=project.directory)
        slow = count_instructions(sync, valgrind) or 0
        parts = _count_parts(ground, sync, valgrind)
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
        + f"{what}: {slow:.0f} million instructions, at most {SLOW_MILLIONS}.\n\n"
        + "The same where it is decided anew, and what of it is there before anything is done:\n\n"
        + format_table(("what a process has done", "millions", "more"), parts)
    ), exceeded


LIBRARIES = {
    "python has started": "pass",
    "… and imported `json`, `pathlib`, `re`, `threading`": "import json, pathlib, re, threading",
    "… and `packaging.version`": "import packaging.version",
    "… and `packaging.utils`, with `logging`, `platform`, `subprocess`": "import packaging.utils",
    "… and `packaging.requirements`, with `dataclasses`": "import packaging.requirements",
}
"""What a slow start imports first; each line holds for those below it."""
IMPORT_ALL = """
import importlib
for name in {}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
"""
"""Not all that is counted as imported is a module, such as `typing.io`."""


def _count_parts(ground: Ground, sync: Command, valgrind: str) -> list[list[str]]:
    """Return the lines of a table of what `sync` takes that finds no decision from before."""
    launcher = Path(ground.pyx).resolve().with_name("pyx-launcher")
    python = launcher.read_bytes().partition(b"\n")[0].removeprefix(b"#!").decode().strip()
    decisions = Path(sync.environ["PYX_CACHE_DIR"]) / "decisions"
    shutil.rmtree(decisions)
    told = subprocess.run(
        [python, "-I", "-X", "importtime", launcher, *sync.words[1:]],
        env=dict(sync.environ),
        cwd=sync.directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = (line for line in told.stderr.splitlines() if line.startswith("import time:"))
    names = [line.rpartition("|")[2].strip() for line in lines][1:]
    codes = dict(
        zip(LIBRARIES, itertools.accumulate(LIBRARIES.values(), "{}; {}".format), strict=True)
    )
    codes[f"… and all of its {len(names)} modules"] = IMPORT_ALL.format(names)
    counts = {
        what: count_instructions(
            ground.command(what, python, "-I", "-c", code, directory=Path(sync.directory)), valgrind
        )
        for what, code in codes.items()
    }
    shutil.rmtree(decisions)
    counts["… and decided, found everything, and said so"] = count_instructions(sync, valgrind)
    rows, before = [], 0.0
    for what, count in counts.items():
        rows.append([what, f"{count or 0:.0f}", f"{(count or 0) - before:.0f}" if before else ""])
        before = count or 0
    return rows


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

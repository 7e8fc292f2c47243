"""Measure warm starts: ``pyx tests/benchmarks/starts.py [--quick] [--tools DIR:DIR]``.

Five kinds of program, on several interpreters, against plain python, a virtual environment and
uv; an empty script also against other tools, those of them that are found. Where valgrind is
there, instructions are counted as well, which other work on the machine does not change.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from first import choose_wheels
from ground import Ground, prepare_ground
from measure import (
    Command,
    Result,
    Row,
    count_instructions,
    format_results,
    format_table,
    list_exceeded,
    measure,
)
from projects import filled_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EMPTY = "print('hello')\n"
IMPORTS = "import os, json\nprint(json.dumps(os.getcwd()))\n"
FUNCTION = """\
def f{n}(a, b={n}):
    '''Return {n}.'''
    x = a + b * {n}
    return [x for _ in range(a)]

"""
LARGE = "".join(FUNCTION.format(n=n) for n in range(1150)) + "print('large')\n"
INLINE = "# /// script\n# dependencies = []\n# ///\n" + EMPTY
TOOL_ROUNDS = 12
BARE = "bare `python -I -S`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of program: python's words for it, and the budgets."""

    name: str
    words: tuple[str, ...]
    at_venv: float | None = None
    at_bare: float | None = None


def measure_starts(ground: Ground) -> tuple[str, list[str]]:
    """Return the tables, and what exceeds its budget."""
    texts: list[str] = []
    exceeded: list[str] = []
    versions = list(ground.pythons)
    for version in ["3.12"] if ground.quick and "3.12" in versions else versions:
        directory = ground.directory / f"starts-{version}"
        kinds = write_programs(directory)
        rows = [make_row(ground, kind, version, directory) for kind in kinds]
        results = [measure(row, ground.rounds, unmeasured=4) for row in rows]
        texts += [f"### Warm starts, Python {version}\n", format_results(results)]
        texts += list(_count(ground, version, rows))
        exceeded += [f"Python {version}: {line}" for line in list_exceeded(results)]
    in_project = measure_in_project(ground, "start")
    texts += ["### An empty script in a project that is in order\n", format_results([in_project])]
    texts += [
        "### An empty script, against other tools\n",
        format_results([measure_tools(ground)]),
    ]
    return "\n".join(texts), exceeded + list_exceeded([in_project])


def write_programs(directory: Path) -> list[Kind]:
    """Write the scripts into the new directory, settled so that their bytecode is cached."""
    directory.mkdir()
    scripts = {"empty": EMPTY, "imports": IMPORTS, "large": LARGE}
    for name, text in scripts.items():
        (directory / f"{name}.py").write_text(text)
        os.utime(directory / f"{name}.py", (time.time() - 60,) * 2)
    (directory / "data.json").write_text('{"a": [1, 2, 3]}\n')
    # A change time cannot be set; the launcher waits until a script is that old.
    time.sleep(2.5)
    return [
        Kind(name="empty script", words=("empty.py",), at_venv=0.97, at_bare=1.12),
        Kind(name="`os` and `json`", words=("imports.py",), at_venv=0.97),
        Kind(name="100 kB script", words=("large.py",), at_venv=0.65),
        Kind(name="`-m json.tool`", words=("-m", "json.tool", "data.json")),
        Kind(name="`-c`", words=("-c", "print('hello')")),
    ]


def make_row(ground: Ground, kind: Kind, version: str, directory: Path) -> Row:
    """Return the row of one kind of program on one interpreter, with everything warmed up."""
    python = ground.pythons[version]
    environ = ground.environ(python, home=f"starts-home-{version}")
    venv = directory / "venv"
    if not venv.exists():
        ground.call(python, "-I", "-m", "venv", "--without-pip", venv, directory=directory)
    there = {"directory": directory, "environ": environ}
    subject = ground.command("pyx", ground.pyx, *kind.words, **there)
    peers = [
        ground.command("venv", venv / "bin" / "python", *kind.words, **there),
        ground.command(BARE, python, "-I", "-S", *kind.words, **there),
    ]
    uv = ground.find("uv")
    if uv:
        run = (uv, "run", "--offline", "--no-project", "--python", python)
        words = kind.words if kind.words[0].endswith(".py") else ("python", *kind.words)
        peers.append(ground.command("`uv run`", *run, *words, **there))
    limits = {"venv": kind.at_venv, BARE: kind.at_bare}
    at_most = {label: limit for label, limit in limits.items() if limit}
    return Row(name=kind.name, subject=subject, peers=tuple(peers), at_most=at_most)


def _count(ground: Ground, version: str, rows: list[Row]) -> Iterator[str]:
    valgrind = ground.find("valgrind")
    if valgrind is None:
        return
    lines = []
    for row in rows:
        counts = [count_instructions(each, valgrind) for each in (row.subject, *row.peers[:2])]
        if None not in counts:
            own, *others = (count or 0 for count in counts)
            cells = [f"{own:.1f}", *(f"{other:.1f}" for other in others)]
            lines.append([row.name, *cells, *(f"{own / other:.2f}" for other in others)])
    head = ("instructions, millions", "pyx", "venv", "bare", "pyx / venv", "pyx / bare")
    yield f"Python {version}:\n"
    yield format_table(head, lines)


def measure_in_project(ground: Ground, name: str) -> Result:
    """Measure what pyx is for: a script beside a lock, everything of which is there.

    Raises RuntimeError where uv is not there.
    """
    wheels = choose_wheels(ground)["few"]
    with filled_project(ground, name, wheels) as project:
        script = project.directory / "empty.py"
        script.write_text(EMPTY)
        time.sleep(2.5)
        uv = ground.find("uv") or "uv"
        there = {"directory": project.directory}
        row = Row(
            name=f"empty script, {project.size} packages locked",
            subject=ground.command("pyx", ground.pyx, "empty.py", **there),
            peers=(
                ground.command("`uv run` there", uv, "run", "empty.py", **there),
                ground.command("its venv", project.directory / ".venv/bin/python", script, **there),
                ground.command(BARE, ground.python, "-I", "-S", "empty.py", **there),
            ),
            at_most={"`uv run` there": 0.38},
        )
        return measure(row, ground.rounds, unmeasured=4)


def measure_tools(ground: Ground) -> Result:
    """Measure an empty script against every tool that is there."""
    directory = ground.directory / "tools"
    write_programs(directory)
    (directory / "inline.py").write_text(INLINE)
    environ = ground.environ(home="tools-home")
    subject = ground.command("pyx", ground.pyx, "empty.py", directory=directory, environ=environ)
    peers: list[Command] = []
    for label, make in TOOLS.items():
        try:
            words = make(ground, directory)
            if words:
                command = ground.command(label, *words, directory=directory)
                ground.call(*command.words, directory=directory)
                peers.append(command)
        except (OSError, RuntimeError) as error:
            sys.stderr.write(f"left out {label}: {error}\n")
    row = Row(name="empty script", subject=subject, peers=tuple(peers))
    return measure(row, min(ground.rounds, TOOL_ROUNDS))


def _uv_script(ground: Ground, directory: Path) -> list[str | Path] | None:
    uv = ground.find("uv")
    return uv and [uv, "run", "--offline", "--script", "inline.py"]


def _pipx(ground: Ground, directory: Path) -> list[str | Path] | None:
    pipx = ground.find("pipx")
    return pipx and [pipx, "run", "--python", ground.python, "--path", "inline.py"]


def _as_module(directory: Path) -> Path:
    """Make a directory with the script as a module, which is what an archive is made from."""
    source = directory / "source"
    source.mkdir(exist_ok=True)
    (source / "hello.py").write_text(f"def main():\n    {EMPTY}")
    return source


def _pex(ground: Ground, directory: Path) -> list[str | Path] | None:
    pex = ground.find("pex")
    if pex is None:
        return None
    into = directory / "hello.pex"
    words = ["-D", _as_module(directory), "-e", "hello:main", "--venv", "-o", into]
    ground.call(pex, *words, "--python", ground.python, directory=directory)
    return [into]


def _shiv(ground: Ground, directory: Path) -> list[str | Path] | None:
    shiv = ground.find("shiv")
    if shiv is None:
        return None
    into = directory / "hello.pyz"
    words = ["--site-packages", _as_module(directory), "-e", "hello:main", "-o", into]
    ground.call(shiv, *words, "-p", ground.python, directory=directory)
    return [into]


def _project(ground: Ground, directory: Path, name: str) -> Path:
    """Make a project without dependencies, with a virtual environment beside it."""
    project = directory / name
    project.mkdir()
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "{name}-project"\nversion = "0"\nrequires-python = ">=3.9"\n'
        "[tool.poetry]\npackage-mode = false\n[tool.pdm]\ndistribution = false\n"
    )
    ground.call(ground.python, "-I", "-m", "venv", project / ".venv", directory=project)
    return project


def _poetry(ground: Ground, directory: Path) -> list[str | Path] | None:
    poetry = ground.find("poetry")
    if poetry is None:
        return None
    project = _project(ground, directory, "poetry")
    (project / "poetry.toml").write_text("[virtualenvs]\nin-project = true\n")
    return [poetry, "run", "-C", project, "python", directory / "empty.py"]


def _pdm(ground: Ground, directory: Path) -> list[str | Path] | None:
    pdm = ground.find("pdm")
    if pdm is None:
        return None
    project = _project(ground, directory, "pdm")
    (project / ".pdm-python").write_text(f"{project / '.venv' / 'bin' / 'python'}\n")
    return [pdm, "run", "-p", project, "python", directory / "empty.py"]


def _pip_run(ground: Ground, directory: Path) -> list[str | Path] | None:
    pip_run = ground.find("pip-run")
    return pip_run and [pip_run, "--", "empty.py"]


TOOLS = {
    "`uv run --script`": _uv_script,
    "`pipx run`": _pipx,
    "`pex --venv`": _pex,
    "shiv": _shiv,
    "`poetry run`": _poetry,
    "`pdm run`": _pdm,
    "pip-run": _pip_run,
}
"""Each makes what its tool needs and returns the words of a start; None where it is not there."""


def main() -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    with prepare_ground() as ground:
        text, exceeded = measure_starts(ground)
    sys.stdout.write(text)
    sys.stderr.writelines(f"over budget: {line}\n" for line in exceeded)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())

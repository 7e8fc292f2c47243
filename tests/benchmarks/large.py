"""Run large distributions under pyx and in a virtual environment of the same lock, and compare.

``pyx tests/benchmarks/large.py [--tools DIR] [--rounds N] [NAME]…`` needs the index that pip is
configured for, a uv, and some gigabytes below the temporary directory. It writes the table "Large
packages" of docs/compatibility.md; with names, those rows alone. Times are processor times, so that
what else the machine does counts less.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pagetables

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS = Path(__file__).parent / "large"
PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
START = "<!-- large packages: written by tests/benchmarks/large.py -->\n"
END = "<!-- end of large packages -->\n"
PROJECTS = {
    "exchange": ("polars", "duckdb", "pyarrow"),
    "edges": ("opencv-python-headless",),
    "geography": ("geopandas", "pyogrio"),
    "lemmas": ("spacy", "spacy-lookups-data"),
    "laboratory": ("jupyterlab",),
    "playbook": ("ansible", "jmespath"),
    "gradient": ("jax[cpu]",),
    "fit": ("tensorflow-cpu",),
    "page": ("streamlit",),
}
HEAD = (
    "what runs",
    "packages",
    "distributions",
    "files",
    "output",
    "first run",
    "second run",
    "files opened",
    "loaded twice",
    "second project",
)
OPENED = re.compile(rb"^(?:\d+ +)?open(?:at)?\(.*\) = \d+", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two that are compared."""

    python: tuple[str, ...]
    """How its python is called; the arguments follow."""
    environ: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What was seen of one run."""

    output: str
    seconds: float
    """Processor time of the process and its children."""
    told: dict[str, object]
    """What `large/watch.py` wrote."""


def run_words(words: list[str], project: Path, environ: dict[str, str]) -> tuple[str, float]:
    """Run a process to its end; return what it printed and its processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        words,
        cwd=project,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{words[:4]}: {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_program(side: Side, project: Path, name: str, *, before: tuple[str, ...] = ()) -> Run:
    """Run the program `name` on one side; `before` is what starts it, such as a tracer."""
    told = project / "told.json"
    words = [*before, *side.python, "watch.py", f"{name}.py", str(told)]
    output, seconds = run_words(words, project, side.environ)
    return Run(output=output, seconds=seconds, told=json.loads(told.read_text(encoding="utf-8")))


def count_opened(side: Side, project: Path, name: str) -> int | None:
    """Return how many files a run opens, its children's included; None where there is no strace."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    trace = project / "trace"
    run_program(
        side,
        project,
        name,
        before=(strace, "-f", "-qq", "-e", "trace=open,openat", "-o", str(trace)),
    )
    count = len(OPENED.findall(trace.read_bytes()))
    trace.unlink()
    return count


def measure_usage(*directories: Path) -> int:
    """Return the bytes of disk below directories, each file once, however many names it has."""
    seen: dict[tuple[int, int], int] = {}
    for directory in directories:
        for root, folders, files in os.walk(directory):
            for name in (*folders, *files, "."):
                status = os.lstat(f"{root}/{name}")
                seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def prepare_project(ground: Path, name: str, environ: dict[str, str], uv: str, python: str) -> Path:
    """Lock the packages of a project by hash; return its directory, with the programs in it."""
    project = ground / name
    project.mkdir()
    shutil.copy(PROGRAMS / f"{name}.py", project)
    shutil.copy(PROGRAMS / "watch.py", project)
    (project / "requirements.in").write_text("\n".join(PROJECTS[name]) + "\n", encoding="utf-8")
    compile_words = [uv, "pip", "compile", "--quiet", "--generate-hashes", "--python", python]
    run_words([*compile_words, "requirements.in", "-o", "requirements.txt"], project, environ)
    return project


def make_venv(
    directory: Path, project: Path, environ: dict[str, str], uv: str, python: str
) -> Path:
    """Make a virtual environment of a project's lock; return its python."""
    run_words([uv, "venv", "--quiet", "--python", python, str(directory)], project, environ)
    sync = [
        uv,
        "pip",
        "sync",
        "--quiet",
        "--python",
        str(directory / "bin" / "python"),
        "requirements.txt",
    ]
    run_words(sync, project, environ)
    return directory / "bin" / "python"


def compare(
    name: str, ground: Path, pyx: str, uv: str, python: str, rounds: int
) -> tuple[str, ...]:
    """Return the row of one project."""
    environ = {
        **os.environ,
        "PYX_HOME": str(ground / "data"),
        "PYX_CACHE_DIR": str(ground / "cache"),
        "UV_CACHE_DIR": str(ground / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    # With it no bytecode would be kept, and no second run would differ from the first.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    project = prepare_project(ground, name, environ, uv, python)
    venv = make_venv(project / ".venv", project, environ, uv, python)
    run_words([pyx, "--python", python, "sync"], project, environ)
    here = Side(python=(pyx, "--python", python), environ=environ)
    there = Side(python=(str(venv),), environ=environ)

    first = [run_program(side, project, name) for side in (here, there)]
    later: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(rounds):
        for runs, side in zip(later, (here, there), strict=True):
            runs.append(run_program(side, project, name))
    opened = [count_opened(side, project, name) for side in (here, there)]
    seconds = [min(run.seconds for run in runs) for runs in later]
    same = len({run.output for run in (*first, *later[0], *later[1])}) == 1
    twice = [", ".join(map(str, runs[-1].told["twice"])) or "none" for runs in later]  # type: ignore[call-overload]
    lock = (project / "requirements.txt").read_text(encoding="utf-8")
    return (
        name,
        ", ".join(find_versions(name, lock)),
        str(len(re.findall(r"^\S+==", lock, re.MULTILINE))),
        f"{sum(len(files) for _, _, files in os.walk(venv.parents[1])):,}",
        "the same" if same else "differs",
        f"{first[0].seconds:.1f} / {first[1].seconds:.1f} s",
        f"{seconds[0] / seconds[1]:.2f}",
        "-" if None in opened else f"{opened[0]:,} / {opened[1]:,}",
        twice[0] if twice[0] == twice[1] else " / ".join(twice),
        measure_second(name, project, ground, (pyx, uv, python), environ),
    )


def find_versions(name: str, lock: str) -> list[str]:
    """Return the packages that were asked for, with the versions that were locked."""
    names = [re.split(r"[\[=<>]", text)[0] for text in PROJECTS[name]]
    locked = dict(re.findall(r"^([^=\s\[]+)(?:\[.*\])?==(\S+)", lock, re.MULTILINE))
    return [f"{asked} {locked[asked]}" for asked in names]


def measure_second(
    name: str, project: Path, ground: Path, tools: tuple[str, str, str], environ: dict[str, str]
) -> str:
    """Return what a second project takes on disk, under pyx and as a virtual environment.

    It locks one distribution more, or pyx would take the same environment for both.
    """
    pyx, uv, python = tools
    second = ground / f"{name}-second"
    second.mkdir()
    (second / "requirements.in").write_text(
        "\n".join((*PROJECTS[name], "colorama")) + "\n", encoding="utf-8"
    )
    shutil.copy(project / "requirements.txt", second)
    compile_words = [uv, "pip", "compile", "--quiet", "--generate-hashes", "--python", python]
    run_words([*compile_words, "requirements.in", "-o", "requirements.txt"], second, environ)
    before = measure_usage(ground / "data")
    run_words([pyx, "--python", python, "sync"], second, environ)
    mine = measure_usage(ground / "data") - before
    before = measure_usage(ground / "uv")
    make_venv(second / ".venv", second, environ, uv, python)
    theirs = measure_usage(ground / "uv", second / ".venv") - before
    shutil.rmtree(second)
    return f"{mine / 1e6:.1f} / {theirs / 1e6:.1f} MB"


def replace_rows(page: str, rows: Mapping[str, tuple[str, ...]], note: str) -> str:
    """Return the page with rows put into its table; those that were not run again stay.

    Raises ValueError where the page has no place for the table.
    """
    return pagetables.replace_rows(page, (START, END), HEAD, PROJECTS, rows, note)


def describe(python: str, uv: str) -> str:
    """Return the sentence that tells when, and with what, the last row was written."""
    told = [
        run_words([tool, "--version"], Path("/"), dict(os.environ))[0].strip()
        for tool in (python, uv)
    ]
    return f"Last written on {datetime.now(tz=timezone.utc).date()}, with {told[0]} and {told[1]}."


def main() -> int:
    """Compare every project that was named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", default=list(PROJECTS), help=", ".join(PROJECTS)
    )
    parser.add_argument("--pyx", default=shutil.which("pyx"), help="the native program to run")
    parser.add_argument("--python", default="3.12", help="the interpreter of all programs")
    parser.add_argument("--tools", default="", help="a directory with uv, before those of PATH")
    parser.add_argument("--rounds", type=int, default=3, help="second runs of each side")
    options = parser.parse_args()
    uv = shutil.which("uv", path=os.pathsep.join(filter(None, (options.tools, os.environ["PATH"]))))
    if options.pyx is None or uv is None:
        parser.error("needs pyx and uv: --pyx PATH, --tools DIR")
    pyx = str(Path(options.pyx).absolute())
    find = "import sys; print(sys._base_executable)"
    python = run_words(
        [pyx, "--python", options.python, "-I", "-c", find], Path("/"), dict(os.environ)
    )[0].strip()
    failed = 0
    for name in options.names:
        with tempfile.TemporaryDirectory(
            prefix="pyx-large-", ignore_cleanup_errors=True
        ) as directory:
            try:
                row = compare(name, Path(directory).resolve(), pyx, uv, python, options.rounds)
            except RuntimeError as error:
                sys.stderr.write(f"{name}: {error}\n")
                failed += 1
                continue
        sys.stdout.write(" | ".join(row) + "\n")
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(replace_rows(page, {name: row}, describe(python, uv)), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

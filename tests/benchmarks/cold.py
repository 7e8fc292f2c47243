"""Measure cold installs: ``pyx tests/benchmarks/cold.py --wheelhouse DIR [--quick]``.

DIR holds wheels for Python 3.12, made once by

    pip download --no-deps --only-binary :all: -r tests/benchmarks/cold.txt -d DIR

Every run finds an empty home, and all earlier writes on the disk. Nothing is deleted before the
end, since ext4 searches long for free inodes for some minutes after many were freed; let as much
time pass before the next run, or to make a file costs up to 30 times as much.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ground import Ground, prepare_ground
from indexserver import IndexServer
from measure import Command, Result, Row, format_results, list_exceeded, measure, of_processor
from wheelhouse import pylock_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DELAY = 0.02
"""Seconds that the index waits before each answer."""
PROCESSOR = {"`uv pip sync`": 1.15}
"""The budget for processor time."""
ROUNDS = 3
SLOW_ROUNDS = 1
"""Where a run takes a minute or more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where everything is, and the wheels that are installed."""

    ground: Ground
    directory: Path
    wheels: tuple[Path, ...]

    @property
    def pins(self) -> list[str]:
        """Return name and version of each wheel as a requirement."""
        pairs = [wheel.name.split("-")[:2] for wheel in self.wheels]
        return [f"{re.sub('[-_.]+', '-', name).lower()}=={version}" for name, version in pairs]


def measure_cold(ground: Ground) -> tuple[str, list[str]]:
    """Return the table, and what exceeds its budget; nothing without a wheelhouse."""
    if ground.wheelhouse is None:
        return "", []
    rounds = 2 if ground.quick else min(ground.rounds, ROUNDS)
    with cold_place(ground) as place:
        local = measure(make_local_row(place), rounds, unmeasured=1)
        results = [
            local,
            of_processor(local, PROCESSOR),
            measure(make_compiling_row(place), min(rounds, 2), unmeasured=0),
            *(measure(row, SLOW_ROUNDS, unmeasured=0) for row in make_first_run_rows(place)),
        ]
        with serving(ground.wheelhouse) as url:
            index = measure(make_index_row(place, url), rounds, unmeasured=1)
            results += [index, of_processor(index, {})]
            if not ground.quick:
                results += measure_slow(place, url)
    text = f"### Cold: {len(place.wheels)} wheels, nothing stored or cached before\n\n"
    return text + format_results(results), list_exceeded(results)


@contextlib.contextmanager
def cold_place(ground: Ground) -> Iterator[Place]:
    """Yield a directory whose subdirectories ext4 spreads over the disk, away from freed inodes."""
    assert ground.wheelhouse is not None
    directory = Path(tempfile.mkdtemp(prefix="cold-", dir=ground.directory))
    with contextlib.suppress(OSError):
        subprocess.run(["chattr", "+T", directory], check=False, capture_output=True)
    yield Place(
        ground=ground,
        directory=directory,
        wheels=tuple(sorted(ground.wheelhouse.glob("*.whl"))),
    )


def make_local_row(place: Place) -> Row:
    """Unpack everything from the local directory, without bytecode."""
    local = ("--no-index", "--find-links", str(place.wheels[0].parent))
    listed = write_list(place)
    lock = make_project(place, "local", pylock_text(place.wheels))
    return Row(
        name="local wheels",
        subject=fresh(place, "pyx", place.ground.pyx, "--project", lock, "sync"),
        peers=(uv_pip_sync(place, *local, listed),),
        at_most={"`uv pip sync`": 1.0},
    )


def make_compiling_row(place: Place) -> Row:
    """Unpack and compile everything."""
    local = ("--compile-bytecode", "--no-index", "--find-links", str(place.wheels[0].parent))
    lock = make_project(place, "compiled", pylock_text(place.wheels))
    return Row(
        name="local wheels, with bytecode",
        subject=fresh(place, "pyx", place.ground.pyx, "--project", lock, "sync", "--compile"),
        peers=(uv_pip_sync(place, *local, write_list(place)),),
    )


def make_first_run_rows(place: Place) -> list[Row]:
    """Run a program for the first time after the installation, which is not measured itself."""
    program = place.directory / "first.py"
    names = [
        name
        for name in ("pandas", "django", "sympy")
        if any(p.startswith(f"{name}=") for p in place.pins)
    ]
    program.write_text("".join(f"import {name}\n" for name in names))
    uv = place.ground.find("uv")
    if uv is None:
        raise RuntimeError("uv is not on PATH")
    rows = []
    for what, option in {"without": (), "with": ("--compile",)}.items():
        lock = make_project(place, f"run-{what}", pylock_text(place.wheels))
        own = ("--project", lock)
        install = (place.ground.pyx, *own, "sync", *option)
        subject = fresh(place, "pyx", place.ground.pyx, *own, str(program), install=install)
        bytecode = ("--compile-bytecode",) if option else ()
        local = ("--no-index", "--find-links", str(place.wheels[0].parent), write_list(place))
        install = (uv, "pip", "sync", *bytecode, *local, "--python", "{venv}/bin/python")
        peer = fresh(place, "venv, by uv", "{venv}/bin/python", str(program), install=install)
        name = f"first run ({', '.join(names)}) after an installation {what} bytecode"
        rows.append(Row(name=name, subject=subject, peers=(peer,)))
    return rows


def make_index_row(place: Place, url: str) -> Row:
    """Fetch everything from an index that takes its time to answer; both read the same lock."""
    lock = make_project(place, "remote", pylock_text(place.wheels, index_url=url))
    return Row(
        name=f"from an index, {DELAY * 1000:.0f} ms away",
        subject=fresh(place, "pyx", place.ground.pyx, "--project", lock, "sync"),
        peers=(uv_pip_sync(place, lock, "--preview"),),
        at_most={"`uv pip sync`": 1.0},
    )


def measure_slow(place: Place, url: str) -> list[Result]:
    """Measure pip, Poetry and PDM, those that are there and can lock what pyx installs."""
    results = []
    lock = str(place.directory / "remote" / "pylock.toml")
    for name, make in {"pip": _pip, "Poetry": _poetry, "PDM": _pdm}.items():
        try:
            peer = make(place, url)
            if peer is not None:
                subject = fresh(place, "pyx", place.ground.pyx, "--project", lock, "sync")
                row = Row(name="from the same index", subject=subject, peers=(peer,))
                results.append(measure(row, SLOW_ROUNDS, unmeasured=0))
        except (OSError, RuntimeError) as error:
            sys.stderr.write(f"left out {name}: {error}\n")
    return results


def uv_pip_sync(place: Place, *words: str) -> Command:
    """Return `uv pip sync` into a new virtual environment, with an empty cache."""
    uv = place.ground.find("uv")
    if uv is None:
        raise RuntimeError("uv is not on PATH")
    return fresh(place, "`uv pip sync`", uv, "pip", "sync", *words, "--python", "{venv}/bin/python")


def _pip(place: Place, url: str) -> Command:
    words = ("-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--index-url", url)
    return fresh(place, "pip", "{venv}/bin/python", *words, "-r", write_list(place), has_pip=True)


def _poetry(place: Place, url: str) -> Command | None:
    poetry = place.ground.find("poetry")
    source = f"[tool.poetry]\npackage-mode = false\n{_source('poetry', url)}"
    return poetry and _locked(place, "Poetry", source, poetry, ("lock",), ("sync",))


def _pdm(place: Place, url: str) -> Command | None:
    pdm = place.ground.find("pdm")
    source = (
        f'[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}"\n'
    )
    return pdm and _locked(place, "PDM", source, pdm, ("lock",), ("sync",))


def _source(tool: str, url: str) -> str:
    # PDM takes a source of this name in the place of the default one, Poetry any.
    return (
        f'[[tool.{tool}.source]]\nname = "{"pypi" if tool == "pdm" else "here"}"\nurl = "{url}"\n'
    )


def _locked(
    place: Place, label: str, tables: str, tool: str, lock: Sequence[str], sync: Sequence[str]
) -> Command:
    """Have a tool lock a project of its own, and return its installation of that."""
    project = place.directory / label
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "cold"\nversion = "0"\nrequires-python = "==3.12.*"\n'
        f"dependencies = [{', '.join(repr(pin) for pin in place.pins)}]\n{tables}"
    )
    environ = {**make_environ(place.ground, project), "VIRTUAL_ENV": ""}
    place.ground.call(tool, *lock, directory=project, environ=environ)
    return fresh(place, label, tool, *sync, directory=project)


def write_list(place: Place) -> str:
    """Write what is installed as requirements, and return the file."""
    listed = place.directory / "listed.txt"
    listed.write_text("".join(f"{pin}\n" for pin in place.pins))
    return str(listed)


def make_project(place: Place, name: str, text: str) -> str:
    """Write a lock and return its path."""
    directory = place.directory / name
    directory.mkdir()
    (directory / "pylock.toml").write_text(text)
    return str(directory / "pylock.toml")


def make_environ(ground: Ground, home: Path) -> dict[str, str]:
    """Return variables with which nothing but what lies in `home` is known."""
    return {
        "HOME": str(home),
        "PATH": ground.path,
        "LANG": "C.UTF-8",
        "PYX_PYTHON": ground.python,
        "UV_CACHE_DIR": str(home / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "VIRTUAL_ENV": str(home / "venv"),
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PDM_CHECK_UPDATE": "0",
        "NO_PROXY": "127.0.0.1",
    }


def fresh(
    place: Place,
    label: str,
    *words: str,
    directory: Path | None = None,
    has_pip: bool = False,
    install: Sequence[str] = (),
) -> Command:
    """Return a command that finds a new home and, at ``{venv}``, a new environment each time.

    Both are empty but for what the command `install` has put there.
    """
    home = Path(tempfile.mkdtemp(dir=place.directory))
    count = itertools.count()
    environ = make_environ(place.ground, home)

    def prepare() -> str:
        home.rename(place.directory / f"{home.name}.{next(count)}")
        home.mkdir()
        if label != "pyx":
            bare = () if has_pip else ("--without-pip",)
            venv = [place.ground.python, "-I", "-m", "venv", *bare, str(home / "venv")]
            subprocess.run(venv, check=True)
        if install:
            words = [word.format(venv=home / "venv") for word in install]
            place.ground.call(*words, directory=place.directory, environ=environ)
        os.sync()
        return str(directory or place.directory)

    return Command(
        label=label,
        words=tuple(word.format(venv=home / "venv") for word in words),
        environ=environ,
        directory=str(directory or place.directory),
        prepare=prepare,
    )


@contextlib.contextmanager
def serving(wheelhouse: Path) -> Iterator[str]:
    """Start an index in a process of its own and yield its URL."""
    words = [sys.executable, __file__, "--serve", str(wheelhouse)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        # It ends with its standard input.
        server.communicate()


def serve(wheelhouse: Path) -> int:
    """Print the URL of an index over `wheelhouse` and serve until stdin is closed."""
    with IndexServer(wheelhouse) as index:
        index.delay("/", DELAY)
        sys.stdout.write(f"{index.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


def main() -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    if sys.argv[1:2] == ["--serve"]:
        return serve(Path(sys.argv[2]))
    with prepare_ground() as ground:
        text, exceeded = measure_cold(ground)
        # The end of the directory takes a while.
        sys.stdout.write(text or "name a directory of wheels: --wheelhouse DIR\n")
        sys.stdout.flush()
    sys.stderr.writelines(f"over budget: {line}\n" for line in exceeded)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())

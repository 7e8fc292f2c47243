"""Measure cold installs: ``pyx tests/benchmarks/cold.py WHEELHOUSE [--rounds 5] [--pip]``.

WHEELHOUSE is a directory of wheels for the interpreter, made once by

    pip download --no-deps --only-binary :all: -r tests/benchmarks/cold.txt -d WHEELHOUSE

Prints a table of ratios, and beside them the medians.
Nothing is deleted before the end, since ext4 searches long for free inodes for some minutes after
many were freed; let as much time pass before the next run, or to make a file costs up to 30 times
as much. Every run starts with all earlier writes on the disk. `uv` must be on PATH.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from indexserver import IndexServer
from measure import Command, Row, format_results, list_exceeded, measure
from wheelhouse import pylock_text

if TYPE_CHECKING:
    from collections.abc import Iterator

DELAY = 0.02
"""Seconds that the index waits before each answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where everything is, and what takes part."""

    directory: Path
    wheels: tuple[Path, ...]
    python: Path
    pyx: str
    uv: str


def main() -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheelhouse", type=Path, nargs="?")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--python", default="3.12", help="version of the interpreter")
    parser.add_argument("--pyx", default=shutil.which("pyx") or "pyx")
    parser.add_argument("--uv", default=shutil.which("uv") or "uv")
    parser.add_argument("--pip", action="store_true", help="measure pip too, which takes long")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.serve is not None:
        return serve(options.serve)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as directory:
        # Directories below it are then spread over the disk, away from inodes that were just freed.
        subprocess.run(["chattr", "+T", directory], check=False, capture_output=True)
        place = make_place(Path(directory), options)
        results = [
            measure(make_row(place, pip=options.pip), options.rounds, unmeasured=1),
            measure(make_compiling_row(place), options.rounds, unmeasured=1),
        ]
        with serving(options.wheelhouse) as url:
            results.append(measure(make_index_row(place, url), options.rounds, unmeasured=1))
        # The end of the directory takes a while.
        sys.stdout.write(format_results(results))
        sys.stdout.flush()
    return 1 if list_exceeded(results) else 0


def make_place(directory: Path, options: argparse.Namespace) -> Place:
    """Find the real interpreter and the wheels."""
    find = [
        options.pyx,
        "--python",
        options.python,
        "-c",
        "import sys; print(sys._base_executable)",
    ]
    base = subprocess.run(
        find, env=make_environ(directory), capture_output=True, text=True, check=True
    )
    return Place(
        directory=directory,
        wheels=tuple(sorted(path.resolve() for path in options.wheelhouse.glob("*.whl"))),
        python=Path(base.stdout.strip()),
        pyx=options.pyx,
        uv=options.uv,
    )


def make_row(place: Place, *, pip: bool) -> Row:
    """Unpack everything from the local directory, without bytecode."""
    wheelhouse = place.wheels[0].parent
    listed = place.directory / "listed.txt"
    pairs = [path.name.split("-")[:2] for path in place.wheels]
    listed.write_text("".join(f"{name}=={version}\n" for name, version in pairs))
    local = ("--no-index", "--find-links", str(wheelhouse))
    words = (place.uv, "pip", "sync", *local, str(listed))
    peers = [fresh(place, "uv", *words, "--python", "{venv}/bin/python")]
    if pip:
        words = ("{venv}/bin/python", "-m", "pip", "install", "--no-compile", "--no-deps", *local)
        peers.append(fresh(place, "pip", *words, "-r", str(listed)))
    lock = make_project(place, "local", pylock_text(place.wheels))
    subject = fresh(
        place, "pyx", place.pyx, "--python", str(place.python), "--project", lock, "sync"
    )
    return Row(name="local wheels", subject=subject, peers=tuple(peers), at_most={"uv": 1.0})


def make_compiling_row(place: Place) -> Row:
    """Unpack and compile everything."""
    listed, wheelhouse = place.directory / "listed.txt", place.wheels[0].parent
    words = (place.uv, "pip", "sync", "--compile-bytecode", "--no-index", "--find-links")
    words = (*words, str(wheelhouse), str(listed), "--python", "{venv}/bin/python")
    lock = str(place.directory / "local" / "pylock.toml")
    own = (place.pyx, "--python", str(place.python), "--project", lock, "sync", "--compile")
    return Row(
        name="local wheels, with bytecode",
        subject=fresh(place, "pyx", *own),
        peers=(fresh(place, "uv", *words),),
        at_most={},
    )


def make_index_row(place: Place, url: str) -> Row:
    """Fetch everything from an index that takes its time to answer; both read the same lock."""
    lock = make_project(place, "remote", pylock_text(place.wheels, index_url=url))
    words = (place.uv, "pip", "sync", lock, "--python", "{venv}/bin/python", "--preview")
    return Row(
        name=f"from an index, {DELAY * 1000:.0f} ms away",
        subject=fresh(
            place, "pyx", place.pyx, "--python", str(place.python), "--project", lock, "sync"
        ),
        peers=(fresh(place, "uv", *words),),
        at_most={},
    )


def make_project(place: Place, name: str, text: str) -> str:
    """Write a lock and return its path."""
    directory = place.directory / name
    directory.mkdir()
    (directory / "pylock.toml").write_text(text)
    return str(directory / "pylock.toml")


def make_environ(home: Path) -> dict[str, str]:
    """Return variables with which nothing but what lies in `home` is known."""
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "UV_CACHE_DIR": str(home / "uv"),
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **{name: value for name, value in os.environ.items() if name.startswith("PYENV_")},
    }


def fresh(place: Place, label: str, *words: str) -> Command:
    """Return a command that finds an empty home and, at ``{venv}``, a new environment each time."""
    home = Path(tempfile.mkdtemp(dir=place.directory))
    count = itertools.count()

    def prepare() -> str:
        home.rename(place.directory / f"{home.name}.{next(count)}")
        home.mkdir()
        if label != "pyx":
            bare = () if label == "pip" else ("--without-pip",)
            subprocess.run([place.python, "-m", "venv", *bare, home / "venv"], check=True)
        os.sync()
        return str(place.directory)

    return Command(
        label=label,
        words=tuple(word.format(venv=home / "venv") for word in words),
        environ=make_environ(home),
        directory=str(place.directory),
        prepare=prepare,
    )


@contextlib.contextmanager
def serving(wheelhouse: Path) -> Iterator[str]:
    """Start an index in a process of its own and yield its URL."""
    words = [sys.executable, __file__, "--serve", str(wheelhouse)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
        sys.stderr.write(f"{len(index.requests)} requests on {index.accepted} connections\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

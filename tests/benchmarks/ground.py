"""Where a run of the benchmarks happens: its directory, its variables, its interpreters and tools.

Everything that a benchmark makes lies below one temporary directory, which is also the home of all
processes, so that no configuration and no cache of the user has a part in the figures.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

VERSIONS = ("3.9", "3.11", "3.12", "3.13")
TELL = "import sys; print(getattr(sys, '_base_executable', None) or sys.executable)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What every benchmark gets."""

    directory: Path
    pyx: str
    pythons: Mapping[str, str]
    """Version → the interpreter itself."""
    path: str
    """The PATH of the peers."""
    wheelhouse: Path | None
    """Real wheels for Python 3.12; what needs them is left out without them."""
    rounds: int
    quick: bool

    @property
    def python(self) -> str:
        """The interpreter of everything that is not measured on several."""
        return self.pythons.get("3.12") or list(self.pythons.values())[-1]

    def find(self, name: str) -> str | None:
        """Return the program `name` of a peer, if it is there."""
        return shutil.which(name, path=self.path)

    def environ(self, python: str | None = None, home: str = "pyx") -> dict[str, str]:
        """Return the variables of a process; `home` names the store that pyx uses."""
        return {
            "HOME": str(self.directory),
            "PATH": self.path,
            "LANG": "C.UTF-8",
            "PYX_HOME": str(self.directory / home / "data"),
            "PYX_CACHE_DIR": str(self.directory / home / "cache"),
            "PYX_PYTHON": python or self.python,
            "UV_CACHE_DIR": str(self.directory / "uv-cache"),
            "UV_PYTHON": python or self.python,
            "UV_PYTHON_DOWNLOADS": "never",
            "NO_PROXY": "127.0.0.1",
        }

    def command(
        self,
        label: str,
        *words: str | Path,
        directory: Path,
        environ: Mapping[str, str] | None = None,
        prepare: Callable[[], str] | None = None,
    ) -> Command:
        """Return a contender; its first word is a whole path."""
        return Command(
            label=label,
            words=tuple(map(str, words)),
            environ=environ or self.environ(),
            directory=str(directory),
            prepare=prepare,
        )

    def call(
        self, *words: str | Path, directory: Path, environ: Mapping[str, str] | None = None
    ) -> str:
        """Run a process that is not measured, and return what it prints.

        Raises RuntimeError with its last words where it fails.
        """
        told = subprocess.run(
            [str(word) for word in words],
            cwd=directory,
            env=dict(environ or self.environ()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode != 0:
            raise RuntimeError(f"{words[0]} {words[1:3]}: {told.stderr.strip()[-600:]}")
        return told.stdout


@contextmanager
def prepare_ground(arguments: Sequence[str] | None = None) -> Iterator[Ground]:
    """Yield the ground that the command line asks for; it is removed afterwards."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--pyx", default=shutil.which("pyx"), help="the native program to measure")
    parser.add_argument("--python", nargs="*", default=VERSIONS, help="versions of interpreters")
    parser.add_argument("--wheelhouse", type=Path, help="directory of real wheels for Python 3.12")
    parser.add_argument("--tools", default="", help="directories of peers, before those of PATH")
    parser.add_argument("--rounds", type=int, default=0, help="runs of each command; 40, quick 7")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, versions and sizes")
    options = parser.parse_args(arguments)
    if options.pyx is None:
        parser.error("there is no pyx on PATH; name one: --pyx PATH")
    pyx = str(Path(options.pyx).absolute())
    path = os.pathsep.join(filter(None, (options.tools, os.environ["PATH"])))
    # Without this, an end by `kill` or `timeout` would leave gigabytes behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="pyx-bench-", ignore_cleanup_errors=True) as directory:
        pythons = {version: _find_python(pyx, version, directory) for version in options.python}
        yield Ground(
            directory=Path(directory).resolve(),
            pyx=pyx,
            pythons={version: found for version, found in pythons.items() if found},
            path=path,
            wheelhouse=options.wheelhouse and options.wheelhouse.resolve(),
            rounds=options.rounds or (7 if options.quick else 40),
            quick=options.quick,
        )


def _find_python(pyx: str, version: str, directory: str) -> str | None:
    told = subprocess.run(
        [pyx, "--python", version, "-c", TELL],
        # A place without a lock, so that it is about the interpreter alone.
        cwd="/",
        env={**os.environ, "PYX_HOME": directory + "/find", "PYX_CACHE_DIR": directory + "/find"},
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() if told.returncode == 0 else None

"""The virtual environment that a build runs in: made for it, or kept from the build before.

pip installs there what a tree requires for its build. That takes many times as long as most builds,
and a tree that is being worked on is built again whenever its pyproject.toml changes. So for such a
tree the environment is kept for a day, as long as exactly the same is required of it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from typing import TYPE_CHECKING

from pyx_launcher.build.process import clean_environ
from pyx_launcher.errors import BuildError
from pyx_launcher.files.atomic import remove_tree, storing, write_atomic
from pyx_launcher.files.hashing import sha256
from pyx_launcher.files.lock import take_lock
from pyx_launcher.index.settings import explain_offline
from pyx_launcher.installation import find_pip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.build.process import BuildProcess

KEPT_FOR = 24 * 60 * 60
"""Seconds; after that newer releases of what a build requires are asked for."""

_NOTE = "pyx-build.json"
"""Says in a kept environment what it has, and is written last."""


@contextlib.contextmanager
def opened_place(kept: Path | None, temporary: Path, bench: BuildProcess) -> Iterator[BuildPlace]:
    """Yield the environment at `kept`, for this build alone, or one at `temporary`.

    It is a temporary one where nothing is to be kept, or another build is in the kept one.
    """
    if kept is None:
        yield BuildPlace(temporary, bench)
        return
    with storing(kept.parent):
        kept.parent.mkdir(parents=True, exist_ok=True)
        lock = take_lock(kept.with_name(f"{kept.name}.lock"), patience=0, mode=0o600)
    if lock is None:
        yield BuildPlace(temporary, bench)
        return
    try:
        _sweep(kept)
        yield BuildPlace(kept, bench, is_kept=True)
    finally:
        lock.release()


def _sweep(kept: Path) -> None:
    """Remove the environments beside `kept` that nobody will use again."""
    with contextlib.suppress(OSError):
        for path in kept.parent.iterdir():
            if path == kept or path.suffix == ".lock" or _is_recent(path.stat().st_mtime):
                continue
            lock = take_lock(path.with_name(f"{path.name}.lock"), patience=0, mode=0o600)
            if lock is not None:
                remove_tree(path)
                lock.release()


def _is_recent(moment: float) -> bool:
    return 0 <= time.time() - moment < KEPT_FOR


class BuildPlace:
    """A virtual environment to build in."""

    def __init__(self, path: Path, bench: BuildProcess, *, is_kept: bool = False) -> None:
        """Make nothing yet; with `is_kept` what lies at `path` may be used again."""
        self.path, self.bench, self._is_kept = path, bench, is_kept
        self.is_reused = False
        self._required: list[str] = []
        self._constraints: Sequence[str] = ()
        self._asked: list[str] = []

    @property
    def python_executable(self) -> str:
        """Its interpreter."""
        return str(self.path / "bin" / "python")

    def make_extra_environ(self) -> Mapping[str, str]:
        """Return the variables that put its programs before all others."""
        return {"PATH": f"{self.path / 'bin'}:{self.bench.environ.get('PATH', '/usr/bin:/bin')}"}

    def prepare(self, requirements: Iterable[str], constraints: Sequence[str] = ()) -> None:
        """Have what a build requires in it, within `constraints`. Raises BuildError."""
        self._required, self._constraints = sorted(requirements), constraints
        # What a path leads to may be another thing every time.
        self._is_kept &= bool(self._required) and not any("@" in one for one in self._required)
        known = self._read_note() if self._is_kept else None
        self.is_reused = known is not None
        if known is None:
            self._begin()
        else:
            self._asked = known
            self.bench.note(f"pyx: in the environment that is kept at {self.path}")

    def add(self, requirements: Iterable[str]) -> None:
        """Have in it what the backend asks for besides. Raises BuildError."""
        asked = sorted(requirements)
        if self.is_reused and asked == self._asked:
            return
        if self.is_reused:
            self.is_reused = False
            self._begin()
        self._install(asked)
        if self._is_kept and not any("@" in one for one in asked):
            note = {"of": self._describe(), "asked": asked, "made": time.time()}
            with storing(self.path):
                write_atomic(self.path / _NOTE, json.dumps(note).encode())

    def forget(self) -> None:
        """Never use again what lies there."""
        with storing(self.path):
            (self.path / _NOTE).unlink(missing_ok=True)

    def _read_note(self) -> list[str] | None:
        """Return what the backend had asked for besides; None where it is of no use for this."""
        try:
            note = json.loads((self.path / _NOTE).read_bytes())
            fits = note["of"] == self._describe() and _is_recent(float(note["made"]))
            return [str(one) for one in note["asked"]] if fits else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _describe(self) -> str:
        """Return a digest of what is required, for which interpreter, and from where."""
        interpreter = self.bench.interpreter
        of_pip = {key: text for key, text in self.bench.environ.items() if key.startswith("PIP_")}
        words = [self._required, list(self._constraints), sorted(of_pip.items())]
        words += [str(interpreter.path), interpreter.build, interpreter.facts_digest]
        return sha256(json.dumps(words).encode()).hexdigest()

    def _begin(self) -> None:
        remove_tree(self.path)
        self._make()
        self._install(self._required, self._constraints)

    def _make(self) -> None:
        """Create it, without pip. Raises BuildError."""
        python = str(self.bench.interpreter.path)
        command = [python, "-I", "-m", "venv", "--without-pip", str(self.path)]
        try:
            self.bench.run(command, directory=self.path.parent)
        except (subprocess.CalledProcessError, OSError) as error:
            raise self.bench.failure(
                f"{python} cannot make a virtual environment to build in",
                hint=f"install its module venv ({_venv_package(self.bench)} on Debian and Ubuntu)",
            ) from error

    def _install(self, wanted: Sequence[str], constraints: Sequence[str] = ()) -> None:
        if not wanted:
            return
        listed = ", ".join(wanted)
        if self.bench.offline and not self.bench.environ.get("PIP_FIND_LINKS"):
            why = explain_offline(self.bench.environ)
            raise BuildError(
                f"{self.bench.label} would have to be built, which needs {listed}, and {why.cause}",
                hint=why.hint,
            )
        requirements_file = self.path / "requirements.txt"
        # In a file pip obeys their markers, on its command line it would not.
        requirements_file.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        command = [*self._find_pip(), "install", "--no-compile", "--no-warn-script-location"]
        command += ["--progress-bar=off", "-r", str(requirements_file)]
        if constraints:
            constraints_file = self.path / "constraints.txt"
            constraints_file.write_text("\n".join(constraints) + "\n", encoding="utf-8")
            command += ["-c", str(constraints_file)]
        places = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
        secrets = [url for place in places for url in self.bench.environ.get(place, "").split()]
        try:
            self._run(command, secrets)
        except subprocess.CalledProcessError as error:
            raise self.bench.failure(f"pip cannot install what its build needs ({listed})") from (
                error
            )

    def _run(self, command: Sequence[str], secret: Sequence[str] = ()) -> None:
        variables = self.make_extra_environ()
        self.bench.run(command, directory=self.path, variables=variables, secret=secret)

    def _find_pip(self) -> list[str]:
        """Return the command that is pip for this environment: the launcher's, or its own.

        To install one takes longer than most builds, but that of the launcher may be too old for
        this Python, or too new.
        """
        own = [self.python_executable, "-I", "-m", "pip"]
        if list(self.path.glob("lib/python*/site-packages/pip")):
            return own
        launchers = find_pip(self.python_executable)
        if launchers and self._works([*launchers, "install", "--help"]):
            return launchers
        try:
            self._run([self.python_executable, "-I", "-m", "ensurepip", "--default-pip"])
            if list(self.path.glob("lib/python*/site-packages/setuptools")):
                # Up to 3.11 it comes along, and a build would get what it did not ask for.
                self._run([*own, "uninstall", "--quiet", "--yes", "setuptools"])
        except subprocess.CalledProcessError as error:
            raise self.bench.failure(
                "pip is needed for that, and neither this interpreter nor pyx has it",
                hint="install the interpreter's module ensurepip "
                f"({_venv_package(self.bench)} on Debian and Ubuntu)",
            ) from error
        return own

    def _works(self, command: Sequence[str]) -> bool:
        environ = clean_environ(self.bench.environ)
        ran = subprocess.run(command, capture_output=True, env=environ, check=False)
        return ran.returncode == 0


def _venv_package(bench: BuildProcess) -> str:
    return f"apt install python{bench.interpreter.short.rstrip('t')}-venv"

"""The virtual environment that a build runs in: made for it, or kept from the build before.

pip installs there what a tree requires for its build. That takes many times as long as most builds,
and a tree that is being worked on is built again whenever its pyproject.toml changes. So for such a
tree the environment is kept for a day, as long as exactly the same is required of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.build.process import clean_environ
from pyx_launcher.errors import BuildError
from pyx_launcher.files.atomic import remove_tree, storing, write_atomic
from pyx_launcher.files.hashing import hash_file, sha256
from pyx_launcher.files.lock import take_lock
from pyx_launcher.index.pip_config import list_config_files
from pyx_launcher.index.settings import explain_offline
from pyx_launcher.installation import find_pip
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyx_launcher.build.process import BuildProcess
    from pyx_launcher.interpreters.finder import Interpreter

KEPT_FOR = 24 * 60 * 60
"""Seconds; after that newer releases of what a build requires are asked for."""

_FORMAT = 1
"""Another number, and no environment that is kept is used again."""

_NOTE = "pyx-build.json"
"""Says in a kept environment what it has, and is written last."""

_COMPILING = ("CC", "CXX", "CFLAGS", "CPPFLAGS", "CXXFLAGS", "LDFLAGS")
"""Variables that decide what a requirement without a wheel becomes."""


@contextlib.contextmanager
def opened_place(kept: Path | None, temporary: Path, bench: BuildProcess) -> Iterator[BuildPlace]:
    """Yield a place to build in: the environment at `kept`, or one in the directory `temporary`.

    It is a temporary one where nothing is to be kept, or another build is in the kept one.
    """
    lock = None
    if kept is not None:
        with storing(kept.parent):
            # What pip was told may be secret.
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = take_lock(kept.with_name(f"{kept.name}.lock"), patience=0, mode=0o600)
    place = BuildPlace(temporary, bench, kept=kept if lock is not None else None)
    try:
        yield place
    finally:
        if lock is not None and kept is not None:
            if not (kept / _NOTE).exists():
                remove_tree(kept)
            _sweep(kept)
            lock.release()


def has_kept(
    kept: Path, requirements: Iterable[str], constraints: Sequence[str], interpreter: Interpreter
) -> bool:
    """Tell whether the environment at `kept` has what a build requires, of whatever age it is."""
    note = _read_note(kept)
    wanted = _digest_requirements(requirements, constraints, interpreter)
    return note is not None and note.of == wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class _Note:
    """What is known of a kept environment."""

    of: str
    """A digest of what was required, and for which interpreter."""
    settings: str
    """A digest of what decided where that came from."""
    asked: list[str]
    """What the backend asked for besides."""
    made: float
    content: str
    """A digest of the names, sizes and times of its files."""


def _read_note(path: Path) -> _Note | None:
    try:
        note = json.loads((path / _NOTE).read_bytes())
        return _Note(
            of=str(note["of"]),
            settings=str(note["settings"]),
            asked=[str(one) for one in note["asked"]],
            made=float(note["made"]),
            content=str(note["content"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _digest(words: object) -> str:
    return sha256(json.dumps(words).encode()).hexdigest()


def _digest_requirements(
    requirements: Iterable[str], constraints: Sequence[str], interpreter: Interpreter
) -> str:
    facts = (str(interpreter.path), interpreter.build, interpreter.facts_digest)
    return _digest([_FORMAT, sorted(requirements), list(constraints), facts])


def _digest_settings(environ: Mapping[str, str]) -> str:
    """Return a digest of what decides which files pip takes, and what becomes of them."""
    told = {n: v for n, v in environ.items() if n.startswith("PIP_") or n in _COMPILING}
    words = [word.removeprefix("file://") for value in told.values() for word in value.split()]
    found = []
    for path in (*map(Path, words), *list_config_files(environ)):
        with contextlib.suppress(OSError, ValueError):
            found.append([str(path), _digest_content(path) if path.is_dir() else hash_file(path)])
    return _digest([sorted(told.items()), found])


def _digest_content(path: Path) -> str:
    """Return a digest of the names, sizes and times of the files that were installed there."""
    found = []
    for directory, names, files in os.walk(path):
        names[:] = sorted(name for name in names if name != "__pycache__")
        for name in sorted(files):
            if name != _NOTE:
                facts = os.lstat(os.path.join(directory, name))
                found.append([directory, name, facts.st_size, facts.st_mtime_ns])
    return _digest(found)


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


def _can_keep(requirements: Iterable[str]) -> bool:
    """Tell whether `requirements` mean the same tomorrow, which no path does."""
    return not any("@" in one for one in requirements)


def _is_recent(moment: float) -> bool:
    return 0 <= time.time() - moment < KEPT_FOR


class BuildPlace:
    """A virtual environment to build in."""

    def __init__(self, temporary: Path, bench: BuildProcess, *, kept: Path | None = None) -> None:
        """Make nothing yet, neither in `temporary` nor at `kept`, where it may be there already."""
        self.path, self.bench = temporary / "environment", bench
        self._temporary, self._kept = temporary, kept
        self._required: list[str] = []
        self._constraints: Sequence[str] = ()
        self._note: _Note | None = None
        self._pip: list[str] = []

    @property
    def python_executable(self) -> str:
        """Its interpreter."""
        return str(self.path / "bin" / "python")

    def make_extra_environ(self) -> Mapping[str, str]:
        """Return the variables that put its programs before all others."""
        return {"PATH": f"{self.path / 'bin'}:{self.bench.environ.get('PATH', '/usr/bin:/bin')}"}

    def prepare(self, requirements: Iterable[str], constraints: Sequence[str] = ()) -> None:
        """Have what a build requires in it, within `constraints`. Raises BuildError.

        Where it lies is settled by this.
        """
        self._required, self._constraints = sorted(requirements), constraints
        if self._required and _can_keep((*self._required, *constraints)):
            self._note = self._find_kept()
            if self._note is None and self._kept is not None:
                remove_tree(self._kept)
            # What cannot be removed would be mixed with what is new.
            if self._note is not None or not os.path.lexists(self._kept or ""):
                self.path = self._kept or self.path
        if self._note is not None:
            self.bench.note(f"pyx: in the environment that is kept at {self.path}")
        else:
            self._begin()

    def add(self, requirements: Iterable[str]) -> None:
        """Have in it what the backend asks for besides. Raises BuildError."""
        asked = sorted(requirements)
        if self._note is not None:
            if asked == self._note.asked:
                return
            self._note = None
            remove_tree(self.path)
            self._begin()
        self._install(asked, self._constraints)
        if self.path == self._kept and _can_keep(asked):
            note = {
                "of": self._digest_wanted(),
                "settings": _digest_settings(self.bench.environ),
                "asked": asked,
                "made": time.time(),
                "content": _digest_content(self.path),
            }
            with storing(self.path):
                write_atomic(self.path / _NOTE, json.dumps(note).encode())

    def _find_kept(self) -> _Note | None:
        """Return what is known of the kept environment if it can serve as it is."""
        note = _read_note(self._kept) if self._kept is not None else None
        if note is None or self._kept is None:
            return None
        if note.of != self._digest_wanted():
            return None
        # Without a network there is no newer one to be had.
        is_current = self.bench.offline or (
            _is_recent(note.made) and note.settings == _digest_settings(self.bench.environ)
        )
        return note if is_current and note.content == _digest_content(self._kept) else None

    def _digest_wanted(self) -> str:
        return _digest_requirements(self._required, self._constraints, self.bench.interpreter)

    def _begin(self) -> None:
        self._pip = []
        self._make()
        self._install(self._required, self._constraints)

    def _make(self) -> None:
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
        requirements_file = self._temporary / "requirements.txt"
        # In a file pip obeys their markers, on its command line it would not.
        requirements_file.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        self._pip = self._pip or self._find_pip()
        command = [*self._pip, "install", "--no-compile", "--no-warn-script-location"]
        command += ["--progress-bar=off", "-r", str(requirements_file)]
        if constraints:
            constraints_file = self._temporary / "constraints.txt"
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
        self.bench.run(command, directory=self._temporary, variables=variables, secret=secret)

    def _find_pip(self) -> list[str]:
        """Return the command that is pip for this environment: the launcher's, or its own.

        To install one takes longer than most builds, but that of the launcher may be too old for
        this Python, or too new.
        """
        launchers = find_pip(self.python_executable)
        if launchers and self._works([*launchers, "install", "--help"]):
            return launchers
        own = [self.python_executable, "-I", "-m", "pip"]
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
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=environ, check=False
        )
        return ran.returncode == 0


def _venv_package(bench: BuildProcess) -> str:
    return f"apt install python{bench.interpreter.short.rstrip('t')}-venv"

"""Locks: one reader per format, and every one of them yields the packages that are meant.

`read_lock` takes the path of a lock and returns a `Lock`. A lock is read once and can then be
asked for any marker environment and any choice of extras and dependency groups.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from pyx_launcher.errors import LockError, reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from packaging.markers import Environment
    from packaging.specifiers import SpecifierSet

    from pyx_launcher.locks.common.choice import Choice
    from pyx_launcher.locks.common.indexes import IndexOptions
    from pyx_launcher.locks.common.packages import Chosen

FILE_NAMES = (
    "pylock.toml",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "requirements.txt",
)
"""The names under which a lock is looked for in one directory, the preferred first."""


def name_script_locks(script: Path) -> list[Path]:
    """Return where the lock of `script` may lie beside it, the preferred place first.

    That is ``pylock.STEM.toml``, where the format allows the name, and uv's ``SCRIPT.lock``.
    """
    of_uv = script.with_name(f"{script.name}.lock")
    return (
        [of_uv] if "." in script.stem else [script.with_name(f"pylock.{script.stem}.toml"), of_uv]
    )


_HINT = "lock again: pyx lock"
_KINDS = f"it reads {', '.join(FILE_NAMES)}, pylock.NAME.toml, SCRIPT.lock and NAME.txt"

_OF_CONDA = re.compile(r"^(?:@EXPLICIT|environments:)\s*$", re.MULTILINE)
"""A line of every list that conda and conda-lock write, or of every lock of pixi's."""

PYLOCK_NAME = re.compile(r"pylock\.(?:[^.]+\.)?toml\Z")


def is_valid_pylock_path(path: Path) -> bool:
    """Return whether this is the name of a pylock file (PEP 751)."""
    return PYLOCK_NAME.match(path.name) is not None


def has_lock_name(path: Path) -> bool:
    """Return whether this is the name of a lock of any kind."""
    return path.name in FILE_NAMES or is_valid_pylock_path(path)


class Lock(Protocol):
    """One lock file that has been read and whose outer shape is sound."""

    @property
    def path(self) -> Path:
        """The lock file."""

    @property
    def kind(self) -> str:
        """The format: ``"pylock"`` or the name of the tool that writes it."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Further files whose content, or absence, decides the result."""

    @property
    def root(self) -> Path | None:
        """The directory of the project that the lock belongs to, where that is installable."""

    @property
    def requires_python(self) -> SpecifierSet:
        """The Python versions the lock was made for; empty where it names none."""

    def choose_packages(self, markers: Environment, choice: Choice) -> Chosen:
        """Return what `choice` means in this marker environment.

        Relative paths in it are relative to the directory of the lock. Distributions that an
        index serves may have no URL. Raises LockError and UsageError.
        """

    def choose(self, choice: Choice) -> tuple[frozenset[str], frozenset[str]]:
        """Return the extras and the dependency groups that are meant.

        Raises UsageError, which lists the known names, for a name the lock does not have.
        """

    def find_indexes(self) -> IndexOptions:
        """Return what the lock and its project say about indexes; asked only to fetch something."""


def read_lock(path: Path, start: Path | None = None, more: Sequence[Path] = ()) -> Lock:
    """Read the lock at `path`; its file name tells the format.

    `start` is the directory where the search for it began: in a workspace it tells which of the
    projects is meant. `more` are further requirements files that are obeyed as well. Raises
    LockError for a file that is not a sound lock or has no reader, StoreError for one that cannot
    be read.
    """
    with reading(path, hint=_HINT):
        for each in (path, *more) if more else ():
            if not is_requirements(each):
                problem = "only requirements files can be taken together"
                raise LockError(each, problem, hint="name one lock, or files as pip reads them")
        try:
            return _read(path, start, more)
        except LockError as error:
            if path.name in FILE_NAMES or error.path != path or not _is_of_conda(path):
                raise
            problem = "this version of pyx does not read what conda is to install"
            raise LockError(path, problem, hint=_KINDS) from error


def _is_of_conda(path: Path) -> bool:
    return _OF_CONDA.search(path.read_text(encoding="utf-8", errors="replace")) is not None


def is_requirements(path: Path) -> bool:
    """Return whether the name of a lock is that of none but a requirements file."""
    return path.suffix not in (".toml", ".lock", ".json", ".yaml", ".yml")


def _read(path: Path, start: Path | None, more: Sequence[Path]) -> Lock:
    if is_valid_pylock_path(path):
        from pyx_launcher.locks.pylock import read_pylock

        return read_pylock(path)
    if path.name == "poetry.lock":
        from pyx_launcher.locks.poetry.reader import read_poetry_lock

        return read_poetry_lock(path)
    if path.name == "pdm.lock":
        from pyx_launcher.locks.pdm.reader import read_pdm_lock

        return read_pdm_lock(path)
    if path.name == "Pipfile.lock":
        from pyx_launcher.locks.pipenv.reader import read_pipfile_lock

        return read_pipfile_lock(path)
    if is_requirements(path):
        # Only the one name is looked for, but any may be given.
        from pyx_launcher.locks.requirements.reader import read_requirements

        return read_requirements(path, *more)
    if path.name == "uv.lock" or (path.suffix == ".lock" and path.name not in FILE_NAMES):
        # The lock of a script, which is uv's as well, is named after the script.
        from pyx_launcher.locks.uv.reader import read_uv_lock

        return read_uv_lock(path, start)
    raise LockError(
        path,
        "this version of pyx does not read locks of this kind",
        hint=_KINDS,
    )

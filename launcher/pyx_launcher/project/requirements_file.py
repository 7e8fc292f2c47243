"""A requirements.txt as pip reads it, as a list of what somebody wants to require."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from pyx_launcher.dirs import find_working_directory
from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.locks.requirements.lines import read_lines
from pyx_launcher.project.local import Local, is_local, read_local, split_path
from pyx_launcher.project.manifest import MANIFEST, OLD
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyx_launcher.locks.requirements.lines import Line

_NOT_TAKEN = (
    *("--no-binary", "--only-binary", "--prefer-binary", "--pre", "--no-index"),
    *("--global-option", "--config-settings"),
)
_INDEXES = ("--index-url", "--extra-index-url", "--find-links", "--trusted-host")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What such a file and those it includes say."""

    requirements: tuple[Requirement, ...] = ()
    included: tuple[Requirement, ...] = ()
    """Those of the requirements that the files which it includes list."""
    constraints: tuple[Requirement, ...] = ()
    places: tuple[Local, ...] = ()
    """What it names by its path, ``-e`` before it or not."""
    names_index: bool = False
    """Does it say which indexes to ask?"""
    left_out: tuple[str, ...] = ()
    """The options that tell pip which files to take, and how to build, in their order."""


def read_listing(path: Path, environ: Mapping[str, str], *, constrains: bool = False) -> Listing:
    """Return what the file `path` says; with `constrains` it is itself a file of constraints.

    Hashes are left out: the lock has its own. Raises UsageError where there is no such file,
    LockError, which names the line, for what is neither a requirement nor an option of pip's.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="pyx add --help")
    requirements: list[Requirement] = []
    included: list[Requirement] = []
    constraints: list[Requirement] = []
    places: list[Local] = []
    names_index = False
    left_out: list[str] = []
    try:
        for line in read_lines(path, environ, is_constraint=constrains):
            names_index |= any(line.values(option) for option in _INDEXES)
            left_out += [name for name, _ in line.options if name in _NOT_TAKEN]
            places += [_read_editable(line, value) for value in line.values("--editable")]
            base = _find_base(line, line.text)
            if is_local(line.text, str(base)) and not line.is_constraint:
                places.append(read_local(line.text, base))
            elif line.text:
                one = _parse(line)
                (constraints if line.is_constraint else requirements).append(one)
                included += [one] if line.path != path and not line.is_constraint else []
    except LockError as error:
        # What is said of such a file as a lock does not help here.
        error.hint = "correct that line, or leave it out"
        raise
    return Listing(
        requirements=tuple(requirements),
        included=tuple(included),
        constraints=tuple(constraints),
        places=tuple(places),
        names_index=names_index,
        left_out=tuple(dict.fromkeys(left_out)),
    )


def _parse(line: Line) -> Requirement:
    try:
        return Requirement(line.text)
    except InvalidRequirement as error:
        problem = str(error).partition("\n")[0]
        raise LockError(
            line.path, f"{line.text!r}: {problem}", where=f"line {line.number}"
        ) from error


def _read_editable(line: Line, value: str) -> Local:
    path = split_path(value)[0] or value
    base = _find_base(line, value)
    if not (base / path).is_dir():
        raise LockError(
            line.path, f"-e {value}: there is no such directory", where=f"line {line.number}"
        )
    return read_local(value, base, is_editable=True)


def _find_base(line: Line, value: str) -> Path:
    """Return the directory that a path of a line is seen from.

    For pip it is the working directory, for others that of the file: what lies there decides.
    """
    path = os.path.expanduser(split_path(value)[0] or value)
    for base in (line.path.parent, find_working_directory()):
        place = base / path
        if os.path.isfile(place) or any((place / name).is_file() for name in (MANIFEST, *OLD)):
            return base
    return line.path.parent

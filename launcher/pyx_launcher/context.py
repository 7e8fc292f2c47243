"""Find which lock a start obeys, and remember every file that had a say in it.

The search begins at the directory of the script, its symlinks resolved, or at the working
directory, and walks up to the root (docs/design.md, "Finding the lock").
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import LockError, PyxError, RefusedError, UsageError
from pyx_launcher.locks import FILE_NAMES
from pyx_launcher.record import find_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.invocation import Invocation

DEFAULT_NAME = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """The script that is started, if it is an ordinary file."""

    path: Path
    """Resolved."""
    block: bytes
    """Its inline block (PEP 723) as `record.find_block` gives it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Where a start begins and what it obeys."""

    start: Path
    """The resolved script, or the resolved working directory."""
    directory: Path
    """Where the search for a lock began."""
    kind: str
    """`directory`, `path` or `name`: the first word of the key material."""
    script: Script | None
    repeatable: bool
    """Can the same start happen again? Not for a pipe or a file in /proc."""
    lock: Path | None
    reason: str
    """Why this lock, for a person."""
    looked: tuple[Path, ...]
    """Places besides the lock whose content or absence decided, the nearest first."""


@dataclass(frozen=True, slots=True)
class _Found:
    lock: Path | None
    reason: str
    looked: tuple[Path, ...] = ()


class NoSuchScriptError(PyxError):
    """The script does not exist; said in python's own words, with python's exit status."""

    exit_code = 2


def find_context(invocation: Invocation, dirs: Dirs, working: Path) -> Context:
    """Return what this start obeys.

    `working` is the working directory. Raises NoSuchScriptError, UsageError for a project that is
    not there, RefusedError for a lock that belongs to somebody else.
    """
    program = invocation.program
    start, directory, kind, repeatable = working.resolve(), working.resolve(), "directory", True
    script = None
    if program.mode == "s":
        name = program.target or ""
        kind = "path" if "/" in name else "name"
        start, info = _resolve_script(working, name)
        repeatable = stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)
        if stat.S_ISDIR(info.st_mode):
            directory = start
        elif repeatable:
            directory = start.parent
            script = Script(path=start, block=_read_block(start))
    found = _find_lock(invocation, dirs, directory, script)
    if found.lock is not None and invocation.project is None:
        # Who names a project trusts its lock; only one that was found needs a known owner.
        _check_owner(found.lock, directory)
    return Context(
        start=start,
        directory=directory,
        kind=kind,
        script=script,
        repeatable=repeatable,
        lock=found.lock,
        reason=found.reason,
        looked=found.looked,
    )


def _resolve_script(working: Path, name: str) -> tuple[Path, os.stat_result]:
    path = working / name
    try:
        info = os.stat(path)
        return Path(os.path.realpath(path)), info
    except OSError as error:
        shown = name if name.startswith("/") else f"{working}/{name}"
        raise NoSuchScriptError(
            f"can't open file {shown!r}: [Errno {error.errno}] {error.strerror}"
        ) from error


def _read_block(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            block = find_block(file.read())
    except OSError:
        # Python itself says what is wrong when it cannot read its program.
        return b""
    if block is None:
        raise LockError(path, "has two inline blocks `# /// script`", hint="remove one of them")
    return block


def _find_lock(
    invocation: Invocation, dirs: Dirs, directory: Path, script: Script | None
) -> _Found:
    if invocation.named is not None:
        return _take_named(invocation.named, dirs)
    if invocation.project is not None:
        return _take_project(Path(invocation.project).absolute())
    looked: list[Path] = []
    if script is not None:
        for path in _locks_of_script(script.path):
            if _is_file(path):
                return _Found(path, f"lies beside {script.path.name}", tuple(looked))
            looked.append(path)
        found = _take_block(script, tuple(looked))
        if found is not None:
            return found
    for place in (directory, *directory.parents):
        for name in FILE_NAMES:
            path = place / name
            if is_lock(path):
                reason = "nearest lock above " + str(directory)
                return _Found(path, reason if place != directory else "nearest lock", tuple(looked))
            looked.append(path)
    default = dirs.named / DEFAULT_NAME
    lock = find_lock_in(default)
    if lock is not None:
        return _Found(lock, "no lock above, so @default", tuple(looked))
    looked.extend(default / name for name in FILE_NAMES)
    return _Found(None, "no lock above, so the standard library alone", tuple(looked))


def is_lock(path: Path) -> bool:
    """Is `path` a lock? requirements.txt is one only if it pins by hash."""
    if not _is_file(path):
        return False
    if path.name != "requirements.txt":
        return True
    try:
        return b"--hash=" in path.read_bytes()
    except OSError as error:
        raise LockError(path, f"cannot be read: {error.strerror}") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise LockError(path, f"cannot be looked at: {error.strerror}") from error


def find_lock_in(directory: Path) -> Path | None:
    """Return the lock in `directory` itself, by the order of preference."""
    return next((directory / name for name in FILE_NAMES if is_lock(directory / name)), None)


def _locks_of_script(script: Path) -> Iterator[Path]:
    if "." not in script.stem:
        yield script.with_name(f"pylock.{script.stem}.toml")
    yield script.with_name(script.name + ".lock")


def _take_block(script: Script, looked: tuple[Path, ...]) -> _Found | None:
    """Return what the script's inline block asks for; None where it has no such block."""
    lines = script.block.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    closing = max((n for n, line in enumerate(lines) if line.rstrip() == "# ///"), default=0)
    if lines[0].rstrip() != "# /// script" or not closing:
        return None
    import tomli

    text = "\n".join(line[2:] for line in lines[1:closing])
    try:
        dependencies = tomli.loads(text).get("dependencies", [])
    except tomli.TOMLDecodeError as error:
        raise LockError(script.path, str(error), where="inline block") from error
    if dependencies:
        raise LockError(
            script.path,
            "its inline block names dependencies, but no lock lies beside it",
            hint=f"uv export --script {script.path.name} --format pylock.toml "
            f"-o pylock.{script.path.stem}.toml",
        )
    return _Found(None, "its inline block names no dependencies", looked)


def _take_named(name: str, dirs: Dirs) -> _Found:
    if not name or name.startswith(".") or "/" in name:
        raise UsageError(f"@{name} cannot be the name of an environment", hint="pyx --help")
    directory = dirs.named / name
    lock = find_lock_in(directory)
    if lock is None:
        raise UsageError(f"there is no environment @{name}", hint=f"put a lock into {directory}")
    return _Found(lock, f"@{name}")


def _take_project(path: Path) -> _Found:
    reason = "--project or PYX_PROJECT"
    if _is_file(path):
        return _Found(path, reason)
    if not path.is_dir():
        raise UsageError(f"there is no project {path}", hint="name a directory or a lock")
    looked: list[Path] = []
    for name in FILE_NAMES:
        if is_lock(path / name):
            return _Found(path / name, reason, tuple(looked))
        looked.append(path / name)
    names = ", ".join(FILE_NAMES)
    raise UsageError(f"there is no lock in {path}", hint=f"it would be one of {names}")


def _check_owner(lock: Path, directory: Path) -> None:
    try:
        # Whoever owns a symlink chooses the lock as much as who owns what it points at.
        owners = [lock.stat().st_uid, lock.lstat().st_uid]
        trusted = {0, os.geteuid(), directory.stat().st_uid}
    except OSError as error:
        raise LockError(lock, f"cannot be read: {error.strerror}") from error
    for owner in owners:
        if owner not in trusted:
            raise RefusedError(
                f"{lock} belongs to {_name_user(owner)}, who could choose what you run",
                hint=f"if you trust it: pyx --project {lock.parent} …",
            )


def _name_user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"

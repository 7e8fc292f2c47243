"""Whose files pyx obeys, and which rights it leaves on those that it makes (docs/security.md)."""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import stat
from typing import TYPE_CHECKING

from pyx_launcher.errors import LockError, RefusedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyx_launcher.dirs import Dirs

_MASK = 0o022
"""The rights to write that nobody else is given."""


def check_owner(lock: Path, directory: Path) -> None:
    """Refuse a lock, or a file beside it, of anybody but the user, root or `directory`'s owner.

    Raises RefusedError, which names file and owner, and LockError where it cannot be looked at.
    """
    try:
        # Whoever owns a symlink chooses the lock as much as who owns what it points at.
        owners = [lock.stat().st_uid, lock.lstat().st_uid]
        trusted = {0, os.geteuid(), directory.stat().st_uid}
    except OSError as error:
        raise LockError(lock, f"cannot be read: {error.strerror}") from error
    for owner in owners:
        if owner not in trusted:
            raise RefusedError(
                f"{lock} belongs to {name_user(owner)}, who could choose what you run",
                hint=f"if you trust it: pyx --project {shlex.quote(str(lock.parent))} …",
            )


def check_process() -> None:
    """Refuse to run with another user's rights than those of who started this process."""
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid():
        raise RefusedError(
            f"pyx was started by {name_user(os.getuid())} with the rights of "
            f"{name_user(os.geteuid())}, who would run what the other chooses",
            hint="take the setuid and setgid bits from it: chmod ug-s",
        )


def check_dirs(dirs: Dirs, environ: Mapping[str, str]) -> None:
    """Refuse directories that somebody else could write to, and what is none.

    Raises RefusedError and StoreError.

    What a start obeys lies below them: entries, environments, records. A store behind the user's
    own may also be root's. Under sudo the directories are not made in another user's home either.
    """
    for path, variable in ((dirs.home, "PYX_HOME"), (dirs.cache, "PYX_CACHE_DIR")):
        _check_directory(path, variable)
        _check_own(path, variable)
        if os.geteuid() == 0 and ("SUDO_UID" in environ or "DOAS_USER" in environ):
            _check_ancestor(path, variable)
    for path in (dirs.store, dirs.environments, dirs.named):
        _check_own(path, "PYX_HOME")
    for path in dirs.fallback_stores:
        _check_directory(path, "PYX_STORES")
        _check_writers(path, "PYX_STORES", frozenset({0, os.geteuid()}))


def _check_own(path: Path, variable: str) -> None:
    _check_writers(path, variable, frozenset({os.geteuid()}))


def _check_writers(path: Path, variable: str, owners: frozenset[int]) -> None:
    try:
        info = os.stat(path)
    except OSError:
        # What is not there decides nothing; that it cannot be reached is said where it is needed.
        return
    if info.st_uid not in owners:
        raise RefusedError(
            f"{path} belongs to {name_user(info.st_uid)}, who could choose what you run",
            hint=f"set {variable} to a directory of your own{_advise_sudo()}",
        )
    by_group = info.st_mode & stat.S_IWGRP and info.st_gid != os.getegid()
    if info.st_mode & stat.S_IWOTH or by_group:
        raise RefusedError(
            f"{path} can be written by others, who could choose what you run",
            hint=f"chmod go-w {shlex.quote(str(path))}",
        )


def _check_directory(path: Path, variable: str) -> None:
    """Raise StoreError where a file lies at `path` or above, so that it can be no directory."""
    if os.path.isdir(path):
        return
    file = next((p for p in (path, *path.parents) if os.path.exists(p)), path)
    if os.path.exists(file) and not os.path.isdir(file):
        hint = f"set {variable} to a directory, or unset it"
        raise StoreError(f"{file} is no directory", hint=hint)


def _check_ancestor(path: Path, variable: str) -> None:
    """Refuse to make `path` below a directory of the user who became root by sudo."""
    place = path
    while place != place.parent and not os.path.lexists(place):
        place = place.parent
    with contextlib.suppress(OSError):
        owner = os.stat(place).st_uid
        if owner != 0:
            raise RefusedError(
                f"{path} would be root's, in a directory of {name_user(owner)}",
                hint=f"sudo -H pyx …, or set {variable} to a directory of root's",
            )


def _advise_sudo() -> str:
    return "; with sudo: sudo -H pyx …" if os.geteuid() == 0 else ""


def name_user(uid: int) -> str:
    """Return the name of a user, or the number of one who has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


@contextlib.contextmanager
def closed_to_others() -> Iterator[None]:
    """Let nobody else write to what is made meanwhile, however open the umask of the user is."""
    before = os.umask(_MASK)
    os.umask(before | _MASK)
    try:
        yield
    finally:
        os.umask(before)

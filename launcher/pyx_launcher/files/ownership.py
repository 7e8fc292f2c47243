"""Whose files pyx obeys, and which rights it leaves on those that it makes (docs/security.md)."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from pyx_launcher.errors import LockError, RefusedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyx_launcher.dirs import Dirs

_MASK = 0o022
"""The rights to write that nobody else is given."""


_obeyed: frozenset[int] | None = None
"""Whose files `open_obeyed` opens in this process; None: anybody's."""


def obey_owners(directory: Path | None) -> None:
    """Have `open_obeyed` refuse what is not the user's, root's or of who owns `directory`.

    None stands for a project that the user has named, and so trusts. It holds for this process
    until it is called again. Raises OSError.
    """
    global _obeyed  # noqa: PLW0603 -- every reader of a lock would have to hand it on.
    _obeyed = None if directory is None else owners_at(directory)


def owners_at(directory: Path) -> frozenset[int]:
    """Return whose files a start in `directory` obeys. Raises OSError."""
    return frozenset({0, os.geteuid(), directory.stat().st_uid})


def open_obeyed(path: Path, owners: frozenset[int] | None = None) -> int:
    """Open a file that decides something, and return a descriptor of what was judged.

    Whoever owns a directory can exchange a file in it at any moment: so it is what was opened that
    is asked for its owner, and not the path. `owners` are others than those to be obeyed here.
    Raises OSError, RefusedError.
    """
    owners = _obeyed if owners is None else owners
    # A pipe that somebody has put there is not waited for.
    waits = 0 if owners is None else os.O_NONBLOCK
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | waits)
    try:
        if owners is not None:
            info = os.fstat(handle)
            link = os.lstat(path)
            _check_known(path, info.st_uid, owners)
            if stat.S_ISLNK(link.st_mode):
                # Whoever owns a symlink chooses the file as much as who owns what it points at.
                _check_known(path, link.st_uid, owners)
                if not os.path.samestat(os.stat(path), info):
                    raise RefusedError(f"{path} was exchanged while it was read", hint="try again")
            if not stat.S_ISREG(info.st_mode):
                raise LockError(path, "is not a file")
    except BaseException:
        os.close(handle)
        raise
    return handle


def _check_known(path: Path, owner: int, owners: frozenset[int]) -> None:
    if owner not in owners:
        raise _refuse(path, owner)


def _refuse(path: Path, owner: int) -> RefusedError:
    import shlex

    return RefusedError(
        f"{path} belongs to {name_user(owner)}, who could choose what you run",
        hint=f"if you trust it: pyx --project {shlex.quote(str(path.parent))} …",
    )


def check_owner(lock: Path, directory: Path) -> None:
    """Refuse a lock, or a file beside it, of anybody but the user, root or `directory`'s owner.

    Raises RefusedError, which names file and owner, and LockError where it cannot be looked at.
    """
    try:
        trusted = owners_at(directory)
    except OSError as error:
        raise LockError(lock, f"cannot be read: {error.strerror}") from error
    check_owners(lock, trusted)


def check_owners(path: Path, owners: frozenset[int]) -> None:
    """Refuse a file, or a link to one, of anybody but `owners`.

    Raises RefusedError, which names file and owner, and LockError where it cannot be looked at.
    """
    try:
        # Whoever owns a symlink chooses the lock as much as who owns what it points at.
        found = [path.stat().st_uid, path.lstat().st_uid]
    except OSError as error:
        raise LockError(path, f"cannot be read: {error.strerror}") from error
    for owner in found:
        _check_known(path, owner, owners)


def check_process() -> None:
    """Refuse to run with another user's rights than those of who started this process."""
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid():
        raise RefusedError(
            f"pyx was started by {name_user(os.getuid())} with the rights of "
            f"{name_user(os.geteuid())}, who would run what the other chooses",
            hint="remove its setuid and setgid bits: chmod ug-s",
        )


def check_dirs(dirs: Dirs, environ: Mapping[str, str]) -> None:
    """Refuse directories that somebody else could write to, and what is none.

    Raises RefusedError and StoreError.

    What a start obeys lies below them: entries, environments, records. A store behind the user's
    own may also be root's. Under sudo the directories are not made in another user's home either.
    """
    # What root has prepared in an image serves any user whom a variable leads there; a directory in
    # one's own home that is root's comes of a sudo.
    variables = ("PYX_HOME", "PYX_CACHE_DIR")
    owners = {
        name: frozenset({os.geteuid(), *((0,) if environ.get(name) else ())}) for name in variables
    }
    for path, variable in ((dirs.home, "PYX_HOME"), (dirs.cache, "PYX_CACHE_DIR")):
        _check_directory(path, variable)
        _check_writers(path, variable, owners[variable])
        if os.geteuid() == 0 and ("SUDO_UID" in environ or "DOAS_USER" in environ):
            _check_ancestor(path, variable)
    check_home(dirs, owners["PYX_HOME"])
    for path in dirs.fallback_stores:
        _check_directory(path, "PYX_STORES")
        _check_writers(path, "PYX_STORES", frozenset({0, os.geteuid()}))


def check_home(dirs: Dirs, owners: frozenset[int] | None = None) -> None:
    """Refuse what lies in the user's own home of pyx's and is another's, or open to others.

    Whoever makes something there asks again afterwards: a stranger may have been quicker to make
    the directory itself. Root is none, but for who says so by `owners`. Raises RefusedError.
    """
    allowed = owners or frozenset({0, os.geteuid()})
    _check_writers(dirs.home, "PYX_HOME", allowed)
    for name in _PARTS:
        _check_writers(dirs.home / name, "PYX_HOME", allowed)


_PARTS = ("store", "environments", "named", "links", "native", "changes", "linked", "scripts")
"""The directories in a home; what lies in each decides something, or is written by it."""


def check_closed(path: Path) -> None:
    """Refuse a directory that is neither the user's nor root's, or that others can write to.

    Raises RefusedError; one that is not there is not refused.
    """
    try:
        _check_writers(path, "PYX_HOME", frozenset({0, os.geteuid()}))
    except RefusedError as error:
        import shlex

        hint = f"if nothing needs it: rm -r {shlex.quote(str(path))}; see pyx store verify"
        raise RefusedError(error.message, hint=hint) from None


def describe_exposure(path: Path) -> str:
    """Return in a word or two who else could change a file or directory; empty if nobody could."""
    info = os.lstat(path)
    if info.st_uid not in (0, os.geteuid()):
        return "foreign"
    by_group = info.st_mode & stat.S_IWGRP and info.st_gid != os.getegid()
    # A link has a mode that means nothing.
    is_open = info.st_mode & stat.S_IWOTH or by_group
    return "open" if is_open and not stat.S_ISLNK(info.st_mode) else ""


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
        import shlex

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
        raise StoreError(f"{file} is not a directory", hint=hint)


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
                hint=f"sudo -H pyx …, or set {variable} to a directory that root owns",
            )


def _advise_sudo() -> str:
    return "; with sudo: sudo -H pyx …" if os.geteuid() == 0 else ""


def name_user(uid: int) -> str:
    """Return the name of a user, or the number of one who has none."""
    import pwd

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

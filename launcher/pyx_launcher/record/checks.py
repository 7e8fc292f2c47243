"""Checks: facts about files that must still be true for a launch record to hold."""

from __future__ import annotations

import os
import time
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable


class Kind(IntEnum):
    """What a check demands of its path."""

    FILE = 1
    ABSENT = 2
    DIRECTORY = 3
    SCRIPT = 4
    THERE = 5
    HIDDEN = 6
    """Nobody told whether it is there: the user may not look into a directory above it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One fact about a path, with the times in nanoseconds and the size in bytes."""

    kind: Kind
    path: bytes
    mtime_ns: int = 0
    ctime_ns: int = 0
    size: int = 0
    inode: int = 0
    count: int = 0
    """For a directory: how many following absences its unchanged times answer for."""
    block: bytes = b""
    """For a script: the inline block it has, byte for byte."""


def check_file(path: Path) -> Check:
    """Return the check that `path` stays exactly as it is now, or stays absent or hidden."""
    name = os.fsencode(path)
    try:
        info = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Check(kind=Kind.ABSENT, path=name)
    except PermissionError:
        return Check(kind=Kind.HIDDEN, path=name)
    return _check_info(Kind.FILE, name, info)


def check_script(path: Path, block: bytes = b"") -> Check:
    """Return the check that the script's inline block stays `block` (none if empty)."""
    return _check_info(Kind.SCRIPT, os.fsencode(path), os.stat(path), block=block)


def check_absences(paths: Iterable[Path]) -> tuple[Check, ...]:
    """Return checks that all `paths` stay absent, cheap where their directory does not change.

    A directory answers for the files in it only if none of them is there at all (a dangling
    symlink can come to life without its directory changing) and its times are old enough.
    One that may not be looked into hides them, whatever it is said to have.
    """
    by_directory: dict[Path, list[Path]] = {}
    for path in paths:
        by_directory.setdefault(path.parent, []).append(path)
    checks: list[Check] = []
    for directory, below in by_directory.items():
        absences = [Check(kind=Kind.ABSENT, path=os.fsencode(path)) for path in below]
        try:
            info = os.stat(directory)
            # Only what may be entered can be looked into. `Path` would drop the dot.
            os.stat(os.path.join(directory, "."))
        except PermissionError:
            checks.extend(check_file(path) for path in below)
            continue
        except OSError:
            info = None
        if info and not is_racy(info) and not any(os.path.lexists(path) for path in below):
            name = os.fsencode(directory)
            checks.append(_check_info(Kind.DIRECTORY, name, info, count=len(absences)))
        checks.extend(absences)
    return tuple(checks)


def _check_info(
    kind: Kind, path: bytes, info: os.stat_result, *, count: int = 0, block: bytes = b""
) -> Check:
    return Check(
        kind=kind,
        path=path,
        mtime_ns=_wrap(info.st_mtime_ns),
        ctime_ns=_wrap(info.st_ctime_ns),
        size=info.st_size,
        inode=info.st_ino,
        count=count,
        block=block,
    )


def _wrap(nanoseconds: int) -> int:
    """Return a time as 64 bits hold it: a file may come from a year after 2262."""
    return (nanoseconds + (1 << 63)) % (1 << 64) - (1 << 63)


def is_racy(info: os.stat_result, since: float | None = None) -> bool:
    """Is the file so young that a further change could leave its times as they are?

    `since` is when it began to be read, in seconds since the epoch; now, if not given.
    Only the time of the last change counts, as no program can set it: a file whose time of
    modification lies in the future is as good as any.
    """
    return (time.time() if since is None else since) - info.st_ctime < find_lag(info.st_ctime_ns)


def find_lag(nanoseconds: int) -> float:
    """Return how many seconds the clock of a file system with such a time of a file may lag.

    One with fractions of a second ticks every ten milliseconds at the worst; one whose times are
    whole seconds may tick as seldom as every two.
    """
    return 0.02 if nanoseconds % 10**9 else 2.0


def find_difference(check: Check) -> str | None:
    """Return what is not as `check` says, or None. A changed script is compared by its block."""
    path = os.fsdecode(check.path)
    try:
        info = os.stat(check.path)
    except (FileNotFoundError, NotADirectoryError):
        return None if check.kind is Kind.ABSENT else f"{path} is gone"
    except PermissionError as error:
        return None if check.kind is Kind.HIDDEN else f"{path}: {error.strerror}"
    except OSError as error:
        return f"{path}: {error.strerror}"
    if check.kind in (Kind.ABSENT, Kind.HIDDEN):
        return f"{path} has appeared"
    if check.kind is Kind.THERE:
        return None
    if _identity(_check_info(check.kind, check.path, info)) == _identity(check):
        return None
    if check.kind is Kind.SCRIPT and find_block(Path(path).read_bytes()) == check.block:
        return None
    return f"{path} has changed"


def _identity(check: Check) -> tuple[int, ...]:
    """Return what tells a file from any other; a directory's size says nothing its times do not."""
    size = 0 if check.kind is Kind.DIRECTORY else check.size
    return check.mtime_ns, check.ctime_ns, size, check.inode


_MARK = b"# /// script"


def find_block(source: bytes) -> bytes | None:
    """Return the script's inline block (PEP 723) with all comment lines that follow it directly.

    Empty where there is none; None where there are two, which the specification forbids.
    The native program compares these bytes; what they mean is not its business.
    """
    lines = source.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.rstrip(b"\r\n") == _MARK]
    if not starts:
        return b""
    if len(starts) > 1:
        return None
    end = starts[0]
    while end < len(lines) and lines[end].startswith(b"#"):
        end += 1
    return b"".join(lines[starts[0] : end])

"""Locks of the kernel upon files (flock(2)): they die with the processes that hold them.

The file of a lock stays where it is: removing it would let two holders in.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_STEP = 0.05
"""Seconds between two attempts."""


def lock_file(path: Path, *, mode: int = 0o644) -> int:
    """Lock `path`, which is made with `mode` where it is not there, and return its descriptor.

    Waits for another holder, also one in this process. Closing the descriptor lets go of it.
    Raises OSError, also where the file system knows no locks.
    """
    handle = _open(path, mode)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except BaseException:
        os.close(handle)
        raise
    return handle


def try_lock_file(path: Path, *, patience: float, mode: int = 0o644) -> int | None:
    """Do as `lock_file` does, but wait `patience` seconds at most; None where that was not enough.

    With no patience at all it is tried once.
    """
    end = time.monotonic() + patience
    handle = _open(path, mode)
    try:
        while not _try(handle):
            if time.monotonic() >= end:
                os.close(handle)
                return None
            time.sleep(_STEP)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _open(path: Path, mode: int) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

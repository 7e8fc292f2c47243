"""Who uses a store, and who may delete from it: locks of the kernel, and its generation.

Whoever makes something ready holds the stores it takes entries from; any number may do so at
once. Deletion claims its store for itself, when nobody holds it, and bumps the generation first,
which ends every launch record. Both lock the generation file, which every store has and nobody
replaces. The locks die with their processes.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from pyx_launcher.console import tell
from pyx_launcher.errors import StoreError
from pyx_launcher.files.atomic import storing
from pyx_launcher.files.ownership import check_home
from pyx_launcher.store.entry import touch_generation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyx_launcher.dirs import Dirs

PATIENCE = 60.0
"""Seconds that a deletion waits for starts which are fetching."""

_STEP = 0.05

_SHORT = 20
"""So many steps are waited without a word."""

_LONGEST_DELETION = 600.0
"""Seconds that a start waits for a deletion, which has a store to itself for much less."""


def hold_stores(dirs: Dirs) -> tuple[int, ...]:
    """Hold all stores of `dirs` until this process ends, or becomes the program it starts.

    Returns the descriptors, for `release_stores`. A store that has no generation file, or whose
    file system knows no locks, is not held: nothing can be deleted there by a claim, either.
    """
    held: list[int] = []
    with contextlib.suppress(StoreError):
        # In a home that cannot be written the start goes on as far as it gets.
        touch_generation(dirs.store)
    # A stranger may have made the directory since it was looked for.
    check_home(dirs)
    for store in dirs.stores:
        with contextlib.suppress(OSError):
            handle = os.open(store / ".generation", os.O_RDONLY | os.O_CLOEXEC)
            held.append(handle)
            _share(handle, store)
    return tuple(held)


def _share(handle: int, store: Path) -> None:
    """Share a store with others that use it, as soon as nobody deletes from it."""
    import fcntl

    end = time.monotonic() + _LONGEST_DELETION
    waits = 0
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise StoreError(
                    f"another pyx has kept {store} to itself for {_LONGEST_DELETION:.0f} seconds",
                    hint="end that `pyx store gc`, and try again",
                ) from None
            if waits == _SHORT:
                tell(f"waiting for `pyx store gc`, which is deleting from {store}")
            waits += 1
            time.sleep(_STEP)
        else:
            return


def release_stores(held: tuple[int, ...]) -> None:
    """Let go of what `hold_stores` returned."""
    for handle in held:
        os.close(handle)


@contextlib.contextmanager
def holding_stores(dirs: Dirs) -> Iterator[None]:
    """Hold all stores of `dirs` within a block."""
    held = hold_stores(dirs)
    try:
        yield
    finally:
        release_stores(held)


@contextlib.contextmanager
def claimed_store(store: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Be the only one to use `store` within a block, which should be short: all starts wait.

    Raises StoreError where others hold it for longer than `patience` seconds, or where the file
    system knows no locks.
    """
    import fcntl

    with storing(store):
        handle = os.open(touch_generation(store), os.O_RDWR | os.O_CLOEXEC)
    try:
        end = time.monotonic() + patience
        waiting = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _wait(store, end, told=waiting)
                waiting = True
            except OSError as error:
                raise StoreError(f"{store} cannot be locked: {error.strerror}") from error
        yield
    finally:
        os.close(handle)


def _wait(store: Path, end: float, *, told: bool) -> None:
    if time.monotonic() >= end:
        raise StoreError(
            f"{store} is in use: other starts are fetching into it",
            hint="try again when they are done; nothing was deleted",
        )
    if not told:
        tell("waiting for other starts, which are using the store")
    time.sleep(_STEP)


def bump_generation(store: Path) -> None:
    """End every launch record that depends on `store`, before anything in it is deleted.

    Its generation file grows by a byte, so that also a file system with coarse times, or with a
    clock that was set back, shows the change; and it is on the disk before this returns.
    """
    with storing(store):
        handle = os.open(touch_generation(store), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(handle, b".")
            os.fsync(handle)
        finally:
            os.close(handle)

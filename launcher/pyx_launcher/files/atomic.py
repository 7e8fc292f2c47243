"""Files and directories that are either wholly there or not there at all."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from pyx_launcher.errors import StoreError, explain_fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Write `data` to a new file beside `path` and rename it into place.

    Readers see the old file or the new one, with `durable` also after a power cut, and then it is
    on the disk on return. Raises OSError, and then leaves nothing behind.
    """
    temporary = name_temporary(path.parent, f".{path.name}.")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
        if durable:
            sync_path(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def sync_path(path: Path) -> None:
    """Return once a file, or which names a directory has, is on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def storing(place: Path) -> Iterator[None]:
    """Turn an OSError below into a StoreError that names the place and what can be done."""
    try:
        yield
    except OSError as error:
        told = explain_fault(error, str(place))
        raise StoreError(f"cannot write {told.message}", hint=told.hint) from error


def make_directory(parent: Path, prefix: str) -> Path:
    """Make a new directory for the user alone in `parent`. Raises OSError."""
    path = name_temporary(parent, prefix)
    os.mkdir(path, 0o700)
    return path


def remove_tree(path: str | Path) -> None:
    """Remove a directory with everything in it, as far as that is possible; there may be none."""
    if os.path.lexists(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)


def name_temporary(parent: Path, prefix: str) -> Path:
    """Return a path in `parent` that nothing else has or will get.

    `tempfile` would do as well, but takes 4 ms to import, for the sake of directories of its own.
    """
    return parent / f"{prefix}{os.urandom(8).hex()}"


class _Flushes:
    """One flush serves everybody who asked for one before it began."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._begun = 0
        self._done = 0

    def wait(self, directory: Path) -> None:
        with self._changed:
            # One that is under way may have passed by what the caller wrote meanwhile.
            needed = self._begun + 1
            while self._done < needed:
                if self._begun > self._done:
                    self._changed.wait()
                else:
                    self._begun += 1
                    self._flush(directory)

    def _flush(self, directory: Path) -> None:
        self._changed.release()
        try:
            _sync_file_system(directory)
        finally:
            self._changed.acquire()
            self._done = self._begun
            self._changed.notify_all()


_flushes = _Flushes()


def flush(directory: Path) -> None:
    """Return once everything below `directory` that was written before the call is on the disk.

    This is `syncfs` of Linux: one call for however many files, and one for all threads that wait
    at the same time. Raises OSError where the disk fails.
    """
    _flushes.wait(directory)


def _sync_file_system(directory: Path) -> None:
    import ctypes

    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        # Elsewhere there is only the call for all file systems.
        os.sync()
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(directory))
    finally:
        os.close(handle)

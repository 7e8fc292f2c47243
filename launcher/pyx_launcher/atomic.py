"""Files and directories that are either wholly there or not there at all."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write `data` to a new file beside `path` and rename it into place.

    Readers see the old file or the new one. Raises OSError, and then leaves nothing behind.
    """
    temporary = name_temporary(path.parent, f".{path.name}.")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


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

"""The format version of a store: refuse a newer one, bring an older one up to date.

    STORE/.format    a decimal number and a newline; a store without it is of format 0

Format 0 has no number and else the entries of format 1, which lie in BUILD itself and not in a
`site-packages` below it (see `takeover`). An upgrade that changes what an old entry holds must bump
the generation, for launch records of older versions of pyx know no format; this one only adds.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pyx_launcher.dirs import FORMAT_FILE
from pyx_launcher.errors import StoreError
from pyx_launcher.files.atomic import storing, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from pyx_launcher.dirs import Dirs

STORE_FORMAT = 2

_LONGEST = 20
"""Bytes of a format file that are read."""


def read_format(store: Path) -> int | None:
    """Return the format of `store`, or None where there is no store.

    Raises StoreError where the number cannot be read.
    """
    try:
        with open(store / FORMAT_FILE, "rb") as file:
            text = file.read(_LONGEST).strip()
    except (FileNotFoundError, NotADirectoryError):
        return 0 if store.is_dir() else None
    except OSError as error:
        raise StoreError(f"{store / FORMAT_FILE}: {error.strerror}") from error
    if not text.isdigit():
        # A power cut may leave a name without its content.
        return 0 if not text else _refuse(store, f"its format {text!r} is not a number")
    return int(text)


def check_formats(dirs: Dirs) -> None:
    """Raise StoreError if a store of `dirs` is newer than this pyx; upgrade the user's own.

    The read-only stores behind it may be older: every older format can be read.
    """
    for store in dirs.stores:
        found = read_format(store)
        if found is not None and found > STORE_FORMAT:
            _refuse(store, f"its format is {found}, and this pyx knows {STORE_FORMAT}")
        if store == dirs.store and found is not None and found < STORE_FORMAT:
            _upgrade(store)


def write_format(store: Path) -> None:
    """Mark `store`, which is there, as of this version's format. Raises StoreError."""
    with storing(store):
        write_atomic(store / FORMAT_FILE, f"{STORE_FORMAT}\n".encode(), mode=0o644)


def _upgrade(store: Path) -> None:
    if os.access(store, os.W_OK):
        from pyx_launcher.store.takeover import take_over

        with contextlib.suppress(StoreError):
            # A full disk stops only what needs room: the old entries can be read.
            take_over(store)
            _raise_format(store)


def _raise_format(store: Path) -> None:
    """Mark a store that was taken over, with the time that its mark had.

    Environments of the former version are bound to size and time of the file. All that they need
    is still there, so children of programs that run, too, go on to start.
    """
    path = store / FORMAT_FILE
    before = os.stat(path) if path.exists() else None
    write_format(store)
    if before is not None:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _refuse(store: Path, problem: str) -> int:
    raise StoreError(
        f"{store} was written by another version of pyx: {problem}",
        hint="upgrade pyx, or set PYX_HOME (PYX_STORES) to another directory",
    )

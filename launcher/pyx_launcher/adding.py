"""Put wheels that lie on this machine into the store, before any lock asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from pyx_launcher.digests import hash_file
from pyx_launcher.errors import StoreError, UsageError
from pyx_launcher.store import find_entry, locked_place, name_entry
from pyx_launcher.unpacking import unpack_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.store import Entry


def add_wheel(dirs: Dirs, wheel: Path) -> tuple[Entry, bool]:
    """Return the entry of the file `wheel`, and whether it was made now.

    A lock that has the sha256 of this file finds it there. Raises UsageError for a file that is
    not named as a wheel, RefusedError for one that is not sound, StoreError.
    """
    try:
        name, version, _, _ = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise UsageError(f"{wheel}: {error}", hint="pyx store add NAME-VERSION-….whl") from error
    try:
        key = hash_file(wheel)
    except OSError as error:
        raise StoreError(f"{wheel}: {error.strerror}") from error
    place = name_entry(name, str(version), wheel.name, key)
    with locked_place(dirs.store, place) as final:
        entry = find_entry(dirs, place, key)
        if entry is not None:
            return entry, False
        hashes = {"sha256": key}
        made = unpack_wheel(wheel, final, name=name, version=str(version), key=key, hashes=hashes)
    return made, True

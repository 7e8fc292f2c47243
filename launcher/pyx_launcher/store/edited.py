"""Notice, when an environment is made, that somebody has edited a file that all projects share.

Only sources are read-only (see `modes`), and who wants to can change the mode of these, too. The
times of the files tell at two microseconds each; only what is suspect is read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.store.entry import FACTS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyx_launcher.store.entry import Entry

_RECORD = "RECORD"
_INFO = ".dist-info"


def find_edited(entry: Entry) -> list[str]:
    """Return the files of `entry` that are not as they were unpacked, as far as times tell.

    RECORD is written last and never again, so only what is younger is held against it.
    """
    try:
        younger = _list_younger(entry)
    except OSError:
        # It is told when the program meets it; `pyx store verify` tells all.
        return []
    if not younger:
        return []
    from pyx_launcher.store.verify import find_changed

    # Whoever has copied a store may have given it new times.
    return find_changed(entry, younger)


def _list_younger(entry: Entry) -> list[str]:
    infos = [name for name in entry.facts.tops if name.endswith(_INFO)]
    records = [os.path.join(entry.path, name, _RECORD) for name in infos]
    times = [os.stat(record).st_mtime_ns for record in records if os.path.exists(record)]
    if not times:
        return []
    found = _walk(os.fspath(entry.path), "", max(times))
    # The facts come last, and change when a lock tells of another digest.
    return [place for place in found if place != FACTS_FILE]


def _walk(directory: str, prefix: str, written: int) -> Iterator[str]:
    with os.scandir(directory) as found:
        for item in found:
            if item.is_dir(follow_symlinks=False):
                if item.name != "__pycache__":
                    yield from _walk(item.path, f"{prefix}{item.name}/", written)
            elif item.stat(follow_symlinks=False).st_mtime_ns > written:
                yield prefix + item.name

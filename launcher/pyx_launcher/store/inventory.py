"""Look at a store as a whole: which entries lie in it, and how much room they take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.store.last_use import list_visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def list_entries(store: Path) -> list[Path]:
    """Return the place of every entry that can be seen in `store`, sound or not, in order."""
    return sorted(_walk(store))


def _walk(store: Path) -> Iterator[Path]:
    for project in list_visible(store):
        for version in list_visible(project):
            yield from list_visible(version)


def tail_of(entry: Path) -> tuple[str, ...]:
    """Return NAME, VERSION and BUILD of an entry, which say what it is however a store is named."""
    return entry.parts[-3:]


def measure_tree(directory: Path) -> int:
    """Return the bytes that `directory` takes on the disk; what cannot be looked at counts nothing.

    A file with several names counts once for all of them that are below `directory`.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    waiting = [os.fspath(directory)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                for item in found:
                    info = item.stat(follow_symlinks=False)
                    if item.is_dir(follow_symlinks=False):
                        waiting.append(item.path)
                    elif info.st_nlink > 1:
                        if (info.st_dev, info.st_ino) in seen:
                            continue
                        seen.add((info.st_dev, info.st_ino))
                    total += info.st_blocks * 512
        except OSError:
            # Somebody may be deleting it.
            continue
    return total

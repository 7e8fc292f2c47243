"""What lies in a directory, and how much room it takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def list_visible(directory: Path) -> Iterator[Path]:
    """Yield what `directory` holds, without hidden names; nothing where there is none."""
    try:
        with os.scandir(directory) as found:
            yield from (Path(item.path) for item in found if not item.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return


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

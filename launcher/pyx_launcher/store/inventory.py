"""Look at a store as a whole: which entries lie in it, and how much room they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.files.directories import list_visible
from pyx_launcher.store.entry import find_build, locate_entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def list_entries(store: Path) -> list[Path]:
    """Return the place of every entry that can be seen in `store`, sound or not, in order."""
    return sorted(_walk(store))


def _walk(store: Path) -> Iterator[Path]:
    for project in list_visible(store):
        for version in list_visible(project):
            yield from map(locate_entry, list_visible(version))


def tail_of(entry: Path) -> tuple[str, ...]:
    """Return NAME, VERSION and BUILD of an entry, which say what it is however a store is named."""
    return find_build(entry).parts[-3:]

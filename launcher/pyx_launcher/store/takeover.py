"""Give the entries of a store of format 1 the places that format 2 has, without fetching anything.

An entry of format 1 is the directory BUILD itself. What comes of it has the same files, by hard
links, below another BUILD: programs that run from the old one lose nothing, and `gc` deletes that
once no environment needs it. A kill at any moment leaves whole entries of either format, and the
next start goes on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from pyx_launcher.console import tell
from pyx_launcher.errors import StoreError
from pyx_launcher.files.atomic import flush, make_directory, remove_tree, storing
from pyx_launcher.store.entry import (
    FACTS_FILE,
    SITE_PACKAGES,
    find_build,
    name_entry,
    read_entry,
)
from pyx_launcher.store.inventory import list_entries
from pyx_launcher.store.modes import Modes, find_packages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyx_launcher.store.entry import Entry

_DIRECTORY = 0o755
_PATIENCE = 60.0
"""Seconds that one process waits for another, which takes over 25,000 files in one."""


def take_over(store: Path) -> int:
    """Return how many entries of `store` have got a new place.

    Raises StoreError, and then none has: also where something is deleted meanwhile.
    """
    if next(_find_old(store), None) is None:
        return 0
    from pyx_launcher.files.lock import take_lock

    with storing(store), contextlib.ExitStack() as stack:
        held = take_lock(store / ".takeover.lock", patience=_PATIENCE)
        if held is None:
            # The old entries serve as well, and the next start tries again.
            raise StoreError(f"another process is taking over {store}")
        stack.callback(held.release)
        found = dict(_find_old(store))
        if not found:
            return 0
        tell(f"taking over {len(found)} entries of the store into its new layout")
        # The collection of what is unused deletes it, should this process be killed.
        temporary = make_directory(store, ".new.")
        try:
            for number, entry in enumerate(found.values()):
                target = f"{temporary}/{number}/{SITE_PACKAGES}"
                files = list(_link_tree(str(entry.path), target, ""))
                _set_modes(target, files)
                # The umask has no say in a store that others may have among theirs.
                os.chmod(temporary / str(number), _DIRECTORY)
            # One flush for all: no rename may reach the disk before what it names.
            flush(store)
            for number, build in enumerate(found):
                # Another start may have made it from its wheel meanwhile.
                with contextlib.suppress(OSError):
                    os.rename(temporary / str(number), build)
        finally:
            remove_tree(temporary)
    return len(found)


def _find_old(store: Path) -> Iterator[tuple[Path, Entry]]:
    """Yield the entries of format 1 that have nothing in format 2, by the BUILD they will get."""
    for path in list_entries(store):
        if path.name != SITE_PACKAGES and (entry := read_entry(path)) is not None:
            name, version, build = path.parts[-3:]
            tags = build.rpartition("-")[0]
            place = name_entry(name, version, f"-{tags}.whl", entry.facts.key)
            if read_entry(store / place) is None:
                yield find_build(store / place), entry


def _link_tree(source: str, target: str, prefix: str) -> Iterator[str]:
    """Make `target` a directory with the files of `source`; yields these by their places."""
    os.makedirs(target)
    os.chmod(target, _DIRECTORY)
    with os.scandir(source) as found:
        for item in found:
            place = f"{target}/{item.name}"
            if item.is_dir(follow_symlinks=False):
                yield from _link_tree(item.path, place, f"{prefix}{item.name}/")
                continue
            try:
                os.link(item.path, place, follow_symlinks=False)
            except OSError:
                # A file system without hard links, or a file with as many as it can have.
                shutil.copy2(item.path, place, follow_symlinks=False)
            yield prefix + item.name


def _set_modes(root: str, files: list[str]) -> None:
    """Let the files have the modes of newer entries; in format 1 all were read-only."""
    modes = Modes(find_packages(files))
    for place in files:
        if place.endswith(".pyc") or place == FACTS_FILE:
            continue
        found = os.lstat(f"{root}/{place}").st_mode & 0o777
        mode = modes.choose(place, is_executable=found & 0o111 != 0)
        if mode != found:
            os.chmod(f"{root}/{place}", mode)

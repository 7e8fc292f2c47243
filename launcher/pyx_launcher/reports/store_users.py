"""Who uses which entries of the store, under names that a person knows.

Launch records tell which projects and scripts have been started in an environment; installed
programs and `.venv` links tell of themselves.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.files.directories import list_visible
from pyx_launcher.locks.reader import has_lock_name
from pyx_launcher.record.checks import Kind
from pyx_launcher.record.record import read_record
from pyx_launcher.store.gc_roots import list_links
from pyx_launcher.store.inventory import tail_of
from pyx_launcher.store.last_use import list_environments
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.record.record import LaunchRecord

_SHOWN = 3
"""Packages that are named of an environment that nobody is known to use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreUser:
    """A project, a script, an installed program, or an environment that none of these is known of.

    One environment may have several users.
    """

    label: str
    environment: Path
    entries: frozenset[tuple[str, ...]]
    """Name, version and build of each."""
    last: float
    """When its environment was last used, or may have been, in seconds since the epoch."""


def find_users(dirs: Dirs, own: Mapping[str, frozenset[str]]) -> list[StoreUser]:
    """Return every user of an environment that has packages, by their labels.

    `own` are the tools of pyx itself: for each label the names of all packages it may need.
    """
    labels: dict[str, set[str]] = {}
    for environment, label in (*_find_programs(dirs), *_find_links(dirs), *_find_starts(dirs)):
        labels.setdefault(environment, set()).add(label)
    users = []
    for used in list_environments(dirs):
        entries = frozenset(map(tail_of, used.entries))
        found = labels.get(used.path.name) or {_describe(sorted({one[0] for one in entries}), own)}
        users += [
            StoreUser(label=label, environment=used.path, entries=entries, last=used.last)
            for label in found
            if entries
        ]
    return sorted(users, key=lambda user: (user.label, user.environment))


def _describe(names: Sequence[str], own: Mapping[str, frozenset[str]]) -> str:
    for label, pinned in own.items():
        if label.partition(",")[0].lower() in names and pinned.issuperset(names):
            return label
    return f"other: {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"


def _find_programs(dirs: Dirs) -> Iterator[tuple[str, str]]:
    for link in sorted((dirs.home / "tools").glob("*/environment")):
        yield os.path.basename(os.path.realpath(link)), f"program {link.parent.name}"


def _find_links(dirs: Dirs) -> Iterator[tuple[str, str]]:
    for link, target in list_links(dirs):
        if target is not None:
            yield os.path.basename(target), str(link.parent)


def _find_starts(dirs: Dirs) -> Iterator[tuple[str, str]]:
    for path in list_visible(dirs.records):
        record = read_record(path)
        label = record and _name_start(record, dirs)
        if record and label:
            yield record.words.argv0.parent.parent.name, label


def _name_start(record: LaunchRecord, dirs: Dirs) -> str | None:
    """Return the script with a block of its own, the project or the named environment started."""
    locks = []
    for check in record.checks:
        path = Path(os.fsdecode(check.path))
        if check.kind is Kind.SCRIPT and check.block:
            return str(path)
        if check.kind is Kind.FILE and has_lock_name(path):
            locks.append(path)
    if not locks:
        return None
    directory = max((lock.parent for lock in locks), key=lambda path: len(path.parts))
    return f"@{directory.name}" if directory.parent == dirs.named else str(directory)

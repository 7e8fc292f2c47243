"""Delete environments that were not used for long, and entries that no environment needs.

Nothing that runs, or is being made ready, loses anything:

1. the generation is bumped, so that no launch record holds: later starts take the slow path;
2. a start that had found its record valid just before is given a second to become a process;
3. the store is claimed: no slow path is under way. Only now is it decided what goes, by the
   marks of slow starts and the processes that are to be seen;
4. what goes is set aside by renames, which is quick, and the claim ends;
5. the files are deleted. A kill at any moment leaves what the next collection deletes.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import RefusedError
from pyx_launcher.files.atomic import flush, make_directory, remove_tree, storing
from pyx_launcher.files.directories import list_visible
from pyx_launcher.record.checks import find_lag
from pyx_launcher.record.decisions import drop_decisions
from pyx_launcher.record.record import read_record
from pyx_launcher.store.entry import FACTS_FILE, find_build
from pyx_launcher.store.gc_roots import find_linked, forget_gone
from pyx_launcher.store.inventory import list_entries, tail_of
from pyx_launcher.store.last_use import (
    Used,
    keeps_access_times,
    list_environments,
    read_bump,
    read_environment_facts,
)
from pyx_launcher.store.lock import bump_generation, claimed_store
from pyx_launcher.store.processes import find_running
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyx_launcher.dirs import Dirs

GRACE = 1.0
"""Seconds from the check of a launch record until its process can be seen, at the very most."""

_SETTLE = 0.05
"""Seconds from the moment when a start lets go of the store, by `execve`, until it is seen."""

_TRASH = ".trash."


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """What can go."""

    environments: tuple[Path, ...]
    entries: tuple[Path, ...]
    kept_environments: int
    kept_entries: int
    kept_linked: int
    """How many environments stay because an installed program or a project's link leads to them."""
    kept_running: int
    """How many others stay only because something runs in them, or may do so."""


def plan_collection(
    dirs: Dirs, keep: float, *, since: float | None = None, bumped: float | None = None
) -> Collection:
    """Tell what was not used for `keep` seconds; with 0, whatever does not run.

    What an installed program or the link of a project leads to stays however long it is unused.

    What a start has marked at the time `since` or later stays in any case; `bumped` is as for
    `list_environments`. Deletes nothing.
    Raises RefusedError for a store that other homes may share.
    """
    if dirs.store.is_symlink():
        raise RefusedError(
            f"{dirs.store} is a link, so environments other than those here may need it",
            hint="run it with the PYX_HOME that the store itself lies in",
        )
    now = time.time()
    used = list_environments(dirs, bumped)
    running = find_running(used)
    installed = _find_installed(dirs) | find_linked(dirs)
    kept = [
        each
        for each in used
        if each.path in running.own
        or each.path.name in installed
        or (since is not None and _is_marked(each, since))
        or (keep and now - each.last < keep)
    ]
    needed = {tail_of(entry) for each in kept for entry in each.entries}
    for path in running.others:
        needed |= {tail_of(Path(entry)) for entry in read_environment_facts(path)["entries"]}
    entries = list_entries(dirs.store)
    unneeded = [
        entry
        for entry in entries
        if tail_of(entry) not in needed and not (keep and now - _time_made(entry) < keep)
    ]
    kept_paths = {each.path for each in kept}
    return Collection(
        environments=tuple(each.path for each in used if each.path not in kept_paths),
        entries=tuple(unneeded),
        kept_environments=len(kept),
        kept_entries=len(entries) - len(unneeded),
        kept_linked=sum(each.path.name in installed for each in kept),
        kept_running=sum(
            each.path in running.own
            and each.path.name not in installed
            and not (keep and now - each.last < keep)
            for each in kept
        ),
    )


def _find_installed(dirs: Dirs) -> set[str]:
    """Return the names of the environments of installed programs: only `pyx tool` ends these."""
    return {
        os.path.basename(os.path.realpath(link))
        for link in (dirs.home / "tools").glob("*/environment")
    }


def _is_marked(used: Used, since: float) -> bool:
    return used.marked >= since - find_lag(int(used.marked % 1 * 10**9))


def _time_made(entry: Path) -> float:
    try:
        return (entry / FACTS_FILE).stat().st_mtime
    except OSError:
        # Nobody can use what has no facts.
        return 0.0


def collect(dirs: Dirs, keep: float) -> Collection:
    """Delete what `plan_collection` tells, and what killed processes left. Returns what went.

    Raises StoreError where the store cannot be written, or is in use for too long.
    """
    forget_gone(dirs)
    plan = plan_collection(dirs, keep)
    if not plan.environments and not plan.entries and not any(_list_debris(dirs)):
        _age_generation(dirs, keep)
        return plan
    bumped, began = read_bump(dirs), time.time()
    _end_records(dirs)
    with claimed_store(dirs.store):
        time.sleep(_SETTLE)
        plan = plan_collection(dirs, keep, since=began, bumped=bumped)
        trash = _set_aside(dirs, plan.environments, plan.entries)
    _delete(trash)
    _drop_records(dirs)
    return plan


def discard(
    dirs: Dirs, entries: Sequence[Path], *, replaced: Sequence[Path] = ()
) -> tuple[list[Path], list[Path]]:
    """Delete `entries`, and the environments derived from any of them or of those `replaced`.

    What a running program uses stays. Returns the entries that went and those that stayed.
    Raises as `collect`.
    """
    began = time.time()
    _end_records(dirs)
    with claimed_store(dirs.store):
        time.sleep(_SETTLE)
        used = list_environments(dirs)
        running = find_running(used).own | {u.path for u in used if _is_marked(u, began)}
        busy = {tail_of(e) for u in used if u.path in running for e in u.entries}
        gone = [entry for entry in entries if tail_of(entry) not in busy]
        idle = [each for each in used if each.path not in running]
        trash = _set_aside(dirs, _list_dependents(idle, (*entries, *replaced)), gone)
    _delete(trash)
    return gone, [entry for entry in entries if tail_of(entry) in busy]


def _list_dependents(used: Iterable[Used], entries: Iterable[Path]) -> list[Path]:
    tails = {tail_of(entry) for entry in entries}
    return [u.path for u in used if not tails.isdisjoint(map(tail_of, u.entries))]


def _end_records(dirs: Dirs) -> None:
    bump_generation(dirs.store)
    time.sleep(GRACE)


def _age_generation(dirs: Dirs, keep: float) -> None:
    """Where only slow starts can be seen, have every environment take one within each `keep`."""
    if time.time() - read_bump(dirs) >= keep and not keeps_access_times(dirs.environments):
        bump_generation(dirs.store)


def _set_aside(dirs: Dirs, environments: Iterable[Path], entries: Iterable[Path]) -> list[Path]:
    """Move what goes out of sight; the store is claimed. Returns what to delete, with debris."""
    trash = [*_list_debris(dirs)]
    # An environment goes before its entries, so that none is ever seen without them.
    builds = map(find_build, entries)
    for directory, paths in ((dirs.environments, environments), (dirs.store, builds)):
        with storing(directory):
            if directory.is_dir():
                aside = make_directory(directory, _TRASH)
                trash.append(aside)
                for number, path in enumerate(paths):
                    with contextlib.suppress(FileNotFoundError):
                        os.rename(path, aside / str(number))
    _tidy(dirs)
    with storing(dirs.store):
        # A deleted file below a directory whose rename was lost would be a damaged entry.
        flush(dirs.store)
    return trash


def _list_debris(dirs: Dirs) -> Iterator[Path]:
    """Yield what killed processes left behind: nobody is writing while the store is claimed."""
    for directory in (dirs.environments, dirs.store):
        yield from _list_hidden(directory, (_TRASH, ".new.", ".old.", ".read.", ".."))
    for project in list_visible(dirs.store):
        for version in list_visible(project):
            yield from (p for p in _list_hidden(version, (".",)) if p.suffix != ".lock")


def _list_hidden(directory: Path, prefixes: tuple[str, ...]) -> Iterator[Path]:
    try:
        with os.scandir(directory) as found:
            yield from (Path(item.path) for item in found if item.name.startswith(prefixes))
    except (FileNotFoundError, NotADirectoryError):
        return


def _tidy(dirs: Dirs) -> None:
    """Remove lock files and directories of entries that are gone, and links to these."""
    for project in list_visible(dirs.store):
        for version in list_visible(project):
            names = {path.name for path in list_visible(version)}
            for lock in _list_hidden(version, (".",)):
                if lock.name[1:].removesuffix(".lock") not in names:
                    # Who waits for it would hold the store.
                    _try(os.unlink, lock)
            _try(os.rmdir, version)
        _try(os.rmdir, project)
    for link in list_visible(dirs.links):
        if not link.exists():
            _try(os.unlink, link)


def _try(remove: Callable[[Path], None], path: Path) -> None:
    with contextlib.suppress(OSError):
        remove(path)


def _delete(trash: Iterable[Path]) -> None:
    for directory in trash:
        remove_tree(directory)


def _drop_records(dirs: Dirs) -> None:
    """Remove the launch records of environments that are gone."""
    for path in _list_hidden(dirs.records, ("",)):
        record = read_record(path)
        if record is not None and not record.words.argv0.exists():
            _try(os.unlink, path)
    with contextlib.suppress(OSError):
        drop_decisions(dirs)

"""Change several files of a project together: all of them, or none and every byte as it was.

A tool that locks reads the project where it lies, so the files change in place. What they were is
kept in memory and, for the case that this process is killed or the power fails, in a journal in the
user's own directories, from which the next change or start in that project restores them. One
change of a project waits for another.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import StoreError
from pyx_launcher.files.atomic import sync_path, write_atomic
from pyx_launcher.files.ownership import check_home, closed_to_others
from pyx_launcher.project.journal import (
    drop_journal,
    find_state,
    list_files,
    list_journals,
    name_aside,
    put,
    restore_file,
    restore_journal,
    take_snapshot,
    write_aside,
    write_journal,
    write_seen,
)
from pyx_launcher.values import dataclass, replace
from pyx_runtime.watch import read_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import FrameType

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.project.journal import Restored, Snapshot, State

WAIT = 600.0
"""How long one change of a project waits for another, in seconds."""


def write_file(path: Path, data: bytes) -> None:
    """Write a file of ours at once, keeping the mode of what was there. Raises StoreError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        _check_protection(path)
        write_atomic(path, data, mode=mode, durable=True)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _check_protection(path: Path) -> None:
    """Raise StoreError where a rename would replace what its owner has protected."""
    if path.exists() and not os.access(path, os.W_OK):
        raise StoreError(f"cannot write {path}: it is read-only", hint=f"chmod u+w {path}")


def _cannot_write(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot write {path}: {error.strerror}", hint="make its directory writable")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def exclusive(dirs: Dirs, directory: Path, tell: Callable[[str], None]) -> Iterator[Path]:
    """Hold the lock on changes of the project in `directory`; yields the place of its journal.

    First restores what an earlier change left behind that was killed. Raises StoreError where
    the lock cannot be had.
    """
    from pyx_launcher.files.lock import name_holder, take_lock

    name = hashlib.sha256(os.fsencode(os.path.realpath(directory))).hexdigest()[:32]
    place = dirs.home / "changes" / name
    path = place.with_suffix(".lock")
    try:
        with closed_to_others():
            # Who could write a journal would choose what a start writes into a project.
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_home(dirs)
        held = take_lock(path, patience=0, mode=0o600)
        if held is None:
            tell(f"waiting for another change of {directory}, by {name_holder(path)}")
            held = take_lock(path, patience=WAIT, mode=0o600)
    except OSError as error:
        raise StoreError(f"cannot lock {place}: {error.strerror}", hint="set PYX_HOME") from error
    if held is None:
        raise StoreError(
            f"{name_holder(path)} has been changing {directory} for {WAIT:.0f} seconds",
            hint=f"end it, and try again; if it is gone: rm {path.with_suffix('')}.*.lock",
        )
    try:
        _tell(restore_journal(place), tell)
        yield place
    finally:
        held.release()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """What became of changes that were not finished."""

    has_restored: bool
    is_unfinished: bool
    """Does one go on, or could not be undone, so that nothing is what it will stay?"""


def recover(dirs: Dirs, places: Iterable[Path], tell: Callable[[str], None]) -> Recovery:
    """Restore what killed changes left in the directories `places`, or of these files.

    One that goes on is left alone; what cannot be restored is told, and stops nobody.
    """
    wanted = {Path(os.path.realpath(place)) for place in places}
    journals = [
        journal
        for journal in list_journals(dirs.home / "changes")
        if not wanted.isdisjoint(
            place for path in list_files(journal) for place in (path, path.parent)
        )
    ]
    if not journals:
        # That of a project nobody comes back to must not cost every start this import.
        return Recovery(has_restored=False, is_unfinished=False)
    from pyx_launcher.files.lock import take_lock

    has_restored = is_unfinished = False
    for journal in journals:
        try:
            held = take_lock(journal.with_suffix(".lock"), patience=0, mode=0o600)
        except OSError:
            # Where nothing can be locked, nothing can be restored either.
            continue
        if held is None:
            is_unfinished = True
            continue
        try:
            restored = restore_journal(journal)
        except OSError:
            continue
        except StoreError as error:
            tell(f"an interrupted change is unfinished: {error.message}")
            is_unfinished = True
        else:
            _tell(restored, tell)
            has_restored = has_restored or bool(restored.changed)
        finally:
            held.release()
    return Recovery(has_restored=has_restored, is_unfinished=is_unfinished)


def _tell(restored: Restored, tell: Callable[[str], None]) -> None:
    for path in restored.changed:
        done = "restored" if path.exists() else "removed"
        tell(f"{done} {path}, which an interrupted change left unfinished")
    for path, copy in restored.kept.items():
        was = f"; its former content is in {copy}" if copy is not None else ""
        tell(f"{path} is newer than an interrupted change, so it stays as it is{was}")
    for path in restored.unfinished:
        tell(f"{path} stays as an interrupted change left it")


class Files:
    """The files of one change while it lasts."""

    def __init__(self, journal: Path, paths: Sequence[Path]) -> None:
        """Remember what is in `paths`, here and in the journal. Raises StoreError."""
        self._journal = journal
        self._snapshots = {path: take_snapshot(path) for path in map(_real, paths)}
        self._expected: set[Path] = set()
        self._looked: dict[Path, tuple[int, ...] | None] = {}
        self._tool: int | None = None
        self._write_journal()

    def expect(self, path: Path, content: bytes | None) -> None:
        """Note that no tool writes one of the files, and that `content` was read from it.

        Whatever else is in it, from now on or already, is somebody's edit. Raises StoreError.
        """
        known = self._snapshots[_real(path)]
        if known.before != content:
            raise _edited_meanwhile(path)
        self._expected.add(known.path)

    def write(self, path: Path, data: bytes) -> None:
        """Write one of the files, keeping its mode. Raises StoreError, also over an edit."""
        known = self._snapshots[_real(path)]
        if known.path in self._expected and _is_edited(known):
            raise _edited_meanwhile(path)
        aside = name_aside(self._journal, known.path)
        mode = known.mode if known.before is not None else 0o666 & ~_umask()
        try:
            _check_protection(known.path)
            state = write_aside(aside, data, mode)
            # Before it is there, so that a kill leaves nothing that is not known to be ours.
            self._own(known.path, state)
            put(aside, known.path)
        except OSError as error:
            raise _cannot_write(path, error) from error

    def remove(self, path: Path) -> None:
        """Remove one of the files, for a tool that would stumble over it. Raises StoreError."""
        known = self._snapshots[_real(path)]
        self._own(known.path, None)
        try:
            known.path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot remove {path}: {error.strerror}") from error

    def look(self, tool: int | None = None) -> None:
        """Note what a tool has made of the files; `tool` is its process while it runs.

        Called over and over: what was never seen while the change went on is not undone, if that is
        killed. Raises StoreError.
        """
        seen = False
        for path in self._snapshots.keys() - self._expected:
            found = _glance(path)
            # What was there when the change began is no tool's.
            if found == self._looked.setdefault(path, self._glance_before(path)):
                continue
            self._looked[path] = found
            known, state = self._snapshots[path], find_state(path)
            if state not in known.own and not known.is_as_before(state):
                self._snapshots[path] = replace(known, own=(*known.own, state))
                seen = True
        if seen or tool != self._tool:
            self._tool = tool
            states = {one.path: one.own for one in self._snapshots.values()}
            which = None if tool is None else (tool, read_start(tool))
            write_seen(self._journal, states, which)

    def _glance_before(self, path: Path) -> tuple[int, ...] | None:
        was = self._snapshots[path].was
        return None if was is None else (was.inode, was.size, was.modified)

    def _own(self, path: Path, state: State | None) -> None:
        known = self._snapshots[path]
        self._snapshots[path] = replace(known, own=(*known.own, state))
        self._write_journal()

    def _write_journal(self) -> None:
        write_journal(self._journal, self._snapshots.values())

    def settle(self) -> None:
        """Have all of them on the disk, so that the journal is not needed any more."""
        for path in self._snapshots:
            # What cannot be said to be on the disk is there all the same.
            with contextlib.suppress(OSError):
                sync_path(path)

    def put_back(self, path: Path) -> None:
        """Make one of the files what it was, as if the change had never needed it."""
        known = self._snapshots[_real(path)]
        if not known.is_as_before(find_state(known.path)):
            restore_file(self._journal, known)

    def put_all_back(self, tell: Callable[[str], None]) -> None:
        """Make all of them what they were, but for one that somebody else has edited meanwhile.

        Raises StoreError where that fails for one, after it was done for the others.
        """
        problems: list[StoreError] = []
        for snapshot in self._snapshots.values():
            try:
                if _is_edited(snapshot):
                    tell(f"{snapshot.path} was edited meanwhile, so it is left as it is now")
                elif not snapshot.is_as_before(find_state(snapshot.path)):
                    restore_file(self._journal, snapshot)
                name_aside(self._journal, snapshot.path).unlink(missing_ok=True)
            except StoreError as error:
                problems.append(error)
        if problems:
            raise problems[0]


@contextlib.contextmanager
def restoring(journal: Path, paths: Sequence[Path], tell: Callable[[str], None]) -> Iterator[Files]:
    """Restore all `paths`, also those that do not exist yet, whatever ends the block early.

    Raises StoreError where they cannot be read or the journal not be written.
    """
    with _termination_raises():
        files = Files(journal, paths)
        try:
            yield files
            files.settle()
        except BaseException:
            # Where that fails the journal stays: it has all that is left of what they were.
            files.put_all_back(tell)
            drop_journal(journal)
            raise
        drop_journal(journal)


def _edited_meanwhile(path: Path) -> StoreError:
    return StoreError(f"{path} was edited meanwhile", hint="start the same command again")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_edited(snapshot: Snapshot) -> bool:
    state = find_state(snapshot.path)
    return not (snapshot.is_as_before(state) or snapshot.is_own(state))


def _glance(path: Path) -> tuple[int, ...] | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_ino, info.st_size, info.st_mtime_ns


@contextlib.contextmanager
def _termination_raises() -> Iterator[None]:
    """Let the signals that would end this process at once unwind it instead."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    wanted = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, leave) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

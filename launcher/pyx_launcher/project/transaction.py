"""Change several files of a project together: all of them, or none and every byte as it was.

A tool that locks reads the project where it lies, so the files change in place. What they were is
kept in memory and, for the case that this process is killed or the power fails, in a journal in the
user's own directories, from which the next change or start in that project restores them. One
change of a project waits for another.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import StoreError
from pyx_launcher.files.atomic import sync_path, write_atomic
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from types import FrameType

    from pyx_launcher.dirs import Dirs

WAIT = 600.0
"""How long one change of a project waits for another, in seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What one file was before a change, and what we then wrote into it."""

    path: Path
    before: bytes | None
    """None: there was no such file."""
    mode: int
    written: bytes | None = None
    """What the user's own edit, made meanwhile, would differ from; None where a tool writes."""


def read_file(path: Path) -> bytes | None:
    """Return what is in `path`, None where there is no such file. Raises StoreError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error


def write_file(path: Path, data: bytes) -> None:
    """Write `data` at once, keeping the mode of what was there, through a symlink.

    Raises StoreError.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        if target.exists() and not os.access(target, os.W_OK):
            # A rename would replace what its owner has protected.
            raise StoreError(f"cannot write {path}: it is read-only", hint=f"chmod u+w {path}")
        write_atomic(target, data, mode=mode, durable=True)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror}", hint="make its directory writable"
        ) from error


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
    from filelock import FileLock, Timeout

    name = hashlib.sha256(os.fsencode(os.path.realpath(directory))).hexdigest()[:32]
    place = dirs.home / "changes" / name
    try:
        with closed_to_others():
            # Who could write a journal would choose what a start writes into a project.
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(place.with_suffix(".lock"), mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(f"waiting for another change of {directory}")
            lock.acquire(timeout=WAIT)
    except Timeout as error:
        raise StoreError(
            f"another pyx has been changing {directory} for {WAIT:.0f} seconds",
            hint="wait for it, or end it, and try again",
        ) from error
    except OSError as error:
        raise StoreError(f"cannot lock {place}: {error.strerror}", hint="set PYX_HOME") from error
    try:
        _tell_restored(restore_journal(place), tell)
        yield place
    finally:
        lock.release()


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
    journals = [journal for journal in list_journals(dirs) if _concerns(journal, wanted)]
    if not journals:
        # That of a project nobody comes back to must not cost every start this import.
        return Recovery(has_restored=False, is_unfinished=False)
    from filelock import FileLock, Timeout

    restored: list[Path] = []
    is_unfinished = False
    for journal in journals:
        try:
            with FileLock(journal.with_suffix(".lock"), mode=0o600).acquire(timeout=0):
                restored += restore_journal(journal)
        except Timeout:
            is_unfinished = True
        except OSError:
            # Where nothing can be locked, nothing can be restored either.
            continue
        except StoreError as error:
            tell(f"an interrupted change is unfinished: {error.message}")
            is_unfinished = True
    _tell_restored(restored, tell)
    return Recovery(has_restored=bool(restored), is_unfinished=is_unfinished)


def _concerns(journal: Path, places: AbstractSet[Path]) -> bool:
    """Tell whether a journal is of files among `places`, or in them."""
    try:
        paths = {snapshot.path for snapshot in _read_rows(journal.read_bytes())}
    except (OSError, ValueError, KeyError, TypeError):
        # Whose it is cannot be told; the next change of its own project names it.
        return False
    return not places.isdisjoint(paths | {path.parent for path in paths})


def list_journals(dirs: Dirs) -> list[Path]:
    """Return the journals of changes that go on or were killed."""
    try:
        names = sorted(os.listdir(dirs.home / "changes"))
    except OSError:
        return []
    return [
        dirs.home / "changes" / name
        for name in names
        if not name.endswith(".lock") and not name.startswith(".")
    ]


def _tell_restored(paths: Iterable[Path], tell: Callable[[str], None]) -> None:
    for path in paths:
        done = "restored" if path.exists() else "removed"
        tell(f"{done} {path}, which an interrupted change had left unfinished")


class Files:
    """The files of one change while it lasts."""

    def __init__(self, journal: Path, paths: Sequence[Path]) -> None:
        """Remember what is in `paths`, here and in the journal. Raises StoreError."""
        self._journal = journal
        self._snapshots = {path: _take(path) for path in map(_real, paths)}
        self._expected: set[Path] = set()
        _write_journal(journal, tuple(self._snapshots.values()))

    def expect(self, path: Path, content: bytes | None) -> None:
        """Note that no tool writes one of the files, and that `content` was read from it.

        Whatever else is in it, from now on or already, is somebody's edit. Raises StoreError.
        """
        known = self._snapshots[_real(path)]
        if known.before != content:
            raise _edited_meanwhile(path)
        self._expected.add(known.path)
        self._snapshots[known.path] = replace(known, written=content)
        _write_journal(self._journal, tuple(self._snapshots.values()))

    def write(self, path: Path, data: bytes) -> None:
        """Write one of the files. Raises StoreError, also where that would undo an edit."""
        known = self._snapshots[_real(path)]
        if known.path in self._expected and _is_edited(known):
            raise _edited_meanwhile(path)
        self._snapshots[known.path] = replace(known, written=data)
        _write_journal(self._journal, tuple(self._snapshots.values()))
        write_file(path, data)

    def remove(self, path: Path) -> None:
        """Remove one of the files, for a tool that would stumble over it. Raises StoreError."""
        try:
            _real(path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot remove {path}: {error.strerror}") from error

    def settle(self) -> None:
        """Have all of them on the disk, so that the journal is not needed any more."""
        for path in self._snapshots:
            # What cannot be said to be on the disk is there all the same.
            with contextlib.suppress(OSError):
                sync_path(path)

    def put_back(self, path: Path) -> None:
        """Make one of the files what it was, as if the change had never needed it."""
        restore_file(replace(self._snapshots[_real(path)], written=None))

    def put_all_back(self, tell: Callable[[str], None]) -> None:
        """Make all of them what they were, but for one that somebody else has edited meanwhile.

        Raises StoreError where that fails for one, after it was done for the others.
        """
        problems: list[StoreError] = []
        for snapshot in self._snapshots.values():
            try:
                if _is_edited(snapshot):
                    tell(f"{snapshot.path} was edited meanwhile, so it is left as it is now")
                else:
                    restore_file(snapshot)
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
            journal.unlink(missing_ok=True)
            raise
        journal.unlink(missing_ok=True)


def _edited_meanwhile(path: Path) -> StoreError:
    return StoreError(f"{path} was edited meanwhile", hint="start the same command again")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _take(path: Path) -> Snapshot:
    before = read_file(path)
    mode = 0o644 if before is None else stat.S_IMODE(path.stat().st_mode)
    return Snapshot(path=path, before=before, mode=mode)


def restore_file(snapshot: Snapshot) -> bool:
    """Make a file what it was; returns whether that took anything. Raises StoreError."""
    path = snapshot.path
    if read_file(path) == snapshot.before:
        return False
    try:
        if snapshot.before is None:
            path.unlink(missing_ok=True)
        else:
            write_atomic(path, snapshot.before, mode=snapshot.mode, durable=True)
    except OSError as error:
        raise StoreError(f"cannot restore {path}: {error.strerror}") from error
    return True


def _write_journal(journal: Path, snapshots: Sequence[Snapshot]) -> None:
    rows = [
        {
            "path": os.fsdecode(snapshot.path),
            "mode": snapshot.mode,
            "before": _encode(snapshot.before),
            "written": _encode(snapshot.written),
        }
        for snapshot in snapshots
    ]
    try:
        # Before any file changes: a power cut must not leave the change alone.
        data = json.dumps(rows).encode("utf-8", "surrogateescape")
        write_atomic(journal, data, durable=True)
    except OSError as error:
        raise StoreError(f"cannot write {journal}: {error.strerror}") from error


def restore_journal(journal: Path) -> list[Path]:
    """Restore what a killed change left, and return the files that took it. Raises StoreError.

    Whoever has edited the project since then has moved on: of that only what did not exist before
    is removed, unless it is newer than the edit, for then it is theirs as well.
    """
    data = read_file(journal)
    if data is None:
        return []
    restored: list[Path] = []
    try:
        snapshots = _read_rows(data)
        edits = [_read_time(one.path) for one in snapshots if _is_edited(one)]
        left = [one for one in snapshots if not edits or _is_debris(one, max(edits))]
        restored = [one.path for one in left if restore_file(one)]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{journal} is damaged", hint=f"rm {journal}") from error
    journal.unlink(missing_ok=True)
    return restored


def _read_rows(data: bytes) -> list[Snapshot]:
    return [
        Snapshot(
            path=Path(row["path"]),
            before=_decode(row["before"]),
            mode=row["mode"],
            written=_decode(row["written"]),
        )
        for row in json.loads(data.decode("utf-8", "surrogateescape"))
    ]


def _is_edited(snapshot: Snapshot) -> bool:
    if snapshot.written is None:
        return False
    # Empty is what a power cut leaves of a file that was not on the disk yet.
    return read_file(snapshot.path) not in (snapshot.before, snapshot.written, b"")


def _is_debris(snapshot: Snapshot, edited: float) -> bool:
    """Tell whether a file was made by a change that ended before somebody `edited` another."""
    made = snapshot.before is None and not _is_edited(snapshot)
    return made and _read_time(snapshot.path) <= edited


def _read_time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _encode(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _decode(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


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

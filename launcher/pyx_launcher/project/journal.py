"""What the files of a project were before a change, on the disk, for who comes after a kill.

    CHANGES/KEY          each file: what it was, and the states that the change itself gave it
    CHANGES/.KEY.seen    states that a tool gave them while it ran, and which process it is

Only a file in such a state is the debris of that change. Whatever else is there was put there by
somebody afterwards, and is never touched.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyx_launcher.children import end_left_over
from pyx_launcher.errors import StoreError
from pyx_launcher.files.atomic import sync_path, write_atomic
from pyx_launcher.files.hashing import sha256
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A file as it was found: no later one has the same number, time and content."""

    inode: int
    size: int
    modified: int
    """Nanoseconds since the epoch."""
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What one file was before a change, and what the change has made of it so far."""

    path: Path
    """Resolved."""
    before: bytes | None
    """None: there was no such file."""
    mode: int
    was: State | None
    own: tuple[State | None, ...] = ()
    """The states that the change gave it; None where it has removed the file."""

    def is_as_before(self, state: State | None) -> bool:
        """Has the file the content that it had before the change?"""
        if state is None or self.before is None:
            return state is None and self.before is None
        return state.digest == digest_of(self.before)

    def is_own(self, state: State | None) -> bool:
        """Is this state one that the change itself gave the file?"""
        # Empty is what a power cut leaves of a file that was not on the disk yet.
        return state in self.own or (state is not None and state.size == 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What became of the files of a change that was killed."""

    changed: tuple[Path, ...]
    """What was made what it was before."""
    kept: Mapping[Path, Path | None]
    """What is newer than the change and stays, and where a copy of what it was before lies."""
    unfinished: tuple[Path, ...]
    """What the change wrote and still stands, as the project has moved on since."""


def digest_of(data: bytes) -> str:
    """Return the digest by which states are told from one another."""
    return sha256(data).hexdigest()


def read_file(path: Path) -> bytes | None:
    """Return what is in `path`, None where there is no such file. Raises StoreError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error


def find_state(path: Path) -> State | None:
    """Return what a file is now, None where there is none. Raises StoreError."""
    try:
        with open(path, "rb") as file:
            data, info = file.read(), os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    return _state_of(info, data)


def _state_of(info: os.stat_result, data: bytes) -> State:
    return State(
        inode=info.st_ino, size=len(data), modified=info.st_mtime_ns, digest=digest_of(data)
    )


def take_snapshot(path: Path) -> Snapshot:
    """Return what the file `path`, which is resolved, is now. Raises StoreError."""
    try:
        with open(path, "rb") as file:
            before, info = file.read(), os.fstat(file.fileno())
    except FileNotFoundError:
        return Snapshot(path=path, before=None, mode=0o644, was=None)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    return Snapshot(
        path=path, before=before, mode=stat.S_IMODE(info.st_mode), was=_state_of(info, before)
    )


def name_aside(journal: Path, path: Path) -> Path:
    """Return where the new content of a file is written before it takes its place."""
    return path.with_name(f".{path.name}.pyx-{journal.name[:12]}")


def write_aside(aside: Path, data: bytes, mode: int) -> State:
    """Write `data` to `aside`, on the disk on return, and return its state. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        # What a killed change has left, whose lock is ours now.
        os.unlink(aside)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(handle, mode)
        os.fsync(handle)
        info = os.fstat(handle)
    return _state_of(info, data)


def put(aside: Path, path: Path) -> None:
    """Let what was written `aside` take the place of `path`, on the disk. Raises OSError."""
    os.replace(aside, path)
    sync_path(path.parent)


def restore_file(journal: Path, snapshot: Snapshot) -> None:
    """Make a file what it was. Raises StoreError."""
    path, aside = snapshot.path, name_aside(journal, snapshot.path)
    try:
        if snapshot.before is None:
            path.unlink(missing_ok=True)
        else:
            write_aside(aside, snapshot.before, snapshot.mode)
            put(aside, path)
    except OSError as error:
        raise StoreError(f"cannot restore {path}: {error.strerror}") from error


def write_journal(journal: Path, snapshots: Iterable[Snapshot]) -> None:
    """Have all `snapshots` on the disk. Raises StoreError."""
    rows = [
        {
            "path": os.fsdecode(snapshot.path),
            "mode": snapshot.mode,
            "before": None
            if snapshot.before is None
            else base64.b64encode(snapshot.before).decode(),
            "was": _encode(snapshot.was),
            "own": [_encode(state) for state in snapshot.own],
        }
        for snapshot in snapshots
    ]
    try:
        # Before any file changes: a power cut must not leave the change alone.
        data = json.dumps(rows).encode("utf-8", "surrogateescape")
        write_atomic(journal, data, durable=True)
    except OSError as error:
        raise StoreError(f"cannot write {journal}: {error.strerror}") from error


def write_seen(
    journal: Path, seen: Mapping[Path, Sequence[State | None]], tool: tuple[int, str] | None
) -> None:
    """Note which states a tool gave the files, and which process it is. Raises StoreError."""
    states = {os.fsdecode(path): [_encode(one) for one in found] for path, found in seen.items()}
    try:
        data = json.dumps({"states": states, "tool": tool})
        write_atomic(_seen_of(journal), data.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise StoreError(f"cannot write {journal}: {error.strerror}") from error


def drop_journal(journal: Path) -> None:
    """Forget a change that is over."""
    journal.unlink(missing_ok=True)
    _seen_of(journal).unlink(missing_ok=True)


def list_journals(changes: Path) -> list[Path]:
    """Return the journals of changes that go on or were killed."""
    try:
        names = sorted(os.listdir(changes))
    except OSError:
        return []
    return [changes / n for n in names if not n.endswith(".lock") and not n.startswith(".")]


def list_files(journal: Path) -> set[Path]:
    """Return the files that a journal is of; none where that cannot be told."""
    try:
        return {snapshot.path for snapshot in _read_rows(journal.read_bytes())}
    except (OSError, ValueError, KeyError, TypeError):
        # The next change of its own project names it.
        return set()


def restore_journal(journal: Path) -> Restored:
    """Undo what a killed change has left, and nothing that somebody did afterwards.

    Who has edited a file of the project since then has moved on: of what the change had made then
    only goes what did not exist before. Raises StoreError.
    """
    data = read_file(journal)
    if data is None:
        return Restored(changed=(), kept={}, unfinished=())
    try:
        snapshots = _read_rows(data)
        seen, tool = _read_seen(journal)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{journal} is damaged", hint=f"rm {journal}") from error
    if tool is not None and not end_left_over(*tool):
        raise StoreError(f"process {tool[0]}, which it had started, is still running")
    snapshots = [replace(one, own=(*one.own, *seen.get(one.path, ()))) for one in snapshots]
    kept: dict[Path, Path | None] = {}
    own = []
    states = {one.path: find_state(one.path) for one in snapshots}
    # What was made anew at the same place, such as a new clone, has nothing of the change.
    is_same = all(states[one.path] == one.was or one.is_own(states[one.path]) for one in snapshots)
    for one in snapshots:
        # Nobody else gives a file this name.
        with contextlib.suppress(OSError):
            name_aside(journal, one.path).unlink(missing_ok=True)
        state = states[one.path]
        if one.is_as_before(state):
            continue
        if one.is_own(state) and (state is not None or is_same):
            own.append(one)
        else:
            kept[one.path] = _keep(journal, one)
    undone = [one for one in own if not kept or one.before is None]
    for one in undone:
        restore_file(journal, one)
    drop_journal(journal)
    return Restored(
        changed=tuple(one.path for one in undone),
        kept=kept,
        unfinished=tuple(one.path for one in own if one not in undone),
    )


def _keep(journal: Path, snapshot: Snapshot) -> Path | None:
    """Keep what a file was before, as something newer stands in its place."""
    if snapshot.before is None:
        return None
    copy = journal.with_name(f".{journal.name}.before.{snapshot.path.name}")
    try:
        write_atomic(copy, snapshot.before, durable=True)
    except OSError as error:
        raise StoreError(f"cannot write {copy}: {error.strerror}") from error
    return copy


def _seen_of(journal: Path) -> Path:
    return journal.with_name(f".{journal.name}.seen")


def _read_rows(data: bytes) -> list[Snapshot]:
    return [
        Snapshot(
            path=Path(row["path"]),
            before=None if row["before"] is None else base64.b64decode(row["before"]),
            mode=row["mode"],
            # An older pyx did not note what it made, so nothing is known to be its.
            was=_decode(row.get("was")),
            own=tuple(map(_decode, row.get("own", ()))),
        )
        for row in json.loads(data.decode("utf-8", "surrogateescape"))
    ]


def _read_seen(
    journal: Path,
) -> tuple[Mapping[Path, Sequence[State | None]], tuple[int, str] | None]:
    data = read_file(_seen_of(journal))
    if not data:
        # A power cut has taken it, or no tool has run yet.
        return {}, None
    said = json.loads(data.decode("utf-8", "surrogateescape"))
    states = {Path(path): tuple(map(_decode, found)) for path, found in said["states"].items()}
    tool = said["tool"]
    return states, None if tool is None else (int(tool[0]), str(tool[1]))


def _encode(state: State | None) -> list[Any] | None:
    if state is None:
        return None
    return [state.inode, state.size, state.modified, state.digest]


def _decode(row: Sequence[Any] | None) -> State | None:
    if row is None:
        return None
    inode, size, modified, digest = row
    return State(inode=int(inode), size=int(size), modified=int(modified), digest=str(digest))

"""When each environment was last used, though a fast start writes nothing.

Three things tell: the slow path sets the modification time of ``environment.json``; every start
reads ``launch`` or ``bootstrap.pyc``, so that most file systems keep the time of that, to the day;
and a launch record, once the store's generation was bumped, holds no longer, so that what was
used since then took the slow path. The last is always true, and alone decides where access times
are not kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyx_launcher.files.atomic import name_temporary
from pyx_launcher.files.directories import list_visible
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from pyx_launcher.dirs import Dirs

FACTS_OF_ENVIRONMENT = "environment.json"

DAY = 86400.0
"""Seconds: how much older than the last use an access time may be (mount's `relatime`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """One environment directory."""

    path: Path
    entries: tuple[Path, ...]
    """No one's where its facts cannot be read, and any start would make it anew."""
    interpreter: str
    marked: float
    """When it was made, or when a slow start last found it, in seconds since the epoch."""
    last: float
    """When it was last used, or may have been."""


def list_environments(dirs: Dirs, bumped: float | None = None) -> list[Used]:
    """Return every environment below `dirs.environments`, sorted by name.

    `bumped` is when the store's generation was bumped, if not what its file says.
    """
    keeps = keeps_access_times(dirs.environments)
    if bumped is None:
        bumped = read_bump(dirs)
    return [
        _read_use(path, bumped=bumped, keeps=keeps)
        for path in sorted(list_visible(dirs.environments))
    ]


def read_bump(dirs: Dirs) -> float:
    """Return when the store's generation was last bumped, in seconds since the epoch."""
    return _read_time(dirs.store / ".generation", "st_mtime") or 0.0


def _read_use(path: Path, *, bumped: float, keeps: bool) -> Used:
    facts = read_environment_facts(path)
    marked = _read_time(path / FACTS_OF_ENVIRONMENT, "st_mtime")
    if marked is None:
        marked = _read_time(path, "st_mtime") or 0.0
    reads = [_read_time(path / name, "st_atime") or 0.0 for name in ("bootstrap.pyc", "launch")]
    if keeps:
        # An access time may be a day behind, but never behind the slow start before it.
        read = max(reads)
        last = max(marked, read + DAY if read > marked else read)
    else:
        last = max(bumped, marked, *reads) if marked < bumped else time.time()
    return Used(
        path=path,
        entries=tuple(Path(entry) for entry in facts["entries"]),
        interpreter=facts["interpreter"],
        marked=marked,
        last=last,
    )


def read_environment_facts(path: Path) -> dict[str, Any]:
    """Return `entries` and `interpreter` of the environment at `path`; empty if unreadable."""
    nothing: dict[str, Any] = {"entries": [], "interpreter": ""}
    try:
        facts = json.loads((path / FACTS_OF_ENVIRONMENT).read_bytes())
        sound = all(isinstance(entry, str) for entry in facts["entries"])
        return facts if sound and isinstance(facts["interpreter"], str) else nothing
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return nothing


def _read_time(path: Path, which: str) -> float | None:
    try:
        found: float = getattr(os.stat(path), which)
    except OSError:
        return None
    return found


def keeps_access_times(directory: Path) -> bool:
    """Find out by an experiment whether reading a file in `directory` shows in its access time.

    It does not with `noatime`, and not over networks where the reader has the file in memory.
    """
    probe = name_temporary(directory, ".read.")
    try:
        probe.write_bytes(b"x")
        # Older than its modification: then `relatime`, too, sets it at the next reading.
        os.utime(probe, (1, probe.stat().st_mtime))
        probe.read_bytes()
        return probe.stat().st_atime > 1
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()

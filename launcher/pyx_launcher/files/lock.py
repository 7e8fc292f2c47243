"""One process at a time: locks of the kernel upon files (flock(2)), and leases where it has none.

A lock of the kernel dies with the process that holds it. The file stays where it is, as removing it
would let two holders in, and holds who has it.

Some file systems know no locks (NFS without a daemon for them, some in user space). There each
process that wants one puts up a file of its own beside the other, ``.NAME.HOST-PID-….lock``, and
has the lock if no process that lives has put up another. Of a process that is gone, by its host, by
the boot of that and by when it started, the file is removed by whoever comes next.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import random
import time
from functools import cache
from typing import TYPE_CHECKING

from pyx_launcher.values import dataclass
from pyx_runtime.watch import read_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_STEP = 0.05
"""Seconds between two attempts."""

_UNKNOWN = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
"""What `flock` ends with where the file system, or the system, knows no locks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A lock that this process has, until it lets go of it or ends."""

    handle: int
    lease: Path | None
    """The file that stands for it where the kernel has no locks."""

    def release(self) -> None:
        """Let somebody else have it."""
        if self.lease is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.lease)
        os.close(self.handle)


def take_lock(path: Path, *, patience: float, mode: int = 0o644) -> Held | None:
    """Lock `path`, which is made with `mode` where it is not there.

    Waits `patience` seconds at most for another holder, also one in this process, and returns None
    where that was not enough; with no patience it is tried once. Raises OSError.
    """
    end = time.monotonic() + patience
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        while True:
            held = _try(handle, path)
            if held is not None:
                return held
            if time.monotonic() >= end:
                break
            # Of two that have put up leases at the same time both take them back.
            time.sleep(_STEP * (1 + random.random()))  # noqa: S311 -- nothing is to be kept secret
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def name_holder(path: Path) -> str:
    """Return what a person would call the process that has the lock `path`."""
    said: Mapping[str, object] = {}
    places = [lease for lease in _list_leases(path) if _is_alive(_read(lease))]
    for place in (*places[:1], path):
        said = said or _read(place)
    if not said:
        return "another process"
    host = "" if said.get("host") == _describe()["host"] else f" on {said.get('host')}"
    return f"process {said.get('pid')}{host}"


def _try(handle: int, path: Path) -> Held | None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        return _try_lease(handle, path)
    # For who waits; what cannot be written keeps nobody from anything.
    with contextlib.suppress(OSError):
        os.truncate(handle, 0)
        os.pwrite(handle, _encode(), 0)
    return Held(handle=handle, lease=None)


def _try_lease(handle: int, path: Path) -> Held | None:
    own = _describe()
    name = f"{own['host']}-{own['pid']}-{os.urandom(8).hex()}"
    lease = path.with_name(f"{path.name.removesuffix('.lock')}.{name}.lock")
    # Written aside, so that nobody sees it without who it is of.
    aside = lease.with_name(f".{lease.name}")
    try:
        with open(aside, "xb") as file:
            file.write(_encode())
        os.rename(aside, lease)
        # From here on whoever puts up another one sees this: of two that do so at the same time,
        # the later at least sees the other's.
        for other in _list_leases(path):
            if other != lease:
                if _is_alive(_read(other)):
                    os.unlink(lease)
                    return None
                # No process will ever have this name again.
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(other)
    except BaseException:
        for left in (aside, lease):
            with contextlib.suppress(OSError):
                os.unlink(left)
        raise
    return Held(handle=handle, lease=lease)


def _list_leases(path: Path) -> Iterator[Path]:
    first = f"{path.name.removesuffix('.lock')}."
    for name in os.listdir(path.parent):
        if name.startswith(first) and name.endswith(".lock") and name != path.name:
            yield path.with_name(name)


def _read(lease: Path) -> Mapping[str, object]:
    """Return who has put up a file; empty where that cannot be told."""
    try:
        said = json.loads(lease.read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _is_alive(said: Mapping[str, object]) -> bool:
    """Tell whether a process lives, or may live, as one on another machine may."""
    own = _describe()
    if said.get("host") != own["host"]:
        return bool(said)
    if said.get("boot") != own["boot"]:
        return False
    if said.get("space") != own["space"]:
        # It is another container's, whose processes are not seen from here.
        return True
    return bool(said.get("start")) and read_start(int(str(said.get("pid")))) == said.get("start")


def _describe() -> Mapping[str, object]:
    return _describe_process(os.getpid())


@cache
def _describe_process(pid: int) -> Mapping[str, object]:
    # By its number, as a fork is another process.
    return {
        "host": os.uname().nodename.replace("/", "-"),
        "boot": _read_text("/proc/sys/kernel/random/boot_id"),
        "space": _read_link("/proc/self/ns/pid"),
        "pid": pid,
        "start": read_start(pid),
    }


def _encode() -> bytes:
    return json.dumps(dict(_describe())).encode("ascii")


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""

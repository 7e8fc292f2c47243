"""One process at a time, with locks of the kernel and without."""

from __future__ import annotations

import errno
import fcntl
import json
import multiprocessing
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.files.lock import name_holder, take_lock
from pyx_runtime.watch import read_start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORK = multiprocessing.get_context("fork")
KINDS = ["kernel", errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]


@pytest.fixture(params=KINDS, ids=lambda kind: errno.errorcode.get(kind, kind))
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the place of a lock, where the kernel has locks or answers with an error."""
    if request.param != "kernel":
        take_away_locks(monkeypatch, request.param)
    return tmp_path / "a.lock"


def take_away_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let flock fail in this process and its children, as on a file system without it."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)


def run_all(function: Callable[..., None], *words: object, count: int) -> None:
    """Run a function in several processes at once, to their end."""
    processes = [FORK.Process(target=function, args=words) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0


def add_one(path: Path, number: Path) -> None:
    """Read a number, wait, and write the next one, five times."""
    for _ in range(5):
        held = take_lock(path, patience=60)
        assert held is not None
        value = int(number.read_text())
        time.sleep(0.002)
        number.write_text(str(value + 1))
        held.release()


def test_one_at_a_time(path: Path, tmp_path: Path) -> None:
    """Of what six processes add, nothing is lost, and only the file of the lock is left."""
    number = tmp_path / "number"
    number.write_text("0")
    run_all(add_one, path, number, count=6)
    assert number.read_text() == "30"
    assert {file.name for file in tmp_path.iterdir()} == {"a.lock", "number"}


def test_a_wait_ends_and_names_the_other(path: Path) -> None:
    """Also where the other is a thread of this process; a lock that is let go of is had."""
    held = take_lock(path, patience=0)
    assert held is not None
    began = time.monotonic()
    assert take_lock(path, patience=0.3) is None
    assert 0.3 <= time.monotonic() - began < 5
    assert name_holder(path) == f"process {os.getpid()}"
    held.release()
    again = take_lock(path, patience=0)
    assert again is not None
    again.release()


def hold_and_die(path: Path) -> None:
    """Take a lock and end without letting go of it."""
    assert take_lock(path, patience=0) is not None
    os._exit(0)


def test_a_dead_process_holds_nothing(path: Path, tmp_path: Path) -> None:
    """Nobody waits for it, and what it has left is removed."""
    run_all(hold_and_die, path, count=1)
    held = take_lock(path, patience=0)
    assert held is not None
    held.release()
    assert [file.name for file in tmp_path.iterdir()] == ["a.lock"]


def put_up(path: Path, **changed: object) -> Path:
    """Put up the lease of a process that lives, with some of what it says changed."""
    held = take_lock(path, patience=0)
    assert held is not None
    assert held.lease is not None
    said = json.loads(held.lease.read_bytes())
    held.release()
    lease = path.with_name(f"a.other-{len(changed)}.lock")
    lease.write_text(json.dumps({**said, **changed}))
    return lease


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ({}, True),
        ({"host": "elsewhere"}, True),
        ({"space": "pid:[1]"}, True),
        ({"boot": "an earlier one"}, False),
        ({"start": "12"}, False),
        ({"pid": 2**22 + 1}, False),
    ],
    ids=str,
)
def test_whose_lease_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], *, holds: bool
) -> None:
    """That of a process that lives, or may live where nobody can look; each wait for it ends."""
    take_away_locks(monkeypatch, errno.ENOSYS)
    path = tmp_path / "a.lock"
    lease = put_up(path, **changed)
    held = take_lock(path, patience=0.1)
    assert (held is None) == holds
    assert lease.exists() == holds
    if held is None:
        assert name_holder(path).startswith(f"process {os.getpid()}")
        assert ("elsewhere" in name_holder(path)) == ("host" in changed)
    else:
        held.release()


def test_a_process_is_told_by_its_start() -> None:
    """It stays the same while the process lives, and nothing has it once that is gone."""
    with subprocess.Popen(["sleep", "60"]) as process:
        start = read_start(process.pid)
        assert start != ""
        time.sleep(0.1)
        assert read_start(process.pid) == start
        process.kill()
    assert read_start(process.pid) != start

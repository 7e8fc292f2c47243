"""Whatever fails while something is made ready: no entry is ever seen damaged, and a start heals.

A small part of what `long.py` does for longer.
"""

from __future__ import annotations

import errno
import os
import random
import resource
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from indexserver import Rule
from trust.ground import (
    CALM,
    FULL,
    Shim,
    build_shim,
    expected,
    find_damage,
    judge,
    make_project,
    make_wheels,
    start_and_kill,
    try_fault,
)

from pyx_launcher.store.inventory import list_entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    """Give the means to let calls fail; skip where they cannot be had."""
    library = build_shim(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler")
    return Shim(library, tmp_path)


@pytest.fixture
def parts(wheels: Path) -> list[Path]:
    """Give six wheels."""
    return make_wheels(wheels, 6)


@pytest.fixture
def project(tmp_path: Path, parts: Sequence[Path]) -> Path:
    """Give a project that locks them by their paths."""
    return make_project(tmp_path / "project", parts)


def test_killed_at_any_moment(
    pyx: Pyx, project: Path, parts: Sequence[Path], pyx_home: Path
) -> None:
    """What was published stays, what was not is swept, and locks die with their holders."""
    order = random.Random(1)  # noqa: S311 -- the same each time by purpose
    for _ in range(25):
        start_and_kill(pyx, project, order.uniform(0.1, 0.6), {})
        assert find_damage(pyx_home) == []
    assert pyx("main.py", cwd=project).stdout == expected(parts)
    assert pyx("store", "gc").returncode == 0
    left = [path.name for path in pyx_home.glob("store/*/*/.*") if path.suffix != ".lock"]
    assert left == []


@pytest.mark.parametrize("error", FULL, ids=lambda error: errno.errorcode[error])
def test_a_call_that_fails(pyx: Pyx, shim: Shim, project: Path, tmp_path: Path, error: int) -> None:
    """One error among the calls of a sync, or all from one on: one line, and no damage."""
    home = tmp_path / "faulty"
    variables = shim.variables(home)
    assert pyx("sync", cwd=project, env={"PYX_HOME": str(home), **variables}).returncode == 0
    total = shim.count()
    assert total > 100
    order = random.Random(error)  # noqa: S311 -- the same each time by purpose
    for number in range(6):
        at = order.randrange(1, total)
        fresh = tmp_path / f"faulty{number}"
        stays = number % 2 == 0
        assert try_fault(pyx, shim, project, fresh, at=at, error=error, stays=stays) == []


def test_files_are_on_the_disk_before_they_can_be_seen(
    pyx: Pyx, shim: Shim, project: Path, pyx_home: Path, tmp_path: Path
) -> None:
    """After a power cut the disk has what was flushed: an entry is, before its rename."""
    log = tmp_path / "calls"
    told = pyx("sync", cwd=project, env=shim.variables(pyx_home, log=log))
    assert told.returncode == 0, told.stderr
    flushed: set[str] = set()
    written: set[str] = set()
    published = 0
    for line in log.read_text().splitlines():
        call, _, path = line.partition(" ")
        if call == "create":
            written.add(path)
        elif call == "syncfs":
            flushed |= written
        elif call == "rename":
            source, target = path.split("\t")
            if target.count("/") == str(pyx_home / "store/a/b/c").count("/"):
                published += 1
                below = {name for name in written if name.startswith(f"{source}/")}
                assert below
                assert below <= flushed
    assert published == len(list_entries(pyx_home / "store")) == 6


def test_deletion_is_on_the_disk_in_its_order(
    pyx: Pyx, shim: Shim, wheels: Path, pyx_home: Path, tmp_path: Path
) -> None:
    """First the generation, then the renames out of sight, then the files."""
    # Wheels of its own: an equal entry that a program of another test runs from would be kept.
    project = make_project(tmp_path / "project", make_wheels(wheels, 6, seed=6))
    assert pyx("sync", cwd=project).returncode == 0
    log = tmp_path / "calls"
    time.sleep(0.2)
    told = pyx("store", "gc", "--keep", "0", env=shim.variables(pyx_home, log=log))
    assert told.returncode == 0, told.stderr
    calls = [line.split(" ")[0] for line in log.read_text().splitlines()]
    steps = [call for call in calls if call in ("fsync", "rename", "syncfs")]
    assert steps == ["fsync", *["rename"] * 7, "syncfs"]
    lines = log.read_text().splitlines()
    flushed = max(at for at, line in enumerate(lines) if line.startswith("syncfs"))
    early = [line for line in lines[:flushed] if line.startswith(("unlink", "rmdir"))]
    assert [line for line in early if "/part" in line and not line.endswith(".lock")] == [
        line for line in early if line.startswith("rmdir")
    ]


def _limited(kind: int, limit: int) -> None:
    resource.setrlimit(kind, (limit, limit))


@pytest.mark.parametrize(
    ("kind", "limit"),
    [(resource.RLIMIT_FSIZE, 40_000), (resource.RLIMIT_NOFILE, 12), (resource.RLIMIT_NOFILE, 24)],
    ids=["FSIZE", "NOFILE-12", "NOFILE-24"],
)
def test_a_limit_of_the_process(
    pyx: Pyx, project: Path, parts: Sequence[Path], pyx_home: Path, kind: int, limit: int
) -> None:
    """Files that may not grow, and too few descriptors: no damage, and the next start succeeds."""
    told = subprocess.run(
        [pyx.path, "sync"],
        cwd=project,
        env=pyx.variables(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: _limited(kind, limit),
        timeout=60,
    )
    assert told.returncode in CALM
    assert find_damage(pyx_home) == []
    assert pyx("main.py", cwd=project).stdout == expected(parts)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 300 kB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k,mode=755", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root mounts file systems")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_full(pyx: Pyx, project: Path, parts: Sequence[Path], small: Path) -> None:
    """One line that says so; with room again the same start succeeds."""
    told = pyx("sync", cwd=project, env={"PYX_HOME": str(small)})
    assert told.returncode == 74
    assert "No space left on device" in told.stderr
    assert "hint: free up some space there" in told.stderr
    assert find_damage(small) == []
    subprocess.run(["mount", "-o", "remount,size=30m", str(small)], check=True)
    told = pyx("main.py", cwd=project, env={"PYX_HOME": str(small)})
    assert told.stdout == expected(parts)


def test_a_file_system_that_cannot_be_written(
    pyx: Pyx, project: Path, parts: Sequence[Path], small: Path
) -> None:
    """What is ready runs, verifies and is listed; what is not says so in one line."""
    subprocess.run(["mount", "-o", "remount,size=30m", str(small)], check=True)
    home = {"PYX_HOME": str(small)}
    assert pyx("sync", cwd=project, env=home).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    assert pyx("main.py", cwd=project, env=home).stdout == expected(parts)
    assert pyx("store", "verify", env=home).returncode == 0
    told = pyx("store", "gc", "--keep", "0", env=home)
    assert (told.returncode, "Traceback" in told.stderr) == (74, False)
    other = make_project(project.with_name("other"), parts[:1])
    told = pyx("sync", cwd=other, env=home)
    assert (told.returncode, "Read-only file system" in told.stderr) == (74, True)


@pytest.mark.parametrize(
    "calls", ["link,linkat", "flock", "link,linkat,flock", "syncfs", "fchmod,chmod"]
)
def test_a_file_system_that_lacks_something(
    pyx: Pyx, shim: Shim, project: Path, parts: Sequence[Path], tmp_path: Path, calls: str
) -> None:
    """Without hard links everything works; without locks or modes it does, or says what lacks."""
    home = tmp_path / "lacking"
    faults = shim.variables(home, at=1, error=errno.ENOTSUP, stays=True, calls=calls)
    told = pyx("sync", cwd=project, env={"PYX_HOME": str(home), **faults})
    assert "Traceback" not in told.stderr
    assert find_damage(home) == []
    if calls == "link,linkat":
        assert told.returncode == 0, told.stderr
        told = pyx("main.py", cwd=project, env={"PYX_HOME": str(home), **faults})
        assert told.stdout == expected(parts)
    elif told.returncode != 0:
        assert told.returncode == 74


def test_a_clock_that_goes_back(
    pyx: Pyx, project: Path, parts: Sequence[Path], pyx_home: Path
) -> None:
    """Files from the future are neither damaged nor collected, and programs run."""
    assert pyx("sync", cwd=project).returncode == 0
    ahead = time.time() + 400 * 86400
    for path in pyx_home.rglob("*"):
        os.utime(path, (ahead, ahead), follow_symlinks=False)
    assert pyx("store", "gc").stdout.splitlines()[-1].startswith("0 environments and 0 entries")
    assert find_damage(pyx_home) == []
    assert pyx("main.py", cwd=project).stdout == expected(parts)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(fragment="/files/", keep=1000, times=20),
        Rule(fragment="/files/", keep=1000, announce=False),
        Rule(fragment="/files/", body=b"something else"),
        Rule(fragment="/files/", body=b""),
        Rule(fragment="/files/", status=503, retry_after="1", times=2),
        Rule(fragment="/files/", status=429, retry_after="0", times=50),
        Rule(fragment="/files/", status=302, location="/files/part0-1.0-py3-none-any.whl"),
        Rule(fragment="/files/", delay=1.5, times=2),
    ],
    ids=["cut", "cut-unannounced", "other", "empty", "busy", "too-many", "circle", "slow"],
)
def test_an_index_that_fails(
    pyx: Pyx,
    parts: Sequence[Path],
    index: IndexServer,
    tmp_path: Path,
    pyx_home: Path,
    rule: Rule,
) -> None:
    """The start succeeds, or says in a line why not; wrong bytes never become an entry."""
    project = make_project(tmp_path / "remote", parts, index.url)
    index.rules.append(rule)
    told = pyx("sync", cwd=project)
    assert told.returncode in (0, 69, 77), told.stderr
    assert "Traceback" not in told.stderr
    assert find_damage(pyx_home) == []
    index.rules.clear()
    assert pyx("main.py", cwd=project).stdout == expected(parts)


def test_the_cache_may_fail(pyx: Pyx, shim: Shim, project: Path, tmp_path: Path) -> None:
    """It saves time and nothing else: a start succeeds with a cache that cannot be written."""
    cache = tmp_path / "cache"
    faults = shim.variables(cache, at=1, error=errno.ENOSPC, stays=True, calls="create,mkdir")
    told = pyx("sync", cwd=project, env={"PYX_CACHE_DIR": str(cache), **faults})
    assert told.returncode == 0, told.stderr
    assert judge(pyx, project, tmp_path / "home2", {}, label="afterwards") == []


def test_a_fault_while_a_wheel_is_read_is_no_fault_of_the_wheel(
    pyx: Pyx, shim: Shim, project: Path, tmp_path: Path
) -> None:
    """What the library for wheels reports as broken may be a disk that cannot be read."""
    home = tmp_path / "faulty"
    faults = shim.variables(home, error=errno.EIO, at=1, stays=True, calls="read")
    told = pyx("sync", cwd=project, env={"PYX_HOME": str(home), **faults})
    assert told.returncode == 74, told.stderr
    assert "not a sound wheel" not in told.stderr

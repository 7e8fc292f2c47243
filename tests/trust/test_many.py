"""Many starts at once, with deletion and verification among them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from indexserver import Rule
from trust.ground import expected, find_damage, make_project, make_wheels

from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import StoreError
from pyx_launcher.store.inventory import list_entries
from pyx_launcher.store.lock import claimed_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx


@pytest.fixture
def parts(wheels: Path) -> list[Path]:
    """Give eight wheels."""
    return make_wheels(wheels, 8)


def test_cold_starts_of_one_lock_fetch_once(
    pyx: Pyx, parts: Sequence[Path], index: IndexServer, tmp_path: Path, pyx_home: Path
) -> None:
    """However many begin at once, each file is asked for once, and all programs run."""
    project = make_project(tmp_path / "project", parts, index.url)
    with ThreadPoolExecutor(max_workers=16) as threads:
        starts = [threads.submit(pyx, "main.py", cwd=project) for _ in range(16)]
        told = [start.result() for start in starts]
    assert {(t.stdout, t.stderr) for t in told if "waiting" not in t.stderr} <= {
        (expected(parts), "")
    }
    assert {t.stdout for t in told} == {expected(parts)}
    asked = [request.path for request in index.requests if "/files/" in request.path]
    assert sorted(asked) == sorted(f"/files/{part.name}" for part in parts)
    assert find_damage(pyx_home) == []


def test_starts_beside_deletion_and_verification(
    pyx: Pyx, parts: Sequence[Path], tmp_path: Path, pyx_home: Path
) -> None:
    """No program fails because something was deleted that it needs, and nothing waits for ever."""
    projects = [
        (make_project(tmp_path / f"project{n}", parts[n : n + 4]), parts[n : n + 4])
        for n in range(4)
    ]

    def start(number: int) -> str:
        project, chosen = projects[number % 4]
        told = pyx("main.py", cwd=project)
        return "" if told.stdout == expected(chosen) else f"{told.returncode} {told.stderr}"

    def care(*words: str) -> str:
        told = pyx("store", *words)
        fine = told.returncode == 0 or "is in use" in told.stderr
        return "" if fine else f"{words} {told.stdout} {told.stderr}"

    with ThreadPoolExecutor(max_workers=8) as threads:
        jobs = [threads.submit(start, number) for number in range(24)]
        for _ in range(2):
            jobs += [threads.submit(care, "gc", "--keep", "0"), threads.submit(care, "verify")]
            jobs += [threads.submit(start, number) for number in range(8)]
        assert [job.result() for job in jobs if job.result()] == []
    assert find_damage(pyx_home) == []


def test_children_of_a_running_program_start_after_a_deletion(
    pyx: Pyx, parts: Sequence[Path], tmp_path: Path
) -> None:
    """They have no slow path, and do not need any: what they use is still there."""
    project = make_project(tmp_path / "project", parts[:2])
    (project / "parent.py").write_text(
        "import subprocess, sys\n"
        "print('ready', flush=True)\n"
        "input()\n"
        "subprocess.run([sys.executable, '-c', 'import part1; print(part1.N)'], check=True)\n"
    )
    other = make_project(tmp_path / "other", parts[3:])
    assert pyx("main.py", cwd=other).stdout == expected(parts[3:])
    with subprocess.Popen(
        [pyx.path, "parent.py"],
        cwd=project,
        env=pyx.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        time.sleep(0.2)
        told = pyx("store", "gc", "--keep", "0")
        assert "1 environments and 5 entries deleted" in told.stdout
        assert parent.communicate("\n")[0] == "1\n"


def test_a_killed_holder_leaves_no_lock(
    pyx: Pyx, parts: Sequence[Path], index: IndexServer, tmp_path: Path, pyx_home: Path
) -> None:
    """Neither that of an entry it was fetching nor its hold on the store."""
    project = make_project(tmp_path / "project", parts[:1], index.url)
    index.rules.append(Rule(fragment="/files/", delay=6))
    process = subprocess.Popen(
        [pyx.path, "sync"], cwd=project, env=pyx.variables(), start_new_session=True
    )
    end = time.monotonic() + 30
    while not any("/files/" in request.path for request in index.requests):
        assert time.monotonic() < end
        time.sleep(0.05)
    dirs = Dirs(home=pyx_home, cache=tmp_path / "cache")
    with pytest.raises(StoreError, match="in use"), claimed_store(dirs.store, patience=0):
        pass
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    index.rules.clear()
    with claimed_store(dirs.store, patience=5):
        pass
    assert pyx("main.py", cwd=project, timeout=20).stdout == expected(parts[:1])
    assert len(list_entries(dirs.store)) == 1

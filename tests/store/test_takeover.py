"""A store of format 1: its entries lie in BUILD itself, and a newer pyx goes on with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import PLAIN_PYTHON, ROOT
from trust.ground import expected, find_damage, make_project, make_wheels

from pyx_launcher.dirs import FORMAT_FILE
from pyx_launcher.store.entry import SITE_PACKAGES, find_build, locate_entry
from pyx_launcher.store.inventory import list_entries, tail_of
from pyx_launcher.store.takeover import take_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexserver import IndexServer
    from installed import Pyx

TAKE_OVER = """\
import sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from pyx_launcher.store.takeover import take_over
print("begun", flush=True)
take_over(Path(sys.argv[1]))
"""


@pytest.fixture
def parts(wheels: Path) -> list[Path]:
    """Give wheels of various shapes, with data files, scripts and a shared directory."""
    return make_wheels(wheels, 6, seed=31)


@pytest.fixture
def project(tmp_path: Path, parts: Sequence[Path], pyx: Pyx) -> Path:
    """Give a project whose entries are in the store, with their bytecode."""
    project = make_project(tmp_path / "project", parts)
    assert pyx("sync", "--compile", cwd=project).returncode == 0
    return project


def make_old(store: Path) -> list[Path]:
    """Give every entry of `store` the place that it had in format 1; return these places."""
    made = []
    for entry in list_entries(store):
        build = find_build(entry)
        old = build.with_name(build.name[:-4])
        entry.rename(old)
        for path in old.rglob("*"):
            if path.is_file():
                path.chmod(path.stat().st_mode & 0o555)
        build.rmdir()
        made.append(old)
    (store / FORMAT_FILE).write_text("1\n")
    return made


def test_an_old_store_serves_without_its_index(
    pyx: Pyx, project: Path, parts: Sequence[Path], pyx_home: Path, index: IndexServer
) -> None:
    """Nothing is fetched; the files and their bytecode are the same ones, under the new path."""
    store = pyx_home / "store"
    old = make_old(store)
    inodes = {path.stat().st_ino for place in old for path in place.rglob("*.py*")}
    for wheel in parts:
        wheel.unlink()
    mark = store / FORMAT_FILE
    os.utime(mark, (1, 1))
    asked = len(index.requests)
    told = pyx("sync", cwd=project)
    assert "0 fetched, 6 already in the store" in told.stdout, told.stderr
    assert "taking over 6 entries" in told.stderr
    assert len(index.requests) == asked
    assert pyx("main.py", cwd=project).stdout == expected(parts)
    new = [path for path in list_entries(store) if path.name == SITE_PACKAGES]
    assert len(new) == 6
    assert {path.stat().st_ino for place in new for path in place.rglob("*.py*")} == inodes
    assert find_damage(pyx_home) == []
    modes = {path.suffix: path.stat().st_mode & 0o777 for place in new for path in place.rglob("*")}
    assert (modes[".py"], modes[".txt"], modes[".bin"]) == (0o444, 0o644, 0o644)
    # Environments of the former version, and so children of what runs there, are bound to these.
    assert (mark.read_text(), mark.stat().st_mtime) == ("2\n", 1)
    # Once is enough.
    assert "taking over" not in pyx("sync", cwd=project).stderr


def test_a_program_that_runs_keeps_its_files(
    pyx: Pyx, project: Path, pyx_home: Path, tmp_path: Path
) -> None:
    """What has the old path on `sys.path` goes on importing from there, until `gc` says no."""
    old = make_old(pyx_home / "store")
    assert pyx("sync", cwd=project).returncode == 0
    for place in old:
        name = tail_of(place)[0]
        command = [PLAIN_PYTHON, "-c", f"import {name}; print({name}.__file__)"]
        told = subprocess.run(
            command, env={"PYTHONPATH": str(place)}, capture_output=True, text=True, check=True
        )
        assert told.stdout.startswith(f"{place}/")
    assert pyx("env", "--link", cwd=project).returncode == 0
    assert " 6 entries deleted" in pyx("store", "gc", "--keep", "0").stdout
    assert not any(place.exists() for place in old)
    assert len(list_entries(pyx_home / "store")) == 6


@pytest.mark.parametrize(
    "share",
    [0.02, 0.3, *(pytest.param(share, marks=pytest.mark.slow) for share in (0.1, 0.5, 0.8))],
)
def test_a_kill_loses_nothing(
    tmp_path: Path, parts: Sequence[Path], pyx: Pyx, share: float
) -> None:
    """Whenever it comes, each entry is whole under the old path or both, and the rest follows."""
    project = make_project(tmp_path / "project", parts)
    assert pyx("sync", cwd=project).returncode == 0
    home = Path(pyx.environ["PYX_HOME"])
    store = home / "store"
    old = make_old(store)
    # Many more, so that there is a middle to be killed in.
    for number in range(120):
        copy = old[0].with_name(f"py3-none-l{number}-{old[0].name[-8:]}")
        shutil.copytree(old[0], copy)
    measured = tmp_path / "measured"
    shutil.copytree(store, measured, symlinks=True)
    begun = time.monotonic()
    assert take_over(measured) == 126
    whole = time.monotonic() - begun
    sources = [str(ROOT / "launcher"), str(ROOT / "runtime"), *filter(None, sys.path)]
    command = [sys.executable, "-c", TAKE_OVER, str(store), *sources]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(whole * share)
        process.kill()
    assert find_damage(home) == []
    assert all(place.is_dir() for place in old)
    take_over(store)
    entries = list_entries(store)
    assert sum(path.name == SITE_PACKAGES for path in entries) == 126
    assert find_damage(home) == []
    assert "already in the store" in pyx("sync", "--offline", cwd=project).stdout
    # What the killed one had begun is swept with everything else that nobody needs.
    assert pyx("store", "gc", "--keep", "0").returncode == 0
    assert [p.name for p in store.iterdir() if p.name.startswith(".new.")] == []


def test_an_old_store_behind_is_used_as_it_is(
    pyx: Pyx, project: Path, parts: Sequence[Path], pyx_home: Path, tmp_path: Path
) -> None:
    """Who may only read it gets its entries from the old paths, and nothing is written there."""
    behind = tmp_path / "behind"
    pyx_home.rename(behind)
    old = make_old(behind / "store")
    layered = {"PYX_STORES": str(behind / "store")}
    assert "0 fetched" in pyx("sync", cwd=project, env=layered).stdout
    assert pyx("main.py", cwd=project, env=layered).stdout == expected(parts)
    assert sorted(map(locate_entry, old)) == list_entries(behind / "store")
    assert (behind / "store" / FORMAT_FILE).read_text() == "1\n"

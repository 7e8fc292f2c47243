"""Changes of several files that happen together or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.dirs import Dirs
from pyx_launcher.edits import exclusive, restoring, write_file
from pyx_launcher.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def dirs(tmp_path: Path) -> Dirs:
    """Give directories that do not exist yet."""
    return Dirs(home=tmp_path / "pyx-home", cache=tmp_path / "pyx-cache")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project with a manifest and no lock."""
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pyproject.toml").write_bytes(b"before\r\n")
    return directory


def change(
    dirs: Dirs, project: Path, then: Callable[[], None], told: list[str] | None = None
) -> None:
    """Write the manifest, as a tool would the lock, and do something else."""
    told = [] if told is None else told
    manifest, lock = project / "pyproject.toml", project / "a.lock"
    with (
        exclusive(dirs, project, told.append) as journal,
        restoring(journal, [manifest, lock], told.append) as files,
    ):
        files.write(manifest, b"after")
        lock.write_bytes(b"locked")
        then()


def listed(directory: Path) -> dict[str, bytes]:
    """Return every file in a directory with its content."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


BEFORE = {"pyproject.toml": b"before\r\n"}
AFTER = {"a.lock": b"locked", "pyproject.toml": b"after"}


def test_a_change_that_succeeds_stays(dirs: Dirs, project: Path) -> None:
    """Both files are there, no other, and no journal is left."""
    (project / "pyproject.toml").chmod(0o640)
    change(dirs, project, lambda: None)
    assert listed(project) == AFTER
    assert (project / "pyproject.toml").stat().st_mode & 0o777 == 0o640
    assert [path.suffix for path in (dirs.home / "changes").iterdir()] == [".lock"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whatever_fails_restores(dirs: Dirs, project: Path, error: type[BaseException]) -> None:
    """Every file is what it was, and one that was not there is gone."""

    def fail() -> None:
        raise error

    with pytest.raises(error):
        change(dirs, project, fail)
    assert listed(project) == BEFORE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_restores(dirs: Dirs, project: Path, number: int) -> None:
    """The process ends with the status that shells give for the signal."""

    def end() -> None:
        os.kill(os.getpid(), number)
        time.sleep(5)

    handler = signal.getsignal(number)
    with pytest.raises(SystemExit) as caught:
        change(dirs, project, end)
    assert caught.value.code == 128 + number
    assert listed(project) == BEFORE
    assert signal.getsignal(number) is handler


def test_somebody_elses_edit_is_left_alone(dirs: Dirs, project: Path) -> None:
    """What a user saves while a tool runs is worth more than what was there before."""
    manifest = project / "pyproject.toml"

    def edit_and_fail() -> None:
        manifest.write_bytes(b"by hand")
        raise KeyboardInterrupt

    told: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        change(dirs, project, edit_and_fail, told)
    assert listed(project) == {"pyproject.toml": b"by hand"}
    assert told == [f"{manifest} was edited meanwhile, so it is left as it is now"]


def be_killed(dirs: Dirs, project: Path) -> None:
    """Change the project and die in the middle."""
    change(dirs, project, lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_the_next_change_restores_what_a_killed_one_left(dirs: Dirs, project: Path) -> None:
    """It says so, and begins with the files as they were."""
    process = multiprocessing.get_context("fork").Process(target=be_killed, args=(dirs, project))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert listed(project) == AFTER
    told: list[str] = []
    with exclusive(dirs, project, told.append):
        assert listed(project) == BEFORE
    assert len(told) == 2
    assert f"restored {project / 'pyproject.toml'}" in told[0]


def test_a_project_that_went_on_is_not_taken_back(dirs: Dirs, project: Path) -> None:
    """Who has edited the manifest since the accident decides what the project is."""
    process = multiprocessing.get_context("fork").Process(target=be_killed, args=(dirs, project))
    process.start()
    process.join()
    (project / "pyproject.toml").write_bytes(b"by hand")
    told: list[str] = []
    with exclusive(dirs, project, told.append):
        pass
    assert told == []
    assert listed(project) == {"a.lock": b"locked", "pyproject.toml": b"by hand"}
    assert [path.suffix for path in (dirs.home / "changes").iterdir()] == [".lock"]


def add_one(dirs: Dirs, project: Path) -> None:
    """Read a number, wait, and write the next one."""
    path = project / "number"
    with exclusive(dirs, project, lambda _: None):
        number = int(path.read_bytes())
        time.sleep(0.05)
        write_file(path, str(number + 1).encode())


def test_changes_wait_for_one_another(dirs: Dirs, project: Path) -> None:
    """Of five at once, none is lost."""
    (project / "number").write_bytes(b"0")
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=add_one, args=(dirs, project)) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert (project / "number").read_bytes() == b"5"


def test_a_symlinked_file_stays_one(dirs: Dirs, project: Path) -> None:
    """What it points at is written, as an editor would do."""
    real = project / "real.toml"
    (project / "pyproject.toml").rename(real)
    (project / "pyproject.toml").symlink_to("real.toml")
    change(dirs, project, lambda: None)
    assert (project / "pyproject.toml").is_symlink()
    assert real.read_bytes() == b"after"


def test_what_cannot_be_written_changes_nothing(dirs: Dirs, project: Path) -> None:
    """The error names the file, and the other one is what it was."""
    (project / "a.lock").mkdir()

    with pytest.raises(StoreError, match=r"cannot read .*a\.lock"):
        change(dirs, project, lambda: None)
    (project / "a.lock").rmdir()
    assert listed(project) == BEFORE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_protected_file_is_not_replaced(dirs: Dirs, project: Path) -> None:
    """A rename would get past what the owner wanted."""
    (project / "pyproject.toml").chmod(0o444)
    with pytest.raises(StoreError, match="is read-only"):
        change(dirs, project, lambda: None)
    assert listed(project) == BEFORE

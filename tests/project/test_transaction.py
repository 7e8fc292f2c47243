"""Changes of several files that happen together or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from pyx_launcher.children import run_child
from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import StoreError
from pyx_launcher.files.lock import take_lock
from pyx_launcher.project.journal import list_journals
from pyx_launcher.project.transaction import (
    exclusive,
    recover,
    restoring,
    write_file,
)
from pyx_launcher.start.inputs import recover_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyx_launcher.start.context import Context


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
        files.look()
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


def test_what_cannot_be_restored_is_not_forgotten(dirs: Dirs, project: Path) -> None:
    """As on a full disk: the rest is restored at once, and that by the next start that can."""
    manifest = project / "pyproject.toml"

    def stand_in_the_way() -> None:
        manifest.rename(dirs.home / "aside")
        manifest.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(StoreError, match=r"pyproject\.toml"):
        change(dirs, project, stand_in_the_way)
    assert [path.name for path in project.iterdir()] == ["pyproject.toml"]
    told: list[str] = []
    assert recover(dirs, [project], told.append).is_unfinished
    manifest.rmdir()
    (dirs.home / "aside").rename(manifest)
    assert recover(dirs, [project], told.append).has_restored
    assert listed(project) == BEFORE
    assert list_journals(dirs.home / "changes") == []


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
    """Who has edited the manifest since then decides what it is; what the change made goes."""
    process = multiprocessing.get_context("fork").Process(target=be_killed, args=(dirs, project))
    process.start()
    process.join()
    time.sleep(0.02)
    (project / "pyproject.toml").write_bytes(b"by hand")
    told: list[str] = []
    with exclusive(dirs, project, told.append):
        pass
    [copy] = (dirs.home / "changes").glob(".*.before.pyproject.toml")
    assert copy.read_bytes() == BEFORE["pyproject.toml"]
    stays = "is newer than an interrupted change, so it stays as it is"
    assert told == [
        f"removed {project / 'a.lock'}, which an interrupted change left unfinished",
        f"{project / 'pyproject.toml'} {stays}; its former content is in {copy}",
    ]
    assert listed(project) == {"pyproject.toml": b"by hand"}
    assert list_journals(dirs.home / "changes") == []


@pytest.mark.parametrize("ends_by", ["kill", "failure"])
def test_an_edit_of_what_only_a_lock_was_made_of_is_left_alone(
    dirs: Dirs, project: Path, ends_by: str
) -> None:
    """As with `pyx lock`, which leaves the manifest as it is and is killed, or fails."""
    manifest, lock = project / "pyproject.toml", project / "a.lock"

    def lock_it() -> None:
        with (
            exclusive(dirs, project, lambda _: None) as journal,
            restoring(journal, [manifest, lock], lambda _: None) as files,
        ):
            files.expect(manifest, b"before\r\n")
            lock.write_bytes(b"locked")
            files.look()
            if ends_by == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            manifest.write_bytes(b"by hand")
            raise KeyboardInterrupt

    process = multiprocessing.get_context("fork").Process(target=lock_it)
    process.start()
    process.join()
    if ends_by == "kill":
        time.sleep(0.02)
        manifest.write_bytes(b"by hand")
    recover(dirs, [project], lambda _: None)
    assert listed(project) == {"pyproject.toml": b"by hand"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_edit_made_meanwhile_is_not_written_over(dirs: Dirs, project: Path, moment: str) -> None:
    """Not that from before the first file changes, nor that from while the tool runs."""
    manifest = project / "pyproject.toml"

    def write_twice() -> None:
        with (
            exclusive(dirs, project, lambda _: None) as journal,
            restoring(journal, [manifest], lambda _: None) as files,
        ):
            files.expect(manifest, b"before\r\n")
            files.write(manifest, b"after")
            manifest.write_bytes(b"by hand")
            files.write(manifest, b"after, with a bound")

    if moment == "before":
        manifest.write_bytes(b"by hand")
    with pytest.raises(StoreError, match=r"pyproject\.toml was edited meanwhile"):
        write_twice()
    assert listed(project) == {"pyproject.toml": b"by hand"}


def test_a_lock_that_was_made_after_the_edit_stays(dirs: Dirs, project: Path) -> None:
    """Who has edited the manifest and then locked it with the tool itself needs nothing of us."""
    process = multiprocessing.get_context("fork").Process(target=be_killed, args=(dirs, project))
    process.start()
    process.join()
    (project / "pyproject.toml").write_bytes(b"by hand")
    time.sleep(0.02)
    (project / "a.lock").write_bytes(b"by the tool")
    told: list[str] = []
    with exclusive(dirs, project, told.append):
        pass
    assert [line.partition(" ")[2][:33] for line in told] == [
        "is newer than an interrupted change"[:33]
    ] * 2
    assert listed(project) == {"a.lock": b"by the tool", "pyproject.toml": b"by hand"}


def be_killed_locking(dirs: Dirs, project: Path, *, ran: bool) -> None:
    """Lock the project and die while the tool runs, which has written its lock already or not."""
    with (
        exclusive(dirs, project, lambda _: None) as journal,
        restoring(journal, [project / "pyproject.toml", project / "a.lock"], lambda _: None) as one,
    ):
        one.expect(project / "pyproject.toml", b"before\r\n")
        one.look()
        if ran:
            (project / "a.lock").write_bytes(b"locked")
            one.look()
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("before", [None, b"an older lock"])
@pytest.mark.parametrize("ran", [False, True])
def test_a_lock_of_the_users_own_stays(
    dirs: Dirs, project: Path, before: bytes | None, *, ran: bool
) -> None:
    """Whatever somebody put there after a kill is neither removed nor set back by a start."""
    lock = project / "a.lock"
    if before is not None:
        lock.write_bytes(before)
    run_killed(be_killed_locking, dirs, project, ran=ran)
    # The same bytes as the tool's, by another run of it: still not what the killed one has made.
    lock.unlink(missing_ok=True)
    lock.write_bytes(b"locked")
    told: list[str] = []
    assert not recover(dirs, [project], told.append).has_restored
    assert listed(project) == {**BEFORE, "a.lock": b"locked"}
    assert len(told) == 1
    assert str(lock) in told[0]
    kept = [path.read_bytes() for path in (dirs.home / "changes").glob(".*.before.a.lock")]
    assert kept == ([] if before is None else [before])


@pytest.mark.parametrize("ran", [False, True])
def test_a_project_made_anew_gets_nothing_of_the_old_one(
    dirs: Dirs, project: Path, *, ran: bool
) -> None:
    """As with a new clone in the same place: its files are its own, those that are missing, too."""
    (project / "a.lock").write_bytes(b"an older lock")
    run_killed(be_killed_locking, dirs, project, ran=ran)
    for path in project.iterdir():
        path.unlink()
    project.rmdir()
    project.mkdir()
    (project / "pyproject.toml").write_bytes(BEFORE["pyproject.toml"])
    recover(dirs, [project], lambda _: None)
    assert listed(project) == BEFORE
    assert list_journals(dirs.home / "changes") == []


def test_what_a_kill_leaves_aside_is_swept(dirs: Dirs, project: Path) -> None:
    """New content is written beside its place first, which the next start cleans up."""
    replace = os.replace

    def die_late(old: Path, new: Path) -> None:
        if new.name == "pyproject.toml":
            os.kill(os.getpid(), signal.SIGKILL)
        replace(old, new)

    def run() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "replace", die_late)
            change(dirs, project, lambda: None)

    run_killed(run)
    assert [name for name in listed(project) if name.startswith(".")] != []
    recover(dirs, [project], lambda _: None)
    assert listed(project) == BEFORE


def run_killed(function: Callable[..., None], *words: object, **more: object) -> None:
    """Run `function` in a process of its own, which is killed in it."""
    process = multiprocessing.get_context("fork").Process(target=function, args=words, kwargs=more)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_a_program_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    """Also with a kill of that alone, and with everything the program has started itself."""
    mark = tmp_path / "mark"
    loop = f"while :; do echo x >{mark}; sleep 0.02; done"
    code = f"import subprocess; subprocess.run(['sh', '-c', {loop!r}])"

    def start() -> None:
        run_child([sys.executable, "-c", code], python=Path(sys.executable))

    process = multiprocessing.get_context("fork").Process(target=start)
    process.start()
    wait_for(mark.exists)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()

    def is_quiet() -> bool:
        mark.unlink(missing_ok=True)
        time.sleep(0.3)
        return not mark.exists()

    wait_for(is_quiet)


def test_the_tool_of_a_killed_change_is_ended_before_anything_is_restored(
    dirs: Dirs, project: Path
) -> None:
    """Else it would write its lock over what was restored; a watcher may come too late."""
    tool = subprocess.Popen(["sleep", "60"])

    def lock_it() -> None:
        with (
            exclusive(dirs, project, lambda _: None) as journal,
            restoring(journal, [project / "a.lock"], lambda _: None) as files,
        ):
            files.look(tool.pid)
            os.kill(os.getpid(), signal.SIGKILL)

    run_killed(lock_it)
    assert tool.poll() is None
    recover(dirs, [project], lambda _: None)
    assert tool.wait(10) == -signal.SIGKILL


def wait_for(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; fail where it does not within half a minute."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_power_cut_leaves_nothing_half_written(dirs: Dirs, project: Path) -> None:
    """A file that has its name on the disk and not yet its content is no edit of the user."""
    process = multiprocessing.get_context("fork").Process(target=be_killed, args=(dirs, project))
    process.start()
    process.join()
    (project / "pyproject.toml").write_bytes(b"")
    with exclusive(dirs, project, lambda _: None):
        assert listed(project) == BEFORE


def test_the_journal_is_on_the_disk_before_a_file_changes(dirs: Dirs, project: Path) -> None:
    """In the order of the calls: journal, its directory, then the manifest and its directory."""
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def see_sync(handle: int) -> None:
        calls.append(f"fsync {Path(f'/proc/self/fd/{handle}').readlink().parent.name}")
        fsync(handle)

    def see_replace(old: Path, new: Path) -> None:
        calls.append(f"rename {new.parent.name}")
        replace(old, new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", see_sync)
        patch.setattr(os, "replace", see_replace)
        change(dirs, project, lambda: calls.append("done"))
    first = calls.index("rename project")
    assert calls[:3] == ["fsync changes", "rename changes", f"fsync {dirs.home.name}"]
    assert "fsync project" in calls[:first]
    assert "fsync project" in calls[calls.index("done") :]


@pytest.mark.parametrize("where", ["project", "below", "elsewhere"])
def test_a_start_restores_what_nobody_works_on(
    dirs: Dirs, project: Path, tmp_path: Path, where: str
) -> None:
    """What was killed in another project is left to it, as is a change that goes on."""
    process = multiprocessing.get_context("fork").Process(target=be_killed, args=(dirs, project))
    process.start()
    process.join()
    below = project / "src" / "deep"
    directory = {"project": project, "below": below, "elsewhere": tmp_path / "other"}[where]
    places = [directory, *directory.parents]
    told: list[str] = []
    if where == "elsewhere":
        recovery = recover(dirs, places, told.append)
        assert not recovery.has_restored
        assert not recovery.is_unfinished
        assert (told, listed(project)) == ([], AFTER)
        return
    [journal] = list_journals(dirs.home / "changes")
    held = take_lock(journal.with_suffix(".lock"), patience=0)
    assert held is not None
    try:
        recovery = recover(dirs, places, told.append)
        assert not recovery.has_restored
        assert recovery.is_unfinished
        assert (told, listed(project)) == ([], AFTER)
    finally:
        held.release()
    assert recover(dirs, places, told.append).has_restored
    assert listed(project) == BEFORE
    assert [line.split()[0] for line in told] == ["restored", "removed"]
    assert list_journals(dirs.home / "changes") == []
    assert not recover(dirs, places, told.append).has_restored


def test_a_start_without_a_journal_looks_no_further(dirs: Dirs) -> None:
    """Neither a lock that is free nor what is left of a journal that was never one counts."""
    changes = dirs.home / "changes"
    changes.mkdir(parents=True)
    for name in ("0123.lock", ".0123.4567"):
        (changes / name).write_bytes(b"")
    assert recover_inputs(cast("Context", None), dirs, print) is None
    assert list_journals(dirs.home / "changes") == []


def add_one(dirs: Dirs, project: Path) -> None:
    """Read a number, wait, and write the next one."""
    path = project / "number"
    with exclusive(dirs, project, lambda _: None):
        number = int(path.read_bytes())
        time.sleep(0.05)
        write_file(path, str(number + 1).encode())


def test_nobody_else_can_write_a_journal(dirs: Dirs, project: Path) -> None:
    """Whatever the umask is: what a journal says, a start writes."""
    before = os.umask(0)
    try:
        change(dirs, project, lambda: None)
    finally:
        os.umask(before)
    made = [dirs.home, *dirs.home.rglob("*")]
    assert len(made) == 3
    assert [path for path in made if path.stat().st_mode & 0o022] == []


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

"""A start whose inputs have the content that they had before is not decided anew."""

from __future__ import annotations

import json
import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.dirs import Dirs, resolve_dirs
from pyx_launcher.record.decisions import MOST

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from installed import Pyx

RECALLED = "(as decided before)"
VERSION = "import importlib.metadata as m; print(m.version('tick'))"


class Branches:
    """A project whose lock is now this one and now that one."""

    def __init__(self, pyx: Pyx, project: Path, wheels: Path) -> None:
        project.mkdir()
        self.pyx = pyx
        self.project = project
        self.lock = project / "pylock.toml"
        self.dirs: Dirs = resolve_dirs(pyx.environ)
        self.texts = {
            version: pylock_text([make_wheel(wheels, "tick", version)])
            for version in ("1.0", "2.0", "3.0", "4.0", "5.0")
        }

    def switch(self, version: str) -> None:
        """Write the lock of a version, as Git does, and let it grow old enough to be believed."""
        self.lock.unlink(missing_ok=True)
        self.lock.write_text(self.texts[version])
        time.sleep(0.03)

    def start(
        self, *words: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Start a program that prints the version of the package, or run `words`."""
        return self.pyx(*(words or ("-c", VERSION)), cwd=self.project, env=env)

    def told(self, *words: str) -> tuple[str, bool]:
        """Return what is printed, and whether the start was recalled; it says why on stderr."""
        done = self.start(*words, env={"PYX_DEBUG": "1"})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip(), RECALLED in done.stderr

    def visit(self, *versions: str) -> None:
        """Start once with each."""
        for version in versions:
            self.switch(version)
            assert self.start().stdout.strip() == version


@pytest.fixture
def branches(pyx: Pyx, tmp_path: Path, wheels: Path) -> Branches:
    """Give a project that was started with the locks of two versions."""
    made = Branches(pyx, tmp_path / "project", wheels)
    made.visit("1.0", "2.0")
    return made


def test_going_back_and_forth_reads_no_lock(branches: Branches) -> None:
    """Each time the packages are the right ones, and the next start takes the fast path."""
    for version in ("1.0", "2.0", "1.0"):
        branches.switch(version)
        assert branches.told() == (version, True)
        branches.pyx.break_slow_path()
        assert branches.start().stdout.strip() == version
        branches.pyx.repair_slow_path()


def test_a_lock_of_the_same_size_with_other_content_is_read(branches: Branches) -> None:
    """Only what it contains tells."""
    assert len(branches.texts["1.0"]) == len(branches.texts["3.0"])
    branches.switch("3.0")
    assert branches.told() == ("3.0", False)


def test_the_last_few_are_kept(branches: Branches) -> None:
    """The oldest goes first."""
    branches.visit("3.0", "4.0", "5.0")
    (place,) = branches.dirs.decisions.iterdir()
    assert len(json.loads(place.read_text())["decisions"]) == MOST
    branches.switch("1.0")
    assert branches.told() == ("1.0", False)
    branches.switch("5.0")
    assert branches.told() == ("5.0", True)


def test_sync_tells_the_same(branches: Branches) -> None:
    """A summary that is recalled is the one of a slow start."""
    branches.switch("1.0")
    recalled = branches.told("sync")
    shutil.rmtree(branches.dirs.decisions)
    assert recalled == (branches.told("sync")[0], True)
    assert recalled[0].endswith(
        ": 0 fetched, 1 already in the store, environment ready"
        f" for Python {branches.start('-V').stdout.split()[1]}"
    )


def test_sync_moves_a_link_along(branches: Branches) -> None:
    """The editor's link leads to the environment of the lock that is there now."""
    branches.start("env", "--link")
    for version in ("1.0", "2.0"):
        branches.switch(version)
        assert branches.start("sync").returncode == 0
        python = branches.project / ".venv" / "bin" / "python"
        assert branches.pyx.run([python, "-c", VERSION]).stdout.strip() == version


def open_entry(branches: Branches) -> None:
    """Let anybody put another build there."""
    (branches.dirs.store / "tick" / "1.0").chmod(0o777)


def take_newer_store(branches: Branches) -> None:
    """Let a later version of pyx have used the store."""
    (branches.dirs.store / ".format").write_text("99\n")


@pytest.mark.parametrize(
    ("change", "said"), [(open_entry, "can be written"), (take_newer_store, "format")]
)
def test_what_a_slow_start_refuses_is_refused(
    branches: Branches, change: Callable[[Branches], None], said: str
) -> None:
    """What is known from before passes no check by."""
    branches.switch("1.0")
    change(branches)
    for words in (("-c", VERSION), ("sync",)):
        done = branches.start(*words)
        assert done.returncode != 0
        assert said in done.stderr


def cut_launch(branches: Branches) -> None:
    """Leave half of the record of the environment's own python."""
    for place in branches.dirs.environments.glob("*/launch"):
        place.write_bytes(place.read_bytes()[:40])


def lose_entry(branches: Branches) -> None:
    """Delete what was unpacked, behind the back of pyx."""
    shutil.rmtree(branches.dirs.store / "tick" / "1.0")


def lose_environments(branches: Branches) -> None:
    """Delete what was made of it."""
    shutil.rmtree(branches.dirs.environments)


def cut_configuration(branches: Branches) -> None:
    """Leave names without content, as a power cut does."""
    for place in branches.dirs.environments.glob("*/pyvenv.cfg"):
        place.write_text("")


def collect(branches: Branches) -> None:
    """Delete from the store, though not what is in use."""
    generation = branches.dirs.store / ".generation"
    generation.unlink(missing_ok=True)
    generation.write_text("")


def spoil(branches: Branches) -> None:
    """Leave half a file."""
    for place in branches.dirs.decisions.iterdir():
        place.write_bytes(place.read_bytes()[:-100])


def nest(branches: Branches) -> None:
    """Leave JSON that is too deep to be read."""
    for place in branches.dirs.decisions.iterdir():
        place.write_text("[" * 100_000)


def expose_directory(branches: Branches) -> None:
    """Let anybody put something else there."""
    branches.dirs.decisions.chmod(0o777)


def expose(branches: Branches) -> None:
    """Let anybody write what was decided."""
    for place in branches.dirs.decisions.iterdir():
        place.chmod(0o666)


def change_version(branches: Branches) -> None:
    """Let it be another pyx that decided."""
    for place in branches.dirs.decisions.iterdir():
        told = json.loads(place.read_text())
        place.write_text(json.dumps({**told, "pyx": "0.0.1"}))


def add_project_file(branches: Branches) -> None:
    """Let a file appear of which it counted that it was not there."""
    (branches.project / "pyproject.toml").write_text("")


CHANGES = (
    lose_entry,
    lose_environments,
    cut_configuration,
    cut_launch,
    collect,
    spoil,
    nest,
    expose,
    expose_directory,
    change_version,
    add_project_file,
)


def test_what_no_longer_holds_is_decided_anew(branches: Branches) -> None:
    """And the packages are the right ones each time; what was decided anew holds again."""
    for change in CHANGES:
        branches.switch("1.0")
        assert branches.told() == ("1.0", True), f"before {change.__name__}"
        branches.switch("1.0")
        change(branches)
        assert branches.told() == ("1.0", False), change.__name__
        branches.dirs.decisions.chmod(0o700)


def test_the_same_content_in_the_interpreter_is_not_enough(
    branches: Branches, tmp_path: Path, interpreters: dict[str, Path]
) -> None:
    """A python is more than its file: it is asked again."""
    real = list(interpreters.values())[-1]
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    shutil.copy2(real, python)
    (tmp_path / "lib").symlink_to(real.parent.parent / "lib")
    words = ("--python", str(python), "-c", VERSION)
    for _ in range(2):
        assert branches.start(*words).stdout.strip() == "2.0"
        os.utime(python)
        time.sleep(0.03)
    assert branches.told(*words) == ("2.0", False)
    branches.switch("2.0")
    assert branches.told(*words) == ("2.0", True)


def test_a_link_that_is_turned_round_leads_to_the_other_interpreter(
    branches: Branches, tmp_path: Path, interpreters: dict[str, Path]
) -> None:
    """However equal the bytes at both ends are."""
    real = list(interpreters.values())[-1]
    for name in ("a", "b"):
        python = tmp_path / name / "bin" / "python3"
        python.parent.mkdir(parents=True)
        shutil.copy2(real, python)
        (tmp_path / name / "lib").symlink_to(real.parent.parent / "lib")
    current = tmp_path / "current"
    words = ("-c", "import sys; print(sys._base_executable)")
    env = {"PATH": f"{current}/bin:{branches.pyx.environ['PATH']}", "PYX_PYTHON": ""}
    for name in ("a", "b", "a"):
        current.unlink(missing_ok=True)
        current.symlink_to(name)
        time.sleep(0.03)
        done = branches.start(*words, env=env)
        assert done.stdout.strip() == str(tmp_path / name / "bin" / "python3"), done.stderr


def test_a_script_runs_from_a_directory_that_is_gone(branches: Branches) -> None:
    """One that is named by its whole path needs none."""
    script, gone = branches.project / "script.py", branches.project / "gone"
    script.write_text(VERSION)
    gone.mkdir()
    line = f"cd {gone} && rmdir {gone} && exec {branches.pyx.path} {script}"
    done = branches.pyx.run(["sh", "-c", line], cwd=branches.project)
    assert done.stdout.strip() == "2.0", done.stderr


def test_nothing_is_written_for_what_is_as_it_was(branches: Branches) -> None:
    """A `pyx sync` of what has settled leaves the record alone."""
    branches.switch("1.0")
    seen = []
    # What the first ones made may have been too young for a record to rely on.
    for _ in range(5):
        branches.start("sync")
        seen.append({place: place.stat().st_ino for place in branches.dirs.records.iterdir()})
        time.sleep(0.03)
    assert seen[-1] == seen[-2] != {}


def test_a_warning_is_repeated(branches: Branches) -> None:
    """Whoever goes back to a project that has a fault reads of it again."""
    manifest = branches.project / "pyproject.toml"
    manifest.write_text('[project]\nname = "one"\nversion = "1"\ndependencis = []\n')
    said = []
    for _ in range(3):
        branches.switch("1.0")
        said.append(branches.start().stderr)
    assert "dependencis" in said[0]
    assert said == said[:1] * 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_lock_of_somebody_else_is_refused(branches: Branches) -> None:
    """However well its content is known."""
    branches.switch("1.0")
    os.chown(branches.lock, 12345, 12345)
    done = branches.start()
    assert done.returncode != 0
    assert "belongs to" in done.stderr


def test_pip_is_answered_as_before(branches: Branches) -> None:
    """What a start is refused for is not forgotten over what it is decided from."""
    branches.switch("1.0")
    done = branches.start("-m", "pip", "install", "x")
    assert "pip is not locked here" in done.stderr


def test_what_a_killed_change_left_is_undone(branches: Branches) -> None:
    """A journal is looked at before anything else."""
    branches.switch("1.0")
    journal = branches.dirs.home / "changes" / "unknown"
    journal.mkdir(parents=True)
    assert branches.told() == ("1.0", False)


def test_scripts_are_told_apart(branches: Branches) -> None:
    """By their inline blocks, and not by the rest of their text."""
    script = branches.project / "script.py"
    for number in range(3):
        branches.switch("1.0")
        script.write_text(f"{VERSION}\nprint({number})\n")
        time.sleep(0.03)
        assert branches.told("script.py") == (f"1.0\n{number}", number > 0)
    script.write_text(f"# /// script\n# dependencies = []\n# ///\n{VERSION}\n")
    branches.switch("1.0")
    done = branches.start("script.py", env={"PYX_DEBUG": "1"})
    assert "PackageNotFoundError" in done.stderr
    assert RECALLED not in done.stderr


def test_gc_forgets_what_has_gone(branches: Branches) -> None:
    """Nothing is kept about environments that are no more."""
    assert list(branches.dirs.decisions.iterdir())
    done = branches.start("store", "gc", "--keep", "0")
    assert done.returncode == 0, done.stderr
    assert not list(branches.dirs.decisions.iterdir())

"""A second start skips the slow path, and no change of an input is ever missed.

`Pyx.break_slow_path` proves it: whatever runs while the launcher is broken took the fast path.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from installed import SLOW_PATH
from wheelhouse import make_wheel, poetry_lock_text, pylock_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from installed import Pyx

TELL = """\
import sys
try:
    import tick
    version = tick.__version__
except ImportError:
    version = "no tick"
print(version, "%d.%d" % sys.version_info[:2], *sys.argv[1:])
"""
FILLER = "# A small script is compiled as quickly as its bytecode would be found.\n" * 30
"""What makes a script large enough for its bytecode to be kept."""
OLDER_THAN_RECORDS = 1_500_000_000
"""A modification time, in seconds since the epoch, long before any launch record was written."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A project whose lock names tick 1.0, and what a test may change in it."""

    root: Path
    pyx: Pyx
    interpreters: dict[str, Path]

    @property
    def project(self) -> Path:
        """The directory with the lock."""
        return self.root / "project"

    @property
    def lock(self) -> Path:
        """The lock of the project."""
        return self.project / "pylock.toml"

    @property
    def script(self) -> Path:
        """A script one directory further down."""
        return self.project / "app" / "run.py"

    def lock_text(self, version: str) -> str:
        """Return a lock of tick in a version; all versions give texts of one length."""
        return pylock_text([self.root / "wheels" / f"tick-{version}-py3-none-any.whl"])

    def run(self, *words: str | Path, env: dict[str, str | None] | None = None) -> str:
        """Return what ``pyx`` with `words` prints, whichever path it takes."""
        return self.pyx(*words, cwd=self.project, env=env).stdout.strip()

    def run_fast(self, *words: str | Path, env: dict[str, str | None] | None = None) -> str:
        """Return what the fast path prints, `SLOW_PATH` where it is not taken."""
        self.pyx.break_slow_path()
        try:
            return self.run(*words, env=env)
        finally:
            self.pyx.repair_slow_path()

    def prime(self, *words: str | Path, env: dict[str, str | None] | None = None) -> str:
        """Start until there is a launch record, and return what is printed.

        None is written while an input is so young that a further change could go unnoticed.
        """
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            slow = self.run(*words, env=env)
            fast = self.run_fast(*words, env=env)
            if fast != SLOW_PATH:
                assert fast == slow
                return fast
        pytest.fail("no launch record is written")


@pytest.fixture
def world(tmp_path: Path, wheels: Path, pyx: Pyx, interpreters: dict[str, Path]) -> World:
    """Make the project."""
    for version in ("1.0", "2.0"):
        make_wheel(wheels, "tick", version)
    made = World(root=tmp_path, pyx=pyx, interpreters=interpreters)
    made.script.parent.mkdir(parents=True)
    made.script.write_text(TELL)
    made.lock.write_text(made.lock_text("1.0"))
    return made


def _edit_lock(world: World) -> None:
    world.lock.write_text(world.lock_text("2.0"))


def _edit_lock_and_restore_its_time(world: World) -> None:
    before = world.lock.stat()
    world.lock.write_text(world.lock_text("2.0"))
    os.utime(world.lock, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert world.lock.stat().st_size == before.st_size


def _replace_lock_by_an_older_file(world: World) -> None:
    older = world.root / "older"
    older.write_text(world.lock_text("2.0"))
    os.utime(older, (OLDER_THAN_RECORDS, OLDER_THAN_RECORDS))
    older.replace(world.lock)


def _put_a_lock_nearer_by(world: World) -> None:
    (world.script.parent / "pylock.toml").write_text(world.lock_text("2.0"))


def _put_a_lock_of_another_kind_nearer_by(world: World) -> None:
    lock = poetry_lock_text([world.root / "wheels" / "tick-2.0-py3-none-any.whl"])
    (world.script.parent / "poetry.lock").write_text(lock)


def _put_a_lock_beside_the_script(world: World) -> None:
    world.script.with_name("pylock.run.toml").write_text(world.lock_text("2.0"))


CHANGES_OF_LOCKS = [
    _edit_lock,
    _edit_lock_and_restore_its_time,
    _replace_lock_by_an_older_file,
    _put_a_lock_nearer_by,
    _put_a_lock_of_another_kind_nearer_by,
    _put_a_lock_beside_the_script,
]


@pytest.mark.parametrize("change", CHANGES_OF_LOCKS)
def test_another_lock_means_other_packages(world: World, change: Callable[[World], None]) -> None:
    """However the lock comes to be another one, the next start runs what it says."""
    assert world.prime(world.script).startswith("1.0 ")
    change(world)
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.run(world.script).startswith("2.0 ")
    assert world.prime(world.script).startswith("2.0 ")


def test_a_dangling_lock_that_comes_to_life_is_seen(world: World) -> None:
    """A symlink to nothing, nearer by, becomes a lock without any change of its directory."""
    target = world.root / "elsewhere.toml"
    (world.script.parent / "pylock.toml").symlink_to(target)
    assert world.prime(world.script).startswith("1.0 ")
    target.write_text(world.lock_text("2.0"))
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.run(world.script).startswith("2.0 ")


def test_a_lock_that_is_removed_is_missed(world: World) -> None:
    """Without its lock a script has the standard library alone."""
    world.prime(world.script)
    world.lock.unlink()
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.run(world.script).startswith("no tick ")


@pytest.mark.parametrize("directory", ["store", "environments"])
def test_what_was_deleted_is_made_again(world: World, directory: str) -> None:
    """Deleting the store or the environments costs a slow start and nothing else."""
    world.prime(world.script)
    shutil.rmtree(world.root / "pyx-home" / directory)
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.run(world.script).startswith("1.0 ")
    assert world.prime(world.script).startswith("1.0 ")


def test_a_deleted_entry_is_fetched_again(world: World) -> None:
    """What `gc` will do, deletion of an entry and a new generation, is noticed by a start."""
    world.prime(world.script)
    store = world.root / "pyx-home" / "store"
    shutil.rmtree(store / "tick")
    (store / ".generation").unlink()
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.run(world.script).startswith("1.0 ")


def test_a_version_file_chooses_another_interpreter(world: World) -> None:
    """A `.python-version` that appears above the script takes effect at the next start."""
    oldest = next(iter(world.interpreters))
    if len(world.interpreters) < 2:
        pytest.skip("only one interpreter")
    newest = list(world.interpreters)[-1]
    before = world.prime(world.script).split()[1]
    other = oldest if before != oldest else newest
    (world.project / ".python-version").write_text(other + "\n")
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.run(world.script) == f"1.0 {other}"
    assert world.prime(world.script) == f"1.0 {other}"


def test_an_interpreter_that_is_replaced_is_noticed(world: World) -> None:
    """An upgrade in place, the same path and another file, is another interpreter."""
    version, real = list(world.interpreters.items())[-1]
    prefix = world.root / "prefix"
    copy = prefix / "bin" / real.name
    copy.parent.mkdir(parents=True)
    for name in ("lib", "lib64"):
        if (real.parent.parent / name).is_dir():
            (prefix / name).symlink_to(real.parent.parent / name)
    shutil.copy2(real, copy)
    if world.pyx.run([copy, "-c", "import os"]).returncode:
        pytest.skip("the interpreter does not run from another place")
    words = ("--python", copy, world.script)
    assert world.prime(*words) == f"1.0 {version}"
    shutil.copy2(real, copy.with_suffix(".new"))
    copy.with_suffix(".new").replace(copy)
    assert world.run_fast(*words) == SLOW_PATH
    assert world.run(*words) == f"1.0 {version}"
    assert world.prime(*words) == f"1.0 {version}"


@pytest.mark.parametrize("named", [True, False], ids=["--python", "PATH"])
def test_an_interpreters_symlink_that_turns_elsewhere_is_noticed(
    world: World, *, named: bool
) -> None:
    """A link, named by `--python` or found on PATH, is followed anew at every start."""
    if len(world.interpreters) < 2:
        pytest.skip("only one interpreter")
    (old, first), *_, (new, last) = world.interpreters.items()
    link = world.root / "links" / "python3"
    link.parent.mkdir()
    link.symlink_to(first)
    words = ("--python", link, world.script) if named else (world.script,)
    path = f"{link.parent}{os.pathsep}{world.pyx.environ['PATH']}"
    env: dict[str, str | None] = {} if named else {"PATH": path}
    assert world.prime(*words, env=env) == f"1.0 {old}"
    link.unlink()
    link.symlink_to(last)
    assert world.run_fast(*words, env=env) == SLOW_PATH
    assert world.run(*words, env=env) == f"1.0 {new}"


def test_a_symlinked_script_belongs_where_it_points(world: World) -> None:
    """A link to a script takes the lock of the file behind it, also after it was re-pointed."""
    other = world.root / "other" / "run.py"
    other.parent.mkdir()
    other.write_text(TELL)
    (other.parent / "pylock.toml").write_text(world.lock_text("2.0"))
    link = world.root / "link"
    link.symlink_to(world.script)
    assert world.prime(link).startswith("1.0 ")
    link.unlink()
    link.symlink_to(other)
    assert world.run_fast(link) == SLOW_PATH
    assert world.run(link).startswith("2.0 ")
    assert world.prime(link).startswith("2.0 ")


def test_variables_are_inputs(world: World, tmp_path: Path) -> None:
    """`PYX_PYTHON`, `PYX_PROJECT`, `PYX_HOME` and `PYX_STORES` act at once, and back again."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "pylock.toml").write_text(world.lock_text("2.0"))
    version, python = list(world.interpreters.items())[-1]
    usual = world.prime(world.script)
    cases: list[tuple[dict[str, str | None], str]] = [
        ({"PYX_PYTHON": str(python)}, f"1.0 {version}"),
        ({"PYX_PROJECT": str(other)}, usual.replace("1.0", "2.0", 1)),
        ({"PYX_HOME": str(tmp_path / "second-home")}, usual),
        ({"PYX_STORES": str(tmp_path / "second-store")}, usual),
    ]
    for env, expected in cases:
        assert world.run_fast(world.script, env=env) == SLOW_PATH, env
        assert world.run(world.script, env=env) == expected
        assert world.run_fast(world.script) == usual
    assert (tmp_path / "second-home" / "store" / "tick").is_dir()


def test_a_store_behind_ones_own_is_used(world: World, tmp_path: Path) -> None:
    """What `PYX_STORES` has is neither fetched nor copied."""
    code = "import tick; print(tick.__file__)"
    there = world.run("-c", code)
    second: dict[str, str | None] = {
        "PYX_HOME": str(tmp_path / "second"),
        "PYX_STORES": str(tmp_path / "pyx-home" / "store"),
        "PYX_OFFLINE": "1",
    }
    shutil.move(tmp_path / "wheels", tmp_path / "nowhere")
    assert world.run("-c", code, env=second) == there
    assert not (tmp_path / "second" / "store" / "tick").exists()


def test_an_edit_of_pyproject_is_noticed(world: World) -> None:
    """`pyproject.toml` beside a poetry.lock is one of its inputs."""
    wheel = world.root / "wheels" / "tick-1.0-py3-none-any.whl"
    world.lock.unlink()
    (world.project / "poetry.lock").write_text(poetry_lock_text([wheel]))
    pyproject = world.project / "pyproject.toml"
    pyproject.write_text("[tool.poetry]\npackage-mode = false\n")
    assert world.prime(world.script).startswith("1.0 ")
    pyproject.write_text("[tool.poetry]\npackage-mode = false\n# An edit.\n")
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.prime(world.script).startswith("1.0 ")


def test_a_script_that_gains_an_inline_block_obeys_it(world: World) -> None:
    """An inline block without dependencies takes the script out of its project."""
    world.prime(world.script)
    world.script.write_text("# /// script\n# dependencies = []\n# ///\n" + TELL)
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.run(world.script).startswith("no tick ")
    world.prime(world.script)
    world.script.write_text("# /// script\n# dependencies = []\n# ///\n" + TELL + "print('more')\n")
    assert world.run_fast(world.script).endswith("more")
    world.script.write_text(TELL)
    assert world.run_fast(world.script) == SLOW_PATH
    assert world.run(world.script).startswith("1.0 ")


def test_an_edit_of_the_script_needs_no_slow_path(world: World) -> None:
    """The script is read at each start; its text decides nothing about its packages."""
    world.prime(world.script)
    for number in range(5):
        world.script.write_text(TELL + f"print('edit {number}')\n")
        assert world.run_fast(world.script).endswith(f"edit {number}")
    new = world.script.with_suffix(".new")
    new.write_text(TELL + "print('replaced')\n")
    new.replace(world.script)
    assert world.run_fast(world.script).endswith("replaced")


def test_unrelated_changes_need_no_slow_path(world: World) -> None:
    """New files beside script and lock, other arguments and the debug variable change nothing."""
    usual = world.prime(world.script)
    (world.project / "README.md").write_text("New.\n")
    (world.script.parent / "module.py").write_text("")
    (world.script.parent / "pylock.other.toml").write_text("not even a lock")
    (world.root / "sibling").mkdir()
    assert world.run_fast(world.script) == usual
    assert world.run_fast(world.script, "one", "--two") == f"{usual} one --two"
    assert world.run_fast("-u", "-W", "error", world.script) == usual
    assert world.run_fast(world.script, env={"UNRELATED": "1"}) == usual
    assert world.run_fast(world.script, env={"PYX_DEBUG": "1"}) == usual


def test_debug_says_which_path_is_taken(world: World) -> None:
    """With `PYX_DEBUG=1` each decision is one line on stderr, and stdout stays the program's."""
    usual = world.prime(world.script)
    fast = world.pyx(world.script, env={"PYX_DEBUG": "1"})
    assert fast.stdout.strip() == usual
    assert fast.stderr
    assert all(line.startswith("pyx: ") for line in fast.stderr.splitlines())
    _edit_lock(world)
    slow = world.pyx(world.script, env={"PYX_DEBUG": "1"})
    assert slow.stdout.startswith("2.0 ")
    assert str(world.lock) in slow.stderr


def test_commands_modules_and_standard_input_share_a_record(world: World) -> None:
    """All that starts at the working directory shares one record per directory."""
    world.prime("-c", "import tick; print(tick.__version__)")
    world.pyx.break_slow_path()
    assert world.run("-c", "import tick; print('command', tick.__version__)") == "command 1.0"
    (world.project / "mod.py").write_text("import tick; print('module', tick.__version__)")
    assert world.run("-m", "mod") == "module 1.0"
    told = world.pyx("-", cwd=world.project, input="import tick; print('-', tick.__version__)")
    assert told.stdout == "- 1.0\n"
    told = world.pyx("-i", cwd=world.project, input="import tick; print('-i', tick.__version__)\n")
    assert told.stdout.strip() == "-i 1.0"
    told = world.pyx("-c", "import tick", cwd=world.root)
    assert told.stdout.strip() == SLOW_PATH


def test_rapid_edits_of_a_lock_never_run_old_packages(world: World) -> None:
    """A lock that is edited and run within the same clock tick is never taken for its elder."""
    for number in range(30):
        version = ("1.0", "2.0")[number % 2]
        world.lock.write_text(world.lock_text(version))
        assert world.run(world.script).startswith(f"{version} ")


def test_rapid_edits_between_fast_starts_are_seen(world: World) -> None:
    """Edits come at any distance from the writing of the launch record; each is seen."""
    moments = random.Random(7)  # noqa: S311  # nothing secret, but every run the same
    for number in range(24):
        version = ("1.0", "2.0")[number % 2]
        world.lock.write_text(world.lock_text(version))
        for _ in range(moments.randrange(1, 4)):
            time.sleep(moments.random() * 0.12)
            assert world.run(world.script).startswith(f"{version} ")


def test_an_edit_during_a_slow_start_is_not_lost(world: World) -> None:
    """A lock that changes while the slow path reads it leaves no launch record of the old one."""
    moments = random.Random(11)  # noqa: S311  # nothing secret, but every run the same
    for number in range(12):
        before, after = ("1.0", "2.0") if number % 2 else ("2.0", "1.0")
        world.lock.write_text(world.lock_text(before))
        time.sleep(0.12)
        with _started(world) as process:
            time.sleep(moments.random() * 0.3)
            # At once, as tools do it; a half of a lock would be a bad lock.
            new = world.lock.with_suffix(".new")
            new.write_text(world.lock_text(after))
            new.replace(world.lock)
            assert process.communicate(timeout=60)[0][:3] in {before, after}
        for _ in range(2):
            assert world.run(world.script).startswith(f"{after} ")


def _started(world: World) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [world.pyx.path, world.script],
        env=world.pyx.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_script_edited_and_run_at_once_never_runs_old_code(world: World) -> None:
    """Edits of equal size within one clock tick, in place and by replacement, are all seen."""
    script = world.project / "edited.py"
    script.write_text("print('000')\n" + FILLER)
    # On a slow machine the script may be old enough by now; with -B no start caches it.
    world.prime("-B", script)
    for number in range(1, 61):
        text = f"print('{number:03}')\n{FILLER}"
        if number % 3:
            script.write_text(text)
        else:
            script.with_suffix(".new").write_text(text)
            script.with_suffix(".new").replace(script)
        assert world.run_fast(script) == f"{number:03}"
    assert code_files(world) == []


def code_files(world: World) -> list[Path]:
    """Return the files with cached bytecode of scripts."""
    directory = world.root / "pyx-cache" / "code"
    return sorted(directory.iterdir()) if directory.is_dir() else []


@pytest.fixture
def cached(world: World) -> Path:
    """Give a script that prints OLD and whose bytecode is in the cache."""
    script = world.project / "settled.py"
    script.write_text("print('OLD')\n" + FILLER)
    world.prime(script)
    # Bytecode is cached only for a script that has not changed for two seconds.
    time.sleep(2.1)
    assert world.run_fast(script) == "OLD", world.run("info", script)
    (file,) = code_files(world)
    assert file.stat().st_mode & 0o777 == 0o600
    return script


def forge(file: Path) -> None:
    """Make the code in a cache print another word, so that its use can be seen."""
    content = file.read_bytes()
    assert content.count(b"OLD") == 1
    file.write_bytes(content.replace(b"OLD", b"NEW"))


def test_a_settled_script_starts_from_its_cached_bytecode(world: World, cached: Path) -> None:
    """The code in the cache is what runs, until the script changes in any way."""
    forge(code_files(world)[0])
    assert world.run_fast(cached) == "NEW"
    before = cached.stat()
    cached.write_text("print('two')\n" + FILLER)
    os.utime(cached, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cached.stat().st_size == before.st_size
    assert world.run_fast(cached) == "two"


def _make_unreadable(file: Path) -> None:
    file.write_bytes(b"\xff" * 100)


def _cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:40])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _let_others_write(file: Path) -> None:
    file.chmod(0o666)


def _give_to_somebody_else(file: Path) -> None:
    os.chown(file, 1, 1)


def _put_behind_a_symlink(file: Path) -> None:
    hidden = file.with_name("hidden")
    file.rename(hidden)
    file.symlink_to(hidden)


def _put_a_directory_there(file: Path) -> None:
    file.unlink()
    file.mkdir()


SPOILERS = (
    _make_unreadable,
    _cut_short,
    _empty,
    _let_others_write,
    # Only root can do so.
    *((_give_to_somebody_else,) if os.geteuid() == 0 else ()),
    _put_behind_a_symlink,
    _put_a_directory_there,
)


def test_a_spoiled_cache_is_ignored(world: World, cached: Path) -> None:
    """Bytecode that is damaged, or that somebody else could have written, never runs."""
    (file,) = code_files(world)
    sound = file.read_bytes()
    for spoil in SPOILERS:
        forge(file)
        spoil(file)
        told = world.pyx(cached)
        assert (told.stdout, told.stderr) == ("OLD\n", ""), spoil
        assert {path.name for path in code_files(world)} <= {file.name, "hidden"}
        for path in code_files(world):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        assert world.run_fast(cached) == "OLD"
        assert file.read_bytes() == sound


def test_bytecode_of_another_script_is_ignored(world: World, cached: Path) -> None:
    """A cache file is for one script; copied to the place of another it is not used."""
    other = world.project / "another.py"
    other.write_text("print('two')\n" + FILLER)
    world.prime(other)
    time.sleep(2.1)
    assert world.run_fast(other) == "two"
    first, second = code_files(world)
    one = first if b"OLD" in first.read_bytes() else second
    two = second if one == first else first
    two.write_bytes(one.read_bytes())
    assert world.run_fast(other) == "two"


def test_no_bytecode_is_cached_where_that_is_turned_off(world: World) -> None:
    """`-B` and its variable keep the cache from being written."""
    script = world.project / "plain.py"
    script.write_text("print('ran')\n" + FILLER)
    off: dict[str, str | None] = {"PYTHONDONTWRITEBYTECODE": "1"}
    world.prime("-B", script)
    time.sleep(2.1)
    assert world.run_fast("-B", script) == "ran"
    assert world.run_fast(script, env=off) == "ran"
    assert code_files(world) == []
    assert not list(world.project.rglob("__pycache__"))


def test_the_smallest_script_starts_from_bytecode(world: World) -> None:
    """Even for one line, python looks for an archive in a script, and not in bytecode."""
    script = world.project / "small.py"
    script.write_text("print('ran')\n")
    world.prime(script)
    time.sleep(2.1)
    assert world.run_fast(script) == "ran"
    assert len(code_files(world)) == 1
    assert world.run_fast(script) == "ran"


ASSERTING = """\
try:
    assert False
    print('off')
except AssertionError:
    print('on')
"""
OPTIMISED: dict[str, tuple[tuple[str, ...], dict[str, str | None]]] = {
    "option": (("-O",), {}),
    "variable": ((), {"PYTHONOPTIMIZE": "1"}),
    "variable that python reads": ((), {"PYTHONOPTIMIZE": "1", "PYTHONHASHSEED": "0"}),
}


def test_an_optimised_start_has_nothing_to_do_with_cached_bytecode(world: World) -> None:
    """It neither writes bytecode for plain starts nor takes theirs."""
    script = world.project / "asserting.py"
    script.write_text(ASSERTING + FILLER)
    # On a slow machine the script may be old enough by now; with -B no start caches it.
    world.prime("-B", script)
    time.sleep(2.1)
    for options, env in OPTIMISED.values():
        assert world.run_fast(*options, script, env=env) == "off"
        assert code_files(world) == []
    assert world.run_fast(script) == "on"
    (file,) = code_files(world)

    def look() -> tuple[bytes, list[int]]:
        # All but the time of reading it.
        info = file.stat()
        return file.read_bytes(), [info.st_ino, info.st_mode, info.st_mtime_ns, info.st_ctime_ns]

    before = look()
    for options, env in OPTIMISED.values():
        assert world.run_fast(*options, script, env=env) == "off"
        assert world.run_fast(script) == "on"
        assert look() == before


def test_warnings_of_the_compiler_are_shown_at_each_start(world: World) -> None:
    """A script with a SyntaxWarning is not cached, so the warning does not fall silent."""
    script = world.project / "warned.py"
    script.write_text("print(1 is 1)\n" + FILLER)
    world.prime(script)
    time.sleep(2.1)
    for _ in range(3):
        told = world.pyx(script)
        assert told.stdout == "True\n"
        # Once, as by python itself, though the script may be compiled twice.
        assert told.stderr.count('SyntaxWarning: "is" with') == 1
    assert code_files(world) == []


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    """Hold that no test leaves a temporary file in the cache."""
    yield
    cache = tmp_path / "pyx-cache"
    assert [path.name for path in cache.rglob(".*")] == []

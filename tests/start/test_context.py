"""Which lock a start obeys: where the search begins, what it meets, and whose locks it refuses."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.cli.invocation import parse_invocation
from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import LockError, RefusedError, UsageError
from pyx_launcher.locks.reader import FILE_NAMES
from pyx_launcher.start.context import Context, NoSuchScriptError, find_context, is_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
BLOCK = '# /// script\n# dependencies = ["x"]\n# ///\n'

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a directory with a script and no lock."""
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "x.py").write_text("print()\n")
    return directory


@pytest.fixture
def dirs(tmp_path: Path) -> Dirs:
    """Give directories that do not exist."""
    return Dirs(home=tmp_path / "pyx-home", cache=tmp_path / "pyx-cache")


@contextmanager
def as_nobody() -> Iterator[Path]:
    """Become somebody without rights, with a directory that everybody can reach."""
    before = os.geteuid()
    directory = Path(tempfile.mkdtemp()).resolve()
    directory.chmod(0o777)
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield directory
    finally:
        os.seteuid(before)
        shutil.rmtree(directory)


def find(dirs: Dirs, working: Path, *words: str, **variables: str) -> Context:
    """Return the context of ``pyx WORDS`` in the directory `working`."""
    return find_context(parse_invocation(words, variables), dirs, working)


@pytest.mark.parametrize("words", [[], ["-"], ["-c", "pass"], ["-m", "x"], ["-V"]])
def test_without_a_script_the_search_starts_where_one_is(
    project: Path, dirs: Dirs, words: list[str]
) -> None:
    """For the REPL, a command or a module the working directory decides."""
    (project / "poetry.lock").touch()
    below = project / "a" / "b"
    below.mkdir(parents=True)
    context = find(dirs, below, *words)
    assert (context.kind, context.start, context.directory) == ("directory", below, below)
    assert context.lock == project / "poetry.lock"
    assert context.script is None
    assert context.repeatable


@pytest.mark.parametrize(("name", "kind"), [("x.py", "name"), ("./x.py", "path")])
def test_a_script_is_searched_from_where_it_lies(
    project: Path, dirs: Dirs, tmp_path: Path, name: str, kind: str
) -> None:
    """The lock of the working directory is not the script's; how it is named is remembered."""
    (tmp_path / "link").symlink_to(project)
    context = find(dirs, tmp_path / "link", name)
    assert (context.kind, context.start, context.directory) == (kind, project / "x.py", project)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "pylock.toml").touch()
    assert find(dirs, tmp_path / "elsewhere", str(project / "x.py")).lock is None


def test_a_symlinked_script_belongs_to_where_it_points(
    project: Path, dirs: Dirs, tmp_path: Path
) -> None:
    """A chain of links is followed to its end, as python does for `sys.path[0]`."""
    (project / "pylock.toml").touch()
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    (bin_directory / "one").symlink_to("two")
    (bin_directory / "two").symlink_to("../project/x.py")
    (bin_directory / "pylock.toml").touch()
    assert find(dirs, bin_directory, "one").lock == project / "pylock.toml"


def test_a_directory_as_a_program_is_where_the_search_starts(project: Path, dirs: Dirs) -> None:
    """A directory with a `__main__.py` obeys the lock in it; it has no inline block."""
    (project / "pylock.toml").touch()
    (project / "app").mkdir()
    (project / "app" / "poetry.lock").touch()
    context = find(dirs, project, "app")
    assert context.lock == project / "app" / "poetry.lock"
    assert context.script is None
    assert context.repeatable


def test_each_kind_of_lock_is_found(project: Path, dirs: Dirs) -> None:
    """A lock of any kind is taken, and the others were looked for beside it."""
    for name in FILE_NAMES:
        (project / name).write_text("a==1 --hash=sha256:0\n")
        context = find(dirs, project, "x.py")
        assert context.lock == project / name
        beside = [path.name for path in context.looked if not path.name.startswith("x.")]
        others = [n for n in FILE_NAMES if n != name]
        assert [n for n in beside if n != "pylock.x.toml"] == [*others, "pyproject.toml"]
        (project / name).unlink()


def test_the_nearest_lock_wins_whatever_its_kind(project: Path, dirs: Dirs) -> None:
    """A lock of the least preferred kind is taken before a preferred one further up."""
    (project / "pylock.toml").touch()
    (project / "below").mkdir()
    (project / "below" / "poetry.lock").touch()
    assert find(dirs, project / "below").lock == project / "below" / "poetry.lock"


def test_all_that_was_looked_for_is_remembered(project: Path, dirs: Dirs) -> None:
    """Every place up to the root, and the default environment, would change the answer."""
    context = find(dirs, project)
    assert context.lock is None
    places = (project, *project.parents, dirs.named / "default")
    # The project's file can name locks that are called otherwise.
    names = (*FILE_NAMES, "pyproject.toml")
    assert list(context.looked) == [place / name for place in places for name in names]


def test_requirements_without_hashes_are_no_lock(project: Path, dirs: Dirs) -> None:
    """A list of wishes is passed over, one with hashes is a lock."""
    (project / "requirements.txt").write_text("requests\n")
    assert find(dirs, project).lock is None
    (project / "requirements.txt").write_text("a==1 \\\n  --hash=sha256:00\n")
    assert find(dirs, project).lock == project / "requirements.txt"


def test_what_only_has_the_name_of_a_lock_is_passed_over(project: Path, dirs: Dirs) -> None:
    """A directory, a dangling link or a link to itself is no lock, above or beside a script."""
    (project / "pylock.toml").mkdir()
    (project / "uv.lock").symlink_to("nowhere")
    (project / "pdm.lock").symlink_to("pdm.lock")
    (project / "x.py.lock").mkdir()
    (project / "pylock.x.toml").symlink_to("nowhere")
    context = find(dirs, project, "x.py")
    assert context.lock is None
    assert {project / "pylock.toml", project / "uv.lock"} < set(context.looked)


@pytest.mark.parametrize("name", ["pylock.x.toml", "x.py.lock"])
def test_a_lock_beside_a_script_is_the_scripts_alone(project: Path, dirs: Dirs, name: str) -> None:
    """It comes before an inline block and the lock of the project, and only for that script."""
    (project / name).touch()
    (project / "pylock.toml").touch()
    (project / "x.py").write_text(BLOCK)
    (project / "y.py").touch()
    assert find(dirs, project, "x.py").lock == project / name
    assert find(dirs, project, "y.py").lock == project / "pylock.toml"
    assert find(dirs, project).lock == project / "pylock.toml"


def test_a_block_with_dependencies_has_a_lock_of_its_own(project: Path, dirs: Dirs) -> None:
    """It is named after the block, need not be there yet, and is not that of the project."""
    (project / "x.py").write_text(BLOCK)
    (project / "pylock.toml").touch()
    found = find(dirs, project, "x.py")
    assert found.lock is not None
    assert found.lock.parent == dirs.home / "scripts"
    assert found.block is not None
    assert "dependencies" in found.block
    (project / "x.py").write_text(BLOCK + "more = 1\n")
    assert find(dirs, project, "x.py").lock == found.lock
    (project / "x.py").write_text(BLOCK.replace("# ///\n", "# # x\n# ///\n"))
    assert find(dirs, project, "x.py").lock != found.lock


@pytest.mark.parametrize(
    "block",
    [
        '# /// script\n# requires-python = ">=3.9"\n#\n# dependencies = []\n# ///\n',
        "# /// script\r\n# dependencies = []\r\n# ///\r\n",
        "# /// script\n# dependencies = []  # \u2028 dependencies = [1]\n# ///\n",
    ],
)
def test_a_block_without_dependencies_asks_for_nothing(
    project: Path, dirs: Dirs, block: str
) -> None:
    """Such a script says that it needs no lock, so none of the project's is taken."""
    (project / "x.py").write_bytes(block.encode())
    (project / "pylock.toml").touch()
    assert find(dirs, project, "x.py").lock is None


@pytest.mark.parametrize(
    "text",
    [
        '# /// script\n# dependencies = ["x"]\nprint()\n',
        '# /// scripts\n# dependencies = ["x"]\n# ///\n',
        '# /// script-local\n# dependencies = ["x"]\n# ///\n',
        '#/// script\n# dependencies = ["x"]\n# ///\n',
        ' # /// script\n # dependencies = ["x"]\n # ///\n',
    ],
)
def test_what_is_no_block_is_no_block(project: Path, dirs: Dirs, text: str) -> None:
    """Without its end, or with another type, PEP 723 sees comments; the project's lock counts."""
    (project / "x.py").write_text(text)
    (project / "pylock.toml").touch()
    assert find(dirs, project, "x.py").lock == project / "pylock.toml"


@pytest.mark.parametrize(
    ("block", "said"),
    [("# /// script\n# = 1\n# ///\n", "inline block"), (BLOCK + "\n" + BLOCK, "two inline blocks")],
)
def test_a_wrong_block_is_a_bad_lock(project: Path, dirs: Dirs, block: str, said: str) -> None:
    """The message names the script and what is wrong with its block."""
    (project / "x.py").write_text(block)
    with pytest.raises(LockError, match=said) as caught:
        find(dirs, project, "x.py")
    assert str(project / "x.py") in str(caught.value)


def test_a_missing_script_is_said_in_pythons_words(
    project: Path, dirs: Dirs, tmp_path: Path
) -> None:
    """The path is written as python writes it, and the exit status is python's."""
    with pytest.raises(NoSuchScriptError) as caught:
        find(dirs, project, "none.py")
    expected = f"can't open file '{project}/none.py': [Errno 2] No such file or directory"
    assert (str(caught.value), caught.value.exit_code) == (expected, 2)
    (project / "loop.py").symlink_to("loop.py")
    with pytest.raises(NoSuchScriptError, match="Errno 40"):
        find(dirs, project, "loop.py")
    with pytest.raises(NoSuchScriptError, match="Errno 20"):
        find(dirs, project, f"{tmp_path}/project/x.py/below")


def test_a_pipe_is_not_repeatable(project: Path, dirs: Dirs) -> None:
    """A program from a pipe cannot be the same twice, and is not read to look for a block."""
    os.mkfifo(project / "pipe")
    context = find(dirs, project, "pipe")
    assert not context.repeatable
    assert context.script is None
    assert context.directory == project


def test_odd_names_are_names(dirs: Dirs, tmp_path: Path) -> None:
    """A script below a directory with a space, a line feed or undecodable bytes is found."""
    place = tmp_path / os.fsdecode(b"a b\n\xff")
    place.mkdir()
    (place / "x y.py").touch()
    (place / "pylock.toml").touch()
    assert find(dirs, place, "x y.py").lock == place / "pylock.toml"


def test_a_project_can_be_named(project: Path, dirs: Dirs, tmp_path: Path) -> None:
    """A directory or a lock, by option or variable; nothing else is looked at, not even a block."""
    (project / "poetry.lock").touch()
    (project / "x.py").write_text(BLOCK)
    other = tmp_path / "other"
    other.mkdir()
    (other / "pylock.toml").touch()
    script = str(project / "x.py")
    for named in (other, other / "pylock.toml"):
        assert find(dirs, project, "--project", str(named), script).lock == other / "pylock.toml"
        assert find(dirs, project, script, PYX_PROJECT=str(named)).lock == other / "pylock.toml"
    chosen = find(dirs, project, "--project", str(project), script, PYX_PROJECT=str(other))
    assert chosen.lock == project / "poetry.lock"


def test_a_project_without_a_lock_is_an_error(project: Path, dirs: Dirs, tmp_path: Path) -> None:
    """There is no search upwards from a project that was named."""
    (tmp_path / "pylock.toml").touch()
    with pytest.raises(UsageError, match="there is no lock in"):
        find(dirs, project, "--project", str(project))
    file = project / "pyproject.toml"
    file.touch()
    with pytest.raises(UsageError, match="there is no lock in") as unlocked:
        find(dirs, project, "--project", str(project))
    assert unlocked.value.hint == f"pyx --project {project} lock"
    with pytest.raises(UsageError, match=r"pyproject\.toml is not a lock") as named:
        find(dirs, project, "--project", str(file))
    assert named.value.hint == f"name its directory: {project}"
    with pytest.raises(UsageError, match="there is no project"):
        find(dirs, project, "--project", str(tmp_path / "none"))


def test_named_environments_are_found_by_name(project: Path, dirs: Dirs) -> None:
    """`@name` wins over the lock of the directory; `@default` is what is left without one."""
    for name in ("tools", "default"):
        (dirs.named / name).mkdir(parents=True)
        (dirs.named / name / "pylock.toml").touch()
    assert find(dirs, project).lock == dirs.named / "default" / "pylock.toml"
    (project / "pylock.toml").touch()
    assert find(dirs, project).lock == project / "pylock.toml"
    assert find(dirs, project, "@tools").lock == dirs.named / "tools" / "pylock.toml"


@pytest.mark.parametrize("name", ["@", "@.", "@..", "@../x", "@a/b", "@/etc", "@none"])
def test_a_name_that_is_none_is_a_usage_error(project: Path, dirs: Dirs, name: str) -> None:
    """Names are single components; one that does not exist says where its lock would be."""
    dirs.named.mkdir(parents=True)
    (dirs.home / "x").mkdir()
    (dirs.home / "x" / "pylock.toml").touch()
    with pytest.raises(UsageError, match="environment"):
        find(dirs, project, name)


@needs_root
def test_a_lock_of_somebody_else_is_refused(project: Path, dirs: Dirs) -> None:
    """Neither used nor skipped: the error names the file, its owner and how to trust it."""
    (project / "pylock.toml").touch()
    below = project / "below"
    below.mkdir()
    os.chown(project / "pylock.toml", 12345, 12345)
    with pytest.raises(RefusedError) as caught:
        find(dirs, below)
    assert f"{project}/pylock.toml belongs to user 12345" in str(caught.value)
    assert f"--project {project}" in (caught.value.hint or "")


@needs_root
def test_the_hint_of_the_refusal_works(project: Path, dirs: Dirs) -> None:
    """Whoever names the project trusts it."""
    (project / "pylock.toml").touch()
    os.chown(project / "pylock.toml", 12345, 12345)
    assert find(dirs, project, "--project", str(project)).lock == project / "pylock.toml"


@needs_root
def test_the_owner_of_the_start_is_trusted(project: Path, dirs: Dirs, tmp_path: Path) -> None:
    """Root may run a program in a user's project, with the user's lock, wherever that lies."""
    (tmp_path / "pylock.toml").touch()
    os.chown(tmp_path / "pylock.toml", 12345, 12345)
    os.chown(project, 12345, 12345)
    assert find(dirs, project, "x.py").lock == tmp_path / "pylock.toml"
    os.chown(project, 54321, 54321)
    with pytest.raises(RefusedError):
        find(dirs, project, "x.py")


@needs_root
def test_a_lock_beside_a_script_needs_a_trusted_owner_too(project: Path, dirs: Dirs) -> None:
    """In a directory where all may write, anybody could put one beside a script."""
    (project / "pylock.x.toml").touch()
    os.chown(project / "pylock.x.toml", 12345, 12345)
    with pytest.raises(RefusedError):
        find(dirs, project, "x.py")


@needs_root
def test_somebody_elses_link_to_ones_own_lock_is_refused(
    project: Path, dirs: Dirs, tmp_path: Path
) -> None:
    """Who puts a link there chooses the lock as much as who writes one."""
    (tmp_path / "mine.toml").touch()
    (project / "pylock.toml").symlink_to(tmp_path / "mine.toml")
    assert find(dirs, project).lock == project / "pylock.toml"
    os.chown(project / "pylock.toml", 12345, 12345, follow_symlinks=False)
    with pytest.raises(RefusedError):
        find(dirs, project)


def test_a_place_that_may_not_be_looked_at_is_said() -> None:
    """Whether a lock lies there decides, so not knowing is an error and no traceback."""
    with as_nobody() as directory:
        closed = directory / "closed"
        (closed / "project").mkdir(parents=True)
        closed.chmod(0)
        dirs = Dirs(home=directory / "home", cache=directory / "cache")
        try:
            with pytest.raises(LockError, match="cannot be accessed: Permission denied"):
                find(dirs, directory, "--project", str(closed / "project"))
        finally:
            closed.chmod(0o700)


def test_requirements_that_may_not_be_read_are_said() -> None:
    """Whether it is a lock stands in the file."""
    with as_nobody() as directory:
        file = directory / "requirements.txt"
        file.touch(mode=0)
        file.chmod(0)
        with pytest.raises(LockError, match=r"requirements\.txt: cannot be read"):
            is_lock(file, [])

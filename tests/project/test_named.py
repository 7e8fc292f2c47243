"""Named environments: their directories, how they are chosen, and what stays as it is."""

from __future__ import annotations

import json
import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import SLOW_PATH
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import RefusedError, UsageError
from pyx_launcher.project.named import create_named, list_named, named_directory, remove_named

if TYPE_CHECKING:
    from indexserver import IndexServer
    from installed import Pyx

CANNOT_WRITE = 74
ORIGIN = "import tick; print(tick.__version__)"


@pytest.fixture
def dirs(tmp_path: Path) -> Dirs:
    """Give directories that do not exist."""
    return Dirs(home=tmp_path / "pyx-home", cache=tmp_path / "pyx-cache")


@pytest.fixture
def science(pyx: Pyx, pyx_home: Path, wheels: Path, index: IndexServer) -> Path:
    """Give the directory of an environment `@science` that locks tick 1.0."""
    assert pyx("env", "create", "science").returncode == 0
    directory = pyx_home / "named" / "science"
    lock = pylock_text([make_wheel(wheels, "tick", "1.0")], index_url=index.url)
    (directory / "pylock.toml").write_text(lock)
    return directory


def names_in(directory: Path) -> list[str]:
    """Return the names in `directory`, in order."""
    return sorted(path.name for path in directory.iterdir())


def test_an_environment_can_be_used_at_once(pyx: Pyx, tmp_path: Path) -> None:
    """What `create` makes has a project file and a lock, and nothing can be imported from it."""
    made = pyx("env", "create", "science", "--python", "3.12")
    assert (made.returncode, made.stderr) == (0, "")
    directory = Path(made.stdout.split()[-1])
    assert names_in(directory) == [".python-version", "pylock.toml", "pyproject.toml"]
    assert 'requires-python = ">=3.12"\n' in (directory / "pyproject.toml").read_text()
    told = pyx("@science", "-c", "import sys; print(sys.version_info[:2])", cwd=tmp_path)
    assert (told.stdout, told.stderr) == ("(3, 12)\n", "")
    missing = pyx("@science", "-c", "import tick", cwd=tmp_path)
    assert missing.stderr.endswith("No module named 'tick'\n")


def test_a_place_that_cannot_be_written_is_told_with_what_helps(pyx: Pyx, pyx_home: Path) -> None:
    """For environments and for tools, which lie beside one another."""
    for name, words in (("named", ["env", "create", "a"]), ("tools", ["tool", "install", "a"])):
        pyx_home.mkdir(exist_ok=True)
        (pyx_home / name).touch()
        told = pyx(*words)
        assert (told.returncode, told.stdout) == (CANNOT_WRITE, "")
        what, hint = told.stderr.splitlines()
        assert what.startswith(f"pyx: cannot write {pyx_home / name}")
        assert hint.startswith(
            "pyx: hint: a file is in the way, where a directory is needed: move it"
        )


def test_an_environment_decides_its_own_version_of_python(
    pyx: Pyx, science: Path, tmp_path: Path, interpreters: dict[str, Path]
) -> None:
    """A `.python-version` of the working directory is another project's."""
    old, new = [version for version in interpreters if not version.endswith("t")][-2:]
    (tmp_path / ".python-version").write_text(f"{old}\n")
    (science / ".python-version").write_text(f"{new}\n")
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    assert pyx("@science", "-c", code, cwd=tmp_path).stdout == f"{new}\n"
    (science / ".python-version").write_text(f"{old}\n")
    assert pyx("@science", "-c", code, cwd=tmp_path).stdout == f"{old}\n"


def test_the_name_comes_before_the_lock_of_the_directory(
    pyx: Pyx, science: Path, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """The same program takes the project's lock, or that of the environment it is given."""
    lock = pylock_text([make_wheel(wheels, "tick", "2.0")], index_url=index.url)
    (tmp_path / "pylock.toml").write_text(lock)
    (tmp_path / "x.py").write_text(ORIGIN)
    assert pyx("x.py", cwd=tmp_path).stdout == "2.0\n"
    assert pyx("@science", "x.py", cwd=tmp_path).stdout == "1.0\n"


def test_a_named_start_takes_the_fast_path(pyx: Pyx, science: Path, tmp_path: Path) -> None:
    """The name is a part of the record's key: with and without it are different starts."""
    script = tmp_path / "x.py"
    script.write_text(ORIGIN)
    # None is written while an input is so young that a further change could go unnoticed.
    time.sleep(2.1)
    assert pyx("@science", script).stdout == "1.0\n"
    pyx.break_slow_path()
    assert pyx("@science", script).stdout == "1.0\n"
    assert SLOW_PATH in pyx(script).stdout
    assert SLOW_PATH in pyx("@other", script).stdout


def test_a_shebang_names_an_environment(pyx: Pyx, science: Path, tmp_path: Path) -> None:
    """`#!/usr/bin/env -S pyx @NAME` makes a file a program of that environment."""
    script = tmp_path / "tool"
    script.write_text(f"#!/usr/bin/env -S pyx @science\n{ORIGIN}\nimport sys; print(sys.argv[1:])")
    script.chmod(0o755)
    path = f"{pyx.path.parent}{os.pathsep}{pyx.environ['PATH']}"
    told = pyx.run([script, "-x", "@y"], cwd=tmp_path, env={"PATH": path})
    assert (told.stdout, told.stderr) == ("1.0\n['-x', '@y']\n", "")


def test_environments_are_listed_and_shown(pyx: Pyx, science: Path) -> None:
    """Plain lines in a pipe, JSON where that is asked for; nothing is fetched for it."""
    listed = pyx("env", "list")
    assert listed.stdout == f"@science  pylock.toml  {science}\n"
    assert json.loads(pyx("env", "list", "--json").stdout) == [
        {"name": "science", "directory": str(science), "lock": str(science / "pylock.toml")}
    ]
    for words in (["env", "show", "science"], ["env", "show", "@science"], ["@science", "env"]):
        shown = pyx(*words, *(["show"] if words[-1] == "env" else []), "--json")
        facts = json.loads(shown.stdout)
        assert (facts["lock"], facts["distributions"]) == (str(science / "pylock.toml"), 1)
        assert (facts["environment"], facts["missing"]) == (None, ["tick 1.0"])
    pyx("@science", "sync")
    facts = json.loads(pyx("env", "show", "science", "--json").stdout)
    assert facts["python"] == f"{facts['environment']}/bin/python"
    assert facts["missing"] == []


def test_a_removed_environment_is_gone(pyx: Pyx, science: Path) -> None:
    """Its directory is deleted, and a start that names it says so."""
    assert pyx("env", "remove", "@science").returncode == 0
    assert not science.exists()
    assert names_in(science.parent) == []
    told = pyx("@science", "-c", "pass")
    assert (told.returncode, told.stderr) == (
        64,
        "pyx: there is no environment @science\npyx: hint: pyx env create science\n",
    )


def test_a_copy_has_what_the_other_has(pyx: Pyx, science: Path) -> None:
    """Whole, and independent of it; what is not there, or taken, makes nothing."""
    (science / ".venv").mkdir()
    told = pyx("env", "create", "physics", "--clone", "@science")
    copy = science.with_name("physics")
    assert (told.returncode, told.stdout) == (0, f"@physics: {copy}\n")
    names = [name for name in names_in(science) if name != ".venv"]
    assert names_in(copy) == names
    assert all((copy / name).read_bytes() == (science / name).read_bytes() for name in names)
    assert pyx("@physics", "list").stdout == pyx("@science", "list").stdout
    for words in (["physics", "--clone", "science"], ["new", "--clone", "gone"]):
        assert pyx("env", "create", *words).returncode == 64
    assert names_in(science.parent) == ["physics", "science"]


def test_a_version_is_pinned_in_an_environment(
    pyx: Pyx, science: Path, tmp_path: Path, interpreters: dict[str, Path]
) -> None:
    """Its later starts go by it, from any directory; no other directory's do."""
    version = next(version for version in reversed(interpreters) if version[-1] != "t")
    told = pyx("@science", "python", "pin", version, cwd=tmp_path)
    assert told.stdout.startswith(f"{science}/.python-version: {version}, which is {version}.")
    assert pyx("@science", "python", "pin").stdout == f"{science}/.python-version: {version}\n"
    assert pyx("@science", "-V", cwd=tmp_path).stdout.startswith(f"Python {version}.")
    assert not (tmp_path / ".python-version").exists()
    told = pyx("@gone", "python", "pin", version)
    assert told.stderr == "pyx: there is no environment @gone\npyx: hint: pyx env list\n"


def test_the_users_environment_is_no_lock_of_a_project(pyx: Pyx, tmp_path: Path) -> None:
    """A project with dependencies and no lock is told of, whether or not there is @default."""
    assert pyx("env", "create", "default").returncode == 0
    project = tmp_path / "unlocked"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "unlocked"\nversion = "1"\ndependencies = ["click"]\n'
    )
    told = pyx("-c", "pass", cwd=project)
    assert (told.returncode, len(told.stderr.splitlines())) == (0, 1)
    assert "pyx: warning: " in told.stderr
    assert pyx("--locked", "-c", "pass", cwd=project).returncode == 65
    assert pyx("--locked", "lock", cwd=project).returncode == 64


def test_a_name_that_is_nearly_right_is_offered(pyx: Pyx, science: Path) -> None:
    """The hint for a typing mistake is the environment that was meant."""
    assert "hint: did you mean @science?" in pyx("@scinece", "-c", "pass").stderr


def test_a_directory_without_a_lock_says_how_to_get_one(pyx: Pyx, pyx_home: Path) -> None:
    """An environment that somebody made by hand is not said to be missing."""
    (pyx_home / "named" / "bare").mkdir(parents=True)
    told = pyx("@bare", "-c", "pass")
    assert told.stderr == "pyx: @bare has no lock yet\npyx: hint: pyx @bare lock\n"
    assert pyx("env", "list").stdout == f"@bare  no lock  {pyx_home}/named/bare\n"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "-x", "x-", "a b", "ü"])
def test_a_name_is_one_that_a_project_could_have(dirs: Dirs, name: str) -> None:
    """What could not stand in pyproject.toml, or is no single directory, is refused."""
    with pytest.raises(UsageError, match="cannot be named"):
        create_named(dirs, name)
    assert not dirs.named.exists()


def test_a_name_is_taken_once(dirs: Dirs) -> None:
    """The second `create` says so and leaves the first as it is, a dangling link, too."""
    directory = create_named(dirs, "a")
    before = (directory / "pyproject.toml").read_bytes()
    (dirs.named / "b").symlink_to("nowhere")
    for name in "ab":
        with pytest.raises(UsageError, match=f"there is an environment @{name} already"):
            create_named(dirs, name)
    assert (directory / "pyproject.toml").read_bytes() == before


def test_a_version_that_is_not_there_makes_nothing(pyx: Pyx, pyx_home: Path) -> None:
    """What could never start is not created."""
    told = pyx("env", "create", "science", "--python", "3.99")
    assert (told.returncode, told.stdout) == (69, "")
    assert not (pyx_home / "named").exists()


def test_a_path_is_no_version_to_remember(dirs: Dirs, tmp_path: Path) -> None:
    """A `.python-version` may hold no path, so an environment is not made with one."""
    with pytest.raises(UsageError, match="remembers a version, not a path"):
        create_named(dirs, "a", str(tmp_path / "python"))
    assert list_named(dirs) == ()


def test_a_hint_can_be_typed_whatever_the_place_is_called(tmp_path: Path) -> None:
    """A directory with a space in its name is one word of the command, and not two."""
    dirs = Dirs(home=tmp_path / "my data; rm", cache=tmp_path)
    directory = create_named(dirs, "a")
    (directory / "notes.txt").touch()
    with pytest.raises(RefusedError) as caught:
        remove_named(dirs, "a")
    typed = (caught.value.hint or "").partition(": ")[2]
    assert shlex.split(typed) == ["rm", "-r", str(directory)]


def test_what_is_not_pyxs_is_not_deleted(dirs: Dirs, tmp_path: Path) -> None:
    """Notes beside the lock keep an environment; a link to a project goes, the project stays."""
    directory = create_named(dirs, "a")
    (directory / "notes.txt").touch()
    with pytest.raises(RefusedError, match=r"notes\.txt"):
        remove_named(dirs, "a")
    assert names_in(directory) == ["notes.txt", "pylock.toml", "pyproject.toml"]
    project = tmp_path / "project"
    project.mkdir()
    (project / "pylock.toml").touch()
    (dirs.named / "b").symlink_to(project)
    assert [found.name for found in list_named(dirs)] == ["a", "b"]
    remove_named(dirs, "b")
    assert (project / "pylock.toml").exists()
    assert not os.path.lexists(dirs.named / "b")


def test_an_unknown_environment_cannot_be_removed(dirs: Dirs) -> None:
    """The names that there are can be asked for; no other is proposed, for what goes is gone."""
    create_named(dirs, "science")
    with pytest.raises(UsageError, match="there is no environment @science2") as caught:
        remove_named(dirs, "science2")
    assert caught.value.hint == "pyx env list"


def test_directories_follow_from_names(dirs: Dirs) -> None:
    """Other commands operate on the directory alone."""
    assert named_directory(dirs, "a.b-c") == dirs.home / "named" / "a.b-c"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["env"], "needs one of: list, create, remove, show"),
        (["env", "use", "3.12"], "hint: pyx python pin 3.12"),
        (["env", "create", "my env!"], "hint: `pyx env create my-env`: letters, digits"),
        (["env", "lst"], "hint: did you mean pyx env list?"),
        (["env", "create"], "pyx env create takes one NAME"),
        (["env", "create", "a", "b=1"], "takes one NAME\npyx: hint: pyx add @a 'b==1.*'\n"),
        (["env", "list", "a"], "pyx env list does not take a: pyx env list [--json]"),
        (["env", "--link", "--kernel"], "cannot be used together"),
        (["env", "--link", "a"], "pyx env --link does not take a"),
        (["env", "create", "--json", "a"], "pyx env create does not take --json"),
        (["env", "--kernel", "--json"], "pyx env --kernel does not take --json"),
        (["@a", "env", "list"], "pyx env list belongs to no environment, so it takes no @a"),
    ],
)
def test_a_wrong_command_is_a_usage_error(pyx: Pyx, words: list[str], said: str) -> None:
    """One line and a hint; nothing is made."""
    told = pyx(*words)
    assert (told.returncode, told.stdout) == (64, "")
    assert said in told.stderr
    assert len(told.stderr.splitlines()) == 2

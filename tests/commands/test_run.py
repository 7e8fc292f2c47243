"""`pyx run`: console scripts of the environment, as processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

MAIN = """\
import os, subprocess, sys
def main():
    print("tock", *sys.argv[1:], sep="|")
    print(os.path.basename(sys.argv[0]))
    return 7
def call():
    sys.exit(subprocess.run(["tock", "child"]).returncode)
"""


ADD = "add the package that has it (`pyx add PACKAGE`)"


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a project that locks tock, which has two console scripts and one of a shell."""
    wheel = make_wheel(
        wheels,
        "tock",
        "1.0",
        files={"tock.py": MAIN},
        entry_points={"tock": "tock:main", "caller": "tock:call"},
        data={"scripts/shell": "#!/bin/sh\necho shell $# $1\n"},
        executable=["scripts/shell"],
    )
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text([wheel], index_url=index.url))
    return directory


def test_a_project_that_is_never_installed_has_no_programs(pyx: Pyx, tmp_path: Path) -> None:
    """Poetry has a word for it, which is what is in the way."""
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\n[project]\nname = "p"\nversion = "1"\n'
        '[project.scripts]\nown = "p:main"\n[tool.poetry]\npackage-mode = false\n'
    )
    told = pyx("run", "own", cwd=tmp_path)
    assert told.returncode == 127
    assert "take out package-mode = false, then run `pyx lock`" in told.stderr


def test_a_script_is_not_fetched(pyx: Pyx, tmp_path: Path) -> None:
    """What is not on this machine is no program, whatever a path makes of its name."""
    told = pyx("run", "https://example.org/x.py", cwd=tmp_path)
    assert told.returncode == 64
    assert told.stderr == (
        "pyx: https://example.org/x.py is not on this machine\n"
        "pyx: hint: fetch it first and read it, then start the file\n"
    )


def test_a_program_gets_all_words_behind_its_name(pyx: Pyx, project: Path) -> None:
    """None of them is pyx's or python's, and the exit status is the program's own."""
    told = pyx("run", "tock", "--json", "-h", "--", "@x", "a b", cwd=project)
    assert (told.returncode, told.stderr) == (7, "")
    assert told.stdout == "tock|--json|-h|--|@x|a b\ntock\n"


def test_programs_find_one_another(pyx: Pyx, project: Path) -> None:
    """The environment's `bin` is first on PATH, whatever was there before."""
    told = pyx("run", "caller", cwd=project, env={"PATH": "/usr/bin:/bin"})
    assert (told.returncode, told.stdout) == (7, "tock|child\ntock\n")
    path = pyx("run", "/usr/bin/env", cwd=project, env={"PATH": "/usr/bin:/bin"}).stdout
    line = next(line for line in path.splitlines() if line.startswith("PATH="))
    first, *others = line.removeprefix("PATH=").split(os.pathsep)
    assert first.endswith("/bin")
    assert "/environments/" in first
    assert others == ["/usr/bin", "/bin"]


def test_a_program_may_be_no_python(pyx: Pyx, project: Path) -> None:
    """Scripts that a wheel brings as they are run as they are."""
    assert pyx("run", "shell", "a", "b", cwd=project).stdout == "shell 2 a\n"


def test_options_and_names_come_before_the_program(
    pyx: Pyx, project: Path, pyx_home: Path, tmp_path: Path
) -> None:
    """A named environment, another project or an interpreter are chosen as for any start."""
    (pyx_home / "named").mkdir(parents=True)
    (pyx_home / "named" / "clock").symlink_to(project)
    for words in (["@clock", "run"], ["--project", project, "run"], ["run", "--project", project]):
        assert pyx(*words, "tock", "x", cwd=tmp_path).stdout == "tock|x\ntock\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("tok", "did you mean tock?"),
        ("shel", "did you mean shell?"),
        (
            "ls",
            f'{ADD}, or run /bin/ls: `pyx run "$(command -v ls)"`',
        ),
        ("nosuch", "add the package that has it, which may have another name: `pyx add PACKAGE`"),
        ("here.py", "pyx here.py"),
    ],
)
def test_a_program_that_the_lock_does_not_give_is_not_found(
    pyx: Pyx, project: Path, name: str, hint: str
) -> None:
    """Not even where the machine has one of that name: 127, as a shell has it."""
    (project / "here.py").touch()
    told = pyx("run", name, cwd=project, env={"PATH": "/bin"})
    assert (told.returncode, told.stdout) == (127, "")
    expected = f"pyx: {project}/pylock.toml has no program {name}\npyx: hint: {hint}\n"
    assert told.stderr == expected


@pytest.mark.parametrize(
    ("name", "hint"), [("hre.py", "did you mean pyx here.py?"), ("hello.py", "add the package")]
)
def test_a_script_that_is_not_there_is_said(pyx: Pyx, project: Path, name: str, hint: str) -> None:
    """A program may have such a name too, but a file is what was meant."""
    (project / "here.py").touch()
    told = pyx("run", name, cwd=project)
    problem, advice = told.stderr.splitlines()
    assert (told.returncode, told.stdout) == (127, "")
    assert problem.endswith(f"pylock.toml has no program {name}, and there is no such file")
    assert advice.startswith(f"pyx: hint: {hint}")


def test_a_file_that_cannot_be_executed_is_said(pyx: Pyx, project: Path) -> None:
    """126 for one that is there, 127 for one that is not, as a shell has it."""
    (project / "plain").touch(mode=0o644)
    for name, status in (("./plain", 126), ("./none", 127)):
        told = pyx("run", name, cwd=project)
        assert (told.returncode, told.stdout, len(told.stderr.splitlines())) == (status, "", 1)


def test_several_close_names_are_all_told(pyx: Pyx, tmp_path: Path, wheels: Path) -> None:
    """Nobody can tell which of them was meant."""
    points = {"tick": "os:getcwd", "tock": "os:getcwd"}
    wheel = make_wheel(wheels, "pendulum", "1.0", entry_points=points)
    (tmp_path / "pylock.toml").write_text(pylock_text([wheel]))
    assert pyx("store", "add", wheel).returncode == 0
    told = pyx("run", "tck", cwd=tmp_path)
    assert told.stderr.endswith("has no program tck\npyx: hint: did you mean tock or tick?\n")
    # The name of its package is none of them.
    told = pyx("run", "Pendulum", cwd=tmp_path)
    problem = "the package Pendulum is there, but has no program of that name"
    assert told.stderr.splitlines()[1] == f"pyx: hint: {problem}"


def test_a_script_is_no_program(pyx: Pyx, project: Path) -> None:
    """One that cannot be executed is told with how it is started."""
    (project / "here.py").touch(mode=0o644)
    told = pyx("run", "./here.py", cwd=project)
    assert (told.returncode, told.stdout) == (126, "")
    assert told.stderr.splitlines()[1] == "pyx: hint: pyx ./here.py"


def test_without_a_lock_there_is_no_program(pyx: Pyx, tmp_path: Path) -> None:
    """The hints are what can be done about it."""
    told = pyx("run", "tock", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (127, "")
    assert told.stderr == (
        f"pyx: there is no program tock here: no lock in {tmp_path} or above\n"
        "pyx: hint: name the project that has it: `pyx --project DIR run NAME`\n"
    )


def test_a_project_that_was_never_locked_is_told(pyx: Pyx, tmp_path: Path) -> None:
    """What it requires would give the program."""
    text = '[project]\nname = "p"\nversion = "1"\ndependencies = ["tock"]\n'
    (tmp_path / "pyproject.toml").write_text(text)
    told = pyx("run", "tock", cwd=tmp_path)
    assert told.returncode == 127
    assert f"hint: {tmp_path / 'pyproject.toml'}: it names dependencies, but" in told.stderr
    assert told.stderr.endswith("run `pyx lock`\n")


@pytest.mark.parametrize("own", ["", '[project.scripts]\napp = "p:main"\n'])
def test_what_a_project_without_a_lock_says_comes_before_a_slip(
    pyx: Pyx, tmp_path: Path, own: str
) -> None:
    """The programs of the standard library alone, such as pip, are not what was meant."""
    text = '[project]\nname = "p"\nversion = "1"\ndependencies = ["tock"]\n'
    (tmp_path / "pyproject.toml").write_text(text + own)
    told = pyx("run", "app", cwd=tmp_path)
    assert told.returncode == 127
    assert told.stderr.endswith("run `pyx lock`\n")


@pytest.mark.parametrize(
    ("backend", "hint"),
    [
        ("", "give its pyproject.toml a [build-system] table, then run `pyx lock`"),
        (
            '[build-system]\nrequires = ["hatchling"]\n',
            "the project itself has tock: run `pyx lock`",
        ),
    ],
)
def test_what_the_project_itself_has_is_not_looked_for_elsewhere(
    pyx: Pyx, tmp_path: Path, backend: str, hint: str
) -> None:
    """A package of that name on an index may be a stranger's."""
    text = f'[project]\nname = "p"\nversion = "1"\n[project.scripts]\ntock = "p:main"\n{backend}'
    (tmp_path / "pyproject.toml").write_text(text)
    told = pyx("run", "tock", cwd=tmp_path)
    assert told.returncode == 127
    assert told.stderr.endswith(f"{hint}\n")
    assert "tool" not in told.stderr.splitlines()[1]


def test_run_needs_a_program(pyx: Pyx, project: Path) -> None:
    """Alone it says how it is called."""
    told = pyx("run", cwd=project)
    assert told.returncode == 64
    assert (
        told.stderr
        == "pyx: pyx run needs NAME: pyx run NAME [arguments]\npyx: hint: pyx run --help\n"
    )

"""`pyx python`: which interpreters are there, and which one a start takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

USAGE, NO_INTERPRETER = 64, 69


def test_what_a_start_takes_is_marked(
    pyx: Pyx, tmp_path: Path, interpreters: dict[str, Path]
) -> None:
    """Exactly one of those that are found, and it is the one that a program sees."""
    told = json.loads(pyx("python", "list", "--json", cwd=tmp_path).stdout)
    (here,) = (one for one in told if one["here"])
    code = "import os, sys; print(os.path.realpath(sys._base_executable))"
    assert pyx("-c", code, cwd=tmp_path).stdout == f"{here['path']}\n"
    assert pyx("python", "find", cwd=tmp_path).stdout == f"{here['path']}\n"
    known = {one["path"] for one in told}
    on_path = {str(path) for path in interpreters.values() if ".pyenv" not in str(path)}
    assert on_path <= known
    plain = pyx("python", "list", cwd=tmp_path).stdout.splitlines()
    assert next(line for line in plain if line.startswith("*")).split()[2] == here["path"]


def test_a_pin_decides_for_later_starts(
    pyx: Pyx, tmp_path: Path, interpreters: dict[str, Path]
) -> None:
    """It lies beside the project, wherever below it the user is."""
    below = tmp_path / "below"
    below.mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\n')
    for version in list(interpreters)[:2]:
        told = pyx("python", "pin", version, cwd=below)
        assert told.stdout.startswith(f"{tmp_path}/.python-version: {version}, which is {version}")
        assert pyx("python", "pin", cwd=below).stdout == f"{tmp_path}/.python-version: {version}\n"
        assert pyx("-V", cwd=below).stdout.startswith(f"Python {version.rstrip('t')}.")


def test_what_could_not_be_obeyed_is_not_pinned(pyx: Pyx, tmp_path: Path) -> None:
    """Neither a version that is not there, nor one that the project does not support."""
    text = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.90"\n'
    (tmp_path / "pyproject.toml").write_text(text)
    for words, status in (
        (["3.8"], NO_INTERPRETER),
        ([">=3.9"], NO_INTERPRETER),
        (["nonsense"], USAGE),
        ([], USAGE),
    ):
        told = pyx("python", "pin", *words, cwd=tmp_path)
        assert (told.returncode, told.stdout) == (status, "")
        assert told.stderr.splitlines()[1].startswith("pyx: hint: ")
    assert not (tmp_path / ".python-version").exists()


POETRY = '[tool.poetry]\nname = "p"\nversion = "1"\n[tool.poetry.dependencies]\npython = "^{}"\n'


@pytest.mark.parametrize("kind", ["project", "poetry", "lock"])
def test_a_version_that_the_project_does_not_support_is_not_pinned(
    pyx: Pyx, tmp_path: Path, interpreters: dict[str, Path], kind: str
) -> None:
    """Whatever says what it supports; the hint is a version that can be pinned."""
    if len(interpreters) == 1:
        pytest.skip("there is one interpreter alone")
    old, new = list(interpreters)[:2]
    says = tmp_path / ("pylock.toml" if kind == "lock" else "pyproject.toml")
    if kind == "lock":
        says.write_text(pylock_text([], requires_python=f">={new}") + "packages = []\n")
    elif kind == "poetry":
        says.write_text(POETRY.format(new))
    else:
        says.write_text(f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">={new}"\n')
    told = pyx("python", "pin", old, cwd=tmp_path)
    assert (told.returncode, told.stdout) == (NO_INTERPRETER, "")
    message, hint = told.stderr.splitlines()
    assert message.startswith(f"pyx: {old} is Python {old}.")
    assert f"but {says} requires Python " in message
    assert not (tmp_path / ".python-version").exists()
    words = hint.split("`")[1].split()[1:]
    assert words[:2] == ["python", "pin"]
    assert pyx(*words, cwd=tmp_path).returncode == 0


@pytest.mark.network
def test_an_environment_gets_an_older_python(
    pyx: Pyx, uv: Path, wheels: Path, interpreters: dict[str, Path]
) -> None:
    """It was pyx that said from which Python on it is, so pyx says another and locks it again."""
    if len(interpreters) == 1:
        pytest.skip("there is one interpreter alone")
    pyx.environ["PYX_UV"] = str(uv)
    make_wheel(wheels, "tick", "1.0")
    old, new = list(interpreters)[:2]
    assert pyx("add", "@e", "tick", "--python", new).returncode == 0
    told = pyx("@e", "python", "pin", old)
    assert told.returncode == 0, told.stderr
    version = "import sys, tick; print(*sys.version_info[:2], sep='.')"
    started = pyx("@e", "-c", version)
    assert (started.stdout, started.stderr) == (f"{old}\n", "")


def test_what_is_no_version_is_told_as_it_was_typed(pyx: Pyx, tmp_path: Path) -> None:
    """Nothing speaks of an option that nobody typed."""
    for words in (["pin", "foo"], ["find", "foo"], ["pin", "3.99"], ["find", "3.7"]):
        told = pyx("python", *words, cwd=tmp_path)
        assert told.returncode in (USAGE, NO_INTERPRETER)
        assert "--python" not in told.stderr
        assert words[1] in told.stderr


def test_a_pin_is_what_others_read(pyx: Pyx, tmp_path: Path, interpreters: dict[str, Path]) -> None:
    """The version alone, however it was asked for: pyenv knows no python3.12."""
    version = next(iter(interpreters))
    for typed in (f"python{version}", f"cpython-{version}", f"cpython{version}"):
        told = pyx("python", "pin", typed, cwd=tmp_path)
        assert told.stdout.startswith(f"{tmp_path}/.python-version: {version}, which is {version}")
        assert (tmp_path / ".python-version").read_text() == f"{version}\n"
    assert pyx("--python", f"python{version}", "init", "one", cwd=tmp_path).returncode == 0
    assert (tmp_path / "one" / ".python-version").read_text() == f"{version}\n"


@pytest.mark.parametrize("words", [("lock",), ("-c", "pass")])
def test_a_pin_that_the_project_rules_out_is_what_to_change(
    pyx: Pyx, tmp_path: Path, interpreters: dict[str, Path], words: tuple[str, ...]
) -> None:
    """The hint mends the file that asked, for every later start."""
    if len(interpreters) == 1:
        pytest.skip("there is one interpreter alone")
    old, new = list(interpreters)[:2]
    text = f'[project]\nname = "p"\nversion = "1"\nrequires-python = ">={new}"\n'
    (tmp_path / "pyproject.toml").write_text(text)
    lock = pylock_text([], requires_python=f">={new}") + "packages = []\n"
    (tmp_path / "pylock.toml").write_text(lock)
    (tmp_path / ".python-version").write_text(f"{old}\n")
    told = pyx(*words, cwd=tmp_path)
    assert told.returncode == NO_INTERPRETER
    hint = told.stderr.splitlines()[-1]
    assert "satisfies it: `pyx python pin " in hint
    assert pyx(*hint.split("`")[1].split()[1:], cwd=tmp_path).returncode == 0
    assert pyx("-c", "pass", cwd=tmp_path).returncode == 0


def test_a_path_is_not_pinned(pyx: Pyx, tmp_path: Path, interpreters: dict[str, Path]) -> None:
    """The file goes with the project to machines that have none there; the hint is the version."""
    version, path = next(iter(interpreters.items()))
    told = pyx("python", "pin", path, cwd=tmp_path)
    assert told.returncode == USAGE
    assert told.stderr.endswith(f"pyx: hint: pyx python pin {version}\n")


def test_what_installs_interpreters_elsewhere_is_answered(
    pyx: Pyx, tmp_path: Path, interpreters: dict[str, Path]
) -> None:
    """By a tool that does it, and whose interpreters pyx finds; not for one that is here."""
    told = pyx("python", "install", "3.29", cwd=tmp_path)
    assert told.returncode == USAGE
    assert told.stderr.endswith("hint: pyx tool run uv python install 3.29\n")
    version = next(iter(interpreters))
    told = pyx("python", "install", version, cwd=tmp_path)
    assert told.returncode == USAGE
    assert f"hint: Python {version}" in told.stderr
    assert told.stderr.endswith(f"; `pyx python pin {version}` makes a project use it\n")

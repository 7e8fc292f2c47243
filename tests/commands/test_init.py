"""`pyx init`: projects and scripts that run as they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tomli

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

USAGE = 64


def test_an_application_runs_as_it_is(pyx: Pyx, tmp_path: Path) -> None:
    """In the working directory, whose name it takes; what was made is told, and what is next."""
    directory = tmp_path / "My App!"
    directory.mkdir()
    told = pyx("init", cwd=directory)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == (
        f"{directory}/pyproject.toml\n{directory}/main.py\nnext: pyx add NAME; pyx main.py\n"
    )
    project = tomli.loads((directory / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["version"], project["dependencies"]) == ("my-app", "0.0.1", [])
    assert pyx("main.py", cwd=directory).stdout == "Hello from my-app!\n"


def test_a_library_lies_in_src(pyx: Pyx, tmp_path: Path) -> None:
    """With a build system, and a package of a name that can be imported."""
    told = pyx("init", "--lib", "--name", "a.b-c", "there", cwd=tmp_path)
    assert told.returncode == 0
    data = tomli.loads((tmp_path / "there" / "pyproject.toml").read_text())
    assert data["project"]["name"] == "a.b-c"
    assert data["build-system"]["build-backend"] == "hatchling.build"
    package = tmp_path / "there" / "src" / "a_b_c"
    assert {path.name for path in package.iterdir()} == {"__init__.py", "py.typed"}
    assert "pyx --project there lock" in told.stdout


def test_a_script_says_what_it_requires(pyx: Pyx, tmp_path: Path) -> None:
    """It is executable, and its block is one that `pyx add --script` finds."""
    told = pyx("init", "--script", "tool", cwd=tmp_path)
    assert told.returncode == 0
    assert (tmp_path / "tool").stat().st_mode & 0o111 == 0o111
    assert (tmp_path / "tool").read_text().startswith("#!/usr/bin/env pyx\n# /// script\n")
    assert "pyx ./tool\n" in told.stdout
    assert pyx("./tool", cwd=tmp_path).stdout == "Hello from tool!\n"


def test_a_version_is_pinned(pyx: Pyx, tmp_path: Path, interpreters: dict[str, Path]) -> None:
    """A later start, which is not told of it, takes the same; a path is nobody else's business."""
    version, path = next(iter(interpreters.items()))
    assert pyx("--python", version, "init", "one", cwd=tmp_path).returncode == 0
    assert (tmp_path / "one" / ".python-version").read_text() == f"{version}\n"
    told = pyx("-V", cwd=tmp_path / "one").stdout
    assert told.startswith(f"Python {version.rstrip('t')}.")
    assert pyx("--python", path, "init", "two", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "two" / ".python-version").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init"], "there is a project already"),
        (["init", "--script", "main.py"], "main.py exists already"),
        (["init", "--script", "x", "there"], "a script has neither a directory nor a name"),
        (["init", "--name", "!", "there"], "'!' cannot be the name of a project"),
        (["@x", "init"], "pyx init belongs to no environment"),
    ],
)
def test_nothing_is_written_over(pyx: Pyx, tmp_path: Path, words: list[str], said: str) -> None:
    """A mistake costs two lines, and changes no file."""
    assert pyx("init", cwd=tmp_path).returncode == 0
    (tmp_path / "main.py").write_text("mine")
    before = sorted(path.name for path in tmp_path.iterdir())
    told = pyx(*words, cwd=tmp_path)
    assert (told.returncode, told.stdout) == (USAGE, "")
    assert said in told.stderr
    assert len(told.stderr.splitlines()) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "main.py").read_text() == "mine"


def test_what_is_there_stays(pyx: Pyx, tmp_path: Path) -> None:
    """A main.py that somebody wrote is left as it is."""
    (tmp_path / "main.py").write_text("print('mine')")
    assert "main.py\nnext" not in pyx("init", cwd=tmp_path).stdout
    assert pyx("main.py", cwd=tmp_path).stdout == "mine\n"


def test_what_comes_next_can_be_typed(pyx: Pyx, tmp_path: Path) -> None:
    """The name of a directory is quoted once, be there a blank in it."""
    told = pyx("init", "a b", cwd=tmp_path)
    assert told.stdout.endswith("next: pyx --project 'a b' add NAME; pyx 'a b/main.py'\n")
    assert pyx("init", "a b", cwd=tmp_path).stderr.endswith(
        "hint: `pyx --project 'a b' add NAME` adds a package\n"
    )


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        (">=3.9,<3.99", ">=3.9,<3.99"),
        (">=3.9", ">=3.9"),
        ("~=3.9", "~=3.9"),
        ("<3.99", ">={least},<3.99"),
        ("!=3.5", ">={least},!=3.5"),
        ("3", ">={least}"),
    ],
)
def test_a_range_of_versions_stays_as_it_was_typed(
    pyx: Pyx, tmp_path: Path, asked: str, written: str
) -> None:
    """A project, or a script, is for all of them, whichever one is found here."""
    assert pyx("--python", asked, "init", "one", cwd=tmp_path).returncode == 0
    assert pyx("--python", asked, "init", "--script", "two.py", cwd=tmp_path).returncode == 0
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    least = pyx("--python", asked, "-c", code, cwd=tmp_path).stdout.strip()
    line = f'requires-python = "{written.format(least=least)}"\n'
    assert line in (tmp_path / "one" / "pyproject.toml").read_text()
    assert line in (tmp_path / "two.py").read_text()


WORKSPACE = """\
[tool.uv.workspace]
members = ["apps/*"]  # what is served
exclude = ["apps/old"]
"""


@pytest.mark.network
def test_a_project_in_a_workspace_becomes_a_member(pyx: Pyx, uv: Path, tmp_path: Path) -> None:
    """As uv does it: but not what the patterns name already, or leave out."""
    pyx.environ["PYX_UV"] = str(uv)
    manifest = tmp_path / "pyproject.toml"
    manifest.write_text(WORKSPACE)
    for place in ("apps/served", "apps/old"):
        assert str(manifest) not in pyx("init", place, cwd=tmp_path).stdout
    assert manifest.read_text() == WORKSPACE
    told = pyx("init", "--name", "core", "packages/core", cwd=tmp_path)
    assert str(manifest) in told.stdout.splitlines()
    assert manifest.read_text() == WORKSPACE.replace('"apps/*"', '"apps/*", "packages/core"')
    told = pyx("--project", "packages/core", "lock", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    lock = tomli.loads((tmp_path / "uv.lock").read_text())
    assert lock["manifest"]["members"] == ["core", "served"]
    # What its root is for, the lock of all is for; apps/old is none of them.
    project = '[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.9, <4"\n'
    manifest.write_text(project + WORKSPACE)
    (tmp_path / "apps/old/pyproject.toml").unlink()
    for place, is_member in (("apps/new", True), ("apps/old", False)):
        pyx("init", place, cwd=tmp_path)
        made = tomli.loads((tmp_path / place / "pyproject.toml").read_text())
        assert (made["project"]["requires-python"] == ">=3.9, <4") == is_member

"""The oracle of what `pyx add` writes: the tool of the project finds its lock up to date.

The projects are locked by Poetry, PDM and Pipenv against an index on loopback. Each is skipped
where its tool is not on the path nor named by a variable such as `PYX_ORACLE_POETRY`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from oracle.universe import fill

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

pytestmark = [pytest.mark.oracle, pytest.mark.network]

POETRY_SOURCE = '\n[[tool.poetry.source]]\nname = "near"\nurl = "{url}"\npriority = "primary"\n'


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of project, with the command of its tool that says whether its lock is up to date."""

    tool: str
    manifest: str
    text: str
    lock: str
    check: tuple[str, ...]
    group: str
    """What the line looks like that a group gets."""


KINDS = {
    "poetry": Kind(
        tool="poetry",
        manifest="pyproject.toml",
        text='[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\n'
        "dependencies = [] # kept\n[tool.poetry]\npackage-mode = false\n" + POETRY_SOURCE,
        lock="poetry.lock",
        check=("check", "--lock"),
        group='dev = ["zipper>=3.19.0"]',
    ),
    "poetry-classic": Kind(
        tool="poetry",
        manifest="pyproject.toml",
        text="[tool.poetry]\npackage-mode = false # kept\n"
        '[tool.poetry.dependencies]\npython = "^3.10"\n' + POETRY_SOURCE,
        lock="poetry.lock",
        check=("check", "--lock"),
        group='zipper = "^3.19.0"',
    ),
    "pdm": Kind(
        tool="pdm",
        manifest="pyproject.toml",
        text='[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\n'
        "dependencies = [] # kept\n[tool.pdm]\ndistribution = false\n",
        lock="pdm.lock",
        check=("lock", "--check"),
        group='dev = ["zipper>=3.19.0"]',
    ),
    "pipenv": Kind(
        tool="pipenv",
        manifest="Pipfile",
        text='[[source]]\nname = "near"\nurl = "{url}"\nverify_ssl = false\n[packages] # kept\n',
        lock="Pipfile.lock",
        check=("verify",),
        group='zipper = "*"',
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, pyx: Pyx) -> Kind:
    """Give a kind whose tool is installed."""
    found = KINDS[request.param]
    variable = f"ORACLE_{found.tool.upper()}"
    program = os.environ.get(f"PYX_{variable}") or shutil.which(found.tool)
    if program is None:
        pytest.skip(f"no {found.tool} on the path or in PYX_{variable}")
    pyx.environ[f"PYX_{found.tool.upper()}"] = program
    return found


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer, pyx: Pyx, kind: Kind) -> Path:
    """Give a project of that kind which its own tool has locked."""
    fill(wheels)
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / kind.manifest).write_text(kind.text.replace("{url}", index.url))
    run_tool(pyx, kind, directory, "lock")
    return directory


def run_tool(pyx: Pyx, kind: Kind, directory: Path, *words: str) -> None:
    """Run the tool itself in the project."""
    env = {
        "PDM_PYPI_URL": pyx.environ["PIP_INDEX_URL"],
        "PDM_CHECK_UPDATE": "0",
        "POETRY_VIRTUALENVS_CREATE": "false",
        "PIPENV_VENV_IN_PROJECT": "0",
    }
    subprocess.run(
        [pyx.environ[f"PYX_{kind.tool.upper()}"], *words],
        cwd=directory,
        env=pyx.variables(env),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    for name in (".venv", ".pdm-python"):
        shutil.rmtree(directory / name, ignore_errors=True)
        (directory / name).unlink(missing_ok=True)


def succeed(told: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines on stdout of a command that must not fail."""
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()


def test_the_tool_agrees_with_what_was_written(pyx: Pyx, project: Path, kind: Kind) -> None:
    """Requirements come and go, the lock is the tool's, and nothing else lies in the project."""
    assert "+ test-runner 7.4.4" in succeed(pyx("add", "test-runner", cwd=project))
    succeed(pyx("-c", "import test_runner, plug", cwd=project))
    assert "+ zipper 3.19.0" in succeed(pyx("add", "--dev", "zipper", cwd=project))
    text = (project / kind.manifest).read_text()
    assert kind.group in text
    assert "# kept" in text
    run_tool(pyx, kind, project, *kind.check)
    assert succeed(pyx("lock", "--check", cwd=project)) == []
    succeed(pyx("remove", "test-runner", cwd=project))
    assert pyx("-c", "import plug", cwd=project).returncode == 1
    run_tool(pyx, kind, project, *kind.check)
    assert sorted(path.name for path in project.iterdir()) == sorted([kind.manifest, kind.lock])


def test_one_pin_is_moved(pyx: Pyx, project: Path, kind: Kind) -> None:
    """What is to be upgraded is, and the tool finds the lock up to date."""
    manifest = project / kind.manifest
    succeed(pyx("add", "zipper==3.15.0", "ini-reader==1.1.1", cwd=project))
    manifest.write_text(manifest.read_text().replace("==3.15.0", ">=3").replace("==1.1.1", ">=1"))
    assert "~ zipper 3.15.0 → 3.19.0" in succeed(pyx("lock", "--upgrade", "zipper", cwd=project))
    if kind.tool != "pipenv":
        # Pipenv has no way to keep a pin when the file beside the lock has changed.
        assert '"1.1.1"' in (project / kind.lock).read_text()
    run_tool(pyx, kind, project, *kind.check)


def test_a_constraint_as_poetry_writes_it(pyx: Pyx, project: Path, kind: Kind) -> None:
    """Poetry's own project takes it for what it means; any other answers with the standard's."""
    before = (project / kind.manifest).read_text()
    told = pyx("add", "zipper@^3.15", cwd=project)
    if kind.tool == "poetry":
        assert "+ zipper 3.19.0" in succeed(told)
        assert ">=3.15,<4" in (project / kind.manifest).read_text()
        run_tool(pyx, kind, project, *kind.check)
        return
    assert (told.returncode, told.stdout) == (64, "")
    assert told.stderr.endswith("hint: pyx add 'zipper>=3.15,<4'\n")
    assert (project / kind.manifest).read_text() == before


def test_what_cannot_be_resolved_changes_nothing(pyx: Pyx, project: Path, kind: Kind) -> None:
    """The tool says why, and both files have every byte they had."""
    succeed(pyx("add", "plug", cwd=project))
    before = {path.name: path.read_bytes() for path in project.iterdir()}
    told = pyx("add", "nowhere", cwd=project)
    assert told.returncode == 69
    assert "nothing was changed" in told.stderr
    assert {path.name: path.read_bytes() for path in project.iterdir()} == before


def test_a_damaged_lock_is_made_anew(pyx: Pyx, project: Path, kind: Kind) -> None:
    """No tool goes on from a half of its lock; `pyx lock` makes a whole one."""
    succeed(pyx("add", "plug", cwd=project))
    lock = project / kind.lock
    sound = lock.read_bytes()
    lock.write_bytes(sound[: sound.index(b"sha256:") + 9])
    told = pyx("-c", "pass", cwd=project)
    assert (told.returncode, "run `pyx lock`" in told.stderr) == (65, True)
    told = pyx("lock", cwd=project)
    succeed(told)
    assert "it is written again" in told.stderr
    succeed(pyx("-c", "import plug", cwd=project))
    run_tool(pyx, kind, project, *kind.check)

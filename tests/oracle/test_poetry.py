"""The oracle of the poetry.lock reader: what the installed Poetry itself would install.

Each project is locked by the real Poetry against an index on loopback that holds invented
distributions, and then `poetry sync --dry-run` says what it would put into an empty
environment. The reader has to name the same distributions in the same versions. The tests
are skipped where no Poetry is on the path or named by `PYX_ORACLE_POETRY`.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from oracle.universe import fill, make_environment, run_tool
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer

POETRY = os.environ.get("PYX_ORACLE_POETRY") or shutil.which("poetry")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(POETRY is None, reason="no Poetry on the path or in PYX_ORACLE_POETRY"),
]

LEGACY = """\
[tool.poetry]
name = "sample"
version = "0.1.0"
description = ""
authors = []
"""

STANDARD = """\
[project]
name = "sample"
version = "0.1.0"
requires-python = ">=3.9,<4"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """A way of writing a project, with the choices that are worth a comparison."""

    project: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


HABITS = {
    "groups": Habit(
        project=LEGACY
        + """
[tool.poetry.dependencies]
python = ">=3.9,<4"
terminal = "8.1.7"
[tool.poetry.dev-dependencies]
ini-reader = "^1.0"
[tool.poetry.group.test.dependencies]
test-runner = "^7.4"
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
html-render = "3.0.2"
""",
        groups=("test", "docs", "dev"),
    ),
    "extras": Habit(
        project=LEGACY
        + """
[tool.poetry.dependencies]
python = ">=3.9,<4"
six-ways = "*"
web-client = { version = "~2.31.0", extras = ["socks"], optional = true }
name-codec = { version = "3.6", optional = true }
[tool.poetry.extras]
net = ["web-client", "name-codec"]
Names = ["name-codec"]
""",
        extras=("net", "names"),
    ),
    "optional without an extra": Habit(
        project=LEGACY
        + """
[tool.poetry.dependencies]
python = ">=3.9,<4"
html-render = { version = "3.0.2", optional = true }
plug = { version = "*", optional = true }
[tool.poetry.extras]
plugs = ["plug"]
""",
        extras=("plugs",),
    ),
    "standard": Habit(
        project=STANDARD
        + """\
dependencies = ["terminal==8.1.7", "toml-reader==2.0.1; python_version < '3.11'"]
[project.optional-dependencies]
speed = ["bytes-pack==1.0.8", "six-ways==1.16.0"]
Full_Set = ["bytes-pack==1.0.8", "html-render==3.0.2; python_version >= '3.10'"]
[dependency-groups]
lint = ["style-check==2.11.1"]
Dev_Tools = [{include-group = "lint"}, "ini-reader==2.0.0"]
docs = ["html-render==3.0.2"]
[tool.poetry.group.docs]
optional = true
""",
        extras=("speed", "full-set"),
        groups=("lint", "dev-tools", "docs"),
    ),
    "standard, enriched by Poetry's table": Habit(
        project=STANDARD
        + """\
dependencies = ["zipper>=3", "plug"]
[project.optional-dependencies]
net = ["web-client[socks]"]
[tool.poetry.dependencies]
zipper = [{ version = "<3.18", python = "<3.11" }, { version = ">=3.18", python = ">=3.11" }]
web-client = { python = ">=3.10" }
""",
        extras=("net",),
    ),
    "several versions": Habit(
        project=LEGACY
        + """
[tool.poetry.dependencies]
python = ">=3.9,<3.15"
zipper = [
    { version = "3.15.0", python = "<3.10" },
    { version = "3.17.0", python = ">=3.10,<3.12" },
    { version = "3.19.0", python = "^3.12", platform = "!=win32" },
]
metadata-reader = [
    { version = "6.0.0", markers = "sys_platform == 'win32'" },
    { version = "7.0.0", markers = "sys_platform != 'win32'" },
]
""",
    ),
    "markers by group": Habit(
        project="""\
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = ">=3.9,<4"
terminal = "8.1.7"
[tool.poetry.group.dev.dependencies]
windows-colour = { version = "0.4.6", markers = "python_version >= '3.11'" }
[tool.poetry.group.shell.dependencies]
windows-colour = { version = "0.4.6", markers = "implementation_name == 'pypy'" }
""",
        groups=("main", "dev", "shell"),
    ),
    "extras of dependencies": Habit(
        project=LEGACY
        + """
[tool.poetry.dependencies]
python = ">=3.9,<4"
http-two = { version = "0.25.0", extras = ["http2"], optional = true }
everything = { version = "1.0", extras = ["all"] }
[tool.poetry.group.dev.dependencies]
http-cache = { version = "0.13.1", extras = ["filecache"] }
[tool.poetry.extras]
web = ["http-two"]
""",
        extras=("web",),
        groups=("dev",),
    ),
    "circle": Habit(
        project=LEGACY
        + """
[tool.poetry.dependencies]
python = ">=3.9,<4"
[tool.poetry.group.a]
optional = true
include-groups = ["b"]
[tool.poetry.group.a.dependencies]
cycle-a = "*"
[tool.poetry.group.b.dependencies]
cycle-b = "*"
""",
        groups=("a", "b"),
    ),
    "extras that exclude one another": Habit(
        project=STANDARD
        + """\
dynamic = ["dependencies"]
[tool.poetry.dependencies]
ini-reader = [
    { version = "1.1.1", markers = "extra == 'old' and extra != 'new'", optional = true },
    { version = "2.0.0", markers = "extra == 'new' and extra != 'old'", optional = true },
]
[tool.poetry.extras]
old = ["ini-reader"]
new = ["ini-reader"]
""",
        extras=("old", "new"),
    ),
}

SOURCE = """
[[tool.poetry.source]]
name = "loopback"
url = "{url}"
priority = "primary"
"""


def run_poetry(project: Path, environ: dict[str, str], *arguments: str) -> str:
    """Run Poetry in the directory of a project and return what it prints."""
    return run_tool(POETRY, project, environ, "--no-interaction", "--no-ansi", *arguments)


def questions(habit: Habit) -> list[tuple[list[str], Choice]]:
    """Return the options of Poetry that are compared, each with the choice that means the same."""
    asked = [
        ([], Choice()),
        (["--all-groups"], Choice(all_groups=True)),
        (["--all-extras"], Choice(all_extras=True)),
    ]
    asked.extend((["--extras", extra], Choice(extras=(extra,))) for extra in habit.extras)
    for group in habit.groups:
        asked.append((["--with", group], Choice(groups=(group,))))
        asked.append((["--only", group], Choice(only_groups=(group,))))
    return asked


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a directory for a project, and fill the index that its dependencies come from."""
    fill(wheels)
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pyproject.toml").write_text(SOURCE.format(url=index.url))
    return directory


@pytest.mark.parametrize("python", ["3.9", "3.12"])
@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_same_selection(
    project: Path, environ: dict[str, str], interpreters: dict[str, Path], habit: Habit, python: str
) -> None:
    """Whatever groups and extras are chosen, the reader selects what Poetry would install."""
    if python not in interpreters:
        pytest.skip(f"no CPython {python} here")
    source = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(habit.project + source)
    environment, markers = make_environment(project / ".venv", interpreters[python])
    environ |= {
        "VIRTUAL_ENV": str(environment),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    run_poetry(project, environ, "lock")
    lock = read_lock(project / "poetry.lock")
    for options, choice in questions(habit):
        output = run_poetry(project, environ, "sync", "--dry-run", "--no-root", *options)
        wanted = dict(re.findall(r"(?m)^\s+- Installing (\S+) \((\S+)\)$", output))
        found = {p.name: str(p.version) for p in to_pylock(lock, markers, choice).packages}
        assert found == wanted, (options, output)

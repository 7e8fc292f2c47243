"""The oracle of freshness: whether the tool that wrote a lock would say that it is out of date.

One project is locked by the real tool and then edited in the ways people edit projects. After
each edit the tool's own check and `find_freshness` have to agree. The tests of a tool that is
neither on the path nor named by `PYX_ORACLE_TOOL` are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_source_tree

from oracle.universe import fill, make_environment, run_tool
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.start.context import Context
from pyx_launcher.start.freshness import find_freshness

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer

pytestmark = [pytest.mark.oracle, pytest.mark.network]

STANDARD = """\
[project]
name = "sample"
version = "0.1.0"
requires-python = ">=3.10,<4"
dependencies = ["terminal>=8", "zipper<3.18; python_version < '3.12'", "plug"]
[project.optional-dependencies]
net = ["web-client"]
[dependency-groups]
dev = ["ini-reader<2"]
docs = [{include-group = "dev"}, "html-render"]
[tool.other]
answer = 1
"""

LEGACY = """\
[tool.poetry]
name = "sample"
version = "0.1.0"
description = ""
authors = []
[tool.poetry.dependencies]
python = ">=3.10,<4"
terminal = ">=8"
zipper = { version = "<3.18", python = "<3.12" }
plug = "*"
web-client = { version = "*", optional = true }
[tool.poetry.extras]
net = ["web-client"]
[tool.poetry.group.dev.dependencies]
ini-reader = "<2"
[tool.other]
answer = 1
"""

PIPFILE = """\
[packages]
terminal = ">=8"
zipper = { version = "<3.18", markers = "python_version < '3.14'" }
Plug = "*"
[dev-packages]
ini-reader = "<2"
[docs]
html-render = "*"
[scripts]
go = "python go.py"
"""

BUILD = """\
[build-system]
requires = []
build-backend = "treebackend"
backend-path = ["."]
"""

EDITS = {
    "nothing": ("", ""),
    "comment": ('requires-python = ">=3.10,<4"\n', 'requires-python = ">=3.10,<4" # new\n'),
    "layout": (', "plug"]', ',\n    "plug",\n]'),
    "dependency added": (', "plug"]', ', "plug", "six-ways"]'),
    "dependency removed": (', "plug"]', "]"),
    "order": (
        '"terminal>=8", "zipper<3.18; python_version < \'3.12\'"',
        '"zipper<3.18; python_version < \'3.12\'", "terminal>=8"',
    ),
    "versions": ('"terminal>=8"', '"terminal>=8.1"'),
    "marker": ("'3.12'", "'3.13'"),
    "marker rewritten": ("python_version < '3.12'", "'3.12' > python_full_version"),
    "marker never": ("python_version < '3.12'", "python_version < '3.9'"),
    "name written otherwise": ('"web-client"', '"Web_Client"'),
    "extra of a dependency": ('"web-client"', '"web-client[socks]"'),
    "extra added": ("net = [", 'more = ["bytes-pack"]\nnet = ['),
    "empty extra added": ("net = [", "more = []\nnet = ["),
    "extra removed": ('net = ["web-client"]\n', ""),
    "group": ('"ini-reader<2"', '"ini-reader<1.9"'),
    "group added": ("dev = [", 'more = ["bytes-pack"]\ndev = ['),
    "empty group added": ("dev = [", "more = []\ndev = ["),
    "group no longer included": ('{include-group = "dev"}, ', ""),
    "group removed": ('docs = [{include-group = "dev"}, "html-render"]\n', ""),
    "python": (">=3.10,<4", ">=3.10,<3.15"),
    "python of the same bounds": (">=3.10,<4", ">= 3.10, < 4.0"),
    "version": ("0.1.0", "0.2.0"),
    "name": ('"sample"', '"other"'),
    "dynamic version": ('version = "0.1.0"', 'dynamic = ["version"]'),
    "build system": (
        "[tool.other]",
        f"{BUILD}[tool.other]",
    ),
    "description": ("[project]\n", '[project]\ndescription = "new"\n'),
    "other tool": ("answer = 1", "answer = 2"),
    "legacy: dependency added": ('plug = "*"', 'plug = "*"\nsix-ways = "*"'),
    "legacy: versions": ('terminal = ">=8"', 'terminal = ">=8.1"'),
    "legacy: group": ('ini-reader = "<2"', 'ini-reader = "<1.9"'),
    "Pipfile: name written otherwise": ('Plug = "*"', 'plug = "*"'),
    "Pipfile: marker": ("'3.14'", "'3.15'"),
    "Pipfile: category": ('html-render = "*"', 'html-render = ">=3"'),
    "Pipfile: python": ("[packages]", '[requires]\npython_version = "3.12"\n[packages]'),
    "Pipfile: script": ('go = "python go.py"', 'go = "python gone.py"'),
}
"""What is replaced by what; a project in which it is not found is not edited so."""

REFUSED = {("poetry", "dynamic version")}
"""Edits that a tool refuses as such, whatever is in the lock."""

UV_EDITS = {
    "constraint added": 'constraint-dependencies = ["plug<2"]',
    "override added": 'override-dependencies = ["zipper==3.17.0"]',
    "resolution": 'resolution = "lowest"',
    "prereleases": 'prerelease = "allow"',
    "environments": "environments = [\"sys_platform == 'linux'\"]",
    "conflicts": 'conflicts = [[{extra = "net"}, {group = "docs"}]]',
    "default groups": 'default-groups = ["docs"]',
    "not installed": "package = false",
    "installed": "package = true",
    "old groups": 'dev-dependencies = ["plug"]',
    "source": 'sources = {plug = {path = "plug"}}',
    "source by marker": 'sources = {plug = [{path = "plug", marker = "os_name == \'nt\'"}]}',
    "member": 'workspace = {members = ["packages/*"]}',
    "no member": 'workspace = {members = ["packages/*"], exclude = ["packages/m*"]}',
}
"""Settings of uv that are added to the project."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool that locks, and how it is asked whether a lock fits."""

    name: str
    lock: str
    project: str
    text: str
    source: str
    command: tuple[str, ...]
    check: tuple[str, ...]
    first: tuple[str, ...] = ()

    @property
    def program(self) -> str | None:
        """Where it is."""
        return os.environ.get(f"PYX_ORACLE_{self.name.upper()}") or shutil.which(self.name)


UV_SOURCE = '[[tool.uv.index]]\nurl = "{url}"\ndefault = true\n'
POETRY_SOURCE = '[[tool.poetry.source]]\nname = "loopback"\nurl = "{url}"\npriority = "primary"\n'

TOOLS = {
    "uv": Tool(
        name="uv",
        lock="uv.lock",
        project="pyproject.toml",
        text=STANDARD,
        source=UV_SOURCE,
        command=("lock",),
        check=("lock", "--check"),
    ),
    "poetry": Tool(
        name="poetry",
        lock="poetry.lock",
        project="pyproject.toml",
        text=STANDARD,
        source=POETRY_SOURCE,
        command=("lock", "--no-interaction"),
        check=("check", "--lock", "--no-interaction"),
    ),
    "poetry without [project]": Tool(
        name="poetry",
        lock="poetry.lock",
        project="pyproject.toml",
        text=LEGACY,
        source=POETRY_SOURCE,
        command=("lock", "--no-interaction"),
        check=("check", "--lock", "--no-interaction"),
    ),
    "pdm": Tool(
        name="pdm",
        lock="pdm.lock",
        project="pyproject.toml",
        text=STANDARD,
        source='[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}"\n',
        command=("lock", "-G:all"),
        check=("lock", "--check"),
    ),
    "pipenv": Tool(
        name="pipenv",
        lock="Pipfile.lock",
        project="Pipfile",
        text=PIPFILE,
        source='[[source]]\nname = "loopback"\nurl = "{url}"\nverify_ssl = false\n',
        command=("lock", "--categories", "packages dev-packages docs"),
        check=("verify",),
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A project that has been locked."""

    directory: Path
    tool: Tool
    text: str
    environ: dict[str, str]

    def compare(self, edit: str, text: str) -> str | None:
        """Return how the tool and `find_freshness` differ over an edited project, or None."""
        (self.directory / self.tool.project).write_text(text)
        lock = read_lock(self.directory / self.tool.lock, self.directory)
        found = find_freshness(lock, context_of(self.directory)).staleness
        done = subprocess.run(
            [str(self.tool.program), *self.tool.check],
            cwd=self.directory,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if (done.returncode == 0) == (found is None):
            return None
        return f"{edit}: {done.returncode} {done.stdout}{done.stderr} but found {found}"


def context_of(directory: Path) -> Context:
    """Return the context of a start in a directory."""
    return Context(
        start=directory,
        directory=directory,
        project=directory,
        home=directory,
        kind="directory",
        script=None,
        repeatable=True,
        lock=None,
        reason="",
        looked=(),
        since=0,
    )


@pytest.fixture(params=TOOLS.values(), ids=TOOLS)
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    wheels: Path,
    index: IndexServer,
    interpreters: dict[str, Path],
    environ: dict[str, str],
) -> Place:
    """Give a project that the real tool has just locked."""
    tool: Tool = request.param
    if tool.program is None:
        pytest.skip(f"no {tool.name} on the path or in PYX_ORACLE_{tool.name.upper()}")
    fill(wheels)
    directory = tmp_path / "project"
    make_source_tree(directory, "sample", "0.1.0")
    make_source_tree(directory / "plug", "plug", "1.9")
    make_source_tree(directory / "packages" / "member", "member", "1.0")
    (directory / "packages" / "member" / "pyproject.toml").write_text(
        '[project]\nname = "member"\nversion = "1.0"\nrequires-python = ">=3.10"\n'
    )
    python = interpreters["3.12"]
    environment, _ = make_environment(directory / ".venv", python)
    environ |= {
        "VIRTUAL_ENV": str(environment),
        "PDM_CHECK_UPDATE": "0",
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "PIPENV_VENV_IN_PROJECT": "1",
        "PIPENV_NOSPIN": "1",
        "PIPENV_CACHE_DIR": str(tmp_path / "cache"),
        "PDM_CACHE_DIR": str(tmp_path / "cache"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_PYTHON": str(python),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    text = tool.text + tool.source.format(url=index.url)
    (directory / tool.project).write_text(text)
    run_tool(tool.program, directory, environ, *tool.command)
    return Place(directory=directory, tool=tool, text=text, environ=environ)


def test_tool_and_launcher_agree_on_every_edit(place: Place) -> None:
    """A lock is out of date for the launcher exactly when it is for the tool that wrote it."""
    edits = {
        name: place.text.replace(old, new)
        for name, (old, new) in EDITS.items()
        if old in place.text and (place.tool.name, name) not in REFUSED
    }
    if place.tool.name == "uv":
        for name, line in UV_EDITS.items():
            edits[name] = place.text.replace("[tool.other]", f"[tool.uv]\n{line}\n[tool.other]")
    assert len(edits) > 5
    differences = [place.compare(name, text) for name, text in edits.items()]
    assert "\n".join(filter(None, differences)) == ""

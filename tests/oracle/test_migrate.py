"""The tables of docs/migrate.md, run row by row in a project that the table's tool has locked."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from installed import ROOT
from wheelhouse import make_wheel

from pyx_launcher.cli.invocation import parse_invocation

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

    Variables = dict[str, str | None]

PAGE = ROOT / "docs" / "migrate.md"
MAIN = """\
import sys
def main():
    print("black", *sys.argv[1:])
if __name__ == "__main__":
    main()
"""

MANIFEST = """\
[project]
name = "work"
version = "1.0"
requires-python = ">=3.10"
dependencies = ["base"]

[dependency-groups]
dev = ["black"]
docs = ["base"]

[tool.uv]
package = false

[tool.pdm]
distribution = false
"""
POETRY = """\
[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "here"
url = "{url}"

[tool.poetry.dependencies]
python = ">=3.10,<4"
base = "*"

[tool.poetry.group.dev.dependencies]
black = "*"

[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
base = "*"
"""
PIPFILE = """\
[[source]]
url = "{url}"
verify_ssl = false
name = "here"

[packages]
base = "*"
black = "*"

[dev-packages]
base = "*"
"""

PROJECTS = {
    "venv and pip": ({"requirements.in": "base\nblack\n"}, "uv"),
    "Poetry": ({"pyproject.toml": POETRY}, "poetry"),
    "PDM": ({"pyproject.toml": MANIFEST}, "pdm"),
    "uv": ({"pyproject.toml": MANIFEST}, "uv"),
    "Pipenv": ({"Pipfile": PIPFILE}, "pipenv"),
    "pipx": ({}, "uv"),
    "conda": ({"pylock.toml": 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n'}, "uv"),
}
"""For each table the files of its project, and the tool that locks it."""

FIRST_LOCK = {
    "venv and pip": ["pyx", "lock"],
    "Poetry": ["poetry", "lock", "--no-interaction"],
    "PDM": ["pdm", "lock"],
    "uv": ["uv", "lock"],
    "Pipenv": ["pipenv", "lock"],
}
DIFFERENT = {"pyx diff @science .": 1}
"""Commands that answer by their exit status."""


def read_tables() -> dict[str, list[str]]:
    """Return the commands of pyx in each table, in order."""
    tables: dict[str, list[str]] = {}
    heading = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        heading = line.removeprefix("## ") if line.startswith("## ") else heading
        if line.startswith("|"):
            right = line.split("|")[2]
            tables.setdefault(heading, []).extend(re.findall(r"`(pyx [^`]*)`", right))
    return tables


def find_tool(name: str) -> str | None:
    """Return a tool that is installed here."""
    return os.environ.get(f"PYX_ORACLE_{name.upper()}") or shutil.which(name)


def test_every_table_is_run() -> None:
    """A section of the page without a project here would be a promise that nobody holds."""
    assert set(read_tables()) == set(PROJECTS)


@pytest.mark.parametrize("command", [c for table in read_tables().values() for c in table])
def test_every_command_can_be_parsed(command: str) -> None:
    """Without any tool: no command names a verb or an option that does not exist."""
    words = shlex.split(command)[1:]
    parsed = parse_invocation(words, {})
    assert parsed.verb or parsed.program.mode in "sm"


@pytest.mark.oracle
@pytest.mark.parametrize("table", PROJECTS)
def test_the_commands_of_a_table_work(
    table: str, pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """One after the other, as somebody would who tries each row."""
    files, tool = PROJECTS[table]
    found, uv = find_tool(tool), find_tool("uv")
    if found is None or uv is None:
        pytest.skip(f"{tool} is not installed")
    for name in ("base", "rich"):
        make_wheel(wheels, name, "1.0")
    for version in ("1.0", "2.0"):
        scripts = {"black": "black:main"}
        make_wheel(wheels, "black", version, files={"black.py": MAIN}, entry_points=scripts)
    project = tmp_path / "project"
    project.mkdir()
    for name, text in files.items():
        (project / name).write_text(text.replace("{url}", index.url))
    for name, program in (
        ("build", "pyproject-build"),
        *((n, n) for n in ("twine", "ruff", "uv", "poetry", "poetry-plugin-export")),
    ):
        module = name.replace("-", "_")
        files_of = {f"{module}.py": MAIN}
        make_wheel(wheels, name, "1.0", files=files_of, entry_points={program: f"{module}:main"})
    (project / ".env").write_text("ONE=1\n")
    (project / "script.py").write_text("import sys; print(sys.version)\n")
    variables: Variables = {
        f"PYX_{tool.upper()}": found,
        "PYX_UV": uv,
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_DEFAULT_INDEX": index.url,
        "PDM_PYPI_URL": index.url,
        "PDM_CHECK_UPDATE": "0",
        "PIPENV_VENV_IN_PROJECT": "1",
        "PIPENV_YES": "1",
    }
    if table in FIRST_LOCK:
        first, *words = FIRST_LOCK[table]
        program = pyx.path if first == "pyx" else found
        locked = subprocess.run(
            [program, *words],
            cwd=project,
            env=pyx.variables(variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert locked.returncode == 0, locked
    for command in read_tables()[table]:
        if command == "pyx tool install --with rich black":
            pyx("tool", "uninstall", "black", cwd=project, env=variables)
        told = pyx(*shlex.split(command)[1:], cwd=project, env=variables)
        assert told.returncode == DIFFERENT.get(command, 0), (command, told)
        if command.endswith(" black script.py"):
            assert told.stdout == "black script.py\n", command

"""The recipes of docs/troubleshooting.md: jobs of cron and systemd, and pip in a notebook.

The lines of the page itself are run, with the variables that cron and systemd give.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from installed import ROOT
from wheelhouse import make_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
WRITTEN = "/home/you"
"""What the page writes for a home."""

# Where no uv is installed, it comes from the index that pip is configured for.
pytestmark = pytest.mark.network


@pytest.fixture
def home(tmp_path: Path, pyx: Pyx, wheels: Path, index: IndexServer, uv: Path) -> Path:
    """Give a home with pyx in it, and a project that is ready to be started."""
    make_wheel(wheels, "tick", "1.0")
    home = tmp_path / "you"
    project = home / "work" / "project"
    project.mkdir(parents=True)
    (home / ".local" / "bin").mkdir(parents=True)
    (home / ".local" / "bin" / "pyx").symlink_to(pyx.path)
    for name in ("PYX_HOME", "PYX_CACHE_DIR"):
        del pyx.environ[name]
    pyx.environ |= {"HOME": str(home), "PYX_UV": str(uv)}
    assert pyx("init", cwd=project).returncode == 0
    # Cron and systemd know the machine's own python alone, which may be older than this one.
    manifest = project / "pyproject.toml"
    text = re.sub(r'requires-python = ".*"', 'requires-python = ">=3.9"', manifest.read_text())
    manifest.write_text(text)
    told = pyx("add", "tick", cwd=project)
    assert told.returncode == 0, told.stderr
    (project / "main.py").write_text("import os, tick; print(tick.__version__, os.getcwd())\n")
    return home


def find_block(language: str, start: str) -> str:
    """Return the block of the page that begins with `start`."""
    (block,) = re.findall(rf"```{language}\n({re.escape(start)}.*?)```", PAGE, re.DOTALL)
    return str(block)


def run_bare(
    command: list[str], directory: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command with no other variables than these; there is nothing on stdin."""
    return subprocess.run(
        command,
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_job_of_cron_runs(home: Path) -> None:
    """Cron gives a short PATH, HOME and LOGNAME, and begins in the home."""
    line = find_block("text", "*/5").strip().replace(WRITTEN, str(home))
    *when, command = line.split(maxsplit=5)
    assert len(when) == 5
    variables = {"HOME": str(home), "LOGNAME": "you", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    for _ in range(2):
        told = run_bare(["/bin/sh", "-c", command], home, variables)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout == f"1.0 {home}\n"


def test_a_service_of_systemd_runs(home: Path) -> None:
    """Systemd gives HOME where there is User=, and begins in WorkingDirectory=."""
    unit = configparser.ConfigParser()
    # systemd tells upper and lower case apart.
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(find_block("ini", "[Service]").replace(WRITTEN, str(home)))
    service = unit["Service"]
    assert service["User"] == "you"
    variables = {"HOME": str(home), "USER": "you", "LOGNAME": "you", "PATH": "/usr/bin:/bin"}
    directory = service["WorkingDirectory"]
    told = run_bare(shlex.split(service["ExecStart"]), home / directory, variables)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"1.0 {directory}\n"


def test_without_a_home_one_line_says_what_to_set(home: Path, pyx: Pyx) -> None:
    """A service without User= has no HOME; with the two directories it needs none."""
    project = home / "work" / "project"
    bare = {"PATH": "/usr/bin:/bin"}
    named = {"PYX_HOME": f"{home}/.local/share/pyx", "PYX_CACHE_DIR": f"{home}/.cache/pyx"}
    told = run_bare([str(pyx.path), "main.py"], project, bare | named)
    assert (told.returncode, told.stdout, told.stderr) == (0, f"1.0 {project}\n", "")


def make_notebook(*cells: str) -> str:
    """Return a notebook with a cell for each of `cells`."""
    made = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": [source],
        }
        for number, source in enumerate(cells)
    ]
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook: dict[str, Any] = {"cells": made, "metadata": {"kernelspec": spec}}
    return json.dumps(notebook | {"nbformat": 4, "nbformat_minor": 5})


def test_pip_in_a_notebook_is_answered(pyx: Pyx, tmp_path: Path) -> None:
    """`!pip install` says what to type; that works, and the next kernel has the package."""
    # Jupyter comes from where pip would get it.
    configured = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE"):
        del pyx.environ[name]
    pyx.environ |= configured
    pyx.environ |= {"PATH": f"{pyx.path.parent}:{os.environ['PATH']}", "IPYTHONDIR": str(tmp_path)}
    project = tmp_path / "project"
    project.mkdir()
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    told = pyx("--python", python, "add", "--init", "nbconvert", "ipykernel", cwd=project)
    assert told.returncode == 0, told.stderr

    def run_cells(*cells: str) -> str:
        (project / "in.ipynb").write_text(make_notebook(*cells))
        words = ("run", "jupyter", "nbconvert", "--to", "markdown", "--execute", "--allow-errors")
        told = pyx(*words, "in.ipynb", "--output", "out.md", cwd=project, timeout=300)
        assert told.returncode == 0, told.stderr
        return (project / "out.md").read_text()

    first = run_cells("!pip install iniconfig", "%pip install iniconfig", "!pyx add iniconfig")
    assert "pyx: hint: `pyx add iniconfig`" in first
    assert "then start the program (in a notebook the" in first
    # This is python's own answer, and the page has its words.
    assert "No module named pip" in first
    assert "No module named pip" in PAGE
    assert "+ iniconfig " in first
    assert "iniconfig is" in run_cells("import iniconfig; print(iniconfig.__name__, 'is', 'here')")

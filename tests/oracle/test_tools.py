"""`pyx tool` with the real resolver, over an index on loopback."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    import subprocess

    from installed import Pyx

UV = os.environ.get("PYX_ORACLE_UV") or shutil.which("uv")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(UV is None, reason="uv is not installed"),
]

MAIN = """\
import sys
import tock
def main():
    print("tick {}", tock.__version__, *sys.argv[1:])
"""


def make_tick(wheels: Path, version: str, *programs: str) -> None:
    """Write a wheel of tick, which requires tock and has these programs."""
    make_wheel(
        wheels,
        "tick",
        version,
        files={"tick.py": MAIN.format(version)},
        requires=["tock<3"],
        entry_points=dict.fromkeys(programs, "tick:main"),
    )


@pytest.fixture
def tool(pyx: Pyx, wheels: Path, tmp_path: Path) -> Pyx:
    """Give pyx with uv, and an index that has tick 1.0 and three versions of tock."""
    make_tick(wheels, "1.0", "tick")
    for version in ("1.0", "2.0", "3.0"):
        make_wheel(wheels, "tock", version)
    pyx.environ["PYX_UV"] = UV or ""
    pyx.environ["UV_CACHE_DIR"] = str(tmp_path / "uv-cache")
    return pyx


def call(tool: Pyx, *words: str) -> subprocess.CompletedProcess[str]:
    """Call a program by its link on PATH."""
    return tool.run([Path(tool.environ["HOME"]) / ".local" / "bin" / words[0], *words[1:]])


def test_the_life_of_a_tool(tool: Pyx, wheels: Path, tmp_path: Path) -> None:
    """Installed, listed, upgraded with what it requires, and taken away."""
    made = tool("tool", "install", "tick", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (0, "tick 1.0: tick\n"), made.stderr
    assert "is not on PATH" in made.stderr
    assert call(tool, "tick", "a", "--b").stdout == "tick 1.0 2.0 a --b\n"
    assert tool("tool", "list").stdout == "tick  1.0  tick\n"
    (facts,) = json.loads(tool("tool", "list", "--json").stdout)
    assert (facts["requirements"], facts["programs"]) == (["tick"], ["tick"])
    make_tick(wheels, "1.1", "tick", "tack")
    make_wheel(wheels, "tock", "2.5")
    assert tool("tool", "upgrade").stdout == "tick 1.0 -> 1.1\n"
    assert call(tool, "tack").stdout == "tick 1.1 2.5\n"
    assert tool("tool", "upgrade", "tick").stdout == "tick 1.1 is the newest\n"
    assert tool("tool", "uninstall", "tick").stdout == "tick removed: tack, tick\n"
    assert tool("tool", "list").stdout == ""
    assert not any((Path(tool.environ["HOME"]) / ".local" / "bin").iterdir())


def test_a_wish_is_kept(tool: Pyx, wheels: Path) -> None:
    """Bounds and what was asked for beside it hold for every later upgrade."""
    made = tool("tool", "install", "tick<1.1", "--with", "tock==1.0", "--with", "more")
    assert made.returncode == 69
    make_wheel(wheels, "more", "1.0")
    made = tool("tool", "install", "tick<1.1", "--with", "tock==1.0", "--with", "more")
    assert made.stdout == "tick 1.0: tick\n", made.stderr
    make_tick(wheels, "1.1", "tick")
    assert tool("tool", "upgrade").stdout == "tick 1.0 is the newest\n"
    assert call(tool, "tick").stdout == "tick 1.0 1.0\n"


def test_a_tool_is_no_matter_of_the_directory(tool: Pyx, tmp_path: Path) -> None:
    """Neither a project's lock nor its version of Python is looked at."""
    project = tmp_path / "project"
    project.mkdir()
    for name in (".python-version", "pylock.toml", "pyproject.toml", "uv.toml"):
        (project / name).write_text("broken")
    assert tool("tool", "install", "tick", cwd=project).returncode == 0
    assert tool("tool", "run", "tick", "x", cwd=project).stdout == "tick 1.0 2.0 x\n"


def test_a_program_is_run_once(tool: Pyx, wheels: Path, tmp_path: Path) -> None:
    """Without a link; the second time nothing is resolved, and a version can be asked for."""
    make_tick(wheels, "1.1", "tick", "tack")
    told = tool("tool", "run", "tick", "--json", "-h", cwd=tmp_path)
    assert told.stdout == "tick 1.1 2.0 --json -h\n", told.stderr
    make_tick(wheels, "1.2", "tick", "tack")
    again = tool("tool", "run", "tick", cwd=tmp_path)
    assert (again.stdout, again.stderr) == ("tick 1.1 2.0\n", "")
    assert tool("tool", "run", "tick==1.0").stdout == "tick 1.0 2.0\n"
    assert tool("tool", "run", "--from", "tick", "tack").stdout == "tick 1.1 2.0\n"
    assert tool("tool", "run", "--with", "tock==1.0", "tick").stdout == "tick 1.2 1.0\n"
    assert not (Path(tool.environ["HOME"]) / ".local").exists()


def test_one_tool_that_fails_stops_no_other(tool: Pyx, wheels: Path) -> None:
    """What can be upgraded is; the exit status says that something could not."""
    lost = make_wheel(wheels, "lost", "1.0", entry_points={"lost": "lost:main"})
    assert tool("tool", "install", "lost").returncode == 0
    assert tool("tool", "install", "tick").returncode == 0
    lost.unlink()
    make_tick(wheels, "1.1", "tick")
    told = tool("tool", "upgrade")
    assert (told.returncode, told.stdout) == (69, "tick 1.0 -> 1.1\n")
    assert tool("tool", "list").stdout == "lost  1.0  lost\ntick  1.1  tick\n"


def test_an_installed_tool_is_the_one_that_runs(tool: Pyx, wheels: Path) -> None:
    """`run` of what is installed means that version."""
    tool("tool", "install", "tick")
    make_tick(wheels, "1.1", "tick")
    assert tool("tool", "run", "tick").stdout == "tick 1.0 2.0\n"


def test_what_cannot_be_had_is_said(tool: Pyx) -> None:
    """The resolver's own words, then one line of pyx; no part of it stays."""
    for words in (["install", "nothing"], ["run", "nothing"], ["install", "tick", "--with=no"]):
        told = tool("tool", *words)
        assert (told.returncode, told.stdout) == (69, "")
        assert "Traceback" not in told.stderr
    told = tool("tool", "run", "--from", "tick", "tok")
    assert told.returncode == 127
    assert "pyx: tick gives no program tok\npyx: hint: pyx tool run --from tick tick" in told.stderr
    home = Path(tool.environ["PYX_HOME"])
    assert not any((home / "tools").iterdir())


@pytest.mark.network
@pytest.mark.slow
def test_pyright_finds_the_distributions(pyx: Pyx, tmp_path: Path, wheels: Path) -> None:
    """As `pyx tool run` gets it from the real index, with the link that `pyx env` made."""
    wheel = make_wheel(wheels, "tock", "1.0", files={"tock.py": "size: int = 1\n"})
    (tmp_path / "pylock.toml").write_text(pylock_text([wheel]))
    (tmp_path / "x.py").write_text("import tock\nreveal_type(tock.size)\n")
    settings = {"venvPath": str(tmp_path), "venv": ".venv"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    assert pyx("env", "--link", cwd=tmp_path).returncode == 0
    real = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    unset: dict[str, str | None] = dict.fromkeys(("PIP_CONFIG_FILE", "PIP_INDEX_URL"))
    variables = {**unset, **real, "PYX_UV": UV}
    words = ["tool", "run", "--from", "pyright[nodejs]", "pyright", "x.py"]
    told = pyx(*words, cwd=tmp_path, env=variables, timeout=250)
    assert 'Type of "tock.size" is "int"' in told.stdout, told


@pytest.mark.network
@pytest.mark.slow
def test_jupyter_starts_the_kernel(pyx: Pyx, tmp_path: Path) -> None:
    """A real client finds the specification, and the kernel sees what the lock has."""
    real = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    unset: dict[str, str | None] = dict.fromkeys(("PIP_CONFIG_FILE", "PIP_INDEX_URL"))
    variables = {**unset, **real, "PYX_UV": UV, "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    for words in (
        ["env", "create", "kernel"],
        ["add", "@kernel", "ipykernel", "jupyter-client"],
        ["@kernel", "env", "--kernel"],
    ):
        told = pyx(*words, cwd=tmp_path, env=variables, timeout=250)
        assert told.returncode == 0, told.stderr
    (tmp_path / "client.py").write_text(
        "from jupyter_client import KernelManager\n"
        "manager = KernelManager(kernel_name='pyx-kernel', transport='ipc', ip='kernel')\n"
        "manager.start_kernel()\n"
        "client = manager.client()\n"
        "client.start_channels()\n"
        "client.wait_for_ready(timeout=60)\n"
        "client.execute_interactive('import sys; print(sys.prefix)')\n"
        "manager.shutdown_kernel(now=True)\n"
    )
    told = pyx("@kernel", "client.py", cwd=tmp_path, env=variables, timeout=250)
    assert told.stdout.startswith(f"{pyx.environ['PYX_HOME']}/environments/"), told

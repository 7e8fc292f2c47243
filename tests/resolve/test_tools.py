"""The tools that lock, as pyx itself has them: pinned by hash, in the store, each on its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel, sha256

from pyx_launcher.dirs import FORMAT_FILE, Dirs
from pyx_launcher.errors import NotFoundError, StoreError, UnavailableError
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import probe_interpreter
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.resolve import tools
from pyx_launcher.resolve.tools import NAMES, PINS, Toolbox
from pyx_launcher.selection import select
from pyx_launcher.store.lock import claimed_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SLOW = pytest.mark.slow


def make_toolbox(tmp_path: Path, native: Path, environ: Mapping[str, str]) -> Toolbox:
    """Return a toolbox whose store is empty."""
    return Toolbox(
        dirs=Dirs(home=tmp_path / "home", cache=tmp_path / "cache"),
        environ=environ,
        native=native,
        offline=False,
    )


def pinned_version(name: str) -> str:
    """Return the version of a tool that our lock of it names."""
    text = (PINS / f"{name}-requirements.txt").read_text()
    found = re.search(rf"^{name}==(\S+)", text, re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_is_pinned_for_every_launcher(
    interpreters: dict[str, Path], probed: Path, name: str
) -> None:
    """Each of our locks is sound, has hashes and no URL, and suits any Python from 3.10 on."""
    path = PINS / f"{name}-requirements.txt"
    assert "://" not in path.read_text()
    lock = read_lock(path)
    for version, python in interpreters.items():
        if version == "3.9" or version.endswith(("t", "d")):
            continue
        interpreter = probe_interpreter(python, cache=probed, template=find_template())
        chosen = select(lock, interpreter, Choice())
        assert name in {artifact.name for artifact in chosen.artifacts}


@pytest.mark.network
@pytest.mark.parametrize(
    "name", ["uv", *(pytest.param(name, marks=SLOW) for name in NAMES if name != "uv")]
)
def test_a_tool_comes_from_the_index(tmp_path: Path, native: Path, name: str) -> None:
    """It is what our lock names, runs, and is not fetched twice."""
    toolbox = make_toolbox(tmp_path, native, os.environ)
    program = toolbox.find_tool(name)
    assert program.is_relative_to(toolbox.dirs.environments)
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert pinned_version(name) in told.stdout
    assert toolbox.find_tool(name) == program


def test_a_tool_that_is_installed_is_taken_by_name(tmp_path: Path, native: Path) -> None:
    """A variable for each names it; one that is no program is an error and not skipped."""
    program = tmp_path / "poetry"
    toolbox = make_toolbox(tmp_path, native, {"PYX_POETRY": str(program)})
    with pytest.raises(NotFoundError, match="is not a program"):
        toolbox.find_tool("poetry")
    program.touch(mode=0o755)
    assert toolbox.find_tool("poetry") == program


def test_a_tool_that_cannot_be_had(tmp_path: Path, native: Path, environ: dict[str, str]) -> None:
    """An index without it is named, and so is the variable that makes do without the index."""
    toolbox = make_toolbox(tmp_path, native, environ)
    with pytest.raises(
        UnavailableError, match="uv, which writes the lock, is unavailable"
    ) as caught:
        toolbox.find_tool("uv")
    assert "PYX_UV" in (caught.value.hint or "")


@pytest.fixture
def small_tool(
    tmp_path: Path,
    native: Path,
    wheels: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Toolbox:
    """Give a toolbox for which ``uv`` is a small wheel of ours, from the index on loopback."""
    wheel = make_wheel(wheels, "uv", "1.0", entry_points={"uv": "platform:machine"})
    pins = tmp_path / "pins"
    pins.mkdir()
    (pins / "uv-requirements.txt").write_text(f"uv==1.0 --hash=sha256:{sha256(wheel)}\n")
    monkeypatch.setattr(tools, "PINS", pins)
    return make_toolbox(tmp_path, native, environ)


def test_a_tool_goes_into_no_store_of_a_newer_format(small_tool: Toolbox) -> None:
    """What refuses to start a program there refuses to lock as well, and writes nothing."""
    store = small_tool.dirs.store
    store.mkdir(parents=True)
    (store / FORMAT_FILE).write_text("99\n")
    with pytest.raises(StoreError, match="another version of pyx"):
        small_tool.find_tool("uv")
    assert not (store / "uv").exists()
    assert not small_tool.dirs.environments.exists()


def test_a_tool_is_held_as_a_program_is(small_tool: Toolbox) -> None:
    """A deletion waits until whoever locks with it has ended."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from pathlib import Path\n"
        "from pyx_launcher.dirs import Dirs\n"
        "from pyx_launcher.resolve import tools\n"
        f"tools.PINS = Path({str(tools.PINS)!r})\n"
        f"dirs = Dirs(home=Path({str(small_tool.dirs.home)!r}), "
        f"cache=Path({str(small_tool.dirs.cache)!r}))\n"
        f"box = tools.Toolbox(dirs=dirs, environ={small_tool.environ!r}, "
        f"native=Path({str(small_tool.native)!r}), offline=False)\n"
        "print(box.find_tool('uv'), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline().strip().endswith("/bin/uv")
        with pytest.raises(StoreError, match="in use"), claimed_store(small_tool.dirs.store, 0.1):
            pass
        process.communicate("")
    with claimed_store(small_tool.dirs.store, 5):
        pass

"""Read-only stores behind the user's own, filled by somebody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from installed import ROOT
from trust.ground import expected, find_damage, make_project, make_wheels

from pyx_launcher.store.inventory import list_entries, tail_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexserver import IndexServer
    from installed import Pyx

NOBODY = 65534
"""The number of a user who owns nothing."""


@pytest.fixture
def parts(wheels: Path) -> list[Path]:
    """Give four wheels."""
    return make_wheels(wheels, 4)


def look(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Return what can be seen of everything below `directory`: mode, size, time of change."""
    return {
        str(path.relative_to(directory)): (info.st_mode, info.st_size, info.st_ctime_ns)
        for path in sorted(directory.rglob("*"))
        if (info := path.lstat())
    }


def test_entries_behind_are_used_in_place(
    pyx: Pyx, parts: Sequence[Path], tmp_path: Path, index: IndexServer, pyx_home: Path
) -> None:
    """Nothing of a store behind is copied, fetched or written, whatever is done with it."""
    system = tmp_path / "system"
    filled = make_project(tmp_path / "filled", parts[:3])
    assert pyx("sync", "--compile", cwd=filled, env={"PYX_HOME": str(system)}).returncode == 0
    before = look(system)
    layered = {"PYX_STORES": f"{tmp_path / 'none'}:{system / 'store'}"}
    project = make_project(tmp_path / "project", parts)
    told = pyx("sync", "--compile", cwd=project, env=layered)
    assert "1 fetched, 3 already in the store" in told.stdout, told.stderr
    assert pyx("main.py", cwd=project, env=layered).stdout == expected(parts)
    assert [tail_of(path)[0] for path in list_entries(pyx_home / "store")] == ["part3"]
    for words in (("verify",), ("verify", "--repair"), ("list",), ("gc",), ("gc", "--keep", "0")):
        assert pyx("store", *words, env=layered).returncode == 0, words
    assert look(system) == before
    assert (
        "4 entries verified" in pyx("store", "verify", env=layered).stdout
        or list_entries(pyx_home / "store") == []
    )


def test_damage_behind_is_told_and_left(pyx: Pyx, parts: Sequence[Path], tmp_path: Path) -> None:
    """Only who writes a store repairs it."""
    system = tmp_path / "system"
    project = make_project(tmp_path / "project", parts)
    assert pyx("sync", cwd=project, env={"PYX_HOME": str(system)}).returncode == 0
    (entry,) = (path for path in list_entries(system / "store") if "part1" in path.parts)
    (entry / "part1" / "m0.py").unlink()
    before = look(system)
    layered = {"PYX_STORES": str(system / "store")}
    told = pyx("store", "verify", "--repair", env=layered)
    assert (told.returncode, f"missing {entry}/part1/m0.py" in told.stdout) == (1, True)
    assert look(system) == before
    told = pyx("store", "verify", "--repair", env={"PYX_HOME": str(system)})
    assert (told.returncode, find_damage(system)) == (0, [])


def test_a_deletion_behind_is_noticed(
    pyx: Pyx, parts: Sequence[Path], tmp_path: Path, pyx_home: Path
) -> None:
    """The next start of a user takes the slow path, and gets into the own store what went."""
    system = {"PYX_HOME": str(tmp_path / "system")}
    project = make_project(tmp_path / "project", parts)
    assert pyx("sync", cwd=project, env=system).returncode == 0
    layered = {"PYX_STORES": str(tmp_path / "system" / "store")}
    assert pyx("main.py", cwd=project, env=layered).stdout == expected(parts)
    assert list_entries(pyx_home / "store") == []
    assert "4 entries deleted" in pyx("store", "gc", "--keep", "0", env=system).stdout
    assert pyx("main.py", cwd=project, env=layered).stdout == expected(parts)
    assert len(list_entries(pyx_home / "store")) == 4


@pytest.fixture
def public() -> Iterator[Path]:
    """Give a directory that other users reach, with an interpreter and libraries that they can."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    place = Path(tempfile.mkdtemp(prefix="pyx-layers."))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def _find_public_python() -> str:
    """Return an interpreter that a user who owns nothing can start, with the launcher's needs."""
    for name in ("/usr/bin/python3", sys.executable):
        told = subprocess.run(
            [name, "-c", "print(1)"], user=NOBODY, group=NOBODY, capture_output=True, check=False
        )
        if told.returncode == 0:
            return name
    pytest.skip("another user reaches no python")


def test_a_system_store_serves_another_user(
    pyx: Pyx, parts: Sequence[Path], public: Path, native: Path
) -> None:
    """Root fills it with bytecode; a user without write access starts programs from it."""
    python = _find_public_python()
    project = make_project(public / "project", parts)
    for wheel in parts:
        shutil.copy(wheel, public)
    system = {"PYX_HOME": str(public / "system"), "PYX_PYTHON": python}
    # Who may come this far is root's decision; what lies below is for everybody.
    (public / "system" / "store").mkdir(parents=True)
    previous = os.umask(0o077)
    try:
        told = pyx("sync", "--compile", cwd=project, env=system)
    finally:
        os.umask(previous)
    assert told.returncode == 0, told.stderr
    bytecode = list((public / "system" / "store").rglob("*.pyc"))
    assert bytecode
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in bytecode)
    before = look(public / "system" / "store")
    home = public / "user"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    entries = [str(path) for path in list_entries(public / "system" / "store")]
    program = (
        f"import sys; sys.path[:0] = {entries!r}\n"
        "import part0, part3; print(part0.N + part3.N, part3.__cached__)\n"
        "import os; print(os.access(part3.__file__, os.W_OK), os.access(part3.__cached__, os.R_OK))"
    )
    told = subprocess.run(
        [python, "-c", program],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stderr == ""
    assert told.stdout.splitlines()[1] == "False True"
    assert told.stdout.startswith("3 ")
    told = _sync_as_nobody(pyx, project, public, home, python)
    assert told.returncode == 0, told.stderr
    assert "0 fetched, 4 already in the store" in told.stdout
    assert look(public / "system" / "store") == before
    assert list_entries(home / "store") == []


def _sync_as_nobody(
    pyx: Pyx, project: Path, public: Path, home: Path, python: str
) -> subprocess.CompletedProcess[str]:
    """Run the launcher's ``sync`` as a user who owns nothing, by an interpreter they can start."""
    needed = [str(ROOT / "launcher"), str(ROOT / "runtime")]
    needed += [place for place in sys.path if place.endswith("-packages")]
    code = f"import sys; sys.path[:0] = {needed!r}; sys.argv = [{str(pyx.path)!r}, 'sync']\n"
    as_nobody: dict[str, Any] = {
        "user": NOBODY,
        "group": NOBODY,
        "extra_groups": [],
        "text": True,
    }
    probe = f"{code}import tomli, installer, packaging, pyx_launcher.__main__"
    if subprocess.run(
        [python, "-c", probe], check=False, capture_output=True, **as_nobody
    ).returncode:
        pytest.skip("another user cannot read the launcher here")
    # The native program beside the launcher is where another user does not reach, too.
    beside = public / "installed"
    beside.mkdir()
    shutil.copy(pyx.path, beside / "pyx")
    code = code.replace(str(pyx.path), str(beside / "pyx"))
    variables = pyx.variables(
        {
            "PYX_HOME": str(home),
            "PYX_CACHE_DIR": str(home / "cache"),
            "PYX_STORES": str(public / "system" / "store"),
            "PYX_PYTHON": python,
            "HOME": str(home),
        }
    )
    command = [
        python,
        "-B",
        "-c",
        f"{code}from pyx_launcher.__main__ import main; sys.exit(main())",
    ]
    return subprocess.run(
        command, cwd=project, env=variables, check=False, capture_output=True, **as_nobody
    )

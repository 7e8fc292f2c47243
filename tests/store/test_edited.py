"""What somebody has changed in an entry is told when the next environment is made of it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.store.edited import find_edited
from pyx_launcher.store.entry import read_entry
from pyx_launcher.store.inventory import list_entries

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx


@pytest.fixture
def project(tmp_path: Path, wheels: Path) -> Path:
    """Give a project that locks one package, which has a template."""
    files = {"pack/__init__.py": "N = 1\n", "pack/templates/env.py": "# yours\n"}
    wheel = make_wheel(wheels, "pack", "1.0", files=files)
    project = tmp_path / "project"
    project.mkdir()
    (project / "pylock.toml").write_text(pylock_text([wheel]))
    return project


@pytest.mark.parametrize("place", ["pack/__init__.py", "pack/templates/env.py"])
def test_an_edit_is_told_to_the_next_project(
    pyx: Pyx, project: Path, tmp_path: Path, pyx_home: Path, wheels: Path, place: str
) -> None:
    """Whatever its mode was; the line names the file and what mends it, and then it is mended."""
    assert pyx("sync", cwd=project).returncode == 0
    (entry,) = list_entries(pyx_home / "store")
    (entry / place).chmod(0o644)
    with (entry / place).open("a") as file:
        file.write("print('here')\n")
    other = make_wheel(wheels, "other", "1.0")
    second = tmp_path / "second"
    second.mkdir()
    (second / "pylock.toml").write_text(pylock_text([*wheels.glob("pack*"), other]))
    told = pyx("sync", cwd=second)
    assert told.returncode == 0
    assert f"warning: {entry / place} is not as it was unpacked" in told.stderr
    assert "pyx store verify --repair" in told.stderr
    assert pyx("store", "verify", "--repair").returncode == 0
    (project / "x.py").write_text("import pack\n")
    again = pyx("x.py", cwd=project)
    assert (again.stdout, again.stderr) == ("", "")


def test_new_times_alone_are_no_edit(pyx: Pyx, project: Path, pyx_home: Path) -> None:
    """A store that was copied somewhere else may have other times, and bytecode is none."""
    assert pyx("sync", "--compile", cwd=project).returncode == 0
    (path,) = list_entries(pyx_home / "store")
    entry = read_entry(path)
    assert entry is not None
    assert find_edited(entry) == []
    os.utime(path / "pack" / "templates" / "env.py")
    assert find_edited(entry) == []


def test_what_programs_copy_can_be_edited(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """`shutil.copytree` gives a copy the modes of its originals, as from a virtual environment."""
    (project / "new.py").write_text(
        "import shutil, pathlib, pack\n"
        "shutil.copytree(pathlib.Path(pack.__file__).parent / 'templates', 'new')\n"
    )
    assert pyx("new.py", cwd=project).returncode == 0
    assert (project / "new" / "env.py").stat().st_mode & 0o777 == 0o644
    shutil.rmtree(project / "new")

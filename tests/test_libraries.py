"""A release of a library that changes what pyx calls is named, not the lock and not the index."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import Pylock, PylockSelectError
from targets import make_interpreter
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.errors import LibraryError
from pyx_launcher.libraries import find_mismatch, name_library
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.selection import select

if TYPE_CHECKING:
    from installed import Pyx


def change_library(pyx: Pyx, directory: Path, name: str, change: str) -> None:
    """Have the launcher import a copy of the library `name` that ends with the lines `change`."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    copy = directory / name
    shutil.copytree(Path(spec.origin).parent, copy)
    with (copy / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{change}\n")
    text = pyx.launcher.read_text().replace(
        "sys.path[:] = [", f"sys.path[:] = [{str(directory)!r}, "
    )
    pyx.launcher.write_text(text)


def test_a_select_that_refuses_is_named(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when one release began to refuse groups that a lock does not declare."""
    lock = tmp_path / "pylock.toml"
    text = pylock_text([make_wheel(wheels, "tick", "1.0")], index_url="https://example.org/")
    lock.write_text(text, encoding="utf-8")

    def refuse(*_: object, **__: object) -> None:
        message = "Undeclared dependency groups: main"
        raise PylockSelectError(message)

    monkeypatch.setattr(Pylock, "select", refuse)
    with pytest.raises(LibraryError, match="Undeclared dependency groups: main") as told:
        select(read_lock(lock), make_interpreter("x86_64-manylinux_2_28"), Choice())
    assert f"packaging {version('packaging')} " in told.value.message
    assert "pylock.toml" not in told.value.message
    assert "install.sh" in (told.value.hint or "")
    assert told.value.exit_code == 70


@pytest.mark.parametrize(
    ("library", "change", "name"),
    [
        ("httpx2", "del HTTPError", "HTTPError"),
        (
            "unearth",
            "import unearth.collector\ndel unearth.collector.is_secure_origin",
            "is_secure",
        ),
    ],
)
def test_a_client_that_renames_something_is_named(
    pyx: Pyx, tmp_path: Path, wheels: Path, library: str, change: str, name: str
) -> None:
    """In one line, with its version, and with no word of the index that was asked."""
    wheel = make_wheel(wheels, "tick", "1.0")
    text = pylock_text([wheel], index_url="http://127.0.0.1:9/")
    (tmp_path / "pylock.toml").write_text(text, encoding="utf-8")
    change_library(pyx, tmp_path / "changed", library, change)
    told = pyx("-c", "import tick", cwd=tmp_path, env={"PIP_RETRIES": "0"})
    assert (told.returncode, told.stdout) == (70, "")
    first, hint = told.stderr.splitlines()
    assert first.startswith(f"pyx: {library} {version(library)} does not do what pyx expects: ")
    assert name in first
    assert "pylock.toml" not in first
    assert "install.sh" in hint


def test_a_library_that_is_missing_is_named(pyx: Pyx, tmp_path: Path) -> None:
    """Even one that every start imports, before anything of pyx's could run."""
    (tmp_path / "changed" / "packaging").mkdir(parents=True)
    (tmp_path / "changed" / "packaging" / "__init__.py").touch()
    text = pyx.launcher.read_text()
    first = str(tmp_path / "changed")
    pyx.launcher.write_text(text.replace("sys.path[:] = [", f"sys.path[:] = [{first!r}, "))
    told = pyx("-c", "pass", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (70, "")
    assert told.stderr.startswith(f"pyx: {name_library('packaging')} does not do what pyx expects")
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("of nobody"),
        AttributeError("ours", name="x", obj=Choice()),
        AttributeError("of Python", name="x", obj=sys),
        ImportError("no name"),
        TypeError("neither"),
    ],
)
def test_what_is_no_librarys_is_not_laid_to_one(error: Exception) -> None:
    """A defect of pyx shows its traceback as before."""
    assert find_mismatch(error) is None

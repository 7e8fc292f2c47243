"""What no reader expects: it is told in one line with its place, and never by a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from trust.scene import BAD_LOCK, UNAVAILABLE
from wheelhouse import make_wheel

from pyx_launcher.errors import LockError, StoreError, reading
from pyx_launcher.store import processes

if TYPE_CHECKING:
    from trust.scene import Scene

DIGITS = "9" * 5000
DEEP = "a = " + "[" * 2000 + "]" * 2000
GIT = """\
lock-version = "1.0"
created-by = "x"
[[packages]]
name = "tick"
[packages.vcs]
type = "git"
url = "ssh://[x]/y"
requested-revision = "main"
commit-id = "0123456789012345678901234567890123456789"
"""


def pyproject_of(requires: str) -> str:
    """Return a project file that asks for such a Python."""
    return f'[project]\nname = "sample"\nversion = "1"\nrequires-python = "{requires}"\n'


FILES = {
    "a version of thousands of digits": (".python-version", f"3.{DIGITS}\n", ["info"]),
    "a version of hundreds of letters": (".python-version", "a" * 300 + "\n", ["info"]),
    "a Python of thousands of digits": ("pyproject.toml", pyproject_of(f">={DIGITS}"), ["lock"]),
    "a Python of hundreds of letters": ("pyproject.toml", pyproject_of("a" * 300), ["lock"]),
    "a project that nests too deeply": ("pyproject.toml", DEEP, ["add", "tick"]),
    "a repository at no address": ("pylock.toml", GIT, ["sync"]),
    "the same, shown": ("pylock.toml", GIT, ["tree"]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_no_reader_expects(scene: Scene, name: str) -> None:
    """One line that names the file, a hint at most, and nothing is left."""
    file, content, words = FILES[name]
    (scene.project / file).write_text(content)
    before = scene.list_tree()
    told = scene.pyx(*words, cwd=scene.project, env={"PYX_UV": "/bin/false"})
    assert told.returncode in (BAD_LOCK, UNAVAILABLE, 77), told.stderr
    lines = told.stderr.splitlines()
    assert lines[0].startswith("pyx: ")
    assert [line[:11] for line in lines[1:]] in ([], ["pyx: hint: "]), told.stderr
    assert max(map(len, lines)) < 1500
    assert scene.list_tree() == before


@pytest.mark.parametrize("words", [["script.py"], ["lock", "script.py"], ["info", "script.py"]])
@pytest.mark.parametrize("block", [DEEP, f'requires-python = ">={DIGITS}"\ndependencies = ["a"]'])
def test_an_inline_block_that_no_reader_expects(scene: Scene, block: str, words: list[str]) -> None:
    """It is named with its script."""
    if DIGITS in block and not hasattr(sys, "set_int_max_str_digits"):
        pytest.skip("up to 3.10.6 python reads numbers of any length")
    (scene.project / "script.py").write_text(
        f"# /// script\n# {block.replace(chr(10), chr(10) + '# ')}\n# ///\n"
    )
    told = scene.pyx(*words, cwd=scene.project, env={"PYX_UV": "/bin/false"})
    assert told.returncode == BAD_LOCK, told.stderr
    assert told.stderr.startswith(f"pyx: {scene.project / 'script.py'}: "), told.stderr
    assert "Traceback" not in told.stderr


def test_nothing_is_deleted_where_processes_cannot_be_listed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which environments run is not known then, so that any might; one line says so."""
    scene.lock(make_wheel(scene.wheels, "tick", "1.0"))
    assert scene.sync().returncode == 0
    place = tmp_path / "proc"
    (place / "self").mkdir(parents=True)
    (place / "self" / "cmdline").write_bytes(b"")

    def refuse(_: Path) -> None:
        raise PermissionError(13, os.strerror(13), str(place))

    monkeypatch.setattr(processes, "_PROCESSES", place)
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(StoreError, match="cannot tell which"):
        processes.find_running(())


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x\ny"),
        KeyError("x"),
        TypeError("x"),
        RecursionError(),
        OverflowError(),
        OSError(36, "x"),
    ],
)
def test_whatever_a_reader_raises_has_its_place(error: Exception) -> None:
    """Any error of a library becomes one of the file, in one line; faults of the disk do not."""
    with (
        pytest.raises(LockError, match=r"^/a/b: package: [^\n]*$"),
        reading(Path("/a/b"), "package"),
    ):
        raise error
    with pytest.raises(OSError, match="full"), reading(Path("/a/b")):
        raise OSError(28, "full")

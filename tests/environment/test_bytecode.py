"""Bytecode that is there before the first start: the same that the start would have written."""

from __future__ import annotations

import marshal
import stat
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from installed import PLAIN_PYTHON
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.cli.invocation import parse_invocation
from pyx_launcher.environment.bytecode import compile_copies
from pyx_launcher.errors import InterpreterError

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

    from pyx_launcher.interpreters.finder import Interpreter

BROKEN = "def f(:\n"
ASK = """\
import importlib.util, os
spec = importlib.util.find_spec("{0}")
print(os.path.exists(spec.cached))
"""


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Lock a plain distribution, and one with a file that is no Python."""
    files = {"tick/__init__.py": "x = 1\n", "tick/sub/deep.py": "def f():\n    return 'deep'\n"}
    artifacts = [
        make_wheel(wheels, "tick", "1.0", files=files),
        make_wheel(wheels, "tock", "1.0", files={"tock.py": "", "tock_py2.py": BROKEN}),
    ]
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
    return directory


def bytecode_below(home: Path) -> dict[str, Path]:
    """Return each file of bytecode in the store by its name."""
    return {path.name.split(".")[0]: path for path in (home / "store").rglob("*.pyc")}


def test_sync_compiles_what_an_import_would(pyx: Pyx, project: Path, pyx_home: Path) -> None:
    """Same place, same header, same code, same mode; what is no Python is counted and no error."""
    options = ("--python", PLAIN_PYTHON)
    told = pyx(*options, "sync", "--compile", cwd=project)
    assert told.returncode == 0
    assert told.stdout.splitlines()[-1].startswith("bytecode: 3 files compiled, 0 were already, 1 ")
    found = bytecode_below(pyx_home)
    assert sorted(found) == ["__init__", "deep", "tock"]
    compiled = {name: (path.read_bytes(), path.stat()) for name, path in found.items()}
    for path in found.values():
        path.unlink()
    pyx(*options, "-c", "import tick, tick.sub.deep, tock", cwd=project)
    for name, path in bytecode_below(pyx_home).items():
        data, info = compiled[name]
        imported = path.read_bytes()
        assert imported[:16] == data[:16]
        ours, theirs = (marshal.loads(raw[16:]) for raw in (data, imported))  # noqa: S302 -- our own.
        assert (ours, ours.co_filename) == (theirs, theirs.co_filename)
        assert stat.S_IMODE(info.st_mode) == stat.S_IMODE(path.stat().st_mode)


def test_a_start_takes_what_was_compiled(pyx: Pyx, project: Path, pyx_home: Path) -> None:
    """An import writes nothing, and neither does a second sync; what is stale is written again."""
    pyx("sync", "--compile", cwd=project)
    before = {path: path.stat() for path in bytecode_below(pyx_home).values()}
    pyx("-c", "import tick, tick.sub.deep, tock", cwd=project)
    second = pyx("sync", "--compile", cwd=project)
    assert "bytecode: 0 files compiled, 3 were already" in second.stdout
    assert {path: path.stat().st_ino for path in before} == {
        path: info.st_ino for path, info in before.items()
    }
    stale = bytecode_below(pyx_home)["deep"]
    stale.chmod(0o644)
    stale.write_bytes(b"\0" * 20)
    third = pyx("sync", "--compile", cwd=project)
    assert "bytecode: 1 files compiled, 2 were already" in third.stdout


def test_shared_names_are_compiled_where_they_are_found(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """Through the links of an environment as well, where several distributions share a package."""
    artifacts = [
        make_wheel(wheels, name, "1.0", files={"ns/__init__.py": "", f"ns/{name}.py": "y = 2\n"})
        for name in ("tick", "tock")
    ]
    (tmp_path / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
    pyx("sync", "--compile", cwd=tmp_path)
    for module in ("ns", "ns.tick", "ns.tock"):
        assert pyx("-B", "-c", ASK.format(module), cwd=tmp_path).stdout == "True\n"


def test_the_next_start_after_it_is_quick(pyx: Pyx, project: Path) -> None:
    """`--compile` is no part of the start that sync makes ready."""
    pyx("sync", "--compile", cwd=project)
    assert parse_invocation(["sync", "--compile"], {}).own == ()
    assert "fast path" in pyx("info", cwd=project).stdout


def test_only_sync_compiles(pyx: Pyx, project: Path) -> None:
    """A start has no such option, and neither has another verb."""
    for words in (["--compile", "x.py"], ["info", "--compile"]):
        told = pyx(*words, cwd=project)
        assert told.returncode == 64
        assert "unknown option --compile" in told.stderr


def test_it_works_for_every_interpreter(
    pyx: Pyx, project: Path, interpreters: dict[str, Path]
) -> None:
    """Each has its own files beside those of the others."""
    for python in interpreters.values():
        told = pyx("--python", python, "sync", "--compile", cwd=project)
        assert "bytecode: 3 files compiled, 0 were already, 1 cannot be" in told.stdout


def test_copies_are_compiled_with_the_variables_that_an_interpreter_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its libraries lie, above all; one that cannot start is an error of one line."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$LD_LIBRARY_PATH" = /libraries ] || exit 127\nexec {PLAIN_PYTHON} "$@"\n'
    )
    python.chmod(0o755)
    interpreter = cast("Interpreter", SimpleNamespace(path=python))
    (tmp_path / "module.py").write_text("x = 1\n")
    with pytest.raises(InterpreterError, match="cannot compile: it ended without an answer"):
        compile_copies(tmp_path, interpreter, ["."], kind="unchecked", home="")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/libraries")
    assert compile_copies(tmp_path, interpreter, ["."], kind="unchecked", home="").written == 1

"""What the slow path costs where nothing is to be fetched, by counts rather than by a clock."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import ROOT
from wheelhouse import make_wheel, poetry_lock_text, pylock_text

if TYPE_CHECKING:
    from indexserver import IndexServer
    from installed import Pyx

# Runs the launcher as its own program would, and tells what it had imported when it became another.
PROGRAM = """
import os, sys
path, arguments = eval(sys.argv[1]), sys.argv[2:]
sys.path[:] = path
sys.argv[:] = arguments
before = set(sys.modules)
def told(*_):
    print(*sorted(set(sys.modules) - before))
    sys.exit()
os.execve = told
from pyx_launcher.__main__ import main
main()
"""

FOR_FETCHES = {
    *(
        "_hashlib",
        "asyncio",
        "build",
        "concurrent.futures",
        "email",
        "findpython",
        "h11",
    ),
    *("http", "httpcore2", "httpx", "httpx2", "importlib.metadata", "installer", "multiprocessing"),
    *(
        "pyproject_hooks",
        "pyx_launcher.files.lock",
        "ssl",
        "tempfile",
        "tomlkit",
        "truststore",
        "unearth",
        "zipfile",
    ),
}
"""What is imported to ask a server, to unpack or to build."""

MAKING = 8
"""How many more make an environment that is not there."""

MOST_KNOWN = 67
"""How many a start needs that was decided before."""

MOST_MODULES = {None: 137, "pylock.toml": 152, "poetry.lock": 161}
"""As counted for a start without a lock and with each of these, without the folders' own empty
modules; two thirds are modules of Python that `packaging` needs as well."""


def modules_of_start(pyx: Pyx, project: Path) -> list[str]:
    """Return the modules that the slow path imports for a start in `project`."""
    path = [str(ROOT / "launcher"), str(ROOT / "runtime"), *filter(None, sys.path)]
    words = [sys.executable, "-I", "-c", PROGRAM, repr(path), str(pyx.launcher), "-c", "pass"]
    told = subprocess.run(
        words, cwd=project, env=pyx.variables(), capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    # From 3.12 on `tokenize` has a part that is built in.
    counted = (name for name in told.stdout.split() if name != "_tokenize")
    return [name for name in counted if not is_empty_folder(name)]


def is_empty_folder(name: str) -> bool:
    """Is this one of the launcher's folders, whose own module says what the folder is for?"""
    module = ROOT.joinpath("launcher", *name.split("."), "__init__.py")
    return module.is_file() and len(ast.parse(module.read_bytes()).body) == 1


@pytest.mark.parametrize("kind", ["pylock.toml", "poetry.lock"])
def test_what_is_there_is_started_with_few_imports(
    tmp_path: Path, wheels: Path, index: IndexServer, pyx: Pyx, kind: str
) -> None:
    """Neither an environment that is to be made nor one that is found needs the means to fetch."""
    scripts = {"tool": "pack_0:main"}
    artifacts = [
        make_wheel(wheels, f"pack-{n}", "1.0", entry_points=scripts if n == 0 else None)
        for n in range(20)
    ]
    first, second = tmp_path / "first", tmp_path / "second"
    for project, some in ((first, artifacts), (second, artifacts[:19])):
        project.mkdir()
        text = (
            pylock_text(some, index_url=index.url)
            if kind == "pylock.toml"
            else poetry_lock_text(some)
        )
        (project / kind).write_text(text)
    assert pyx("-c", "pass", cwd=first).returncode == 0
    asked = len(index.requests)
    made = modules_of_start(pyx, second)
    known = modules_of_start(pyx, second)
    shutil.rmtree(Path(pyx.environ["PYX_CACHE_DIR"]) / "decisions")
    found = modules_of_start(pyx, second)
    assert len(index.requests) == asked
    assert "pyx_launcher.environment.writer" in made
    assert "pyx_launcher.environment.writer" not in found
    assert len(found) <= MOST_MODULES[kind]
    assert len(made) <= MOST_MODULES[kind] + MAKING
    assert len(known) <= MOST_KNOWN
    for modules in (made, found):
        assert FOR_FETCHES.isdisjoint(modules)
        # Readers that have walked their own graph need no classes of pylock files.
        assert ("packaging.pylock" in modules) == (kind == "pylock.toml")
    assert not any(
        name.startswith(("packaging", "tomli", "pyx_launcher.selection")) for name in known
    )


def test_a_start_without_a_lock_imports_no_reader(tmp_path: Path, pyx: Pyx) -> None:
    """Not even what chooses from a lock, or makes an environment, if it is there already."""
    assert pyx("-c", "pass", cwd=tmp_path).returncode == 0
    shutil.rmtree(Path(pyx.environ["PYX_CACHE_DIR"]) / "decisions")
    modules = modules_of_start(pyx, tmp_path)
    assert len(modules) <= MOST_MODULES[None]
    assert FOR_FETCHES.isdisjoint(modules)
    needless = {"dataclasses", "pyx_launcher.build.builder", "pyx_launcher.environment.writer"}
    assert needless.isdisjoint(modules)

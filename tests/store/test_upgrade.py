"""The last version with a store of format 1, really run: an upgrade beside it, and a downgrade."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from installed import KINDS, ROOT, Pyx, build_native
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer

OLD = "b884cc22b805"
"""The last commit whose stores have format 1."""

PROGRAM = """\
import multiprocessing, subprocess, sys, one

def late(name):
    return __import__(name).__version__

if __name__ == "__main__":
    print("running", flush=True)
    for line in sys.stdin:
        how, name = line.split()
        if how == "import":
            told = late(name)
        elif how == "child":
            words = [sys.executable, "-c", f"import {name}; print({name}.__version__, end='')"]
            told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        else:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                told = pool.map(late, [name])[0]
        print(told, flush=True)
"""


@pytest.fixture
def old(pyx: Pyx, tmp_path: Path) -> Pyx:
    """Give the former version, installed beside this one for the same home."""
    tree = tmp_path / "old-tree"
    words = ("archive", OLD, "launcher", "runtime")
    packed = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip("absent: the history of the project, for the upgrade from its former version")
    tree.mkdir()
    subprocess.run(["tar", "-x"], cwd=tree, input=packed.stdout, check=True)
    (tmp_path / "old-native").mkdir()
    native = build_native(tmp_path / "old-native", *KINDS, source=tree / "launcher/native/pyx.c")
    if native is None:
        pytest.skip("absent: a C compiler, for the upgrade from the former version")
    return Pyx(tmp_path / "old", native, pyx.environ, tree=tree)


def test_an_upgrade_and_a_downgrade_with_a_program_running(
    old: Pyx, pyx: Pyx, tmp_path: Path, pyx_home: Path, wheels: Path, index: IndexServer
) -> None:
    """What runs goes on, nothing is fetched again, and the former version says that it is older."""
    names = ["one", "two", "three", "four", "five", "six"]
    artifacts = [make_wheel(wheels, name, "1.0") for name in names]
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.py").write_text(PROGRAM)
    (project / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
    assert old("sync", cwd=project).returncode == 0
    assert (pyx_home / "store" / ".format").read_text() == "1\n"
    asked = len(index.requests)
    with subprocess.Popen(
        [old.path, "main.py"],
        cwd=project,
        env=old.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == "running\n"

        def ask(how: str, name: str) -> str:
            print(how, name, file=running.stdin, flush=True)
            return running.stdout.readline().strip() if running.stdout else ""

        upgraded = pyx("-c", "import one; print(one.__version__)", cwd=project)
        assert upgraded.stdout == "1.0\n", upgraded.stderr
        assert (pyx_home / "store" / ".format").read_text() == "2\n"
        assert [ask("import", "two"), ask("child", "three"), ask("spawn", "four")] == ["1.0"] * 3
        assert pyx("store", "gc", "--keep", "0").returncode == 0
        assert [ask("import", "five"), ask("child", "six"), ask("spawn", "six")] == ["1.0"] * 3
    assert running.returncode == 0
    refused = old("sync", cwd=project)
    assert refused.returncode != 0
    assert len(refused.stderr.splitlines()) <= 2, refused.stderr
    assert "its format is 2" in refused.stderr
    assert pyx("store", "verify").returncode == 0
    assert pyx("main.py", cwd=project).stdout == "running\n"
    assert len(index.requests) == asked
    elsewhere = old("sync", cwd=project, env={"PYX_HOME": str(tmp_path / "elsewhere")})
    assert elsewhere.returncode == 0, elsewhere.stderr

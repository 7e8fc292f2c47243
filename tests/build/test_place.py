"""The environment that a build runs in is kept for the tree that is worked on, and never stale."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import PLAIN_PYTHON
from wheelhouse import make_source_tree, make_wheel

from pyx_launcher.build import place
from pyx_launcher.build.frontend import build_wheel
from pyx_launcher.build.process import BuildProcess
from pyx_launcher.errors import BuildError
from pyx_launcher.files.lock import take_lock
from pyx_launcher.interpreters.finder import probe_interpreter
from pyx_launcher.locks.common.packages import BuildRules

if TYPE_CHECKING:
    from indexserver import IndexServer

BACKEND = """
import buildtool, json, pathlib, sys
from treebackend import *
pathlib.Path("told.json").write_text(json.dumps([buildtool.VERSION, sys.prefix]))
def get_requires_for_build_editable(config_settings=None):
    return json.loads(pathlib.Path("asked.json").read_text())
"""


class Bench:
    """A tree with a backend that says what it was run with."""

    def __init__(self, base: Path, python: Path, environ: dict[str, str]) -> None:
        """Make the tree, and a place to keep its environment."""
        self.tree = make_source_tree(base / "tree", "demo", "1.0")
        (self.tree / "own.py").write_text(BACKEND, encoding="utf-8")
        self.require("buildtool")
        self.ask()
        self.kept = base / "kept" / "demo"
        self.wheels = base / "built"
        interpreter = probe_interpreter(python, cache=base / "interpreters", template=None)
        self.process = BuildProcess(
            label="demo",
            interpreter=interpreter,
            environ=environ,
            offline=False,
            log=base / "log",
        )

    def require(self, *requirements: str) -> None:
        """Have the tree require these for its build."""
        (self.tree / "pyproject.toml").write_text(
            f"[build-system]\nrequires = {json.dumps(requirements)}\n"
            'build-backend = "own"\nbackend-path = ["."]\n'
        )

    def ask(self, *requirements: str) -> None:
        """Have the backend itself ask for these."""
        (self.tree / "asked.json").write_text(json.dumps(requirements))

    def build(self, *constraints: str) -> tuple[str, str]:
        """Build; return the version of the tool that was there, and the prefix of the place."""
        self.process.open()
        build_wheel(
            self.tree,
            self.wheels,
            editable=True,
            bench=self.process,
            kept=self.kept,
            rules=BuildRules(constraints=constraints),
        ).unlink()
        version, prefix = json.loads((self.tree / "told.json").read_text())
        return version, prefix

    def installs(self) -> int:
        """Return how often the last build had pip install something."""
        return self.process.log.read_text(encoding="utf-8").count(" install --no-compile")


def make_tool(wheels: Path, version: str, name: str = "buildtool") -> None:
    """Put a version of a tool for builds on the index."""
    make_wheel(wheels, name, version, files={f"{name}.py": f"VERSION = {version!r}\n"})


@pytest.fixture
def bench(
    tmp_path: Path,
    interpreters: dict[str, Path],
    environ: dict[str, str],
    wheels: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:
    """Give a tree, for the newest interpreter, whose tool is on the index."""
    # As where pyx is installed, there is a pip beside the launcher.
    monkeypatch.setattr(sys, "executable", PLAIN_PYTHON)
    make_tool(wheels, "1.0")
    return Bench(tmp_path, [*interpreters.values()][-1], environ)


def test_a_second_build_installs_nothing(bench: Bench, wheels: Path, index: IndexServer) -> None:
    """It is in the same environment, and asks no index, also where there is a newer release."""
    assert bench.build() == ("1.0", str(bench.kept))
    assert bench.installs() == 1
    make_tool(wheels, "2.0")
    asked = len(index.requests)
    assert bench.build() == ("1.0", str(bench.kept))
    assert bench.installs() == 0
    assert len(index.requests) == asked


def test_other_requirements_mean_another_environment(bench: Bench, wheels: Path) -> None:
    """What was required before is not there any more, by the tree or by its backend."""
    make_tool(wheels, "1.0", "spare")
    bench.ask("spare")
    bench.build()
    assert bench.installs() == 2
    bench.build()
    assert bench.installs() == 0
    assert list(bench.kept.rglob("spare.py"))
    bench.ask()
    bench.require("buildtool", "spare")
    bench.build()
    assert bench.installs() == 1
    bench.require("buildtool")
    bench.build()
    assert bench.installs() == 1
    assert not list(bench.kept.rglob("spare.py"))


def test_constraints_hold_for_what_the_backend_asks_for(bench: Bench, wheels: Path) -> None:
    """As for what the tree requires, and other ones mean another environment."""
    make_tool(wheels, "1.0", "spare")
    make_tool(wheels, "2.0", "spare")
    bench.ask("spare")
    bench.build("spare<2")
    (module,) = bench.kept.rglob("spare.py")
    assert "1.0" in module.read_text()
    bench.build()
    (module,) = bench.kept.rglob("spare.py")
    assert "2.0" in module.read_text()


def test_another_index_and_another_day_are_asked_again(
    bench: Bench, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pip is told counts, in files as well; without a network age does not."""
    held = tmp_path / "held.txt"
    held.write_text("buildtool<3\n")
    environ = {**bench.process.environ, "PIP_CONSTRAINT": str(held)}
    bench.process = replace(bench.process, environ=environ)
    bench.build()
    make_tool(wheels, "2.0")
    held.write_text("buildtool<4\n")
    assert bench.build() == ("2.0", str(bench.kept))
    make_tool(wheels, "3.0")
    monkeypatch.setattr(place, "KEPT_FOR", 0)
    bench.process = replace(bench.process, offline=True)
    assert bench.build() == ("2.0", str(bench.kept))
    bench.process = replace(bench.process, offline=False)
    assert bench.build() == ("3.0", str(bench.kept))


def test_what_a_path_leads_to_is_built_with_once(bench: Bench, wheels: Path) -> None:
    """It may be another thing the next time, so nothing is kept."""
    path = make_wheel(wheels, "third", "1.0", files={"third.py": ""})
    bench.require("buildtool", f"third @ {path.as_uri()}")
    _, prefix = bench.build()
    assert prefix != str(bench.kept)
    assert not bench.kept.exists()


def test_a_kept_environment_that_was_changed_is_made_again(bench: Bench, wheels: Path) -> None:
    """What is missing or was written there would be found by the next build."""
    bench.build()
    (module,) = bench.kept.rglob("buildtool.py")
    module.unlink()
    make_tool(wheels, "2.0")
    assert bench.build() == ("2.0", str(bench.kept))
    (module,) = bench.kept.rglob("buildtool.py")
    module.with_name("stranger.py").touch()
    bench.build()
    assert not list(bench.kept.rglob("stranger.py"))


def test_a_build_that_fails_is_run_once(bench: Bench) -> None:
    """The environment is not to blame, and stays."""
    bench.build()
    (bench.tree / "FAIL").write_text("there is a slip in it")
    with pytest.raises(BuildError, match=r"its build backend failed \(exit status 1\)"):
        bench.build()
    assert bench.process.log.read_text().count("there is a slip in it") == 1
    assert bench.installs() == 0
    (bench.tree / "FAIL").unlink()
    bench.build()
    assert bench.installs() == 0


def test_two_builds_at_once_do_not_share_it(bench: Bench) -> None:
    """The second does not wait, and leaves nothing."""
    bench.build()
    held = take_lock(bench.kept.with_name("demo.lock"), patience=0)
    assert held is not None
    version, prefix = bench.build()
    held.release()
    assert version == "1.0"
    assert prefix != str(bench.kept)
    assert not Path(prefix).exists()


def test_what_nobody_builds_in_any_more_goes(bench: Bench) -> None:
    """A day after it was made, at the end of another build."""
    old, recent = bench.kept.with_name("old"), bench.kept.with_name("recent")
    for path in (old, recent):
        path.mkdir(parents=True)
    os.utime(old, (1, 1))
    bench.build()
    assert not old.exists()
    assert recent.exists()

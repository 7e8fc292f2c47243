"""Stacked environments: what tools append to a project, and that the project always wins."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from installed import SLOW_PATH
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

TELL = "import tick, tock; print(tick.__version__, tock.__version__)"


@dataclass(frozen=True, kw_only=True)
class World:
    """A project that locks tick 2.0, and `@dev`, which locks tick 1.0 and tock 1.0."""

    pyx: Pyx
    project: Path
    named: Path
    wheels: Path
    index: IndexServer

    def lock(self, directory: Path, *labels: str) -> None:
        """Make `directory` a project that locks ``NAME-VERSION`` for each label."""
        directory.mkdir(parents=True, exist_ok=True)
        artifacts = [make_wheel(self.wheels, *label.split("-")) for label in labels]
        self.lock_wheels(directory, artifacts)

    def lock_wheels(self, directory: Path, artifacts: list[Path]) -> None:
        """Make `directory` a project that locks `artifacts`."""
        directory.mkdir(parents=True, exist_ok=True)
        text = pylock_text(artifacts, index_url=self.index.url)
        (directory / "pylock.toml").write_text(text)

    def ask_for(self, tools: str) -> None:
        """Let the project's pyproject.toml say ``tools = TOOLS``."""
        (self.project / "pyproject.toml").write_text(f"[tool.pyx]\ntools = {tools}\n")

    def run(self, *words: str) -> tuple[str, str]:
        """Return what ``pyx`` prints in the project, on stdout and on stderr."""
        told = self.pyx(*words, cwd=self.project)
        return told.stdout.strip(), told.stderr


@pytest.fixture
def world(tmp_path: Path, wheels: Path, index: IndexServer, pyx: Pyx, pyx_home: Path) -> World:
    """Make the project and the environment."""
    made = World(
        pyx=pyx, project=tmp_path / "project", named=pyx_home / "named", wheels=wheels, index=index
    )
    made.lock(made.project, "tick-2.0")
    made.lock(made.named / "dev", "tick-1.0", "tock-1.0")
    return made


def test_an_option_appends_an_environment(world: World) -> None:
    """Its distributions can be imported beside the project's, which hides another version."""
    said = "pyx: tick 1.0 of @dev is hidden by tick 2.0 of the project\n"
    assert world.run("--with", "@dev", "-c", TELL) == ("2.0 1.0", said)
    # It is said when the environment is made, not at every start.
    assert world.run("--with", "@dev", "-c", TELL) == ("2.0 1.0", "")
    assert "No module named 'tock'" in world.run("-c", TELL)[1]


@pytest.mark.parametrize("tools", ['"@dev"', '["@dev"]', '["@dev", "@dev"]'])
def test_a_project_names_its_tools(world: World, tools: str) -> None:
    """A name or an array of them in the table of pyx is what `--with` would be."""
    world.ask_for(tools)
    assert world.run("-c", TELL)[0] == "2.0 1.0"
    assert "tools:         @dev\nhidden:        tick 1.0 of @dev" in world.run("info")[0]


def test_tools_add_up_and_the_first_wins(world: World) -> None:
    """The project's file comes before the command line; each hides what comes behind it."""
    world.lock(world.named / "more", "tock-3.0", "tack-1.0")
    world.ask_for('"@dev"')
    code = "import tack, tick, tock; print(tack.__version__, tick.__version__, tock.__version__)"
    out, said = world.run("--with=@more", "-c", code)
    assert out == "1.0 2.0 1.0"
    assert "tock 3.0 of @more is hidden by tock 1.0 of @dev" in said


def test_the_project_wins_a_file_that_both_have(world: World) -> None:
    """Also where distributions of different names hold the same module or program."""
    text = "def main():\n    print({!r})\n"
    for name in ("aaa", "zzz"):
        files = {"shared/__init__.py": text.format(name)}
        make_wheel(world.wheels, name, "1.0", files=files, entry_points={"say": "shared:main"})
    for own, tools in (("aaa", "zzz"), ("zzz", "aaa")):
        for directory, name in ((world.project, own), (world.named / "dev", tools)):
            wheel = next(world.wheels.glob(f"{name}-*.whl"))
            world.lock_wheels(directory, [wheel])
        assert world.run("--with=@dev", "-c", "import shared; shared.main()")[0] == own
        assert world.run("--with=@dev", "run", "say")[0] == own


def test_a_stacked_start_takes_the_fast_path(world: World) -> None:
    """And leaves it when the other environment's lock, or the project's wish, changes."""
    world.ask_for('"@dev"')
    time.sleep(2.1)
    for words in (["--with=@dev", "-c", TELL], ["-c", TELL]):
        world.run(*words)
        world.pyx.break_slow_path()
        assert world.run(*words)[0] == "2.0 1.0"
        world.pyx.repair_slow_path()
    world.lock(world.named / "dev", "tock-2.0")
    assert world.run("-c", TELL)[0] == "2.0 2.0"
    (world.project / "pyproject.toml").unlink()
    assert "No module named 'tock'" in world.run("-c", TELL)[1]


def test_a_wish_that_comes_later_is_noticed(world: World) -> None:
    """A record that was written without a project file does not hold once there is one."""
    time.sleep(2.1)
    code = "import tock; print(tock.__version__)"
    world.run("-c", code)
    world.pyx.break_slow_path()
    assert world.run("-c", code)[0] != SLOW_PATH
    world.pyx.repair_slow_path()
    world.ask_for('"@dev"')
    assert world.run("-c", code)[0] == "1.0"


def test_without_a_lock_there_are_the_tools_alone(world: World, tmp_path: Path) -> None:
    """A directory without a project can be given an environment the same way."""
    told = world.pyx("--with", "@dev", "-c", TELL, cwd=tmp_path)
    assert told.stdout == "1.0 1.0\n", told.stderr


def test_an_environment_is_not_stacked_on_itself(world: World) -> None:
    """`@dev` with `@dev` is `@dev`."""
    assert world.run("@dev", "--with", "@dev", "-c", TELL) == ("1.0 1.0", "")


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ('"dev"', "tool.pyx.tools: 'dev' is not the name of an environment"),
        ("1", "tool.pyx.tools: expected names"),
        ('["@dev", 1]', "tool.pyx.tools: expected names"),
        ('"@none"', "there is no environment @none"),
        ('"@../x"', "an environment cannot be named @../x"),
    ],
)
def test_a_wrong_wish_is_an_error(world: World, tools: str, said: str) -> None:
    """Nothing starts without what the project asks for, and one line says what is wrong."""
    world.ask_for(tools)
    out, err = world.run("-c", "print(1)")
    assert out == ""
    assert said in err.splitlines()[0]
    assert len(err.splitlines()) == 2

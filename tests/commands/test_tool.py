"""Programs with environments of their own: what is installed, linked, upgraded and taken away.

A lock is written here as a resolver would, from what the wheelhouse has; the command with the real
one is driven by `tests/oracle/test_tools.py`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.dirs import Dirs
from pyx_launcher.environment.writer import build_environment
from pyx_launcher.errors import (
    ArtifactError,
    RefusedError,
    StoreError,
    UnavailableError,
    UsageError,
)
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import probe_interpreter
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.progress import show_progress
from pyx_launcher.provision import provide
from pyx_launcher.selection import select
from pyx_launcher.tools import (
    EnvironmentMaker,
    Wish,
    install,
    list_installed,
    make_wish,
    prepare,
    uninstall,
    upgrade,
)

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

    from pyx_launcher.environment.directory import Environment
    from pyx_launcher.tools import Installed


@dataclass(kw_only=True)
class Workshop:
    """A home, a directory on PATH, a wheelhouse, and a resolver that takes its newest wheels."""

    root: Path
    python: Path
    native: Path
    environ: dict[str, str]
    locked: list[str] = field(default_factory=list)
    """The names of the wishes that were resolved, in order."""
    broken: bool = False
    """Shall the resolver fail?"""

    @property
    def dirs(self) -> Dirs:
        """Its home and cache."""
        return Dirs(home=self.root / "pyx-home", cache=self.root / "pyx-cache")

    @property
    def places(self) -> tuple[Path, Path]:
        """Where tools are installed, and where their links go."""
        return self.dirs.home / "tools", self.root / "bin"

    def make(self, name: str, version: str, *programs: str) -> None:
        """Put a wheel into the wheelhouse whose programs print its name and version."""
        files = {f"{name}.py": f"def main():\n    print('{name} {version}')\n"}
        points = dict.fromkeys(programs, f"{name}:main")
        make_wheel(self.root / "wheels", name, version, files=files, entry_points=points)

    def lock(self, directory: Path, wish: Wish) -> None:
        """Lock the newest wheel of everything that is wished for."""
        self.locked.append(wish.name)
        if self.broken:
            raise ArtifactError(f"{directory}/pylock.toml: nothing found for {directory}")
        artifacts = []
        for text in wish.requirements:
            wished = Requirement(text)
            wheels = (self.root / "wheels").glob(f"{wished.name}-*.whl")
            fitting = [path for path in wheels if path.name.split("-")[1] in wished.specifier]
            artifacts.append(max(fitting, key=lambda path: path.name))
        (directory / "pylock.toml").write_text(pylock_text(artifacts))

    def build(self, directory: Path, wish: Wish) -> Environment:
        """Make the environment of the lock in `directory`."""
        interpreter = probe_interpreter(
            self.python, cache=self.dirs.interpreters, template=find_template()
        )
        selection = select(read_lock(directory / "pylock.toml"), interpreter, Choice())
        entries = provide(
            selection,
            interpreter,
            self.dirs,
            self.environ,
            offline=True,
            progress=show_progress,
        ).entries
        return build_environment(self.dirs, interpreter, entries, self.native)[0]

    @property
    def means(self) -> EnvironmentMaker:
        """The functions above."""
        return EnvironmentMaker(lock=self.lock, build=self.build, python=lambda _: "3.9")

    def install(self, *requirements: str) -> Installed:
        """Install what is wished for."""
        return install(*self.places, make_wish(requirements, None), self.means)[0]

    def upgrade(self, name: str) -> tuple[str, str]:
        """Upgrade `name`, and return the old and the new version."""
        old, new = upgrade(*self.places, name, self.means)
        return old, new.version

    def says(self, program: str) -> str:
        """Return what a program on PATH prints."""
        command = [self.places[1] / program]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def on_path(self) -> list[str]:
        """Return the names in the directory on PATH."""
        return sorted(path.name for path in self.places[1].iterdir())

    def tools(self) -> list[str]:
        """Return every name where tools are installed, also those of leftovers."""
        return sorted(path.name for path in self.places[0].iterdir())


@pytest.fixture
def shop(
    tmp_path: Path, native: Path, environ: dict[str, str], interpreters: dict[str, Path]
) -> Workshop:
    """Make a workshop with tick 1.0, which has two programs."""
    python = list(interpreters.values())[-1]
    made = Workshop(root=tmp_path, python=python, native=native, environ=environ)
    made.make("tick", "1.0", "tick", "ticker")
    return made


def test_programs_are_on_path(shop: Workshop) -> None:
    """Each console script of the distribution is a link that runs; those of others are not."""
    shop.make("tock", "1.0", "tock")
    found = shop.install("tick", "tock")
    assert (found.version, found.programs) == ("1.0", ("tick", "ticker"))
    assert shop.on_path() == ["tick", "ticker"]
    assert shop.says("ticker") == "tick 1.0"
    link = shop.places[1] / "tick"
    assert link.readlink() == shop.places[0] / "tick" / "environment" / "bin" / "tick"


def test_what_is_installed_is_listed(shop: Workshop) -> None:
    """With the wish as it was typed, the version it came to and the names on PATH."""
    assert list_installed(*shop.places) == []
    shop.install("tick[extra]>=1")
    (found,) = list_installed(*shop.places)
    assert found.wish.requirements == ("tick[extra]>=1",)
    assert (found.wish.name, found.version) == ("tick", "1.0")
    assert found.programs == ("tick", "ticker")


def test_an_upgrade_moves_all_programs_at_once(shop: Workshop) -> None:
    """Programs that came get a link, those that went lose theirs, and one link leads to all."""
    shop.install("tick")
    shop.make("tick", "2.0", "tick", "tack")
    assert shop.upgrade("tick") == ("1.0", "2.0")
    assert shop.on_path() == ["tack", "tick"]
    assert shop.says("tick") == "tick 2.0"
    assert shop.upgrade("Tick") == ("2.0", "2.0")
    assert shop.tools() == ["tick"]


def test_an_upgrade_that_fails_changes_nothing(shop: Workshop) -> None:
    """Neither where the resolver fails, nor where a new program's name is taken."""
    shop.install("tick")
    before = {path: path.read_bytes() for path in (shop.places[0] / "tick").glob("py*")}
    shop.make("tick", "2.0", "tick", "tack")
    shop.broken = True
    with pytest.raises(ArtifactError):
        shop.upgrade("tick")
    shop.broken = False
    (shop.places[1] / "tack").touch()
    with pytest.raises(RefusedError):
        shop.upgrade("tick")
    assert {path: path.read_bytes() for path in (shop.places[0] / "tick").glob("py*")} == before
    assert shop.says("tick") == "tick 1.0"
    assert shop.tools() == ["tick"]


def test_an_installation_that_fails_leaves_nothing(shop: Workshop) -> None:
    """Whatever fails: the resolver, a library without programs, a name that is taken."""
    shop.broken = True
    with pytest.raises(ArtifactError):
        shop.install("tick")
    shop.broken = False
    shop.make("lib", "1.0")
    with pytest.raises(UnavailableError, match="lib has no programs") as caught:
        shop.install("lib")
    assert "`pyx add @default lib`" in (caught.value.hint or "")
    shop.places[1].mkdir()
    (shop.places[1] / "ticker").write_text("mine")
    with pytest.raises(RefusedError, match=f"not made for tick: {shop.places[1]}/ticker"):
        shop.install("tick")
    assert shop.tools() == []
    assert shop.on_path() == ["ticker"]
    assert (shop.places[1] / "ticker").read_text() == "mine"


def test_two_tools_do_not_take_each_others_names(shop: Workshop) -> None:
    """The second says which link is not its own; once the first is gone it can have it."""
    shop.make("other", "1.0", "tick")
    shop.install("tick")
    with pytest.raises(RefusedError, match="not made for other"):
        shop.install("other")
    uninstall(*shop.places, "tick")
    shop.install("other")
    assert shop.says("tick") == "other 1.0"


def test_a_tool_is_installed_once(shop: Workshop) -> None:
    """However its name is spelled, a second time is no error and locks nothing."""
    shop.install("tick")
    found, is_new = install(*shop.places, make_wish(["Tick"], None), shop.means)
    assert (found.version, found.programs, is_new) == ("1.0", ("tick", "ticker"), False)
    assert shop.locked == ["tick"]


def test_links_that_are_gone_come_back(shop: Workshop) -> None:
    """A second installation is one where no program of it is left on PATH."""
    shop.install("tick")
    for path in shop.places[1].iterdir():
        path.unlink()
    assert shop.install("tick").programs == ("tick", "ticker")
    assert shop.says("tick") == "tick 1.0"


def test_force_makes_it_anew_and_takes_the_names(shop: Workshop) -> None:
    """What else has a name of its programs gives way, which it does not without."""
    shop.places[1].mkdir()
    (shop.places[1] / "tick").write_text("somebody else's")
    wish = make_wish(["tick"], None)
    with pytest.raises(RefusedError):
        install(*shop.places, wish, shop.means)
    for _ in range(2):
        found, is_new = install(*shop.places, wish, shop.means, is_forced=True)
        assert (found.programs, is_new) == (("tick", "ticker"), True)
    assert shop.says("tick") == "tick 1.0"
    assert shop.locked == ["tick"] * 3


def test_a_directory_is_the_project_in_it(tmp_path: Path) -> None:
    """Its name is what its pyproject.toml says; one that says nothing is refused."""
    directory = tmp_path / "some dir"
    directory.mkdir()
    with pytest.raises(
        UsageError, match=r"holds no project: it has no pyproject.toml or setup\.py"
    ):
        make_wish([str(directory)], None)
    (directory / "pyproject.toml").touch()
    with pytest.raises(UsageError, match="does not say what the project there is called"):
        make_wish([str(directory)], None)
    (directory / "pyproject.toml").write_text('[project]\nname = "Tick"\nversion = "1"\n')
    wish = make_wish([str(directory)], None)
    assert (wish.name, wish.is_editable) == ("tick", False)
    assert wish.requirements == (f"Tick @ {directory.as_uri()}",)


def test_another_version_takes_the_place_of_the_installed_one(shop: Workshop) -> None:
    """An older one as well; if it cannot be had, the installed one stays as it is."""
    shop.make("tick", "2.0", "tick", "tack")
    assert shop.install("tick").version == "2.0"
    shop.broken = True
    with pytest.raises(ArtifactError):
        shop.install("tick==1.0")
    shop.broken = False
    assert shop.says("tick") == "tick 2.0"
    assert shop.install("tick==1.0").version == "1.0"
    assert (shop.says("tick"), shop.on_path()) == ("tick 1.0", ["tick", "ticker"])
    assert shop.upgrade("tick") == ("1.0", "1.0")
    assert shop.install("tick").version == "2.0"


def test_no_error_names_a_directory_that_is_gone(shop: Workshop) -> None:
    """What is made aside until it is whole is called by the name of what was asked for."""
    shop.broken = True
    with pytest.raises(ArtifactError) as caught:
        shop.install("tick>=1")
    assert caught.value.message == "tick/pylock.toml: nothing found for tick>=1"


def test_uninstalling_takes_its_own_links_alone(shop: Workshop) -> None:
    """Directory and links go, a link of the same directory that leads elsewhere stays."""
    shop.install("tick")
    (shop.places[1] / "mine").symlink_to("/nowhere")
    assert uninstall(*shop.places, "TICK") == ("tick", "ticker")
    assert shop.on_path() == ["mine"]
    assert shop.tools() == []
    for act in (shop.upgrade, lambda name: uninstall(*shop.places, name)):
        with pytest.raises(UsageError, match="tick is not installed"):
            act("tick")


@pytest.mark.parametrize("text", ["", "-x", "a b", "tick=="])
def test_what_is_no_requirement_is_said(text: str) -> None:
    """Before anything is made."""
    with pytest.raises(UsageError, match="is not a valid requirement"):
        make_wish([text], None)


def test_a_directory_that_cannot_be_written_is_said(shop: Workshop) -> None:
    """A file has the place of the directory of tools."""
    shop.dirs.home.mkdir()
    shop.places[0].touch()
    with pytest.raises(StoreError, match="tools"):
        shop.install("tick")


def test_a_program_that_is_run_is_locked_once(shop: Workshop) -> None:
    """For some days; an older lock is made anew, and one that failed is no lock."""
    cache = shop.dirs.cache / "tools" / "tick"
    wish = make_wish(["tick"], None)
    shop.broken = True
    with pytest.raises(ArtifactError):
        prepare(cache, wish, shop.means, days=1)
    shop.broken = False
    first = prepare(cache, wish, shop.means, days=1)
    shop.make("tick", "2.0", "tick")
    assert prepare(cache, wish, shop.means, days=1).path == first.path
    assert shop.locked == ["tick", "tick"]
    past = (cache / "locked").stat().st_mtime - 90_000
    os.utime(cache / "locked", (past, past))
    assert prepare(cache, wish, shop.means, days=1).path != first.path
    assert [path.name for path in cache.parent.iterdir()] == ["tick"]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("run python@latest -V", "pyx -V"),
        ("run --python 3.12 python x.py", "pyx --python 3.12 x.py"),
        ("run --offline python3.12 x.py", "pyx --offline --python 3.12 x.py"),
        ("run --from python@3.12 python x.py", "pyx --python 3.12 x.py"),
        ("run python>=3.12", "pyx --python 3.12"),
        ("run cpython x.py", "pyx x.py"),
        ("run Python", "`pyx` alone starts the prompt"),
        ("run --with python tick", "leave it out; --python chooses one"),
        ("install python3.13t", "pyx tool run uv python install 3.13t"),
        ("install python", "pyx tool run uv python install VERSION"),
    ],
)
def test_python_is_no_tool(pyx: Pyx, index: IndexServer, line: str, hint: str) -> None:
    """However it is spelt, an index has a stranger's package of that name, and is not asked."""
    told = pyx("tool", *line.split())
    assert (told.returncode, told.stdout) == (64, "")
    assert told.stderr.endswith(f"pyx: hint: {hint}\n")
    assert index.requests == []


@pytest.mark.network
def test_a_directory_is_run_by_the_name_of_its_project(
    pyx: Pyx, index: IndexServer, uv: Path, tmp_path: Path
) -> None:
    """However its path is written; what is behind it is the program's, empty or not."""
    pyx.environ["PYX_UV"] = str(uv)
    directory = tmp_path / "there"
    directory.mkdir()
    (directory / "pyproject.toml").write_text(
        '[project]\nname = "tick"\nversion = "1"\n[project.scripts]\ntick = "tick:main"\n'
        '[build-system]\nrequires = []\nbuild-backend = "tick"\nbackend-path = ["."]\n'
    )
    text = "import sys\ndef main():\n    print('ran', sys.argv[1:])\n"
    points = {"tick": "tick:main"}
    built = make_wheel(directory, "tick", "1", files={"tick.py": text}, entry_points=points)
    (directory / "tick.py").write_text(
        "import shutil\ndef build_wheel(directory, *settings):\n"
        f"    shutil.copy({str(built)!r}, directory)\n    return {built.name!r}\n"
    )
    for typed in ("./there", "there/", f"../{tmp_path.name}/there", str(directory)):
        told = pyx("tool", "run", typed, "a", "", cwd=tmp_path)
        assert (told.returncode, told.stdout) == (0, "ran ['a', '']\n"), told.stderr


@pytest.mark.parametrize("action", ["uninstall", "upgrade"])
def test_a_path_is_no_tool(pyx: Pyx, tmp_path: Path, action: str) -> None:
    """And what it leads to stays there."""
    directory = tmp_path / "mine"
    directory.mkdir()
    (directory / "pyproject.toml").write_text("[project]\nname = 'mine'\nversion = '1'\n")
    for name in (str(directory), "/", "./mine"):
        told = pyx("tool", action, name, cwd=tmp_path)
        assert (told.returncode, told.stderr) == (
            64,
            f"pyx: {name} is not installed\npyx: hint: pyx tool list\n",
        )
    assert (directory / "pyproject.toml").is_file()


@pytest.mark.network
def test_what_stands_beside_a_tool_stays_with_it(
    pyx: Pyx, wheels: Path, uv: Path, tmp_path: Path
) -> None:
    """A name alone asks for nothing that is not there; ``--force`` takes it as it was typed."""
    pyx.environ["PYX_UV"] = str(uv)
    text = "def main():\n    pass\n"
    make_wheel(wheels, "tick", "1.0", files={"tick.py": text}, entry_points={"tick": "tick:main"})
    make_wheel(wheels, "tock", "1.0")
    said = [
        pyx("tool", "install", *words, cwd=tmp_path).stdout
        for words in (("tick", "--with", "tock"), ("tick",), ("--force", "tick"), ("tick",))
    ]
    assert said == [
        "tick 1.0: tick\n",
        "tick 1.0 is installed already, with tock (--force: without): tick\n",
        "tick 1.0: tick\n",
        "tick 1.0 is installed already: tick\n",
    ]
    make_wheel(wheels, "windy", "1.0")
    pyx("tool", "install", "tick", "--with", "tock", cwd=tmp_path)
    told = pyx("tool", "install", "tick", "--with", "windy", cwd=tmp_path)
    command = "pyx tool install tick --with windy --with tock"
    line = f"pyx: tick has tock beside it no longer; `{command}` has it back"
    assert line in told.stderr.splitlines()
    assert "no longer" not in pyx(*shlex.split(command)[1:], cwd=tmp_path).stderr


@pytest.mark.network
def test_the_latest_is_the_newest_whatever_is_installed(
    pyx: Pyx, wheels: Path, uv: Path, tmp_path: Path
) -> None:
    """As with uv, ``NAME@latest`` passes over what is installed, where NAME alone takes it."""
    pyx.environ["PYX_UV"] = str(uv)

    def make(version: str) -> None:
        text = f"def main():\n    print({version!r})\n"
        files, points = {"tick.py": text}, {"tick": "tick:main"}
        make_wheel(wheels, "tick", version, files=files, entry_points=points)

    def say(*words: str) -> str:
        return pyx("tool", *words, cwd=tmp_path).stdout

    make("1.0")
    say("install", "tick")
    make("2.0")
    assert say("run", "tick") == say("run", "tick@1.0") == "1.0\n"
    assert say("run", "tick@latest") == say("run", "--from", "tick@latest", "tick") == "2.0\n"
    assert say("install", "tick@latest") == "tick 2.0: tick\n"
    assert say("install", "tick@latest") == "tick 2.0 is installed already: tick\n"

"""The oracle of the Pipfile.lock reader: what the installed Pipenv itself installs.

Each project is locked by the real Pipenv against an index on loopback that holds invented
distributions, and then `pipenv sync` fills an empty environment for each choice of categories.
The reader has to name the same distributions, and the same versions where the lock has them. The
tests are skipped where no Pipenv is on the path or named by `PYX_ORACLE_PIPENV`.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from indexserver import IndexServer
from wheelhouse import make_sdist, make_source_tree, make_wheel

from oracle.universe import (
    YANKED,
    fill,
    make_environment,
    make_repository,
    read_installed,
    run_tool,
)
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIPENV = os.environ.get("PYX_ORACLE_PIPENV") or shutil.which("pipenv")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.network,
    pytest.mark.skipif(PIPENV is None, reason="no Pipenv on the path or in PYX_ORACLE_PIPENV"),
]

SOURCE = """\
[[source]]
name = "loopback"
url = "${PYX_TEST_INDEX}"
verify_ssl = false
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """A way of writing a project, with the categories that are worth a comparison."""

    project: str
    categories: tuple[str, ...] = ()
    """Further categories than ``packages`` and ``dev-packages``."""


HABITS = {
    "categories": Habit(
        project="""\
[packages]
terminal = "==8.1.7"
[dev-packages]
test-runner = "*"
[docs]
html-render = "*"
terminal = "*"
[Type_Checks]
typing-backport = "*"
""",
        categories=("docs", "Type_Checks"),
    ),
    "extras and markers": Habit(
        project="""\
[packages]
web-client = {version = "*", extras = ["socks"]}
everything = {version = "*", extras = ["all"]}
windows-colour = {version = "*", markers = "sys_platform == 'win32'"}
charset = {version = "*", markers = "python_version < '3.12'"}
zipper = {version = "<3.18", markers = "sys_platform == 'linux' or os_name == 'nt'"}
[dev-packages]
plug = {version = "*", markers = "python_version >= '3.11'"}
""",
    ),
    "places": Habit(
        project="""\
[packages]
path-tree = {path = "./libs/tree"}
edit-tree = {path = "./libs/edit", editable = true}
local-wheel = {path = "./libs/local_wheel-0.5-py3-none-any.whl"}
local-sdist = {file = "./libs/local_sdist-0.6.tar.gz"}
git-tree = {git = "https://example.org/git-tree.git", ref = "v1"}
slow-build = "*"
""",
    ),
    "versions": Habit(
        project="""\
[packages]
engine = "==1.0+cpu"
epochal = "*"
withdrawn = "==1.1"
"Google_Cloud.Store" = "*"
google-core = "*"
[dev-packages]
zipper = "<3.18"
metadata-reader = "*"
""",
    ),
    "two indexes": Habit(
        project="""\
[[source]]
name = "private"
url = "{private}"
verify_ssl = false
[packages]
secret-sauce = {version = "*", index = "private"}
file-lock = "*"
""",
    ),
}


def questions(habit: Habit) -> list[tuple[list[str], Choice]]:
    """Return the options of Pipenv that are compared, each with the choice that means the same."""
    asked = [([], Choice())]
    if "[dev-packages]" in habit.project:
        asked.append((["--dev"], Choice(groups=("develop",))))
    for category in habit.categories:
        only = Choice(only_groups=(category,))
        asked.append((["--categories", category], only))
    if habit.categories:
        names = " ".join(("packages", "dev-packages", *habit.categories))
        asked.append((["--categories", names], Choice(all_groups=True)))
    return asked


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a directory with the local parts of a project, and fill the index."""
    fill(wheels)
    index.yanked |= YANKED
    libs = tmp_path / "project" / "libs"
    make_source_tree(libs / "tree", "path-tree", "0.3")
    make_source_tree(libs / "edit", "edit-tree", "0.4")
    make_wheel(libs, "local-wheel", "0.5", requires=["name-codec"])
    make_sdist(libs, "local-sdist", "0.6")
    return libs.parent


@pytest.fixture
def private(tmp_path: Path) -> Iterator[IndexServer]:
    """Run a second index, which alone has one of the distributions."""
    with IndexServer(tmp_path / "private") as server:
        make_wheel(server.directory, "secret-sauce", "1.2")
        yield server


@pytest.fixture
def pipenv_environ(
    tmp_path: Path, environ: dict[str, str], index: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Give the variables for Pipenv; one repository of the network is one on this machine."""
    # The lock keeps the name of the variable, so the reader has to know it as well.
    monkeypatch.setenv("PYX_TEST_INDEX", index.url)
    kept = {key: value for key, value in environ.items() if not key.startswith("PIPENV_")}
    return (
        kept
        | make_repository(tmp_path / "repository", "git-tree", "0.7")
        | {
            "PYX_TEST_INDEX": index.url,
            "PIPENV_VENV_IN_PROJECT": "1",
            "PIPENV_IGNORE_VIRTUALENVS": "1",
            "PIPENV_CACHE_DIR": str(tmp_path / "cache"),
            "PIPENV_NOSPIN": "1",
        }
    )


@pytest.mark.parametrize("python", ["3.10", "3.13"])
@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_same_selection(
    project: Path,
    pipenv_environ: dict[str, str],
    interpreters: dict[str, Path],
    private: IndexServer,
    *,
    habit: Habit,
    python: str,
) -> None:
    """Whatever categories are chosen, the reader selects what Pipenv installs."""
    if python not in interpreters:
        pytest.skip(f"no CPython {python} here")
    text = SOURCE + habit.project.replace("{private}", private.url)
    (project / "Pipfile").write_text(text)
    make_environment(project / ".venv", interpreters[python])
    names = " ".join(("packages", "dev-packages", *habit.categories))
    run_tool(PIPENV, project, pipenv_environ, "lock", "--categories", names)
    lock = read_lock(project / "Pipfile.lock")
    for flags, choice in questions(habit):
        shutil.rmtree(project / ".venv")
        environment, markers = make_environment(project / ".venv", interpreters[python])
        run_tool(PIPENV, project, pipenv_environ, "sync", *flags)
        wanted = read_installed(environment)
        packages = to_pylock(lock, markers, choice).packages
        assert {package.name for package in packages} == set(wanted), flags
        known = {p.name: str(p.version) for p in packages if p.version is not None}
        assert known == {name: wanted[name] for name in known}, flags

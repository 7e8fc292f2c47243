"""The oracle of the pdm.lock reader: what the installed PDM itself would install.

Each project is locked by the real PDM against an index on loopback that holds invented
distributions, once so that the candidates say what they are for and once with static URLs and
no such metadata. Then `pdm sync` says what it would put into an empty environment, and for the
default it does so. The tests are skipped where no PDM is on the path or named by
`PYX_ORACLE_PDM`.
"""

from __future__ import annotations

import os
import re
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

PDM = os.environ.get("PYX_ORACLE_PDM") or shutil.which("pdm")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.network,
    pytest.mark.skipif(PDM is None, reason="no PDM on the path or in PYX_ORACLE_PDM"),
]

HEAD = """\
[project]
name = "sample"
version = "0.1.0"
requires-python = ">=3.9"
"""

SOURCE = """
[[tool.pdm.source]]
name = "pypi"
url = "{index}"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """A way of writing a project, with the choices that are worth a comparison."""

    project: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    locks: tuple[tuple[str, ...], ...] = (("-G:all",),)
    """The options of each `pdm lock`, where several make one lock."""


HABITS = {
    "groups": Habit(
        project="""\
dependencies = ["terminal==8.1.7"]
[dependency-groups]
lint = ["style-check"]
Dev_Tools = [{include-group = "lint"}, "ini-reader<2"]
[tool.pdm.dev-dependencies]
test = ["test-runner"]
""",
        groups=("default", "lint", "dev-tools", "test"),
    ),
    "extras": Habit(
        project="""\
dependencies = ["six-ways"]
[project.optional-dependencies]
net = ["web-client[socks]", "http-cache[filecache]"]
Full_Set = ["sample[net]", "everything[all]", "html-render"]
[dependency-groups]
dev = ["http-two[http2]"]
""",
        extras=("net", "full-set"),
        groups=("dev",),
    ),
    "extras that were not locked": Habit(
        project="""\
dependencies = ["six-ways"]
[project.optional-dependencies]
net = ["web-client"]
[dependency-groups]
dev = ["plug"]
""",
        groups=("default", "dev"),
        locks=((),),
    ),
    "markers": Habit(
        project="""\
dependencies = [
    "plug; python_version < '3.12'",
    "windows-colour; sys_platform == 'win32'",
    "html-render; sys_platform == 'linux' and python_version >= '3.11'",
    "name-codec; platform_python_implementation == 'PyPy' or sys_platform == 'linux'",
    "test-runner",
]
[dependency-groups]
dev = ["typing-backport; python_version >= '3.11'", "charset; os_name == 'nt'"]
""",
        groups=("default", "dev"),
    ),
    "forks": Habit(
        project="""\
dependencies = [
    "zipper<3.18; python_version < '3.11'",
    "zipper>=3.18; python_version >= '3.11'",
    "metadata-reader",
    "test-runner",
]
[project.optional-dependencies]
old = ["ini-reader<2; python_version < '3.11'", "ini-reader; python_version >= '3.11'"]
""",
        extras=("old",),
        locks=(("-G:all", "--python=<3.11"), ("-G:all", "--python=>=3.11", "--append")),
    ),
    "platforms": Habit(
        project="""\
dependencies = ["terminal", "zipper<3.18; sys_platform == 'win32'"]
[dependency-groups]
dev = ["zipper; sys_platform != 'win32'"]
""",
        groups=("default", "dev"),
        locks=(
            ("-G:all", "--platform=manylinux_2_17_x86_64"),
            ("-G:all", "--platform=manylinux_2_17_aarch64", "--append"),
            ("-G:all", "--platform=windows", "--append"),
            ("-G:all", "--platform=macos_arm64", "--append"),
        ),
    ),
    "places": Habit(
        project="""\
dependencies = [
    "path-tree @ file:///${PROJECT_ROOT}/libs/tree",
    "local-wheel @ file:///${PROJECT_ROOT}/libs/local_wheel-0.5-py3-none-any.whl",
    "local-sdist[more] @ file:///${PROJECT_ROOT}/libs/local_sdist-0.6.tar.gz",
    "url-wheel @ {files}/url_wheel-0.9-py3-none-any.whl",
    "slow-build",
]
[project.optional-dependencies]
git = ["git-tree @ git+https://example.org/git-tree.git@v1"]
[tool.pdm.dev-dependencies]
work = ["-e file:///${PROJECT_ROOT}/libs/edit#egg=edit-tree"]
[build-system]
requires = ["pdm-backend"]
build-backend = "pdm.backend"
""",
        extras=("git",),
        groups=("default", "work"),
    ),
    "versions": Habit(
        project="""\
dependencies = [
    "engine==1.0+cpu",
    "epochal",
    "withdrawn==1.1",
    "Google_Cloud.STORE",
    "google-core",
]
""",
        groups=("default",),
    ),
    "conflicts": Habit(
        project="""\
dependencies = ["metadata-reader<7", "zipper<3.18", "test-runner", "everything[one,two]"]
[tool.pdm.resolution]
excludes = ["Toml_Reader", "plug"]
[tool.pdm.resolution.overrides]
Zipper = "3.19.0"
""",
        groups=("default",),
    ),
    "circle": Habit(
        project="""\
dependencies = []
[project.optional-dependencies]
one = ["cycle-a"]
[dependency-groups]
two = ["cycle-b", "sample[one]"]
""",
        extras=("one",),
        groups=("two",),
    ),
    "two indexes": Habit(
        project="""\
dependencies = ["plug", "secret-sauce"]
[[tool.pdm.source]]
name = "private"
url = "{private}"
include_packages = ["secret-*"]
""",
        groups=("default",),
    ),
}

STRATEGIES = {
    "inherited": "inherit_metadata",
    "walked": "no_inherit_metadata,static_urls",
}


def questions(habit: Habit) -> list[tuple[list[str], Choice]]:
    """Return the options of PDM that are compared, each with the choice that means the same."""
    asked = [([], Choice())]
    if habit.extras:
        asked.append((["-G", ":all"], Choice(all_extras=True)))
    for extra in habit.extras:
        asked.append((["-G", extra], Choice(extras=(extra,))))
        asked.append((["--prod", "-G", extra], Choice(extras=(extra,), default_groups=False)))
    for group in habit.groups:
        if group == "default":
            asked.append((["--prod"], Choice(default_groups=False)))
        else:
            asked.append((["--no-default", "-G", group], Choice(only_groups=(group,))))
    return asked


@pytest.fixture
def urls(tmp_path: Path, index: IndexServer) -> Iterator[dict[str, str]]:
    """Run a second index, which alone has one of the distributions; give all URLs by name."""
    with IndexServer(tmp_path / "private") as private:
        make_wheel(private.directory, "secret-sauce", "1.2", requires=["plug"])
        yield {
            "{index}": index.url,
            "{private}": private.url,
            "{files}": index.file_url("").rstrip("/"),
        }


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a directory with the local parts of a project, and fill the index."""
    fill(wheels)
    index.yanked |= YANKED
    make_wheel(wheels, "url-wheel", "0.9")
    libs = tmp_path / "project" / "libs"
    make_source_tree(libs / "tree", "path-tree", "0.3")
    make_source_tree(libs / "edit", "edit-tree", "0.4")
    make_wheel(libs, "local-wheel", "0.5", requires=["name-codec"])
    make_sdist(libs, "local-sdist", "0.6")
    return libs.parent


@pytest.fixture
def pdm_environ(tmp_path: Path, environ: dict[str, str]) -> dict[str, str]:
    """Give the variables for PDM; one repository of the network is one on this machine."""
    kept = {key: value for key, value in environ.items() if not key.startswith("PDM_")}
    return (
        kept
        | make_repository(tmp_path / "repository", "git-tree", "0.7")
        | {"PDM_CHECK_UPDATE": "0", "PDM_CACHE_DIR": str(tmp_path / "cache")}
    )


@pytest.mark.parametrize("python", ["3.10", "3.13"])
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_same_selection(
    project: Path,
    pdm_environ: dict[str, str],
    interpreters: dict[str, Path],
    urls: dict[str, str],
    *,
    habit: Habit,
    strategy: str,
    python: str,
) -> None:
    """Whatever groups and extras are chosen, the reader selects what PDM would install."""
    if python not in interpreters:
        pytest.skip(f"no CPython {python} here")
    text = HEAD + habit.project + SOURCE
    for name, url in urls.items():
        text = text.replace(name, url)
    (project / "pyproject.toml").write_text(text)
    environment, markers = make_environment(project / ".venv", interpreters[python])
    environ = pdm_environ | {"VIRTUAL_ENV": str(environment)}
    for options in habit.locks:
        changed = () if "--append" in options else ("-S", strategy)
        run_tool(PDM, project, environ, "lock", *options, *changed)
    lock = read_lock(project / "pdm.lock")
    for flags, choice in questions(habit):
        output = run_tool(PDM, project, environ, "sync", "--no-self", "--dry-run", *flags)
        wanted = dict(re.findall(r"(?m)^  - (\S+) (\S+)$", output))
        found = {p.name: str(p.version) for p in to_pylock(lock, markers, choice).packages}
        assert found == wanted, (flags, output)
    run_tool(PDM, project, environ, "sync", "--no-self")
    found = {p.name: str(p.version) for p in to_pylock(lock, markers, Choice()).packages}
    assert found == read_installed(environment)

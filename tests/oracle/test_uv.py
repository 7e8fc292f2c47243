"""The oracle of the uv.lock reader: what the installed uv itself would install.

Each project is locked by the real uv against indexes on loopback that hold invented
distributions, and then `uv sync --dry-run` says what it would put into an empty environment.
The reader has to name the same distributions in the same versions. The tests are skipped where
no uv is on the path or named by `PYX_ORACLE_UV`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from indexserver import IndexServer
from wheelhouse import make_sdist, make_source_tree, make_wheel

from oracle.universe import YANKED, fill, make_environment, run_tool
from pyx_launcher.errors import UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaging.markers import Environment

UV = os.environ.get("PYX_ORACLE_UV") or shutil.which("uv")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.network,
    pytest.mark.skipif(UV is None, reason="no uv on the path or in PYX_ORACLE_UV"),
]

PROJECT = """\
[project]
name = "sample"
version = "0.1.0"
requires-python = ">=3.10"
"""

INDEXES = """
[[tool.uv.index]]
name = "second"
url = "{second}"
explicit = true
[[tool.uv.index]]
name = "directory"
url = "flat"
format = "flat"
explicit = true
[[tool.uv.index]]
name = "loopback"
url = "{first}"
default = true
"""

BUILD = """
[build-system]
requires = []
build-backend = "treebackend"
backend-path = ["."]
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """A way of writing a project, with the choices that are worth a comparison."""

    project: str
    trees: dict[str, str] = field(default_factory=dict)
    """Further projects: the directory, with its pyproject.toml."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    starts: tuple[str, ...] = (".",)
    """The directories from which `uv sync` is asked."""


def member(name: str, rest: str, head: str = 'version = "0.3"', *, build: bool = False) -> str:
    """Return the pyproject.toml of a member of a workspace."""
    text = f'[project]\nname = "{name}"\n{head}\nrequires-python = ">=3.10"\n{rest}\n'
    return text + BUILD if build else text


HABITS = {
    "markers": Habit(
        project=PROJECT
        + """\
dependencies = [
    "terminal", "test-runner", "metadata-reader>=7", "zipper<3.18; python_version < '3.12'",
    "html-render; sys_platform == 'win32'", "charset; platform_machine != 'nothing'",
    "six-ways; implementation_name == 'cpython' and python_full_version >= '3.10.2'",
]
""",
    ),
    "forks": Habit(
        project=PROJECT
        + """\
dependencies = [
    "zipper==3.15.0; python_version < '3.11'",
    "zipper==3.17.0; python_version >= '3.11' and python_version < '3.13'",
    "zipper==3.19.0; python_version >= '3.13'",
    "metadata-reader==6.0.0; sys_platform == 'win32'",
    "metadata-reader==7.0.0; sys_platform != 'win32'",
    "everything[all]",
]
""",
    ),
    "extras": Habit(
        project=PROJECT
        + """\
dependencies = ["everything[one]"]
[project.optional-dependencies]
net = ["web-client[socks]", "sample[Speed_Up]"]
Speed_Up = ["bytes-pack", "six-ways; python_version >= '3.12'"]
web = ["http-two[http2]", "http-cache[filecache]"]
empty = []
every = ["sample[net,web]"]
""",
        extras=("net", "speed-up", "web", "empty", "every"),
    ),
    "groups": Habit(
        project=PROJECT
        + """\
dependencies = ["plug"]
[dependency-groups]
dev = [{include-group = "Lint_Tools"}, "ini-reader==2.0.0"]
Lint_Tools = ["style-check"]
docs = ["html-render", {include-group = "dev"}, "cycle-a"]
empty = []
[project.optional-dependencies]
net = ["web-client"]
""",
        groups=("lint-tools", "docs", "dev", "empty"),
        extras=("net",),
    ),
    "default groups": Habit(
        project=PROJECT
        + """\
[dependency-groups]
dev = ["plug"]
test = ["test-runner", "sample[net]"]
docs = ["html-render"]
[project.optional-dependencies]
net = ["web-client[socks]"]
[tool.uv]
default-groups = ["test", "docs"]
""",
        groups=("dev", "test"),
        extras=("net",),
    ),
    "all groups by default": Habit(
        project=PROJECT
        + """\
[dependency-groups]
a = ["plug"]
b = ["zipper"]
[tool.uv]
default-groups = "all"
""",
        groups=("a",),
    ),
    "dev-dependencies of old": Habit(
        project=PROJECT
        + """\
dependencies = ["certificates"]
[tool.uv]
dev-dependencies = ["test-runner", "ini-reader<2"]
""",
        groups=("dev",),
    ),
    "conflicting extras": Habit(
        project=PROJECT
        + """\
dependencies = ["metadata-reader", "terminal"]
[project.optional-dependencies]
cpu = ["engine==1.0+cpu", "zipper==3.15.0"]
old = ["engine==1.0", "zipper==3.17.0; python_version < '3.12'", "sample[net]"]
net = ["web-client[socks]"]
[dependency-groups]
dev = ["zipper"]
[tool.uv]
conflicts = [[{extra = "cpu"}, {extra = "old"}]]
""",
        extras=("cpu", "old", "net"),
    ),
    "conflicting groups": Habit(
        project=PROJECT
        + """\
dependencies = ["metadata-reader", "everything[all]"]
[project.optional-dependencies]
cpu = ["zipper==3.15.0"]
[dependency-groups]
dev = ["zipper==3.19.0"]
other = ["zipper==3.17.0", "ini-reader==1.1.1"]
third = ["ini-reader==2.0.0", "sample[cpu]"]
[tool.uv]
conflicts = [
    [{group = "dev"}, {group = "other"}, {extra = "cpu"}],
    [{group = "other"}, {group = "third"}],
]
""",
        extras=("cpu",),
        groups=("dev", "other", "third"),
    ),
    "workspace": Habit(
        project=PROJECT
        + """\
dependencies = ["member-a[fast]", "zipper"]
[dependency-groups]
dev = ["plug"]
shared = ["file-lock"]
both = ["charset"]
[tool.uv.workspace]
members = ["packages/*"]
[tool.uv.sources]
member-a = {workspace = true}
"""
        + BUILD,
        trees={
            "packages/a": member(
                "Member_A",
                """\
dependencies = ["member-b", "plug"]
[project.optional-dependencies]
fast = ["epochal", "member-b[net]"]
# member-b
# plug
# epochal; extra == 'fast'
# member-b[net]; extra == 'fast'
[dependency-groups]
dev = ["name-codec"]
both = ["frames"]
[tool.uv.sources]
member-b = {workspace = true}
""",
                'dynamic = ["version"]',
                build=True,
            ),
            "packages/b": member(
                "member-b",
                """\
dependencies = ["certificates"]
[project.optional-dependencies]
net = ["web-client"]
[dependency-groups]
test = ["test-runner"]
[tool.uv]
default-groups = ["test"]
package = false
""",
            ),
            "packages/c": member("member-c", 'dependencies = ["six-ways"]', build=True),
        },
        extras=("fast", "net"),
        groups=("dev", "test", "shared", "both"),
        starts=(".", "packages/a", "packages/b", "packages/c", "packages/a/src"),
    ),
    "workspace without a project": Habit(
        project="""\
[dependency-groups]
dev = ["certificates", "member-b[net]", "zipper<3.18; python_version < '3.12'", "zipper"]
docs = ["html-render"]
[tool.uv.workspace]
members = ["packages/*"]
[tool.uv.sources]
member-b = {workspace = true}
""",
        trees={
            "packages/a": member(
                "member-a",
                'dependencies = ["plug"]\n[dependency-groups]\ndev = ["name-codec"]\n'
                'docs = ["cycle-a"]\n[project.optional-dependencies]\nnet = ["frames"]',
            ),
            "packages/b": member(
                "member-b",
                'dependencies = ["six-ways"]\n[project.optional-dependencies]\n'
                'net = ["web-client[socks]"]\n',
                build=True,
            ),
        },
        extras=("net",),
        groups=("dev", "docs"),
        starts=(".", "packages/a", "packages/b"),
    ),
    "conflicting members": Habit(
        project=PROJECT
        + """\
dependencies = ["plug"]
[tool.uv]
conflicts = [[{package = "member-a"}, {package = "member-b"}]]
[tool.uv.workspace]
members = ["packages/*"]
""",
        trees={
            "packages/a": member(
                "member-a", 'dependencies = ["zipper==3.15.0", "metadata-reader"]'
            ),
            "packages/b": member(
                "member-b", 'dependencies = ["zipper==3.19.0", "metadata-reader"]'
            ),
        },
        starts=(".", "packages/a", "packages/b"),
    ),
    "sources": Habit(
        project=PROJECT
        + """\
dependencies = [
    "from-git", "from-part", "from-path", "from-tree", "from-editable", "from-url", "from-sdist",
    "from-virtual", "slow-build", "plug",
]
[dependency-groups]
dev = ["only-second", "only-flat"]
[tool.uv.sources]
from-git = {git = "{git}", tag = "v1"}
from-part = {git = "{git}", subdirectory = "part", branch = "main"}
from-path = {path = "files/from_path-1.0-py3-none-any.whl"}
from-sdist = {path = "files/from_sdist-1.5.tar.gz"}
from-tree = {path = "trees/tree"}
from-virtual = {path = "trees/virtual", package = false}
from-editable = {path = "trees/editable", editable = true}
from-url = {url = "{files}/from_url-4.0-py3-none-any.whl"}
only-second = {index = "second"}
only-flat = {index = "directory"}
""",
    ),
    "versions": Habit(
        project=PROJECT
        + """\
dependencies = [
    "epochal", "engine==1.0+cpu", "withdrawn==1.1", "GOOGLE.cloud_STORE", "google-core", "cycle-b",
]
[project.optional-dependencies]
"Ni.ce" = []
""",
        extras=("ni-ce",),
    ),
    "environments": Habit(
        project=PROJECT
        + """\
dependencies = ["terminal", "test-runner"]
[tool.uv]
environments = ["sys_platform == 'linux'", "sys_platform == 'darwin' and python_version > '3.10'"]
required-environments = ["sys_platform == 'linux' and platform_machine == 'x86_64'"]
""",
    ),
    "overrides": Habit(
        project=PROJECT
        + """\
dependencies = ["metadata-reader", "web-client", "http-two[http2]"]
[tool.uv]
override-dependencies = ["zipper==3.17.0", "charset; sys_platform == 'win32'"]
constraint-dependencies = ["metadata-reader<7"]
""",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A directory for a project, and the indexes and the repository that it needs."""

    directory: Path
    index: IndexServer
    second: IndexServer
    repository: Path

    def read(self, start: str, markers: Environment, choice: Choice) -> dict[str, str | None]:
        """Return what the reader selects."""
        lock = read_lock(self.directory / "uv.lock", self.directory / start)
        packages = to_pylock(lock, markers, choice).packages
        return {p.name: str(p.version) if p.version else None for p in packages}


@pytest.fixture
def second(tmp_path: Path) -> Iterator[IndexServer]:
    """Run another index, which alone has one of the distributions."""
    directory = tmp_path / "second"
    make_wheel(directory, "only-second", "1.0", requires=["zipper"])
    make_wheel(directory, "plug", "9.9")
    with IndexServer(directory) as server:
        yield server


@pytest.fixture
def place(
    tmp_path: Path, index: IndexServer, second: IndexServer, environ: dict[str, str]
) -> Place:
    """Fill the index, and give a directory with the trees and files that projects point at."""
    fill(index.directory)
    index.yanked |= YANKED
    make_wheel(index.directory, "from-url", "4.0", requires=["zipper"])
    repository = make_source_tree(tmp_path / "repository", "from-git", "1.0", requires=["frames"])
    make_source_tree(repository / "part", "from-part", "2.0")
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "x"),
        ("tag", "v1"),
    ):
        subprocess.run(["git", *words], cwd=repository, env=environ, check=True)
    directory = tmp_path / "project"
    make_wheel(directory / "files", "from-path", "1.0", requires=["certificates"])
    make_sdist(directory / "files", "from-sdist", "1.5")
    make_wheel(directory / "flat", "only-flat", "1.0")
    for name in ("tree", "virtual", "editable"):
        tree = directory / "trees" / name
        make_source_tree(tree, f"from-{name}", "1.0", requires=["cycle-a"])
    return Place(directory=directory, index=index, second=second, repository=repository)


@pytest.fixture(params=["3.10", "3.13"])
def markers(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    interpreters: dict[str, Path],
    environ: dict[str, str],
) -> Environment:
    """Create an empty environment, tell uv to use it, and give its marker environment."""
    if request.param not in interpreters:
        pytest.skip(f"no CPython {request.param} here")
    environment, markers = make_environment(tmp_path / "environment", interpreters[request.param])
    environ |= {
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_PROJECT_ENVIRONMENT": str(environment),
        "UV_PYTHON": str(environment / "bin" / "python"),
        "UV_NO_PROGRESS": "1",
    }
    return markers


def write_projects(place: Place, habit: Habit) -> None:
    """Write the projects of a habit, each so that it could be built."""
    places = {
        "first": place.index.url,
        "second": place.second.url,
        "files": place.index.file_url("").rstrip("/"),
        "git": place.repository.as_uri(),
    }
    texts = {".": habit.project + INDEXES, **habit.trees}
    for where, text in texts.items():
        tree = place.directory / where
        name = re.search(r'(?m)^name = "(.*)"', text)
        # What uv learns by building a project with a dynamic version.
        requires = re.findall(r"(?m)^# (.*)", text)
        make_source_tree(tree, name[1] if name else "none", "0.3", requires=requires)
        if requires:
            with (tree / "PKG-INFO").open("a") as file:
                file.write("Provides-Extra: fast\n")
        (tree / "pyproject.toml").write_text(fill_in(text, places))


def fill_in(text: str, places: dict[str, str]) -> str:
    """Return `text` with each ``{name}`` replaced by the URL of that name."""
    for key, value in places.items():
        text = text.replace(f"{{{key}}}", value)
    return text


def questions(habit: Habit) -> list[tuple[list[str], Choice]]:
    """Return the options of uv that are compared, each with the choice that means the same."""
    asked = [
        ([], Choice()),
        (["--no-default-groups"], Choice(default_groups=False)),
        (["--all-groups"], Choice(all_groups=True)),
        (["--all-extras"], Choice(all_extras=True)),
    ]
    for extra in habit.extras:
        asked.append((["--extra", extra], Choice(extras=(extra,))))
        options = ["--extra", extra, "--no-default-groups"]
        asked.append((options, Choice(extras=(extra,), default_groups=False)))
    for group in habit.groups:
        asked.append((["--group", group], Choice(groups=(group,))))
        options = ["--group", group, "--no-default-groups"]
        asked.append((options, Choice(groups=(group,), default_groups=False)))
    return asked


def ask(directory: Path, environ: dict[str, str], options: list[str]) -> dict[str, str] | str:
    """Return what uv would install into an empty environment, or how it refuses."""
    done = subprocess.run(
        [cast("str", UV), "sync", "--frozen", "--dry-run", *options],
        cwd=directory,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.stderr
    found = re.findall(r"(?m)^ \+ ([^=\s]+)(?:==| @ )(\S+)", done.stderr)
    # With conflicts uv may install several versions over one another, which nobody can mean.
    return dict(found) if len(dict(found)) == len(found) else done.stderr


SCRIPT = """\
# /// script
# requires-python = ">=3.10"
# dependencies = [
#     "test-runner", "web-client[socks]", "zipper<3.18; python_version < '3.12'", "zipper",
#     "html-render; sys_platform == 'win32'",
# ]
# [[tool.uv.index]]
# url = "{first}"
# default = true
# ///
"""


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_same_selection(
    place: Place, environ: dict[str, str], markers: Environment, habit: Habit
) -> None:
    """Whatever extras and groups are chosen, the reader selects what uv would install."""
    write_projects(place, habit)
    run_tool(UV, place.directory, environ, "lock")
    for start in habit.starts:
        for options, choice in questions(habit):
            wanted = ask(place.directory / start, environ, options)
            if isinstance(wanted, str):
                with pytest.raises(UsageError):
                    place.read(start, markers, choice)
                continue
            found = place.read(start, markers, choice)
            assert set(found) == set(wanted), (start, options)
            for name, version in wanted.items():
                # A tree or a repository has no version before it is built.
                assert "://" in version or found[name] == version, (start, options)


def test_same_selection_for_a_script(
    place: Place, environ: dict[str, str], markers: Environment
) -> None:
    """The lock beside a script means what uv would install for the script."""
    directory = place.directory
    (directory / "tool.py").write_text(SCRIPT.format(first=place.index.url))
    run_tool(UV, directory, environ, "lock", "--script", "tool.py")
    wanted = ask(directory, environ, ["--script", "tool.py"])
    packages = to_pylock(read_lock(directory / "tool.py.lock"), markers, Choice()).packages
    assert {p.name: str(p.version) for p in packages} == wanted

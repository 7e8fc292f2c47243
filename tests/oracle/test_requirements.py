"""The oracle of the requirements.txt reader: what the installed pip itself would install.

The files are written by `uv pip compile --generate-hashes` against an index on loopback that
holds invented distributions, or by hand, and `pip install --dry-run --report` says what it would
put into an empty environment. The reader has to name the same distributions in the same
versions, and to refuse what pip refuses. The tests are skipped where there is no pip on the path
or in `PYX_ORACLE_PIP`, those that compile also without uv.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest
from packaging.utils import canonicalize_name
from wheelhouse import sha256

from oracle.universe import fill, make_environment, run_tool
from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from packaging.markers import Environment

PIP = os.environ.get("PYX_ORACLE_PIP") or shutil.which("pip")
UV = os.environ.get("PYX_ORACLE_UV") or shutil.which("uv")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.network,
    pytest.mark.skipif(PIP is None, reason="no pip on the path or in PYX_ORACLE_PIP"),
]

HABITS = {
    "markers": """\
terminal
test-runner
html-render; sys_platform == 'win32'
six-ways; python_version >= '3.12'
""",
    "forks": """\
zipper==3.15.0; python_version < '3.11'
zipper==3.19.0; python_version >= '3.11'
metadata-reader
""",
    "extras": "web-client[socks]\neverything[all]\nhttp-two[http2]\n",
    "versions": "epochal\nGOOGLE.cloud_STORE\nengine==1.0+cpu\nslow-build\ncycle-a\n",
}

# Files by hand: requirements.txt, and behind each line ``> NAME`` another file. Distributions
# between braces stand for their hash; {index}, {files} and {links} for where things are.
FILES = {
    "includes": """\
# A comment
-r more/base.txt  # and one behind a line
plug==1.4.0 {plug-1.4.0-py3-none-any.whl} \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
> more/base.txt
-r deep.txt
zipper == 3.17.0 ; python_version < "3.12" \\
    {zipper-3.17.0-py3-none-any.whl}
zipper===3.19.0; python_version >= "3.12" {zipper-3.19.0-py3-none-any.whl}
> more/deep.txt
Six.Ways[extra] ==1.16.0 {six_ways-1.16.0-py3-none-any.whl}
""",
    "constraints": """\
-c constraints.txt
plug==1.4.0 {plug-1.4.0-py3-none-any.whl}
zipper==3.17.0 {zipper-3.17.0-py3-none-any.whl}
> constraints.txt
zipper<3.19
html-render==1
plug>=1 ; sys_platform == 'linux'
charset==0 ; sys_platform == 'win32'
""",
    "twice": """\
plug==1.4.0 {plug-1.4.0-py3-none-any.whl}
-r other.txt
> other.txt
plug==1.4.0 {plug-1.4.0-py3-none-any.whl} --hash=sha256:00
""",
    "index options": """\
--index-url {index}
--trusted-host=127.0.0.1
--only-binary :all:
--pre
plug==1.4.0 {plug-1.4.0-py3-none-any.whl}
""",
    "links": """\
--no-index
-f{links}
plug==1.4.0 {plug-1.4.0-py3-none-any.whl}
""",
    "variables": """\
--extra-index-url ${PYX_TEST_INDEX}
plug==${PYX_TEST_VERSION} {plug-1.4.0-py3-none-any.whl}
""",
    "direct": """\
plug @ {files}plug-1.4.0-py3-none-any.whl {plug-1.4.0-py3-none-any.whl}
{files}zipper-3.17.0-py3-none-any.whl#sha256={zipper-3.17.0-py3-none-any.whl#}
file://{links}/six_ways-1.16.0-py3-none-any.whl {six_ways-1.16.0-py3-none-any.whl}
files/charset-3.3.2-py3-none-any.whl {charset-3.3.2-py3-none-any.whl}
""",
}

REFUSED = {
    "unpinned": "plug>=1.4.0 {plug-1.4.0-py3-none-any.whl}\n",
    "unhashed": "zipper==3.17.0\nplug==1.4.0 {plug-1.4.0-py3-none-any.whl}\n",
    "unhashed by a link": """\
plug==1.4.0 {plug-1.4.0-py3-none-any.whl}
{files}zipper-3.17.0-py3-none-any.whl
""",
    "pinned by a constraint alone": """\
plug {plug-1.4.0-py3-none-any.whl}
-c constraints.txt
> constraints.txt
plug==1.4.0
""",
    "editable": "-e ./tree\nplug==1.4.0 {plug-1.4.0-py3-none-any.whl}\n",
    "different versions": """\
zipper==3.17.0 {zipper-3.17.0-py3-none-any.whl}
zipper==3.19.0 {zipper-3.19.0-py3-none-any.whl}
""",
    "excluded by a constraint": """\
zipper==3.17.0 {zipper-3.17.0-py3-none-any.whl}
-c constraints.txt
> constraints.txt
zipper>3.18
""",
    "unknown option": "--planet=x\nplug==1.4.0 {plug-1.4.0-py3-none-any.whl}\n",
    "weak hash": "plug==1.4.0 --hash=md5:00\n",
    "missing file": "-r missing.txt\n",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A directory for requirements, with the environment that they are meant for."""

    directory: Path
    python: Path
    markers: Environment
    environ: dict[str, str]

    def ask(self, *names: str) -> dict[str, str] | str:
        """Return what pip would install of these files, or how it refuses."""
        words = ["install", "--quiet", "--dry-run", "--ignore-installed", "--require-hashes"]
        words += ["--no-build-isolation", "--report", "-"]
        words += [word for name in names or ("requirements.txt",) for word in ("-r", name)]
        done = subprocess.run(
            [cast("str", PIP), "--python", self.python, *words],
            cwd=self.directory,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return done.stderr
        found = (item["metadata"] for item in json.loads(done.stdout)["install"])
        return {canonicalize_name(item["name"]): item["version"] for item in found}

    def read(self, *names: str) -> dict[str, str]:
        """Return what the reader selects of these files."""
        path, *more = [self.directory / name for name in names or ("requirements.txt",)]
        lock = read_lock(path, self.directory, more)
        return {p.name: str(p.version) for p in to_pylock(lock, self.markers, Choice()).packages}


@pytest.fixture(params=["3.10", "3.13"])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    wheels: Path,
    interpreters: dict[str, Path],
    environ: dict[str, str],
) -> Place:
    """Fill the index, and create an empty environment."""
    if request.param not in interpreters:
        pytest.skip(f"no CPython {request.param} here")
    fill(wheels)
    environment, markers = make_environment(tmp_path / "environment", interpreters[request.param])
    directory = tmp_path / "project"
    directory.mkdir()
    environ |= {
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_INDEX_URL": environ["PIP_INDEX_URL"],
        "PIP_CACHE_DIR": str(tmp_path / "pip-cache"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    python = environment / "bin" / "python"
    return Place(directory=directory, python=python, markers=markers, environ=environ)


@pytest.mark.skipif(UV is None, reason="no uv on the path or in PYX_ORACLE_UV")
@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_same_selection_of_what_uv_compiles(place: Place, habit: str) -> None:
    """A compiled file means what pip would install, for every Python that it is for."""
    (place.directory / "requirements.in").write_text(habit)
    words = ["pip", "compile", "--universal", "--generate-hashes", "--python-version", "3.10"]
    words += ["--emit-index-url", "-o", "requirements.txt", "requirements.in"]
    run_tool(UV, place.directory, place.environ, *words)
    assert place.read() == place.ask()


@pytest.mark.skipif(UV is None, reason="no uv on the path or in PYX_ORACLE_UV")
def test_same_selection_of_layers(place: Place) -> None:
    """Layers as pip-tools describes them: one is compiled under the constraints of the other.

    The files are read as a set, and by one that includes them.
    """
    (place.directory / "main.in").write_text(HABITS["markers"])
    (place.directory / "dev.in").write_text("-r main.in\n-c main.txt\nweb-client[socks]\nplug\n")
    (place.directory / "all.pip").write_text("-r main.txt\n-r dev.txt\n-c main.txt\n")
    words = ["pip", "compile", "--universal", "--generate-hashes", "--python-version", "3.10"]
    for name in ("main", "dev"):
        run_tool(UV, place.directory, place.environ, *words, "-o", f"{name}.txt", f"{name}.in")
    sets = (("main.txt", "dev.txt"), ("dev.txt", "main.txt"), ("all.pip",), ("main.txt",))
    found = [place.read(*names) for names in sets]
    assert found == [place.ask(*names) for names in sets]
    assert found[0] == found[1] == found[2] != found[3]


@pytest.mark.parametrize(
    "texts",
    [
        ("zipper==3.17.0 {zipper-3.17.0-py3-none-any.whl}",) * 2,
        (
            "zipper==3.17.0 {zipper-3.17.0-py3-none-any.whl}",
            "zipper==3.19.0 {zipper-3.19.0-py3-none-any.whl}",
        ),
        ("zipper==3.17.0 {zipper-3.17.0-py3-none-any.whl}", "-c c.txt\n> c.txt\nzipper<3.17"),
    ],
    ids=["twice", "different versions", "excluded by the other"],
)
def test_same_set(place: Place, wheels: Path, index: IndexServer, texts: tuple[str, str]) -> None:
    """Several files mean what pip would install of all of them, or are refused as by pip."""
    write_files(place, wheels, index, f"{texts[0]}\n> second.txt\n{texts[1]}")
    theirs = place.ask("requirements.txt", "second.txt")
    if isinstance(theirs, dict):
        assert place.read("requirements.txt", "second.txt") == theirs
        return
    with pytest.raises(LockError):
        place.read("requirements.txt", "second.txt")


def write_files(place: Place, wheels: Path, index: IndexServer, text: str) -> None:
    """Write the files that `text` consists of."""
    values = {"index": index.url, "files": index.file_url(""), "links": str(wheels)}
    for path in wheels.iterdir():
        values[path.name] = f"--hash=sha256:{sha256(path)}"
        values[f"{path.name}#"] = sha256(path)
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    (place.directory / "files").symlink_to(wheels)
    for part in f"\n> requirements.txt\n{text}".split("\n> ")[1:]:
        name, _, content = part.partition("\n")
        path = place.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content + "\n")


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_same_selection(
    place: Place, wheels: Path, index: IndexServer, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file by hand means what pip would install."""
    for name, value in {"PYX_TEST_INDEX": index.url, "PYX_TEST_VERSION": "1.4.0"}.items():
        monkeypatch.setenv(name, value)
        place.environ[name] = value
    write_files(place, wheels, index, text)
    assert place.read() == place.ask()


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_same_refusal(place: Place, wheels: Path, index: IndexServer, text: str) -> None:
    """What pip refuses is an error here too."""
    write_files(place, wheels, index, text)
    assert isinstance(place.ask(), str)
    with pytest.raises(LockError):
        place.read()

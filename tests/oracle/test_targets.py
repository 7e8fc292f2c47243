"""The oracle of the tags of other machines: which wheels uv takes for a platform that it is told.

For each tag there is a project whose version 2 has a wheel with that tag alone, and whose version 1
has a portable one. `uv pip compile` for a platform then takes version 2 exactly where it finds the
tag usable, so one call tells of all of them. The indexes are on loopback, the wheels real.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from indexserver import IndexServer
from targets import MACHINES, make_interpreter
from wheelhouse import make_wheel

from oracle.universe import run_tool
from pyx_launcher.errors import ArtifactError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.selection import select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UV = os.environ.get("PYX_ORACLE_UV") or shutil.which("uv")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(UV is None, reason="no uv on the path or in PYX_ORACLE_UV"),
]

PLATFORMS = (
    "linux_x86_64",
    "macosx_10_9_universal2",
    "macosx_10_9_x86_64",
    "macosx_11_0_arm64",
    "macosx_13_0_x86_64",
    "macosx_14_0_arm64",
    "manylinux1_x86_64",
    "manylinux2014_aarch64",
    "manylinux2014_x86_64",
    "manylinux_2_17_aarch64",
    "manylinux_2_28_aarch64",
    "manylinux_2_28_x86_64",
    "manylinux_2_29_x86_64",
    "musllinux_1_1_aarch64",
    "musllinux_1_2_x86_64",
    "musllinux_1_3_x86_64",
    "win32",
    "win_amd64",
    "win_arm64",
)
ABIS = ("cp312-cp312", "cp310-abi3", "cp313-cp313", "cp313-cp313t", "cp312-none", "py3-none")
TAGS = (
    *(f"{abi}-{platform}" for abi in ABIS for platform in PLATFORMS),
    "cp312-none-any",
    "cp39-none-any",
    "cp313-none-any",
    "py312-none-any",
    "py39-none-any",
    "py313-none-any",
    "py2.py3-none-any",
    "py2-none-any",
)

# The tag of a wheel that was built for the machine itself: pip takes it there, and uv, which is
# told of a platform that it is not on, does not.
NATIVE = re.compile(r"-linux_x86_64\Z")


def project(number: int) -> str:
    """Return the name of the project for a tag."""
    return f"tagged-{number}"


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    """Run an index of all the projects."""
    wheels = tmp_path_factory.mktemp("tagged")
    for number, tag in enumerate(TAGS):
        make_wheel(wheels, project(number), "1.0")
        make_wheel(wheels, project(number), "2.0", tag=tag)
    with IndexServer(wheels) as server:
        yield server


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the cache of uv, which then asks for each wheel's metadata only once."""
    return tmp_path_factory.mktemp("uv-cache")


def uv_takes(directory: Path, cache: Path, index: str, machine: str, python: str) -> set[str]:
    """Return the tags that uv finds usable on a machine with this version of Python."""
    (directory / "wanted.in").write_text("\n".join(map(project, range(len(TAGS)))))
    told = run_tool(
        UV,
        directory,
        {**os.environ, "UV_CACHE_DIR": str(cache), "UV_NO_CONFIG": "1"},
        *("pip", "compile", "--quiet", "--no-header", "--no-annotate", "--index-url", index),
        *("--python-platform", machine, "--python-version", python, "wanted.in"),
    )
    found = re.findall(r"^tagged-(\d+)==2\.0", told, flags=re.MULTILINE)
    assert len(re.findall(r"^tagged-\d+==", told, flags=re.MULTILINE)) == len(TAGS)
    return {TAGS[int(number)] for number in found}


def we_take(directory: Path, machine: str, python: str) -> set[str]:
    """Return the tags of the wheels that `select` takes."""
    found = set()
    path = directory / "pylock.toml"
    for number, tag in enumerate(TAGS):
        wheel = f"{project(number).replace('-', '_')}-2.0-{tag}.whl"
        path.write_text(
            f'lock-version = "1.0"\ncreated-by = "hand"\n[[packages]]\nname = "{project(number)}"\n'
            f'version = "2.0"\n[[packages.wheels]]\nurl = "https://example.org/{wheel}"\n'
            f'hashes = {{ sha256 = "{"0" * 64}" }}\n'
        )
        try:
            select(read_lock(path), make_interpreter(machine, python), Choice())
        except ArtifactError:
            continue
        found.add(tag)
    return found


@pytest.mark.parametrize("python", ["3.12.1", "3.13.0", "3.10.13"])
@pytest.mark.parametrize("machine", MACHINES)
def test_usable_tags(
    tmp_path: Path, cache: Path, tagged: IndexServer, machine: str, python: str
) -> None:
    """On every machine the tags that can be used are those that uv says can be."""
    expected = uv_takes(tmp_path, cache, tagged.url, machine, python)
    # Some are usable and some are not, or nothing would be told.
    assert 0 < len(expected) < len(TAGS)
    found = we_take(tmp_path, machine, python)
    assert {tag for tag in found if not NATIVE.search(tag)} == {
        tag for tag in expected if not NATIVE.search(tag)
    }

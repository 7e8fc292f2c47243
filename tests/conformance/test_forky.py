"""The two newest Pythons, which are Debian's: a part of the matrix and the example of README.md.

    pyx -m pytest -m "forky and not slow"             # the part that every change must pass
    pyx -m pytest -m forky tests/conformance          # the whole matrix

A root is made by debootstrap, which takes a minute; ``PYX_TEST_FORKY=DIR`` names one that is there.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conformance.matrix import WAYS
from conformance.program import list_groups
from filelock import FileLock
from forky import (
    PYTHONS,
    AbsentError,
    SealedRoot,
    find_forky,
    list_own_places,
    list_places_of_pip,
    list_variables_of_pip,
)
from installed import ROOT, shared_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.forky, pytest.mark.timeout(1800)]

QUICK = {("namespace", "python3.14"): "public", ("starts", "python3.15"): "fast"}
"""What is compared for every change, and by which way; all else is slow."""
QUICK_INSTALL = ("newest", "python3.15")
"""What is installed for every change."""

NO_INDEX = 9
EXAMPLE = """\
set -e
python=$1 wheel=$2 own=/tmp/own
cd "$3"
$python -m venv $own
$own/bin/python -m pip download --quiet --no-deps --dest /tmp/tried tomlkit || exit 9
{install}
$own/bin/pyx examples/report/report.py
"""
INSTALLS = {
    "newest": "$own/bin/python -m pip install --quiet $wheel",
    "locked": """\
mkdir /tmp/home
HOME=/tmp/home sh packaging/install.sh "$(command -v $python)"
ln -s /tmp/home/.local/bin/pyx $own/bin/pyx
""",
    "oldest": """\
$python -m venv /tmp/tools
/tmp/tools/bin/python -m pip install --quiet uv
/tmp/tools/bin/uv pip install --quiet --python $own/bin/python \\
    --resolution lowest-direct --only-binary :all: -r pyproject.toml
$own/bin/python -m pip install --quiet --no-deps $wheel
""",
}
"""How pyx comes to be there with each set of what it requires, as `.ci/sets.py` has them."""


@pytest.fixture(scope="session")
def forky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the root, made once for all tests of a session."""
    shared = shared_directory(tmp_path_factory) / "forky"
    shared.mkdir(exist_ok=True)
    told, failed = shared / "root-is", shared / "absent"
    with FileLock(shared / "lock"):
        if not told.exists() and not failed.exists():
            try:
                root = find_forky(shared)
                SealedRoot(path=root, layer=tmp_path_factory.mktemp("layer")).check()
                told.write_text(str(root), encoding="utf-8")
            except AbsentError as error:
                failed.write_text(str(error), encoding="utf-8")
    if failed.exists():
        pytest.skip(f"absent: {' and '.join(PYTHONS)} of Debian ({failed.read_text()})")
    return Path(told.read_text(encoding="utf-8"))


@pytest.fixture
def root(forky: Path, tmp_path: Path) -> SealedRoot:
    """Give the root, in which a process leaves nothing."""
    layer = tmp_path / "layer"
    layer.mkdir()
    return SealedRoot(path=forky, layer=layer)


def list_cases() -> Iterator[object]:
    """Yield a group, an interpreter and a way for each test, and which of them are slow."""
    for group, python in itertools.product(list_groups(), PYTHONS):
        for way in WAYS:
            marks = () if way == QUICK.get((group, python)) else pytest.mark.slow
            yield pytest.param(group, python, way, marks=marks)


@pytest.mark.parametrize(("group", "python", "way"), [*list_cases()])
def test_programs_cannot_tell(
    group: str, python: str, way: str, root: SealedRoot, native: Path
) -> None:
    """Every program of the group is what it is in a virtual environment, by either way."""
    path, places = list_own_places()
    words = [f"/usr/bin/{python}", ROOT / "tests" / "conformance" / "matrix.py"]
    done = root.run(
        [*words, "--way", way, group],
        seen=[*places, native.parent],
        environ={"PYTHONPATH": ":".join(path), "PYX_TEST_PROGRAM": str(native)},
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 differ" in done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give pyx as a wheel, built once for all tests of a session."""
    directory = shared_directory(tmp_path_factory) / "forky-wheel"
    with FileLock(directory.with_suffix(".lock")):
        if not directory.exists():
            command = [sys.executable, "-m", "build", "--wheel", "--outdir", directory, ROOT]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"absent: a wheel of pyx ({done.stdout.splitlines()[-1:]})")
    return next(directory.glob("*.whl"))


@pytest.mark.network
@pytest.mark.parametrize(
    ("kind", "python"),
    [
        pytest.param(*case, marks=() if case == QUICK_INSTALL else pytest.mark.slow)
        for case in itertools.product(sorted(INSTALLS), PYTHONS)
    ],
)
def test_the_example_runs(python: str, kind: str, root: SealedRoot, wheel: Path) -> None:
    """With the launcher on each, README.md's example prints its report with each set."""
    done = root.run(
        ["/bin/sh", "-c", EXAMPLE.format(install=INSTALLS[kind]), "sh", python, wheel, ROOT],
        seen=[ROOT, wheel.parent, *list_places_of_pip()],
        environ=list_variables_of_pip(),
    )
    if done.returncode == NO_INDEX:
        pytest.skip(f"absent: the example on {python} (pip reaches no index from there)")
    assert done.returncode == 0, done.stderr
    assert "Vineyard" in done.stdout

"""An image that root has built, run by users whom nobody knew: nothing is written or fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import LAUNCHER, ROOT
from trust.ground import expected, make_project, make_wheels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from installed import Pyx

PYTHON = "/usr/bin/python3"


@pytest.fixture
def image() -> Iterator[Path]:
    """Give a directory that every user reaches."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    place = Path(tempfile.mkdtemp(prefix="pyx-image."))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def look(directory: Path) -> dict[Path, tuple[int, int]]:
    """Return what every file and directory below would show of a change."""
    found = {path: path.lstat() for path in directory.rglob("*")}
    return {path: (info.st_ctime_ns, info.st_size) for path, info in found.items()}


@pytest.mark.parametrize("user", [1000680000, 65534, 12345])
def test_any_user_starts_from_what_root_has_prepared(
    pyx: Pyx, image: Path, wheels: Path, user: int
) -> None:
    """With HOME=/ or no HOME at all, by `pyx`, by the environment's python and by its scripts."""
    parts = make_wheels(wheels, 4, seed=77)
    project = make_project(image / "app", parts)
    program = image / "installed" / "pyx"
    program.parent.mkdir()
    shutil.copy(pyx.path, program)
    needed = [str(ROOT / "launcher"), str(ROOT / "runtime")]
    needed += [place for place in sys.path if place.endswith("-packages")]
    text = LAUNCHER.format(python=PYTHON, path=needed).replace("sys.path[:] =", "sys.path[:0] =")
    (program.parent / "pyx-launcher").write_text(text)
    (program.parent / "pyx-launcher").chmod(0o755)

    def run(*words: str | Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            user=user,
            group=0,
            extra_groups=[],
            cwd=project,
            env={"PATH": "/usr/bin:/bin", **env},
            capture_output=True,
            text=True,
            check=False,
        )

    imports = f"import sys; sys.path[:0] = {needed}; import packaging.version, pyx_launcher"
    if run(PYTHON, "-c", imports, env={"HOME": "/"}).returncode:
        pytest.skip("another user cannot read the launcher here")
    places = {"PYX_HOME": str(image / "pyx"), "PYX_CACHE_DIR": str(image / "cache")}
    prepared = {**places, "PYX_PYTHON": PYTHON}
    for command in (("sync", "--compile"), ("env", "--link")):
        told = pyx.run([program, *command], cwd=project, env=prepared)
        assert told.returncode == 0, told.stderr
    before = look(image)
    for home in ({"HOME": "/"}, {}):
        for words in ((program, "main.py"), (project / ".venv" / "bin" / "python", "main.py")):
            told = run(*words, env={**prepared, **home})
            assert (told.stdout, told.stderr) == (expected(parts), ""), words
    assert look(image) == before
    # Where something must be written and cannot be, the line names what helps.
    told = run(program, "main.py", env={"HOME": "/"})
    assert told.returncode == 74
    assert "PYX_HOME and PYX_CACHE_DIR" in told.stderr

"""The container of the documentation, built and started step by step in two roots."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dockerfile import Builder, read_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "container"


def digest(tree: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, time and content of everything below `tree`, by name."""
    return {
        str(path.relative_to(tree)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in tree.rglob("*")
    }


def test_the_page_shows_the_file() -> None:
    """What `docs/containers.md` tells to write is what the test carries out."""
    page = (ROOT / "docs" / "containers.md").read_text()
    shown = re.search(r"```dockerfile\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert shown[1] == (EXAMPLE / "Dockerfile").read_text()


def test_continued_lines_are_one_step(tmp_path: Path) -> None:
    """Comments and empty lines are none."""
    (tmp_path / "Dockerfile").write_text("# x\nFROM a AS b\n\nRUN one \\\n    two\nUSER 1:1\n")
    steps = read_steps(tmp_path / "Dockerfile")
    assert steps == [("FROM", "a AS b"), ("RUN", "one two"), ("USER", "1:1")]


@pytest.fixture
def builder(tmp_path: Path, interpreters: dict[str, Path]) -> Iterator[Builder]:
    """Give all that the example needs: an interpreter, and wheels of pyx and of what it locks."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root can enter another root directory")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no namespaces")
    python = interpreters.get("3.12")
    prefix = python.parent.parent if python else Path("/usr")
    if python is None or prefix == Path("/usr"):
        pytest.skip("there is no Python 3.12 with a directory of its own")
    wheels = tmp_path / "wheels"
    for words in (
        ("wheel", "--quiet", "--wheel-dir", wheels, ROOT),
        ("download", "--quiet", "--dest", wheels, "-r", EXAMPLE / "requirements.txt"),
    ):
        subprocess.run([python, "-m", "pip", *words], check=True, capture_output=True)
    yield Builder(
        context=EXAMPLE,
        place=tmp_path / "roots",
        prefix=prefix,
        shared={"/wheels": wheels},
        variables={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"},
    )
    shutil.rmtree(tmp_path / "roots", ignore_errors=True)


@pytest.mark.slow
@pytest.mark.network
def test_the_container_of_the_documentation(builder: Builder) -> None:
    """It is built from nothing and runs as nobody, without network; a second build fetches nothing.

    The second build finds what it needs in the cache mount and gives the same bytes.
    """
    image = builder.build(EXAMPLE / "Dockerfile")
    assert sorted(path.name for path in (image.root / "opt").iterdir()) == []
    assert not list(image.root.rglob("*pyx-launcher*"))
    started = builder.run(image, "--render")
    assert started.stderr == ""
    assert re.fullmatch(
        r"user 65534, Python 3\.12\.\d+, jinja2 [\d.]+ from /app/lib/python3\.12/site-packages/"
        r"jinja2\n",
        started.stdout,
    )
    first = digest(image.root / "app")
    for wheel in list(builder.shared["/wheels"].iterdir()):
        if wheel.name.lower().startswith(("jinja2", "markupsafe")):
            wheel.unlink()
    again = builder.build(EXAMPLE / "Dockerfile")
    assert digest(again.root / "app") == first
    assert builder.run(again, "--render").stdout == started.stdout

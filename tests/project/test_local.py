"""What is required by its path, and what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyx_launcher.errors import UsageError
from pyx_launcher.project.local import is_local, name_project, read_local, split_path

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (".", (".", "")),
        ("..[a, b]", ("..", "[a, b]")),
        ("./lib[test]", ("./lib", "[test]")),
        ("packages/util", ("packages/util", "")),
        ("~/lib", ("~/lib", "")),
        ("lib", ("", "")),
        ("lib[test]>=1", ("", "")),
        ("a @ file:///lib", ("", "")),
        ("git+https://example.org/a", ("", "")),
    ],
)
def test_a_path_is_told_by_its_form(text: str, parts: tuple[str, str]) -> None:
    """A name alone is never one."""
    assert split_path(text) == parts


def test_an_archive_says_its_name(tmp_path: Path) -> None:
    """A wheel needs no path before it, a directory does."""
    wheel = tmp_path / "dist" / "My_Lib-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    assert is_local(wheel.name, str(wheel.parent))
    assert is_local("./dist", str(tmp_path))
    assert not is_local("dist", str(tmp_path))
    assert str(read_local("dist/" + wheel.name, tmp_path).requirement) == (
        f"my-lib @ {wheel.as_uri()}"
    )
    (tmp_path / "thing.whl").touch()
    with pytest.raises(UsageError, match="does not say which package"):
        read_local("./thing.whl", tmp_path)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", "[project]\nname = 'old'\n"),
        ("setup.cfg", "[metadata]\nname = old\n"),
        ("setup.py", "import setuptools\nsetuptools.setup(version='1', name='old')\n"),
    ],
)
def test_a_project_says_its_name(tmp_path: Path, file: str, text: str) -> None:
    """In pyproject.toml, or where it was said before there were any."""
    (tmp_path / file).write_text(text)
    assert name_project(tmp_path) == "old"


@pytest.mark.parametrize("text", ["setup(name=NAME)", "setup(", "print('no')", "setup(name=1)"])
def test_what_has_to_be_run_for_a_name_has_none(tmp_path: Path, text: str) -> None:
    """Nothing is run for it; the hint says how to name it."""
    (tmp_path / "setup.py").write_text(text.replace("name=1", "name='no name'"))
    with pytest.raises(UsageError, match="in plain words") as caught:
        name_project(tmp_path)
    assert caught.value.hint == f"name it: `pyx add 'NAME @ {tmp_path.as_uri()}'`"

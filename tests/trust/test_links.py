"""Links in a project that lead to files of the user's: what locks writes none of these.

Each test runs the real uv against an index on loopback.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from trust.scene import REFUSED
from wheelhouse import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from trust.scene import Scene

# Where no uv is installed, it comes from the index that pip is configured for.
pytestmark = pytest.mark.network

MANIFEST = """\
[project]
name = "sample"
version = "1"
requires-python = ">=3.9"
dependencies = ["tick"]
"""
SCRIPT = '# /// script\n# dependencies = ["tick"]\n# ///\n'
BASHRC = "alias ll='ls -l'\n"


@pytest.fixture
def ground(scene: Scene, uv: Path) -> Scene:
    """Give a project without a lock, and a file beside it that must stay what it is."""
    scene.pyx.environ["PYX_UV"] = str(uv)
    make_wheel(scene.wheels, "tick", "1.0")
    (scene.project / "pyproject.toml").write_text(MANIFEST)
    (scene.project / "script.py").write_text(SCRIPT)
    (scene.base / "bashrc").write_text(BASHRC)
    return scene


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("pylock.toml", ["lock"]),
        ("uv.lock", ["lock"]),
        ("pylock.toml", ["add", "tick"]),
        ("pylock.script.toml", ["lock", "script.py"]),
        ("script.py.lock", ["lock", "script.py"]),
        ("pylock.script.toml", ["add", "--script", "script.py", "tick"]),
        ("pylock.toml", ["export", "--format", "pylock", "-o", "pylock.toml", "script.py"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_no_lock_is_written_out_of_the_project(
    ground: Scene, link: str, words: list[str], *, is_there: bool
) -> None:
    """One line, and neither the link nor its target is touched, be that there or not."""
    target = ground.base / "bashrc"
    if not is_there:
        if link == "script.py.lock":
            pytest.skip("such a link is no lock, so another one is made beside it")
        target.unlink()
    (ground.project / link).symlink_to("../bashrc")
    before = ground.list_tree()
    told = ground.pyx(*words, cwd=ground.project)
    assert (told.returncode, told.stdout) == (REFUSED, ""), told.stderr
    first, hint = told.stderr.splitlines()
    problem = "neither a lock nor a manifest" if is_there else "not a file"
    assert first == f"pyx: {ground.project / link} is a link to {target}, which is {problem}"
    assert hint.startswith(f"pyx: hint: rm {ground.project / link}")
    assert ground.list_tree() == before


def test_a_link_within_the_project_is_followed(ground: Scene) -> None:
    """As long as it leads to a file of its kind, which is written in its place."""
    below = ground.project / "below"
    below.mkdir()
    (ground.project / "pyproject.toml").rename(below / "project.toml")
    (ground.project / "pyproject.toml").symlink_to("below/project.toml")
    (below / "pylock.toml").write_text('lock-version = "1.0"\ncreated-by = "x"\npackages = []\n')
    (ground.project / "pylock.toml").symlink_to("below/pylock.toml")
    told = ground.pyx("add", "tick", cwd=ground.project)
    assert told.returncode == 0, told.stderr
    assert "tick>=1.0" in (below / "project.toml").read_text()
    assert 'name = "tick"' in (below / "pylock.toml").read_text()
    assert (ground.project / "pylock.toml").is_symlink()
    # A link to another file of the project is none to a lock.
    (ground.project / "pylock.toml").unlink()
    (ground.project / "pylock.toml").symlink_to("below/project.toml")
    before = ground.list_tree()
    told = ground.pyx("lock", cwd=ground.project)
    assert told.returncode != 0
    assert len(told.stderr.splitlines()) == 2, told.stderr
    assert ground.list_tree() == before


@pytest.mark.parametrize("said", ["never", "by an option", "in the file"])
def test_a_manifest_of_ones_own_is_followed_where_the_user_says_so(
    ground: Scene, said: str
) -> None:
    """As for a project whose files lie with other dotfiles, in a repository of their own."""
    dotfiles = ground.base / "dotfiles"
    dotfiles.mkdir()
    text = MANIFEST + ("[tool.pyx]\nfollow = true\n" if said == "in the file" else "")
    (dotfiles / "pyproject.toml").write_text(text)
    (ground.project / "pyproject.toml").unlink()
    (ground.project / "pyproject.toml").symlink_to(dotfiles / "pyproject.toml")
    words = ["--follow"] if said == "by an option" else []
    told = ground.pyx("add", *words, "tick<2", cwd=ground.project)
    now = (dotfiles / "pyproject.toml").read_text()
    if said == "never":
        assert told.returncode == REFUSED
        assert now == text
        assert "--follow" in told.stderr
        return
    assert told.returncode == 0, told.stderr
    assert "tick<2" in now
    if os.geteuid() == 0:
        os.chown(dotfiles / "pyproject.toml", 65502, 65502)
        told = ground.pyx("lock", *words, cwd=ground.project)
        assert told.returncode == REFUSED

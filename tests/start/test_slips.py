"""What a script or a pyproject.toml says in vain is told in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyx_launcher.project.inline_script import find_fault
from pyx_launcher.project.misspelt import describe_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

FAULTS = {
    "#/// script\n# dependencies = []\n# ///\n": (
        "line 1: `#/// script` does not open an inline block",
        "write `# /// script`",
    ),
    "import os\n# ///  Script \n# ///\n": (
        "line 2: `# ///  Script ` does not open an inline block",
        "write `# /// script`",
    ),
    "# /// script\n# dependencies = []\n#///\n": (
        "line 3: `#///` does not close the inline block",
        "write `# ///`",
    ),
    "# /// script\r\n# dependencies = []\r\n#///\r\n": (
        "line 3: `#///` does not close the inline block",
        "write `# ///`",
    ),
    "# /// script\n#dependencies = []\n# ///\n": (
        "line 2: `#dependencies = []` breaks the inline block",
        "write `# dependencies = []`",
    ),
    "#\n# /// script\n# dependencies = []\nimport os\n# ///\n": (
        "line 2: the inline block has no end",
        "write `# ///` behind its last line",
    ),
    "# /// script\n# ///\n": (
        "line 1: the inline block is empty",
        "write `# dependencies = []` in it",
    ),
}
"""Scripts without the block that they were meant to have, and what is told of each."""

NONE = (
    "# /// script\n# dependencies = []\n# ///\n",
    "# /// pyproject\n# a = 1\n",
    "url = 'file:///script'\n",
    "TEXT = '''\n#/// script\n'''\n",
    "TEXT = '''\n# /// script\n{deps}\n# ///\n'''\n",
    "def f():\n    #/// script\n    pass\n",
    "# see PEP 723 for # /// script\n",
)
"""Scripts of which nothing is to be told."""


@pytest.mark.parametrize("source", FAULTS)
def test_a_block_that_is_none_is_told(source: str, tmp_path: Path) -> None:
    """The line is named, and what has to stand there."""
    problem, hint = FAULTS[source]
    fault = find_fault(tmp_path / "a.py", source.encode())
    assert fault is not None
    assert (fault.message, fault.hint) == (f"{tmp_path / 'a.py'}: {problem}", hint)


@pytest.mark.parametrize("source", NONE)
def test_what_may_be_meant_so_is_not_told(source: str, tmp_path: Path) -> None:
    """A block, a block of another type, and what stands in a string or a sentence are no slips."""
    assert find_fault(tmp_path / "a.py", source.encode()) is None


def test_the_slow_path_tells_it_and_an_edit_refuses(pyx: Pyx, tmp_path: Path) -> None:
    """A start runs as PEP 723 has it, with one line; a second block is not put above.

    The native program sees it mended, as that is another block.
    """
    script = tmp_path / "a.py"
    script.write_text("# /// script\n# requires-python = '>=3.99'\n\nprint('ran')\n")
    told = pyx(str(script))
    problem = f"{script}: line 1: the inline block has no end"
    hint = "write `# ///` behind its last line"
    assert (told.returncode, told.stdout) == (0, "ran\n")
    assert told.stderr == f"pyx: warning: {problem}; {hint}\n"
    assert pyx(str(script)).stderr == ""
    before = script.read_bytes()
    for words in (
        ["add", "--script", "a.py", "tick"],
        ["lock", "a.py"],
        ["lock", "--check", "a.py"],
    ):
        told = pyx(*words, cwd=tmp_path)
        assert (told.returncode, told.stderr) == (65, f"pyx: {problem}\npyx: hint: {hint}\n")
        assert script.read_bytes() == before
    script.write_text("# /// script\n# requires-python = '>=3.99'\n# ///\nprint('ran')\n")
    assert pyx(str(script)).returncode == 69


def test_a_misspelt_key_of_a_block_is_told(pyx: Pyx, tmp_path: Path) -> None:
    """What it asks for is missing, and python would say so of a module at best."""
    script = tmp_path / "a.py"
    script.write_text("# /// script\n# require-python = '>=3.99'\n# ///\nprint('ran')\n")
    told = pyx(str(script))
    assert told.stdout == "ran\n"
    assert told.stderr == (
        f"pyx: warning: {script}: require-python is not a standard key;"
        " did you mean requires-python? (inline block)\n"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[projct]\n", "projct is not a standard key; did you mean project?"),
        ("[dependency_groups]\n", "dependency_groups … dependency-groups?"),
        ("[project]\ndependancies = []\n", "project.dependancies … project.dependencies?"),
        ("[project]\nrequire-python = '3'\n", "project.require-python … project.requires-python?"),
        ("[build-system]\nrequire = []\n", "build-system.require … build-system.requires?"),
        ("[project]\nname = 'a'\n[tool.projct]\n[other]\n", None),
        ("[project\n", None),
    ],
)
def test_a_misspelt_key_of_a_project_is_found(text: str, told: str | None, tmp_path: Path) -> None:
    """A near miss of what packaging.python.org names is told; what nobody knows is not."""
    manifest = tmp_path / "pyproject.toml"
    manifest.write_text(text)
    expected = told and told.replace("…", "is not a standard key; did you mean")
    assert describe_manifest(manifest) == (expected and f"{manifest}: {expected}")


@pytest.mark.parametrize("name", ["pylock.toml", "requirements.txt"])
def test_a_misspelt_key_beside_a_lock_that_says_nothing_of_it_is_told(
    pyx: Pyx, tmp_path: Path, name: str
) -> None:
    """The lock of another tool need not say where it comes from; from a folder below as well."""
    manifest = tmp_path / "pyproject.toml"
    manifest.write_text("[project]\nname = 'a'\nversion = '0'\ndependancies = ['tick']\n")
    lock = "lock-version = '1.0'\ncreated-by = 'other'\npackages = []\n"
    pinned = f"tick==1.0; python_version < '3' --hash=sha256:{'0' * 64}\n"
    (tmp_path / name).write_text(lock if name == "pylock.toml" else pinned)
    (tmp_path / "below").mkdir()
    for directory in (tmp_path, tmp_path / "below"):
        assert "project.dependancies is not" in pyx("-c", "pass", cwd=directory).stderr


def test_a_start_and_an_edit_tell_a_misspelt_key(pyx: Pyx, tmp_path: Path) -> None:
    """Both would do without what the key was to require."""
    manifest = tmp_path / "pyproject.toml"
    manifest.write_text("[projct]\nname = 'a'\nversion = '0'\ndependencies = ['tick']\n")
    line = f"pyx: warning: {manifest}: projct is not a standard key; did you mean project?\n"
    assert pyx("-c", "pass", cwd=tmp_path).stderr == line
    assert line in pyx("lock", cwd=tmp_path).stderr

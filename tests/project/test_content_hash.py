"""What a lock says it was resolved from, whoever has written that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyx_launcher.errors import LockError
from pyx_launcher.project.content_hash import (
    Origin,
    find_list_origin,
    find_pylock_origin,
    read_block_origin,
    read_trees,
    stamp_list,
)

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize("name", [".", "..", "a/b", "/etc/passwd", "a\0b"])
def test_only_a_file_beside_the_lock_is_named(tmp_path: Path, name: str) -> None:
    """A name that leads elsewhere is none, in a comment as in a table."""
    lock = tmp_path / "requirements.txt"
    lock.write_bytes(stamp_list(b"x==1\n", Origin(name=name, digest=DIGEST)))
    assert find_list_origin(lock) is None
    assert find_pylock_origin({"pyx": {"resolved-from": name, "content-hash": DIGEST}}) is None


def test_what_is_stamped_is_found(tmp_path: Path) -> None:
    """The comment at the end of a requirements.txt is read as it was written."""
    origin = Origin(name="requirements.in", digest=DIGEST)
    lock = tmp_path / "requirements.txt"
    lock.write_bytes(stamp_list(b"x==1\n", origin))
    assert find_list_origin(lock) == origin
    assert stamp_list(lock.read_bytes(), origin) == lock.read_bytes()


@pytest.mark.parametrize(
    ("block", "place"), [({"tool": 3}, "tool"), ({"tool": {"uv": [1]}}, "tool.uv")]
)
def test_a_block_of_another_form_is_refused(
    tmp_path: Path, block: dict[str, object], place: str
) -> None:
    """The error names the script and the key."""
    script = tmp_path / "x.py"
    with pytest.raises(LockError, match=f"x.py: inline block.{place}: expected a table"):
        read_block_origin(script, block)


def test_a_setup_py_counts_as_a_whole(tmp_path: Path) -> None:
    """Only a build tells what it requires; a pyproject.toml that is the origin has a digest."""
    setup = tmp_path / "setup.py"
    setup.write_text("one = 1\n")
    first, looked = read_trees(tmp_path, ["."], "requirements.txt")
    assert setup in looked
    assert read_trees(tmp_path, ["."], "requirements.txt")[0] == first
    setup.write_text("two = 2\n")
    assert read_trees(tmp_path, ["."], "requirements.txt")[0] != first
    assert read_trees(tmp_path, ["."], "pyproject.toml") == ("", ())

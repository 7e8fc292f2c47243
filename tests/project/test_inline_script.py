"""The inline block of a script: read, edited and put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import LockError
from pyx_launcher.project.inline_script import (
    add_to_block,
    bound_in_block,
    name_block_lock,
    new_block_text,
    read_block_text,
    remove_from_block,
    replace_block_text,
)
from pyx_launcher.project.requirement import parse_requirement

PATH = Path("/x/x.py")
SCRIPT = b"""\
#!/usr/bin/env pyx
# -*- coding: latin-1 -*-
# before
# /// script
# requires-python = ">=3.11"
#
# dependencies = [
#     "click<9",  # why
# ]
# ///
print("\xe9")
"""


def edit(source: bytes, requirement: str) -> bytes:
    """Return a script whose block requires more."""
    text = read_block_text(PATH, source)
    assert text is not None
    return replace_block_text(source, add_to_block(PATH, text, [parse_requirement(requirement)]))


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_an_edit_changes_one_line(newline: bytes) -> None:
    """Every other byte stays, be it no UTF-8, and lines end as those of the script do."""
    source = SCRIPT.replace(b"\n", newline)
    expected = source.replace(b"# ]", b'#     "iniconfig",' + newline + b"# ]")
    assert edit(source, "iniconfig") == expected


def test_removing_what_was_added_gives_the_script_back() -> None:
    """A block goes there and back without a trace."""
    text = read_block_text(PATH, edit(SCRIPT, "iniconfig")) or ""
    assert replace_block_text(SCRIPT, remove_from_block(PATH, text, ["iniconfig"])) == SCRIPT


def test_a_bound_is_written() -> None:
    """What was added without a version asks for what was found."""
    text = add_to_block(PATH, 'dependencies = ["b<3"]\n', [parse_requirement("a")])
    assert bound_in_block(PATH, text, {"a": "1.5", "b": "2"}) == (
        'dependencies = ["b<3", "a>=1.5"]\n'
    )


@pytest.mark.parametrize(
    ("source", "before"),
    [
        (b"", b""),
        (b"print(1)\n", b""),
        (b"#!/usr/bin/env pyx\nprint(1)\n", b"#!/usr/bin/env pyx\n"),
        (b"#!/x\n# coding: utf-8\nx = 1\n", b"#!/x\n# coding: utf-8\n"),
        (b"# a comment\n", b""),
        (b"#!/usr/bin/env pyx", b"#!/usr/bin/env pyx\n"),
        # The mark of UTF-8 is no part of a line that opens a block.
        (b"\xef\xbb\xbfprint(1)\n", b"\xef\xbb\xbf\n"),
    ],
)
def test_a_new_block_comes_before_the_code(source: bytes, before: bytes) -> None:
    """The lines for the kernel and for python's parser stay the first ones."""
    made = replace_block_text(source, new_block_text(">=3.12"))
    assert made.startswith(before + b'# /// script\n# requires-python = ">=3.12"\n')
    assert made.endswith(source[len(before) :])
    assert read_block_text(PATH, made) == new_block_text(">=3.12")


def test_two_blocks_are_refused() -> None:
    """PEP 723 allows one of a kind."""
    with pytest.raises(LockError, match="two inline blocks"):
        read_block_text(PATH, SCRIPT + SCRIPT)


def test_the_key_of_a_lock_is_the_block(tmp_path: Path) -> None:
    """Scripts with equal blocks share a lock, unless the block names places relative to them."""
    dirs = Dirs(home=tmp_path, cache=tmp_path)
    text = 'dependencies = ["a"]\n'
    near = text + '[tool.uv.sources]\na = {path = "../a"}\n'
    far = text + '[tool.uv.sources]\na = {path = "/a"}\n'
    other = Path("/y/x.py")
    assert name_block_lock(dirs, PATH, text) == name_block_lock(dirs, other, text)
    assert name_block_lock(dirs, PATH, far) == name_block_lock(dirs, other, far)
    assert name_block_lock(dirs, PATH, near) != name_block_lock(dirs, other, near)
    assert name_block_lock(dirs, PATH, text) != name_block_lock(dirs, PATH, text + "\n")

"""Copies of what the store has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.export.flat import copy_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("at_once", [0, 3, 1 << 20])
def test_a_copy_is_whole_whatever_the_file_system_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """One that shares no blocks may say so by an end that is none, at the start or later."""
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "tree" / "below" / "file").write_bytes(b"0123456789")
    left = [at_once]

    def copy_some(source: int, target: int, count: int) -> int:
        moved = os.write(target, os.read(source, min(left[0], count)))
        left[0] -= moved
        return moved

    monkeypatch.setattr(os, "copy_file_range", copy_some)
    copy_tree(tmp_path / "tree", tmp_path / "copy")
    assert (tmp_path / "copy" / "below" / "file").read_bytes() == b"0123456789"

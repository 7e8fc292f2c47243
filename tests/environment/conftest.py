"""Fixtures for environments: an interpreter that has been probed, and a workshop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workshop import Workshop, probe

if TYPE_CHECKING:
    from pathlib import Path

    from pyx_launcher.interpreters.finder import Interpreter


@pytest.fixture(scope="module")
def interpreter(interpreters: dict[str, Path], probed: Path) -> Interpreter:
    """Give the newest interpreter of the machine."""
    return probe(list(interpreters.values())[-1], probed)


@pytest.fixture
def workshop(tmp_path: Path, interpreter: Interpreter, native: Path) -> Workshop:
    """Give a workshop with nothing in it."""
    return Workshop(tmp_path, interpreter, native)

"""Starts and changes upon a file system without locks: they work, and no kill makes one wait."""

from __future__ import annotations

import errno
import random
from typing import TYPE_CHECKING

import pytest
from trust.ground import (
    Shim,
    build_shim,
    expected,
    find_damage,
    make_project,
    make_wheels,
    start_and_kill,
)

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_starts_without_locks(pyx: Pyx, pyx_home: Path, tmp_path: Path, number: int) -> None:
    """A start works, the next ones after kills at any moment do so at once, nothing is wrong."""
    library = build_shim(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler")
    shim = Shim(library, tmp_path)
    wheels = make_wheels(tmp_path / "wheels", 6)
    project = make_project(tmp_path / "project", wheels)
    env = shim.variables(pyx_home, at=1, error=number, stays=True, calls="flock")
    order = random.Random(number)  # noqa: S311 -- the same each time by purpose
    killed = 0
    for _ in range(6):
        killed += start_and_kill(pyx, project, order.uniform(0.3, 2), env) < 0
    told = pyx("main.py", cwd=project, env=env, timeout=60)
    assert told.stdout == expected(wheels), told.stderr
    assert shim.count() > 0
    assert find_damage(pyx_home) == []
    told = pyx("store", "gc", "--keep", "0", env=env, timeout=60)
    assert told.returncode == 74
    assert "cannot be locked" in told.stderr
    assert len(list(pyx_home.glob("store/part*/*/py3*/site-packages"))) == 6

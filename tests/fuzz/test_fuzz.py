"""Some thousand mutated locks; `tests/fuzz/locks.py` makes as many as one has time for."""

from __future__ import annotations

import pytest
from fuzz.locks import run


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_mutated_locks(seed: int) -> None:
    """Each is read, or refused in one line that names the file, in bounded time."""
    assert [finding for finding in run(seed, iter(range(1000))) if finding] == []


def test_a_few_mutated_locks() -> None:
    """The same for a few, so that no change leaves the mutator itself behind."""
    assert [finding for finding in run(0, iter(range(60))) if finding] == []

"""What the comparison of commands makes of two outcomes."""

from __future__ import annotations

import pytest
from conformance.commands import ROWS, Row, judge

PLAIN = Row(words=(), needs="")
EXPLAINED = Row(words=(), needs="", explained="because", differs="refused .*")


@pytest.mark.parametrize(
    ("row", "venv", "pyx", "cell"),
    [
        (PLAIN, "1", "1", "the same"),
        (PLAIN, "1", "2", "pyx 2; venv 1"),
        (PLAIN, "failed: 1", "failed: 2", "runs in neither"),
        (PLAIN, "1", "failed: 1", "pyx failed: 1; venv 1"),
        (EXPLAINED, "1", "refused it", "because"),
        (EXPLAINED, "1", "failed: 1", "pyx failed: 1; venv 1"),
        (EXPLAINED, "1", "1", "the same"),
    ],
)
def test_a_difference_is_explained_only_as_it_was_foreseen(
    row: Row, venv: str, pyx: str, cell: str
) -> None:
    """A row that has a reason to differ fails where pyx does anything else than the reason says."""
    assert judge(row, venv, pyx) == cell


def test_every_reason_says_how_pyx_differs() -> None:
    """No row accepts just any outcome."""
    for row in ROWS.values():
        assert bool(row.explained) == bool(row.differs)

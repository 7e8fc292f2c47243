"""Only slips of the finger are taken for names that are there."""

from __future__ import annotations

import pytest

from pyx_launcher.spelling import find_slips


@pytest.mark.parametrize("typed", ["blak", "blcak", "blackk", "blick", "Blac"])
def test_one_letter_is_a_slip(typed: str) -> None:
    """One that is missing, too many, another, or swapped with the next."""
    assert find_slips(typed, ["lark", "black", "click"]) == ["black"]


@pytest.mark.parametrize("typed", ["flack", "sklearn", "black", "bla", "b", ""])
def test_what_is_only_like_a_name_is_none(typed: str) -> None:
    """Another first letter, two letters, the name itself: a stranger's is not proposed."""
    assert find_slips(typed, ["lark", "seaborn", "scikit-learn", "black"]) == []

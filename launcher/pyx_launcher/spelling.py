"""Which of the names that are there may be meant by one that is not, and which can be one."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
"""What can also stand as the name of a project."""


def make_plain(name: str) -> str:
    """Return `name` if an environment can have it, else one that is like it."""
    if _NAME.fullmatch(name):
        return name
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "NAME"


def find_slips(typed: str, known: Iterable[str]) -> list[str]:
    """Return those of `known`, sorted, that are one letter away from `typed`.

    One is too many, missing, another, or swapped with the next, and the first is the same. What is
    only somewhat alike is a stranger's name as likely as not.
    """
    return [name for name in sorted({*known} - {typed}) if _is_slip(typed.lower(), name.lower())]


def _is_slip(typed: str, meant: str) -> bool:
    pairs = zip(typed, meant, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    one, two = typed[same:], meant[same:]
    is_swapped = one[:2] == two[1::-1] and one[2:] == two[2:]
    return same > 0 and (is_swapped or one[1:] in (two, two[1:]) or one == two[1:])

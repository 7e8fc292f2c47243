"""Version specifiers: those that only together say what is allowed, and those in requirements."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Sequence

# Beyond this no minor version of Python 3 is considered.
LAST_MINOR = 60

# A requirement that names no place. `packaging` takes twenty times as long to parse one.
PLAIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?![A-Za-z0-9._-])\s*(\[(?P<extras>[^\]]*)\])?\s*"
    r"(?P<specifier>[^;@()]*)(;(?P<marker>.*))?\Z"
)


def unite(alternatives: Sequence[SpecifierSet]) -> SpecifierSet:
    """Return one set for the Python versions that at least one of `alternatives` allows.

    PEP 440 knows no alternatives: several become the minor versions of Python 3 that they
    span, less those in between that none of them allows.
    """
    possible = [alternative for alternative in alternatives if minors_of(alternative)]
    if not possible:
        return SpecifierSet(",".join(map(str, alternatives)))
    if len(possible) == 1:
        return SpecifierSet(str(possible[0]))
    minors = set().union(*map(minors_of, possible))
    gaps = set(range(min(minors), max(minors))) - minors
    bounds = [f">=3.{min(minors)}", *(f"!=3.{minor}.*" for minor in sorted(gaps))]
    if max(minors) < LAST_MINOR:
        bounds.append(f"<3.{max(minors) + 1}")
    return SpecifierSet(",".join(bounds))


def minors_of(specifiers: SpecifierSet) -> set[int]:
    """Return the minor versions of Python 3 of which some patch release is allowed."""
    return {
        minor
        for minor in range(LAST_MINOR + 1)
        if any(specifiers.contains(f"3.{minor}.{patch}") for patch in (0, 1, 5, 10, 30))
    }


@lru_cache(maxsize=1024)
def parse_specifier(text: str) -> SpecifierSet:
    """Return a set of version specifiers; a lock repeats many. Raises InvalidSpecifier."""
    return SpecifierSet(text)


def split_extras(text: str | None) -> frozenset[str]:
    """Return the normalised extras in ``[one, two]``, given what is between the brackets."""
    return frozenset(canonicalize_name(extra.strip()) for extra in (text or "").split(",") if extra)

"""Poetry's version constraints (``^1.2``, ``~1.2``, ``1.*``, ``>=1,<2 || >=3``) in PEP 440's terms.

https://python-poetry.org/docs/dependency-specification/
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from pyx_launcher.locks.common.specifiers import unite

if TYPE_CHECKING:
    from packaging.markers import Environment

CLAUSE = re.compile(r"(?P<operator>[\^~=<>!]*)\s*(?P<version>(\d+!)?[^\s,^~=<>!]+)\s*,?\s*")
ANY_VERSION = re.compile(r"v?[xX*](\.[xX*])*\Z")
WILDCARD = re.compile(r"(\.[xX*])+\Z")


@lru_cache(maxsize=1024)
def parse_constraint(text: str) -> tuple[SpecifierSet, ...]:
    """Return the alternatives of a constraint, of which one has to be met.

    Raises ValueError for text that is no constraint.
    """
    return tuple(parse_alternative(part) for part in split_alternatives(text))


def split_alternatives(text: str) -> list[str]:
    """Return what stands between the bars of a constraint."""
    # Many spaces in a row would make the expression slow.
    return re.split(r" ?\|\|? ?", " ".join(text.split()))


def parse_alternative(text: str) -> SpecifierSet:
    """Return what clauses joined by commas or spaces mean together. Raises ValueError."""
    clauses = []
    position = 0
    while position < len(text):
        match = CLAUSE.match(text, position)
        if match is None:
            raise InvalidSpecifier(f"not a version constraint: {text!r}")
        clauses.extend(convert_clause(match["operator"], match["version"]))
        position = match.end()
    return SpecifierSet(",".join(clauses), prereleases=True)


def convert_clause(operator: str, text: str) -> list[str]:
    """Return the PEP 440 clauses that one clause of Poetry stands for. Raises ValueError."""
    if ANY_VERSION.match(text):
        return []
    bare = WILDCARD.sub("", text)
    if operator in ("^", "~"):
        version = Version(bare)
        return [f">={bare}", f"<{upper_bound(operator, version)}"]
    if operator in ("", "=", "==", "!="):
        return [f"{operator if operator == '!=' else '=='}{bare}{'.*' if bare != text else ''}"]
    return [f"{operator}{bare}"]


def upper_bound(operator: str, version: Version) -> str:
    """Return the first version that a caret or tilde constraint no longer allows."""
    release = version.release
    if operator == "~":
        keep = min(len(release), 2)
    else:
        # The caret keeps everything up to the first digit that is not zero.
        keep = next((i for i, part in enumerate(release, 1) if part), len(release))
    bound = [*release[: keep - 1], release[keep - 1] + 1]
    # An epoch of nothing is not shown to anybody.
    epoch = f"{version.epoch}!" if version.epoch else ""
    return f"{epoch}{'.'.join(map(str, bound))}"


def allows(constraint: str, version: Version) -> bool:
    """Return whether `version` meets `constraint`. Raises ValueError."""
    return any(alternative.contains(version) for alternative in parse_constraint(constraint))


def allows_python(constraint: str, markers: Environment) -> bool:
    """Return whether the interpreter meets ``python = constraint``. Raises ValueError.

    A bound of up to two numbers speaks of the minor version: 3.9.1 meets ``==3.9``. A strict
    lower and an inclusive upper bound compare the full version all the same, as in Poetry.
    """
    full = Version(markers["python_full_version"].removesuffix("+"))
    short = Version(markers["python_version"])
    return any(
        all(
            clause.contains(
                short
                if clause.operator in ("==", ">=", "<", "~=") and clause.version.count(".") < 2
                else full,
                prereleases=True,
            )
            for clause in alternative
        )
        for alternative in parse_constraint(constraint)
    )


def allows_platform(constraint: str, platform: str) -> bool:
    """Return whether `platform`, a `sys.platform`, meets ``platform = constraint``."""
    return any(
        all(
            (part[2:].strip() != platform)
            if part.startswith("!=")
            else part.lstrip("= ") in (platform, "*")
            for part in re.split(r"\s*,\s*", alternative)
        )
        for alternative in split_alternatives(constraint)
    )


def python_specifiers(constraint: str) -> SpecifierSet:
    """Return a constraint on Python as one set of specifiers. Raises ValueError."""
    return unite(parse_constraint(constraint))

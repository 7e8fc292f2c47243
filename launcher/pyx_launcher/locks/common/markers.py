"""Markers of a lock, evaluated for the target's marker environment: each distinct text once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, cast

from packaging.markers import Marker, UndefinedEnvironmentName
from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.marker_rules import apply_rule
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from packaging.markers import Environment

    from pyx_launcher.errors import LockError
    from pyx_launcher.locks.common.marker_rules import Rule

# A comparison with `extra`, from either side, or else a string, which is left as it is.
EXTRA_OR_STRING = re.compile(
    r"""\bextra\s*(?P<op>[=!]=)\s*(?P<quote>["'])(?P<name>[^"']*)(?P=quote)
    |(?P<quote2>["'])(?P<name2>[^"']*)(?P=quote2)\s*(?P<op2>[=!]=)\s*extra\b
    |"[^"]*"|'[^']*'""",
    re.VERBOSE,
)

# Poetry writes these for a marker that always holds and one that never does.
CONSTANTS = {"": True, "*": True, "<empty>": False}


class MarkerPlace(Protocol):
    """Where a marker stands in a lock: a table, or a line."""

    def error(self, key: str, problem: str, /) -> LockError:
        """Return the error that what stands there, at `key`, has this problem."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """Whether markers hold in one marker environment."""

    environment: Environment
    rule: Rule = "packaging"
    """Whose rule counts where the specification leaves an answer open."""
    known: dict[tuple[str, frozenset[str]], bool] = field(default_factory=dict)

    def hold(
        self, place: MarkerPlace, key: str, text: str, extras: frozenset[str] = frozenset()
    ) -> bool:
        """Return whether the marker `text`, found at `key` of `place`, holds with `extras`.

        ``extra == "x"`` means that x is among the extras, which may be several.
        Raises LockError for a marker that cannot be evaluated.
        """
        about_extras = extras if "extra" in text else frozenset()
        question = (text, about_extras)
        if question not in self.known:
            self.known[question] = self.evaluate(place, key, text, about_extras)
        return self.known[question]

    def evaluate(self, place: MarkerPlace, key: str, text: str, extras: frozenset[str]) -> bool:
        """Return what `hold` returns, without remembering it."""
        stripped = text.strip()
        if stripped in CONSTANTS:
            return CONSTANTS[stripped]
        environment = cast(
            "dict[str, str | frozenset[str]]", {**self.environment, "extras": extras}
        )
        try:
            ruled = apply_rule(self.rule, stripped, self.environment)
            # Texts that differ can become the same one.
            question = (ruled, extras)
            if question not in self.known:
                marker = Marker(EXTRA_OR_STRING.sub(as_membership, ruled))
                self.known[question] = marker.evaluate(environment, context="lock_file")
            return self.known[question]
        except (ValueError, UndefinedEnvironmentName, RecursionError) as error:
            # Besides what it cannot parse or compare: a number too long, too many brackets.
            raise place.error(key, f"not a marker: {text!r}") from error


def as_membership(match: re.Match[str]) -> str:
    """Rewrite ``extra == "x"`` as ``"x" in extras``, the form for several extras (PEP 751)."""
    name = match["name"] if match["name"] is not None else match["name2"]
    if name is None:
        return match[0]
    relation = "in" if "==" in (match["op"], match["op2"]) else "not in"
    return f'"{canonicalize_name(name)}" {relation} extras'

"""Dependencies as poetry.lock and pyproject.toml state them: lines that ask for a distribution."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.poetry.constraints import allows, allows_platform, allows_python
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.version import Version

    from pyx_launcher.locks.common.markers import Conditions
    from pyx_launcher.locks.common.tables import Table

# How the optional dependencies behind an extra are listed: a name and perhaps its extras.
LISTED = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[(?P<extras>[^\]]*)\])?")

# The keys of a dependency that name a place instead of a version, with the kind of source
# that a locked package from there has.
ORIGINS = {"git": "git", "hg": "hg", "url": "url", "path": "path", "file": "path"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """One line of a table of dependencies."""

    name: NormalizedName
    table: Table
    """The table the line stands in, and its `key` there: where an error points to."""
    key: str

    constraint: str = "*"
    markers: str = ""
    python: str = "*"
    platform: str = "*"
    extras: frozenset[str] = frozenset()
    optional: bool = False
    for_extras: frozenset[str] = frozenset()
    """The extras of the project that switch an optional dependency on."""

    source: str = ""
    """The name of the index it has to come from."""
    origin: tuple[str, str] = ("", "")
    """The kind of source and the place, where it comes from neither an index nor a cache."""

    def applies(self, conditions: Conditions, extras: frozenset[str]) -> bool:
        """Return whether its conditions hold, `extras` being those of its own distribution."""
        environment = conditions.environment
        try:
            return (
                (self.python == "*" or allows_python(self.python, environment))
                and (
                    self.platform == "*"
                    or allows_platform(self.platform, environment["sys_platform"])
                )
                and conditions.hold(self.table, self.key, self.markers, extras)
            )
        except ValueError as error:
            raise self.table.error(self.key, str(error)) from error

    def allows(self, version: Version) -> bool:
        """Return whether `version` is within its constraint. Raises LockError."""
        try:
            return allows(self.constraint, version)
        except ValueError as error:
            raise self.table.error(self.key, str(error)) from error

    def comes_from(self, source: Table) -> bool:
        """Return whether a package of this ``[package.source]`` is from where it has to be."""
        kind, place = self.origin
        url = source.get("url", str, "")
        if kind == "path":
            return source.get("type", str, "") in ("directory", "file") and (
                posixpath.normpath(url) == posixpath.normpath(place)
            )
        if kind:
            return source.get("type", str, "") == kind and url == place
        return not self.source or source.get("reference", str, "") == self.source


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedExtra:
    """What one extra of a distribution switches on."""

    names: frozenset[NormalizedName] = field(default_factory=frozenset)
    own_extras: frozenset[str] = field(default_factory=frozenset)
    """Further extras of the same distribution, which an entry like ``name[other]`` asks for."""


def read_dependencies(table: Table) -> Iterator[Dependency]:
    """Yield the dependencies of a table in Poetry's notation. Raises LockError."""
    for key, value in table.data.items():
        name = canonicalize_name(key)
        if isinstance(value, str):
            yield Dependency(name=name, table=table, key=key, constraint=value)
        elif isinstance(value, dict):
            yield read_dependency(name, table.table(key), table, key)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            for constraint in value:
                yield Dependency(name=name, table=table, key=key, constraint=constraint)
        elif isinstance(value, list):
            for item in table.tables(key):
                yield read_dependency(name, item, table, key)
        else:
            raise table.unexpected(key, "a version or a table", value)


def read_dependency(name: NormalizedName, entry: Table, table: Table, key: str) -> Dependency:
    """Return the dependency that the table `entry`, at `key` of `table`, describes."""
    origins = [(kind, entry.get(word, str, "")) for word, kind in ORIGINS.items()]
    return Dependency(
        name=name,
        table=table,
        key=key,
        constraint=entry.get("version", str, "*"),
        markers=entry.get("markers", str, ""),
        python=entry.get("python", str, "*"),
        platform=entry.get("platform", str, "*"),
        extras=frozenset(map(canonicalize_name, entry.strings("extras"))),
        optional=entry.get("optional", bool, False),
        source=entry.get("source", str, ""),
        origin=next(((kind, place) for kind, place in origins if place), ("", "")),
    )


def parse_requirement(
    text: str, table: Table, key: str, for_extras: frozenset[str] = frozenset()
) -> Dependency:
    """Return the dependency that a PEP 508 requirement states. Raises LockError."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise table.error(key, f"not a requirement: {text!r}") from error
    return Dependency(
        name=canonicalize_name(requirement.name),
        table=table,
        key=key,
        constraint=str(requirement.specifier) or "*",
        markers=str(requirement.marker or ""),
        extras=frozenset(map(canonicalize_name, requirement.extras)),
        optional=bool(for_extras),
        for_extras=for_extras,
    )


def read_extras(table: Table, own_name: str) -> dict[str, ListedExtra]:
    """Return the extras of a distribution: each name with what it switches on."""
    result: dict[str, ListedExtra] = {}
    for extra in table.data:
        names: set[NormalizedName] = set()
        own_extras: set[str] = set()
        for entry in table.strings(extra):
            match = LISTED.match(entry)
            if match is None:
                raise table.error(extra, f"not a requirement: {entry!r}")
            name = canonicalize_name(match["name"])
            if name == own_name:
                own_extras.update(map(canonicalize_name, (match["extras"] or "").split(",")))
            else:
                names.add(name)
        result[canonicalize_name(extra)] = ListedExtra(
            names=frozenset(names), own_extras=frozenset(own_extras)
        )
    return result

"""What the pyproject.toml beside a poetry.lock says: its groups and, for old locks, what they need.

A lock of version 2.1 needs only the names of the groups and which of them are optional.
Older ones do not say which of their packages belong to what, so the walk starts from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.locks.poetry.dependencies import (
    Dependency,
    parse_requirement,
    read_dependencies,
    read_extras,
)
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAIN = "main"

DEEPEST = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryProject:
    """The pyproject.toml of a project that Poetry knows."""

    document: Table
    groups: dict[str, bool]
    """Every dependency group, normalised, with whether it is optional."""

    @property
    def poetry(self) -> Table:
        """The table ``[tool.poetry]``."""
        return self.document.table("tool").table("poetry")

    @property
    def name(self) -> NormalizedName | None:
        """The normalised name of the project."""
        name = self.document.table("project").get("name", str, "")
        name = name or self.poetry.get("name", str, "")
        return canonicalize_name(name) if name else None

    @property
    def is_installable(self) -> bool:
        """Whether `poetry install` would install the project itself."""
        return self.name is not None and self.poetry.get("package-mode", bool, True)


def read_project(path: Path) -> PoetryProject | None:
    """Read a pyproject.toml; None where there is none or it is of no concern to Poetry.

    Raises LockError, which names the pyproject.toml, and StoreError.
    """
    if not path.is_file():
        return None
    document = read_toml(path)
    if not (
        {"project", "dependency-groups"} & set(document.data)
        or "poetry" in document.table("tool").data
    ):
        return None
    return PoetryProject(document=document, groups=read_groups(document))


def read_groups(document: Table) -> dict[str, bool]:
    """Return every dependency group, normalised, with whether it is optional."""
    poetry = document.table("tool").table("poetry")
    tables = poetry.table("group")
    standard = document.table("dependency-groups")
    groups = dict.fromkeys([MAIN, *map(canonicalize_name, standard.data)], False)
    for name in tables.data:
        groups[canonicalize_name(name)] = tables.table(name).get("optional", bool, False)
    if "dev-dependencies" in poetry.data:
        groups.setdefault("dev", False)
    return groups


def project_dependencies(project: PoetryProject, groups: frozenset[str]) -> tuple[Dependency, ...]:
    """Return the dependencies of the project in these normalised groups. Raises LockError.

    Those that wait for an extra are among them.
    """
    return tuple(
        dependency
        for group in sorted(groups)
        for dependency in (
            main_dependencies(project)
            if group == MAIN
            else group_dependencies(project, group, (), set())
        )
        if dependency.name != "python"
    )


def main_dependencies(project: PoetryProject) -> Iterator[Dependency]:
    """Yield what ``[project]`` or ``[tool.poetry.dependencies]`` requires.

    Where there is a ``[project]`` with dependencies, Poetry's table adds to those only what
    PEP 621 cannot say: the index, further conditions.
    """
    standard = project.document.table("project")
    own = list(read_dependencies(project.poetry.table("dependencies")))
    if not standard.data.get("dependencies") and not standard.data.get("optional-dependencies"):
        yield from mark_extras(project, own)
        return
    for dependency in standard_dependencies(standard):
        additions = [addition for addition in own if addition.name == dependency.name]
        for addition in additions:
            yield enrich(dependency, addition)
        if not additions:
            yield dependency
    if "dependencies" in standard.strings("dynamic"):
        yield from mark_extras(project, [d for d in own if not d.optional])
    if "optional-dependencies" in standard.strings("dynamic"):
        yield from mark_extras(project, [d for d in own if d.optional])


def mark_extras(project: PoetryProject, dependencies: list[Dependency]) -> Iterator[Dependency]:
    """Yield `dependencies`, each with the extras of ``[tool.poetry.extras]`` that want it."""
    extras = read_extras(project.poetry.table("extras"), project.name or "")
    for dependency in dependencies:
        wanted_by = frozenset(
            extra for extra, listed in extras.items() if dependency.name in listed.names
        )
        yield replace(dependency, for_extras=wanted_by)


def standard_dependencies(standard: Table) -> Iterator[Dependency]:
    """Yield the dependencies and optional dependencies of ``[project]`` (PEP 621)."""
    for text in standard.strings("dependencies"):
        yield parse_requirement(text, standard, "dependencies")
    optional = standard.table("optional-dependencies")
    for extra in optional.data:
        for_extras = frozenset({canonicalize_name(extra)})
        for text in optional.strings(extra):
            yield parse_requirement(text, optional, extra, for_extras)


def enrich(dependency: Dependency, addition: Dependency) -> Dependency:
    """Return a PEP 621 dependency with what Poetry's table says about the same name."""
    constraints = [c for c in (dependency.constraint, addition.constraint) if c != "*"]
    markers = [m for m in (dependency.markers, addition.markers) if m]
    return replace(
        addition,
        # An alternative binds less than a comma, so only a plain constraint can be added.
        constraint=",".join(c for c in constraints if "|" not in c) or "*",
        markers=" and ".join(f"({marker})" for marker in markers),
        extras=dependency.extras,
        optional=dependency.optional,
        for_extras=dependency.for_extras,
    )


def group_dependencies(
    project: PoetryProject, group: str, including: tuple[str, ...], done: set[str]
) -> Iterator[Dependency]:
    """Yield the dependencies of a group and of those it includes (PEP 735).

    `including` are the groups on the way here, so that a circle is an error and not a hang, and
    `done` those whose dependencies were yielded before.
    """
    document, poetry = project.document, project.poetry
    if group in including:
        raise document.error("dependency-groups", f"group {group!r} includes itself")
    if len(including) > DEEPEST:
        problem = f"more than {DEEPEST} groups include one another"
        raise document.error("dependency-groups", problem)
    if group in done:
        return
    standard = document.table("dependency-groups")
    for name in matching_keys(standard, group):
        yield from standard_group(project, standard, name, (*including, group), done)
    tables = poetry.table("group")
    for name in matching_keys(tables, group):
        table = tables.table(name)
        if not list(matching_keys(standard, group)):
            yield from read_dependencies(table.table("dependencies"))
        for other in table.strings("include-groups"):
            way = (*including, group)
            yield from included_group(project, other, (table, "include-groups"), way, done)
    if group == "dev":
        yield from read_dependencies(poetry.table("dev-dependencies"))
    done.add(group)


def standard_group(
    project: PoetryProject, standard: Table, name: str, including: tuple[str, ...], done: set[str]
) -> Iterator[Dependency]:
    """Yield the dependencies of one entry of ``[dependency-groups]``."""
    entries = standard.data[name]
    if not isinstance(entries, list):
        raise standard.unexpected(name, "an array", entries)
    for position, entry in enumerate(entries):
        key = f"{name}[{position}]"
        if isinstance(entry, str):
            yield parse_requirement(entry, standard, name)
        elif isinstance(entry, dict) and isinstance(entry.get("include-group"), str):
            yield from included_group(
                project, entry["include-group"], (standard, name), including, done
            )
        else:
            raise standard.unexpected(key, "a requirement or an include-group", entry)


def included_group(
    project: PoetryProject,
    name: str,
    place: tuple[Table, str],
    including: tuple[str, ...],
    done: set[str],
) -> Iterator[Dependency]:
    """Yield the dependencies of the group `name`, which is included at `place`: a table, a key."""
    table, key = place
    group = canonicalize_name(name)
    if group not in project.groups:
        raise table.error(key, f"includes group {name!r}, which does not exist")
    yield from group_dependencies(project, group, including, done)


def matching_keys(table: Table, group: str) -> Iterator[str]:
    """Yield the keys of `table` that are `group` once normalised."""
    return (key for key in table.data if canonicalize_name(key) == group)

"""The Pythons that dependency groups are for: ``[tool.uv.dependency-groups]`` and uv.lock's record.

What such a group requires gets the bound as a marker, in the groups that include it too. The lock
lists all bounds of a group, those of included groups among them, once for each way to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.common.fields import parse_specifiers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from packaging.specifiers import SpecifierSet

    from pyx_launcher.locks.common.tables import Table

RECORD = "group-requires-python"


def read_bounds(document: Table) -> dict[NormalizedName, SpecifierSet]:
    """Return the bounds of a pyproject.toml, by the group that states them. Raises LockError."""
    settings = document.table("tool").table("uv").table("dependency-groups")
    tables = {canonicalize_name(key): settings.table(key) for key in settings.data}
    key = "requires-python"
    return {
        name: parse_specifiers(table, key, table.get(key, str, ""))
        for name, table in tables.items()
    }


def to_marker(bounds: SpecifierSet | None) -> str:
    """Return the marker that holds where `bounds` do."""
    texts = (f"python_full_version {b.operator} '{b.version}'" for b in bounds or ())
    return " and ".join(sorted(texts))


def bound_python(owner: Table, groups: frozenset[str], bounds: SpecifierSet) -> SpecifierSet:
    """Return what of `bounds` the groups leave of a locked project, or of a bare workspace.

    `owner` is the table of the project, or the lock's ``manifest``. Raises LockError.
    """
    record = owner.table(RECORD)
    for key in record.data:
        if canonicalize_name(key) in groups:
            bounds &= parse_specifiers(record, key, record.require(key, str))
    return bounds


def fit_bounds(document: Table, owner: Table) -> bool:
    """Return whether the bounds of a pyproject.toml, without circles, are those of its record."""
    groups, bounds = document.table("dependency-groups"), read_bounds(document)
    names = {canonicalize_name(key): key for key in groups.data}
    stated = {name: sorted(_list_bounds(groups, name, names, bounds)) for name in names}
    record = owner.table(RECORD)
    recorded = {
        canonicalize_name(key): sorted(
            str(bound)
            for text in record.require(key, str).split(",")
            for bound in parse_specifiers(record, key, text)
        )
        for key in record.data
    }
    return {name: texts for name, texts in stated.items() if texts} == recorded


def _list_bounds(
    groups: Table,
    name: NormalizedName,
    names: Mapping[NormalizedName, str],
    bounds: Mapping[NormalizedName, SpecifierSet],
) -> Iterator[str]:
    yield from map(str, bounds.get(name, ()))
    for entry in groups.data[names[name]]:
        if isinstance(entry, dict):
            yield from _list_bounds(
                groups, canonicalize_name(entry["include-group"]), names, bounds
            )

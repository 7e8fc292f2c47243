"""Whether what a project requires is what a uv.lock has resolved for it, where no more is recorded.

With its preview feature ``lock-without-metadata`` uv leaves ``[package.metadata]`` out: what a
project states is then compared with the dependencies that the lock has for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pyx_launcher.locks.common.marker_equality import hold_alike
from pyx_launcher.locks.uv.document import TREES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName

    from pyx_launcher.locks.common.marker_equality import Alternative
    from pyx_launcher.locks.common.tables import Table
    from pyx_launcher.locks.uv.packages import UvPackage
    from pyx_launcher.locks.uv.reader import UvLock
    from pyx_launcher.locks.uv.requirements import Need

FIRST_REVISION = 5
"""The first revision of the lock that may leave the metadata out."""


def lacks_metadata(lock: UvLock) -> bool:
    """Return whether no package of the lock says what it was locked from.

    A project that requires nothing has nothing to say, and its lock looks the same either way.
    """
    revision = lock.document.data.get("revision", 0)
    return (
        isinstance(revision, int)
        and revision >= FIRST_REVISION
        and not any("metadata" in package.table.data for package in lock.packages)
        and any(
            key in package.table.data
            for package in lock.packages
            if package.kind in TREES
            for key in ("dependencies", "optional-dependencies", "dev-dependencies")
        )
    )


def find_difference(
    lock: UvLock,
    package: UvPackage,
    dependencies: Sequence[Need],
    extras: Mapping[str, Sequence[Need]],
    groups: Mapping[str, Sequence[Need]],
) -> str | None:
    """Return what of a project the lock has not resolved as it is stated, or None."""
    table = package.table
    if not _fits(lock, package, dependencies, extras, table.tables("dependencies")):
        return "dependencies"
    for key, stated, recorded in (
        ("optional-dependencies", extras, package.extras),
        ("dependency-groups", groups, package.groups),
    ):
        names = {str(canonicalize_name(name)): name for name in recorded.data}
        if not names.keys() <= stated.keys():
            return key
        for name, needs in stated.items():
            edges = recorded.tables(names[name]) if name in names else ()
            if not _fits(lock, package, needs, extras, edges):
                return key
    return None


def _fits(
    lock: UvLock,
    package: UvPackage,
    needs: Iterable[Need],
    extras: Mapping[str, Sequence[Need]],
    edges: Sequence[Table],
) -> bool:
    stated = list(_flatten(package.name, needs, extras, ()))
    manifest = lock.document.table("manifest")
    free = {canonicalize_name(t.require("name", str)) for t in manifest.tables("overrides")}
    free |= {canonicalize_name(str(name)) for name in manifest.data.get("excludes", [])}
    wanted: dict[NormalizedName, set[Alternative]] = {}
    found: dict[NormalizedName, set[Alternative]] = {}
    for need in stated:
        wanted.setdefault(need.name, set()).add((need.marker, need.beside))
    for edge in edges:
        name = canonicalize_name(edge.require("name", str))
        found.setdefault(name, set()).add((edge.get("marker", str, ""), ()))
    is_whole = not lock.document.strings("supported-markers") and not lock.conflicts
    for name in ({*wanted, *found} - free) - {package.name}:
        one, other = wanted.get(name, set()), found.get(name, set())
        if is_whole and one != other and not hold_alike(one, other, lock.requires_python):
            return False
        if other and not _fit_versions(lock, name, stated, edges):
            return False
    return True


def _flatten(
    own: NormalizedName,
    needs: Iterable[Need],
    extras: Mapping[str, Sequence[Need]],
    including: tuple[str, ...],
) -> Iterator[Need]:
    """Yield `needs` with those of the project's own extras in place of the name of the project."""
    for need in needs:
        if need.name != own:
            yield need
            continue
        for extra in need.extras - set(including):
            yield from _flatten(own, extras.get(extra, ()), extras, (*including, extra))


def _fit_versions(
    lock: UvLock, name: NormalizedName, needs: Iterable[Need], edges: Iterable[Table]
) -> bool:
    """Return whether extras and versions of one dependency are those that are stated."""
    asked = [need for need in needs if need.name == name]
    mine = [edge for edge in edges if canonicalize_name(edge.require("name", str)) == name]
    extras = {canonicalize_name(e) for t in mine for k in ("extra", "extras") for e in t.strings(k)}
    if extras != {extra for need in asked for extra in need.extras}:
        return False
    named = {t.get("version", str, "") for t in mine} - {""}
    locked = named or {str(p.version) for p in lock.packages if p.name == name and p.version}
    try:
        versions = [Version(text) for text in locked]
    except InvalidVersion:
        return False
    return not versions or all(
        any(need.versions.contains(version, prereleases=True) for version in versions)
        for need in asked
    )

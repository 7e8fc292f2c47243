"""Which project of a uv.lock a start is for, and which extras and dependency groups that has.

In the directory of a workspace member that member is meant, as for `uv sync`; in the directory
of the lock the project there, or where there is none every member of the workspace.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pyx_launcher.locks.uv.packages import UvPackage

DEV = "dev"


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncTarget:
    """What `uv sync` would install, started from the same directory."""

    roots: tuple[UvPackage, ...]
    """The projects; none for the lock of a script."""

    is_member: bool
    """Whether there is exactly one root, which leaves the other members of the workspace out."""

    inherits: UvPackage | None
    """The project of the workspace, whose groups a member has as well."""

    manifest: Table
    """What belongs to no project: the requirements of a script, groups of a bare workspace."""

    pyproject: Path
    """The pyproject.toml that says which groups are the default; it may not exist."""

    extras: frozenset[str]
    own_groups: frozenset[str]
    inherited_groups: frozenset[str]
    """Groups that have to be asked for, and that the member does not define itself."""

    default_groups: frozenset[str]

    @property
    def groups(self) -> frozenset[str]:
        """Every dependency group that can be asked for."""
        return self.own_groups | self.inherited_groups


def find_target(
    path: Path, document: Table, packages: Sequence[UvPackage], start: Path | None
) -> SyncTarget:
    """Return what the lock at `path` means for a start in the directory `start`.

    Raises LockError, for the lock or the pyproject.toml, and StoreError.
    """
    manifest = document.table("manifest")
    members = frozenset(map(canonicalize_name, manifest.strings("members")))
    places = {
        package.place: package
        for package in packages
        if package.place == "." or (package.name in members and package.place)
    }
    root = places.get(".")
    place = find_place(path.parent, places.keys(), start)
    member = places.get(place)
    roots = (member,) if member else find_members(manifest, members, packages)
    inherits = root if member is not root else None
    pyproject = path.parent / place / "pyproject.toml"
    project = read_toml(pyproject) if pyproject.is_file() else None
    own = {group for package in roots for group in package_groups(package)}
    inherited = set(package_groups(inherits)) if inherits else set()
    bare = set(map(canonicalize_name, manifest.table("dependency-groups").data))
    if member is None:
        own |= bare
    else:
        inherited |= bare
    extras = {extra for package in roots for extra in package_extras(package)}
    if project is not None:
        own |= set(declared_groups(project))
        if not all(lists_extras(document, package) for package in roots):
            declared = project.table("project").table("optional-dependencies").data
            extras |= set(map(canonicalize_name, declared))
    return SyncTarget(
        roots=roots,
        is_member=member is not None,
        inherits=inherits,
        manifest=manifest,
        pyproject=pyproject,
        extras=frozenset(extras),
        own_groups=frozenset(own),
        inherited_groups=frozenset(inherited - own),
        default_groups=default_groups(project, own),
    )


def find_place(base: Path, places: Iterable[str | None], start: Path | None) -> str:
    """Return the place, relative to `base`, of the innermost project that `start` lies in."""
    for directory in (start, *start.parents) if start else ():
        place = os.path.relpath(directory, base)
        if place in places:
            return place
        if directory == base:
            break
    return "."


def find_members(
    manifest: Table, members: frozenset[str], packages: Sequence[UvPackage]
) -> tuple[UvPackage, ...]:
    """Return the members of the workspace, in the order of the lock. Raises LockError."""
    found = tuple(p for p in packages if p.name in members and p.place is not None)
    missing = members - {package.name for package in found}
    if missing:
        raise manifest.error("members", f"{', '.join(sorted(missing))}: not in this lock")
    return found


def package_groups(package: UvPackage) -> Iterator[str]:
    """Yield the dependency groups of a project, the empty ones too."""
    metadata = package.table.table("metadata")
    for table in (
        package.groups,
        metadata.table("requires-dev"),
        metadata.table("dependency-groups"),
    ):
        yield from map(canonicalize_name, table.data)


def package_extras(package: UvPackage) -> Iterator[str]:
    """Yield the extras of a project, the empty ones too."""
    yield from map(canonicalize_name, package.extras.data)
    yield from map(canonicalize_name, package.table.table("metadata").strings("provides-extras"))


def lists_extras(document: Table, package: UvPackage) -> bool:
    """Return whether the lock knows the extras of a project that have no dependencies, too."""
    revision = document.data.get("revision", 0)
    return isinstance(revision, int) and revision > 0 and "metadata" in package.table.data


def declared_groups(project: Table) -> Iterator[str]:
    """Yield the dependency groups that a pyproject.toml declares."""
    yield from map(canonicalize_name, project.table("dependency-groups").data)
    if "dev-dependencies" in project.table("tool").table("uv").data:
        yield DEV


def default_groups(project: Table | None, known: Iterable[str]) -> frozenset[str]:
    """Return the groups that are wanted unasked: ``default-groups``, or else ``dev``."""
    uv = project.table("tool").table("uv") if project else None
    if uv is None or "default-groups" not in uv.data:
        return frozenset({DEV}).intersection(known)
    if uv.data["default-groups"] == "all":
        return frozenset(known)
    names = uv.strings("default-groups")
    for position, name in enumerate(names):
        if canonicalize_name(name) not in known:
            problem = f"there is no dependency group {name!r}"
            raise uv.error(f"default-groups[{position}]", problem)
    return frozenset(map(canonicalize_name, names))

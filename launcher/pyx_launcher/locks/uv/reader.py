"""The reader of uv.lock, version 1 of every revision, and of the locks of scripts.

What is chosen is what `uv sync` would install with the same extras and groups, started from the
same directory: in the directory of a workspace member, that member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker
from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.common.choice import choose_extras, choose_groups
from pyx_launcher.locks.common.fields import parse_specifiers
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.common.markers import Conditions
from pyx_launcher.locks.common.packages import Chosen
from pyx_launcher.locks.common.project_indexes import read_named_indexes
from pyx_launcher.locks.uv.conflicts import check_active, check_choice, read_conflicts
from pyx_launcher.locks.uv.document import read_document
from pyx_launcher.locks.uv.group_bounds import bound_python
from pyx_launcher.locks.uv.packages import (
    UvPackage,
    convert_package,
    read_packages,
    unhashed_files,
)
from pyx_launcher.locks.uv.project import SyncTarget, find_target
from pyx_launcher.locks.uv.walk import UvGraph, WalkStart, check_versions, reachable_projects, walk
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaging.markers import Environment
    from packaging.specifiers import SpecifierSet

    from pyx_launcher.locks.common.choice import Choice
    from pyx_launcher.locks.common.tables import Table
    from pyx_launcher.locks.uv.conflicts import Conflict

KNOWN_VERSION = 1

HINT = "run `pyx lock`"


@dataclass(frozen=True, kw_only=True, slots=True)
class UvLock:
    """A uv.lock, for the project that a start belongs to."""

    path: Path
    document: Table
    packages: tuple[UvPackage, ...]
    target: SyncTarget
    conflicts: tuple[Conflict, ...]
    requires_python: SpecifierSet
    kind: str = "uv"
    root: Path | None = None
    """None, since the lock lists the project itself among its packages."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The pyproject.toml, which says which groups are the default, and unhashed files."""
        files = (path for package in self.packages for path in unhashed_files(package))
        return (self.target.pyproject, *(self.path.parent / path for path in files))

    def choose_packages(self, markers: Environment, choice: Choice) -> Chosen:
        """Return what `choice` means for `markers`: packages without markers of their own."""
        start = self.begin(choice)
        by_name: dict[NormalizedName, list[UvPackage]] = {}
        for package in self.packages:
            by_name.setdefault(package.name, []).append(package)
        graph = UvGraph(
            packages=by_name,
            conditions=Conditions(environment=markers, rule="uv"),
            has_conflicts=bool(self.conflicts),
        )
        if self.conflicts:
            check_choice(self.path, self.conflicts, start, reachable_projects(graph, start))
        reached, active = walk(graph, start)
        check_active(self.path, self.conflicts, active)
        check_versions(reached)
        wanted = frozenset(reached)
        converted = (convert_package(p) for p in self.packages if p in wanted)
        return Chosen(
            requires_python=self._bound_python(choice),
            environments=tuple(read_environments(self.document)),
            packages=[package for package in converted if package is not None],
        )

    def _bound_python(self, choice: Choice) -> SpecifierSet:
        """Return the Pythons of the lock, as far as the wanted groups of all projects allow them.

        A group of this name bounds them in every project of the workspace, whichever is meant.
        """
        _, groups = self.choose(choice)
        bounds = bound_python(self.target.manifest, groups, self.requires_python)
        for package in self.packages:
            # Only projects have groups; the rest of a large lock is not looked at.
            if package.place is not None:
                bounds = bound_python(package.table, groups, bounds)
        return bounds

    def choose(self, choice: Choice) -> tuple[frozenset[str], frozenset[str]]:
        """Return the extras and groups that `choice` means; by default ``default-groups``."""
        target = self.target
        default = target.default_groups if choice.default_groups else frozenset()
        return (
            choose_extras(self.path, choice, target.extras),
            choose_groups(self.path, choice, target.groups, default),
        )

    def find_indexes(self) -> IndexOptions:
        """Return the indexes that the project, or the workspace, names."""
        places = dict.fromkeys([self.path.parent, self.target.pyproject.parent])
        return IndexOptions(
            named=tuple(index for place in places for index in read_named_indexes(place))
        )

    def begin(self, choice: Choice) -> WalkStart:
        """Return where the walk begins. Raises UsageError."""
        target = self.target
        extras, groups = self.choose(choice)
        is_only = bool(choice.only_groups)
        own = [(project, group) for project in target.roots for group in sorted(groups)]
        inherited = sorted(groups & target.inherited_groups)
        if target.inherits is not None:
            own += [(target.inherits, group) for group in inherited]
        bare = target.manifest.table("dependency-groups")
        return WalkStart(
            roots=() if is_only else target.roots,
            extras=frozenset() if is_only else extras,
            groups=tuple((p, group) for p, group in own if group in p.groups.data),
            requirements=(
                *target.manifest.tables("requirements"),
                *(
                    table
                    for key in bare.data
                    if canonicalize_name(key) in (inherited if target.is_member else groups)
                    for table in bare.tables(key)
                ),
            ),
        )


def read_uv_lock(path: Path, start: Path | None = None) -> UvLock:
    """Read a uv.lock, or the lock of a script, for a start in the directory `start`.

    Raises LockError, which may name a pyproject.toml, and StoreError.
    """
    document = read_document(path, HINT)
    check_version(document)
    python = document.get("requires-python", str, "")
    packages = read_packages(document)
    return UvLock(
        path=path,
        document=document,
        packages=packages,
        target=find_target(path, document, packages, start),
        conflicts=read_conflicts(document),
        requires_python=parse_specifiers(document, "requires-python", python),
    )


def check_version(document: Table) -> None:
    """Raise LockError for another version than 1; revisions of it stay compatible."""
    if "version" not in document.data:
        raise document.error("version", "this key is missing")
    version = document.data["version"]
    if type(version) is not int:
        raise document.unexpected("version", "a number", version)
    if version != KNOWN_VERSION:
        problem = f"version {version} is not supported; pyx reads {KNOWN_VERSION}"
        raise document.error("version", problem)


def read_environments(document: Table) -> Iterator[Marker]:
    """Yield the markers of the only environments that the lock was made for, if it names any."""
    for position, text in enumerate(document.strings("supported-markers")):
        try:
            yield Marker(text)
        except InvalidMarker as error:
            key = f"supported-markers[{position}]"
            raise document.error(key, f"not a marker: {text!r}") from error

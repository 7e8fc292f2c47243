"""The reader of poetry.lock, of every version since Poetry 1.0.

What is chosen is what `poetry install` would install with the same groups and extras. A lock
of version 2.1 says so for each package; an older one is walked (`poetry_walk`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.choice import choose_extras, choose_groups
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.common.markers import Conditions
from pyx_launcher.locks.common.packages import Chosen
from pyx_launcher.locks.common.project_indexes import poetrys_index, read_named_indexes
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.locks.poetry.constraints import python_specifiers
from pyx_launcher.locks.poetry.packages import PoetryPackage, convert_package, read_packages
from pyx_launcher.locks.poetry.project import (
    MAIN,
    PoetryProject,
    project_dependencies,
    read_project,
)
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.markers import Environment
    from packaging.specifiers import SpecifierSet

    from pyx_launcher.locks.common.choice import Choice

KNOWN_VERSIONS = ("1.0", "1.1", "2.0", "2.1")

HINT = "run `pyx lock`"


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryLock:
    """A poetry.lock with the pyproject.toml beside it."""

    path: Path
    document: Table
    packages: tuple[PoetryPackage, ...]
    project: PoetryProject | None
    requires_python: SpecifierSet
    kind: str = "poetry"

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The pyproject.toml, which says which groups there are, whether it exists or not."""
        return (self.path.with_name("pyproject.toml"),)

    @property
    def root(self) -> Path | None:
        """The directory of the project, where `poetry install` would install it."""
        return self.path.parent if self.project and self.project.is_installable else None

    @property
    def has_groups(self) -> bool:
        """Whether each package says its groups and markers (lock version 2.1)."""
        return self.document.table("metadata").require("lock-version", str) == "2.1"

    def choose_packages(self, markers: Environment, choice: Choice) -> Chosen:
        """Return what `choice` means for `markers`: packages without markers of their own."""
        extras, groups = self.choose(choice)
        conditions = Conditions(environment=markers, rule="poetry")
        if self.has_groups:
            wanted = [p for p in self.packages if is_wanted(p, conditions, groups, extras)]
        else:
            wanted = self.walk(conditions, groups, extras)
        return Chosen(
            requires_python=self.requires_python,
            packages=[convert_package(package) for package in wanted],
        )

    def choose(self, choice: Choice) -> tuple[frozenset[str], frozenset[str]]:
        """Return the extras and groups that `choice` means: by default what is not optional."""
        groups = self.groups()
        extras = [canonicalize_name(name) for name in self.document.table("extras").data]
        default = [group for group, optional in groups.items() if not optional]
        return (
            choose_extras(self.path, choice, extras),
            choose_groups(self.path, choice, list(groups), default, own=(MAIN,)),
        )

    def find_indexes(self) -> IndexOptions:
        """Return the sources that the lock names with their packages, and those of the project."""
        sources = [package.table.table("source") for package in self.packages]
        locked = {
            (source.get("reference", str, ""), source.get("url", str, ""))
            for source in sources
            if source.data.get("type") == "legacy"
        }
        return IndexOptions(
            named=(
                *(poetrys_index(name, url) for name, url in sorted(locked)),
                *read_named_indexes(self.path.parent),
            )
        )

    def groups(self) -> dict[str, bool]:
        """Return every dependency group, normalised, with whether it is optional."""
        if self.project is not None:
            return self.project.groups
        key = "groups" if self.has_groups else "category"
        named = {MAIN}
        for package in self.packages:
            if key == "groups":
                named.update(map(canonicalize_name, package.table.strings(key)))
            else:
                named.add(package.table.get(key, str, MAIN))
        return dict.fromkeys(sorted(named), False)

    def walk(
        self, conditions: Conditions, groups: frozenset[str], extras: frozenset[str]
    ) -> list[PoetryPackage]:
        """Return what is wanted of a lock older than version 2.1."""
        # Only old locks need the graph.
        from pyx_launcher.locks.poetry.walk import roots_without_project, walk

        if self.project is not None:
            roots = list(project_dependencies(self.project, groups))
        else:
            roots = roots_without_project(self.packages, groups, self.document.table("extras"))
        return walk(self.packages, conditions, roots, extras, self.project)


def read_poetry_lock(path: Path) -> PoetryLock:
    """Read a poetry.lock and the pyproject.toml beside it. Raises LockError, and StoreError."""
    document = read_toml(path, hint=HINT)
    metadata = document.table("metadata")
    version = metadata.require("lock-version", str)
    if version not in KNOWN_VERSIONS:
        known = ", ".join(KNOWN_VERSIONS)
        raise metadata.error(
            "lock-version", f"version {version} is not supported; pyx reads {known}"
        )
    python = metadata.get("python-versions", str, "*")
    try:
        requires_python = python_specifiers(python)
    except ValueError as error:
        raise metadata.error("python-versions", f"not a constraint: {python!r}") from error
    return PoetryLock(
        path=path,
        document=document,
        packages=read_packages(document),
        project=read_project(path.with_name("pyproject.toml")),
        requires_python=requires_python,
    )


def is_wanted(
    package: PoetryPackage, conditions: Conditions, groups: frozenset[str], extras: frozenset[str]
) -> bool:
    """Return whether a package of a lock of version 2.1 is in one of `groups` and applies."""
    table = package.table
    if "groups" not in table.data:
        raise table.error("groups", "this key is missing")
    named = [group for group in table.strings("groups") if canonicalize_name(group) in groups]
    markers = table.data.get("markers", "")
    if isinstance(markers, str):
        return bool(named) and conditions.hold(table, "markers", markers, extras)
    per_group = table.table("markers")
    return any(
        conditions.hold(per_group, group, per_group.get(group, str, ""), extras) for group in named
    )

"""Extras, dependency groups and projects that a uv.lock says exclude one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.errors import UsageError
from pyx_launcher.locks.common.tables import Table
from pyx_launcher.locks.uv.walk import encode
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from pyx_launcher.locks.uv.walk import WalkStart


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One that excludes the others of its set."""

    project: NormalizedName
    kind: str
    """`extra`, `group` or `project`."""

    name: str

    @property
    def label(self) -> str:
        """How a user would say it."""
        return f"--{self.kind} {self.name}" if self.name else f"the project {self.project}"

    def is_chosen(self, start: WalkStart) -> bool:
        """Return whether this extra or group, of whatever project, was asked for."""
        if self.kind == "group":
            return any(group == self.name for _, group in start.groups)
        return self.kind == "project" or self.name in start.extras


Conflict = tuple[Item, ...]


def read_conflicts(document: Table) -> tuple[Conflict, ...]:
    """Return the sets of ``conflicts``, an array of arrays of tables. Raises LockError."""
    sets = document.data.get("conflicts", [])
    if not isinstance(sets, list):
        raise document.unexpected("conflicts", "an array of arrays", sets)
    keyed = {f"conflicts[{position}]": items for position, items in enumerate(sets)}
    # Tables know no arrays of arrays; each of them becomes a value with a key of its own.
    rows = Table(path=document.path, where="", data=keyed, hint=document.hint)
    return tuple(tuple(map(read_item, rows.tables(key))) for key in keyed)


def read_item(table: Table) -> Item:
    """Return one member of a set of conflicts."""
    kind = next((kind for kind in ("extra", "group") if kind in table.data), "project")
    name = "" if kind == "project" else canonicalize_name(table.require(kind, str))
    project = canonicalize_name(table.require("package", str))
    return Item(project=project, kind=kind, name=name)


def check_choice(
    path: Path, conflicts: Iterable[Conflict], start: WalkStart, projects: Collection[str]
) -> None:
    """Raise UsageError where things that exclude one another were chosen together.

    `projects` are the names that can be reached at all.
    """
    for conflict in conflicts:
        refuse(path, [i for i in conflict if i.project in projects and i.is_chosen(start)])


def check_active(path: Path, conflicts: Iterable[Conflict], active: Collection[str]) -> None:
    """Raise UsageError where a dependency asks for an extra that something else excludes."""
    for conflict in conflicts:
        refuse(path, [i for i in conflict if encode(i.kind, i.project, i.name) in active])


def refuse(path: Path, chosen: list[Item]) -> None:
    """Raise UsageError if more than one of a set was chosen."""
    if len(chosen) > 1:
        labels = " and ".join(item.label for item in chosen)
        hint = "choose one of them; --no-default-groups leaves out the groups chosen by default"
        raise UsageError(f"{path}: {labels} exclude one another", hint=hint)

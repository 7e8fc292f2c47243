"""The projects of a uv workspace as their pyproject.toml files name them, without uv."""

from __future__ import annotations

import fnmatch
import os
from typing import TYPE_CHECKING

from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT_FILE = "pyproject.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceMember:
    """One project of a workspace."""

    name: NormalizedName
    directory: Path
    place: str
    """The directory relative to that of the lock."""
    document: Table

    @property
    def uv(self) -> Table:
        """The table ``[tool.uv]``."""
        return self.document.table("tool").table("uv")


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """What lies in the directory of a uv.lock."""

    directory: Path
    document: Table
    members: tuple[WorkspaceMember, ...]
    """Every project, the one in the directory itself among them."""
    looked: tuple[Path, ...]
    """The files that say so, and the directories whose entries do."""

    @property
    def uv(self) -> Table:
        """The table ``[tool.uv]`` of the directory itself."""
        return self.document.table("tool").table("uv")

    @property
    def has_project(self) -> bool:
        """Whether the directory itself is a project, and not just the root of others."""
        return "project" in self.document.data


def read_workspace(directory: Path) -> Workspace | None:
    """Read the pyproject.toml in `directory` and those of its members; None without one.

    Raises LockError, which names one of these files, and StoreError.
    """
    path = directory / PROJECT_FILE
    if not path.is_file():
        return None
    document = read_toml(path)
    table = document.table("tool").table("uv").table("workspace")
    looked = [path]
    found = [directory] if "project" in document.data else []
    for pattern in table.strings("members"):
        for place in sorted(_expand(directory, pattern.strip("/").split("/"), looked)):
            skipped = excludes(table, os.path.relpath(place, directory))
            if place not in found and not skipped and (place / PROJECT_FILE).is_file():
                found.append(place)
    members = [m for place in found if (m := _read_member(directory, place, document)) is not None]
    looked += [member.directory / PROJECT_FILE for member in members]
    return Workspace(
        directory=directory,
        document=document,
        members=tuple(members),
        looked=tuple(dict.fromkeys(looked)),
    )


def excludes(table: Table, place: str) -> bool:
    """Tell whether ``[tool.uv.workspace]`` leaves out what lies at `place`, relative to it."""
    return any(fnmatch.fnmatch(place, pattern.rstrip("/")) for pattern in table.strings("exclude"))


def _expand(directory: Path, parts: list[str], looked: list[Path]) -> Iterator[Path]:
    """Yield the directories that a pattern names; those it lists are added to `looked`."""
    if not parts:
        yield directory
        return
    first, *rest = parts
    if not any(c in first for c in "*?["):
        yield from _expand(directory / first, rest, looked)
        return
    if not directory.is_dir():
        return
    looked.append(directory)
    if first == "**":
        yield from _expand(directory, rest, looked)
    for entry in sorted(directory.iterdir()):
        if entry.is_dir() and not entry.name.startswith("."):
            if first == "**":
                yield from _expand(entry, parts, looked)
            elif fnmatch.fnmatch(entry.name, first):
                yield from _expand(entry, rest, looked)


def _read_member(root: Path, directory: Path, top: Table) -> WorkspaceMember | None:
    document = top if directory == root else read_toml(directory / PROJECT_FILE)
    name = document.table("project").get("name", str, "")
    if not name or not document.table("tool").table("uv").get("managed", bool, True):
        return None
    return WorkspaceMember(
        name=canonicalize_name(name),
        directory=directory,
        place=os.path.relpath(directory, root),
        document=document,
    )

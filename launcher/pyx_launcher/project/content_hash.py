"""What a lock that pyx makes was resolved from, as a digest that the lock itself carries.

    [tool.pyx]                          at the end of a pylock file (PEP 751 leaves `tool` to tools)
    resolved-from = "pyproject.toml"
    content-hash = "sha256:…"
    trees-hash = "sha256:…"             of what the directories in the lock require, if any

    # resolved-from requirements.in sha256:…     at the end of a requirements.txt

The digest covers what a resolution reads and nothing else, so that an edit of a description or of
another tool's table leaves a lock as fresh as it was.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from typing import TYPE_CHECKING, Any

import tomli
from packaging.utils import canonicalize_name

from pyx_launcher.errors import StoreError
from pyx_launcher.files.hashing import sha256
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.locks.uv.workspace import read_workspace
from pyx_launcher.project.manifest import LISTS, MANIFEST, OLD, read_included
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_PROJECT = ("requires-python", "dependencies")
_GROUPED = ("optional-dependencies",)
_UV = (
    *("sources", "index", "index-url", "extra-index-url", "no-index", "find-links"),
    *("index-strategy", "constraint-dependencies", "override-dependencies"),
    *("exclude-dependencies", "build-constraint-dependencies", "dependency-metadata"),
    *("environments", "required-environments", "conflicts", "resolution", "prerelease"),
    *("fork-strategy", "exclude-newer", "exclude-newer-package", "no-sources", "no-binary"),
    *("no-binary-package", "no-build", "no-build-package", "extra-build-dependencies"),
    *("workspace", "package", "dev-dependencies", "default-groups", "dependency-groups"),
)
"""The settings of uv that change what it resolves."""

_UV_FILE = "uv.toml"
_COMMENT = re.compile(rb"\n# resolved-from ([^\s/]+) (sha256:[0-9a-f]{64})\n\Z")
_LONGEST_COMMENT = 1024
"""Bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What a lock was resolved from, or would be resolved from now."""

    name: str
    """The file beside the lock."""
    digest: str
    looked: tuple[Path, ...] = ()
    """The files and directories, there or not, that the digest was made of."""
    trees: str = ""
    """A digest of what the directories that are locked by their paths require; empty for none."""


def read_origin(manifest: Path, *, grouped: bool = True) -> Origin:
    """Return what a lock beside `manifest` would be resolved from.

    Without `grouped` the lock holds neither extras nor groups. Raises LockError and StoreError.
    """
    if manifest.name in LISTS:
        looked: list[Path] = []
        lines = list(read_included(manifest, looked))
        return Origin(name=manifest.name, digest=_digest(lines), looked=tuple(looked))
    directory = manifest.parent
    looked = [directory / _UV_FILE]
    settings = {}
    if looked[0].is_file():
        settings = _choose(read_toml(looked[0]).data, _UV)
    content: dict[str, object] = {"settings": settings}
    workspace = read_workspace(directory)
    if workspace is not None:
        looked += workspace.looked
        content["project"] = _content(workspace.document, grouped=grouped)
        content["members"] = {
            member.place: _content(member.document, grouped=grouped)
            for member in workspace.members
            if member.directory != directory
        }
    return Origin(name=MANIFEST, digest=_digest(content), looked=tuple(looked))


def read_block_origin(script: Path, block: Mapping[str, Any]) -> Origin:
    """Return what the lock of a script with the parsed inline `block` is resolved from."""
    uv = Table(path=script, where="inline block", data=block).table("tool").table("uv")
    content = [_choose(block, _PROJECT), _choose(uv.data, _UV)]
    return Origin(name=script.name, digest=_digest(content))


def read_trees(directory: Path, places: Iterable[str], origin: str) -> tuple[str, tuple[Path, ...]]:
    """Return a digest of what the source trees at `places` require, and the files that say so.

    A place is relative to `directory`, that of the lock. `origin` is the file that the lock was
    resolved from: if that is a pyproject.toml, the project itself, which is at ``.``, has a digest
    of its own. Raises LockError and StoreError.
    """
    content: dict[str, object] = {}
    looked = []
    known = {"."} if origin == MANIFEST else set()
    for place in sorted({posixpath.normpath(place) for place in places} - known):
        path = directory / place / MANIFEST
        document = read_toml(path) if path.is_file() else None
        looked.append(path)
        if document is None or not is_described(document):
            # What such a file comes to only a build tells, so any change of it counts.
            files = [path.with_name(name) for name in OLD]
            looked += files
            content[place] = [_read_whole(file) for file in files if file.is_file()]
        else:
            tool = document.table("tool")
            poetry = tool.table("poetry")
            content[place] = [
                _choose(document.table("project").data, (*_PROJECT, *_GROUPED)),
                _choose(tool.table("uv").data, ("sources",)),
                _choose(poetry.data, ("dependencies", "extras")),
            ]
    return _digest(content) if content else "", tuple(looked)


def is_described(document: Table) -> bool:
    """Tell whether a pyproject.toml says itself what its project requires."""
    dynamic = {*document.table("project").strings("dynamic")}
    is_own = "project" in document.data and dynamic.isdisjoint(_PROJECT + _GROUPED)
    return is_own or "poetry" in document.table("tool").data


def _read_whole(path: Path) -> str:
    try:
        return path.read_bytes().hex()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def _list_places(content: bytes) -> list[str]:
    """Return the directories that a pylock file locks by their paths."""
    directories = (
        one.get("directory") for one in tomli.loads(content.decode()).get("packages", [])
    )
    return [one["path"] for one in directories if one is not None]


def stamp_pylock(content: bytes, origin: Origin, directory: Path) -> bytes:
    """Return a pylock file of ours, for `directory`, that says what it was resolved from."""
    if not origin.name.isprintable():
        # TOML cannot hold half a character, and nobody is helped by a name with a line break.
        return content
    name = json.dumps(origin.name, ensure_ascii=False)
    table = f'\n[tool.pyx]\nresolved-from = {name}\ncontent-hash = "{origin.digest}"\n'
    trees, _ = read_trees(directory, _list_places(content), origin.name)
    if trees:
        table += f'trees-hash = "{trees}"\n'
    return content + table.encode()


def stamp_list(content: bytes, origin: Origin) -> bytes:
    """Return a requirements.txt that says in a comment what it was resolved from.

    What it said before is replaced.
    """
    return strip_stamp(content) + f"\n# resolved-from {origin.name} {origin.digest}\n".encode()


def strip_stamp(content: bytes) -> bytes:
    """Return a requirements.txt without that comment."""
    found = _COMMENT.search(content)
    return content if found is None else content[: found.start()]


def find_pylock_origin(tool: object) -> Origin | None:
    """Return what the table ``[tool]`` of a pylock file says it was resolved from, or None."""
    own = tool.get("pyx") if isinstance(tool, dict) else None
    table = own if isinstance(own, dict) else {}
    name, digest = table.get("resolved-from"), table.get("content-hash")
    if not (isinstance(name, str) and isinstance(digest, str)):
        return None
    trees = table.get("trees-hash")
    trees = trees if isinstance(trees, str) else ""
    return Origin(name=name, digest=digest, trees=trees) if _is_beside(name) else None


def find_list_origin(lock: Path) -> Origin | None:
    """Return what a requirements.txt says it was resolved from, or None."""
    try:
        with open(lock, "rb") as file:
            file.seek(-min(_LONGEST_COMMENT, os.fstat(file.fileno()).st_size), os.SEEK_END)
            found = _COMMENT.search(file.read())
    except OSError:
        return None
    name = os.fsdecode(found[1]) if found is not None else ""
    return Origin(name=name, digest=found[2].decode()) if found and _is_beside(name) else None


def _is_beside(name: str) -> bool:
    """Tell whether a name that a lock gives is that of a file beside it, and leads nowhere else."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _content(document: Table, *, grouped: bool) -> dict[str, object]:
    """Return what a resolution reads of a pyproject.toml."""
    project, uv = document.table("project"), document.table("tool").table("uv")
    content: dict[str, object] = {
        **_choose(project.data, _PROJECT),
        "name": canonicalize_name(project.get("name", str, "")),
        "dynamic": sorted({*project.strings("dynamic")}.intersection(_PROJECT + _GROUPED)),
        "is-built": "build-system" in document.data,
        "uv": _choose(uv.data, _UV),
    }
    if grouped:
        content["optional"] = _choose(project.data, _GROUPED)
        content["groups"] = document.data.get("dependency-groups", {})
    return content


def _choose(table: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, object]:
    return {key: table[key] for key in keys if key in table}


def _digest(content: object) -> str:
    # What JSON does not have, such as a date, counts by its text.
    text = json.dumps(content, sort_keys=True, default=str)
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"

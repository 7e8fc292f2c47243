"""Requirements as a pyproject.toml states them and as a uv.lock records them, made comparable.

uv writes into the lock what it has locked: each requirement with the place that
``[tool.uv.sources]`` gives it and with its marker rewritten. Both become `Need` here.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.common.marker_equality import Alternative, hold_alike, mean_same
from pyx_launcher.locks.common.specifiers import PLAIN, parse_specifier, split_extras
from pyx_launcher.values import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from pyx_launcher.locks.common.tables import Table

ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.zst")

FILTERS = {"extra", "group"}
"""What makes a source one for some of the requirements of a project."""

UNKNOWN = "?"
"""The place of a requirement that is not written here in the way uv writes it into the lock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """One requirement."""

    name: NormalizedName
    extras: frozenset[str] = frozenset()
    versions: SpecifierSet = field(default_factory=SpecifierSet)
    place: str = ""
    """What it comes from, in one notation; empty for the index that is asked by default."""
    marker: str = ""
    beside: tuple[str, ...] = ()
    """Markers of other sources of the same requirement: it means what none of them holds for."""
    is_divided: bool = False
    """Is it the share of one of several sources?"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where a project takes its requirements from, and where it lies in the workspace."""

    root: Path
    """The directory of the lock, which the places in it are relative to."""
    members: Mapping[NormalizedName, str]
    """The place of each member of the workspace."""
    tables: Mapping[NormalizedName, tuple[Path, Any]]
    """What ``[tool.uv.sources]`` says of a name, and the directory it is relative to."""
    indexes: Mapping[str, str]
    """The URL of each named index."""


def read_sources(
    root: Path, members: Mapping[NormalizedName, str], projects: Iterable[tuple[Path, Table]]
) -> Sources:
    """Return what the tables ``[tool.uv]`` of `projects` say, later ones before earlier ones.

    Each is given by its directory and its pyproject.toml. Raises LockError.
    """
    tables: dict[NormalizedName, tuple[Path, Any]] = {}
    indexes: dict[str, str] = {}
    for directory, document in projects:
        uv = document.table("tool").table("uv")
        for name, value in uv.table("sources").data.items():
            tables[canonicalize_name(name)] = (directory, value)
        for table in uv.tables("index"):
            indexes[table.get("name", str, "")] = table.get("url", str, "")
    return Sources(root=root, members=members, tables=tables, indexes=indexes)


def parse_needs(
    lines: Iterable[str],
    table: Table,
    key: str,
    sources: Sources,
    condition: tuple[str, str] = ("", ""),
) -> Iterator[Need]:
    """Yield the requirements in `lines`, where they come from with them. Raises LockError.

    `condition` is ``("extra", NAME)`` or ``("group", NAME)`` for what only that one requires. A
    requirement that has several sources becomes one for each, under the marker of the source, and
    one more for what they leave to the index.
    """
    kind, name = condition
    for line in lines:
        try:
            need = _parse(line)
        except (InvalidRequirement, InvalidSpecifier) as error:
            raise table.error(key, f"not a requirement: {line!r}") from error
        directory, value = sources.tables.get(need.name, (sources.root, None))
        if need.place or value is None:
            yield _settle(need, need.place)
            continue
        items = value if isinstance(value, list) else [value]
        fitting = [
            item
            for item in items
            if isinstance(item, dict)
            and all(
                kind == filtered and canonicalize_name(str(item[filtered])) == name
                for filtered in FILTERS
                if filtered in item
            )
        ]
        markers = [str(item.get("marker", "")) for item in fitting]
        for item, marker in zip(fitting, markers, strict=True):
            place = _find_place(need.name, directory, item, sources)
            share = replace(need, marker=join_markers(need.marker, marker), is_divided=bool(marker))
            yield _settle(share, place)
        if "" not in markers:
            yield replace(need, beside=tuple(markers), is_divided=bool(markers))


def _settle(need: Need, place: str) -> Need:
    """Return a need with its place; uv records no versions of what comes from no index."""
    is_indexed = not place or place.startswith("index ")
    return replace(need, place=place, versions=need.versions if is_indexed else SpecifierSet())


def _parse(line: str) -> Need:
    line = line.strip()
    if plain := PLAIN.match(line):
        return Need(
            name=canonicalize_name(plain["name"]),
            extras=split_extras(plain["extras"]),
            versions=parse_specifier(plain["specifier"]),
            marker=(plain["marker"] or "").strip(),
        )
    requirement = Requirement(line)
    return Need(
        name=canonicalize_name(requirement.name),
        extras=frozenset(map(canonicalize_name, requirement.extras)),
        versions=requirement.specifier,
        place=_place_of_url(requirement.url) if requirement.url else "",
        marker=str(requirement.marker or ""),
    )


def join_markers(one: str, other: str) -> str:
    """Return the marker that asks for both."""
    if not one or not other:
        return one or other
    one, other = (f"({text})" if " or " in text else text for text in (one, other))
    return f"{one} and {other}"


def _place_of_url(url: str) -> str:
    if not url.startswith("git+"):
        # A local path is written in several ways; which one means which is left to uv.
        return UNKNOWN if url.startswith("file:") else plain_url(url)
    parts = urlsplit(url.removeprefix("git+"))
    path, _, reference = parts.path.partition("@")
    query = dict(parse_qsl(parts.fragment))
    options = {"rev": reference, "subdirectory": query.get("subdirectory", "")}
    return _place_of_git(parts._replace(path=path, fragment="").geturl(), options)


def _place_of_git(url: str, options: Mapping[str, object]) -> str:
    given = sorted(f"{key}={value}" for key, value in options.items() if value)
    return f"git {plain_url(url)} {' '.join(given)}"


def plain_url(url: str) -> str:
    """Return a URL without credentials and without what makes no difference."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, path=parts.path.rstrip("/"), query="").geturl()


def _find_place(
    name: NormalizedName, directory: Path, value: Mapping[str, Any], sources: Sources
) -> str:
    """Return what a requirement without a URL comes from, by its table of sources."""
    if value.get("workspace"):
        return f"tree {sources.members[name]}" if name in sources.members else UNKNOWN
    if "git" in value:
        options = {k: v for k, v in value.items() if k in ("rev", "tag", "branch", "subdirectory")}
        return _place_of_git(str(value["git"]), options)
    if "url" in value:
        return plain_url(str(value["url"]))
    if "path" in value:
        path = str(value["path"])
        kind = "editable" if value.get("editable") else "tree"
        return _place_of_path(posixpath.join(directory, path), kind, sources.root, sources.members)
    if "index" in value:
        index = sources.indexes.get(str(value["index"]))
        return f"index {plain_url(index)}" if index else UNKNOWN
    return ""


def _place_of_path(path: str, kind: str, root: Path, members: Mapping[NormalizedName, str]) -> str:
    place = posixpath.relpath(posixpath.join(root, path), root)
    if path.endswith(ARCHIVES):
        return f"file {place}"
    # Whether a member is installed as an editable is compared with its own entry in the lock.
    return f"tree {place}" if place in members.values() else f"{kind} {place}"


def read_needs(tables: Iterable[Table], sources: Sources) -> Iterator[Need]:
    """Yield the requirements that a lock records. Raises LockError."""
    for table in tables:
        specifier = table.get("specifier", str, "")
        try:
            versions = parse_specifier(specifier)
        except InvalidSpecifier as error:
            raise table.error("specifier", f"not a version specifier: {specifier!r}") from error
        yield Need(
            name=canonicalize_name(table.require("name", str)),
            extras=frozenset(map(canonicalize_name, table.strings("extras"))),
            versions=versions,
            place=_recorded_place(table, sources),
            marker=table.get("marker", str, ""),
        )


def _recorded_place(table: Table, sources: Sources) -> str:
    for kind in ("editable", "directory", "virtual", "path"):
        if kind in table.data:
            shown = "editable" if kind == "editable" else "tree"
            path = table.require(kind, str)
            return _place_of_path(path, shown, sources.root, sources.members)
    if "git" in table.data:
        url = table.require("git", str)
        return _place_of_git(url, dict(parse_qsl(urlsplit(url).query)))
    if "url" in table.data:
        return plain_url(table.require("url", str))
    index = table.get("index", str, "")
    return f"index {plain_url(index)}" if index else ""


def are_same(stated: Collection[Need], recorded: Collection[Need], pythons: SpecifierSet) -> bool:
    """Return whether two lists of requirements ask for the same, with one of `pythons`."""
    blurred = {need.name for need in stated if need.place == UNKNOWN}
    ours, theirs = (_group(needs, blurred) for needs in (stated, recorded))
    if not blurred <= {need.name for need in recorded} or not theirs.keys() <= ours.keys():
        return False
    # Of what several sources share, uv leaves out the share that is nowhere.
    divided = {_key(need) for need in stated if need.is_divided}
    return all(
        (key in theirs or key in divided)
        and _mean_same(alternatives, theirs.get(key, set()), pythons)
        for key, alternatives in ours.items()
    )


def _mean_same(one: set[Alternative], other: set[Alternative], pythons: SpecifierSet) -> bool:
    if len(one) == len(other) == 1:
        [(text, beside)], [(recorded, _)] = one, other
        if not beside:
            return mean_same(text, recorded, pythons)
    return one == other or hold_alike(one, other, pythons)


def _key(need: Need) -> object:
    return need.name, need.extras, need.versions, need.place


def _group(needs: Iterable[Need], blurred: Collection[str]) -> dict[object, set[Alternative]]:
    """Return the alternatives under which each requirement is one."""
    alternatives: dict[object, set[Alternative]] = defaultdict(set)
    for need in needs:
        if need.name not in blurred:
            alternatives[_key(need)].add((need.marker, need.beside))
    return alternatives

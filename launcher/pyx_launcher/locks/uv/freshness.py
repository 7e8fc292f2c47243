"""Whether a uv.lock still fits the projects it was made for, told by uv's rule without resolving.

uv records in the lock what it has read: members, requirements, groups, extras, constraints. Where
they differ from what the pyproject.toml files say now, `uv lock` would resolve again. What only
uv's settings elsewhere or an index could tell is taken for unchanged.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pyx_launcher.locks.common.marker_equality import around
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.locks.uv.group_bounds import fit_bounds, read_bounds, to_marker
from pyx_launcher.locks.uv.project import DEV
from pyx_launcher.locks.uv.requirements import (
    Need,
    Sources,
    are_same,
    join_markers,
    parse_needs,
    read_needs,
    read_sources,
)
from pyx_launcher.locks.uv.resolved import find_difference, lacks_metadata
from pyx_launcher.locks.uv.settings import compare_settings
from pyx_launcher.locks.uv.workspace import PROJECT_FILE, Workspace, WorkspaceMember
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyx_launcher.locks.common.tables import Table
    from pyx_launcher.locks.uv.packages import UvPackage
    from pyx_launcher.locks.uv.reader import UvLock

REVISION_OF_DEFAULT_GROUPS = 5

_REQUIRING = frozenset(("dependencies", "optional-dependencies"))
"""The keys of ``[project]`` that say what it requires."""


def find_change(
    lock: UvLock, workspace: Workspace, trees: Mapping[Path, UvPackage]
) -> tuple[Path, str] | None:
    """Return the file that the lock no longer fits and what in it has changed, or None.

    `trees` are as `find_trees` returns them. Raises LockError where a pyproject.toml cannot be
    understood.
    """
    top = workspace.directory / PROJECT_FILE
    what = _compare_workspace(lock, workspace)
    if what:
        return top, what
    required = _required_members(workspace)
    for member in workspace.members:
        what = _compare_member(
            lock,
            workspace,
            member,
            is_required=member.name in required,
            is_editable=required.get(member.name, True),
        )
        if what:
            return member.directory / PROJECT_FILE, what
    for manifest, package in trees.items():
        what = _compare_tree(lock, package, read_toml(manifest)) if manifest.is_file() else None
        if what:
            return Path(os.path.normpath(manifest)), what
    return None


def find_trees(lock: UvLock, workspace: Workspace) -> dict[Path, UvPackage]:
    """Return the packages that are locked by their directory and are no members of the workspace.

    Each is given by the path of its pyproject.toml, which need not be there.
    """
    members = {member.place for member in workspace.members}
    return {
        workspace.directory / package.place / PROJECT_FILE: package
        for package in lock.packages
        if package.place is not None and package.place not in members
    }


def _compare_tree(lock: UvLock, package: UvPackage, document: Table) -> str | None:
    """Return what of a directory that is required by its path has changed, or None.

    uv would have to build one to know of what is dynamic, and where a tree has sources of its own
    only uv knows what they mean for another project.
    """
    project = document.table("project")
    uv = document.table("tool").table("uv")
    dynamic = {"version", *_REQUIRING}.intersection(project.strings("dynamic"))
    if not project.data or dynamic or not {"sources", "workspace"}.isdisjoint(uv.data):
        return None
    if lacks_metadata(lock):
        return None
    if not _fits_version(package, project):
        return "the version"
    sources = read_sources(document.path.parent, {}, [(document.path.parent, document)])
    return _compare_requirements(lock, package, project, sources)


def find_script_change(lock: UvLock, script: Table) -> str | None:
    """Return what in a script's inline block, `script`, its lock no longer fits, or None.

    Raises LockError where the block cannot be understood.
    """
    if not _fits_python(lock, [script.get("requires-python", str, "")]):
        return "requires-python"
    sources = read_sources(lock.path.parent, {}, [(lock.path.parent, script)])
    stated = parse_needs(script.strings("dependencies"), script, "dependencies", sources)
    recorded = read_needs(lock.document.table("manifest").tables("requirements"), sources)
    same = are_same(tuple(stated), tuple(recorded), lock.requires_python)
    return None if same else "dependencies"


def _compare_workspace(lock: UvLock, workspace: Workspace) -> str | None:
    """Return what belongs to the workspace as a whole and has changed, or None."""
    manifest = lock.document.table("manifest")
    names = {member.name for member in workspace.members}
    # A project alone needs no list of members.
    expected = names if len(names) > 1 or not workspace.has_project else set()
    if expected != set(map(canonicalize_name, manifest.strings("members"))):
        return "the members of the workspace"
    stated = [
        m.document.table("project").get("requires-python", str, "") for m in workspace.members
    ]
    if not _fits_python(lock, stated):
        return "requires-python"
    sources = _sources_of(workspace, None)
    if not workspace.has_project:
        groups = dict(_stated_groups(workspace.document, sources))
        if not _fit_groups(groups, manifest.table("dependency-groups"), sources, lock):
            return "dependency-groups"
        if not _fit_default_groups(lock, workspace.uv, manifest):
            return "default-groups"
        if not _fit_bounds(lock, workspace.document, manifest):
            return "dependency-groups"
    return compare_settings(lock, workspace, sources)


def _compare_member(
    lock: UvLock,
    workspace: Workspace,
    member: WorkspaceMember,
    *,
    is_required: bool,
    is_editable: bool,
) -> str | None:
    """Return what of one project has changed, or None."""
    package = next(
        (p for p in lock.packages if (p.name, p.place) == (member.name, member.place)), None
    )
    if package is None:
        return "the name of the project"
    project = member.document.table("project")
    is_virtual = not member.uv.get(
        "package", bool, "build-system" in member.document.data or is_required
    )
    if is_virtual != (package.kind == "virtual"):
        return "whether the project is installed"
    if not is_virtual and is_editable != (package.kind == "editable"):
        return "whether the project is editable"
    if not _fits_version(package, project):
        return "the version"
    sources = _sources_of(workspace, member)
    metadata = package.table.table("metadata")
    dynamic = project.strings("dynamic")
    groups = dict(_stated_groups(member.document, sources))
    is_dynamic = not _REQUIRING.isdisjoint(dynamic)
    if not (is_dynamic or metadata.data) and lacks_metadata(lock):
        needs = tuple(
            parse_needs(project.strings("dependencies"), project, "dependencies", sources)
        )
        return find_difference(lock, package, needs, _stated_extras(project, sources), groups)
    what = None if is_dynamic else _compare_requirements(lock, package, project, sources)
    if what:
        return what
    if not _fit_default_groups(lock, member.uv, package.table):
        return "default-groups"
    if not _fit_bounds(lock, member.document, package.table):
        return "dependency-groups"
    key = "requires-dev" if "requires-dev" in metadata.data else "dependency-groups"
    return None if _fit_groups(groups, metadata.table(key), sources, lock) else "dependency-groups"


def _compare_requirements(
    lock: UvLock, package: UvPackage, project: Table, sources: Sources
) -> str | None:
    """Return which of the lists of ``[project]`` is not what the lock has recorded, or None."""
    metadata = package.table.table("metadata")
    stated = tuple(_stated_needs(project, sources))
    recorded = tuple(read_needs(metadata.tables("requires-dist"), sources))
    if not are_same(stated, recorded, lock.requires_python):
        return "dependencies"
    return None if _fit_extras(lock, project, metadata) else "optional-dependencies"


def _fits_version(package: UvPackage, project: Table) -> bool:
    """Return whether the version is the locked one, or dynamic as it was."""
    text = project.get("version", str, "")
    if not text:
        return package.version is None or "version" not in project.strings("dynamic")
    try:
        return package.version == Version(text)
    except InvalidVersion as error:
        raise project.error("version", f"not a version: {text!r}") from error


def _stated_needs(project: Table, sources: Sources) -> Iterator[Need]:
    """Yield what ``[project]`` requires, with and without extras."""
    yield from parse_needs(project.strings("dependencies"), project, "dependencies", sources)
    for extra, needs in _stated_extras(project, sources).items():
        for need in needs:
            yield replace(need, marker=join_markers(need.marker, f"extra == '{extra}'"))


def _stated_extras(project: Table, sources: Sources) -> dict[str, tuple[Need, ...]]:
    """Return what each extra requires."""
    optional = project.table("optional-dependencies")
    return {
        name: tuple(parse_needs(optional.strings(key), optional, key, sources, ("extra", name)))
        for key in optional.data
        for name in [str(canonicalize_name(key))]
    }


def _fit_extras(lock: UvLock, project: Table, metadata: Table) -> bool:
    if not lock.document.data.get("revision"):
        # The first revision does not list them.
        return True
    stated = set(map(canonicalize_name, project.table("optional-dependencies").data))
    return stated == set(map(canonicalize_name, metadata.strings("provides-extras")))


def _stated_groups(document: Table, sources: Sources) -> Iterator[tuple[str, tuple[Need, ...]]]:
    """Yield every dependency group with what it asks for, included groups among it."""
    groups = document.table("dependency-groups")
    uv = document.table("tool").table("uv")
    lines, condition = uv.strings("dev-dependencies"), ("group", DEV)
    old = tuple(parse_needs(lines, uv, "dev-dependencies", sources, condition))
    names = {canonicalize_name(key): key for key in groups.data}
    bounds = read_bounds(document)
    for name, key in names.items():
        needs = tuple(_group_needs(groups, key, names, sources, bounds))
        yield name, (*needs, *old) if name == DEV else needs
    if old and DEV not in names:
        yield DEV, old


def _group_needs(
    groups: Table,
    key: str,
    names: Mapping[NormalizedName, str],
    sources: Sources,
    bounds: Mapping[NormalizedName, SpecifierSet],
    including: tuple[str, ...] = (),
) -> Iterator[Need]:
    """Yield what a group asks for, under the marker of its own Pythons."""
    marker = to_marker(bounds.get(canonicalize_name(key)))
    for need in _entries_of_group(groups, key, names, sources, bounds, including):
        yield replace(need, marker=join_markers(need.marker, marker)) if marker else need


def _entries_of_group(
    groups: Table,
    key: str,
    names: Mapping[NormalizedName, str],
    sources: Sources,
    bounds: Mapping[NormalizedName, SpecifierSet],
    including: tuple[str, ...],
) -> Iterator[Need]:
    entries = groups.data[key]
    if not isinstance(entries, list) or key in including:
        raise groups.error(key, "expected requirements and groups, and no circle")
    for entry in entries:
        if isinstance(entry, str):
            # What a group includes is required by the group itself.
            condition = ("group", str(canonicalize_name((*including, key)[0])))
            yield from parse_needs([entry], groups, key, sources, condition)
            continue
        other = entry.get("include-group") if isinstance(entry, dict) else None
        if not isinstance(other, str) or canonicalize_name(other) not in names:
            raise groups.error(key, f"expected a requirement or a group, found {entry!r}")
        included = names[canonicalize_name(other)]
        yield from _group_needs(groups, included, names, sources, bounds, (*including, key))


def _fit_groups(
    stated: Mapping[str, tuple[Need, ...]], recorded: Table, sources: Sources, lock: UvLock
) -> bool:
    """Return whether the groups are the recorded ones.

    The first revision leaves out the empty ones, as every revision does for a bare workspace.
    """
    tables = {str(canonicalize_name(key)): recorded.tables(key) for key in recorded.data}
    is_partial = not lock.document.data.get("revision") or recorded.where.startswith("manifest")
    if not is_partial and stated.keys() != tables.keys():
        return False
    names = {name for name, entries in (*stated.items(), *tables.items()) if entries}
    return all(
        are_same(
            stated.get(name, ()),
            tuple(read_needs(tables.get(name, ()), sources)),
            lock.requires_python,
        )
        for name in names
    )


def _fit_default_groups(lock: UvLock, uv: Table, recorded: Table) -> bool:
    """Return whether the groups that are wanted unasked are those that newer revisions record."""
    revision = lock.document.data.get("revision", 0)
    if revision < REVISION_OF_DEFAULT_GROUPS:
        return True
    values = [table.data.get("default-groups", [DEV]) for table in (uv, recorded)]
    stated, known = (
        sorted(map(canonicalize_name, value)) if isinstance(value, list) else value
        for value in values
    )
    return bool(stated == known)


def _fit_bounds(lock: UvLock, document: Table, recorded: Table) -> bool:
    """Return whether the Pythons of the groups are those that newer revisions record."""
    revision = lock.document.data.get("revision", 0)
    return revision < REVISION_OF_DEFAULT_GROUPS or fit_bounds(document, recorded)


def _sources_of(workspace: Workspace, member: WorkspaceMember | None) -> Sources:
    """Return the sources of a member, who has those of the workspace as well."""
    projects = [(workspace.directory, workspace.document)]
    if member is not None and member.directory != workspace.directory:
        projects.append((member.directory, member.document))
    places = {member.name: member.place for member in workspace.members}
    return read_sources(workspace.directory, places, projects)


def _required_members(workspace: Workspace) -> dict[str, bool]:
    """Return the members that one of the projects takes from the workspace, and how.

    True stands for one that is editable, which every member is unless a source says otherwise.
    """
    required: dict[str, bool] = {}
    documents = [workspace.document, *(member.document for member in workspace.members)]
    for document in documents:
        for name, value in document.table("tool").table("uv").table("sources").data.items():
            for source in value if isinstance(value, list) else [value]:
                if isinstance(source, dict) and source.get("workspace"):
                    editable = source.get("editable") is not False
                    before = required.get(canonicalize_name(name), True)
                    required[canonicalize_name(name)] = before and editable
    return required


def _fits_python(lock: UvLock, texts: Iterable[str]) -> bool:
    """Return whether the lowest and the highest Python that all `texts` allow are the locked ones.

    uv keeps only the bounds of what the projects ask for, and decides itself if they say nothing.
    """
    given = [text for text in texts if text]
    try:
        stated = SpecifierSet(",".join(given))
    except InvalidSpecifier:
        return True
    versions = [specifier.version for s in (stated, lock.requires_python) for specifier in s]
    points = sorted({point for version in versions for point in around(version)})
    spans = []
    for specifiers in (stated, lock.requires_python):
        allowed = [p for p in points if specifiers.contains(".".join(map(str, p)))]
        spans.append((allowed[:1], allowed[-1:]))
    return not given or spans[0] == spans[1]

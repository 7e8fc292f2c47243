"""Whether a uv.lock still fits the projects it was made for, told by uv's rule without resolving.

uv records in the lock what it has read: members, requirements, groups, extras, constraints. Where
they differ from what the pyproject.toml files say now, `uv lock` would resolve again. What only
uv's settings elsewhere or an index could tell is taken for unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pyx_launcher.locks.common.marker_equality import around, mean_same
from pyx_launcher.locks.uv.project import DEV
from pyx_launcher.locks.uv.requirements import (
    Need,
    Sources,
    are_same,
    parse_needs,
    read_needs,
    read_sources,
)
from pyx_launcher.locks.uv.workspace import PROJECT_FILE, Member, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pyx_launcher.locks.common.tables import Table
    from pyx_launcher.locks.uv.packages import LockedPackage
    from pyx_launcher.locks.uv.reader import UvLock

REVISION_OF_DEFAULT_GROUPS = 5

DEFAULT_OPTIONS = {
    "resolution": ("resolution-mode", "highest"),
    "prerelease": ("prerelease-mode", "if-necessary-or-explicit"),
    "fork-strategy": ("fork-strategy", "requires-python"),
}
"""The settings that the lock records: their name there, and what uv does without them."""


def find_change(lock: UvLock, workspace: Workspace) -> tuple[Path, str] | None:
    """Return the file that the lock no longer fits and what in it has changed, or None.

    Raises LockError where a pyproject.toml cannot be understood.
    """
    top = workspace.directory / PROJECT_FILE
    what = _compare_workspace(lock, workspace)
    if what:
        return top, what
    required = _required_members(workspace)
    for member in workspace.members:
        what = _compare_member(lock, workspace, member, is_required=member.name in required)
        if what:
            return member.directory / PROJECT_FILE, what
    return None


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
    for setting, key in (
        ("constraint-dependencies", "constraints"),
        ("override-dependencies", "overrides"),
        ("build-constraint-dependencies", "build-constraints"),
    ):
        if not _fits_setting(lock, workspace, sources, setting, key):
            return setting
    if not workspace.has_project:
        groups = dict(_stated_groups(workspace.document, sources))
        if not _fit_groups(groups, manifest.table("dependency-groups"), sources, lock):
            return "dependency-groups"
        if not _fit_default_groups(lock, workspace.uv, manifest):
            return "default-groups"
    return _compare_options(lock, workspace)


def _fits_setting(
    lock: UvLock, workspace: Workspace, sources: Sources, setting: str, key: str
) -> bool:
    uv, manifest = workspace.uv, lock.document.table("manifest")
    entries = uv.data.get(setting, [])
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        # Newer versions of uv know tables here.
        return bool(entries) == bool(manifest.data.get(key))
    stated = tuple(parse_needs(entries, uv, setting, sources))
    return are_same(stated, tuple(read_needs(manifest.tables(key), sources)), lock.requires_python)


def _compare_options(lock: UvLock, workspace: Workspace) -> str | None:
    """Return the setting that has changed the result of resolving, or None."""
    uv = workspace.uv
    if not (workspace.directory / "uv.toml").is_file():
        options = lock.document.table("options")
        for setting, (key, default) in DEFAULT_OPTIONS.items():
            if uv.get(setting, str, default) != options.get(key, str, default):
                return setting
    for setting, key in (
        ("environments", "supported-markers"),
        ("required-environments", "required-markers"),
    ):
        markers = uv.data.get(setting, [])
        stated = [markers] if isinstance(markers, str) else [str(marker) for marker in markers]
        recorded = lock.document.strings(key)
        if len(stated) != len(recorded) or not all(
            mean_same(one, other, lock.requires_python)
            for one, other in zip(stated, recorded, strict=True)
        ):
            return setting
    stated_sets = {
        found
        for member in workspace.members
        for found in _conflicts(member.uv.data.get("conflicts", []), member.name)
    }
    return (
        None
        if stated_sets == set(_conflicts(lock.document.data.get("conflicts", []), ""))
        else "conflicts"
    )


def _conflicts(sets: Iterable[Iterable[Mapping[str, str]]], name: str) -> Iterator[frozenset[Any]]:
    for items in sets:
        yield frozenset(
            tuple(
                sorted(
                    (key, canonicalize_name(value))
                    for key, value in ({"package": name} | dict(item)).items()
                )
            )
            for item in items
        )


def _compare_member(
    lock: UvLock, workspace: Workspace, member: Member, *, is_required: bool
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
    if not _fits_version(package, project):
        return "the version"
    sources = _sources_of(workspace, member)
    metadata = package.table.table("metadata")
    dynamic = project.strings("dynamic")
    if not {"dependencies", "optional-dependencies"}.intersection(dynamic):
        stated = tuple(_stated_needs(project, sources))
        recorded = tuple(read_needs(metadata.tables("requires-dist"), sources))
        if not are_same(stated, recorded, lock.requires_python):
            return "dependencies"
        if not _fit_extras(lock, project, metadata):
            return "optional-dependencies"
    if not _fit_default_groups(lock, member.uv, package.table):
        return "default-groups"
    groups = dict(_stated_groups(member.document, sources))
    key = "requires-dev" if "requires-dev" in metadata.data else "dependency-groups"
    return None if _fit_groups(groups, metadata.table(key), sources, lock) else "dependency-groups"


def _fits_version(package: LockedPackage, project: Table) -> bool:
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
    optional = project.table("optional-dependencies")
    for extra in optional.data:
        marker = f"extra == '{canonicalize_name(extra)}'"
        yield from parse_needs(optional.strings(extra), optional, extra, sources, marker)


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
    old = tuple(parse_needs(uv.strings("dev-dependencies"), uv, "dev-dependencies", sources))
    names = {canonicalize_name(key): key for key in groups.data}
    for name, key in names.items():
        needs = tuple(_group_needs(groups, key, names, sources, ()))
        yield name, (*needs, *old) if name == DEV else needs
    if old and DEV not in names:
        yield DEV, old


def _group_needs(
    groups: Table,
    key: str,
    names: Mapping[NormalizedName, str],
    sources: Sources,
    including: tuple[str, ...],
) -> Iterator[Need]:
    entries = groups.data[key]
    if not isinstance(entries, list) or key in including:
        raise groups.error(key, "expected requirements and groups, and no circle")
    for entry in entries:
        if isinstance(entry, str):
            yield from parse_needs([entry], groups, key, sources)
            continue
        other = entry.get("include-group") if isinstance(entry, dict) else None
        if not isinstance(other, str) or canonicalize_name(other) not in names:
            raise groups.error(key, f"expected a requirement or a group, found {entry!r}")
        included = names[canonicalize_name(other)]
        yield from _group_needs(groups, included, names, sources, (*including, key))


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


def _sources_of(workspace: Workspace, member: Member | None) -> Sources:
    """Return the sources of a member, who has those of the workspace as well."""
    projects = [(workspace.directory, workspace.document)]
    if member is not None and member.directory != workspace.directory:
        projects.append((member.directory, member.document))
    places = {member.name: member.place for member in workspace.members}
    return read_sources(workspace.directory, places, projects)


def _required_members(workspace: Workspace) -> set[str]:
    """Return the members that one of the projects takes from the workspace."""
    required: set[str] = set()
    documents = [workspace.document, *(member.document for member in workspace.members)]
    for document in documents:
        for name, value in document.table("tool").table("uv").table("sources").data.items():
            if isinstance(value, dict) and value.get("workspace"):
                required.add(canonicalize_name(name))
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

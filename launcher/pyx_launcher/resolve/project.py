"""Change what a project requires and lock it anew by its own tool: all of it, or nothing.

The lock that is there tells the tool; where there is none it becomes a universal `pylock.toml`.
`resolve` is the whole of it for who has a directory with a pyproject.toml and wants a lock.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pyx_launcher.errors import LockError, StoreError, UnavailableError, UsageError
from pyx_launcher.index.pip_config import read_settings
from pyx_launcher.index.settings import explain_offline
from pyx_launcher.interpreters.request import bound_python
from pyx_launcher.locks.common.tables import Table
from pyx_launcher.locks.reader import FILE_NAMES
from pyx_launcher.locks.uv.workspace import read_workspace
from pyx_launcher.project import pipfile, poetry_tables, pyproject, requirements_in
from pyx_launcher.project.compiled_list import keep_own
from pyx_launcher.project.content_hash import read_origin, stamp_list, strip_stamp
from pyx_launcher.project.journal import read_file
from pyx_launcher.project.links import check_links
from pyx_launcher.project.local import Local, replace_url
from pyx_launcher.project.manifest import (
    LISTED,
    LISTS,
    MANIFEST,
    MANIFESTS,
    PIPFILE,
    WISHES,
    find_manifest,
    is_hashed,
    is_project,
    make_name,
    read_included,
)
from pyx_launcher.project.pyproject import MAIN, RequirementList, is_bare
from pyx_launcher.project.transaction import Files, exclusive, restoring
from pyx_launcher.resolve.explain import NO_WISHES, collect_wishes
from pyx_launcher.resolve.pins_of_lock import (
    check_upgrade,
    find_damage,
    find_lowest,
    find_versions,
)
from pyx_launcher.resolve.runner import (
    NO_UPGRADE,
    Tool,
    Upgrade,
    compile_arguments,
    forget_pins,
    list_pdm_groups,
    names_index,
    pdm_arguments,
    pipenv_arguments,
    poetry_arguments,
    uv_arguments,
)
from pyx_launcher.resolve.tools import NAMES, Toolbox
from pyx_launcher.resolve.universal import UV_LOCK, lock_list, lock_project
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from pathlib import Path

    from pyx_launcher.interpreters.finder import Interpreter

Tell = Callable[[str], None]
Add = Callable[["Path", str, Sequence[Requirement], RequirementList], str]
Remove = Callable[["Path", str, Sequence[str], RequirementList], str]

_TOOL_OF = {
    "pylock.toml": "pylock",
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "pdm.lock": "pdm",
    "Pipfile.lock": "pipenv",
    "requirements.txt": "compile",
}
_TAKE_CONSTRAINTS = ("pylock", "uv")
"""The kinds of which uv reads constraints in a pyproject.toml."""
_WRITTEN = {"package", "sources"}
"""What pyx itself writes into the table ``[tool.uv]``, for which nobody need know uv."""
_OWN_INDEX = (
    ("tool", "uv", "index"),
    ("tool", "uv", "index-url"),
    ("tool", "uv", "extra-index-url"),
    ("tool", "poetry", "source"),
    ("tool", "pdm", "source"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A directory, the file that says what it requires, and its lock, which may not exist yet."""

    directory: Path
    manifest: Path
    lock: Path
    kind: str
    """How it is locked: `uv`, `poetry`, `pdm`, `pipenv`, a pyproject.toml (`pylock`) or a list of
    requirements (`list`) to a pylock.toml, or to a requirements.txt with hashes (`compile`)."""

    @property
    def tool(self) -> str:
        """The program that locks it."""
        return "uv" if self.kind in ("pylock", "list", "compile") else self.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is to become of a project. Without anything, it is locked anew."""

    added: tuple[Requirement, ...] = ()
    typed: tuple[Requirement, ...] = ()
    """Those of the added that no file lists."""
    removed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    """What is removed if it is there, as a file lists more than a project requires."""
    place: RequirementList = MAIN
    upgrade: Upgrade = NO_UPGRADE
    init: bool = False
    """May a project be made where there is none?"""
    takes_over: bool = False
    """Is a pyproject.toml to be made of the requirements.txt that is there?"""
    follow: bool = False
    """May files be written through links that lead out of the project?"""
    constraints: tuple[Requirement, ...] = ()
    """What this resolution alone must keep to."""
    places: tuple[Local, ...] = ()
    """Those of the added that are named by their paths."""
    lock_name: str = ""
    """The lock that a start takes, where there are several."""
    requires_python: str = ""
    """The versions of Python that the project is to support instead of those that it does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a change came to: the versions for the target interpreter before and after."""

    lock: Path
    before: Mapping[str, str]
    after: Mapping[str, str]
    is_new: bool = False
    """Was there no lock before?"""
    manifest: Path | None = None
    """What says what was locked, if that is no script."""


def resolve(directory: Path, toolbox: Toolbox, tell: Tell, python: str | None = None) -> Outcome:
    """Lock the project in `directory` by its own tool, or to a pylock.toml where it has no lock.

    `python` asks for an interpreter, as ``--python`` does. Raises PyxError, and then every file
    is what it was.
    """
    return change_project(directory, Change(), toolbox, tell, python=python)


def read_project(directory: Path, *, takes_over: bool = False, lock_name: str = "") -> Project:
    """Return the project in `directory` and how it is locked. Nothing needs to be there.

    Of several locks `lock_name` is the one that a start takes. With `takes_over` a list of wishes
    is none, since a pyproject.toml is to be made of it. Raises LockError and StoreError for a
    manifest that cannot be read.
    """
    names = [name for name in FILE_NAMES if (directory / name).is_file()]
    locks = [name for name in names if name != WISHES or _is_compiled(directory)]
    # The others keep their order.
    locks.sort(key=lambda name: name != lock_name)
    wanted = [name for name in MANIFESTS if name != WISHES or not takes_over]
    manifest, name = _name_files(directory, locks[0] if locks else None, wanted)
    lock, kind = directory / name, _TOOL_OF[name]
    if name == "pylock.toml" and manifest in LISTS:
        kind = "list"
    elif name in ("pylock.toml", UV_LOCK, "poetry.lock") and not locks:
        lock = _find_workspace_lock(directory) or lock
        kind = _TOOL_OF[lock.name]
    return Project(directory=directory, manifest=directory / manifest, lock=lock, kind=kind)


def _name_files(directory: Path, lock: str | None, wanted: Sequence[str]) -> tuple[str, str]:
    """Return the name of the manifest and that of the lock, which is `lock` if there is one."""
    if lock == "Pipfile.lock":
        return PIPFILE, lock
    if lock == "requirements.txt":
        return (LISTED if (directory / LISTED).is_file() else MANIFEST), lock
    if lock is not None and lock != "pylock.toml":
        return MANIFEST, lock
    # What makes a pylock.toml does not know Pipfiles.
    found = find_manifest(directory, [n for n in wanted if lock is None or n != PIPFILE])
    manifest = found.name if found is not None else MANIFEST
    if lock is None and manifest == MANIFEST and found is not None:
        return manifest, _name_lock(found)
    return manifest, lock or {PIPFILE: "Pipfile.lock", LISTED: WISHES}.get(manifest, "pylock.toml")


def _is_compiled(directory: Path) -> bool:
    """Tell whether requirements.txt is made of another file, and not what somebody wrote."""
    if (directory / LISTED).is_file():
        return True
    return (directory / MANIFEST).is_file() and is_hashed(directory / WISHES)


def _name_lock(manifest: Path) -> str:
    """Return which lock a project gets that has none: that of the tool which it has tables of.

    One with [project] alone needs no tool, even if Poetry builds it.
    """
    data = _parse(manifest, read_file(manifest))
    uv = data.get("tool", {}).get("uv", {})
    if uv.keys() - _WRITTEN and not poetry_tables.has_own_tables(data, MAIN):
        return UV_LOCK
    return "poetry.lock" if poetry_tables.needs_poetry(data) else "pylock.toml"


def _find_workspace_lock(directory: Path) -> Path | None:
    """Return the lock of the workspace of uv's that `directory` is a member of, be it there or not.

    Raises LockError where a project of it cannot be read.
    """
    for above in directory.parents:
        manifest = above / MANIFEST
        if not manifest.is_file():
            continue
        data = _parse(manifest, read_file(manifest))
        if names_index(data, [("tool", "uv", "workspace")]):
            workspace = read_workspace(above)
            members = workspace.members if workspace is not None else ()
            is_member = any(member.directory == directory for member in members)
            return above / UV_LOCK if is_member else None
    return None


def _list_uv_locks(directory: Path) -> list[Path]:
    above = _find_workspace_lock(directory)
    return [directory / UV_LOCK, *([above] if above is not None else [])]


def _parse(path: Path, data: bytes | None) -> Mapping[str, Any]:
    return pyproject.parse_data(path, _decode(path, data or b""))


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise LockError(path, "is not UTF-8", hint="write it in UTF-8") from error


def change_project(
    directory: Path,
    change: Change,
    toolbox: Toolbox,
    tell: Tell,
    *,
    python: str | None = None,
    subject: str = "",
) -> Outcome:
    """Edit what the project in `directory` requires, and lock it.

    `subject` is what a person calls it, if not by the directory. Raises PyxError, and then every
    file is what it was, as it is after an interruption.
    """
    with exclusive(toolbox.dirs, directory, tell) as journal:
        project = read_project(directory, takes_over=change.takes_over, lock_name=change.lock_name)
        old = read_file(project.manifest)
        if old is None and not change.takes_over:
            check_manifest(project, may_make=change.init)
        text = _decode(project.manifest, old or b"")
        if change.requires_python:
            text = pyproject.set_python(project.manifest, text, change.requires_python)
        data = _parse_manifest(project, text)
        paths = [project.manifest, project.lock]
        if project.kind == "pylock":
            # What uv works on, which in a workspace is the lock of all.
            paths += _list_uv_locks(directory)
        check_links(paths, directory, follow=change.follow or _follows(data))
        interpreter = _find_interpreter(project, data, toolbox, python)
        if change.init:
            _keep_list(project, data, change)
            text = _initialise(project, text, data, interpreter, python)
        _refuse_editables(project, change)
        change = _merge_constraints(project, change)
        text = edit_text(project, text, change)
        check_upgrade(project.lock, change.upgrade, takes_versions=project.tool == "uv")
        tool = replace(_take_tool(project, data, toolbox, interpreter, tell), subject=subject)
        is_new = not project.lock.is_file()
        before, made = find_versions(project.lock, interpreter), find_maker(project.lock)
        option = f"{'--init ' if change.init else ''}{change.place.option.strip()}"
        # Whoever has a tool has no file that says what it requires.
        wishes = NO_WISHES if subject else collect_wishes(change.typed, project.manifest, option)
        tool = replace(tool, known=tuple(before), wishes=wishes)
        damage = find_damage(project.lock)
        with restoring(journal, paths, tell) as files:
            files.expect(project.manifest, old)
            tool = replace(tool, look=files.look)
            if damage is not None:
                tell(f"{damage}; it is written again")
                files.remove(project.lock)
            first = _constrain_text(project, text, change)
            if first.encode() != old:
                files.write(project.manifest, first.encode())
            _lock(project, tool, files, first, change)
            after = find_versions(project.lock, interpreter)
            _check_constraints(project, change, after, interpreter)
            _tell_of_constraints(project, change, after, tell)
            _tell_of_maker(project, made, tell)
            bounded = _bound_text(project, text, change, find_lowest(project.lock, after))
            if bounded != first:
                files.write(project.manifest, bounded.encode())
                _lock(project, replace(tool, is_quiet=True), files, bounded, Change())
        return Outcome(
            lock=project.lock,
            before=before,
            after=after,
            is_new=is_new,
            manifest=project.manifest,
        )


def find_maker(lock: Path) -> str | None:
    """Return the version of Poetry that wrote a poetry.lock, as its first line says it."""
    found = re.match(rb"# [^\n]*generated by Poetry (\d[\w.+]*)", read_file(lock) or b"")
    return found[1].decode() if found else None


def _tell_of_maker(project: Project, made: str | None, tell: Tell) -> None:
    """Warn where an older Poetry, such as that of a colleague, may no longer take the lock."""
    now = find_maker(project.lock)
    if made and now and made.partition(".")[0] != now.partition(".")[0]:
        tell(
            f"warning: {project.lock} was written by Poetry {made}, and is by {now} now, which the "
            "other may not read; PYX_POETRY names the Poetry that pyx calls"
        )


def check_manifest(project: Project, *, may_make: bool) -> None:
    """Raise UsageError for a project without a manifest, unless there is nothing to lose."""
    name = project.manifest.name
    if project.lock.is_file() and project.lock.stat().st_size:
        listed = "wanted.txt"
        move = shlex.join(["mv", str(project.lock), f"{project.lock}.old"])
        raise UsageError(
            f"{project.lock} has no {name} beside it, which says what it is to have",
            hint=f"`pyx export --format requirements -o {listed} && {move}"
            f" && pyx add --init -r {listed}` makes one of what it has",
        )
    if not may_make:
        raise UsageError(
            f"there is no {name} in {project.directory}",
            hint=f"`pyx add --init -r {WISHES}` makes one of it"
            if (project.directory / WISHES).is_file()
            else "`pyx init` makes a project here",
        )


def _follows(data: object) -> bool:
    """Tell whether a pyproject.toml says that links may lead out of its project."""
    for key in ("tool", "pyx", "follow"):
        data = data.get(key) if isinstance(data, dict) else None
    return data is True


def _parse_manifest(project: Project, text: str) -> Mapping[str, Any]:
    return {} if project.manifest.name in LISTS else pyproject.parse_data(project.manifest, text)


def _keep_list(project: Project, data: Mapping[str, Any], change: Change) -> None:
    """Raise UsageError where a new project would not have what a requirements.txt here locks."""
    listed = project.directory / WISHES
    if project.manifest.name != MANIFEST or change.takes_over or not listed.is_file():
        return
    if not is_project(Table(path=project.manifest, where="", data=data)):
        words = ["pyx", "add", "--init", "-r", WISHES, *map(str, change.added)]
        raise UsageError(
            f"{listed} locks what a new project would not have", hint=shlex.join(words)
        )


def makes_table(directory: Path, *, takes_over: bool) -> bool:
    """Tell whether `directory` would get a table [project], were a project to be made there.

    `takes_over` is that of the change. Raises LockError and StoreError.
    """
    project = read_project(directory, takes_over=takes_over)
    text = _decode(project.manifest, read_file(project.manifest) or b"")
    return _needs_table(project, _parse_manifest(project, text))


def _needs_table(project: Project, data: Mapping[str, Any]) -> bool:
    is_other = project.manifest.name != MANIFEST or poetry_tables.has_own_tables(data, MAIN)
    return not is_other and "project" not in data


def _initialise(
    project: Project,
    text: str,
    data: Mapping[str, Any],
    interpreter: Interpreter,
    python: str | None,
) -> str:
    if not _needs_table(project, data):
        return text
    name = make_name(project.directory.name)
    bound = bound_python(python, interpreter.tag_facts.python)
    return pyproject.add_project_table(project.manifest, text, name, bound)


def edit_text(project: Project, text: str, change: Change) -> str:
    """Return the text of the project's manifest with `change`. Raises UsageError, LockError."""
    path, place = project.manifest, change.place
    if path.name in LISTS:
        if change.added:
            text = requirements_in.add_lines(path, text, change.added, place, change.places)
        return _remove(requirements_in.remove_lines, path, text, change)
    add, remove = pyproject.add_requirements, pyproject.remove_requirements
    if project.kind == "poetry":
        remove = poetry_tables.remove_anywhere
    if path.name == "Pipfile":
        add, remove = pipfile.add_packages, pipfile.remove_packages
    elif _has_own_tables(project, text, place):
        add = poetry_tables.add_constraints
    text = _add(add, project, text, change) if change.added else text
    return _remove(remove, path, text, change)


def _remove(remove: Remove, path: Path, text: str, change: Change) -> str:
    text = remove(path, text, change.removed, change.place) if change.removed else text
    return pyproject.drop_known(
        text, change.dropped, lambda text, name: remove(path, text, (name,), change.place)
    )


def _add(add: Add, project: Project, text: str, change: Change) -> str:
    """Return the text with what is added, paths as the tool that locks writes them."""
    path, place = project.manifest, change.place
    by_url = {str(one.requirement): one for one in change.places}
    added = list(change.added)
    for at, requirement in enumerate(added):
        local = by_url.get(str(requirement))
        if local is None:
            continue
        where = os.path.relpath(local.path, path.parent)
        if project.kind in ("pylock", "uv"):
            text = pyproject.add_source(path, text, requirement.name, _make_source(path, local))
            added[at] = replace_url(requirement, None)
        elif project.kind == "pdm":
            added[at] = replace_url(requirement, f"file:///${{PROJECT_ROOT}}/{quote(where)}")
    text = add(path, text, added, place)
    for local in change.places:
        if local.is_editable and path.name == PIPFILE:
            text = pipfile.make_editable(path, text, local.requirement.name, place)
        elif local.is_editable and project.kind == "poetry":
            text = poetry_tables.add_develop(path, text, local.requirement.name, place)
    return text


def _make_source(manifest: Path, local: Local) -> dict[str, Any]:
    """Return where uv is to take a project from: of its workspace, or where it lies."""
    for above in (manifest.parent, *manifest.parent.parents):
        workspace = read_workspace(above)
        members = workspace.members if workspace is not None else ()
        if any(member.directory == local.path for member in members):
            return {"workspace": True}
    source: dict[str, Any] = {"path": os.path.relpath(local.path, manifest.parent)}
    return source | ({"editable": True} if local.is_editable else {})


def _merge_constraints(project: Project, change: Change) -> Change:
    """Return `change` with its constraints in what it adds, for tools that have none of their own.

    What they say of other packages is left for `_check_constraints`.
    """
    if project.kind in _TAKE_CONSTRAINTS or not change.constraints:
        return change
    added = []
    for requirement in change.added:
        merged = Requirement(str(requirement))
        for one in change.constraints:
            is_same = canonicalize_name(one.name) == canonicalize_name(merged.name)
            if is_same and not (one.url or one.marker or merged.url):
                merged.specifier &= one.specifier
        added.append(merged)
    return replace(change, added=tuple(added))


def _check_constraints(
    project: Project, change: Change, versions: Mapping[str, str], interpreter: Interpreter
) -> None:
    """Raise UsageError where what came out is not what the constraints allow."""
    if project.kind in _TAKE_CONSTRAINTS:
        return
    environment = cast("Mapping[str, str]", interpreter.markers)
    broken: list[tuple[str, str]] = []
    for one in change.constraints:
        version = versions.get(canonicalize_name(one.name))
        if version is None or (one.marker and not one.marker.evaluate(environment)):
            continue
        if one.url or not (version and one.specifier.contains(version, prereleases=True)):
            broken.append((f"{one.name} {version}".rstrip(), str(one)))
    if broken:
        start = ["pyx", "add", *change.place.option.split()]
        wanted = [constraint for _, constraint in broken]
        raise UsageError(
            f"{broken[0][0]} would be locked, and the constraints have {wanted[0]}",
            hint=f"`{shlex.join([*start, *wanted])}` requires that; then this again",
        )


def _tell_of_constraints(
    project: Project, change: Change, versions: Mapping[str, str], tell: Tell
) -> None:
    """Say which constraints hold for this resolution alone, so that the next does not surprise."""
    held = [one for one in change.constraints if canonicalize_name(one.name) in versions]
    if project.kind in _TAKE_CONSTRAINTS and held:
        adding = shlex.join(["pyx", "add", *map(str, held)])
        tell(f"only this time: {', '.join(map(str, held))}; `{adding}` keeps to that for good")


def _refuse_editables(project: Project, change: Change) -> None:
    """Raise UsageError for a directory that is to be used as it is, where no lock can say so."""
    wanted = next((one for one in change.places if one.is_editable), None)
    if wanted is None or project.kind in (*_TAKE_CONSTRAINTS, "poetry", "pipenv", "list"):
        return
    if project.kind == "compile":
        raise UsageError(
            f"{project.lock} has hashes, and the directory {wanted.path} can have none",
            hint="the requirements of a requirements.txt without hashes, or of a pyproject.toml,"
            " may name a directory",
        )
    raise UsageError(
        f"{NAMES[project.tool]} does not lock the directory {wanted.path} as it is",
        hint=f"`pyx add {shlex.quote(str(wanted.path))}` requires a copy of it",
    )


def _constrain_text(project: Project, text: str, change: Change) -> str:
    """Return the text with what a first resolution is to keep to; the pins outlast it."""
    if not change.constraints or project.kind not in _TAKE_CONSTRAINTS:
        return text
    return pyproject.add_constraints(project.manifest, text, list(map(str, change.constraints)))


def _has_own_tables(project: Project, text: str, place: RequirementList) -> bool:
    return project.kind == "poetry" and poetry_tables.has_own_tables(
        pyproject.parse_data(project.manifest, text), place
    )


def _bound_text(project: Project, text: str, change: Change, versions: Mapping[str, str]) -> str:
    """Return the text with a lower bound for what was added without any version."""
    bounds: dict[str, str] = {}
    for requirement in change.added:
        name = canonicalize_name(requirement.name)
        if is_bare(requirement) and versions.get(name):
            bounds[name] = _public(versions[name])
    if bounds and project.manifest.name in LISTS:
        return requirements_in.bound_lines(project.manifest, text, bounds)
    if not bounds or project.manifest.name != MANIFEST:
        return text
    if _has_own_tables(project, text, change.place):
        return poetry_tables.bound_constraints(project.manifest, text, bounds, change.place)
    return pyproject.bound_requirements(
        project.manifest, text, bounds, change.place, is_capped=project.tool == "poetry"
    )


def _public(version: str) -> str:
    try:
        return Version(version).public
    except InvalidVersion:
        return version


def _find_interpreter(
    project: Project, data: Mapping[str, Any], toolbox: Toolbox, python: str | None
) -> Interpreter:
    requires = data.get("project", {}).get("requires-python", "")
    return toolbox.find_interpreter(
        project.manifest, requires, where="project.requires-python", python=python
    )


def _take_tool(
    project: Project,
    data: Mapping[str, Any],
    toolbox: Toolbox,
    interpreter: Interpreter,
    tell: Tell,
) -> Tool:
    name = project.tool
    if toolbox.offline and name != "uv":
        why = explain_offline(toolbox.environ)
        raise UnavailableError(
            f"{NAMES[name]} cannot lock {project.directory} without the network, and {why.cause}",
            hint=why.hint,
        )
    own_index = names_index(data, [keys for keys in _OWN_INDEX if keys[1] == name])
    settings = read_settings(toolbox.environ)
    if name == "poetry" and not own_index and settings.index_url:
        tell("Poetry takes its indexes from [[tool.poetry.source]], not from pip's configuration")
    return Tool(
        name=name,
        program=toolbox.find_tool(name),
        toolbox=toolbox,
        interpreter=interpreter,
        own_index=own_index,
    )


def _lock(project: Project, tool: Tool, files: Files, text: str, change: Change) -> None:
    """Run the tool; it, or we, write the lock."""
    if project.kind == "pylock":
        data = pyproject.parse_data(project.manifest, text)
        content = lock_project(tool, project.lock, data, change.upgrade)
        files.write(project.lock, content)
        for place in _list_uv_locks(project.directory):
            files.put_back(place)
        return
    if project.kind == "list":
        files.write(project.lock, lock_list(tool, project.manifest, project.lock, change.upgrade))
        return
    origin = read_origin(project.manifest, grouped=False) if project.kind == "compile" else None
    old = read_file(project.lock)
    for command in _find_commands(project, files, change):
        tool.run(command, project.directory)
    written = read_file(project.lock)
    if written is None:
        raise StoreError(f"{NAMES[tool.name]} wrote no {project.lock}")
    if origin is not None:
        content = written
        if old:
            source = (
                list(read_included(project.manifest, [])) if project.manifest.name in LISTS else ()
            )
            content = keep_own(strip_stamp(old), written, source)
        files.write(project.lock, stamp_list(content, origin))


def _find_commands(project: Project, files: Files, change: Change) -> list[list[str]]:
    """Return what the tool is to be told. PDM is first made to forget what is to be upgraded."""
    upgrade, lock = change.upgrade, read_file(project.lock)
    if project.kind == "compile":
        return [compile_arguments(project.manifest.name, project.lock.name, upgrade)]
    if project.kind == "poetry":
        return poetry_arguments(upgrade)
    if project.kind == "pdm":
        if lock is not None and upgrade.names:
            files.write(project.lock, forget_pins(lock, upgrade.names))
        return [pdm_arguments(list_pdm_groups(lock, change.place), upgrade)]
    if project.kind == "pipenv":
        added = tuple(requirement.name for requirement in change.added)
        names = (*added, *upgrade.names) if lock is not None else ()
        return [pipenv_arguments(change.place, names)]
    return [uv_arguments(upgrade)]

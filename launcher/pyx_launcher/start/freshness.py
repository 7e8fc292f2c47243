"""Does a lock still fit the project that it was made from, and has that project a lock at all?

Each tool has its own rule: Poetry, PDM and Pipenv keep a hash of what they have read, uv keeps
what it has read. `pylock.toml` and requirements say where they come from only if pyx made them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from pyx_launcher.errors import LockError, RefusedError, StoreError
from pyx_launcher.files.ownership import check_owner
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.start.context import DEFAULT_NAME
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pyx_launcher.locks.pylock import PylockLock
    from pyx_launcher.locks.reader import Lock
    from pyx_launcher.locks.requirements.reader import RequirementsLock
    from pyx_launcher.locks.uv.reader import UvLock
    from pyx_launcher.project.content_hash import Origin
    from pyx_launcher.start.context import Context, Script

PROJECT_FILE = "pyproject.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Staleness:
    """Why a lock is not what its tool would write now."""

    path: Path
    """The lock, or the project file that has none."""
    problem: str
    command: str
    """What mends it."""

    @property
    def error(self) -> LockError:
        """The same as an error."""
        return LockError(self.path, self.problem, hint=f"run `{self.command}`")


@dataclass(frozen=True, kw_only=True, slots=True)
class Freshness:
    """What is known of a lock and its origin."""

    staleness: Staleness | None = None
    """None where the lock fits, and where nothing tells."""
    is_told: bool = False
    """Does anything tell?"""
    looked: tuple[Path, ...] = ()
    """The files and directories, there or not, that this was told from."""
    doubt: LockError | None = None
    """What is wrong with a file that would have told."""

    @property
    def error(self) -> LockError | None:
        """Why nobody should rely on the lock; None where nothing speaks against it."""
        return self.doubt if self.staleness is None else self.staleness.error


def find_freshness(lock: Lock | None, context: Context) -> Freshness:
    """Return whether `lock`, or that there is none, fits the project of the start.

    Raises StoreError and RefusedError for a project file that may not be read.
    """
    try:
        if lock is None or context.is_fallback:
            return find_unlocked(context)
        return compare_lock(lock, context.script)
    except LockError as error:
        # Once it is mended, the lock has to be compared with it.
        return Freshness(looked=(error.path,), doubt=error)


def compare_lock(lock: Lock, script: Script | None) -> Freshness:
    """Return whether `lock` fits what it was made of, the inline block of `script` perhaps.

    Raises PyxError for a project file that cannot be read or understood.
    """
    if lock.kind == "uv":
        return _find_uv(cast("UvLock", lock), script)
    if lock.kind == "poetry":
        from pyx_launcher.locks.poetry.content_hash import fits_poetry

        return _compare_hash(lock, PROJECT_FILE, fits_poetry)
    if lock.kind == "pdm":
        from pyx_launcher.locks.pdm.content_hash import fits_pdm

        return _compare_hash(lock, PROJECT_FILE, fits_pdm)
    if lock.kind == "pipenv":
        from pyx_launcher.locks.pipenv.content_hash import fits_pipfile

        return _compare_hash(lock, "Pipfile", fits_pipfile)
    if lock.kind == "pylock":
        return _find_pylock(cast("PylockLock", lock), script)
    return _find_requirements(cast("RequirementsLock", lock))


def _find_pylock(lock: PylockLock, script: Script | None) -> Freshness:
    if not lock.content.tool:
        return Freshness()
    from pyx_launcher.project.content_hash import find_pylock_origin, read_block_origin
    from pyx_launcher.project.manifest import MANIFESTS

    recorded = find_pylock_origin(lock.content.tool)
    if recorded is None or recorded.name in MANIFESTS:
        found = _compare_origin(lock.path, recorded)
        return _compare_trees(lock, recorded, found) if recorded is not None else found
    if script is None or script.path != lock.path.with_name(recorded.name) or not script.metadata:
        return Freshness()
    if read_block_origin(script.path, script.metadata).digest == recorded.digest:
        return Freshness(is_told=True)
    return Freshness(staleness=_outdated_block(lock.path, script.path), is_told=True)


def _compare_trees(lock: PylockLock, recorded: Origin, found: Freshness) -> Freshness:
    """Return `found` with whether the directories in the lock require what they did."""
    from pyx_launcher.project.content_hash import read_trees

    if not recorded.trees or found.staleness is not None:
        return found
    directories = (package.directory for package in lock.content.packages)
    places = [one.path for one in directories if one is not None and one.path is not None]
    trees, looked = read_trees(lock.path.parent, places, recorded.name)
    staleness = None
    if trees != recorded.trees:
        gone = dict.fromkeys(str(one.parent) for one in looked if not one.parent.exists())
        there = [one for one in looked if one.exists()]
        named = " or ".join(map(os.path.normpath, gone or there or looked))
        what = "is not there any more" if gone else "has changed since it was made"
        problem = f"out of date: {named} {what}"
        staleness = Staleness(path=lock.path, problem=problem, command=_lock_command(lock.path))
    return replace(found, staleness=staleness, looked=(*found.looked, *looked))


def _find_requirements(lock: RequirementsLock) -> Freshness:
    from pyx_launcher.project.content_hash import find_list_origin

    files = (lock.path, *lock.more)
    told = [_compare_origin(file, find_list_origin(file), grouped=False) for file in files]
    return Freshness(
        staleness=next((each.staleness for each in told if each.staleness is not None), None),
        is_told=any(each.is_told for each in told),
        looked=tuple(path for each in told for path in each.looked),
    )


def _compare_origin(lock: Path, recorded: Origin | None, *, grouped: bool = True) -> Freshness:
    """Return whether a lock that pyx made fits the file that it says it was resolved from."""
    if recorded is None:
        return Freshness()
    from pyx_launcher.project.content_hash import read_origin

    path = lock.with_name(recorded.name)
    if not path.is_file():
        return Freshness(looked=(path,))
    now = read_origin(path, grouped=grouped)
    includes = path.suffix in (".in", ".txt") and {*now.looked} - {path}
    what = f"{path}, or a list that it includes," if includes else f"{path}"
    staleness = None if now.digest == recorded.digest else _changed(lock, what)
    return Freshness(staleness=staleness, looked=now.looked, is_told=True)


def _changed(lock: Path, origin: Path | str) -> Staleness:
    problem = f"out of date: {origin} has changed since it was made"
    return Staleness(path=lock, problem=problem, command=_lock_command(lock))


def _lock_command(lock: Path) -> str:
    from pyx_launcher.project.manifest import name_command

    return name_command(lock.parent)


def _outdated_block(lock: Path, script: Path) -> Staleness:
    problem = f"out of date: the inline block of {script} has changed since it was made"
    return Staleness(path=lock, problem=problem, command=_lock_script_command(script))


def _lock_script_command(script: Path) -> str:
    from shlex import quote

    return f"pyx lock {quote(str(script))}"


def _find_uv(lock: UvLock, script: Script | None) -> Freshness:
    # Only here, since reading any other lock does not need them.
    from pyx_launcher.locks.uv.freshness import find_change, find_script_change, find_trees
    from pyx_launcher.locks.uv.workspace import read_workspace

    if lock.path.name != "uv.lock":
        if script is None or lock.path.name != f"{script.path.name}.lock" or not script.metadata:
            return Freshness()
        block = Table(path=script.path, where="inline block", data=script.metadata)
        what = find_script_change(lock, block)
        staleness = _outdated(lock.path, script.path, _lock_script_command(script.path), what)
        return Freshness(staleness=staleness, is_told=True)
    workspace = read_workspace(lock.path.parent)
    if workspace is None:
        return Freshness(looked=(lock.path.with_name(PROJECT_FILE),))
    trees = find_trees(lock, workspace)
    path, what = find_change(lock, workspace, trees) or (lock.path, None)
    staleness = _outdated(lock.path, path, None, what)
    return Freshness(staleness=staleness, looked=(*workspace.looked, *trees), is_told=True)


def _outdated(lock: Path, origin: Path, command: str | None, what: str | None) -> Staleness | None:
    if what is None:
        return None
    problem = f"out of date: {what} of {origin} changed"
    return Staleness(path=lock, problem=problem, command=command or _lock_command(lock))


def _compare_hash(
    lock: Lock, name: str, fits: Callable[[Any, Mapping[str, Any]], bool | None]
) -> Freshness:
    """Return whether the file `name` beside a lock is, by the rule `fits`, the one it was made of.

    Tools that keep a hash can only say that something has changed.
    """
    origin = lock.path.with_name(name)
    if not origin.is_file():
        return Freshness(looked=(origin,))
    try:
        is_same = fits(lock, read_toml(origin).data)
    except (TypeError, AttributeError):
        # What JSON does not have, such as a date, none of these tools can hash either.
        is_same = None
    if is_same is None:
        return Freshness(looked=(origin,))
    staleness = None if is_same else _changed(lock.path, origin)
    return Freshness(staleness=staleness, looked=(origin,), is_told=True)


def find_unlocked(context: Context) -> Freshness:
    """Return whether the nearest project above a start without a lock has dependencies.

    A project file that belongs to somebody else, or that may not be read, has no say.
    """
    if context.script is not None and context.script.metadata is not None:
        return Freshness()
    # Only here, since a start with a lock does not need it.
    from pyx_launcher.project.manifest import FOLDER, MANIFESTS

    looked: list[Path] = []
    for directory in (context.directory, *context.directory.parents):
        paths = [directory / name for name in (*MANIFESTS, FOLDER)]
        looked += paths
        present = [path for path in paths[:-1] if path.is_file()]
        if present or paths[-1].is_dir():
            judge = _judge_unlocked if present else _judge_folder
            try:
                staleness = judge(directory, present or paths[-1:], context)
            except LockError as error:
                return Freshness(looked=tuple(looked), doubt=error)
            if present or staleness is not None:
                return Freshness(staleness=staleness, looked=tuple(looked))
    return Freshness(looked=tuple(looked))


def _judge_folder(directory: Path, present: Iterable[Path], context: Context) -> Staleness | None:
    """Judge a directory that has its lists in another one, and no project file."""
    from pyx_launcher.project.manifest import find_in_folder, name_making

    try:
        (folder,) = present
        check_owner(folder, context.directory)
        listed = find_in_folder(folder)
        if listed is None:
            return None
        check_owner(listed, context.directory)
    except (RefusedError, StoreError):
        return None
    return Staleness(
        path=listed,
        problem=f"it does not pin by hash, so it is not a lock: a start has {name_rest(context)}",
        command=name_making(directory, listed),
    )


def name_rest(context: Context) -> str:
    """Return what a start without a lock has."""
    return f"what is in @{DEFAULT_NAME}" if context.is_fallback else "only the standard library"


def _judge_unlocked(directory: Path, present: Iterable[Path], context: Context) -> Staleness | None:
    from pyx_launcher.project.manifest import WISHES, find_manifest, name_command, requires_anything

    try:
        for path in present:
            check_owner(path, context.directory)
        manifest = find_manifest(directory)
        if manifest is None or not requires_anything(manifest):
            return None
    except (RefusedError, StoreError):
        return None
    problem = "it names dependencies, but there is no lock"
    if manifest.name == WISHES:
        problem = "it does not pin by hash, so it is not a lock"
    problem = f"{problem}: a start has {name_rest(context)}"
    return Staleness(path=manifest, problem=problem, command=name_command(directory))

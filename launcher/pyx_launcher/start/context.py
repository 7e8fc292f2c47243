"""Find which lock a start obeys, and remember every file that had a say in it.

The search begins at the directory of the script, its symlinks resolved, or at the working
directory, and walks up to the root (docs/design.md, "Finding the lock").
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import LockError, PyxError, UsageError, reading
from pyx_launcher.files.ownership import check_owner
from pyx_launcher.locks.common.content import pins_by_hash
from pyx_launcher.locks.reader import FILE_NAMES, name_script_locks
from pyx_launcher.project.named import find_close_name, named_directory
from pyx_launcher.record.checks import Check, check_script, find_block
from pyx_launcher.start.lock_choice import (
    PROJECT_FILE,
    UV_LOCK,
    Preference,
    find_workspace_lock,
    prefer_lock,
    read_setting,
)
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.dirs import Dirs

DEFAULT_NAME = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """The script that is started, if it is an ordinary file."""

    path: Path
    """Resolved."""
    check: Check
    """What it was just before it was read, with its inline block (PEP 723)."""
    metadata: Mapping[str, object] | None
    """What the inline block says; None where there is none."""
    block_text: str | None = None
    """The inline block as TOML."""
    fault: PyxError | None = None
    """What is wrong with what was meant to be a block, or with a key in it."""

    @property
    def requires_python(self) -> str:
        """The versions its inline block asks for; empty if it asks for none."""
        return str((self.metadata or {}).get("requires-python", ""))


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Where a start begins and what it obeys."""

    start: Path
    """The resolved script, or the resolved working directory."""
    directory: Path
    """Where the search for a lock began."""
    project: Path
    """What tells which project of a workspace is meant: the directory that was named, if any."""
    kind: str
    """`directory`, `path` or `name`: the first word of the key material."""
    script: Script | None
    repeatable: bool
    """Can the same start happen again? Not for a pipe or a file in /proc."""
    lock: Path | None
    more_locks: tuple[Path, ...] = ()
    """Requirements files that are obeyed beside `lock`."""
    reason: str
    """Why this lock, for a person."""
    looked: tuple[Path, ...]
    """Places besides the lock whose content or absence decided, the nearest first."""
    trusted: bool = False
    """Did the user name the project, whoever owns it?"""
    home: Path
    """Where a ``.python-version`` is looked for: with a lock that was named, else `directory`."""
    is_fallback: bool = False
    """Is `lock` that of @default, for want of any above?"""
    block: str | None = None
    """The inline block that `lock` is for, as TOML, where the lock is ours and may not be yet."""
    since: float
    """When the first input was looked at, in seconds since the epoch."""
    preference: Preference | None = None
    """Why `lock` is used and not another one that is there."""
    settled: bool = True
    """False while another pyx is changing the project."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _FoundLock:
    lock: Path | None
    reason: str
    looked: tuple[Path, ...] = ()
    block: str | None = None
    is_fallback: bool = False
    preference: Preference | None = None
    more: tuple[Path, ...] = ()
    project: Path | None = None
    """The directory of the project that was named."""


class NoSuchScriptError(PyxError):
    """The script does not exist; said in python's own words, with python's exit status."""

    exit_code = 2


def find_context(invocation: Invocation, dirs: Dirs, working: Path) -> Context:
    """Return what this start obeys.

    `working` is the working directory. Raises NoSuchScriptError, UsageError for a project that is
    not there, RefusedError for a lock that belongs to somebody else.
    """
    since = time.time()
    program = invocation.program
    start, directory, kind, repeatable = working.resolve(), working.resolve(), "directory", True
    script = None
    if program.mode == "s":
        name = program.target or ""
        kind = "path" if "/" in name else "name"
        start, info = _resolve_script(working, name)
        repeatable = stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)
        if stat.S_ISDIR(info.st_mode):
            directory = start
        elif repeatable:
            directory = start.parent
            script = read_script(start)
    found = _find_lock(invocation, dirs, directory, script)
    project = found.project or directory
    # Who names a project trusts what lies in it; a lock that was found needs a known owner.
    trusted = bool(invocation.projects) and not _lies_above(found)
    if found.lock is not None and not trusted and found.block is None:
        for lock in (found.lock, *found.more):
            check_owner(lock, project)
    return Context(
        start=start,
        directory=directory,
        project=project,
        kind=kind,
        script=script,
        repeatable=repeatable,
        lock=found.lock,
        more_locks=found.more,
        reason=found.reason,
        looked=found.looked,
        trusted=trusted,
        home=found.project
        or (found.lock.parent if found.lock and _is_named(invocation) else directory),
        block=found.block,
        is_fallback=found.is_fallback,
        preference=found.preference,
        since=since,
    )


def _is_named(invocation: Invocation) -> bool:
    return invocation.named is not None or bool(invocation.projects)


def _resolve_script(working: Path, name: str) -> tuple[Path, os.stat_result]:
    path = working / name
    try:
        info = os.stat(path)
        return Path(os.path.realpath(path)), info
    except OSError as error:
        shown = name if name.startswith("/") else f"{working}/{name}"
        raise NoSuchScriptError(
            f"can't open file {shown!r}: [Errno {error.errno}] {error.strerror}"
        ) from error


def read_script(path: Path) -> Script:
    """Read the inline block of the script `path`, which is resolved.

    Raises LockError for a block that is none, OSError where the script is not there.
    """
    check = check_script(path)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        # Python itself says what is wrong when it cannot read its program.
        source = b""
    block = find_block(source)
    if block is None:
        raise LockError(path, "has two inline blocks `# /// script`", hint="remove one of them")
    text = None
    if block:
        # Few scripts have one, and what edits it comes along.
        from pyx_launcher.project.inline_script import read_block_text

        text = read_block_text(path, block)
    metadata = None if text is None else _read_metadata(path, text)
    return Script(
        path=path,
        check=replace(check, block=block),
        metadata=metadata,
        block_text=text,
        fault=_find_fault(path, source, metadata),
    )


def _find_fault(
    path: Path, source: bytes, metadata: Mapping[str, object] | None
) -> PyxError | None:
    if metadata is not None:
        from pyx_launcher.project.misspelt import describe_block

        line = describe_block(path, metadata)
        return PyxError(line) if line is not None else None
    if b"///" not in source:
        return None
    from pyx_launcher.project.inline_script import find_fault

    return find_fault(path, source)


def _read_metadata(path: Path, text: str) -> Mapping[str, object]:
    """Parse an inline block. Raises LockError for one that is not TOML."""
    import tomli

    with reading(path, "inline block", "see PEP 723 for its form"):
        return tomli.loads(text)


def _find_lock(
    invocation: Invocation, dirs: Dirs, directory: Path, script: Script | None
) -> _FoundLock:
    if invocation.named is not None:
        taken, absent = take_named(invocation.named, dirs)
        return _take(taken, f"@{invocation.named}", absent)
    if len(invocation.projects) > 1:
        return _take_files([Path(project).absolute() for project in invocation.projects])
    if invocation.project is not None:
        return _take_project(Path(invocation.project).absolute(), invocation)
    looked: list[Path] = []
    if script is not None:
        for path in name_script_locks(script.path):
            if _is_file(path):
                return _FoundLock(
                    lock=path, reason=f"lies beside {script.path.name}", looked=tuple(looked)
                )
            looked.append(path)
        if script.metadata is not None:
            return _take_metadata(script, dirs, tuple(looked))
    for place in (directory, *directory.parents):
        nearest = _look_in(place, looked)
        if nearest is not None:
            reason = "nearest lock" if place == directory else f"nearest lock above {directory}"
            return _take(nearest, reason, looked)
    default = _look_in(dirs.named / DEFAULT_NAME, looked)
    reason = "so @default" if default else "so the standard library alone"
    reason = f"no lock above, {reason}"
    if default is None:
        return _FoundLock(lock=None, reason=reason, looked=tuple(looked))
    return replace(_take(default, reason, looked), is_fallback=True)


def _take(preference: Preference, reason: str, looked: Sequence[Path]) -> _FoundLock:
    why = preference.reason
    return _FoundLock(
        lock=preference.lock,
        reason=f"{reason}; {why}" if why else reason,
        looked=tuple(looked),
        preference=preference,
        more=preference.more,
    )


def _look_in(directory: Path, looked: list[Path]) -> Preference | None:
    """Return the lock in `directory` itself; what was looked for in vain is added to `looked`."""
    present = []
    for name in FILE_NAMES:
        path = directory / name
        if is_lock(path, looked):
            present.append(name)
        else:
            looked.append(path)
    looked.append(directory / PROJECT_FILE)
    setting = read_setting(directory)
    if setting is not None:
        key, locks = setting
        ignored = tuple(directory / name for name in present if directory / name not in locks)
        reason = f"[tool.pyx] {key} in {PROJECT_FILE}"
        return Preference(lock=locks[0], reason=reason, ignored=ignored, more=locks[1:])
    if not present:
        return None
    if UV_LOCK in present:
        above = find_workspace_lock(directory.resolve())
        if above is not None:
            return above
    if len(present) == 1:
        return Preference(lock=directory / present[0])
    return prefer_lock(directory, present)


def name_preferred(directory: Path) -> str:
    """Return the name of the lock in `directory` that a start takes; empty where there is none.

    That one may be broken, as long as its format is known.
    """
    try:
        found = _look_in(directory, [])
    except LockError as error:
        is_there = error.path.parent == directory and error.path.name in FILE_NAMES
        return error.path.name if is_there else ""
    return found.lock.name if found is not None and found.lock.parent == directory else ""


def is_lock(path: Path, looked: list[Path]) -> bool:
    """Is `path` a lock? requirements.txt is one only if it, or what it includes, pins by hash.

    The files that it includes are added to `looked`.
    """
    if not _is_file(path):
        return False
    return path.name != "requirements.txt" or pins_by_hash(path, looked)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise LockError(path, f"cannot be accessed: {error.strerror}") from error


def _take_metadata(script: Script, dirs: Dirs, looked: tuple[Path, ...]) -> _FoundLock:
    """Return what an inline block without a lock beside it means: a lock of ours, if any."""
    text, named = script.block_text, (script.metadata or {}).get("dependencies", [])
    if not isinstance(named, list):
        raise LockError(script.path, "is not a list", where="inline block: dependencies")
    if text is None or not named:
        why = "its inline block names no dependencies"
        return _FoundLock(lock=None, reason=why, looked=looked)
    from pyx_launcher.project.inline_script import name_block_lock

    lock = name_block_lock(dirs, script.path, text)
    why = f"for the inline block of {script.path.name}"
    return _FoundLock(lock=lock, reason=why, looked=looked, block=text)


def take_named(name: str, dirs: Dirs) -> tuple[Preference, tuple[Path, ...]]:
    """Return the lock of the environment `name`, and where another was looked for in vain.

    Raises UsageError where there is none.
    """
    directory = named_directory(dirs, name)
    looked: list[Path] = []
    found = _look_in(directory, looked)
    if found is not None:
        return found, tuple(looked)
    if directory.is_dir():
        raise UsageError(f"@{name} has no lock yet", hint=f"pyx @{name} lock")
    close = find_close_name(dirs, name)
    hint = f"did you mean @{close}?" if close else f"pyx env create {name}"
    raise UsageError(f"there is no environment @{name}", hint=hint)


def _lies_above(found: _FoundLock) -> bool:
    """Return whether the lock of the project that was named is that of a workspace around it."""
    if found.lock is None or found.project is None:
        return False
    return found.lock.parent.resolve() != found.project


def _take_project(path: Path, invocation: Invocation) -> _FoundLock:
    reason = "--project or PYX_PROJECT"
    if path.name in ("pyproject.toml", "Pipfile", "requirements.in") and _is_file(path):
        raise UsageError(f"{path} is not a lock", hint=f"name its directory: {path.parent}")
    if _is_file(path):
        return _FoundLock(lock=path, reason=reason)
    if not path.is_dir():
        hint = "name a directory or a lock"
        if "ipykernel_launcher" in invocation.words:
            # Nobody typed this, so the directory was there when the kernel was made.
            hint = "if it has moved, make its kernel again there: `pyx env --kernel`"
        raise UsageError(f"there is no project {path}", hint=hint)
    looked: list[Path] = []
    # A member of a workspace has its lock above it, and may have an old one of its own.
    found = _look_in(path, looked) or find_workspace_lock(path.resolve())
    if found is None:
        raise UsageError(f"there is no lock in {path}", hint=_advise_lock(path))
    return replace(_take(found, reason, looked), project=path.resolve())


def _take_files(paths: Sequence[Path]) -> _FoundLock:
    """Return the requirements files of several ``--project``, which are obeyed together."""
    for path in paths:
        if not _is_file(path):
            raise UsageError(
                f"{path} is not a file; with several --project, each is a requirements file",
                hint="pyx --project requirements/main.txt --project requirements/dev.txt",
            )
    return _FoundLock(lock=paths[0], reason="--project", more=tuple(paths[1:]))


def _advise_lock(directory: Path) -> str:
    from pyx_launcher.project.manifest import MANIFESTS, name_command

    if any((directory / name).is_file() for name in MANIFESTS):
        return name_command(directory)
    return f"a lock has one of these names: {', '.join(FILE_NAMES)}"

"""What the lock of a project holds while it is changed: versions for a person, and damage."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pyx_launcher.edits import read_file
from pyx_launcher.errors import LockError, PyxError
from pyx_launcher.invocation import Choice
from pyx_launcher.locks import Lock, read_lock
from pyx_launcher.locks.content import CONFLICT, advise_conflict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyx_launcher.interpreter import Interpreter

_VERSIONS = ("version", "lock-version", "metadata.lock-version", "metadata.lock_version")
"""Where locks say which version of their format they are of."""


def find_damage(path: Path) -> str | None:
    """Return why no tool could go on from the lock at `path`, or None; there may be none.

    Raises LockError where both sides of a merge are in it: the user chooses which to go on from.
    """
    data = read_file(path)
    if data is None:
        return None
    if CONFLICT.search(data.decode("utf-8", "replace")):
        problem = "holds both sides of a merge conflict"
        raise LockError(path, problem, hint=advise_conflict(path))
    try:
        read_lock(path, path.parent)
    except LockError as error:
        # Of a format that pyx does not know its tool may make something.
        is_unknown = error.where in _VERSIONS and "missing" not in error.message
        return None if is_unknown or error.path != path else error.message
    except PyxError:
        return None
    return None


def find_versions(path: Path, interpreter: Interpreter) -> dict[str, str]:
    """Return the version of everything the lock at `path` has for `interpreter`.

    All extras and groups count. Empty where it is not there or cannot be read: what a lock said
    before is for information only.
    """
    if not path.is_file():
        return {}
    try:
        return versions_in(read_lock(path, path.parent), interpreter)
    except PyxError:
        return {}


def versions_in(lock: Lock, interpreter: Interpreter) -> dict[str, str]:
    """Return the version of everything in `lock` that `interpreter` gets with all extras."""
    choice = Choice(all_extras=True, all_groups=True)
    extras, groups = lock.choose(choice)
    environment: dict[str, str | frozenset[str]] = {
        **cast("Mapping[str, str]", interpreter.markers),
        "extras": extras,
        "dependency_groups": groups,
    }
    return {
        package.name: str(package.version)
        for package in lock.pylock(interpreter.markers, choice).packages
        if package.version is not None
        and (not package.marker or package.marker.evaluate(environment, context="lock_file"))
    }

"""What the lock of a project holds while it is changed: versions for a person, and damage."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import tomli
from packaging.utils import canonicalize_name
from packaging.version import Version

from pyx_launcher.errors import LockError, PyxError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.content import CONFLICT, TWO_SIDES, advise_conflict
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import Lock, read_lock
from pyx_launcher.locks.requirements.reader import read_requirements
from pyx_launcher.project.journal import read_file
from pyx_launcher.project.manifest import WISHES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.locks.uv.reader import UvLock
    from pyx_launcher.resolve.runner import Upgrade

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
        raise LockError(path, TWO_SIDES, hint=advise_conflict(path))
    try:
        read_lock(path, path.parent)
    except LockError as error:
        # Of a format that pyx does not know its tool may make something.
        is_unknown = error.where in _VERSIONS and "missing" not in error.message
        return None if is_unknown or error.path != path else error.message
    except PyxError:
        return None
    return None


def check_upgrade(path: Path, upgrade: Upgrade, *, takes_versions: bool) -> None:
    """Raise UsageError for a name to be upgraded that the lock at `path` does not have.

    Where there is no lock, or a damaged one, everything is locked anew. With `takes_versions` its
    tool moves a package to a version that is asked for.
    """
    if not takes_versions and upgrade.names != upgrade.bare_names:
        raise UsageError(
            "what is upgraded here gets the newest version that may be",
            hint=shlex.join(["pyx", "lock", "--upgrade", *upgrade.bare_names]),
        )
    known = list_names(path) if upgrade.names else set()
    for name in upgrade.bare_names if known else ():
        if canonicalize_name(name) not in known:
            close = get_close_matches(canonicalize_name(name), sorted(known), n=3)
            hint = " or ".join(f"`pyx lock --upgrade {other}`" for other in close)
            raise UsageError(
                f"{path}: {name} is not locked",
                hint=f"did you mean {hint}?"
                if hint
                else f"`pyx add {shlex.quote(name)}` adds it, `pyx list` shows what there is",
            )


def list_names(path: Path) -> set[str]:
    """Return the normalised names of all that the lock at `path` has; none if it is unreadable."""
    try:
        if path.name == WISHES:
            return {str(requirement.name) for requirement in read_requirements(path).requirements}
        if path.name == "Pipfile.lock":
            data = json.loads(path.read_bytes())
            found = [name for key, table in data.items() if key != "_meta" for name in table]
        else:
            found = [one["name"] for one in _read_packages(path)]
        return {canonicalize_name(name) for name in found}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, PyxError):
        return set()


def _read_packages(path: Path) -> list[dict[str, Any]]:
    """Return the packages of a lock in TOML as they stand there; raises whatever reading raises."""
    data = tomli.loads(path.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = data.get("packages", data.get("package", []))
    return found


def find_versions(path: Path, interpreter: Interpreter) -> dict[str, str]:
    """Return the version of everything the lock at `path` has for `interpreter`.

    All extras, groups and members of a workspace count. Empty where it is not there or cannot be
    read: what a lock said before is for information only.
    """
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for lock in _read_for_each(path):
        with contextlib.suppress(PyxError):
            found |= versions_in(lock, interpreter)
    return found


def _read_for_each(path: Path) -> Iterator[Lock]:
    """Yield the lock at `path`, and what it is for each other project that shares it."""
    try:
        lock = read_lock(path, path.parent)
    except PyxError:
        return
    yield lock
    packages = cast("UvLock", lock).packages if lock.kind == "uv" else ()
    for place in (package.place for package in packages):
        if place and place != ".":
            with contextlib.suppress(PyxError):
                yield read_lock(path, Path(os.path.normpath(path.parent / place)))


def find_lowest(path: Path, versions: Mapping[str, str]) -> dict[str, str]:
    """Return `versions` with the lowest that the lock at `path` has of each, for any interpreter.

    Older interpreters may need an older one, and a bound above that would lock them out.
    """
    found: dict[str, list[Version]] = {}
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        for one in _read_packages(path):
            if "version" in one:
                name = canonicalize_name(one["name"])
                found.setdefault(name, []).append(Version(one["version"]))
    return {
        name: str(min(found[name])) if version and name in found else version
        for name, version in versions.items()
    }


def versions_in(lock: Lock, interpreter: Interpreter) -> dict[str, str]:
    """Return the version of everything in `lock` that `interpreter` gets with all extras.

    It is empty for what lies in a directory and has none there. Where extras or groups exclude one
    another, each has its turn, and what they have in several versions has all of these.
    """
    found: dict[str, set[str]] = {}
    for _, versions in _take_turns(lock, interpreter):
        for name, version in versions.items():
            found.setdefault(name, set()).add(version)
    return {
        name: SEVERAL.join(sorted(versions, key=lambda one: Version(one) if one else Version("0")))
        for name, versions in found.items()
    }


SEVERAL = ", "
"""What stands between the versions of a package of which a lock has several for an interpreter."""


def find_options(lock: Lock, interpreter: Interpreter, name: str) -> list[str]:
    """Return the options by which a start has the package `name`, which is normalised.

    Empty where `interpreter` has it by none, or without any.
    """
    for options, versions in _take_turns(lock, interpreter):
        if name in versions:
            return options
    return []


def _take_turns(
    lock: Lock, interpreter: Interpreter
) -> Iterator[tuple[list[str], Mapping[str, str]]]:
    """Yield the versions of each choice that it takes to have all, with the options for it.

    That is one choice, unless extras or groups exclude one another.
    """
    everything = Choice(all_extras=True, all_groups=True)
    try:
        yield ["--all-extras", "--all-groups"], _choose_versions(lock, interpreter, everything)
    except UsageError:
        extras, groups = map(sorted, lock.choose(everything))
    else:
        return
    for options, choice in (
        ([], Choice(default_groups=False)),
        *((["--extra", one], Choice(default_groups=False, extras=(one,))) for one in extras),
        *((["--group", one], Choice(default_groups=False, groups=(one,))) for one in groups),
    ):
        # An extra may require another that excludes it.
        with contextlib.suppress(UsageError):
            yield options, _choose_versions(lock, interpreter, choice)


def _choose_versions(lock: Lock, interpreter: Interpreter, choice: Choice) -> dict[str, str]:
    extras, groups = lock.choose(choice)
    environment: dict[str, str | frozenset[str]] = {
        **cast("Mapping[str, str]", interpreter.markers),
        "extras": extras,
        "dependency_groups": groups,
    }
    return {
        package.name: str(package.version or "")
        for package in to_pylock(lock, interpreter.markers, choice).packages
        if not package.marker or package.marker.evaluate(environment, context="lock_file")
    }

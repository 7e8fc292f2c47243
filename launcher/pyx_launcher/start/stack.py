"""Append the distributions of named environments to those of a project, for tools.

A project asks for them by ``tools = "@dev"`` in the table ``[tool.pyx]`` of its pyproject.toml, a
command line by ``--with @dev``. What the project has itself always wins.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.filenames import are_same_version
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.locks.reader import Lock, read_lock
from pyx_launcher.project.named import PROJECT_FILE
from pyx_launcher.record.checks import Check, check_file
from pyx_launcher.selection import select
from pyx_launcher.start.context import take_named
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.selection import Artifact, Selection

_HINT = '[tool.pyx] tools = "@NAME", or an array of such names'


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A project's selection with what was appended to it."""

    selection: Selection
    names: tuple[str, ...] = ()
    """The environments that were appended, the first of them wins over the others."""
    hidden: tuple[str, ...] = ()
    """A line for each distribution that another version of it hides."""
    locks: tuple[Lock, ...] = ()
    looked: tuple[Path, ...] = ()
    """Files whose content, or absence, decided beside the locks."""
    seen: tuple[Check, ...] = ()
    """What the files were before they were read."""


def stack_environments(
    selection: Selection,
    lock: Lock | None,
    names: Sequence[str],
    interpreter: Interpreter,
    dirs: Dirs,
) -> Stack:
    """Return `selection`, made from `lock`, with the environments that it and `names` ask for.

    Raises UsageError for an environment that is not there, LockError for a wrong table, and what
    keeps a lock from being read or selected from.
    """
    looked: list[Path] = []
    seen: list[Check] = []
    wanted = [*names]
    if lock is not None:
        file = lock.path.with_name(PROJECT_FILE)
        looked.append(file)
        if file.is_file():
            seen.append(check_file(file))
            wanted = [*_read_wish(file), *names]
    locks: list[Lock] = []
    found: list[tuple[str, Artifact]] = [("", artifact) for artifact in selection.artifacts]
    hidden: list[str] = []
    for name in dict.fromkeys(wanted):
        taken, absent = take_named(name, dirs)
        place = taken.lock
        looked += absent
        if lock is not None and place == lock.path:
            continue
        seen.append(check_file(place))
        from pyx_launcher.start.root_project import add_root

        tools = read_lock(place)
        locks.append(tools)
        chosen = add_root(select(tools, interpreter, Choice()), tools)
        indexes = partial(_find_indexes, selection.find_indexes, chosen.find_indexes)
        selection = replace(selection, find_indexes=indexes)
        hidden += _append(found, chosen.artifacts, name)
    # Where two distributions have a file in common, the later one wins: so the project's are last.
    behind = [artifact for name, artifact in reversed(found) if name]
    own = [artifact for name, artifact in found if not name]
    return Stack(
        selection=replace(selection, artifacts=(*behind, *own)),
        names=tuple(dict.fromkeys(wanted)),
        hidden=tuple(hidden),
        locks=tuple(locks),
        looked=tuple(looked),
        seen=tuple(seen),
    )


def _read_wish(file: Path) -> list[str]:
    """Return the environments that a project file names, without their ``@``."""
    # Most projects name none, and to look for the word is much quicker than to parse.
    try:
        if b"pyx" not in file.read_bytes():
            return []
    except OSError as error:
        raise LockError(file, f"cannot be read: {error.strerror}") from error
    table = read_toml(file).table("tool").table("pyx")
    value = table.data.get("tools", [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise LockError(file, "expected names", where="tool.pyx.tools", hint=_HINT)
    for name in names:
        if not name.startswith("@"):
            problem = f"{name!r} is not the name of an environment"
            raise LockError(file, problem, where="tool.pyx.tools", hint=_HINT)
    return [name[1:] for name in names]


def _find_indexes(
    own: Callable[[], IndexOptions], of_tools: Callable[[], IndexOptions]
) -> IndexOptions:
    """Return what the project says of indexes; where that is nothing, what the tools' lock says."""
    return next((found for found in (own(), of_tools()) if found != IndexOptions()), IndexOptions())


def _append(found: list[tuple[str, Artifact]], more: Sequence[Artifact], name: str) -> list[str]:
    """Add to `found` what is not there by name; return what is, in other versions."""
    known = {artifact.name: (owner, artifact) for owner, artifact in found}
    hidden = []
    for artifact in more:
        if artifact.name not in known:
            found.append((name, artifact))
            continue
        owner, winner = known[artifact.name]
        if not are_same_version(winner.version, artifact.version):
            whose = f"of @{owner}" if owner else "of the project"
            hidden.append(f"{artifact.label} of @{name} is hidden by {winner.label} {whose}")
    return hidden

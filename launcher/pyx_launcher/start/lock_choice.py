"""Which of the locks in one directory is meant, and whether a workspace above has the say.

The project may name one, ``[tool.pyx] lock = "NAME"``, or several files that pip would read
together, ``[tool.pyx] locks = ["requirements/main.txt", "requirements/dev.txt"]``. Else the
evidence decides: the tables of the tools in pyproject.toml, who wrote a pylock.toml, and which of
them fits the project; without any, the order of `FILE_NAMES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pyx_launcher.errors import LockError, PyxError
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.locks.reader import FILE_NAMES, read_lock
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyx_launcher.locks.pylock import PylockLock

PROJECT_FILE = "pyproject.toml"

UV_LOCK = "uv.lock"

TOOLS = {UV_LOCK: "uv", "poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv"}
"""The tool that writes each lock, which may have a table in pyproject.toml."""

LOWEST = -10
"""The weight of a lock that is a copy of another one."""

_HINTS = {
    "lock": f'[tool.pyx] lock = "NAME", such as {FILE_NAMES[0]}, in the directory of the project',
    "locks": '[tool.pyx] locks = ["requirements/main.txt", "requirements/dev.txt"]',
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """One of several locks, and why."""

    lock: Path
    reason: str = ""
    """What decided between several, for a person; empty where there was nothing to decide."""
    ignored: tuple[Path, ...] = ()
    """The locks that are not used because of it."""
    looked: tuple[Path, ...] = ()
    """Further files and directories that decided, there or not."""
    more: tuple[Path, ...] = ()
    """Requirements files that are obeyed beside `lock`."""


def read_setting(directory: Path) -> tuple[str, tuple[Path, ...]] | None:
    """Return the key and the locks of the table ``[tool.pyx]`` of `directory`, if it names any.

    Raises LockError for a table that is wrong, and for a lock that is not there.
    """
    file = directory / PROJECT_FILE
    # Most projects name none, and to look for the word is much quicker than to parse.
    try:
        if b"tool.pyx" not in file.read_bytes():
            return None
    except OSError:
        return None
    table = read_toml(file).table("tool").table("pyx")
    names, key = list(dict.fromkeys(table.strings("locks"))), "locks"
    if not names and (name := table.get("lock", str, "")):
        names, key = [name], "lock"
    for name in names:
        if (key == "lock" and "/" in name) or not (directory / name).is_file():
            place, hint = f"tool.pyx.{key}", _HINTS[key]
            raise LockError(file, f"there is no {name} beside it", where=place, hint=hint)
    return (key, tuple(directory / name for name in names)) if names else None


def prefer_lock(directory: Path, present: Sequence[str]) -> Preference:
    """Return which of the locks `present` in `directory`, which are several, is meant.

    Raises LockError where the one that is meant is broken; its hint names another.
    """
    document = _read_project(directory / PROJECT_FILE)
    tables = document.table("tool").data if document else {}
    candidates = [_weigh(directory, name, tables, present) for name in present]
    best = max(candidates, key=lambda candidate: candidate.weight)
    others = tuple(c.path for c in candidates if c is not best)
    if best.error is not None:
        best.error.hint = "; or ".join(
            filter(None, (best.error.hint, f"take {others[0].name}: --project {others[0]}"))
        )
        raise best.error
    order = "it is looked for first"
    if all(candidate.weight < best.weight for candidate in candidates if candidate is not best):
        order = "only it tells what it was made from"
    reasons = " and ".join(best.reasons) or order
    looked = tuple(path for candidate in candidates for path in candidate.looked)
    return Preference(lock=best.path, reason=reasons, ignored=others, looked=looked)


@dataclass(frozen=True, kw_only=True, slots=True)
class _PossibleLock:
    path: Path
    weight: int
    reasons: tuple[str, ...]
    looked: tuple[Path, ...]
    error: LockError | None = None


def _weigh(directory: Path, name: str, tables: object, present: Sequence[str]) -> _PossibleLock:
    """Return what speaks for one lock: a table of its tool, and that it fits the project."""
    from pyx_launcher.start.freshness import compare_lock

    path = directory / name
    tool, error, fits, is_copy = TOOLS.get(name, ""), None, 0, False
    looked = [directory / PROJECT_FILE, directory / "Pipfile"]
    try:
        lock = read_lock(path, directory)
        if lock.kind == "pylock":
            tool = cast("PylockLock", lock).content.created_by.lower()
            # Pipenv makes it of the other one, which says more: categories, and whether it fits.
            is_copy = tool == "pipenv" and "Pipfile.lock" in present
        told = compare_lock(lock, None)
        looked += told.looked
        # What an export has left there tells of nothing, and must not win over an old lock.
        fits = -1 if not told.is_told else 0 if told.staleness else 1
    except LockError as found:
        # What is wrong with another file of the project is said where that is needed.
        error = found if found.path == path else None
    except PyxError:
        pass
    reasons = []
    has_table = (
        isinstance(tables, dict)
        and any(tool == known and known in tables for known in TOOLS.values())
    ) or (tool == "pipenv" and (directory / "Pipfile").is_file())
    if has_table:
        said = "there is a Pipfile" if tool == "pipenv" else f"{PROJECT_FILE} has [tool.{tool}]"
        reasons.append(said)
    if fits > 0:
        reasons.append("it fits the project")
    return _PossibleLock(
        path=path,
        weight=LOWEST if is_copy else has_table + fits,
        reasons=tuple(reasons),
        looked=tuple(looked),
        error=error,
    )


def _read_project(file: Path) -> Table | None:
    """Return a pyproject.toml; None where there is none that can be read."""
    try:
        return read_toml(file) if file.is_file() else None
    except PyxError:
        return None


def find_workspace_lock(directory: Path) -> Preference | None:
    """Return the lock of the uv workspace that the project in `directory` is a member of.

    None where it is a project by itself, or the workspace has no lock yet. Raises LockError for a
    workspace whose project files cannot be read.
    """
    if not (directory / PROJECT_FILE).is_file():
        return None
    looked: list[Path] = []
    for root in directory.parents:
        file = root / PROJECT_FILE
        looked.append(file)
        try:
            if b"workspace" not in file.read_bytes():
                continue
        except OSError:
            continue
        from pyx_launcher.locks.uv.workspace import read_workspace

        workspace = read_workspace(root)
        if workspace is None or "workspace" not in workspace.uv.data:
            continue
        lock = root / UV_LOCK
        is_member = any(member.directory == directory for member in workspace.members)
        if not is_member or not lock.is_file():
            return None
        return Preference(
            lock=lock,
            reason=f"the workspace of {root} has {directory.name} as a member",
            ignored=tuple(path for path in (directory / UV_LOCK,) if path.is_file()),
            looked=(*looked, *workspace.looked),
        )
    return None

"""Edit the requirements in a requirements.in, as text: one a line."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pyx_launcher.errors import PyxError, UsageError
from pyx_launcher.locks.requirements.lines import read_lines
from pyx_launcher.project.local import is_local, name_project, read_local
from pyx_launcher.project.manifest import WISHES, is_old
from pyx_launcher.project.pyproject import (
    MAIN,
    RequirementList,
    explain_not_there,
    is_bare,
    with_bound,
)
from pyx_launcher.project.requirement import format_requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.project.local import Local

_EDITABLE = re.compile(r"(?:-e|--editable)[ =]*([^\[#]+?)[ \t\r\n]*(?:[\[#].*)?$", re.DOTALL)
"""A line for a directory that is used as it is."""


def add_lines(
    path: Path,
    text: str,
    requirements: Sequence[Requirement],
    place: RequirementList,
    places: Sequence[Local] = (),
) -> str:
    """Return the text of a requirements.in with `requirements`, replaced or at the end.

    Those of `places` have lines with their paths from where the file lies, which is where it is
    locked, and ``-e`` before it if they are used as they are in their directories.
    """
    _refuse_place(path, place)
    wanted = {str(one.requirement): one for one in places}
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if "\r\n" in text else "\n"
    for requirement in requirements:
        at = _find_line(path, lines, requirement.name, marker=str(requirement.marker))
        local = wanted.get(str(requirement))
        line = _write_place(path, local) if local else format_requirement(requirement)
        line += newline
        if at is None:
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += newline
            lines.append(line)
        elif not is_bare(requirement):
            lines[at] = _replace(lines[at], line)
        elif requirement.extras and not (
            _EDITABLE.match(lines[at]) or _name_place(lines[at].strip(), path.parent)
        ):
            lines[at] = _add_extras(lines[at], requirement.extras)
    return "".join(lines)


def remove_lines(path: Path, text: str, names: Iterable[str], place: RequirementList) -> str:
    """Return the text of a requirements.in without `names`. Raises UsageError."""
    _refuse_place(path, place)
    lines = text.splitlines(keepends=True)
    for name in names:
        at = _find_line(path, lines, name)
        if at is None:
            raise _explain_missing(path, name)
        del lines[at]
    return "".join(lines)


def _explain_missing(path: Path, name: str) -> UsageError:
    """Return the error for a name that no line of `path` is about: another file may say it."""
    named = canonicalize_name(name)
    listed: list[str] = []
    with contextlib.suppress(PyxError, OSError):
        for line in read_lines(path, {}):
            found = re.match(r"[A-Za-z0-9][\w.-]*", line.text)
            is_named = found is not None and canonicalize_name(found[0]) == named
            listed += [found[0]] if found is not None and line.path == path else []
            if is_named and line.path != path and not line.is_constraint:
                place = os.path.normpath(line.path)
                return UsageError(
                    f"{path}: {name} is required by {place}, which it includes",
                    hint=f"take line {line.number} out of {place}, then `pyx lock`",
                )
    hint = explain_not_there(name, MAIN, {MAIN: listed})
    return UsageError(f"{path}: there is no line for {name}", hint=hint)


def _refuse_place(path: Path, place: RequirementList) -> None:
    if place.extra or place.group:
        raise UsageError(
            f"{path}: a list of requirements has neither extras nor groups",
            hint=f"`pyx add --init -r {path.name}` makes a project of it, which has them"
            if path.name == WISHES and not is_old(path.parent)
            else "leave out --dev, --group and --optional",
        )


def _write_place(path: Path, local: Local) -> str:
    extras = ",".join(sorted(local.requirement.extras))
    where = os.path.relpath(local.path, path.parent)
    if local.is_editable:
        return f"-e {where}[{extras}]" if extras else f"-e {where}"
    where = where if where.startswith("..") else f"./{where}"
    return f"{where}[{extras}]" if extras else where


def _find_line(
    path: Path, lines: Sequence[str], name: str, *, marker: str | None = None
) -> int | None:
    """Return the first line for `name`, or the first that has that `marker`."""
    name = canonicalize_name(name)
    for at, line in enumerate(lines):
        text = line.partition(" #")[0].strip()
        found_path = _EDITABLE.match(text)
        if found_path is not None and _name_directory(path.parent / found_path[1]) == name:
            return at
        if not text or text[0] in "#-":
            continue
        try:
            found = Requirement(text.removesuffix("\\").strip())
        except InvalidRequirement:
            if _name_place(text, path.parent) == name:
                return at
            continue
        if canonicalize_name(found.name) == name and marker in (None, str(found.marker)):
            return at
    return None


def _name_place(text: str, directory: Path) -> str:
    """Return what is called so that a line names by its path; empty for any other line."""
    if not is_local(text, str(directory)):
        return ""
    try:
        return canonicalize_name(read_local(text, directory).requirement.name)
    except PyxError:
        return ""


def _replace(old: str, new: str) -> str:
    """Return the line `new` with the comment of `old`, or `old` where it says the same."""
    written, mark, comment = old.rstrip("\r\n").partition(" #")
    with contextlib.suppress(InvalidRequirement):
        if Requirement(written.strip()) == Requirement(new.strip()):
            return old
    text = new.rstrip("\r\n")
    space = written[len(written.rstrip()) :]
    return f"{text}{space}{mark}{comment}{new[len(text) :]}" if mark else new


def _add_extras(line: str, extras: Iterable[str]) -> str:
    """Return a line with further extras; what it says of versions stays."""
    written = line.partition(" #")[0].rstrip("\r\n \\")
    requirement = Requirement(written.strip())
    requirement.extras |= {*extras}
    return f"{format_requirement(requirement)}{line[len(written) :]}"


def _name_directory(directory: Path) -> str:
    """Return what the project in `directory` is called; empty where nothing says.

    One that is gone is taken to have had the name of its directory.
    """
    if not directory.is_dir():
        return canonicalize_name(directory.name)
    with contextlib.suppress(PyxError, OSError):
        return canonicalize_name(name_project(directory))
    return ""


def bound_lines(path: Path, text: str, versions: Mapping[str, str]) -> str:
    """Return the text where bare requirements ask for at least the version in `versions`.

    `versions` are by normalised name.
    """
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        written, mark, comment = line.rstrip("\r\n").partition(" #")
        end = line[len(written + mark + comment) :]
        try:
            requirement = Requirement(written.strip())
        except InvalidRequirement:
            continue
        version = versions.get(canonicalize_name(requirement.name))
        if version and is_bare(requirement):
            lines[at] = f"{with_bound(requirement, version)}{mark}{comment}{end}"
    return "".join(lines)

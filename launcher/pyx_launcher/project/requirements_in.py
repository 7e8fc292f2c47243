"""Edit the requirements in a requirements.in, as text: one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pyx_launcher.errors import UsageError
from pyx_launcher.project.pyproject import (
    HINT_NOT_THERE,
    RequirementList,
    is_bare,
    with_bound,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def add_lines(
    path: Path, text: str, requirements: Sequence[Requirement], place: RequirementList
) -> str:
    """Return the text of a requirements.in with `requirements`, replaced or at the end."""
    _refuse_place(path, place)
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if "\r\n" in text else "\n"
    for requirement in requirements:
        at = _find_line(lines, requirement.name)
        if at is None:
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += newline
            lines.append(f"{requirement}{newline}")
        elif not is_bare(requirement) or requirement.extras:
            lines[at] = f"{requirement}{newline}"
    return "".join(lines)


def remove_lines(path: Path, text: str, names: Iterable[str], place: RequirementList) -> str:
    """Return the text of a requirements.in without `names`. Raises UsageError."""
    _refuse_place(path, place)
    lines = text.splitlines(keepends=True)
    for name in names:
        at = _find_line(lines, name)
        if at is None:
            raise UsageError(f"{path}: there is no line for {name}", hint=HINT_NOT_THERE)
        del lines[at]
    return "".join(lines)


def _refuse_place(path: Path, place: RequirementList) -> None:
    if place.extra or place.group:
        raise UsageError(
            f"{path}: a list of requirements has neither extras nor groups",
            hint="leave out --dev, --group and --optional",
        )


def _find_line(lines: Sequence[str], name: str) -> int | None:
    for at, line in enumerate(lines):
        text = line.partition(" #")[0].strip()
        if not text or text[0] in "#-":
            continue
        try:
            found = Requirement(text.removesuffix("\\").strip())
        except InvalidRequirement:
            continue
        if canonicalize_name(found.name) == canonicalize_name(name):
            return at
    return None


def bound_lines(text: str, versions: Mapping[str, str]) -> str:
    """Return the text where bare requirements ask for at least the version in `versions`.

    `versions` are by normalised name.
    """
    lines = text.splitlines(keepends=True)
    for name, version in versions.items():
        at = _find_line(lines, name)
        if at is None:
            continue
        written, mark, comment = lines[at].rstrip("\r\n").partition(" #")
        end = lines[at][len(written + mark + comment) :]
        requirement = Requirement(written.strip())
        if is_bare(requirement):
            lines[at] = f"{with_bound(requirement, version)}{mark}{comment}{end}"
    return "".join(lines)

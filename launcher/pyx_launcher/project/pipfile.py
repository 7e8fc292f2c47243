"""Edit the requirements in a Pipfile, as text.

The tables of a Pipfile are those of https://pipenv.pypa.io/en/stable/pipfile.html; a group is a
category, `dev` is ``[dev-packages]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pyx_launcher.errors import UsageError
from pyx_launcher.locks.common.tables import Table
from pyx_launcher.project.manifest import list_packages
from pyx_launcher.project.pyproject import (
    RequirementList,
    add_extras,
    explain_not_there,
    find_key,
    is_bare,
    make_constraint,
    parse_data,
    parse_document,
    shorten_constraint,
)
from pyx_launcher.project.toml_text import append_table, format_keys, insert_item, keep_newlines

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement


def add_packages(
    path: Path, text: str, requirements: Sequence[Requirement], place: RequirementList
) -> str:
    """Return the text of a Pipfile with `requirements`; a bare one leaves what is there."""
    return keep_newlines(text, lambda text: _add(path, text, requirements, place))


def _add(path: Path, text: str, requirements: Sequence[Requirement], place: RequirementList) -> str:
    category = _category(path, place)
    if category not in parse_document(path, text):
        text = append_table(text, f"[{format_keys((category,))}]\n")
    for requirement in requirements:
        document = parse_document(path, text)
        table = cast("MutableMapping[str, Any]", document[category])
        known = find_key(table, requirement.name)
        package = _package(path, requirement)
        if known not in table:
            inserted = insert_item(text, (category,), known, package)
            if inserted is not None:
                text = inserted
                continue
        elif is_bare(requirement):
            if not requirement.extras:
                continue
            # What the project says of versions stays.
            package = add_extras(table[known], requirement.extras)
        table[known] = package
        text = document.as_string()
    return text


def make_editable(path: Path, text: str, name: str, place: RequirementList) -> str:
    """Return the text of a Pipfile where the project `name` is used as it is in its directory."""
    document = parse_document(path, text)
    table = cast("MutableMapping[str, Any]", document[_category(path, place)])
    table[find_key(table, name)]["editable"] = True
    return document.as_string()


def remove_packages(path: Path, text: str, names: Iterable[str], place: RequirementList) -> str:
    """Return the text of a Pipfile without `names`. Raises UsageError for one not there."""
    document = parse_document(path, text)
    table = cast("MutableMapping[str, Any]", document.get(_category(path, place), {}))
    for name in names:
        known = find_key(table, name)
        if known not in table:
            hint = explain_not_there(name, place, _list_everywhere(path, text))
            raise UsageError(f"{path}: {name} is not in {place.label}", hint=hint)
        del table[known]
    return document.as_string()


def _list_everywhere(path: Path, text: str) -> dict[RequirementList, list[str]]:
    """Return the names of all packages of a Pipfile, by where they are listed."""
    categories = list_packages(Table(path=path, where="", data=parse_data(path, text)))
    groups = {"packages": None, "dev-packages": "dev"}
    return {
        RequirementList(group=groups.get(category, category)): list(table)
        for category, table in categories.items()
        if isinstance(table, dict)
    }


def _category(path: Path, place: RequirementList) -> str:
    if place.extra:
        raise UsageError(f"{path}: a Pipfile has no extras", hint=f"--group {place.extra}")
    if place.group is None:
        return "packages"
    return "dev-packages" if place.group in ("dev", "develop") else place.group


def _package(path: Path, requirement: Requirement) -> object:
    return shorten_constraint(make_constraint(requirement, path.parent, url="file", revision="ref"))

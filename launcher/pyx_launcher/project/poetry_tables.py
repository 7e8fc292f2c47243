"""Edit the requirements of a project that has them in Poetry's own tables, as before Poetry 2.

Takes and returns text, as `pyproject` does for the standard's tables. See
https://python-poetry.org/docs/dependency-specification/ for what a constraint may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from packaging.utils import canonicalize_name

from pyx_launcher.errors import UsageError
from pyx_launcher.project.pyproject import (
    RequirementList,
    add_extras,
    explain_not_there,
    find_key,
    is_bare,
    list_everywhere,
    make_constraint,
    parse_data,
    parse_document,
    put_entry,
    remove_requirements,
    requires,
    shorten_constraint,
)
from pyx_launcher.project.toml_text import (
    format_item,
    format_keys,
    insert_item,
    insert_table,
    keep_newlines,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement
    from tomlkit import TOMLDocument

    Table = MutableMapping[str, Any]

_OWN = ("tool", "poetry")


def has_own_tables(data: Mapping[str, Any], place: RequirementList) -> bool:
    """Are the requirements of `place` Poetry's own in the parsed pyproject.toml `data`?"""
    poetry = data.get("tool", {}).get("poetry", {})
    project = data.get("project")
    if place.group is not None:
        known = place.group in poetry.get("group", {})
        legacy = place.group == "dev" and "dev-dependencies" in poetry
        return known or legacy or (bool(poetry) and project is None)
    if project is None:
        return bool(poetry)
    key = "optional-dependencies" if place.extra else "dependencies"
    return key in project.get("dynamic", ()) and "dependencies" in poetry


def needs_poetry(data: Mapping[str, Any]) -> bool:
    """Tell whether the parsed pyproject.toml `data` has in Poetry's tables what others do not read.

    That is a requirement, a group, or a source of its own; what Poetry builds says nothing of it.
    """
    poetry = data.get("tool", {}).get("poetry", {})
    own = poetry.get("dependencies", {})
    own = {*own} - {"python"} if isinstance(own, dict) else own
    others = ("group", "dev-dependencies", "source")
    return has_own_tables(data, RequirementList()) or bool(own) or any(map(poetry.get, others))


def add_constraints(
    path: Path, text: str, requirements: Sequence[Requirement], place: RequirementList
) -> str:
    """Return `text` with `requirements` at `place`; a bare one leaves a constraint as it is."""
    return keep_newlines(text, lambda text: _add(path, text, requirements, place))


def _add(path: Path, text: str, requirements: Sequence[Requirement], place: RequirementList) -> str:
    for requirement in requirements:
        text = _put(path, text, requirement, place)
    if not place.extra:
        return text
    document = parse_document(path, _make(path, text, (*_OWN, "extras"), place.extra))
    extras = document["tool"]["poetry"].setdefault("extras", {})
    listed = extras.setdefault(place.extra, [])
    known = {canonicalize_name(name) for name in listed}
    listed.extend(r.name for r in requirements if canonicalize_name(r.name) not in known)
    return document.as_string()


def _put(path: Path, text: str, requirement: Requirement, place: RequirementList) -> str:
    keys = _name_table(parse_data(path, text)["tool"]["poetry"], place)
    text = _make(path, text, keys)
    document = parse_document(path, text)
    table = _find_table(document, place)
    key = find_key(table, requirement.name)
    constraint = _constraint(path, requirement, optional=bool(place.extra))
    if key not in table:
        inserted = insert_item(text, keys, key, constraint)
        if inserted is not None:
            return inserted
    elif is_bare(requirement):
        if not requirement.extras:
            return text
        # What the project says of versions stays.
        constraint = add_extras(table[key], requirement.extras)
    table[key] = constraint
    return document.as_string()


def _make(path: Path, text: str, keys: tuple[str, ...], listed: str | None = None) -> str:
    """Return the text with the table `keys`, and a list in it, if they are not there yet."""
    table: object = parse_data(path, text)
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    if table is None:
        item = format_item(listed, []) if listed else ""
        return insert_table(text, f"[{format_keys(keys)}]\n{item}", _OWN) or text
    if listed and isinstance(table, dict) and listed not in table:
        return insert_item(text, keys, listed, []) or text
    return text


def add_develop(path: Path, text: str, name: str, place: RequirementList) -> str:
    """Return `text` where the project `name` at `place` is used as it is in its directory."""
    keys = _name_table(parse_data(path, text)["tool"]["poetry"], place)
    table: object = parse_data(path, text)
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    known = table.get(find_key(table, name)) if isinstance(table, dict) else None
    entry = known if isinstance(known, dict) else {}
    return put_entry(path, text, keys, name, {**entry, "develop": True})


def bound_constraints(
    path: Path, text: str, versions: Mapping[str, str], place: RequirementList
) -> str:
    """Return `text` where constraints at `place` that take any version take a compatible one."""
    document = parse_document(path, text)
    table = _find_table(document, place)
    for key, value in list(table.items()):
        version = versions.get(canonicalize_name(key))
        if version is None:
            continue
        if value == "*":
            table[key] = f"^{version}"
        elif isinstance(value, dict) and value.get("version") == "*":
            value["version"] = f"^{version}"
    return document.as_string()


def remove_constraints(path: Path, text: str, names: Iterable[str], place: RequirementList) -> str:
    """Return `text` without `names` at `place`. Raises UsageError for one that is not there."""
    document = parse_document(path, text)
    table = _find_table(document, place)
    for name in names:
        key = find_key(table, name)
        if key not in table:
            raise _not_there(path, text, name, place)
        del table[key]
        extras = document["tool"]["poetry"].get("extras", {})
        for listed in extras.values():
            for at in reversed(range(len(listed))):
                if canonicalize_name(listed[at]) == canonicalize_name(name):
                    del listed[at]
    if place.group is not None and not table:
        _drop_group(cast("Table", document["tool"]["poetry"]), place.group)
    return document.as_string()


def _drop_group(poetry: Table, name: str) -> None:
    """Remove an emptied group, as Poetry does, unless it says more or others include it."""
    groups = poetry.get("group", {})
    included = any(name in other.get("include-groups", ()) for other in groups.values())
    if included or {*groups.get(name, ())} != {"dependencies"}:
        return
    del groups[name]
    if not groups:
        del poetry["group"]


def remove_anywhere(path: Path, text: str, names: Iterable[str], place: RequirementList) -> str:
    """Return `text` without `names` at `place`, in the standard's tables or in Poetry's own.

    Those may have more to say about what these require. Raises UsageError for what is in neither.
    """
    for name in names:
        data = parse_data(path, text)
        if requires(path, text, name, place):
            text = remove_requirements(path, text, [name], place)
            text = _drop_entry(path, text, name, place)
        elif has_own_tables(data, place):
            text = remove_constraints(path, text, [name], place)
        else:
            raise _not_there(path, text, name, place)
    return text


def _drop_entry(path: Path, text: str, name: str, place: RequirementList) -> str:
    document = parse_document(path, text)
    table: Any = document
    for key in _name_table(document.get("tool", {}).get("poetry", {}), place):
        table = table.get(key) if isinstance(table, dict) else None
    key = find_key(table, name) if isinstance(table, dict) else ""
    if not key or key not in table:
        return text
    del table[key]
    return document.as_string()


def _not_there(path: Path, text: str, name: str, place: RequirementList) -> UsageError:
    """Return the error for a requirement that is not at `place`, by either kind of tables."""
    hint = explain_not_there(name, place, _list_everywhere(path, text))
    return UsageError(f"{path}: {name} is not in {place.label}", hint=hint)


def _list_everywhere(path: Path, text: str) -> dict[RequirementList, list[str]]:
    """Return the names that Poetry's tables and the standard's have, by where they are listed."""
    poetry = parse_data(path, text)["tool"]["poetry"]
    groups = [*poetry.get("group", {}), *(["dev"] if "dev-dependencies" in poetry else [])]
    listed = list_everywhere(path, text)
    for place in (RequirementList(), *(RequirementList(group=group) for group in groups)):
        table: Any = poetry
        for key in _name_table(poetry, place)[len(_OWN) :]:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        listed.setdefault(place, []).extend(set(table) - {"python"})
    return listed


def _name_table(poetry: Mapping[str, Any], place: RequirementList) -> tuple[str, ...]:
    if place.group is None:
        return (*_OWN, "dependencies")
    if place.group == "dev" and "dev-dependencies" in poetry:
        return (*_OWN, "dev-dependencies")
    return (*_OWN, "group", place.group, "dependencies")


def _find_table(document: TOMLDocument, place: RequirementList) -> Table:
    import tomlkit

    poetry = cast("Table", document["tool"]["poetry"])
    if place.group is None or (place.group == "dev" and "dev-dependencies" in poetry):
        key = "dependencies" if place.group is None else "dev-dependencies"
        if key not in poetry:
            poetry[key] = tomlkit.table()
        return cast("Table", poetry[key])
    if "group" not in poetry:
        poetry["group"] = tomlkit.table(is_super_table=True)
    groups = cast("Table", poetry["group"])
    if place.group not in groups:
        groups[place.group] = tomlkit.table(is_super_table=True)
    group = cast("Table", groups[place.group])
    if "dependencies" not in group:
        group["dependencies"] = tomlkit.table()
    return cast("Table", group["dependencies"])


def _constraint(path: Path, requirement: Requirement, *, optional: bool) -> object:
    """Return what Poetry writes for a requirement: a text, or a table where that is too little."""
    table = make_constraint(requirement, path.parent, url="url", revision="rev")
    if optional:
        table["optional"] = True
    return shorten_constraint(table)

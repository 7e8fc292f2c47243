"""Edits of a project file, generated from what is in it: what people change between two locks.

A project file is data here (as TOML is read), so an edit is a function that changes a copy. Whether
a lock still fits after one of them is for the tool that wrote the lock to say; see `corpus`.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Document = dict[str, Any]


def write_toml(document: Document) -> str:
    """Return a document as TOML: tables of tables as headers, everything below them inline."""
    text = ""
    for key, value in document.items():
        if key in ("tool", "source") and isinstance(value, dict):
            text += "".join(_write_table(f"{key}.{name}", table) for name, table in value.items())
        else:
            text += _write_table(key, value)
    return text


def _write_table(name: str, table: Any) -> str:
    if isinstance(table, list):
        return "".join(_write_table(f"[{name}]", item) for item in table)
    return f"[{name}]\n" + "".join(
        f"{write_key(key)} = {write_value(value)}\n" for key, value in table.items()
    )


def write_key(key: str) -> str:
    """Return a key of TOML, in quotes where it needs them."""
    return key if key.replace("-", "").replace("_", "").isalnum() else json.dumps(key)


def write_value(value: Any) -> str:
    """Return a value of TOML on one line."""
    if isinstance(value, dict):
        inside = (f"{write_key(key)} = {write_value(item)}" for key, item in value.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(write_value, value))}]"
    return json.dumps(value)


def generate_edits(document: Document, tool: str) -> Iterator[tuple[str, Document | None]]:
    """Yield every edit of a project file: what it does, with the file afterwards.

    The first is None, which stands for a comment behind the text as it was.
    """
    yield "a comment", None
    yield "the same, written anew", deepcopy(document)
    for name, change in _find_changes(document, tool):
        edited = deepcopy(document)
        change(edited)
        if edited != document:
            yield name, edited


Change = tuple[str, "Callable[[Document], None]"]


def _find_changes(document: Document, tool: str) -> Iterator[Change]:
    if tool == "pipenv":
        yield from _pipfile_changes(document)
        return
    if "project" in document:
        yield from _project_changes(document)
    yield from _group_changes(document)
    yield from {"uv": _uv_changes, "poetry": _poetry_changes, "pdm": _pdm_changes}[tool](document)
    yield "a table of another tool", lambda d: d.setdefault("tool", {}).update(other={"a": 1})


def _set(path: str, value: Any) -> Callable[[Document], None]:
    """Return the change that puts `value` at a dotted path."""
    *tables, last = path.split(".")

    def change(document: Document) -> None:
        table = document
        for name in tables:
            table = table.setdefault(name, {})
        table[last] = value

    return change


def _drop(path: str) -> Callable[[Document], None]:
    *tables, last = path.split(".")

    def change(document: Document) -> None:
        table = document
        for name in tables:
            table = table.get(name, {})
        table.pop(last, None)

    return change


def _list_changes(where: str, lines: list[Any]) -> Iterator[Change]:
    """Yield what can be done to the requirements at a dotted path."""
    for position, line in enumerate(lines):
        if not isinstance(line, str):
            continue
        name, _, marker = line.partition(";")
        bare = name.strip()
        rest = f"; {marker.strip()}" if marker else ""
        plain = not any(c in bare for c in "<>=!~@")
        new = {
            "a bound": f"{bare}<999{rest}" if plain else "",
            "a bound that is met": f"{bare}>=0{rest}" if plain else "",
            "a marker that holds everywhere": "" if rest else f"{bare}; python_version >= '3.6'",
            "a marker": "" if rest else f"{bare}; sys_platform == 'win32'",
            "a marker of the future": "" if rest else f"{bare}; python_version < '3.99'",
            "an extra": f"{bare}[nothing]{rest}" if plain and "[" not in bare else "",
            "capitals": f"{bare.upper()}{rest}" if plain and "[" not in bare else "",
            "spaces": f"  {bare}  {rest}",
        }
        for what, text in new.items():
            if text:
                edited = [*lines[:position], text, *lines[position + 1 :]]
                yield f"{where}: {what} for {bare}", _set(where, edited)
        yield f"{where}: without {bare}", _set(where, lines[:position] + lines[position + 1 :])
    yield f"{where}: one more", _set(where, [*lines, "bytes-pack"])
    yield f"{where}: backwards", _set(where, lines[::-1])
    if lines:
        yield f"{where}: one of them twice", _set(where, [*lines, lines[0]])


def _project_changes(document: Document) -> Iterator[Change]:
    project = document["project"]
    if "dependencies" in project:
        yield from _list_changes("project.dependencies", project["dependencies"])
    else:
        yield "dependencies at last", _set("project.dependencies", ["bytes-pack"])
    for extra, lines in project.get("optional-dependencies", {}).items():
        yield from _list_changes(f"project.optional-dependencies.{extra}", lines)
        yield f"without the extra {extra}", _drop(f"project.optional-dependencies.{extra}")
    yield "an extra", _set("project.optional-dependencies.fresh", ["bytes-pack"])
    yield "an empty extra", _set("project.optional-dependencies.fresh", [])
    for python in (">=3.10,<3.99", ">=3.10", ">= 3.10.0", ">=3.11", ">=3.9", ">=3.10,!=3.11.1"):
        yield f"requires-python {python}", _set("project.requires-python", python)
    yield "another version", _set("project.version", "9.9")
    yield (
        "the same version, written otherwise",
        _set("project.version", f"{project.get('version', '1')}.0"),
    )
    yield "another name", _set("project.name", "renamed")
    yield "a description", _set("project.description", "fresh")
    yield "a script", _set("project.scripts", {"go": "sample:go"})
    yield (
        "a build system",
        _set(
            "build-system",
            {"requires": [], "build-backend": "treebackend", "backend-path": ["."]},
        ),
    )


def _group_changes(document: Document) -> Iterator[Change]:
    groups = document.get("dependency-groups", {})
    for group, lines in groups.items():
        yield from _list_changes(f"dependency-groups.{group}", lines)
        if not any({"include-group": group} in other for other in groups.values()):
            yield f"without the group {group}", _drop(f"dependency-groups.{group}")
    yield "a group", _set("dependency-groups.fresh", ["bytes-pack"])
    yield "an empty group", _set("dependency-groups.fresh", [])
    if groups:
        first = next(iter(groups))
        yield (
            f"a group that includes {first}",
            _set("dependency-groups.fresh", [{"include-group": first}]),
        )
        yield "groups backwards", _set("dependency-groups", dict(reversed(groups.items())))


def _uv_changes(document: Document) -> Iterator[Change]:
    uv = document.get("tool", {}).get("uv", {})
    settings: dict[str, Any] = {
        "constraint-dependencies": ["plug<2"],
        "override-dependencies": ["plug==1.4.0"],
        "exclude-dependencies": ["plug"],
        "build-constraint-dependencies": ["plug<2"],
        "resolution": "lowest",
        "prerelease": "allow",
        "fork-strategy": "fewest",
        "environments": ["sys_platform == 'linux'"],
        "required-environments": ["sys_platform == 'win32'"],
        "default-groups": "all",
        "package": False,
        "managed": True,
        "dev-dependencies": ["bytes-pack"],
        "exclude-newer": "2030-01-01T00:00:00Z",
        "index-strategy": "unsafe-best-match",
        "keyring-provider": "subprocess",
        "no-build-isolation-package": ["plug"],
        "cache-keys": [{"file": "x"}],
        "compile-bytecode": True,
        "link-mode": "copy",
        "dependency-metadata": [{"name": "plug", "version": "1.4.0", "requires-dist": []}],
        "no-binary-package": ["plug"],
        "extra-build-dependencies": {"plug": ["bytes-pack"]},
    }
    for key, value in settings.items():
        yield f"uv: {key}", _set(f"tool.uv.{key}", value)
        if key in uv:
            yield f"uv: without {key}", _drop(f"tool.uv.{key}")
    if "exclude-newer" in uv:
        yield "uv: exclude-newer earlier", _set("tool.uv.exclude-newer", "2026-06-01T00:00:00Z")
        yield "uv: exclude-newer later", _set("tool.uv.exclude-newer", "2039-06-01T00:00:00Z")
        yield "uv: exclude-newer by span", _set("tool.uv.exclude-newer", "1 week")
    for key in ("constraint-dependencies", "override-dependencies", "exclude-dependencies"):
        yield f"uv: empty {key}", _set(f"tool.uv.{key}", [])
    for group in document.get("dependency-groups", {}):
        where = f"tool.uv.dependency-groups.{group}"
        for bound in (">=3.11", ">=3.10", ">=3.12,<3.14"):
            yield f"uv: the group {group} for {bound}", _set(f"{where}.requires-python", bound)
        yield f"uv: the group {group} for every Python", _drop(where)
    yield "uv: package", _set("tool.uv.package", True)
    yield "uv: default resolution", _set("tool.uv.resolution", "highest")
    for name, source in uv.get("sources", {}).items():
        yield f"uv: no source for {name}", _drop(f"tool.uv.sources.{name}")
        if isinstance(source, dict):
            where = f"tool.uv.sources.{name}"
            yield (
                f"uv: {name} for one platform",
                _set(where, [{**source, "marker": "os_name=='nt'"}]),
            )
            if "path" in source:
                yield f"uv: editable {name}", _set(where, {**source, "editable": True})
                yield f"uv: {name} not editable", _set(where, {**source, "editable": False})
                yield (
                    f"uv: {name} by way of a dot",
                    _set(where, {**source, "path": f"./{source['path']}"}),
                )
    yield "uv: a source of nothing", _set("tool.uv.sources.nobody", {"path": "libs/tree"})
    yield "uv: a path for plug", _set("tool.uv.sources.plug", {"path": "libs/plug"})
    yield "uv: an index for plug", _set("tool.uv.sources.plug", {"index": "loopback"})
    indexes = uv.get("index", [])
    fresh = {"name": "fresh", "url": "http://127.0.0.1:9/simple/", "explicit": True}
    yield "uv: an explicit index", _set("tool.uv.index", [*indexes, fresh])
    if len(indexes) > 1:
        yield "uv: indexes backwards", _set("tool.uv.index", indexes[::-1])
        yield (
            "uv: an index without its name",
            _set(
                "tool.uv.index",
                [
                    *indexes[:-1],
                    {k: v for k, v in indexes[-1].items() if k != "name"},
                ],
            ),
        )
    workspace = uv.get("workspace", {})
    if workspace:
        yield "uv: no members", _set("tool.uv.workspace.members", [])
        yield "uv: one member less", _set("tool.uv.workspace.exclude", ["packages/member-b"])
        yield (
            "uv: members one by one",
            _set("tool.uv.workspace.members", ["packages/member-a", "packages/member-b"]),
        )
    else:
        yield "uv: a member", _set("tool.uv.workspace.members", ["more/*"])
        yield "uv: a workspace without members", _set("tool.uv.workspace.members", ["none/*"])


def _poetry_changes(document: Document) -> Iterator[Change]:
    poetry = document.get("tool", {}).get("poetry", {})
    yield "poetry: package mode", _set("tool.poetry.package-mode", not poetry.get("package-mode"))
    yield "poetry: a dependency", _set("tool.poetry.dependencies.bytes-pack", "*")
    yield "poetry: a group", _set("tool.poetry.group.fresh", {"dependencies": {"bytes-pack": "*"}})
    yield "poetry: an empty group", _set("tool.poetry.group.fresh", {"dependencies": {}})
    yield (
        "poetry: an optional group",
        _set("tool.poetry.group.fresh", {"optional": True, "dependencies": {"bytes-pack": "*"}}),
    )
    for group in document.get("dependency-groups", {}):
        yield (
            f"poetry: the group {group} optional",
            _set(f"tool.poetry.group.{group}", {"optional": True}),
        )
    yield "poetry: extras", _set("tool.poetry.extras.fresh", [])
    yield "poetry: a script", _set("tool.poetry.scripts", {"go": "sample:go"})
    yield "poetry: the version of Poetry", _set("tool.poetry.requires-poetry", ">=1")
    sources = poetry.get("source", [])
    more = {"name": "fresh", "url": "http://127.0.0.1:9/simple/", "priority": "explicit"}
    yield "poetry: a source", _set("tool.poetry.source", [*sources, more])


def _pdm_changes(document: Document) -> Iterator[Change]:
    pdm = document.get("tool", {}).get("pdm", {})
    settings: dict[str, Any] = {
        "distribution": not pdm.get("distribution"),
        "dev-dependencies": {"fresh": ["bytes-pack"]},
        "resolution": {"overrides": {"plug": "1.4.0"}},
        "ignore_package_warnings": ["plug"],
        "scripts": {"go": "python go.py"},
        "build": {"includes": ["x"]},
        "plugins": [],
    }
    for key, value in settings.items():
        yield f"pdm: {key}", _set(f"tool.pdm.{key}", value)
    for key, value in (
        ("allow-prereleases", True),
        ("excludes", ["plug"]),
        ("respect-source-order", True),
    ):
        yield f"pdm: {key}", _set(f"tool.pdm.resolution.{key}", value)
    sources = pdm.get("source", [])
    more = {"name": "fresh", "url": "http://127.0.0.1:9/simple/"}
    yield "pdm: a source", _set("tool.pdm.source", [*sources, more])
    if len(sources) > 1:
        yield "pdm: sources backwards", _set("tool.pdm.source", sources[::-1])


def _pipfile_changes(document: Document) -> Iterator[Change]:
    tables = [k for k, v in document.items() if isinstance(v, dict) and k != "requires"]
    for table in tables:
        for name, value in document[table].items():
            rest = {k: v for k, v in document[table].items() if k != name}
            yield f"{table}: without {name}", _set(table, rest)
            yield f"{table}: {name} in capitals", _set(table, {**rest, name.upper(): value})
            yield f"{table}: a bound for {name}", _set(f"{table}.{name}", ">=0")
            yield (
                f"{table}: a marker for {name}",
                _set(f"{table}.{name}", {"version": "*", "markers": "python_version < '3.99'"}),
            )
        yield f"{table}: backwards", _set(table, dict(reversed(document[table].items())))
        yield f"{table}: one more", _set(f"{table}.bytes-pack", "*")
        yield f"without [{table}]", _drop(table)
    for key, value in (
        ("fresh", {"bytes-pack": "*"}),
        ("fresh-and-empty", {}),
        ("requires", {"python_version": "3.12"}),
        ("scripts", {"go": "python go.py"}),
        ("pipenv", {"allow_prereleases": True}),
        ("dev-packages", {"bytes-pack": "*"}),
    ):
        yield f"[{key}]", _set(key, value)
    sources = document.get("source", [])
    more = {"name": "fresh", "url": "http://127.0.0.1:9/simple/", "verify_ssl": False}
    yield "a source", _set("source", [*sources, more])
    yield "a source unverified", _set("source", [{**s, "verify_ssl": True} for s in sources])

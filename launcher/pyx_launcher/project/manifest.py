"""Which file of a directory says what its project requires, and whether it requires anything.

This is told from the files alone: what they mean is the business of the tools that lock.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import PyxError
from pyx_launcher.locks.common.content import pins_by_hash, read_content
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.locks.reader import FILE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

MANIFEST = "pyproject.toml"
PIPFILE = "Pipfile"
LISTED = "requirements.in"
WISHES = "requirements.txt"
"""Requirements without hashes; with hashes, it is a lock and no manifest."""

MANIFESTS = (MANIFEST, PIPFILE, LISTED, WISHES)
"""The names of all, the preferred first."""

OLD = ("setup.py", "setup.cfg")
"""What says what a project is called where no pyproject.toml does."""

LISTS = (LISTED, WISHES)
"""Those that have a requirement a line."""

FOLDER = "requirements"
"""Where several lists may lie, of which none is called `WISHES`."""

_BASES = ("base", "main", "common", "requirements", "prod", "production", "default")
"""What the first of those is called."""

_PACKAGING = re.compile(rb"^\[(?:metadata|options)[\].]", re.MULTILINE)
"""What a setup.cfg has that packages a project."""

_NAMES_WISHES = re.compile(rb"(?<![\w./-])requirements\.txt\b")

_INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?<=-[rc]))(\S+)")

_REQUIRING = ("-r", "--requirement", "-e", "--editable")


def find_manifest(directory: Path, names: Iterable[str] = MANIFESTS) -> Path | None:
    """Return the file in `directory` that says what its project requires, or None.

    A pyproject.toml that only configures tools gives way to any other of `names`.
    Raises LockError and StoreError where it cannot be told.
    """
    for name in names:
        path = directory / name
        if _is_manifest(path):
            return path
    path = directory / MANIFEST
    return path if path.is_file() else None


def _is_manifest(path: Path) -> bool:
    if not path.is_file():
        return False
    if path.name == MANIFEST:
        return is_project(read_toml(path))
    return path.name != WISHES or not is_hashed(path)


def find_in_folder(folder: Path) -> Path | None:
    """Return the list in a directory ``requirements`` that the others there are built upon.

    It is the only one, or has a name that says so. None for one that pins by hash, which is a lock.
    Raises LockError and StoreError where it cannot be told.
    """
    found = sorted((*folder.glob("*.in"), *folder.glob("*.txt")))
    lists = [path for path in found if path.is_file() and not path.stem.startswith("constraint")]
    named = [path for name in _BASES for path in lists if path.stem == name]
    chosen = [*named, *(lists if len(lists) == 1 else [])][:1]
    return next((path for path in chosen if not is_hashed(path) and requires_anything(path)), None)


def is_project(document: Table) -> bool:
    """Tell whether a pyproject.toml is that of a project, and not just tools' configuration."""
    tool = document.table("tool")
    return (
        any(key in document.data for key in ("project", "dependency-groups"))
        or any(name in tool.data for name in ("poetry", "pdm"))
        or "workspace" in tool.table("uv").data
        or any(_dependency_tables(document))
    )


def is_hashed(path: Path) -> bool:
    """Tell whether a requirements.txt, or what it includes, pins by hash. Raises LockError."""
    return pins_by_hash(path, [])


def requires_anything(manifest: Path) -> bool:
    """Tell whether a manifest names any dependency. Raises LockError, StoreError."""
    if manifest.name == MANIFEST:
        return any(_dependency_tables(read_toml(manifest)))
    if manifest.name == PIPFILE:
        return any(list_packages(read_toml(manifest)).values())
    return any(
        not line.startswith("-") or line.startswith(_REQUIRING) for line in _read_lines(manifest)
    )


def _read_lines(manifest: Path) -> list[str]:
    from pyx_launcher.locks.requirements.lines import join_lines

    return [text for _, text in join_lines(read_content(manifest, None))]


def list_required(manifest: Path) -> set[str]:
    """Return the names of what a manifest requires anywhere. Raises LockError, StoreError."""
    tables, texts = _read_requirements(manifest)
    return ({name for table in tables for name in table} - {"python"}) | _find_names(texts)


def find_pin(manifest: Path, name: str, version: str) -> str | None:
    """Return how a manifest requires exactly this `version` of `name`, which is normalised.

    None where it requires no single version, or another. Raises LockError, StoreError.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.utils import canonicalize_name

    tables, texts = _read_requirements(manifest)
    for table in tables:
        for key, said in table.items():
            asked = said.get("version") if isinstance(said, dict) else said
            if canonicalize_name(key) == name and isinstance(asked, str):
                # Poetry's bare version is a pin as well.
                bare = asked.strip().lstrip("=").strip()
                with contextlib.suppress(InvalidSpecifier):
                    if _is_pinned(SpecifierSet(f"=={bare}"), version):
                        return f'{key} = "{asked}"'
    for text in texts:
        with contextlib.suppress(InvalidRequirement):
            requirement = Requirement(text)
            is_same = canonicalize_name(requirement.name) == name
            if is_same and _is_pinned(requirement.specifier, version):
                return text.strip()
    return None


def _is_pinned(versions: SpecifierSet, version: str) -> bool:
    """Tell whether `version` is the only one of `versions`."""
    clauses = [one for one in versions if one.operator in ("==", "===")]
    has_pin = any(not one.version.endswith(".*") for one in clauses)
    return has_pin and versions.contains(version, prereleases=True)


def _read_requirements(manifest: Path) -> tuple[list[Mapping[str, object]], list[str]]:
    """Return everything that a manifest requires, by either way in which tools say it.

    That is in tables of Poetry's or Pipenv's, which have a key for each, and in texts (PEP 508).
    """
    if manifest.name == PIPFILE:
        categories = list_packages(read_toml(manifest)).values()
        return [table for table in categories if isinstance(table, dict)], []
    if manifest.name != MANIFEST:
        return [], [line for line in _read_lines(manifest) if not line.startswith("-")]
    document = read_toml(manifest)
    tool = document.table("tool")
    poetry = tool.table("poetry")
    groups = poetry.table("group")
    tables = [poetry.table("dependencies"), poetry.table("dev-dependencies")]
    tables += [groups.table(name).table("dependencies") for name in groups.data]
    lists = [
        document.table("project").data.get("dependencies"),
        *document.table("project").table("optional-dependencies").data.values(),
        *document.table("dependency-groups").data.values(),
        tool.table("uv").data.get("dev-dependencies"),
        *tool.table("pdm").table("dev-dependencies").data.values(),
    ]
    # A group may include others, by a table.
    texts = [
        item
        for items in lists
        if isinstance(items, list)
        for item in items
        if isinstance(item, str)
    ]
    return [table.data for table in tables], texts


def read_main(manifest: Path) -> list[Requirement]:
    """Return what the project table of a pyproject.toml requires, as far as it is understood."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for text in _list_main(manifest):
        with contextlib.suppress(InvalidRequirement):
            found.append(Requirement(text))
    return found


def list_main(manifest: Path) -> set[str]:
    """Return the names of what the project table of a pyproject.toml requires, normalised."""
    from packaging.utils import canonicalize_name

    return {canonicalize_name(name) for name in _find_names(_list_main(manifest))}


def _list_main(manifest: Path) -> list[str]:
    if manifest.name != MANIFEST or not manifest.is_file():
        return []
    listed = read_toml(manifest).table("project").data.get("dependencies")
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _find_names(requirements: Iterable[str]) -> set[str]:
    found = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", one.strip()) for one in requirements)
    return {one[0] for one in found if one}


def list_packages(pipfile: Table) -> dict[str, object]:
    """Return the tables of a Pipfile that hold requirements, by name: one for each category."""
    special = {"source", "requires", "scripts", "pipfile", "pipenv"}
    return {key: table for key, table in pipfile.data.items() if key not in special}


def _dependency_tables(document: Table) -> Iterable[object]:
    """Yield everything that can hold dependencies; what holds none is false."""
    project, tool = document.table("project"), document.table("tool")
    poetry = tool.table("poetry")
    yield project.data.get("dependencies")
    yield project.data.get("optional-dependencies")
    yield "dependencies" in project.strings("dynamic")
    yield document.data.get("dependency-groups")
    yield poetry.table("dependencies").data.keys() - {"python"}
    yield from (poetry.data.get(key) for key in ("dev-dependencies", "group"))
    yield from (tool.table(name).data.get("dev-dependencies") for name in ("pdm", "uv"))


def list_scripts(directory: Path) -> set[str]:
    """Return the programs that the pyproject.toml in `directory` defines; none if unreadable."""
    try:
        document = read_toml(directory / MANIFEST)
        project, poetry = document.table("project"), document.table("tool").table("poetry")
        tables = (project.table("scripts"), project.table("gui-scripts"), poetry.table("scripts"))
        return {name for table in tables for name in table.data}
    except PyxError:
        return set()


def read_name(manifest: Path) -> str:
    """Return what the pyproject.toml `manifest` calls its project; empty where it does not say.

    Raises LockError and StoreError where it cannot be read.
    """
    document = read_toml(manifest)
    tables = (document.table("project"), document.table("tool").table("poetry"))
    return next(filter(None, (table.get("name", str, "") for table in tables)), "")


def is_name_of(name: str, directory: Path) -> bool:
    """Tell whether the pyproject.toml in `directory` gives the project this name."""
    from packaging.utils import canonicalize_name

    try:
        own = read_name(directory / MANIFEST)
    except PyxError:
        return False
    return bool(own) and canonicalize_name(own) == canonicalize_name(name)


def is_buildable(directory: Path) -> bool:
    """Tell whether the project in `directory` names a build system, and so can be installed."""
    try:
        return "build-system" in read_toml(directory / MANIFEST).data
    except PyxError:
        return False


def is_package(directory: Path) -> bool:
    """Tell whether the pyproject.toml in `directory` does not say that it is never installed."""
    try:
        return (
            read_toml(directory / MANIFEST)
            .table("tool")
            .table("poetry")
            .get("package-mode", bool, True)
        )
    except PyxError:
        return True


def is_old(directory: Path) -> bool:
    """Tell whether a setup.py or setup.cfg packages what is in `directory`.

    Many a setup.cfg only configures tools.
    """
    script, config = (directory / name for name in OLD)
    return script.is_file() or _PACKAGING.search(_read_bytes(config)) is not None


def advise_old(
    directory: Path, own: str = ".", lists: Sequence[str] = (), words: Sequence[str] = ()
) -> str | None:
    """Return what locks a project of which only a setup.py or setup.cfg tells; None for others.

    A pyproject.toml may name what builds it. What was to be added is as in `lead_old`. Raises
    LockError and StoreError.
    """
    if not is_old(directory):
        return None
    manifest = find_manifest(directory)
    if any((directory / name).is_file() for name in FILE_NAMES):
        return None
    if manifest is not None and (manifest.name != MANIFEST or is_project(read_toml(manifest))):
        return None
    return lead_old(directory, own, lists, words)


def lead_old(
    directory: Path, own: str = ".", lists: Sequence[str] = (), words: Sequence[str] = ()
) -> str:
    """Return what locks the project of a setup.py in `directory` with what was to be added to it.

    That is `own`, its own path with extras, the `lists` of requirements, and the `words` that
    follow ``pyx add``. A list that setup.py itself reads can have no line but of packages, so
    there an environment takes them. Raises LockError and StoreError.
    """
    from shlex import join, quote

    listed = directory / WISHES
    included = any(
        os.path.isfile(one) and any(map(_is_same(listed), list_included(Path(one))[1:]))
        for one in lists
    )
    if reads_wishes(directory) or included:
        name = name_named(directory)
        files = [word for one in lists for word in ("-r", _move(one, directory))]
        command = join(["pyx", "add", f"@{name}", "-e", own, *files, *words])
    else:
        there = _read_lines(listed) if listed.is_file() else []
        others = (one for one in lists if not _is_same(listed)(Path(one)))
        lines = [f"-e {own}", *(f"-r {_move(one, directory)}" for one in others)]
        if own == "." and any(one.startswith("-e .[") for one in there):
            lines.pop(0)
        missing = (one for one in lines if one not in there)
        steps = [
            append_line(line, None if at else listed, WISHES) for at, line in enumerate(missing)
        ]
        command = " && ".join([*steps, join(["pyx", "add", *words]) if words else "pyx lock"])
    if not os.path.samefile(directory, os.curdir):
        command = f"cd {quote(str(directory))} && {command}"
    return f"`{command}` locks it with what it requires"


def append_line(line: str, file: Path | None, called: str) -> str:
    """Return the command that appends `line` to a list, which is `called` so in a shell.

    The last line of `file` may have no end; None is for a list that ends as it should.
    """
    from shlex import quote

    content = _read_bytes(file) if file is not None else b""
    if content and not content.endswith(b"\n"):
        return f"printf '\\n%s\\n' {quote(line)} >> {quote(called)}"
    return f"echo {quote(line)} >> {quote(called)}"


def name_named(directory: Path) -> str:
    """Return what an environment for the project in `directory` may be called."""
    from pyx_launcher.project.local import name_project

    try:
        name = name_project(directory)
    except PyxError:
        name = directory.name
    return make_name(name)


def make_name(text: str) -> str:
    """Return a name that a project can have, as like `text` as it may be."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower() or "project"


def reads_wishes(directory: Path) -> bool:
    """Tell whether a setup.py or setup.cfg names requirements.txt, but for a comment."""
    lines = (line for name in OLD for line in _read_bytes(directory / name).splitlines())
    return any(_NAMES_WISHES.search(line.partition(b"#")[0]) for line in lines)


def _read_bytes(file: Path) -> bytes:
    """Return what a file has, in whatever encoding; nothing of one that cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def list_included(path: Path) -> list[Path]:
    """Return a list of requirements and those that it includes. Raises LockError, StoreError."""
    looked: list[Path] = []
    for _ in read_included(path, looked):
        pass
    return looked


def read_included(path: Path, looked: list[Path]) -> Iterator[str]:
    """Yield the lines of a list of requirements with those of the lists that it includes.

    The lists are appended to `looked`. Raises LockError and StoreError.
    """
    looked.append(path)
    for line in _read_lines(path):
        yield line
        if found := _INCLUDED.match(line):
            other = path.parent / found[1]
            if other not in looked and os.path.isfile(other):
                yield from read_included(other, looked)


def _is_same(path: Path) -> Callable[[Path], bool]:
    """Return what tells whether another path is that of the same file as `path`."""
    real = os.path.realpath(path)
    return lambda other: os.path.realpath(other) == real


def _move(name: str, directory: Path) -> str:
    """Return the path `name`, which is seen from where the user is, as seen from `directory`."""
    return name if os.path.isabs(name) else os.path.relpath(name, directory)


def name_command(directory: Path) -> str:
    """Return the command that locks the project in `directory` from where the user is."""
    try:
        working = os.getcwd()
    except OSError:
        working = ""
    if working and find_nearest(working) == os.path.realpath(directory):
        return "pyx lock"
    from shlex import quote

    return f"pyx --project {quote(str(directory))} lock"


def name_making(directory: Path, listed: Path) -> str:
    """Return the command that makes a project in `directory` of a list, from where the user is."""
    from shlex import join

    try:
        working = os.path.realpath(os.getcwd())
    except OSError:
        working = ""
    if working == os.path.realpath(directory):
        return join(["pyx", "add", "--init", "-r", os.path.relpath(listed, directory)])
    return join(["pyx", "--project", str(directory), "add", "--init", "-r", str(listed)])


def find_nearest(directory: str) -> str | None:
    """Return the nearest directory from `directory` upwards with a manifest or a lock in it."""
    while True:
        for name in (*MANIFESTS, *FILE_NAMES):
            if os.path.isfile(os.path.join(directory, name)):
                return directory
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above

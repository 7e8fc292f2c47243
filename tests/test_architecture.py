"""The shape of the code: who may import whom, and how large a module may grow."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "launcher" / "pyx_launcher"
RUNTIME = ROOT / "runtime" / "pyx_runtime"

ORDER = (
    "values",
    "errors",
    "atomic",
    "digests",
    "limits",
    "dirs",
    "ownership",
    "credentials",
    "installation",
    "verbs",
    "invocation",
    "tags",
    "candidates",
    "wanted",
    "facts",
    "interpreter",
    "locks",
    "manifests",
    "origin",
    "selection",
    "reliance",
    "pipconfig",
    "lookup",
    "verified",
    "connection",
    "progress",
    "waiting",
    "download",
    "offers",
    "index",
    "rpath",
    "store",
    "holding",
    "formats",
    "lastuse",
    "linked",
    "running",
    "entries",
    "wheelfile",
    "unpacking",
    "crew",
    "verification",
    "workbench",
    "trees",
    "vcs",
    "frontend",
    "builds",
    "naming",
    "outdated",
    "attestations",
    "provision",
    "adding",
    "scripts",
    "farm",
    "layout",
    "record",
    "launchfile",
    "bootstrapfile",
    "environment",
    "flat",
    "compiling",
    "archive",
    "bundle",
    "virtualenv",
    "exporting",
    "collection",
    "repair",
    "tabletext",
    "typed",
    "pyproject",
    "poetrytables",
    "pipfile",
    "edits",
    "toolbox",
    "resolvers",
    "universal",
    "pinned",
    "locking",
    "inlineblock",
    "blocklocks",
    "named",
    "context",
    "stacking",
    "graph",
    "sbom",
    "listing",
    "editors",
    "programs",
    "freshness",
    "inputs",
    "launch",
    "commands",
    "__main__",
)
"""The units of `pyx_launcher`, modules and packages. Each imports only from those before it."""

LONGEST_MODULE = 400
LONGEST_PROGRAM = {"pyx.c": 635, "freestanding.h": 330}
"""How long the native program may become, and what it brings along in place of a C library."""

LONGER_MODULES = {
    "runtime/pyx_runtime/bootstrap.py": "one template, compiled as a whole; to import a part of it "
    "from elsewhere would cost every start more than its length does",
}
"""Modules that may be longer than `LONGEST_MODULE`, each with the reason why."""

SAYS_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
"""Names that do not tell what a module is responsible for."""

IMPORT_NAMES = {"cyclonedx-python-lib": "cyclonedx", "packageurl-python": "packageurl"}
"""What is imported of a distribution that is named otherwise."""

REGISTRY_HOSTS = ("pypi" + ".org", "python" + "hosted")
"""Put together here, so that this file does not name them either."""

GENERATED = {".git", ".venv", "build", "dist", "__pycache__", "node_modules"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One name that is imported."""

    line: int
    name: str
    at_run_time: bool
    """False below ``if TYPE_CHECKING``."""


def python_files(*folders: Path) -> list[Path]:
    """Return every Python file below `folders`."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a test's name for `path`: where it lies in the repository."""
    return str(path.relative_to(ROOT))


def unit_of(path: Path) -> str:
    """Return the unit of the order that a file of the launcher belongs to; `` for the package."""
    first = path.relative_to(LAUNCHER).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imported_modules(path: Path) -> Iterator[Import]:
    """Yield everything that a file of ours imports, wherever in the file it does so."""
    tree = ast.parse(path.read_bytes(), filename=str(path))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        at_run_time = id(node) not in for_types
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute_name(path, node)
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(line=node.lineno, name=name, at_run_time=at_run_time)


def absolute_name(path: Path, node: ast.ImportFrom) -> str:
    """Return the full name of the module that a relative or absolute import takes names from."""
    if not node.level:
        return node.module or ""
    source_root = LAUNCHER.parent if path.is_relative_to(LAUNCHER) else RUNTIME.parent
    package = path.relative_to(source_root).parts[: -node.level]
    return ".".join([*package, *filter(None, [node.module])])


def third_parties(path: Path) -> set[str]:
    """Return the top-level names that a file imports at run time and not from Python itself."""
    names = {found.name.partition(".")[0] for found in imported_modules(path) if found.at_run_time}
    return names - set(sys.stdlib_module_names)


def imports_against_order(path: Path) -> list[str]:
    """Return a line for each import of `path` that reaches a unit later than its own."""
    own = unit_of(path)
    rank = ORDER.index(own) if own in ORDER else -1
    wrong = []
    for found in imported_modules(path):
        package, _, rest = found.name.partition(".")
        unit = rest.partition(".")[0]
        if package == "pyx_launcher" and unit in ORDER and ORDER.index(unit) > rank:
            wrong.append(f"{path.name}:{found.line}: {own or 'the package'} imports {unit}")
    return wrong


def test_every_module_has_its_place_in_the_order() -> None:
    """A module of the launcher that `ORDER` does not know has no agreed responsibility."""
    units = {unit_of(path) for path in python_files(LAUNCHER)} - {""}
    assert units
    assert units - set(ORDER) == set()


@pytest.mark.parametrize("path", python_files(LAUNCHER), ids=name_of)
def test_a_module_imports_only_earlier_ones(path: Path) -> None:
    """The way of the data goes one way: no step knows of a later one."""
    assert imports_against_order(path) == []


def test_values_are_made_without_compilation() -> None:
    """The decorator of `dataclasses` itself would cost each start some milliseconds."""
    costly = [
        path.name
        for path in python_files(LAUNCHER)
        for found in imported_modules(path)
        if found.name in {"dataclasses.dataclass", "dataclasses.field", "dataclasses.replace"}
        and path.name != "values.py"
    ]
    assert costly == []


def test_an_import_against_the_order_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule finds later units in whatever way and place they are imported."""
    package = tmp_path / "pyx_launcher"
    module = package / "dirs.py"
    package.mkdir()
    module.write_text(
        "from pyx_launcher.errors import PyxError\n"
        "from . import launch, errors\n"
        "from .store import Entry\n"
        "if TYPE_CHECKING:\n"
        "    import pyx_launcher.index\n"
        "def late():\n"
        "    from pyx_launcher import record\n",
        encoding="utf-8",
    )
    monkeypatch.setitem(globals(), "LAUNCHER", package)
    assert sorted(imports_against_order(module)) == [
        "dirs.py:2: dirs imports launch",
        "dirs.py:3: dirs imports store",
        "dirs.py:5: dirs imports index",
        "dirs.py:7: dirs imports record",
    ]


@pytest.mark.parametrize("path", python_files(LAUNCHER), ids=name_of)
def test_the_launcher_imports_only_what_it_declares(path: Path) -> None:
    """A distribution that comes along with another one may stop coming along."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [Requirement(text).name for text in project["dependencies"]]
    declared = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}
    assert third_parties(path) - declared - {"pyx_launcher", "pyx_runtime"} == set()


@pytest.mark.parametrize("path", python_files(RUNTIME), ids=name_of)
def test_the_runtime_imports_the_standard_library_alone(path: Path) -> None:
    """What runs inside the user's process finds nothing of ours there."""
    assert third_parties(path) == set()


@pytest.mark.parametrize("path", python_files(LAUNCHER, RUNTIME), ids=name_of)
def test_a_module_can_be_read_in_one_go(path: Path) -> None:
    """A module that grows past the limit has found a second responsibility."""
    if name_of(path) not in LONGER_MODULES:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= LONGEST_MODULE


@pytest.mark.parametrize("path", python_files(LAUNCHER, RUNTIME), ids=name_of)
def test_a_module_states_its_responsibility(path: Path) -> None:
    """Every module opens with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_bytes()))


def test_the_native_program_stays_small() -> None:
    """It confirms and never decides, which takes few lines."""
    files = sorted((ROOT / "launcher" / "native").glob("*.[ch]"))
    assert {path.name for path in files} == set(LONGEST_PROGRAM)
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= LONGEST_PROGRAM[path.name], path.name


def test_names_say_what_they_hold() -> None:
    """No module is a place for whatever belongs nowhere else."""
    files = python_files(LAUNCHER, RUNTIME, ROOT / "tests", ROOT / "packaging")
    assert [name_of(path) for path in files if path.stem in SAYS_NOTHING] == []


def test_the_packaging_folder_does_not_hide_the_library() -> None:
    """With an `__init__.py` the folder would be imported where `packaging` is meant."""
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_no_file_names_a_registry() -> None:
    """Which index is used is pip's configuration and the user's choice, never ours."""
    hosts = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode())
    files = [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and GENERATED.isdisjoint(parts := path.relative_to(ROOT).parts)
        and not any(part.endswith("_cache") for part in parts)
    ]
    assert ROOT / "poetry.lock" in files
    assert [name_of(path) for path in files if hosts.search(path.read_bytes())] == []

"""The shape of the code: who may import whom, who speaks, and what names say."""

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
    ("__main__",),
    ("commands",),
    ("launch", "tools"),
    ("start",),
    ("resolve",),
    ("provision", "export"),
    ("build", "environment", "reports"),
    ("store",),
    ("project",),
    ("index",),
    ("record",),
    ("selection",),
    ("cli",),
    ("locks",),
    ("interpreters",),
    ("files",),
    ("children", "progress", "workers"),
    ("installation",),
    ("dirs", "console", "libraries"),
    ("errors",),
    ("values",),
)
"""What lies in `pyx_launcher`, from the command line down. Each imports only from lines below."""

LOCKS = (("reader",), ("pdm", "pipenv", "poetry", "pylock", "requirements", "uv"), ("common",))
"""The same within `locks`: the one that reads any lock, one folder a format, what they share."""

LONGEST_PROGRAM = {"pyx.c": 675, "freestanding.h": 330}
"""How long the native program may become, and what it brings along in place of a C library."""

SAYS_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
"""Names that do not tell what a module is responsible for."""

ELSEWHERE = {
    "cyclonedx_bill.py": {"cyclonedx", "packageurl"},
    "vega_page.py": {"vl_convert"},
}
"""What runs in another python than the launcher's, and what the pins of that one have."""

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
    at_load: bool
    """Does it happen when the file itself is imported, and not in a function?"""


def python_files(*folders: Path) -> list[Path]:
    """Return every Python file below `folders`."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a test's name for `path`: where it lies in the repository."""
    return str(path.relative_to(ROOT))


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
    in_functions = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        at_run_time = id(node) not in for_types
        at_load = at_run_time and id(node) not in in_functions
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute_name(path, node)
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(line=node.lineno, name=name, at_run_time=at_run_time, at_load=at_load)


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


def imports_upwards(path: Path) -> list[str]:
    """Return a line for each import of `path` that does not lead downwards in `ORDER`."""
    parts = path.relative_to(LAUNCHER).with_suffix("").parts
    wrong = []
    for found in imported_modules(path):
        package, _, rest = found.name.partition(".")
        target = tuple(rest.split("."))
        if package != "pyx_launcher" or parts == ("__init__",) or target[0] in ("", "__version__"):
            continue
        order, own, other = ORDER, parts[0], target[0]
        if own == other == "locks":
            order, own, other = LOCKS, parts[1], target[1]
        if own != other and rank(order, other) <= rank(order, own):
            wrong.append(f"{path.name}:{found.line}: {own} imports {other}")
    return wrong


def rank(order: tuple[tuple[str, ...], ...], unit: str) -> int:
    """Return the line of `order` that names `unit`; the topmost where none does."""
    return next((line for line, units in enumerate(order) if unit in units), 0)


def circle_of(files: list[Path]) -> list[str]:
    """Return modules of `files` that import one another in a circle when they are loaded."""
    names = {
        ".".join(path.relative_to(LAUNCHER.parent).with_suffix("").parts): path for path in files
    }
    graph = {
        name: {found.name.rpartition(".")[0] for found in imported_modules(path) if found.at_load}
        & names.keys()
        for name, path in names.items()
    }
    while leaves := [name for name, needed in graph.items() if not needed & graph.keys()]:
        for name in leaves:
            del graph[name]
    return sorted(graph)


def test_every_folder_has_its_place() -> None:
    """A folder or module that the order does not know has no agreed responsibility."""
    for directory, order in ((LAUNCHER, ORDER), (LAUNCHER / "locks", LOCKS)):
        units = {path.name.removesuffix(".py") for path in directory.glob("[!_]*")}
        known = {name for line in order for name in line} - {"__main__"}
        assert units == known


@pytest.mark.parametrize("path", python_files(LAUNCHER), ids=name_of)
def test_imports_lead_downwards(path: Path) -> None:
    """The way of the data goes one way: no step knows of a later one."""
    assert imports_upwards(path) == []


def test_no_modules_import_one_another_in_a_circle() -> None:
    """Within a folder, too, there is an order in which the modules can be read."""
    assert circle_of(python_files(LAUNCHER)) == []


@pytest.mark.parametrize("path", sorted(LAUNCHER.rglob("__init__.py")), ids=name_of)
def test_a_folder_loads_nothing(path: Path) -> None:
    """What an `__init__.py` imported, every start that enters the folder would pay for."""
    assert [type(node) for node in ast.parse(path.read_bytes()).body[1:]] in ([], [ast.Assign])


@pytest.mark.parametrize("path", python_files(LAUNCHER), ids=name_of)
def test_only_the_console_writes_to_stderr(path: Path) -> None:
    """One place makes all that is said harmless to a terminal. `__main__` may speak before it."""
    if path not in (LAUNCHER / "console.py", LAUNCHER / "__main__.py"):
        assert "sys.stderr" not in path.read_text(encoding="utf-8")


def test_wrong_imports_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules find an import upwards in whatever way and place, and a circle."""
    module, other = tmp_path / "store" / "entry.py", tmp_path / "store" / "lock.py"
    module.parent.mkdir()
    module.write_text(
        "from pyx_launcher.errors import PyxError\n"
        "from pyx_launcher import launch, errors\n"
        "from ..commands.add import run_add\n"
        "from .lock import hold\n"
        "if TYPE_CHECKING:\n"
        "    import pyx_launcher.build.builder\n"
        "def late():\n"
        "    from pyx_launcher.export import tar\n",
        encoding="utf-8",
    )
    other.write_text("from pyx_launcher.store.entry import Entry\n", encoding="utf-8")
    package = tmp_path.rename(tmp_path.with_name("pyx_launcher"))
    monkeypatch.setitem(globals(), "LAUNCHER", package)
    assert sorted(imports_upwards(package / "store" / "entry.py")) == [
        "entry.py:2: store imports launch",
        "entry.py:3: store imports commands",
        "entry.py:6: store imports build",
        "entry.py:8: store imports export",
    ]
    assert circle_of(python_files(package)) == [
        "pyx_launcher.store.entry",
        "pyx_launcher.store.lock",
    ]


def test_no_two_classes_bear_one_name() -> None:
    """Modules may, where the folder says the rest; a class is met without its folder."""
    places: dict[str, list[str]] = {}
    for path in python_files(LAUNCHER):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(name_of(path))
    assert places
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


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


@pytest.mark.parametrize("path", python_files(LAUNCHER), ids=name_of)
def test_the_launcher_imports_only_what_it_declares(path: Path) -> None:
    """A distribution that comes along with another one may stop coming along."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [Requirement(text).name for text in project["dependencies"]]
    declared = {name.replace("-", "_") for name in names} | ELSEWHERE.get(path.name, set())
    assert third_parties(path) - declared - {"pyx_launcher", "pyx_runtime"} == set()


@pytest.mark.parametrize("path", python_files(RUNTIME), ids=name_of)
def test_the_runtime_imports_the_standard_library_alone(path: Path) -> None:
    """What runs inside the user's process finds nothing of ours there."""
    assert third_parties(path) == set()


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

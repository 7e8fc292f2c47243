"""What names say, what a file may import from elsewhere, and that the rules see what is wrong."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

import pytest
import tomli
from ownimports import (
    LAUNCHER,
    ROOT,
    RUNTIME,
    find_circle,
    imported_modules,
    name_of,
    python_files,
)
from packaging.requirements import Requirement
from test_architecture import imports_upwards

if TYPE_CHECKING:
    from pathlib import Path

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


def third_parties(path: Path) -> set[str]:
    """Return the top-level names that a file imports at run time and not from Python itself."""
    names = {found.name.partition(".")[0] for found in imported_modules(path) if found.at_run_time}
    return names - set(sys.stdlib_module_names)


def test_wrong_imports_are_seen(tmp_path: Path) -> None:
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
    assert sorted(imports_upwards(package / "store" / "entry.py")) == [
        "entry.py:2: store imports launch",
        "entry.py:3: store imports commands",
        "entry.py:6: store imports build",
        "entry.py:8: store imports export",
    ]
    assert find_circle(python_files(package)) == [
        "pyx_launcher.store.entry",
        "pyx_launcher.store.lock",
    ]


@pytest.mark.parametrize("path", sorted(LAUNCHER.rglob("__init__.py")), ids=name_of)
def test_a_folder_loads_nothing(path: Path) -> None:
    """What an `__init__.py` imported, every start that enters the folder would pay for."""
    assert [type(node) for node in ast.parse(path.read_bytes()).body[1:]] in ([], [ast.Assign])


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

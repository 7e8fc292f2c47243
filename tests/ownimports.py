"""What a file of ours imports, as its text says; nothing is run."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "launcher" / "pyx_launcher"
RUNTIME = ROOT / "runtime" / "pyx_runtime"
PACKAGES = (LAUNCHER.name, RUNTIME.name)


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
    return ".".join([*module_of(path)[: -node.level], *filter(None, [node.module])])


def module_of(path: Path) -> list[str]:
    """Return the name of the module at `path`, from the package on, in its parts."""
    parts = path.with_suffix("").parts
    return list(parts[min(parts.index(name) for name in PACKAGES if name in parts) :])


def find_circle(files: list[Path]) -> list[str]:
    """Return modules of `files` that import one another in a circle when they are loaded."""
    names = {".".join(module_of(path)): path for path in files}
    graph = {
        name: {found.name.rpartition(".")[0] for found in imported_modules(path) if found.at_load}
        & names.keys()
        for name, path in names.items()
    }
    while leaves := [name for name, needed in graph.items() if not needed & graph.keys()]:
        for name in leaves:
            del graph[name]
    return sorted(graph)

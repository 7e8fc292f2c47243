"""The shape of the launcher: folders import one another only downwards, and one module speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ownimports import LAUNCHER, find_circle, imported_modules, module_of, name_of, python_files

if TYPE_CHECKING:
    from pathlib import Path

ORDER = [
    line.split()
    for line in (
        *("__main__", "commands", "launch tools", "start", "resolve", "provision export"),
        *("build environment reports", "store", "project", "index", "record", "selection", "cli"),
        *("locks", "interpreters", "files", "children progress workers", "installation"),
        *("dirs console libraries spelling", "errors", "values"),
    )
]
"""What lies in `pyx_launcher`, from the command line down. Each imports only from lines below."""

LOCKS = [["reader"], ["pdm", "pipenv", "poetry", "pylock", "requirements", "uv"], ["common"]]
"""The same within `locks`: the one that reads any lock, one folder a format, what they share."""


def imports_upwards(path: Path) -> list[str]:
    """Return a line for each import of `path` that does not lead downwards in `ORDER`."""
    parts = module_of(path)[1:]
    wrong = []
    for found in imported_modules(path):
        package, _, rest = found.name.partition(".")
        target = tuple(rest.split("."))
        if package != "pyx_launcher" or parts == ["__init__"] or target[0] in ("", "__version__"):
            continue
        order, own, other = ORDER, parts[0], target[0]
        if own == other == "locks":
            order, own, other = LOCKS, parts[1], target[1]
        if own != other and rank(order, other) <= rank(order, own):
            wrong.append(f"{path.name}:{found.line}: {own} imports {other}")
    return wrong


def rank(order: list[list[str]], unit: str) -> int:
    """Return the line of `order` that names `unit`; the topmost where none does."""
    return next((line for line, units in enumerate(order) if unit in units), 0)


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
    assert find_circle(python_files(LAUNCHER)) == []


@pytest.mark.parametrize("path", python_files(LAUNCHER), ids=name_of)
def test_only_the_console_writes_to_stderr(path: Path) -> None:
    """One place makes all that is said harmless to a terminal. `__main__` may speak before it."""
    if path not in (LAUNCHER / "console.py", LAUNCHER / "__main__.py"):
        assert "sys.stderr" not in path.read_text(encoding="utf-8")

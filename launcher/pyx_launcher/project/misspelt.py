"""Keys of a pyproject.toml or an inline block that are near misses of standard ones.

No tool reads such a key, and what it was to require is missing without a word.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pyx_launcher.errors import PyxError
from pyx_launcher.locks.common.tables import Table, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CLOSE = 0.8
"""How like two keys must be, from 0 to 1."""

_TABLES: Mapping[str, tuple[str, ...]] = {
    "": ("build-system", "dependency-groups", "project", "tool"),
    "build-system": ("backend-path", "build-backend", "requires"),
    "project": (
        *("authors", "classifiers", "dependencies", "description", "dynamic", "entry-points"),
        *("gui-scripts", "import-names", "import-namespaces", "keywords", "license"),
        *("license-files", "maintainers", "name", "optional-dependencies", "readme"),
        *("requires-python", "scripts", "urls", "version"),
    ),
}
"""The keys of a pyproject.toml, by table, as packaging.python.org has them."""

_BLOCK = ("dependencies", "requires-python", "tool")


def describe_manifest(path: Path) -> str | None:
    """Return in one line the first misspelt key of a pyproject.toml; None where there is none.

    One that cannot be read is somebody else's business.
    """
    with contextlib.suppress(PyxError):
        document = read_toml(path)
        tables = ((document.table(key) if key else document, _TABLES[key]) for key in _TABLES)
        return next((line for table, known in tables for line in _describe(table, known)), None)
    return None


def describe_block(path: Path, data: Mapping[str, object]) -> str | None:
    """Return the same of the inline block of the script `path`, which says `data`."""
    table = Table(path=path, where="", data=data)
    return next((f"{line} (inline block)" for line in _describe(table, _BLOCK)), None)


def _describe(table: Table, known: tuple[str, ...]) -> Iterator[str]:
    for key in table.data:
        if key not in known:
            from difflib import get_close_matches

            for close in get_close_matches(key.lower(), known, n=1, cutoff=_CLOSE):
                wrong, right = table.place(key), table.place(close)
                yield f"{table.path}: {wrong} is not a standard key; did you mean {right}?"

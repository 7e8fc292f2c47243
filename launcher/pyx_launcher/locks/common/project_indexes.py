"""The indexes that a pyproject.toml, or uv's own file beside it, names for a tool."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pyx_launcher.errors import PyxError
from pyx_launcher.locks.common.indexes import NamedIndex, name_variable
from pyx_launcher.locks.common.tables import Table, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_named_indexes(directory: Path) -> tuple[NamedIndex, ...]:
    """Return the indexes of Poetry and uv that the project in `directory` names.

    They matter for their credentials alone, so a file that cannot be read names none.
    """
    found: list[NamedIndex] = []
    with contextlib.suppress(PyxError):
        if (directory / "pyproject.toml").is_file():
            tool = read_toml(directory / "pyproject.toml").table("tool")
            found += read_uvs(tool.table("uv"))
            found += read_poetrys(tool.table("poetry"))
    with contextlib.suppress(PyxError):
        if (directory / "uv.toml").is_file():
            found += read_uvs(read_toml(directory / "uv.toml"))
    return tuple(found)


def read_uvs(uv: Table) -> Iterator[NamedIndex]:
    """Yield the indexes of ``[tool.uv]`` or of a uv.toml. Raises LockError."""
    for table in uv.tables("index"):
        yield uvs_index(table.get("name", str, ""), table.get("url", str, ""))
    for key in ("index-url", "extra-index-url"):
        urls = uv.strings(key) if isinstance(uv.data.get(key), list) else [uv.get(key, str, "")]
        yield from (uvs_index("", url) for url in urls if url)


def read_poetrys(poetry: Table) -> Iterator[NamedIndex]:
    """Yield the sources of ``[tool.poetry]``. Raises LockError."""
    for table in poetry.tables("source"):
        yield poetrys_index(table.get("name", str, ""), table.get("url", str, ""))


def uvs_index(name: str, url: str) -> NamedIndex:
    """Return an index of uv's, with the variables that uv reads its credentials from."""
    word = f"UV_INDEX_{name_variable(name)}"
    return NamedIndex(
        name=name,
        url=url,
        user_variables=(f"{word}_USERNAME",) if name else (),
        password_variables=(f"{word}_PASSWORD",) if name else (),
    )


def poetrys_index(name: str, url: str) -> NamedIndex:
    """Return a source of Poetry's, with where Poetry keeps its credentials."""
    word = f"POETRY_HTTP_BASIC_{name.upper().replace('-', '_')}"
    return NamedIndex(
        name=name,
        url=url,
        user_variables=(f"{word}_USERNAME",) if name else (),
        password_variables=(f"{word}_PASSWORD",) if name else (),
        services=(f"poetry-repository-{name}",) if name else (),
    )

"""TOML files as tables whose values are checked when they are taken, and errors that say where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import tomli

from pyx_launcher.errors import LockError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

T = TypeVar("T", str, bool)

KINDS = {str: "a string", bool: "true or false", int: "a number", list: "an array", dict: "a table"}

# A key that TOML lets stand without quotes; the position in its array may follow.
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+(\[\d+\])?\Z")
CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table of a TOML file; every getter raises LockError that names file, table and key."""

    path: Path
    where: str
    """The dotted place of the table; empty for the whole file."""

    data: Mapping[str, Any]
    hint: str | None = None
    """What mends a file of this kind; the hint of every error."""

    def place(self, key: str) -> str:
        """Return the dotted place of `key`."""
        shown = key if BARE_KEY.match(key) else f'"{key}"'
        return f"{self.where}.{shown}" if self.where else shown

    def error(self, key: str, problem: str) -> LockError:
        """Return the error that `key` has this problem."""
        return LockError(self.path, problem, where=self.place(key), hint=self.hint)

    def unexpected(self, key: str, expected: str, value: object) -> LockError:
        """Return the error that the value at `key` is of another kind than `expected`."""
        return self.error(key, f"expected {expected}, found {kind_of(value)}")

    def get(self, key: str, kind: type[T], default: T) -> T:
        """Return the value at `key`, or `default` where there is none."""
        value = self.data.get(key, default)
        if not isinstance(value, kind):
            raise self.unexpected(key, KINDS[kind], value)
        return value

    def require(self, key: str, kind: type[T]) -> T:
        """Return the value at `key`, which has to be there."""
        if key not in self.data:
            raise self.error(key, "this key is missing")
        value = self.data[key]
        if not isinstance(value, kind):
            raise self.unexpected(key, KINDS[kind], value)
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        """Return the array of strings at `key`; empty where there is none."""
        value = self.data.get(key, [])
        if not isinstance(value, list):
            raise self.unexpected(key, "an array of strings", value)
        for position, item in enumerate(value):
            if not isinstance(item, str):
                raise self.unexpected(f"{key}[{position}]", "a string", item)
        return tuple(value)

    def table(self, key: str) -> Table:
        """Return the table at `key`; an empty one where there is none."""
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise self.unexpected(key, "a table", value)
        return Table(path=self.path, where=self.place(key), data=value, hint=self.hint)

    def tables(self, key: str) -> tuple[Table, ...]:
        """Return the array of tables at `key`; empty where there is none."""
        value = self.data.get(key, [])
        if not isinstance(value, list):
            raise self.unexpected(key, "an array of tables", value)
        place = self.place(key)
        for position, item in enumerate(value):
            if not isinstance(item, dict):
                where = f"{place}[{position}]"
                problem = f"expected a table, found {kind_of(item)}"
                raise LockError(self.path, problem, where=where, hint=self.hint)
        return tuple(
            Table(path=self.path, where=f"{place}[{position}]", data=item, hint=self.hint)
            for position, item in enumerate(value)
        )


def kind_of(value: object) -> str:
    """Return how a TOML value is called in an error."""
    return KINDS.get(type(value), f"a {type(value).__name__}")


def read_toml(path: Path, *, hint: str | None = None) -> Table:
    """Return the whole of a TOML file; `hint` says what mends a file of this kind.

    Raises LockError, with line and column, for text that is not TOML, StoreError for a file
    that cannot be read.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LockError(path, f"not UTF-8 at byte {error.start}", hint=hint) from error
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        if CONFLICT.search(text):
            hint = "resolve the merge conflict in this file"
        problem = f"not TOML: {error.msg[:1].lower()}{error.msg[1:]}"
        where = f"line {error.lineno}, column {error.colno}"
        raise LockError(path, problem, where=where, hint=hint) from error
    except RecursionError as error:
        raise LockError(path, "not TOML: nested too deeply", hint=hint) from error
    return Table(path=path, where="", data=data, hint=hint)

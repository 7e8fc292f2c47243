"""TOML files as tables whose values are checked when they are taken, and errors that say where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import tomli

from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.content import (
    CONFLICT,
    MEND_CONFLICT,
    TWO_SIDES,
    advise_conflict,
    read_content,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

T = TypeVar("T", str, bool)

KINDS = {str: "a string", bool: "true or false", int: "a number", list: "an array", dict: "a table"}

# A key that TOML lets stand without quotes; the position in its array may follow.
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+(\[\d+\])?\Z")

# What no name, path or URL can have, and how the languages of locks can write it all the same.
IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")
ESCAPED = re.compile(r"\\u0000|\\U00000000|\\u[dD][89a-fA-F]")


class Table:
    """One table of a TOML file; every getter raises LockError that names file, table and key."""

    # Written out, for a large lock has tens of thousands of them.
    __slots__ = ("data", "hint", "path", "where")

    def __init__(
        self, *, path: Path, where: str, data: Mapping[str, Any], hint: str | None = None
    ) -> None:
        """Take the file, the dotted place of the table (empty for the whole file) and its data.

        `hint` is what mends a file of this kind: the hint of every error.
        """
        self.path = path
        self.where = where
        self.data = data
        self.hint = hint

    def advise(self, hint: str) -> Table:
        """Return the same table with another hint."""
        return Table(path=self.path, where=self.where, data=self.data, hint=hint)

    def place(self, key: str) -> str:
        """Return the dotted place of `key`."""
        shown = show_key(key)
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


def show_key(key: str) -> str:
    """Return a key as it stands in a place: quoted where TOML would have it so."""
    return key if BARE_KEY.match(key) else f'"{key.encode("unicode_escape").decode()}"'


def read_toml(path: Path, *, hint: str | None = None) -> Table:
    """Return the whole of a TOML file; `hint` says what mends a file of this kind.

    Raises LockError, with line and column, for text that is not TOML, StoreError for a file
    that cannot be read.
    """
    return read_document(path, "TOML", tomli.loads, hint)


def read_document(
    path: Path, language: str, parse: Callable[[str], object], hint: str | None
) -> Table:
    """Return the whole of a file in a language whose parser tells line and column of an error.

    Raises LockError, and StoreError.
    """
    text = read_content(path, hint)
    try:
        data = parse(text)
        # It takes a walk over everything, which only what the parser was told to make needs.
        impossible = find_impossible(data) if ESCAPED.search(text) else None
    except ValueError as error:
        line = getattr(error, "lineno", None)
        # Both parsers leave it to Python to refuse a number of thousands of digits.
        problem = "a number is too long" if line is None else getattr(error, "msg", "")
        where = f"line {line}, column {getattr(error, 'colno', 0)}" if line else None
        problem = f"not {language}: {problem[:1].lower()}{problem[1:]}"
        if CONFLICT.search(text):
            # Of a lock each side will do; what a person wrote, a person has to put together.
            problem, hint = TWO_SIDES, MEND_CONFLICT if hint is None else advise_conflict(path)
        raise LockError(
            path, problem, where=where, hint=hint or f"correct its {language} first"
        ) from error
    except RecursionError as error:
        raise LockError(path, f"not {language}: nested too deeply", hint=hint) from error
    if not isinstance(data, dict):
        raise LockError(path, f"not a {language} object", hint=hint)
    if impossible is not None:
        problem = "holds a NUL or half a character, which no name, path or URL can"
        raise LockError(path, problem, where=impossible, hint=hint)
    return Table(path=path, where="", data=data, hint=hint)


def find_impossible(value: object, where: str = "") -> str | None:
    """Return the place of the first string below `value` with a NUL or half a character in it."""
    if isinstance(value, str):
        return where if IMPOSSIBLE.search(value) else None
    inside: list[tuple[str, object]] = []
    if isinstance(value, dict):
        for key, item in value.items():
            place = f"{where}.{show_key(key)}" if where else show_key(key)
            inside += [(place, key), (place, item)]
    elif isinstance(value, list):
        inside = [(f"{where}[{position}]", item) for position, item in enumerate(value)]
    found = (find_impossible(item, place) for place, item in inside)
    return next((place for place in found if place is not None), None)

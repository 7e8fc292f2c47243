"""A uv.lock as a document whose packages are parsed when they are asked for.

uv writes one ``[[package]]`` after the other, and most of a large lock is wheels for other
platforms and packages that a start does not reach. So the text is cut at those headers, and each
part is parsed alone. Whatever is not laid out as uv does it is parsed as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import tomli

from pyx_launcher.locks.common.content import read_content
from pyx_launcher.locks.common.tables import ESCAPED, Table, read_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

LARGE = 100_000
"""Characters. Below this the whole is parsed as fast."""

HEADER = "[[package]]\n"

TREES = ("editable", "virtual", "directory")
"""The kinds of source that are a directory on this machine."""

KINDS = ("registry", *TREES, "path", "url", "git")

CONFLICT = ("\n<<<<<<<", "\n=======", "\n>>>>>>>")
"""The marks of a merge conflict."""

TEXT = r'[^"\\\x00-\x1f\x7f]'
"""A character of a string that stands for itself."""

# Written as texts, which the cache of `re` compiles once a lock is large enough to need them.
HEAD = (
    rf'name = "(?P<name>{TEXT}+)"\n(?:version = "(?P<version>{TEXT}+)"\n)?'
    rf'source = \{{ (?P<kind>\w+) = "(?P<place>{TEXT}*)" \}}\n'
)

DEPENDENCIES = "dependencies = [\n"
DEPENDENCY = (
    rf'^    \{{ name = "({TEXT}+)"(?:, version = "({TEXT}+)")?'
    rf'(?:, source = \{{ (\w+) = "({TEXT}*)" \}})?'
    rf'(?:, extra = \[("{TEXT}+"(?:, "{TEXT}+")*)\])?(?:, marker = "({TEXT}+)")? \}},$'
)
"""The line of a dependency as uv writes it: name, version, kind and place, extras and marker."""

SDIST = "sdist = "
WHEELS = "wheels = [\n"
END = "\n]\n"


class LazyPackage(dict[str, Any]):
    """The table of one package, whose parts are parsed when they are asked for.

    Name, version and source are known at once. Where they are not laid out as uv does it, there is
    no `kind`.
    """

    __slots__ = ("_parse", "_rest", "_sdist", "_wheels", "kind")

    def __init__(self, text: str, parse: Callable[[str], dict[str, Any]]) -> None:
        """Take the text below the header, and what makes a table of such a text."""
        super().__init__()
        self._parse = parse
        self._rest: str | None = None
        self._wheels: str | None = None
        self._sdist: str | None = None
        self.kind: str | None = None
        if head := re.match(HEAD, text):
            name, version, kind, place = head.groups()
            super().__setitem__("name", name)
            if version:
                super().__setitem__("version", version)
            super().__setitem__("source", {kind: place})
            self.kind = kind
            self._rest = text[head.end() :]

    def __missing__(self, key: str) -> Any:  # noqa: ANN401 - a value of TOML
        """Parse the table once something else is asked for."""
        self._load(key)
        if super().__contains__(key):
            return super().__getitem__(key)
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        """Return whether the table has `key`, and parse it if that cannot be told yet."""
        if super().__contains__(key):
            return True
        if self._rest is not None:
            self._load("")
            if super().__contains__(key):
                return True
        return (key == "wheels" and self._wheels is not None) or (
            key == "sdist" and self._sdist is not None
        )

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - a value of TOML
        """Return the value at `key`, or `default`."""
        return self[key] if key in self else default  # noqa: SIM401 - that is this method

    def list_wheels(self) -> str | None:
        """Return the lines of the array of wheels, each behind a newline, if it is not parsed."""
        self._load("")
        return self._wheels

    def _load(self, key: str) -> None:
        if self._rest is not None:
            text, self._rest = self._rest, None
            self._split(text)
        if key == "wheels" and self._wheels is not None:
            inside, self._wheels = self._wheels, None
            super().update(self._parse(f"wheels = [{inside}\n]\n"))
        if key == "sdist" and self._sdist is not None:
            line, self._sdist = self._sdist, None
            super().update(self._parse(line))

    def _split(self, text: str) -> None:
        """Take apart what stands below the source, in the order in which uv writes it."""
        if text.startswith(DEPENDENCIES):
            end = text.find(END)
            found = _read_dependencies(text[len(DEPENDENCIES) : end]) if end >= 0 else None
            if found is not None:
                super().__setitem__("dependencies", found)
                text = text[end + len(END) :]
        start = text.find(WHEELS)
        if start == 0 or (start > 0 and text[start - 1] == "\n"):
            end = text.find(END, start)
            if end >= 0:
                # Each line of the array stands behind a newline, the first one too.
                self._wheels = text[start + len(WHEELS) - 1 : end]
                text = text[:start] + text[end + len(END) :]
        start = text.find(SDIST)
        if start == 0 or (start > 0 and text[start - 1] == "\n"):
            end = text.find("\n", start) + 1
            self._sdist = text[start:end]
            text = text[:start] + text[end:]
        if text.strip("\n"):
            super().update(self._parse(HEADER + text)["package"][0])

    def items(self) -> Any:  # noqa: ANN401 - as the base class has it
        """Return all keys with their values."""
        self._load_all()
        return super().items()

    def keys(self) -> Any:  # noqa: ANN401 - as the base class has it
        """Return all keys."""
        self._load_all()
        return super().keys()

    def __iter__(self) -> Iterator[str]:
        """Yield all keys."""
        self._load_all()
        return super().__iter__()

    def _load_all(self) -> None:
        self._load("wheels")
        self._load("sdist")


def _read_dependencies(lines: str) -> list[dict[str, Any]] | None:
    """Return the tables of an array of dependencies, or None where uv would not write it so."""
    rows = re.findall(DEPENDENCY, lines, re.MULTILINE)
    # No match goes over the end of a line, so there is one in each.
    if len(rows) != lines.count("\n") + 1:
        return None
    tables = []
    for name, version, kind, place, extras, marker in rows:
        table: dict[str, Any] = {"name": name}
        if version:
            table["version"] = version
        if kind:
            table["source"] = {kind: place}
        if extras:
            table["extra"] = extras[1:-1].split('", "')
        if marker:
            table["marker"] = marker
        tables.append(table)
    return tables


def read_document(path: Path, hint: str) -> Table:
    """Return the whole of a uv.lock; the packages of a large one are `LazyPackage`.

    Raises LockError, and StoreError.
    """
    text = read_content(path, hint)
    data = _cut(path, text, hint) if len(text) > LARGE else None
    if data is None:
        return read_toml(path, hint=hint)
    return Table(path=path, where="", data=data, hint=hint)


def _cut(path: Path, text: str, hint: str) -> Mapping[str, Any] | None:
    """Return the document, or None where it is not laid out as uv does it."""
    if any(mark in text for mark in ('"""', "'''", "\r", "\t", *CONFLICT)):
        return None
    if "\\" in text and ESCAPED.search(text):
        return None
    head, *parts = text.split(f"\n{HEADER}")
    # Nothing but packages and their tables may follow the first of them.
    headers = text.count("\n[", len(head))
    if not parts or headers != len(parts) + text.count("\n[package.", len(head)):
        return None

    def parse(part: str) -> dict[str, Any]:
        try:
            return tomli.loads(part)
        except tomli.TOMLDecodeError:
            # The error of the whole names the line.
            read_toml(path, hint=hint)
            raise

    try:
        data = tomli.loads(f"{head}\n")
    except tomli.TOMLDecodeError:
        return None
    # The last part may end without a newline, and others with the empty line before a header.
    packages = [LazyPackage(f"{part}\n", parse) for part in parts]
    if "package" in data or not all(package.kind in KINDS for package in packages):
        return None
    return {**data, "package": packages}

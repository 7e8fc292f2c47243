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

FOREIGN = re.compile(r"^(?!\[\[?package[\].])\[|^[<>=]{7}", re.MULTILINE)
"""A header of something else, or the mark of a merge conflict."""

HEAD = re.compile(
    r'name = "(?P<name>[^"\\\n]+)"\n(?:version = "(?P<version>[^"\\\n]+)"\n)?'
    r'source = \{ (?P<kind>\w+) = "(?P<place>[^"\\\n]*)" \}\n'
)
WHEELS = "\nwheels = [\n"
END = "\n]\n"


class LazyPackage(dict[str, Any]):
    """The table of one package. Its name, version and source are known without parsing it."""

    __slots__ = ("_parse", "_text", "_wheels")

    def __init__(self, text: str, parse: Callable[[str], dict[str, Any]]) -> None:
        """Take the text below the header, and what makes a table of such a text."""
        super().__init__()
        self._parse = parse
        self._text: str | None = text
        self._wheels: str | None = None
        if head := HEAD.match(text):
            super().__setitem__("name", head["name"])
            if head["version"]:
                super().__setitem__("version", head["version"])
            super().__setitem__("source", {head["kind"]: head["place"]})

    @property
    def is_known(self) -> bool:
        """Are name, version and source known?"""
        return super().__contains__("source")

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
        self._load(str(key))
        return super().__contains__(key) or (key == "wheels" and self._wheels is not None)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - a value of TOML
        """Return the value at `key`, or `default`."""
        return self[key] if key in self else default  # noqa: SIM401 - that is this method

    def list_wheels(self) -> str | None:
        """Return the lines of the array of wheels, each behind a newline, if it is not parsed."""
        self._load("")
        return self._wheels

    def _load(self, key: str) -> None:
        if self._text is not None:
            text, self._text = self._text, None
            start = text.find(WHEELS)
            end = text.find(END, start)
            if start >= 0 and end >= 0:
                # As the first of its lines has one, each begins behind a newline.
                self._wheels = text[start + len(WHEELS) - 1 : end]
                text = text[: start + 1] + text[end + len(END) :]
            super().update(self._parse(HEADER + text)["package"][0])
        if key == "wheels" and self._wheels is not None:
            inside, self._wheels = self._wheels, None
            super().update(self._parse(f"wheels = [{inside}\n]\n"))

    def items(self) -> Any:  # noqa: ANN401 - as the base class has it
        """Return all keys with their values."""
        self._load("wheels")
        return super().items()

    def keys(self) -> Any:  # noqa: ANN401 - as the base class has it
        """Return all keys."""
        self._load("wheels")
        return super().keys()

    def __iter__(self) -> Iterator[str]:
        """Yield all keys."""
        self._load("wheels")
        return super().__iter__()


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
    if '"""' in text or "'''" in text or "\r" in text or "\t" in text or ESCAPED.search(text):
        return None
    head, *parts = text.split(f"\n{HEADER}")
    if not parts or any(FOREIGN.search(part) for part in parts):
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
    if "package" in data or not all(package.is_known for package in packages):
        return None
    return {**data, "package": packages}

"""The reader of Pipfile.lock, which Pipenv writes.

What is chosen is what `pipenv sync` would install: of the categories that are asked for, which
are groups here, every package whose markers hold. Pipenv records the hashes of a release, but not
the names of its files, so what an index serves is an `UnnamedFile`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.common.choice import choose_extras, choose_groups
from pyx_launcher.locks.common.fields import parse_name, parse_specifiers
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.common.markers import Conditions
from pyx_launcher.locks.common.packages import Chosen
from pyx_launcher.locks.common.tables import Table, read_document
from pyx_launcher.locks.pipenv.packages import PipfilePackage, convert_entry, read_source
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.markers import Environment

    from pyx_launcher.locks.common.choice import Choice
    from pyx_launcher.locks.common.indexes import NamedIndex

META = "_meta"
DEFAULT = "default"
DEVELOP = "develop"

KNOWN_SPEC = 6

HINT = "run `pyx lock`"


@dataclass(frozen=True, kw_only=True, slots=True)
class PipfileLock:
    """A Pipfile.lock, which says all there is to know without the Pipfile."""

    path: Path
    document: Table
    categories: tuple[str, ...]
    """The keys of the categories, in the order in which Pipenv would install them."""
    sources: tuple[NamedIndex, ...]
    requires_python: SpecifierSet
    kind: str = "pipenv"
    inputs: tuple[Path, ...] = ()
    root: Path | None = None

    def choose_packages(self, markers: Environment, choice: Choice) -> Chosen:
        """Return what `choice` means for `markers`: packages without markers of their own."""
        _, groups = self.choose(choice)
        conditions = Conditions(environment=markers)
        wanted: dict[NormalizedName, PipfilePackage] = {}
        for category in self.categories:
            if canonicalize_name(category) in groups:
                # One category is installed over the other, so the last one counts.
                wanted.update((entry.name, entry) for entry in self.entries(category, conditions))
        return Chosen(
            requires_python=self.requires_python,
            packages=[convert_entry(entry, self.sources) for entry in wanted.values()],
        )

    def choose(self, choice: Choice) -> tuple[frozenset[str], frozenset[str]]:
        """Return no extras, and the categories that `choice` means: by default ``default``."""
        known = [canonicalize_name(category) for category in self.categories]
        return (
            choose_extras(self.path, choice, ()),
            choose_groups(self.path, choice, known, own=(DEFAULT,), dev=DEVELOP),
        )

    def find_indexes(self) -> IndexOptions:
        """Return the sources of the lock, all of which Pipenv asks for what names none."""
        return IndexOptions(sources=self.sources)

    def entries(self, category: str, conditions: Conditions) -> list[PipfilePackage]:
        """Return the entries of a category that apply. Raises LockError."""
        section = self.document.table(category)
        result = []
        for name, value in section.data.items():
            # Pipenv has written plain versions as well.
            data = {"version": value} if isinstance(value, str) else value
            if not isinstance(data, dict):
                raise section.unexpected(name, "a table", value)
            table = Table(path=self.path, where=section.place(name), data=data, hint=HINT)
            if all(
                conditions.hold(table, key, table.get(key, str, ""))
                for key in ("markers", "os_markers")
            ):
                result.append(PipfilePackage(name=parse_name(section, name, name), table=table))
        return result


def read_pipfile_lock(path: Path) -> PipfileLock:
    """Read a Pipfile.lock. Raises LockError, and StoreError."""
    document = read_document(path, "JSON", json.loads, HINT)
    if META not in document.data:
        raise document.error(META, "this key is missing")
    meta = document.table(META)
    spec = meta.data.get("pipfile-spec")
    if spec != KNOWN_SPEC:
        problem = f"version {spec} is not supported; pyx reads {KNOWN_SPEC}"
        raise meta.error("pipfile-spec", "this key is missing" if spec is None else problem)
    named = [key for key in document.data if key not in (META, DEFAULT, DEVELOP)]
    return PipfileLock(
        path=path,
        document=document,
        categories=(DEFAULT, *(DEVELOP,) * (DEVELOP in document.data), *named),
        sources=tuple(read_source(table) for table in meta.tables("sources")),
        requires_python=read_requires(meta.table("requires")),
    )


def read_requires(table: Table) -> SpecifierSet:
    """Return the Python versions that ``requires`` allows. Raises LockError."""
    key = "python_full_version" if "python_full_version" in table.data else "python_version"
    text = table.get(key, str, "").strip()
    if text in ("", "*"):
        return SpecifierSet()
    if text[0].isdigit():
        # 3.12 means any patch release; it is the full version that means this one.
        text = f"=={text}" if text.count(".") > 1 else f"=={text}.*"
    return parse_specifiers(table, key, text)

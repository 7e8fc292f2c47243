"""The reader of pylock.toml and pylock.NAME.toml.

https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.choice import choose_extras, choose_groups
from pyx_launcher.locks.common.fields import check_hash, parse_name, read_version
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.common.project_indexes import read_named_indexes
from pyx_launcher.locks.common.sources import check_url
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.markers import Environment

    from pyx_launcher.locks.common.choice import Choice


PROJECT_ITSELF = ("main", "default")
"""What tools call the group of the project's own requirements."""

HINT = "run `pyx lock`, or write it again with the tool that made it"
"""What mends a pylock file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PylockLock:
    """A pylock file: its markers do the choosing, so nothing has to be walked."""

    path: Path
    content: Pylock
    kind: str = "pylock"
    inputs: tuple[Path, ...] = ()
    root: Path | None = None

    @property
    def requires_python(self) -> SpecifierSet:
        """The Python versions the lock was made for; empty where it names none."""
        return self.content.requires_python or SpecifierSet()

    def pylock(self, markers: Environment, choice: Choice) -> Pylock:
        """Return the file as it is, after `choice` has been checked."""
        self.choose(choice)
        return self.content

    def choose(self, choice: Choice) -> tuple[frozenset[str], frozenset[str]]:
        """Return the extras and the dependency groups that `choice` means.

        A default group that is not among the groups a user may name stands for the requirements
        of the project itself (PEP 751), and stays when the default ones are left out.
        """
        extras = [canonicalize_name(name) for name in self.content.extras or ()]
        groups = [canonicalize_name(name) for name in self.content.dependency_groups or ()]
        default = [canonicalize_name(name) for name in self.content.default_groups or ()]
        own = [name for name in default if name not in groups or name in PROJECT_ITSELF]
        return (
            choose_extras(self.path, choice, extras),
            choose_groups(self.path, choice, groups, default, own=own),
        )

    def find_indexes(self) -> IndexOptions:
        """Return the indexes that the project beside the lock names."""
        return IndexOptions(named=read_named_indexes(self.path.parent))


def read_pylock(path: Path) -> PylockLock:
    """Read and validate a pylock file. Raises LockError, and StoreError."""
    document = read_toml(path, hint=HINT)
    # It warns of a newer minor version, which the specification asks readers to accept.
    logging.getLogger("packaging.pylock").addHandler(logging.NullHandler())
    try:
        content = Pylock.from_dict(document.data)
    except PylockUnsupportedVersionError as error:
        version = document.data["lock-version"]
        problem = f"version {version} of the format is not supported; pyx reads 1.0"
        raise LockError(path, problem, where="lock-version", hint=HINT) from error
    except PylockValidationError as error:
        # What a marker's parser says goes on with a picture of the marker on further lines.
        problem = error.message.partition("\n")[0]
        problem = f"{problem[:1].lower()}{problem[1:]}"
        raise LockError(path, problem, where=error.context, hint=HINT) from error
    check_files(document)
    return PylockLock(path=path, content=content)


def check_files(document: Table) -> None:
    """Raise LockError for a hash, a URL or a length at which `packaging` does not look.

    What it has looked at before this is the shape of the whole.
    """
    for package in document.tables("packages"):
        parse_name(package, "name", package.require("name", str))
        if "version" in package.data:
            read_version(package)
        if "index" in package.data:
            check_url(package, "index", package.require("index", str))
        single = [package.table(key) for key in ("sdist", "archive") if key in package.data]
        for file in (*package.tables("wheels"), *single):
            if "url" in file.data:
                check_url(file, "url", file.require("url", str))
            hashes = file.table("hashes")
            for algorithm in hashes.data:
                check_hash(hashes, algorithm, algorithm, hashes.require(algorithm, str))

"""What every format writes in the same way: names, versions, specifiers and hashes, checked.

They become parts of paths in the store, so nothing else may get through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pyx_launcher.locks.common.hash_only import Unhashed

if TYPE_CHECKING:
    from pyx_launcher.locks.common.markers import MarkerPlace
    from pyx_launcher.locks.common.tables import Table

# Longer ones fit into no name of a file, and make numbers that Python refuses.
LONGEST = 200

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
DIGEST = re.compile(r"[0-9a-fA-F]+\Z")
ALGORITHM = re.compile(r"[a-z0-9_-]+\Z")


def parse_name(place: MarkerPlace, key: str, text: str) -> NormalizedName:
    """Return the normalised name of a project. Raises LockError for text that is none."""
    if len(text) > LONGEST or not NAME.match(text):
        raise place.error(key, f"not the name of a project: {text!r}")
    return canonicalize_name(text)


def read_name(table: Table, key: str = "name") -> NormalizedName:
    """Return the normalised name at `key`. Raises LockError where there is none."""
    return parse_name(table, key, table.require(key, str))


def parse_version(place: MarkerPlace, key: str, text: str) -> Version:
    """Return the version that `text` is. Raises LockError."""
    try:
        if len(text) <= LONGEST:
            return Version(text)
    except ValueError:
        pass
    raise place.error(key, f"not a version: {text!r}")


def read_version(table: Table) -> Version:
    """Return the locked version. Raises LockError where there is none."""
    return parse_version(table, "version", table.require("version", str))


def parse_specifiers(place: MarkerPlace, key: str, text: str) -> SpecifierSet:
    """Return the versions of Python that `text` allows. Raises LockError."""
    try:
        specifiers = SpecifierSet(text)
        # Only a comparison reads the versions in it.
        specifiers.contains("3.9")
    except ValueError as error:
        raise place.error(key, f"not a version specifier: {text!r}") from error
    return specifiers


def read_hash(table: Table) -> dict[str, str]:
    """Return the hash of a file, ``ALGORITHM:DIGEST``; `Unhashed` where there is none.

    Raises LockError for one that is malformed.
    """
    if "hash" not in table.data:
        return Unhashed(table.error("hash", "this key is missing"))
    algorithm, _, digest = table.require("hash", str).partition(":")
    check_hash(table, "hash", algorithm, digest)
    return {algorithm: digest}


def check_hash(table: Table, key: str, algorithm: str, digest: str) -> None:
    """Raise LockError for a digest that is not one, or has no algorithm."""
    if not (ALGORITHM.match(algorithm) and DIGEST.match(digest)):
        raise table.error(key, "not of the form ALGORITHM:DIGEST")

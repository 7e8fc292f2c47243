"""Files that a lock lists by name and hash alone, as the wheels and the sdist of a `Package`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from pyx_launcher.locks.common.fields import LONGEST
from pyx_launcher.locks.common.packages import PackageSdist, PackageWheel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The preferred first: where a release has several sdists, one is enough.
SDIST_SUFFIXES = (".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz", ".tar.Z", ".tar")

# `packaging` refuses other names, and one such old file must not spoil its whole release.
WHEEL_NAME = re.compile(
    r"((?!__)[\w.])+-(?P<version>[\w.!+]+)(-\d[\w.]*)?"
    r"-[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(-\w+(\.\w+)*){2}\.whl\Z",
    re.ASCII,
)

# No file system has room for more, and a few thousand tags in a name are billions together.
LONGEST_FILENAME = 255

SEPARATOR = re.compile(r"[/\\]")


def sort_files(
    files: Iterable[tuple[str, Mapping[str, str]]], version: Version
) -> tuple[tuple[PackageWheel, ...], PackageSdist | None]:
    """Return the wheels and the sdist of `version` among `files`, each a name with its hashes.

    Files of other versions, of other kinds (eggs, installers) and with names that are not
    standard are left out.
    """
    wheels = []
    sdists: dict[str, PackageSdist] = {}
    for name, hashes in files:
        if name.endswith(".whl"):
            if is_wheel_of(name, version):
                wheels.append(PackageWheel(name=name, hashes=hashes))
        elif suffix := sdist_suffix_of(name, version):
            sdists.setdefault(suffix, PackageSdist(name=name, hashes=hashes))
    sdist = next((sdists[suffix] for suffix in SDIST_SUFFIXES if suffix in sdists), None)
    return tuple(wheels), sdist


def is_wheel_of(filename: str, version: Version) -> bool:
    """Return whether this is the standard name of a wheel of `version`."""
    match = WHEEL_NAME.match(filename) if len(filename) <= LONGEST_FILENAME else None
    return match is not None and parse_version(match["version"]) == version


def version_of_file(filename: str, locked: str) -> str:
    """Return the version of the wheel `filename` as its name has it, normalised.

    Tools write it into locks without its last zeros, or with more of them. Where the name is that
    of another version, or of no wheel, what was `locked` is returned.
    """
    written = filename.split("-", 2)[1] if filename.count("-") > 1 else locked
    if written == locked or not are_same_version(written, locked):
        return locked
    return str(parse_version(written))


def are_same_version(one: str | None, other: str | None) -> bool:
    """Return whether both mean the same version, however it is written: 1.0 is 1.0.0."""
    if one is None or other is None or one == other:
        return one == other
    parsed = parse_version(one)
    return parsed is not None and parsed == parse_version(other)


def sdist_suffix_of(filename: str, version: Version) -> str | None:
    """Return the suffix of an sdist of `version`; None where the file is something else."""
    suffix = next((s for s in SDIST_SUFFIXES if filename.endswith(s)), None)
    if suffix is None or len(filename) > LONGEST_FILENAME or SEPARATOR.search(filename):
        return None
    stem = filename.removesuffix(suffix)
    # Versions in old names may hold a hyphen (``1.0-1`` is ``1.0.post1``), as names may.
    parts = stem.split("-")
    tails = ("-".join(parts[start:]) for start in range(1, len(parts)))
    return suffix if any(parse_version(tail) == version for tail in tails) else None


@lru_cache(maxsize=1024)
def parse_version(text: str) -> Version | None:
    """Return the version in a file name; None where it is none. A release repeats it often."""
    try:
        return Version(text) if len(text) <= LONGEST else None
    except InvalidVersion:
        return None

"""One ``[[package]]`` of a poetry.lock, and what it is as a `packaging.pylock.Package`."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageVcs,
    PackageWheel,
)
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pyx_launcher.locks.artifacts import sort_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.locks.tables import Table

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")

# A repository that git reaches over the network: a URL, or the short form of SSH.
REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|[^/\\]+:(?!\\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPackage:
    """One ``[[package]]``; what it says is checked when it is asked for."""

    name: NormalizedName
    table: Table
    files: tuple[Table, str]
    """The table and the key of its files: its own, or ``[metadata.files]`` before lock 2.0."""

    @property
    def version(self) -> Version:
        """The locked version. Raises LockError."""
        text = self.table.require("version", str)
        try:
            return Version(text)
        except InvalidVersion as error:
            raise self.table.error("version", f"not a version: {text!r}") from error


def read_packages(document: Table) -> tuple[LockedPackage, ...]:
    """Return every package of a poetry.lock. Raises LockError where one has no name."""
    old_files = document.table("metadata").table("files")
    packages = []
    for table in document.tables("package"):
        name = table.require("name", str)
        own = "files" in table.data or name not in old_files.data
        files = (table, "files") if own else (old_files, name)
        packages.append(LockedPackage(name=canonicalize_name(name), table=table, files=files))
    return tuple(packages)


def convert_package(package: LockedPackage) -> Package:
    """Return the package without a marker, since whoever calls has decided that it is wanted.

    Raises LockError for one that could not be installed: no file, no hash, no commit.
    """
    source = package.table.table("source")
    kind = source.get("type", str, "")
    if kind in ("", "legacy", "pypi"):
        return indexed_package(package, source)
    if kind in ("git", "hg"):
        return vcs_package(package, source, kind)
    if kind == "directory":
        return directory_package(package, source)
    if kind in ("file", "url"):
        return archive_package(package, source, kind)
    raise source.error("type", f"{kind!r} is no kind of source")


def indexed_package(package: LockedPackage, source: Table) -> Package:
    """Return a package that an index serves; its files are known by name and hash only."""
    version = package.version
    wheels, sdist = sort_files(read_files(package), version)
    if not wheels and sdist is None:
        table, key = package.files
        raise table.error(key, f"no wheel or sdist is listed for {package.name} {version}")
    return Package(
        name=package.name,
        version=version,
        index=source.get("url", str, "") or None,
        wheels=wheels or None,
        sdist=sdist,
    )


def vcs_package(package: LockedPackage, source: Table, kind: str) -> Package:
    """Return a package that is checked out from a repository."""
    url = source.require("url", str)
    reference = source.get("reference", str, "")
    # The first versions of Poetry wrote the commit as the reference.
    commit = source.get("resolved_reference", str, reference)
    if kind == "git" and not COMMIT.match(commit):
        problem = f"not a commit: {commit!r}" if commit else "this key is missing"
        raise source.error("resolved_reference", problem)
    remote = REMOTE.match(url) is not None
    return Package(
        name=package.name,
        version=package.version,
        vcs=PackageVcs(
            type=kind,
            url=url if remote else None,
            path=None if remote else url,
            requested_revision=reference or None,
            commit_id=commit,
            subdirectory=source.get("subdirectory", str, "") or None,
        ),
    )


def directory_package(package: LockedPackage, source: Table) -> Package:
    """Return a package that is a source tree on this machine."""
    return Package(
        name=package.name,
        version=package.version,
        directory=PackageDirectory(
            path=source.require("url", str),
            editable=package.table.get("develop", bool, False),
            subdirectory=source.get("subdirectory", str, "") or None,
        ),
    )


def archive_package(package: LockedPackage, source: Table, kind: str) -> Package:
    """Return a package that is one file, on this machine or at a URL."""
    place = source.require("url", str)
    url, path = (place, None) if kind == "url" else (None, place)
    filename = posixpath.basename(unquote(urlsplit(url).path) if url else place)
    hashes = dict(read_files(package)).get(filename)
    if hashes is None:
        table, key = package.files
        raise table.error(key, f"no hash is recorded for {filename} of {package.name}")
    if filename.endswith(".whl"):
        wheel = PackageWheel(name=filename, url=url, path=path, hashes=hashes)
        return Package(name=package.name, version=package.version, wheels=(wheel,))
    archive = PackageArchive(
        url=url,
        path=path,
        hashes=hashes,
        subdirectory=source.get("subdirectory", str, "") or None,
    )
    return Package(name=package.name, version=package.version, archive=archive)


def read_files(package: LockedPackage) -> list[tuple[str, Mapping[str, str]]]:
    """Return the listed files, each its name with its hashes. Raises LockError."""
    table, key = package.files
    if key not in table.data:
        raise table.error(key, "this key is missing")
    result: list[tuple[str, Mapping[str, str]]] = []
    for entry in table.tables(key):
        algorithm, colon, digest = entry.require("hash", str).partition(":")
        if not (algorithm and colon and digest):
            raise entry.error("hash", "not of the form ALGORITHM:DIGEST")
        result.append((entry.require("file", str), {algorithm: digest}))
    return result

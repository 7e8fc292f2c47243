"""One ``[[package]]`` of a poetry.lock, and what it is as a `packaging.pylock.Package`."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pyx_launcher.locks.common.fields import read_hash, read_name, read_version
from pyx_launcher.locks.common.filenames import sort_files
from pyx_launcher.locks.common.hash_only import Unhashed, UnnamedFile
from pyx_launcher.locks.common.packages import Package, PackageDirectory, PackageVcs
from pyx_launcher.locks.common.sources import COMMIT, check_url, file_package, find_filename
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from pyx_launcher.locks.common.tables import Table

# A repository that git reaches over the network: a URL, or the short form of SSH.
REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|[^/\\]+:(?!\\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryPackage:
    """One ``[[package]]``; what it says is checked when it is asked for."""

    name: NormalizedName
    table: Table
    files: tuple[Table, str]
    """The table and the key of its files: its own, or ``[metadata.files]`` before lock 2.0."""

    @property
    def version(self) -> Version:
        """The locked version. Raises LockError."""
        return read_version(self.table)


def read_packages(document: Table) -> tuple[PoetryPackage, ...]:
    """Return every package of a poetry.lock. Raises LockError where one has no name."""
    old_files = document.table("metadata").table("files")
    packages = []
    for table in document.tables("package"):
        name, normalised = table.require("name", str), read_name(table)
        own = "files" in table.data or name not in old_files.data
        files = (table, "files") if own else (old_files, name)
        packages.append(PoetryPackage(name=normalised, table=table, files=files))
    return tuple(packages)


def convert_package(package: PoetryPackage) -> Package:
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
    raise source.error("type", f"{kind!r} is not a kind of source")


def indexed_package(package: PoetryPackage, source: Table) -> Package:
    """Return a package that an index serves; its files are known by name and hash only."""
    version = package.version
    files = read_files(package)
    wheels, sdist = sort_files(files, version)
    table, key = package.files
    missing = table.error(key, f"no wheel or sdist is listed for {package.name} {version}")
    if files and not wheels and sdist is None:
        raise missing
    return Package(
        name=package.name,
        version=version,
        index=check_url(source, "url", source.get("url", str, "")) or None,
        # Poetry has written locks without any file, for indexes that told no hashes.
        archive=None if files else UnnamedFile((), error=missing),
        wheels=wheels,
        sdist=sdist,
    )


def vcs_package(package: PoetryPackage, source: Table, kind: str) -> Package:
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


def directory_package(package: PoetryPackage, source: Table) -> Package:
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


def archive_package(package: PoetryPackage, source: Table, kind: str) -> Package:
    """Return a package that is one file, on this machine or at a URL."""
    place = source.require("url", str)
    url, path = (place, None) if kind == "url" else (None, place)
    filename = find_filename(source, "url", url) if url else posixpath.basename(place)
    hashes = dict(read_files(package)).get(filename)
    if hashes is None:
        table, key = package.files
        hashes = Unhashed(table.error(key, f"no hash is recorded for {filename} of {package.name}"))
    return file_package(
        source,
        "url",
        package.name,
        package.version,
        url=url,
        path=path,
        hashes=hashes,
        subdirectory=source.get("subdirectory", str, "") or None,
    )


def read_files(package: PoetryPackage) -> list[tuple[str, Mapping[str, str]]]:
    """Return the listed files, each its name with its hashes. Raises LockError."""
    table, key = package.files
    if key not in table.data:
        raise table.error(key, "this key is missing")
    return [(entry.require("file", str), read_hash(entry)) for entry in table.tables(key)]

"""One ``[[package]]`` of a uv.lock, and what it is as a `Package`."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pyx_launcher.files.hashing import hash_file
from pyx_launcher.locks.common.fields import read_hash, read_name, read_version
from pyx_launcher.locks.common.filenames import (
    LONGEST_FILENAME,
    is_wheel_of,
    sdist_suffix_of,
)
from pyx_launcher.locks.common.hash_only import Unhashed
from pyx_launcher.locks.common.packages import (
    Package,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Wheels,
)
from pyx_launcher.locks.common.sources import COMMIT, check_url, file_package, find_filename
from pyx_launcher.locks.uv.document import KINDS, TREES, LazyPackage
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from pyx_launcher.locks.common.tables import Table

BEGIN, MIDDLE = '\n    { url = "http', '.whl", hash = "sha256:'
UNUSUAL = ("%", "?", "#", "\\")
"""What makes the name of a file something else than the end of its URL."""

WHEEL = re.compile(
    r'    \{ url = "(https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~+-]+)*)/([A-Za-z0-9._+!-]{1,255})", '
    r'hash = "sha256:([0-9a-f]{64})"(?:, size = (\d{1,15}))?(?:, upload-time = "[^"\\\n]*")? \},\Z'
)
"""The line of a wheel as uv writes it: place, name, digest and size."""

TAGS = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:-\w+(?:\.\w+)*){2}\.whl\Z", re.ASCII)

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UvPackage:
    """One ``[[package]]``; what it says is checked when it is asked for."""

    name: NormalizedName
    table: Table

    @property
    def version(self) -> Version | None:
        """The locked version; None for a source tree with a dynamic one. Raises LockError."""
        if "version" not in self.table.data and self.kind in TREES:
            return None
        return read_version(self.table)

    @property
    def source(self) -> Table:
        """The table that says where it comes from."""
        return self.table.table("source")

    @property
    def kind(self) -> str:
        """The kind of source, one of `KINDS`. Raises LockError."""
        if isinstance(self.table.data, LazyPackage) and self.table.data.kind:
            return self.table.data.kind
        source = self.source
        for kind in KINDS:
            if kind in source.data:
                return kind
        if "source" not in self.table.data:
            raise self.table.error("source", "this key is missing")
        keys = ", ".join(source.data) or "nothing"
        raise self.table.error("source", f"expected one of {', '.join(KINDS)}, found {keys}")

    @property
    def is_remote(self) -> bool:
        """Is its index a server?"""
        source = self.table.data.get("source")
        registry = source.get("registry") if isinstance(source, dict) else None
        return isinstance(registry, str) and is_url(registry)

    @property
    def place(self) -> str | None:
        """The normalised relative path of a source tree; None for what comes from elsewhere."""
        if isinstance(self.table.data, LazyPackage) and self.table.data.kind not in TREES:
            return None
        source = self.source.data
        path = next((source[kind] for kind in TREES if kind in source), None)
        return posixpath.normpath(path) if isinstance(path, str) else None

    @property
    def extras(self) -> Table:
        """The dependencies of each extra."""
        return self.table.table("optional-dependencies")

    @property
    def groups(self) -> Table:
        """The dependencies of each dependency group."""
        old = "dev-dependencies" in self.table.data
        return self.table.table("dev-dependencies" if old else "dependency-groups")


@lru_cache(maxsize=64)
def is_url(registry: str) -> bool:
    """Return whether an index is a URL, and not a directory. A lock repeats few of them."""
    return URL.match(registry) is not None


def read_packages(document: Table) -> tuple[UvPackage, ...]:
    """Return every package of a uv.lock. Raises LockError where one has no name."""
    # The first versions of uv called them distributions.
    key = "package" if "package" in document.data else "distribution"
    return tuple(UvPackage(name=read_name(table), table=table) for table in document.tables(key))


def convert_package(package: UvPackage) -> Package | None:
    """Return the package without a marker, since whoever calls has decided that it is wanted.

    None for a virtual project, which is never installed. Raises LockError for one that could not
    be installed: no file, no hash, no commit.
    """
    kind = package.kind
    if kind == "virtual":
        return None
    if kind == "registry":
        return indexed_package(package)
    if kind == "git":
        return vcs_package(package)
    if kind in ("path", "url"):
        return archive_package(package, kind)
    return Package(
        name=package.name,
        version=package.version,
        directory=PackageDirectory(
            path=package.source.require(kind, str), editable=kind == "editable"
        ),
    )


def indexed_package(package: UvPackage) -> Package:
    """Return a package of an index, or of a directory of files (``--find-links``)."""
    version = package.version
    if version is None:
        raise package.table.error("version", "this key is missing")
    registry = package.source.require("registry", str)
    remote = is_url(registry)
    if remote:
        check_url(package.source, "registry", registry)
    base = "" if remote else registry
    wheels = find_wheels(package, version, base)
    make = partial(read_sdist, package, version, base)
    if not wheels and make() is None:
        problem = f"no wheel or sdist is listed for {package.name} {version}"
        raise package.table.error("wheels", problem)
    return Package(
        name=package.name,
        version=version,
        index=registry if remote else None,
        wheels=wheels,
        make_sdist=make,
    )


def find_wheels(package: UvPackage, version: Version, base: str) -> Sequence[PackageWheel]:
    """Return the wheels of a package; none of them is looked at closely before it is chosen."""
    data = package.table.data
    text = data.list_wheels() if isinstance(data, LazyPackage) else None
    stem = f"{package.name.replace('-', '_')}-{version}-"
    if text is not None and not base:
        lines = text.split("\n")[1:]
        names = cut_names(text, len(lines))
        if names is not None:
            fitting = [n for n, name in enumerate(names) if is_named(name, stem, version)]
            return Wheels(
                [names[n] for n in fitting],
                lambda position: parse_line(package, fitting[position], lines[fitting[position]]),
            )
    tables = package.table.tables("wheels")
    names = [read_place(table, base)[0] for table in tables]
    fitting = [n for n, name in enumerate(names) if is_named(name, stem, version)]
    return Wheels(
        [names[n] for n in fitting], lambda position: make_wheel(tables[fitting[position]], base)
    )


def cut_names(text: str, count: int) -> list[str] | None:
    """Return the names of `count` wheels, one a line, or None where uv would not write it so."""
    # A release may have a hundred, of which one is taken: only that one is read as a whole.
    if text.count(BEGIN) != count or any(mark in text for mark in UNUSUAL):
        return None
    *parts, rest = text.split(MIDDLE)
    if len(parts) != count or "\n" in rest or any(part.count("\n") != 1 for part in parts):
        return None
    return [part[part.rfind("/") + 1 :] + ".whl" for part in parts]


def parse_line(package: UvPackage, position: int, line: str) -> PackageWheel:
    """Return the wheel of one line. Raises LockError for one that is not sound."""
    match = WHEEL.match(line)
    if match is None:
        return make_wheel(package.table.tables("wheels")[position], "")
    place, name, digest, size = match.groups()
    url, hashes = f"{place}/{name}", {"sha256": digest}
    return PackageWheel(name=name, url=url, hashes=hashes, size=int(size) if size else None)


def is_named(name: str, stem: str, version: Version) -> bool:
    """Return whether this is a wheel of `version`; nearly all names begin with the same stem.

    `packaging` refuses other names, and one such old file must not spoil its release.
    """
    if name.startswith(stem) and len(name) <= LONGEST_FILENAME and has_tags(name[len(stem) :]):
        return True
    return is_wheel_of(name, version)


@lru_cache(maxsize=4096)
def has_tags(rest: str) -> bool:
    """Return whether the end of a name is tags and nothing else. A lock repeats it often."""
    return TAGS.match(rest) is not None


def make_wheel(entry: Table, base: str) -> PackageWheel:
    """Return the wheel that one table describes. Raises LockError for one that is not sound."""
    name, url, path = read_place(entry, base)
    hashes, size = read_hashes(entry, path), read_size(entry)
    return PackageWheel(name=name, url=url, path=path, hashes=hashes, size=size)


def read_sdist(package: UvPackage, version: Version, base: str) -> PackageSdist | None:
    """Return the sdist of a package from an index; None where it has none."""
    if "sdist" not in package.table.data:
        return None
    table = package.table.table("sdist")
    name, url, path = read_place(table, base)
    if sdist_suffix_of(name, version) is None:
        return None
    hashes, size = read_hashes(table, path), read_size(table)
    return PackageSdist(name=name, url=url, path=path, hashes=hashes, size=size)


def archive_package(package: UvPackage, kind: str) -> Package:
    """Return a package that is one file, on this machine or at a URL."""
    source = package.source
    place = source.require(kind, str)
    url, path = (place, None) if kind == "url" else (None, place)
    tables = package.table.tables("wheels")
    return file_package(
        source,
        kind,
        package.name,
        package.version,
        url=url,
        path=path,
        hashes=read_hashes(tables[0] if tables else package.table.table("sdist")),
        subdirectory=source.get("subdirectory", str, "") or None,
    )


def vcs_package(package: UvPackage) -> Package:
    """Return a package that is checked out from a git repository.

    Its source is a URL whose query says what was asked for and whose fragment is the commit.
    """
    source = package.source
    text = source.require("git", str)
    url, _, commit = text.partition("#")
    url, _, query = url.partition("?")
    asked = {key: values[-1] for key, values in parse_qs(query).items()}
    if not COMMIT.match(commit):
        raise source.error("git", f"no commit follows the '#' of {text!r}")
    if "path" in asked:
        raise source.error("git", "pyx does not read archives that lie in a repository")
    return Package(
        name=package.name,
        version=package.version,
        vcs=PackageVcs(
            type="git",
            url=url,
            requested_revision=asked.get("rev") or asked.get("tag") or asked.get("branch"),
            commit_id=commit,
            subdirectory=asked.get("subdirectory"),
        ),
    )


def read_place(table: Table, base: str) -> tuple[str, str | None, str | None]:
    """Return name, URL and path of a file; a path is relative to `base`, the index that has it."""
    if "url" in table.data:
        url = table.require("url", str)
        return find_filename(table, "url", url), url, None
    if "path" not in table.data:
        raise table.error("url", "this key is missing")
    path = posixpath.join(base, table.require("path", str))
    return posixpath.basename(path), None, path


def unhashed_files(package: UvPackage) -> Iterator[str]:
    """Yield the paths of the files of a package whose hashes are not in the lock."""
    if package.is_remote:
        return
    registry = package.source.data.get("registry", "")
    if isinstance(registry, str) and registry:
        for table in (*package.table.tables("wheels"), package.table.table("sdist")):
            if "hash" not in table.data and "path" in table.data:
                yield posixpath.join(registry, table.require("path", str))


def read_hashes(table: Table, path: str | None = None) -> dict[str, str]:
    """Return the one hash of a file, if it has one; `path` is where it lies on this machine.

    Raises LockError for one that is malformed, and for a file that is not there.
    """
    if "hash" not in table.data:
        if path is not None:
            # uv locks a directory of files without hashes: what lies there is what is meant.
            return {"sha256": _hash_local(table, table.path.parent / path)}
        # Nor has it one for a file of an index that tells none; nothing could check that.
        problem = "no hash is recorded, so the file could not be checked"
        return Unhashed(table.error("hash", problem))
    return read_hash(table)


def _hash_local(table: Table, path: Path) -> str:
    """Return the SHA-256 of a file that the lock names. Raises LockError if there is none."""
    try:
        return hash_file(path)
    except OSError as error:
        raise table.error("path", f"cannot read {path}: {error.strerror}") from error


def read_size(table: Table) -> int | None:
    """Return the size of a file in bytes; None where it is not known."""
    size = table.data.get("size")
    if size is not None and type(size) is not int:
        raise table.unexpected("size", "a number", size)
    return size

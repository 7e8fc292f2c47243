"""One package of a Pipfile.lock, and what it is as a `packaging.pylock.Package`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from pyx_launcher.locks.common.fields import parse_version
from pyx_launcher.locks.common.filenames import SDIST_SUFFIXES
from pyx_launcher.locks.common.hash_only import Unhashed, UnnamedFile
from pyx_launcher.locks.common.indexes import NamedIndex
from pyx_launcher.locks.common.packages import Package, PackageDirectory, PackageVcs
from pyx_launcher.locks.common.sources import COMMIT, check_url, file_package, find_local
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from packaging.utils import NormalizedName
    from packaging.version import Version

    from pyx_launcher.errors import LockError
    from pyx_launcher.locks.common.tables import Table

PINNED = re.compile(r"===?\s*(?P<version>[^\s,*]+)\Z")
HASH = re.compile(r"(?P<algorithm>[a-z0-9_]+):(?P<digest>[0-9a-fA-F]+)\Z")
FRAGMENT = re.compile(r"(?:^|&)(sha256|sha384|sha512)=([0-9a-fA-F]+)")
REFERENCE = re.compile(r"(?P<url>.*[/:][^/:@]*)@(?P<reference>[^/:@]+)\Z")

# The keys under which Pipenv writes the URL of a repository, and those of a file or a tree.
SYSTEMS = ("git", "hg", "svn", "bzr")
PLACES = ("file", "path")

REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|[^/\\]+@[^/\\]+:")

# ``${NAME}``, which older Pipfiles put between quotes, or ``$NAME``.
VARIABLE = re.compile(r"'?\$\{([^${}]+)\}'?|\$([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class PipfilePackage:
    """One package of one category; what it says is checked when it is asked for."""

    name: NormalizedName
    table: Table

    @property
    def version(self) -> Version | None:
        """The locked version; None where there is none. Raises LockError."""
        text = self.table.get("version", str, "")
        if not text or text == "*":
            return None
        match = PINNED.match(text)
        return parse_version(self.table, "version", match["version"] if match else text)


def read_source(table: Table) -> NamedIndex:
    """Return one of ``_meta.sources``, with the variables in its URL expanded."""
    url = expand_variables(table.require("url", str))
    return NamedIndex(
        name=table.get("name", str, ""),
        url=check_url(table, "url", url),
        is_trusted=not table.get("verify_ssl", bool, True),
    )


def convert_entry(entry: PipfilePackage, sources: tuple[NamedIndex, ...]) -> Package:
    """Return the entry without a marker, since whoever calls has decided that it is wanted.

    Raises LockError for one that could not be installed: no version, no hash, no commit.
    """
    data = entry.table.data
    system = next((system for system in SYSTEMS if system in data), None)
    if system is not None:
        return vcs_package(entry, system)
    place = next((key for key in PLACES if key in data), None)
    if place is not None:
        return placed_package(entry, expand_variables(entry.table.require(place, str)))
    return indexed_package(entry, sources)


def indexed_package(entry: PipfilePackage, sources: tuple[NamedIndex, ...]) -> Package:
    """Return a package that an index serves; of its files only the hashes are known."""
    table = entry.table
    version = entry.version
    if version is None:
        problem = f"{entry.name} is not pinned to one version"
        raise table.error("version", problem if "version" in table.data else "this key is missing")
    return Package(
        name=entry.name,
        version=version,
        index=find_index(entry, sources),
        archive=UnnamedFile(
            read_hashes(entry),
            wheels=not table.data.get("no_binary"),
            error=explain_missing(entry),
        ),
    )


def find_index(entry: PipfilePackage, sources: tuple[NamedIndex, ...]) -> str | None:
    """Return the index that a package comes from; None where any source may have it."""
    name = entry.table.get("index", str, "")
    if not name:
        return None
    for source in sources:
        if name in (source.name, source.url):
            return source.url
    known = ", ".join(source.name for source in sources) or "none"
    raise entry.table.error("index", f"no source is named {name!r}; known are {known}")


def read_hashes(entry: PipfilePackage) -> list[tuple[str, str]]:
    """Return the hashes of a release, each an algorithm with a digest. Raises LockError."""
    hashes = entry.table.strings("hashes") if "hashes" in entry.table.data else ()
    result = []
    for position, text in enumerate(hashes):
        match = HASH.match(text)
        if match is None:
            problem = "not of the form ALGORITHM:DIGEST"
            raise entry.table.error(f"hashes[{position}]", problem)
        result.append((match["algorithm"], match["digest"].lower()))
    return result


def explain_missing(entry: PipfilePackage) -> LockError:
    """Return what is to be said of an entry without hashes."""
    problem = f"no hash is recorded for {entry.name}, so it could not be checked"
    return entry.table.error("hashes", problem)


def vcs_package(entry: PipfilePackage, system: str) -> Package:
    """Return a package that is checked out from a repository."""
    table = entry.table
    url = expand_variables(table.require(system, str)).removeprefix(f"{system}+")
    url, _, fragment = url.partition("#")
    url, at = split_reference(url)
    commit = table.get("ref", str, at)
    if not commit:
        raise table.error("ref", "this key is missing")
    if system == "git" and not COMMIT.match(commit):
        raise table.error("ref", f"not a commit: {commit!r}")
    subdirectory = re.search(r"(?:^|&)subdirectory=([^&]+)", fragment)
    remote = REMOTE.match(url) is not None
    return Package(
        name=entry.name,
        version=entry.version,
        vcs=PackageVcs(
            type=system,
            url=url if remote else None,
            path=None if remote else url,
            commit_id=commit,
            subdirectory=table.get("subdirectory", str, subdirectory[1] if subdirectory else "")
            or None,
        ),
    )


def split_reference(url: str) -> tuple[str, str]:
    """Return the URL of a repository and the reference behind it; ``git@host:path`` has none."""
    match = REFERENCE.match(url)
    return (match["url"], match["reference"]) if match else (url, "")


def placed_package(entry: PipfilePackage, place: str) -> Package:
    """Return a package that is a file or a source tree, on this machine or at a URL."""
    place, _, fragment = place.partition("#")
    if place.startswith("file:"):
        place = find_local(place)
    if not REMOTE.match(place) and not place.endswith((".whl", *SDIST_SUFFIXES)):
        table = entry.table
        return Package(
            name=entry.name,
            version=entry.version,
            directory=PackageDirectory(
                path=place,
                editable=table.get("editable", bool, False),
                subdirectory=table.get("subdirectory", str, "") or None,
            ),
        )
    hashed = FRAGMENT.search(fragment)
    digests = [(hashed[1], hashed[2].lower())] if hashed else read_hashes(entry)
    return single_file(entry, place, digests)


def single_file(entry: PipfilePackage, place: str, digests: list[tuple[str, str]]) -> Package:
    """Return a package that is one file. Raises LockError where it has several hashes."""
    hashes = dict(digests)
    if len(digests) > len(hashes):
        raise entry.table.error("hashes", f"{place} is one file, and has several hashes")
    remote = REMOTE.match(place) is not None
    url, path = (place, None) if remote else (None, place)
    return file_package(
        entry.table,
        next(key for key in PLACES if key in entry.table.data),
        entry.name,
        entry.version,
        url=url,
        path=path,
        hashes=hashes or Unhashed(explain_missing(entry)),
        subdirectory=entry.table.get("subdirectory", str, "") or None,
    )


def expand_variables(url: str) -> str:
    """Return a URL with its environment variables expanded; unknown ones stay as they are.

    What stands before the host is quoted, for passwords may hold any character.
    """
    if "$" not in url:
        return url
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    credentials, at, host = host.rpartition("@")
    expanded = substitute(credentials)
    if expanded != credentials:
        expanded = ":".join(quote(part, safe="") for part in expanded.split(":", 1))
    return substitute(scheme) + mark + expanded + at + substitute(host + slash + path)


def substitute(text: str) -> str:
    """Return `text` with the environment variables in it expanded."""
    return VARIABLE.sub(lambda match: os.environ.get(match[1] or match[2], match[0]), text)

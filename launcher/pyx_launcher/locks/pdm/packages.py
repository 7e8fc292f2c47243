"""One ``[[package]]`` of a pdm.lock, and what it is as a `packaging.pylock.Package`."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.fields import read_hash, read_name, read_version
from pyx_launcher.locks.common.filenames import SDIST_SUFFIXES, parse_version, sort_files
from pyx_launcher.locks.common.hash_only import Unhashed, UnnamedFile
from pyx_launcher.locks.common.packages import Package, PackageDirectory, PackageVcs
from pyx_launcher.locks.common.sources import COMMIT, file_package, find_filename, find_local
from pyx_launcher.locks.pdm.variables import expand_variables
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.markers import Environment
    from packaging.utils import NormalizedName
    from packaging.version import Version

    from pyx_launcher.locks.common.tables import Table
    from pyx_launcher.locks.pdm.project import PdmProject

# The keys under which PDM writes the URL of a repository.
SYSTEMS = ("git", "hg", "svn", "bzr")

REMOTE = re.compile(r"[a-z+]+://|[^/\\]+@[^/\\]+:")
# What the platform tags of wheels for a `sys.platform` have in common.
PLATFORM_TAGS = {"linux": "linux", "darwin": "macosx", "win32": "win"}


# How the build backends of PDM and of Hatch write the directory of the project in a URL.
ROOTS = ("file:///${PROJECT_ROOT}/", "file://${PROJECT_ROOT}/", "{root:uri}/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One ``[[package]]``; what it says is checked when it is asked for."""

    name: NormalizedName
    extras: frozenset[str]
    """The extras whose dependencies it adds to those of the candidate without extras."""
    table: Table
    files: tuple[Table, str]
    """The table and the key of its files: its own, or ``[metadata.files]`` before lock 4.4."""

    @property
    def version(self) -> Version:
        """The locked version. Raises LockError."""
        return read_version(self.table)

    @property
    def place(self) -> str | None:
        """The path or URL it comes from; None where an index serves it."""
        key = next((key for key in ("path", "url", *SYSTEMS) if key in self.table.data), None)
        return self.table.require(key, str) if key else None


def read_candidates(document: Table) -> tuple[Candidate, ...]:
    """Return every package of a pdm.lock. Raises LockError where one has no name."""
    old_files = document.table("metadata").table("files")
    candidates = []
    for table in document.tables("package"):
        label = f"{table.data.get('name', '')} {table.data.get('version', '')}"
        is_old = "files" not in table.data and label in old_files.data
        candidates.append(
            Candidate(
                name=read_name(table),
                extras=frozenset(map(canonicalize_name, table.strings("extras"))),
                table=table,
                files=(old_files, label) if is_old else (table, "files"),
            )
        )
    return tuple(candidates)


def convert_candidate(
    candidate: Candidate, project: PdmProject | None, markers: Environment
) -> Package:
    """Return the candidate without a marker, since whoever calls has decided that it is wanted.

    Raises LockError for one that could not be installed: no file, no hash, no commit.
    """
    table = candidate.table
    system = next((system for system in SYSTEMS if system in table.data), None)
    if system is not None:
        return vcs_package(candidate, system)
    if "path" in table.data:
        return local_package(candidate, table.require("path", str))
    if "url" in table.data:
        return url_package(candidate)
    return indexed_package(candidate, project, markers)


def indexed_package(
    candidate: Candidate, project: PdmProject | None, markers: Environment
) -> Package:
    """Return a candidate that an index serves; static URLs say where, else only hashes are known.

    PDM leaves the local part out of the locked version, and takes the highest that has a file
    for the platform.
    """
    files, urls = read_files(candidate)
    locked = candidate.version
    version = highest_version([name for name, _ in files], locked, markers["sys_platform"])
    wheels, sdist = sort_files(files, version)
    archive = None
    if not wheels and sdist is None:
        problem = f"no wheel or sdist is listed for {candidate.name} {locked}"
        missing = candidate.table.error("files", problem)
        if files:
            raise missing
        archive = UnnamedFile((), error=missing)
    if urls:
        wheels = tuple(replace(wheel, url=urls.get(wheel.filename)) for wheel in wheels)
        sdist = replace(sdist, url=urls.get(sdist.filename)) if sdist else None
    return Package(
        name=candidate.name,
        version=version,
        index=project.find_index(candidate.name) if project else None,
        archive=archive,
        wheels=wheels,
        sdist=sdist,
    )


def highest_version(filenames: list[str], locked: Version, system: str) -> Version:
    """Return `locked` with the highest local part that the files for the system have, if any."""
    found = [locked]
    if locked.local is None:
        for filename in filenames:
            # Few names have a local part, so hardly any has to be parsed.
            version = file_version(filename) if "+" in filename else None
            if version and version.public == locked.public and suits(filename, system):
                found.append(version)
    return max(found)


def file_version(filename: str) -> Version | None:
    """Return the version in the name of a wheel or sdist; None where it has none."""
    if filename.endswith(".whl"):
        return parse_version(filename.partition("-")[2].partition("-")[0])
    stem = next((filename.removesuffix(s) for s in SDIST_SUFFIXES if filename.endswith(s)), "")
    return parse_version(stem.rpartition("-")[2])


def suits(filename: str, system: str) -> bool:
    """Return whether this is an sdist or a wheel for `system`, a `sys.platform`."""
    platforms = filename.removesuffix(".whl").rpartition("-")[2].split(".")
    wanted = PLATFORM_TAGS.get(system, "any")
    return not filename.endswith(".whl") or any(
        platform == "any" or wanted in platform for platform in platforms
    )


def vcs_package(candidate: Candidate, system: str) -> Package:
    """Return a candidate that is checked out from a repository."""
    table = candidate.table
    commit = table.get("revision", str, "")
    if not commit:
        # PDM itself takes whatever the branch of an editable checkout has today.
        editable = table.get("editable", bool, False)
        raise table.error(
            "revision",
            "an editable checkout is not locked to a commit" if editable else "this key is missing",
        )
    if system == "git" and not COMMIT.match(commit):
        raise table.error("revision", f"not a commit: {commit!r}")
    return Package(
        name=candidate.name,
        version=candidate.version,
        vcs=PackageVcs(
            type=system,
            url=expand_variables(table.require(system, str)),
            requested_revision=table.get("ref", str, "") or None,
            commit_id=commit,
            subdirectory=table.get("subdirectory", str, "") or None,
        ),
    )


def local_package(candidate: Candidate, path: str) -> Package:
    """Return a candidate that is a file or a source tree on this machine."""
    if path.endswith((".whl", *SDIST_SUFFIXES)):
        return single_file(candidate, url=None, path=path)
    table = candidate.table
    return Package(
        name=candidate.name,
        version=candidate.version if "version" in table.data else None,
        directory=PackageDirectory(
            path=path,
            editable=table.get("editable", bool, False),
            subdirectory=table.get("subdirectory", str, "") or None,
        ),
    )


def url_package(candidate: Candidate) -> Package:
    """Return a candidate that is at a URL, be it one below the project's own directory."""
    url = candidate.table.require("url", str).partition("#")[0]
    path = find_path(url)
    if path is not None:
        return local_package(candidate, path)
    return single_file(candidate, url=expand_variables(url), path=None)


def find_path(place: str) -> str | None:
    """Return what a place is as a path, relative ones to the project; None for a remote one."""
    for root in ROOTS:
        if place.startswith(root):
            return unquote(place.removeprefix(root))
    if place.startswith("file://"):
        return find_local(place)
    return None if REMOTE.match(place) else place


def single_file(candidate: Candidate, *, url: str | None, path: str | None) -> Package:
    """Return a candidate that is one file, on this machine or at a URL."""
    table, key = candidate.table, "path" if "path" in candidate.table.data else "url"
    filename = find_filename(table, key, url) if url else posixpath.basename(path or "")
    hashes = dict(read_files(candidate)[0]).get(filename)
    if hashes is None:
        problem = f"no hash is recorded for {filename} of {candidate.name}"
        hashes = Unhashed(table.error("files", problem))
    return file_package(
        table,
        key,
        candidate.name,
        candidate.version,
        url=url,
        path=path,
        hashes=hashes,
        subdirectory=table.get("subdirectory", str, "") or None,
    )


def read_files(
    candidate: Candidate,
) -> tuple[list[tuple[str, Mapping[str, str]]], dict[str, str]]:
    """Return the listed files, each its name with its hashes, and the static URLs by name.

    Raises LockError.
    """
    files: list[tuple[str, Mapping[str, str]]] = []
    urls: dict[str, str] = {}
    table, key = candidate.files
    for entry in table.tables(key):
        hashes = read_hash(entry)
        if "url" in entry.data:
            url = entry.require("url", str).partition("#")[0]
            name = find_filename(entry, "url", url)
            urls[name] = expand_variables(url)
        else:
            name = entry.require("file", str)
        files.append((name, hashes))
    return files, urls

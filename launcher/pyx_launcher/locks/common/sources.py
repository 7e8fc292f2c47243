"""Places outside an index that a lock names: a file here or at a URL, a commit of a repository."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import NormalizedName, parse_wheel_filename

from pyx_launcher.locks.common.filenames import LONGEST_FILENAME
from pyx_launcher.locks.common.packages import Package, PackageArchive, PackageWheel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.version import Version

    from pyx_launcher.locks.common.markers import MarkerPlace

# Git names a commit by SHA-1 or SHA-256; a branch or a tag would be no lock.
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


# Nearly every URL in a lock; it has thousands, and splitting one properly takes ten times as long.
PLAIN_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+(/[A-Za-z0-9._~+-]+)*/(?P<name>[A-Za-z0-9._~+-]*)\Z"
)


def find_filename(place: MarkerPlace, key: str, url: str) -> str:
    """Return the name of the file at a URL. Raises LockError for what is no URL."""
    if plain := PLAIN_URL.match(url):
        return plain["name"]
    try:
        parts = urlsplit(url)
        # A port that is no number is noticed only when it is asked for.
        _ = parts.port
    except ValueError as error:
        # It may hold a password, so it is not shown.
        raise place.error(key, "not a URL") from error
    return posixpath.basename(unquote(parts.path))


def find_local(url: str) -> str:
    """Return the path that a ``file:`` URL names; one without slashes may be relative."""
    rest = re.split("[?#]", url.removeprefix("file:"), maxsplit=1)[0]
    if rest.startswith("//"):
        # The host comes first, and has no say.
        rest = "/" + rest[2:].partition("/")[2]
    return unquote(rest)


def check_url(place: MarkerPlace, key: str, url: str) -> str:
    """Return `url`. Raises LockError for what is no URL."""
    find_filename(place, key, url)
    return url


def file_package(  # noqa: PLR0913 -- each of these is written elsewhere in each format.
    place: MarkerPlace,
    key: str,
    name: NormalizedName,
    version: Version | None,
    *,
    url: str | None,
    path: str | None,
    hashes: Mapping[str, str],
    subdirectory: str | None = None,
) -> Package:
    """Return a package that is one file, at `url` or at `path` on this machine.

    Raises LockError for the name of a wheel that is none, or one of another project.
    """
    filename = find_filename(place, key, url) if url else posixpath.basename(path or "")
    if not filename.endswith(".whl"):
        archive = PackageArchive(url=url, path=path, hashes=hashes, subdirectory=subdirectory)
        return Package(name=name, version=version, archive=archive)
    found, in_name = parse_wheel(place, key, filename)
    if found != name:
        raise place.error(key, f"{filename} is not a wheel of {name}")
    wheel = PackageWheel(name=filename, url=url, path=path, hashes=hashes)
    return Package(name=name, version=version or in_name, wheels=(wheel,))


def parse_wheel(place: MarkerPlace, key: str, filename: str) -> tuple[NormalizedName, Version]:
    """Return the name and the version in the name of a wheel. Raises LockError."""
    try:
        if len(filename) <= LONGEST_FILENAME:
            return parse_wheel_filename(filename)[:2]
    except ValueError:
        pass
    raise place.error(key, f"{filename} is not the name of a wheel")

"""What a lock records in part: files without a hash, and releases of which it has hashes alone.

A file without a hash is taken only if the user allows it by name. Which file one of the hashes
belongs to, where neither name nor place stands beside it, only an index or a store can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.locks.common.packages import PackageArchive

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyx_launcher.errors import LockError


class Unhashed(dict[str, str]):
    """The hashes of a file that has none. It is never fetched unless that was allowed."""

    def __init__(self, error: LockError) -> None:
        """Know what to say where it was not: `error` names the place for a hash."""
        super().__init__()
        self.error = error


class UnnamedFile(PackageArchive):
    """The file of a release that has one of some hashes and fits best, be it wheel or sdist.

    It stands in the place of an archive; it has no path and no URL.
    """

    __slots__ = ("digests", "sdists", "wheels")

    digests: frozenset[tuple[str, str]]
    """Algorithm and digest of every file that may be taken; none where any of the release may."""

    wheels: bool
    sdists: bool
    """Which kinds may be taken."""

    def __init__(
        self,
        digests: Collection[tuple[str, str]],
        *,
        wheels: bool = True,
        sdists: bool = True,
        error: LockError | None = None,
    ) -> None:
        """Take the hashes; all of them together are what it is known by.

        Without any, `error` says that there should be one.
        """
        by_algorithm: dict[str, list[str]] = {}
        for algorithm, digest in sorted(digests):
            by_algorithm.setdefault(algorithm, []).append(digest)
        known = {name: ",".join(found) for name, found in by_algorithm.items()}
        super().__init__(hashes=Unhashed(error) if error and not known else known)
        # The base class is frozen, and sets its own attributes in this way too.
        object.__setattr__(self, "digests", frozenset(digests))
        object.__setattr__(self, "wheels", wheels)
        object.__setattr__(self, "sdists", sdists)

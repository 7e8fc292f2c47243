"""Which artifacts a lock binds to one content, so that it does not matter who serves them.

A file is bound by a hash, a commit is one by itself, and a directory is the user's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.pylock import PackageDirectory, PackageVcs
from packaging.utils import canonicalize_name

from pyx_launcher.errors import RefusedError
from pyx_launcher.locks.unnamed import UnnamedFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyx_launcher.selection import Selection, Source

STRONG = frozenset(
    {
        *("sha224", "sha256", "sha384", "sha512", "sha512_224", "sha512_256"),
        *("sha3_224", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"),
    }
)
"""The algorithms of hashlib for which nobody can make another file with the same digest."""


def check_reliance(selection: Selection, allowed: Iterable[str]) -> None:
    """Refuse files without a hash that can be relied on, but for the projects in `allowed`.

    Raises RefusedError, which names them all.
    """
    exceptions = frozenset(canonicalize_name(name) for name in allowed)
    loose = [
        artifact
        for artifact in selection.artifacts
        if artifact.name not in exceptions and not is_bound(artifact.source)
    ]
    if not loose:
        return
    known = sorted({algorithm for a in loose for algorithm in getattr(a.source, "hashes", {})})
    raise RefusedError(
        f"the lock has no hash that can be relied on ({', '.join(known) or 'none'}) "
        f"for {', '.join(artifact.label for artifact in loose)}",
        hint="write it again with SHA-256 hashes; or, to take what the index has: "
        f"--allow-unhashed {','.join(artifact.name for artifact in loose)}",
    )


def is_bound(source: Source) -> bool:
    """Can only one content be meant by `source`, or is it a directory of the user's?"""
    if isinstance(source, PackageVcs | PackageDirectory):
        return True
    if isinstance(source, UnnamedFile):
        # Any file that has any of the hashes will do.
        return bool(source.hashes) and source.hashes.keys() <= STRONG
    return not STRONG.isdisjoint(source.hashes)

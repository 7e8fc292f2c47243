"""Files that a source of distributions has, and what it says of them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pyx_launcher.index.settings import find_local_path
from pyx_launcher.index.verified_file import WantedFile, read_chunks
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A file that a source has, and what the source says of it."""

    url: str
    filename: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    requires_python: str = ""
    is_yanked: bool = False

    def fits(self, wanted: WantedFile) -> bool | None:
        """Compare the hashes; None if source and lock have no algorithm in common."""
        common = [a for a in wanted.hashes if a in self.hashes]
        if not common:
            return None
        return all(self.hashes[a].lower() == wanted.hashes[a].lower() for a in common)


def digests_of(offer: Offer, name: str) -> list[tuple[str, str]]:
    """Return algorithm and digest of an offer; a local file without any is hashed."""
    path = find_local_path(offer.url)
    if offer.hashes or path is None:
        return [(algorithm, digest.lower()) for algorithm, digest in offer.hashes.items()]
    if not canonical(offer.filename).startswith(f"{canonical(name)}-"):
        return []
    digest = hashlib.sha256()
    for chunk in read_chunks(path):
        digest.update(chunk)
    return [("sha256", digest.hexdigest())]


def canonical(filename: str) -> str:
    """Return what is the same for a file name's spellings with ``-``, ``_``, ``.`` and capitals."""
    return re.sub(r"[-_.]+", "-", filename).lower()


def list_directory(path: Path) -> list[Offer]:
    """Return the files of a directory, or the file itself; nothing if there is neither."""
    try:
        files = [*path.iterdir()] if path.is_dir() else [path] if path.exists() else []
    except OSError:
        return []
    return [Offer(url=file.absolute().as_uri(), filename=file.name) for file in files]

"""Files that a lock records without a hash, which only the user can allow, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyx_launcher.errors import LockError


class Unhashed(dict[str, str]):
    """The hashes of a file that has none. It is never fetched unless that was allowed."""

    def __init__(self, error: LockError) -> None:
        """Know what to say where it was not: `error` names the place for a hash."""
        super().__init__()
        self.error = error

"""What an archive may hold: how much, so that a small one cannot fill the disk, and which names.

The limits are far above what distributions have; `PYX_MAX_UNPACKED`, `PYX_MAX_RATIO` and
`PYX_MAX_FILES` set others (docs/security.md).
"""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate
from typing import TYPE_CHECKING

from pyx_launcher.errors import RefusedError, UsageError
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Mapping

FREE = 64 << 20
"""Bytes that any archive may unpack to, whatever its ratio is."""

LONGEST_TEXT = 64 << 20
"""Bytes that a file which is read as a whole, such as RECORD or METADATA, may have."""

_READ_WHOLE = frozenset({"RECORD", "WHEEL", "METADATA", "entry_points.txt", "PKG-INFO"})
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

PLAIN = frozenset({0, 8})
"""Stored and deflated, in the numbers of a zip: these yield as much as they are asked for, no more.

`zipfile` has names for them, and is not imported by a start that opens no archive.
"""

STEP = 4096
"""Bytes to read at once of a member in any other compression, which can become 20,000 times it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one archive may become."""

    unpacked: int = 16 << 30
    """Bytes of all its files."""
    ratio: int = 200
    """Bytes that each of its own bytes may become, beyond the first `FREE`."""
    files: int = 500_000


def read_limits(environ: Mapping[str, str]) -> Limits:
    """Return the limits that `environ` sets. Raises UsageError for what is no number."""
    default = Limits()
    return Limits(
        unpacked=_read_number(environ, "PYX_MAX_UNPACKED", default.unpacked),
        ratio=_read_number(environ, "PYX_MAX_RATIO", default.ratio),
        files=_read_number(environ, "PYX_MAX_FILES", default.files),
    )


def _read_number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    match = re.fullmatch(r"([0-9]{1,15})([KMGT]?)", text)
    if match is None:
        raise UsageError(f"{name}={text} is not a number such as 500 or 32G", hint=f"unset {name}")
    return int(match[1]) * _UNITS[match[2]]


class Meter:
    """Counts what comes out of one archive, and refuses it at the limit."""

    def __init__(self, name: str, packed: int, limits: Limits) -> None:
        """Begin with nothing; `packed` is the size of the archive called `name` in bytes."""
        self._name = name
        self._limits = limits
        self._most = min(limits.unpacked, max(FREE, packed * limits.ratio))
        self._files = 0
        self._bytes = 0

    def add_file(self, size: int) -> None:
        """Count a file of `size` bytes. Raises RefusedError beyond a limit."""
        self._files += 1
        self._bytes += size
        if self._files > self._limits.files:
            raise self._refuse(f"more than {self._limits.files} files", "PYX_MAX_FILES")
        self.check_bytes(self._bytes)

    def check_bytes(self, total: int) -> None:
        """Raise RefusedError where `total` bytes are more than the archive may become."""
        if total > self._limits.unpacked:
            limit = f"more than {self._limits.unpacked} bytes"
            raise self._refuse(limit, "PYX_MAX_UNPACKED")
        if total > self._most:
            limit = f"more than {self._limits.ratio} times its size"
            raise self._refuse(limit, "PYX_MAX_RATIO")

    def _refuse(self, limit: str, variable: str) -> RefusedError:
        return RefusedError(
            f"{self._name} would unpack to {limit}",
            hint=f"if that is what it should be: set {variable} to a higher number",
        )


def check_members(
    members: Iterable[zipfile.ZipInfo],
    name: str,
    packed: int,
    limits: Limits,
    *,
    in_steps: bool = False,
) -> None:
    """Refuse a zip archive, called `name` and `packed` bytes large, that is beyond `limits`.

    That holds for what its directory promises, and no member yields more than that. `in_steps`
    tells that contents are read in steps of `STEP` where the decompressor takes no limit. Raises
    RefusedError, and ValueError for a member that cannot be read in bounded memory.
    """
    meter = Meter(name, packed, limits)
    for member in members:
        meter.add_file(member.file_size)
        if member.compress_type not in PLAIN and member.compress_size > _most_packed(
            member, in_steps=in_steps
        ):
            raise ValueError(f"{member.filename!r} is neither stored nor deflated")
        if member.file_size > LONGEST_TEXT and _is_text(member.filename):
            shown = member.filename.rpartition("/")[2]
            raise ValueError(f"its {shown} has {member.file_size} bytes, {LONGEST_TEXT} at most")


def _most_packed(member: zipfile.ZipInfo, *, in_steps: bool) -> float:
    """Return how large a member may be whose decompressor takes no limit."""
    if not in_steps:
        return 0
    return 4 * STEP if _is_text(member.filename) else float("inf")


def _is_text(path: str) -> bool:
    directory, _, name = path.rpartition("/")
    return name in _READ_WHOLE and directory.endswith((".dist-info", ".egg-info"))


_DECEPTIVE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys, or what shows a name otherwise than it is: controls, line ends, bidi."""


def check_spellings(paths: Iterable[str]) -> None:
    """Raise ValueError for names that cannot be told from others by looking at them.

    They are those with characters that rearrange what is shown, and pairs that are one name once
    Unicode is normalised, as some file systems and Python's own `import` do it.
    """
    names = list(paths)
    if all(map(str.isascii, names)):
        return
    seen: dict[str, str] = {}
    for path in names:
        if _DECEPTIVE.search(path):
            raise ValueError(f"{path!r} has a character that no name may have")
        parts = path.split("/")
        for place in accumulate(parts, "{}/{}".format):
            other = seen.setdefault(unicodedata.normalize("NFKC", place), place)
            if other != place:
                raise ValueError(f"{place!r} and {other!r} are one name in another spelling")

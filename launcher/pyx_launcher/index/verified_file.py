"""Write a file only if it is the one that a lock names: wholly and verified, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import ArtifactError, RefusedError, StoreError, explain_fault
from pyx_launcher.files.archive_limits import read_limits
from pyx_launcher.locks.common.hash_only import Unhashed
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import BinaryIO

CHUNK = 1 << 18
"""Bytes that are read at once from a local file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedFile:
    """One file to get."""

    name: str
    """The normalised name of the project."""

    version: str | None
    filename: str

    hashes: Mapping[str, str]
    """Algorithm (of hashlib) → hex digest. The file must have all of them.

    Empty only as `Unhashed`, where the user has allowed that."""

    url: str | None = None
    """Where the lock says that it is; without one it is looked up on the index."""

    path: Path | None = None
    """A local file instead."""

    index: str | None = None
    """The only index to ask, where the lock names one for this project."""

    size: int | None = None


class Arrival:
    """A file that is being written, with the digests of what has arrived of it."""

    def __init__(
        self, file: BinaryIO, wanted: WantedFile, source: str, progress: Callable[[int], None]
    ) -> None:
        """Begin with nothing. `source` is for messages."""
        self._file = file
        self._wanted = wanted
        self._source = source
        self._progress = progress
        self._digests = _digests(wanted)
        self._most = _find_limit(wanted.filename)
        self.received = 0
        """Bytes that have arrived and are kept."""

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises RefusedError where the file is longer than the locked one."""
        self._file.write(chunk)
        self.received += len(chunk)
        self._progress(len(chunk))
        for digest in self._digests.values():
            digest.update(chunk)
        size = self._wanted.size
        if size is not None and self.received > size:
            raise RefusedError(
                f"{self._wanted.filename} from {self._source} is not the locked file: "
                f"it is longer than the {size} bytes that the lock has",
                hint=_advise_lock(self._wanted),
            )
        if self.received > self._most:
            raise RefusedError(
                f"{self._wanted.filename} from {self._source} has more than {self._most} bytes",
                hint="if that is what it should be: set PYX_MAX_UNPACKED to a higher number",
            )

    def restart(self) -> None:
        """Forget what has arrived."""
        self._progress(-self.received)
        self.received = 0
        self._file.seek(0)
        self._file.truncate()
        self._digests = _digests(self._wanted)

    def check(self) -> None:
        """Raise RefusedError where what has arrived lacks one of the lock's hashes."""
        found = {algorithm: digest.hexdigest() for algorithm, digest in self._digests.items()}
        check_hashes(self._wanted, found, self._source)


def _find_limit(filename: str) -> int:
    """Return how many bytes a file of unknown size may have: as no other of its kind has."""
    if os.environ.get("PYX_MAX_UNPACKED"):
        # No archive may be larger than what would come out of it.
        return read_limits(os.environ).unpacked
    return LARGEST_WHEEL if filename.endswith(".whl") else LARGEST_SOURCE


LARGEST_WHEEL = 4 << 30
"""Bytes. Those with libraries for graphics cards have up to three."""

LARGEST_SOURCE = 1 << 30
"""Bytes of an archive of sources; few have a tenth of it."""


@contextlib.contextmanager
def arriving(
    wanted: WantedFile, into: Path, source: str, progress: Callable[[int], None]
) -> Iterator[Arrival]:
    """Give an `Arrival` that becomes the file that `wanted` names in `into`.

    Until then it is a temporary file beside it, which vanishes on any failure. Raises StoreError
    where it cannot be written.
    """
    with _published(into / wanted.filename) as file:
        arrival = Arrival(file, wanted, source, progress)
        try:
            yield arrival
        except BaseException:
            progress(-arrival.received)
            raise


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield the content of a local file; raises ArtifactError if it cannot be read or is none."""
    try:
        # Without this flag a pipe without a writer would be waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ArtifactError(f"{path} is not a file", hint="run `pyx lock`")
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error


def write_verified(
    chunks: Iterable[bytes],
    wanted: WantedFile,
    into: Path,
    source: str,
    progress: Callable[[int], None],
) -> Path:
    """Write `chunks` to the file that `wanted` names in `into`, if they have all of its hashes.

    Raises RefusedError for other content and StoreError if it cannot be written.
    """
    with arriving(wanted, into, source, progress) as arrival:
        for chunk in chunks:
            arrival.write(chunk)
        arrival.check()
    return into / wanted.filename


def check_hashes(wanted: WantedFile, found: Mapping[str, str], source: str) -> None:
    """Raise RefusedError if one of the digests `found` is not the lock's."""
    for algorithm, digest in found.items():
        expected = wanted.hashes.get(algorithm, digest)
        if digest.lower() != expected.lower():
            raise RefusedError(
                f"{wanted.filename} from {source} is not the locked file: "
                f"its {algorithm} is {digest}, the lock has {expected}",
                hint=_advise_lock(wanted),
            )


def _advise_lock(wanted: WantedFile) -> str:
    # Tools that lock keep what they have of a version, unless they are told to look anew.
    return f"if the file was replaced on purpose: `pyx lock --upgrade {wanted.name}`"


def _digests(wanted: WantedFile) -> dict[str, hashlib._Hash]:
    """Return a digest to compute for each of the lock's hashes that this Python knows."""
    digests = {
        algorithm: hashlib.new(algorithm, usedforsecurity=False)
        for algorithm in wanted.hashes
        # The digests of the shake family have no length of their own.
        if algorithm in hashlib.algorithms_available and not algorithm.startswith("shake")
    }
    if not digests and not isinstance(wanted.hashes, Unhashed):
        known = ", ".join(wanted.hashes) or "none"
        raise RefusedError(
            f"{wanted.filename}: the lock has no hash that can be checked ({known})",
            hint="run `pyx lock`, which writes SHA-256 hashes",
        )
    return digests


@contextlib.contextmanager
def _published(target: Path) -> Iterator[BinaryIO]:
    """Give a file to write that becomes `target` at the end, or vanishes on any failure."""
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.replace(target)
    except BaseException as problem:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if isinstance(problem, OSError):
            told = explain_fault(problem, str(target))
            raise StoreError(f"cannot write {told.message}", hint=told.hint) from problem
        raise

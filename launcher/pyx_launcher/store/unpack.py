"""Turn one wheel file into one store entry: unpack, check every file, gather the facts."""

from __future__ import annotations

import binascii
import configparser
import contextlib
import csv
import errno
import hashlib
import io
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from installer.exceptions import InstallerError
from installer.utils import parse_entrypoints
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from pyx_launcher.errors import (
    RefusedError,
    StoreError,
    UsageError,
    explain_fault,
    is_fault_of_machine,
)
from pyx_launcher.files.atomic import storing
from pyx_launcher.files.hashing import hash_file
from pyx_launcher.store.entry import (
    DATA,
    SITE_PACKAGES,
    Entry,
    EntryFacts,
    find_entry,
    locked_place,
    name_entry,
    publish,
    staging,
)
from pyx_launcher.store.modes import Modes, find_packages
from pyx_launcher.store.rpath import (
    find_inward,
    find_outward,
    follows_origin,
    is_library,
    read_run_paths,
)
from pyx_launcher.store.wheel import Wheel
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.store.wheel import WheelMember

_DIRECTORY = 0o755
_URL_SAFE = bytes.maketrans(b"+/", b"-_")

_UNSOUND = (
    InstallerError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,
    LookupError,
    AssertionError,
    EOFError,
    # A place in the archive that is beyond all files.
    OverflowError,
    # What zipfile raises for an encrypted member or an unknown compression.
    RuntimeError,
)

_FAULTS_OF_NAMES = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})
"""What writing into a new directory can only meet because of the names in the wheel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What is known of a wheel's files once they are unpacked, in fields of `EntryFacts`."""

    scripts: dict[str, str]
    tops: dict[str, str]
    pth: dict[str, list[str]]
    data: dict[str, list[str]]
    outward: list[str]
    inward: dict[str, list[str]]
    programs: list[str]
    size: int
    files: int


Unpack = Callable[[Path, Path, Mapping[str, bytes]], Contents]
"""`unpack_files`, or something that has another process do it."""


def unpack_wheel(  # noqa: PLR0913 -- each is a fact that only the caller has, given by name.
    wheel: Path,
    final: Path,
    *,
    name: str,
    version: str,
    key: str,
    hashes: Mapping[str, str],
    metadata: Mapping[str, bytes] = MappingProxyType({}),
    unpack: Unpack | None = None,
) -> Entry:
    """Unpack `wheel`, whose archive hash is already verified, into a new entry at `final`.

    `metadata` are further files for its ``.dist-info``; `unpack` says where the work is done,
    here if not told otherwise. The caller holds the lock of `final`.
    Raises RefusedError for a wheel that contradicts its own RECORD or would write outside its
    entry, StoreError where the store cannot be written.
    """
    with staging(final) as temporary:
        target = temporary / "entry"
        if final.name == SITE_PACKAGES:
            target.mkdir()
            target /= SITE_PACKAGES
        contents = (unpack or unpack_files)(wheel, target, dict(metadata))
        return publish(
            target,
            final,
            EntryFacts(
                name=name,
                version=version,
                key=key,
                hashes=dict(hashes),
                tops=contents.tops,
                pth=contents.pth,
                scripts=contents.scripts,
                data=contents.data,
                outward=contents.outward,
                inward=contents.inward,
                programs=contents.programs,
                size=contents.size,
                files=contents.files,
            ),
        )


def unpack_files(wheel: Path, target: Path, metadata: Mapping[str, bytes]) -> Contents:
    """Unpack `wheel` into the new directory `target`, which is not an entry yet.

    Raises as `unpack_wheel`. Takes and returns what can be sent to another process.
    """
    try:
        with storing(target), Wheel.open_path(wheel) as source:
            writer = _EntryWriter(target, find_packages(source.list_modules()))
            source.check_identity()
            source.check_record()
            source.check_format()
            scripts = _read_scripts(source)
            for member in source.list_members():
                writer.add_member(member, source.read_chunks(member.item))
            for name, content in {"INSTALLER": b"pyx\n", **metadata}.items():
                writer.add(f"{source.dist_info_dir}/{name}", content)
            writer.add_record(f"{source.dist_info_dir}/RECORD", scripts)
    except _UNSOUND as error:
        fault = _find_fault(error)
        if fault is not None:
            raise fault from error
        raise RefusedError(
            f"{wheel.name} is not a sound wheel: {_first_line(error)}",
            hint="lock another version, or fetch it again if the index replaced it",
        ) from error
    with storing(target):
        return _gather_contents(target, writer, scripts)


def _find_fault(error: BaseException | None) -> StoreError | None:
    """Return the fault of the machine that `error` came from, if that is what it came from."""
    while error is not None:
        if isinstance(error, OSError) and is_fault_of_machine(error):
            return explain_fault(error)
        error = error.__cause__ or error.__context__
    return None


def _first_line(error: Exception) -> str:
    issues = getattr(error, "issues", None)
    text = issues[0] if issues else str(error)
    return text.splitlines()[0] if text else type(error).__name__


def _read_scripts(source: Wheel) -> dict[str, str]:
    if "entry_points.txt" not in source.dist_info_filenames:
        return {}
    try:
        entries = list(parse_entrypoints(source.read_dist_info("entry_points.txt")))
    except (configparser.Error, AssertionError, AttributeError) as error:
        from pyx_launcher.libraries import find_mismatch

        if find_mismatch(error):
            raise
        raise ValueError("entry_points.txt has a script that names no function") from error
    return {name: f"{module}:{attr}" for name, module, attr, _ in entries}


class _EntryWriter:
    """Writes the files of a wheel where an entry has them, checking each against RECORD."""

    def __init__(self, root: Path, packages: Container[str]) -> None:
        """Make the directory `root`, which will hold everything.

        `packages` are the directories below it that python takes for regular packages.
        """
        self._modes = Modes(packages)
        self.run_paths: dict[str, tuple[str, ...]] = {}
        """What each library and program in the wheel has for a search path, by its place."""
        self.size = 0
        self._rows: list[tuple[str, str, int | str]] = []
        """The row of RECORD for each file."""
        self._root = os.fspath(root)
        os.mkdir(root, _DIRECTORY)
        # What the umask leaves to this directory it leaves to all, and the modes of files are less.
        self._masked = stat.S_IMODE(os.stat(root).st_mode) != _DIRECTORY
        if self._masked:
            os.chmod(root, _DIRECTORY)
        self._made: set[str] = {""}

    @property
    def files(self) -> int:
        """How many there are, but for RECORD."""
        return len(self._rows)

    def add_member(self, member: WheelMember, chunks: Iterable[bytes]) -> None:
        """Write one file of the wheel. Raises ValueError where it is not what RECORD says."""
        place, algorithm = member.place, member.algorithm
        if algorithm.startswith("shake"):
            raise ValueError(f"RECORD has a hash without a length for {place}")
        mode = self._modes.choose(place, is_executable=member.is_executable)
        digest = hashlib.sha256()
        stronger = hashlib.new(algorithm) if algorithm not in ("", "sha256") else None
        size, chunk = 0, b""
        file = self._create(place, mode)
        try:
            for chunk in chunks:
                digest.update(chunk)
                if stronger is not None:
                    stronger.update(chunk)
                _write(file, chunk)
                size += len(chunk)
        finally:
            os.close(file)
        found = _encode(digest)
        if algorithm and (
            (found if stronger is None else _encode(stronger)) != member.digest
            or int(member.size or size) != size
        ):
            raise ValueError(f"{place} is not what RECORD says")
        if member.is_executable or is_library(place):
            # The last chunk is the whole of it, unless it is a large one.
            whole = size == len(chunk)
            with io.BytesIO(chunk) if whole else open(f"{self._root}/{place}", "rb") as library:
                self.run_paths[place] = read_run_paths(library)
        self._rows.append((place, f"sha256={found}", size))
        self.size += size

    def add(self, place: str, content: bytes) -> None:
        """Write a file that the wheel does not have."""
        self._write_whole(place, content)
        digest = _encode(hashlib.sha256(content))
        self._rows.append((place, f"sha256={digest}", len(content)))
        self.size += len(content)

    def add_record(self, place: str, scripts: Iterable[str]) -> None:
        """Write RECORD, with the places that the files have in the entry.

        `scripts` are the names of those that an environment will have.
        """
        with io.StringIO() as stream:
            rows = [*self._rows, (place, "", ""), *((f"../../../bin/{s}", "", "") for s in scripts)]
            csv.writer(stream, lineterminator="\n").writerows(sorted(rows))
            self._write_whole(place, stream.getvalue().encode())

    def _write_whole(self, place: str, content: bytes) -> None:
        file = self._create(place, 0o644)
        try:
            _write(file, content)
        finally:
            os.close(file)

    def _create(self, place: str, mode: int) -> int:
        """Open a new file. Raises ValueError where the wheel has something there already."""
        try:
            self._make_directory(place.rpartition("/")[0])
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            file = os.open(f"{self._root}/{place}", flags, mode)
        except OSError as error:
            if error.errno not in _FAULTS_OF_NAMES:
                raise
            shown = place if len(place) < 80 else f"{place[:80]}…"
            raise ValueError(f"{shown!r}: {error.strerror}") from error
        if self._masked:
            os.fchmod(file, mode)
        return file

    def _make_directory(self, place: str) -> None:
        """Make a directory that everybody may read, as the files are, whatever the umask is."""
        if place in self._made:
            return
        self._make_directory(place.rpartition("/")[0])
        with contextlib.suppress(FileExistsError):
            os.mkdir(f"{self._root}/{place}", _DIRECTORY)
            if self._masked:
                os.chmod(f"{self._root}/{place}", _DIRECTORY)
        self._made.add(place)


def _write(file: int, data: bytes) -> None:
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, memoryview(data)[written:])


def _encode(digest: hashlib._Hash) -> str:
    encoded = binascii.b2a_base64(digest.digest(), newline=False)
    return encoded.translate(_URL_SAFE).rstrip(b"=").decode("ascii")


def _gather_contents(target: Path, writer: _EntryWriter, scripts: dict[str, str]) -> Contents:
    tops: dict[str, str] = {}
    pth: dict[str, list[str]] = {}
    with os.scandir(target) as found:
        for item in sorted(found, key=lambda item: item.name):
            if item.name == DATA:
                continue
            tops[item.name] = _classify(item)
            if item.name.endswith(".pth") and item.is_file():
                text = Path(item.path).read_text(encoding="utf-8-sig", errors="surrogateescape")
                pth[item.name] = text.splitlines()
    data: dict[str, list[str]] = {}
    for directory in sorted((target / DATA).glob("*")):
        data[directory.name] = sorted(os.listdir(directory))
    run_paths = writer.run_paths

    def is_directory(place: str) -> bool:
        return os.path.isdir(target / place)

    return Contents(
        scripts=scripts,
        tops=tops,
        pth=pth,
        data=data,
        outward=find_outward(run_paths, is_directory),
        inward=find_inward(run_paths, is_directory),
        programs=sorted(
            place
            for place, found in run_paths.items()
            if not is_library(place) and follows_origin(found)
        ),
        size=writer.size,
        files=writer.files,
    )


def _classify(item: os.DirEntry[str]) -> str:
    if not item.is_dir():
        return "file"
    with os.scandir(item.path) as below:
        regular = any(child.name.split(".")[0] == "__init__" for child in below)
    return "package" if regular else "namespace"


def add_wheel(dirs: Dirs, wheel: Path) -> tuple[Entry, bool]:
    """Return the entry of the file `wheel`, and whether it was made now.

    A lock that has the sha256 of this file finds it there. Raises UsageError for a file that is
    not named as a wheel, RefusedError for one that is not sound, StoreError.
    """
    try:
        name, version, _, _ = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise UsageError(
            f"{wheel}: {error}", hint="the name of a wheel is NAME-VERSION-TAGS.whl"
        ) from error
    try:
        key = hash_file(wheel)
    except OSError as error:
        raise StoreError(f"{wheel}: {error.strerror}") from error
    place = name_entry(name, str(version), wheel.name, key)
    with locked_place(dirs.store, place) as final:
        entry = find_entry(dirs, place, key)
        if entry is not None:
            return entry, False
        hashes = {"sha256": key}
        made = unpack_wheel(wheel, final, name=name, version=str(version), key=key, hashes=hashes)
    return made, True

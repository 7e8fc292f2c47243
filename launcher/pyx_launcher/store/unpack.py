"""Turn one wheel file into one store entry: unpack, check every file, gather the facts."""

from __future__ import annotations

import base64
import configparser
import contextlib
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
from typing import TYPE_CHECKING, BinaryIO

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import Hash, RecordEntry
from installer.utils import Scheme, construct_record_file, parse_entrypoints
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
    FACTS_FILE,
    SITE_PACKAGES,
    Entry,
    EntryFacts,
    find_entry,
    locked_place,
    name_entry,
    publish,
    staging,
)
from pyx_launcher.store.modes import choose_mode, find_packages
from pyx_launcher.store.rpath import (
    find_inward,
    find_outward,
    follows_origin,
    is_library,
    read_run_paths,
)
from pyx_launcher.store.wheel import Wheel, WheelMember
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from installer.scripts import ScriptSection

    from pyx_launcher.dirs import Dirs

_ROOTS = ("purelib", "platlib")

_DIRECTORY = 0o755

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
            destination = _EntryDestination(target, find_packages(source.list_modules()))
            source.check_identity()
            source.validate_record(validate_contents=False)
            scripts = _read_scripts(source)
            install(source, destination, {"INSTALLER": b"pyx\n", **metadata})
    except _UNSOUND as error:
        fault = _find_fault(error)
        if fault is not None:
            raise fault from error
        raise RefusedError(
            f"{wheel.name} is not a sound wheel: {_first_line(error)}",
            hint="lock another version, or fetch it again if the index replaced it",
        ) from error
    with storing(target):
        return _gather_contents(target, destination, scripts)


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


class _EntryDestination(WheelDestination):
    """Write the parts of a wheel where an entry has them, checking each against RECORD."""

    def __init__(self, root: Path, packages: Container[str]) -> None:
        """Make the directory `root`, which will hold everything.

        `packages` are the directories below it that python takes for regular packages.
        """
        self._packages = packages
        self.run_paths: dict[str, tuple[str, ...]] = {}
        """What each library and program in the wheel has for a search path, by its place."""
        self.size = 0
        self.files = 0
        self._root = os.fspath(root)
        os.mkdir(root, _DIRECTORY)
        # What the umask leaves to this directory it leaves to all, and the modes of files are less.
        self._masked = stat.S_IMODE(os.stat(root).st_mode) != _DIRECTORY
        if self._masked:
            os.chmod(root, _DIRECTORY)
        self._made: set[str] = {""}

    def write_script(
        self, name: str, module: str, attr: str, section: ScriptSection
    ) -> RecordEntry:
        """Entry points become scripts in an environment, not in an entry."""
        return RecordEntry(f"../../../bin/{name}", None, None)

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001 -- installer calls it so
    ) -> RecordEntry:
        """Write one file. Raises ValueError where it contradicts RECORD."""
        place = os.fspath(path)
        if scheme not in _ROOTS:
            place = f"{DATA}/{scheme}/{place}"
        first, _, rest = place.partition("/")
        if not first or ".." in (first, *rest.split("/")):
            raise ValueError(f"{place!r} leads out of the wheel")
        if scheme in _ROOTS and first in (DATA, FACTS_FILE):
            raise ValueError(f"{place!r} has a name that only pyx may use")
        mode = choose_mode(place, self._packages, is_executable=is_executable)
        member = stream if isinstance(stream, WheelMember) else _make_member(stream)
        with self._create(place, mode) as file:
            digest, size = self._copy(member, place, file, is_executable=is_executable)
        self.size += size
        self.files += 1
        return RecordEntry(place, Hash("sha256", digest), size)

    def _copy(
        self, member: WheelMember, place: str, file: int, *, is_executable: bool
    ) -> tuple[str, int]:
        """Write the member and return its sha256 and its size, both held against RECORD."""
        kind, _, expected = member.digest.partition("=")
        if kind.startswith("shake"):
            raise ValueError(f"RECORD has a hash without a length for {place}")
        digests = {name: hashlib.new(name) for name in ("sha256", kind) if name}
        size, chunk = 0, b""
        for chunk in member.chunks:
            for digest in digests.values():
                digest.update(chunk)
            _write(file, chunk)
            size += len(chunk)
        found = {name: _encode(digest) for name, digest in digests.items()}
        if kind and (found[kind] != expected.rstrip("=") or int(member.size or size) != size):
            raise ValueError(f"{place} is not what RECORD says")
        if is_executable or is_library(place):
            # The last chunk is the whole of it, unless it is a large one.
            whole = size == len(chunk)
            with io.BytesIO(chunk) if whole else open(f"{self._root}/{place}", "rb") as library:
                self.run_paths[place] = read_run_paths(library)
        return found["sha256"], size

    @contextlib.contextmanager
    def _create(self, place: str, mode: int) -> Iterator[int]:
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
        try:
            if self._masked:
                os.fchmod(file, mode)
            yield file
        finally:
            os.close(file)

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

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Write RECORD, with the places the files have in the entry."""
        with (
            construct_record_file(list(records)) as stream,
            self._create(record_file_path, 0o644) as file,
        ):
            _write(file, stream.read())


def _make_member(stream: BinaryIO) -> WheelMember:
    return WheelMember(digest="", size="", chunks=(stream.read(),))


def _write(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def _encode(digest: hashlib._Hash) -> str:
    return base64.urlsafe_b64encode(digest.digest()).decode("ascii").rstrip("=")


def _gather_contents(
    target: Path, destination: _EntryDestination, scripts: dict[str, str]
) -> Contents:
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
    run_paths = destination.run_paths

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
        size=destination.size,
        files=destination.files,
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

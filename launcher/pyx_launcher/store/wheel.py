"""Read one wheel: the members that belong into an entry, each with what RECORD says of it.

`installer` says what is wrong with a wheel that is not plainly in order. What is done for each of
many thousand files is done here: names are looked at all at once, and members of ordinary size
are inflated in one call, since `zipfile` inflates in small steps, which takes twice the time.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import struct
import sys
import zipfile
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from installer.records import parse_record_file
from installer.sources import WheelFile
from installer.utils import SCHEME_NAMES, parse_metadata_file
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pyx_launcher.errors import ArtifactError
from pyx_launcher.files.archive_limits import (
    PLAIN,
    STEP,
    check_members,
    check_spellings,
    read_limits,
)
from pyx_launcher.store.entry import DATA, FACTS_FILE

try:
    from isal import isal_zlib as deflate
except ImportError:
    # Where it has no wheels, the same takes twice as long.
    import zlib as deflate  # type: ignore[no-redef]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

AT_ONCE = 32 << 20
"""Bytes up to which a member is held in memory as a whole; larger ones pass in small steps."""

_OF_INSTALLERS = frozenset({"INSTALLER", "REQUESTED", "direct_url.json"})
"""Files of a ``.dist-info`` that only the installer may write; those of a wheel are left out."""

_STEP = 1 << 20
_UNSAFE_LETTERS = re.compile(r"[\x00-\x1f\x7f\\]")
_UNPLAIN_PART = re.compile(r"(?:^|/)\.{0,2}(?:/|$)", re.MULTILINE)
"""A part that is empty, or names the directory itself or the one above."""
_UNPLAIN = re.compile(rf"[\x00-\x09\x0b-\x1f\x7f\\]|{_UNPLAIN_PART.pattern}", re.MULTILINE)
"""What is wrong with one of several names, each on a line."""
_RECORDED = re.compile(r"sha256=[A-Za-z0-9_-]{43},[0-9]{1,18}")
"""What RECORD has of nearly every file."""
_SIGNATURES = ("/RECORD.jws", "/RECORD.p7s")
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")
_HEAD = 512
"""Bytes in which a local header has room, unless it has a long name or long extra fields."""
_ROOTS = ("purelib", "platlib")
_ENCRYPTED = 1
_PATCHED = 0x20
_UTF8 = 0x800


class WheelMember(NamedTuple):
    """One file of a wheel, with what RECORD says of it."""

    place: str
    """Where it belongs in an entry."""
    is_executable: bool
    algorithm: str
    """Of the hash in RECORD; empty where it has none, as for a signature of RECORD."""
    digest: str
    """That hash, in URL-safe base64 without padding."""
    size: str
    """What RECORD has for its size in bytes, or empty."""
    item: zipfile.ZipInfo
    """What the archive says of it."""


_AS_MODULES = re.compile(r"^[^/]+\.data/(?:purelib|platlib)/")
"""What lies there comes beside the modules of the wheel."""


_ZSTANDARD = 93
"""The number of Zstandard in a zip."""


def _check_zstandard(name: str) -> None:
    """Raise ArtifactError where this Python, unlike 3.14 and uv, cannot read Zstandard."""
    try:
        # What `zipfile` reads it with.
        import_module("compression.zstd")
    except ImportError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        raise ArtifactError(
            f"{name} is compressed with Zstandard, which the Python {version} of pyx cannot read",
            hint="install pyx with Python 3.14 or newer, or lock a version whose wheel is deflated",
        ) from error


class Wheel(WheelFile):
    """A wheel without bytecode, which only the interpreter may write; it has `WheelMember`s."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Look at what the archive promises, before anything of it is read."""
        super().__init__(archive)
        path, members = archive.filename or "", archive.infolist()
        if any(member.compress_type == _ZSTANDARD for member in members):
            _check_zstandard(os.path.basename(path))
        limits = read_limits(os.environ)
        check_members(members, os.path.basename(path), os.path.getsize(path), limits, in_steps=True)
        check_spellings(_AS_MODULES.sub("", member.filename) for member in members)

    @classmethod
    @contextlib.contextmanager
    def open_path(cls, path: Path) -> Iterator[Wheel]:
        """Open the wheel at `path`; raises zipfile.BadZipFile and what `installer` raises."""
        with zipfile.ZipFile(path) as archive:
            yield cls(archive)

    @cached_property
    def recorded(self) -> Mapping[str, tuple[str, str, str]]:
        """Path, hash and size of each line of RECORD, as they stand there, by path."""
        lines = self.read_dist_info("RECORD").splitlines()
        return {elements[0]: elements for elements in parse_record_file(lines)}

    @cached_property
    def dist_info_filenames(self) -> list[str]:
        """The names of the files in the ``.dist-info`` directory."""
        prefix = f"{self.dist_info_dir}/"
        names = self._zipfile.namelist()
        return [n[len(prefix) :] for n in names if n.startswith(prefix) and not n.endswith("/")]

    def list_modules(self) -> Iterator[str]:
        """Yield the places that the Python sources of the wheel get in an entry."""
        roots = (f"{self.data_dir}/purelib/", f"{self.data_dir}/platlib/")
        for name in self._zipfile.namelist():
            if name.endswith(".py"):
                root = next((root for root in roots if name.startswith(root)), "")
                yield name[len(root) :]

    def read_dist_info(self, filename: str) -> str:
        """Return the text of a file in the ``.dist-info`` directory. Raises KeyError for none."""
        return self._read_dist_info(filename).decode("utf-8")

    def _read_dist_info(self, filename: str) -> bytes:
        item = self._zipfile.getinfo(f"{self.dist_info_dir}/{filename}")
        return b"".join(self.read_chunks(item))

    def check_identity(self) -> None:
        """Raise ValueError where METADATA names another distribution than the file's name does."""
        if "METADATA" not in self.dist_info_filenames:
            return
        text = self._read_dist_info("METADATA").decode("utf-8", "replace")
        head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
        said = parse_metadata_file(head)
        name, version = str(said["Name"]), str(said["Version"])
        if canonicalize_name(name) != canonicalize_name(self.distribution):
            raise ValueError(f"its METADATA has the name {name!r}")
        if version != self.version and not _is_same_version(version, self.version):
            raise ValueError(f"its METADATA has the version {version!r}")

    def check_format(self) -> None:
        """Raise ValueError where WHEEL says that the wheel is of another format than 1."""
        version = parse_metadata_file(self.read_dist_info("WHEEL"))["Wheel-Version"]
        if not (version and version.startswith("1.")):
            raise ValueError(f"its Wheel-Version is {version}, and only 1.x is known")

    def check_record(self) -> None:
        """Raise what `installer` raises where RECORD does not tell size and hash of every file."""
        own = f"{self.dist_info_dir}/RECORD"
        try:
            recorded = self.recorded
            names = [name for name in self._zipfile.namelist() if not name.endswith("/")]
            is_plain = (
                len(set(names)) == len(names)
                and recorded[own][1:] == ("", "")
                and not any(name.endswith(_SIGNATURES) for name in names)
                and all(
                    _RECORDED.fullmatch(",".join(recorded[name][1:]))
                    for name in names
                    if name != own
                )
            )
        except Exception:  # noqa: BLE001 -- whatever it is, installer says what is wrong.
            is_plain = False
        if not is_plain:
            self.validate_record(validate_contents=False)

    def list_members(self) -> Iterator[WheelMember]:
        """Yield every file that belongs into an entry, but for RECORD, which is written anew.

        Left out are bytecode and what only installers write. Raises ValueError for a name that is
        unsafe, before it yields any.
        """
        items = [item for item in self._zipfile.infolist() if not item.filename.endswith("/")]
        check_names([item.filename for item in items])
        left_out = {f"{self.dist_info_dir}/{name}" for name in (*_OF_INSTALLERS, "RECORD")}
        recorded = self.recorded
        for item in items:
            path = item.filename
            if path in left_out or ("__pycache__/" in path and _is_bytecode(path)):
                continue
            mode = item.external_attr >> 16
            _, digest, size = recorded.get(path, ("", "", ""))
            algorithm, _, value = digest.partition("=")
            yield WheelMember(
                _find_place(path, self.data_dir),
                stat.S_ISREG(mode) and mode & 0o111 != 0,
                algorithm,
                value.rstrip("="),
                size,
                item,
            )

    def read_chunks(self, item: zipfile.ZipInfo) -> Iterator[bytes]:
        """Yield the content of a member; in one piece unless it is larger than `AT_ONCE`.

        Raises zipfile.BadZipFile, and what `zipfile` raises, where it is not as the archive says.
        """
        if max(item.file_size, item.compress_size) > AT_ONCE or not _is_plain(item):
            with self._zipfile.open(item) as stream:
                step = _STEP if item.compress_type in PLAIN else STEP
                while chunk := stream.read(step):
                    yield chunk
        else:
            yield self._read(item)

    def _read(self, item: zipfile.ZipInfo) -> bytes:
        """Return the content of a stored or deflated member, checked as `zipfile` checks it."""
        file = self._zipfile.fp
        if file is None:
            raise ValueError("the archive is closed")
        handle, at = file.fileno(), item.header_offset
        packed = os.pread(handle, _HEAD + item.compress_size, at)
        magic, _, method, name_length, extra_length = _LOCAL_HEADER.unpack_from(packed)
        if magic != b"PK\x03\x04":
            raise zipfile.BadZipFile("Bad magic number for file header")
        start = _LOCAL_HEADER.size + name_length
        # One that is plain is the same in both, and has the quicker of the two.
        is_utf8 = item.flag_bits & _UTF8 or item.orig_filename.isascii()
        name = item.orig_filename.encode("utf-8" if is_utf8 else "cp437")
        if packed[_LOCAL_HEADER.size : start] != name or method != item.compress_type:
            raise zipfile.BadZipFile(f"directory and header of {item.orig_filename!r} differ")
        start += extra_length
        end = start + item.compress_size
        while end > len(packed) and (more := os.pread(handle, end - len(packed), at + len(packed))):
            packed += more
        data: bytes | memoryview = memoryview(packed)[start:end]
        if item.compress_type == zipfile.ZIP_DEFLATED:
            # One byte more than there should be, so that what inflates further is noticed there.
            data = _inflate(data, item.file_size + 1)
        else:
            data = bytes(data)
        if len(data) != item.file_size or deflate.crc32(data) != item.CRC:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {item.filename!r}")
        return data


def _inflate(data: bytes | memoryview, most: int) -> bytes:
    """Return at most `most` bytes of what a raw deflate stream holds."""
    try:
        return deflate.decompressobj(-15).decompress(data, most)
    except deflate.error as error:  # type: ignore[misc]  # the stub calls it an instance
        raise zipfile.BadZipFile(f"Bad deflate stream: {error}") from error


def _is_same_version(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False


def _is_plain(item: zipfile.ZipInfo) -> bool:
    return item.compress_type in PLAIN and not item.flag_bits & (_ENCRYPTED | _PATCHED)


def check_names(names: Sequence[str]) -> None:
    """Raise ValueError for one that is not the one plain spelling of a place in the wheel."""
    joined = "\n".join(names)
    if joined.count("\n") == len(names) - 1 and not _UNPLAIN.search(joined):
        return
    for name in names:
        if _UNPLAIN_PART.search(name):
            raise ValueError(f"{name!r} leads out of the wheel")
        if _UNSAFE_LETTERS.search(name):
            raise ValueError(f"{name!r} has a character that no name may have")


def _is_bytecode(path: str) -> bool:
    return "__pycache__" in path.split("/")[:-1]


def _find_place(path: str, data_dir: str) -> str:
    """Return where a file of a wheel belongs in its entry.

    Raises ValueError for what lies in no scheme, or where pyx has files of its own.
    """
    place = path
    directory, _, below = path.partition("/")
    if directory == data_dir:
        scheme, slash, place = below.partition("/")
        if not slash:
            raise ValueError(f"{path!r} is not a directory")
        if scheme not in SCHEME_NAMES:
            raise ValueError(f"{path!r} is in no scheme of a wheel")
        if scheme not in _ROOTS:
            return f"{DATA}/{below}"
    if place.startswith(".") and place.partition("/")[0] in (DATA, FACTS_FILE):
        raise ValueError(f"{place!r} has a name that only pyx may use")
    return place

"""Read one wheel: the members that belong into an entry, each with what RECORD says of it.

`installer` decides what a wheel is and what is wrong with one. Members of ordinary size are
inflated in one call here, since `zipfile` inflates in small steps, which takes twice the time.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import stat
import struct
import sys
import zipfile
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, cast

from installer.records import parse_record_file
from installer.sources import WheelFile
from installer.utils import parse_metadata_file
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
from pyx_launcher.values import dataclass

try:
    from isal import isal_zlib as deflate
except ImportError:
    # Where it has no wheels, the same takes twice as long.
    import zlib as deflate  # type: ignore[no-redef]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from installer.sources import WheelContentElement

AT_ONCE = 32 << 20
"""Bytes up to which a member is held in memory as a whole; larger ones pass in small steps."""

_OF_INSTALLERS = frozenset({"INSTALLER", "REQUESTED", "direct_url.json"})
"""Files of a ``.dist-info`` that only the installer may write; those of a wheel are left out."""

_STEP = 1 << 20
_UNSAFE_LETTERS = re.compile(r"[\x00-\x1f\x7f\\]")
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")
_ENCRYPTED = 1
_PATCHED = 0x20
_UTF8 = 0x800


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelMember:
    """One file of a wheel, which `installer` hands through as its stream."""

    digest: str
    """What RECORD has for its hash, as ``sha256=…``; empty where it says nothing."""
    size: str
    """What RECORD has for its size in bytes, or empty."""
    chunks: Iterable[bytes]
    """The content; one chunk unless it is larger than `AT_ONCE`."""


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

    def check_identity(self) -> None:
        """Raise ValueError where METADATA names another distribution than the file's name does."""
        if "METADATA" not in self.dist_info_filenames:
            return
        text = self._zipfile.read(f"{self.dist_info_dir}/METADATA").decode("utf-8", "replace")
        head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
        said = parse_metadata_file(head)
        name, version = str(said["Name"]), str(said["Version"])
        if canonicalize_name(name) != canonicalize_name(self.distribution):
            raise ValueError(f"its METADATA has the name {name!r}")
        if version != self.version and not _is_same_version(version, self.version):
            raise ValueError(f"its METADATA has the version {version!r}")

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Yield every file outside `__pycache__`. Raises ValueError for a name that is unsafe."""
        left_out = {f"{self.dist_info_dir}/{name}" for name in _OF_INSTALLERS}
        for item in self._zipfile.infolist():
            path = item.filename
            if path.endswith("/"):
                continue
            _check_name(path, self.data_dir)
            if path in left_out or "__pycache__" in path.split("/")[:-1]:
                continue
            mode = item.external_attr >> 16
            is_executable = stat.S_ISREG(mode) and mode & 0o111 != 0
            elements = self.recorded.get(path, (path, "", ""))
            _, digest, size = elements
            member = WheelMember(digest=digest, size=size, chunks=self._chunks(item))
            # installer only hands it to the destination, which is ours.
            yield elements, cast("BinaryIO", member), is_executable

    def _chunks(self, item: zipfile.ZipInfo) -> Iterator[bytes]:
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
        file.seek(item.header_offset)
        magic, _, method, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(30))
        if magic != b"PK\x03\x04":
            raise zipfile.BadZipFile("Bad magic number for file header")
        data = file.read(name_length + extra_length + item.compress_size)
        name = data[:name_length].decode("utf-8" if item.flag_bits & _UTF8 else "cp437")
        if name != item.orig_filename or method != item.compress_type:
            raise zipfile.BadZipFile(f"directory and header of {item.orig_filename!r} differ")
        data = data[name_length + extra_length :]
        if item.compress_type == zipfile.ZIP_DEFLATED:
            # One byte more than there should be, so that what inflates further is noticed there.
            data = _inflate(data, item.file_size + 1)
        if len(data) != item.file_size or deflate.crc32(data) != item.CRC:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {item.filename!r}")
        return data


def _inflate(data: bytes, most: int) -> bytes:
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


def _check_name(path: str, data_dir: str) -> None:
    """Raise ValueError unless `path` is the one plain spelling of a place in the wheel."""
    if path.startswith(("/", "../")) or path in ("..", ".") or path != posixpath.normpath(path):
        raise ValueError(f"{path!r} leads out of the wheel")
    if _UNSAFE_LETTERS.search(path):
        raise ValueError(f"{path!r} has a character that no name may have")
    if path == data_dir or path.rpartition("/")[0] == data_dir:
        raise ValueError(f"{path!r} is not a directory")

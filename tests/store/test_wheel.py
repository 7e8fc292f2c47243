"""The members of a wheel: whole, in pieces where they are large, and never more than they say."""

from __future__ import annotations

import base64
import hashlib
import os
import resource
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel

from pyx_launcher.errors import ArtifactError
from pyx_launcher.store import wheel as wheel_module
from pyx_launcher.store.unpack import unpack_files
from pyx_launcher.store.wheel import Wheel

if TYPE_CHECKING:
    from pathlib import Path

LARGE = b"0123456789abcdef" * 300_000


def members(path: Path) -> dict[str, list[bytes]]:
    """Return the chunks of each member by its path."""
    with Wheel.open_path(path) as source:
        return {
            member.place: list(source.read_chunks(member.item)) for member in source.list_members()
        }


def patched(path: Path, name: bytes, offset: int, value: bytes, *, central: bool) -> Path:
    """Write `value` into the local or the central header of the member `name`, at `offset`."""
    data = bytearray(path.read_bytes())
    magic, fixed = (b"PK\x01\x02", 46) if central else (b"PK\x03\x04", 30)
    at = data.index(name) if not central else data.index(name, data.index(b"PK\x01\x02"))
    assert data[at - fixed : at - fixed + 4] == magic
    data[at - fixed + offset : at - fixed + offset + len(value)] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("stored", [False, True], ids=["deflated", "stored"])
def test_a_member_comes_whole_with_what_record_says_of_it(wheels: Path, *, stored: bool) -> None:
    """One chunk, and RECORD's hash and size beside it."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack/a.txt": LARGE}, stored=stored)
    with Wheel.open_path(wheel) as source:
        (member,) = (m for m in source.list_members() if m.place == "pack/a.txt")
        assert list(source.read_chunks(member.item)) == [LARGE]
    digest = base64.urlsafe_b64encode(hashlib.sha256(LARGE).digest()).rstrip(b"=").decode()
    said = (member.algorithm, member.digest, member.size)
    assert said == ("sha256", digest, str(len(LARGE)))
    assert not member.is_executable


def test_a_large_member_comes_in_pieces(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large for memory never is there as a whole."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack/a.txt": LARGE})
    monkeypatch.setattr(wheel_module, "AT_ONCE", 1 << 20)
    chunks = members(wheel)["pack/a.txt"]
    assert len(chunks) > 1
    assert b"".join(chunks) == LARGE


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_read_too(wheels: Path, method: int) -> None:
    """Whatever `zipfile` knows."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack/a.txt": LARGE})
    with zipfile.ZipFile(wheel) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(wheel, "w", compression=method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    assert b"".join(members(wheel)["pack/a.txt"]) == LARGE


def test_zstandard_is_read_where_python_does(wheels: Path) -> None:
    """Python 3.14 has it; for others it is said that they have not, no fault of the wheel."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack/a.txt": LARGE})
    data = bytearray(wheel.read_bytes())
    if sys.version_info >= (3, 14):
        with zipfile.ZipFile(wheel) as archive:
            content = {info.filename: archive.read(info) for info in archive.infolist()}
        with zipfile.ZipFile(wheel, "w", compression=zipfile.ZIP_ZSTANDARD) as archive:
            for name, text in content.items():
                archive.writestr(name, text)
        assert b"".join(members(wheel)["pack/a.txt"]) == LARGE
        return
    # What stands in the directory of the archive decides, whatever the data is.
    at = data.rindex(b"PK\x01\x02")
    data[at + 10 : at + 12] = (93).to_bytes(2, "little")
    wheel.write_bytes(data)
    with pytest.raises(
        ArtifactError, match="is compressed with Zstandard, which the Python 3"
    ) as told:
        unpack_files(wheel, wheels / "entry", {})
    assert "Python 3.14 or newer" in str(told.value.hint)


@pytest.mark.parametrize(
    ("offset", "value", "central"),
    [
        (24, b"\x10\x00\x00\x00", True),
        (24, b"\xff\xff\xff\x00", True),
        (16, b"\x00\x00\x00\x00", True),
        (0, b"XX", False),
        (8, b"\x00\x00", False),
        (30, b"other", False),
    ],
    ids=["longer than said", "shorter than said", "crc", "no header", "method", "name"],
)
def test_headers_that_lie_are_noticed(
    wheels: Path, offset: int, value: bytes, *, central: bool
) -> None:
    """A member has the size, checksum, method and name that the directory has for it."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack/a.txt": LARGE})
    patched(wheel, b"pack/a.txt", offset, value, central=central)
    with pytest.raises(zipfile.BadZipFile):
        members(wheel)


def test_what_inflates_beyond_its_size_is_stopped_there(wheels: Path) -> None:
    """A small file that would become a gigabyte does not become one first."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack/a.txt": b"\0" * (1 << 29)})
    patched(wheel, b"pack/a.txt", 24, b"\x10\x00\x00\x00", central=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(zipfile.BadZipFile):
        members(wheel)
    # To inflate all of it takes about a second.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 0.2


def test_a_header_that_is_longer_than_usual_is_read_whole(wheels: Path) -> None:
    """A long name and long extra fields move the content away from its header."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack/a.txt": LARGE, "pack/b.txt": "b"})
    with zipfile.ZipFile(wheel) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(wheel, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.extra = b"\xff\xff" + (3000).to_bytes(2, "little") + b"x" * 3000
            archive.writestr(info, data)
    assert {name: b"".join(chunks) for name, chunks in members(wheel).items()} == {
        name: data for name, data in content.items() if not name.endswith("/RECORD")
    }


def test_a_read_that_brings_less_is_followed_by_others(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some file systems have it: a member is whole only when its last byte is there."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack/a.txt": LARGE}, stored=True)
    read = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: read(file, min(size, 1 << 16), at))
    assert members(wheel)["pack/a.txt"] == [LARGE]

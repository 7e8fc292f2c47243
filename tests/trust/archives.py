"""Wheels and sdists that no tool would make: any member, in any order, with any attribute."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import warnings
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

INFO = "tick-1.0.dist-info"
WHEEL = "tick-1.0-py3-none-any.whl"
SDIST = "tick-1.0.tar.gz"
METADATA = b"Metadata-Version: 2.1\nName: tick\nVersion: 1.0\n"
WHEEL_FILE = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

Member = tuple[str | zipfile.ZipInfo, bytes]


def digest_of(content: bytes) -> str:
    """Return the hash of a member as RECORD has it."""
    digest = hashlib.sha256(content).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def wheel_of(
    directory: Path,
    *members: Member,
    name: str = WHEEL,
    info: str = INFO,
    metadata: bytes = METADATA,
    record: Callable[[list[str]], list[str]] = lambda lines: lines,
    method: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write a wheel of `members` in their order; `record` may change the lines of its RECORD."""
    content: list[Member] = [
        *members,
        (f"{info}/METADATA", metadata),
        (f"{info}/WHEEL", WHEEL_FILE),
    ]
    lines = []
    path = directory / name
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)
        for member, data in content:
            archive.writestr(member, data)
            place = member.filename if isinstance(member, zipfile.ZipInfo) else member
            lines.append(f'"{place}",{digest_of(data)},{len(data)}')
        archive.writestr(f"{info}/RECORD", "\n".join(record([*lines, f"{info}/RECORD,,"])))
    return path


def sdist_of(
    directory: Path, harm: str, *members: tarfile.TarInfo | tuple[str, bytes], name: str = SDIST
) -> Path:
    """Write an sdist whose build would do `harm`, with `members` before everything else."""
    path = directory / name
    ordinary = [
        ("tick-1.0/PKG-INFO", METADATA),
        ("tick-1.0/pyproject.toml", _PYPROJECT.encode()),
        ("tick-1.0/setup.py", harm.encode()),
        ("tick-1.0/evil.py", harm.encode()),
    ]
    with tarfile.open(path, "w:gz") as archive:
        for member in (*members, *ordinary):
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "evil"\nbackend-path = ["."]\n'


def zip_sdist_of(directory: Path, harm: str, members: Sequence[Member]) -> Path:
    """Write the same as a zip file."""
    path = directory / "tick-1.0.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tick-1.0/setup.py", harm)
        for member, data in members:
            archive.writestr(member, data)
    return path


def entry(name: str, kind: bytes, target: str = "", size: int = 0) -> tarfile.TarInfo:
    """Return a member of a tar archive that is no ordinary file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    info.size = size
    info.devmajor, info.devminor = 1, 5
    return info

"""Write a directory into a tar archive whose bytes depend on nothing but its content."""

from __future__ import annotations

import os
import stat
import tarfile
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIXES = (".tar", ".tar.gz", ".tgz")
"""How the name of an archive can end."""

_LEVEL = 6


def settle_tree(tree: Path, moment: int) -> None:
    """Give everything in `tree` one time, in seconds since the epoch, and one of two modes.

    Files and directories are for everybody to read and for their owner to write. Raises OSError.
    """
    for place, is_directory in [*_walk(tree), (os.fspath(tree), True)]:
        info = os.lstat(place)
        if not stat.S_ISLNK(info.st_mode):
            runs = is_directory or info.st_mode & stat.S_IXUSR
            os.chmod(place, 0o755 if runs else 0o644)
        os.utime(place, (moment, moment), follow_symlinks=False)


def write_archive(tree: Path, archive: Path, top: str, moment: int) -> None:
    """Write `tree` into the new file `archive`, below the directory `top` and owned by root.

    Names are sorted; `moment` is the time of everything. Raises OSError.
    """
    with open(archive, "xb") as file:
        if archive.name.endswith(".tar"):
            _write_tar(tree, file, top, moment)
            return
        import gzip

        # Neither name nor time, which would be in the bytes.
        with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
            _write_tar(tree, cast("BinaryIO", packed), top, moment)


def _write_tar(tree: Path, stream: BinaryIO, top: str, moment: int) -> None:
    seen: dict[tuple[int, int], str] = {}
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        places = sorted((os.path.relpath(place, tree), place) for place, _ in _walk(tree))
        for name, place in [(".", os.fspath(tree)), *places]:
            member = tarfile.TarInfo(os.path.normpath(f"{top}/{name}"))
            member.mtime = moment
            info = os.lstat(place)
            member.mode = stat.S_IMODE(info.st_mode)
            if stat.S_ISDIR(info.st_mode):
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            elif stat.S_ISLNK(info.st_mode):
                member.type, member.linkname, member.mode = (
                    tarfile.SYMTYPE,
                    os.readlink(place),
                    0o777,
                )
                tar.addfile(member)
            elif first := seen.get((info.st_dev, info.st_ino)):
                member.type, member.linkname = tarfile.LNKTYPE, first
                tar.addfile(member)
            else:
                if info.st_nlink > 1:
                    seen[info.st_dev, info.st_ino] = member.name
                member.size = info.st_size
                with open(place, "rb") as content:
                    tar.addfile(member, content)


def _walk(tree: Path) -> Iterator[tuple[str, bool]]:
    """Yield everything below `tree` and whether it is a directory; what is in one comes first."""
    for place, directories, files in os.walk(tree, topdown=False):
        for name in files:
            yield f"{place}/{name}", False
        for name in directories:
            path = f"{place}/{name}"
            yield path, not os.path.islink(path)

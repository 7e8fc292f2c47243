"""Source trees: unpack one from an archive, find it below a directory, tell when it has changed."""

from __future__ import annotations

import json
import os
import posixpath
import stat
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from pyx_launcher.errors import BuildError, RefusedError
from pyx_launcher.files.atomic import storing
from pyx_launcher.files.hashing import sha256

if TYPE_CHECKING:
    import hashlib
    import tarfile
    from collections.abc import Callable, Iterator

    from pyx_launcher.files.archive_limits import Meter

PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")

NOT_FOR_BUILDS = frozenset(
    {
        *("bandit", "basedpyright", "black", "cibuildwheel", "codespell", "commitizen", "coverage"),
        *("flake8", "isort", "mypy", "nox", "poe", "pydocstyle", "pylint", "pyright", "pytest"),
        *("pyx", "ruff", "towncrier", "tox", "ty", "vulture"),
    }
)
"""Tables below ``[tool]`` that no build backend reads; editing one builds nothing anew."""
"""The files that decide what an editable build gives; the rest of the tree is only pointed to."""

GENERATED = frozenset({"__pycache__", "node_modules", "venv"})
"""Directories that are no source, wherever they are; so are those that begin with a dot."""

GENERATED_AT_TOP = frozenset({"build", "dist"})
"""Directories that backends write to at the top of a tree; further below they may be source."""

READ_WHOLE = 1 << 20
"""Bytes: the content of larger files is not read to tell whether they have changed."""


def unpack_archive(archive: Path, into: Path) -> Path:
    """Unpack an sdist or another archive of a source tree, and return the root of the tree.

    Raises RefusedError for an archive that is broken or would write outside of `into`.
    """
    import gzip
    import lzma
    import tarfile
    import zipfile
    import zlib

    broken = (
        *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, lzma.LZMAError, zlib.error),
        # zipfile says by a RuntimeError that a member is encrypted.
        *(EOFError, RuntimeError),
    )
    with storing(into):
        into.mkdir(parents=True, exist_ok=True)
        try:
            if archive.name.endswith(".zip"):
                _unpack_zip(archive, into)
            else:
                _unpack_tar(archive, into)
        except (*broken, ValueError) as error:
            raise _not_sound(archive, str(error) or type(error).__name__) from error
    found = list(into.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else into


def _not_sound(archive: Path, problem: str) -> RefusedError:
    return RefusedError(
        f"{archive.name} is not a sound archive: {problem}",
        hint="lock another version, or fetch it again if the index replaced it",
    )


def _unpack_tar(archive: Path, into: Path) -> None:
    import tarfile

    from pyx_launcher.files.archive_limits import Meter, read_limits

    meter = Meter(archive.name, archive.stat().st_size, read_limits(os.environ))
    with (
        _open_stream(archive) as stream,
        # It asks for no more of a file than these methods.
        tarfile.open(fileobj=cast("IO[bytes]", _Metered(stream, meter)), mode="r:") as source,
    ):
        for member in source:
            meter.add_file(0)
            meter.check_bytes(member.size)
            _check_way(member, into)
            if hasattr(tarfile, "data_filter"):
                source.extract(member, into, filter="data", set_attrs=not member.isdir())
                continue
            # Before 3.10.12 and 3.11.4 there is no filter, and whatever the archive says is done.
            _check_member(member)
            source.extract(member, into, set_attrs=False)
            if member.isreg():
                os.chmod(into / member.name, 0o700 if member.mode & 0o100 else 0o600)


def _open_stream(archive: Path) -> IO[bytes]:
    """Return what the archive holds once it is decompressed; its first bytes tell how."""
    import bz2
    import gzip
    import lzma

    with open(archive, "rb") as file:
        magic = file.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(archive))
    if magic.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.open(archive))
    if magic.startswith((b"\xfd7zXZ", b"]\0\0")):
        return cast("IO[bytes]", lzma.open(archive))
    return open(archive, "rb")


class _Metered:
    """A stream whose position is held against the limits, whatever makes `tarfile` move it."""

    def __init__(self, stream: IO[bytes], meter: Meter) -> None:
        from pyx_launcher.files.archive_limits import LONGEST_TEXT

        self._stream = stream
        self._meter = meter
        self._longest = LONGEST_TEXT

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, position: int) -> int:
        self._meter.check_bytes(position)
        return self._stream.seek(position)

    def read(self, size: int) -> bytes:
        if size > self._longest:
            # Contents are read in small parts; only what describes them is read at once.
            raise ValueError(f"it has a header of {size} bytes")
        self._meter.check_bytes(self._stream.tell() + size)
        return self._stream.read(size)


def _check_way(member: tarfile.TarInfo, into: Path) -> None:
    """Raise ValueError where what was unpacked before would lead `member` elsewhere.

    That tarfile's own filter does not notice every link has been a fault of it more than once.
    """
    names = [member.name, *([member.linkname] if member.islnk() else [])]
    for name in names:
        way = into
        for part in PurePosixPath(name).parts:
            way /= part
            if way.is_symlink():
                raise ValueError(f"{member.name!r} goes through a link")


def _check_member(member: tarfile.TarInfo) -> None:
    """Raise ValueError for anything but files, directories and links that cannot lead out."""
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise ValueError(f"{member.name!r} is neither a file nor a directory")
    for path in (member.name, member.linkname):
        if posixpath.isabs(path) or ".." in path.split("/"):
            raise ValueError(f"{member.name!r} leads out of it")


def _unpack_zip(archive: Path, into: Path) -> None:
    import zipfile

    from pyx_launcher.files.archive_limits import check_members, read_limits

    with zipfile.ZipFile(archive) as source:
        members = source.infolist()
        packed = archive.stat().st_size
        check_members(members, archive.name, packed, read_limits(os.environ))
        for member in members:
            if posixpath.isabs(member.filename) or ".." in member.filename.split("/"):
                raise ValueError(f"{member.filename!r} leads out of it")
            path = source.extract(member, into)
            if member.external_attr >> 16 & stat.S_IXUSR and not member.is_dir():
                os.chmod(path, 0o700)


def find_subtree(root: Path, subdirectory: str | None, label: str) -> Path:
    """Return the project below `root`, whose directory is there.

    Raises RefusedError if `subdirectory` leads out of `root`, BuildError if there is no project.
    """
    below = posixpath.normpath(subdirectory or ".")
    if posixpath.isabs(below) or below.split("/")[0] == "..":
        raise RefusedError(f"the subdirectory {subdirectory!r} of {label} leads out of its source")
    tree = root if below == "." else root / below
    if not Path(os.path.realpath(tree)).is_relative_to(os.path.realpath(root)):
        raise RefusedError(f"the subdirectory {subdirectory!r} of {label} leads out of its source")
    if not any((tree / name).is_file() for name in ("pyproject.toml", "setup.py")):
        where = f"{subdirectory!r} in its source" if subdirectory else "its source"
        raise BuildError(f"{label}: {where} has neither pyproject.toml nor setup.py")
    return tree


def digest_project_files(tree: Path) -> str:
    """Return a digest of the files that decide what an editable build of `tree` gives."""
    digest = sha256(_read_build_settings(tree / "pyproject.toml"))
    for name in PROJECT_FILES[1:]:
        digest.update(_describe_file(name, tree / name, sha256))
    return digest.hexdigest()


def _read_build_settings(path: Path) -> bytes:
    """Return what a build may depend on: all but comments and the tables of well-known checkers."""
    try:
        content = path.read_bytes()
    except OSError:
        return b""
    import tomli

    try:
        settings = tomli.loads(content.decode())
    except ValueError:
        return content
    tools = settings.get("tool")
    if isinstance(tools, dict):
        settings["tool"] = {name: tools[name] for name in tools if name not in NOT_FOR_BUILDS}
    return json.dumps(settings, sort_keys=True, default=str).encode()


def digest_tree(tree: Path) -> str:
    """Return a digest of everything in `tree` that could go into a wheel.

    Files over a megabyte count by their size and time of change only. Times alone would not do:
    some backends write a file with the same content into the tree at each build.
    """
    import hashlib

    digest = hashlib.sha256()
    for path in _source_files(tree):
        name = os.path.relpath(path, tree)
        digest.update(_describe_file(name, path, hashlib.sha256))
    return digest.hexdigest()


def _describe_file(name: str, path: Path, make: Callable[[bytes], hashlib._Hash]) -> bytes:
    try:
        info = path.stat()
        if info.st_size > READ_WHOLE:
            content = f"{info.st_size} {info.st_mtime_ns}".encode()
        else:
            content = make(path.read_bytes()).digest()
    except OSError:
        # A dangling link, or a file that the backend cannot read either.
        content = b"-"
    return os.fsencode(name) + b"\0" + content + b"\0"


def _source_files(tree: Path) -> Iterator[Path]:
    for place, directories, files in os.walk(tree):
        skipped = GENERATED | GENERATED_AT_TOP if place == str(tree) else GENERATED
        directories[:] = sorted(
            name
            for name in directories
            if name not in skipped and not name.startswith(".") and not name.endswith(".egg-info")
        )
        for name in sorted(files):
            path = Path(place, name)
            if not name.endswith(".pyc") and (path.is_symlink() or path.is_file()):
                yield path

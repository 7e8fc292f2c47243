"""Which shared libraries look for others outside their own distribution?

Reads DT_RPATH and DT_RUNPATH of ELF files (System V gABI, "Dynamic Section") and no more. Such a
library works only where the file itself, not a directory above it, is the link.
"""

from __future__ import annotations

import posixpath
import re
import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_DT_NULL, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 0, 5, 15, 29
_PT_LOAD, _PT_DYNAMIC = 1, 2
_LIBRARY = re.compile(r"\.so(?:\.[^/]*)?\Z")


def is_library(path: str) -> bool:
    """Tell whether a file of this name may be a shared library."""
    return ".so" in path and _LIBRARY.search(path) is not None


def find_outward(
    libraries: Mapping[str, Iterable[str]], is_directory: Callable[[str], bool]
) -> list[str]:
    """Return the directories whose libraries must be links by themselves, in order.

    `libraries` are the run paths of each library, by its place in the entry, with slashes;
    `is_directory` tells of such a place whether the entry has a directory there. What has none
    belongs to another distribution (``$ORIGIN/../../nvidia``). What leads to an outward directory
    of the same entry must not arrive there past the links, and is outward, too.
    """
    targets = _gather(libraries)
    outward = {
        here
        for here, found in targets.items()
        if any(target.split("/")[0] == ".." or not is_directory(target) for target in found)
    }
    while True:
        more = {here for here, found in targets.items() if found & outward} - outward
        if not more:
            return sorted(outward)
        outward |= more


def find_inward(
    libraries: Mapping[str, Iterable[str]], is_directory: Callable[[str], bool]
) -> dict[str, list[str]]:
    """Return which directories look into others of the same entry, and into which.

    Another distribution may have libraries in one of these as well; see `find_outward`.
    """
    inward: dict[str, list[str]] = {}
    for here, found in sorted(_gather(libraries).items()):
        others = sorted(
            target
            for target in found - {here, "."}
            if target.split("/")[0] != ".." and is_directory(target)
        )
        if others:
            inward[here] = others
    return inward


def _gather(libraries: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return where the libraries of each directory look."""
    targets: dict[str, set[str]] = {}
    for place, run_paths in libraries.items():
        here = posixpath.dirname(place)
        targets.setdefault(here, set()).update(_follow(here, run_paths))
    return targets


def follows_origin(run_paths: Iterable[str]) -> bool:
    """Tell whether one of `run_paths` begins at the file's own directory."""
    return any(_follow("", run_paths))


def _follow(here: str, run_paths: Iterable[str]) -> Iterator[str]:
    """Yield where those of `run_paths` lead that begin at the library's own directory."""
    for run_path in run_paths:
        for origin in ("$ORIGIN", "${ORIGIN}"):
            if run_path.startswith(origin):
                target = "." + run_path[len(origin) :]
                yield posixpath.normpath(posixpath.join(here, target))


def read_run_paths(file: BinaryIO) -> tuple[str, ...]:
    """Return the library search paths recorded in an ELF file, split at colons.

    Empty for anything that is not ELF or is damaged.
    """
    try:
        return _read_elf(file)
    except (struct.error, ValueError, IndexError, OverflowError, MemoryError, OSError):
        return ()


def _read_elf(file: BinaryIO) -> tuple[str, ...]:
    start = file.read(64)
    if start[:4] != b"\x7fELF":
        return ()
    wide = start[4] == 2
    order = "<" if start[5] == 1 else ">"
    if wide:
        offset, size, count = (
            *struct.unpack_from(order + "Q", start, 32),
            *struct.unpack_from(order + "HH", start, 54),
        )
    else:
        offset, size, count = (
            *struct.unpack_from(order + "I", start, 28),
            *struct.unpack_from(order + "HH", start, 42),
        )
    file.seek(offset)
    table = file.read(size * count)
    segments = [_read_segment(table, size * n, order, wide=wide) for n in range(count)]
    dynamic = next((segment for segment in segments if segment[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return ()
    entries = _read_dynamic(file, dynamic, order, wide=wide)
    strings = dict(entries).get(_DT_STRTAB, 0)
    base = next(
        (
            at + strings - address
            for kind, at, address, length in segments
            if kind == _PT_LOAD and address <= strings < address + length
        ),
        strings,
    )
    paths: list[str] = []
    for tag, value in entries:
        if tag in (_DT_RPATH, _DT_RUNPATH):
            file.seek(base + value)
            text = file.read(4096).split(b"\0", 1)[0]
            paths.extend(text.decode("utf-8", "surrogateescape").split(":"))
    return tuple(paths)


def _read_segment(table: bytes, at: int, order: str, *, wide: bool) -> tuple[int, int, int, int]:
    """Return type, offset in the file, address and size in the file of one program header."""
    if wide:
        kind, _, offset, address, _, size = struct.unpack_from(order + "IIQQQQ", table, at)
    else:
        kind, offset, address, _, size = struct.unpack_from(order + "IIIII", table, at)
    return kind, offset, address, size


def _read_dynamic(
    file: BinaryIO, segment: tuple[int, int, int, int], order: str, *, wide: bool
) -> list[tuple[int, int]]:
    _, offset, _, size = segment
    file.seek(offset)
    data = file.read(size)
    form = struct.Struct(order + ("qQ" if wide else "iI"))
    entries: list[tuple[int, int]] = []
    for at in range(0, len(data) - form.size + 1, form.size):
        tag, value = form.unpack_from(data, at)
        if tag == _DT_NULL:
            break
        entries.append((tag, value))
    return entries

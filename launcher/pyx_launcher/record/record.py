"""Write, read and verify launch records: what the native program needs to skip the slow path.

A record is one small binary file, described in `launcher/native/RECORD.md`. It holds the key
material of one kind of start, a list of facts about files that must still be true, and the words
of the finished command line. Only this module writes it; `pyx.c` reads it.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.files.atomic import write_atomic
from pyx_launcher.record.checks import Check, Kind, find_difference, is_racy
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FORMAT = 2
"""The version of the record, the environment directory and the native program: one number."""

_MAGIC = b"pyxrec\0" + bytes([FORMAT])
_HEADER = struct.Struct("=8s4I")
_CHECK = struct.Struct("=4I3qQ")

KEY_VARIABLES = frozenset(
    {
        "ASDF_DATA_DIR",
        "HOME",
        "PATH",
        "PYENV_ROOT",
        "PYENV_VERSION",
        "PYX_CACHE_DIR",
        "PYX_HOME",
        "PYX_OFFLINE",
        "PYX_PROJECT",
        "PYX_PYTHON",
        "PYX_STORES",
        "PYX_WITHIN",
        "RYE_PY_ROOT",
        "UV_PYTHON_INSTALL_DIR",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
    }
)
"""The variables that decide which lock, interpreter or store a start gets."""

_KEY_VARIABLES = frozenset(map(os.fsencode, KEY_VARIABLES))


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchWords:
    """What the command line is made of; see RECORD.md for the rows."""

    interpreter: Path
    argv0: Path
    letters: str
    boot: str
    """The directory that python takes the bytecode of `encodings` from; empty: the public way."""
    code: str
    rows: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchRecord:
    """Everything in one record file."""

    material: bytes
    checks: tuple[Check, ...]
    words: LaunchWords


def make_material(
    kind: str, start: Path, own_arguments: Sequence[str], environ: Mapping[bytes, bytes]
) -> bytes:
    """Return the bytes that identify a start; `pyx.c` makes the same from its own view.

    `kind` is ``"directory"`` where the search starts at the working directory, ``"path"`` for a
    script named with a slash and ``"name"`` for one without; `start` is resolved. The working
    directory is a part where arguments or variables could name a place relative to it.
    """
    of_pyx = {name: value for name, value in environ.items() if name in _KEY_VARIABLES}
    relative = bool(own_arguments) or any(map(_is_relative, of_pyx.values()))
    variables = sorted(name + b"=" + value for name, value in of_pyx.items())
    words = [
        kind.encode(),
        os.fsencode(start),
        os.getcwdb() if relative else b"",
        *map(os.fsencode, own_arguments),
        b"",
        *variables,
    ]
    return b"".join(word + b"\0" for word in words)


def _is_relative(value: bytes) -> bool:
    return any(part and not part.startswith(b"/") for part in value.split(b":"))


def find_record(directory: Path, material: bytes) -> Path:
    """Return where the record for `material` lies, whether or not it exists."""
    return directory / f"{_hash(material):016x}"


def _hash(data: bytes) -> int:
    """Return 64 bits (FNV-1a)."""
    value = 14695981039346656037
    for byte in data:
        value = ((value ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return value


def write_code(path: Path, script: Path, magic: bytes, code: bytes) -> None:
    """Write the marshalled `code` of `script` for the native program, as the bootstrap does.

    `magic` is the interpreter's. Raises OSError.
    """
    info = os.stat(script)
    state = (info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino)
    words = struct.pack("=4Q", *(number % (1 << 64) for number in state))
    identity = _hash(words + os.fsencode(script))
    write_atomic(path, magic + struct.pack("=QI", identity, len(code) + 16) + code)


def write_record(
    path: Path, record: LaunchRecord, *, inputs: Iterable[Check], since: float
) -> str | None:
    """Write `record` atomically. Returns why it was not written, or None if it was.

    `inputs` are those of its checks that a decision was made from, beginning at the time `since`:
    where one of them is too young, or no longer what its check says, nothing is written. The
    directory is made for the user alone. Raises OSError where it cannot be written.
    """
    change = find_change(record)
    if change:
        return change
    for check in inputs:
        if check.kind in (Kind.FILE, Kind.SCRIPT) and is_racy(os.stat(check.path), since):
            return f"{os.fsdecode(check.path)} has just been written"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomic(path, encode_record(record))
    return None


def encode_record(record: LaunchRecord) -> bytes:
    """Return the file's bytes."""
    words = record.words
    strings = [
        os.fsencode(words.interpreter),
        os.fsencode(words.argv0),
        words.letters.encode(),
        os.fsencode(words.boot),
        os.fsencode(words.code),
        *(row.encode() for row in words.rows),
    ]
    body = record.material
    for check in record.checks:
        tail = check.path + b"\0" + check.block
        body += _CHECK.pack(
            check.kind,
            len(tail),
            check.count,
            len(check.block),
            check.mtime_ns,
            check.ctime_ns,
            check.size,
            check.inode,
        )
        body += tail
    body += b"".join(string + b"\0" for string in strings)
    total = _HEADER.size + len(body)
    counts = (total, len(record.material), len(record.checks), len(strings))
    return _HEADER.pack(_MAGIC, *counts) + body


def read_record(path: Path) -> LaunchRecord | None:
    """Return the record in `path`, or None where there is none this version can use."""
    data = read_private(path)
    try:
        return None if data is None else decode_record(data)
    except (struct.error, ValueError, IndexError):
        return None


def read_private(path: Path) -> bytes | None:
    """Return the content of a file of the user's, or None where somebody else could write it."""
    try:
        # A pipe that somebody has put there is not waited for, and a link is no file of ours.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(path, flags), "rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                return None
            if info.st_uid != os.geteuid() or stat.S_IMODE(info.st_mode) & 0o022:
                return None
            return file.read()
    except OSError:
        return None


def decode_record(data: bytes) -> LaunchRecord | None:
    """Return what `encode_record` gave the bytes of; None for another format.

    Raises struct.error, ValueError or IndexError for what is no record.
    """
    magic, total, material_size, check_count, string_count = _HEADER.unpack_from(data)
    if magic != _MAGIC or total != len(data):
        return None
    at = _HEADER.size + material_size
    checks: list[Check] = []
    for _ in range(check_count):
        check, at = _decode_check(data, at)
        checks.append(check)
    strings = [os.fsdecode(string) for string in data[at:].split(b"\0")[:-1]]
    if len(strings) != string_count or data[-1:] != b"\0":
        return None
    interpreter, argv0, letters, boot, code, *rows = strings
    words = LaunchWords(
        interpreter=Path(interpreter),
        argv0=Path(argv0),
        letters=letters,
        boot=boot,
        code=code,
        rows=tuple(rows),
    )
    material = data[_HEADER.size : _HEADER.size + material_size]
    return LaunchRecord(material=material, checks=tuple(checks), words=words)


def _decode_check(data: bytes, at: int) -> tuple[Check, int]:
    kind, length, count, block, mtime, ctime, size, inode = _CHECK.unpack_from(data, at)
    at += _CHECK.size
    tail = data[at : at + length]
    path = tail[: max(length - block, 0)]
    if len(tail) < length or path[-1:] != b"\0":
        raise ValueError
    check = Check(
        kind=Kind(kind),
        path=path[:-1],
        mtime_ns=mtime,
        ctime_ns=ctime,
        size=size,
        inode=inode,
        count=count,
        block=tail[length - block :],
    )
    return check, at + length


def find_change(record: LaunchRecord) -> str | None:
    """Return one line on the first input that is not what the record says, or None."""
    for check in record.checks:
        difference = find_difference(check)
        if difference and check.kind is not Kind.DIRECTORY:
            return difference
    return None

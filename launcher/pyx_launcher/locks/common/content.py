"""The text of a lock, or of a file that decides with it, refused early where it can be none."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pyx_launcher.errors import LockError, StoreError
from pyx_launcher.files.ownership import open_obeyed

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 16 << 20
"""Bytes. A lock of a thousand distributions has about two million; more takes too long to parse."""

INCLUDED = re.compile(rb"^[ \t]*(?:-r|--requirement)[ \t=]*([^\s#]+)[ \t]*\r?$", re.MULTILINE)
"""A line of a requirements file that includes another one."""

CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
TWO_SIDES = "holds both sides of a merge conflict"
MEND_CONFLICT = "resolve the merge conflict in this file"


def advise_conflict(path: Path) -> str:
    """Return what resolves a merge conflict in a lock: its tool brings either side up to date."""
    from shlex import quote

    checkout = f"git -C {quote(str(path.parent))} checkout --ours -- {quote(path.name)}"
    return f"take one side, `{checkout}`, then run `pyx lock`"


def read_content(path: Path, hint: str | None) -> str:
    """Return the text of a file, without a byte order mark; `hint` says what mends such a file.

    Raises LockError for one that is too large or no text, StoreError for one that cannot be read,
    RefusedError for one of somebody who is not to be obeyed.
    """
    try:
        with open(open_obeyed(path), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            # What has no size of its own, such as a pipe, is not read to its end either.
            content = b"" if size > LARGEST else file.read(LARGEST + 1)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    if size > LARGEST or len(content) > LARGEST:
        shown = f"{max(size, len(content)) / (1 << 20):.0f} MB"
        problem = f"it has {shown}, and no lock has more than {LARGEST >> 20} MB"
        raise LockError(path, problem, hint=hint)
    if b"\0" in content:
        problem = f"not text: there is a NUL at byte {content.index(0)}"
        raise LockError(path, problem, hint=hint)
    try:
        return content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise LockError(path, f"not UTF-8 at byte {error.start}", hint=hint) from error


def pins_by_hash(path: Path, looked: list[Path]) -> bool:
    """Tell whether a requirements file, or one that it includes, pins by hash.

    The files that it includes are added to `looked`, there or not. Raises LockError.
    """
    try:
        with open(path, "rb") as file:
            # What comes behind the size of the largest lock is not looked at by its reader either.
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise LockError(path, f"cannot be read: {error.strerror}") from error
    if b"--hash" in text or b"--require-hashes" in text:
        return True
    for found in INCLUDED.finditer(text):
        included = path.parent / os.fsdecode(found[1])
        if included not in looked and included != path:
            looked.append(included)
            # A path that is too long for the system is an OSError for `Path.is_file`.
            if os.path.isfile(included) and pins_by_hash(included, looked):
                return True
    return False

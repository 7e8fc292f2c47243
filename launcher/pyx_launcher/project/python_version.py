"""The file ``.python-version``, by which a directory says what interpreter its programs get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.interpreters.request import shorten_request
from pyx_launcher.project.transaction import write_file

if TYPE_CHECKING:
    from pathlib import Path

VERSION_FILE = ".python-version"


def pin_version(directory: Path, request: str) -> Path | None:
    """Write what ``--python`` asked for into `directory`, as others read it; return the file.

    None where the request is a path: the file may go to others, whose machines have none there.
    Raises StoreError.
    """
    if "/" in request:
        return None
    path = directory / VERSION_FILE
    write_file(path, f"{shorten_request(request)}\n".encode())
    return path

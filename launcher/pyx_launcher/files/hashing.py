"""SHA-256: of what is small by CPython's own code, of whole files by `hashlib`.

`hashlib` loads OpenSSL, which takes longer than all digests of a start. Its code is quicker from
some megabytes on, so whole artifacts are hashed by `hashlib`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash as Digest
    from pathlib import Path


def _find_sha256() -> Callable[[bytes], Digest]:
    # CPython's own code has this name since 3.12, and that one before; it may be left out.
    for name in ("_sha2", "_sha256", "hashlib"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        found: Callable[[bytes], Digest] = module.sha256
        return found
    raise ImportError("this Python has no SHA-256")


sha256 = _find_sha256()
"""As `hashlib.sha256`, with the data to begin with."""


def hash_file(path: Path) -> str:
    """Return the sha256 of a file in hex. Raises OSError."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()

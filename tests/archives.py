"""Unpack archives that tests and builds have made, on any patch release of Python."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path


def unpack_tar(archive: tarfile.TarFile, into: Path, kind: Literal["data", "tar"] = "data") -> None:
    """Unpack the whole of `archive` below `into`, by the filter of PEP 706 where Python has it.

    Debian 12 ships 3.11.2 and Ubuntu 22.04 3.10.6 at first, which have none.
    """
    if hasattr(tarfile, "data_filter"):
        archive.extraction_filter = getattr(tarfile, f"{kind}_filter")
    archive.extractall(into)  # noqa: S202 -- it was made by the caller.

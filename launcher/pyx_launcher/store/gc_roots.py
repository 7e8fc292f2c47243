"""Which links of projects lead to environments, so that these stay as long as the links do.

A link is one of the file system, or a file that holds a path, as the draft of PEP 832 has it.

PYX_HOME/linked/KEY     the path of a link that `pyx env --link` made; KEY is its digest
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.files.atomic import write_atomic
from pyx_launcher.files.directories import list_visible
from pyx_launcher.files.hashing import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyx_launcher.dirs import Dirs


LONGEST = 4096
"""Bytes in a file that holds a path, at most."""


def record_link(dirs: Dirs, link: Path) -> None:
    """Remember that there is, or will be, a link at the absolute path `link`. Raises OSError."""
    path = os.fsencode(_locate(link))
    record = _name_record(dirs, path)
    if not record.exists():
        record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(record, path)


def forget_link(dirs: Dirs, link: Path) -> None:
    """Remember a link no more. Raises OSError."""
    _name_record(dirs, os.fsencode(_locate(link))).unlink(missing_ok=True)


def read_link(link: Path) -> str | None:
    """Return where a link leads; None where there is none."""
    try:
        return os.readlink(link)
    except (OSError, ValueError):
        pass
    try:
        # A device or a pipe is no such file, and reading it could wait for ever.
        if not link.is_file() or link.stat().st_size > LONGEST:
            return None
        text = os.fsdecode(link.read_bytes()).strip()
    except (OSError, ValueError):
        return None
    return os.path.join(link.parent, text) if text and text.isprintable() else None


def find_linked(dirs: Dirs) -> set[str]:
    """Return the names of the environments that a remembered link leads to now."""
    targets = (target for *_, target in _list_records(dirs) if target is not None)
    environments = os.path.realpath(dirs.environments)
    return {
        os.path.basename(target)
        for target in targets
        if os.path.realpath(os.path.dirname(target)) == environments
    }


def forget_gone(dirs: Dirs) -> None:
    """Remember those links no more that are gone, or are something else by now."""
    for record, _, target in _list_records(dirs):
        if target is None:
            with contextlib.suppress(OSError):
                record.unlink()


def list_links(dirs: Dirs) -> Iterator[tuple[Path, str | None]]:
    """Yield each remembered link with what it leads to, None where it is gone."""
    yield from ((link, target) for _, link, target in _list_records(dirs) if link is not None)


def _list_records(dirs: Dirs) -> Iterator[tuple[Path, Path | None, str | None]]:
    """Yield each record with its link and what that leads to, None where there is none."""
    for record in sorted(list_visible(dirs.home / "linked")):
        try:
            link = Path(os.fsdecode(record.read_bytes()))
        except OSError:
            yield record, None, None
        else:
            yield record, link, read_link(link)


def _name_record(dirs: Dirs, path: bytes) -> Path:
    return dirs.home / "linked" / sha256(path).hexdigest()[:32]


def _locate(link: Path) -> Path:
    """Return the path of a link by which it is found from anywhere, itself not followed."""
    return Path(os.path.realpath(link.parent)) / link.name

"""Which symbolic links in a project its files are written through.

A project may come from anywhere, and with it a link that has the name of a lock and leads to a
file of the user's that is none. So a link is followed to a file of its kind inside the project;
out of it only where the user says so, for files of their own.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import RefusedError
from pyx_launcher.locks.reader import FILE_NAMES, is_valid_pylock_path
from pyx_launcher.project.manifest import MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_links(paths: Iterable[Path], directory: Path, *, follow: bool = False) -> None:
    """Refuse to write `paths`, which lie in the project `directory`, where a link leads astray.

    With `follow` one may lead out of the project, to a file of its kind that is the user's own.
    Raises RefusedError.
    """
    for path in paths:
        if path.is_symlink():
            _check_link(path, Path(os.path.realpath(path)), directory, follow=follow)


def _check_link(path: Path, target: Path, directory: Path, *, follow: bool) -> None:
    remove = f"rm {shlex.quote(str(path))}, and start the same command again"
    if not target.is_file():
        raise RefusedError(f"{path} is a link to {target}, which is not a file", hint=remove)
    if not _is_of_kind(path, target):
        problem = f"{path} is a link to {target}, which is neither a lock nor a manifest"
        raise RefusedError(problem, hint=remove)
    if target.is_relative_to(os.path.realpath(directory)):
        return
    if not follow:
        raise RefusedError(
            f"{path} is a link to {target}, outside the project, so it is not written through",
            hint="--follow does, and follow = true in [tool.pyx] of the linked pyproject.toml",
        )
    if os.stat(target).st_uid != os.geteuid():
        raise RefusedError(f"{path} is a link to {target}, which is somebody else's", hint=remove)


def _is_of_kind(path: Path, target: Path) -> bool:
    """Tell whether a file of the name of `target` may be what that of `path` has to be."""
    if path.name == target.name:
        return True
    if target.name in FILE_NAMES or path.suffix != target.suffix:
        return False
    if is_valid_pylock_path(target) or is_valid_pylock_path(path):
        return is_valid_pylock_path(target) and is_valid_pylock_path(path)
    # What is called otherwise is what its reader has found it to be: a manifest, a script's lock.
    return path.name in MANIFESTS or path.name not in FILE_NAMES

"""What the tools that lock would find above a project: settings of strangers are not among it.

uv takes its configuration from the nearest directory that has any, and the root of a workspace
from any directory above, whoever has written it. In a place for everybody, such as ``/tmp``, that
may be somebody who would like to choose an index. Poetry, PDM and Pipenv look beside the project.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import PyxError, RefusedError
from pyx_launcher.files.ownership import check_owners, owners_at
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.locks.reader import FILE_NAMES
from pyx_launcher.project.manifest import MANIFEST, MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Mapping

UV_FILE = "uv.toml"
_ABOVE = (MANIFEST, UV_FILE)
"""What is read in each directory above a project."""

_BESIDE = (*MANIFESTS, *FILE_NAMES, UV_FILE, "poetry.toml", "pdm.toml")
"""What is read in the project itself."""

_OWN_FILES = ("UV_CONFIG_FILE", "UV_NO_CONFIG")


def check_settings(directory: Path, *, is_trusted: bool) -> None:
    """Refuse to lock the project in `directory` where settings of a stranger have a say in it.

    With `is_trusted` the user has named it, which is a word for what lies in it and for nothing
    that lies above. Raises RefusedError.
    """
    owners = owners_at(directory)
    places = [directory / name for name in _BESIDE] if not is_trusted else []
    for above in Path(os.path.realpath(directory)).parents:
        places += [above / name for name in _ABOVE]
    for place in places:
        if os.path.exists(place):
            try:
                check_owners(place, owners)
            except RefusedError as error:
                # To name the project would not help: what lies above it is not in it.
                hint = f"if you trust it, chown it, or move the project out of {place.parent}"
                raise RefusedError(error.message, hint=hint) from None


def settle_uv(directory: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables by which uv reads no configuration that appears above `directory`.

    There are none where there is some in it or above, which `check_settings` has looked at: uv
    looks no further then. Else the user's own or the system's is named; where both are there, uv
    has to join them itself.
    """
    if any(environ.get(name) for name in _OWN_FILES):
        return {}
    for place in (directory, *directory.parents):
        if _configures_uv(place):
            return {}
    config = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    files = [path for path in (f"{config}/uv/uv.toml", "/etc/uv/uv.toml") if os.path.isfile(path)]
    if len(files) > 1 or environ.get("XDG_CONFIG_DIRS"):
        return {}
    return {"UV_CONFIG_FILE": files[0]} if files else {"UV_NO_CONFIG": "1"}


def _configures_uv(directory: Path) -> bool:
    if os.path.isfile(directory / UV_FILE):
        return True
    manifest = directory / MANIFEST
    if not os.path.isfile(manifest):
        return False
    try:
        return "uv" in read_toml(manifest).table("tool").data
    except PyxError:
        # Whatever it is, uv says so.
        return True

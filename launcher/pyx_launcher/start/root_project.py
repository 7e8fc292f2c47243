"""The lock's own project, which its tool would install: an editable behind all that it requires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.locks.common.fields import parse_name
from pyx_launcher.locks.common.packages import ROOT_SOURCE
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.selection import Artifact
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from pyx_launcher.locks.reader import Lock
    from pyx_launcher.selection import Selection


def root_artifact(lock: Lock) -> Artifact | None:
    """Return the lock's own project as an editable artifact, where it is one that is installed.

    Not where its pyproject.toml says ``package-mode = false``, or names neither the project nor
    a build system. Raises LockError, which names the pyproject.toml.
    """
    if lock.root is None or not (lock.root / "pyproject.toml").is_file():
        return None
    document = read_toml(lock.root / "pyproject.toml")
    poetry = document.table("tool").table("poetry")
    standard = document.table("project")
    named = standard if standard.get("name", str, "") else poetry
    name = named.get("name", str, "")
    if not name or not poetry.get("package-mode", bool, True):
        return None
    return Artifact(
        name=parse_name(named, "name", name),
        version=None,
        source=ROOT_SOURCE,
        index=None,
        base=lock.root,
    )


def add_root(selection: Selection, lock: Lock) -> Selection:
    """Return `selection` with the lock's own project behind all others, if it is installed.

    PDM leaves it out together with its own requirements, which are the group ``default``.
    """
    if lock.kind == "pdm" and "default" not in selection.groups:
        return selection
    root = root_artifact(lock)
    if root is None or any(artifact.name == root.name for artifact in selection.artifacts):
        return selection
    return replace(selection, artifacts=(*selection.artifacts, root))

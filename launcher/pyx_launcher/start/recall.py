"""The short way through a slow start: what was decided before for inputs of the same content.

It imports none of what reads a lock, which is most of what a slow start costs.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.dirs import find_working_directory
from pyx_launcher.errors import StoreError
from pyx_launcher.record.decisions import recall
from pyx_launcher.record.record import make_material

if TYPE_CHECKING:
    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.record.decisions import Decision

_JUDGED = ("pip", "ensurepip")
"""Modules whose start depends on what they are told."""


def recall_start(invocation: Invocation, dirs: Dirs) -> Decision | None:
    """Return the decision that holds for this start, None where it is to be made."""
    program = invocation.program
    if invocation.env_files or (program.mode == "m" and program.target in _JUDGED):
        return None
    if is_changing(dirs):
        return None
    found = _find_start(invocation)
    return (
        None if found is None else recall(dirs, make_material(*found, invocation.own, os.environb))
    )


def _find_start(invocation: Invocation) -> tuple[str, Path] | None:
    """Return kind and place of the start as in the key material; None for what has no record."""
    program = invocation.program
    try:
        working = find_working_directory()
    except StoreError:
        # It does not matter to a script that is named by its whole path.
        return None
    if program.mode != "s":
        return "directory", working.resolve()
    name = program.target or ""
    try:
        is_file = stat.S_ISREG(os.stat(working / name).st_mode)
    except OSError:
        return None
    kind = "path" if "/" in name else "name"
    return (kind, Path(os.path.realpath(working / name))) if is_file else None


def is_changing(dirs: Dirs) -> bool:
    """May a change of some project be under way, or have been killed?"""
    try:
        names = os.listdir(dirs.home / "changes")
    except OSError:
        # Nothing was ever changed.
        return False
    # The same that `list_journals` leaves out, without what it takes to import that.
    return not all(name.endswith(".lock") or name.startswith(".") for name in names)

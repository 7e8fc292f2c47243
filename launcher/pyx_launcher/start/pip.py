"""A start of pip, which would install what no program sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.errors import PyxError

if TYPE_CHECKING:
    from pyx_launcher.start.plan import Plan


class NoPipError(PyxError):
    """Pip was to be started where it is not locked; the status is python's for a missing module."""


def check_pip(plan: Plan) -> None:
    """Raise NoPipError for ``-m pip`` where pip is not locked."""
    program = plan.invocation.program
    if program.mode != "m" or program.target != "pip":
        return
    if any(artifact.name == "pip" for artifact in plan.selection.artifacts):
        return
    raise NoPipError("pip is not locked here, and no program would see what it installs")

"""The start that a command speaks of: that of a script it names, else one in the directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.cli.invocation import Program
from pyx_launcher.errors import UsageError
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.errors import PyxError
    from pyx_launcher.start.plan import Plan


def take_script(invocation: Invocation, words: Sequence[str], hint: str) -> Invocation:
    """Return the invocation with the script that the first of `words` names, if there is any.

    Raises UsageError with `hint` where there is no such file.
    """
    if not words:
        return invocation
    name = words[0]
    if not os.path.exists(name):
        raise UsageError(f"there is no script {name}", hint=hint)
    return replace(invocation, program=Program(words=(name,), mode="s", target=name))


def require_lock(plan: Plan) -> None:
    """Raise the error that says so where nothing but the standard library is there to be shown."""
    script = plan.context.script
    if plan.lock is None and (script is None or script.metadata is None):
        raise explain_no_lock(plan, f"pyx --project DIR {plan.invocation.verb}")


def explain_no_lock(plan: Plan, elsewhere: str) -> PyxError:
    """Return what to tell of a start that found no lock; `elsewhere` is for another project."""
    if plan.freshness.error is not None:
        return plan.freshness.error
    return UsageError(
        f"there is no lock in {plan.context.directory} or above",
        hint=f"`pyx init` makes a project here; `{elsewhere}` takes another",
    )


def name_start(plan: Plan) -> str:
    """Return what a report is about: a named environment, a script, or the project's directory."""
    if plan.invocation.named:
        return plan.invocation.named
    if plan.context.script is not None:
        return plan.context.script.path.name
    return find_project(plan).name or "/"


def find_project(plan: Plan) -> Path:
    """Return the directory of the lock; without one, where it was looked for."""
    return plan.context.lock.parent if plan.context.lock else plan.context.directory

"""The start that a command speaks of: that of a script it names, else one in the directory."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.cli.invocation import Program
from pyx_launcher.errors import UsageError
from pyx_launcher.project.manifest import LISTS, find_manifest, find_nearest, name_command
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    nearest = find_nearest(str(plan.context.directory))
    hint = f"`pyx init` makes a project here; `{elsewhere}` takes another"
    if nearest is not None:
        command = name_command(Path(nearest))
        adding = f"{command.removesuffix('lock')}add NAME"
        hint = f"`{command}` makes one, `{adding}` requires a package"
    return UsageError(f"there is no lock in {plan.context.directory} or above", hint=hint)


def explain_left_out(name: str, plan: Plan, *words: str) -> str | None:
    """Return what to tell of a package that the lock has, though not for this start.

    `words` are what was typed behind pyx's own options.
    """
    from pyx_launcher.resolve.pins_of_lock import list_names, versions_in

    if plan.lock is None or canonicalize_name(name) not in list_names(plan.lock.path):
        return None
    if canonicalize_name(name) not in versions_in(plan.lock, plan.found.interpreter):
        return f"{name} is locked, but for other platforms or versions of Python"
    named = [f"@{plan.invocation.named}"] if plan.invocation.named else []
    start = ["pyx", *named, "--all-extras", "--all-groups", *words]
    return f"an extra or a group has it: `{shlex.join(start)}`"


NAMESAKES = frozenset(
    {
        *("black", "coverage", "flake8", "ipython", "isort", "mkdocs", "mypy", "nox", "pylint"),
        *("pre-commit", "pyright", "pytest", "ruff", "tox"),
    }
)
"""Known programs for the work on a project, whose packages have their names.

Of no other program is the package named: on an index its name may be a stranger's.
"""


def advise_namesake(name: str, named: str | None, plan: Plan | None) -> str:
    """Return what to type so that a start has the program `name`, one of `NAMESAKES`.

    `named` is the environment that was named, `plan` that of the start if one can be made.
    """
    if named:
        return f"`pyx @{named} add {name}` adds it"
    nearest = find_nearest(str(find_project(plan))) if plan is not None else ""
    if nearest is None or (plan is not None and plan.context.is_fallback):
        return f"`pyx init` makes a project here, `pyx add --dev {name}` adds it"
    manifest = find_manifest(Path(nearest)) if nearest else None
    # A list of requirements has no groups.
    dev = "" if manifest is not None and manifest.name in LISTS else "--dev "
    return f"`pyx add {dev}{name}` adds it"


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

"""The start that a command speaks of: that of a script it names, else one in the directory."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.cli.counterparts import NAMED_BEHIND, aim, list_members
from pyx_launcher.cli.invocation import Program, repeat_start
from pyx_launcher.commands._lists import find_layer, is_script, refuse_no_script
from pyx_launcher.errors import PyxError, UsageError
from pyx_launcher.project.manifest import (
    LISTS,
    advise_old,
    find_manifest,
    find_nearest,
    list_scripts,
    name_command,
)
from pyx_launcher.project.named import find_surrounding
from pyx_launcher.start.context import DEFAULT_NAME, read_script
from pyx_launcher.start.plan import warn_if_stale
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.start.plan import Plan


def take_script(invocation: Invocation, words: Sequence[str], hint: str) -> Invocation:
    """Return the invocation with the script that the first of `words` names, if there is any.

    Raises UsageError with `hint` where there is no such file.
    """
    if not words:
        return invocation
    name = words[0]
    if not os.path.exists(name):
        hint = "`pyx env list` shows what can stand behind @" if name == "@" else hint
        raise UsageError(f"there is no script {name}", hint=hint)
    refuse_no_script(Path(name).resolve(), name, invocation.verb or "")
    return replace(invocation, program=Program(words=(name,), mode="s", target=name))


def require_lock(plan: Plan) -> None:
    """Raise the error that says so where nothing but the standard library is there to be shown.

    Where an environment stands in for a project that has no lock yet, that is said.
    """
    if plan.context.is_fallback:
        warn_if_stale(plan)
    script = plan.context.script
    if plan.lock is None and (script is None or script.metadata is None):
        raise explain_no_lock(plan, f"pyx --project DIR {plan.invocation.verb}")


def check_ready(plan: Plan) -> None:
    """Raise the error for a start without a lock where something was to be there for it.

    A script, and a project that requires nothing, may do with the standard library.
    """
    script = plan.context.script
    if script is not None and script.metadata is not None:
        return
    is_project = find_nearest(str(plan.context.directory)) is not None
    if plan.freshness.error is not None or (script is None and not is_project):
        raise explain_no_lock(plan, "pyx --project DIR sync")


def explain_no_lock(plan: Plan, elsewhere: str) -> PyxError:
    """Return what to tell of a start that found no lock; `elsewhere` is for another project."""
    if plan.freshness.error is not None:
        return plan.freshness.error
    nearest = find_nearest(str(plan.context.directory))
    hint = f"`pyx init` makes a project here; `{elsewhere}` takes another"
    hint = lead_to_surrounding(plan) or advise_old(plan.context.directory) or hint
    if nearest is not None:
        command = name_command(Path(nearest))
        adding = f"{command.removesuffix('lock')}add NAME"
        hint = f"`{command}` makes one, `{adding}` adds a package"
    return UsageError(f"there is no lock in {plan.context.directory} or above", hint=hint)


def lead_to_surrounding(plan: Plan) -> str | None:
    """Return what to type where the environment that a shell was started in may be meant."""
    within, verb, asked = find_surrounding(), plan.invocation.verb, plan.invocation
    is_told = asked.named is not None or asked.projects or plan.context.script is not None
    if within is None or verb is None or plan.lock is not None or is_told:
        return None
    settings = [
        word
        for option, values in asked.settings.items()
        for word in ([option] if not values else [w for value in values for w in (option, value)])
    ]
    own = repeat_start(asked)[1:]
    words = [verb, *settings, *asked.words, *asked.program.words]
    command = shlex.join(["pyx", within, *own, *words])
    return f"`{command}` is about the environment that this was started in"


def explain_left_out(name: str, plan: Plan, *words: str) -> str | None:
    """Return what to tell of a package that the lock has, though not for this start.

    `words` are what was typed behind pyx's own options.
    """
    from pyx_launcher.resolve.pins_of_lock import find_options, list_names, versions_in

    if plan.lock is None or canonicalize_name(name) not in list_names(plan.lock.path):
        return None
    if is_selected(name, plan):
        return None
    if canonicalize_name(name) not in versions_in(plan.lock, plan.found.interpreter):
        for place, member in list_members(find_project(plan)):
            if member == canonicalize_name(name) and not plan.invocation.projects:
                return _lead_to_member(name, place, words)
        return f"{name} is locked, but for other platforms or versions of Python"
    named = [f"@{plan.invocation.named}"] if plan.invocation.named else []
    options = find_options(plan.lock, plan.found.interpreter, canonicalize_name(name))
    if not options:
        return None
    start = ["pyx", *named, *options, *words]
    return f"an extra or a group has it: `{shlex.join(start)}`"


def is_selected(name: str, plan: Plan) -> bool:
    """Tell whether a start has the package `name`."""
    return canonicalize_name(name) in {one.name for one in plan.selection.artifacts}


def explain_program_of_member(name: str, plan: Plan, words: Sequence[str]) -> str | None:
    """Return what to tell of a program that another project of the workspace has."""
    own = Path(plan.invocation.project or plan.context.directory).resolve()
    for place, _ in list_members(find_project(plan)):
        if not own.is_relative_to(Path(place).resolve()) and name in list_scripts(Path(place)):
            return _lead_to_member(name, place, ("run", *words))
    return None


def _lead_to_member(name: str, place: str, words: Sequence[str]) -> str:
    command = shlex.join(["pyx", "--project", place, *words])
    return f"another project of the workspace has {name}: `{command}`"


NAMESAKES = frozenset(
    {
        *("black", "coverage", "flake8", "ipython", "isort", "jupyter", "mkdocs", "mypy"),
        *("nox", "pylint", "pre-commit", "pyright", "pytest", "ruff", "tox"),
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
    layer = find_layer(manifest, name) if manifest is not None else None
    if layer is not None:
        return layer
    # A list of requirements has no groups.
    dev = "" if manifest is not None and manifest.name in LISTS else "--dev "
    return f"`pyx add {dev}{name}` adds it"


def aim_hint(error: PyxError, invocation: Invocation) -> None:
    """Make the commands of the hint speak of what `invocation` is about, if that is not here."""
    error.hint = aim(error.hint, *_find_target(invocation))


def _find_target(invocation: Invocation) -> tuple[list[str], str | None]:
    """Return the words that name an environment or a project, and the script that is its own."""
    verb, settings = invocation.verb or "", invocation.settings
    words = [*invocation.words[:2], invocation.program.target or ""]
    if settings.get("--script") and verb != "init":
        script = settings["--script"][-1]
        return [], shlex.quote(script) if is_script(Path(script), is_changed=True) else None
    if verb in NAMED_BEHIND and words[0].startswith("@"):
        return words[:1], None
    if invocation.named or "--user" in settings:
        return [f"@{invocation.named or DEFAULT_NAME}"], None
    projects = [value or "" for name, value in invocation.options if name == "--project"]
    if projects:
        # Of one that is not there, a hint speaks itself.
        are_there = all(map(os.path.exists, projects))
        return [word for one in projects for word in ("--project", one) if are_there], None
    scripts = (word for word in words if verb not in VERBS or not VERBS[verb].passes_from)
    return [], next((shlex.quote(word) for word in scripts if _has_block(word)), None)


def _has_block(name: str) -> bool:
    """Tell whether `name` is a script that says itself what it requires."""
    if not name.endswith(".py") or not os.path.isfile(name):
        return False
    with contextlib.suppress(PyxError, OSError):
        return read_script(Path(name).resolve()).block_text is not None
    return False


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

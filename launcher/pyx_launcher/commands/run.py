"""``pyx run``: become a console script of the environment, whose ``bin`` is first on PATH."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.cli.env_file import add_variables
from pyx_launcher.cli.invocation import repeat_start
from pyx_launcher.commands._arguments import check_words
from pyx_launcher.commands._notebook import NOTEBOOK, advise_notebook
from pyx_launcher.commands._target import (
    NAMESAKES,
    advise_namesake,
    explain_left_out,
    explain_program_of_member,
    find_project,
    is_selected,
    lead_to_surrounding,
)
from pyx_launcher.environment.activation import list_programs
from pyx_launcher.errors import NotFoundError, UsageError
from pyx_launcher.launch import decide, make_ready
from pyx_launcher.project.manifest import (
    MANIFEST,
    find_nearest,
    is_buildable,
    is_name_of,
    is_package,
    list_scripts,
    name_command,
)
from pyx_launcher.project.named import WITHIN
from pyx_launcher.start.execution import become_program
from pyx_launcher.start.pip import check_pip
from pyx_launcher.start.plan import warn_if_stale
from pyx_launcher.tools import is_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.environment.directory import Environment
    from pyx_launcher.start.plan import Plan


_CLOSE = 0.7
"""How like two names must be, from 0 to 1: `jupyter` is no slip for `pytest`."""


def run_run(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Make the environment ready and become the program that the first word names."""
    check_words(invocation, 1, at_most=len(invocation.words))
    if "://" in invocation.words[0]:
        raise UsageError(
            f"{invocation.words[0]} is not on this machine",
            hint="fetch it first and read it, then start the file",
        )
    plan = decide(invocation, environ)
    check_pip(plan, environ)
    if plan.lock is not None:
        warn_if_stale(plan)
    environment = make_ready(plan, environ).environment
    name = invocation.words[0]
    problem = (
        f"{plan.lock.path} has no program {name}"
        if plan.lock is not None
        else f"there is no program {name} here: no lock in {plan.context.directory} or above"
    )
    if name.endswith(".py") and not os.path.lexists(name):
        problem += ", and there is no such file"
    of_script = _hint_of_script(invocation) or _hint_of_version(invocation)
    program = find_program(
        environment,
        name,
        problem,
        lambda close: of_script or _explain_missing(name, plan, environ, close),
    )
    if plan.lock is None:
        # Only python itself is found without one.
        warn_if_stale(plan)
    search = os.pathsep.join(filter(None, (str(environment.path / "bin"), environ.get("PATH"))))
    variables = {**add_variables(invocation.env_files, environ), "PATH": search}
    variables.pop(WITHIN, None)
    if invocation.named is not None:
        # What is typed in a shell or a notebook of it is meant for it.
        variables[WITHIN] = f"@{invocation.named}"
    return become_program(program, invocation.words[1:], variables, hint=of_script)


def _hint_of_script(invocation: Invocation) -> str | None:
    """Return the start that is meant where the name of a program is that of a script."""
    name, *behind = invocation.words
    start = repeat_start(invocation)
    if name.endswith(NOTEBOOK) and os.path.isfile(name):
        is_new = invocation.named is None and find_nearest(os.getcwd()) is None
        return advise_notebook(name, start, is_new=is_new)
    if not name.endswith(".py"):
        return None
    if os.path.isfile(name):
        return shlex.join([*start, name, *behind])
    # Only what is mistyped needs it.
    from pyx_launcher.commands._suggest import find_script

    close = find_script(name)
    return f"did you mean {shlex.join([*start, close, *behind])}?" if close is not None else None


def _hint_of_version(invocation: Invocation) -> str | None:
    """Return the command for a python of another version than the environment has."""
    found = re.fullmatch(r"python(3\.\d+t?)", invocation.words[0])
    if found is None:
        return None
    start = repeat_start(invocation, "--python")
    return shlex.join([*start, "--python", found[1], *invocation.words[1:]])


def _explain_missing(name: str, plan: Plan, environ: Mapping[str, str], close: str) -> str:
    """Return what to do about a program that the environment does not have.

    What the project itself says comes first, then `close`, the likely slip. A name alone never
    becomes a package to be fetched: on an index it may be a stranger's.
    """
    directory, staleness = find_project(plan), plan.freshness.staleness
    is_own = name in list_scripts(directory)
    # Of a lock that is there and out of date, a warning has spoken already.
    if close and not is_own and (staleness is None or plan.lock is not None):
        return close
    if staleness is not None:
        told = f"{staleness.path}: {staleness.problem}; run `{staleness.command}`"
        return told if plan.lock is None else f"run `{staleness.command}`, which may bring it"
    if is_own:
        return _explain_own(name, directory)
    of_surrounding = lead_to_surrounding(plan)
    if of_surrounding is not None:
        return of_surrounding
    of_member = explain_program_of_member(name, plan, plan.invocation.words)
    if of_member is not None:
        return of_member
    left_out = explain_left_out(name, plan, "run", *plan.invocation.words)
    if left_out is not None:
        return left_out
    none = _explain_none(name, plan, directory)
    if none is not None:
        return none
    if is_installed(plan.dirs.home / "tools", name):
        return f"it is an installed tool: `{shlex.join(['pyx', 'tool', 'run', name])}`"
    found = shutil.which(name, path=environ.get("PATH"))
    advice = advise_namesake(name, plan.invocation.named, plan) if name in NAMESAKES else ""
    if found is not None:
        words = shlex.join(plan.invocation.words[1:])
        command = f'pyx run "$(command -v {shlex.quote(name)})" {words}'.rstrip()
        advice = advice or "add the package that has it (`pyx add PACKAGE`)"
        return f"{advice}, or run {found}: `{command}`"
    if advice:
        return advice
    if plan.lock is None:
        return "name the project that has it: `pyx --project DIR run NAME`"
    return "add the package that has it, which may have another name: `pyx add PACKAGE`"


def _explain_none(name: str, plan: Plan, directory: Path) -> str | None:
    """Return what to do about a package, or the project itself, without a program of its name.

    None where neither has the name.
    """
    if not is_name_of(name, directory):
        is_there = is_selected(name, plan)
        return f"the package {name} is there, but has no program of that name" if is_there else None
    tables = "[project.scripts]" if is_buildable(directory) else "[build-system], [project.scripts]"
    return (
        f"the project itself is {name}, and names no such program: {tables} in"
        f" {directory / MANIFEST} would, then `{name_command(directory)}`"
    )


def _explain_own(name: str, directory: Path) -> str:
    """Return what to do about a program of the project itself that has not been made."""
    command = name_command(directory)
    if not is_buildable(directory):
        return (
            f"the project itself has {name}, but is not installed: give its pyproject.toml a"
            f" [build-system] table, then run `{command}`"
        )
    if not is_package(directory):
        return (
            f"the project itself has {name}, but its pyproject.toml says that it is not installed:"
            f" take out package-mode = false, then run `{command}`"
        )
    return f"the project itself has {name}: run `{command}`"


def find_program(
    environment: Environment, name: str, problem: str, advise: Callable[[str], str]
) -> Path:
    """Return the program `name` of the environment; one that has a slash is taken as it is.

    Nothing else on PATH is taken: what is missing from the lock must not be replaced by whatever
    the machine has. Raises NotFoundError, which says the `problem`. `advise` is given what says
    which programs are close, or nothing, and returns the hint.
    """
    if "/" in name:
        return Path(name)
    program = environment.path / "bin" / name
    if os.path.lexists(program):
        return program
    known = list_programs(environment.path)
    close = difflib.get_close_matches(name, known, n=3, cutoff=_CLOSE)
    hint = f"did you mean {' or '.join(close)}?" if close else ""
    raise NotFoundError(problem, hint=advise(hint))

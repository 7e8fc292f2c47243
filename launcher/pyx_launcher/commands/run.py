"""``pyx run``: become a console script of the environment, whose ``bin`` is first on PATH."""

from __future__ import annotations

import difflib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.commands._arguments import check_words
from pyx_launcher.console import flush_streams
from pyx_launcher.errors import CannotExecuteError, NotFoundError
from pyx_launcher.launch import decide, make_ready
from pyx_launcher.start.plan import warn_if_stale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.environment.directory import Environment


def run_run(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Make the environment ready and become the program that the first word names."""
    check_words(invocation, 1, at_most=len(invocation.words))
    plan = decide(invocation, environ)
    if plan.lock is not None:
        warn_if_stale(plan)
    environment = make_ready(plan, environ).environment
    name = invocation.words[0]
    staleness = plan.freshness.staleness
    if plan.lock is not None:
        giver, hint = str(plan.lock.path), f"pyx add the distribution that has {name}"
    else:
        giver = f"the standard library alone (no lock in {plan.context.directory} or above)"
        hint = f"pyx tool run {name}, or pyx --project DIR run {name}"
        if staleness is not None:
            hint = f"{staleness.path} has no lock yet: run `{staleness.command}`"
    of_script = _hint_of_script(name)
    program = find_program(environment, name, giver, of_script or hint)
    search = os.pathsep.join(filter(None, (str(environment.path / "bin"), environ.get("PATH"))))
    return become_program(
        program, invocation.words[1:], {**environ, "PATH": search}, hint=of_script
    )


def _hint_of_script(name: str) -> str | None:
    is_script = name.endswith(".py") and os.path.isfile(name)
    return f"pyx {shlex.quote(name)}" if is_script else None


def find_program(environment: Environment, name: str, giver: str, hint: str) -> Path:
    """Return the program `name` of the environment; one that has a slash is taken as it is.

    Nothing else on PATH is taken: what is missing from the lock must not be replaced by whatever
    the machine has. Raises NotFoundError, which names the `giver` and close names, else `hint`.
    """
    if "/" in name:
        return Path(name)
    program = environment.path / "bin" / name
    if os.path.lexists(program):
        return program
    known = sorted(os.listdir(environment.path / "bin"))
    close = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else hint
    raise NotFoundError(f"{giver} gives no program {name}", hint=hint)


def become_program(
    program: Path,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    hint: str | None = None,
) -> int:
    """Execute `program`. Raises NotFoundError and CannotExecuteError where that fails."""
    flush_streams()
    try:
        # Becoming another program is what a launcher is for.
        os.execve(program, [str(program), *arguments], dict(environ))  # noqa: S606
    except FileNotFoundError as error:
        raise NotFoundError(f"cannot execute {program}: {error.strerror}") from error
    except OSError as error:
        raise CannotExecuteError(
            f"cannot execute {program}: {error.strerror}", hint=hint
        ) from error

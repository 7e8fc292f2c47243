"""``pyx run``: become a console script of the environment, whose ``bin`` is first on PATH."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.commands.words import check_words
from pyx_launcher.errors import CannotExecuteError, NotFoundError
from pyx_launcher.launch import flush_streams, make_plan, make_ready

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.environment import Environment
    from pyx_launcher.invocation import Invocation


def run_run(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Make the environment ready and become the program that the first word names."""
    check_words(invocation, 1, at_most=len(invocation.words))
    plan = make_plan(invocation, environ)
    environment = make_ready(plan, environ).environment
    lock = str(plan.lock.path) if plan.lock else "no lock"
    program = find_program(environment, invocation.words[0], lock)
    return become_program(environment, program, invocation.words, environ)


def find_program(environment: Environment, name: str, lock: str) -> Path:
    """Return the program `name` of the environment; one that has a slash is taken as it is.

    Nothing else on PATH is taken: what is missing from the lock must not be replaced by whatever
    the machine has. Raises NotFoundError, which names `lock`.
    """
    if "/" in name:
        return Path(name)
    program = environment.path / "bin" / name
    if os.path.lexists(program):
        return program
    known = sorted(os.listdir(environment.path / "bin"))
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"pyx add the distribution that has {name}"
    raise NotFoundError(f"{lock} gives no program {name}", hint=hint)


def become_program(
    environment: Environment, program: Path, words: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Execute `program` with `words`; its children find the environment's programs first."""
    search = os.pathsep.join(filter(None, (str(environment.path / "bin"), environ.get("PATH"))))
    flush_streams()
    try:
        # Becoming another program is what a launcher is for.
        os.execve(  # noqa: S606
            program, [str(program), *words[1:]], {**environ, "PATH": search}
        )
    except FileNotFoundError as error:
        raise NotFoundError(f"cannot execute {program}: {error.strerror}") from error
    except OSError as error:
        raise CannotExecuteError(f"cannot execute {program}: {error.strerror}") from error

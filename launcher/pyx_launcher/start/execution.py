"""The last step of every start: this process becomes the program."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.console import flush_streams
from pyx_launcher.errors import CannotExecuteError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def become_python(python: Path, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Become an environment's `python` with the user's words; raises as `become_program` does."""
    hint = "set PYX_HOME to a directory from which programs may run"
    return become_program(python, words, environ, hint=hint, missing="it is gone")


def become_program(
    program: Path,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    hint: str | None = None,
    missing: str | None = None,
) -> int:
    """Execute `program`. Raises NotFoundError and CannotExecuteError where that fails.

    `hint` is for a program that is there; `missing` says in other words that it is not.
    """
    flush_streams()
    try:
        # Becoming another program is what a launcher is for.
        os.execve(program, [str(program), *arguments], dict(environ))  # noqa: S606
    except FileNotFoundError as error:
        raise NotFoundError(f"cannot execute {program}: {missing or error.strerror}") from error
    except OSError as error:
        raise CannotExecuteError(
            f"cannot execute {program}: {error.strerror}", hint=hint
        ) from error

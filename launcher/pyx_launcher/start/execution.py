"""The last step of every start: this process becomes the program."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.console import flush_streams
from pyx_launcher.errors import CannotExecuteError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def become_program(python: Path, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Become an environment's `python` with the user's words. Raises only where that fails."""
    flush_streams()
    try:
        # Becoming another program is what a launcher is for.
        os.execve(python, [str(python), *words], dict(environ))  # noqa: S606
    except FileNotFoundError as error:
        raise NotFoundError(f"cannot execute {python}: it is gone") from error
    except OSError as error:
        raise CannotExecuteError(
            f"cannot execute {python}: {error.strerror}",
            hint="set PYX_HOME to a directory from which programs may run",
        ) from error

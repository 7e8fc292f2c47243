"""What is told of a start that has to do with a notebook, before it is made."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from pyx_launcher.cli.invocation import repeat_start
from pyx_launcher.console import tell
from pyx_launcher.errors import UsageError
from pyx_launcher.project.manifest import find_nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.cli.invocation import Invocation

NOTEBOOK = ".ipynb"
"""How the names of notebooks end."""


def look_at_notebook(invocation: Invocation) -> None:
    """Raise UsageError for a notebook as a script; tell who makes a kernel of a better one."""
    program, start = invocation.program, repeat_start(invocation)
    name = program.target or ""
    if program.mode == "s" and _is_notebook(name):
        is_new = start == ["pyx"] and find_nearest(os.getcwd()) is None
        hint = advise_notebook(name, start, is_new=is_new)
        raise UsageError(f"{name} is a notebook, not a script", hint=hint)
    if program.mode == "m" and "install" in program.words:
        tell(
            "this kernel keeps to the packages of today;"
            f" `{shlex.join([*start, 'env', '--kernel'])}` makes one that follows the lock"
        )


def advise_notebook(name: str, start: Sequence[str], *, is_new: bool = False) -> str:
    """Return what opens the notebook `name`; `is_new` where no project is to have it yet."""
    adding = [*start, "add", *(["--init"] if is_new else []), "jupyterlab"]
    run = [*start, "run", "jupyter", "lab", *([name] if name else [])]
    return f"`{shlex.join(adding)}` adds what opens it, then `{shlex.join(run)}`"


def _is_notebook(name: str) -> bool:
    """Tell whether it is one by its content, too: a script may have any name."""
    if not os.path.isfile(name):
        return False
    try:
        with open(name, "rb") as file:
            return file.read(4096).lstrip()[:1] == b"{"
    except OSError:
        return False

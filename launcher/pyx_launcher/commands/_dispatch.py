"""The management commands, one file each."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.commands._arguments import refuse_empty, refuse_name
from pyx_launcher.console import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyx_launcher.cli.invocation import Invocation, Program


def run_verb(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Run the verb of `invocation` and return the exit status."""
    name = invocation.verb or ""
    if name in VERBS:
        refuse_name(invocation)
        refuse_empty(invocation)
        if VERBS[name].speaks_of_start:
            _refuse_file(invocation.program, name)
        if is_runnable(name):
            tell(f"this is the command {name}; what lies here runs with `pyx ./{name}`")
        module = importlib.import_module(f"pyx_launcher.commands.{name}")
        command: Callable[[Invocation, Mapping[str, str]], int] = getattr(module, f"run_{name}")
        return command(invocation, environ)
    if name == "--complete":
        from pyx_launcher.commands.complete import run_complete

        return run_complete(invocation, environ)
    from pyx_launcher.commands.help import format_usage, version_line
    from pyx_launcher.console import write_out

    write_out(version_line() if name == "--version" else format_usage(invocation.words))
    return 0


def _refuse_file(program: Program, verb: str) -> None:
    """Raise UsageError for a list, a lock or the like where a command speaks of a script."""
    name = program.target or ""
    if program.mode == "s" and not name.endswith(".py") and os.path.isfile(name):
        from pyx_launcher.commands._lists import refuse_no_script

        refuse_no_script(Path(name).resolve(), name, verb)


def is_runnable(name: str) -> bool:
    """Tell whether python would run `name` in the working directory: a script or a directory.

    A directory is run by its ``__main__.py``; one without it is nothing that was meant.
    """
    return os.path.isfile(name) or os.path.isfile(os.path.join(name, "__main__.py"))

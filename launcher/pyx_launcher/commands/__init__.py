"""The management commands, one file each."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from pyx_launcher.commands.words import refuse_name
from pyx_launcher.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyx_launcher.invocation import Invocation


def run_verb(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Run the verb of `invocation` and return the exit status."""
    name = invocation.verb or ""
    if name in VERBS:
        refuse_name(invocation)
        module = importlib.import_module(f"pyx_launcher.commands.{name}")
        command: Callable[[Invocation, Mapping[str, str]], int] = getattr(module, f"run_{name}")
        return command(invocation, environ)
    from pyx_launcher.commands.usage import format_usage, version_line
    from pyx_launcher.launch import write_out

    write_out(version_line() if name == "--version" else format_usage(invocation.words))
    return 0

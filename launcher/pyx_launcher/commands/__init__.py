"""The management commands, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.invocation import Invocation


def run_verb(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Run the verb of `invocation` and return the exit status."""
    if invocation.verb == "sync":
        from pyx_launcher.commands.sync import run_sync

        return run_sync(invocation, environ)
    if invocation.verb == "info":
        from pyx_launcher.commands.info import run_info

        return run_info(invocation, environ)
    from pyx_launcher.commands.usage import USAGE, version_line
    from pyx_launcher.launch import write_out

    write_out(version_line() if invocation.verb == "--version" else USAGE)
    return 0

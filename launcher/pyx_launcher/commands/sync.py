"""``pyx sync``: make everything ready that a start would need, and say what was done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.console import write_out
from pyx_launcher.dirs import resolve_dirs
from pyx_launcher.start.recall import recall_start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation


def run_sync(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Fetch, unpack and build; prints a line for each new entry and a summary on stdout."""
    known = None if invocation.settings else recall_start(invocation, resolve_dirs(environ))
    if known is None or _may_have_link(known.outcome.lock):
        write_out(_make_ready(invocation, environ))
    else:
        made = known.outcome
        write_out(_describe(made.lock, 0, len(made.entries), "ready", made.version) + "\n")
    return 0


def _may_have_link(lock: str) -> bool:
    """Could there be a link to the environment beside the lock, which has to follow it?"""
    return bool(lock) and os.path.lexists(os.path.join(os.path.dirname(lock), ".venv"))


def _make_ready(invocation: Invocation, environ: Mapping[str, str]) -> str:
    """Do all that is to be done, and return what was."""
    from pyx_launcher.environment.editors import refresh_link
    from pyx_launcher.launch import decide, make_ready, remember
    from pyx_launcher.start.plan import warn_if_stale

    plan = decide(invocation, environ)
    warn_if_stale(plan)
    ready = make_ready(plan, environ)
    remember(ready)
    provision = ready.provision
    lines = [f"+ {entry.label}" for entry in provision.fetched]
    lock = ready.plan.context.lock
    lines.append(
        _describe(
            str(lock or ""),
            len(provision.fetched),
            len(provision.entries) - len(provision.fetched),
            "made" if ready.is_new else "ready",
            ready.environment.interpreter.version,
        )
    )
    if "--compile" in invocation.settings:
        from pyx_launcher.environment.bytecode import compile_environment

        compiled = compile_environment(ready.environment, ready.plan.dirs)
        told = f"bytecode: {compiled.written} files compiled, {compiled.ready} were already"
        lines.append(told + (f", {compiled.failed} cannot be" if compiled.failed else ""))
    link = refresh_link(lock.parent, ready.plan.dirs, ready.environment.path) if lock else None
    if link is not None:
        lines.append(f"{link} -> {ready.environment.path}")
    return "".join(f"{line}\n" for line in lines)


def _describe(lock: str, fetched: int, old: int, state: str, version: str) -> str:
    return (
        f"{lock or 'no lock'}: {fetched} fetched, {old} already in the store, "
        f"environment {state} for Python {version}"
    )

"""``pyx sync``: make everything ready that a start would need, and say what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.console import write_out
from pyx_launcher.environment.editors import refresh_link
from pyx_launcher.launch import decide, make_ready, remember
from pyx_launcher.start.plan import warn_if_stale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation


def run_sync(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Fetch, unpack and build; prints a line for each new entry and a summary on stdout."""
    plan = decide(invocation, environ)
    warn_if_stale(plan)
    ready = make_ready(plan, environ)
    remember(ready)
    provision = ready.provision
    lines = [f"+ {entry.label}" for entry in provision.fetched]
    old = len(provision.entries) - len(provision.fetched)
    lock = ready.plan.context.lock
    lines.append(
        f"{lock or 'no lock'}: {len(provision.fetched)} fetched, {old} already in the store, "
        f"environment {'made' if ready.is_new else 'ready'} "
        f"for Python {ready.environment.interpreter.version}"
    )
    if "--compile" in invocation.settings:
        from pyx_launcher.environment.bytecode import compile_environment

        compiled = compile_environment(ready.environment, ready.plan.dirs)
        told = f"bytecode: {compiled.written} files compiled, {compiled.ready} were already"
        lines.append(told + (f", {compiled.failed} cannot be" if compiled.failed else ""))
    link = refresh_link(lock.parent, ready.plan.dirs, ready.environment.path) if lock else None
    if link is not None:
        lines.append(f"{link} -> {ready.environment.path}")
    write_out("\n".join(lines) + "\n")
    return 0

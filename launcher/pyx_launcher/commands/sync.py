"""``pyx sync``: make everything ready that a start would need, and say what was done."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.cli.invocation import repeat_start
from pyx_launcher.console import tell, write_out
from pyx_launcher.dirs import resolve_dirs
from pyx_launcher.environment.directory import list_installed
from pyx_launcher.environment.editors import refresh_link
from pyx_launcher.start.recall import recall_start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation


def run_sync(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Fetch, unpack and build; prints a line for each new entry and a summary on stdout."""
    dirs = resolve_dirs(environ)
    known = None if invocation.settings else recall_start(invocation, dirs)
    if known is None or not known.product.lock:
        lines, lock, environment = _make_ready(invocation, environ)
    else:
        made = known.product
        lines = [_describe(made.lock, 0, made.entries, "ready", made.version)]
        lock, environment = made.lock, made.environment
    link = refresh_link(Path(lock).parent, dirs, environment) if lock else None
    if link is not None:
        lines.append(f"{link} -> {environment}")
    write_out("".join(f"{line}\n" for line in lines))
    installed = list_installed(environment)
    if installed:
        # Another tool may have followed the link to it, and its other projects have that as well.
        count = f" and {len(installed) - 3} more" if len(installed) > 3 else ""
        again = shlex.join([*repeat_start(invocation), "sync"])
        tell(
            f"warning: another tool has installed {', '.join(installed[:3])}{count} into "
            f"{environment}, which other projects may share; "
            f"`rm -r {shlex.quote(str(environment))} && {again}` makes it anew without"
        )
    return 0


def _make_ready(invocation: Invocation, environ: Mapping[str, str]) -> tuple[list[str], str, Path]:
    """Do all that is to be done; return what was, the lock if there is one, the environment."""
    from pyx_launcher.launch import decide, make_ready, remember
    from pyx_launcher.start.plan import warn_if_stale

    plan = decide(invocation, environ)
    if plan.lock is None:
        # A start that has a lock does without it.
        from pyx_launcher.commands._target import check_ready

        check_ready(plan)
    warn_if_stale(plan)
    ready = make_ready(plan, environ)
    remember(ready)
    provision, lock = ready.provision, str(ready.plan.context.lock or "")
    lines = [f"+ {entry.label}" for entry in provision.fetched]
    lines.append(
        _describe(
            lock,
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
    return lines, lock, ready.environment.path


def _describe(lock: str, fetched: int, old: int, state: str, version: str) -> str:
    if not (lock or fetched or old):
        return f"no lock: environment {state} for Python {version}, without packages"
    return (
        f"{lock or 'no lock'}: {fetched} fetched, {old} already in the store, "
        f"environment {state} for Python {version}"
    )

"""The whole way of a start, from the command line to the interpreter, in order.

    argv → Invocation → Context → Lock → Selection → entries → Environment → launch record → exec

Each step is a folder beside this file. A second start of the same kind needs none of it: the
native program finds the launch record and becomes the interpreter at once.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.console import debug, has_told, tell
from pyx_launcher.environment.directory import launch_of, list_environment_guards, read_sizes
from pyx_launcher.errors import NoInterpreterError, UnavailableError
from pyx_launcher.files.hashing import sha256
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.installation import find_native, find_template
from pyx_launcher.project.named import VERSION_FILE
from pyx_launcher.provision import fetch_entries, make_environment
from pyx_launcher.record.decisions import Product, keep
from pyx_launcher.record.record import LaunchRecord, find_record, write_record
from pyx_launcher.record.words import check_launch, make_words
from pyx_launcher.start.execution import become_python
from pyx_launcher.start.pip import check_pip
from pyx_launcher.start.plan import (
    find_start,
    find_unmeant,
    make_plan,
    material_of,
    needs_lock,
    warn_if_stale,
)
from pyx_launcher.store.entry import list_guards
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.environment.directory import Environment
    from pyx_launcher.provision import Provision
    from pyx_launcher.record.checks import Check
    from pyx_launcher.start.context import Context
    from pyx_launcher.start.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A plan with its environment on disk."""

    plan: Plan
    provision: Provision
    environment: Environment
    is_new: bool
    """Was the environment directory made now?"""
    was_quiet: bool
    """Had nothing been said on stderr of what was decided?"""


def run_program(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Make everything ready for the program of `invocation`, and become it."""
    plan = decide(invocation, environ)
    check_pip(plan, environ)
    warn_if_stale(plan)
    variables = environ
    if invocation.env_files:
        from pyx_launcher.cli.env_file import add_variables

        variables = add_variables(invocation.env_files, environ)
    ready = make_ready(plan, environ)
    remember(ready)
    return become_python(ready.environment.python, plan.invocation.program.words, variables)


def decide(invocation: Invocation, environ: Mapping[str, str], *, may_lock: bool = True) -> Plan:
    """Find the context, lock an inline block that has no lock yet, and decide all the rest.

    If `may_lock` is false, or the user said ``--locked``, such a block is a LockError.
    """
    context, dirs = find_start(invocation, environ)
    if needs_lock(context) and may_lock and not invocation.locked:
        context = lock_block(context, invocation, environ)
    try:
        return make_plan(invocation, environ, context, dirs)
    except NoInterpreterError:
        script = context.script
        is_ours = context.block is not None and script is not None and not script.requires_python
        if not is_ours or not may_lock or invocation.locked:
            raise
    # The script takes any Python: it is our lock that was made for another one.
    context = lock_block(context, invocation, environ, old=_read_own(context))
    return make_plan(invocation, environ, context, dirs)


def _read_own(context: Context) -> bytes | None:
    from pyx_launcher.project.journal import read_file

    return read_file(context.lock) if context.lock is not None else None


def lock_block(
    context: Context,
    invocation: Invocation,
    environ: Mapping[str, str],
    *,
    old: bytes | None = None,
) -> Context:
    """Lock the inline block of a script, in place of the lock `old`; return `context` as of now."""
    from pyx_launcher.resolve.script import lock_first
    from pyx_launcher.resolve.tools import make_toolbox

    if context.block is not None and context.lock is not None and context.script is not None:
        box = make_toolbox(environ, offline=invocation.offline)
        script, block = context.script.path, context.block
        lock_first(context.lock, script, block, box, tell, python=invocation.python, old=old)
    return replace(context, since=time.time())


def make_ready(plan: Plan, environ: Mapping[str, str]) -> Ready:
    """Bring every artifact into the store and build the environment."""
    was_quiet = not has_told()
    try:
        made = make_environment(
            plan.selection,
            plan.found.interpreter,
            plan.dirs,
            environ,
            native=find_native(),
            offline=plan.invocation.offline,
        )
    except UnavailableError as error:
        _advise_removal(error, plan)
        raise
    for line in plan.stack.hidden if made.is_new else ():
        tell(line)
    return Ready(
        plan=plan,
        provision=made.provision,
        environment=made.environment,
        is_new=made.is_new,
        was_quiet=was_quiet,
    )


def _advise_removal(error: UnavailableError, plan: Plan) -> None:
    """Say how every later start succeeds, where a package that the project names has no build."""
    if not error.unbuilt or plan.lock is None:
        return
    from shlex import join

    from pyx_launcher.project.manifest import find_manifest, list_main

    manifest = find_manifest(plan.lock.path.parent)
    named = list_main(manifest) if manifest is not None else set()
    removed = [name for name in error.unbuilt if name in named]
    if removed:
        command = join(["pyx", "remove", *removed])
        error.hint = "; ".join(filter(None, (error.hint, f"to start without it: `{command}`")))


def fetch_all(plan: Plan, environ: Mapping[str, str]) -> Provision:
    """Bring every artifact into the store, for who needs no environment."""
    return fetch_entries(
        plan.selection,
        plan.found.interpreter,
        plan.dirs,
        environ,
        offline=plan.invocation.offline,
    )


def remember(ready: Ready) -> None:
    """Write the launch record, so that the next such start needs none of this."""
    with closed_to_others():
        _remember(ready)


def _remember(ready: Ready) -> None:
    plan = ready.plan
    inputs = plan.inputs
    if plan.invocation.env_files:
        debug("no launch record: a file of variables is read anew at each start")
        return
    if not plan.context.repeatable or inputs is None:
        debug("no launch record: not every input can be told from its earlier self")
        return
    is_unlocked = plan.lock is None or plan.context.is_fallback
    if is_unlocked and plan.freshness.staleness is not None:
        debug("no launch record: that there is no lock is said at each start")
        return
    if is_unlocked and find_unmeant(plan):
        debug("no launch record: that the shell is of another environment is said at each start")
        return
    launch = launch_of(plan.dirs, ready.environment)
    path = ready.environment.path
    try:
        record = LaunchRecord(
            material=material_of(plan),
            # The interpreter is among both; each start looks at it once.
            checks=tuple(dict.fromkeys((*inputs, *check_launch(path, path, launch)))),
            words=make_words(path, launch, _name_code(ready)),
        )
        place = find_record(plan.dirs.records, record.material)
        reason = write_record(place, record, inputs=inputs, since=plan.context.since)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
    debug(f"no launch record: {reason}" if reason else f"wrote launch record {place}")
    # What was said is to be said again where the same is met again.
    if not reason and ready.was_quiet:
        with contextlib.suppress(OSError):
            _keep(ready, plan.dirs.decisions / place.name, record, inputs)


def _keep(ready: Ready, place: Path, record: LaunchRecord, inputs: Iterable[Check]) -> None:
    """Keep the decision in `place` for inputs of the same content; raises OSError."""
    plan, environment = ready.plan, ready.environment
    interpreter, entries = environment.interpreter, environment.entries
    # A link may lead to another interpreter of the same bytes, which is more than one file; and
    # another pyx may decide otherwise.
    exact = {find_template(), interpreter.path, *map(Path, interpreter.files)}
    exact |= {path for path in plan.found.inputs if path.name != VERSION_FILE}
    guards = list_environment_guards(environment.path)
    guards += (guard for entry in entries for guard in list_guards(entry.path))
    product = Product(
        environment=environment.path,
        sizes=read_sizes(environment.path),
        guards=tuple(dict.fromkeys(guards)),
        entries=len(entries),
        lock=str(plan.context.lock or ""),
        version=interpreter.version,
    )
    read = {check.path for check in inputs} - set(map(os.fsencode, exact))
    keep(place, record, product, read=read)


def _name_code(ready: Ready) -> str:
    """Return the file for the bytecode of the script, whose directory is there; empty if none."""
    script = ready.plan.context.script
    if script is None:
        return ""
    directory = ready.plan.dirs.code
    with contextlib.suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        words = f"{script.path}\0{ready.environment.interpreter.facts_digest}"
        digest = sha256(words.encode("utf-8", "surrogateescape")).hexdigest()
        return str(directory / f"{digest[:32]}.pyc")
    return ""

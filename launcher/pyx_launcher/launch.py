"""Run an invocation: the whole way from the command line to the interpreter, in order.

    argv → Invocation → Context → Lock → Selection → entries → Environment → launch record → exec

Each step is one module. This one composes them.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.build.builder import list_trees
from pyx_launcher.console import debug, flush_streams, tell
from pyx_launcher.dirs import Dirs, find_working_directory, resolve_dirs
from pyx_launcher.environment.directory import Environment, build_environment, launch_of
from pyx_launcher.errors import (
    CannotExecuteError,
    LockError,
    NotFoundError,
    PyxError,
    StoreError,
)
from pyx_launcher.files.hashing import sha256
from pyx_launcher.files.ownership import check_owner, closed_to_others
from pyx_launcher.installation import find_native, find_template
from pyx_launcher.interpreters.finder import Found, find_interpreter
from pyx_launcher.locks.reader import Lock, read_lock
from pyx_launcher.progress import show_progress
from pyx_launcher.provision import Provision, provide
from pyx_launcher.record.record import LaunchRecord, find_record, make_material, write_record
from pyx_launcher.record.words import check_launch, make_words
from pyx_launcher.selection import Selection, check_reliance, select
from pyx_launcher.start.context import Context, find_context
from pyx_launcher.start.freshness import Freshness, find_freshness
from pyx_launcher.start.inputs import check_inputs, recover_inputs, see_lock
from pyx_launcher.start.root_project import add_root
from pyx_launcher.start.stack import Stack, stack_environments
from pyx_launcher.store.format_version import check_formats
from pyx_launcher.store.lock import hold_stores
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.specifiers import SpecifierSet

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.record.checks import Check


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that is decided before anything is fetched."""

    invocation: Invocation
    dirs: Dirs
    context: Context
    lock: Lock | None
    found: Found
    selection: Selection
    """With what `stack` appended."""
    stack: Stack
    since: float
    """When the first input was looked at, in seconds since the epoch."""
    freshness: Freshness
    """Whether the lock fits the project it was made for."""
    inputs: tuple[Check, ...] | None
    """What must stay so for the same to be decided again; None where that cannot be told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A plan with its environment on disk."""

    plan: Plan
    provision: Provision
    environment: Environment
    made: bool
    """Was the environment directory made now?"""


def run_program(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Make everything ready for the program of `invocation`, and become it."""
    plan = make_plan(invocation, environ)
    warn_if_stale(plan)
    ready = make_ready(plan, environ)
    remember(ready)
    return execute(ready, environ)


def make_plan(invocation: Invocation, environ: Mapping[str, str], *, may_lock: bool = True) -> Plan:
    """Decide lock, interpreter and artifacts. Reads files and may probe an interpreter.

    An inline block that has no lock yet is locked, unless `may_lock` is false: then LockError.
    """
    since = time.time()
    dirs = resolve_dirs(environ)
    context = find_context(invocation, dirs, _working_directory(invocation))
    recovery = recover_inputs(context, dirs, tell)
    if recovery is not None and recovery.has_restored:
        since = time.time()
        context = find_context(invocation, dirs, _working_directory(invocation))
    if context.block is not None and context.lock and not context.lock.exists():
        _lock_block(context, invocation, environ, may_lock=may_lock)
        since = time.time()
    seen = see_lock(context)
    lock = read_lock(context.lock, context.directory) if context.lock else None
    debug(f"{lock.path if lock else 'no lock'} ({context.reason})")
    freshness = _find_freshness(invocation, lock, context)
    requires, required_by = _find_requirement(context, lock)
    with closed_to_others():
        found = find_interpreter(
            request=invocation.python,
            requires_python=requires,
            start=context.home,
            environ=environ,
            cache=dirs.interpreters,
            template=find_template(),
            required_by=required_by,
        )
    debug(f"{found.interpreter.path} ({found.reason})")
    selection = Selection(artifacts=(), extras=frozenset(), groups=frozenset())
    if lock is not None:
        selection = add_root(select(lock, found.interpreter, invocation.choice), lock)
        _check_owners(context, lock, selection)
    stack = stack_environments(selection, lock, invocation.stacked, found.interpreter, dirs)
    check_reliance(stack.selection, invocation.unhashed)
    for tools in stack.locks:
        check_owner(tools.path, context.directory)
    seen = (*seen, *stack.seen)
    inputs = check_inputs(context, lock, found, stack, seen, freshness.looked)
    if recovery is not None and recovery.is_unfinished:
        # What another pyx is about to finish, or to undo, is nothing to remember.
        inputs = None
    return Plan(
        invocation=invocation,
        dirs=dirs,
        context=context,
        lock=lock,
        found=found,
        selection=stack.selection,
        stack=stack,
        since=since,
        freshness=freshness,
        inputs=inputs,
    )


def _lock_block(
    context: Context, invocation: Invocation, environ: Mapping[str, str], *, may_lock: bool
) -> None:
    """Lock the inline block of a script, which has no lock beside it nor one of ours."""
    if context.block is None or context.lock is None or context.script is None:
        return
    script = context.script.path
    if not may_lock or invocation.locked:
        from shlex import quote

        name = quote(str(script))
        raise LockError(
            script,
            "its inline block has not been locked yet",
            hint=f"pyx sync {name}, or pyx lock {name} to have the lock beside it",
        )
    from pyx_launcher.resolve.script import lock_first
    from pyx_launcher.resolve.tools import make_toolbox

    box = make_toolbox(environ, offline=invocation.offline)
    lock_first(context.lock, script, context.block, box, tell, python=invocation.python)


def _find_freshness(invocation: Invocation, lock: Lock | None, context: Context) -> Freshness:
    """Return whether the lock fits its project. Raises LockError where it has to and does not."""
    try:
        freshness = find_freshness(lock, context)
    except PyxError as error:
        # The programs of a project run although uv, say, could not read all of its files.
        if invocation.locked:
            raise
        debug(f"the lock may be out of date: {error.message}")
        return Freshness()
    if invocation.locked and freshness.error is not None:
        raise freshness.error
    return freshness


def _find_requirement(context: Context, lock: Lock | None) -> tuple[SpecifierSet, str]:
    """Return which versions of Python may run the program, and what says so."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if lock is not None:
        return lock.requires_python, str(lock.path)
    script = context.script
    if script is None or not script.requires_python:
        return SpecifierSet(), "no lock"
    try:
        return SpecifierSet(script.requires_python), str(script.path)
    except InvalidSpecifier as error:
        raise LockError(script.path, str(error), where="inline block: requires-python") from error


def _check_owners(context: Context, lock: Lock, selection: Selection) -> None:
    """Refuse what decides, or is run by, a build as a foreign lock would be refused."""
    if context.trusted:
        return
    decisive = [*lock.inputs]
    for artifact in selection.artifacts:
        decisive += list_trees(artifact)
    for path in dict.fromkeys(decisive):
        if os.path.exists(path):
            check_owner(path, context.directory)


def warn_if_stale(plan: Plan) -> None:
    """Say on stderr that the lock no longer fits its project, or that a project has none."""
    staleness = plan.freshness.staleness
    if staleness is not None:
        tell(f"warning: {staleness.path}: {staleness.problem}; run `{staleness.command}`")
    elif plan.freshness.doubt is not None:
        tell(f"warning: {plan.freshness.doubt.message}; what the project requires cannot be told")


def make_ready(plan: Plan, environ: Mapping[str, str]) -> Ready:
    """Bring every artifact into the store and build the environment."""
    provision = fetch_all(plan, environ)
    interpreter, entries = plan.found.interpreter, provision.entries
    with closed_to_others():
        environment, made = build_environment(plan.dirs, interpreter, entries, find_native())
    debug(f"{environment.path} ({'made' if made else 'found'}, {environment.layout})")
    for conflict in environment.conflicts if made else ():
        debug(conflict)
    for line in plan.stack.hidden if made else ():
        tell(line)
    return Ready(plan=plan, provision=provision, environment=environment, made=made)


def fetch_all(plan: Plan, environ: Mapping[str, str]) -> Provision:
    """Bring every artifact into the store. Nothing that is there may be deleted from now on."""
    with closed_to_others():
        # Until the program runs, or this process ends.
        hold_stores(plan.dirs)
        check_formats(plan.dirs)
        return provide(
            plan.selection,
            plan.found.interpreter,
            plan.dirs,
            environ,
            offline=plan.invocation.offline,
            progress=show_progress,
        )


def remember(ready: Ready) -> None:
    """Write the launch record, so that the next such start needs none of this."""
    with closed_to_others():
        _remember(ready)


def _remember(ready: Ready) -> None:
    plan = ready.plan
    inputs = plan.inputs
    if not plan.context.repeatable or inputs is None:
        debug("no launch record: not every input can be told from its earlier self")
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
        reason = write_record(place, record, inputs=inputs, since=plan.since)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
    debug(f"no launch record: {reason}" if reason else f"wrote launch record {place}")


def material_of(plan: Plan) -> bytes:
    """Return the key material of the plan's start."""
    context = plan.context
    return make_material(context.kind, context.start, plan.invocation.own, os.environb)


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


def execute(ready: Ready, environ: Mapping[str, str]) -> int:
    """Become the environment's python with the user's words. Raises only where that fails."""
    python = ready.environment.python
    flush_streams()
    try:
        # Becoming another program is what a launcher is for.
        os.execve(  # noqa: S606
            python, [str(python), *ready.plan.invocation.program.words], dict(environ)
        )
    except FileNotFoundError as error:
        raise NotFoundError(f"cannot execute {python}: it is gone") from error
    except OSError as error:
        raise CannotExecuteError(
            f"cannot execute {python}: {error.strerror}",
            hint="set PYX_HOME to a directory from which programs may run",
        ) from error


def _working_directory(invocation: Invocation) -> Path:
    try:
        return find_working_directory()
    except StoreError:
        program = invocation.program
        if program.mode == "s" and program.target and program.target.startswith("/"):
            # It does not matter to a script that is named by its whole path.
            return Path("/")
        raise

"""Everything that is decided before anything is fetched: lock, interpreter, artifacts, freshness.

Reads files and may probe an interpreter; starts no resolver and opens no connection.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.console import debug, tell
from pyx_launcher.dirs import Dirs, find_working_directory, resolve_dirs
from pyx_launcher.errors import (
    LockError,
    PyxError,
    RefusedError,
    StoreError,
    reading,
)
from pyx_launcher.files.hashing import sha256
from pyx_launcher.files.ownership import check_owner, closed_to_others, obey_owners
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import (
    NO_ARTIFACT,
    FoundInterpreter,
    Interpreter,
    find_interpreter,
)
from pyx_launcher.locks.common.packages import PackageDirectory
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.locks.reader import Lock, read_lock
from pyx_launcher.record.record import make_material
from pyx_launcher.selection import Selection, check_reliance, select
from pyx_launcher.start.context import Context, find_context
from pyx_launcher.start.freshness import PROJECT_FILE, Freshness, find_freshness, name_rest
from pyx_launcher.start.inputs import check_inputs, recover_inputs, see_lock
from pyx_launcher.start.stack import Stack, stack_environments
from pyx_launcher.values import dataclass, replace

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
    found: FoundInterpreter
    selection: Selection
    """With what `stack` appended."""
    stack: Stack
    freshness: Freshness
    """Whether the lock fits the project it was made for."""
    inputs: tuple[Check, ...] | None
    """What must stay so for the same to be decided again; None where that cannot be told."""


def find_start(invocation: Invocation, environ: Mapping[str, str]) -> tuple[Context, Dirs]:
    """Return what the start of `invocation` obeys, after a change that was killed is undone."""
    dirs = resolve_dirs(environ)
    working = _working_directory(invocation)
    context = find_context(invocation, dirs, working)
    recovery = recover_inputs(context, dirs, tell)
    if recovery is not None and recovery.has_restored:
        context = find_context(invocation, dirs, working)
    # What another pyx is about to finish, or to undo, is nothing to remember.
    settled = recovery is None or not recovery.is_unfinished
    obey_owners(None if context.trusted else context.project)
    return replace(context, settled=settled), dirs


def make_plan(
    invocation: Invocation, environ: Mapping[str, str], context: Context, dirs: Dirs
) -> Plan:
    """Decide lock, interpreter and artifacts. Raises LockError for a block that is not locked."""
    check_block(context)
    seen = see_lock(context)
    lock = None
    if context.lock is not None:
        lock = read_lock(context.lock, context.project, context.more_locks)
    debug(f"{lock.path if lock else 'no lock'} ({context.reason})")
    freshness = _find_freshness(invocation, lock, context)
    if context.is_fallback and freshness.error is not None and _names_part(invocation):
        # It is the project that has it; the lock of the environment knows nothing of that.
        raise freshness.error
    requires, required_by = _find_requirement(context, lock)
    # What was selected for each interpreter that was looked at.
    selected: dict[Path, Selection] = {}

    def count_builds(interpreter: Interpreter) -> int:
        if lock is None:
            return 0
        try:
            selected[interpreter.path] = select(lock, interpreter, invocation.choice)
        except PyxError:
            return NO_ARTIFACT
        return sum(one.kind == "sdist" for one in selected[interpreter.path].artifacts)

    with closed_to_others():
        found = find_interpreter(
            request=invocation.python,
            requires_python=requires,
            start=context.home,
            environ=environ,
            cache=dirs.interpreters,
            template=find_template(),
            required_by=required_by,
            count_builds=count_builds,
        )
    debug(f"{found.interpreter.path} ({found.reason})")
    selection = Selection(artifacts=(), extras=frozenset(), groups=frozenset())
    if lock is not None:
        from pyx_launcher.start.root_project import add_root

        known = selected.get(found.interpreter.path)
        selection = add_root(known or select(lock, found.interpreter, invocation.choice), lock)
        _check_owners(context, lock, selection)
    stack = stack_environments(selection, lock, invocation.stacked, found.interpreter, dirs)
    check_reliance(stack.selection, invocation.unhashed)
    for tools in stack.locks:
        check_owner(tools.path, context.directory)
    seen = (*seen, *stack.seen)
    inputs = check_inputs(context, lock, found, stack, seen, freshness.looked)
    return Plan(
        invocation=invocation,
        dirs=dirs,
        context=context,
        lock=lock,
        found=found,
        selection=stack.selection,
        stack=stack,
        freshness=freshness,
        inputs=inputs if context.settled else None,
    )


def _names_part(invocation: Invocation) -> bool:
    """Tell whether an extra or a group is asked for by its name."""
    choice = invocation.choice
    return bool(choice.extras or choice.groups or choice.only_groups)


def needs_lock(context: Context) -> bool:
    """Is the lock of the script's inline block (PEP 723) still to be made?"""
    return context.block is not None and context.lock is not None and not context.lock.exists()


def check_block(context: Context) -> None:
    """Raise LockError, with the way to lock it, for an inline block without a lock."""
    if needs_lock(context) and context.script is not None:
        from shlex import quote

        name = quote(str(context.script.path))
        raise LockError(
            context.script.path,
            "its inline block has not been locked yet",
            hint=f"`pyx sync {name}`, or `pyx lock {name}` to have the lock beside it",
        )


def _find_freshness(invocation: Invocation, lock: Lock | None, context: Context) -> Freshness:
    """Return whether the lock fits its project. Raises LockError where it has to and does not."""
    try:
        with reading(lock.path if lock is not None else context.start):
            freshness = find_freshness(lock, context)
    except RefusedError:
        raise
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
    from packaging.specifiers import SpecifierSet

    if lock is not None:
        with reading(lock.path, "requires-python"):
            # What a number is read from is looked at only when something is compared with it.
            lock.requires_python.contains("3.9")
            owner = lock.path
            if context.block is not None and context.script is not None:
                # Its lock may be pyx's own, which nobody has to know of.
                owner = context.script.path
            return lock.requires_python, str(owner)
    script = context.script
    if script is None or not script.requires_python:
        asked = None if script is not None and script.metadata is not None else _find_asked(context)
        return asked or (SpecifierSet(), "no lock")
    with reading(script.path, "inline block: requires-python"):
        versions = SpecifierSet(script.requires_python)
        versions.contains("3.9")
        return versions, str(script.path)


def _find_asked(context: Context) -> tuple[SpecifierSet, str] | None:
    """Return which versions the nearest project asks for, which has no lock yet."""
    from packaging.specifiers import SpecifierSet

    from pyx_launcher.project.manifest import find_manifest

    # What is wrong with a project is told where it is needed.
    with contextlib.suppress(PyxError, OSError):
        for directory in (context.directory, *context.directory.parents):
            path = find_manifest(directory)
            if path is None:
                continue
            check_owner(path, context.directory)
            if path.name != PROJECT_FILE:
                return None
            with reading(path, "project.requires-python"):
                asked = read_toml(path).table("project").get("requires-python", str, "")
                versions = SpecifierSet(asked)
                versions.contains("3.9")
                return (versions, str(path)) if asked else None
    return None


def _check_owners(context: Context, lock: Lock, selection: Selection) -> None:
    """Refuse what decides, or is run by, a build as a foreign lock would be refused."""
    if context.trusted:
        return
    decisive = [*lock.inputs]
    for artifact in selection.artifacts:
        if isinstance(artifact.source, PackageDirectory):
            from pyx_launcher.build.builder import list_trees

            decisive += list_trees(artifact)
    for path in dict.fromkeys(decisive):
        if os.path.exists(path):
            check_owner(path, context.project)


def warn_if_stale(plan: Plan) -> None:
    """Say on stderr that the lock no longer fits its project, or that a project has none.

    Once for each project it says which lock is used where there are several.
    """
    _tell_preference(plan)
    _tell_passed_by(plan)
    _tell_faults(plan)
    _tell_slips(plan)
    _tell_surrounding(plan)
    staleness = plan.freshness.staleness
    if staleness is not None:
        tell(f"warning: {staleness.path}: {staleness.problem}; run `{staleness.command}`")
    elif plan.freshness.doubt is not None:
        tell(f"warning: {plan.freshness.doubt.message}; pyx cannot tell what the project requires")


def _tell_preference(plan: Plan) -> None:
    preference = plan.context.preference
    # What somebody has settled need not be told.
    if preference is None or not preference.ignored or preference.reason.startswith("[tool.pyx]"):
        return
    ignored = ", ".join(map(str, preference.ignored))
    line = f"takes {preference.lock}, not {ignored}, since {preference.reason}"
    _tell_once(plan, line, "; `lock` in the table [tool.pyx] chooses one")


def _tell_passed_by(plan: Plan) -> None:
    """Say that a list of requirements nearer than the lock is none itself.

    Raises LockError where that is not to be passed over.
    """
    lock, directory, asked = plan.context.lock, plan.context.directory, plan.invocation
    is_told = asked.projects or asked.named or plan.context.block is not None
    if lock is None or lock.parent not in directory.parents or is_told:
        return
    # Few starts come as far as this.
    from shlex import quote

    from pyx_launcher.project.manifest import WISHES, name_command, requires_anything

    for place in (directory, *directory.parents):
        path = place / WISHES
        if place == lock.parent:
            return
        is_list = False
        # That it is broken is told where it is locked.
        with contextlib.suppress(PyxError):
            is_list = path.is_file() and requires_anything(path)
        if not is_list:
            continue
        why = "it does not pin by hash, so it is not a lock"
        if asked.locked:
            other = f"`--project {quote(str(lock.parent))}` takes {lock.name} there"
            raise LockError(path, why, hint=f"run `{name_command(place)}`; {other}")
        _tell_once(plan, f"takes {lock}, not {path}: {why}")
        return


def describe_faults(lock: Lock | None) -> str | None:
    """Return in one line what breaks the rules of a lock's format, though it was understood."""
    faults = getattr(lock, "faults", ())
    if lock is None or not faults:
        return None
    more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{lock.path} breaks PEP 751: {faults[0]}{more}"


def _tell_faults(plan: Plan) -> None:
    line = describe_faults(plan.lock)
    if line is not None:
        _tell_once(plan, f"warning: {line}")


def _tell_slips(plan: Plan) -> None:
    """Say what a script or a pyproject.toml of this start says in vain."""
    script = plan.context.script
    if script is not None and script.fault is not None:
        tell("; ".join(filter(None, (f"warning: {script.fault.message}", script.fault.hint))))
    preference = plan.context.preference
    # Not every lock tells whether it fits its project.
    beside = () if preference is None else (preference.lock.with_name(PROJECT_FILE),)
    for path in (*plan.freshness.looked, *beside):
        if path.name == PROJECT_FILE and path.is_file():
            from pyx_launcher.project.misspelt import describe_manifest

            line = describe_manifest(path)
            if line is not None:
                tell(f"warning: {line}")
            return


def find_unmeant(plan: Plan) -> str | None:
    """Return the ``@NAME`` of the environment that the shell here is for, and the start is not.

    None where a lock or an option settles what the start has.
    """
    asked, script = plan.invocation, plan.context.script
    is_settled = plan.lock is not None and not plan.context.is_fallback
    is_told = asked.named is not None or asked.projects
    if is_settled or is_told or (script is not None and script.metadata is not None):
        return None
    from pyx_launcher.project.named import find_surrounding

    return find_surrounding()


def _tell_surrounding(plan: Plan) -> None:
    within = find_unmeant(plan)
    if within is not None:
        has = name_rest(plan.context)
        tell(f"warning: no lock here: a start has {has}; `pyx {within} SCRIPT` has {within}")


def _tell_once(plan: Plan, line: str, end: str = "") -> None:
    stamp = plan.dirs.cache / "told" / sha256(os.fsencode(line)).hexdigest()[:32]
    if stamp.exists():
        return
    tell(f"{line}{end}")
    with contextlib.suppress(OSError):
        stamp.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp.touch()


def material_of(plan: Plan) -> bytes:
    """Return the key material of the plan's start."""
    context = plan.context
    return make_material(context.kind, context.start, plan.invocation.own, os.environb)


def _working_directory(invocation: Invocation) -> Path:
    try:
        return find_working_directory()
    except StoreError:
        program = invocation.program
        if program.mode == "s" and program.target and program.target.startswith("/"):
            # It does not matter to a script that is named by its whole path.
            return Path("/")
        raise

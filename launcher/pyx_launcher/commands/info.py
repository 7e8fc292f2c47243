"""``pyx info``: what a start would get, and why. Fetches nothing and makes nothing ready.

``--sbom`` is another answer to the same question, for machines: it fetches what is missing, since
only the metadata of a distribution tells its licence and what it requires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.environment import find_environment
from pyx_launcher.formats import check_formats
from pyx_launcher.launch import Plan, make_plan, material_of, write_out
from pyx_launcher.naming import name_artifacts
from pyx_launcher.provision import find_entries
from pyx_launcher.record import find_change, find_record, read_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyx_launcher.environment import Environment
    from pyx_launcher.invocation import Invocation


def run_info(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print the answer on stdout: one ``name: value`` per line, or a bill of materials."""
    if "--sbom" in invocation.settings:
        write_out(_describe_materials(make_plan(invocation, environ), environ))
        return 0
    plan = make_plan(invocation, environ, may_lock=False)
    label = "{}:".format
    write_out("".join(f"{label(n) if n else '':<15}{value}\n" for n, value in _describe(plan)))
    return 0


def _describe_materials(plan: Plan, environ: Mapping[str, str]) -> str:
    from pyx_launcher import __version__
    from pyx_launcher.progress import show_progress
    from pyx_launcher.provision import provide
    from pyx_launcher.sbom import format_bill

    provision = provide(
        plan.selection,
        plan.found.interpreter,
        plan.dirs,
        environ,
        offline=plan.invocation.offline,
        progress=show_progress,
    )
    # By now it is known which file was meant where a lock has hashes alone.
    artifacts = name_artifacts(plan.selection, plan.found.interpreter, plan.dirs).artifacts
    interpreter = plan.found.interpreter
    return format_bill(_name(plan), artifacts, provision.entries, interpreter, __version__)


def _name(plan: Plan) -> str:
    """Return what the bill is of: a named environment, a script, or the project's directory."""
    if plan.invocation.named:
        return plan.invocation.named
    if plan.context.script is not None:
        return plan.context.script.path.name
    directory = plan.context.lock.parent if plan.context.lock else plan.context.directory
    return directory.name or "/"


def _describe(plan: Plan) -> Iterator[tuple[str, str]]:
    interpreter = plan.found.interpreter
    yield "lock", f"{plan.context.lock or 'none'} ({plan.context.reason})"
    staleness = plan.freshness.staleness
    if staleness is not None:
        shown = f"{staleness.path}: " if staleness.path != plan.context.lock else ""
        yield "", f"{shown}{staleness.problem}; run `{staleness.command}`"
    yield "interpreter", f"{interpreter.path} {interpreter.version} ({plan.found.reason})"
    names = ", ".join(sorted(plan.selection.groups | plan.selection.extras))
    yield "groups", names or "none"
    for number, name in enumerate(plan.stack.names):
        yield "tools" if number == 0 else "", f"@{name}"
    for number, line in enumerate(plan.stack.hidden):
        yield "hidden" if number == 0 else "", line
    check_formats(plan.dirs)
    entries, missing = find_entries(plan.selection, interpreter, plan.dirs)
    yield "distributions", f"{len(plan.selection.artifacts)}, {len(missing)} not in the store"
    yield from (("", f"missing {artifact.label}") for artifact in missing)
    environment = None if missing else find_environment(plan.dirs, interpreter, entries)
    if environment is None:
        yield "environment", "not made yet; `pyx sync` makes it"
    else:
        yield from _describe_environment(plan, environment)
    yield "next start", _describe_next(plan)


def _describe_environment(plan: Plan, environment: Environment) -> Iterator[tuple[str, str]]:
    yield "environment", str(environment.path)
    yield "layout", environment.layout
    yield "sys.path", _first_of_path(plan)
    for place in (*environment.interpreter.stdlib, *environment.sys_path):
        yield "", place
    for number, conflict in enumerate(environment.conflicts):
        yield "conflicts" if number == 0 else "", conflict


def _first_of_path(plan: Plan) -> str:
    if plan.invocation.program.mode == "s":
        return f"{plan.context.directory} (of the script)"
    return f"{plan.context.start} (the working directory, '' for -c, - and the prompt)"


def _describe_next(plan: Plan) -> str:
    if not plan.context.repeatable:
        return "slow path: the script is not an ordinary file"
    path = find_record(plan.dirs.records, material_of(plan))
    record = read_record(path)
    if record is None or record.material != material_of(plan):
        return "slow path: there is no launch record yet"
    change = find_change(record)
    return f"slow path: {change}" if change else f"fast path: launch record {path} holds"

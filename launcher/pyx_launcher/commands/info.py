"""``pyx info``: what a start would get, and why. Fetches nothing and makes nothing ready.

``--sbom`` is another answer to the same question, for machines: it fetches what is missing, since
only the metadata of a distribution tells its licence and what it requires.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pyx_launcher.commands._format import format_json
from pyx_launcher.commands._target import lead_to_surrounding, name_start
from pyx_launcher.console import write_out
from pyx_launcher.environment.directory import find_environment
from pyx_launcher.environment.proof import find_way
from pyx_launcher.index.hash_lookup import name_artifacts
from pyx_launcher.installation import find_native
from pyx_launcher.launch import decide, fetch_all
from pyx_launcher.provision import find_entries
from pyx_launcher.record.record import find_change, find_record, read_record
from pyx_launcher.start.plan import Plan, describe_faults, material_of
from pyx_launcher.store.format_version import check_formats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.environment.directory import Environment
    from pyx_launcher.selection import Artifact

Facts = dict[str, Any]
"""What ``--json`` prints; the keys are promised in `cli/commands.py`."""


def run_info(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print the answer on stdout: one ``name: value`` per line, as JSON, or a bill of materials."""
    if "--sbom" in invocation.settings:
        write_out(_describe_materials(decide(invocation, environ), environ))
        return 0
    plan = decide(invocation, environ, may_lock=False)
    facts = find_facts(plan)
    if "--json" in invocation.settings:
        write_out(format_json(facts))
        return 0
    label = "{}:".format
    lines = _describe(plan, facts)
    write_out("".join(f"{label(n) if n else '':<15}{value}\n" for n, value in lines))
    return 0


def _describe_materials(plan: Plan, environ: Mapping[str, str]) -> str:
    from pyx_launcher import __version__
    from pyx_launcher.reports.sbom import format_bill
    from pyx_launcher.resolve.tools import make_toolbox

    toolbox = make_toolbox(environ, offline=plan.invocation.offline)
    entries = fetch_all(plan, environ).entries
    # By now it is known which file was meant where a lock has hashes alone.
    artifacts = name_artifacts(plan.selection, plan.found.interpreter, plan.dirs).artifacts
    interpreter = plan.found.interpreter
    return format_bill(
        name_start(plan),
        artifacts,
        entries,
        interpreter,
        version=__version__,
        python=toolbox.find_python_with("cyclonedx"),
    )


def find_facts(plan: Plan) -> Facts:
    """Return what a start after `plan` would get, in values of JSON."""
    context, interpreter = plan.context, plan.found.interpreter
    check_formats(plan.dirs)
    entries, missing = find_entries(plan.selection, interpreter, plan.dirs)
    environment = None if missing else find_environment(plan.dirs, interpreter, entries)
    is_fast, reason = _find_next(plan)
    return {
        "lock": str(context.lock) if context.lock else None,
        "reason": context.reason,
        "stale": _find_stale(plan),
        "interpreter": {
            "path": str(interpreter.path),
            "version": interpreter.version,
            "reason": plan.found.reason,
        },
        "start": _find_way(plan),
        "groups": sorted(plan.selection.groups),
        "extras": sorted(plan.selection.extras),
        "tools": [*plan.stack.names],
        "hidden": [*plan.stack.hidden],
        "markers": _find_doubts(plan),
        "distributions": _name_all(plan.selection.artifacts),
        "missing": _name_all(missing),
        "environment": str(environment.path) if environment else None,
        "layout": environment.layout if environment else None,
        "sys_path": _list_path(plan, environment) if environment else [],
        "conflicts": [*environment.conflicts] if environment else [],
        "next_start": {"fast": is_fast, "reason": reason},
    }


def _find_way(plan: Plan) -> Facts:
    """Return how programs start with the interpreter, and why."""
    if os.environ.get("PYX_START") == "public":
        return {"way": "public", "reason": "PYX_START says so"}
    way = find_way(plan.found.interpreter, plan.dirs.interpreters, find_native())
    if way is None:
        return {"way": None, "reason": "not tried yet; the first start will try it"}
    return {"way": "fast" if way.fast else "public", "reason": way.reason}


def _find_stale(plan: Plan) -> Facts | None:
    found = plan.freshness.staleness
    if found is None:
        return None
    return {"path": str(found.path), "problem": found.problem, "command": found.command}


def _find_doubts(plan: Plan) -> list[str]:
    """Return the comparisons in markers of the lock to which not all tools say the same."""
    if plan.lock is None:
        return []
    from pyx_launcher.locks.common.content import read_content
    from pyx_launcher.locks.common.marker_rules import RULES, list_doubts

    text = read_content(plan.lock.path, None)
    rule = next((rule for rule in RULES if rule == plan.lock.kind), RULES[0])
    return list_doubts(rule, text, plan.found.interpreter.markers)


def _name_all(artifacts: Iterable[Artifact]) -> list[Facts]:
    return [{"name": artifact.name, "version": artifact.version} for artifact in artifacts]


def _list_path(plan: Plan, environment: Environment) -> list[str]:
    is_script = plan.invocation.program.mode == "s"
    first = plan.context.directory if is_script else plan.context.start
    return [str(first), *environment.interpreter.stdlib, *environment.sys_path]


def _describe(plan: Plan, facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield the same for a person."""
    yield "lock", f"{facts['lock'] or 'none'} ({facts['reason']})"
    if (hint := lead_to_surrounding(plan)) is not None:
        yield "", hint
    stale, interpreter = facts["stale"], facts["interpreter"]
    if stale is not None:
        shown = f"{stale['path']}: " if stale["path"] != facts["lock"] else ""
        yield "", f"{shown}{stale['problem']}; run `{stale['command']}`"
    if (faults := describe_faults(plan.lock)) is not None:
        yield "", faults
    if plan.freshness.doubt is not None:
        yield "", f"{plan.freshness.doubt.message}; pyx cannot tell what the project requires"
    yield "interpreter", f"{interpreter['path']} {interpreter['version']} ({interpreter['reason']})"
    start = facts["start"]
    yield "start", f"the {start['way']} way: {start['reason']}" if start["way"] else start["reason"]
    yield "groups", ", ".join(sorted({*facts["groups"], *facts["extras"]})) or "none"
    yield from _label("tools", [f"@{name}" for name in facts["tools"]])
    yield from _label("hidden", facts["hidden"])
    yield from _label("markers", facts["markers"])
    missing = facts["missing"]
    yield "packages", f"{len(facts['distributions'])}, {len(missing)} not in the store"
    for artifact in missing:
        yield "", f"missing {artifact['name']} {artifact['version'] or ''}".rstrip()
    if facts["environment"] is None:
        yield "environment", "not made yet; `pyx sync` makes it"
    else:
        yield "environment", facts["environment"]
        yield "layout", facts["layout"]
        first, *others = facts["sys_path"]
        yield from _label("sys.path", [f"{first} ({_tell_first(plan)})", *others])
        yield from _label("conflicts", facts["conflicts"])
    following = facts["next_start"]
    yield "next start", f"{'fast' if following['fast'] else 'slow'} path: {following['reason']}"


def _label(name: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines):
        yield name if number == 0 else "", line


def _tell_first(plan: Plan) -> str:
    if plan.invocation.program.mode == "s":
        return "of the script"
    return "the working directory, '' for -c, - and the prompt"


def _find_next(plan: Plan) -> tuple[bool, str]:
    """Return whether the next such start takes the fast path, and why or why not."""
    if not plan.context.repeatable:
        return False, "the script is not an ordinary file"
    path = find_record(plan.dirs.records, material_of(plan))
    record = read_record(path)
    if record is None or record.material != material_of(plan):
        return False, "there is no launch record yet"
    change = find_change(record)
    return (False, change) if change else (True, f"launch record {path} holds")

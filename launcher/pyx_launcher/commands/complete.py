"""``pyx --complete KIND``: the names that a shell offers at Tab. Only completion scripts ask so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.commands._target import find_project
from pyx_launcher.console import write_out
from pyx_launcher.errors import PyxError
from pyx_launcher.launch import decide
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.project.manifest import find_manifest, list_required, list_scripts
from pyx_launcher.provision import find_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.start.plan import Plan


def run_complete(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print on stdout what the first word asks for, a name a line; nothing where that fails.

    A shell that waits for this must not be told of mistakes, nor wait for an index.
    """
    kinds: dict[str, Callable[[Plan], set[str]]] = {
        "required": _list_required,
        "programs": _list_programs,
        "importable": _list_importable,
        "groups": lambda plan: _choose_all(plan)[1],
        "extras": lambda plan: _choose_all(plan)[0],
    }
    try:
        names = kinds[invocation.words[0]](decide(invocation, environ, may_lock=False))
    except (PyxError, OSError, LookupError):
        return 1
    write_out("".join(f"{name}\n" for name in sorted(names)))
    return 0


def _list_required(plan: Plan) -> set[str]:
    manifest = find_manifest(find_project(plan))
    return list_required(manifest) if manifest else set()


def _list_programs(plan: Plan) -> set[str]:
    from pyx_launcher.environment.activation import list_programs
    from pyx_launcher.environment.directory import find_environment

    interpreter = plan.found.interpreter
    entries, missing = find_entries(plan.selection, interpreter, plan.dirs)
    environment = None if missing else find_environment(plan.dirs, interpreter, entries)
    if environment is None:
        return list_scripts(find_project(plan))
    names = list_programs(environment.path)
    return {name for name in names if not name.startswith(("python", "pip"))}


def _list_importable(plan: Plan) -> set[str]:
    entries, _ = find_entries(plan.selection, plan.found.interpreter, plan.dirs)
    tops = {top.partition(".")[0] for entry in entries for top in entry.facts.tops}
    return {artifact.name for artifact in plan.selection.artifacts} | tops


def _choose_all(plan: Plan) -> tuple[set[str], set[str]]:
    if plan.lock is None:
        return set(), set()
    extras, groups = plan.lock.choose(Choice(all_extras=True, all_groups=True))
    return set(extras), set(groups)

"""``pyx list``: the distributions that a start gets, and which of them have newer versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.commands.starts import require_lock, take_script
from pyx_launcher.commands.words import check_words
from pyx_launcher.launch import make_plan, write_out
from pyx_launcher.listing import format_json, format_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.version import Version

    from pyx_launcher.invocation import Invocation
    from pyx_launcher.launch import Plan


def run_list(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print a line for each distribution on stdout, in the order of their names."""
    check_words(invocation, 0, at_most=1)
    words = invocation.words
    hint = f"pyx which {words[0]}, for one distribution" if words else ""
    plan = make_plan(take_script(invocation, words, hint), environ)
    require_lock(plan)
    newer = _ask(plan, environ) if "--outdated" in invocation.settings else None
    chosen = sorted(plan.selection.artifacts, key=lambda artifact: artifact.name)
    if newer is not None:
        chosen = [artifact for artifact in chosen if artifact.name in newer]
    facts = [
        {"name": artifact.name, "version": artifact.version, "kind": artifact.kind}
        | ({} if newer is None else {"latest": str(newer[artifact.name])})
        for artifact in chosen
    ]
    if "--json" in invocation.settings:
        write_out(format_json(facts))
        return 0
    columns = ("name", "version", "kind") if newer is None else ("name", "version", "latest")
    rows = [[fact[column] or "" for column in columns] for fact in facts]
    write_out(format_table(columns, rows))
    return 0


def _ask(plan: Plan, environ: Mapping[str, str]) -> Mapping[str, Version]:
    from pyx_launcher.index import Index
    from pyx_launcher.lookup import read_index_settings
    from pyx_launcher.outdated import find_newer, refuse_offline

    refuse_offline(environ, offline=plan.invocation.offline)
    with Index(read_index_settings(plan.selection.find_indexes(), environ)) as index:
        return find_newer(plan.selection.artifacts, plan.found.interpreter, index)

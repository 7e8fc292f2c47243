"""``pyx list``: the distributions that a start gets, and what indexes say about them."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from pyx_launcher.commands._arguments import check_words
from pyx_launcher.commands._format import format_json, format_table
from pyx_launcher.commands._target import require_lock, take_script
from pyx_launcher.console import write_out
from pyx_launcher.errors import PyxError, UsageError
from pyx_launcher.launch import decide
from pyx_launcher.locks.common.packages import PackageDirectory
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.values import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.locks.common.indexes import IndexOptions
    from pyx_launcher.reports.attestations import Standing
    from pyx_launcher.selection import Artifact
    from pyx_launcher.start.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """What is said of one distribution, beside its name and version."""

    cell: str
    facts: Mapping[str, object] = field(default_factory=dict)


def run_list(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print a line for each distribution on stdout, in the order of their names."""
    check_words(invocation, 0, at_most=1)
    if {"--outdated", "--attestations"} <= invocation.settings.keys():
        raise UsageError(
            "--outdated and --attestations cannot be used together", hint="use one at a time"
        )
    words = invocation.words
    hint = f"`pyx which {quote(words[0])}` shows one package" if words else ""
    plan = decide(take_script(invocation, words, hint), environ)
    require_lock(plan)
    column, answers = "kind", {a.name: _Answer(cell=a.kind) for a in plan.selection.artifacts}
    if "--outdated" in invocation.settings:
        column, answers = "latest", _ask_versions(plan, environ)
    elif "--attestations" in invocation.settings:
        column, answers = "attestations", _ask_claims(plan, environ)
    chosen = sorted(
        (artifact for artifact in plan.selection.artifacts if artifact.name in answers),
        key=lambda artifact: artifact.name,
    )
    if "--json" in invocation.settings:
        facts = [
            {
                "name": a.name,
                "version": a.version or _read_version(a) or None,
                "kind": a.kind,
                **answers[a.name].facts,
            }
            for a in chosen
        ]
        write_out(format_json(facts))
        return 0
    rows = [[a.name, a.version or _read_version(a), answers[a.name].cell] for a in chosen]
    write_out(format_table(("name", "version", column), rows))
    return 0


def _read_version(artifact: Artifact) -> str:
    """Return the version that a source tree, which no lock pins, has today; empty if unknown."""
    if not isinstance(artifact.source, PackageDirectory) or artifact.base is None:
        return ""
    tree = artifact.base / (artifact.source.path or "") / (artifact.source.subdirectory or "")
    try:
        document = read_toml(tree / "pyproject.toml")
        tables = (document.table("project"), document.table("tool").table("poetry"))
        return next(filter(None, (table.get("version", str, "") for table in tables)), "")
    except (PyxError, OSError):
        return ""


def _ask_versions(plan: Plan, environ: Mapping[str, str]) -> dict[str, _Answer]:
    from pyx_launcher.index.finder import Index
    from pyx_launcher.index.settings import read_index_settings
    from pyx_launcher.reports.outdated import find_newer, refuse_offline

    refuse_offline("which versions there are", environ, offline=plan.invocation.offline)
    with Index(read_index_settings(_find_indexes(plan, environ), environ)) as index:
        newer = find_newer(plan.selection.artifacts, plan.found.interpreter, index)
    return {n: _Answer(cell=str(v), facts={"latest": str(v)}) for n, v in newer.items()}


def _find_indexes(plan: Plan, environ: Mapping[str, str]) -> IndexOptions:
    """Return where the versions of a lock come from: a list that it was made of may name indexes.

    Its files have their own URLs, so that nothing else need look there.
    """
    from pyx_launcher.locks.pylock import PylockLock
    from pyx_launcher.locks.requirements.lines import read_lines
    from pyx_launcher.locks.requirements.options import read_options
    from pyx_launcher.project.content_hash import find_pylock_origin
    from pyx_launcher.project.manifest import LISTS

    options, lock = plan.selection.find_indexes(), plan.lock
    origin = find_pylock_origin(lock.content.tool) if isinstance(lock, PylockLock) else None
    if lock is None or origin is None or origin.name not in LISTS:
        return options
    listed = lock.path.with_name(origin.name)
    if not listed.is_file():
        return options
    return replace(read_options(read_lines(listed, environ)), named=options.named)


def _ask_claims(plan: Plan, environ: Mapping[str, str]) -> dict[str, _Answer]:
    from pyx_launcher.index.finder import Index
    from pyx_launcher.index.hash_lookup import name_artifacts
    from pyx_launcher.index.settings import read_index_settings
    from pyx_launcher.reports.attestations import find_standings
    from pyx_launcher.reports.outdated import refuse_offline

    refuse_offline("who attests to what", environ, offline=plan.invocation.offline)
    with Index(read_index_settings(plan.selection.find_indexes(), environ)) as index:
        # Which of the files that a lock has hashes of is used here, an index may have told before.
        selection = name_artifacts(plan.selection, plan.found.interpreter, plan.dirs)
        found = find_standings(selection.artifacts, index)
    return {name: _Answer(cell=s.label, facts=_tell(s)) for name, s in found.items()}


def _tell(standing: Standing) -> dict[str, object]:
    """Return what is claimed, for a program: that nothing was verified is part of it."""
    claims = [
        {"publisher": {**c.publisher}, "predicates": [*c.predicates]} for c in standing.claims
    ]
    return {"attestations": {"verified": False, "claims": claims, "reason": standing.reason}}

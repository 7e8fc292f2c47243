"""``pyx store``: look after the store: verify, repair, delete what is unused, list, draw, add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.commands._arguments import check_words, take_action
from pyx_launcher.commands._format import format_facts, format_json, format_table
from pyx_launcher.commands._output import name_picture, write_text
from pyx_launcher.console import write_out
from pyx_launcher.dirs import resolve_dirs
from pyx_launcher.errors import RefusedError, UsageError
from pyx_launcher.files.directories import measure_tree
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.progress import format_size, show_progress
from pyx_launcher.store.format_version import check_formats
from pyx_launcher.store.inventory import list_entries, tail_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.reports.store_page import StoreFacts
    from pyx_launcher.store.gc import Collection

DAMAGED = 1
"""The exit status where something is damaged and was not repaired."""

_KEEP_DAYS = 30.0
_DAY = 86400.0
_SHOWN = 4
"""Distributions that are named of an environment, which has no name of its own."""


def run_store(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Do one of the forms of ``pyx store``; the answer goes to stdout."""
    action, words = take_action(invocation)
    if action != "add":
        check_words(invocation, 2 if action == "report" else 1)
    dirs = resolve_dirs(environ)
    if action == "path":
        write_out(f"{dirs.store}\n")
        return 0
    with closed_to_others():
        check_formats(dirs)
        if action == "add":
            return _add(dirs, words)
        forms: dict[str, Callable[[Invocation, Dirs, Mapping[str, str]], int]]
        forms = {
            "verify": _verify,
            "gc": _collect,
            "list": _list,
            "size": _measure,
            "report": _report,
        }
        return forms[action](invocation, dirs, environ)


def _verify(invocation: Invocation, dirs: Dirs, environ: Mapping[str, str]) -> int:
    from pyx_launcher.store.verify import verify_entries

    paths = [path for store in dirs.stores for path in list_entries(store)]
    verdicts = verify_entries(paths, show_progress)
    damaged = [verdict for verdict in verdicts if verdict.damages]
    lines = [
        f"{damage.kind:<8}{verdict.path}/{damage.place}"
        for verdict in damaged
        for damage in verdict.damages
    ]
    lines.append(f"{len(verdicts)} entries verified, {len(damaged)} damaged")
    unrepaired = len(damaged)
    if damaged and "--repair" in invocation.settings:
        from pyx_launcher.store.repair import repair_entries

        # What lies in a store behind the user's own is not theirs to write.
        own = [v.path for v in damaged if v.path.is_relative_to(dirs.store)]
        repair = repair_entries(dirs, own, environ, offline=invocation.offline)
        lines += [f"fetched {_show(path)}" for path in repair.fetched]
        lines += [f"removed {_show(path)}, which the next start fetches" for path in repair.removed]
        lines += [f"left    {_show(path)}, which is in use or unavailable" for path in repair.left]
        unrepaired -= len(repair.fetched) + len(repair.removed)
    write_out("".join(f"{line}\n" for line in lines))
    return DAMAGED if unrepaired else 0


def _show(entry: Path) -> str:
    return "/".join(tail_of(entry))


def _collect(invocation: Invocation, dirs: Dirs, _: Mapping[str, str]) -> int:
    from pyx_launcher.store.gc import collect, plan_collection

    keep = _read_days(invocation) * _DAY
    tried = "--dry-run" in invocation.settings
    planned = plan_collection(dirs, keep)
    # What is gone can neither be measured nor be asked what it was.
    told = {path: _describe_environment(path) for path in planned.environments}
    told |= {path: _describe_entry(path) for path in planned.entries}
    before = 0 if tried else _measure_home(dirs)
    found = planned if tried else collect(dirs, keep)
    if tried:
        freed = sum(map(measure_tree, (*found.environments, *found.entries)))
    else:
        freed = max(0, before - _measure_home(dirs))
    lines = [f"- environment {told.get(path, path.name)}" for path in found.environments]
    lines += [f"- {told.get(path, _show(path))}" for path in found.entries]
    lines.append(
        f"{len(found.environments)} environments and {len(found.entries)} entries "
        f"{'would go' if tried else 'deleted'}, {format_size(freed)}; "
        f"{found.kept_environments} and {found.kept_entries} stay{_explain_kept(found, keep)}"
    )
    write_out("".join(f"{line}\n" for line in lines))
    return 0


def _describe_environment(path: Path) -> str:
    from pyx_launcher.store.last_use import read_environment_facts

    names = sorted({tail_of(Path(entry))[0] for entry in read_environment_facts(path)["entries"]})
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    # Its size would say little: nearly all of it is one file with names in all environments.
    return f"{path.name} ({shown or 'no packages'})"


def _describe_entry(path: Path) -> str:
    name, version, build = tail_of(path)
    return f"{name} {version}, {format_size(measure_tree(path))} ({build})"


def _explain_kept(found: Collection, keep: float) -> str:
    """Return why environments stay, and with them what they need."""
    recent = found.kept_environments - found.kept_running - found.kept_linked
    days = f"{keep / _DAY:g}"
    reasons = [
        (recent, f"used within {days} {'day' if days == '1' else 'days'}" if keep else "just used"),
        (found.kept_linked, "of installed programs and .venv links"),
        (found.kept_running, "that may be running"),
    ]
    shown = ", ".join(f"{count} {reason}" for count, reason in reasons if count)
    return f" ({shown})" if shown else ""


def _read_days(invocation: Invocation) -> float:
    text = invocation.settings.get("--keep", ("",))[-1]
    try:
        days = float(text) if text else _KEEP_DAYS
    except ValueError:
        days = -1
    if not 0 <= days < float("inf"):
        raise UsageError(f"--keep {text}: it takes a number of days", hint="pyx store gc --keep 30")
    return days


def _measure_home(dirs: Dirs) -> int:
    return measure_tree(dirs.store) + measure_tree(dirs.environments)


def _list(invocation: Invocation, dirs: Dirs, _: Mapping[str, str]) -> int:
    from pyx_launcher.store.entry import read_entry
    from pyx_launcher.store.last_use import list_environments

    users: dict[tuple[str, ...], int] = {}
    for used in list_environments(dirs):
        for entry in used.entries:
            users[tail_of(entry)] = users.get(tail_of(entry), 0) + 1
    facts = []
    for store in dirs.stores:
        for path in list_entries(store):
            name, version, build = tail_of(path)
            known = read_entry(path)
            facts.append(
                {
                    "name": name,
                    "version": version,
                    "build": build,
                    "bytes": known.facts.size if known else None,
                    "environments": users.get(tail_of(path), 0),
                    "path": str(path),
                }
            )
    if "--json" in invocation.settings:
        write_out(format_json(facts))
        return 0
    rows = [
        (
            str(fact["name"]),
            str(fact["version"]),
            str(fact["build"]),
            "unreadable" if fact["bytes"] is None else format_size(int(str(fact["bytes"]))),
            str(fact["environments"]),
        )
        for fact in facts
    ]
    write_out(format_table(("name", "version", "build", "size", "environments"), rows))
    return 0


def _measure(invocation: Invocation, dirs: Dirs, _: Mapping[str, str]) -> int:
    sizes = {
        "entries": sum(len(list_entries(store)) for store in dirs.stores),
        "store": sum(map(measure_tree, dirs.stores)),
        "environments": measure_tree(dirs.environments),
        "cache": measure_tree(dirs.cache),
    }
    if "--json" in invocation.settings:
        write_out(format_json(sizes))
        return 0
    told = {name: format_size(size) for name, size in sizes.items() if name != "entries"}
    write_out(format_facts({"entries": str(sizes["entries"]), **told}))
    return 0


def _report(invocation: Invocation, dirs: Dirs, environ: Mapping[str, str]) -> int:
    from pyx_launcher.reports.store_page import draw_store
    from pyx_launcher.resolve.tools import make_toolbox

    word = invocation.words[1]
    into = name_picture(word, (".html",), "pyx store report store.html")
    python = make_toolbox(environ, offline=invocation.offline).find_python_with("vega")
    facts = _find_store_facts(invocation, dirs)
    write_text(into, word, draw_store(facts, python))
    builds, users = len(facts.sizes), len({user.label for user in facts.users})
    write_out(f"{into}: {builds} builds of packages, {users} projects and programs\n")
    return 0


def _find_store_facts(invocation: Invocation, dirs: Dirs) -> StoreFacts:
    from pyx_launcher.reports.store_page import StoreFacts
    from pyx_launcher.reports.store_users import find_users
    from pyx_launcher.resolve.tools import read_pinned_names
    from pyx_launcher.store.entry import read_entry
    from pyx_launcher.store.gc import plan_collection

    days = _read_days(invocation)
    sizes: dict[tuple[str, ...], int] = {}
    for path in (path for store in dirs.stores for path in list_entries(store)):
        known = read_entry(path)
        sizes.setdefault(tail_of(path), known.facts.size if known else measure_tree(path))
    problem, planned = None, None
    try:
        planned = plan_collection(dirs, days * _DAY)
    except RefusedError as error:
        problem = error.message
    return StoreFacts(
        place=dirs.store,
        sizes=sizes,
        other_sizes={
            "environments": measure_tree(dirs.environments),
            "cache": measure_tree(dirs.cache),
        },
        users=find_users(dirs, read_pinned_names()),
        days=days,
        gone_entries=frozenset(map(tail_of, planned.entries if planned else ())),
        gone_environments=frozenset(planned.environments if planned else ()),
        problem=problem,
    )


def _add(dirs: Dirs, words: tuple[str, ...]) -> int:
    from pyx_launcher.store.lock import holding_stores
    from pyx_launcher.store.unpack import add_wheel

    if not words:
        raise UsageError("pyx store add needs WHEEL", hint="pyx store add dist/*.whl")
    lines = []
    with holding_stores(dirs):
        check_formats(dirs)
        for word in words:
            entry, is_new = add_wheel(dirs, Path(word))
            lines.append(f"{'+' if is_new else '='} {entry.label}\n")
    write_out("".join(lines))
    return 0

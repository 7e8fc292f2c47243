"""``pyx which``: where an import or a distribution comes from, and what locked it."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.commands._arguments import check_words
from pyx_launcher.commands._format import format_facts, format_json
from pyx_launcher.commands._target import explain_left_out, explain_no_lock, take_script
from pyx_launcher.console import write_out
from pyx_launcher.errors import UnavailableError
from pyx_launcher.launch import decide
from pyx_launcher.progress import count_packages
from pyx_launcher.provision import find_entries
from pyx_launcher.spelling import find_slips
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.start.plan import Plan
    from pyx_launcher.store.entry import Entry

_SUFFIXES = (".py", ".pyc")


@dataclass(frozen=True, kw_only=True, slots=True)
class _FoundPlace:
    """What has the asked name: a distribution, one file or directory of it, or both."""

    entry: Entry
    module: Path | None


def run_which(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print on stdout what has the name, a block for each distribution that has."""
    check_words(invocation, 1, at_most=2)
    name, *others = invocation.words
    plan = decide(take_script(invocation, others, f"pyx which {name}"), environ)
    facts = _look(name, plan)
    if "--json" in invocation.settings:
        write_out(format_json(facts))
    else:
        names = {"distribution": "package"}
        shown = ({names.get(k, k): v for k, v in fact.items() if v is not None} for fact in facts)
        write_out("\n".join(format_facts(fact) for fact in shown))
    return 0


def _look(name: str, plan: Plan) -> list[dict[str, str | None]]:
    interpreter = plan.found.interpreter
    entries, missing = find_entries(plan.selection, interpreter, plan.dirs)
    stdlib = _find_in(interpreter.stdlib, name, interpreter)
    if stdlib is not None:
        return [{"distribution": "the standard library", "module": str(stdlib)}]
    found = [*_find_places(name, entries, interpreter)]
    if found:
        return [_describe(place, plan) for place in found]
    if name in _ask_builtins(interpreter):
        return [{"distribution": "the standard library", "module": "built into the interpreter"}]
    wanted = canonicalize_name(name)
    waiting = [artifact for artifact in missing if artifact.name == wanted]
    if waiting:
        facts = {"distribution": waiting[0].label, "entry": "not in the store; run `pyx sync`"}
        return [{**facts, "locked by": _tell_lock(plan)}]
    if plan.lock is None and plan.context.script is None:
        raise explain_no_lock(plan, f"pyx --project DIR which {shlex.quote(name)}")
    raise _explain(name, plan, entries, unknown=[artifact.label for artifact in missing])


def _find_places(
    name: str, entries: Sequence[Entry], interpreter: Interpreter
) -> Iterable[_FoundPlace]:
    wanted = canonicalize_name(name)
    for entry in entries:
        module = _find_module(entry, name, interpreter)
        if module is None and canonicalize_name(entry.facts.name) == wanted:
            module = _find_main(entry, interpreter)
            yield _FoundPlace(entry=entry, module=module)
        elif module is not None:
            yield _FoundPlace(entry=entry, module=module)


def _find_main(entry: Entry, interpreter: Interpreter) -> Path | None:
    """Return where a distribution's module is that bears its name, or else its only public one."""
    own = canonicalize_name(entry.facts.name)
    tops = {top.partition(".")[0] for top in entry.facts.tops} | {own.replace("-", "_")}
    found = {top: _find_module(entry, top, interpreter) for top in tops if not top.startswith("_")}
    named = [path for top, path in found.items() if path and canonicalize_name(top) == own]
    paths = named or [path for path in found.values() if path]
    return paths[0] if len(paths) == 1 else None


def _find_module(entry: Entry, name: str, interpreter: Interpreter) -> Path | None:
    in_entry = _find_in([str(entry.path)], name, interpreter)
    return in_entry or _find_beyond(entry, name, interpreter)


def _find_beyond(entry: Entry, name: str, interpreter: Interpreter) -> Path | None:
    """Look where the path lines of the entry's ``.pth`` files lead, as those of an editable do."""
    lines = (line for lines in entry.facts.pth.values() for line in lines)
    places = [
        os.path.join(entry.path, line.rstrip())
        for line in lines
        if line.strip() and not line.startswith(("#", "import ", "import\t"))
    ]
    return _find_in(places, name, interpreter)


def _find_in(places: Iterable[str], name: str, interpreter: Interpreter) -> Path | None:
    """Return the file or the directory that ``import name`` finds in one of `places`."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    # The launcher's own suffixes say nothing about another interpreter's extension modules.
    suffixes = (*_SUFFIXES, f".{interpreter.soabi}.so", ".abi3.so", ".so")
    for place in places:
        path = Path(place, *parts)
        for suffix in suffixes:
            if (path / f"__init__{suffix}").is_file():
                return path / f"__init__{suffix}"
        for suffix in suffixes:
            if path.with_name(path.name + suffix).is_file():
                return path.with_name(path.name + suffix)
        if path.is_dir():
            return path
    return None


def _ask_builtins(interpreter: Interpreter) -> list[str]:
    code = "import sys; print(*sys.builtin_module_names)"
    command = [str(interpreter.path), "-I", "-S", "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return told.stdout.split()


def _describe(place: _FoundPlace, plan: Plan) -> dict[str, str | None]:
    entry = place.entry
    return {
        "distribution": f"{entry.facts.name} {entry.facts.version}",
        "module": str(place.module) if place.module else None,
        "entry": str(entry.path),
        "locked by": _tell_lock(plan),
    }


def _tell_lock(plan: Plan) -> str:
    return f"{plan.lock.path if plan.lock else 'no lock'} ({plan.context.reason})"


def _explain(
    name: str, plan: Plan, entries: Sequence[Entry], *, unknown: Sequence[str]
) -> UnavailableError:
    known = {top.partition(".")[0] for entry in entries for top in entry.facts.tops}
    known |= {entry.facts.name for entry in entries}
    close = find_slips(name, known)
    named = f"@{plan.invocation.named} " if plan.invocation.named else ""
    # The name of a module is not that of its package, which may be a stranger's.
    hint = f"add the package that has it, which may have another name: `pyx {named}add PACKAGE`"
    hint = f"did you mean {close[0]}?" if close else hint
    if unknown:
        are = "is" if len(unknown) == 1 else "are"
        hint = f"`pyx sync` first: {count_packages(len(unknown))} {are} not in the store yet"
    lock = plan.lock.path if plan.lock else "no lock"
    hint = explain_left_out(name, plan, "which", name) or hint
    return UnavailableError(f"{lock}: no module or package {name}", hint=hint)

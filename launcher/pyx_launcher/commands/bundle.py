"""``pyx bundle``: a directory or archive that runs without pyx, without store and network."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.cli.invocation import parse_program
from pyx_launcher.commands._arguments import check_words
from pyx_launcher.commands._output import making, name_output, publish, take_copies
from pyx_launcher.console import debug, passing, tell, write_out
from pyx_launcher.dirs import find_working_directory
from pyx_launcher.environment.writer import settle_start
from pyx_launcher.errors import NotFoundError, UsageError, shorten
from pyx_launcher.export.bundle import BundleStart, is_of_library, write_bundle
from pyx_launcher.export.tar import SUFFIXES, settle_tree, write_archive
from pyx_launcher.files.directories import measure_tree
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.installation import find_native
from pyx_launcher.launch import decide, fetch_all
from pyx_launcher.progress import count_packages
from pyx_launcher.start.plan import warn_if_stale
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.start.plan import Plan
    from pyx_launcher.store.entry import Entry

_OTHER_ARCHIVES = frozenset({".zip", ".pyz", ".pex", ".7z", ".tbz2", ".txz", ".tzst"})
"""How names end of which nobody would want a directory."""

_MOMENT = 315532800
"""The first of January 1980, which every archive format can hold; in seconds since the epoch."""

_LONGEST_MOMENT = 11
"""Digits of seconds since the epoch: enough for 3000 years, and any system can hold it."""


def run_bundle(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Make everything ready and copy it; prints what was written on stdout."""
    check_words(invocation, 1, at_most=len(invocation.words))
    word, *words = invocation.words
    output = name_output(word)
    top = _name_top(output)
    moment = _read_moment(environ)
    program = parse_program(words if words and _is_file(words[0]) else ())
    plan = take_copies(decide(replace(invocation, program=program, words=()), environ))
    warn_if_stale(plan)
    entries = fetch_all(plan, environ).entries
    interpreter = settle_start(plan.dirs, plan.found.interpreter, find_native())
    start = _choose_start(words, interpreter, entries) if words else None
    copying = passing(f"copying {count_packages(len(entries))} into {output}")
    with closed_to_others(), making(output) as temporary, copying:
        tree = temporary / "bundle"
        tree.mkdir()
        bytecode = "--no-compile" not in invocation.settings
        problems = write_bundle(
            tree, interpreter, entries, start, native=find_native(), bytecode=bytecode
        )
        settle_tree(tree, moment)
        made = tree
        if top:
            made = temporary / output.name
            write_archive(tree, made, top, moment)
            made.chmod(0o644)
        size = measure_tree(tree)
        publish(made, output)
    for line in problems:
        debug(line)
    write_out(_describe(output, plan, entries, size))
    return 0


def _describe(output: Path, plan: Plan, entries: Sequence[Entry], size: int) -> str:
    interpreter = plan.found.interpreter
    return (
        f"{output}: {count_packages(len(entries))}, {size / 1e6:.1f} MB unpacked, "
        f"for Python {interpreter.version} at {interpreter.path}\n"
    )


def _name_top(output: Path) -> str:
    """Return the directory within the archive; empty where `output` is a directory."""
    for suffix in SUFFIXES:
        top = output.name.removesuffix(suffix)
        # A directory of dots alone is a place elsewhere.
        if top != output.name and top.strip("."):
            return top
    stem, point, _ = output.name.partition(".tar.")
    if not point and output.suffix in _OTHER_ARCHIVES:
        stem, point = output.stem, output.suffix
    if point:
        hint = f"{stem}.tar, which any program may compress"
        raise UsageError(f"{output.name}: archives are {', '.join(SUFFIXES)}", hint=hint)
    return ""


def _read_moment(environ: Mapping[str, str]) -> int:
    """Return the time of every file in the bundle, which builds can set for all that they make."""
    asked = environ.get("SOURCE_DATE_EPOCH", "")
    if not (asked.isascii() and asked.isdigit()):
        return _MOMENT
    if len(asked) > _LONGEST_MOMENT:
        raise UsageError(
            f"SOURCE_DATE_EPOCH={shorten(asked)} is not a time that a file can have",
            hint="it has to be in seconds since 1970: date +%s",
        )
    return int(asked)


def _is_file(word: str) -> bool:
    """Is it a script or a directory of the user's, rather than a console script?"""
    return "/" in word or word.endswith((".py", ".pyw")) or os.path.isfile(word)


def _choose_start(
    words: Sequence[str], interpreter: Interpreter, entries: Sequence[Entry]
) -> BundleStart:
    first, *more = words
    if first == "-m":
        if not more:
            raise UsageError("-m needs a module", hint="pyx bundle OUT -m MODULE")
        return _start_module(more[0], more[1:], interpreter, entries)
    if _is_file(first):
        return _start_file(first, more, entries)
    known = {*_list_programs(entries)}
    if first not in known:
        import difflib

        close = difflib.get_close_matches(first, sorted(known), n=1)
        hint = f"did you mean {close[0]}?" if close else f"a script or directory is ./{first}"
        raise NotFoundError(f"no package has the program {first}", hint=hint)
    return BundleStart(words=(first, *more), is_program=True)


def _list_programs(entries: Sequence[Entry]) -> list[str]:
    facts = [entry.facts for entry in entries]
    return [name for one in facts for name in (*one.scripts, *one.data.get("scripts", ()))]


def _start_file(word: str, more: Sequence[str], entries: Sequence[Entry]) -> BundleStart:
    path = Path(os.path.realpath(word))
    if path.is_dir() and not (path / "__main__.py").is_file():
        raise UsageError(
            f"{path} has no __main__.py", hint="python runs only a directory that has one"
        )
    if not path.exists():
        raise NotFoundError(f"{path} does not exist", hint="pyx bundle --help")
    if path.is_file():
        _warn_of_siblings(path, entries)
    return BundleStart(words=(f"app/{path.name}", *more), source=path)


def _warn_of_siblings(script: Path, entries: Sequence[Entry]) -> None:
    """Say which modules beside a script it imports, since only the script goes into the bundle."""
    try:
        tree = ast.parse(script.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        # It need not be Python of the launcher's version, nor anything that `ast` can hold.
        return
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _imported(node)
    }
    names -= {top.partition(".")[0] for entry in entries for top in entry.facts.tops}
    beside = sorted(name for name in names if _find_module(script.parent, name))
    if beside:
        tell(
            f"warning: {script.name} imports {', '.join(beside)}, which lies beside it and is not "
            "in the bundle; name a directory that has a __main__.py, and all of it is"
        )


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if node.module and not node.level else []


def _find_module(directory: Path, name: str) -> Path | None:
    """Return the file or directory in `directory` that is the top-level module `name`."""
    file, package = directory / f"{name}.py", directory / name
    if (package / "__init__.py").is_file():
        return package
    return file if file.is_file() else package if package.is_dir() else None


def _start_module(
    module: str, more: Sequence[str], interpreter: Interpreter, entries: Sequence[Entry]
) -> BundleStart:
    """Return a start by ``-m``; a module that is nowhere else is copied from the working directory.

    The working directory is no part of a bundle, so python is told (from 3.11 on) to keep it off
    the path.
    """
    safe = ("-P",) if interpreter.tag_facts.python >= (3, 11) else ()
    words = (*safe, "-m", module, *more)
    top = module.partition(".")[0]
    owned = {name.partition(".")[0] for entry in entries for name in entry.facts.tops}
    if top in owned or is_of_library(interpreter, top):
        return BundleStart(words=words, is_module=True)
    source = _find_module(find_working_directory(), top)
    if source is None:
        raise NotFoundError(f"no package has the module {top}", hint="pyx list")
    return BundleStart(words=words, source=source, is_module=True)

"""``pyx python``: which interpreters are there, and which one a start takes."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from pyx_launcher.commands._arguments import check_words, take_action
from pyx_launcher.commands._format import format_json, format_table
from pyx_launcher.console import tell, write_out
from pyx_launcher.dirs import find_working_directory, resolve_dirs
from pyx_launcher.errors import InterpreterError, LockError, PyxError, UsageError
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.discovery import read_version_words
from pyx_launcher.interpreters.finder import find_interpreter, list_interpreters
from pyx_launcher.interpreters.request import ANY_VERSION, parse_request, shorten_request
from pyx_launcher.launch import decide
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.locks.poetry.constraints import python_specifiers
from pyx_launcher.locks.reader import FILE_NAMES, read_lock
from pyx_launcher.project.manifest import MANIFEST, MANIFESTS
from pyx_launcher.project.named import require_named
from pyx_launcher.project.python_version import VERSION_FILE, pin_version
from pyx_launcher.start.context import name_preferred
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.interpreters.discovery import InterpreterCandidate
    from pyx_launcher.interpreters.finder import FoundInterpreter


def run_python(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Do one of the forms of ``pyx python``; the answer goes to stdout."""
    try:
        action, words = take_action(invocation)
    except UsageError as error:
        error.hint = _advise_present(invocation, environ) or error.hint
        raise
    if action == "list":
        check_words(invocation, 1)
        _list(invocation, environ)
    elif action == "find":
        check_words(invocation, 1, at_most=2)
        for word in words:
            # Nothing was typed behind --python, so the error may not speak of it.
            parse_request(word)
        try:
            found = _find(_ask_for(invocation, *words), environ)
        except InterpreterError as error:
            if words:
                error.rename(f"--python {words[0]}", words[0])
                error.rename("--python", "pyx python find")
            raise
        write_out(f"{found.interpreter.path}\n")
    else:
        check_words(invocation, 1, at_most=2)
        _pin(invocation, words, environ)
    return 0


def _advise_present(invocation: Invocation, environ: Mapping[str, str]) -> str | None:
    """Return what to do with a version that was to be installed and is there already."""
    if invocation.words[:1] != ("install",) or len(invocation.words) != 2:
        return None
    request = invocation.words[1]
    try:
        found = _search(request, resolve_dirs(environ).home, environ).interpreter
    except PyxError:
        return None
    pin = f"pyx python pin {shlex.quote(shorten_request(request))}"
    return f"Python {found.version} is here already: {found.path}; `{pin}` makes a project use it"


def _search(
    request: str,
    start: Path,
    environ: Mapping[str, str],
    requires: SpecifierSet = ANY_VERSION,
    required_by: str = "",
) -> FoundInterpreter:
    return find_interpreter(
        request=request,
        requires_python=requires,
        start=start,
        environ=environ,
        cache=resolve_dirs(environ).interpreters,
        template=find_template(),
        required_by=required_by,
        option="pyx python pin",
    )


def _ask_for(invocation: Invocation, request: str = "") -> Invocation:
    if request and invocation.python:
        raise UsageError("the version is given twice", hint=f"pyx python find {invocation.python}")
    return replace(invocation, python=request or invocation.python)


def _find(invocation: Invocation, environ: Mapping[str, str]) -> FoundInterpreter:
    """Return what a start in the working directory takes, or would if there were no lock."""
    return decide(invocation, environ, may_lock=False).found


def _list(invocation: Invocation, environ: Mapping[str, str]) -> None:
    dirs = resolve_dirs(environ)
    known = list_interpreters(environ, cache=dirs.interpreters, template=find_template())
    here: FoundInterpreter | None = None
    problem = ""
    try:
        here = _find(invocation, environ)
    except PyxError as error:
        problem = error.message
    rows = {
        interpreter.path: [interpreter.version, str(interpreter.path), _tell_origin(candidate)]
        for interpreter, candidate in known
    }
    if here is not None:
        rows.setdefault(
            here.interpreter.path, [here.interpreter.version, str(here.interpreter.path), "named"]
        )
    facts = [
        {
            "version": version + ("t" if path.name.endswith("t") else ""),
            "path": str(path),
            "found": origin,
            "here": here is not None and here.interpreter.path == path,
        }
        for path, (version, _, origin) in rows.items()
    ]
    if "--json" in invocation.settings:
        write_out(format_json(facts))
        return
    told = here.reason if here is not None else ""
    table = [
        (
            "*" if fact["here"] else "",
            str(fact["version"]),
            str(fact["path"]),
            f"{fact['found']}; a start here takes it: {told}"
            if fact["here"]
            else str(fact["found"]),
        )
        for fact in facts
    ]
    write_out(format_table(("", "version", "path", "found"), table))
    if problem:
        tell(f"none of them fits here: {problem}")


def _tell_origin(candidate: InterpreterCandidate) -> str:
    if candidate.origin == "PATH":
        return f"on PATH as {candidate.found_as}"
    parts = candidate.found_as.parts
    for name in ("pyenv", "asdf", "mise", "rye", "uv"):
        if any(part.lstrip(".") == name for part in parts):
            return f"by {name}"
    return candidate.origin


def _pin(invocation: Invocation, words: tuple[str, ...], environ: Mapping[str, str]) -> None:
    named, working = invocation.named, find_working_directory()
    directory = require_named(resolve_dirs(environ), named) if named is not None else None
    if invocation.project is not None:
        working = Path(invocation.project).absolute()
        working = working if working.is_dir() else working.parent
    request = words[0] if words else invocation.python
    if request is None:
        _tell_pin([working, *working.parents] if directory is None else [directory])
        return
    parse_request(request)
    directory = directory or _find_project(working)
    requires, required_by = _read_requirement(directory)
    if named is not None and _OWN_BOUND.fullmatch(str(requires)):
        _lower_bound(directory, request, requires, invocation, environ)
        requires = ANY_VERSION
    found = _search(request, directory, environ, requires, required_by).interpreter
    path = pin_version(directory, request)
    if path is None:
        raise UsageError(
            f"{request} is a path, and {VERSION_FILE} goes with the project to other machines",
            hint=f"pyx python pin {found.short}",
        )
    request = shorten_request(request)
    write_out(f"{path}: {request}, which is {found.version} ({found.path}) here\n")


_OWN_BOUND = re.compile(r">=3\.\d+")
"""What pyx itself says of Python in an environment that it makes."""


def _lower_bound(
    directory: Path,
    request: str,
    requires: SpecifierSet,
    invocation: Invocation,
    environ: Mapping[str, str],
) -> None:
    """Have an environment that was made for a newer Python than that of `request` locked for it.

    Prints what that changed. Raises PyxError, and then every file is what it was.
    """
    interpreter = _search(request, directory, environ).interpreter
    if requires.contains(interpreter.version, prereleases=True):
        return
    from pyx_launcher.commands._edit import describe
    from pyx_launcher.resolve.project import Change, change_project
    from pyx_launcher.resolve.tools import make_toolbox

    change = Change(requires_python=f">={interpreter.short.rstrip('t')}")
    toolbox = make_toolbox(environ, offline=invocation.offline)
    write_out(describe(change_project(directory, change, toolbox, tell, python=request)))


def _tell_pin(directories: Sequence[Path]) -> None:
    for directory in directories:
        path = directory / VERSION_FILE
        if path.is_file():
            write_out(f"{path}: {' '.join(read_version_words(path))}\n")
            return
    above = " or above" if directories[1:] else ""
    raise UsageError(
        f"there is no {VERSION_FILE} in {directories[0]}{above}", hint="pyx python pin VERSION"
    )


def _find_project(working: Path) -> Path:
    """Return the directory of the project that `working` lies in, or else `working` itself."""
    for directory in (working, *working.parents):
        if any((directory / name).is_file() for name in (*MANIFESTS, *FILE_NAMES)):
            return directory
    return working


def _read_requirement(directory: Path) -> tuple[SpecifierSet, str]:
    """Return which versions the project supports, and what says so. Raises LockError."""
    manifest = directory / MANIFEST
    document = read_toml(manifest) if manifest.is_file() else None
    if document is not None:
        text = document.table("project").get("requires-python", str, "")
        poetry = document.table("tool").table("poetry").table("dependencies").data.get("python")
        try:
            if text:
                return SpecifierSet(text), str(manifest)
            if isinstance(poetry, str):
                return python_specifiers(poetry), str(manifest)
        except ValueError as error:
            where = "project.requires-python" if text else "tool.poetry.dependencies.python"
            raise LockError(manifest, str(error), where=where) from error
    # What is wrong with a lock is told by what needs it.
    with contextlib.suppress(PyxError):
        name = name_preferred(directory)
        if name:
            return read_lock(directory / name, directory).requires_python, str(directory / name)
    return SpecifierSet(), ""

"""``pyx export``: what the lock means, for tools that do not read it, or without any tool."""

from __future__ import annotations

import itertools
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.pylock import PylockValidationError

from pyx_launcher.cli.invocation import parse_program, repeat_start
from pyx_launcher.commands._arguments import check_words
from pyx_launcher.commands._lists import refuse_no_script
from pyx_launcher.commands._output import making, name_output, publish, take_copies, write_text
from pyx_launcher.console import debug, tell, write_data, write_out
from pyx_launcher.dirs import find_working_directory
from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.export.lock import (
    format_pylock,
    format_requirements,
    make_pylock,
    match_packages,
    move_pylock,
)
from pyx_launcher.export.venv import write_virtualenv
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.launch import decide, fetch_all
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.packages import PackageDirectory
from pyx_launcher.locks.pylock import PylockLock, to_pylock
from pyx_launcher.locks.reader import has_lock_name
from pyx_launcher.progress import count_packages
from pyx_launcher.project.links import check_links
from pyx_launcher.project.manifest import LISTED, MANIFEST, OLD, PIPFILE, find_manifest
from pyx_launcher.start.plan import warn_if_stale
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.export.lock import ExportedPackage
    from pyx_launcher.locks.reader import Lock
    from pyx_launcher.selection import Artifact
    from pyx_launcher.start.plan import Plan

_NAMES_OF_OTHERS = {
    **dict.fromkeys(("requirements.txt", "requirements-txt"), "requirements"),
    "pylock.toml": "pylock",
}
"""What uv and Poetry call the same."""

_OTHER = {"requirements": "locked-{}.txt", "pylock": "pylock.locked-{}.toml"}
"""What may be written where something else was named."""

_HINT = "`pyx export --format requirements`, or pylock, or venv"


def run_export(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Write a text to stdout or a file, or a virtual environment to a new directory."""
    check_words(invocation, 0, at_most=1)
    kind = invocation.settings.get("--format", ("",))[-1]
    kind = _NAMES_OF_OTHERS.get(kind, kind)
    word = invocation.settings.get("--output", ("",))[-1]
    if kind not in ("pylock", "requirements", "venv"):
        problem = f"does not know the format {kind}" if kind else "needs a format"
        hint = _HINT
        if word.endswith(".txt"):
            words = ["--format", "requirements", "-o", word, *invocation.words]
            hint = shlex.join([*repeat_start(invocation), "export", *words])
        elif "cyclonedx" in kind:
            hint = "`pyx info --sbom` writes that"
        raise UsageError(f"pyx export {problem}", hint=hint)
    program = parse_program(invocation.words)
    if program.target and os.path.isfile(program.target):
        refuse_no_script(Path(program.target).resolve(), program.target, "export")
    start = replace(invocation, program=program, words=())
    if kind == "venv":
        return _export_venv(start, word, environ)
    # What a link points at is written, as by any other program.
    into = Path(os.path.realpath(find_working_directory() / word)) if word else None
    if word and has_lock_name(Path(word)):
        # A project may come with a link of such a name, to a file that is no lock.
        check_links([Path(word).absolute()], find_working_directory())
    plan = decide(start, environ)
    if plan.lock is None:
        raise UsageError(
            "there is no lock to export",
            hint="`pyx lock` makes one; `pyx --project DIR export` takes another",
        )
    if plan.context.is_fallback and plan.freshness.error is not None:
        # What stands in for a project is not what it requires.
        raise plan.freshness.error
    if into is not None and into == Path(os.path.realpath(plan.lock.path)):
        raise UsageError(f"{into} is the lock itself", hint="name another file: -o FILE")
    if into is not None and _is_source(into, plan.lock.path):
        raise UsageError(
            f"{into} is a source file, which an export does not replace",
            hint=shlex.join(_repeat_elsewhere(invocation, kind)),
        )
    warn_if_stale(plan)
    make = _make_pylock if kind == "pylock" else _make_requirements
    text = make(plan, plan.lock, into.parent if into else find_working_directory(), environ)
    if into is None:
        write_data(text)
        return 0
    write_text(into, word, text)
    return 0


def _make_pylock(plan: Plan, lock: Lock, into: Path, environ: Mapping[str, str]) -> str:
    """Return the lock as it is where it is one of this format, else what it means here."""
    from pyx_launcher.index.finder import Index
    from pyx_launcher.index.settings import read_index_settings

    try:
        if isinstance(lock, PylockLock) and plan.invocation.choice == Choice():
            _tell_of_own(plan, lock, named={package.name for package in lock.content.packages})
            return format_pylock(move_pylock(lock.content, lock.path.parent, into))
        settings = read_index_settings(plan.selection.find_indexes(), environ)
        with Index(settings, offline=plan.invocation.offline) as index:
            made = make_pylock(_choose(plan, lock), plan.found.interpreter, into, index.list_offers)
        _tell_of_own(plan, lock)
        return format_pylock(made)
    except PylockValidationError as error:
        raise LockError(lock.path, f"cannot be written as a pylock.toml: {error}") from error


def _make_requirements(plan: Plan, lock: Lock, into: Path, environ: Mapping[str, str]) -> str:
    del into, environ
    text, left_out = format_requirements(_choose(plan, lock))
    _tell_of_own(plan, lock)
    groups = sorted(plan.selection.groups - {"main"})
    if lock.kind == "poetry" and groups and plan.invocation.choice == Choice():
        # `poetry export` has the main group alone.
        tell(f"with {', '.join(groups)}, as a start has; --no-default-groups leaves that out")
    if left_out:
        names = ", ".join(f"{artifact.label} ({artifact.kind})" for artifact in left_out)
        tell(f"warning: left out, since pip checks hashes of files only: {names}")
    return text


def _choose(plan: Plan, lock: Lock) -> list[ExportedPackage]:
    """Return what the lock itself selects; the project it belongs to is not among it."""
    pylock = to_pylock(lock, plan.found.interpreter.markers, plan.invocation.choice)
    chosen = match_packages(pylock, plan.selection.artifacts)
    return [one for one in chosen if _find_own(one.artifact, lock) is None]


def _find_own(artifact: Artifact, lock: Lock) -> Path | None:
    """Return the directory of an artifact that is the project to which the lock belongs."""
    if not isinstance(artifact.source, PackageDirectory):
        return None
    path = artifact.find_path(artifact.source.path)
    return path if path in (lock.path.parent, lock.root) else None


def _tell_of_own(plan: Plan, lock: Lock, *, named: Container[str] = ()) -> None:
    """Tell of the project itself where a start has it, and what is written has not named it."""
    for artifact in plan.selection.artifacts:
        own = _find_own(artifact, lock)
        if own is not None and artifact.name not in named:
            place = os.path.relpath(own, find_working_directory())
            # Without a slash it would be the name of a package.
            place = shlex.quote(place if place.startswith(".") else f"./{place}")
            then = f"`pip install --no-deps {place}` installs it after the rest"
            tell(f"{artifact.name} itself is left out; {then}")


def _repeat_elsewhere(invocation: Invocation, kind: str) -> list[str]:
    """Return the command that was typed, into a file that is not there yet."""
    names = (_OTHER[kind].format(number) for number in itertools.count(1))
    name = next(name for name in names if not os.path.lexists(name))
    words = ["export", "--format", kind, "-o", name, *invocation.words]
    return [*repeat_start(invocation), *words]


def _is_source(into: Path, lock: Path) -> bool:
    """Tell whether a file that is there is a script, or says what the project requires."""
    # A name that is too long for the system is an OSError for `Path.is_file`.
    if not os.path.isfile(into):
        return False
    manifest = find_manifest(lock.parent)
    is_manifest = manifest is not None and into == Path(os.path.realpath(manifest))
    return is_manifest or into.suffix == ".py" or into.name in (MANIFEST, PIPFILE, LISTED, *OLD)


def _export_venv(invocation: Invocation, word: str, environ: Mapping[str, str]) -> int:
    if not word:
        raise UsageError("a virtual environment needs a directory", hint=f"{_HINT} -o DIR")
    output = name_output(word)
    plan = take_copies(decide(invocation, environ))
    warn_if_stale(plan)
    interpreter = plan.found.interpreter
    entries = fetch_all(plan, environ).entries
    with closed_to_others(), making(output) as temporary:
        problems = write_virtualenv(temporary, output, interpreter, entries)
        temporary.chmod(0o755)
        publish(temporary, output)
    for line in problems:
        debug(line)
    write_out(f"{output}: {count_packages(len(entries))}, for Python {interpreter.version}\n")
    return 0

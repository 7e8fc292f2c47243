"""``pyx lock``: lock a project, or the inline block of a script beside it, or check the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.commands._edit import edit_project, edit_script, find_directory, parse_words
from pyx_launcher.commands._lists import refuse_named_locks
from pyx_launcher.dirs import find_working_directory, resolve_dirs
from pyx_launcher.errors import LockError, UsageError, reading
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.project.inline_script import name_block_lock
from pyx_launcher.project.manifest import name_command
from pyx_launcher.resolve.project import Change, check_manifest, read_project
from pyx_launcher.resolve.script import name_lock_beside
from pyx_launcher.start.context import name_preferred, read_script
from pyx_launcher.start.freshness import compare_lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.commands._edit import EditArguments
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.start.context import Script


def run_lock(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Lock; prints what that changed on stdout. Versions stay but for what is to be upgraded.

    With ``--check`` it writes and prints nothing, and raises LockError for a lock that is not
    up to date.
    """
    words = parse_words(invocation)
    if "--check" in invocation.settings:
        if words.upgrade:
            raise UsageError(
                "--check locks nothing, so it upgrades nothing", hint="pyx lock --help"
            )
        dirs = resolve_dirs(environ)
        (check_script if words.script else check_project)(words, dirs)
        return 0
    change = Change(upgrade=words.upgrade, init=words.init)
    if words.script:
        return edit_script(words, change, environ, beside=True)
    return edit_project(words, change, environ)


def check_project(words: EditArguments, dirs: Dirs) -> None:
    """Raise LockError unless the project has a lock that fits it, and that tells so."""
    directory = find_directory(words, dirs, find_working_directory())
    refuse_named_locks(directory)
    name = name_preferred(directory)
    project = read_project(directory, lock_name=name)
    if not project.manifest.is_file() and project.lock.is_file():
        check_manifest(project, may_make=False)
    # That of a workspace lies above; else it is the one that a start would take.
    lock = directory / name if name else project.lock
    command = f"run `{name_command(directory)}`"
    if not lock.is_file():
        raise LockError(project.manifest, "there is no lock", hint=command)
    _compare(lock, directory, None, command)


def check_script(words: EditArguments, dirs: Dirs) -> None:
    """Raise LockError unless the inline block of the script is locked as it is now."""
    script = read_script(words.script) if words.script else None
    if script is not None and script.block_text is None and script.fault is not None:
        raise script.fault
    if script is None or script.block_text is None:
        raise UsageError(f"{words.script} has no inline block", hint="pyx lock --help")
    command = f"pyx lock {script.path}"
    lock = name_lock_beside(script.path)
    if lock.is_file():
        _compare(lock, lock.parent, script, command)
        return
    requires_any = bool((script.metadata or {}).get("dependencies"))
    if requires_any and not name_block_lock(dirs, script.path, script.block_text).is_file():
        raise LockError(script.path, "its inline block has not been locked yet", hint=command)


def _compare(path: Path, start: Path, script: Script | None, command: str) -> None:
    with reading(path, hint=command):
        freshness = compare_lock(read_lock(path, start), script)
    if freshness.staleness is not None:
        raise freshness.staleness.error
    if not freshness.is_told:
        problem = "it does not say what it was made from, so it cannot be checked"
        raise LockError(path, problem, hint=command)

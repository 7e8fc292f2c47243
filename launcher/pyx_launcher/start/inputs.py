"""What a start was decided from, as the checks under which it would be decided so again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.installation import find_template
from pyx_launcher.locks.common.packages import PackageDirectory
from pyx_launcher.locks.reader import is_requirements
from pyx_launcher.project.named import PROJECT_FILE
from pyx_launcher.record.checks import check_absences, check_file
from pyx_launcher.start.recall import is_changing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.interpreters.finder import FoundInterpreter
    from pyx_launcher.locks.reader import Lock
    from pyx_launcher.project.transaction import Recovery
    from pyx_launcher.record.checks import Check
    from pyx_launcher.start.context import Context
    from pyx_launcher.start.stack import Stack


def recover_inputs(context: Context, dirs: Dirs, tell: Callable[[str], None]) -> Recovery | None:
    """Restore what a killed `pyx add` left in the project of the start, if one was killed."""
    if not is_changing(dirs):
        return None
    from pyx_launcher.project.transaction import recover

    places = [context.start, context.directory, *context.directory.parents]
    if context.lock is not None:
        places.append(context.lock.parent)
    return recover(dirs, places, tell)


def see_lock(context: Context) -> tuple[Check, ...]:
    """Return what the lock and the project file beside it are before they are read."""
    if context.lock is None:
        return ()
    return (check_file(context.lock), check_file(context.lock.with_name(PROJECT_FILE)))


def check_inputs(
    context: Context,
    lock: Lock | None,
    found: FoundInterpreter,
    stack: Stack,
    seen: tuple[Check, ...],
    told: tuple[Path, ...],
) -> tuple[Check, ...] | None:
    """Return the checks of everything that was decided from; None where that cannot be said.

    They are made before anything is fetched, which can take long, and hold what was `seen` of
    the lock before it was read. `told` are the files that say whether the lock fits its project.
    """
    # With another bootstrap, which is another pyx, nothing that was decided here holds.
    read = [*found.inputs, found.interpreter.path, find_template(), *told]
    if context.preference is not None:
        read += [*context.preference.ignored, *context.preference.looked]
    for each in (*stack.locks, *([lock] if lock else [])):
        read += [each.path, *each.inputs]
    for artifact in stack.selection.artifacts:
        if isinstance(artifact.source, PackageDirectory):
            if not artifact.source.editable:
                # A source tree is made of any number of files, and a change of one goes unnoticed.
                return None
            from pyx_launcher.build.builder import list_inputs

            read += list_inputs(artifact)
    everywhere = (*context.looked, *stack.looked)
    # Such a file may be there and decide nothing, as long as it stays what it is.
    undecided = [path for path in everywhere if path.name == PROJECT_FILE or is_requirements(path)]
    looked = [path for path in everywhere if path not in undecided]
    read += undecided
    if any(os.path.exists(path) for path in looked):
        return None
    present = dict.fromkeys(path for path in read if os.path.exists(path))
    absent = dict.fromkeys([*looked, *(path for path in read if path not in present)])
    checks = [*map(check_file, present), *check_absences(absent)]
    by_path = {check.path: check for check in checks}
    if any(by_path.get(check.path, check) != check for check in seen):
        return None
    if context.script is not None:
        checks.append(context.script.check)
    elif context.kind != "directory" and context.start.is_dir():
        # A directory that is run; were it a script, it could have an inline block.
        checks.append(check_file(context.start / "__main__.py"))
    return tuple(checks)

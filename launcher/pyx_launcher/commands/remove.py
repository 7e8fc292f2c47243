"""``pyx remove``: require a distribution no longer, in a project or an inline block."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.cli.invocation import repeat_start
from pyx_launcher.commands._edit import edit_project, edit_script, find_directory, parse_words
from pyx_launcher.commands._lists import refuse_missing
from pyx_launcher.dirs import find_working_directory, resolve_dirs
from pyx_launcher.errors import UsageError
from pyx_launcher.project.requirements_file import read_listing
from pyx_launcher.resolve.project import Change, read_project
from pyx_launcher.start.context import name_preferred

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.commands._edit import EditArguments


def run_remove(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Remove the named requirements and lock; prints what that changed on stdout."""
    words = parse_words(invocation)
    change = Change(
        removed=words.names, dropped=_read_files(words, invocation, environ), place=words.place
    )
    try:
        return (edit_script if words.script else edit_project)(words, change, environ)
    except UsageError as error:
        others = [name for name in words.names if f" {name} " not in error.message]
        if others and "`pyx remove" in (error.hint or ""):
            # Nothing has been removed.
            again = shlex.join([*repeat_start(invocation), "remove", *others])
            error.hint = f"{error.hint}; then `{again}`"
        raise


def _read_files(
    words: EditArguments, invocation: Invocation, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the names of what the files behind ``-r`` list. Raises UsageError for none of them."""
    if not words.requirements:
        return ()
    refuse_missing(words.requirements, [*repeat_start(invocation), "remove"], words.names)
    files = [Path(os.path.realpath(name)) for name in words.requirements]
    if not words.script:
        directory = find_directory(words, resolve_dirs(environ), find_working_directory())
        project = read_project(directory, lock_name=name_preferred(directory))
        for file in (project.manifest, project.lock):
            if Path(os.path.realpath(file)) in files:
                start = shlex.join([*repeat_start(invocation), "remove", "NAME"])
                raise UsageError(
                    f"{file} is what the project itself goes by",
                    hint=f"`{start}` removes a package from it",
                )
    listings = [read_listing(file, environ) for file in files]
    names = [one.name for listing in listings for one in listing.requirements]
    names += [one.requirement.name for listing in listings for one in listing.places]
    if not names:
        raise UsageError(
            f"{' and '.join(words.requirements)}: no package is listed there",
            hint="`pyx list` shows what there is",
        )
    return tuple(dict.fromkeys(map(canonicalize_name, names)))

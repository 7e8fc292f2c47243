"""``pyx add``: require a distribution, in a project or in the inline block of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.commands._edit import edit_project, edit_script, parse_words
from pyx_launcher.project.requirement import parse_requirement
from pyx_launcher.resolve.project import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation


def run_add(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Add the named requirements and lock; prints what that changed on stdout."""
    words = parse_words(invocation)
    change = Change(
        added=tuple(map(parse_requirement, words.names)), place=words.place, init=words.init
    )
    return (edit_script if words.script else edit_project)(words, change, environ)

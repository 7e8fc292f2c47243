"""``pyx add``: require a distribution, in a project or in the inline block of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.commands.edit import edit_project, edit_script
from pyx_launcher.commands.editwords import parse_words
from pyx_launcher.locking import Change
from pyx_launcher.typed import parse_requirement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.invocation import Invocation


def run_add(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Add the named requirements and lock; prints what that changed on stdout."""
    words = parse_words(invocation)
    change = Change(
        added=tuple(map(parse_requirement, words.names)), place=words.place, init=words.init
    )
    return (edit_script if words.script else edit_project)(words, change, environ)

"""``pyx lock``: lock a project, or the inline block of a script beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.commands.edit import edit_project, edit_script
from pyx_launcher.commands.editwords import parse_words
from pyx_launcher.locking import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.invocation import Invocation


def run_lock(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Lock; prints what that changed on stdout. Versions stay but for what is to be upgraded."""
    words = parse_words(invocation)
    change = Change(upgrade=words.upgrade, init=words.init)
    if words.script:
        return edit_script(words, change, environ, beside=True)
    return edit_project(words, change, environ)

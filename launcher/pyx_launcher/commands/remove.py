"""``pyx remove``: require a distribution no longer, in a project or an inline block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.commands._edit import edit_project, edit_script, parse_words
from pyx_launcher.resolve.project import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation


def run_remove(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Remove the named requirements and lock; prints what that changed on stdout."""
    words = parse_words(invocation)
    change = Change(removed=words.names, place=words.place)
    return (edit_script if words.script else edit_project)(words, change, environ)

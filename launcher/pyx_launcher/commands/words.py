"""Check the words of a command against what it takes."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pyx_launcher.errors import UsageError
from pyx_launcher.verbs import VERBS

if TYPE_CHECKING:
    from pyx_launcher.invocation import Invocation


def check_words(invocation: Invocation, least: int, *, at_most: int | None = None) -> None:
    """Raise UsageError unless the command has from `least` to `at_most` words (else `least`)."""
    words, most = invocation.words, at_most if at_most is not None else least
    hint = f"pyx {invocation.verb} --help"
    if len(words) > most:
        raise UsageError(f"pyx {invocation.verb} does not know {words[most]}", hint=hint)
    if len(words) < least:
        raise UsageError(f"pyx {invocation.verb} needs a word more", hint=hint)


def take_action(invocation: Invocation) -> tuple[str, tuple[str, ...]]:
    """Return which of its actions the command is to do, and the words behind it."""
    verb = invocation.verb or ""
    actions = VERBS[verb].actions
    if not invocation.words:
        raise UsageError(f"pyx {verb} {'|'.join(actions)}: which?", hint=f"pyx {verb} --help")
    action = invocation.words[0]
    if action not in actions:
        close = difflib.get_close_matches(action, actions, n=1)
        hint = f"did you mean pyx {verb} {close[0]}?" if close else f"pyx {verb} --help"
        raise UsageError(f"pyx {verb} does not know {action}", hint=hint)
    return action, invocation.words[1:]

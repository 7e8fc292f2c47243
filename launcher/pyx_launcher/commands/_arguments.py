"""Check the words of a command against what it takes."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from pyx_launcher.cli.commands import ACTIONS_OF_OTHERS, VERBS
from pyx_launcher.errors import UsageError

if TYPE_CHECKING:
    from pyx_launcher.cli.invocation import Invocation


def check_words(invocation: Invocation, least: int, *, at_most: int | None = None) -> None:
    """Raise UsageError unless the command has from `least` to `at_most` words (else `least`)."""
    words, most = invocation.words, at_most if at_most is not None else least
    action = _find_action(invocation)
    called, hint = _name_command(invocation, action), f"pyx {invocation.verb} --help"
    form = VERBS[invocation.verb or ""].form_of(action)
    if len(words) > most:
        raise UsageError(f"{called} does not take {words[most]}: pyx {form}", hint=hint)
    if len(words) < least:
        missing = _find_placeholders(form)[len(words) - bool(action) :]
        raise UsageError(f"{called} needs {' and '.join(missing)}: pyx {form}", hint=hint)


def take_action(invocation: Invocation) -> tuple[str, tuple[str, ...]]:
    """Return which of its actions the command is to do, and the words behind it.

    Raises UsageError for none, for one it does not have, and for an option of another.
    """
    verb = invocation.verb or ""
    actions = VERBS[verb].actions
    if not invocation.words:
        start = f"pyx @{invocation.named}" if invocation.named else "pyx"
        hint = f"`{start}` alone starts the prompt" if verb == "python" else f"pyx {verb} --help"
        raise UsageError(f"pyx {verb} needs one of: {', '.join(actions)}", hint=hint)
    action = invocation.words[0]
    if action not in actions:
        import difflib

        close = difflib.get_close_matches(action, actions, n=1)
        if close and close[0] in _DELETE and not _is_slip(action, close[0]):
            close = []
        hint = f"did you mean pyx {verb} {close[0]}?" if close else f"pyx {verb} --help"
        if action in ACTIONS_OF_OTHERS.get(verb, {}):
            from pyx_launcher.cli.counterparts import fill

            form, names = ACTIONS_OF_OTHERS[verb][action], invocation.words[1:]
            hint = fill(form, names)
            if verb == "env" and hint == form and len(names) == 1 and not invocation.named:
                # The others name an environment behind the command.
                hint = form.replace("pyx", f"pyx {shlex.quote('@' + names[0].lstrip('@'))}", 1)
        raise UsageError(f"pyx {verb} does not know {action}", hint=hint)
    for name in invocation.settings:
        if name not in VERBS[verb].options_of(action):
            form = VERBS[verb].form_of(action)
            raise UsageError(
                f"pyx {verb} {action} does not take {name}: pyx {form}", hint=f"pyx {verb} --help"
            )
    return action, invocation.words[1:]


_DELETE = ("remove", "uninstall", "gc")
"""Actions that are proposed for nothing but a slip of the finger: they do not ask."""


def _is_slip(typed: str, meant: str) -> bool:
    """Tell whether `typed` has the letters of `meant`, but for one; `rename` is not `remove`."""
    import difflib

    return typed[:1] == meant[:1] and difflib.SequenceMatcher(None, typed, meant).ratio() > 0.8


def refuse_name(invocation: Invocation) -> None:
    """Raise UsageError for a ``@NAME`` before a command that belongs to no environment."""
    action = _find_action(invocation)
    if invocation.named is None or VERBS[invocation.verb or ""].takes_name(action):
        return
    called = _name_command(invocation, action)
    words = [*invocation.words]
    if invocation.verb == "diff" and len(words) == 1:
        # What stands before the command is the other side.
        words.insert(0, f"@{invocation.named}")
    raise UsageError(
        f"{called} belongs to no environment, so it takes no @{invocation.named}",
        hint=shlex.join(["pyx", invocation.verb or "", *words]),
    )


def refuse_empty(invocation: Invocation) -> None:
    """Raise UsageError for an empty word, as of a variable that is not set, but for a program's."""
    verb, words = VERBS[invocation.verb or ""], invocation.words
    first = words[0] if words and words[0] in verb.passes_from else ""
    own = words[: verb.passes_from.get(first)]
    is_empty = invocation.program.mode == "s" and invocation.program.target == ""
    if is_empty or not all(map(str.strip, own)):
        called = _name_command(invocation, _find_action(invocation))
        raise UsageError(
            f"{called} does not take an empty word", hint=f"pyx {invocation.verb} --help"
        )


def _find_action(invocation: Invocation) -> str:
    actions = VERBS[invocation.verb or ""].actions
    return next((word for word in invocation.words[:1] if word in actions), "")


def _name_command(invocation: Invocation, action: str) -> str:
    return f"pyx {invocation.verb} {action}".rstrip()


def _find_placeholders(form: str) -> list[str]:
    """Return what must be put in the place of words of a form, in its order, for a person."""
    required = re.sub(r"\[[^]]*\]…?", "", form)
    names = re.findall(r"\b[A-Z][A-Z_|]*\b", required)
    return [name.replace("|", " or ") for name in names]

"""A start of pip that would install what no program sees, or what no lock names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyx_launcher.errors import PyxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.start.plan import Plan

_COMMANDS = frozenset(
    {
        *("install", "uninstall", "download", "wheel", "lock", "index", "search", "hash", "cache"),
        *("list", "freeze", "show", "inspect", "check", "config", "debug", "completion", "help"),
    }
)
_CHANGES = ("install", "uninstall")
_CHANGES_NOTHING_HERE = ("--dry-run", "--help", "--target", "--prefix", "--root", "--python")
"""Options with which pip's install asks, or writes elsewhere."""


class PipError(PyxError):
    """Pip was to be started in vain; the status is its own, and python's for a missing module."""

    def __init__(self, message: str, words: Sequence[str]) -> None:
        super().__init__(message)
        self.words = words
        """What pip was told."""


def check_pip(plan: Plan) -> None:
    """Raise PipError for ``-m pip`` where pip is not locked.

    Where it is, only for what would change the environment, which other projects may share.
    """
    words = _find_words(plan.invocation)
    if words is None:
        return
    if not any(artifact.name == "pip" for artifact in plan.selection.artifacts):
        if plan.invocation.verb is None:
            raise PipError(
                "pip is not locked here, and no program would see what it installs", words
            )
    elif changes_environment(words):
        raise PipError(
            "pip would change an environment that other projects may share, and leave the lock"
            " as it is",
            words,
        )


def changes_environment(words: Sequence[str]) -> bool:
    """Tell whether pip, with `words`, would change the environment that it runs in."""
    command = next((word for word in words if word in _COMMANDS), "")
    elsewhere = any(
        word.partition("=")[0] in _CHANGES_NOTHING_HERE or word[:2] in ("-t", "-h")
        for word in words
    )
    return command in _CHANGES and not elsewhere


def is_pip(program: str) -> bool:
    """Tell whether `program` is one of the names that pip has in an environment."""
    return re.fullmatch(r"pip(\d+(\.\d+)?)?", program) is not None


def _find_words(invocation: Invocation) -> Sequence[str] | None:
    """Return what pip is told by `invocation`; None where that starts something else."""
    if invocation.verb == "run":
        return invocation.words[1:] if is_pip(invocation.words[0]) else None
    program = invocation.program
    if program.mode != "m" or program.target not in ("pip", "ensurepip"):
        return None
    module = re.compile(rf"-\w*m {program.target}|.* -\w*m{program.target}")
    pairs = zip(("", *program.words), program.words, strict=False)
    place = next(at for at, pair in enumerate(pairs, 1) if module.fullmatch(" ".join(pair)))
    behind = program.words[place:]
    # Its one purpose is to install pip.
    return behind if program.target == "pip" else ["install", *behind, "pip"]

"""A start of pip that would install what no program sees, or what no lock names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyx_launcher.errors import PyxError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.start.plan import Plan

_WITH_VALUE = (
    *("--python", "--log", "--log-file", "--local-log", "--keyring-provider", "--proxy"),
    *("--retries", "--resume-retries", "--timeout", "--default-timeout", "--exists-action"),
    *("--trusted-host", "--cert", "--client-cert", "--cache-dir"),
    *("--use-feature", "--use-deprecated"),
)
"""What may stand before pip's command with the next word as its value."""
_CHANGES = ("install", "uninstall")
_CHANGES_NOTHING_HERE = (
    *("--dry-run", "--help", "--version", "--target", "--prefix", "--root", "--python"),
)
"""Options with which pip's install asks, or writes elsewhere."""
_WRITES_ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")
"""Variables that have pip's install write elsewhere."""


class PipError(PyxError):
    """Pip was to be started in vain; the status is its own, and python's for a missing module."""

    def __init__(self, message: str, words: Sequence[str]) -> None:
        super().__init__(message)
        self.words = words
        """What pip was told."""


def check_pip(plan: Plan, environ: Mapping[str, str]) -> None:
    """Raise PipError for ``-m pip`` where pip is not locked.

    Where it is, only for what would change the environment, which other projects may share.
    """
    words = _find_words(plan.invocation)
    if words is None:
        return
    changes = changes_environment(words, environ)
    if not any(artifact.name == "pip" for artifact in plan.selection.artifacts):
        # Python itself has an ensurepip, and a pip that is not locked is not there.
        is_missing = plan.invocation.program.target != "ensurepip"
        if is_missing or changes:
            raise PipError(
                "pip is not locked here, and no program would see what it installs", words
            )
    elif changes:
        raise PipError(
            "pip would change an environment that other projects may share, and leave the lock"
            " as it is",
            words,
        )


def changes_environment(words: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Tell whether pip, with `words`, would change the environment that it runs in."""
    command = "".join(words_from_command(words)[:1])
    elsewhere = any(
        word.partition("=")[0] in _CHANGES_NOTHING_HERE or word[:2] in ("-t", "-h", "-V")
        for word in words
    )
    if command == "install" and "--isolated" not in words:
        elsewhere = elsewhere or any(environ.get(name) for name in _WRITES_ELSEWHERE)
    return command in _CHANGES and not elsewhere


def words_from_command(words: Sequence[str]) -> Sequence[str]:
    """Return those of `words`, which pip is told, that begin with its command; none without one."""
    is_value = False
    for at, word in enumerate(words):
        if not (is_value or word.startswith("-")):
            return words[at:]
        # As everywhere in pip, an option may be shortened.
        shortened = len(word) > 2 and any(name.startswith(word) for name in _WITH_VALUE)
        is_value = shortened and not is_value
    return ()


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
    # The one purpose of the other is to install pip, whatever pip's variables say.
    return behind if program.target == "pip" else ["install", "--isolated", *behind, "pip"]

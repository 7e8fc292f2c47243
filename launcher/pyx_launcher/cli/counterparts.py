"""What to type for what other tools have: options, and programs behind ``python``.

Only a command line that is mistaken already asks for it.
"""

from __future__ import annotations

import os
import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.cli.commands import (
    ACTIONS_OF_OTHERS,
    OPTIONS_OF_COMMANDS,
    OPTIONS_OF_OTHERS,
)
from pyx_launcher.errors import PyxError, UsageError
from pyx_launcher.locks.uv.workspace import read_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.cli.commands import Verb


def find_counterpart(arguments: Sequence[str], at: int, verb: Verb) -> str | None:
    """Return what to type for the option at `at`, with the value it was given; None if unknown.

    `arguments` begin with the name of `verb`, unless that is pyx itself.
    """
    name, _, value = arguments[at].partition("=")
    command, before = ("", []) if not verb.forms else (arguments[0], _list_words(arguments[1:at]))
    hint = OPTIONS_OF_COMMANDS.get(command, {}).get(name) or OPTIONS_OF_OTHERS.get(name)
    if hint is None:
        return None
    behind = [*takewhile(lambda word: not word.startswith("-"), arguments[at + 1 :])]
    value = value or "".join(behind[:1])
    if name == "--only" and value in ("main", "default"):
        # Poetry and PDM call the project's own requirements so.
        return OPTIONS_OF_OTHERS["--prod"]
    if name == "--package" and value:
        value = _find_member(value)
    action = "".join(word for word in before[:1] if word in verb.actions)
    if "ACTION" in hint and any(word in verb.flags for word in arguments[:at]):
        return None
    if "ACTION" in hint:
        others = ACTIONS_OF_OTHERS.get(command, {})
        hint = others.get("".join(before[:1])) or hint.replace("ACTION", action or "create")
    if "[NAME]" in hint:
        names = [*before, *behind]
        return hint.replace("[NAME]", shlex.join(names[bool(action) :])).rstrip()
    if hint.startswith("--") and "NAME" in hint:
        value = ",".join(value.replace(",", " ").split())
    return fill(hint, [value] if value else [])


def _list_words(arguments: Sequence[str]) -> list[str]:
    return [word for word in arguments if not word.startswith("-")]


def fill(hint: str, values: Sequence[str]) -> str:
    """Return `hint` with `values`, if there are any, in the place of its word in capitals."""
    if not values:
        return hint
    if "--with PACKAGE" in hint and len(values) > 1:
        more = " ".join(f"--with {shlex.quote(value)}" for value in values[1:])
        hint, values = hint.replace("--with PACKAGE", more), values[:1]
    return re.sub(r"\b(?:NAME|VERSION|FILE|DIR)\b", lambda _: shlex.join(values), hint)


def write_creation(name: str, specs: Sequence[str]) -> str:
    """Return what follows ``pyx`` to make the environment `name` with what conda calls `specs`."""
    packages = [write_requirement(spec) for spec in specs]
    version = "".join(one[8:] for one in packages if one.startswith("python=="))
    packages = [one for one in packages if not re.fullmatch(r"python(?:[=<>!~].*)?", one)]
    words = ["add", f"@{name}", *packages] if packages else ["env", "create", name]
    return shlex.join([*words, *(["--python", version] if version else [])])


def write_requirement(spec: str) -> str:
    """Return what conda calls `spec`, such as ``conda-forge::numpy=1.26``, as a requirement."""
    return re.sub(r"(?<=[\w.-])=(?=\d[\w.*]*\Z)", "==", spec.rpartition("::")[2])


def _find_member(name: str) -> str:
    """Return the directory of the project `name` in the workspace here; empty if there is none."""
    # That something else is broken is told where it is needed.
    try:
        working = Path.cwd()
        for directory in (working, *working.parents):
            workspace = read_workspace(directory)
            for member in workspace.members if workspace is not None else ():
                if member.name == canonicalize_name(name):
                    return os.path.relpath(member.directory, working)
    except (PyxError, OSError):
        return ""
    return ""


def refuse_option(named: str | None, own: Sequence[str], words: Sequence[str], plain: Verb) -> None:
    """Raise UsageError if the first of `words` is a short option of another tool.

    It stands where python's would, and python does not know it. `own` are pyx's words before it,
    `plain` is what a start without a command takes.
    """
    name, value = words[0][:2], words[0][2:].removeprefix("=")
    words = [name, value, *words[1:]] if value else words
    hint = find_counterpart(words, 0, plain)
    if name == "-n" and named is None and len(words) > 1:
        # As conda names an environment.
        hint = shlex.join(["pyx", f"@{words[1]}", *own, *words[2:]])
    elif hint is not None and hint.startswith("--") and len(words) > 1:
        hint = shlex.join(["pyx", *own, *hint.split(), *words[2:]])
    if hint is not None:
        raise UsageError(f"unknown option {name}", hint=hint)


def refuse_program(own: Sequence[str], words: Sequence[str]) -> None:
    """Raise UsageError if `words`, behind ``pyx python``, are what pyx itself starts.

    That is a script, a module or a version of python.
    """
    word = words[0]
    start = [*own, *words]
    if word == "--version":
        start = [*own, "-V"]
    elif re.fullmatch(r"3(\.\d+)+t?", word):
        start = [*own, "--python", *words]
    elif word.startswith("-"):
        if word.startswith(("--", "-h", "-G")):
            return
    elif not (word.endswith(".py") or os.path.isfile(word)):
        return
    raise UsageError(f"pyx python does not know {word}", hint=shlex.join(["pyx", *start]))

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
    VERBS,
)
from pyx_launcher.cli.invocation import OPTIONS_WITH_VALUE
from pyx_launcher.errors import PyxError, UsageError
from pyx_launcher.locks.uv.workspace import read_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.cli.commands import Verb


_PLACE = re.compile(r"\b(?:NAME|VERSION|FILE|DIR)\b")


def find_counterpart(arguments: Sequence[str], at: int, verb: Verb) -> str | None:
    """Return what to type for the option at `at`, with the value it was given; None if unknown.

    `arguments` begin with the name of `verb`, unless that is pyx itself.
    """
    name, _, value = arguments[at].partition("=")
    command = arguments[0] if verb.forms else ""
    before = _list_words(arguments[1:at], verb) if verb.forms else []
    hint = OPTIONS_OF_COMMANDS.get(command, {}).get(name) or OPTIONS_OF_OTHERS.get(name)
    if hint is None:
        return None
    behind = [*takewhile(lambda word: not word.startswith("-"), arguments[at + 1 :])]
    value = value or "".join(behind[:1])
    action = "".join(word for word in before[:1] if word in verb.actions)
    if verb.forms and not {"", action}.intersection(verb.passes_from):
        behind = _list_words(arguments[at + 1 :], verb)
    if name == "--only" and value in ("main", "default"):
        # Poetry and PDM call the project's own requirements so.
        return OPTIONS_OF_OTHERS["--prod"]
    if name == "--package" and value:
        value = _find_member(value)
    if "ACTION" in hint and any(word in verb.flags for word in arguments[:at]):
        return None
    if "ACTION" in hint:
        others = ACTIONS_OF_OTHERS.get(command, {})
        hint = others.get("".join(before[:1])) or hint.replace("ACTION", action or "create")
        if action and "NAME" not in verb.form_of(action):
            return None
    if "[NAME]" in hint:
        names = [*before, *behind]
        return hint.replace("[NAME]", shlex.join(names[bool(action) :])).rstrip()
    if hint == OPTIONS_OF_OTHERS["-P"] and value:
        return fill(hint, [value, *_list_values(arguments[at + 1 :], hint)])
    if hint.startswith("--") and "NAME" in hint:
        value = ",".join(value.replace(",", " ").split())
    return fill(hint, [value] if value else [])


def _list_words(arguments: Sequence[str], verb: Verb) -> list[str]:
    """Return `arguments` without options and without what these are told."""
    words, before = [], ""
    for word in arguments:
        if not word.startswith("-") and not _takes_value(before, verb):
            words.append(word)
        before = word
    return words


def _takes_value(word: str, verb: Verb) -> bool:
    """Tell whether the word behind `word` is its value: an option of ours, or of another tool."""
    name = verb.short.get(word, word)
    others = OPTIONS_OF_OTHERS.get(name, "")
    if name in verb.flags or "[NAME]" in others:
        return False
    return name in {"-G", *OPTIONS_WITH_VALUE, *verb.valued} or bool(_PLACE.search(others))


def _list_values(arguments: Sequence[str], hint: str) -> list[str]:
    """Return the values of the options in `arguments` that have the counterpart `hint`."""
    values: list[str] = []
    for at, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if OPTIONS_OF_OTHERS.get(name) == hint:
            values += [value] if equals else arguments[at + 1 : at + 2]
    return values


def put_behind(own: Sequence[str], named: str | None, hint: str | None) -> str | None:
    """Return `hint` with `own` behind its ``pyx``, if it is a command line.

    `own` are the words that were typed before the command, with ``@named`` if there is a name. That
    is left out where the command of the hint takes none.
    """
    if not own or hint is None or not hint.startswith("pyx "):
        return hint
    verb, action = [*hint.split(), ""][1:3]
    if named is not None and verb in VERBS and not VERBS[verb].takes_name(action):
        own = own[1:]
    return shlex.join(["pyx", *own]) + hint.removeprefix("pyx")


def fill(hint: str, values: Sequence[str]) -> str:
    """Return `hint` with `values`, if there are any, in the place of its word in capitals."""
    if not values:
        return hint
    if "--with PACKAGE" in hint and len(values) > 1:
        more = " ".join(f"--with {shlex.quote(value)}" for value in values[1:])
        hint, values = hint.replace("--with PACKAGE", more), values[:1]
    return _PLACE.sub(lambda _: shlex.join(values), hint)


def write_creation(name: str, specs: Sequence[str], python: str | None = None) -> str:
    """Return what follows ``pyx`` to make the environment `name` with what conda calls `specs`.

    `python` is the version that it is to have if they name none.
    """
    packages = [write_requirement(spec) for spec in specs]
    version = "".join(one[8:] for one in packages if one.startswith("python==")) or python
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
    hint = put_behind(own, named, find_counterpart(words, 0, plain))
    has_value = len(words) > 1 and not words[1].startswith("-")
    if name == "-n" and named is None and has_value:
        # As conda names an environment.
        hint = shlex.join(["pyx", f"@{words[1].removeprefix('@')}", *own, *words[2:]])
    elif hint is not None and hint.startswith("--") and has_value:
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

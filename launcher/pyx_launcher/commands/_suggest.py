"""What to type instead, where a word is neither a file nor a command of pyx.

Python's own message and status stay; one line more says what a person who comes from pip, Poetry
or uv may have meant. Only a start that has failed already asks for it.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shlex
from typing import TYPE_CHECKING

from pyx_launcher.cli.commands import ACTIONS_OF_OTHERS, VERBS
from pyx_launcher.cli.invocation import parse_program
from pyx_launcher.console import print_error, write_out
from pyx_launcher.errors import PyxError
from pyx_launcher.launch import decide
from pyx_launcher.provision import find_entries
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation

_COUNTERPARTS: Mapping[str, str] = {
    "install": "add NAME",
    "uninstall": "remove NAME",
    "rm": "remove NAME",
    "update": "lock --upgrade [NAME]",
    "upgrade": "lock --upgrade [NAME]",
    "outdated": "list --outdated",
    "freeze": "list",
    "ls": "list",
    "show": "which NAME",
    "why": "tree --invert NAME",
    "graph": "tree",
    "new": "init [NAME]",
    "exec": "run NAME…",
    "python3": "NAME…",
    "compile": "lock",
    "check": "lock --check",
    "venv": "env --link",
    "virtualenv": "env --link",
    "cache": "store gc",
    "clean": "store gc",
    "self": "--version",
    "shell": 'run "$SHELL"',
    "activate": 'run "$SHELL"',
    "build": "tool run --from build pyproject-build",
    "publish": "tool run twine upload dist/*",
    "version": "tool run uv version --frozen [NAME…]",
    "audit": "export --format requirements -o locked.txt && pyx tool run pip-audit --disable-pip"
    " --require-hashes -r locked.txt",
    "format": "tool run ruff format [NAME…]",
    "fmt": "tool run ruff format [NAME…]",
    "lint": "tool run ruff check [NAME…]",
    "test": "-m pytest [NAME…]",
}
"""Verbs of other tools, with what follows ``pyx`` for the same.

NAME stands for the words that were typed, without options, for other tools have other ones;
``NAME…`` for all words; in brackets it may be missing. What does not belong to starting programs,
such as building one, is the business of the tool that is named.
"""

_CHOICES: Mapping[str, str] = {
    "--with": "--group",
    "--group": "--group",
    "-G": "--group",
    "--without": "--no-group",
    "--only": "--only-group",
    "--extras": "--extra",
    "--extra": "--extra",
    "-E": "--extra",
}
"""Options by which others choose groups and extras to install."""

_WITH_VALUE = (
    *_CHOICES,
    *("-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links"),
    *("-t", "--target", "--prefix", "--root", "--src", "--python", "-p", "--index", "--source"),
    *("--proxy", "--cert", "--trusted-host", "--timeout", "--retries", "--cache-dir", "--log"),
    *("--upgrade-strategy", "--platform", "--python-version", "--report", "--directory", "-C"),
)
"""Options of other tools whose value is the next word."""

_OF_SHOW: Mapping[str, str] = {
    **dict.fromkeys(("--tree", "-t"), "tree"),
    **dict.fromkeys(("--outdated", "-o", "--latest", "-l"), "list --outdated"),
}

_OF_PIPX: Mapping[str, str] = {
    "install": "tool install NAME",
    "uninstall": "tool uninstall NAME",
    "run": "tool run NAME…",
    "list": "tool list",
    "upgrade": "tool upgrade NAME",
    "upgrade-all": "tool upgrade",
}

_TOOLS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("pip", "pip3", "uv", "poetry", "pdm", "pipenv", "conda"), _COUNTERPARTS),
    "pipx": _OF_PIPX,
}
"""What may stand before a verb of theirs, by habit."""

_PYTHONS = ("python", "python3")
_INTERPRETERS: Mapping[str, str] = {
    "install": "tool run uv python install NAME",
    "list": "python list",
    "find": "python find",
    "pin": "python pin NAME",
}
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PROJECT = ("-e", "--editable")
_CLOSE = 0.7
"""How like two words must be, from 0 to 1: of `black` and `lock` one is no slip for the other."""


def answer_mistake(invocation: Invocation, environ: Mapping[str, str], error: PyxError) -> int:
    """Say `error`, that there is no such file, with what was meant; return the exit status.

    ``pyx help`` is answered, on stdout.
    """
    program = invocation.program
    name, *words = program.words[program.place :]
    if name == "help":
        from pyx_launcher.commands.help import format_usage

        write_out(format_usage(words))
        return 0
    hint = _find_file(name)
    if hint is not None:
        hint = f"did you mean {shlex.join(['pyx', *invocation.own, hint])}?"
    elif _PLAIN.fullmatch(name):
        hint = suggest(name, words, invocation.own, _list_programs(invocation, environ))
    print_error(PyxError(error.message, hint=hint))
    return error.exit_code


def _find_file(name: str) -> str | None:
    """Return the script beside which `name` looks like a slip; None for what is a known word."""
    directory, base = os.path.split(name)
    # A name that is there and cannot be opened, such as a dangling link, is no slip.
    if name in (*_COUNTERPARTS, *_TOOLS) or os.path.lexists(name):
        return None
    try:
        files = [file for file in os.listdir(directory or ".") if file.endswith(".py")]
        files = [file for file in files if os.path.isfile(os.path.join(directory, file))]
    except OSError:
        return None
    wanted = base if base.endswith(".py") else f"{base}.py"
    close = difflib.get_close_matches(wanted.lower(), map(str.lower, files), n=1, cutoff=_CLOSE)
    found = next((file for file in files if file.lower() in close), None)
    # A word without a suffix may be anything, unless it is the very name of the script.
    if found is None or wanted not in (base, found):
        return None
    return os.path.join(directory, found)


def suggest(name: str, words: Sequence[str], own: Sequence[str], programs: Collection[str]) -> str:
    """Return a hint for a command line of which `name` was to be a command.

    `own` are the options before it, `words` what follows, `programs` those of the environment.
    """
    pyx = shlex.join(["pyx", *own])
    if name in _TOOLS and words and not words[0].startswith("-"):
        return f"{pyx} {_translate_tool(name, words)}"
    if name in _PYTHONS and not words:
        return f"`{pyx}` alone is the prompt"
    if name in programs:
        return f"{pyx} run {shlex.join([name, *words])}"
    if name in _COUNTERPARTS:
        return f"{pyx} {translate(name, words)}"
    known = [*VERBS, *programs, *_COUNTERPARTS]
    close = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE)
    if not close:
        return f"nothing else here has that name; `{pyx} --help` lists the commands"
    if close[0] in VERBS:
        return f"did you mean {pyx} {close[0]}?"
    if close[0] in programs:
        return f"did you mean {pyx} run {close[0]}?"
    return f"did you mean {pyx} {translate(close[0], words)}?"


def translate(
    name: str, words: Sequence[str], table: Mapping[str, str] = _COUNTERPARTS
) -> str | None:
    """Return what follows ``pyx`` for the verb `name` of another tool; None for no such verb."""
    given = _drop_options(words)
    if name == "install" and table is _COUNTERPARTS:
        files = [word for word in words if word.startswith(("-r", "--requirement"))]
        if files:
            return f"add {shlex.join(words)}"
        if not given or _means_project(words):
            return shlex.join(["sync", *_translate_choice(words)])
    if name == "show" and not given:
        asked = [word for word in words if word in _OF_SHOW]
        return _OF_SHOW[asked[0]] if asked else "list"
    if name == "version" and given and given == [*words]:
        words = ["--bump", *given]
    form = table.get(name)
    if form is None:
        return None
    form = form.replace("[NAME…]", shlex.join(words)).rstrip()
    form = form.replace("NAME…", shlex.join(words) or "NAME")
    form = form.replace("[NAME]", shlex.join(given)).rstrip()
    return form.replace("NAME", shlex.join(given) or "NAME")


def _drop_options(words: Sequence[str]) -> list[str]:
    """Return `words` without options and their values: none of these is the name of a package."""
    given: list[str] = []
    before = ""
    for word in words:
        if not word.startswith("-") and before not in _WITH_VALUE:
            given.append(word)
        before = word
    return given


def _translate_choice(words: Sequence[str]) -> list[str]:
    """Return pyx's options for the groups and extras that Poetry or PDM was asked for."""
    chosen: list[str] = []
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        value = value if equals else "".join(words[at + 1 : at + 2])
        if name == "--only" and value in ("main", "default"):
            chosen.append("--no-default-groups")
        elif name in _CHOICES:
            chosen += [_CHOICES[name], ",".join(value.replace(",", " ").split())]
        elif word in ("--all-extras", "--all-groups", "--no-dev"):
            chosen.append(word)
    return chosen


def _means_project(words: Sequence[str]) -> bool:
    """Tell whether ``install`` was asked for what a project requires, not for one distribution."""
    return any(word in _PROJECT or word.startswith((".", "/")) for word in words)


def _translate_tool(tool: str, words: Sequence[str]) -> str:
    """Return what follows ``pyx`` for a whole command line of another tool."""
    name, *others = words
    if tool == "uv" and name == "pip" and others:
        name, *others = others
    if name == "python" and others and others[0] in _INTERPRETERS:
        return str(translate(others[0], others[1:], _INTERPRETERS))
    if name == "version" and tool not in ("uv", "poetry"):
        return "--version"
    # Behind another tool `python` installs interpreters, which nothing else here does.
    meant = None if name in _PYTHONS else translate(name, others, _TOOLS[tool])
    if meant is not None:
        return meant
    if name not in VERBS:
        return "--help"
    if name == "run" and others and (others[0].endswith(".py") or others[0] in ("-m", "-c")):
        return shlex.join(others)
    actions = VERBS[name].actions
    if others and others[0] in ACTIONS_OF_OTHERS.get(name, {}):
        form = ACTIONS_OF_OTHERS[name][others[0]].removeprefix("pyx ")
        values = _drop_options(others[1:])
        return re.sub(r"VERSION|NAME", shlex.join(values), form) if values else form
    if actions and (not others or others[0] not in actions):
        return f"{name} --help"
    return shlex.join([name, *others])


def advise_pip(invocation: Invocation) -> str:
    """Return what to type for a start of pip."""
    words = list(invocation.program.words)
    behind = words[words.index("pip") + 1 :] if "pip" in words else []
    pyx = shlex.join(["pyx", *invocation.own])
    if not behind or behind[0].startswith("-"):
        return f"`{pyx} add NAME` requires a package, `{pyx} list` shows what is there"
    return f"{pyx} {_translate_tool('pip', behind)}"


def _list_programs(invocation: Invocation, environ: Mapping[str, str]) -> set[str]:
    """Return the programs that a start here would have; of what is not in the store, its name."""
    names: set[str] = set()
    # What is wrong with a lock is no answer to a word that was mistyped.
    with contextlib.suppress(PyxError, OSError):
        plan = decide(replace(invocation, program=parse_program([])), environ, may_lock=False)
        entries, missing = find_entries(plan.selection, plan.found.interpreter, plan.dirs)
        names.update(artifact.name for artifact in missing)
        for entry in entries:
            names.update((*entry.facts.scripts, *entry.facts.data.get("scripts", ())))
    return names

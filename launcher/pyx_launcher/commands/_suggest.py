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
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.cli.conda import (
    CONDAS,
    PYTHONS,
    VERBS_OF_CONDA,
    advise_dry_run,
    advise_search,
    answer,
)
from pyx_launcher.cli.counterparts import (
    advise_python,
    fill,
    find_added,
    is_python,
    list_values_of,
    write_with,
)
from pyx_launcher.cli.invocation import parse_program, repeat_start
from pyx_launcher.commands._target import NAMESAKES, advise_namesake, explain_left_out
from pyx_launcher.commands._translate import (
    COUNTERPARTS,
    EDITABLE,
    NOTHING,
    OF_INDEX,
    OF_PIXI_GLOBAL,
    TOOLS,
    UPGRADE,
    Here,
    drop_options,
    keep_options,
    plan_run,
    settle,
    translate,
    translate_run,
    translate_tool,
)
from pyx_launcher.console import print_error, write_out
from pyx_launcher.dirs import resolve_dirs
from pyx_launcher.errors import PyxError
from pyx_launcher.launch import decide
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.project.manifest import MANIFEST, MANIFESTS, find_nearest
from pyx_launcher.project.named import find_surrounding, list_named
from pyx_launcher.project.requirement import read_constraint
from pyx_launcher.provision import find_entries
from pyx_launcher.start.pip import words_from_command
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation

_VERSIONED = re.compile(r"(?:python|-)(3(?:\.\d+)*t?)")
"""One version of python as a program, or the option of Windows' ``py`` for it."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DRY = frozenset(("--dry-run", "--dry"))
_PIP = frozenset(("pip", "setuptools", "wheel"))
_NO_PIP = "there is nothing to do: pyx fetches and installs without pip"
_UPGRADES_ITSELF = (
    "pyx is upgraded as it was installed: install the newer one in the same way (docs/install.md)"
)
_NO_DEACTIVATE = (
    "`exit` leaves a shell that pyx has started; after `source .venv/bin/activate`,"
    " type `deactivate` without pyx"
)

_NO_SLIPS = ("ipython", "bpython", "ptpython")
"""Programs whose names are like those of commands."""

_OF_SETTINGS = ("config", "source", "auth")
"""Commands of other tools for settings, of which pyx has none of its own."""

_TOO_SHORT = ("x", "py", "use", "pin", "uvx", "create", "pip-compile", "pip-sync")
"""Commands of others that too many words are like, or what is meant by another name."""

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
    hint = find_script(name)
    start = None if hint is not None else _find_named(name, words, invocation, environ)
    if start is not None:
        hint = shlex.join(start)
    elif hint is not None:
        hint = f"did you mean {shlex.join(['pyx', *invocation.own, hint, *words])}?"
    elif _PLAIN.fullmatch(name) or _VERSIONED.fullmatch(name):
        hint = suggest(name, words, invocation.own, _look_around(invocation, environ))
        hint = _make_project(hint, invocation)
    print_error(PyxError(error.message, hint=hint))
    return error.exit_code


def _make_project(hint: str, invocation: Invocation) -> str:
    """Return a hint whose ``add`` makes the project that it needs, where there is none."""
    is_elsewhere = invocation.named is not None or invocation.projects or find_surrounding()
    with contextlib.suppress(OSError):
        says_where = any(word in hint for word in ("pyx init", "(cd ", *MANIFESTS[:2]))
        if not is_elsewhere and not says_where and find_nearest(os.getcwd()) is None:
            return re.sub(r"pyx add (?!@|--init|--script)", "pyx add --init ", hint, count=1)
    return hint


def _find_named(
    name: str, words: Sequence[str], invocation: Invocation, environ: Mapping[str, str]
) -> list[str] | None:
    """Return what is started in the environment `name`, if there is one that was typed without @.

    A command of another tool is one before it is an environment, unless a file follows.
    """
    is_file = any(map(os.path.isfile, words[:1]))
    if invocation.named is not None or not (is_file or name not in (*COUNTERPARTS, *TOOLS)):
        return None
    with contextlib.suppress(PyxError):
        if any(found.name == name for found in list_named(resolve_dirs(environ))):
            return ["pyx", f"@{name}", *invocation.own, *words]
    return None


def find_script(name: str) -> str | None:
    """Return the script beside which `name` looks like a slip; None for what is a known word."""
    directory, base = os.path.split(name)
    # A name that is there and cannot be opened, such as a dangling link, is no slip.
    if name in (*COUNTERPARTS, *TOOLS) or os.path.lexists(name):
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


def suggest(name: str, words: Sequence[str], own: Sequence[str] = (), here: Here = NOTHING) -> str:
    """Return a hint for a command line of which `name` was to be a command.

    `own` are the options before it, `words` what follows.
    """
    pyx = shlex.join(["pyx", *own])
    if name in ("pip", "pip3", "install") and _means_pip(words):
        return _answer_pip(pyx, words, here)
    if name in TOOLS and words and not words[0].startswith("-"):
        return _answer_tool(name, words, pyx, here)
    if name in ("pip", "pip3"):
        return _lead_from_pip(pyx)
    version = _VERSIONED.fullmatch(words[0] if name == "py" and words else name)
    if version is not None and name not in PYTHONS[:2]:
        pyx = shlex.join(["pyx", *own, "--python", version[1]])
        words = words[1:] if name == "py" else words
        return f"{pyx} {shlex.join(words)}" if words else f"`{pyx}` alone starts the prompt"
    if name in PYTHONS and not words:
        return f"`{pyx}` alone starts the prompt"
    if name in here.programs | here.waiting:
        return f"{pyx} run {shlex.join([name, *words])}"
    if _means_conda(name, words):
        return answer([name, *words], pyx)
    whole = _answer_whole(name, words, pyx)
    if whole is not None:
        return whole
    if name == "deactivate" or name in COUNTERPARTS or name in NAMESAKES - here.packages:
        return _answer_verb(name, words, pyx, here)
    return _answer_slip(name, words, pyx, here)


def _means_conda(name: str, words: Sequence[str]) -> bool:
    """Tell whether a command that others have too is typed as conda has it."""
    if name in ("create", "compare") or (name == "activate" and drop_options(words)):
        return True
    if name == "install" and re.search(r"(?:\A| )-n [^-\s]", " ".join(words)):
        # For Poetry, which asks nothing then, no package follows.
        return True
    return name in VERBS_OF_CONDA and _names_environment(words)


def _answer_slip(name: str, words: Sequence[str], pyx: str, here: Here) -> str:
    """Return the hint for a word that nobody knows: what it is like, or where to look."""
    if name in _OF_SETTINGS:
        return "pyx has no settings; indexes are those of pip: `pyx tool run pip config list`"
    known = [*VERBS, *here.programs, *(one for one in COUNTERPARTS if one not in _TOO_SHORT)]
    known = [] if name in _NO_SLIPS else known
    close = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE)
    if not close and here.waiting:
        run = f"{pyx} run {shlex.join([name, *words])}"
        return f"some locked packages have not been fetched yet; if one of them has it: `{run}`"
    if not close:
        adds = f"`{pyx} add PACKAGE` adds the package of a program, " if here.has_lock else ""
        return f"nothing else here has that name; {adds}`{pyx} --help` lists the commands"
    if close[0] in VERBS:
        return f"did you mean {pyx} {close[0]}?"
    if close[0] in here.programs:
        return f"did you mean {pyx} run {close[0]}?"
    meant = _answer_verb(close[0], words, pyx, here)
    return meant if meant.startswith("`") else f"did you mean {meant}?"


def _answer_verb(name: str, words: Sequence[str], pyx: str, here: Here) -> str:
    if name == "deactivate":
        return _NO_DEACTIVATE
    if name in NAMESAKES:
        left_out = explain_left_out(name, here.plan, "run", name, *words) if here.plan else None
        if left_out is not None:
            return left_out
        run = f"{pyx} run {shlex.join([name, *words])}"
        return f"{_advise(name, pyx, here)}, then `{run}`"
    command = _begin(pyx, settle(str(translate(name, words, here=here))))
    if command.startswith(f"{pyx} -m pytest") and "pytest" not in here.packages:
        return f"{_advise('pytest', pyx, here)}, then `{command}`"
    return command


def _advise(name: str, pyx: str, here: Here) -> str:
    _, at, named = pyx.partition(" @")
    return advise_namesake(name, named.partition(" ")[0] if at else None, here.plan)


def _means_pip(words: Sequence[str]) -> bool:
    """Tell whether pip itself, alone or with what it builds with, is to be brought up to date."""
    given = set(drop_options(words)) - {"install"}
    return "pip" in given and given <= _PIP and any(word in UPGRADE for word in words)


def _answer_pip(pyx: str, words: Sequence[str], here: Here) -> str:
    locked = [word for word in drop_options(words) if word in here.packages & _PIP]
    return f"{pyx} lock --upgrade {shlex.join(locked)}" if locked else _NO_PIP


def _names_environment(words: Sequence[str]) -> bool:
    """Tell whether `words` name an environment as conda does, and more; Poetry's ``-n`` is alone.

    Without a package, ``-n`` would take one for its value.
    """
    if any(word == "--all" or word.startswith(("--name", "--file")) for word in words):
        return True
    at = words.index("-n") + 1 if "-n" in words else len(words)
    return len(words) > at and len(drop_options(words)) > 1


def _answer_tool(tool: str, words: Sequence[str], pyx: str, here: Here) -> str:
    """Return the hint for a whole command line of another tool."""
    if tool in CONDAS:
        return _NO_DEACTIVATE if words[0] == "deactivate" else answer(words, pyx)
    name, *others = words
    if tool == "uv" and name == "pip" and others:
        name, *others = others
    if tool == "uv" and name == "run":
        added, rest = find_added(others)
        if added:
            start = shlex.split(plan_run(rest)[0]) if rest else []
            return write_with(added, shlex.split(pyx)[1:], start)
    if tool == "pixi" and name == "global" and others:
        form = OF_PIXI_GLOBAL.get(others[0], "tool --help")
        return f"pyx {fill(form, drop_options(others[1:]))}"
    if tool == "pixi" and name in ("init", "run"):
        # A task is a line of its manifest, which pyx does not read.
        return _begin(pyx, "init" if name == "init" else translate_run(others))
    whole = None if tool == "pipx" else _answer_whole(name, others, pyx)
    if whole is not None:
        return whole
    meant = translate_tool(tool, words, here)
    return _begin(pyx, meant) if meant else f"`{pyx}` alone starts the prompt"


def _answer_whole(name: str, words: Sequence[str], pyx: str) -> str | None:
    """Return the hint for a command that only asks, or that is about python; None for any other."""
    given = drop_options(words)
    if name == "search" or (name == "index" and given[:1] == ["versions"]):
        return advise_search(given[-1:])
    if name == "self" and given[:1] in (["update"], ["upgrade"]):
        return _UPGRADES_ITSELF
    if _DRY.intersection(words):
        return _answer_dry_run(name, words, pyx)
    if name in ("install", "add") and any(map(is_python, given)):
        return advise_python(given, shlex.split(pyx), is_named=" @" in pyx)
    return None


def _answer_dry_run(name: str, words: Sequence[str], pyx: str) -> str | None:
    """Return the hint for a command that is to tell what it would do, and not to do it."""
    given = drop_options(words)
    if name in ("install", "add"):
        places = list_values_of(EDITABLE, words)
        names = [word for word in given if word not in places]
        files = [f"-r{file}" for file in list_values_of(("-r", "--requirement"), words)]
        if names or files or places:
            meant = [read_constraint(each) or each for each in names]
            of_index = [word for word in keep_options(words, OF_INDEX) if word not in given]
            edited = (f"-e{place}" for place in places)
            return advise_dry_run([*of_index, *meant, *files, *edited])
    if name in ("install", "sync"):
        return f"`{pyx} list` shows what a start gets, which `{pyx} sync` would fetch"
    if name in ("lock", "update", "upgrade"):
        return f"{pyx} list --outdated"
    if name in ("remove", "uninstall", "rm") and given:
        return f"{pyx} tree --invert {shlex.quote(given[0])}"
    return None


def advise_pip(behind: Sequence[str], invocation: Invocation, environ: Mapping[str, str]) -> str:
    """Return what to type for a start of pip with the words `behind` it."""
    pyx = shlex.join(repeat_start(invocation))
    if _means_pip(behind):
        return _answer_pip(pyx, behind, _look_around(invocation, environ))
    words = words_from_command(behind)
    if not words:
        return _lead_from_pip(pyx)
    hint = _answer_tool("pip", words, pyx, _look_around(invocation, environ))
    return _make_project(hint, invocation)


def _lead_from_pip(pyx: str) -> str:
    """Return what there is in the place of pip, of which nothing was asked."""
    return f"`{pyx} add NAME` adds a package, `{pyx} list` shows what is there"


def _begin(pyx: str, meant: str) -> str:
    """Return a command that begins with `pyx`, unless `meant` has commands of its own."""
    if "`" not in meant:
        return f"{pyx} {meant}"
    return re.sub(r"(^`| )pyx (?=add|export|list|sync|tree|lock)", rf"\1{pyx} ", meant)


def _look_around(invocation: Invocation, environ: Mapping[str, str]) -> Here:
    """Return what a start here would have, as far as that can be told."""
    # What is wrong with a lock is no answer to a word that was mistyped.
    here = Here(is_poetrys=_is_poetrys(invocation))
    with contextlib.suppress(PyxError, OSError):
        plan = decide(replace(invocation, program=parse_program([])), environ, may_lock=False)
        entries, missing = find_entries(plan.selection, plan.found.interpreter, plan.dirs)
        scripts = (
            name
            for entry in entries
            for name in (*entry.facts.scripts, *entry.facts.data.get("scripts", ()))
        )
        return replace(
            here,
            programs=frozenset(scripts),
            waiting=frozenset(artifact.name for artifact in missing),
            packages=frozenset(artifact.name for artifact in plan.selection.artifacts),
            has_lock=plan.lock is not None,
            plan=plan,
        )
    return here


def _is_poetrys(invocation: Invocation) -> bool:
    """Tell whether the pyproject.toml of the project here has a table of Poetry's."""
    with contextlib.suppress(PyxError, OSError):
        place = Path(*invocation.projects[:1]).absolute()
        for directory in (place, *place.parents):
            if (directory / MANIFEST).is_file():
                return "poetry" in read_toml(directory / MANIFEST).table("tool").data
    return False

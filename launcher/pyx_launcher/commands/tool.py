"""``pyx tool``: programs in locked environments of their own, installed on PATH or run once."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import shlex
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pyx_launcher.cli.counterparts import write_with
from pyx_launcher.cli.env_file import add_variables
from pyx_launcher.cli.invocation import repeat_start
from pyx_launcher.commands._arguments import check_words, take_action
from pyx_launcher.commands._format import format_json, format_table
from pyx_launcher.commands._shell import put_on_path
from pyx_launcher.commands.run import find_program
from pyx_launcher.console import tell, write_out
from pyx_launcher.dirs import find_home, resolve_dirs
from pyx_launcher.environment.directory import list_installed as list_strangers
from pyx_launcher.errors import NotFoundError, PyxError, UnavailableError, UsageError
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import find_interpreter
from pyx_launcher.launch import decide, make_ready
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.resolve.project import Change, change_project
from pyx_launcher.resolve.runner import Upgrade
from pyx_launcher.resolve.tools import make_toolbox
from pyx_launcher.start.execution import become_program
from pyx_launcher.start.pip import PipError, changes_environment, is_pip
from pyx_launcher.tools import (
    EnvironmentMaker,
    install,
    is_installed,
    list_installed,
    list_programs,
    make_wish,
    prepare,
    read_installed,
    uninstall,
    upgrade,
)
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.environment.directory import Environment
    from pyx_launcher.tools import Installed, Wish

_PYTHON = re.compile(r"c?python(?:\d+(?:\.\d+)*t?)?(?![\w.-])")
"""The interpreter, as uv's users run or install one version of it."""

_LATEST = re.compile(r"^[^@]*@latest$")
"""A name of which the newest version is meant, whichever is installed, as uv has it."""

_SHOWN = 3
"""Programs that are named where the one that was asked for is not there."""

_DAYS = 14
"""How long a program that was run once stays the version that it was."""


def run_tool(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Do one of the forms of ``pyx tool``; the answer goes to stdout."""
    action, words = take_action(invocation)
    dirs = resolve_dirs(environ)
    places = (dirs.home / "tools", find_links(environ))
    if action == "run":
        return _run(invocation, words, dirs, environ)
    if action == "list":
        check_words(invocation, 1)
        found = list_installed(*places)
        if "--outdated" in invocation.settings:
            _list_outdated(found, invocation, environ)
        else:
            _list(found, as_json="--json" in invocation.settings)
        return 0
    if action == "install":
        _install(invocation, words, places, _make_means(invocation, dirs, environ))
        _advise(places[1], environ)
        return 0
    if action == "ensurepath":
        check_words(invocation, 1)
        write_out(put_on_path(places[1], environ))
        return 0
    if action == "upgrade":
        if invocation.python is not None:
            raise _explain_python(words, invocation.python, places)
        _upgrade(words, places, _make_means(invocation, dirs, environ))
        return 0
    check_words(invocation, 2, at_most=len(invocation.words))
    for name in words:
        programs = uninstall(*places, name)
        write_out(f"{name} removed: {', '.join(programs) or 'no programs'}\n")
    return 0


def _install(
    invocation: Invocation, words: Sequence[str], places: tuple[Path, Path], means: EnvironmentMaker
) -> None:
    check_words(invocation, 2, at_most=len(invocation.words))
    beside = _read_with(invocation)
    if len(words) > 1 and beside:
        raise UsageError(
            "--with belongs to one tool",
            hint=shlex.join(
                ["pyx", "tool", "install", *(f"--with={one}" for one in beside), words[0]]
            ),
        )
    is_editable = "--editable" in invocation.settings
    for word in words:
        _refuse_script(invocation, [word])
        _refuse_python(invocation, [word])
        wish = make_wish([_pin(word), *beside], invocation.python, is_editable=is_editable)
        is_forced = "--force" in invocation.settings
        before = None
        if is_installed(places[0], wish.name):
            before = read_installed(places[0] / wish.name, places[1]).wish
        found, is_new = install(*places, wish, means, is_forced=is_forced)
        if before is not None and not is_forced:
            _tell_of_gone(before, found.wish)
        if _LATEST.search(word) and not is_new:
            old, found = upgrade(*places, wish.name, means)
            is_new = old != found.version
        already = "" if is_new else " is installed already"
        if not (is_new or beside) and found.wish.requirements[1:]:
            already += f", with {', '.join(found.wish.requirements[1:])} (--force: without)"
        write_out(f"{found.wish.name} {found.version}{already}: {', '.join(found.programs)}\n")


def _ask_beside(requirements: Iterable[str]) -> list[str]:
    """Return the options that have `requirements` beside a tool."""
    return [word for one in requirements for word in ("--with", one)]


def _tell_of_gone(before: Wish, now: Wish) -> None:
    """Say what stood beside a tool and does not any more, with what has it back."""
    gone = [text for text in before.requirements[1:] if text not in now.requirements]
    if gone:
        first, *others = now.requirements
        command = shlex.join(["pyx", "tool", "install", first, *_ask_beside((*others, *gone))])
        tell(f"{now.name} has {', '.join(gone)} beside it no longer; `{command}` has it back")


def _refuse_script(invocation: Invocation, words: Sequence[str]) -> None:
    """Raise UsageError for a script where a package is named: one of its name is a stranger's."""
    name = invocation.settings.get("--from", words)[-1 if "--from" in invocation.settings else 0]
    if name.endswith(".py") and os.path.isfile(name):
        behind = words[1:] if name == words[0] else ()
        raise UsageError(
            f"{name} is a script, not a package", hint=shlex.join(["pyx", name, *behind])
        )


def _refuse_python(invocation: Invocation, words: Sequence[str]) -> None:
    """Raise UsageError for python itself, since a package of its name is a stranger's."""
    beside = _read_with(invocation)
    named = [*words[:1], *invocation.settings.get("--from", ()), *beside]
    pythons = list(filter(_is_python, named))
    if not pythons:
        return
    version = next(filter(None, map(_find_version, pythons)), invocation.python)
    problem = "python is not a package: a start takes one that is here"
    if invocation.words[0] == "install":
        start = ["pyx", "tool", "run", "uv", "python", "install", version or "VERSION"]
        raise UsageError(problem, hint=shlex.join(start))
    if not _is_python(words[0]):
        raise UsageError(problem, hint="leave it out; --python chooses one")
    own = [*repeat_start(invocation, "--python")[1:], *(["--python", version] if version else [])]
    wanted = (*invocation.settings.get("--from", ()), *beside)
    others = [one for one in wanted if not _is_python(one)]
    if others:
        hint = write_with(others, own, words[1:] or ["-i"])
    elif own or words[1:]:
        hint = shlex.join(["pyx", *own, *words[1:]])
    else:
        hint = "`pyx` alone starts the prompt"
    raise UsageError(problem, hint=hint)


def _is_python(word: str) -> bool:
    return _PYTHON.match(word.lower()) is not None


def _find_version(word: str) -> str | None:
    """Return the version that a word such as ``python3.12`` or ``python@3.12`` asks for."""
    asked = re.findall(r"3(?:\.\d+)*t?", word)
    return asked[-1] if asked else None


def _pin(word: str) -> str:
    """Return the requirement that NAME@VERSION is, as uv has it; any other word as it is."""
    name, at, version = word.partition("@")
    if not at or not re.fullmatch(r"[\w.-]+(\[[\w,.-]*\])?", name):
        return word
    if version == "latest":
        return name
    return f"{name}=={version}" if re.fullmatch(r"v?\d[\w.+!]*", version) else word


def find_links(environ: Mapping[str, str]) -> Path:
    """Return the directory on the user's PATH that programs are linked into."""
    return find_home(environ) / ".local" / "bin"


def _explain_python(words: Sequence[str], python: str, places: tuple[Path, Path]) -> UsageError:
    """Tell how a tool gets another Python, with all that was installed with it."""
    known = {found.wish.name: found.wish.requirements for found in list_installed(*places)}
    steps = []
    for name in words or known or ["NAME"]:
        wanted, *beside = known.get(canonicalize_name(name), [name])
        more = _ask_beside(beside)
        steps.append(shlex.join(["pyx", "tool", "install", "--python", python, wanted, *more]))
    return UsageError("a tool is upgraded for the Python that it has", hint=" && ".join(steps))


def _upgrade(words: Sequence[str], places: tuple[Path, Path], means: EnvironmentMaker) -> None:
    names = words or [found.wish.name for found in list_installed(*places)]
    problems: dict[str, PyxError] = {}
    for name in names:
        try:
            old, new = upgrade(*places, name, means)
        except PyxError as error:
            # The others are upgraded all the same.
            problems[name] = error
            continue
        change = f"{old} -> {new.version}"
        if old == new.version:
            wished = new.wish.requirements[0]
            bound = f" that {wished} allows" if Requirement(wished).specifier else ""
            change = f"{old} is the newest{bound}"
        write_out(f"{new.wish.name} {change}\n")
    if len(problems) == 1:
        raise next(iter(problems.values()))
    for name, problem in problems.items():
        tell(f"{name}: {problem.message}")
    if problems:
        raise UnavailableError(f"not upgraded: {', '.join(problems)}")


def _list(found: Sequence[Installed], *, as_json: bool) -> None:
    facts = [
        {
            "name": one.wish.name,
            "version": one.version,
            "programs": [*one.programs],
            "requirements": [*one.wish.requirements],
            "python": one.wish.python,
            "directory": str(one.directory),
        }
        for one in found
    ]
    if as_json:
        write_out(format_json(facts))
        return
    rows = [(one.wish.name, one.version, ", ".join(one.programs)) for one in found]
    write_out(format_table(("name", "version", "programs"), rows))
    for one in found:
        _tell_of_strangers(one)


def _tell_of_strangers(tool: Installed) -> None:
    """Warn of what a tool, such as ``poetry self add``, has installed where it is installed."""
    installed = list_strangers((tool.directory / "environment").resolve())
    if installed:
        first, *others = tool.wish.requirements
        command = shlex.join(["pyx", "tool", "install", *_ask_beside(("PACKAGE", *others)), first])
        tell(
            f"warning: {', '.join(installed)} in the environment of {tool.wish.name} goes with its "
            f"next change; `{command}` keeps a package"
        )


def _list_outdated(
    found: Sequence[Installed], invocation: Invocation, environ: Mapping[str, str]
) -> None:
    from pyx_launcher.index.finder import Index
    from pyx_launcher.index.settings import read_index_settings
    from pyx_launcher.reports.outdated import find_newer, refuse_offline

    refuse_offline("which versions there are", environ, offline=invocation.offline)
    facts = []
    for one in found:
        plan = decide(_start(one.directory, one.wish, invocation), environ)
        own = [a for a in plan.selection.artifacts if a.name == one.wish.name]
        with Index(read_index_settings(plan.selection.find_indexes(), environ)) as index:
            newer = find_newer(own, plan.found.interpreter, index)
        facts += [
            {"name": name, "version": one.version, "latest": str(v)} for name, v in newer.items()
        ]
    if "--json" in invocation.settings:
        write_out(format_json(facts))
        return
    rows = [tuple(fact.values()) for fact in facts]
    write_out(format_table(("name", "version", "latest"), rows))


def _run(
    invocation: Invocation, words: Sequence[str], dirs: Dirs, environ: Mapping[str, str]
) -> int:
    check_words(invocation, 2, at_most=len(invocation.words))
    _refuse_script(invocation, words)
    _refuse_python(invocation, words)
    named = invocation.settings.get("--from", (words[0],))[-1]
    wish = make_wish([_pin(named), *_read_with(invocation)], invocation.python)
    # black==24.1 is run by the name black, and a directory by that of its project.
    program = (
        words[0] if "--from" in invocation.settings else Requirement(wish.requirements[0]).name
    )
    if is_pip(program) and changes_environment(words[1:], environ):
        raise PipError("pip would change an environment that is a tool's alone", words[1:])
    means = _make_means(invocation, dirs, environ)
    installed = dirs.home / "tools" / wish.name
    is_latest = _LATEST.search(named) is not None
    is_plain = [canonicalize_name(text) for text in wish.requirements] == [wish.name]
    try:
        if is_plain and not (is_latest or wish.python) and installed.is_dir():
            wish = read_installed(installed, find_links(environ)).wish
            environment = means.build(installed, wish)
        else:
            key = json.dumps([wish.requirements, wish.python])
            name = f"{wish.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
            # Whoever asks for the latest does not mean that of two weeks ago.
            days = 0 if is_latest else _DAYS
            environment = prepare(dirs.cache / "tools" / name, wish, means, days=days)
    except UnavailableError as error:
        if words[1:2] == ("--from",) and len(words) > 2:
            behind = shlex.join(["pyx", "tool", "run", "--from", words[2], program, *words[3:]])
            error.hint = f"options of pyx come before the program: `{behind}`"
        raise
    try:
        path = find_program(
            environment, program, f"{wish.name} has no program {program}", lambda close: close
        )
    except NotFoundError as error:
        names = list_programs(environment, wish)
        error.hint = _advise_program(wish, [program, *words[1:]], names) or error.hint
        raise
    # As from a link on PATH, where nothing else of the tool's environment is to be seen.
    return become_program(path, words[1:], add_variables(invocation.env_files, environ))


def _advise_program(wish: Wish, words: Sequence[str], names: Sequence[str]) -> str:
    """Return how `words` are run by the programs `names` that `wish` has, the likeliest first."""
    start = ["pyx", "tool", "run", "--from", wish.requirements[0]]
    likely = difflib.get_close_matches(words[0], names, n=_SHOWN, cutoff=0)
    return " or ".join(f"`{shlex.join([*start, name, *words[1:]])}`" for name in likely)


def _read_with(invocation: Invocation) -> list[str]:
    values = invocation.settings.get("--with", ())
    if any(value.startswith("@") for value in values):
        hint = (
            "`pyx --with @NAME SCRIPT` starts a program with an environment; here it takes packages"
        )
        raise UsageError("a tool has an environment of its own", hint=hint)
    return [*values]


def _make_means(invocation: Invocation, dirs: Dirs, environ: Mapping[str, str]) -> EnvironmentMaker:
    def find_python(wish: Wish) -> str:
        return find_interpreter(
            request=wish.python,
            requires_python=SpecifierSet(),
            start=dirs.home,
            environ=environ,
            cache=dirs.interpreters,
            template=find_template(),
            required_by="",
        ).interpreter.short.rstrip("t")

    def lock(directory: Path, wish: Wish) -> None:
        toolbox = make_toolbox(environ, offline=invocation.offline)
        change = Change(upgrade=Upgrade(everything=True))
        subject = wish.requirements[0]
        change_project(directory, change, toolbox, tell, python=wish.python, subject=subject)

    def build(directory: Path, wish: Wish) -> Environment:
        start = _start(directory, wish, invocation)
        return make_ready(decide(start, environ), environ).environment

    return EnvironmentMaker(lock=lock, build=build, python=find_python)


def _start(directory: Path, wish: Wish, invocation: Invocation) -> Invocation:
    """Return the start of a program whose environment is locked in `directory`."""
    return replace(
        invocation,
        projects=(str(directory),),
        named=None,
        stacked=(),
        choice=Choice(),
        python=wish.python,
    )


def _advise(links: Path, environ: Mapping[str, str]) -> None:
    if str(links) not in environ.get("PATH", "").split(os.pathsep):
        tell(f"{links} is not on PATH; `pyx tool ensurepath` puts it there")

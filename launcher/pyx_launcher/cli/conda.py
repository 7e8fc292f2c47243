"""What to type for a command line of conda.

Only a command line that is mistaken already asks for it.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.cli.conda_specs import add_file, collect, write_creation
from pyx_launcher.locks.reader import has_lock_name
from pyx_launcher.spelling import make_plain
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONDAS = ("conda", "mamba", "micromamba")

ALONE = "leave it out: a start needs no environment that was activated before"
_SETTINGS = "leave it out: packages come from the index that pip is configured for"

_PLAIN: Mapping[str, str] = {
    "clean": "pyx store gc",
    "config": _SETTINGS,
    "env list": "pyx env list",
    "info": "pyx info",
    "init": ALONE,
    "notices": _SETTINGS,
}
"""Commands of conda that name no environment, with what is done for them."""

_OF_ENVIRONMENT: Mapping[str, str] = {
    "activate": 'run "$SHELL"',
    "env export": "export --format requirements",
    "export": "export --format requirements",
    "list": "list",
}
"""The same behind ``pyx @NAME``, where a name was given."""

VERBS_OF_CONDA = (
    *("create", "install", "remove", "uninstall", "update", "upgrade", "run", "search"),
    *("compare", "rename", "repoquery", *_PLAIN, *_OF_ENVIRONMENT),
)

_VALUED: Mapping[str, str] = {
    **dict.fromkeys(("-n", "--name"), "name"),
    **dict.fromkeys(("-p", "--prefix"), "prefix"),
    **dict.fromkeys(("-f", "--file"), "file"),
    "--clone": "clone",
    **dict.fromkeys(("--revision", "--rev"), "revision"),
    "--python": "python",
    "--cwd": "cwd",
    **dict.fromkeys(
        (
            *("-c", "--channel", "--solver", "--subdir", "--platform"),
            *("--repodata-fn", "--progress-bar", "--experimental", "--spec", "--format"),
        ),
        "",
    ),
}
"""Options with a value, and what that is."""

_FLAGS = (
    *("-y", "--yes", "-q", "--quiet", "-d", "--dry-run", "--override-channels", "--prune"),
    *("--no-default-packages", "--force", "--use-local", "--strict-channel-priority"),
)


def is_option(word: str) -> bool:
    """Tell whether `word` is an option with which conda makes environments."""
    return word in _VALUED or word in _FLAGS


_ITSELF = frozenset((*CONDAS, "conda-build", "anaconda"))
PYTHONS = ("python", "python3", "py")
"""What python is started as."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    """A command line of conda, taken apart."""

    verb: str
    given: tuple[str, ...]
    """What is no option."""
    flags: frozenset[str]
    values: Mapping[str, tuple[str, ...]]
    """By what `_VALUED` says of them."""
    program: tuple[str, ...]
    """From the first word on that is no option."""

    def name(self) -> str:
        """Return the environment that an option names; a directory's has the name of that."""
        named = [*self.values.get("name", ()), *map(_name_prefix, self.values.get("prefix", ()))]
        return make_plain(named[0].removeprefix("@")) if named else ""


def _name_prefix(path: str) -> str:
    """Return what an environment is called that conda would have in the directory `path`.

    Many projects have one of the same name.
    """
    above, base = os.path.split(os.path.abspath(path))
    return f"{os.path.basename(above)}-{base}"


def _take_apart(words: Sequence[str]) -> _Words:
    verb, *others = words
    given: list[str] = []
    flags: set[str] = set()
    values: dict[str, tuple[str, ...]] = {}
    program: tuple[str, ...] = ()
    at = 0
    while at < len(others):
        option, equals, value = others[at].partition("=")
        if option in _VALUED:
            value = value if equals else "".join(others[at + 1 : at + 2])
            values[_VALUED[option]] = (*values.get(_VALUED[option], ()), value)
            at += 1 if equals else 2
        elif option.startswith("-"):
            flags.add(option)
            at += 1
        elif verb == "run":
            program = tuple(others[at:])
            break
        else:
            given.append(others[at])
            at += 1
    if verb == "env" and given:
        verb = f"env {given.pop(0)}"
    return _Words(
        verb=verb, given=tuple(given), flags=frozenset(flags), values=values, program=program
    )


def answer(words: Sequence[str], start: str = "pyx") -> str:
    """Return the hint for a command line of conda, without its name; `start` stands for ``pyx``."""
    typed = _take_apart(words)
    if typed.values.get("cwd"):
        start = f"cd {shlex.quote(typed.values['cwd'][0])} && {start}"
    verb, name, given = _find_meaning(typed)
    if verb == "env remove" and typed.values.get("prefix"):
        # What has the name of that directory here may be another environment.
        return "pyx env list"
    if "--dry-run" in typed.flags or ("-d" in typed.flags and verb in _SOLVED):
        return advise_dry_run(collect(given).words)
    if verb in _PLAIN:
        return _PLAIN[verb]
    if verb == "env remove":
        return f"pyx env remove {name or 'NAME'}"
    if verb == "rename":
        return advise_rename(name or "OLD", "".join(given[:1]) or "NEW")
    if verb in ("create", "env create", "env update") or typed.values.get("file"):
        return _answer_creation(typed, name, given)
    if verb in ("search", "repoquery"):
        return advise_search(given[-1:])
    at_name = re.sub(r" @\S+", "", start) + f" {shlex.quote('@' + name)}" if name else start
    if verb in _OF_ENVIRONMENT:
        is_one = verb == "list" and given
        return f"{at_name} {f'which {shlex.quote(given[0])}' if is_one else _OF_ENVIRONMENT[verb]}"
    if verb == "run":
        program = list(typed.program) or ["NAME"]
        if program[0] in PYTHONS and not program[1:]:
            return f"`{at_name}` alone starts the prompt"
        is_python = program[0] in PYTHONS
        return f"{at_name} {shlex.join(program[1:] if is_python else ['run', *program])}"
    return _answer_change(typed, at_name, name, given)


def _find_meaning(typed: _Words) -> tuple[str, str, tuple[str, ...]]:
    """Return the command that is meant, the environment that it names, and its other words."""
    verb, name, given = typed.verb, typed.name(), typed.given
    if verb == "info" and typed.flags & {"-e", "--envs"}:
        verb = "env list"
    elif verb in ("remove", "uninstall") and "--all" in typed.flags:
        verb = "env remove"
    elif verb == "list" and typed.flags & {"-e", "--export", "--explicit"}:
        verb = "export"
    if verb in _NAMED and given and not (name or re.search("[=<>!~:]", given[0])):
        # As pyx has it, too; conda's option is for that.
        called = _name_prefix(given[0]) if "/" in given[0] else given[0].removeprefix("@")
        name, given = make_plain(called), given[1:]
    return verb, name, given


_NAMED = ("activate", "create", "env create", "env remove", "env update", "rename")
"""Commands whose first word may be a name."""
_SOLVED = ("create", "install", "update", "upgrade", "env create", "env update")
"""Commands that choose versions."""


_UNREAD = re.compile(r"\.(?:toml|lock|json)\Z|conda-lock[^/]*\.ya?ml\Z")
"""How the files end that are no lists of what conda is to install, but another tool's."""


def write_lock_out(lock: str, environment: str) -> str:
    """Return the commands that have an `environment`, such as ``@NAME``, require what is locked."""
    words = ["pyx", "--project", lock, "export", "--format", "requirements", "-o", "wanted.txt"]
    adding = shlex.join(["pyx", "add", environment, "-r", "wanted.txt"])
    start = shlex.join(["pyx", "--project", lock, "SCRIPT"])
    return f"`{shlex.join(words)} && {adding}` has it there; `{start}` starts with it as it is"


def _answer_creation(typed: _Words, name: str, given: Sequence[str]) -> str:
    """Return the hint for what makes an environment, or has it have what a file lists."""
    if typed.values.get("clone"):
        source = make_plain(typed.values["clone"][0].removeprefix("@"))
        return shlex.join(write_clone(source, name or "NAME"))
    files = typed.values.get("file", ())
    if (
        not files
        and typed.verb.startswith("env ")
        and not given
        and (typed.verb == "env update" or not name)
    ):
        files = tuple(filter(os.path.isfile, ("environment.yml", "environment.yaml")))[:1]
    wanted = collect(given)
    gone = next((file for file in files if not os.path.isfile(file)), None)
    if gone is not None:
        command = write_creation(name or "NAME", wanted)
        return f"there is no file {gone}; `{command}` makes an environment without it"
    unread = next((file for file in files if _UNREAD.search(file)), None)
    if unread is not None and has_lock_name(Path(unread)):
        return write_lock_out(unread, f"@{name or 'NAME'}")
    if unread is not None:
        adding = f"`pyx add @{name or 'NAME'} PACKAGE` adds packages one by one"
        return f"pyx does not read {unread}; {adding}"
    for file in files:
        wanted = add_file(wanted, file)
    if typed.verb == "env update" and not files:
        return f"pyx @{name or 'NAME'} lock --upgrade"
    if typed.verb not in ("create", "env create", "env update") and not name:
        return wanted.tell(shlex.join(["pyx", "add", *(wanted.words or ["NAME"])]))
    named = wanted.name or os.path.splitext(os.path.basename("".join(files[:1])))[0]
    meant = name or (make_plain(named) if named else "NAME")
    python = "".join(typed.values.get("python", ())[-1:])
    command = write_creation(meant, wanted, python or None)
    told = wanted.tell(command)
    if "--prune" not in typed.flags:
        return told
    told = told if "`" in told else f"`{told}`"
    return f"{told}; what is no longer wanted stays until `pyx remove @{meant} PACKAGE`"


def _answer_change(typed: _Words, start: str, name: str, given: Sequence[str]) -> str:
    """Return the hint for what changes the packages of an environment that is there."""
    verb = typed.verb
    if verb == "compare":
        return f"`pyx diff @{name or 'NAME'} @OTHER` shows what two environments differ in"
    wanted = collect(given)
    words, version = list(wanted.packages.values()), wanted.python
    if typed.values.get("revision"):
        return f"pyx keeps no revisions; `{start} list` shows what there is"
    is_update = verb in ("update", "upgrade") or "--update-all" in typed.flags
    if is_update and given and _ITSELF.issuperset(given):
        return "pyx --version"
    if verb in ("remove", "uninstall"):
        return wanted.tell(f"{start} remove {shlex.join(words) or 'NAME'}")
    if verb not in ("install", "update", "upgrade"):
        return "pyx --help"
    pin = f"{start} python pin {shlex.quote(version or 'VERSION')}"
    if not words and any(one.startswith("python") for one in given):
        return pin
    command = f"{start} lock --upgrade {shlex.join(words)}" if is_update else f"{start} add"
    command = command.rstrip() if is_update else f"{command} {shlex.join(words) or 'NAME'}"
    if version and name and not is_update:
        return wanted.tell(f"{command} --python {shlex.quote(version)}")
    return f"`{pin}`, then `{command}`" if version else wanted.tell(command)


def advise_rename(old: str, new: str) -> str:
    """Return the commands that give the environment `old` the name `new`."""
    return f"`{shlex.join(write_clone(old, new))}`, then `pyx env remove {shlex.quote(old)}`"


def write_clone(source: str, name: str) -> list[str]:
    """Return the command that makes an environment `name` of what `source` has."""
    return ["pyx", "env", "create", name, "--clone", source]


def advise_search(names: Sequence[str]) -> str:
    """Return the command that asks the index for what it has."""
    name = collect(names).packages
    return shlex.join(["pyx", "tool", "run", "pip", "index", "versions", *(name or ["NAME"])])


def advise_dry_run(words: Sequence[str]) -> str:
    """Return the command that shows what would be added, and adds nothing."""
    return shlex.join(["pyx", "tool", "run", "pip", "install", "--dry-run", *(words or ["NAME"])])

"""What to type for what other tools have: options, and programs behind ``python``.

Only a command line that is mistaken already asks for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from itertools import pairwise, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.cli.commands import (
    ACTIONS_OF_OTHERS,
    OPTIONS_OF_COMMANDS,
    OPTIONS_OF_OTHERS,
    VERBS,
)
from pyx_launcher.cli.conda import advise_dry_run, answer, is_option
from pyx_launcher.cli.conda_specs import (
    INDEXES,
    NOTHING_WANTED,
    add_file,
    collect,
    write_requirement,
)
from pyx_launcher.cli.invocation import OPTIONS_WITH_VALUE, PYTHON_LETTERS, WholeLine
from pyx_launcher.errors import PyxError, UsageError
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.locks.uv.workspace import read_workspace
from pyx_launcher.spelling import make_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.commands import Verb


_PLACE = re.compile(r"\b(?:NAME|VERSION|FILE|DIR)\b")


def find_counterpart(arguments: Sequence[str], at: int, verb: Verb) -> str | None:
    """Return what to type for the option at `at`, with the value it was given; None if unknown.

    `arguments` begin with the name of `verb`, unless that is pyx itself.
    """
    command = arguments[0] if verb.forms else ""
    if command in ("add", "remove", "lock", "sync") and _DRY in arguments:
        # Whoever wants nothing changed is not led to what changes something.
        at = arguments.index(_DRY)
    name, _, value = arguments[at].partition("=")
    behind = [*takewhile(lambda word: not word.startswith("-"), arguments[at + 1 :])]
    value = value or "".join(behind[:1])
    hint = _find_whole(name, value, arguments, at, verb)
    if hint is not None:
        return hint
    if command == "env" and arguments[1:2] == ["create"] and name in _LISTING and value:
        environment = f"@{''.join(arguments[2:3]).removeprefix('@') or 'NAME'}"
        return shlex.join(["pyx", "add", environment, "-r", value])
    is_add = command == "add" or (command == "tool" and name in _VARIABLES)
    hint = _find_option_of_add(value, arguments, at) if is_add else None
    if hint is not None:
        return hint
    if command == "init" and name == "--app" and "--package" in arguments:
        # One that is installed, which uv asks for by both.
        name = "--package"
    meant = _find_meaning(name, arguments, verb)
    hint = _fill_option(meant, value, arguments, at, verb) if meant is not None else None
    if meant is None or hint is None or not hint.startswith("--"):
        return hint
    takes_value = bool(_PLACE.search(meant)) and bool(behind)
    others = _leave_out(arguments, at, takes_value=takes_value)
    groups = list_values_of(("--group", "-G"), others)
    if name == "--no-default" and groups:
        # PDM has it beside the groups that are wanted alone.
        words = ["--only-group" if word in ("--group", "-G") else word for word in others]
        return WholeLine(shlex.join(["pyx", *words]))
    meant_words = [*others[:at], *shlex.split(hint), *others[at:]]
    if command == "export" and not {"--format", "-f"}.intersection(
        word.partition("=")[0] for word in meant_words
    ):
        meant_words[1:1] = ["--format", "requirements"]
    return WholeLine(shlex.join(["pyx", *meant_words]))


_DRY = "--dry-run"
_SCRIPT_BEHIND = ("lock", "list", "tree", "sync", "info", "export")
"""Commands behind which a script stands without an option."""
_OF_RUN = frozenset(("--no-capture-output", "--live-stream"))
"""Options of conda's ``run`` alone."""
_LISTING = ("-r", "--requirement", "--requirements")


def _find_meaning(name: str, arguments: Sequence[str], verb: Verb) -> str | None:
    """Return what the tables have for the option `name`: of an action, a command, or any."""
    command = arguments[0] if verb.forms else ""
    action = next((word for word in arguments[1:2] if word in verb.actions), "")
    tables = (f"{command} {action}", command)
    known = (OPTIONS_OF_COMMANDS.get(table, {}).get(name) for table in tables)
    return next(filter(None, known), None) or OPTIONS_OF_OTHERS.get(name)


def _find_whole(name: str, value: str, arguments: Sequence[str], at: int, verb: Verb) -> str | None:
    """Return the whole command line that is meant by the option `name`; None for any other."""
    command = arguments[0] if verb.forms else ""
    if command == "remove" and "--all" in arguments and _names_environment(arguments):
        return answer(arguments)
    hint = _find_whole_of_run(name, value, arguments, at) if command == "run" else None
    if hint is not None:
        return hint
    if name == "--script" and value and command in _SCRIPT_BEHIND:
        rest = _leave_out(arguments, at, takes_value=True)
        formats = ["--format", "requirements"] if command == "export" else []
        formats = [] if "--format" in rest else formats
        return WholeLine(shlex.join(["pyx", command, value, *formats, *rest[1:]]))
    if name in ("-C", "--directory") and value:
        rest = ["pyx", *_leave_out(arguments, at, takes_value=True)]
        return f"`(cd {shlex.quote(value)} && {shlex.join(rest)})`"
    is_condas = command == "list" or not _OF_RUN.isdisjoint(arguments)
    if name in ("-n", "--name") and value and is_condas:
        return answer(arguments)
    if name in ("-n", "--name") and value and command not in ("", "env", "init"):
        # As conda names an environment.
        return _write_named(value, arguments, at) if verb.takes_name("") else None
    if command == "env" and arguments[1:2] in (["create"], ["update"]) and is_option(name):
        return answer(["env", *arguments[1:]])
    return None


def _find_whole_of_run(name: str, value: str, arguments: Sequence[str], at: int) -> str | None:
    if name == "-n" and os.path.isfile(value):
        # Poetry asks nothing then, which pyx never does.
        return shlex.join(["pyx", *arguments[at + 1 :]])
    if name not in ("--module", "--with-requirements") or not value:
        return None
    rest = _leave_out(arguments, at, takes_value=True)
    if name == "--with-requirements":
        return write_with(["-r", value], [], rest)
    return WholeLine(shlex.join(["pyx", *rest[1:at], "-m", value, *rest[at:]]))


def explain_missing(arguments: Sequence[str], at: int) -> str | None:
    """Return the whole line that is meant where the option at `at`, a flag of uv's, has no value.

    None for any other. `arguments` begin with the name of the command.
    """
    name = arguments[at]
    others = _leave_out(arguments, at, takes_value=False)
    if name == "--invert":
        names = list_values_of(("--package",), others)
        places = [one for one, word in enumerate(others) if word.partition("=")[0] == "--package"]
        for place in reversed(places):
            others = _leave_out(others, place, takes_value=True)
        return shlex.join(["pyx", *others, name, *names[:1]]) if names and names[0] else None
    if name == "--editable":
        named = _list_words(others[1:], VERBS["add"])
        found = next((word for word in named if re.match(r"[.~]|/|[\w.-]+/", word)), None)
        meant = [one for word in others for one in (["-e"] if word == found else []) + [word]]
        return shlex.join(["pyx", *meant]) if found else None
    return None


def _names_environment(arguments: Sequence[str]) -> bool:
    """Tell whether an option of conda's in `arguments` names an environment."""
    options = {word.partition("=")[0] for word in arguments}
    return not options.isdisjoint(("-n", "--name", "-p", "--prefix"))


def _fill_option(
    hint: str, value: str, arguments: Sequence[str], at: int, verb: Verb
) -> str | None:
    """Return `hint`, for the option at `at`, with what was typed in the place of its words."""
    name = arguments[at].partition("=")[0]
    command = arguments[0] if verb.forms else ""
    before = _list_words(arguments[1:at], verb) if verb.forms else []
    behind = [*takewhile(lambda word: not word.startswith("-"), arguments[at + 1 :])]
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
        other = others.get("".join(before[:1]), "")
        if other and not _PLACE.search(other) and value:
            # What its counterpart does is done in an environment that is named before it.
            return other.replace("pyx", f"pyx @{value.removeprefix('@')}", 1)
        hint = other or hint.replace("ACTION", action or "create")
        if action and "NAME" not in verb.form_of(action):
            return None
    if "[NAME]" in hint:
        names = [word for word in (*before, *behind) if not word.startswith("@")]
        return hint.replace("[NAME]", shlex.join(names[bool(action) :])).rstrip()
    if hint == OPTIONS_OF_OTHERS["-P"] and value:
        script = list_values_of(("--script",), arguments)[:1] if command == "lock" else []
        hint = hint.replace("lock", shlex.join(["lock", *script]))
        return fill(hint, [value, *_list_values(arguments[at + 1 :], OPTIONS_OF_OTHERS["-P"])])
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
    command = verb.command.removeprefix("pyx").strip()
    others = OPTIONS_OF_COMMANDS.get(command, {}).get(name) or OPTIONS_OF_OTHERS.get(name, "")
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


def list_values_of(names: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return what an option in `words` was given, by any of its `names`; empty without a value."""
    found = []
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            found.append(value if equals else "".join(words[at + 1 : at + 2]))
    return found


def aim(hint: str | None, start: Sequence[str], script: str | None = None) -> str | None:
    """Return `hint` with its commands made to speak of what was meant by the one that failed.

    `start` are the words before that, such as ``@NAME`` or ``--project DIR``; `script` is the one
    whose inline block was meant. A command that names something itself stays as it is, and so does
    what follows a change to another directory.
    """
    if hint is None or not (start or script) or "`cd " in hint:
        return hint
    return _COMMAND.sub(lambda found: found[1] + _aim(found[2], start, script), hint)


_COMMAND = re.compile(r"(^|`|`PIP_\S+ |&& |did you mean |again: )pyx ([^`?]+)")
_AIMED = re.compile(r"['\"]?@\w|--project\b|--script\b|--user\b|--help\b")
_TARGET = re.compile(r"@|--project=")
_TELL_OF_SCRIPT = ("lock", "list", "tree", "sync", "info", "export")


def _aim(command: str, start: Sequence[str], script: str | None) -> str:
    words = command.split()
    verb, action = [*words, ""][:2]
    if any(map(_AIMED.match, words)) or (script is not None and ".py" in command):
        return f"pyx {command}"
    takes_name = verb not in VERBS or VERBS[verb].takes_name(action)
    if verb == "env":
        takes_name = action.startswith("--") or words == ["env", "show"]
    if not takes_name or script is not None:
        start = [
            word
            for before, word in pairwise(("", *start))
            if "--project" not in (before, word) and not _TARGET.match(word)
        ]
    if script is not None and verb == "which":
        command += f" {script}"
    elif script is not None and verb in _TELL_OF_SCRIPT:
        command = f"{verb} {script}{command.removeprefix(verb)}"
    elif script is not None and verb in ("add", "remove"):
        command = f"{verb} --script {script}{command.removeprefix(verb)}"
    return f"{shlex.join(['pyx', *start])} {command}"


def find_target(
    own: Sequence[str], arguments: Sequence[str], verb: Verb
) -> tuple[Sequence[str], str | None]:
    """Return what a command that cannot be understood is about, as `aim` takes it.

    `own` stand before it, `arguments` begin with the name of `verb`.
    """
    start, script = [*own], None
    if verb.passes_from:
        return start, None
    for before, word in pairwise(arguments):
        if before == "--project" and before not in own:
            start += [before, word]
        elif word.startswith("--project="):
            start.append(word)
        elif before == "--script" and "--script" in verb.valued and arguments[0] != "init":
            script = shlex.quote(word)
    if arguments[0] in NAMED_BEHIND and arguments[1:] and arguments[1].startswith("@"):
        start.insert(0, arguments[1])
    return start, script


NAMED_BEHIND = ("add", "remove", "lock")
"""Commands behind which ``@NAME`` may stand as well."""


def refuse_place(arguments: Sequence[str], name: str) -> None:
    """Raise UsageError for the ``@NAME`` `name`, which stands where it means nothing."""
    others = [word for word in arguments if word != name]
    raise UsageError(f"{name} comes before the command", hint=shlex.join(["pyx", name, *others]))


def find_added(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the packages that uv's ``run`` is told to have besides, and the other words."""
    added: list[str] = []
    others: list[str] = []
    at = 0
    while at < len(words):
        name, equals, value = words[at].partition("=")
        if not name.startswith("-") or name in ("-m", "-c"):
            break
        end = at + 2 if not equals and _takes_value(name, VERBS["run"]) else at + 1
        value = value if equals else "".join(words[at + 1 : end])
        if name == "--with":
            added += [] if value.startswith("@") else value.split(",")
        else:
            others += words[at:end]
        at = end
    return [one for one in added if one], [*others, *words[at:]]


def write_with(packages: Sequence[str], own: Sequence[str], words: Sequence[str]) -> str:
    """Return the commands that start `words` with `packages` besides, and leave the project alone.

    These may be a list, behind ``-r``. `own` are pyx's words before them.
    """
    is_list = packages[0] == "-r"
    first = Path(packages[1]).stem if is_list else re.split(r"[^\w.-]", packages[0], maxsplit=1)[0]
    name = make_plain(first)
    adding = shlex.join(["pyx", "add", f"@{name}", *packages])
    words = [*words]
    if words[:1] == ["run"]:
        # A script or a module is started without a command.
        options, (target, *behind) = _split_run([*words[1:], ""])
        is_start = target.endswith(".py") or target in ("-m", "-c", "")
        is_python = target in ("python", "python3") and len(behind) > 1
        target_words = [target] if is_start else [] if is_python else ["run", target]
        words = [word for word in (*options, *target_words, *behind) if word]
    start = shlex.join(["pyx", *own, "--with", f"@{name}", *(words or ["SCRIPT"])])
    return f"`{adding}` makes an environment of it, then `{start}`"


def _split_run(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the options that stand before a program, and the words from that on."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-m", "-c"):
        at += 2 if "=" not in words[at] and _takes_value(words[at], VERBS["run"]) else 1
    return words[:at], words[at:] or [""]


def is_python(spec: str) -> bool:
    """Tell whether `spec` names python itself, as conda has it among its packages."""
    return _PYTHON.fullmatch(spec.strip()) is not None


def advise_python(specs: Sequence[str], start: Sequence[str], *, is_named: bool) -> str:
    """Return what to type so that python is the one that `specs`, which name others too, ask for.

    `start` stands for ``pyx``; `is_named` tells that it names an environment.
    """
    version = None
    for found in filter(None, map(_PYTHON.fullmatch, map(str.strip, specs))):
        attached = found[1] if found[1] not in (None, "2", "3") else ""
        asked = found[2].replace("@", "").replace("^", ">=")
        asked = re.sub("~(?!=)", "==", asked)
        wanted = collect([f"python =={attached}" if attached else f"python {asked}"])
        version = wanted.python or version
    others = [spec for spec in specs if not is_python(spec)]
    pin = shlex.join([*start, "python", "pin", version or "VERSION"])
    if not others:
        return pin
    adding = [*start, "add", *others]
    if is_named and version:
        return shlex.join([*adding, "--python", version])
    return f"`{pin}`, then `{shlex.join(adding)}`"


_PYTHON = re.compile(r"c?python(\d(?:\.\d+)*)?\s*((?:[=<>!~@ ].*)?)")


def explain_stacked(name: str, arguments: Sequence[str], verb: str | None) -> str:
    """Return the hint for ``--with NAME``, which uv has for packages and Poetry for groups.

    A package of a group's name may be a stranger's: where there is a group, that is what is meant.
    """
    if verb in (None, "run") and name not in list_groups(Path()):
        others = [*arguments]
        places = [at for at, word in enumerate(others) if word.partition("=")[0] == "--with"]
        packages: list[str] = []
        for at in reversed(places):
            value = others[at].partition("=")[2] or "".join(others[at + 1 : at + 2])
            packages[:0] = [one for one in value.split(",") if one and not one.startswith("@")]
            if packages:
                others = _leave_out(others, at, takes_value=True)
        named = others[:1] if others[:1] and others[0].startswith("@") else []
        return write_with(packages, named, others[len(named) :])
    return (
        f"a group of the project is `--group {shlex.quote(name)}`, a named environment"
        " `--with @NAME`; `pyx add PACKAGE` adds a package"
    )


def list_groups(start: Path) -> set[str]:
    """Return the names of the groups of the project that `start` lies in."""
    with contextlib.suppress(PyxError, OSError):
        for directory in (start.absolute(), *start.absolute().parents):
            if (directory / "pyproject.toml").is_file():
                document = read_toml(directory / "pyproject.toml")
                tables = (
                    document.table("dependency-groups"),
                    document.table("tool").table("poetry").table("group"),
                    document.table("tool").table("pdm").table("dev-dependencies"),
                )
                return {name for table in tables for name in table.data}
    return set()


def _write_named(name: str, arguments: Sequence[str], at: int) -> str:
    """Return a command line in which conda's option at `at` names the environment `name`."""
    words = ["pyx", f"@{name.removeprefix('@')}"]
    others = _leave_out(arguments, at, takes_value=True)
    if others[0] == "add" and not {"-r", "--requirements"}.intersection(others):
        return answer(["install", "-n", name, *_list_words(others[1:], VERBS["add"])])
    option, equals, script = "".join(others[1:2]).partition("=")
    if option in OPTIONS_OF_COMMANDS.get(others[0], {}) and others[0] == "run":
        # A script is started without a command.
        others = [*([script] if equals else []), *others[2:]]
    for before, word in pairwise(["", *others]):
        # What -c is short for here is no channel.
        is_channel = before in ("--constraints", "--channel") and not os.path.isfile(word)
        if is_channel and words[-1] == "--constraints":
            words.pop()
        elif not (is_channel or word.startswith("--channel")):
            is_spec = others[0] == "add" and not word.startswith("-")
            words.append(write_requirement(word) if is_spec else word)
    return shlex.join(words)


def _leave_out(arguments: Sequence[str], at: int, *, takes_value: bool) -> list[str]:
    """Return `arguments` without the option at `at`, and its value if it `takes_value`."""
    end = at + (2 if takes_value and "=" not in arguments[at] else 1)
    return [*arguments[:at], *arguments[end:]]


_VARIABLES: Mapping[str, str] = {
    **INDEXES,
    "--no-index": "PIP_NO_INDEX",
    "--default-index": "PIP_INDEX_URL",
    "--index": "PIP_EXTRA_INDEX_URL",
}
"""What tells of an index, where others have an option for it."""


def _take_indexes(arguments: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of pip's variables for the indexes in `arguments`, and the other words."""
    settings: dict[str, list[str]] = {}
    others: list[str] = []
    at = 0
    while at < len(arguments):
        name, equals, value = arguments[at].partition("=")
        variable = _VARIABLES.get(name)
        if variable is None:
            others.append(arguments[at])
        elif variable == "PIP_NO_INDEX":
            settings[variable] = ["1"]
        else:
            at += 0 if equals else 1
            urls = settings.setdefault(variable, [])
            # The last index counts, and every further one.
            urls[:] = [] if variable == "PIP_INDEX_URL" else urls
            told = value if equals else "".join(arguments[at : at + 1])
            # uv lets an index have a name.
            urls += [re.sub(r"\A[\w.-]+=(?=\w+:)", "", told)]
        at += 1
    return settings, others


def _find_option_of_add(value: str, arguments: Sequence[str], at: int) -> str | None:
    """Return what to type for the option at `at`, which `add` lacks; None for any other."""
    name = arguments[at].partition("=")[0]
    if name in ("-f", "--file") and os.path.isfile(value):
        # As conda has it: pip's lists of that name are directories or pages.
        wanted = add_file(NOTHING_WANTED, value)
        return wanted.tell(shlex.join(["pyx", "add", *(wanted.words or ["PACKAGE"])]))
    if name == "--index" and value and ":" not in value:
        rest = _leave_out(arguments, at, takes_value=True)
        wanted_from = f'PACKAGE = {{ index = "{value}" }}'
        return f"write {wanted_from} into [tool.uv.sources], then `{shlex.join(['pyx', *rest])}`"
    if name == "--no-index" or (name in _VARIABLES and value):
        settings, rest = _take_indexes(arguments)
        told = " ".join(f"{name}={shlex.quote(' '.join(urls))}" for name, urls in settings.items())
        return f"`{told} {shlex.join(['pyx', *rest])}`; for good, in pip's configuration"
    others = _leave_out(arguments, at, takes_value=False)
    names = [word for word in _list_words(others[1:], VERBS["add"]) if not word.startswith("@")]
    if name in ("--extras", "-E") and value:
        others = _leave_out(arguments, at, takes_value=True)
        names = _list_words(others[1:], VERBS["add"])
        extras = value.replace(",", " ").split()
        meant = {one: add_extras(one, extras) for one in names if not one.startswith("@")}
        return shlex.join(["pyx", "add", *(meant.get(word, word) for word in others[1:])])
    if name == "--dry-run":
        listed = filter(None, list_values_of(("-r", "--requirements"), others))
        files = [f"-r{file}" for file in listed]
        return advise_dry_run([*names, *files])
    if name == "--pre":
        meant = {one: f"{re.split('[ <>=~!;]', one)[0]}==VERSION" for one in names}
        words = shlex.join(["pyx", *(meant.get(word, word) for word in others)])
        return f"a pre-release is named by its version: `{words}`"
    if name in ("-U", "--upgrade") and (not names or {"-r", "--requirements"}.intersection(others)):
        # Without names it would move everything.
        return "leave it out: `pyx lock --upgrade NAME` moves what is locked already"
    return None


def add_extras(requirement: str, extras: Sequence[str]) -> str:
    """Return a requirement, or the path of a project, as it is typed with `extras` besides."""
    found = re.match(r"([^\[\]<>=!~^;@ ]+)(?:\[([^\]]*)\])?", requirement)
    if found is None:
        return requirement
    known = [one.strip() for one in (found[2] or "").split(",") if one.strip()]
    wanted = ",".join(dict.fromkeys((*known, *extras)))
    return f"{found[1]}[{wanted}]{requirement[found.end() :]}"


def fill(hint: str, values: Sequence[str]) -> str:
    """Return `hint` with `values`, if there are any, in the place of its word in capitals."""
    if not values:
        return hint.replace(" [NAME]", "")
    if "--with PACKAGE" in hint and len(values) > 1:
        more = " ".join(f"--with {shlex.quote(value)}" for value in values[1:])
        hint, values = hint.replace("--with PACKAGE", more), values[:1]
    hint = hint.replace("[NAME]", "NAME")
    return _PLACE.sub(lambda _: shlex.join(values), hint)


def _find_member(name: str) -> str:
    """Return the directory of the project `name` in the workspace here; empty if there is none."""
    places = list_members(Path())
    return next((place for place, one in places if one == canonicalize_name(name)), "")


def list_members(start: Path) -> list[tuple[str, str]]:
    """Return where the projects of the workspaces about `start` are from here, and their names."""
    found: list[tuple[str, str]] = []
    # That something else is broken is told where it is needed.
    with contextlib.suppress(PyxError, OSError):
        for directory in (start.absolute(), *start.absolute().parents):
            workspace = read_workspace(directory)
            members = workspace.members if workspace is not None else ()
            found += [(os.path.relpath(one.directory), str(one.name)) for one in members]
    return found


def refuse_option(named: str | None, own: Sequence[str], words: Sequence[str], plain: Verb) -> None:
    """Raise UsageError if the first of `words` is a short option of another tool.

    It stands where python's would. Python's own are left to it. `own` are pyx's words before it,
    `plain` is what a start without a command takes.
    """
    name, value = words[0][:2], words[0][2:].removeprefix("=")
    if name[1:] in PYTHON_LETTERS:
        return
    words = [name, value, *words[1:]] if value else words
    hint = find_counterpart(words, 0, plain)
    hint = hint.behind(own) if isinstance(hint, WholeLine) else aim(hint, own)
    has_value = len(words) > 1 and not words[1].startswith("-")
    if name == "-n" and has_value and words[1] in VERBS:
        # Poetry asks nothing then, which pyx never does.
        hint = shlex.join(["pyx", *([f"@{named}"] if named else []), *own, *words[1:]])
    elif name == "-n" and named is None and has_value:
        # As conda names an environment.
        hint = shlex.join(["pyx", f"@{words[1].removeprefix('@')}", *own, *words[2:]])
    if hint is not None:
        raise UsageError(f"unknown option {name}", hint=hint)


def refuse_program(
    named: str | None, own: Sequence[str], words: Sequence[str], plain: Verb
) -> None:
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
        # Whatever is no option of python's either.
        refuse_option(named, own, words, plain)
    elif not (word.endswith(".py") or os.path.isfile(word)):
        return
    raise UsageError(f"pyx python does not know {word}", hint=shlex.join(["pyx", *start]))

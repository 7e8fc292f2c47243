"""What follows ``pyx`` for a command line of another tool: pip, uv, Poetry, PDM, pipx and others.

Only a start that has failed already asks for it.
"""

from __future__ import annotations

import os
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.cli.commands import ACTIONS_OF_OTHERS, VERBS
from pyx_launcher.cli.conda import CONDAS, PYTHONS
from pyx_launcher.cli.conda_specs import write_requirement
from pyx_launcher.cli.counterparts import fill, list_values_of
from pyx_launcher.cli.invocation import parse_invocation
from pyx_launcher.errors import UsageError
from pyx_launcher.project.local import is_local, split_path
from pyx_launcher.project.manifest import (
    LISTED,
    LISTS,
    MANIFEST,
    WISHES,
    advise_old,
    find_manifest,
    is_buildable,
    requires_anything,
)
from pyx_launcher.project.requirement import name_url
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyx_launcher.start.plan import Plan

COUNTERPARTS: Mapping[str, str] = {
    "install": "add NAME",
    "uninstall": "remove NAME",
    "rm": "remove NAME",
    "update": "lock --upgrade [NAME]",
    "upgrade": "lock --upgrade [NAME]",
    "outdated": "list --outdated",
    "freeze": "export --format requirements",
    "ls": "list",
    "show": "which NAME",
    "why": "tree --invert NAME",
    "graph": "tree",
    "new": "init --lib [NAME]",
    "exec": "run NAME…",
    "python3": "NAME…",
    "py": "NAME…",
    "create": "env create NAME",
    "x": "tool run NAME…",
    "uvx": "tool run NAME…",
    "use": "python pin NAME",
    "pin": "python pin NAME",
    "compile": "lock",
    "pip-compile": "lock",
    "pip-sync": "sync",
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
    "version": "tool run uv version [NAME…]",
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
    *("-r", "--requirement", "-c", "--constraint", "--only-group", "--no-group", "--env-file"),
    *("-i", "--index-url", "--extra-index-url", "-f", "--find-links"),
    *(
        "--project",
        "--package",
        "-P",
        "--upgrade-package",
        "--output-file",
        "-o",
        "--build-constraint",
    ),
    *("-t", "--target", "--prefix", "--root", "--src", "--python", "-p", "--index", "--source"),
    *("--proxy", "--cert", "--trusted-host", "--timeout", "--retries", "--cache-dir", "--log"),
    *(
        "--channel",
        "--file",
        "--upgrade-strategy",
        "--platform",
        "--python-version",
        "--report",
        "--directory",
        "-C",
    ),
    *("--clone", "--solver", "--revision", "--subdir", "--cwd", "--repodata-fn", "--progress-bar"),
    *("--keyring-provider", "--no-binary", "--only-binary", "--implementation", "--abi"),
    *("--use-feature", "--use-deprecated", "--config-settings", "--global-option"),
    *("--depth", "--bounds", "--prune", "--resolution", "--prerelease", "--exclude-newer"),
    *("--link-mode", "--refresh-package", "--reinstall-package", "--config-setting", "--color"),
    *("--client-cert", "--exists-action", "--root-user-action", "--resume-retries"),
)
"""Options of other tools whose value is the next word."""

_OF_SHOW: Mapping[str, str] = {
    **dict.fromkeys(("--tree", "-t"), "tree"),
    **dict.fromkeys(("--outdated", "-o", "--latest", "-l"), "list --outdated"),
}

_OF_CACHE: Mapping[str, str] = {
    **{action: f"store {action}" for action in ("list", "path", "size")},
    **{name: form.removeprefix("pyx ") for name, form in ACTIONS_OF_OTHERS["store"].items()},
}
"""What caches of others are asked, with what follows ``pyx`` for the same."""

OF_PIPX: Mapping[str, str] = {
    "install": "tool install NAME",
    "uninstall": "tool uninstall NAME",
    "run": "tool run NAME…",
    "list": "tool list",
    "upgrade": "tool upgrade NAME",
    "upgrade-all": "tool upgrade",
    "ensurepath": "tool ensurepath",
    "reinstall": "tool install --force NAME",
}

OF_PIXI_GLOBAL: Mapping[str, str] = {
    **{name: f"tool {name} NAME" for name in ("install", "uninstall", "upgrade")},
    **dict.fromkeys(("list", "ls"), "tool list"),
    "update": "tool upgrade [NAME]",
}
"""What pixi does with programs that belong to no project, with what follows ``pyx`` for it."""

TOOLS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("pip", "pip3", "uv", "poetry", "pdm", "pipenv"), COUNTERPARTS),
    **dict.fromkeys((*CONDAS, "pixi"), COUNTERPARTS),
    "pipx": OF_PIPX,
}
"""What may stand before a verb of theirs, by habit."""

_ITSELF = ("pip", "uv", "poetry", "pdm", "pipenv")
"""Tools whose own commands, such as ``pip download``, change no environment."""

_QUIET = ("-q", "--quiet", "-v", "--verbose", "-n", "--no-interaction")
"""Options that say nothing of what is run."""

INTERPRETERS: Mapping[str, str] = {
    "install": "tool run uv python install NAME",
    "list": "python list",
    "find": "python find",
    "pin": "python pin NAME",
}
_OF_CONDA = re.compile(r"[A-Za-z0-9][\w.-]*=[\d.*]+")
_OF_COMPILE = ("--generate-hashes", "-q", "--quiet", "-v", "--verbose", "--universal")
"""Options of pip-compile that say what `pyx lock` does anyway."""
EDITABLE = ("-e", "--editable")
_PROJECT = ("--project", "--directory", "-C", "-P")
"""Options by which others name the directory of a project, behind ``install``."""
_PASSED = ("--locked", "--offline", "--python", "--env-file")
"""Those that mean the same for pyx."""
_MATTERS = (
    *("--no-deps", "--no-binary", "--only-binary", "--no-build-isolation", "--platform"),
    *("--python-version", "--prefix", "--root", "--no-root", "--only-root"),
    *("--no-install-project", "--no-editable", "--package"),
)
"""Those that change what is installed, for which pyx has nothing."""
OF_INDEX = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index")
UPGRADE = ("-U", "--upgrade")


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
    """What there is where something was mistyped."""

    programs: frozenset[str] = frozenset()
    """Those of the environment, as far as its packages are in the store."""
    waiting: frozenset[str] = frozenset()
    """The names of the packages that are not, and whose programs nobody knows yet."""
    packages: frozenset[str] = frozenset()
    """The names of all that a start would have."""
    has_lock: bool = False
    is_poetrys: bool = False
    """Has the project a table of Poetry's?"""
    plan: Plan | None = None
    """That of a start, if one can be made."""


NOTHING = Here()


def translate(
    name: str,
    words: Sequence[str],
    table: Mapping[str, str] = COUNTERPARTS,
    *,
    here: Here = NOTHING,
) -> str | None:
    """Return what follows ``pyx`` for the verb `name` of another tool; None for no such verb."""
    words = [part for word in words for part in _split_editable(word)]
    given = drop_options(words)
    if name in _SPECIAL and table is COUNTERPARTS:
        meant = _SPECIAL[name](words, given, here)
        if meant is not None:
            return meant
    if name == "version" and here.is_poetrys:
        return shlex.join(["tool", "run", "poetry", "version", *words])
    if name == "version" and words:
        is_bump = given == [*words] and not given[0][:1].isdigit()
        words = ["--frozen", *(["--bump"] if is_bump else []), *words]
    form = table.get(name)
    if name == "cache" and given:
        form = _OF_CACHE.get(given[0], form)
    if form is None:
        return None
    is_start = form in ("tool run NAME…", "run NAME…") and words and words[0].endswith(".py")
    if is_start and os.path.isfile(words[0]):
        # An index would be asked for a stranger's package of that name.
        return shlex.join(words)
    form = form.replace("[NAME…]", shlex.join(words)).rstrip()
    form = form.replace("NAME…", shlex.join(words) or "NAME")
    form = form.replace("[NAME]", shlex.join(given)).rstrip()
    return form.replace("NAME", shlex.join(given) or "NAME")


def _translate_uninstall(words: Sequence[str], given: Sequence[str], _: Here) -> str:
    if _names_list(words):
        return shlex.join(["remove", *keep_options(words, ("-r", "--requirement"))])
    kept = keep_options(words, ("--dev", "--group", "-G", "-D"))
    return shlex.join(["remove", *(kept if given else ["NAME"])])


def _translate_show(words: Sequence[str], _: Sequence[str], __: Here) -> str | None:
    # For pip they ask which files there are.
    given = drop_options([word for word in words if word not in ("-f", "--files")])
    if "--why" in words:
        return shlex.join(["tree", "--invert", *(given or ["NAME"])])
    if given:
        return shlex.join(["which", *given])
    asked = [word for word in words if word in _OF_SHOW]
    return _OF_SHOW[asked[0]] if asked else shlex.join(["list", *_translate_choice(words)])


def _translate_new(words: Sequence[str], _: Sequence[str], __: Here) -> str:
    called = list_values_of(("--name",), words)
    places = [word for word in words if not word.startswith("-") and word not in called]
    option = ("--name", called[0]) if called else ()
    return shlex.join(["init", "--lib", *option, *places])


def _translate_self(_: Sequence[str], given: Sequence[str], __: Here) -> str | None:
    if given[:1] != ["add"]:
        return None
    # A plugin of Poetry's.
    more = [word for one in given[1:] or ["PACKAGE"] for word in ("--with", one)]
    return shlex.join(["tool", "install", "--force", "poetry", *more])


def _translate_venv(words: Sequence[str], _: Sequence[str], __: Here) -> str:
    asked = re.sub("^c?python", "", "".join(list_values_of(("--python", "-p"), words)[:1]))
    return shlex.join([*(["--python", asked] if asked else []), "env", "--link"])


def _translate_pip_sync(_: Sequence[str], given: Sequence[str], __: Here) -> str:
    return shlex.join([*(word for file in given for word in ("--project", file)), "sync"])


def _translate_pip_compile(words: Sequence[str], _: Sequence[str], __: Here) -> str:
    return _translate_compile(words, ("--from", "pip-tools", "pip-compile"))


def _translate_compile(words: Sequence[str], program: Sequence[str]) -> str:
    """Return what follows ``pyx`` for pip-compile, or for uv's: what locks the project is meant.

    For any other list it is that `program` itself.
    """
    upgraded = list_values_of(("-P", "--upgrade-package"), words)
    outputs = list_values_of(("-o", "--output-file"), words)
    valued = ("-P", "--upgrade-package", "-o", "--output-file")
    others = [
        word
        for before, word in pairwise(("", *words))
        if word.partition("=")[0] not in (*_OF_COMPILE, *UPGRADE, *valued) and before not in valued
    ]
    # What is locked of a pyproject.toml is no requirements.txt.
    known = {LISTED} if outputs else {LISTED, MANIFEST}
    if {*others} <= known and {*outputs} <= {WISHES}:
        upgrades = upgraded or any(word in UPGRADE for word in words)
        return shlex.join(["lock", *(["--upgrade", *upgraded] if upgrades else [])])
    hashes = [] if "--generate-hashes" in words else ["--generate-hashes"]
    return shlex.join(["tool", "run", *program, *hashes, *words])


def _translate_export(words: Sequence[str], _: Sequence[str], __: Here) -> str:
    """Return what follows ``pyx`` for ``export``, which others make requirements by."""
    formats = list_values_of(("--format", "-f"), words) or ["requirements"]
    meant = "pylock" if "pylock" in formats[0] else "requirements"
    outputs = list_values_of(("--output", "--output-file", "-o"), words)
    output = ("-o", outputs[0]) if outputs else ()
    script = list_values_of(("--script",), words)[:1]
    choice = _translate_choice(words)
    command = shlex.join(["export", "--format", meant, *output, *choice, *script])
    hashes = [word for word in words if word in ("--no-hashes", "--without-hashes")]
    return _name_left_out(command, hashes)


def _translate_install(words: Sequence[str], given: Sequence[str], here: Here) -> str:
    """Return what follows ``pyx`` for ``install``."""
    if any(word.partition("=")[0] in ("-t", "--target") for word in words):
        # pip writes into any directory by itself.
        return shlex.join(["tool", "run", "pip", "install", *words])
    command = _plan_install(words, given, here)
    left_out = [word.partition("=")[0] for word in words if word.startswith(_MATTERS)]
    # A command in backticks says already what is different.
    named = [] if "`" in command else list(dict.fromkeys(left_out))
    return _name_left_out(command, named)


def _plan_install(words: Sequence[str], given: Sequence[str], here: Here) -> str:
    if _names_list(words):
        adding = _translate_index(words, ("-r", "--requirement", "-c", *EDITABLE))
        if "`" not in adding and any(word in UPGRADE for word in words):
            return f"`pyx {adding}` adds what it lists, `pyx lock --upgrade` moves what is locked"
        return adding
    if not given or any(map(_is_path, given)) or any(word in EDITABLE for word in words):
        return _translate_paths(words, given, here)
    is_locked = all(canonicalize_name(one) in here.packages for one in given)
    if is_locked and any(word in UPGRADE for word in words):
        return shlex.join(["lock", "--upgrade", *given])
    return _translate_index(words, ())


def _translate_index(words: Sequence[str], kept: tuple[str, ...]) -> str:
    """Return what follows ``pyx`` to add packages from the index that `words` name, if any.

    The options of pip's that begin as one of `kept` are typed as they are.
    """
    # As conda has it, one = means every version that begins so.
    words = [write_requirement(word) if _OF_CONDA.fullmatch(word) else word for word in words]
    given = drop_options(words)
    # pip takes a URL alone.
    words = [name_url(one) if _URL.match(one) and one in given else one for one in words]
    limits = list_values_of(("-c", "--constraint"), words)
    # conda has it for channels.
    kept = (*kept, "-c", "--constraint") if all(map(os.path.isfile, limits)) else kept
    adding = ["add", *keep_options(words, (*kept, *OF_INDEX))]
    adding += [word for word in ("--pre", "--user") if word in words]
    if adding == ["add"]:
        adding.append("NAME")
    try:
        parse_invocation(adding, {})
    except UsageError as error:
        if "`" in (error.hint or ""):
            return str(error.hint)
    return shlex.join(adding)


_URL = re.compile(r"(?:git|hg|svn|bzr)\+\w+://")

_SPECIAL: Mapping[str, Callable[[Sequence[str], Sequence[str], Here], str | None]] = {
    "install": _translate_install,
    **dict.fromkeys(("uninstall", "rm"), _translate_uninstall),
    "show": _translate_show,
    "new": _translate_new,
    "self": _translate_self,
    "export": _translate_export,
    **dict.fromkeys(("compile", "pip-compile"), _translate_pip_compile),
    "pip-sync": _translate_pip_sync,
    **dict.fromkeys(("venv", "virtualenv"), _translate_venv),
}
"""Verbs of which words alone do not say what is meant.

They are given all words, those that are no options, and what is here; None leads to `COUNTERPARTS`.
"""


def drop_options(words: Sequence[str]) -> list[str]:
    """Return `words` without options and their values: none of these is the name of a package."""
    given: list[str] = []
    before = ""
    for word in words:
        if not word.startswith("-") and before not in _WITH_VALUE:
            given.append(word)
        before = word
    return given


def keep_options(words: Sequence[str], names: tuple[str, ...]) -> list[str]:
    """Return `words` without options, and their values, that begin with none of `names`."""
    kept: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        option = word if word.startswith("-") or before not in _WITH_VALUE else before
        if not option.startswith("-") or option.startswith(names):
            kept.append(word)
    return kept


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


def _names_list(words: Sequence[str]) -> bool:
    return any(word.startswith(("-r", "--requirement")) for word in words)


def _split_editable(word: str) -> list[str]:
    """Return pip's ``-e`` and the path that may be attached to it."""
    found = re.fullmatch(r"(--editable)=(.+)|(-e)([./~].*)", word)
    return [one for one in found.groups() if one] if found else [word]


def _is_path(word: str) -> bool:
    return bool(split_path(word)[0]) or is_local(word)


def _translate_paths(words: Sequence[str], given: Sequence[str], here: Here) -> str:
    """Return what follows ``pyx`` to install `given`, paths among them, or what is here itself.

    The project is in its own lock, and used as it is; everything else is added to it.
    """
    own = here.plan.context.directory if here.plan is not None else Path.cwd()
    itself = [one for one in given if Path(split_path(one)[0] or one).expanduser().resolve() == own]
    if len(itself) < len(given) or (itself and _is_list(own)):
        pairs = list(pairwise(("", *words)))
        editables = [word for before, word in pairs if before in EDITABLE and word in given]
        others = [one for one in given if one not in editables]
        return shlex.join(["add", *(w for one in editables for w in ("-e", one)), *others])
    extras = [split_path(one)[1].strip("[]").replace(" ", "") for one in itself]
    named = ",".join(filter(None, extras))
    old = advise_old(own, f".[{named}]" if named else ".") if itself else None
    if old is not None:
        return old
    chosen = [word for extra in filter(None, extras) for word in ("--extra", extra)]
    elsewhere = list_values_of(_PROJECT, words)[:1]
    place = ["--project", *elsewhere] if elsewhere else []
    passed = keep_options(words, _PASSED)
    passed = [word for word in passed if word not in (*given, *EDITABLE)]
    sync = shlex.join([*place, "sync", *chosen, *_translate_choice(words), *passed])
    lacks_lock = here.plan is not None and here.plan.context.is_fallback
    is_locked = elsewhere or (here.has_lock and not lacks_lock) or here.plan is None
    return sync if is_locked or not _requires_lock(own) else f"lock && pyx {sync}"


def _is_list(directory: Path) -> bool:
    manifest = find_manifest(directory)
    return manifest is not None and manifest.name in LISTS


def _requires_lock(directory: Path) -> bool:
    manifest = find_manifest(directory)
    return manifest is not None and (is_buildable(directory) or requires_anything(manifest))


def translate_tool(tool: str, words: Sequence[str], here: Here = NOTHING) -> str:
    """Return what follows ``pyx`` for a whole command line of another tool."""
    name, *others = words
    if tool == "uv" and name == "pip" and others:
        name, *others = others
    if name == "python" and others and others[0] in INTERPRETERS:
        return str(translate(others[0], others[1:], INTERPRETERS))
    if name == "version" and tool not in ("uv", "poetry"):
        return "--version"
    if tool == "uv":
        here = replace(here, is_poetrys=False)
    # Behind another tool `python` installs interpreters, which nothing else here does.
    if name == "compile" and tool == "uv" and others:
        return settle(_translate_compile(others, ("uv", "pip", "compile")))
    meant = None if name in PYTHONS else translate(name, others, TOOLS[tool], here=here)
    if meant is not None:
        return settle(meant)
    if name not in VERBS:
        return _lead_to_tool(tool, words)
    if name == "run" and others:
        return translate_run(others)
    actions = VERBS[name].actions
    if others and others[0] in ACTIONS_OF_OTHERS.get(name, {}):
        form = ACTIONS_OF_OTHERS[name][others[0]].removeprefix("pyx ")
        return fill(form, drop_options(others[1:]))
    if actions and (not others or others[0] not in actions):
        return f"{name} --help"
    if name == "sync" and any(other.endswith(".txt") for other in others):
        # uv's way to install what a list says; pyx takes the name of a script there.
        return name
    return _correct([name, *others])


def _lead_to_tool(tool: str, words: Sequence[str]) -> str:
    """Return what follows ``pyx`` for a command that nothing here does, by the tool itself.

    What it has in common with pyx, such as pip's configuration, is there for both.
    """
    program = tool.rstrip("3")
    if program == "pipx" and words[0] == "inject":
        name, *packages = drop_options(words[1:]) or ["NAME"]
        more = [word for one in packages or ["PACKAGE"] for word in ("--with", one)]
        return shlex.join(["tool", "install", name, *more])
    return shlex.join(["tool", "run", program, *words]) if program in _ITSELF else "--help"


def translate_run(words: Sequence[str]) -> str:
    """Return what follows ``pyx`` for another tool's ``run``."""
    command, left_out, answer = plan_run(words)
    return answer or _name_left_out(command, left_out)


def plan_run(words: Sequence[str]) -> tuple[str, list[str], str]:
    """Return what follows ``pyx`` for another tool's ``run``.

    The other two are those of `_correct_options`.
    """
    while words and words[0] in _QUIET:
        words = words[1:]
    if not words:
        return "run NAME", [], ""
    if words[0] in ("-C", "--directory") and words[1:]:
        return "", [], f"`(cd {shlex.quote(words[1])} && pyx {translate_run(words[2:])})`"
    if words[0] in ("-P", "--project") and words[1:]:
        command, left_out, answer = plan_run(words[2:])
        return f"--project {shlex.quote(words[1])} {command}", left_out, answer
    if words[0] == "--" and words[1:]:
        return plan_run(words[1:])
    if words[0] in PYTHONS and words[1:]:
        return shlex.join(words[1:]), [], ""
    if words[0].endswith(".py") or words[0] in ("-m", "-c"):
        return shlex.join(words), [], ""
    given = drop_options(words)
    at = words.index(given[0]) if given else len(words)
    if "-m" in words[:at]:
        at = words.index("-m")
    if at < len(words) and (words[at] in ("-m", *PYTHONS) or words[at].endswith(".py")):
        # A start of pyx itself, whose options stand before it.
        options, left_out, answer = _correct_options(["run", *words[:at]])
        command, more, other = plan_run(words[at:])
        start = f"{shlex.join(options[1:])} {command}".strip()
        return start, [*left_out, *more], answer or other
    meant, left_out, answer = _correct_options(["run", *words])
    return shlex.join(_with_name(meant)), left_out, answer


def _correct(words: Sequence[str]) -> str:
    """Return a command of pyx with pyx's words for the options that are another tool's."""
    meant, left_out, answer = _correct_options(words)
    return answer or _name_left_out(shlex.join(_with_name(meant)), left_out)


def _with_name(words: Sequence[str]) -> list[str]:
    """Return a command with the place of a name, if it needs one and was told none."""
    return [*words, "NAME"] if [*words] in (["add"], ["remove"], ["run"]) else [*words]


def _correct_options(words: Sequence[str]) -> tuple[list[str], list[str], str]:
    """Return `words` with pyx's options for another tool's, and those that pyx has nothing for.

    The last is a hint that is not about an option alone; empty where there is none.
    """
    words, left_out = [*words], []
    for _ in range(len(words) + 1):
        try:
            parse_invocation(words, {})
        except UsageError as error:
            hint, wrong = error.hint or "", error.message.rpartition(" ")[2]
            if hint.startswith("pyx ") and not hint.endswith("--help"):
                words = shlex.split(hint)[1:]
                continue
            if wrong not in words or (wrong in _NOT_DROPPED and "`" not in hint):
                break
            if "`" in hint and not hint.startswith(("leave ", "`pyx lock` ")):
                return words, [], hint
            at = words.index(wrong)
            behind = words[at + 1 :]
            if behind and not behind[0].startswith("-") and wrong in _WITH_VALUE:
                behind = behind[1:]
            words = [*words[:at], *behind]
            left_out += [] if hint.startswith(("leave ", "no option", "`")) else [wrong]
        else:
            break
    return words, left_out, ""


def _name_left_out(command: str, options: Sequence[str]) -> str:
    """Return what follows ``pyx``, with the `options` of another tool that it does not have."""
    return f"`pyx {command}`; pyx has no {' and '.join(options)}" if options else command


def settle(meant: str) -> str:
    """Return what follows ``pyx`` as one command of pyx, and anything else as it is."""
    begins = meant.split(maxsplit=1)[:1]
    # A variable is for the shell.
    is_one = not any(mark in meant for mark in ("`", "&&", "$", "[NAME"))
    is_own = begins and begins[0] in VERBS and not meant.startswith("tool run")
    return _correct(shlex.split(meant)) if is_one and is_own else meant


_NOT_DROPPED = ("--python", "-p", "--group", "--extra", "--project")
"""Options without which a command would mean something else."""

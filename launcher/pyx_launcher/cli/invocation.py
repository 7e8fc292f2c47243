"""Turn the command line and the environment into one value that says what to do."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pyx_launcher.cli.commands import VERBS, Verb
from pyx_launcher.errors import UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PYTHON_LETTERS = "bBc:dEhiIm:OPqRsStuvVW:xX:?"
"""Every short option of CPython 3.9 to 3.14 as for getopt; a colon follows one with a value.

Without ``J``, which CPython knows only to refuse it."""

OPTIONS_WITH_VALUE: Mapping[str, str] = {
    "--project": "DIR",
    "--python": "VERSION",
    "--group": "NAME",
    "--only-group": "NAME",
    "--no-group": "NAME",
    "--extra": "NAME",
    "--with": "@NAME",
    "--allow-unhashed": "NAME",
    "--env-file": "FILE",
}
_FLAGS = (
    "--offline",
    "--locked",
    "--all-groups",
    "--all-extras",
    "--no-default-groups",
    "--no-dev",
)

_GROUP = "-G"
"""The short name of ``--group``, which PDM has; python has no such option."""

_NOT_BESIDE_ONLY = ("--group", "--extra", "--all-groups", "--all-extras")
"""What ``--only-group`` cannot be used with, as in uv."""


_NAMED = re.compile(r"@[^:/@]+")
_NAMING = ("--invert", "--package", "--editable", "--optional", "--script")
"""Options whose value is never one more option, as it is where another tool has them as flags."""


class WholeLine(str):
    """A hint that is the command line as it is meant, but for the words before the command."""

    __slots__ = ()

    def behind(self, words: Sequence[str]) -> str:
        """Return it with these words of pyx's own, which stand before the command."""
        return f"{_join(['pyx', *words])}{self.removeprefix('pyx')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What python is to run: its words untouched, and where in them the target is."""

    words: tuple[str, ...]
    mode: str
    """`s` script, `m` module, `c` command, `i` standard input or the REPL, `p` python's own
    business: an option that prints and exits, or one that python is to complain about."""
    target: str | None = None
    place: int = 0
    """How many words stand before a script."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """One command line with the `PYX_…` variables that act like options."""

    own: tuple[str, ...] = ()
    """pyx's own arguments, as typed: part of the key of the launch record."""
    options: tuple[tuple[str, str | None], ...] = ()
    """pyx's own options by their long names, with their values, in the order they were typed."""
    verb: str | None = None
    named: str | None = None
    projects: tuple[str, ...] = ()
    """The directories or locks that ``--project`` names; several are requirements files."""
    python: str | None = None
    choice: Choice = Choice()
    offline: bool = False
    stacked: tuple[str, ...] = ()
    """The named environments that `--with` appends, without their ``@``."""
    words: tuple[str, ...] = ()
    """What a verb is told, where that is no command line of python."""
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The verb's own options with their values, in the order they were typed."""
    locked: bool = False
    """Is a lock that no longer fits its project an error?"""
    unhashed: tuple[str, ...] = ()
    """The projects whose files the user takes without a hash that can be relied on."""
    env_files: tuple[str, ...] = ()
    """The files of variables for the program."""
    program: Program

    @property
    def project(self) -> str | None:
        """The only project that is named, or None. Raises UsageError where there are several."""
        if len(self.projects) > 1:
            raise UsageError("only one project can be given", hint="keep only one --project")
        return self.projects[0] if self.projects else None


def parse_invocation(arguments: Sequence[str], environ: Mapping[str, str]) -> Invocation:
    """Parse what follows ``pyx``: ``[@name] [pyx's options] [verb] [python's command line]``.

    Raises UsageError for an option that is not pyx's, where only pyx's can stand.
    """
    named = arguments[0][1:] if arguments and arguments[0].startswith("@") else None
    end, options = _take_own(arguments, 0 if named is None else 1)
    own = tuple(arguments[:end])
    rest = arguments[end:]
    verb = rest[0] if rest and rest[0] in (*VERBS, *_NO_OPTIONS) else None
    words: Sequence[str] = ()
    settings: dict[str, tuple[str, ...]] = {}
    if verb is None:
        _refuse_option(named, own, rest)
    else:
        asked = VERBS.get(verb, _PLAIN)
        _refuse_program(named, own, rest)
        try:
            taken, words, more = _take_words(rest, asked)
            if verb not in VERBS:
                words, rest, taken = rest[taken:], [], 0
            # `pyx info --group dev x.py` speaks of the start `pyx --group dev x.py`.
            own += tuple(word for word in rest[1:taken] if word not in asked.flags)
            rest = rest[taken:]
            if rest and rest[0] in ("--help", "-h"):
                words, verb = (verb,), "--help"
            elif asked.speaks_of_start and rest:
                before = arguments[end : len(arguments) - len(rest)]
                rest, behind, others = _take_behind(before, rest, asked)
                own += tuple(word for word in behind if word not in asked.flags)
                more += others
        except UsageError as error:
            from pyx_launcher.cli.counterparts import aim, find_target

            if isinstance(error.hint, WholeLine):
                error.hint = error.hint.behind(arguments[:end])
            else:
                error.hint = aim(error.hint, *find_target(own, arguments[end:], asked))
            raise
        _refuse_place(arguments, verb or "", [*words, *rest[:1]])
        settings = _settle(more, asked)
        options.extend(option for option in more if option[0] not in settings)
    values = _collect(options)
    projects = values.get("--project", [environ.get("PYX_PROJECT") or None])
    return Invocation(
        own=own,
        options=tuple(options),
        verb=verb,
        named=named,
        projects=tuple(dict.fromkeys(filter(None, projects))),
        python=values.get("--python", [None])[-1],
        choice=Choice(
            extras=_split(values.get("--extra", [])),
            groups=_split(values.get("--group", [])),
            all_extras="--all-extras" in values,
            all_groups="--all-groups" in values,
            default_groups="--no-default-groups" not in values,
            only_groups=_read_only_groups(values),
            no_groups=_split(values.get("--no-group", [])),
            no_dev="--no-dev" in values,
            unhashed=_normalise(_split(values.get("--allow-unhashed", []))),
        ),
        unhashed=_split(values.get("--allow-unhashed", [])),
        env_files=tuple(value for value in values.get("--env-file", []) if value),
        offline="--offline" in values or environ.get("PYX_OFFLINE", "") not in ("", "0"),
        stacked=_name_stacked(values.get("--with", []), arguments, verb),
        words=tuple(words),
        settings=settings,
        locked="--locked" in values,
        program=parse_program(rest),
    )


def repeat_start(invocation: Invocation, *but: str) -> list[str]:
    """Return ``pyx`` with the ``@name`` and pyx's own options of `invocation`, but not `but`."""
    start = ["pyx", *([f"@{invocation.named}"] if invocation.named else [])]
    for option, value in invocation.options:
        if option not in but:
            start += [option] if value is None else [option, value]
    return start


def _refuse_option(named: str | None, own: Sequence[str], rest: Sequence[str]) -> None:
    """Raise UsageError for a short option that python does not have and another tool does."""
    if rest and rest[0][:1] == "-" and rest[0][1:2] not in f"{PYTHON_LETTERS}-":
        from pyx_launcher.cli.counterparts import refuse_option

        refuse_option(named, own, rest, _PLAIN)


def _refuse_program(named: str | None, own: Sequence[str], rest: Sequence[str]) -> None:
    """Raise UsageError for ``pyx python`` in place of ``pyx``."""
    if rest[0] == "python" and len(rest) > 1 and rest[1] not in VERBS["python"].actions:
        from pyx_launcher.cli.counterparts import refuse_program

        refuse_program(named, own, rest[1:], _PLAIN)


def _refuse_place(arguments: Sequence[str], verb: str, words: Sequence[str]) -> None:
    """Raise UsageError for an ``@NAME`` among the words of a command, which it comes before."""
    if not any(word.startswith("@") for word in words) or verb not in VERBS:
        return
    from pyx_launcher.cli.counterparts import NAMED_BEHIND, refuse_place

    own = words[:1] if VERBS[verb].passes_from else words
    if verb in NAMED_BEHIND:
        own = own[1:]
    name = next((word for word in own if _NAMED.fullmatch(word)), None)
    is_there = name is not None and (verb == "env" or os.path.lexists(name))
    takes_name = VERBS[verb].takes_name("".join(words[:1]))
    if name is not None and takes_name and not is_there:
        refuse_place(arguments, name)


_NO_OPTIONS = ("--help", "-h", "--version", "--complete")
"""What stands in the place of a command."""

_PLAIN = Verb(forms=(), summary="", speaks_of_start=True)

_Option = tuple[str, str | None]


def _take_own(arguments: Sequence[str], at: int) -> tuple[int, list[_Option]]:
    options: list[_Option] = []
    while at < len(arguments) and _is_own(arguments[at]):
        at, option = _take_option(arguments, at, _PLAIN)
        options.append(option)
    return at, options


def _is_own(word: str) -> bool:
    if word.startswith(_GROUP):
        return True
    if not word.startswith("--") or len(word) == 2 or word.startswith("--help-"):
        return False
    return word.partition("=")[0] not in ("--check-hash-based-pycs", *_NO_OPTIONS)


def _take_option(arguments: Sequence[str], at: int, verb: Verb) -> tuple[int, _Option]:
    """Return the option at `at`, pyx's own or the verb's, and where the next word is."""
    name, equals, value = arguments[at].partition("=")
    if arguments[at].startswith(_GROUP):
        name, value = "--group", arguments[at].removeprefix(_GROUP)
        equals = value
    valued, flags = {**OPTIONS_WITH_VALUE, **verb.valued}, (*verb.flags, *_FLAGS)
    if name in valued:
        start = at
        if not equals:
            at += 1
            value = arguments[at] if at < len(arguments) else ""
            if value.startswith("--") and name in _NAMING:
                at, value = at - 1, ""
        if not value:
            from pyx_launcher.cli.counterparts import explain_missing

            place = f"{name} {valued[name]}"
            before, behind = ["pyx", *arguments[:start]], arguments[at + 1 :]
            line = f"{_join(before)} {place} {_join(behind)}".rstrip()
            line = explain_missing(arguments, start) or line
            raise UsageError(f"{name} needs a value", hint=WholeLine(line))
        return at + 1, (name, value)
    if name in flags and not equals:
        return at + 1, (name, None)
    if name in flags:
        hint = f"{verb.command} {name}"
        if name == "--upgrade" and value:
            # Without the name it would move everything.
            hint += f" {_quote(value)}"
        if name == "--file":
            from pyx_launcher.cli.counterparts import find_counterpart

            # conda has it with a value.
            hint = find_counterpart(arguments, at, verb) or hint
        raise UsageError(f"{name} takes no value", hint=hint)
    from difflib import get_close_matches

    from pyx_launcher.cli.counterparts import find_counterpart

    # Of two that are less alike than this, --depth and --python say, one is no slip for the other.
    # Nor is the opposite one.
    opposite = {name.replace("--", "--no-", 1), name.replace("--no-", "--", 1)} - {name}
    close = get_close_matches(name, {*valued, *flags} - opposite, n=1, cutoff=0.7)
    hint = f"did you mean {close[0]}?" if close else f"{verb.command} --help"
    hint = find_counterpart(arguments, at, verb) or hint
    raise UsageError(f"unknown option {arguments[at]}", hint=hint)


def _refuse_word(arguments: Sequence[str], at: int, verb: Verb) -> UsageError:
    """Return what to tell of a word that looks like an option and is nobody's."""
    from pyx_launcher.cli.counterparts import find_counterpart

    hint = find_counterpart(arguments, at, verb) or f"{verb.command} --help"
    return UsageError(f"{verb.command} does not know {arguments[at]}", hint=hint)


def _take_behind(
    before: Sequence[str], words: Sequence[str], verb: Verb
) -> tuple[Sequence[str], Sequence[str], list[_Option]]:
    """Take what stands behind the script that `verb` speaks of: options of its own and of pyx.

    `before` are the name of the verb and what was taken already. Returns the words of the start,
    those that were taken, and the options. Behind a module or a command the words are the
    program's. Raises UsageError for words that are nobody's.
    """
    program = parse_program(words)
    line = [*before, *words]
    if program.mode in "ip":
        raise _refuse_word(line, len(before), verb)
    if program.mode != "s":
        return words, (), []
    _refuse_extra(before, program, verb)
    end = program.place + 1
    at = len(before) + end
    options: list[_Option] = []
    while at < len(line):
        if not _is_own(line[at]):
            raise UsageError(
                f"{verb.command} takes one script: {line[at]} is one word too many",
                hint=WholeLine(_join(["pyx", *line[: len(before) + end]])),
            )
        at, option = _take_option(line, at, verb)
        options.append(option)
    return words[:end], words[end:], options


_OWN_EXTRAS = re.compile(r"\.\[([^\]]+)\]")
"""The project here with extras, as pip has it."""


def _refuse_extra(before: Sequence[str], program: Program, verb: Verb) -> None:
    """Raise UsageError for an extra as Poetry or pip names it, where a script can stand."""
    target, words = program.target or "", [*program.words]
    found = _OWN_EXTRAS.fullmatch(target)
    # Python's -E takes no value.
    is_option = words[: program.place][-1:] == ["-E"] and not target.endswith(".py")
    if is_option or found:
        start = program.place - 1 if is_option else program.place
        extra = found[1] if found else target
        words[start : program.place + 1] = ["--extra", extra]
        raise UsageError(
            f"{verb.command} does not know {'-E' if is_option else target}",
            hint=WholeLine(_join(["pyx", *before, *words])),
        )


def _take_words(arguments: Sequence[str], verb: Verb) -> tuple[int, list[str], list[_Option]]:
    """Take what belongs to the verb at the start of `arguments`: words and options in any order.

    Returns how many arguments were taken. For a verb that speaks of a start these are options
    alone, and what follows is python's; for others everything is taken, but for ``--help``.
    """
    words: list[str] = []
    options: list[_Option] = []
    arguments = list(arguments)
    at = 1
    while at < len(arguments):
        word = arguments[at] = _lengthen(arguments[at], verb)
        if word in ("--help", "-h"):
            return at, words, options
        if _is_own(word):
            at, option = _take_option(arguments, at, verb)
            options.append(option)
        elif verb.speaks_of_start:
            return at, words, options
        elif word == verb.passes_at:
            return len(arguments), [*words, *arguments[at:]], options
        elif word == "--":
            return len(arguments), [*words, *arguments[at + 1 :]], options
        elif word.startswith("-"):
            error = _refuse_word(arguments, at, verb)
            if verb.passes_from.get("") and (word == "-" or word[:2] in ("-m", "-c")):
                # What others have `run` for is a start of pyx itself.
                error.hint = _join(["pyx", *arguments[at:]])
            raise error
        else:
            words.append(word)
            at += 1
            if verb.is_complete(words):
                return len(arguments), [*words, *arguments[at:]], options
    return at, words, options


def _lengthen(word: str, verb: Verb) -> str:
    """Return an option of the verb under its own name, with its value if that is attached."""
    name, equals, value = word.partition("=")
    if word.startswith("--"):
        return f"{verb.short.get(name, name)}{equals}{value}"
    long = verb.short.get(word[:2])
    if long is None or word == word[:2]:
        return long or word
    return f"{long}={word[2:].removeprefix('=')}" if long in verb.valued else word


def _settle(options: Sequence[_Option], verb: Verb) -> dict[str, tuple[str, ...]]:
    """Return the verb's own options, with all the values that each was given."""
    known = (*verb.valued, *verb.flags)
    return {
        name: tuple(value for other, value in options if other == name and value is not None)
        for name, _ in options
        if name in known
    }


def _name_stacked(
    values: Sequence[str | None], arguments: Sequence[str], verb: str | None
) -> tuple[str, ...]:
    names = _split(values)
    for name in names:
        if not name.startswith("@"):
            from pyx_launcher.cli.counterparts import explain_stacked

            raise UsageError(
                f"--with {name}: it takes a named environment",
                hint=explain_stacked(name, arguments, verb),
            )
    return tuple(dict.fromkeys(name[1:] for name in names))


def _read_only_groups(values: Mapping[str, list[str | None]]) -> tuple[str, ...]:
    """Return the values of ``--only-group``. Raises UsageError beside what it excludes."""
    only = _split(values.get("--only-group", []))
    others = [name for name in _NOT_BESIDE_ONLY if name in values]
    if only and others:
        more = _split(values["--group"]) if others == ["--group"] else ()
        hint = " ".join(f"--only-group {name}" for name in (*only, *more))
        raise UsageError(f"--only-group cannot be used with {' and '.join(others)}", hint=hint)
    return only


def _quote(word: str) -> str:
    return _join([word])


def _join(words: Sequence[str]) -> str:
    # Only what is mistyped needs it.
    import shlex

    return shlex.join(words)


def _collect(options: Sequence[_Option]) -> dict[str, list[str | None]]:
    values: dict[str, list[str | None]] = {}
    for name, value in options:
        values.setdefault(name, []).append(value)
    return values


def _split(values: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(name for value in values if value for name in value.split(",") if name)


def _normalise(names: Sequence[str]) -> frozenset[str]:
    if not names:
        return frozenset()
    from packaging.utils import canonicalize_name

    return frozenset(map(canonicalize_name, names))


def parse_program(words: Sequence[str]) -> Program:
    """Find the target in python's own command line, by the grammar of CPython's getopt.c.

    `pyx.c` does the same; the two are held together by a test.
    """
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word = words[at]
        if word == "--":
            at += 1
            break
        if word == "--check-hash-based-pycs" and at + 1 < len(words):
            at += 2
            continue
        for place, letter in enumerate(word[1:], start=1):
            known = PYTHON_LETTERS.find(letter)
            if known < 0 or letter in ":hV?":
                return Program(words=tuple(words), mode="p")
            if PYTHON_LETTERS[known + 1 : known + 2] != ":":
                continue
            attached = word[place + 1 :]
            if not attached:
                at += 1
                if at >= len(words):
                    return Program(words=tuple(words), mode="p")
            if letter in "cm":
                return Program(words=tuple(words), mode=letter, target=attached or words[at])
            break
        at += 1
    if at < len(words) and words[at] != "-":
        return Program(words=tuple(words), mode="s", target=words[at], place=at)
    return Program(words=tuple(words), mode="i")

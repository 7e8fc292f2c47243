"""Turn the command line and the environment into one value that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyx_launcher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERBS = ("sync", "info")
"""The management commands. A verb wins over a file of that name; ``./sync`` runs the file."""

PYTHON_LETTERS = "bBc:dEhiIm:OPqRsStuvVW:xX:?"
"""Every short option of CPython 3.9 to 3.14 as for getopt; a colon follows one with a value.

Without ``J``, which CPython knows only to refuse it."""

_VALUED = ("--project", "--python", "--group", "--extra")
_FLAGS = ("--offline", "--locked", "--all-groups", "--all-extras", "--no-default-groups")
_FLAGS_OF_VERBS = {"sync": ("--compile",)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which extras and dependency groups of a lock are wanted; names as the user typed them."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    all_extras: bool = False
    all_groups: bool = False
    default_groups: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What python is to run: its words untouched, and where in them the target is."""

    words: tuple[str, ...]
    mode: str
    """`s` script, `m` module, `c` command, `i` standard input or the REPL, `p` python's own
    business: an option that prints and exits, or one that python is to complain about."""
    target: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """One command line with the `PYX_…` variables that act like options."""

    own: tuple[str, ...] = ()
    """pyx's own arguments, as typed: part of the key of the launch record."""
    verb: str | None = None
    named: str | None = None
    project: str | None = None
    python: str | None = None
    choice: Choice = Choice()
    offline: bool = False
    compiles: bool = False
    """Is bytecode wanted of everything that is made ready?"""
    locked: bool = False
    """Is a lock that no longer fits its project an error?"""
    program: Program


def parse_invocation(arguments: Sequence[str], environ: Mapping[str, str]) -> Invocation:
    """Parse what follows ``pyx``: ``[@name] [pyx's options] [verb] [python's command line]``.

    Raises UsageError for an option that is not pyx's, where only pyx's can stand.
    """
    named = arguments[0][1:] if arguments and arguments[0].startswith("@") else None
    end, options = _take_own(arguments, 0 if named is None else 1)
    own = tuple(arguments[:end])
    rest = arguments[end:]
    verb = rest[0] if rest and rest[0] in (*VERBS, "--help", "-h", "--version") else None
    if verb is not None:
        taken, more = _take_own(rest, 1, _FLAGS_OF_VERBS.get(verb, ()))
        options.extend(more)
        # `pyx info --group dev x.py` speaks of the start `pyx --group dev x.py`.
        own += tuple(word for word in rest[1:taken] if word not in _FLAGS_OF_VERBS.get(verb, ()))
        rest = rest[taken:]
        if rest and rest[0] in ("--help", "-h"):
            verb = "--help"
        elif rest and parse_program(rest).mode in "ip":
            raise UsageError(f"pyx {verb} does not know {rest[0]}", hint="pyx --help")
    values = _collect(options)
    project = values.get("--project", [environ.get("PYX_PROJECT") or None])[-1]
    return Invocation(
        own=own,
        verb=verb,
        named=named,
        project=project,
        python=values.get("--python", [None])[-1],
        choice=Choice(
            extras=_split(values.get("--extra", [])),
            groups=_split(values.get("--group", [])),
            all_extras="--all-extras" in values,
            all_groups="--all-groups" in values,
            default_groups="--no-default-groups" not in values,
        ),
        offline="--offline" in values or environ.get("PYX_OFFLINE", "") not in ("", "0"),
        compiles="--compile" in values,
        locked="--locked" in values,
        program=parse_program(rest),
    )


def _take_own(
    arguments: Sequence[str], at: int, further: tuple[str, ...] = ()
) -> tuple[int, list[tuple[str, str | None]]]:
    flags = (*_FLAGS, *further)
    options: list[tuple[str, str | None]] = []
    while at < len(arguments) and arguments[at].startswith("--") and len(arguments[at]) > 2:
        name, equals, value = arguments[at].partition("=")
        if name in ("--check-hash-based-pycs", "--help", "--version"):
            break
        if name.startswith("--help-"):
            break
        if name in _VALUED:
            if not equals:
                at += 1
                if at >= len(arguments):
                    raise UsageError(f"{name} needs a value", hint="pyx --help")
                value = arguments[at]
            if not value:
                raise UsageError(f"{name} needs a value", hint="pyx --help")
            options.append((name, value))
        elif name in flags and not equals:
            options.append((name, None))
        else:
            from difflib import get_close_matches

            close = get_close_matches(name, (*_VALUED, *flags), n=1)
            hint = f"did you mean {close[0]}?" if close else "pyx --help"
            raise UsageError(f"unknown option {arguments[at]}", hint=hint)
        at += 1
    return at, options


def _collect(options: Sequence[tuple[str, str | None]]) -> dict[str, list[str | None]]:
    values: dict[str, list[str | None]] = {}
    for name, value in options:
        values.setdefault(name, []).append(value)
    return values


def _split(values: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(name for value in values if value for name in value.split(",") if name)


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
        return Program(words=tuple(words), mode="s", target=words[at])
    return Program(words=tuple(words), mode="i")

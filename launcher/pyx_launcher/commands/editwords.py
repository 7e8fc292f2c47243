"""The words of ``pyx add``, ``pyx remove`` and ``pyx lock``, and which project they speak of."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.context import DEFAULT_NAME
from pyx_launcher.errors import UsageError
from pyx_launcher.locks import FILE_NAMES
from pyx_launcher.manifests import MANIFESTS
from pyx_launcher.named import named_directory
from pyx_launcher.ownership import check_owner
from pyx_launcher.pyproject import MAIN, Place
from pyx_launcher.resolvers import NO_UPGRADE, Upgrade
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.invocation import Invocation


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What stands behind a verb that changes a project."""

    names: tuple[str, ...] = ()
    place: Place = MAIN
    script: Path | None = None
    upgrade: Upgrade = NO_UPGRADE
    init: bool = False
    named: str | None = None
    creates: bool = False
    """May the environment `named` be made where there is none?"""
    project: str | None = None
    python: str | None = None
    offline: bool = False


def parse_words(invocation: Invocation) -> Words:
    """Return what the words behind the verb of `invocation` mean. Raises UsageError."""
    names, settings = invocation.words, invocation.settings
    named = invocation.named
    if names and names[0].startswith("@"):
        named, names = names[0][1:], names[1:]
    elif "--user" in settings:
        named = DEFAULT_NAME
    if invocation.locked and "--check" not in settings:
        raise UsageError(
            f"pyx {invocation.verb} locks, which --locked forbids",
            hint="pyx lock --check tells whether a lock fits its project",
        )
    words = Words(
        names=names,
        place=_find_place(invocation),
        script=_find_script(_last(settings.get("--script", ()))),
        init="--init" in settings,
        named=named,
        creates=invocation.verb == "add",
        project=invocation.project,
        python=invocation.python,
        offline=invocation.offline,
    )
    if invocation.verb == "lock":
        return _read_lock_words(words, upgrade="--upgrade" in settings)
    _check(invocation.verb or "", words)
    return words


def _last(values: Sequence[str]) -> str | None:
    return values[-1] if values else None


def _find_place(invocation: Invocation) -> Place:
    extras = (*invocation.settings.get("--optional", ()), *invocation.choice.extras)
    groups = (*invocation.choice.groups, *(["dev"] if "--dev" in invocation.settings else ()))
    if len(extras) + len(groups) > 1:
        start = shlex.join(["pyx", invocation.verb or "", *invocation.words])
        raise UsageError(
            f"a requirement has one place, not {' and '.join((*extras, *groups))}",
            hint=f"{start} --optional {extras[0]}" if extras else f"{start} --group {groups[0]}",
        )
    return Place(extra=_last(extras), group=_last(groups))


def _check(verb: str, words: Words) -> None:
    if not words.names:
        start = shlex.join(
            ["pyx", verb, *(["--script", str(words.script)] if words.script else [])]
        )
        start += f" @{words.named}" if words.named else ""
        start += " --init" if words.init else ""
        raise UsageError(f"pyx {verb} needs NAME, that of a distribution", hint=f"{start} click")
    if words.script and (words.place.extra or words.place.group or words.named or words.init):
        raise UsageError(
            "an inline block has neither extras nor groups, and belongs to its script alone",
            hint=shlex.join(["pyx", verb, "--script", str(words.script), *words.names]),
        )


def _read_lock_words(words: Words, *, upgrade: bool) -> Words:
    """Tell the script, if one is named, from the names that are to be upgraded."""
    scripts = [name for name in words.names if name.endswith(".py") or Path(name).is_file()]
    names = tuple(name for name in words.names if name not in scripts)
    if len(scripts) > 1:
        raise UsageError(
            "pyx lock takes one script at a time", hint=f"pyx lock {shlex.quote(scripts[0])}"
        )
    if names and not upgrade:
        raise UsageError(
            f"{names[0]} is no script", hint=f"pyx lock --upgrade {shlex.quote(names[0])}"
        )
    return replace(
        words,
        names=(),
        script=_find_script(scripts[0]) if scripts else None,
        upgrade=Upgrade(everything=upgrade and not names, names=names),
    )


def _find_script(name: str | None) -> Path | None:
    if name is None:
        return None
    path = Path(name).resolve()
    if not path.is_file():
        raise UsageError(
            f"there is no script {path}",
            hint=f"touch {shlex.quote(str(path))}, if it is to be made",
        )
    return path


def find_directory(words: Words, dirs: Dirs, working: Path) -> Path:
    """Return the directory of the project that is meant. Raises UsageError, RefusedError.

    It is the nearest one, from `working` upwards, that holds a project or a lock; with ``--init``
    `working` itself. A named environment need not be there yet if the words create it.
    """
    if words.named is not None:
        directory = named_directory(dirs, words.named)
        if directory.is_dir() or words.creates:
            return directory
        raise UsageError(f"there is no environment @{words.named}", hint="pyx env list")
    if words.project is not None:
        path = Path(words.project).absolute()
        if not path.exists():
            raise UsageError(f"there is no project {path}", hint="name a directory or a lock")
        return path if path.is_dir() else path.parent
    if words.init:
        return working
    for directory in (working, *working.parents):
        for name in (*MANIFESTS, *FILE_NAMES):
            if (directory / name).is_file():
                # What locks a project runs what it says, so it must not be a stranger's.
                check_owner(directory / name, working)
                return directory
    hint = f"name it: pyx --project DIRECTORY remove {shlex.join(words.names)}"
    if words.creates or not words.names:
        names = shlex.join(words.names) or "NAME"
        hint = f"pyx add --init {names} makes one here"
    raise UsageError(f"there is no project in {working} or above", hint=hint)

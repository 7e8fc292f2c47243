"""What ``pyx add``, ``pyx remove`` and ``pyx lock`` have in common: change, lock, tell."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import tomli
from packaging.pylock import Pylock
from packaging.utils import canonicalize_name

from pyx_launcher.commands._lists import refuse_file, refuse_named_locks, refuse_no_script
from pyx_launcher.commands.env import create_environment
from pyx_launcher.console import tell, write_out
from pyx_launcher.dirs import find_working_directory
from pyx_launcher.errors import UsageError
from pyx_launcher.files.ownership import check_owner, obey_owners
from pyx_launcher.interpreters.request import bound_python, shorten_request
from pyx_launcher.locks.pylock import PylockLock
from pyx_launcher.locks.reader import FILE_NAMES
from pyx_launcher.progress import count_packages
from pyx_launcher.project.content_hash import read_block_origin, stamp_pylock
from pyx_launcher.project.inline_script import (
    add_to_block,
    bound_in_block,
    find_fault,
    name_block_lock,
    new_block_text,
    read_block_text,
    remove_from_block,
    replace_block_text,
)
from pyx_launcher.project.journal import read_file
from pyx_launcher.project.links import check_links
from pyx_launcher.project.local import is_local, split_path
from pyx_launcher.project.manifest import (
    LISTS,
    MANIFEST,
    MANIFESTS,
    advise_old,
    find_pin,
    is_old,
    lead_old,
)
from pyx_launcher.project.misspelt import describe_block, describe_manifest
from pyx_launcher.project.named import (
    find_surrounding,
    list_named,
    named_directory,
    remove_named,
    require_named,
)
from pyx_launcher.project.pyproject import MAIN, RequirementList, drop_known, is_bare, parse_data
from pyx_launcher.project.python_version import VERSION_FILE, pin_version
from pyx_launcher.project.transaction import exclusive, restoring
from pyx_launcher.resolve.pins_of_lock import (
    SEVERAL,
    check_upgrade,
    find_damage,
    find_versions,
    versions_in,
)
from pyx_launcher.resolve.project import Change, Outcome, change_project, makes_table
from pyx_launcher.resolve.runner import NO_UPGRADE, Upgrade
from pyx_launcher.resolve.script import (
    Block,
    lock_by_uv,
    make_block,
    name_lock_beside,
    resolve_block,
)
from pyx_launcher.resolve.surroundings import check_settings
from pyx_launcher.resolve.tools import make_toolbox
from pyx_launcher.spelling import find_slips
from pyx_launcher.start.context import DEFAULT_NAME, name_preferred
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.project.transaction import Files
    from pyx_launcher.resolve.tools import Toolbox


@dataclass(frozen=True, kw_only=True, slots=True)
class EditArguments:
    """What stands behind a verb that changes a project."""

    names: tuple[str, ...] = ()
    place: RequirementList = MAIN
    script: Path | None = None
    upgrade: Upgrade = NO_UPGRADE
    requirements: tuple[str, ...] = ()
    """The files whose requirements are to be added."""
    constraints: tuple[str, ...] = ()
    editables: tuple[str, ...] = ()
    """The directories of projects that are to be added as they are."""
    init: bool = False
    named: str | None = None
    creates: bool = False
    """May the environment `named` be made where there is none?"""
    project: str | None = None
    python: str | None = None
    offline: bool = False
    follow: bool = False
    """May files be written through links that lead out of the project?"""
    checks: bool = False
    """Is a lock only to be compared with its project?"""


def parse_words(invocation: Invocation) -> EditArguments:
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
            hint="`pyx lock --check` tells whether a lock fits its project",
        )
    words = EditArguments(
        names=names,
        place=_find_place(invocation),
        script=_find_script(_last(settings.get("--script", ())), invocation.verb or ""),
        requirements=settings.get("--requirements", ()),
        constraints=settings.get("--constraints", ()),
        editables=settings.get("--editable", ()),
        init="--init" in settings,
        named=named,
        creates=invocation.verb == "add",
        project=invocation.project,
        python=invocation.python,
        offline=invocation.offline,
        follow="--follow" in settings,
        checks="--check" in settings,
    )
    if invocation.verb == "lock":
        return _read_lock_words(words, upgrade="--upgrade" in settings)
    _check(invocation.verb or "", words)
    return words


def _last(values: Sequence[str]) -> str | None:
    return values[-1] if values else None


def _find_place(invocation: Invocation) -> RequirementList:
    chosen = () if invocation.verb == "add" else invocation.choice.extras
    extras = (*invocation.settings.get("--optional", ()), *chosen)
    groups = (*invocation.choice.groups, *(["dev"] if "--dev" in invocation.settings else ()))
    if len(extras) + len(groups) > 1:
        start = shlex.join(["pyx", invocation.verb or "", *invocation.words])
        raise UsageError(
            f"a package goes into one place at a time, not into {' and '.join((*extras, *groups))}",
            hint=f"{start} --optional {extras[0]}" if extras else f"{start} --group {groups[0]}",
        )
    return RequirementList(extra=_last(extras), group=_last(groups))


def _check(verb: str, words: EditArguments) -> None:
    if not (words.names or words.requirements or words.editables):
        example = f"pyx {verb} --init click" if words.init else f"pyx {verb} --help"
        if words.place.extra and verb == "add":
            # For Poetry it is a flag: the word behind it is a package.
            example = f"pyx add --optional EXTRA {shlex.quote(words.place.extra)}"
            example += " --init" if words.init else ""
        raise UsageError(f"pyx {verb} needs the NAME of a package", hint=example)
    if words.script and (words.place.extra or words.place.group or words.named or words.init):
        raise UsageError(
            "an inline block has neither extras nor groups, and belongs to its script alone",
            hint=shlex.join(["pyx", verb, "--script", str(words.script), *words.names]),
        )
    if words.script and (words.constraints or words.editables):
        raise UsageError(
            "an inline block takes neither constraints nor editable directories",
            hint=shlex.join(
                ["pyx", verb, "--script", str(words.script), *(words.names or ["NAME"])]
            ),
        )


def _read_lock_words(words: EditArguments, *, upgrade: bool) -> EditArguments:
    """Tell the script, if one is named, from the names that are to be upgraded."""
    scripts = [name for name in words.names if name.endswith(".py") or Path(name).is_file()]
    names = tuple(name for name in words.names if name not in scripts)
    if len(scripts) > 1:
        raise UsageError(
            "pyx lock takes one script at a time", hint=f"pyx lock {shlex.quote(scripts[0])}"
        )
    gone = next((name for name in names if name.endswith((".txt", ".in"))), None)
    if gone is not None:
        raise UsageError(f"there is no file {gone}", hint="pyx lock --help")
    if names and not upgrade:
        # As another tool has a command for it.
        meant = names[1:] if names[0] in ("update", "upgrade") else names
        raise UsageError(
            f"{names[0]} is not a script", hint=shlex.join(["pyx", "lock", "--upgrade", *meant])
        )
    return replace(
        words,
        names=(),
        script=_find_script(scripts[0], "lock") if scripts else None,
        upgrade=Upgrade(everything=upgrade and not names, names=names),
    )


def _find_script(name: str | None, verb: str) -> Path | None:
    if name is None:
        return None
    path = Path(name).resolve()
    if not path.is_file():
        raise UsageError(
            f"there is no script {path}",
            hint=f"`touch {shlex.quote(str(path))}` makes an empty one",
        )
    refuse_no_script(path, name, verb)
    return path


def find_directory(words: EditArguments, dirs: Dirs, working: Path) -> Path:
    """Return the directory of the project that is meant. Raises UsageError, RefusedError.

    It is the nearest one, from `working` upwards, that holds a project or a lock; with ``--init``
    `working` itself. A named environment need not be there yet if the words create it.
    """
    if words.named is not None:
        if words.creates:
            return named_directory(dirs, words.named)
        return require_named(dirs, words.named)
    if words.project is not None:
        return _find_named_project(words.project, words)
    if words.init:
        return working
    for directory in (working, *working.parents):
        for name in (*MANIFESTS, *FILE_NAMES):
            if (directory / name).is_file():
                # What locks a project runs what it says, so it must not be a stranger's.
                check_owner(directory / name, working)
                return directory
    # What is here cannot require itself.
    own = [one for one in (*words.editables, *words.names) if _is_here(one, working)]
    typed = [
        *repeat_lists(replace(words, editables=tuple(o for o in words.editables if o not in own))),
        *(name for name in words.names if name not in own),
    ]
    within = find_surrounding()
    if not typed:
        hint = "`pyx init` makes one here"
    elif words.creates:
        python = ["--python", words.python] if words.python else []
        making = ["pyx", *python, "add", "--init", *words.place.option.split(), *typed]
        hint = f"`{shlex.join(making)}` makes one here"
    else:
        hint = _lead_to_script(words.names) or (
            f"name it: `pyx --project DIR remove {shlex.join(typed)}`"
        )
    if within is not None:
        typed += [
            word for one in own for word in (("-e", one) if one in words.editables else (one,))
        ]
        verb = "add" if words.creates else "remove" if typed else "lock"
        more = [*words.place.option.split(), *(["--check"] if words.checks else [])]
        more += ["--upgrade", *words.upgrade.names] if words.upgrade else []
        command = shlex.join(["pyx", within, verb, *typed, *more])
        hint = f"`{command}` changes the environment that this was started in"
    _refuse_old(working, words)
    raise UsageError(f"there is no project in {working} or above", hint=hint)


def repeat_lists(words: EditArguments) -> list[str]:
    """Return what was typed besides the names: lists, constraints, directories."""
    return [
        *(word for name in words.requirements for word in ("-r", name)),
        *(word for name in words.constraints for word in ("-c", name)),
        *(word for name in words.editables for word in ("-e", name)),
    ]


def _lead_to_script(names: Sequence[str]) -> str | None:
    """Return what removes a package from the script among `names`, as other commands take one."""
    scripts = [one for one in names if one.endswith(".py") and os.path.isfile(one)]
    if not scripts:
        return None
    others = [one for one in names if one not in scripts] or ["NAME"]
    return shlex.join(["pyx", "remove", "--script", scripts[0], *others])


def _is_here(name: str, working: Path) -> bool:
    """Tell whether `name` is a path of the working directory itself, with extras or without."""
    path = split_path(name)[0] or name
    return is_local(path) and Path(os.path.realpath(working / path)) == working


def _find_named_project(name: str, words: EditArguments) -> Path:
    path = Path(name).absolute()
    path = path.resolve() if ".." in path.parts else path
    if not path.exists():
        raise UsageError(f"there is no project {path}", hint="name a directory or a lock")
    if path.is_dir():
        return path
    upgrade = ["-U"] if words.upgrade.everything else []
    upgrade += [word for one in words.upgrade.names for word in ("-P", one)]
    refuse_file(path, words.names if words.creates else (), upgrade)
    return path.parent


def _refuse_old(directory: Path, words: EditArguments, *, takes_over: bool = False) -> None:
    """Raise UsageError for a project that only a setup.py or setup.cfg tells of.

    A table [project] that is made there would package it by another name, without what it
    requires.
    """
    wishes = _repeat_wishes(words, directory)
    old = advise_old(directory, *wishes)
    if words.init and is_old(directory) and makes_table(directory, takes_over=takes_over):
        old = lead_old(directory, *wishes)
    if old is not None:
        raise explain_old(directory, old)


def explain_old(directory: Path, hint: str) -> UsageError:
    """Tell of a project that only a setup.py or setup.cfg tells of; `hint` is what locks it."""
    return UsageError(f"{directory} has no pyproject.toml with a [project] table", hint=hint)


def _repeat_wishes(
    words: EditArguments, directory: Path
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return what was to be added to the project of a setup.py, as `lead_old` takes it."""
    if not words.creates:
        return ".", (), ()
    working = find_working_directory()
    paths = [one for one in (*words.editables, *words.names) if is_local(one)]
    own = [one for one in paths if Path(os.path.realpath(split_path(one)[0] or one)) == directory]
    extras = ",".join(filter(None, (split_path(one)[1].strip("[]") for one in own)))

    def move(one: str) -> str:
        path, behind = split_path(one)
        is_relative = one in paths and not path.startswith(("/", "~")) and directory != working
        return f"{os.path.relpath(path or one, directory)}{behind}" if is_relative else one

    others = (
        *(word for one in words.editables if one not in own for word in ("-e", move(one))),
        *(move(one) for one in words.names if one not in own),
    )
    limits = [word for one in words.constraints for word in ("-c", one)] if others else []
    return f".[{extras}]" if extras else ".", words.requirements, (*limits, *others)


def edit_project(words: EditArguments, change: Change, environ: Mapping[str, str]) -> int:
    """Change a project, lock it and print what became of it."""
    toolbox = make_toolbox(environ, offline=words.offline)
    directory = find_directory(words, toolbox.dirs, find_working_directory())
    refuse_named_locks(directory)
    if directory.is_dir():
        obey_owners(None if words.project is not None else directory)
        check_settings(directory, is_trusted=words.project is not None)
        _refuse_old(directory, words, takes_over=change.takes_over)
        slip = describe_manifest(directory / MANIFEST)
        if slip is not None:
            tell(f"warning: {slip}")
    made = words.named is not None and not directory.is_dir()
    if words.named is not None and made:
        _tell_of_slip(words.named, toolbox.dirs)
        create_environment(words.named, words.python, toolbox.dirs, environ)
    try:
        change = replace(change, follow=words.follow, lock_name=name_preferred(directory))
        outcome = change_project(directory, change, toolbox, tell, python=words.python)
    except BaseException:
        if words.named is not None and made:
            remove_named(toolbox.dirs, words.named)
        raise
    is_pinned = (directory / VERSION_FILE).exists()
    if words.python and ((words.init and not is_pinned) or (words.named and not made)):
        # Or the next start, which is not told, would take another one.
        pinned = pin_version(directory, words.python)
        if pinned is not None:
            write_out(f"{pinned}: {shorten_request(words.python)}\n")
    write_out(describe(outcome))
    if words.init:
        _tell_of_lists(words.requirements, directory)
    for name in map(canonicalize_name, change.upgrade.names):
        version = outcome.after.get(name)
        if version and SEVERAL not in version and version == outcome.before.get(name):
            pin = find_pin(outcome.manifest, name, version) if outcome.manifest else None
            if pin is not None:
                tell(f"{name} stays as it is: {outcome.manifest} requires {pin}")
    return 0


def _tell_of_lists(names: Sequence[str], directory: Path) -> None:
    """Say which lists a new project has taken the place of."""
    for name in names:
        path = Path(os.path.realpath(os.path.expanduser(name)))
        if path.parent == directory and path.name in LISTS:
            tell(f"{name} is not read any more: {MANIFEST} has what it lists")


def _tell_of_slip(name: str, dirs: Dirs) -> None:
    """Say of an environment that is to be made that there is one of nearly the same name."""
    for close in find_slips(name, [one.name for one in list_named(dirs)])[:1]:
        command = shlex.join(["pyx", "env", "remove", name])
        tell(f"@{name} is new; if you meant @{close}, `{command}` removes it again")


def describe(outcome: Outcome, subject: Path | None = None) -> str:
    """Return a line for each distribution that came, went or moved, and one for the lock.

    The last one is for `subject` where the lock is nothing that its user should have to know of.
    """
    before, after = outcome.before, outcome.after
    lines = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None:
            lines.append(f"+ {name} {new}".rstrip())
        elif new is None:
            lines.append(f"- {name} {old}".rstrip())
        elif old != new:
            lines.append(f"~ {name} {old} → {new}")
    same = "the lock is new" if outcome.is_new else "no version changed"
    what = f"{len(lines)} changed" if lines else same
    lines.append(f"{subject or outcome.lock}: {count_packages(len(after))}, {what}")
    return "\n".join(lines) + "\n"


def edit_script(
    words: EditArguments, change: Change, environ: Mapping[str, str], *, beside: bool = False
) -> int:
    """Change the inline block of a script and lock it, and print what became of it.

    The lock lies beside the script if one does already, or with `beside`; else it is ours.
    """
    script, subject = words.script, None
    if script is None:
        raise UsageError("no script was named")
    toolbox = make_toolbox(environ, offline=words.offline)
    check_settings(script.parent, is_trusted=False)
    with exclusive(toolbox.dirs, script, tell) as journal:
        source = read_file(script) or b""
        old = read_block_text(script, source)
        fault = find_fault(script, source)
        if fault is not None:
            raise fault
        slip = describe_block(script, parse_data(script, old or ""))
        if slip is not None:
            tell(f"warning: {slip}")
        text = _edit_text(script, old, change, toolbox, words.python)
        block = make_block(script, text, toolbox, words.python)
        block = replace(block, typed=change.typed)
        job = _Job(block=block, source=source, change=change)
        lock = name_lock_beside(script)
        if beside or os.path.lexists(lock):
            check_links([lock], script.parent, follow=words.follow)
        known = lock if lock.is_file() else job.name_own_lock(old)
        check_upgrade(known, change.upgrade, takes_versions=False)
        damage = find_damage(lock)
        if damage is not None:
            tell(f"{damage}; it is written again")
        if not (beside or lock.is_file()):
            outcome, subject = _lock_into_home(job, journal, job.name_own_lock(old)), script
        elif lock.suffix == ".lock":
            outcome = _lock_by_uv(job, journal, lock, is_damaged=damage is not None)
        else:
            outcome = _lock_beside(job, journal, lock)
    write_out(describe(outcome, subject))
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A script, and what is to become of its block."""

    block: Block
    """The block as it is to be."""
    source: bytes
    """The script as it was."""
    change: Change

    def name_own_lock(self, text: str | None) -> Path:
        """Return where pyx itself keeps the lock for a block of this script."""
        return name_block_lock(self.block.toolbox.dirs, self.block.script, text or "")

    def resolve(self, place: Path, old: Path) -> tuple[bytes, dict[str, str]]:
        """Return the content of the lock at `place`, which replaces `old`, and its versions."""
        upgrade = self.change.upgrade
        content = resolve_block(self.block, place, upgrade=upgrade, old=read_file(old))
        lock = PylockLock(path=place, content=Pylock.from_dict(tomli.loads(content.decode())))
        return content, versions_in(lock, self.block.interpreter)

    def find_versions(self, lock: Path) -> dict[str, str]:
        """Return what a lock has for the interpreter of the block."""
        return find_versions(lock, self.block.interpreter)

    def bound(self, versions: Mapping[str, str]) -> str:
        """Return the TOML of the block with a lower bound for what was added without any."""
        names = {canonicalize_name(one.name) for one in self.change.added if is_bare(one)}
        wanted = {name: version for name, version in versions.items() if version and name in names}
        return bound_in_block(self.block.script, self.block.text, wanted)

    def write(self, files: Files, text: str) -> None:
        """Write the script with the block `text`, if that is another than it has."""
        if text != read_block_text(self.block.script, self.source):
            files.write(self.block.script, replace_block_text(self.source, text))


def _lock_into_home(job: _Job, journal: Path, old: Path) -> Outcome:
    """Keep the lock among pyx's own; `old` is that of the block as it was."""
    content, versions = job.resolve(job.name_own_lock(job.block.text), old)
    text = job.bound(versions)
    before = job.find_versions(old)
    place = job.name_own_lock(text)
    with restoring(journal, [job.block.script, place], tell) as files:
        files.expect(job.block.script, job.source)
        files.write(place, content)
        job.write(files, text)
    return Outcome(lock=place, before=before, after=versions)


def _lock_beside(job: _Job, journal: Path, lock: Path) -> Outcome:
    old = lock if lock.is_file() else job.name_own_lock(job.block.text)
    before, is_new = job.find_versions(lock), not lock.is_file()
    content, versions = job.resolve(lock, old)
    text = job.bound(versions)
    # A bound that is what came out changes the block, but not what comes out.
    origin = read_block_origin(job.block.script, parse_data(job.block.script, text))
    with restoring(journal, [job.block.script, lock], tell) as files:
        files.expect(job.block.script, job.source)
        files.write(lock, stamp_pylock(content, origin, lock.parent))
        job.write(files, text)
    return Outcome(lock=lock, before=before, after=versions, is_new=is_new)


def _lock_by_uv(job: _Job, journal: Path, lock: Path, *, is_damaged: bool) -> Outcome:
    """Let uv write its lock beside the script, which it reads and which is changed first."""
    before = job.find_versions(lock)
    with restoring(journal, [job.block.script, lock], tell) as files:
        files.expect(job.block.script, job.source)
        if is_damaged:
            files.remove(lock)
        job.write(files, job.block.text)
        lock_by_uv(job.block, job.change.upgrade, files.look)
        versions = job.find_versions(lock)
        bounded = job.bound(versions)
        if bounded != job.block.text:
            job.write(files, bounded)
            lock_by_uv(replace(job.block, text=bounded), NO_UPGRADE, files.look, quiet=True)
    return Outcome(lock=lock, before=before, after=versions)


def _edit_text(
    script: Path, old: str | None, change: Change, toolbox: Toolbox, python: str | None
) -> str:
    """Return the TOML of the block with `change`; a script without a block gets one."""
    text = old
    if text is None:
        if not change.added:
            raise UsageError(
                f"{script} has no inline block",
                hint=f"`pyx add --script {shlex.quote(str(script))} NAME` makes one",
            )
        interpreter = make_block(script, "", toolbox, python).interpreter
        text = new_block_text(bound_python(python, interpreter.tag_facts.python))
    if change.added:
        text = add_to_block(script, text, change.added)
    text = remove_from_block(script, text, change.removed) if change.removed else text
    return drop_known(
        text, change.dropped, lambda text, name: remove_from_block(script, text, (name,))
    )

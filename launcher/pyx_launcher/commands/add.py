"""``pyx add``: require a distribution, in a project or in the inline block of a script."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name

from pyx_launcher.cli.conda import write_lock_out
from pyx_launcher.cli.conda_specs import (
    NOTHING_WANTED,
    add_file,
    collect,
    find_index_name,
    write_creation,
    write_requirement,
)
from pyx_launcher.cli.counterparts import add_extras, advise_python, is_python
from pyx_launcher.cli.invocation import repeat_start
from pyx_launcher.commands._edit import (
    edit_project,
    edit_script,
    explain_old,
    find_directory,
    parse_words,
    repeat_lists,
)
from pyx_launcher.commands._lists import refuse_layers, refuse_missing
from pyx_launcher.console import tell
from pyx_launcher.dirs import find_working_directory, resolve_dirs
from pyx_launcher.errors import PyxError, UsageError
from pyx_launcher.interpreters.request import read_range
from pyx_launcher.locks.reader import FILE_NAMES, has_lock_name
from pyx_launcher.locks.uv.workspace import read_workspace
from pyx_launcher.project.local import is_local, name_project, read_local, split_path
from pyx_launcher.project.manifest import (
    MANIFESTS,
    WISHES,
    advise_old,
    find_manifest,
    is_buildable,
    is_old,
    lead_old,
    name_command,
    read_main,
    reads_wishes,
)
from pyx_launcher.project.named import named_directory
from pyx_launcher.project.pyproject import is_bare
from pyx_launcher.project.requirement import order_clauses, parse_requirement, read_constraint
from pyx_launcher.project.requirements_file import read_listing
from pyx_launcher.resolve.project import Change, read_project
from pyx_launcher.start.context import name_preferred
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.requirements import Requirement

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.commands._edit import EditArguments
    from pyx_launcher.project.local import Local
    from pyx_launcher.project.requirements_file import Listing


def run_add(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Add the named requirements and lock; prints what that changed on stdout."""
    words = parse_words(invocation)
    _refuse_extras(words, invocation)
    _refuse_files(words, _repeat(words, invocation))
    _refuse_python(words, invocation, environ)
    _refuse_range(words, invocation, environ)
    words = _find_members(words, environ)
    listings = [read_listing(_find(name), environ) for name in words.requirements]
    if any(listing.names_index for listing in listings):
        tell("indexes are taken from pip's settings, not from requirements files")
    for name, listing in zip(words.requirements, listings, strict=True):
        if listing.left_out:
            tell(f"what {name} says by {' and '.join(listing.left_out)} is left out")
    limits = [read_listing(_find(name), environ, constrains=True) for name in words.constraints]
    paths = list(filter(is_local, words.names))
    places = _find_places(words, paths, listings, environ)
    names = [name for name in words.names if name not in paths]
    by_poetry = any(map(read_constraint, names)) and _is_poetrys(words, environ)
    _refuse_names(words, invocation, by_poetry=by_poetry)
    typed = [parse_requirement(name, by_poetry=by_poetry) for name in names]
    _refuse_twice(typed, _repeat(words, invocation))
    _refuse_renamed(typed, words, _repeat(words, invocation))
    added = [
        *typed,
        *(one for listing in listings for one in listing.requirements),
        *(one.requirement for one in places),
    ]
    files = list(map(_find, words.requirements))
    if files and words.init:
        manifest = find_manifest(find_working_directory())
        if manifest is not None and manifest not in files:
            refuse_layers(words.requirements, manifest, words.names)
    if files and not words.init and not words.script:
        directory = find_directory(words, resolve_dirs(environ), find_working_directory())
        project = read_project(directory, lock_name=name_preferred(directory))
        if project.lock in files and project.kind == "compile":
            raise _refuse_lock(words.requirements[files.index(project.lock)])
        if not words.named:
            refuse_layers(words.requirements, project.manifest, words.names)
        if files == [Path(os.path.realpath(project.manifest))]:
            # A list of requirements that is the project's own requires what it lists already.
            added = typed
        if words.place.group:
            added = _leave_out(added, listings, project.manifest)
    constraints = (one for listing in (*listings, *limits) for one in listing.constraints)
    change = Change(
        added=tuple(added),
        typed=tuple(typed),
        place=words.place,
        init=words.init,
        takes_over=words.init and _find_own(words, environ) / WISHES in files,
        constraints=tuple(constraints),
        places=tuple(places),
    )
    return (edit_script if words.script else edit_project)(words, change, environ)


def _leave_out(
    added: Sequence[Requirement], listings: Sequence[Listing], manifest: Path
) -> list[Requirement]:
    """Return what a group gets: not what its list includes and the project requires anyway."""
    required = {canonicalize_name(one.name): one for one in read_main(manifest)}
    included = [one for listing in listings for one in listing.included]
    known = [one for one in included if _is_said(one, required.get(canonicalize_name(one.name)))]
    # By identity, as the list itself may say the same of its own.
    return [one for one in added if not any(one is other for other in known)]


def _is_said(one: Requirement, known: Requirement | None) -> bool:
    """Tell whether the requirement `known` says all that `one` says."""
    if known is None or one.url or not one.extras <= known.extras:
        return False
    is_same = one.specifier == known.specifier or not one.specifier
    return is_same and (known.marker is None or str(one.marker) == str(known.marker))


def _refuse_extras(words: EditArguments, invocation: Invocation) -> None:
    """Raise UsageError for ``--extra``, by which uv means extras of the package itself."""
    extras = sorted(invocation.choice.extras)
    if not extras:
        return
    start = _repeat(words, invocation)
    lists = [word for name in words.requirements for word in ("-r", name)]
    meant = [add_extras(one, extras) for one in words.names]
    meant += [word for one in words.editables for word in ("-e", add_extras(one, extras))]
    option = [] if meant or words.place.extra else ["--optional", extras[0]]
    limits = [word for name in words.constraints for word in ("-c", name)]
    raise UsageError(
        "an extra of a package stands behind its name in brackets",
        hint=shlex.join([*start, *option, *meant, *lists, *limits]),
    )


def _find_members(words: EditArguments, environ: Mapping[str, str]) -> EditArguments:
    """Return `words` with the paths of the projects of uv's workspace that they have by name.

    A name stays one where pyproject.toml says where it comes from.
    """
    if words.script or words.init or words.named:
        return words
    paths: dict[str, Path] = {}
    known: set[str] = set()
    # That a file is broken, or no project there, is told where it is needed.
    with contextlib.suppress(PyxError, OSError):
        own = _find_own(words, environ)
        if not own.is_dir() or _find_kind(own) not in ("pylock", "uv"):
            return words
        for above in (own, *own.parents):
            workspace = read_workspace(above)
            members = workspace.members if workspace is not None else ()
            if workspace is not None and own in (above, *(one.directory for one in members)):
                sources = workspace.uv.table("sources").data
                others = (one for one, source in sources.items() if source != {"workspace": True})
                known.update(map(canonicalize_name, others))
                paths |= {str(one.name): one.directory for one in members if one.directory != own}
    names = []
    for name in words.names:
        found = re.fullmatch(r"([\w.-]+)(\[[^\]]*\])?", name)
        called = canonicalize_name(found[1]) if found else ""
        path = f"{paths[called]}{found[2] or ''}" if found and called in {*paths} - known else ""
        names.append(path if is_local(path) else name)
    return replace(words, names=tuple(names))


def _find_places(
    words: EditArguments,
    paths: Sequence[str],
    listings: Sequence[Listing],
    environ: Mapping[str, str],
) -> list[Local]:
    """Return what is required by its path: by `paths`, by ``-e`` and in the files.

    Raises UsageError for the project itself, where nothing else is named.
    """
    working = find_working_directory()
    typed = [*paths, *words.editables]
    listed = [one for listing in listings for one in listing.places]
    if not (typed or listed):
        return []
    own = _find_own(words, environ)
    is_list = not (words.script or words.init) and own.is_dir() and _find_kind(own) == "list"
    if not is_list:
        itself = [one for one in typed if _find(split_path(one)[0] or one) == own]
        is_alone = len(itself) == len(typed) and len(words.names) == len(paths)
        if itself and is_alone and not (listed or words.requirements):
            raise _explain_own(itself[0], own)
        typed = [one for one in typed if one not in itself]
        left = [*itself, *(_name_own(one) for one in listed if one.path == own)]
        for one in dict.fromkeys(left if not words.script else ()):
            _tell_of_own(one, words)
        listed = [one for one in listed if one.path != own]
    elif is_old(own) and reads_wishes(own):
        itself = [one for one in typed if _find(split_path(one)[0] or one) == own]
        if itself or any(one.path == own for one in listed):
            raise _explain_circle(itself, words, own)
    return [
        *listed,
        *(read_local(one, working) for one in typed if one in paths),
        *(read_local(one, working, is_editable=True) for one in typed if one in words.editables),
    ]


def _name_own(local: Local) -> str:
    extras = ",".join(sorted(local.requirement.extras))
    return f".[{extras}]" if extras else "."


def _tell_of_own(name: str, words: EditArguments) -> None:
    """Say what takes the place of the project itself, with extras, among what it is to require."""
    extras = split_path(name)[1].strip("[]").replace(" ", "").split(",")
    options = " ".join(f"--extra {one}" for one in filter(None, extras))
    if options and words.init:
        tell(f"{name} is left out: a new project has no extras yet")
    elif options:
        tell(f"{name} is the project itself; `pyx {options} SCRIPT` starts with its extras")


def _find_own(words: EditArguments, environ: Mapping[str, str]) -> Path:
    """Return the directory of what is changed, which cannot require itself."""
    if words.script:
        return words.script.parent
    working = find_working_directory()
    return Path(os.path.realpath(find_directory(words, resolve_dirs(environ), working)))


def _explain_own(name: str, directory: Path) -> UsageError:
    """Tell that the project in `directory` was to require itself, with what makes it importable."""
    old = advise_old(directory, f".{split_path(name)[1]}")
    if old is not None:
        return explain_old(directory, old)
    project = name_project(directory)
    command = name_command(directory)
    extras = split_path(name)[1].strip("[]").replace(" ", "")
    sync = f"{command.removesuffix('lock')}sync --extra {extras}"
    if is_buildable(directory):
        return UsageError(
            f"{name} is {project} itself, which is installed with what it requires",
            hint=f"`{command}`, if it is not in the lock yet"
            + (f"; `{sync}` for the extra" if extras else ""),
        )
    return UsageError(
        f"{name} is {project} itself, and a project does not require itself",
        hint="its scripts import what lies beside them; to have it installed, give its"
        f" pyproject.toml a [build-system] table, then run `{command}`",
    )


def _explain_circle(itself: Sequence[str], words: EditArguments, directory: Path) -> UsageError:
    """Tell that a list cannot have the project in `directory`, whose setup.py reads that list."""
    own = next(iter(itself), ".")
    others = [word for one in words.editables if one not in itself for word in ("-e", one)]
    others += [one for one in words.names if one not in itself]
    return UsageError(
        f"the project's own setup reads {WISHES}, which cannot name the project in turn",
        hint=lead_old(directory, f".{split_path(own)[1]}", words.requirements, others),
    )


def _refuse_names(words: EditArguments, invocation: Invocation, *, by_poetry: bool) -> None:
    """Raise UsageError for a file or a constraint of Poetry's where a requirement belongs."""
    start = _repeat(words, invocation)
    for name in words.names:
        others = [other for other in words.names if other != name]
        if name.endswith((".txt", ".in")):
            # No package is meant, be the file there or not.
            if not os.path.isfile(name):
                raise UsageError(
                    f"there is no file {name}", hint=shlex.join([*start, "-r", "FILE"])
                )
            raise UsageError(
                f"{name} is a file, not a package", hint=shlex.join([*start, "-r", name, *others])
            )
        if name.endswith(".py") and os.path.isfile(name):
            hint = shlex.join(["pyx", "add", "--script", name, *(others or ["NAME"])])
            raise UsageError(f"{name} is a script, not a package", hint=hint)
        if "::" in name or re.fullmatch(r"[\w.-]+=[\w.*]+=\S*", name):
            meant = [write_requirement(one) for one in words.names]
            raise UsageError(
                f"{name!r} is how conda names a package",
                hint=shlex.join([*start, *meant, *repeat_lists(words)]),
            )
        if not by_poetry and read_constraint(name) is not None:
            meant = [read_constraint(one) or one for one in words.names]
            raise UsageError(
                f"{name!r} has a constraint that only Poetry understands",
                hint=shlex.join([*start, *meant]),
            )


def _refuse_python(
    words: EditArguments, invocation: Invocation, environ: Mapping[str, str]
) -> None:
    """Raise UsageError for python itself among the packages, as conda has it there."""
    if not any(map(is_python, words.names)):
        return
    start = _repeat(words, invocation)
    start = start[: start.index("add")]
    if words.script is not None:
        hint = f"the inline block of {words.script} says which it needs, as requires-python"
    elif words.named and not named_directory(resolve_dirs(environ), words.named).is_dir():
        hint = write_creation(words.named, collect(words.names))
    else:
        hint = advise_python(words.names, start, is_named=words.named is not None)
    raise UsageError(
        "python is not a package: a start takes an interpreter that is here", hint=hint
    )


def _add_marker(requirement: str, marker: str) -> str:
    text, mark, known = requirement.partition(";")
    return f"{text}; ({known.strip()}) and ({marker})" if mark else f"{text}; {marker}"


def _refuse_range(words: EditArguments, invocation: Invocation, environ: Mapping[str, str]) -> None:
    """Raise UsageError for a range of Pythons, by which Poetry says for which a package is."""
    asked = read_range(words.python)
    if asked is None or words.named or not _is_poetrys(words, environ):
        return
    clauses = map(Specifier, order_clauses(map(str, SpecifierSet(asked))))
    marker = " and ".join(
        f"{'python_full_version' if one.version.count('.') > 1 else 'python_version'}"
        f' {one.operator} "{one.version}"'
        for one in clauses
    )
    start = [*repeat_start(invocation, "--python", "--group", "--extra"), "add"]
    start += words.place.option.split()
    plain = [read_constraint(one) or one for one in words.names]
    meant = [one if is_local(one) else _add_marker(one, marker) for one in plain]
    raise UsageError(
        "--python chooses the interpreter of a start; a marker says for which Pythons a package is",
        hint=shlex.join([*start, *meant, *repeat_lists(words)]),
    )


def _refuse_renamed(
    typed: Sequence[Requirement], words: EditArguments, start: Sequence[str]
) -> None:
    """Raise UsageError for a name of conda's by which an index has another package.

    Some of those refuse to be built, and then nothing starts in their environment. Whoever means
    the other one says so by a bound.
    """
    for one in typed:
        name = canonicalize_name(one.name)
        meant = find_index_name(name)
        if meant is None or not is_bare(one) or one.extras:
            continue
        others = [*repeat_lists(words), *(str(each) for each in typed if each is not one)]
        commands = [shlex.join([*start, *others, word]) for word in (meant, f"{name}>=0")]
        raise UsageError(
            f"what conda has as {name} is {meant} on an index, where {name} is another package",
            hint=f"`{commands[0]}` adds it, `{commands[1]}` the other",
        )


def _refuse_twice(typed: Sequence[Requirement], start: Sequence[str]) -> None:
    """Raise UsageError for two requirements of one package, but for markers and extras."""
    seen: dict[str, Requirement] = {}
    for one in typed:
        other = seen.setdefault(canonicalize_name(one.name), one)
        if other is not one and not (one.marker or one.extras or other.extras):
            rest = [str(each) for each in typed if each is not one]
            raise UsageError(
                f"{one.name} is named twice: {other} and {one}", hint=shlex.join([*start, *rest])
            )


def _repeat(words: EditArguments, invocation: Invocation) -> list[str]:
    """Return the command that was typed, up to its requirements."""
    place = words.place
    typed = replace(invocation, named=words.named)
    start = [*repeat_start(typed, "--group", "--extra"), "add"]
    start += ["--init"] if words.init else []
    start += ["--group", place.group] if place.group else []
    start += ["--optional", place.extra] if place.extra else []
    return [*start, *(["--script", str(words.script)] if words.script else [])]


def _refuse_files(words: EditArguments, start: Sequence[str]) -> None:
    """Raise UsageError for files that are neither packages nor lists of them.

    What pip takes for a list may have any name but those that others have for something else.
    """
    refuse_missing(words.requirements, start, words.names)
    for name in words.requirements:
        if os.path.isfile(name) and _NO_LIST.search(name):
            raise _explain_file(name, start)
        if os.path.isfile(name) and not add_file(NOTHING_WANTED, name).files:
            raise _explain_file(name, start)
    for name in words.names:
        path = split_path(name)[0]
        is_path = path.startswith((".", "/", "~")) or _ARCHIVE.fullmatch(name)
        if is_path and not os.path.lexists(os.path.expanduser(path or name)):
            raise UsageError(
                f"there is no file or directory {name}",
                hint=f"`{shlex.join([*start, 'PACKAGE'])}` adds a package by its name",
            )
        is_named = "." in name or name in (*MANIFESTS, *FILE_NAMES)
        if is_named and os.path.isfile(name) and not _TAKEN.search(name):
            raise _explain_file(name, start)
    for name in words.constraints:
        if not os.path.isfile(name) and not re.search("[./]", name):
            raise UsageError(
                f"there is no file {name}",
                hint="if it is a channel of conda's, leave it out: "
                f"`{shlex.join([*start, *(words.names or ['PACKAGE'])])}`",
            )


_ARCHIVE = re.compile(r"[\w.-]+\.(?:whl|zip|tgz|tar\.gz)")
"""What is no name of a package, but that of a file which has one."""

_NO_LIST = re.compile(r"(?:\.(?:ya?ml|toml|lock|cfg|py|ipynb|json)|(?:^|/)Pipfile)$")
"""How the names of files end that are no lists of requirements."""

_TAKEN = re.compile(r"\.(?:txt|in|py|whl|zip|tgz|tar(?:\.\w+)?)$")
"""How the names of files end that are answered as lists, scripts and archives."""


def _explain_file(name: str, start: Sequence[str]) -> UsageError:
    hint = f"`{shlex.join([*start, 'PACKAGE'])}` adds a package by its name"
    path = _find(name)
    environment = next((word for word in start if word.startswith("@")), None)
    if environment is not None and has_lock_name(path):
        hint = write_lock_out(name, environment)
    elif path.name in (*MANIFESTS, *FILE_NAMES):
        hint = f"`{name_command(path.parent)}` locks its project"
    elif path.suffix in (".yml", ".yaml", ".txt"):
        wanted = add_file(NOTHING_WANTED, name)
        if wanted.words:
            is_named = len(start) > 1 and start[1].startswith("@")
            python = ["--python", wanted.python] if wanted.python and is_named else []
            hint = wanted.tell(shlex.join([*start, *wanted.words, *python]))
    return UsageError(f"{name} is neither a package nor a list of them", hint=hint)


def _is_poetrys(words: EditArguments, environ: Mapping[str, str]) -> bool:
    """Tell whether what is added goes into a project that Poetry locks."""
    if words.script or words.init:
        return False
    directory = find_directory(words, resolve_dirs(environ), find_working_directory())
    if not directory.is_dir():
        return False
    return _find_kind(directory) == "poetry"


def _find_kind(directory: Path) -> str:
    return read_project(directory, lock_name=name_preferred(directory)).kind


def _find(name: str) -> Path:
    return Path(os.path.realpath(find_working_directory() / os.path.expanduser(name)))


def _refuse_lock(name: str) -> UsageError:
    """Tell that what is locked would be written anew from what it is itself to be read for."""
    return UsageError(
        f"{name} is the lock of this project, which this would rewrite",
        hint="to require everything that it lists, copy it first: "
        f"`cp {shlex.quote(name)} wanted.txt && pyx add -r wanted.txt`",
    )

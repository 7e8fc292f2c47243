"""Lists of requirements where a script was to be named, or beside the list of a project."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.commands._notebook import NOTEBOOK, advise_notebook
from pyx_launcher.dirs import find_working_directory
from pyx_launcher.errors import UsageError
from pyx_launcher.locks.reader import FILE_NAMES
from pyx_launcher.locks.requirements.lines import write_compilation
from pyx_launcher.project.manifest import (
    LISTED,
    LISTS,
    MANIFESTS,
    advise_old,
    append_line,
    find_manifest,
    find_nearest,
    is_old,
    list_included,
    name_command,
    name_named,
    reads_wishes,
)
from pyx_launcher.record.checks import find_block
from pyx_launcher.start.lock_choice import read_setting

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_SCRIPTS = (
    *(".txt", ".in", ".toml", ".lock", ".cfg", ".ini", ".conf", ".json", ".yaml", ".yml", ".xml"),
    *(".md", ".rst", ".html", ".csv", ".tsv", ".sql", ".sh", ".js", ".log", ".ipynb"),
)
"""How the names of files end that are none, unless they say so in their first lines."""

_CHANGING = ("add", "remove", "lock")
"""The commands that write into a script, or have it say what it requires."""

_HEAD = 65536
"""Bytes of a file that tell whether it is a script."""

_LAYER = re.compile(r"(?:(?P<before>\w+)[._-])?requirements(?:[._-](?P<behind>\w+))?")
"""What a list of requirements is called, with what it is for before or behind that."""


def refuse_no_script(path: Path, name: str, verb: str) -> None:
    """Raise UsageError where the file `path`, typed as `name`, is none that python could run.

    `verb` is the command that was to speak of it.
    """
    is_one = is_script(path, is_changed=verb in _CHANGING)
    if is_one and path.name not in (*MANIFESTS, *FILE_NAMES):
        return
    problem = f"{path} is not a script"
    if path.suffix == NOTEBOOK:
        nearest = find_nearest(str(find_working_directory()))
        there = name if path.exists() else ""
        hint = advise_notebook(there, ["pyx"], is_new=nearest is None)
    elif verb == "init":
        hint = shlex.join(["pyx", "init", "--script", f"{name.removesuffix(path.suffix)}.py"])
    elif path.name in (*MANIFESTS, *FILE_NAMES):
        hint = f"`{name_command(path.parent)}` locks its project"
    elif path.suffix in (".txt", ".in"):
        nearest = find_nearest(str(path.parent))
        manifest = find_manifest(Path(nearest)) if nearest else None
        hint = _lead_to_project(path, name, manifest)
    else:
        problem += ": a script's name ends in .py, or its first line begins with #!"
        hint = f"pyx {verb} --help"
    raise UsageError(problem, hint=hint)


def is_script(path: Path, *, is_changed: bool) -> bool:
    """Tell whether python may have been meant to run the file `path`, by its name or its content.

    What is to be changed must be text.
    """
    is_one = path.suffix not in _NO_SCRIPTS
    if not path.is_file() or (is_one and not is_changed):
        return is_one
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        # Whatever reads all of it says why it cannot.
        return True
    if is_changed and b"\0" in head:
        return False
    # Two blocks are a fault that is told elsewhere.
    says_so = head.startswith(b"#!") or find_block(head) != b""
    return is_one or says_so


def refuse_missing(files: Sequence[str], start: Sequence[str], names: Sequence[str]) -> None:
    """Raise UsageError for a list that is not there, with the one that may have been meant.

    `start` is the command that was typed, up to its requirements, of which `names` are no lists.
    """
    for name in files:
        if os.path.isdir(os.path.expanduser(name)):
            raise UsageError(f"{name} is a directory, not a list", hint="pyx add --help")
        if os.path.exists(os.path.expanduser(name)):
            continue
        directory = os.path.dirname(name)
        known: list[str] = []
        with contextlib.suppress(OSError):
            known = [one for one in os.listdir(directory or ".") if one.endswith((".txt", ".in"))]
        close = difflib.get_close_matches(os.path.basename(name), known, n=1, cutoff=0.8)
        hint = "pyx add --help"
        if close and name_layer(Path(close[0])) == name_layer(Path(name)):
            meant = os.path.join(directory, close[0])
            lists = [word for one in files for word in ("-r", meant if one == name else one)]
            hint = f"did you mean `{shlex.join([*start, *lists, *names])}`?"
        raise UsageError(f"there is no file {name}", hint=hint)


def refuse_layers(files: Sequence[str], manifest: Path, names: Sequence[str]) -> None:
    """Raise UsageError where one of `files` is one more list beside the list `manifest`.

    ``requirements-dev.txt`` is one beside ``requirements.txt``: what it lists is not meant for
    everybody, and whoever names it does not want it to be written into the other. `names` were to
    be added with it.
    """
    if manifest.name not in LISTS:
        return
    beside = (manifest.parent, manifest.parent / "requirements")
    paths = [Path(os.path.realpath(os.path.expanduser(name))) for name in files]
    layers = [one for one in paths if one.parent in beside and name_layer(one)]
    if layers:
        others = [name for name, path in zip(files, paths, strict=True) if path != layers[0]]
        name = files[paths.index(layers[0])]
        more = [word for other in others for word in ("-r", other)] + [*names]
        raise UsageError(
            f"{name} is a list of its own beside {manifest.name}, which has no groups",
            hint=_lead_to_project(layers[0], name, manifest, more),
        )


def find_layer(manifest: Path, name: str) -> str | None:
    """Return what makes a group of the list beside the list `manifest` that has the package `name`.

    None where no other list has it.
    """
    if manifest.name not in LISTS:
        return None
    line = re.compile(rf"^{re.escape(name)}(?![\w.-])", re.IGNORECASE | re.MULTILINE)
    folders = (manifest.parent, manifest.parent / "requirements")
    for path in sorted(one for folder in folders for one in folder.glob("*.txt")):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if name_layer(path) and line.search(path.read_text(encoding="utf-8")):
                shown = os.path.relpath(path, find_working_directory())
                return _lead_to_project(path, shown, manifest)
    return None


def refuse_file(path: Path, names: Sequence[str], upgrade: Sequence[str]) -> None:
    """Raise UsageError where a list of any other name is to be changed or locked itself.

    `names` were to be added, and `upgrade` are pip-compile's options for what was to be upgraded.
    """
    if path.suffix == ".txt" and path.name not in (*MANIFESTS, *FILE_NAMES):
        raise UsageError(
            f"{path} is none of the files that pyx changes and locks",
            hint=_lead_to_compile(path, names, upgrade),
        )


def refuse_named_locks(directory: Path) -> None:
    """Raise UsageError for a project that names several lists as its lock, which pyx only reads."""
    key, paths = read_setting(directory) or ("", ())
    if key == "locks":
        raise UsageError(
            f"[tool.pyx] locks names {paths[0]}, which pyx reads and does not change",
            hint=_lead_to_compile(paths[0]),
        )


def _lead_to_project(path: Path, name: str, manifest: Path | None, more: Sequence[str] = ()) -> str:
    """Return what makes a group of a list, in the project of `manifest` if there is one.

    `more` are further words of the same ``add``.
    """
    old = advise_old(manifest.parent if manifest else path.parent, lists=[name])
    if old is not None:
        return old
    if manifest is None:
        return f"`{shlex.join(['pyx', 'add', '--init', '-r', name, *more])}` makes a project of it"
    layer = name_layer(path)
    if manifest.name == LISTED and layer:
        return _lead_to_compile(path)
    directory = os.path.relpath(manifest.parent, find_working_directory())
    start = ["pyx", *([] if directory == "." else ["--project", directory])]
    adding = [shlex.join([*start, "add", *(["--group", layer] if layer else []), "-r", name])]
    adding += [shlex.join([*start, "add", *more])] if more else []
    if manifest.name not in LISTS or not layer:
        return f"`{' && '.join(adding)}` adds what it lists to the project"
    if is_old(manifest.parent):
        return _lead_to_include(path, name, manifest)
    listed = os.path.relpath(manifest, find_working_directory())
    making = shlex.join([*start, "add", "--init", "-r", listed])
    steps = " && ".join([making, *adding])
    return f"`{steps}` makes a project of both, with a group {layer}"


def _lead_to_include(path: Path, name: str, manifest: Path) -> str:
    """Return what takes the list `path` into the other list of a project with a setup.py."""
    directory = manifest.parent
    if reads_wishes(directory) or manifest in map(Path.resolve, list_included(path)):
        own = name_named(directory)
        return f"`{shlex.join(['pyx', 'add', f'@{own}', '-r', name])}` makes an environment of it"
    line = f"-r {os.path.relpath(path, directory)}"
    command = f"{append_line(line, manifest, manifest.name)} && pyx lock"
    if directory != find_working_directory():
        command = f"cd {shlex.quote(str(directory))} && {command}"
    return f"`{command}` includes it"


def _lead_to_compile(path: Path, names: Sequence[str] = (), upgrade: Sequence[str] = ()) -> str:
    """Return what pins the list `path` by hash, as a lock of its own, with `names` besides."""
    source, command = write_compilation(path, upgrade)
    steps = [append_line(name, Path(source), source) for name in names]
    return f"`{' && '.join([*steps, command])}` pins what it lists, by hash"


def name_layer(path: Path) -> str:
    """Return what a list is for, as its name says: ``dev`` of ``requirements-dev.txt``.

    Of those in a directory ``requirements`` it is the whole name. Empty for any other.
    """
    stem = path.stem.lower()
    found = _LAYER.fullmatch(stem)
    if found is not None:
        return found["behind"] or found["before"] or ""
    return stem if path.parent.name == "requirements" and re.fullmatch(r"[\w-]+", stem) else ""

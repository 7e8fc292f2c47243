"""Named environments: directories of the user with a pyproject.toml and a lock.

    PYX_HOME/named/NAME/    pyproject.toml, a lock of any kind, perhaps a .python-version

A name may also be a link to a project that lies elsewhere.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pyx_launcher.errors import RefusedError, StoreError, UsageError
from pyx_launcher.files.atomic import make_directory, remove_tree, storing, write_atomic
from pyx_launcher.locks.reader import FILE_NAMES
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyx_launcher.dirs import Dirs

PROJECT_FILE = "pyproject.toml"
VERSION_FILE = ".python-version"

WITHIN = "PYX_WITHIN"
"""The variable that tells a program that `pyx @NAME run` started of that ``@NAME``."""

_OWN_FILES = frozenset({PROJECT_FILE, VERSION_FILE, ".venv", *FILE_NAMES})

_EMPTY_LOCK = """\
# No packages yet: `pyx add @{name} PACKAGE` writes this file again.
lock-version = "1.0"
created-by = "pyx"
packages = []
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedEnvironment:
    """One named environment that is there."""

    name: str
    directory: Path
    lock: Path | None


def named_directory(dirs: Dirs, name: str) -> Path:
    """Return the directory of the environment `name`, given without ``@``, there or not.

    Raises UsageError for what cannot be a name.
    """
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise UsageError(f"an environment cannot be named @{name}", hint="pyx env list")
    return dirs.named / name


def find_surrounding() -> str | None:
    """Return the ``@NAME`` of the environment that the shell or notebook here was started in."""
    within = os.environ.get(WITHIN, "")
    return within if within.startswith("@") and len(within) > 1 else None


def list_named(dirs: Dirs) -> tuple[NamedEnvironment, ...]:
    """Return all named environments, by name. Raises StoreError."""
    try:
        names = sorted(os.listdir(dirs.named))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"{dirs.named}: {error.strerror}") from error
    return tuple(
        NamedEnvironment(name=name, directory=dirs.named / name, lock=_find_lock(dirs.named / name))
        for name in names
        if not name.startswith(".") and (dirs.named / name).is_dir()
    )


def find_close_name(dirs: Dirs, name: str) -> str | None:
    """Return the named environment that was meant by `name`, which looks like a slip for it."""
    from difflib import get_close_matches

    close = get_close_matches(name, [found.name for found in list_named(dirs)], n=1)
    return close[0] if close else None


def require_named(dirs: Dirs, name: str) -> Path:
    """Return the directory of the environment `name`. Raises UsageError where there is none."""
    directory = named_directory(dirs, name)
    if not directory.is_dir():
        close = find_close_name(dirs, name)
        hint = f"did you mean @{close}?" if close else "pyx env list"
        raise UsageError(f"there is no environment @{name}", hint=hint)
    return directory


def check_free(dirs: Dirs, name: str) -> None:
    """Raise UsageError if there is an environment `name`, or one that differs by case alone."""
    if os.path.lexists(named_directory(dirs, name)):
        raise UsageError(f"there is an environment @{name} already", hint=f"pyx env show {name}")
    for other in os.listdir(dirs.named) if dirs.named.is_dir() else ():
        if other.casefold() == name.casefold():
            raise UsageError(
                f"there is an environment @{other}, whose name differs by case alone",
                hint=f"pyx env show {other}",
            )


def create_named(
    dirs: Dirs, name: str, python: str | None = None, *, requires_python: str = ">=3.10"
) -> Path:
    """Make an environment that can be used at once and holds nothing; return its directory.

    `python` is a version that its programs are to run on, `requires_python` bounds those for which
    it is locked. It is there whole or not at all. Raises UsageError for a name that cannot be one
    or is taken, StoreError.
    """
    directory = _name_new(dirs, name)
    if python is not None and "/" in python:
        raise UsageError(
            f"--python {python}: an environment remembers a version, not a path",
            hint="give the path at each start: `pyx @NAME --python PATH SCRIPT`",
        )
    with _publishing(dirs, name) as temporary:
        # Only here, since every start reads this module.
        from pyx_launcher.project.content_hash import read_origin, stamp_pylock

        write_project_file(temporary, name, requires_python)
        origin = read_origin(temporary / PROJECT_FILE)
        lock = stamp_pylock(_EMPTY_LOCK.format(name=name).encode(), origin, temporary)
        write_atomic(temporary / "pylock.toml", lock, mode=0o644)
        if python is not None:
            write_atomic(temporary / VERSION_FILE, f"{python}\n".encode(), mode=0o644)
    return directory


def clone_named(dirs: Dirs, source: str, name: str) -> Path:
    """Make the environment `name` of the files of `source`; return its directory.

    Raises UsageError, for a link to a project that lies elsewhere and where there are other files
    or no lock, and StoreError.
    """
    directory, origin = _name_new(dirs, name), named_directory(dirs, source)
    if origin.is_symlink():
        from shlex import join

        raise UsageError(
            f"@{source} is a link to {os.path.realpath(origin)}, which is a project",
            hint=f"another link: `{join(['ln', '-s', os.path.realpath(origin), str(directory)])}`",
        )
    with storing(origin):
        foreign = sorted(set(os.listdir(origin)) - _OWN_FILES) if origin.is_dir() else []
    if foreign:
        from shlex import join

        raise UsageError(
            f"@{source} holds more than a project and its lock: {', '.join(foreign[:5])}",
            hint=f"all of it is copied by `{join(['cp', '-R', str(origin), str(directory)])}`",
        )
    if origin.is_dir() and _find_lock(origin) is None:
        raise UsageError(f"@{source} has no lock yet", hint=f"pyx @{source} lock")
    with _publishing(dirs, name) as temporary:
        for file in sorted(_OWN_FILES):
            # What is in use elsewhere may be replaced at any time, but is always whole.
            if (origin / file).is_file() and file != ".venv":
                write_atomic(temporary / file, (origin / file).read_bytes(), mode=0o644)
    return directory


def _name_new(dirs: Dirs, name: str) -> Path:
    """Return the directory of an environment that is to be made. Raises UsageError."""
    # Only here, since every start reads this module.
    from pyx_launcher.spelling import make_plain

    if make_plain(name) != name:
        named_directory(dirs, name)
        hint = f"`pyx env create {make_plain(name)}`: letters, digits, and . _ - between them"
        raise UsageError(f"an environment cannot be named @{name}", hint=hint)
    return named_directory(dirs, name)


@contextlib.contextmanager
def _publishing(dirs: Dirs, name: str) -> Iterator[Path]:
    """Give an empty directory that becomes that of the environment `name`, whole or not at all."""
    directory = named_directory(dirs, name)
    with storing(directory):
        check_free(dirs, name)
        directory.parent.mkdir(parents=True, exist_ok=True)
        temporary = make_directory(directory.parent, ".new.")
        try:
            yield temporary
            temporary.chmod(0o755)
            os.rename(temporary, directory)
        finally:
            remove_tree(temporary)


def write_project_file(directory: Path, name: str, requires_python: str) -> None:
    """Write the pyproject.toml of a project that is no distribution itself. Raises OSError."""
    text = (
        # Not the bare name: an environment `dask` could require neither dask nor what requires it.
        f'[project]\nname = "{name}-environment"\nversion = "0"\n'
        f'requires-python = "{requires_python}"\ndependencies = []\n\n'
        # What the tools that lock it would otherwise install: the directory itself.
        "[tool.uv]\npackage = false\n\n[tool.poetry]\npackage-mode = false\n\n"
        "[tool.pdm]\ndistribution = false\n"
    )
    write_atomic(directory / PROJECT_FILE, text.encode(), mode=0o644)


def remove_named(dirs: Dirs, name: str) -> Path:
    """Delete an environment and return the directory it had. A link is deleted, not its target.

    Raises UsageError where there is none, RefusedError where it holds files of other kinds.
    """
    import shutil

    directory = named_directory(dirs, name)
    if not os.path.lexists(directory):
        # No other is proposed, for what is deleted is gone.
        raise UsageError(f"there is no environment @{name}", hint="pyx env list")
    try:
        if directory.is_symlink():
            directory.unlink()
            return directory
        foreign = sorted(set(os.listdir(directory)) - _OWN_FILES)
        if foreign:
            from shlex import quote

            raise RefusedError(
                f"{directory} holds more than a project and its lock: {', '.join(foreign[:5])}",
                hint=f"if none of it is needed: rm -r {quote(str(directory))}",
            )
        # Renamed first, so that no start ever meets a half of it.
        grave = make_directory(directory.parent, ".old.")
        os.rename(directory, grave / name)
        shutil.rmtree(grave)
    except OSError as error:
        raise StoreError(f"{directory}: {error.strerror}") from error
    return directory


def _find_lock(directory: Path) -> Path | None:
    return next((directory / name for name in FILE_NAMES if (directory / name).is_file()), None)

"""A project in a directory, or an archive of one, that is required by its path."""

from __future__ import annotations

import ast
import configparser
import os
import re
from pathlib import Path
from shlex import quote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from pyx_launcher.errors import UsageError
from pyx_launcher.locks.common.content import read_content
from pyx_launcher.project.manifest import OLD, read_name
from pyx_launcher.values import dataclass

_PATH = re.compile(r"(?P<path>[^\[\]@]*/[^\[\]]*|\.{1,2}|~)(?P<extras>\[[\w\s,.-]*\])?")
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar\.gz|tgz)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Local:
    """What is required by its path."""

    requirement: Requirement
    """With the path as a URL."""
    path: Path
    is_editable: bool = False
    """Is it used as it is there, not copied?"""


def split_path(text: str) -> tuple[str, str]:
    """Return the path that `text` is by its form, and the extras behind it; both may be empty.

    A name alone is that of a package, be there a directory of that name or not.
    """
    found = _PATH.fullmatch(text)
    if found is None or "://" in text:
        return "", ""
    return found["path"], found["extras"] or ""


def is_local(text: str, directory: str = "") -> bool:
    """Tell whether `text` is the path of a directory, or of an archive of a package.

    It is seen from `directory`, or from where the user is.
    """
    name = os.path.expanduser(split_path(text)[0] or (text if _ARCHIVE.search(text) else ""))
    path = os.path.join(directory, name)
    return bool(name) and (
        os.path.isdir(path) or bool(_ARCHIVE.search(name) and os.path.isfile(path))
    )


def read_local(text: str, directory: Path, *, is_editable: bool = False) -> Local:
    """Return what `text` names, seen from `directory`. Raises UsageError, LockError, StoreError."""
    name, extras = split_path(text)
    path = Path(os.path.realpath(directory / os.path.expanduser(name or text)))
    if _ARCHIVE.search(path.name) and not path.is_dir():
        called = _name_archive(path)
    else:
        called = name_project(path)
    try:
        requirement = Requirement(f"{called}{extras} @ {path.as_uri()}")
    except InvalidRequirement as error:
        raise UsageError(
            f"{path}: {called!r} is not the name of a package", hint="correct its pyproject.toml"
        ) from error
    return Local(requirement=requirement, path=path, is_editable=is_editable)


def replace_url(requirement: Requirement, url: str | None) -> Requirement:
    """Return `requirement` with `url` for its place, or without any."""
    other = Requirement(str(requirement))
    other.url = url
    return other


def _name_archive(path: Path) -> str:
    try:
        if path.suffix == ".whl":
            return str(parse_wheel_filename(path.name)[0])
        return str(parse_sdist_filename(path.name)[0])
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        raise UsageError(
            f"{path.name} does not say which package it is",
            hint=f"name it: `pyx add 'NAME @ {path.as_uri()}'`",
        ) from error


def name_project(directory: Path) -> str:
    """Return what the project in `directory` is called. Raises UsageError where nothing says."""
    if not directory.is_dir():
        raise UsageError(f"{directory} does not exist", hint="name the directory of a project")
    manifest = directory / "pyproject.toml"
    name = read_name(manifest) if manifest.is_file() else ""
    name = name or _read_old_name(directory)
    if not name and any((directory / old).is_file() for old in OLD):
        raise UsageError(
            f"{directory / 'setup.py'} does not say in plain words what the project is called",
            hint=f"name it: `pyx add {quote(f'NAME @ {directory.as_uri()}')}`",
        )
    if not name and not manifest.is_file():
        raise UsageError(
            f"{directory} holds no project: it has no pyproject.toml or setup.py",
            hint="name the directory of one, or take the path out of the list that names it",
        )
    if not name:
        raise UsageError(
            f"{manifest} does not say what the project there is called",
            hint='give it a [project] table with name = "…" and version = "…"',
        )
    return name


def _read_old_name(directory: Path) -> str:
    """Return the name that setup.cfg or setup.py states; empty where that has to be run for it."""
    script, config = (directory / name for name in OLD)
    parser = configparser.ConfigParser(interpolation=None)
    name = ""
    try:
        if config.is_file():
            parser.read_string(read_content(config, None))
            name = parser.get("metadata", "name", fallback="").strip()
        if not name and script.is_file():
            name = _find_name(ast.parse(read_content(script, None)))
    except (configparser.Error, SyntaxError, ValueError):
        return ""
    return name if re.fullmatch(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", name) else ""


def _find_name(tree: ast.AST) -> str:
    """Return the text that ``setup(name="…")`` is called with."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("setup"):
            for word in call.keywords:
                if word.arg == "name" and isinstance(word.value, ast.Constant):
                    return str(word.value.value)
    return ""

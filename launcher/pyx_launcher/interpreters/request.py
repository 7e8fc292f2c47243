"""Which interpreter the user asks for: by ``--python``, `PYX_PYTHON` or a ``.python-version``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from pyx_launcher.errors import InterpreterError, PyxError, RefusedError, UsageError
from pyx_launcher.files.ownership import open_obeyed, owners_at
from pyx_launcher.interpreters.discovery import (
    find_pyenv_prefix,
    find_pyenv_root,
    read_version_words,
)
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION_FILE = ".python-version"
ANY_VERSION = SpecifierSet()

EXAMPLES = "ask for a version (3.12, '>=3.10', 3.13t) or a path (./venv, /usr/bin/python3)"

VERSION_NAME = re.compile(
    r"(?:c?python-?)?(?P<version>3(?:\.\d+(?:\.\d+(?:(?:a|b|rc)\d+)?)?)?)?(?P<threading>t)?"
)
OTHER_IMPLEMENTATION = re.compile(
    r"(pypy|graalpy|jython|ironpython|micropython|stackless|pyston)", re.IGNORECASE
)


_LONGEST = 1000
"""Characters of what asks for an interpreter; paths are the longest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One interpreter or kind of interpreter: either a path, or a restriction on the version."""

    text: str
    path: Path | None = None
    versions: SpecifierSet = ANY_VERSION
    free_threaded: bool = False
    system: bool = False
    """The Python that would be there without pyenv."""


ANYTHING = Request(text="")


@dataclass(frozen=True, kw_only=True, slots=True)
class InterpreterRequest:
    """What was asked for, and by what."""

    requests: tuple[Request, ...] = (ANYTHING,)
    """The alternatives, most wanted first."""
    reason: str = ""
    """What asks, as it is told to the user; empty, as the label is, if nothing asks."""
    label: str = ""
    """What asks, with its value, as an error names it."""
    inputs: tuple[Path, ...] = ()
    """The version files that were looked for, whether or not they exist."""


def read_wanted(
    request: str | None, start: Path, environ: Mapping[str, str], option: str = "--python"
) -> InterpreterRequest:
    """Return what `request` asks for, else what the environment or the nearest file does.

    `option` is the option or the command behind which the request was typed. Raises UsageError
    for a request, and InterpreterError for a file, that cannot be understood.
    """
    if request:
        label = f"{option} {request}" if option.startswith("--") else request
        return InterpreterRequest(requests=_parse_only(request, label), reason=label, label=label)
    if variable := environ.get("PYX_PYTHON"):
        label = f"PYX_PYTHON={variable}"
        return InterpreterRequest(
            requests=_parse_only(variable, label), reason="PYX_PYTHON", label=label
        )
    return _read_nearest(start, environ)


def _parse_only(text: str, label: str) -> tuple[Request]:
    try:
        return (parse_request(text),)
    except UsageError as error:
        raise UsageError(f"{label}: {error.message}", hint=error.hint) from None


def _expand(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{text!r}: there is no such user", hint=EXAMPLES) from error


def parse_request(text: str) -> Request:
    """Return what `text` asks for: a version, a specifier, a name such as python3.12, or a path.

    Raises UsageError for anything else.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"{text[:20]}… is neither a version nor a path of Python 3", hint=EXAMPLES)
    if "/" in text:
        return Request(text=text, path=_expand(text).absolute())
    if text == "system":
        return Request(text=text, system=True)
    if named := VERSION_NAME.fullmatch(text):
        return Request(
            text=text,
            versions=_versions_named(named["version"]),
            free_threaded=bool(named["threading"]),
        )
    if OTHER_IMPLEMENTATION.match(text):
        raise UsageError(f"{text!r} is not CPython, which is all that pyx runs", hint=EXAMPLES)
    try:
        return Request(text=text, versions=SpecifierSet(text))
    except ValueError:
        raise UsageError(f"{text!r} is not a version or path of Python 3", hint=EXAMPLES) from None


def read_range(text: str | None) -> str | None:
    """Return the range of versions that `text` asks for, as it was typed; None for anything else.

    Raises UsageError for what asks for no interpreter.
    """
    if text is None:
        return None
    request = parse_request(text)
    is_range = request.path is None and not request.system and not VERSION_NAME.fullmatch(text)
    return text.strip().rstrip(",") if is_range else None


def bound_python(request: str | None, python: tuple[int, int]) -> str:
    """Return what a new project says of its Pythons: the range in `request`, else from `python`.

    A range that begins nowhere begins there, too.
    """
    least = f">={python[0]}.{python[1]}"
    asked = read_range(request)
    if asked is None:
        return least
    begins = any(one.operator in (">", ">=", "~=", "==", "===") for one in SpecifierSet(asked))
    return asked if begins else f"{least},{asked}"


def shorten_request(text: str) -> str:
    """Return a version that was asked for by a name, as python3.12, as the version alone: 3.12.

    That is what pyenv and uv read in a file; anything else stays as it is.
    """
    named = VERSION_NAME.fullmatch(text)
    return f"{named['version'] or 3}{named['threading'] or ''}" if named is not None else text


def _versions_named(version: str | None) -> SpecifierSet:
    if not version:
        return ANY_VERSION
    return SpecifierSet(f"=={version}" if version.count(".") == 2 else f"=={version}.*")


def _read_nearest(start: Path, environ: Mapping[str, str]) -> InterpreterRequest:
    """Return what the version file nearest to the directory `start` asks for."""
    inputs: list[Path] = []
    for directory in (start, *start.parents):
        file = directory / VERSION_FILE
        inputs.append(file)
        if _is_file(file):
            words = read_version_words(file, _open(file, start))
            if not words:
                break
            words = [word if len(word) <= _LONGEST else f"{word[:20]}…" for word in words]
            return InterpreterRequest(
                requests=_parse_words(words, file, environ),
                reason=f"{VERSION_FILE} in {directory}",
                label=f"{file} ({' '.join(words)})",
                inputs=tuple(inputs),
            )
    return InterpreterRequest(inputs=tuple(inputs))


def _open(file: Path, start: Path) -> int | None:
    """Open a version file. Raises RefusedError for one of a stranger's, be it above a project.

    Whoever names a project trusts what lies in it, and nothing that lies above it.
    """
    try:
        return open_obeyed(file, None if file.parent == start else owners_at(start))
    except RefusedError as error:
        hint = "choose an interpreter yourself: pyx --python VERSION …"
        raise RefusedError(error.message, hint=hint) from None
    except OSError:
        return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A directory that may not be searched says nothing about interpreters.
        return False


def _parse_words(words: list[str], file: Path, environ: Mapping[str, str]) -> tuple[Request, ...]:
    """Return what the lines of `file` ask for; those about other implementations only if alone."""
    native = [word for word in words if not OTHER_IMPLEMENTATION.match(word)]
    try:
        return tuple(_parse_word(word, environ) for word in native or words)
    except PyxError as error:
        raise InterpreterError(f"{file}: {error.message}", hint=error.hint) from None


def _parse_word(word: str, environ: Mapping[str, str]) -> Request:
    # The file belongs to pyenv: what pyenv has of that name is meant, be it an environment.
    if word != "system" and (prefix := find_pyenv_prefix(find_pyenv_root(environ), word)):
        return Request(text=word, path=prefix)
    if "/" in word:
        # The file may come with a stranger's directory, so it may not say what is to be run.
        raise UsageError(f"{word!r} is a path, which only --python may give", hint=EXAMPLES)
    return parse_request(word)

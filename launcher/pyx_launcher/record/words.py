"""The words of a command line for one interpreter, and the environment's own launch record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.cli.invocation import PYTHON_LETTERS
from pyx_launcher.files.atomic import write_atomic
from pyx_launcher.record.checks import Check, check_file
from pyx_launcher.record.record import LaunchRecord, LaunchWords, encode_record
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from pyx_launcher.interpreters.finder import Interpreter

_MISLEADING = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONPLATLIBDIR",
    "PYTHONEXECUTABLE",
)
"""What python must not obey where the user had it exported: it would find other code."""

_SAME_CODE = (
    "PYTHONASYNCIODEBUG",
    "PYTHONBREAKPOINT",
    "PYTHONCOERCECLOCALE",
    "PYTHONFAULTHANDLER",
    "PYTHONHASHSEED",
    "PYTHONINSPECT",
    "PYTHONIOENCODING",
    "PYTHONMALLOC",
    "PYTHONNOUSERSITE",
    "PYTHONSAFEPATH",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
    "PYTHON_BASIC_REPL",
    "PYTHON_COLORS",
    "PYTHON_GIL",
    "PYTHON_HISTORY",
)
"""Under any other variable a script is compiled by python, which may warn or make other code."""

_ROWS = (*("u" + name for name in _MISLEADING), *("h" + name for name in _SAME_CODE))


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """What every start of an environment depends on."""

    interpreter: Interpreter
    generations: tuple[Path, ...]
    """The stores' generation files, or what else tells that entries are gone."""


def make_words(path: Path, launch: Launch, code: str = "") -> LaunchWords:
    """Return the words of a start of the environment at `path`.

    `code` is the file that caches the bytecode of a script, if there is one.
    """
    minor, way = launch.interpreter.tag_facts.python[1], launch.interpreter.way
    letters = PYTHON_LETTERS if minor >= 11 else PYTHON_LETTERS.replace("P", "")
    return LaunchWords(
        interpreter=launch.interpreter.path,
        argv0=path / "bin" / "python",
        letters=letters,
        boot=os.fspath(path / "boot") if way and way.fast else "",
        code=code if way and way.code else "",
        rows=_ROWS,
    )


def check_launch(place: Path, path: Path, launch: Launch) -> tuple[Check, ...]:
    """Return the checks that every start makes; `place` is where the files of `path` lie now."""
    # What python itself reads of the environment: a power cut may have left the names alone.
    read = ("bootstrap.pyc", "pyvenv.cfg")
    return (
        check_file(launch.interpreter.path),
        *(replace(check_file(place / name), path=os.fsencode(path / name)) for name in read),
        *(check_file(Path(name)) for name in launch.interpreter.files),
        *(check_file(generation) for generation in launch.generations),
    )


def write_launch(place: Path, path: Path, launch: Launch, *, code: str = "") -> None:
    """Write the record that `bin/python` of the environment at `path` reads, into `place`."""
    record = LaunchRecord(
        material=b"", checks=check_launch(place, path, launch), words=make_words(path, launch, code)
    )
    data = encode_record(record)
    target = place / "launch"
    try:
        if target.read_bytes() == data:
            return
    except OSError:
        pass
    write_atomic(target, data, mode=0o644)

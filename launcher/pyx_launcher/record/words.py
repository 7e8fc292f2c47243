"""The words of a command line for one interpreter, and the environment's own launch record."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.cli.invocation import PYTHON_LETTERS
from pyx_launcher.files.atomic import write_atomic
from pyx_launcher.record.checks import Check, check_file
from pyx_launcher.record.record import LaunchRecord, Words, encode_record
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from pathlib import Path

    from pyx_launcher.interpreters.finder import Interpreter

_INERT = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONPLATLIBDIR",
    "PYTHONEXECUTABLE",
)
_WITHOUT_OPTION = ("PYTHONHASHSEED", "PYTHONMALLOC", "PYTHONCOERCECLOCALE")
_WITHOUT_OPTION_SINCE_13 = (
    "PYTHON_BASIC_REPL",
    "PYTHON_COLORS",
    "PYTHON_HISTORY",
    # Python looks at these two only where it looks at its own variables.
    "FORCE_COLOR",
    "NO_COLOR",
)

_ROWS = (
    # Since which minor version of Python 3, and the row: RECORD.md tells what the letters mean.
    (0, "lPYTHONWARNINGS=-W"),
    (0, "nPYTHONUNBUFFERED=u"),
    (0, "nPYTHONDONTWRITEBYTECODE=B"),
    (0, "nPYTHONOPTIMIZE=O"),
    (0, "nPYTHONVERBOSE=v"),
    (0, "nPYTHONDEBUG=d"),
    (0, "fPYTHONINSPECT=-i"),
    (0, "vPYTHONUTF8=-Xutf8="),
    (0, "fPYTHONDEVMODE=-Xdev"),
    (0, "fPYTHONFAULTHANDLER=-Xfaulthandler"),
    (0, "vPYTHONTRACEMALLOC=-Xtracemalloc="),
    (0, "fPYTHONPROFILEIMPORTTIME=-Ximporttime"),
    (8, "vPYTHONPYCACHEPREFIX=-Xpycache_prefix="),
    (10, "fPYTHONWARNDEFAULTENCODING=-Xwarn_default_encoding"),
    (11, "fPYTHONNODEBUGRANGES=-Xno_debug_ranges"),
    (0, "vPYTHONINTMAXSTRDIGITS=-Xint_max_str_digits="),
    (12, "fPYTHONPERFSUPPORT=-Xperf"),
    (13, "vPYTHON_CPU_COUNT=-Xcpu_count="),
    (13, "vPYTHON_FROZEN_MODULES=-Xfrozen_modules="),
    (13, "fPYTHON_PERF_JIT_SUPPORT=-Xperf_jit"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """What every start of an environment depends on."""

    interpreter: Interpreter
    generations: tuple[Path, ...]
    """The stores' generation files, or what else tells that entries are gone."""


def make_words(path: Path, launch: Launch, code: str = "") -> Words:
    """Return the words of a start of the environment at `path`.

    `code` is the file that caches the bytecode of a script, if there is one.
    """
    minor = launch.interpreter.tag_facts.python[1]
    letters = PYTHON_LETTERS if minor >= 11 else PYTHON_LETTERS.replace("P", "")
    rows = [row for since, row in _ROWS if minor >= since]
    if launch.interpreter.tag_facts.free_threaded:
        rows.append("vPYTHON_GIL=-Xgil=")
    return Words(
        interpreter=launch.interpreter.path,
        argv0=path / "bin" / "python",
        letters=letters,
        boot=path / "boot",
        code=code,
        rows=(
            *rows,
            *("a" + name for name in _WITHOUT_OPTION),
            *("a" + name for name in _WITHOUT_OPTION_SINCE_13 if minor >= 13),
            *("u" + name for name in _INERT),
        ),
    )


def check_launch(place: Path, path: Path, launch: Launch) -> tuple[Check, ...]:
    """Return the checks that every start makes; `place` is where the files of `path` lie now."""
    # What python itself reads of the environment: a power cut may have left the names alone.
    read = ("bootstrap.pyc", "pyvenv.cfg")
    return (
        check_file(launch.interpreter.path),
        *(replace(check_file(place / name), path=os.fsencode(path / name)) for name in read),
        *(check_file(generation) for generation in launch.generations),
    )


def write_launch(place: Path, path: Path, launch: Launch) -> None:
    """Write the record that `bin/python` of the environment at `path` reads, into `place`."""
    record = LaunchRecord(
        material=b"", checks=check_launch(place, path, launch), words=make_words(path, launch)
    )
    data = encode_record(record)
    target = place / "launch"
    try:
        if target.read_bytes() == data:
            return
    except OSError:
        pass
    write_atomic(target, data, mode=0o644)

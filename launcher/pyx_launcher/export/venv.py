"""Make a virtual environment that needs nothing of pyx: the interpreter's own, with files in it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from pyx_launcher.environment.bytecode import compile_copies
from pyx_launcher.errors import UnavailableError
from pyx_launcher.export.flat import copy_entries, write_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry


def write_virtualenv(
    tree: Path, final: Path, interpreter: Interpreter, entries: Sequence[Entry]
) -> list[str]:
    """Fill the empty directory `tree`, which will lie at `final`.

    Returns a line for each file that another one hides. Raises OSError, UnavailableError where
    the interpreter has no `venv`, and InterpreterError where it cannot compile.
    """
    made = subprocess.run(
        [
            *(interpreter.path, "-I", "-m", "venv", "--without-pip"),
            *("--prompt", final.name, tree),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if made.returncode != 0:
        last = (made.stderr or made.stdout).strip().rpartition("\n")[2]
        raise UnavailableError(
            f"{interpreter.path} makes no virtual environment: {last}",
            hint="install its module venv (Debian: apt install python3-venv), or try --python",
        )
    _replace_place(tree, final)
    skip = frozenset({"pyvenv.cfg", "lib64"})
    python = final / "bin" / "python"
    problems = copy_entries(tree, interpreter, entries, python=python, skip=skip)
    write_records(tree, interpreter, entries)
    places = [f"lib/{interpreter.lib_name}/site-packages"]
    compile_copies(tree, interpreter, places, kind="times", home=f"{final}/")
    return problems


def _replace_place(tree: Path, final: Path) -> None:
    """Let the settings and the scripts for shells name the place where the directory will lie."""
    for file in (tree / "pyvenv.cfg", *sorted((tree / "bin").iterdir())):
        if file.is_symlink() or not file.is_file():
            continue
        content = replaced = file.read_bytes()
        # The names of both directories are quoted alike, as one contains the other.
        for write in (str, _quote):
            replaced = replaced.replace(os.fsencode(write(tree)), os.fsencode(write(final)))
        if replaced != content:
            file.write_bytes(replaced)


def _quote(path: Path) -> str:
    """Return what `shlex.quote`, by which `venv` quotes, writes between the marks at both ends."""
    return str(path).replace("'", "'\"'\"'")

"""Make a bundle: one directory or archive that runs without pyx, a store or a network.

    BUNDLE/bin/python       the native program, in its role as an environment's python
    BUNDLE/bin/NAME         the native program again, for each console script
    BUNDLE/programs/        the scripts, each with the launch record of its program
    BUNDLE/run              a link to the program that the bundle was made for
    BUNDLE/app/             the script, directory or module that it starts, if it is the user's own
    BUNDLE/lib/pythonX.Y/site-packages/    all distributions, with their bytecode
    BUNDLE/pyvenv.cfg  boot/  bootstrap.pyc  launch    as in every environment

No file names the place of the bundle, so it may be moved; the interpreter it names by its path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.build.source_tree import GENERATED
from pyx_launcher.environment.bootstrap import (
    Packages,
    find_customization,
    write_bootstrap,
)
from pyx_launcher.environment.bytecode import compile_copies
from pyx_launcher.environment.layout import choose_farm, read_pth
from pyx_launcher.errors import UsageError
from pyx_launcher.export.flat import copy_entries, copy_tree, write_records
from pyx_launcher.record.checks import Check, Kind
from pyx_launcher.record.record import LaunchRecord, encode_record
from pyx_launcher.record.words import Launch, make_words
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry

RUN = "run"
_OWN = ".run"
"""The file in `bin` of what the bundle was made for: no console script may have such a name."""
_OURS = frozenset(
    {"pyvenv.cfg", "boot", "bootstrap.pyc", "launch", "programs", "app", RUN, "environment.json"}
)
_MARK = Path("/bundle/python")
_SHEBANG = f"#!{_MARK}\n".encode()
"""How the scripts begin that are python's, while the bundle is being made."""
_TRAMPOLINE = """\
#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/python" "$here/../programs/{name}" "$@"
"""
"""For a script whose name would give the native program another role."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleStart:
    """What a bundle is made to run."""

    words: tuple[str, ...]
    """What python is given before the user's words; a script by its path in the bundle."""
    source: Path | None = None
    """The script, directory or module that is copied into ``app``."""
    is_program: bool = False
    """Is the first word the name of a console script?"""
    is_module: bool = False
    """Is it started by ``-m``?"""


def write_bundle(
    tree: Path,
    interpreter: Interpreter,
    entries: Sequence[Entry],
    start: BundleStart | None,
    *,
    native: Path,
    bytecode: bool,
) -> list[str]:
    """Fill the empty directory `tree`; returns a line for each file that another one hides.

    `native` is the native program. Raises OSError, and InterpreterError where it cannot compile.
    """
    (tree / "bin").mkdir()
    (tree / "programs").mkdir()
    python = tree / "bin" / "python"
    python.write_bytes(native.read_bytes())
    python.chmod(0o755)
    for name in ("python3", f"python{interpreter.short}"):
        os.symlink("python", tree / "bin" / name)
    problems = copy_entries(tree, interpreter, entries, python=_MARK, skip=_OURS)
    places = [f"lib/{interpreter.lib_name}/site-packages"]
    if start is not None and start.source is not None:
        (tree / "app").mkdir()
        copy_tree(start.source, tree / "app" / start.source.name, leave_out=_is_no_source)
        # Of a script python takes no bytecode.
        places += ["app"] if start.is_module or start.source.is_dir() else []
    _write_settings(tree, interpreter)
    _write_bootstrap(tree, interpreter, entries, start)
    _write_launch(tree / "launch", interpreter, ())
    for script in sorted((tree / "bin").iterdir()):
        if script.is_file() and not script.is_symlink():
            _make_program(tree, interpreter, script)
    write_records(tree, interpreter, entries)
    if start is not None:
        _make_start(tree, interpreter, start)
    if bytecode:
        compile_copies(tree, interpreter, places, kind="unchecked", home="")
    return problems


def _write_settings(tree: Path, interpreter: Interpreter) -> None:
    text = (
        f"home = {interpreter.path.parent}\n"
        "include-system-site-packages = false\n"
        f"version = {interpreter.version}\n"
    )
    (tree / "pyvenv.cfg").write_bytes(os.fsencode(text))


def _write_bootstrap(
    tree: Path, interpreter: Interpreter, entries: Sequence[Entry], start: BundleStart | None
) -> None:
    site_packages = tree / "lib" / interpreter.lib_name / "site-packages"
    layout = choose_farm(site_packages, entries)
    python = interpreter.tag_facts.python
    sys_path, pth_lines = read_pth(layout, entries, site_packages, python)
    packages = Packages(
        sys_path=[*_own_places(start), *(_relative(place, tree) for place in sys_path)],
        pth_lines=[(_relative(place, tree), lines) for place, lines in pth_lines],
        customized=find_customization(interpreter, entries, sys_path),
        # What somebody installs there later is no part of the bundle.
        site_packages="",
    )
    write_bootstrap(tree, interpreter, prefix="", packages=packages)


def _own_places(start: BundleStart | None) -> list[str]:
    """Return where a module of the user's own is found, which is not installed."""
    return ["app"] if start is not None and start.source is not None and start.is_module else []


def _is_no_source(name: str) -> bool:
    return name in GENERATED or name.startswith(".")


def _relative(place: str, tree: Path) -> str:
    return place.removeprefix(f"{tree}/")


def _write_launch(place: Path, interpreter: Interpreter, words: Sequence[str]) -> None:
    """Write a launch record that holds wherever the bundle lies.

    It asks for no certain build of the interpreter: a base image brings patch releases of it.
    """
    launch = Launch(interpreter=interpreter, generations=())
    needed = (interpreter.path, Path(interpreter.encodings_file), Path("bootstrap.pyc"))
    record = LaunchRecord(
        material=b"".join(os.fsencode(word) + b"\0" for word in words),
        checks=tuple(Check(kind=Kind.THERE, path=os.fsencode(path)) for path in needed),
        words=make_words(Path(), launch),
    )
    place.write_bytes(encode_record(record))


def _make_program(tree: Path, interpreter: Interpreter, script: Path) -> None:
    """Put the native program in the place of a script of python's, which `programs` then has."""
    content = script.read_bytes()
    if not content.startswith(_SHEBANG):
        return
    (tree / "programs" / script.name).write_bytes(content[len(_SHEBANG) :])
    script.unlink()
    if script.name == "pyx" or script.name.startswith("python"):
        script.write_bytes(os.fsencode(_TRAMPOLINE.format(name=script.name)))
        script.chmod(0o755)
        return
    words = (f"programs/{script.name}",)
    _write_launch(_name_launch(tree, script.name), interpreter, words)
    os.link(tree / "bin" / "python", script)


def _make_start(tree: Path, interpreter: Interpreter, start: BundleStart) -> None:
    words = start.words
    target = _OWN
    if start.is_program:
        name = words[0]
        is_python = (tree / "programs" / name).is_file()
        if not is_python and len(words) > 1:
            raise UsageError(f"{name} is not a Python script, so no words can go before yours")
        target = name if len(words) == 1 else _OWN
        words = (f"programs/{name}", *words[1:])
    if target == _OWN:
        _write_launch(_name_launch(tree, _OWN), interpreter, words)
        os.link(tree / "bin" / "python", tree / "bin" / _OWN)
    os.symlink(f"bin/{target}", tree / RUN)


def _name_launch(tree: Path, program: str) -> Path:
    return tree / "programs" / f"{program}.launch"


def is_of_library(interpreter: Interpreter, module: str) -> bool:
    """Tell whether the standard library of `interpreter` has the top-level `module`."""
    if module in sys.builtin_module_names:
        return True
    return any(
        os.path.isfile(os.path.join(place, f"{module}.py"))
        or os.path.isdir(os.path.join(place, module))
        for place in interpreter.stdlib
    )

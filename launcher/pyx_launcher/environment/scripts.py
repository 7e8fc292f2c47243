"""The console scripts of an environment, as pip would have put them into its `bin`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pyx_launcher.store.entry import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.store.entry import Entry

_INTERPRETER = re.compile(r"pythonw?[0-9.]*t?")
_SCRIPT = """\
import sys
from {module} import {first}
if __name__ == "__main__":
    sys.exit({attribute}())
"""
"""What `installer` would write, without the import of `re`, which serves only Windows."""

_SHARED_SCRIPT = '''\
"""Every script of this environment that calls a function: one file with all their names."""
import sys

CALLS = """
{calls}
"""


def find_call(path):
    name = path.rpartition("/")[2]
    return CALLS.partition(f"\\n{{name}} = ")[2].partition("\\n")[0]


call = find_call(__file__)
if not call:
    # Through a link of another name.
    import os

    call = find_call(os.path.realpath(__file__))
if not call:
    sys.exit(f"{{__file__}}: the environment that it is from has no script of that name")
module, _, names = call.partition(":")
first, *others = names.split(".")
function = getattr(__import__(module, fromlist=[first]), first)
for other in others:
    function = getattr(function, other)
if __name__ == "__main__":
    sys.exit(function())
'''
_NO_PIP = """\
#!/bin/sh
# What pip installs no program here would see: packages come from the lock.
# The environment may be that of many projects: by which name it was started, nothing here tells.
behind= named=
case "$1" in
    install) meant="add" behind=", then start the program (in a notebook the kernel) again" ;;
    uninstall) meant="remove" behind=", then start the program (in a notebook the kernel) again" ;;
    list | freeze) meant="list" ;;
    show) meant="which" ;;
    *) meant="--help" ;;
esac
case "$1" in
    install | uninstall | show)
        shift
        [ $# -gt 0 ] || [ "$meant" != add ] || meant=sync
        for word; do
            case "$meant:$word" in
                add*:-e* | add*:--editable* | add*:.* | add*:/*) meant=sync; break ;;
            esac
            case "$word" in
                -r* | --requirement*) meant="$meant -r" ;;
                -*) ;;
                *[!A-Za-z0-9._=-]*) meant="$meant '$word'" ;;
                *) meant="$meant $word" ;;
            esac
        done ;;
esac
echo "pyx: pip is not locked here, and no program would see what it installs" >&2
case "$meant" in
    sync | --help) ;;
    *) if [ -n "$PYX_WITHIN" ]; then meant="$PYX_WITHIN $meant"
        else named=", in a named environment \\`pyx @NAME $meant\\`"; fi ;;
esac
echo "pyx: hint: \\`pyx $meant\\`$named$behind" >&2
exit 1
"""
_PIPS = ("pip", "pip3")
_PLAIN_CALL = re.compile(r"[\w.+-]+ = [\w.]+:[\w.]+")

_PLAIN_PATH = re.compile(rb"[!-~]+")
_LONGEST_SHEBANG = 127
_LONGEST_NAME = 255


def write_scripts(
    directory: Path,
    python: Path,
    entries: Sequence[Entry],
    put: Callable[[Path, Path], None] = os.symlink,
    *,
    together: bool = False,
) -> list[str]:
    """Write the scripts of `entries`, in their order, into `directory`; `python` runs them.

    `put` brings what is no script of python's from its entry to its place. With `together` those
    that call a function are one file with many names, since each file takes a block. Returns one
    line for each name that two distributions have (the later wins) and each that would hide the
    interpreter (left out). Raises OSError.
    """
    owners: dict[str, str] = {}
    calls: dict[str, str] = {}
    problems: list[str] = []
    for entry in entries:
        names = [*entry.facts.scripts, *entry.facts.data.get("scripts", ())]
        for name in names:
            if not _is_allowed(name):
                problems.append(f"bin/{name}: left out, {entry.label} may not have that name")
                continue
            if name in owners and owners[name] != entry.label:
                problems.append(f"bin/{name}: {entry.label} wins over {owners[name]}")
            if (directory / name).is_dir() and not (directory / name).is_symlink():
                problems.append(f"bin/{name}: left out, the environment has its own")
                continue
            owners[name] = entry.label
            (directory / name).unlink(missing_ok=True)
            call = f"{name} = {entry.facts.scripts.get(name)}"
            if together and _PLAIN_CALL.fullmatch(call):
                calls[name] = call
            else:
                calls.pop(name, None)
                _write(directory / name, name, python, entry, put)
    _write_together(directory, python, calls)
    return problems


def _is_allowed(name: str) -> bool:
    return (
        name.isprintable()
        and name.strip() != ""
        and "/" not in name
        and not name.startswith((".", "-"))
        and not _INTERPRETER.fullmatch(name)
        and len(os.fsencode(name)) <= _LONGEST_NAME
    )


def _write(
    target: Path, name: str, python: Path, entry: Entry, put: Callable[[Path, Path], None]
) -> None:
    if name in entry.facts.scripts:
        module, _, attribute = entry.facts.scripts[name].partition(":")
        name_of_first = attribute.partition(".")[0]
        text = _SCRIPT.format(module=module, first=name_of_first, attribute=attribute)
        _write_executable(target, _make_shebang(python) + text.encode())
        return
    source = entry.path / DATA / "scripts" / name
    if source.is_dir():
        put(source, target)
        return
    with open(source, "rb") as file:
        first = file.readline(1024)
        if first.startswith(b"#!python"):
            _write_executable(target, _make_shebang(python) + file.read())
            return
        if not os.fstat(file.fileno()).st_mode & 0o111:
            # A wheel that was made where files have no such bit leaves it to the installer.
            _write_executable(target, first + file.read())
            return
    put(source, target)


def _write_together(directory: Path, python: Path, calls: Mapping[str, str]) -> None:
    text = _SHARED_SCRIPT.format(calls="\n".join(calls.values()))
    content = _make_shebang(python) + text.encode()
    first, *others = calls or ("",)
    if first:
        _write_executable(directory / first, content)
    for name in others:
        try:
            os.link(directory / first, directory / name)
        except OSError:
            _write_executable(directory / name, content)


def write_pip_answer(directory: Path) -> None:
    """Write what says how to add a package under the names of pip, where no distribution has them.

    Raises OSError.
    """
    if any(os.path.lexists(directory / name) for name in _PIPS):
        return
    first, *others = _PIPS
    _write_executable(directory / first, _NO_PIP.encode())
    for name in others:
        os.symlink(first, directory / name)


def _make_shebang(python: Path) -> bytes:
    path = os.fsencode(python)
    if len(path) + 3 <= _LONGEST_SHEBANG and _PLAIN_PATH.fullmatch(path):
        return b"#!" + path + b"\n"
    # The kernel would cut such a line, so a shell reads on; to python the same is a string.
    import shlex

    quoted = shlex.quote(str(python))
    if not quoted.isascii():
        # Bytes in octal, so that the script is sound whatever they mean to python.
        quoted = "\"$(printf '" + "".join(f"\\{byte:03o}" for byte in path) + "')\""
    return b"#!/bin/sh\n'''exec' " + quoted.encode() + b" \"$0\" \"$@\"\n' '''\n"


def _write_executable(target: Path, content: bytes) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    with os.fdopen(handle, "wb") as file:
        file.write(content)

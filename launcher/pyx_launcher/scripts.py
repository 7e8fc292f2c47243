"""The console scripts of an environment, as pip would have put them into its `bin`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.store import DATA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyx_launcher.store import Entry

_RESERVED = ("python",)


def write_scripts(directory: Path, python: Path, entries: Sequence[Entry]) -> list[str]:
    """Write the scripts of `entries`, in their order, into `directory`; `python` runs them.

    Returns one line for each name that two distributions have (the later wins) and each that
    would hide the interpreter (left out). Raises OSError.
    """
    owners: dict[str, str] = {}
    problems: list[str] = []
    for entry in entries:
        names = [*entry.facts.scripts, *entry.facts.data.get("scripts", ())]
        for name in names:
            if "/" in name or name.startswith((*_RESERVED, ".")):
                problems.append(f"bin/{name}: left out, {entry.label} may not have that name")
                continue
            if name in owners and owners[name] != entry.label:
                problems.append(f"bin/{name}: {entry.label} wins over {owners[name]}")
            owners[name] = entry.label
            _write(directory / name, name, python, entry)
    return problems


def _write(target: Path, name: str, python: Path, entry: Entry) -> None:
    target.unlink(missing_ok=True)
    if name in entry.facts.scripts:
        from installer.scripts import Script

        module, _, attribute = entry.facts.scripts[name].partition(":")
        _, content = Script(name, module, attribute, "console").generate(str(python), "posix")
        _write_executable(target, content)
        return
    source = entry.path / DATA / "scripts" / name
    with open(source, "rb") as file:
        first = file.readline(1024)
        if first.startswith(b"#!python"):
            _write_executable(target, b"#!" + os.fsencode(python) + b"\n" + file.read())
            return
    os.symlink(source, target)


def _write_executable(target: Path, content: bytes) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    with os.fdopen(handle, "wb") as file:
        file.write(content)

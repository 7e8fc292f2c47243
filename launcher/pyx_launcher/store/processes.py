"""Which environments the processes of this machine run from."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import StoreError
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pyx_launcher.store.last_use import Used

_PROCESSES = Path("/proc")

_PATIENCE = 0.1
"""Seconds to wait for a command line."""

_NAMED = re.compile(rb"(?:^|[\0= ])(/[^\0]*?/environments/[0-9a-f]{32})(?=/)")
"""An environment in a command line: that of each start names its `bin/python` and `boot`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What processes run from."""

    own: frozenset[Path]
    """Those of the environments asked for."""
    others: frozenset[Path]
    """Environments elsewhere, such as those of other users."""


def find_running(environments: Collection[Used]) -> Running:
    """Tell which of `environments`, and which others, a process runs from or may run from.

    A process whose command line has been overwritten, as servers do to show their state, may run
    from any environment of its interpreter. Processes of other users are seen as far as the
    system shows them.
    """
    # Of several ways to write the path of a directory, the digest is in each.
    by_name = {each.path.name: each.path for each in environments}
    of_interpreter: dict[str, set[Path]] = {}
    for each in environments:
        of_interpreter.setdefault(os.path.realpath(each.interpreter), set()).add(each.path)
    own: set[Path] = set()
    others: set[Path] = set()
    for command, program in _list_processes():
        named = {Path(os.fsdecode(name)) for name in _NAMED.findall(command)}
        own.update(by_name[path.name] for path in named if path.name in by_name)
        others.update(path for path in named if path.name not in by_name)
        if not named and not _tells_itself(command):
            own.update(of_interpreter.get(program, ()))
    return Running(own=frozenset(own), others=frozenset(others))


def _tells_itself(command: bytes) -> bool:
    """Tell whether the command line looks like one that a python was started with."""
    return os.path.basename(command.partition(b"\0")[0]).startswith(b"python")


def _list_processes() -> Iterator[tuple[bytes, str]]:
    """Yield command line and program of each process; the program only where it can be known."""
    if not (_PROCESSES / "self" / "cmdline").exists():
        shown = subprocess.run(
            ["/bin/ps", "-axww", "-o", "args="], capture_output=True, check=False
        )
        yield from ((line, "") for line in shown.stdout.splitlines())
        return
    try:
        places = sorted(_PROCESSES.iterdir())
    except OSError as error:
        raise StoreError(
            f"cannot tell which programs are running: {_PROCESSES}: {error.strerror}",
            hint="run it where processes can be listed; nothing was deleted",
        ) from error
    for place in places:
        if place.name.isdigit():
            # Processes end at any time, and those of others keep their secrets.
            with contextlib.suppress(OSError):
                program = ""
                with contextlib.suppress(OSError):
                    program = os.readlink(place / "exe").removesuffix(" (deleted)")
                yield _read_command(place, program), program


def _read_command(place: Path, program: str) -> bytes:
    """Read the command line of a process, which has none for a moment while it becomes another."""
    command = (place / "cmdline").read_bytes()
    end = time.monotonic() + _PATIENCE
    while program and not command.strip(b"\0") and time.monotonic() < end:
        time.sleep(0.001)
        command = (place / "cmdline").read_bytes()
    return command

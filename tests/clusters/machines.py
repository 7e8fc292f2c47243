"""Machines of a cluster, all of them this one: each has a home of its own and a shared store.

`Site` is what an administrator prepares once: a store filled from the locks of the engines. A
`Machine` has a `PYX_HOME` that nobody else has, and that store behind it. `Service` is a process
that stays. Everything listens on loopback and is ended by the ids of its processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyx_launcher.store.inventory import list_entries, tail_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from installed import Pyx

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 240.0
"""Seconds for anything that an engine does: its machines share the processors of this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What all machines have in common."""

    base: Path
    pyx: Pyx

    @property
    def store(self) -> Path:
        """The store that every machine may read."""
        return self.base / "system" / "store"

    def find_project(self, name: str) -> Path:
        """Return the project of that name; its lock is there."""
        return self.base / "projects" / name

    def look(self) -> dict[str, tuple[int, int, int]]:
        """Return what can be seen of everything in the shared store: mode, size, time of change."""
        return {
            str(path.relative_to(self.store)): (info.st_mode, info.st_size, info.st_ctime_ns)
            for path in sorted(self.store.rglob("*"))
            if (info := path.lstat())
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """One machine of a cluster."""

    site: Site
    directory: Path
    is_fresh: bool = False
    """Has it no store behind its own?"""

    @property
    def home(self) -> Path:
        """Its `PYX_HOME`."""
        return self.directory / "pyx-home"

    def list_fetched(self) -> list[str]:
        """Return the names of the distributions in its own store."""
        return sorted(tail_of(path)[0] for path in list_entries(self.home / "store"))

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables of its processes."""
        pyx = self.site.pyx
        kept = pyx.variables({"PYX_STORES": None if self.is_fresh else str(self.site.store)})
        path = f"{pyx.path.parent}{os.pathsep}{kept['PATH']}"
        home = {"PYX_HOME": str(self.home), "PYX_CACHE_DIR": str(self.directory / "pyx-cache")}
        return {**kept, **home, "PATH": path, **(more or {})}

    def start(
        self, *words: str | Path, cwd: Path, name: str, env: Mapping[str, str] | None = None
    ) -> Service:
        """Start a process that stays; what it says goes to ``NAME.log``."""
        self.directory.mkdir(parents=True, exist_ok=True)
        log = self.directory / f"{name}.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [str(word) for word in words],
                cwd=cwd,
                env=self.variables(env),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        return Service(process=process, log=log)

    def ask(
        self, *words: str | Path, cwd: Path, env: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Run a program to its end and return what its last line on stdout says in JSON.

        Raises AssertionError with its last words where it fails.
        """
        told = subprocess.run(
            [str(word) for word in words],
            cwd=cwd,
            env=self.variables(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert told.returncode == 0, told.stdout[-1000:] + told.stderr[-3000:]
        answer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
        return answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A process that stays, and where it writes."""

    process: subprocess.Popen[bytes]
    log: Path

    def await_text(self, text: str, *, file: Path | None = None) -> str:
        """Return the first line with `text` in its log or in `file`, once it is there.

        Raises AssertionError where it does not come in time, or the process ends without it.
        """
        watched, until = file or self.log, time.monotonic() + PATIENCE
        while True:
            has_ended = self.process.poll() is not None
            said = watched.read_text(errors="replace") if watched.exists() else ""
            for line in said.splitlines():
                if text in line:
                    return line
            assert not has_ended, f"{text!r} was not said: {said[-2000:]}"
            assert time.monotonic() < until, f"{text!r} was not said in time: {said[-2000:]}"
            time.sleep(0.2)

    def end(self) -> None:
        """Ask it to end, and make it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
                break


def find_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def list_processes(directory: Path) -> list[int]:
    """Return the ids of the processes that were started for a machine below `directory`."""
    mark = b"PYX_HOME=" + os.fsencode(directory)
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (place / "environ").read_bytes() and int(place.name) != os.getpid():
                found.append(int(place.name))
    return found


def end_all(directory: Path) -> None:
    """End whatever an engine has left of the machines below `directory`."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in list_processes(directory):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        until = time.monotonic() + 15
        while list_processes(directory) and time.monotonic() < until:
            time.sleep(0.2)


@contextlib.contextmanager
def ended_at_last(directory: Path, services: Sequence[Service]) -> Iterator[None]:
    """End the services, the last one first, and then whatever they have left."""
    try:
        yield
    finally:
        for service in reversed(services):
            service.end()
        end_all(directory)

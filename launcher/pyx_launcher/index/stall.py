"""How long a download waits, and the line on stderr that says, once, for which server.

pip's ``timeout`` and ``retries`` replace the first four, which `pip_config` reads.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from pyx_launcher.console import tell
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMEOUT = 10.0
"""Seconds for each wait for the first or further bytes: shorter than pip's."""

CONNECT_TIMEOUT = 5.0
"""Seconds for connecting."""

RETRIES = 3
"""Attempts after the first one."""

SILENT_RETRIES = 1
"""The same where a server has never answered anything."""

PATIENCE = 2.0
"""Seconds with next to nothing after which the line is said."""

FLOOR = 100
"""Bytes a second. Whoever sends fewer sends nothing that could be waited for."""

_LOOK = 0.25
"""Seconds between two looks at what is waited for."""

_SAID = threading.Event()


@dataclass(kw_only=True, slots=True, eq=False)
class _Wait:
    host: str
    received: Callable[[], int]
    bytes: int
    since: float


class Watch:
    """Watches the requests of one session, each of which says how many bytes it has brought."""

    def __init__(self, said: threading.Event = _SAID) -> None:
        """`said` tells whether the line was said already, by any session of the process."""
        self._said = said
        self._waits: list[_Wait] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def close(self) -> None:
        """Watch no longer. Afterwards there is no thread, beside which nothing could be forked."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    @contextlib.contextmanager
    def waiting(self, host: str, received: Callable[[], int]) -> Iterator[None]:
        """Watch as long as the body takes; `received` is asked from another thread."""
        wait = _Wait(host=host, received=received, bytes=received(), since=time.monotonic())
        with self._lock:
            self._waits.append(wait)
            if self._thread is None and not self._said.is_set():
                # It must not keep a process alive that has nothing else to do.
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._waits.remove(wait)

    def _look(self) -> None:
        while not (self._closed.wait(_LOOK) or self._said.is_set()):
            with self._lock:
                late = next(filter(_is_late, self._waits), None)
            if late is not None and not self._said.is_set():
                self._said.set()
                tell(f"waiting for {late.host}; Ctrl-C ends it")


def _is_late(wait: _Wait) -> bool:
    passed = time.monotonic() - wait.since
    if passed < PATIENCE:
        return False
    received = wait.received()
    if received - wait.bytes < FLOOR * passed:
        return True
    wait.bytes, wait.since = received, time.monotonic()
    return False

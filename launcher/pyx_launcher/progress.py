"""A progress bar on stderr while artifacts are fetched, and only where that is a terminal."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from pyx_launcher.console import can_erase, set_status

if TYPE_CHECKING:
    from types import TracebackType

INTERVAL = 0.1
"""Seconds between two looks of the bar, at least."""

WIDTH = 30
"""Columns of the bar itself."""


class Progress(Protocol):
    """What is told of a fetch. Safe to call from several threads."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def advance(self, size: int) -> None:
        """Note `size` more bytes; a negative number where an attempt was lost."""

    def finish(self, label: str) -> None:
        """Note that the distribution `label` is done with."""


class Silent:
    """Says nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def advance(self, size: int) -> None:
        """Say nothing."""

    def finish(self, label: str) -> None:
        """Say nothing."""


class Bar:
    """One line that counts distributions and bytes, and is gone at the end."""

    def __init__(self, count: int, size: int, doing: str) -> None:
        """Prepare for `count` distributions of `size` bytes in all, 0 if unknown."""
        self._count, self._size, self._doing = count, size, doing
        self._done, self._received, self._label = 0, 0, ""
        self._begun = time.monotonic()
        self._drawn = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Bar:
        with self._lock:
            self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        set_status("")

    def advance(self, size: int) -> None:
        """Count `size` more bytes."""
        with self._lock:
            self._received += size
            if time.monotonic() - self._drawn >= INTERVAL:
                self._draw()

    def finish(self, label: str) -> None:
        """Count a distribution and name it."""
        with self._lock:
            self._done += 1
            self._label = label
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        speed = self._received / max(self._drawn - self._begun, 0.001)
        text = f"{self._doing} {self._done}/{self._count} {self._label}".rstrip()
        amount = format_size(self._received)
        if self._size:
            part = min(max(self._received / self._size, 0.0), 1.0)
            text += f" [{'#' * round(part * WIDTH):-<{WIDTH}}]"
            amount += f"/{format_size(self._size)}"
        set_status(f"{text} {amount} {format_size(speed)}/s")


def count_packages(number: int) -> str:
    """Return how many packages there are, as a person says it."""
    return f"{number} package{'' if number == 1 else 's'}"


def format_size(size: float) -> str:
    """Return a number of bytes in the largest unit that leaves a whole one, to a tenth."""
    units = ("B", "kB", "MB", "GB")
    power = 0
    while abs(size) >= 1000 and power < len(units) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.1f} {units[power]}" if power else f"{size:.0f} {units[0]}"


def show_progress(count: int, size: int, doing: str = "fetching") -> Progress:
    """Return a bar where stderr is a terminal that can erase it, and silence elsewhere."""
    return Bar(count, size, doing) if can_erase() else Silent()

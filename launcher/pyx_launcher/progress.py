"""A progress bar on stderr while artifacts are fetched, and only where that is a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pyx_launcher.console import is_watched

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


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
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
        from rich.progress import Progress as RichProgress

        self._bar: RichProgress = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._count = count
        self._done = 0
        self._doing = doing
        self._task: TaskID = self._bar.add_task(f"{doing} 0/{count}", total=size or None)

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, size: int) -> None:
        """Count `size` more bytes."""
        self._bar.update(self._task, advance=size)

    def finish(self, label: str) -> None:
        """Count a distribution and name it."""
        self._done += 1
        text = f"{self._doing} {self._done}/{self._count} {label}"
        self._bar.update(self._task, description=text)


def show_progress(count: int, size: int, doing: str = "fetching") -> Progress:
    """Return a bar where stderr is a terminal, and silence elsewhere."""
    return Bar(count, size, doing) if is_watched() else Silent()

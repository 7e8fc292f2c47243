"""Run other programs such that neither they nor their temporary files outlive pyx.

A killed process can end nothing itself. So each program has a watcher beside it, the file
``runtime/pyx_runtime/watch.py``, in a session of its own: it holds a pipe that ends with pyx.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyx_launcher.installation import find_base_python, is_standalone
from pyx_runtime import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

INTERVAL = 0.005
"""Seconds between two looks at what a program does to the files that somebody waits for."""

_GRACE = 0.5
"""Seconds that a program has to end by itself when pyx is interrupted, as a terminal tells both."""


def run_child(
    command: Sequence[str | Path],
    *,
    python: Path,
    look: Callable[[int | None], None] | None = None,
    **options: Any,  # noqa: ANN401 -- those of subprocess.Popen.
) -> subprocess.CompletedProcess[Any]:
    """Run `command` to its end and return what came of it; it has ended when this returns.

    `options` are those of `subprocess.Popen`. `python` is any interpreter, for the watcher where
    pyx itself runs in none. `look` is called with the number of the process, every few
    milliseconds while it runs, and with None when it has ended. Raises OSError.
    """
    with _watched(python) as tell:
        process = subprocess.Popen(command, **options)
        try:
            tell(f"{process.pid} {watch.read_start(process.pid)}")
            out, err = _communicate(process, look)
        except BaseException:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
            if process.returncode is None:
                watch.end_tree(process.pid, watch.read_start(process.pid))
                process.wait()
            raise
        finally:
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            tell("")
            if look is not None:
                look(None)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _communicate(
    process: subprocess.Popen[Any], look: Callable[[int | None], None] | None
) -> tuple[Any, Any]:
    if look is None:
        return process.communicate()
    while True:
        look(process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=INTERVAL)


@contextlib.contextmanager
def own_temporaries(*, python: Path) -> Iterator[Path]:
    """Give a directory in which all temporary files of this process are made meanwhile.

    It goes with the block, or with pyx where that is killed. `python` is for the watcher, as in
    `run_child`. Raises OSError.
    """
    import tempfile

    former = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="pyx-build-") as name, _watched(python) as tell:
        directory = os.path.realpath(name)
        tell("" if "\n" in directory else directory)
        tempfile.tempdir = directory
        try:
            yield Path(directory)
        finally:
            tempfile.tempdir = former
            tell("")


@contextlib.contextmanager
def _watched(python: Path) -> Iterator[Callable[[str], None]]:
    """Yield a function that tells the watcher a line."""
    with subprocess.Popen(
        [python if is_standalone() else find_base_python(), "-I", "-S", Path(watch.__file__)],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A signal to all processes of this session leaves it.
        start_new_session=True,
    ) as watcher:
        pipe = watcher.stdin

        def tell(line: str) -> None:
            # Without a watcher the program is still ended where pyx can do so itself.
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.write(f"{line}\n".encode())

        yield tell


def end_left_over(pid: int, start: str, patience: float = 5.0) -> bool:
    """End a program that a killed pyx had started; returns whether it is gone."""
    import time

    watch.end_tree(pid, start)
    end = time.monotonic() + patience
    while start and watch.read_start(pid) == start:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True

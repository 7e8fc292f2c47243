"""The progress bar: only on a terminal, only on stderr, and gone at the end."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from pyx_launcher.progress import Silent, show_progress

FETCH = f"""
import sys
sys.path[:] = {sys.path!r}
from threading import Thread
from pyx_launcher.progress import show_progress

with show_progress(3, SIZE) as bar:
    bar.advance(100)
    bar.advance(-50)
    threads = [Thread(target=bar.finish, args=(f"pack{{n}} 1.0 [bold]",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def run_on_terminal(code: str) -> tuple[int, bytes, bytes]:
    """Run `code` with a terminal for stderr; return status, what came on stdout and on it."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", code]
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:
            # The last holder of the other end is gone.
            pass
        told = process.stdout.read() if process.stdout else b""
    os.close(ours)
    return process.returncode, told, shown


@pytest.mark.parametrize("size", [0, 100], ids=["unknown", "known"])
def test_a_terminal_sees_what_is_fetched_and_then_nothing_of_it(size: int) -> None:
    """The bar counts distributions, and its line is erased; stdout is the program's."""
    status, told, shown = run_on_terminal(FETCH.replace("SIZE", str(size)))
    assert (status, told) == (0, b"")
    assert b"fetching 3/3" in shown
    assert b"\x1b[2K" in shown[shown.rindex(b"fetching 3/3") :]


def test_a_failure_on_a_terminal_leaves_the_cursor_visible() -> None:
    """An error in the middle ends the bar before its message is shown."""
    code = FETCH.replace("SIZE", "5") + "with show_progress(1, 1):\n    sys.exit('failed')\n"
    status, _, shown = run_on_terminal(code)
    assert status == 1
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert shown.rstrip().endswith(b"failed")


def test_elsewhere_nothing_is_said_and_nothing_heavy_imported() -> None:
    """Into a pipe not one byte goes, and the library that draws is not even loaded."""
    code = FETCH.replace("SIZE", "1") + "assert 'rich' not in sys.modules"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")


def test_a_process_without_stderr_fetches_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """With stderr closed, python has None for it."""
    monkeypatch.setattr(sys, "stderr", None)
    assert isinstance(show_progress(1, 1), Silent)

"""The progress bar: only on a terminal, only on stderr, and gone at the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from pyx_launcher.progress import Silent, show_progress

COLUMNS = 120
"""How wide the terminal is."""

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


def run_on_terminal(code: str, **variables: str) -> tuple[int, bytes, bytes]:
    """Run `code` with a terminal for stderr; return status, what came on stdout and on it."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", code]
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, COLUMNS, 0, 0))
    environ = {**os.environ, "CI": "", "TERM": "xterm", **variables}
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
    assert shown.endswith(b"\r\x1b[K")


def test_a_failure_on_a_terminal_stands_on_a_line_of_its_own() -> None:
    """An error in the middle ends the bar before its message is shown."""
    code = FETCH.replace("SIZE", "5") + "with show_progress(1, 1):\n    sys.exit('failed')\n"
    status, _, shown = run_on_terminal(code)
    assert status == 1
    assert shown.endswith(b"\r\x1b[Kfailed\r\n")


def test_what_is_said_meanwhile_stands_above_the_bar() -> None:
    """A line takes the place of the bar, which is drawn again below it."""
    code = FETCH.replace("SIZE", "5") + (
        "from pyx_launcher.console import tell\nwith show_progress(7, 1):\n    tell('waiting')\n"
    )
    shown = run_on_terminal(code)[2]
    assert b"\r\x1b[Kpyx: waiting\r\nfetching 0/7" in shown


def test_a_bar_is_never_wider_than_its_terminal() -> None:
    """What wraps cannot be erased, so a long name is cut, and a name's controls are not obeyed."""
    code = FETCH.replace("SIZE", "5").replace("1.0 [bold]", "\\x1b[31m" + "1" * 300)
    shown = run_on_terminal(code)[2]
    lines = re.split(rb"\r\x1b\[K|\r\n", shown)
    assert max(map(len, lines)) == COLUMNS - 1
    assert b"\x1b[31m" not in shown


def test_a_terminal_that_cannot_erase_sees_no_bar() -> None:
    """Where a line would stay for ever, none is drawn."""
    status, _, shown = run_on_terminal(FETCH.replace("SIZE", "5"), TERM="dumb")
    assert (status, shown) == (0, b"")


def test_elsewhere_nothing_is_said() -> None:
    """Into a pipe not one byte goes."""
    code = FETCH.replace("SIZE", "1")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")


def test_a_process_without_stderr_fetches_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """With stderr closed, python has None for it."""
    monkeypatch.setattr(sys, "stderr", None)
    assert isinstance(show_progress(1, 1), Silent)

"""All that pyx says: lines on stderr, and on stdout what one of its own commands was asked for.

No other module of the launcher writes to stderr. Whatever comes from a lock, an index or another
program passes here, so that nothing in it is obeyed by a terminal.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

from pyx_launcher.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyx_launcher.errors import PyxError


def tell(line: str) -> None:
    """Say one line on stderr: what takes time, or what the user did not ask for."""
    _STATUS.has_told = True
    _write_line(line)


def debug(line: str) -> None:
    """Say one decision on stderr, if `PYX_DEBUG` is set."""
    if os.environ.get("PYX_DEBUG", "") not in ("", "0"):
        _write_line(line)


def print_error(error: PyxError) -> None:
    """Say what went wrong in one line, and what can be done about it in another."""
    tell(error.message)
    if error.hint:
        tell(f"hint: {error.hint}")


def repeat(text: str, lead: str = "") -> None:
    """Write on stderr what another program has said, each line behind `lead`.

    One call keeps the lines together where several threads speak.
    """
    if text:
        _write_err("".join(f"{lead}{make_harmless(line)}\n" for line in text.splitlines()))


def write_out(text: str) -> None:
    """Print what a command of pyx was asked for. Raises StoreError where stdout cannot take it.

    A reader that goes away early, such as ``head``, is no error.
    """
    write_data("\n".join(map(make_harmless, text.split("\n"))))


def write_data(text: str) -> None:
    """Print what another program is to read, to the letter. Raises as `write_out` does."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # What is buffered must not be tried again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise StoreError(f"cannot write to stdout: {error.strerror}") from error


def flush_streams() -> None:
    """Write out what is buffered, before this process starts or becomes another program."""
    for stream in (sys.stdout, sys.stderr):
        # Either is None where the process was started without that descriptor.
        if stream is not None:
            stream.flush()


def can_erase() -> bool:
    """Is stderr a terminal that can erase a line, at which somebody may be looking?

    Nobody looks at that of a robot, which keeps every line in its log.
    """
    watched = sys.stderr is not None and sys.stderr.isatty()
    is_robot = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return watched and not is_robot and os.environ.get("TERM", "dumb") != "dumb"


def set_status(line: str) -> None:
    """Show `line` at the foot of a terminal that `can_erase`; it replaces the last, "" ends it.

    What is said meanwhile comes above it. It is cut to the width of the terminal, since what
    wraps cannot be erased.
    """
    with _STATUS.lock:
        try:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
        except (OSError, ValueError, AttributeError):
            columns = 0
        _STATUS.line = make_harmless(line)[: (columns or 80) - 1]
        _write_plain(_ERASE + _STATUS.line)


class _Status:
    """The line at the foot of the terminal, and the lock that keeps lines whole."""

    def __init__(self) -> None:
        self.line = ""
        self.has_told = False
        self.lock = threading.RLock()


_STATUS = _Status()
_ERASE = "\r\x1b[K"
"""To the first column, and nothing from there on: what every terminal obeys."""


@contextlib.contextmanager
def passing(line: str) -> Iterator[None]:
    """Show a line for as long as the block takes, where somebody may be looking."""
    if not can_erase():
        yield
        return
    set_status(f"{line} …")
    try:
        yield
    finally:
        set_status("")


def make_harmless(line: str) -> str:
    """Return one line of text without what a terminal would obey: controls, bidirectional marks.

    Bytes of a path that are not valid in its encoding stay as they are.
    """
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c in _KEPT else _escape(c) for c in line)


_KEPT = frozenset("\t" + "".join(map(chr, range(0xDC80, 0xDD00))))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def has_told() -> bool:
    """Has this process said anything by `tell`?"""
    return _STATUS.has_told


def _write_line(line: str) -> None:
    _write_err(f"pyx: {make_harmless(line.replace(chr(10), '; '))}\n")


def _write_err(text: str) -> None:
    with _STATUS.lock:
        above = f"{_ERASE}{text}{_STATUS.line}" if _STATUS.line else text
        _write_plain(above)


def _write_plain(text: str) -> None:
    # stderr is None where the process was started without it.
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()

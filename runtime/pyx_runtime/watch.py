"""End a process, with all that it has started, once the process that started it is gone.

    python -I -S watch.py

Standard input is a pipe whose other end the starter alone holds. Each line is either ``PID START``,
a process to end and when it started (`read_start`), or the whole path of a directory to remove, or
empty: it has ended by itself. When the pipe ends, so does what the last line names. Writes nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time

HAS_PROC = os.path.exists("/proc/self/stat")
"""Are processes told by files, as on Linux, or by ps?"""


def main() -> None:
    """Wait for the end of standard input, and then end what is watched."""
    # Neither Ctrl-C nor the end of a terminal is a reason to stop watching.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    watched = ""
    for line in sys.stdin:
        watched = line.rstrip("\n")
    if watched.startswith("/"):
        remove_directory(watched)
    elif watched:
        pid, _, start = watched.partition(" ")
        end_tree(int(pid), start)


def remove_directory(path: str) -> None:
    """Remove a directory into which processes may still write that are about to end."""
    import shutil

    for _ in range(50):
        time.sleep(0.1)
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return


def read_start(pid: int) -> str:
    """Return when a process started, in words that no other with the same number has.

    Empty where there is no such process any more, or only what is left of one.
    """
    fields = read_stat(pid)
    if fields is not None:
        return "" if fields[0] in "ZX" else fields[19]
    if HAS_PROC:
        return ""
    state, _, start = ask_ps("-o", "state=,lstart=", "-p", str(pid)).strip().partition(" ")
    return "" if state.startswith("Z") else " ".join(start.split())


def end_tree(pid: int, start: str) -> None:
    """Kill the process `pid` that started at `start`, and everything that it has started."""
    if not start or read_start(pid) != start:
        return
    found = []
    new = [pid]
    while new:
        for one in new:
            # What is stopped starts nothing more.
            send(one, signal.SIGSTOP)
        found += new
        new = [child for child, parent in list_parents() if parent in found and child not in found]
    for one in found:
        send(one, signal.SIGKILL)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, if it is still there and may be sent any."""
    try:  # noqa: SIM105 -- `contextlib` is another import of every watcher.
        os.kill(pid, number)
    except OSError:
        pass


def list_parents() -> list[tuple[int, int]]:
    """Return the number of every process with that of its parent."""
    if HAS_PROC:
        stats = [
            (int(name), read_stat(int(name))) for name in os.listdir("/proc") if name.isdigit()
        ]
        return [(pid, int(fields[1])) for pid, fields in stats if fields is not None]
    rows = [line.split() for line in ask_ps("-A", "-o", "pid=,ppid=").splitlines()]
    return [(int(row[0]), int(row[1])) for row in rows if len(row) == 2]


def read_stat(pid: int) -> list[str] | None:
    """Return the fields of ``/proc/PID/stat`` from the state on (proc(5)); None without."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The name of the program, in brackets, may have brackets and spaces itself.
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def ask_ps(*words: str) -> str:
    """Return what ``ps`` prints; nothing where there is none."""
    import subprocess  # Half of the time that a watcher takes to start, and Linux needs none.

    try:
        return subprocess.run(
            ["ps", *words],  # noqa: S607 -- where it lies differs from system to system.
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        ).stdout
    except OSError:
        return ""


if __name__ == "__main__":
    main()

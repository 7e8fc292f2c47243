"""A few forked processes that do, for the threads of this one, what Python does one at a time.

To unpack a wheel is mostly work for the interpreter: many small files, each with its checks. In
threads it would use one processor. A process of the crew gets a function with its arguments and
sends back what it returns or raises; it holds no lock and ends when its pipe is closed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import sys
import threading
import traceback
from multiprocessing import Pipe
from typing import TYPE_CHECKING, NoReturn, TypeVar

from pyx_launcher.errors import PyxError, StoreError
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

T = TypeVar("T")

_MOST = 8
"""Beyond that many, making files waits for the file system rather than for a processor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Worker:
    process: int
    pipe: Connection


class Workers:
    """Processes that are waiting for work. Without any, the caller's own thread does it."""

    def __init__(self, members: tuple[_Worker, ...] = ()) -> None:
        self._members = members
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for member in members:
            self._idle.put(member)

    def run(self, function: Callable[..., T], *args: object) -> T:
        """Return `function(*args)`, computed in the next process that has nothing to do.

        All of it must pickle. Raises what the function raises if that is a PyxError or OSError,
        RuntimeError with the traceback for any other exception, and StoreError where the process
        was killed.
        """
        if not self._members:
            return function(*args)
        member = self._idle.get()
        try:
            member.pipe.send((function, args))
            answer, error = member.pipe.recv()
        except (EOFError, OSError) as lost:
            raise StoreError(
                "a process of pyx was killed while it unpacked",
                hint="free some memory, and start it again",
            ) from lost
        finally:
            self._idle.put(member)
        if error is not None:
            raise error
        result: T = answer
        return result


@contextlib.contextmanager
def open_workers(tasks: int) -> Iterator[Workers]:
    """Start as many processes as there are processors, but no more than `tasks`.

    None are started where they would be of no use, or where forking is not safe: beside other
    threads, and on macOS, whose system libraries do not survive it. They end with the block,
    in the middle of their work if an exception ends it.
    """
    count = min(tasks, count_processors(), _MOST)
    alone = threading.active_count() == 1 and sys.platform != "darwin"
    members: list[_Worker] = []
    if count > 1 and alone:
        for _ in range(count):
            members.append(_fork(members))
    try:
        yield Workers(tuple(members))
    except BaseException:
        for member in members:
            os.kill(member.process, signal.SIGKILL)
        raise
    finally:
        for member in members:
            member.pipe.close()
        for member in members:
            os.waitpid(member.process, 0)


def count_processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fork(elder: list[_Worker]) -> _Worker:
    ours, theirs = Pipe()
    process = os.fork()
    if process == 0:
        ours.close()
        # A pipe is at its end when nobody else holds it.
        for member in elder:
            member.pipe.close()
        _serve(theirs)
    theirs.close()
    return _Worker(process=process, pipe=ours)


def _serve(pipe: Connection) -> NoReturn:
    """Do what the pipe asks for until it is closed, and end without any of the parent's cleanup."""
    status = 1
    try:
        # Ctrl-C reaches the whole group; the parent decides, and kills.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # It holds little and ends soon; looking for cycles among what it inherited is wasted.
        gc.disable()
        while True:
            function, args = pipe.recv()
            pipe.send(_answer(function, args))
    except (EOFError, OSError):
        status = 0
    finally:
        os._exit(status)


def _answer(
    function: Callable[..., object], args: tuple[object, ...]
) -> tuple[object, Exception | None]:
    try:
        return function(*args), None
    except PyxError as error:
        # What it came from need not pickle, and nobody shows it.
        error.__cause__ = None
        return None, error
    except OSError as error:
        return None, error
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is the parent's to show.
        from pyx_launcher.libraries import find_mismatch

        if (named := find_mismatch(error)) is not None:
            return None, named
        return None, RuntimeError(traceback.format_exc())

"""The crew: other processes that do the work, and what is left when they or the caller fail."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.errors import RefusedError, StoreError
from pyx_launcher.workers import Workers, count_processors, open_workers

if TYPE_CHECKING:
    from pathlib import Path

several = pytest.mark.skipif(count_processors() < 2, reason="one processor needs no crew")


def identify(number: int) -> tuple[int, int]:
    """Return `number` and the process that this runs in."""
    return number, os.getpid()


def refuse() -> None:
    """Fail as a wheel that is refused does."""
    try:
        raise KeyError(threading.Lock())
    except KeyError as cause:
        raise RefusedError("no", hint="try another") from cause


def fail() -> None:
    """Fail as only a defect does."""
    raise ZeroDivisionError("a defect")


def die() -> None:
    """End as if the kernel had run out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def linger(path: Path) -> None:
    """Say that it has begun, and take long."""
    path.mkdir()
    time.sleep(60)


def is_alive(process: int) -> bool:
    """Tell whether there is such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@several
def test_the_work_is_done_in_other_processes_and_they_end_with_the_block() -> None:
    """Threads hand over more tasks than there are processes; each gets its own answer."""
    with open_workers(2) as crew, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: crew.run(identify, number), range(50)))
    assert [number for number, _ in answers] == list(range(50))
    processes = {process for _, process in answers}
    assert os.getpid() not in processes
    assert not any(map(is_alive, processes))


def test_nothing_is_forked_for_one_task_or_beside_threads() -> None:
    """What could not be shared out, or would be unsafe, is done by the caller."""
    with open_workers(1) as crew:
        assert crew.run(identify, 1) == (1, os.getpid())
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    try:
        with open_workers(8) as crew:
            assert crew.run(identify, 1) == (1, os.getpid())
    finally:
        ended.set()
        other.join()


@several
def test_an_error_of_the_user_comes_back_as_it_is() -> None:
    """With its hint, even where its cause cannot be sent; and the process goes on working."""
    with open_workers(2) as crew:
        for _ in range(4):
            with pytest.raises(RefusedError, match=r"^no$") as caught:
                crew.run(refuse)
            assert caught.value.hint == "try another"
        assert crew.run(identify, 7)[0] == 7


@several
def test_a_defect_comes_back_with_its_traceback() -> None:
    """Otherwise nobody could find it."""
    with (
        open_workers(2) as crew,
        pytest.raises(RuntimeError, match=r"in fail\n(.*\n)+ZeroDivisionError: a defect"),
    ):
        crew.run(fail)


@several
def test_a_process_that_is_killed_is_an_error_and_no_hang() -> None:
    """Even where all of them are gone."""
    with open_workers(2) as crew:
        for _ in range(4):
            with pytest.raises(StoreError, match="was killed") as caught:
                crew.run(die)
            assert caught.value.hint


@several
def test_an_exception_ends_the_processes_amid_their_work(tmp_path: Path) -> None:
    """Ctrl-C waits for nobody."""
    begun = tmp_path / "begun"
    threads = ThreadPoolExecutor(1)
    start = time.monotonic()

    def interrupt() -> None:
        with open_workers(2) as crew:
            job = threads.submit(crew.run, linger, begun)
            while not begun.exists() and not job.done():
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    threads.shutdown()
    assert time.monotonic() - start < 30


def test_without_processes_the_caller_works() -> None:
    """A crew of nobody is a crew."""
    assert Workers().run(identify, 3) == (3, os.getpid())

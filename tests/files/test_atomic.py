"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.files import atomic
from pyx_launcher.files.atomic import flush, write_atomic

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_holds_what_was_written_and_is_private(tmp_path: Path) -> None:
    """Unless another mode is asked for, only the user may read it, whatever the umask."""
    before = os.umask(0)
    try:
        write_atomic(tmp_path / "a", b"\0data\xff")
        write_atomic(tmp_path / "b", b"", mode=0o755)
    finally:
        os.umask(before)
    assert (tmp_path / "a").read_bytes() == b"\0data\xff"
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"]
    assert modes == [0o600, 0o755]


def test_the_old_file_gives_way_and_its_readers_keep_it(tmp_path: Path) -> None:
    """Whoever has the old file open goes on reading the old content."""
    path = tmp_path / "a"
    write_atomic(path, b"old")
    with path.open("rb") as reader:
        write_atomic(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert [p.name for p in (tmp_path).iterdir()] == ["a"]


def test_a_symlink_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """What somebody put there as a link does not lead the content elsewhere."""
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "a").symlink_to("victim")
    write_atomic(tmp_path / "a", b"new")
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not (tmp_path / "a").is_symlink()


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the name is that of a directory, the error is raised and no temporary file stays."""
    (tmp_path / "a" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomic(tmp_path / "a", b"new")
    assert [p.name for p in (tmp_path).iterdir()] == ["a"]


def test_a_directory_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """Directories are made by those who know with which mode."""
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "a", b"new")


def test_readers_never_see_a_half(tmp_path: Path) -> None:
    """While two writers take turns, a reader sees one content or the other, whole."""
    path = tmp_path / "a"
    contents = [letter * 300_000 for letter in (b"a", b"b")]
    write_atomic(path, contents[0])

    def write(content: bytes) -> None:
        for _ in range(50):
            write_atomic(path, content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        seen.add(path.read_bytes())
    for thread in threads:
        thread.join()
    assert seen <= set(contents)
    assert [p.name for p in (tmp_path).iterdir()] == ["a"]


def test_a_flush_serves_all_who_asked_before_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks while one is under way waits for the next, and one is enough for all of them."""
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    calls: list[Path] = []

    def sync(directory: Path) -> None:
        calls.append(directory)
        begun.release()
        go_on.acquire()

    monkeypatch.setattr(atomic, "_sync_file_system", sync)
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(flush, tmp_path)
        begun.acquire()
        others = [threads.submit(flush, tmp_path) for _ in range(5)]
        while len(atomic._flushes._changed._waiters) < 5:  # type: ignore[attr-defined]
            time.sleep(0.01)
        go_on.release()
        first.result(timeout=10)
        begun.acquire()
        assert not any(other.done() for other in others)
        go_on.release()
        for other in others:
            other.result(timeout=10)
    assert len(calls) == 2


def test_a_flush_that_fails_says_so_and_the_next_one_is_tried(tmp_path: Path) -> None:
    """What could not be flushed is not taken for flushed, and nobody hangs."""
    with pytest.raises(OSError, match="No such file"):
        flush(tmp_path / "absent")
    flush(tmp_path)

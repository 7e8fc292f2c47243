"""A server that takes a connection and never answers: what is said, how long, and Ctrl-C."""

from __future__ import annotations

import contextlib
import itertools
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from installed import ROOT
from wheelhouse import make_wheel, poetry_lock_text, pylock_text

from pyx_launcher.errors import ArtifactError, RefusedError
from pyx_launcher.index.finder import Index, IndexSettings, WantedFile
from pyx_launcher.index.stall import PATIENCE, Watch
from pyx_launcher.index.verified_file import write_verified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from installed import Pyx

INTERRUPTED = 130
UNAVAILABLE = 69
SAID = "pyx: waiting for {host}; Ctrl-C ends it\n"


@pytest.fixture
def silent() -> Iterator[str]:
    """Run a server that accepts connections and says nothing; give its host and port."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        # Wakes the thread, which a close alone would not.
        server.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


@pytest.fixture
def project(tmp_path: Path, wheels: Path, silent: str) -> Path:
    """Give a project whose two wheels are locked at the silent server."""
    made = [make_wheel(wheels, name, "1.0") for name in ("tick", "tack")]
    directory = tmp_path / "project"
    directory.mkdir()
    text = pylock_text(made, index_url=f"http://{silent}/simple/")
    (directory / "pylock.toml").write_text(text)
    return directory


def variables(silent: str, **more: str) -> dict[str, str]:
    """Return pip's configuration for the silent server."""
    return {"PIP_INDEX_URL": f"http://{silent}/simple/", "PIP_TRUSTED_HOST": silent, **more}


def test_a_silent_server_is_named_once(pyx: Pyx, project: Path, silent: str) -> None:
    """After about two seconds, in one line however many requests wait, and then it fails."""
    env = variables(silent, PIP_TIMEOUT="3", PIP_RETRIES="0")
    begun = time.monotonic()
    told = pyx("-c", "pass", cwd=project, env=env)
    assert PATIENCE <= time.monotonic() - begun < 30
    assert (told.returncode, told.stdout) == (UNAVAILABLE, "")
    first, message, hint = told.stderr.splitlines(keepends=True)
    assert first == SAID.format(host=silent)
    assert f"cannot reach {silent}" in message
    assert hint.endswith("or wait longer: PIP_TIMEOUT=60\n")


def test_a_silent_server_is_tried_twice_and_by_nobody_else(silent: str, tmp_path: Path) -> None:
    """By default; whoever asks for another file of it afterwards does not wait again."""
    assert (IndexSettings().silent_retries, IndexSettings().retries) == (1, 3)
    assert IndexSettings().connect_timeout <= IndexSettings().timeout < 15
    settings = IndexSettings(index_url=f"http://{silent}/simple/", timeout=0.5)
    times = []
    with Index(settings, backoff=0.01) as source:
        for name in ("tick", "tack"):
            filename = f"{name}-1.0-py3-none-any.whl"
            wanted = WantedFile(
                name=name,
                version="1.0",
                filename=filename,
                hashes={"sha256": "0" * 64},
                url=f"http://{silent}/{filename}",
            )
            begun = time.monotonic()
            with pytest.raises(ArtifactError, match="cannot reach"):
                source.fetch(wanted, tmp_path)
            times.append(time.monotonic() - begun)
    assert 1.0 <= times[0] < 1.5 + 3
    assert times[1] < 0.5


@pytest.mark.parametrize("words", [("-c", "pass"), ("sync",), ("list", "--outdated")])
def test_an_interruption_ends_it_at_once(
    pyx: Pyx, project: Path, silent: str, words: tuple[str, ...]
) -> None:
    """With one line, and the status that shells give it; on a terminal as elsewhere."""
    env = pyx.variables(variables(silent))
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        with subprocess.Popen(
            [pyx.path, *words],
            cwd=project,
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=theirs,
            # The tests may run where an interruption is ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
            start_new_session=True,
        ) as process:
            os.close(theirs)
            text = b""
            while b"Ctrl-C ends it" not in text:
                text += terminal.read(1000)
            begun = time.monotonic()
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(20) == INTERRUPTED
            assert time.monotonic() - begun < 3
        with contextlib.suppress(OSError):
            while more := terminal.read(1000):
                text += more
    assert text.count(b"waiting for") == 1
    assert text.endswith(b"pyx: interrupted\r\n")
    assert b"Traceback" not in text


def test_an_interruption_of_the_first_moment_shows_no_traceback() -> None:
    """Nor does one that comes while the launcher is still being imported."""
    code = (
        "import sys\n"
        "sys.path[:] = eval(sys.argv[1])\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'pyx_launcher.start.recall':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "import pyx_launcher.__main__\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, repr([str(ROOT / "launcher"), *sys.path])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout) == (INTERRUPTED, "")
    assert told.stderr == "pyx: interrupted\n"


def test_bytes_are_a_sign_of_life(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said of a slow server as long as something comes, nor of what ends in time."""
    watch = Watch(threading.Event())
    begun = time.monotonic()
    with watch.waiting("slow", lambda: int((time.monotonic() - begun) * 1000)):
        time.sleep(PATIENCE + 0.8)
    with watch.waiting("quick", lambda: 0):
        pass
    time.sleep(0.5)
    watch.close()
    assert capsys.readouterr().err == ""
    assert not any(thread.name.endswith("(_look)") for thread in threading.enumerate())


@pytest.fixture
def trickling() -> Iterator[str]:
    """Run a server that sends one byte of any file every tenth of a second; its host and port."""
    ended = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000000\r\n\r\n"

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(head)
            while not ended.wait(0.1):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken = server.accept()[0]
                    threading.Thread(target=answer, args=(taken,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("what", ["a file", "a page"])
def test_a_server_that_sends_next_to_nothing_is_named_and_given_up(
    pyx: Pyx, tmp_path: Path, wheels: Path, trickling: str, what: str
) -> None:
    """A byte now and then keeps no start: it is one line, and then what a silent one is."""
    wheel = make_wheel(wheels, "tick", "1.0")
    url = f"http://{trickling}/simple/"
    if what == "a file":
        (tmp_path / "pylock.toml").write_text(pylock_text([wheel], index_url=url))
    else:
        # Its lock has no URLs, so that the file is looked for on a page of the index.
        (tmp_path / "poetry.lock").write_text(poetry_lock_text([wheel]))
    env = variables(trickling, PIP_TIMEOUT="1", PIP_RETRIES="1")
    begun = time.monotonic()
    told = pyx("-c", "pass", cwd=tmp_path, env=env)
    assert time.monotonic() - begun < 60
    assert (told.returncode, told.stdout) == (UNAVAILABLE, ""), told.stderr
    if what == "a file":
        assert told.stderr.startswith(SAID.format(host=trickling))
        assert "bytes in" in told.stderr


def test_a_file_of_unknown_size_ends_at_the_limit_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless one would else fill the disk; the variable for archives sets another limit."""
    monkeypatch.delenv("PYX_MAX_UNPACKED", raising=False)
    monkeypatch.setattr("pyx_launcher.index.verified_file.LARGEST_WHEEL", 1 << 20)
    monkeypatch.setattr("pyx_launcher.index.verified_file.LARGEST_SOURCE", 1 << 19)
    for name, most in (("tick-1.0-py3-none-any.whl", 1 << 20), ("tick-1.0.tar.gz", 1 << 19)):
        wanted = WantedFile(name="tick", version="1.0", filename=name, hashes={"sha256": "0" * 64})
        chunks = itertools.repeat(bytes(1 << 18))
        with pytest.raises(RefusedError, match=f"has more than {most} bytes"):
            write_verified(chunks, wanted, tmp_path, "a server", lambda _: None)
        assert list(tmp_path.iterdir()) == []

"""What kills and failures leave behind: neither directories beside an output, nor secrets."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from trust.ground import make_project, make_wheels
from trust.scene import UNAVAILABLE

from pyx_launcher.commands._output import making
from pyx_launcher.index.credentials import hide_secrets

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx
    from trust.scene import Scene

TOKEN = "s3cr3t-t0ken"  # noqa: S105 -- it is one of nothing.


@pytest.mark.parametrize("words", [["bundle", "OUT"], ["export", "--format", "venv", "-o", "OUT"]])
def test_what_a_killed_command_was_making_is_swept(
    pyx: Pyx, tmp_path: Path, words: list[str]
) -> None:
    """By the next one that makes the same; of what another is making nothing is taken."""
    wheels = make_wheels(tmp_path / "wheels", 12)
    project = make_project(tmp_path / "project", wheels)
    assert pyx("sync", cwd=project).returncode == 0
    words = [word.replace("OUT", "../out/put") for word in words]
    (tmp_path / "out").mkdir()
    process = subprocess.Popen(
        [pyx.path, *words], cwd=project, env=pyx.variables(), start_new_session=True
    )
    end = time.monotonic() + 60
    while not list((tmp_path / "out").glob(".put.new.*/*")):
        assert time.monotonic() < end
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list((tmp_path / "out").glob(".put.new.*/*"))
    with making(tmp_path / "out" / "put") as other:
        assert pyx(*words, cwd=project).returncode == 0
        assert other.is_dir()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["put"]


@pytest.mark.parametrize("login", ["", "user@", "user:passw0rd@"])
def test_a_token_in_the_query_of_a_repository_is_nowhere(scene: Scene, login: str) -> None:
    """Neither on the terminal nor in the log, which nobody else can read either."""
    url = f"http://{login}127.0.0.1:1/repository?token={TOKEN}"
    scene.write_lock(
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "tick"\n'
        f'[packages.vcs]\ntype = "git"\nurl = "{url}"\ncommit-id = "{"0123456789" * 4}"\n'
    )
    told = scene.sync()
    assert told.returncode == UNAVAILABLE
    (log,) = (scene.base / "pyx-cache" / "builds").iterdir()
    text = log.read_text()
    assert "127.0.0.1" in text
    for secret in (TOKEN, "user", "passw0rd"):
        assert secret not in told.stdout + told.stderr + text
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "said", "left"),
    [
        ("https://u:p4ss@host/x", "at https://u:p4ss@host/x/", "at https://host/x/"),
        ("https://u:p4ss@host/x", "for 'https://u@host'", "for 'https://host'"),
        ("https://u:p4ss@host/x", "https://u:****@host/y", "https://host/y"),
        ("https://u:p%40ss@host/x", "password p@ss", "password ****"),
        (f"https://u@host/x?a={TOKEN}", f"https://host/x?a={TOKEN}", "https://host/x"),
        (f"https://host/x?{TOKEN}&b=1", f"got {TOKEN}", "got ****"),
        ("ssh://git@host/x", "git@host: denied", "host: denied"),
        ("https://[/x", "https://[/x", "a malformed URL"),
    ],
)
def test_no_form_of_a_secret_is_kept(url: str, said: str, left: str) -> None:
    """As it stands in a URL, as a program shows it, and by itself."""
    assert hide_secrets(said, [url]) == left

"""Inline scripts (PEP 723): locked once, by their block alone, and by the real uv."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import tomli
from installed import SLOW_PATH_STATUS
from wheelhouse import make_wheel

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

# Where no uv is installed, it comes from the index that pip is configured for.
pytestmark = pytest.mark.network

USAGE, BAD_LOCK, UNAVAILABLE = 64, 65, 69

SCRIPT = """\
#!/usr/bin/env pyx
# /// script
# requires-python = ">=3.9"
# dependencies = ["tick"]
# ///
import tick; print(tick.__version__)
"""
LOCKING = "pyx: locking the inline block of"


@pytest.fixture
def script(tmp_path: Path, wheels: Path, pyx: Pyx, uv: Path) -> Path:
    """Give a script that requires tick, in a directory of its own."""
    pyx.environ["PYX_UV"] = str(uv)
    # A project around it must not matter.
    (tmp_path / "scripts").mkdir()
    make_wheel(wheels, "tick", "1.0")
    make_wheel(wheels, "talk", "2.0", requires=["tick"])
    path = tmp_path / "scripts" / "x.py"
    path.write_text(SCRIPT)
    return path


def succeed(told: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines on stdout of a command that must not fail."""
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()


def settle(pyx: Pyx, script: Path) -> None:
    """Start a script until its start is recorded."""
    time.sleep(0.15)
    succeed(pyx(script))


def test_a_block_is_locked_once(
    pyx: Pyx, script: Path, wheels: Path, pyx_home: Path, index: IndexServer
) -> None:
    """A second start takes the same versions from the lock, and a third one the fast path."""
    first = pyx(script)
    assert succeed(first) == ["1.0"]
    assert LOCKING in first.stderr
    [lock] = (pyx_home / "scripts").iterdir()
    assert lock.name.startswith("pylock.")
    assert [path.name for path in script.parent.iterdir()] == ["x.py"]
    make_wheel(wheels, "tick", "1.1")
    index.requests.clear()
    second = pyx(script, env={"UV_NO_CACHE": "1"})
    assert (succeed(second), second.stderr) == (["1.0"], "")
    assert index.requests == []
    settle(pyx, script)
    pyx.break_slow_path()
    assert succeed(pyx(script)) == ["1.0"]


def test_only_another_block_is_locked_again(pyx: Pyx, script: Path, pyx_home: Path) -> None:
    """An edit elsewhere stays on the fast path; one of the block is obeyed at once."""
    succeed(pyx(script))
    settle(pyx, script)
    script.write_text(SCRIPT + "print('more')\n")
    pyx.break_slow_path()
    assert succeed(pyx(script)) == ["1.0", "more"]
    script.write_text(SCRIPT.replace("tick", "talk"))
    assert pyx(script).returncode == SLOW_PATH_STATUS
    pyx.repair_slow_path()
    told = pyx(script)
    assert (succeed(told), LOCKING in told.stderr) == (["2.0"], True)
    assert len([*(pyx_home / "scripts").iterdir()]) == 2
    script.write_text(SCRIPT)
    back = pyx(script)
    assert (succeed(back), back.stderr) == (["1.0"], "")


def test_equal_blocks_share_a_lock(pyx: Pyx, script: Path, tmp_path: Path) -> None:
    """A copy of the script elsewhere gets the very versions of the first."""
    succeed(pyx(script))
    copy = tmp_path / "copy.py"
    copy.write_text(SCRIPT.replace("print(", "print('copy', "))
    told = pyx(copy)
    assert (succeed(told), told.stderr) == (["copy 1.0"], "")


def test_the_block_chooses_the_interpreter(
    pyx: Pyx, script: Path, interpreters: dict[str, Path]
) -> None:
    """The versions it asks for are those that the script runs on."""
    plain = [version for version in interpreters if not version.endswith(("t", "d"))]
    for version in {plain[0], plain[-1]}:
        text = (
            SCRIPT.replace(">=3.9", f"=={version}.*") + "import sys; print(sys.version_info[:2])\n"
        )
        script.write_text(text)
        major, minor = version.split(".")
        assert succeed(pyx(script)) == ["1.0", f"({major}, {minor})"]


def test_a_lock_beside_the_script_is_made_and_obeyed(
    pyx: Pyx, script: Path, wheels: Path, pyx_home: Path
) -> None:
    """`pyx lock` keeps the versions of the lock that was there, until it is to upgrade."""
    succeed(pyx(script))
    make_wheel(wheels, "tick", "1.1")
    fresh = {"UV_CACHE_DIR": str(pyx_home / "fresh")}
    lines = succeed(pyx("lock", script, env=fresh))
    beside = script.with_name("pylock.x.toml")
    assert lines == ["+ tick 1.0", f"{beside}: 1 package, 1 changed"]
    assert succeed(pyx("info", script))[0].split()[1] == str(beside)
    assert succeed(pyx("lock", "--upgrade", script, env=fresh))[0] == "~ tick 1.0 → 1.1"
    assert succeed(pyx(script)) == ["1.1"]
    assert script.read_text() == SCRIPT


def test_another_block_makes_the_lock_beside_the_script_stale(pyx: Pyx, script: Path) -> None:
    """An edit of the code does not; `pyx add` leaves both in step, lower bounds and all."""
    succeed(pyx("lock", script))
    succeed(pyx("--locked", script))
    succeed(pyx("add", "--script", script, "talk"))
    source = script.read_text()
    assert "talk>=" in source
    script.write_text(source + "# more\n")
    assert pyx("--locked", script).stderr == ""
    script.write_text(source.replace('"talk>=', '"talk>=0.'))
    settle(pyx, script)
    lock = script.with_name(f"pylock.{script.stem}.toml")
    refused = pyx("--locked", script)
    assert refused.returncode == 65
    assert refused.stderr == (
        f"pyx: {lock}: out of date: the inline block of {script} has changed since it was made\n"
        f"pyx: hint: run `pyx lock {script}`\n"
    )
    checked = pyx("lock", "--check", script)
    assert (checked.returncode, checked.stdout, checked.stderr) == (65, "", refused.stderr)
    assert "warning: " in pyx("sync", script).stderr
    succeed(pyx("lock", script))
    succeed(pyx("--locked", script))


@pytest.mark.parametrize("name", ["pylock.x.toml", "x.py.lock"])
def test_a_damaged_lock_beside_a_script_is_made_anew(pyx: Pyx, script: Path, name: str) -> None:
    """A half of either kind stops the start, and `pyx lock` repairs it."""
    lock = script.with_name(name)
    if name.endswith(".lock"):
        lock.write_text('version = 1\nrequires-python = ">=3.9"\n')
    succeed(pyx("lock", script))
    sound = lock.read_bytes()
    lock.write_bytes(sound[: sound.index(b"sha256") + 9])
    told = pyx(script)
    assert (told.returncode, f"`pyx lock {script}`" in told.stderr) == (BAD_LOCK, True)
    told = pyx("lock", script)
    assert "it is written again" in told.stderr
    assert lock.read_bytes() == sound


def test_the_lock_of_a_block_is_checked(pyx: Pyx, script: Path) -> None:
    """Ours in the home fits its block or is not there; uv's beside the script is compared."""
    told = pyx("lock", "--check", script)
    assert (told.returncode, told.stdout) == (65, "")
    assert "has not been locked yet" in told.stderr
    succeed(pyx("sync", script))
    told = pyx("lock", "--check", script)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    beside = script.with_name("x.py.lock")
    beside.write_text('version = 1\nrequires-python = ">=3.9"\n')
    told = pyx("lock", "--check", script)
    assert (told.returncode, told.stdout) == (65, "")
    succeed(pyx("lock", script))
    assert pyx("lock", "--check", script).returncode == 0
    script.write_text("print()\n")
    assert pyx("lock", "--check", script).returncode == USAGE


def test_a_block_is_edited(pyx: Pyx, script: Path) -> None:
    """One line changes, the script starts without another resolution, and back it goes.

    What is told is told of the script, as the lock lies where nobody has to look.
    """
    lines = succeed(pyx("add", "--script", script, "talk>1"))
    assert lines[-1].startswith(f"{script}: 2 packages, ")
    assert lines[0] == "+ talk 2.0" or lines[1] == "+ tick 1.0"
    assert script.read_text() == SCRIPT.replace('["tick"]', '["tick", "talk>1"]')
    told = pyx(script)
    assert (succeed(told), told.stderr) == (["1.0"], "")
    succeed(pyx("remove", "--script", script, "talk"))
    assert script.read_text() == SCRIPT
    assert [path.name for path in script.parent.iterdir()] == ["x.py"]


def test_a_script_without_a_block_gets_one(pyx: Pyx, script: Path) -> None:
    """It stands behind the first line, and asks for at least what was found."""
    script.write_text("#!/usr/bin/env pyx\nimport tick\n")
    script.chmod(0o755)
    succeed(pyx("add", "tick", "--script", script))
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env pyx\n# /// script\n# requires-python = ")
    assert '# dependencies = ["tick>=1.0"]\n# ///\n\nimport tick\n' in text
    assert script.stat().st_mode & 0o777 == 0o755
    succeed(pyx(script))


def test_uvs_lock_of_a_script_stays_uvs(pyx: Pyx, script: Path) -> None:
    """Where there is a SCRIPT.lock, it is the one that is brought up to date."""
    lock = script.with_name("x.py.lock")
    lock.write_text('version = 1\nrequires-python = ">=3.9"\n')
    succeed(pyx("add", "--script", script, "talk"))
    assert {one["name"] for one in tomli.loads(lock.read_text())["package"]} == {"talk", "tick"}
    assert '"talk>=2.0"' in script.read_text()
    assert succeed(pyx(script)) == ["1.0"]


@pytest.mark.parametrize("words", [(), ("add", "--script"), ("lock",)], ids=str)
@pytest.mark.parametrize("beside", [False, True])
def test_what_cannot_be_resolved_changes_nothing(
    pyx: Pyx, script: Path, pyx_home: Path, words: tuple[str, ...], *, beside: bool
) -> None:
    """Uv says why; neither the script nor a lock is touched, and none is made."""
    if beside:
        succeed(pyx("lock", script))
    script.write_text(SCRIPT.replace("tick", "nowhere"))
    if beside and not words:
        return
    before = {path.name: path.read_bytes() for path in script.parent.iterdir()}
    told = pyx(*words, script, *(["talk"] if "add" in words else []))
    assert told.returncode == UNAVAILABLE
    assert "nowhere" in told.stderr
    assert "pyx: uv could not lock" in told.stderr
    assert {path.name: path.read_bytes() for path in script.parent.iterdir()} == before
    assert not (pyx_home / "scripts").exists() or not [*(pyx_home / "scripts").iterdir()]


def test_info_locks_nothing(pyx: Pyx, script: Path, pyx_home: Path) -> None:
    """It only looks, and says what would lock it."""
    told = pyx("info", script)
    assert told.returncode == BAD_LOCK
    assert f"pyx lock {script}" in told.stderr
    assert not (pyx_home / "scripts").exists()


def test_a_path_in_the_block_is_relative_to_the_script(pyx: Pyx, script: Path) -> None:
    """A source tree beside the script is found from everywhere, though the lock lies elsewhere."""
    wheel = make_wheel(script.parent / "near", "tick", "7.0")
    source = f'# [tool.uv.sources]\n# tick = {{ path = "near/{wheel.name}" }}\n# ///\n'
    script.write_text(SCRIPT.replace("# ///\nimport", source + "import"))
    assert succeed(pyx(script, cwd=script.parent.parent)) == ["7.0"]
    succeed(pyx("lock", script))
    assert 'path = "near/' in script.with_name("pylock.x.toml").read_text()
    assert succeed(pyx(script, cwd=script.parent.parent)) == ["7.0"]


def test_a_script_that_asks_for_no_python_runs_on_any(
    pyx: Pyx, script: Path, interpreters: dict[str, Path]
) -> None:
    """Our lock is made for the first one that it ran on; for an older one it is made again."""
    if len(interpreters) < 2:
        pytest.skip("there is one interpreter alone")
    script.write_text(SCRIPT.replace('# requires-python = ">=3.9"\n', ""))
    oldest, *_, newest = interpreters.values()
    show = script.with_name("show.py")
    show.write_text(script.read_text() + "import sys; print(sys.version_info[:2])\n")
    for python in (newest, oldest, newest):
        told = pyx("--python", python, show)
        assert told.stdout.startswith("1.0\n"), told.stderr
    asking = SCRIPT.replace(">=3.9", f">={[*interpreters][-1]}")
    script.write_text(asking)
    assert pyx("--python", newest, script).returncode == 0
    assert pyx("--python", oldest, script).returncode == UNAVAILABLE

"""A launch record never certifies what was not read, and nothing that decides is left out of it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from installed import SLOW_PATH
from wheelhouse import make_source_tree, make_wheel, poetry_lock_text, pylock_text

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

TELL = "import tick; print(tick.__version__)"


@pytest.fixture
def releases(tmp_path: Path, wheels: Path) -> dict[str, Path]:
    """Make two projects that lock one release each, older than any record."""
    projects = {}
    for version in ("1.0", "2.0"):
        project = tmp_path / f"release-{version}"
        project.mkdir()
        wheel = make_wheel(wheels, "tick", version)
        (project / "pylock.toml").write_text(pylock_text([wheel]), encoding="utf-8")
        (project / "x.py").write_text(TELL, encoding="utf-8")
        projects[version] = project
    time.sleep(0.2)
    return projects


def start(pyx: Pyx, *words: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start ``pyx`` without waiting for its end."""
    return subprocess.Popen(
        [pyx.path, *words],
        cwd=cwd,
        env=pyx.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def hold_up(pyx: Pyx, store: Path) -> None:
    """Wait until a start that was begun has come to fetching."""
    deadline = time.monotonic() + 30
    while not list(store.glob("tick/*/.*.lock")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_deployment_during_a_first_start_is_not_lost(
    pyx: Pyx, pyx_home: Path, index: IndexServer, releases: dict[str, Path], tmp_path: Path
) -> None:
    """A link that turns to another release while the first is fetched is seen by the next start."""
    wheel = tmp_path / "wheels" / "tick-1.0-py3-none-any.whl"
    text = pylock_text([wheel], index_url=index.url)
    (releases["1.0"] / "pylock.toml").write_text(text, encoding="utf-8")
    time.sleep(0.2)
    index.delay("tick-1.0", 1.5)
    current = tmp_path / "current"
    current.symlink_to(releases["1.0"])
    running = start(pyx, "--project", current, "-c", TELL, cwd=tmp_path)
    hold_up(pyx, pyx_home / "store")
    turned = tmp_path / "turned"
    turned.symlink_to(releases["2.0"])
    turned.replace(current)
    assert running.communicate(timeout=60)[0] == "1.0\n"
    assert pyx("--project", current, "-c", TELL, cwd=tmp_path).stdout == "2.0\n"


@pytest.mark.parametrize("name", ["x", "default"])
def test_a_preferred_lock_in_a_named_environment_is_noticed(
    pyx: Pyx, pyx_home: Path, releases: dict[str, Path], tmp_path: Path, name: str
) -> None:
    """It comes before the one that was taken, as in any directory."""
    named = pyx_home / "named" / name
    named.mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    words = ["-c", TELL] if name == "default" else [f"@{name}", "-c", TELL]
    first = poetry_lock_text([tmp_path / "wheels" / "tick-1.0-py3-none-any.whl"])
    (named / "poetry.lock").write_text(first, encoding="utf-8")
    time.sleep(0.2)
    for _ in range(2):
        assert pyx(*words, cwd=tmp_path / "empty").stdout == "1.0\n"
    (releases["2.0"] / "pylock.toml").rename(named / "pylock.toml")
    assert pyx(*words, cwd=tmp_path / "empty").stdout == "2.0\n"


def test_an_edit_of_a_source_tree_is_noticed(pyx: Pyx, tmp_path: Path) -> None:
    """A tree that is no editable may change anywhere, so such a start is never a fast one."""
    tree = make_source_tree(tmp_path / "lib", "tick", "1.0")
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "hand"\n\n[[packages]]\nname = "tick"\n'
        f'[packages.directory]\npath = "{tree.relative_to(tmp_path)}"\n',
        encoding="utf-8",
    )
    time.sleep(0.2)
    show = "import tick; print(getattr(tick, 'MARK', 'none'))"
    assert pyx("-c", show, cwd=tmp_path).stdout == "none\n"
    module = next(path for path in tree.rglob("__init__.py") if path.parent.name == "tick")
    with module.open("a", encoding="utf-8") as file:
        file.write("\nMARK = 'edited'\n")
    assert pyx("-c", show, cwd=tmp_path).stdout == "edited\n"


def test_a_python_that_comes_first_on_path_is_noticed(
    pyx: Pyx, interpreters: dict[str, Path], tmp_path: Path
) -> None:
    """One that appears in an earlier directory is taken, as a shell would take it."""
    if len(interpreters) < 2:
        pytest.skip("there is one interpreter only")
    (older, old), (newer, new) = next(iter(interpreters.items())), list(interpreters.items())[-1]
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (second / "python3").symlink_to(new)
    show = ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    env = {"PATH": f"{first}:{second}:/usr/bin:/bin"}
    time.sleep(0.2)
    for _ in range(2):
        assert pyx(*show, cwd=tmp_path, env=env).stdout.strip() == newer
    (first / "python3").symlink_to(old)
    assert pyx(*show, cwd=tmp_path, env=env).stdout.strip() == older


def test_the_owner_of_the_project_file_counts(
    pyx: Pyx, releases: dict[str, Path], tmp_path: Path
) -> None:
    """A stranger's pyproject.toml beside one's own poetry.lock decides, so it is refused."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    project = tmp_path / "shared"
    project.mkdir()
    wheel = tmp_path / "wheels" / "tick-1.0-py3-none-any.whl"
    (project / "poetry.lock").write_text(poetry_lock_text([wheel]), encoding="utf-8")
    (project / "pyproject.toml").write_text("[tool.poetry]\npackage-mode = false\n")
    assert pyx("-c", TELL, cwd=project).stdout == "1.0\n"
    os.chown(project / "pyproject.toml", 12345, 12345)
    refused = pyx("-c", TELL, cwd=project)
    assert refused.returncode == 77
    assert f"{project / 'pyproject.toml'} belongs to" in refused.stderr


def test_python_variables_do_not_need_a_record_each(pyx: Pyx, releases: dict[str, Path]) -> None:
    """They are obeyed at each start, and decide nothing about packages."""
    project = releases["1.0"]
    show = ["-c", "import sys; print(sys.flags.optimize)"]
    assert pyx(*show, cwd=project).stdout == "0\n"
    assert pyx(*show, cwd=project).stdout == "0\n"
    pyx.break_slow_path()
    assert pyx(*show, cwd=project, env={"PYTHONOPTIMIZE": "2"}).stdout == "2\n"
    assert SLOW_PATH not in pyx(*show, cwd=project, env={"PYTHONHASHSEED": "7"}).stdout


def test_an_interruption_ends_a_slow_fetch_at_once(
    pyx: Pyx, pyx_home: Path, index: IndexServer, wheels: Path, tmp_path: Path
) -> None:
    """Ctrl-C does not wait for the server; the next start sweeps what was left."""
    wheel = make_wheel(wheels, "tick", "1.0")
    lock = tmp_path / "pylock.toml"
    lock.write_text(pylock_text([wheel], index_url=index.url), encoding="utf-8")
    index.delay("tick-1.0", 20, times=1)
    running = start(pyx, "-c", TELL, cwd=tmp_path)
    hold_up(pyx, pyx_home / "store")
    # Or it is the next start that has to wait.
    deadline = time.monotonic() + 30
    while not index.requests:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert time.monotonic() - began < 10
    assert pyx("-c", TELL, cwd=tmp_path).stdout == "1.0\n"
    left = {path.suffix for path in (pyx_home / "store" / "tick" / "1.0").glob(".*")}
    assert left == {".lock"}


@pytest.mark.parametrize("words", [("info",), ("--help",), ("--version",), ("sync",)])
def test_a_command_survives_a_closed_stdout(
    pyx: Pyx, releases: dict[str, Path], words: tuple[str, ...]
) -> None:
    """Nobody to print to, or a reader that is gone, is no reason for a traceback."""
    project = releases["1.0"]
    shell = f'"$0" {" ".join(words)}'
    for redirection in (">&-", "2>&- >&-", "| true"):
        told = pyx.run(["/bin/sh", "-c", f"{shell} {redirection}", pyx.path], cwd=project)
        assert "Traceback" not in told.stderr
        assert "Exception ignored" not in told.stderr


def test_a_program_runs_without_stderr(pyx: Pyx, releases: dict[str, Path]) -> None:
    """Even where every decision is to be said."""
    shell = f'PYX_DEBUG=1 "$0" -c "{TELL}" 2>&-'
    told = pyx.run(["/bin/sh", "-c", shell, pyx.path], cwd=releases["1.0"])
    assert told.stdout == "1.0\n"


def test_the_slow_path_leaves_the_locale_alone(pyx: Pyx, releases: dict[str, Path]) -> None:
    """The launcher is a python program too, but its locale is not the program's."""
    show = ["-c", "import os; print(os.environ.get('LC_CTYPE'), os.environ.get('PYTHONUTF8'))"]
    env = {"LANG": "C", "LC_ALL": None, "LC_CTYPE": None, "PYTHONCOERCECLOCALE": "0"}
    first = pyx(*show, cwd=releases["1.0"], env=env)
    pyx.break_slow_path()
    assert pyx(*show, cwd=releases["1.0"], env=env).stdout == first.stdout == "None None\n"

"""`pyx add`, `pyx remove` and `pyx lock` in a project: all of it, or nothing.

Each test runs the real uv against an index on loopback.
"""

from __future__ import annotations

import functools
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli
from wheelhouse import make_wheel

if TYPE_CHECKING:
    from indexserver import IndexServer
    from installed import Pyx

# Where no uv is installed, it comes from the index that pip is configured for.
pytestmark = pytest.mark.network

SETTLED = 0.3
"""Seconds after which a file is old enough for a launch record."""

USAGE, BAD_LOCK, UNAVAILABLE, STORE, REFUSED = 64, 65, 69, 74, 77

MANIFEST = """\
# mine
[project]
name = "sample"
version = "1"
requires-python = ">=3.9"
dependencies = [
    "tick<2",   # why
]

[tool.other]
odd  =  { spacing=true }
"""


@pytest.fixture
def project(tmp_path: Path, wheels: Path, pyx: Pyx, uv: Path) -> Path:
    """Give a project that nothing has locked, and an index that has what it may require."""
    pyx.environ["PYX_UV"] = str(uv)
    make_wheel(wheels, "tick", "1.0")
    make_wheel(wheels, "talk", "2.0", requires=["tick", "windy; sys_platform == 'win32'"])
    make_wheel(wheels, "windy", "3.0")
    make_wheel(wheels, "picky", "1.0", requires=["tick>=5"])
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pyproject.toml").write_text(MANIFEST)
    return directory


def listed(directory: Path) -> dict[str, bytes]:
    """Return every file of a project with its content."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def succeed(told: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines on stdout of a command that must not fail."""
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()


def locked(project: Path) -> dict[str, tuple[str, str | None]]:
    """Return version and marker of all that a project's pylock.toml has."""
    packages = tomli.loads((project / "pylock.toml").read_text())["packages"]
    return {one["name"]: (one["version"], one.get("marker")) for one in packages}


def test_what_is_named_as_it_requires(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """An environment may be named as what it is for; a project cannot require itself."""
    assert succeed(pyx("add", "@tick", "tick", "talk"))[:2] == ["+ talk 2.0", "+ tick 1.0"]
    assert succeed(pyx("@tick", "-c", "import tick; print(tick.__version__)")) == ["1.0"]
    directory = tmp_path / "Tick"
    directory.mkdir()
    refused = pyx("add", "--init", "tick[more]>=1", cwd=directory)
    assert (refused.returncode, refused.stderr.splitlines()) == (
        USAGE,
        [
            "pyx: the project itself is named tick and cannot require tick",
            "pyx: hint: rename it in its [project] table; a new project is named by its directory",
        ],
    )
    assert listed(directory) == {}


def test_a_project_is_made_where_the_user_says_so(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Without `--init` a directory stays empty; with it, it is a project whose programs run."""
    empty = tmp_path / "My Tools"
    empty.mkdir()
    refused = pyx("add", "tick", cwd=empty)
    assert refused.returncode == USAGE
    assert "hint: `pyx add --init tick` makes one here\n" in refused.stderr
    assert listed(empty) == {}
    lines = succeed(pyx("add", "--init", "tick", cwd=empty))
    assert lines == ["+ tick 1.0", f"{empty / 'pylock.toml'}: 1 package, 1 changed"]
    assert list(listed(empty)) == ["pylock.toml", "pyproject.toml"]
    data = tomli.loads((empty / "pyproject.toml").read_text())["project"]
    assert (data["name"], data["dependencies"]) == ("my-tools", ["tick>=1.0"])
    assert succeed(pyx("-c", "import tick; print(tick.__version__)", cwd=empty)) == ["1.0"]


def test_one_line_more_and_a_universal_lock(pyx: Pyx, project: Path) -> None:
    """All else in the file stays as it is; what other platforms need is locked for them."""
    below = project / "src" / "deep"
    below.mkdir(parents=True)
    succeed(pyx("add", "Talk>1", cwd=below))
    below.rmdir()
    below.parent.rmdir()
    text = (project / "pyproject.toml").read_text()
    assert text == MANIFEST.replace("# why\n", '# why\n    "Talk>1",\n')
    assert locked(project) == {
        "talk": ("2.0", None),
        "tick": ("1.0", None),
        "windy": ("3.0", "sys_platform == 'win32'"),
    }
    assert list(listed(project)) == ["pylock.toml", "pyproject.toml"]
    lines = succeed(pyx("remove", "talk", cwd=project))
    assert lines[0] == "- talk 2.0"
    assert (project / "pyproject.toml").read_text() == MANIFEST
    assert locked(project) == {"tick": ("1.0", None)}


def test_extras_and_groups_are_asked_for(pyx: Pyx, project: Path) -> None:
    """The group dev is there by default, an extra where it is named."""
    succeed(pyx("add", "--optional", "more", "talk", cwd=project))
    succeed(pyx("add", "--dev", "windy", cwd=project))
    assert locked(project) == {
        "talk": ("2.0", "'more' in extras"),
        "tick": ("1.0", None),
        "windy": (
            "3.0",
            "('more' in extras and sys_platform == 'win32') or 'dev' in dependency_groups",
        ),
    }
    succeed(pyx("-c", "import tick, windy", cwd=project))
    assert pyx("-c", "import talk", cwd=project).returncode == 1
    succeed(pyx("--extra", "more", "-c", "import talk", cwd=project))
    assert pyx("--no-default-groups", "-c", "import windy", cwd=project).returncode == 1
    succeed(pyx("remove", "windy", "--dev", cwd=project))
    assert "windy" in locked(project)


EDITS = {
    "dependencies": ('"tick<2",', '"tick<3",', True),
    "requires-python": (">=3.9", ">=3.10", True),
    "optional-dependencies": (
        "[tool.other]",
        "[project.optional-dependencies]\nx = []\n[tool.other]",
        True,
    ),
    "dependency-groups": (
        "[tool.other]",
        '[dependency-groups]\ndev = ["tick"]\n[tool.other]',
        True,
    ),
    "settings that matter": ("[tool.other]", '[tool.uv]\nprerelease = "allow"\n[tool.other]', True),
    "settings that do not": ("[tool.other]", "[tool.uv]\npreview = true\n[tool.other]", False),
    "description and version": ('version = "1"\n', 'version = "2"\ndescription = "x"\n', False),
    "tool tables": ("odd  =", "even =", False),
    "comments and spaces": ("# why", "  # because", False),
}


def test_an_edit_after_the_lock_is_told(pyx: Pyx, project: Path) -> None:
    """What the resolution has read makes a pylock.toml of ours stale, and nothing else does."""
    path, lock = project / "pyproject.toml", project / "pylock.toml"
    problem = f"{lock}: out of date: {path} has changed since it was made"
    succeed(pyx("lock", cwd=project))
    assert pyx("--locked", "-c", "pass", cwd=project).stderr == ""
    assert pyx("lock", "--check", cwd=project).returncode == 0
    for what, (before, after, is_stale) in EDITS.items():
        assert before in MANIFEST
        path.write_text(MANIFEST.replace(before, after))
        checked = pyx("lock", "--check", cwd=project)
        assert (checked.returncode, checked.stdout) == (BAD_LOCK if is_stale else 0, ""), what
        assert (problem in checked.stderr) is is_stale, what
        if not is_stale:
            told = pyx("-c", "import tick", cwd=project)
            assert (told.stderr, told.returncode) == ("", 0), what
    before, after, _ = EDITS["dependencies"]
    path.write_text(MANIFEST.replace(before, after))
    time.sleep(SETTLED)
    told = pyx("-c", "import tick", cwd=project)
    assert (told.stderr, told.returncode) == (f"pyx: warning: {problem}; run `pyx lock`\n", 0)
    assert pyx("-c", "import tick", cwd=project).stderr == "", "once is enough"
    refused = pyx("--locked", "sync", cwd=project)
    assert (refused.returncode, refused.stdout) == (BAD_LOCK, "")
    assert refused.stderr == f"pyx: {problem}\npyx: hint: run `pyx lock`\n"
    succeed(pyx("lock", cwd=project))
    assert pyx("--locked", "-c", "pass", cwd=project).stderr == ""


def test_an_edit_of_a_list_after_the_lock_is_told(pyx: Pyx, project: Path) -> None:
    """A list counts with those that it includes, whichever kind of lock was made of it."""
    (project / "pyproject.toml").unlink()
    for name in ("requirements.txt", "requirements.in"):
        path = project / name
        path.write_text("tick\n-r more.txt\n")
        (project / "more.txt").write_text("windy\n")
        succeed(pyx("lock", cwd=project))
        path.write_text("# a comment\ntick   # why\n\n-r more.txt\n")
        assert pyx("--locked", "-c", "pass", cwd=project).stderr == ""
        (project / "more.txt").write_text("windy<4\n")
        refused = pyx("--locked", "-c", "pass", cwd=project)
        assert refused.returncode == BAD_LOCK
        assert pyx("lock", "--check", cwd=project).stderr == refused.stderr
        problem = f"out of date: {path}, or a list that it includes, has changed since it was made"
        assert problem in refused.stderr
        succeed(pyx("lock", cwd=project))
        assert pyx("lock", "--check", cwd=project).returncode == 0
        (project / "pylock.toml").unlink(missing_ok=True)


def test_an_edit_of_a_member_makes_the_lock_of_all_stale(pyx: Pyx, project: Path) -> None:
    """The projects of a workspace share a pylock.toml as they would share a uv.lock."""
    member = project / "member"
    member.mkdir()
    (member / "pyproject.toml").write_text(MANIFEST.replace("sample", "member"))
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.uv.workspace]\nmembers = ["member"]\n')
    succeed(pyx("lock", cwd=project))
    assert pyx("--locked", "sync", cwd=project).returncode == 0
    (member / "pyproject.toml").write_text(MANIFEST.replace("sample", "member").replace("<2", ""))
    assert pyx("--locked", "sync", cwd=project).returncode == BAD_LOCK


def test_a_named_environment_that_is_edited_by_hand_is_told(pyx: Pyx, project: Path) -> None:
    """The empty lock that it begins with says what it is the lock of."""
    assert pyx("env", "create", "own").returncode == 0
    assert pyx("@own", "--locked", "-c", "pass").stderr == ""
    path = Path(pyx.environ["PYX_HOME"]) / "named" / "own" / "pyproject.toml"
    path.write_text(path.read_text().replace("= []", '= ["tick"]'))
    time.sleep(SETTLED)
    told = pyx("@own", "-c", "pass", cwd=project).stderr
    assert told.endswith(f"run `pyx --project {path.parent} lock`\n")
    succeed(pyx("--project", path.parent, "lock", cwd=project))
    succeed(pyx("@own", "--locked", "-c", "import tick", cwd=project))


def test_only_what_is_named_moves(pyx: Pyx, project: Path, wheels: Path) -> None:
    """A new release does not come by itself, nor along with something else."""
    succeed(pyx("lock", cwd=project))
    make_wheel(wheels, "tick", "1.1")
    make_wheel(wheels, "windy", "3.1")
    fresh = {"UV_CACHE_DIR": str(project.parent / "fresh")}
    succeed(pyx("add", "talk", cwd=project, env=fresh))
    assert locked(project)["tick"][0] == "1.0"
    assert succeed(pyx("lock", cwd=project, env=fresh))[0].endswith("no version changed")
    assert succeed(pyx("lock", "--upgrade", "tick", cwd=project, env=fresh))[0] == (
        "~ tick 1.0 → 1.1"
    )
    make_wheel(wheels, "tick", "1.2")
    fresh = {"UV_CACHE_DIR": str(project.parent / "fresher")}
    assert succeed(pyx("lock", "--upgrade", cwd=project, env=fresh))[0] == "~ tick 1.1 → 1.2"
    succeed(pyx("add", "tick==1.1", cwd=project, env=fresh))
    told = pyx("lock", "--upgrade", "Tick", cwd=project, env=fresh)
    assert told.stdout.endswith("no version changed\n")
    manifest = project / "pyproject.toml"
    assert told.stderr == f"pyx: tick stays as it is: {manifest} requires tick==1.1\n"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("none", ("add", "nowhere")),
        ("none", ("lock", "--offline")),
        ("pylock.toml", ("add", "picky")),
        ("pylock.toml", ("add", "--offline", "tick", "talk")),
        ("uv.lock", ("add", "tick<1")),
        ("uv.lock", ("add", "--dev", "nowhere")),
    ],
)
def test_what_cannot_be_resolved_changes_nothing(
    pyx: Pyx, project: Path, kind: str, words: tuple[str, ...]
) -> None:
    """Every byte is as it was, also where there was no lock; uv says why, pyx that it failed."""
    if kind == "pylock.toml":
        succeed(pyx("lock", cwd=project))
    elif kind == "uv.lock":
        (project / "uv.lock").write_text('version = 1\nrequires-python = ">=3.9"\n')
        succeed(pyx("lock", cwd=project))
    before = listed(project)
    told = pyx(*words, cwd=project, env={"UV_CACHE_DIR": str(project.parent / "empty")})
    assert told.returncode == UNAVAILABLE
    assert told.stdout == ""
    assert "pyx: uv could not lock" in told.stderr
    assert "Traceback" not in told.stderr
    assert listed(project) == before


def test_what_a_tool_says_is_heard_where_it_fails(pyx: Pyx, project: Path) -> None:
    """What has changed pyx says itself, with versions before and after; a failure the tool says."""
    told = pyx("add", "talk", cwd=project)
    assert succeed(told)[:-1] == ["+ talk 2.0", "+ tick 1.0"]
    assert told.stderr == ""
    for words in ([], ["--upgrade", "talk"], ["--upgrade"]):
        again = pyx("lock", *words, cwd=project)
        assert "no version changed" in again.stdout
        assert again.stderr == ""
    failed = pyx("add", "picky", cwd=project)
    assert failed.stderr.count("No solution found") == 1
    assert failed.stderr.count("pyx: hint: ") == 1
    assert "hint: the project requires tick<2, but picky requires tick>=5\n" in failed.stderr


def test_errors_name_what_was_asked_for(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """No tool or script is called by the directory in which it was resolved."""
    script = tmp_path / "x.py"
    script.write_text('# /// script\n# dependencies = ["picky"]\n# ///\n')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pyproject.toml").write_text("[project]\nname = 1\n")
    broken = f"broken @ file://{tmp_path}/broken"
    subjects = {
        ("tool", "install", "picky<5"): "picky<5",
        ("tool", "install", broken): broken,
        ("tool", "run", "picky"): "picky",
        (str(script),): str(script),
        ("lock", str(script)): str(script),
    }
    for words, subject in subjects.items():
        failed = pyx(*words, cwd=project)
        assert failed.returncode == UNAVAILABLE, failed.stderr
        assert f"pyx: uv could not lock {subject} (" in failed.stderr
        assert ".new." not in failed.stderr
        assert not list(Path(pyx.environ["PYX_HOME"]).glob("*/.new.*"))


@pytest.mark.parametrize("kind", ["pylock.toml", "uv.lock"])
def test_an_upgrade_to_a_version_leaves_what_is_required(
    pyx: Pyx, project: Path, wheels: Path, kind: str
) -> None:
    """The lock moves to it, up or down, and the project asks for no more than before."""
    (project / kind).write_text('version = 1\nrequires-python = ">=3.9"\n' if "uv" in kind else "")
    succeed(pyx("lock", cwd=project))
    succeed(pyx("add", "tick", cwd=project))
    make_wheel(wheels, "tick", "1.1")
    make_wheel(wheels, "tick", "1.2")
    asked = (project / "pyproject.toml").read_bytes()
    for version in ("1.1", "1.2", "1.0"):
        lines = succeed(pyx("lock", "--upgrade", f"tick=={version}", cwd=project))
        assert lines[0].endswith(f"→ {version}")
    assert (project / "pyproject.toml").read_bytes() == asked


def test_what_is_not_locked_cannot_be_upgraded(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """A name that no lock has is a mistake, in each kind of lock and that of a script."""
    script = tmp_path / "x.py"
    script.write_text('# /// script\n# dependencies = ["tick"]\n# ///\n')
    succeed(pyx("lock", script))
    for kind in ("pylock.toml", "uv.lock", "requirements.txt"):
        if kind == "uv.lock":
            (project / "pylock.toml").unlink()
            (project / kind).write_text('version = 1\nrequires-python = ">=3.9"\n')
        elif kind == "requirements.txt":
            (project / "uv.lock").unlink()
            (project / "pyproject.toml").unlink()
            (project / "requirements.in").write_text("tick\n")
        succeed(pyx("lock", cwd=project))
        before = listed(project)
        for command, lock in (
            ("lock", project / kind),
            (f"lock {script}", script.with_name("pylock.x.toml")),
        ):
            told = pyx(*command.split(), "--upgrade", "Tikc", cwd=project)
            assert (told.returncode, told.stdout) == (USAGE, "")
            assert told.stderr == (
                f"pyx: {lock}: Tikc is not locked\n"
                f"pyx: hint: did you mean `pyx {command} --upgrade tick`?\n"
            )
        assert "pyx list" in pyx("lock", "--upgrade", "zzz", cwd=project).stderr
        assert listed(project) == before
        succeed(pyx("lock", "--upgrade", "TICK", cwd=project))


def test_a_server_that_fails_changes_nothing(pyx: Pyx, project: Path, index: IndexServer) -> None:
    """The network is no reason for half a change."""
    index.fail("/simple/", 503)
    told = pyx("add", "talk", cwd=project, env={"UV_HTTP_RETRIES": "0"})
    assert told.returncode == UNAVAILABLE
    assert listed(project) == {"pyproject.toml": MANIFEST.encode()}


def start(pyx: Pyx, project: Path, *words: str) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        [pyx.path, *words],
        cwd=project,
        env=pyx.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until_resolving(process: subprocess.Popen[str], project: Path) -> None:
    """Return when the manifest has been written, and uv waits for the index."""
    for _ in range(600):
        if b"talk" in (project / "pyproject.toml").read_bytes() or process.poll() is not None:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    assert process.poll() is None


@pytest.mark.parametrize(
    ("kind", "number"), [("pylock.toml", signal.SIGINT), ("uv.lock", signal.SIGTERM)]
)
def test_an_interruption_changes_nothing(
    pyx: Pyx, project: Path, index: IndexServer, kind: str, number: signal.Signals
) -> None:
    """Ctrl-C reaches uv as well; another signal may reach pyx alone."""
    if kind == "uv.lock":
        (project / "uv.lock").write_text('version = 1\nrequires-python = ">=3.9"\n')
        succeed(pyx("lock", cwd=project))
    before = listed(project)
    index.delay("/talk/", 8)
    process = start(pyx, project, "add", "talk")
    wait_until_resolving(process, project)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, told = process.communicate(timeout=15)
    assert process.returncode == 128 + number
    assert "Traceback" not in told
    assert listed(project) == before


def test_a_killed_command_is_undone_by_the_next(
    pyx: Pyx, project: Path, index: IndexServer
) -> None:
    """Nothing can be done at the moment itself; the next command finds it out and says so."""
    index.delay("/talk/", 8, times=1)
    process = start(pyx, project, "add", "talk")
    wait_until_resolving(process, project)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=15)
    assert b"talk" in (project / "pyproject.toml").read_bytes()
    told = pyx("lock", cwd=project)
    succeed(told)
    assert f"restored {project / 'pyproject.toml'}" in told.stderr
    assert (project / "pyproject.toml").read_text() == MANIFEST
    assert list(locked(project)) == ["tick"]


def test_a_killed_command_is_undone_by_the_next_start(
    pyx: Pyx, project: Path, index: IndexServer
) -> None:
    """Whoever comes first finds it, says so, and goes by the files as they were."""
    succeed(pyx("lock", cwd=project))
    before = listed(project)
    below = project / "below"
    for words in (("sync",), ("info",), ("-c", "print(1)")):
        below.mkdir()
        assert pyx(*words, cwd=below).returncode == 0
        index.delay("/talk/", 8, times=1)
        process = start(pyx, project, "add", "talk")
        wait_until_resolving(process, project)
        assert pyx(*words, cwd=below).stderr.count("restored") == 0, "it goes on"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=15)
        told = pyx(*words, cwd=below)
        assert told.returncode == 0
        assert f"pyx: restored {project / 'pyproject.toml'}" in told.stderr
        assert "out of date" not in told.stderr
        below.rmdir()
        assert listed(project) == before


def test_two_at_once_both_land(pyx: Pyx, project: Path) -> None:
    """The second waits for the first, and then begins with what that wrote."""
    processes = [start(pyx, project, "add", name) for name in ("talk", "windy")]
    told = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert {"talk", "tick", "windy"} == set(locked(project))
    data = tomli.loads((project / "pyproject.toml").read_text())["project"]["dependencies"]
    assert sorted(data) == ["talk>=2.0", "tick<2", "windy>=3.0"]


def test_uvs_own_lock_stays_uvs(pyx: Pyx, project: Path, uv: Path) -> None:
    """A project with a uv.lock keeps that kind, and uv finds it up to date."""
    (project / "uv.lock").write_text('version = 1\nrequires-python = ">=3.9"\n')
    assert "+ talk 2.0" in succeed(pyx("add", "talk", cwd=project))
    assert list(listed(project)) == ["pyproject.toml", "uv.lock"]
    succeed(pyx("-c", "import talk, tick", cwd=project))
    index = {"UV_DEFAULT_INDEX": pyx.environ["PIP_INDEX_URL"]}
    succeed(pyx.run([uv, "lock", "--check"], cwd=project, env=index))


def test_a_bound_locks_no_older_python_out(pyx: Pyx, project: Path, wheels: Path) -> None:
    """What is locked for the oldest is the bound, though this one gets a newer version."""
    make_wheel(wheels, "forked", "1.0")
    make_wheel(wheels, "forked", "2.0", requires_python=">=3.10")
    assert "+ forked 2.0" in succeed(pyx("add", "forked", cwd=project))
    assert '"forked>=1.0"' in (project / "pyproject.toml").read_text()
    lock = (project / "pylock.toml").read_text()
    assert "forked-1.0-py3-none-any.whl" in lock
    assert "forked-2.0-py3-none-any.whl" in lock


def test_an_environment_that_is_there_gets_another_python(
    pyx: Pyx, project: Path, interpreters: dict[str, Path]
) -> None:
    """It is locked for the one that is asked for, and its later starts take that one."""
    old, new = [version for version in interpreters if not version.endswith("t")][-2:]
    succeed(pyx("add", "@science", "tick", "--python", old, cwd=project))
    told = succeed(pyx("add", "@science", "talk", "--python", new, cwd=project))
    assert told[0].endswith(f"named/science/.python-version: {new}")
    code = "import sys, talk; print('%d.%d' % sys.version_info[:2])"
    assert succeed(pyx("@science", "-c", code, cwd=project)) == [new]


def test_a_member_of_a_workspace_shares_its_lock(pyx: Pyx, project: Path) -> None:
    """The lock of uv's workspace is brought up to date, and no other one made."""
    member = project / "member"
    member.mkdir()
    (member / "pyproject.toml").write_text(MANIFEST.replace("sample", "member"))
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.uv.workspace]\nmembers = ["member"]\n')
    (project / "uv.lock").write_text('version = 1\nrequires-python = ">=3.9"\n')
    told = succeed(pyx("add", "talk", cwd=member))
    assert {"+ talk 2.0", "+ tick 1.0"} <= {*told}
    assert list(listed(member)) == ["pyproject.toml"]
    assert 'name = "talk"' in (project / "uv.lock").read_text()
    told = succeed(pyx("--project", "member", "remove", "talk", cwd=project))
    assert "- talk 2.0" in told


def test_a_list_of_requirements_is_compiled(pyx: Pyx, project: Path) -> None:
    """requirements.in is what is edited, requirements.txt what has the hashes."""
    (project / "pyproject.toml").unlink()
    (project / "requirements.in").write_text("# mine\ntick\n")
    assert "+ talk 2.0" in succeed(pyx("add", "talk", cwd=project))
    assert (project / "requirements.in").read_text() == "# mine\ntick\ntalk>=2.0\n"
    assert "talk==2.0 \\\n    --hash=sha256:" in (project / "requirements.txt").read_text()
    assert "http" not in (project / "requirements.txt").read_text()
    succeed(pyx("-c", "import talk, tick", cwd=project))


@pytest.mark.parametrize("kind", ["pylock.toml", "uv.lock", "requirements.txt", "list"])
def test_a_damaged_lock_is_made_anew(pyx: Pyx, project: Path, kind: str) -> None:
    """The hint of the start, `pyx lock`, is what repairs it; a failure leaves even the damage."""
    if kind == "uv.lock":
        (project / kind).write_text('version = 1\nrequires-python = ">=3.9"\n')
    if kind in ("requirements.txt", "list"):
        (project / "pyproject.toml").unlink()
        source = "requirements.txt" if kind == "list" else "requirements.in"
        (project / source).write_text("tick<2\n")
    assert "written again" not in pyx("lock", cwd=project).stderr
    lock = project / ("pylock.toml" if kind == "list" else kind)
    sound = lock.read_bytes()
    cut = sound[: sound.index(b"sha256")]
    for damage in (cut, b"", b"\xff\0" + sound):
        lock.write_bytes(damage)
        if damage or kind != "requirements.txt":
            told = pyx("-c", "pass", cwd=project)
            assert told.returncode == BAD_LOCK
            assert "`pyx lock`" in told.stderr.partition("hint: ")[2]
        if damage == cut:
            before = listed(project)
            failed = pyx("add", "nowhere", cwd=project)
            assert (failed.returncode, listed(project)) == (UNAVAILABLE, before)
        succeed(pyx("lock", cwd=project))
        assert lock.read_bytes() == sound
    assert pyx("--locked", "-c", "import tick", cwd=project).stderr == ""


def test_a_merge_conflict_in_a_lock_is_the_users(pyx: Pyx, project: Path) -> None:
    """Nothing is written over it; the hint of both is what git takes, and then `pyx lock` does."""
    run = functools.partial(subprocess.run, cwd=project, capture_output=True, text=True)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    succeed(pyx("lock", cwd=project))
    run(["git", "init", "-q", "-b", "main"], check=True)
    run(["git", "add", "."], check=True)
    run(["git", *identity, "commit", "-qm", "1"], check=True)
    run(["git", "switch", "-qc", "other"], check=True)
    succeed(pyx("add", "talk", cwd=project))
    run(["git", *identity, "commit", "-qam", "2"], check=True)
    run(["git", "switch", "-q", "main"], check=True)
    succeed(pyx("add", "windy", cwd=project))
    run(["git", *identity, "commit", "-qam", "3"], check=True)
    assert run(["git", *identity, "merge", "other"], check=False).returncode != 0
    lock = project / "pylock.toml"
    assert b"<<<<<<<" in lock.read_bytes()
    (project / "pyproject.toml").write_text(
        MANIFEST.replace("# why\n", '# why\n    "talk>1", "windy",\n')
    )
    before = lock.read_bytes()
    for words in (["-c", "pass"], ["lock"], ["add", "talk"]):
        told = pyx(*words, cwd=project)
        assert (told.returncode, lock.read_bytes()) == (BAD_LOCK, before)
        assert "holds both sides of a merge conflict" in told.stderr.splitlines()[0]
        hint = told.stderr.partition("hint: ")[2]
    command = hint.split("`")[1]
    assert subprocess.run(command, shell=True, cwd="/", check=False).returncode == 0  # noqa: S602
    succeed(pyx("lock", cwd=project))
    succeed(pyx("--locked", "-c", "import talk, tick, windy", cwd=project))


def test_a_list_without_hashes_is_locked_beside_it(pyx: Pyx, project: Path, wheels: Path) -> None:
    """A requirements.txt that pins nothing stays, and gets a pylock.toml; `pyx add` edits it."""
    (project / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    path = project / "requirements.txt"
    path.write_text("tick<2  # why\n-r more.txt\n")
    (project / "more.txt").write_text("windy; sys_platform == 'win32'\n")
    lines = succeed(pyx("lock", cwd=project))
    assert lines == ["+ tick 1.0", f"{project / 'pylock.toml'}: 1 package, 1 changed"]
    assert path.read_text() == "tick<2  # why\n-r more.txt\n"
    assert locked(project) == {
        "tick": ("1.0", None),
        "windy": ("3.0", "sys_platform == 'win32'"),
    }
    make_wheel(wheels, "tick", "1.1")
    fresh = {"UV_CACHE_DIR": str(project.parent / "fresh")}
    assert succeed(pyx("add", "talk", cwd=project, env=fresh))[0] == "+ talk 2.0"
    assert path.read_text() == "tick<2  # why\n-r more.txt\ntalk>=2.0\n"
    started = pyx("--locked", "-c", "import talk, tick; print(tick.__version__)", cwd=project)
    assert (succeed(started), started.stderr) == (["1.0"], "")
    assert succeed(pyx("lock", "--upgrade", "tick", cwd=project, env=fresh))[0] == (
        "~ tick 1.0 → 1.1"
    )
    before = listed(project)
    assert pyx("add", "nowhere", cwd=project).returncode == UNAVAILABLE
    assert listed(project) == before


def test_a_pyproject_of_tools_alone_is_no_project(pyx: Pyx, project: Path) -> None:
    """Where it only configures tools, the list beside it says what is required."""
    (project / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    (project / "requirements.in").write_text("tick\n")
    succeed(pyx("lock", cwd=project))
    assert "tick==1.0" in (project / "requirements.txt").read_text()
    other = project / "other"
    other.mkdir()
    (other / "requirements.txt").write_text("tick\n")
    succeed(pyx("add", "--init", "windy", cwd=other))
    assert (other / "requirements.txt").read_text().startswith("tick\nwindy>=")
    assert set(locked(other)) >= {"tick", "windy"}


def test_a_list_that_somebody_wrote_is_left_alone(pyx: Pyx, project: Path) -> None:
    """Without hashes and without a requirements.in, requirements.txt is nobody's lock."""
    (project / "requirements.txt").write_text("anything\n")
    succeed(pyx("add", "talk", cwd=project))
    assert (project / "requirements.txt").read_text() == "anything\n"
    assert set(locked(project)) == {"talk", "tick", "windy"}


def test_a_named_environment_is_a_project(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """It is named at either place, from any directory, and made by the first `pyx add`."""
    assert pyx("remove", "@science", "tick", cwd=tmp_path).returncode == USAGE
    assert pyx("add", "@science", "picky", cwd=tmp_path).returncode == UNAVAILABLE
    assert pyx("env", "list", cwd=tmp_path).stdout == ""
    succeed(pyx("add", "@science", "tick", cwd=tmp_path))
    succeed(pyx("@science", "add", "talk", cwd=tmp_path))
    succeed(pyx("@science", "-c", "import tick, talk", cwd=tmp_path))
    succeed(pyx("remove", "@science", "tick", cwd=tmp_path))
    assert (project / "pyproject.toml").read_text() == MANIFEST


def test_the_users_own_environment_serves_everywhere(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """`--user` is @default, which a program without a lock above it gets."""
    code = "import tick; print(tick.__name__)"
    assert pyx("-c", code, cwd=tmp_path).returncode == 1
    succeed(pyx("add", "--user", "tick", cwd=tmp_path))
    assert pyx("-c", code, cwd=tmp_path).stdout == "tick\n"
    succeed(pyx("remove", "--user", "tick", cwd=tmp_path))
    assert pyx("-c", code, cwd=tmp_path).returncode == 1


def test_a_projects_own_index_comes_before_pips(
    pyx: Pyx, project: Path, index: IndexServer
) -> None:
    """What the user has told pip does not override what the project says."""
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'[[tool.uv.index]]\nurl = "{index.url}"\ndefault = true\n')
    lines = succeed(pyx("lock", cwd=project, env={"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}))
    assert lines[0] == "+ tick 1.0"


def test_uvs_variables_come_before_pips(pyx: Pyx, project: Path, index: IndexServer) -> None:
    """Who has configured uv itself is obeyed."""
    env = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "UV_DEFAULT_INDEX": index.url}
    succeed(pyx("lock", cwd=project, env=env))


def test_what_a_file_lists_is_required(pyx: Pyx, project: Path) -> None:
    """With its specifiers, from the files it includes as well, and its hashes left out."""
    (project / "more.txt").write_text("windy ; sys_platform == 'linux'\n")
    (project / "wanted.txt").write_text(
        f"# what it takes\n-r more.txt\ntalk==2.0 --hash=sha256:{'0' * 64}  # why\n-e .\n"
    )
    assert "+ talk 2.0" in succeed(pyx("add", "-rwanted.txt", "--group", "x", cwd=project))
    group = tomli.loads((project / "pyproject.toml").read_text())["dependency-groups"]["x"]
    assert group == ['windy>=3.0 ; sys_platform == "linux"', "talk==2.0"]
    assert {"tick", "talk", "windy"} == set(locked(project))
    succeed(pyx("lock", "--check", cwd=project))


def test_what_is_locked_is_no_list_of_what_to_require(pyx: Pyx, project: Path) -> None:
    """A requirements.txt with hashes is the lock beside its manifest; a copy of it is a list."""
    text = f"talk==2.0 --hash=sha256:{'0' * 64}\n"
    (project / "requirements.txt").write_text(text)
    told = pyx("add", "-r", "requirements.txt", cwd=project)
    assert (told.returncode, (project / "requirements.txt").read_text()) == (USAGE, text)
    hint = told.stderr.partition("copy it first: ")[2].strip(" `\n")
    env = {"PATH": f"{pyx.path.parent}{os.pathsep}{pyx.environ['PATH']}"}
    done = pyx.run(["sh", "-c", hint], cwd=project, env=env)
    succeed(done)
    data = tomli.loads((project / "pyproject.toml").read_text())
    assert data["project"]["dependencies"] == ["tick<2", "talk==2.0"]
    assert {"talk", "tick", "windy"} == {
        line.partition("==")[0]
        for line in (project / "requirements.txt").read_text().splitlines()
        if "==" in line
    }


def test_a_resolution_keeps_to_constraints(pyx: Pyx, project: Path, wheels: Path) -> None:
    """The pins stay when it is locked again, though nothing in the project names the file."""
    make_wheel(wheels, "talk", "3.0", requires=["tick"])
    (project / "limits.txt").write_text("tick==1.0\ntalk<3\nnever==1\n")
    succeed(pyx("add", "-c", "limits.txt", "talk", cwd=project))
    assert {name: version for name, (version, _) in locked(project).items()}["talk"] == "2.0"
    assert "~ talk 2.0 → 3.0" in succeed(pyx("lock", "-U", cwd=project))
    assert "constraint" not in (project / "pyproject.toml").read_text()


def test_a_list_without_hashes_is_its_own_projects(
    pyx: Pyx, tmp_path: Path, wheels: Path, uv: Path
) -> None:
    """To require what it lists is to lock it."""
    pyx.environ["PYX_UV"] = str(uv)
    make_wheel(wheels, "tick", "1.0")
    directory = tmp_path / "listed"
    directory.mkdir()
    (directory / "requirements.txt").write_text("tick\n")
    succeed(pyx("add", "-r", "requirements.txt", cwd=directory))
    assert (directory / "requirements.txt").read_text() == "tick\n"
    assert set(locked(directory)) == {"tick"}


def test_a_directory_is_required_as_it_is(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """`-e` writes what uv is told by, and the lock has the directory itself."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text('[project]\nname = "other"\nversion = "1"\n')
    lines = succeed(pyx("add", "-e", "../other", cwd=project))
    assert lines[0] == "+ other"
    assert lines[-1].endswith(": 2 packages, 2 changed")
    data = tomli.loads((project / "pyproject.toml").read_text())
    assert data["project"]["dependencies"] == ["tick<2", "other"]
    assert data["tool"]["uv"]["sources"] == {"other": {"path": "../other", "editable": True}}
    (found,) = (
        one
        for one in tomli.loads((project / "pylock.toml").read_text())["packages"]
        if one["name"] == "other"
    )
    assert found["directory"] == {"path": "../other", "editable": True}


def test_what_is_said_of_a_lock_without_packages(pyx: Pyx, project: Path) -> None:
    """That it is new, where nothing was there, and else that no version changed."""
    empty = MANIFEST.replace('"tick<2",', "")
    (project / "pyproject.toml").write_text(empty)
    for said in ("the lock is new", "no version changed"):
        assert succeed(pyx("lock", cwd=project)) == [f"{project}/pylock.toml: 0 packages, {said}"]


def test_a_package_may_be_required_twice_by_marker(pyx: Pyx, project: Path) -> None:
    """Each of them holds where its marker does."""
    words = ["talk<3; python_version>='3.10'", "talk<4; python_version<'3.10'"]
    assert "+ talk 2.0" in succeed(pyx("add", *words, cwd=project))


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "Pipfile", "uv.lock", "a.yml", "data.csv", "notes.ipynb", "setup.cfg"],
)
def test_a_file_is_no_package(pyx: Pyx, project: Path, index: IndexServer, name: str) -> None:
    """The index is not asked for one of that name, and no file is touched."""
    (project / name).touch()
    before = listed(project)
    asked = len(index.requests)
    for words in ([name], ["tick", f"./{name}"], ["-r", name]):
        if words[0] == "-r" and name == "data.csv":
            # A list may have any name.
            continue
        told = pyx("add", *words, cwd=project)
        assert (told.returncode, told.stdout) == (USAGE, "")
        assert f"{name} is neither a package nor a list of them" in told.stderr
    assert (len(index.requests), listed(project)) == (asked, before)


def test_a_new_project_forgets_no_list_that_is_there(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """With `--init` a requirements.txt is the project, as without; `-r` makes another of it."""
    for name, words, requires in (
        ("list", ["tick"], "talk\ntick>=1.0\n"),
        ("taken", ["-r", "requirements.txt", "tick"], "talk\n"),
    ):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "requirements.txt").write_text("talk\n")
        lines = succeed(pyx("add", "--init", *words, cwd=directory))
        assert lines[:2] == ["+ talk 2.0", "+ tick 1.0"]
        assert (directory / "requirements.txt").read_text() == requires
        assert (directory / "pyproject.toml").exists() is (name == "taken")


@pytest.mark.parametrize("manifest", ["", "[tool.x]\n"])
def test_a_new_project_forgets_no_lock_that_is_there(
    pyx: Pyx, project: Path, tmp_path: Path, manifest: str
) -> None:
    """A requirements.txt with hashes is taken over where the user says so; the hint says how."""
    directory = tmp_path / "locked"
    directory.mkdir()
    (directory / "requirements.txt").write_text(f"talk==2.0 --hash=sha256:{'0' * 64}\n")
    if manifest:
        (directory / "pyproject.toml").write_text(manifest)
    before = listed(directory)
    refused = pyx("add", "--init", "tick<2", cwd=directory)
    assert (refused.returncode, refused.stdout) == (USAGE, "")
    assert refused.stderr.splitlines() == [
        f"pyx: {directory}/requirements.txt locks what a new project would not have",
        "pyx: hint: pyx add --init -r requirements.txt 'tick<2'",
    ]
    assert listed(directory) == before
    lines = succeed(pyx("add", "--init", "-r", "requirements.txt", "tick<2", cwd=directory))
    assert lines[-1].endswith("2 packages, 1 changed" if manifest else "2 packages, 2 changed")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_strangers_project_above_is_refused(pyx: Pyx, project: Path) -> None:
    """To lock it would run what it says."""
    below = project / "mine"
    below.mkdir()
    os.chown(project / "pyproject.toml", 65534, 65534)
    told = pyx("add", "talk", cwd=below)
    assert told.returncode == REFUSED
    assert list(listed(below)) == []


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("add",), USAGE, "pyx add needs the NAME of a package\npyx: hint: pyx add --help"),
        (("add", "@x"), USAGE, "hint: pyx add --help"),
        (("add", "a b"), USAGE, "'a b' is not a valid requirement"),
        (("add", "tick@1.0"), USAGE, "hint: did you mean tick==1.0?"),
        (("add", "tick[x] @ v2"), USAGE, "hint: did you mean tick[x]==2?"),
        (("add", "tick@latest"), USAGE, "hint: did you mean tick, or `pyx lock"),
        (("add", "--dev", "--optional", "x", "tick"), USAGE, "hint: pyx add tick --optional x"),
        (("add", "tick>=1", "--extra", "a,b"), USAGE, "hint: pyx add 'tick[a,b]>=1'\n"),
        (("add", "--group", "g", "tick", "--extra=a"), USAGE, "hint: pyx add --group g 'tick[a]'"),
        (("add", "-r", "some.txt", "--extra", "a"), USAGE, "pyx add --optional a -r some.txt\n"),
        (("add", "--script", "gone.py", "tick"), USAGE, "there is no script"),
        (("add", "--upgrade", "tick"), USAGE, "unknown option --upgrade"),
        (("remove", "talk"), USAGE, "talk is not in the dependencies\npyx: hint: `pyx tree` shows"),
        (("lock", "talk"), USAGE, "talk is not a script"),
        (("lock", "pyproject.toml"), USAGE, "is not a script\npyx: hint: `pyx lock` locks"),
        (("lock", "--upgrade=tick"), USAGE, "hint: pyx lock --upgrade tick\n"),
        (("sync", "--with", "docs"), USAGE, "hint: a group of the project is `--group docs`"),
        (("add", "-r", "gone.txt"), USAGE, "there is no file"),
        (("add", "--project", "gone", "tick"), USAGE, "there is no project"),
        (("add", "@../x", "tick"), USAGE, "an environment cannot be named"),
    ],
)
def test_mistakes_cost_one_line(
    pyx: Pyx, project: Path, words: tuple[str, ...], status: int, message: str
) -> None:
    """What is wrong, a hint, a status; and no file is touched."""
    told = pyx(*words, cwd=project)
    assert told.returncode == status
    assert message in told.stderr
    assert told.stderr.startswith("pyx: ")
    assert len(told.stderr.splitlines()) <= 2
    assert listed(project) == {"pyproject.toml": MANIFEST.encode()}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("remove", "tick"), "name it: `pyx --project DIR remove tick`"),
        (("add", "tick"), "`pyx add --init tick` makes one here"),
        (("lock",), "`pyx init` makes one here"),
        (("lock", "--check"), "`pyx init` makes one here"),
        (("remove", "@gone", "tick"), "pyx env list"),
    ],
)
def test_without_a_project_there_is_nothing_to_change(
    pyx: Pyx, project: Path, tmp_path: Path, words: tuple[str, ...], hint: str
) -> None:
    """The hint is one for the command: to remove something, nobody makes a project."""
    empty = tmp_path / "empty"
    empty.mkdir()
    told = pyx(*words, cwd=empty)
    assert (told.returncode, told.stdout) == (USAGE, "")
    assert told.stderr.splitlines()[1] == f"pyx: hint: {hint}"
    assert listed(empty) == {}


def test_a_tool_that_is_not_there(pyx: Pyx, project: Path) -> None:
    """The error names the variable that names it."""
    told = pyx("add", "talk", cwd=project, env={"PYX_UV": "/nowhere/uv"})
    assert told.returncode == 127
    assert "PYX_UV=/nowhere/uv is not a program" in told.stderr
    assert listed(project) == {"pyproject.toml": MANIFEST.encode()}


def make_project(directory: Path, name: str, more: str = "") -> Path:
    """Make a project that requires nothing."""
    directory.mkdir(parents=True)
    (directory / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.9"\n'
        f"dependencies = []\n{more}"
    )
    return directory


def test_a_directory_is_required_by_its_path(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """A copy of it, which can be removed with all that was written for it."""
    make_project(tmp_path / "other", "other", '[project.optional-dependencies]\nx = ["talk"]\n')
    assert "+ other" in succeed(pyx("add", "../other[x]", "windy", cwd=project))
    data = tomli.loads((project / "pyproject.toml").read_text())
    assert data["project"]["dependencies"][1:] == ["windy>=3.0", "other[x]"]
    assert data["tool"]["uv"]["sources"] == {"other": {"path": "../other"}}
    assert {
        one["name"] for one in tomli.loads((project / "pylock.toml").read_text())["packages"]
    } == {"other", "talk", "tick", "windy"}
    succeed(pyx("remove", "other", "windy", cwd=project))
    assert "sources" not in (project / "pyproject.toml").read_text()


def test_a_wheel_is_required_by_its_path(pyx: Pyx, project: Path) -> None:
    """Its name says which package it is."""
    make_wheel(project / "dist", "near", "1.0")
    succeed(pyx("add", "dist/near-1.0-py3-none-any.whl", cwd=project))
    assert succeed(pyx("-c", "import near; print(near.__version__)", cwd=project)) == ["1.0"]


def test_a_list_has_lines_for_directories(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """One with `-e` for what is used as it is, and `remove` knows it by its name."""
    make_project(tmp_path / "other", "other")
    directory = tmp_path / "listed"
    directory.mkdir()
    (directory / "requirements.txt").write_text("tick\n")
    assert "+ other" in succeed(pyx("add", "-e", "../other", cwd=directory))
    assert (directory / "requirements.txt").read_text() == "tick\n-e ../other\n"
    assert "- other" in succeed(pyx("remove", "Other", cwd=directory))
    assert (directory / "requirements.txt").read_text() == "tick\n"


def test_a_workspace_of_uv_has_one_lock(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Uv's, at its root, whoever of it is changed first; a member is required as uv does it."""
    root = make_project(
        tmp_path / "space", "root", '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    )
    for name in ("util", "app"):
        make_project(root / "packages" / name, name, "[tool.uv]\npackage = true\n")
    succeed(pyx("add", "../util", "tick", cwd=root / "packages" / "app"))
    succeed(pyx("add", "-e", "./packages/util", cwd=root))
    succeed(pyx("lock", cwd=root))
    for directory in (root, root / "packages" / "app"):
        data = tomli.loads((directory / "pyproject.toml").read_text())
        assert "util" in data["project"]["dependencies"]
        assert data["tool"]["uv"]["sources"] == {"util": {"workspace": True}}
    assert [path for path in root.rglob("*lock*") if path.is_file()] == [root / "uv.lock"]


def test_a_member_of_the_workspace_is_required_by_its_name(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """From the root or from another member, unless pyproject.toml says where it comes from."""
    root = make_project(
        tmp_path / "space", "root", '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    )
    for name in ("libb", "app"):
        make_project(root / "packages" / name, name, "[tool.uv]\npackage = true\n")
    for directory in (root, root / "packages" / "app"):
        succeed(pyx("add", "LibB", cwd=directory))
        data = tomli.loads((directory / "pyproject.toml").read_text())
        assert data["project"]["dependencies"] == ["libb"]
        assert data["tool"]["uv"]["sources"] == {"libb": {"workspace": True}}
    succeed(pyx("add", "libb", cwd=root))
    assert tomli.loads((root / "pyproject.toml").read_text())["tool"]["uv"]["sources"] == {
        "libb": {"workspace": True}
    }


def test_uvs_table_asks_for_uvs_lock(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Where there is none yet; a lock that is there stays what it is.

    What pyx itself writes into that table asks for nothing.
    """
    succeed(pyx("lock", cwd=project))
    with (project / "pyproject.toml").open("a") as file:
        file.write("[tool.uv]\ndefault-groups = []\n")
    succeed(pyx("lock", cwd=project))
    assert not (project / "uv.lock").exists()
    (project / "pylock.toml").unlink()
    succeed(pyx("lock", cwd=project))
    assert (project / "uv.lock").exists()
    assert not (project / "pylock.toml").exists()
    near = make_project(tmp_path / "near", "near", "[tool.uv.sources]\nmine = {path = 'mine'}\n")
    succeed(pyx("lock", cwd=near))
    assert not (near / "uv.lock").exists()


def test_files_that_are_included_are_read(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Seen from the file that names them; a list keeps to their constraints, too."""
    listing = tmp_path / "listed"
    for directory in (project, listing):
        (directory / "req").mkdir(parents=True)
        (directory / "dev.txt").write_text("-c req/limits.txt\n-r req/more.txt\ntalk\n")
        (directory / "req" / "more.txt").write_text("-r most.txt\n")
        (directory / "req" / "most.txt").write_text("windy\n")
        (directory / "req" / "limits.txt").write_text("talk<3\ntick==1.0\nnever==1\n")
    (listing / "requirements.in").write_text("")
    for directory in (project, listing):
        lines = succeed(pyx("add", "-r", "dev.txt", cwd=directory))
        assert {"+ talk 2.0", "+ tick 1.0"} <= set(lines)
    assert (listing / "requirements.in").read_text() == "windy>=3.0\ntalk<3\n"


def test_a_constraint_that_cannot_be_kept_changes_nothing(
    pyx: Pyx, project: Path, tmp_path: Path, wheels: Path
) -> None:
    """In a list, what is not named there has no place for one; the hint gives it one."""
    make_wheel(wheels, "tick", "2.0")
    directory = tmp_path / "listed"
    directory.mkdir()
    (directory / "requirements.in").write_text("")
    (directory / "limits.txt").write_text("tick<2\n")
    told = pyx("add", "-c", "limits.txt", "talk", cwd=directory)
    assert (told.returncode, told.stderr.splitlines()[-2:]) == (
        USAGE,
        [
            "pyx: tick 2.0 would be locked, and the constraints have tick<2",
            "pyx: hint: `pyx add 'tick<2'` requires that; then this again",
        ],
    )
    assert list(listed(directory)) == ["limits.txt", "requirements.in"]
    succeed(pyx("add", "tick<2", cwd=directory))
    assert "+ talk 2.0" in succeed(pyx("add", "-c", "limits.txt", "talk", cwd=directory))


def test_what_a_file_lists_is_removed(pyx: Pyx, project: Path) -> None:
    """As far as it is there; of a file of which nothing is, that is told."""
    succeed(pyx("add", "windy", cwd=project))
    (project / "old.txt").write_text("Windy==3.0\nnever\n")
    assert succeed(pyx("remove", "-r", "old.txt", cwd=project))[0] == "- windy 3.0"
    assert (project / "pyproject.toml").read_text() == MANIFEST
    told = pyx("remove", "-r", "old.txt", cwd=project)
    assert told.returncode == USAGE
    assert "windy is not in the dependencies" in told.stderr


def test_an_old_project_gets_no_second_one(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Neither `add` nor `lock` takes a setup.py's directory for one where nothing is required."""
    directory = tmp_path / "old"
    directory.mkdir()
    (directory / "setup.py").write_text("from setuptools import setup\nsetup(name='old')\n")
    hint = "`echo '-e .' >> requirements.txt && pyx lock` locks it with what it requires"
    for words in (["add", "-e", "."], ["add", "."], ["lock"]):
        told = pyx(*words, cwd=directory)
        assert (told.returncode, told.stderr.splitlines()[-1]) == (USAGE, f"pyx: hint: {hint}")
        # It may name what builds it.
        (directory / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    told = pyx("-m", "pip", "install", "-e", ".", cwd=directory)
    assert told.stderr.splitlines()[-1] == f"pyx: hint: {hint}"


def test_python_is_not_a_package(pyx: Pyx, project: Path) -> None:
    """A script says in its block which it needs; no index is asked, and no file is changed."""
    (project / "s.py").write_text("# /// script\n# dependencies = []\n# ///\n")
    before = listed(project)
    for words in (["python==3.12"], ["python3.12", "tick"], ["--script", "s.py", "python>=3"]):
        told = pyx("add", *words, cwd=project)
        assert (told.returncode, told.stdout) == (USAGE, "")
        assert told.stderr.startswith("pyx: python is not a package: ")
    assert told.stderr.endswith("s.py says which it needs, as requires-python\n")
    assert listed(project) == before


def test_a_name_of_condas_is_told_from_that_of_an_index(
    pyx: Pyx, tmp_path: Path, wheels: Path, uv: Path
) -> None:
    """What an index has of that name is another package, which somebody may still want."""
    pyx.environ["PYX_UV"] = str(uv)
    make_wheel(wheels, "pytorch", "1.0")
    make_wheel(wheels, "torch", "2.0")
    told = pyx("add", "--init", "pytorch", cwd=tmp_path)
    assert (told.returncode, (tmp_path / "pyproject.toml").exists()) == (USAGE, False)
    problem, hint = told.stderr.splitlines()
    assert problem == (
        "pyx: what conda has as pytorch is torch on an index, where pytorch is another package"
    )
    for command, added in zip(hint.split("`")[1::2], ("torch 2.0", "pytorch 1.0"), strict=True):
        told = pyx(*shlex.split(command)[1:], cwd=tmp_path)
        assert (told.returncode, told.stdout.splitlines()[0]) == (0, f"+ {added}"), told.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nb.ipynb", b'{"cells": []}'),
        ("data.csv", b"a,b\n1,2\n"),
        ("program", b"\x7fELF\0\0"),
    ],
)
def test_what_is_not_a_script_stays_as_it_is(
    pyx: Pyx, project: Path, name: str, content: bytes
) -> None:
    """By its name or its content: a block of comments would destroy most other files."""
    (project / name).write_bytes(content)
    for words in (("add", "--script", name, "tick"), ("lock", name)):
        told = pyx(*words, cwd=project)
        assert told.returncode == USAGE
        assert told.stderr.startswith(f"pyx: {project / name} is not a script")
        assert (project / name).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hook", "import tick\n"),
        ("hook.cgi", "#!/usr/bin/env python3\nimport tick\n"),
        ("hook.txt", "# /// script\n# dependencies = []\n# ///\nimport tick\n"),
    ],
)
def test_a_script_may_have_any_name(pyx: Pyx, project: Path, name: str, text: str) -> None:
    """If it says itself that it is one."""
    (project / name).write_text(text)
    assert succeed(pyx("add", "--script", name, "tick", cwd=project))[0] == "+ tick 1.0"
    assert '"tick>=1.0"' in (project / name).read_text()


def test_a_project_with_a_setup_py_keeps_its_packaging(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """A table [project] would replace its name, its version and what it requires."""
    directory = tmp_path / "old"
    directory.mkdir()
    (directory / "setup.py").write_text("from setuptools import setup\nsetup(name='mine')\n")
    (directory / "more.txt").write_text("tick\n")
    files = listed(directory)
    for words in (("add", "--init", "tick"), ("add", "--init", "-r", "more.txt"), ("init",)):
        told = pyx(*words, cwd=directory)
        assert (told.returncode, listed(directory)) == (USAGE, files)
        assert "has no pyproject.toml with a [project] table\n" in told.stderr
    (directory / "setup.py").unlink()
    (directory / "setup.cfg").write_text("[flake8]\nmax-line-length = 100\n")
    assert succeed(pyx("add", "--init", "tick", cwd=directory))[0] == "+ tick 1.0"


def test_a_list_that_a_setup_py_reads_does_not_name_the_project(pyx: Pyx, project: Path) -> None:
    """Such a setup.py would fail on that line."""
    (project / "pyproject.toml").unlink()
    (project / "setup.py").write_text("setup(name='mine', r=open('requirements.txt'))\n")
    (project / "requirements.txt").write_text("tick\n")
    (project / "more.txt").write_text("-e .\n")
    files = listed(project)
    for words in (("-e", "."), ("-r", "more.txt")):
        told = pyx("add", *words, cwd=project)
        assert (told.returncode, listed(project)) == (USAGE, files)
        assert "setup reads requirements.txt" in told.stderr


def test_what_pip_compile_wrote_stays_its_own(pyx: Pyx, project: Path) -> None:
    """A lock that stays as it is gets a stamp and nothing else; one that changes keeps its head."""
    (project / "pyproject.toml").unlink()
    (project / "requirements.in").write_text("tick<2\n")
    succeed(pyx("lock", cwd=project))
    lock = project / "requirements.txt"
    text = lock.read_text()
    pins, stamp = text[text.index("tick==") :].split("\n# resolved-from")
    head = "# by pip-compile\n--prefer-binary\n\n"
    lock.write_text(head + pins)
    assert succeed(pyx("lock", cwd=project)) == [f"{lock}: 1 package, no version changed"]
    assert lock.read_text() == f"{head}{pins}\n# resolved-from{stamp}"
    assert succeed(pyx("add", "talk", cwd=project))[0] == "+ talk 2.0"
    assert lock.read_text().startswith(head + "talk==2.0")
    assert lock.read_text().count("# resolved-from") == 1
    succeed(pyx("lock", "--check", cwd=project))


def test_extras_that_exclude_one_another(pyx: Pyx, project: Path, wheels: Path) -> None:
    """What came, went or moved is told of each, and what is added has its lower bound."""
    make_wheel(wheels, "windy", "2.0")
    extras = 'old = ["windy<3"]\nnew = ["windy>=3"]\n'
    text = f"{MANIFEST}[project.optional-dependencies]\n{extras}[dependency-groups]\none = []\n"
    text += "two = [\"picky; python_version < '3'\"]\n[tool.uv]\nconflicts = ["
    text += '[{extra = "old"}, {extra = "new"}], [{group = "one"}, {group = "two"}]]\n'
    (project / "pyproject.toml").write_text(text)
    lines = succeed(pyx("lock", cwd=project))
    lock = project / "uv.lock"
    assert lines == ["+ tick 1.0", "+ windy 2.0, 3.0", f"{lock}: 2 packages, 2 changed"]
    lines = succeed(pyx("add", "talk", cwd=project))
    assert lines == ["+ talk 2.0", f"{lock}: 3 packages, 1 changed"]
    assert '"talk>=2.0"' in (project / "pyproject.toml").read_text()
    assert succeed(pyx("lock", "--upgrade", "windy", cwd=project))[-1].endswith(
        "no version changed"
    )
    make_wheel(wheels, "windy", "2.1")
    lines = succeed(pyx("lock", "--upgrade", "windy", cwd=project))
    assert lines[0] == "~ windy 2.0, 3.0 → 2.1, 3.0"
    succeed(pyx("sync", cwd=project))
    told = pyx("which", "windy", cwd=project)
    assert told.stderr.endswith("an extra or a group has it: `pyx --extra new which windy`\n")


def test_a_new_project_is_for_the_versions_that_were_asked_for(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """A range stays as it was typed, in a project and in the block of a script."""
    empty = tmp_path / "new"
    empty.mkdir()
    (empty / "s.py").write_text("import tick\n")
    succeed(pyx("--python", ">=3.9,<3.99", "add", "--init", "tick", cwd=empty))
    succeed(pyx("--python", ">=3.9,<3.99", "add", "--script", "s.py", "tick", cwd=empty))
    for name in ("pyproject.toml", "s.py"):
        assert 'requires-python = ">=3.9,<3.99"\n' in (empty / name).read_text()


def test_a_range_of_pythons_is_a_marker(pyx: Pyx, project: Path) -> None:
    """In a project of Poetry's, which has the option for that; elsewhere it asks for a Python."""
    succeed(pyx("add", "--python", ">=3.9", "tick", cwd=project))
    (project / "pylock.toml").unlink()
    (project / "pyproject.toml").write_text(
        '[tool.poetry]\nname = "p"\nversion = "1"\n[tool.poetry.dependencies]\npython = "^3.9"\n'
    )
    files = listed(project)
    told = pyx("add", "--python", ">=3.9", "tick", cwd=project)
    assert (told.returncode, listed(project)) == (USAGE, files)
    assert told.stderr.endswith("hint: pyx add 'tick; python_version >= \"3.9\"'\n")
    told = pyx("add", "--python", ">=3.9", "tick@^1", cwd=project)
    assert told.stderr.endswith("hint: pyx add 'tick>=1,<2; python_version >= \"3.9\"'\n")
    succeed(pyx("add", "--python", ">=3.9", "@for-all", "tick", cwd=project))


def test_a_setup_py_is_read_in_any_encoding(pyx: Pyx, project: Path) -> None:
    """Python reads it by its own declaration; whether it names the list is all that counts."""
    (project / "pyproject.toml").unlink()
    (project / "requirements.txt").write_text("-e .\n")
    text = "# -*- coding: latin-1 -*-\n# M\xfcller, see dev-requirements.txt\n"
    (project / "setup.py").write_bytes(text.encode("latin-1") + b"import setuptools\n")
    told = pyx("add", "--init", "tick", cwd=project)
    assert "pyx add @" not in told.stderr
    assert "UTF-8" not in told.stderr
    succeed(pyx("list", "--help", cwd=project))


def test_a_group_keeps_what_its_list_says_beyond_the_project(pyx: Pyx, project: Path) -> None:
    """Only what the project requires in the same words is left out."""
    (project / "dev.txt").write_text("-r base.txt\ntalk\n")
    for group, said, kept in (
        ("one", "tick", ""),
        ("two", "tick<2", ""),
        ("three", "tick<1.5", '"tick<1.5", '),
        ("four", "tick; python_version >= '3'", ""),
    ):
        (project / "base.txt").write_text(f"{said}\n")
        succeed(pyx("add", "--group", group, "-r", "dev.txt", cwd=project))
        text = (project / "pyproject.toml").read_text()
        assert f'{group} = [{kept}"talk>=2.0"]' in text


def test_paths_in_a_list_are_seen_from_where_pip_sees_them(pyx: Pyx, project: Path) -> None:
    """From the working directory, where they do not lie beside the list."""
    library = project / "libs" / "units"
    library.mkdir(parents=True)
    (library / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\n[project]\nname = "units"\nversion = "1"\n'
    )
    (project / "requirements").mkdir()
    (project / "requirements" / "dev.txt").write_text("-e .\n-e ./libs/units\ntalk\n")
    succeed(pyx("add", "--group", "dev", "-r", "requirements/dev.txt", cwd=project))
    text = (project / "pyproject.toml").read_text()
    assert 'dev = ["talk>=2.0", "units"]' in text
    assert 'units = {path = "libs/units", editable = true}' in text

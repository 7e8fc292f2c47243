"""What a user reads when something is wrong: one line, one hint, and nothing left half done."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel, poetry_lock_text, pylock_text

from pyx_launcher.errors import WAYS_OUT, StoreError, explain_fault
from pyx_launcher.files.atomic import storing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

USAGE, BAD_LOCK, UNAVAILABLE, NO_INPUT_OUTPUT, REFUSED = 64, 65, 69, 74, 77
PUBLISHED = {".format", ".generation", ".entry.json", ".data"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One project whose start fails."""

    pyx: Pyx
    project: Path
    wheels: Path
    index: IndexServer
    home: Path

    def lock(self, *artifacts: Path, **options: object) -> Path:
        """Write a `pylock.toml` of `artifacts` with URLs at the index; `options` as there."""
        path = self.project / "pylock.toml"
        text = pylock_text(artifacts, index_url=self.index.url, **options)  # type: ignore[arg-type]
        path.write_text(text)
        return path

    def lock_tick(self) -> Path:
        """Lock one small wheel."""
        return self.lock(make_wheel(self.wheels, "tick", "1.0"))

    def fail(
        self, *words: str | Path, status: int, env: dict[str, str | None] | None = None
    ) -> tuple[str, str]:
        """Return the message and the hint of a start that must fail with `status`."""
        words = words or ("-c", "import tick")
        # Without retries nothing here waits for a server to get better.
        env = {"PIP_RETRIES": "0", **(env or {})}
        return read_error(self.pyx(*words, cwd=self.project, env=env), status)


def read_error(told: subprocess.CompletedProcess[str], status: int) -> tuple[str, str]:
    """Return message and hint, which must be all that the process printed."""
    assert (told.returncode, told.stdout) == (status, ""), told.stderr
    lines = told.stderr.splitlines()
    assert len(lines) == 2, told.stderr
    assert lines[0].startswith("pyx: ")
    assert lines[1].startswith("pyx: hint: ")
    assert len(lines[1]) > len("pyx: hint: ")
    return lines[0].removeprefix("pyx: "), lines[1].removeprefix("pyx: hint: ")


@pytest.fixture
def case(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer, pyx_home: Path
) -> Iterator[Case]:
    """Give an empty project; afterwards nothing half-written may lie anywhere."""
    project = tmp_path / "project"
    project.mkdir()
    yield Case(pyx=pyx, project=project, wheels=wheels, index=index, home=pyx_home)
    for directory in (pyx_home, tmp_path / "pyx-cache"):
        assert find_leftovers(directory) == []
    for facts in pyx_home.glob("store/*/*/*/*/.entry.json"):
        assert facts.stat().st_size > 0
    entries = [path for path in pyx_home.glob("store/*/*/*/*") if path.is_dir()]
    assert all((entry / ".entry.json").is_file() for entry in entries)


def find_leftovers(directory: Path) -> list[Path]:
    """Return everything below `directory` that is temporary by its name; lock files stay."""
    hidden = [path for path in directory.rglob(".*") if path.name not in PUBLISHED]
    # Below `boot` lie the names of the interpreter's own directories.
    return [path for path in hidden if path.suffix != ".lock" and "boot" not in path.parts]


@pytest.mark.parametrize("name", ["nothere.py", "./nothere.py", "no/such/dir.py"])
def test_no_such_script(case: Case, name: str) -> None:
    """A script that is not there is told in python's own words, with python's exit status."""
    told = case.pyx(name, cwd=case.project)
    assert (told.returncode, told.stdout) == (2, "")
    path = f"{case.project}/{name}"
    assert told.stderr.endswith(f"can't open file '{path}': [Errno 2] No such file or directory\n")
    assert len(told.stderr.splitlines()) == 1


def test_a_lock_that_is_no_toml(case: Case) -> None:
    """The message names the file and the line."""
    lock = case.project / "pylock.toml"
    lock.write_text('lock-version = "1.0"\ncreated-by = "x\n')
    message, _ = case.fail(status=BAD_LOCK)
    assert str(lock) in message
    assert "line 2" in message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pylock.toml", 'lock-version = "9.0"\ncreated-by = "x"\npackages = []\n'),
        ("poetry.lock", '[metadata]\nlock-version = "9.0"\npython-versions = "*"\n'),
    ],
    ids=["pylock", "poetry"],
)
def test_an_unknown_version_of_a_format(case: Case, name: str, text: str) -> None:
    """The message names the file and the version that it claims."""
    (case.project / name).write_text(text)
    message, _ = case.fail(status=BAD_LOCK)
    assert str(case.project / name) in message
    assert "9.0" in message


def test_a_format_without_a_reader(case: Case) -> None:
    """A lock that pyx cannot read is an error that says which locks it reads."""
    lock = case.project / "unheard-of.json"
    lock.write_text("version = 1\n")
    message, hint = case.fail("--project", lock, "-c", "pass", status=BAD_LOCK)
    assert str(lock) in message
    assert "pylock.toml" in hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "conda-linux-64.lock",
            "# platform: linux-64\n@EXPLICIT\nhttps://example.org/a.conda#0a\n",
        ),
        ("explicit.txt", "@EXPLICIT\nhttps://example.org/a.conda#0a\n"),
        ("pixi.lock", "version: 6\nenvironments:\n  default:\n    channels: []\n"),
    ],
)
def test_what_conda_installs(case: Case, name: str, text: str) -> None:
    """A list of conda's, of conda-lock's or of pixi's is no broken lock of another tool."""
    lock = case.project / name
    lock.write_text(text)
    message, hint = case.fail("--project", lock, "-c", "pass", status=BAD_LOCK)
    assert message == f"{lock}: this version of pyx does not read what conda is to install"
    assert "pylock.toml" in hint


def test_a_wheel_that_is_not_the_locked_one(case: Case) -> None:
    """A file with another hash is refused; distribution and both hashes can be told from it."""
    wheel = make_wheel(case.wheels, "tick", "1.0")
    case.lock(wheel, hashes={wheel.name: "0" * 64})
    message, _ = case.fail(status=REFUSED)
    assert wheel.name in message
    assert "sha256" in message or "hash" in message


def test_no_wheel_for_this_platform(case: Case) -> None:
    """All distributions without a usable wheel are named, with what there is and what was tried."""
    other = [
        make_wheel(case.wheels, name, "1.0", tag=tag)
        for name, tag in (("tick", "cp27-cp27m-win32"), ("tack", "py3-none-macosx_10_9_ppc"))
    ]
    case.lock(*other, make_wheel(case.wheels, "fine", "1.0"))
    message, hint = case.fail(status=UNAVAILABLE)
    for part in ("tick 1.0", "cp27-cp27m-win32", "tack 1.0", "py3-none-macosx_10_9_ppc"):
        assert part in message
    assert "fine" not in message
    assert "tags were tried" in hint
    assert "--python" in hint


def test_no_interpreter_satisfies_the_lock(case: Case) -> None:
    """The message names the lock, what it requires and what was found."""
    lock = case.lock(make_wheel(case.wheels, "tick", "1.0"), requires_python=">=3.99")
    message, hint = case.fail(status=UNAVAILABLE)
    for part in (str(lock), ">=3.99", "found: 3."):
        assert part in message
    assert "--python" in hint


def test_the_named_interpreter_does_not_satisfy_the_lock(
    case: Case, interpreters: dict[str, Path]
) -> None:
    """What was asked for by name and what the lock requires are both told."""
    case.lock(make_wheel(case.wheels, "tick", "1.0"), requires_python=">=3.99")
    version = next(iter(interpreters))
    message, _ = case.fail("--python", version, "-c", "pass", status=UNAVAILABLE)
    assert f"--python {version}" in message
    assert ">=3.99" in message


@pytest.mark.parametrize("value", ["3.99", "no/such/python", "nonsense"])
def test_an_interpreter_that_is_not_there(case: Case, value: str) -> None:
    """`--python` with something that does not exist repeats what was asked for."""
    case.lock_tick()
    told = case.pyx("--python", value, "-c", "pass", cwd=case.project)
    message, _ = read_error(told, USAGE if value == "nonsense" else UNAVAILABLE)
    assert value in message


def test_the_index_is_down(case: Case) -> None:
    """A closed port is named, without a traceback."""
    wheel = make_wheel(case.wheels, "tick", "1.0")
    (case.project / "poetry.lock").write_text(poetry_lock_text([wheel]))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = f"http://127.0.0.1:{port}/simple/"
        message, _ = case.fail(status=UNAVAILABLE, env={"PIP_INDEX_URL": url})
    assert f"127.0.0.1:{port}" in message


@pytest.mark.parametrize("status", [401, 403, 404, 500])
@pytest.mark.parametrize("place", ["/simple/", "/files/"])
def test_the_index_answers_with_an_error(case: Case, place: str, status: int) -> None:
    """The message names the file that is wanted; for errors of a server, its status as well."""
    wheel = make_wheel(case.wheels, "tick", "1.0")
    (case.project / "poetry.lock").write_text(poetry_lock_text([wheel]))
    case.index.fail(place, status)
    message, _ = case.fail(status=UNAVAILABLE)
    assert "tick" in message
    if status != 404:
        assert str(status) in message


def test_credentials_are_never_shown(case: Case) -> None:
    """An index that refuses the password in its URL is named without the password."""
    wheel = make_wheel(case.wheels, "tick", "1.0")
    (case.project / "poetry.lock").write_text(poetry_lock_text([wheel]))
    case.index.credentials = ("user", "right")
    url = case.index.url.replace("://", "://user:wrongword@")
    message, hint = case.fail(status=UNAVAILABLE, env={"PIP_INDEX_URL": url})
    assert "wrongword" not in message + hint


def test_a_download_that_ends_too_soon(case: Case) -> None:
    """Half a wheel is no wheel; nothing of it stays."""
    case.lock_tick()
    case.index.truncate("/files/", 100)
    message, _ = case.fail(status=UNAVAILABLE)
    assert "tick-1.0-py3-none-any.whl" in message


def test_the_next_start_succeeds_after_a_failed_download(case: Case) -> None:
    """A failure leaves nothing behind that stands in the way."""
    case.lock_tick()
    # At the URL of the lock, and at the index that is asked for the same hash.
    case.index.fail("/files/", 500, times=2)
    case.fail(status=UNAVAILABLE)
    assert case.pyx("-c", "import tick; print('ran')", cwd=case.project).stdout == "ran\n"


def test_all_missing_distributions_are_named(case: Case) -> None:
    """Two distributions that cannot be had are both in the one message."""
    case.lock(*(make_wheel(case.wheels, name, "1.0") for name in ("tick", "tack", "fine")))
    case.index.fail("tick", 404)
    case.index.fail("tack", 404)
    message, _ = case.fail(status=UNAVAILABLE)
    assert "tick 1.0" in message
    assert "tack 1.0" in message
    assert "fine" not in message


@pytest.mark.parametrize("by", ["--offline", "PYX_OFFLINE"])
def test_offline(case: Case, by: str) -> None:
    """What would have to be fetched is named, with what forbids it; the index is not asked."""
    case.lock(*(make_wheel(case.wheels, name, "1.0") for name in ("tick", "tack")))
    if by == "--offline":
        message, hint = case.fail("--offline", "-c", "pass", status=UNAVAILABLE)
    else:
        message, hint = case.fail("-c", "pass", status=UNAVAILABLE, env={"PYX_OFFLINE": "1"})
    assert "tick 1.0" in message
    assert "tack 1.0" in message
    assert f"{by} " in message
    # Each hint is about its own cause, so that who obeys one does not meet the other.
    assert (
        hint
        == {
            "--offline": "run it once without --offline",
            "PYX_OFFLINE": "run it once with PYX_OFFLINE=0",
        }[by]
    )
    assert case.index.requests == []


def test_a_file_stands_where_the_store_belongs(case: Case) -> None:
    """The place that cannot be written is named."""
    case.lock_tick()
    case.home.write_text("a file")
    message, hint = case.fail(status=NO_INPUT_OUTPUT)
    assert str(case.home) in message
    assert "PYX_HOME" in hint


def test_the_store_may_not_be_written(case: Case, tmp_path: Path) -> None:
    """Without permission the start fails with the place and a way out."""
    case.lock_tick()
    case.home.mkdir()
    case.home.chmod(0o555)
    try:
        told = _run_unprivileged(case, tmp_path)
    finally:
        case.home.chmod(0o755)
    message, hint = read_error(told, NO_INPUT_OUTPUT)
    assert str(case.home) in message
    assert "PYX_HOME" in hint


def _run_unprivileged(case: Case, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Start pyx without the power of root to write everywhere."""
    command = [str(case.pyx.path), "-c", "import tick"]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root cannot give up its power here")
        drop = ["--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs"]
        command = [setpriv, *drop, *command]
    return case.pyx.run(command, cwd=case.project)


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def test_the_disk_is_full(case: Case) -> None:
    """A wheel that does not fit leaves nothing of itself, and fits once there is room."""
    wheel = make_wheel(
        case.wheels, "tick", "1.0", files={"tick.py": "", "big.bin": os.urandom(400_000)}
    )
    case.lock(wheel)
    told = subprocess.run(
        [case.pyx.path, "-c", "import tick"],
        cwd=case.project,
        env=case.pyx.variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=_limit_files,
        check=False,
    )
    message, hint = read_error(told, NO_INPUT_OUTPUT)
    assert str(case.home) in message
    assert "ulimit -f" in hint
    assert find_leftovers(case.home) == []
    assert case.pyx("-c", "import tick; print('ran')", cwd=case.project).stdout == "ran\n"


def test_a_lock_of_somebody_else_is_refused(case: Case) -> None:
    """A lock that is neither the user's, nor root's, nor the directory owner's is not obeyed."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    lock = case.lock_tick()
    below = case.project / "below"
    below.mkdir()
    os.chown(lock, 65533, 65533)
    message, hint = read_error(case.pyx("-c", "pass", cwd=below), REFUSED)
    assert str(lock) in message
    assert "65533" in message
    assert f"--project {case.project}" in hint
    told = case.pyx("--project", case.project, "-c", "import tick; print('ran')", cwd=below)
    assert told.stdout == "ran\n", told.stderr


def test_a_lock_of_somebody_else_is_refused_on_the_fast_path_too(case: Case) -> None:
    """A lock that changes hands after the launch record was written is looked at again."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    lock = case.lock_tick()
    for _ in range(3):
        assert case.pyx("-c", "import tick", cwd=case.project).returncode == 0
    os.chown(lock, 65533, 65533)
    case.fail(status=REFUSED)


@pytest.mark.parametrize("word", ["--nonsense", "--projct=x", "--python3"])
def test_an_unknown_option(case: Case, word: str) -> None:
    """A long option that is not pyx's is repeated, with the nearest one where there is one."""
    message, hint = case.fail(word, "-c", "pass", status=USAGE)
    assert word in message
    if word == "--projct=x":
        assert "--project" in hint


@pytest.mark.parametrize("word", ["--project", "--python", "--group", "--extra"])
def test_a_missing_value(case: Case, word: str) -> None:
    """An option without its value is named."""
    message, _ = case.fail(word, status=USAGE)
    assert word in message


@pytest.mark.parametrize("option", ["--group", "--extra"])
def test_an_unknown_group_or_extra(case: Case, option: str) -> None:
    """The message lists what the lock has."""
    wheel = make_wheel(case.wheels, "tick", "1.0")
    case.lock(wheel, groups=["docs", "lint"], extras=["fast", "slow"])
    known = ("docs", "lint") if option == "--group" else ("fast", "slow")
    told = case.pyx(option, "nonsense", "-c", "pass", cwd=case.project)
    message, hint = read_error(told, USAGE)
    assert "nonsense" in message
    assert all(name in message + hint for name in known)


@pytest.mark.parametrize("option", ["--group", "--extra"])
def test_an_unknown_group_or_extra_of_poetry(case: Case, option: str) -> None:
    """The same is said where the lock is Poetry's."""
    wheels = [make_wheel(case.wheels, name, "1.0") for name in ("tick", "tack")]
    text = poetry_lock_text(wheels, groups={"tick": ["docs"]}, extras={"fast": ["tack"]})
    (case.project / "poetry.lock").write_text(text)
    (case.project / "pyproject.toml").write_text(
        "[tool.poetry]\npackage-mode = false\n[tool.poetry.extras]\nfast = ['tack']\n"
        "[tool.poetry.dependencies]\ntack = {version = '*', optional = true}\n"
        "[tool.poetry.group.docs.dependencies]\ntick = '*'\n"
    )
    message, hint = case.fail(option, "nonsense", "-c", "pass", status=USAGE)
    assert "nonsense" in message
    assert ("docs" if option == "--group" else "fast") in message + hint


@pytest.mark.parametrize("word", ["@nothere", "@", "@../up", "@.hidden"])
def test_an_unknown_named_environment(case: Case, word: str) -> None:
    """`@NAME` must be there, and must be a name."""
    message, _ = case.fail(word, "-c", "pass", status=USAGE)
    assert word in message


@pytest.mark.parametrize("by", ["--project", "PYX_PROJECT"])
@pytest.mark.parametrize("make", [False, True], ids=["no directory", "no lock"])
def test_a_project_that_is_not_there(case: Case, by: str, *, make: bool) -> None:
    """A directory that is missing, or has no lock, is named."""
    place = case.project / "elsewhere"
    if make:
        place.mkdir()
    words = (by, place) if by == "--project" else ()
    env = {"PYX_PROJECT": str(place)} if by == "PYX_PROJECT" else None
    told = case.pyx(*words, "-c", "pass", cwd=case.project, env=env)
    message, _ = read_error(told, USAGE)
    assert str(place) in message


def test_a_script_with_dependencies_and_nothing_to_lock_with(case: Case) -> None:
    """An inline block is locked by uv, which an index of one's own need not have."""
    script = case.project / "s.py"
    script.write_text('# /// script\n# dependencies = ["tick"]\n# ///\n')
    message, hint = case.fail(script, status=UNAVAILABLE)
    assert "uv, which writes the lock, is unavailable" in message
    assert "PYX_UV" in hint
    assert find_leftovers(case.project) == []


@pytest.mark.parametrize(
    "text",
    [
        "# /// script\n# dependencies = [\n# ///\n",
        "# /// script\n# dependencies = []\n# ///\n\n# /// script\n# dependencies = []\n# ///\n",
        '# /// script\n# dependencies = "tick"\n# ///\n',
    ],
    ids=["no toml", "two blocks", "no list"],
)
def test_an_inline_block_that_is_wrong(case: Case, text: str) -> None:
    """The script is named, as it is the file to be repaired."""
    script = case.project / "s.py"
    script.write_text(text)
    told = case.pyx(script, cwd=case.project)
    assert told.returncode == BAD_LOCK
    assert str(script) in told.stderr
    assert "Traceback" not in told.stderr


def _two_of_one_name(case: Case) -> str:
    wheels = [make_wheel(case.wheels, "tick", version) for version in ("1.0", "2.0")]
    return pylock_text(wheels, index_url=case.index.url)


def _no_list_of_packages(case: Case) -> str:
    return 'lock-version = "1.0"\ncreated-by = "x"\npackages = "none"\n'


def _path_as_a_name(case: Case) -> str:
    text = pylock_text([make_wheel(case.wheels, "tick", "1.0")], index_url=case.index.url)
    return text.replace('name = "tick"', 'name = "../tick"')


def _hash_that_is_none(case: Case) -> str:
    text = pylock_text([make_wheel(case.wheels, "tick", "1.0")], index_url=case.index.url)
    before, _, after = text.partition('sha256 = "')
    return f'{before}sha256 = "../../x{after[7:]}'


@pytest.mark.parametrize(
    "make", [_two_of_one_name, _no_list_of_packages, _path_as_a_name, _hash_that_is_none]
)
def test_a_lock_that_contradicts_itself(case: Case, make: Callable[[Case], str]) -> None:
    """The lock is named in one line, and no file appears outside the store."""
    lock = case.project / "pylock.toml"
    lock.write_text(make(case))
    told = case.pyx("-c", "import tick", cwd=case.project)
    assert told.returncode in {BAD_LOCK, NO_INPUT_OUTPUT, REFUSED, UNAVAILABLE}
    assert "Traceback" not in told.stderr
    assert all(line.startswith("pyx: ") for line in told.stderr.splitlines())
    assert not list(case.project.parent.glob("tick*"))


@pytest.mark.parametrize("member", ["../evil.py", "/evil.py", "tick/../../evil.py"])
def test_a_wheel_that_would_write_outside_its_entry(case: Case, member: str) -> None:
    """Such a wheel is refused whole."""
    case.lock(make_wheel(case.wheels, "tick", "1.0", members={member: "evil"}))
    message, _ = case.fail(status=REFUSED)
    assert "tick-1.0-py3-none-any.whl" in message
    assert not list(case.home.rglob("evil.py"))


@pytest.mark.parametrize("broken", ["wrong_hashes", "unrecorded"])
def test_a_wheel_that_contradicts_its_record(case: Case, broken: str) -> None:
    """A file that RECORD states otherwise, or not at all, makes the wheel unsound."""
    options: dict[str, object] = {broken: ["tick/__init__.py"]}
    case.lock(make_wheel(case.wheels, "tick", "1.0", **options))  # type: ignore[arg-type]
    message, _ = case.fail(status=REFUSED)
    assert "tick" in message


def test_a_name_that_a_terminal_would_obey_is_shown_plainly(case: Case) -> None:
    """Escape sequences and newlines in names do not reach the terminal."""
    message, _ = case.fail("--project", "no\x1b[31m\nsuch", "-c", "pass", status=USAGE)
    assert "\x1b" not in message
    assert "\\x1b" in message


def test_verbs_fail_like_starts(case: Case) -> None:
    """`sync` and `info` say the same about the same mistake."""
    lock = '[metadata]\nlock-version = "9.0"\npython-versions = "*"\n'
    (case.project / "poetry.lock").write_text(lock)
    told = [case.pyx(*words, cwd=case.project) for words in (["sync"], ["info"], ["-c", "pass"])]
    assert len({read_error(one, BAD_LOCK) for one in told}) == 1


def test_the_environment_says_when_it_no_longer_holds(case: Case) -> None:
    """Started directly after its store was deleted, `bin/python` names `pyx sync` in one line."""
    case.lock_tick()
    told = case.pyx("-c", "import sys; print(sys.executable)", cwd=case.project)
    python = told.stdout.strip()
    assert case.pyx.run([python, "-c", "import tick; print('ran')"]).stdout == "ran\n"
    shutil.rmtree(case.home / "store")
    told = case.pyx.run([python, "-c", "import tick"])
    assert (told.returncode, told.stdout) == (UNAVAILABLE, "")
    assert len(told.stderr.splitlines()) == 1
    assert "pyx sync" in told.stderr


HELPS = {
    errno.ENOSPC: "free up some space",
    errno.EDQUOT: "quota",
    errno.EROFS: "remount",
    errno.EACCES: "permission",
    errno.EPERM: "make it yours",
    errno.ENOENT: "above it is missing",
    errno.ENOTDIR: "is in the way",
    errno.EEXIST: "is in the way",
    errno.EISDIR: "is in the way",
    errno.ELOOP: "remove one of them",
    errno.ENAMETOOLONG: "shorter",
    errno.EMFILE: "ulimit -n",
    errno.ENFILE: "fs.file-max",
    errno.EFBIG: "ulimit -f",
    errno.ENOMEM: "memory",
    errno.EIO: "dmesg",
    errno.ESTALE: "mount it again",
    errno.ENOLCK: "not support locks",
}


@pytest.mark.parametrize("number", WAYS_OUT, ids=errno.errorcode.get)
def test_each_fault_is_told_with_its_own_way_out(tmp_path: Path, number: int) -> None:
    """Nobody is told to free up space on a disk that is read-only, or by a limit of open files."""
    place = tmp_path / "some" / "file"
    with pytest.raises(StoreError) as caught, storing(tmp_path):
        raise OSError(number, os.strerror(number), str(place))
    assert caught.value.message == f"cannot write {place}: {os.strerror(number)}"
    assert HELPS[number] in (caught.value.hint or "")
    told = explain_fault(OSError(number, os.strerror(number), str(place)))
    assert told.message == f"{place}: {os.strerror(number)}"
    assert told.hint == caught.value.hint


@pytest.mark.parametrize("kind", ["missing", "file", "directory", "circle", "long"])
def test_a_fault_that_really_happens_is_known(tmp_path: Path, kind: str) -> None:
    """The system gives the reasons that the table expects."""
    place = tmp_path / "place"
    target = place / "file"
    if kind == "file":
        place.touch()
    elif kind == "directory":
        target.mkdir(parents=True)
        target = place / "file"
    elif kind == "circle":
        place.symlink_to(place)
    elif kind == "long":
        target = tmp_path / ("x" * 300)
    with pytest.raises(StoreError) as caught, storing(tmp_path), target.open("w"):
        pass
    number = {"missing": errno.ENOENT, "file": errno.ENOTDIR, "directory": errno.EISDIR}.get(
        kind, errno.ELOOP if kind == "circle" else errno.ENAMETOOLONG
    )
    assert caught.value.hint == WAYS_OUT[number]


def test_a_hint_keeps_the_option_that_was_given(pyx: Pyx, tmp_path: Path) -> None:
    """Without `--init`, what it says to type would fail in the same directory."""
    message, hint = read_error(pyx("add", "--init", cwd=tmp_path), USAGE)
    assert "pyx add needs the NAME of a package" in message
    assert hint == "pyx add --init click"
    assert list(tmp_path.glob("*.toml")) == []

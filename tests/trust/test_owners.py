"""Whose files pyx obeys: with a second user who has prepared everything that pyx would read.

Only root can be two users, so these tests are left out elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import PLAIN_PYTHON, ROOT
from trust.scene import REFUSED
from wheelhouse import make_wheel, poetry_lock_text, pylock_text, sha256

from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import RefusedError
from pyx_launcher.files.ownership import check_dirs
from pyx_launcher.project.transaction import exclusive
from pyx_launcher.store.lock import hold_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trust.scene import Scene

if os.geteuid() != 0:
    pytest.skip("only root can be two users", allow_module_level=True)

BOB, MALLORY = 65501, 65502
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
RAN = ("-c", "import tick; print(tick.__version__)")


def give(path: Path, user: int) -> None:
    """Let `path`, with all below it, belong to `user`."""
    os.chown(path, user, user, follow_symlinks=False)
    for below in path.rglob("*"):
        os.chown(below, user, user, follow_symlinks=False)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Give a directory that other users can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="pyx-owners-") as directory:
        path = Path(directory).resolve()
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="module")
def python() -> str:
    """Find an interpreter of this minor version that every user can run."""
    test = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    for name in (PLAIN_PYTHON, *map(shutil.which, ("python3", f"python{VERSION}"))):
        for found in filter(None, (name, f"/usr/bin/python{VERSION}")):
            with contextlib.suppress(OSError):
                command = [os.path.realpath(found), "-I", "-c", test]
                told = subprocess.run(command, user=BOB, check=False, capture_output=True)
                if told.returncode == 0:
                    return command[0]
    pytest.skip("other users cannot run any interpreter of this version")


LARGE = ("mypy*", "ruff*", "hypothesis*", "pip", "setuptools")
"""What the launcher does not need of what the tests have."""


@pytest.fixture(scope="module")
def sources() -> Iterator[list[str]]:
    """Give the launcher and its libraries in a place that everybody can read.

    Where pyx runs these tests they lie in a home that is closed to others.
    """
    with tempfile.TemporaryDirectory(prefix="pyx-owners-") as directory:
        Path(directory).chmod(0o755)
        libraries = [path for path in sys.path if path.endswith("site-packages")]
        copies = []
        for number, path in enumerate([ROOT / "launcher", ROOT / "runtime", *libraries]):
            copy = Path(directory, str(number))
            shutil.copytree(path, copy, ignore=shutil.ignore_patterns(*LARGE))
            copies.append(str(copy))
        yield copies


@pytest.fixture
def shared(scene: Scene, python: str, sources: list[str]) -> Scene:
    """Give a project with one wheel, and an installation that everybody can run."""
    scene.lock(make_wheel(scene.wheels, "tick", "1.0"))
    shutil.rmtree(scene.base / "pyx-cache")
    scene.pyx.environ["PATH"] = os.pathsep.join([str(Path(python).parent), os.defpath])
    scene.pyx.launcher.write_text(
        f"#!{python} -I\nimport sys\n"
        f"sys.path[:0] = {sources!r}\n"
        "from pyx_launcher.__main__ import main\nsys.exit(main())\n"
    )
    # What the interpreters are takes most of a first start, and is found out once for all tests.
    known = Path(sources[0]).with_name("interpreters")
    cache = scene.base / f"user-{BOB}" / "pyx-cache"
    if known.exists():
        shutil.copytree(known, cache / "interpreters")
        give(cache.parent, BOB)
    can_run(scene)
    if not known.exists():
        shutil.copytree(cache / "interpreters", known)
    return scene


def run(
    scene: Scene,
    user: int,
    *words: str | Path,
    umask: int = 0o022,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Start pyx as `user`, whose own files are below a directory of theirs."""
    own = scene.base / f"user-{user}"
    if not own.exists():
        own.mkdir(mode=0o755)
        os.chown(own, user, user)
    variables = {
        "HOME": str(own),
        "PYX_HOME": str(own / "pyx-home"),
        "PYX_CACHE_DIR": str(own / "pyx-cache"),
        "TMPDIR": str(own),
        **(env or {}),
    }
    return subprocess.run(
        [scene.pyx.path, *words],
        cwd=scene.project,
        env=scene.pyx.variables(variables),
        user=user,
        group=user,
        extra_groups=[],
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def home_of(scene: Scene, user: int, part: str = "pyx-home") -> Path:
    """Return a directory of pyx's that belongs to `user`."""
    return scene.base / f"user-{user}" / part


def check_refused(told: subprocess.CompletedProcess[str], *parts: str) -> None:
    """See that a start was refused with one line and a hint."""
    assert (told.returncode, told.stdout) == (REFUSED, ""), told.stderr
    lines = told.stderr.splitlines()
    assert len(lines) == 2, told.stderr
    assert lines[1].startswith("pyx: hint: ")
    for part in parts:
        assert part in told.stderr


def can_run(scene: Scene) -> None:
    """See that a start of another user succeeds as long as nothing is wrong."""
    told = run(scene, BOB, *RAN)
    if "Permission denied" in told.stderr:
        pytest.skip("other users cannot reach this tree or its libraries")
    assert told.stdout == "1.0\n", told.stderr


@pytest.mark.parametrize("mode", [0o700, 0o744, 0o711])
def test_a_closed_directory_on_path_makes_no_start_slow(shared: Scene, mode: int) -> None:
    """It is passed over as a shell does; a python that can be seen in it one day is found."""
    closed = shared.base / "closed"
    closed.mkdir()
    (closed / "python3.99").write_text("#!/bin/sh\n")
    closed.chmod(mode)
    path = {"PATH": f"{closed}:{shared.pyx.environ['PATH']}", "PYX_DEBUG": "1"}
    for _ in range(30):
        told = run(shared, BOB, *RAN, env=path)
        assert told.stdout == "1.0\n", told.stderr
        if "has just been written" not in told.stderr:
            break
        time.sleep(0.2)
    assert "wrote launch record" in told.stderr, told.stderr
    told = run(shared, BOB, *RAN, env=path)
    assert "slow path" not in told.stderr
    assert (told.stdout, "holds" in told.stderr) == ("1.0\n", True)
    closed.chmod(0o755)
    (closed / "python3").symlink_to("python3.99")
    told = run(shared, BOB, *RAN, env=path)
    assert "slow path" in told.stderr
    assert told.stdout == "1.0\n"


@pytest.mark.parametrize("part", ["", "store", "environments"])
def test_what_another_user_has_prepared_is_not_obeyed(shared: Scene, part: str) -> None:
    """A home, a store or environments of somebody else are refused, however well they are made."""
    home = home_of(shared, BOB)
    for name in ("launch", "code"):
        shutil.rmtree(home_of(shared, BOB, "pyx-cache") / name, ignore_errors=True)
    give(home / part if part else home, MALLORY)
    told = run(shared, BOB, *RAN)
    check_refused(told, str(home / part if part else home), "user 65502", "PYX_HOME")


def test_a_home_prepared_in_a_place_for_everybody_is_refused(shared: Scene) -> None:
    """In a world-writable place the first to come may be another: whose it is counts."""
    place = shared.base / "for-all"
    place.mkdir()
    place.chmod(0o1777)
    shutil.copytree(home_of(shared, BOB), place / "pyx", symlinks=True)
    give(place / "pyx", MALLORY)
    told = run(shared, BOB, *RAN, env={"PYX_HOME": str(place / "pyx")})
    check_refused(told, "user 65502", "who could choose what you run")
    shutil.rmtree(place / "pyx")
    told = run(shared, BOB, *RAN, env={"PYX_HOME": str(place / "pyx")})
    assert told.stdout == "1.0\n", told.stderr


DEPTHS = {
    "links": "pyx-home/links",
    "native": "pyx-home/native",
    "changes": "pyx-home/changes",
    "linked": "pyx-home/linked",
    "a project of the store": "pyx-home/store/tick",
    "a build of it": "pyx-home/store/tick/*/py3*",
    "an entry": "pyx-home/store/tick/*/py3*/site-packages",
    "the facts of an entry": "pyx-home/store/tick/*/py3*/site-packages/.entry.json",
    "an environment": "pyx-home/environments/*",
}


@pytest.mark.parametrize("name", DEPTHS)
def test_what_others_could_change_below_a_home_is_refused(shared: Scene, name: str) -> None:
    """Whose it is and who can write to it counts at each depth that a start relies on."""
    own = shared.base / f"user-{BOB}"
    for part in ("links", "changes", "linked"):
        (own / "pyx-home" / part).mkdir(exist_ok=True)
        os.chown(own / "pyx-home" / part, BOB, BOB)
    shutil.rmtree(own / "pyx-cache" / "launch", ignore_errors=True)
    (place,) = own.glob(DEPTHS[name])
    os.chown(place, MALLORY, MALLORY)
    check_refused(run(shared, BOB, *RAN), f"{place} belongs to user 65502")
    os.chown(place, BOB, BOB)
    mode = place.stat().st_mode & 0o777
    place.chmod(mode | 0o002)
    check_refused(run(shared, BOB, *RAN), f"{place} can be written by others")
    place.chmod(mode)
    assert run(shared, BOB, *RAN).stdout == "1.0\n"


def test_verify_tells_whose_a_file_is_and_who_can_write_to_it(shared: Scene) -> None:
    """Content that is right today may be another tomorrow."""
    (entry,) = (home_of(shared, BOB) / "store").glob("tick/*/py3*/site-packages")
    os.chown(entry / "tick", MALLORY, MALLORY)
    (entry / "tick" / "__init__.py").chmod(0o666)
    told = run(shared, BOB, "store", "verify")
    assert told.returncode == 1
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["foreign", "open", "1"]


def test_a_home_that_a_stranger_has_just_made_is_not_filled(tmp_path: Path) -> None:
    """Between the look whether it is there and the moment it is made somebody may be quicker."""
    dirs = Dirs(home=tmp_path / "home", cache=tmp_path / "cache")
    check_dirs(dirs, {})
    (dirs.home / "store").mkdir(parents=True)
    give(dirs.home, MALLORY)
    with pytest.raises(RefusedError, match="belongs to user 65502"):
        hold_stores(dirs)
    change = exclusive(dirs, tmp_path, print)
    with pytest.raises(RefusedError, match="belongs to user 65502"), change:
        pass


@pytest.mark.parametrize("part", ["", "store", "environments"])
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o757])
def test_what_everybody_can_write_to_is_refused(shared: Scene, part: str, mode: int) -> None:
    """One's own directory is no better than others' where they can put something into it."""
    shutil.rmtree(home_of(shared, BOB, "pyx-cache") / "launch", ignore_errors=True)
    place = home_of(shared, BOB) / part
    place.chmod(mode)
    check_refused(run(shared, BOB, *RAN), "can be written by others", f"chmod go-w {place}")
    place.chmod(0o755)
    assert run(shared, BOB, *RAN).stdout == "1.0\n"


def test_a_group_of_others_counts_as_others(shared: Scene) -> None:
    """Writable for one's own group alone, as some systems make every directory, is allowed."""
    home = home_of(shared, BOB)
    shutil.rmtree(home_of(shared, BOB, "pyx-cache"))
    home.chmod(0o775)
    assert run(shared, BOB, *RAN).stdout == "1.0\n"
    shutil.rmtree(home_of(shared, BOB, "pyx-cache"))
    os.chown(home, BOB, MALLORY)
    check_refused(run(shared, BOB, *RAN), "can be written by others")


@pytest.mark.parametrize("owner", [MALLORY, BOB, 0])
def test_a_store_behind_ones_own_is_roots_or_ones_own(shared: Scene, owner: int) -> None:
    """`PYX_STORES` of a third user is refused; what is obeyed is used where it lies."""
    store = shared.base / "system" / "store"
    shutil.copytree(home_of(shared, BOB) / "store", store, symlinks=True)
    give(store, owner)
    environ = {"PYX_STORES": str(store), "PYX_HOME": str(home_of(shared, BOB, "second"))}
    told = run(shared, BOB, "-c", "import tick; print(tick.__file__)", env=environ)
    if owner == MALLORY:
        check_refused(told, str(store), "user 65502", "PYX_STORES")
    else:
        assert told.stdout.startswith(str(store)), told.stderr


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o077])
def test_nobody_else_can_write_to_what_is_made(shared: Scene, umask: int) -> None:
    """However open the umask is, what pyx makes is closed; the program still has its umask."""
    shutil.rmtree(shared.base / f"user-{BOB}")
    told = run(shared, BOB, "-c", "import os, tick; print(oct(os.umask(0)))", umask=umask)
    assert told.stdout == f"{oct(umask)}\n", told.stderr
    own = shared.base / f"user-{BOB}"
    made = [path for path in own.rglob("*") if not path.is_symlink()]
    assert len(made) > 10
    open_ones = [
        path
        for path in made
        if path.stat().st_mode & 0o022
        # The interpreter makes these while the program runs, with the program's own umask.
        and "__pycache__" not in path.parts
    ]
    assert open_ones == []


@pytest.mark.parametrize("made_before", [True, False])
def test_sudo_leaves_nothing_of_roots_with_the_user(shared: Scene, made_before: bool) -> None:  # noqa: FBT001 -- pytest gives it by name.
    """Root with the user's home neither obeys what lies there nor puts anything there."""
    own = shared.base / f"user-{BOB}"
    if not made_before:
        shutil.rmtree(own / "pyx-home")
        shutil.rmtree(own / "pyx-cache")
    before = {path: path.lstat().st_uid for path in own.rglob("*")}
    environ = {"SUDO_UID": str(BOB), "SUDO_USER": "bob"}
    command = [shared.pyx.path, *RAN]
    variables = {
        **environ,
        "HOME": str(own),
        "PYX_HOME": str(own / "pyx-home"),
        "PYX_CACHE_DIR": str(own / "pyx-cache"),
    }
    told = shared.pyx.run(command, cwd=shared.project, env=variables)
    check_refused(told, f"user {BOB}", "sudo -H")
    assert {path: path.lstat().st_uid for path in own.rglob("*")} == before
    roots = {**variables, "PYX_HOME": str(shared.home), "PYX_CACHE_DIR": str(shared.base / "c")}
    told = shared.pyx.run(command, cwd=shared.project, env=roots)
    assert told.stdout == "1.0\n", told.stderr


def test_root_does_not_follow_the_records_of_a_user(shared: Scene) -> None:
    """A record that holds for its owner is not looked at by root, and the other way round."""
    time.sleep(0.2)
    run(shared, BOB, *RAN)
    cache = home_of(shared, BOB, "pyx-cache")
    assert list((cache / "launch").iterdir())
    shared.pyx.break_slow_path()
    assert run(shared, BOB, *RAN).stdout == "1.0\n"
    own = {
        "HOME": str(cache.parent),
        "PYX_HOME": str(home_of(shared, BOB)),
        "TMPDIR": str(cache.parent),
    }
    told = shared.pyx.run(
        [shared.pyx.path, *RAN], cwd=shared.project, env={**own, "PYX_CACHE_DIR": str(cache)}
    )
    assert "SLOW PATH" in told.stdout
    give(cache, MALLORY)
    assert "SLOW PATH" in run(shared, BOB, *RAN).stdout


@pytest.mark.parametrize("part", ["pyx-cache", "pyx-cache/launch", "pyx-cache/interpreters"])
def test_a_cache_of_another_user_is_not_obeyed(shared: Scene, part: str) -> None:
    """Records and facts of others are refused with their directory, or passed over."""
    time.sleep(0.2)
    run(shared, BOB, *RAN)
    give(shared.base / f"user-{BOB}" / part, MALLORY)
    told = run(shared, BOB, *RAN)
    if part == "pyx-cache":
        check_refused(told, part, "PYX_CACHE_DIR")
    else:
        assert told.stdout == "1.0\n", told.stderr


def test_bytecode_of_another_user_is_not_run(shared: Scene) -> None:
    """The cached code of a script is passed over if somebody else could have written it."""
    script = shared.project / "hello.py"
    # A small one would be compiled each time.
    script.write_text("print('true')\n" + "# A line that is not what this is about.\n" * 60)
    # Younger ones are not cached, as they could still change unseen.
    time.sleep(2.1)
    for _ in range(4):
        assert run(shared, BOB, str(script)).stdout == "true\n"
    (cached,) = home_of(shared, BOB, "pyx-cache").glob("code/*")
    text = cached.read_bytes()
    assert text.count(b"true") == 1
    cached.write_bytes(text.replace(b"true", b"evil"))
    assert run(shared, BOB, str(script)).stdout == "evil\n"
    os.chown(cached, MALLORY, MALLORY)
    assert run(shared, BOB, str(script)).stdout == "true\n"
    (cached,) = home_of(shared, BOB, "pyx-cache").glob("code/*")
    os.chown(cached, BOB, BOB)
    cached.write_bytes(text.replace(b"true", b"evil"))
    cached.chmod(0o666)
    assert run(shared, BOB, str(script)).stdout == "true\n"


@pytest.mark.parametrize("name", ["poetry.lock", "pyproject.toml", "requirements.txt"])
def test_files_that_decide_belong_to_somebody_known(shared: Scene, name: str) -> None:
    """A stranger's file above the start is refused, whether it is the lock or speaks for it."""
    below = shared.project / "below"
    below.mkdir()
    (shared.project / "pylock.toml").rename(shared.project / "x")
    wheel = next(shared.wheels.iterdir())
    shared.write_lock(poetry_lock_text([wheel]), "poetry.lock")
    shared.write_lock(
        '[tool.poetry]\npackage-mode = false\n[project]\nname = "x"\n', "pyproject.toml"
    )
    if name == "requirements.txt":
        (shared.project / "poetry.lock").unlink()
        line = f"tick==1.0 --hash=sha256:{sha256(wheel)}\n"
        shared.write_lock(line, "requirements.txt")
    os.chown(shared.project / name, MALLORY, MALLORY)
    told = run_below(shared, below)
    check_refused(told, str(shared.project / name), "user 65502")


def make_place(scene: Scene) -> Path:
    """Make a project of BOB's, without a lock, in a place where everybody may put something."""
    place = scene.base / "for-all"
    place.mkdir()
    place.chmod(0o1777)
    project = place / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "sample"\nversion = "1"\nrequires-python = ">=3.9"\n'
    )
    give(project, BOB)
    return project


STRANGE = {
    "uv.toml": 'index-url = "http://127.0.0.1:1/"\n',
    "pyproject.toml": '[tool.uv]\nindex-url = "http://127.0.0.1:1/"\n',
    "workspace": '[tool.uv.workspace]\nmembers = ["*"]\n',
    ".python-version": "3.9\n",
}


@pytest.mark.parametrize(
    ("name", "words", "named"),
    [
        *((name, ["lock"], False) for name in STRANGE),
        *((name, ["add", "tick"], True) for name in ("uv.toml", ".python-version")),
    ],
)
def test_settings_of_strangers_above_a_project_decide_nothing(
    shared: Scene, name: str, words: list[str], *, named: bool
) -> None:
    """Neither an index, nor a workspace, nor an interpreter, be the project named or found."""
    project = make_place(shared)
    strange = project.parent / ("pyproject.toml" if name == "workspace" else name)
    strange.write_text(STRANGE[name])
    give(strange, MALLORY)
    before = list_files(project.parent)
    scene = shared if named else replace(shared, project=project)
    chosen = ["--project", str(project)] if named else []
    told = run(scene, BOB, *chosen, *words, env={"PYX_UV": "/bin/false"})
    check_refused(told, f"{strange} belongs to user 65502")
    assert list_files(project.parent) == before
    # What is one's own is obeyed, as it ever was: here it is uv that fails.
    give(strange, BOB)
    if name != ".python-version":
        told = run(scene, BOB, *chosen, *words, env={"PYX_UV": "/bin/false"})
        assert "uv could not lock" in told.stderr


@pytest.mark.parametrize("has_own", [False, True])
def test_a_named_project_obeys_no_strangers_workspace_above(
    shared: Scene, *, has_own: bool
) -> None:
    """To name a project says nothing of what lies above it, be it the lock of its workspace."""
    project = make_place(shared)
    files = {
        "pyproject.toml": '[tool.uv.workspace]\nmembers = ["*"]\n',
        "uv.lock": 'version = 1\nrequires-python = ">=3.9"\n[manifest]\nmembers = ["mine"]\n'
        f'[[package]]\nname = "mine"\nversion = "1"\nsource = {{ virtual = "{project.name}" }}\n',
    }
    (project / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "1"\n')
    if has_own:
        (project / "uv.lock").write_text('version = 1\nrequires-python = ">=3.9"\n')
    for name, text in files.items():
        (project.parent / name).write_text(text)
    words = ["--project", str(project), "-c", "print('ran')"]
    for name in files:
        for each in files:
            give(project.parent / each, MALLORY if each == name else BOB)
        strange = project.parent / name
        check_refused(run(shared, BOB, *words), f"{strange} belongs to user 65502")
    for name in files:
        give(project.parent / name, BOB)
    assert run(shared, BOB, *words).stdout == "ran\n"


def list_files(directory: Path) -> dict[Path, bytes]:
    """Return every file below a directory with its content."""
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("words", [["-c", "pass"], ["sync"]])
def test_a_strangers_version_file_chooses_no_interpreter(shared: Scene, words: list[str]) -> None:
    """It is refused above the start, as a lock there would be; an option goes before it."""
    project = make_place(shared)
    strange = project.parent / ".python-version"
    strange.write_text("3.9\n")
    give(strange, MALLORY)
    there = replace(shared, project=project)
    check_refused(run(there, BOB, *words), f"{strange} belongs to user 65502", "--python")
    assert run(there, BOB, "--python", VERSION, *words).returncode == 0


@pytest.mark.parametrize("name", ["pylock.toml", "poetry.lock"])
def test_a_lock_that_is_exchanged_during_a_start_is_not_obeyed(shared: Scene, name: str) -> None:
    """Who owns the directory above can do so at any moment; what was judged is what is read."""
    above = shared.base / "above"
    work = above / "work"
    work.mkdir(parents=True)
    evil = make_wheel(shared.wheels, "tick", "6.66")
    good = next(shared.wheels.glob("tick-1.0-*"))
    for wheel, user in ((good, BOB), (evil, MALLORY)):
        text = {
            "pylock.toml": pylock_text([wheel]),
            "poetry.lock": poetry_lock_text([wheel]),
        }[name]
        (above / f"{user}").write_text(text)
        os.chown(above / f"{user}", user, user)
    if name == "poetry.lock":
        (above / "pyproject.toml").write_text("[tool.poetry]\npackage-mode = false\n")
    shared.pyx.environ["PIP_FIND_LINKS"] = str(shared.wheels)
    os.chown(above, MALLORY, MALLORY)
    give(work, BOB)
    os.link(above / f"{BOB}", above / name)
    there = replace(shared, project=work)
    told = run(there, BOB, *RAN)
    assert told.stdout == "1.0\n", told.stderr
    code = (
        "import os, sys\n"
        "os.chdir(sys.argv[1])\n"
        "while True:\n"
        "    for user in sys.argv[2:4]:\n"
        "        os.link(user, 'new')\n"
        "        os.rename('new', sys.argv[4])\n"
    )
    command = [PLAIN_PYTHON, "-c", code, str(above), str(BOB), str(MALLORY), name]
    with subprocess.Popen(command) as swapper:
        try:
            told_all = [run(there, BOB, *RAN) for _ in range(12)]
        finally:
            swapper.kill()
    assert {told.stdout for told in told_all} <= {"1.0\n", ""}
    assert {told.returncode for told in told_all} <= {0, REFUSED}, told_all


def run_below(scene: Scene, directory: Path) -> subprocess.CompletedProcess[str]:
    """Start pyx as root in a directory below the project."""
    return scene.pyx("-c", "pass", cwd=directory)


@pytest.mark.parametrize("part", ["tree", "tree/pyproject.toml", "tree/setup.py"])
@pytest.mark.parametrize("editable", ["true", "false"])
def test_a_source_tree_of_another_user_is_not_built(
    shared: Scene, part: str, editable: str
) -> None:
    """What a lock names is run by its build, so it belongs to somebody known, like the lock."""
    tree = shared.base / "tree"
    tree.mkdir()
    (tree / "setup.py").write_text(shared.python_harm)
    (tree / "pyproject.toml").write_text("[build-system]\nrequires = []\nbuild-backend = 'x'\n")
    os.chown(shared.base / part, MALLORY, MALLORY)
    shared.write_lock(
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "tick"\n'
        f'[packages.directory]\npath = "../tree"\neditable = {editable}\n'
    )
    check_refused(shared.sync(), str(shared.base / part), "user 65502")
    assert not shared.canary.exists()


def test_pyx_is_nobodys_way_to_anothers_rights(shared: Scene) -> None:
    """With the setuid bit it would run for its owner what others choose: it refuses to run."""
    program = shared.pyx.path
    copy = program.with_name("copy")
    shutil.copy2(program, copy)
    copy.replace(program)
    os.chown(program, MALLORY, MALLORY)
    program.chmod(0o4755)
    own = shared.base / f"user-{BOB}"
    for path in own.iterdir():
        shutil.rmtree(path)
    told = run(shared, BOB, *RAN)
    if told.returncode == 0:
        pytest.skip("setuid bits mean nothing on this file system")
    check_refused(told, "user 65501", "with the rights of", "user 65502", "chmod ug-s")
    assert list(own.iterdir()) == []

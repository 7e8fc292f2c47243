"""The standalone pyx, alone: in a root that has an interpreter, a shell, and no other program.

    pyx -m pytest -m "slow and network" tests/test_standalone.py

builds it twice, and needs root for the roots.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from archives import unpack_tar
from installed import PLAIN_PYTHON, ROOT, shared_directory
from standalone import (
    USER,
    Root,
    build_standalone,
    find_shared_python,
    install_standalone,
    look,
    make_root,
)
from wheelhouse import make_sdist, make_wheel, poetry_lock_text, pylock_text

import pyx_launcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

# Whoever builds first does so within the time of one test.
pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(1800)]

MOMENT = 1700000000
TRACES = ("LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG", "_PYI_ARCHIVE_FILE", "_PYI_LINUX_PROCESS_NAME")
"""What the start-up of PyInstaller sets, or leaves behind."""
TELL_ENVIRON = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture(scope="session")
def shared_python(interpreters: Mapping[str, Path]) -> Path:
    """Give an interpreter that can be frozen."""
    return find_shared_python(interpreters)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, shared_python: Path) -> Path:
    """Give the archive, built once for all tests."""
    directory = shared_directory(tmp_path_factory) / "standalone"
    return build_standalone(directory, shared_python, SOURCE_DATE_EPOCH=str(MOMENT))


@pytest.fixture(scope="session")
def shared_root(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """Give a root with the standalone pyx on its PATH; nothing in pyx's directory may change."""
    root = make_root(tmp_path_factory.mktemp("root"))
    installed = root.place(install_standalone(root, archive))
    before = look(installed)
    yield root
    assert look(installed) == before


@pytest.fixture(params=[0, USER], ids=["root", "user"])
def user(request: pytest.FixtureRequest) -> int:
    """Give who runs pyx."""
    return int(request.param)


@pytest.fixture
def root(shared_root: Root, index: IndexServer, user: int) -> Iterator[Root]:
    """Give the root with an empty home for the user, and this test's index."""
    home = shared_root.place(f"/home/{user}")
    shutil.rmtree(home)
    shared_root.add_user(user)
    environ = {**shared_root.environ, "PIP_INDEX_URL": index.url}
    yield Root(shared_root.path, environ)
    shutil.rmtree(shared_root.place("/work"), ignore_errors=True)


def write_project(root: Root, user: int, files: Mapping[str, str]) -> str:
    """Write files into the user's project and return its name in the root."""
    for name, text in files.items():
        path = root.place(f"/work/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    root.give(user, "/work")
    return "/work"


def succeed(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command that must not fail said on stdout."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_tells_its_version_and_needs_no_python(root: Root, user: int) -> None:
    """What pyx itself is asked needs no interpreter; what a program needs is told in one line."""
    nothing = {"PATH": "/nowhere"}
    done = root.run("/usr/bin/pyx", "--version", user=user, env=nothing)
    assert (done.returncode, done.stdout) == (0, f"pyx {pyx_launcher.__version__}\n")
    done = root.run("/usr/bin/pyx", "-c", "", user=user, env=nothing)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (69, "", 2)


def test_a_locked_project_runs_from_an_index(
    root: Root, user: int, wheels: Path, index: IndexServer
) -> None:
    """First and second start, `-m`, a console script, and `sync --compile` of a locked project."""
    files = {"alpha/__init__.py": "def main():\n    print('alpha runs')\n"}
    alpha = make_wheel(wheels, "alpha", "1.0", files=files, entry_points={"alpha": "alpha:main"})
    many = [make_wheel(wheels, f"part{number}", "1.0") for number in range(20)]
    code = "import alpha, part19, sys\nprint(alpha.__file__, sys.argv[1:])\n"
    lock = pylock_text([alpha, *many], index_url=index.url)
    cwd = write_project(root, user, {"pylock.toml": lock, "main.py": code})
    first = root.run("pyx", "main.py", "a b", cwd=cwd, user=user)
    assert "alpha/__init__.py ['a b']" in succeed(first)
    asked = len(index.requests)
    second = root.run("pyx", "main.py", "a b", cwd=cwd, user=user, env={"PYX_DEBUG": "1"})
    assert succeed(second) == first.stdout
    assert "holds" in second.stderr
    assert len(index.requests) == asked
    assert succeed(root.run("pyx", "run", "alpha", cwd=cwd, user=user)) == "alpha runs\n"
    assert "compiled" in succeed(root.run("pyx", "sync", "--compile", cwd=cwd, user=user))
    assert "21, 0 not in the store" in succeed(root.run("pyx", "info", cwd=cwd, user=user))


def test_it_does_without_proc(root: Root, user: int, wheels: Path, index: IndexServer) -> None:
    """In a root where nothing is mounted, too, the programs find themselves and one another."""
    files = {"alpha.py": "def main():\n    print('alpha runs')\n"}
    alpha = make_wheel(wheels, "alpha", "1.0", files=files, entry_points={"alpha": "alpha:main"})
    lock = pylock_text([alpha], index_url=index.url)
    cwd = write_project(root, user, {"pylock.toml": lock})
    for words in (("run", "alpha"), ("-c", "import alpha; alpha.main()")) * 2:
        told = root.run("pyx", *words, cwd=cwd, user=user, proc="tmpfs")
        assert succeed(told) == "alpha runs\n"


def test_the_other_commands_have_what_they_need(
    root: Root, user: int, wheels: Path, index: IndexServer, tmp_path: Path
) -> None:
    """Libraries that few commands import or fetch, with their data, and the parts of pyx itself."""
    for wheel in download_pins("cyclonedx", tmp_path):
        shutil.copy(wheel, wheels)
    alpha = make_wheel(wheels, "alpha", "1.0", metadata=["License-Expression: MIT"])
    lock = pylock_text([alpha], index_url=index.url)
    cwd = write_project(root, user, {"pylock.toml": lock, "main.py": "import alpha; print(alpha)"})

    def pyx(*words: str) -> str:
        return succeed(root.run("pyx", *words, cwd=cwd, user=user))

    pyx("sync")
    assert "alpha" in pyx("list")
    assert "alpha" in pyx("tree")
    assert "alpha==1.0" in pyx("export", "--format", "requirements")
    pyx("env", "create", "science")
    assert "science" in pyx("env", "list")
    pyx("bundle", "/work/bundle", "main.py")
    assert "alpha" in succeed(root.run("/work/bundle/run", cwd="/", user=user))
    assert pyx("store", "verify") == "1 entries verified, 0 damaged\n"
    bill = json.loads(pyx("info", "--sbom"))
    assert [each["name"] for each in bill["components"]] == ["alpha"]


def test_a_locked_project_runs_from_a_wheelhouse(
    root: Root, user: int, tmp_path: Path, wheels: Path
) -> None:
    """Offline, from a directory of wheels, with a lock that names no place."""
    alpha = make_wheel(tmp_path / "house", "alpha", "1.0")
    shutil.copytree(tmp_path / "house", root.place("/work/house"))
    lock = poetry_lock_text([alpha])
    cwd = write_project(root, user, {"poetry.lock": lock, "main.py": "import alpha as a; print(a)"})
    env = {"PIP_FIND_LINKS": "/work/house", "PYX_OFFLINE": "1"}
    assert "alpha" in succeed(root.run("pyx", "main.py", cwd=cwd, user=user, env=env))
    assert succeed(root.run("pyx", "store", "verify", user=user)).startswith("1 ent")


SPY = """\
import json, os
from pathlib import Path
from treebackend import *
from treebackend import build_wheel as build

def build_wheel(*arguments):
    Path("src/seen.py").write_text("SEEN = " + repr(dict(os.environ)))
    return build(*arguments)
"""


@pytest.mark.parametrize("requires", [(), ("tool",)], ids=["nothing", "something"])
def test_an_sdist_builds(
    root: Root, user: int, wheels: Path, index: IndexServer, requires: tuple[str, ...]
) -> None:
    """Its build sees nothing of how pyx started, and has a pip though the interpreter has none."""
    make_wheel(wheels, "tool", "1.0", files={"tool.py": "from treebackend import *\n"})
    sdist = make_sdist(wheels, "alpha", "1.0")
    stem = "alpha-1.0"
    with tarfile.open(sdist) as packed:
        unpack_tar(packed, wheels)
    system = f'requires = {list(requires)}\nbuild-backend = "spy"\nbackend-path = ["."]\n'
    (wheels / stem / "pyproject.toml").write_text(f"[build-system]\n{system}")
    (wheels / stem / "spy.py").write_text(SPY + "".join(f"import {name}\n" for name in requires))
    with tarfile.open(sdist, "w:gz") as packed:
        packed.add(wheels / stem, stem)
    lock = pylock_text([sdist], index_url=index.url)
    code = "import json, seen; print(json.dumps(seen.SEEN))"
    cwd = write_project(root, user, {"pylock.toml": lock, "main.py": code})
    own = {"LD_LIBRARY_PATH": "/mine"}
    seen = json.loads(succeed(root.run("pyx", "main.py", cwd=cwd, user=user, env=own)))
    assert {name: seen[name] for name in seen if name in TRACES} == own
    assert not [name for name in seen if name.startswith(("_PYI", "_MEI", "PYX_", "PYINSTALLER"))]


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"LD_LIBRARY_PATH": "/mine:/yours"},
        {"LD_LIBRARY_PATH": "", "LD_LIBRARY_PATH_ORIG": "/old", "PYTHONUTF8": "0"},
        {"_PYI_ARCHIVE_FILE": "/other/program", "_PYI_PARENT_PROCESS_LEVEL": "1", "LC_ALL": "C"},
    ],
    ids=["nothing", "libraries", "an older value", "another program of PyInstaller's"],
)
def test_the_program_gets_the_users_variables(root: Root, user: int, env: dict[str, str]) -> None:
    """What plain python would get, and the note that this is a start of pyx, by both paths."""
    cwd = write_project(root, user, {"tell.py": TELL_ENVIRON})
    plain = json.loads(succeed(root.run("python3", "-I", "tell.py", cwd=cwd, user=user, env=env)))
    for _ in range(2):
        told = root.run("pyx", "tell.py", cwd=cwd, user=user, env=env)
        assert json.loads(succeed(told)) == {**plain, "PYX_INSIDE": "1"}


def test_git_gets_exactly_the_users_variables(archive: Path, tmp_path: Path) -> None:
    """A checkout is made by the machine's git, with the machine's libraries."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    with tarfile.open(archive) as packed:
        unpack_tar(packed, tmp_path, "tar")
        pyx = tmp_path / packed.getnames()[0] / "pyx"
    make_sdist(tmp_path, "alpha", "1.0")
    with tarfile.open(tmp_path / "alpha-1.0.tar.gz") as packed:
        unpack_tar(packed, tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYX_STORES": ""}
    tree = tmp_path / "alpha-1.0"
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "all")):
        subprocess.run(["git", *words], cwd=tree, env=environ, check=True)
    told = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tree, env=environ, capture_output=True, check=True
    )
    lock = (
        'lock-version = "1.0"\ncreated-by = "hand"\n[[packages]]\nname = "alpha"\n'
        f'[packages.vcs]\ntype = "git"\nurl = "{tree.as_uri()}"\n'
        f'commit-id = "{told.stdout.decode().strip()}"\n'
    )
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pylock.toml").write_text(lock)
    trace = tmp_path / "trace"
    spied = {"GIT_TRACE2_EVENT": str(trace), "GIT_TRACE2_ENV_VARS": ",".join((*TRACES, "LANG"))}
    own = {"LD_LIBRARY_PATH": str(tmp_path), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [pyx, "-c", "import alpha"],
        cwd=tmp_path / "project",
        env={**environ, **spied, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    seen = {(e["param"], e["value"]) for e in events if e["event"] == "def_param"}
    assert seen == set(own.items())


def download_pins(name: str, directory: Path) -> list[Path]:
    """Download the wheels of a helper that pyx fetches when it is first needed; return them."""
    pins = ROOT / "launcher" / "pyx_launcher" / "resolve" / "pins" / f"{name}-requirements.txt"
    pip = [PLAIN_PYTHON, "-I", "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    pip += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([*pip, "-d", directory, "-r", pins], check=True)
    return sorted(directory.glob("*.whl"))


@pytest.fixture(scope="session")
def uv_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the wheel of the uv that pyx is pinned to."""
    (wheel,) = download_pins("uv", tmp_path_factory.mktemp("uv"))
    return wheel


MANIFEST = '[project]\nname = "sample"\nversion = "1"\nrequires-python = ">=3.9"\n'


def test_a_requirement_is_added(root: Root, user: int, wheels: Path, uv_wheel: Path) -> None:
    """The resolver comes from the index by the pins inside, and asks that index."""
    shutil.copy(uv_wheel, wheels)
    make_wheel(wheels, "beta", "2.0")
    make_wheel(wheels, "alpha", "1.0", requires=["beta>=1"])
    code = "import beta; print(beta.__version__)"
    cwd = write_project(root, user, {"pyproject.toml": MANIFEST, "main.py": code})
    succeed(root.run("pyx", "add", "alpha", cwd=cwd, user=user))
    assert "alpha" in root.place("/work/pyproject.toml").read_text()
    assert 'name = "beta"' in root.place("/work/pylock.toml").read_text()
    assert succeed(root.run("pyx", "main.py", cwd=cwd, user=user)) == "2.0\n"


def test_a_tool_is_installed(root: Root, user: int, wheels: Path, uv_wheel: Path) -> None:
    """A program of its own, linked into the user's bin, until it is taken away."""
    shutil.copy(uv_wheel, wheels)
    files = {"alpha.py": "def main():\n    print('alpha runs')\n"}
    make_wheel(wheels, "alpha", "1.0", files=files, entry_points={"alpha": "alpha:main"})
    succeed(root.run("pyx", "tool", "install", "alpha", user=user))
    program = f"/home/{user}/.local/bin/alpha"
    assert succeed(root.run(program, user=user)) == "alpha runs\n"
    succeed(root.run("pyx", "tool", "uninstall", "alpha", user=user))
    assert not os.path.lexists(root.place(program))


def test_children_see_the_same_packages(
    root: Root, user: int, wheels: Path, index: IndexServer
) -> None:
    """The native program of the archive becomes the python of environments."""
    alpha = make_wheel(wheels, "alpha", "1.0")
    code = (
        "import subprocess, sys\nfrom multiprocessing import get_context\n"
        "def work(queue):\n    import alpha\n    queue.put(alpha.__version__)\n"
        "if __name__ == '__main__':\n"
        "    subprocess.run([sys.executable, '-c', 'import alpha'], check=True)\n"
        "    spawning = get_context('spawn')\n    queue = spawning.SimpleQueue()\n"
        "    child = spawning.Process(target=work, args=(queue,))\n    child.start()\n"
        "    print(queue.get(), child.join())\n"
    )
    lock = pylock_text([alpha], index_url=index.url)
    cwd = write_project(root, user, {"pylock.toml": lock, "main.py": code})
    # Semaphores are files of this directory.
    shared = root.place("/dev") / "shm"
    shared.mkdir(exist_ok=True)
    shared.chmod(0o1777)
    assert succeed(root.run("pyx", "main.py", cwd=cwd, user=user)) == "1.0 None\n"


def test_it_may_lie_anywhere(archive: Path, tmp_path: Path) -> None:
    """Unpacked below a name with spaces, started through links, and moved afterwards."""
    place = tmp_path / "a place"
    place.mkdir()
    with tarfile.open(archive) as packed:
        unpack_tar(packed, place, "tar")
        (place / packed.getnames()[0]).rename(place / "pyx itself")
    (tmp_path / "link").symlink_to(place / "pyx itself" / "pyx")
    (tmp_path / "pyx").symlink_to("link")
    home = tmp_path / "home"
    home.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(home)}
    words = [tmp_path / "pyx", "-c", "print('it runs')"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "it runs\n"), done.stderr
    moved = place.rename(tmp_path / "moved")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to(moved / "pyx itself" / "pyx")
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "it runs\n"), done.stderr


def test_the_archive_tells_nothing_of_where_it_was_made(archive: Path) -> None:
    """One directory, sorted, of root's, of one date; no file names the place of the build."""
    with tarfile.open(archive) as packed:
        members = packed.getmembers()
        names = [member.name for member in members]
        top = f"pyx-{pyx_launcher.__version__}-linux-"
        assert names == sorted(names)
        assert all(name.startswith(top) for name in names)
        assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "root", "root")}
        assert len({m.mtime for m in members}) == 1
        assert {m.mode for m in members if not m.issym()} == {0o755, 0o644}
        for member in members:
            if member.isfile():
                file = packed.extractfile(member)
                assert file is not None
                content = file.read()
                assert b"pyx-standalone-" not in content, member.name
                assert os.fsencode(ROOT) not in content, member.name
        for name in ("licenses/python/", "licenses/pip/", "licenses/pyinstaller/"):
            assert any(f"/{name}" in each for each in names), name
    digest = archive.with_name(f"{archive.name}.sha256")
    told = subprocess.run(["sha256sum", "-c", digest.name], cwd=archive.parent, check=False)
    assert told.returncode == 0


def test_two_builds_make_the_same_bytes(archive: Path, shared_python: Path, tmp_path: Path) -> None:
    """Nothing of the time, the place or the process goes in."""
    (tmp_path / "elsewhere").mkdir()
    variables = {"SOURCE_DATE_EPOCH": str(MOMENT), "TMPDIR": str(tmp_path / "elsewhere")}
    again = build_standalone(tmp_path / "again", shared_python, **variables, LANG="C")
    assert again.name == archive.name
    assert again.read_bytes() == archive.read_bytes()


def test_what_goes_along_is_what_the_lock_has() -> None:
    """Pip is pinned as well: its version and its hash stand in a file of the repository."""
    text = (ROOT / "packaging" / "standalone-requirements.txt").read_text(encoding="utf-8")
    assert re.search(r"^pip==[\d.]+ --hash=sha256:[0-9a-f]{64}$", text, re.MULTILINE)


def test_it_is_measured(archive: Path, pyx: Pyx) -> None:
    """The benchmark of artefacts prints a row for it, each figure above zero; the last may lack."""
    program = ROOT / "tests" / "benchmarks" / "artifacts.py"
    words = [sys.executable, program, archive, "--quick", "--rounds", "1", "--pyx", pyx.path]
    row = succeed(pyx.run(words, timeout=600)).splitlines()[-1].removeprefix("| ").split(" | ")
    assert row[0] == archive.name
    assert len(row) == 7
    assert all(float(figure) > 0 for figure in row[1:6])

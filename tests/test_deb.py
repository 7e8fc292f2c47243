"""The Debian package, in a Debian that has nothing but what every Debian has, and python3.

    pyx -m pytest -m "slow and network" tests/test_deb.py

needs root, `dpkg-deb`, and `debootstrap` with the mirror of this machine's own sources.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from archives import unpack_tar
from debian import find_mirror
from installed import ROOT, shared_directory
from standalone import USER, Root, build_standalone, find_shared_python, look
from wheelhouse import make_sdist, make_wheel, pylock_text

import pyx_launcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from indexserver import IndexServer

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(1800)]

MOMENT = 1700000000


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, interpreters: Mapping[str, Path]) -> Path:
    """Give the standalone pyx, built once for all tests."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("there is no dpkg-deb")
    directory = shared_directory(tmp_path_factory) / "standalone"
    python = find_shared_python(interpreters)
    return build_standalone(directory, python, SOURCE_DATE_EPOCH=str(MOMENT))


def build_deb(archive: Path, directory: Path, **variables: str) -> Path:
    """Build the package of `archive` into `directory` and return it."""
    command = [sys.executable, ROOT / "packaging" / "build_deb.py", directory]
    done = subprocess.run(
        [*command, "--standalone", archive],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(MOMENT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (package,) = directory.glob("*.deb")
    return package


@pytest.fixture(scope="session")
def deb(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the package."""
    return build_deb(archive, tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="session")
def bootstrapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a minimal Debian with python3, made once for all tests, to be copied."""
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    if shutil.which("debootstrap") is None:
        pytest.skip("there is no debootstrap")
    directory = tmp_path_factory.mktemp("debian")
    found = find_mirror()
    if found is None:
        pytest.skip("apt names no mirror of Debian")
    suite, mirror = found
    command = ["debootstrap", "--variant=minbase", "--include=python3-minimal,libpython3-stdlib"]
    done = subprocess.run(
        [*command, suite, directory / "root", mirror], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"debootstrap cannot make a Debian: {done.stdout.splitlines()[-1:]}")
    return directory / "root"


@pytest.fixture
def debian(bootstrapped: Path, deb: Path, tmp_path: Path, index: IndexServer) -> Iterator[Root]:
    """Give a Debian in which the package is installed."""
    subprocess.run(["cp", "-a", bootstrapped, tmp_path / "debian"], check=True)
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    environ = {"PATH": path, "LANG": "C.UTF-8", "PIP_INDEX_URL": index.url}
    root = Root(tmp_path / "debian", environ)
    root.add_user(0)
    root.add_user(USER)
    shutil.copy(deb, root.place("/root"))
    succeed(root.run("dpkg", "-i", f"/root/{deb.name}"))
    yield root
    shutil.rmtree(tmp_path / "debian")


def succeed(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command that must not fail said on stdout."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_project(root: Root, name: str, user: int, files: Mapping[str, str]) -> str:
    """Write files into a project of `user` and return its name in the root."""
    for path, text in files.items():
        target = root.place(f"{name}/{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    root.give(user, name)
    return name


def test_programs_run_for_root_and_for_users(
    debian: Root, wheels: Path, index: IndexServer
) -> None:
    """A locked wheel and an sdist run with Debian's python3, which has no pip and no ensurepip."""
    alpha = make_wheel(wheels, "alpha", "1.0")
    tool = 'requires = ["tool"]\nbuild-backend = "treebackend"\nbackend-path = ["."]\n'
    make_wheel(wheels, "tool", "1.0")
    beta = make_sdist(wheels, "beta", "2.0")
    with tarfile.open(beta) as packed:
        unpack_tar(packed, wheels)
    (wheels / "beta-2.0" / "pyproject.toml").write_text(f"[build-system]\n{tool}")
    with tarfile.open(beta, "w:gz") as packed:
        packed.add(wheels / "beta-2.0", "beta-2.0")
    lock = pylock_text([alpha, beta], index_url=index.url)
    code = "import alpha, beta, sys; print(alpha.__version__, beta.__version__, sys.prefix)"
    for user in (0, USER):
        files = {"pylock.toml": lock, "main.py": code}
        cwd = write_project(debian, f"/home/{user}/project", user, files)
        for _ in range(2):
            told = succeed(debian.run("pyx", "main.py", cwd=cwd, user=user))
            assert told.startswith(f"1.0 2.0 /home/{user}/.local/share/pyx/")
        assert succeed(debian.run("pyx", "--version", user=user)).split()[1] == (
            pyx_launcher.__version__
        )


def test_what_root_puts_into_the_systems_store_serves_users(
    debian: Root, wheels: Path, index: IndexServer
) -> None:
    """It is neither fetched nor copied, and a user writes nothing there."""
    alpha = make_wheel(wheels, "alpha", "1.0")
    lock = pylock_text([alpha], index_url=index.url)
    files = {"pylock.toml": lock, "main.py": "import alpha; print(alpha.__file__)"}
    cwd = write_project(debian, "/srv/project", USER, files)
    filling = {"PYX_HOME": "/var/lib/pyx"}
    succeed(debian.run("pyx", "--project", cwd, "sync", env=filling))
    before = look(debian.place("/var/lib/pyx"))
    asked = len(index.requests)
    for _ in range(2):
        told = succeed(debian.run("pyx", "main.py", cwd=cwd, user=USER))
        assert told.startswith("/var/lib/pyx/store/alpha/1.0/")
    assert len(index.requests) == asked
    assert look(debian.place("/var/lib/pyx")) == before
    # Root's own programs have it behind them as well, and a store closed to users is none to them.
    assert succeed(debian.run("pyx", "main.py", cwd=cwd)).startswith("/var/lib/pyx/store/")
    debian.place("/var/lib/pyx").chmod(0o700)
    told = succeed(debian.run("pyx", "main.py", cwd=cwd, user=USER))
    assert told.startswith(f"/home/{USER}/.local/share/pyx/store/")
    debian.place("/var/lib/pyx").chmod(0o755)
    debian.place("/var/lib/pyx/store").chmod(0o777)
    done = debian.run("pyx", "-c", "1", cwd=cwd, user=USER)
    assert (done.returncode, "can be written by others" in done.stderr) == (77, True)


def test_removing_and_purging(debian: Root, deb: Path) -> None:
    """Removing leaves what was fetched, as Debian does with data; purging leaves nothing."""
    before = set(look(debian.place("/")))
    mine = {
        name for name in before if name.startswith(("usr/lib/pyx", "usr/bin/pyx", "var/lib/pyx"))
    }
    assert mine
    entry = debian.place("/var/lib/pyx/store/alpha/1.0")
    entry.mkdir(parents=True)
    succeed(debian.run("dpkg", "-r", "pyx"))
    assert entry.is_dir()
    assert not debian.place("/usr/lib/pyx").exists()
    assert not os.path.lexists(debian.place("/usr/bin/pyx"))
    succeed(debian.run("dpkg", "-P", "pyx"))
    after = look(debian.place("/"))
    assert [name for name in after if re.search(r"(^|/)_?pyx\b", name)] == []
    succeed(debian.run("dpkg", "-i", f"/root/{deb.name}"))
    assert succeed(debian.run("dpkg", "-V", "pyx")) == ""
    succeed(debian.run("dpkg", "-P", "pyx"))
    after = look(debian.place("/"))
    assert [name for name in after if re.search(r"(^|/)_?pyx\b", name)] == []


def test_the_files_lie_where_debian_has_them(deb: Path) -> None:
    """The manual page, completions and documents are found by their tools; nothing else is told."""
    told = subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True, check=True)
    rows = [line.split() for line in told.stdout.splitlines()]
    assert {row[1] for row in rows} == {"root/root"}
    assert {(row[3], row[4]) for row in rows} == {("2023-11-14", "22:13")}
    names = {row[5].removeprefix("./") for row in rows}
    for name in (
        "usr/bin/pyx",
        "usr/share/man/man1/pyx.1.gz",
        "usr/share/bash-completion/completions/pyx",
        "usr/share/zsh/vendor-completions/_pyx",
        "usr/share/fish/vendor_completions.d/pyx.fish",
        "usr/share/doc/pyx/copyright",
        "usr/share/doc/pyx/changelog.gz",
        "var/lib/pyx/store/",
    ):
        assert name in names, name
    control = subprocess.run(["dpkg-deb", "-f", deb], capture_output=True, text=True, check=True)
    assert re.search(r"^Depends: libc6 \(>= 2\.\d+\)$", control.stdout, re.MULTILINE)
    assert f"\nVersion: {pyx_launcher.__version__}\n" in control.stdout


def test_two_builds_of_the_package_make_the_same_bytes(
    deb: Path, archive: Path, tmp_path: Path
) -> None:
    """Nothing of the time, the place or the process goes in."""
    (tmp_path / "elsewhere").mkdir()
    again = build_deb(archive, tmp_path / "again", TMPDIR=str(tmp_path / "elsewhere"))
    assert (again.name, again.read_bytes()) == (deb.name, deb.read_bytes())


def test_lintian_finds_no_error(deb: Path) -> None:
    """What Debian's own policy calls an error is not there, or is explained."""
    if shutil.which("lintian") is None:
        pytest.skip("there is no lintian")
    done = subprocess.run(
        ["lintian", "--fail-on", "error", "--display-level", ">=error", deb],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")

"""The standalone pyx, built once for all tests of a session, and roots that hold nothing else.

A `Root` is a directory that becomes the root of processes: a C library, a shell, an interpreter
with its standard library but without any means to install, and users with homes.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from archives import unpack_tar
from filelock import FileLock
from installed import PLAIN_PYTHON, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

USER = 65501
"""The number of a user who is not root."""

TELL_BUILD = (
    "import ensurepip, sys, sysconfig; "
    "print(sys.version_info >= (3, 11) and sysconfig.get_config_var('Py_ENABLE_SHARED'))"
)
TELL_PLACES = (
    "import sys, sysconfig; "
    "print(sysconfig.get_path('stdlib'), sysconfig.get_path('platstdlib'), sys.base_prefix)"
)
LEFT_OUT = ("ensurepip", "site-packages", "dist-packages", "test", "idlelib", "config-*", "turtle*")
"""What of a standard library is not in a root: above all, every way to pip."""


def find_shared_python(interpreters: Mapping[str, Path]) -> Path:
    """Return an interpreter that can be frozen: it has a shared library. Skips without one."""
    for path in reversed(interpreters.values()):
        told = subprocess.run([path, "-I", "-c", TELL_BUILD], capture_output=True, check=False)
        if told.stdout.strip() == b"1":
            return path
    pytest.skip("no interpreter has a shared library, which PyInstaller needs")


def build_standalone(directory: Path, python: Path, **variables: str) -> Path:
    """Build the standalone pyx into `directory`, unless it is there, and return the archive.

    Where ``$PYX_TEST_DIST`` names a directory with one, that one is tested.
    """
    built = Path(os.environ.get("PYX_TEST_DIST") or os.devnull).rglob("pyx-*-linux-*.tar.gz")
    if found := list(built):
        return found[0]
    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory.with_suffix(".lock")):
        found = list(directory.glob("*.tar.gz"))
        if not found:
            done = subprocess.run(
                [python, "-Es", ROOT / "packaging" / "build_standalone.py", directory],
                env={**os.environ, **variables},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            found = list(directory.glob("*.tar.gz"))
    (archive,) = found
    return archive


_PROGRAMS = [
    shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") or name
    for name in ("unshare", "mount", "chroot")
]

# What is mounted here ends with the process, whose namespace it is mounted in.
_ENTER = """\
mount=$1 chroot=$2 kind=$3 root=$4 installed=$5 user=$6
shift 6
"$mount" -t "$kind" none "$root/proc" &&
"$mount" --bind "$root$installed" "$root$installed" &&
"$mount" -o remount,ro,bind "$root$installed" &&
exec "$chroot" "--userspec=$user:$user" --groups= "$root" \\
    /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$@"
"""


@dataclass
class Root:
    """A directory that processes take for the root; making one needs the rights of root."""

    path: Path
    environ: dict[str, str] = field(default_factory=dict)
    """The variables of every process in it; there are no others."""
    installed: str = "/opt"
    """A directory that nobody can write to, not even root."""

    def run(
        self,
        *words: str | Path,
        cwd: str = "/",
        user: int = 0,
        env: Mapping[str, str] | None = None,
        proc: str = "proc",
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it as `user` in the directory `cwd`, and return what it said.

        `proc` is the file system at /proc; tmpfs stands for a root that has none.
        """
        unshare, *others = _PROGRAMS
        enter = (unshare, "--mount", "--propagation", "private", "/bin/sh", "-c", _ENTER, "sh")
        return subprocess.run(
            [*enter, *others, proc, self.path, self.installed, str(user), cwd, *words],
            env={**self.environ, "HOME": f"/home/{user}", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def place(self, name: str) -> Path:
        """Return where the file that is called `name` in the root lies outside of it."""
        return self.path / name.lstrip("/")

    def add_program(self, program: Path) -> None:
        """Copy a program, and the libraries that it needs, to the places where they are here."""
        self.add_file(program)
        self.add_libraries([program])

    def add_file(self, path: Path) -> None:
        """Copy a file to the place where it is here."""
        target = self.place(str(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy2(path, target)

    def add_libraries(self, programs: Iterable[Path]) -> None:
        """Copy the libraries that some programs and libraries need."""
        for program in programs:
            told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
            for found in re.findall(r"(?:=> |^\s*)(/\S+) \(0x", told.stdout, re.MULTILINE):
                self.add_file(Path(found))

    def add_c_library(self) -> None:
        """Copy what every system has beside the C library, which is there already."""
        (library,) = self.path.rglob("libc.so.6")
        there = Path("/", library.relative_to(self.path)).parent
        for pattern in ("libdl", "libm", "libpthread", "libresolv", "librt", "libutil", "libgcc_s"):
            for found in there.glob(f"{pattern}.so.[0-9]"):
                self.add_file(found)

    def add_user(self, user: int) -> None:
        """Give a user a home directory."""
        home = self.place(f"/home/{user}")
        home.mkdir(parents=True)
        os.chown(home, user, user)

    def give(self, user: int, name: str) -> None:
        """Make everything below a place belong to `user`."""
        place = self.place(name)
        for path in (place, *place.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)


def make_root(path: Path) -> Root:
    """Make a root with the interpreter that runs the tests, and nothing that could install.

    Skips where that is not allowed.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("to make another root for a process needs root, on Linux")
    root = Root(path)
    for name in ("dev", "tmp", "proc", "opt", "usr/bin"):
        root.place(name).mkdir(parents=True)
    root.path.chmod(0o755)
    root.place("tmp").chmod(0o1777)
    for name, number in (("null", 3), ("zero", 5), ("urandom", 9)):
        device = root.place(f"dev/{name}")
        try:
            os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, number))
        except PermissionError:
            pytest.skip("this root may not make devices")
        device.chmod(0o666)
    root.add_program(Path("/bin/sh"))
    root.add_c_library()
    python = Path(PLAIN_PYTHON).resolve()
    _add_interpreter(root, python)
    root.place("/usr/bin/python3").symlink_to(python)
    root.environ |= {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    for user in (0, USER):
        root.add_user(user)
    if root.run("/bin/sh", "-c", "exit 42").returncode != 42:
        pytest.skip("this root may not mount, or change the root")
    done = root.run("/usr/bin/python3", "-c", "import ssl, ctypes, venv")
    assert done.returncode == 0, done.stderr
    assert root.run("/usr/bin/python3", "-c", "import ensurepip").returncode == 1
    return root


def _add_interpreter(root: Root, python: Path) -> None:
    root.add_program(python)
    told = subprocess.run([python, "-I", "-c", TELL_PLACES], capture_output=True, check=True)
    for name in set(told.stdout.decode().split()[:2]):
        target = root.place(name)
        if not target.exists():
            shutil.copytree(name, target, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
            root.add_libraries(Path(name).glob("lib-dynload/*.so"))


def install_standalone(root: Root, archive: Path) -> str:
    """Unpack `archive` below /opt of `root` with a link to it on PATH; return the name there."""
    with tarfile.open(archive) as packed:
        unpack_tar(packed, root.place("/opt"), "tar")
        name = packed.getnames()[0]
    installed = f"/opt/{name}"
    root.give(0, installed)
    root.place("/usr/bin/pyx").symlink_to(f"{installed}/pyx")
    return installed


def look(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Return what can be seen of everything below `directory`: mode, size, time of change."""
    return {
        str(path.relative_to(directory)): (info.st_mode, info.st_size, info.st_ctime_ns)
        for path in sorted(directory.rglob("*"))
        if (info := path.lstat())
    }

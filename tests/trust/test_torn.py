"""Files that a power cut left empty or cut short: every start works, or says what mends it.

Entries are flushed before they can be seen; everything else is derived, and is told from what it
should be when it is read.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from trust.ground import Shim, build_shim, expected, make_project, make_wheels
from wheelhouse import make_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from installed import Pyx

MEND = "is out of date; run `pyx sync` in its project"
OF_THE_ENVIRONMENT = (
    *("pyvenv.cfg", "bootstrap.pyc", "launch", "environment.json"),
    *("bin/python", "bin/part1", "bin/plain", "bin/pip"),
    *("site-packages/pyx.pth", "site-packages/_pyx.pyc"),
)
"""Every regular file of the environment below."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A project that was started before, so that its next start is a fast one."""

    pyx: Pyx
    project: Path
    home: Path
    cache: Path
    told: str
    """What its program prints."""

    @property
    def environment(self) -> Path:
        """The directory of its environment."""
        (path,) = (p for p in (self.home / "environments").iterdir() if p.name[0] != ".")
        return path

    def find(self, name: str) -> Path:
        """Return a file of the environment, or of one of the other directories."""
        if name.startswith("site-packages/"):
            (found,) = self.environment.glob(f"lib/python*/{name}")
            return found
        return self.environment / name

    def start(self) -> None:
        """See the program run as if nothing had happened."""
        told = self.pyx("main.py", cwd=self.project)
        assert (told.stdout, told.stderr, told.returncode) == (self.told, "", 0)


@pytest.fixture
def site(pyx: Pyx, tmp_path: Path, pyx_home: Path) -> Site:
    """Give a project with a program, modules, and console scripts of both kinds."""
    wheels = make_wheels(tmp_path / "parts", 2)
    script = {"scripts/plain": "#!python\nprint('plain')\n"}
    extra = make_wheel(tmp_path / "parts", "part7", "1.0", files={"part7.py": "N=7"}, data=script)
    wheels.append(extra)
    site = Site(
        pyx=pyx,
        project=make_project(tmp_path / "project", wheels),
        home=pyx_home,
        cache=tmp_path / "pyx-cache",
        told=expected(wheels),
    )
    with (site.project / "main.py").open("a") as file:
        # Long enough to be worth a file of bytecode.
        file.write("".join(f"def f{number}(): return {number}\n" for number in range(300)))
    prime(site)
    return site


def prime(site: Site) -> None:
    """Start the program until there is nothing left to be written."""
    for _ in range(30):
        told = site.pyx("main.py", cwd=site.project, env={"PYX_DEBUG": "1"})
        assert told.stdout == site.told, told.stderr
        if "holds" in told.stderr and [*site.cache.glob("code/*")]:
            return
        time.sleep(0.2)
    raise AssertionError(told.stderr)


def tear(path: Path, keep: float) -> None:
    """Leave only a part of a file, with the times that it had."""
    info = path.stat()
    path.chmod(0o755)
    os.truncate(path, int(info.st_size * keep))
    path.chmod(info.st_mode)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def give_inode(path: Path) -> None:
    """Replace a file by a copy of itself, so that its other names are left in peace."""
    shutil.copy2(path, path.with_name(".copy")).rename(path)


def test_a_torn_environment(site: Site) -> None:
    """Its programs start; its own python does, or names `pyx sync`, after which it does."""
    root = site.environment
    found = {path for path in root.rglob("*") if path.is_file() and not path.is_symlink()}
    names = {site.find(name) for name in OF_THE_ENVIRONMENT}
    assert names <= found
    assert {path for path in found - names if "__pycache__" not in path.parts} == set()
    whole = {other: site.find(other).read_bytes() for other in OF_THE_ENVIRONMENT}
    # Each is whole again when the next is torn, which is what `check_torn` ends with.
    for name in OF_THE_ENVIRONMENT:
        for keep in (0, 0.5):
            check_torn(site, name, keep, whole)
            prime(site)


def check_torn(site: Site, name: str, keep: float, whole: Mapping[str, bytes]) -> None:
    """Tear a file of the environment whose files are `whole`, and have it mended."""
    # Whatever the tests run shares this file, and a program that runs cannot be cut.
    if name == "bin/python":
        give_inode(site.find(name))
    tear(site.find(name), keep)
    python = site.environment / "bin" / "python"
    if name != "bin/python":
        told = site.pyx.run([python, "main.py"], cwd=site.project)
        mending = told.stderr.count("\n") == 1 and told.stderr.endswith(f"{MEND}\n")
        assert (told.stdout, told.returncode) == (site.told, 0) or (
            mending and told.returncode == 69
        )
    site.start()
    assert site.pyx("sync", cwd=site.project).returncode == 0
    for other, content in whole.items():
        if other not in ("launch", "environment.json"):
            assert site.find(other).read_bytes() == content, other
    told = site.pyx.run([python, "main.py"], cwd=site.project)
    assert (told.stdout, told.stderr) == (site.told, "")
    told = site.pyx("run", "plain", cwd=site.project)
    assert (told.stdout, told.stderr) == ("plain\n", "")


def test_torn_caches(site: Site) -> None:
    """Records, bytecode and facts about interpreters are made anew when they are needed."""
    for keep in (0, 0.5):
        files = [path for path in site.cache.rglob("*") if path.is_file()]
        assert {path.parent.name for path in files} >= {"launch", "code", "interpreters"}
        for path in files:
            tear(path, keep)
            site.start()
        for path in files:
            tear(path, keep)
        shutil.rmtree(site.environment)
        site.start()
        prime(site)


def test_a_torn_home(site: Site) -> None:
    """What keeps the store in order, and the program that environments link, are mended too."""
    for keep in (0, 0.5):
        kept = [path for path in (site.home / "native").iterdir() if path.is_file()]
        assert kept
        assert (site.home / "store" / ".generation").is_file()
        for path in [*kept, site.home / "store" / ".generation", site.home / "store" / ".format"]:
            if path in kept:
                give_inode(path)
            tear(path, keep)
            site.start()
            shutil.rmtree(site.environment)
            site.start()
        prime(site)


def test_a_torn_entry(site: Site) -> None:
    """Of an entry only the facts are read at a start; without them it is fetched again."""
    for keep in (0, 0.5):
        for path in (site.home / "store").glob("*/*/*/*/.entry.json"):
            path.parent.chmod(0o755)
            tear(path, keep)
            (site.cache / "launch").rename(site.cache / "gone")
            shutil.rmtree(site.cache / "gone")
            site.start()
        prime(site)


@pytest.mark.skipif(sys.platform != "linux", reason="the calls are logged by a preloaded library")
def test_the_linked_program_waits_for_the_disk(site: Site, tmp_path: Path) -> None:
    """All environments share it, and no start looks at it: so it is flushed when it is written."""
    library = build_shim(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler")
    log = tmp_path / "log"
    shim = Shim(library, tmp_path)
    shutil.rmtree(site.home / "environments")
    shutil.rmtree(site.home / "native")
    told = site.pyx("sync", cwd=site.project, env=shim.variables(site.home, log=log))
    assert told.returncode == 0, told.stderr
    lines = [line for line in log.read_text().splitlines() if "/native/" in line]
    flushed = next(at for at, line in enumerate(lines) if line.startswith("fsync"))
    shown = next(at for at, line in enumerate(lines) if line.startswith("rename"))
    assert flushed < shown

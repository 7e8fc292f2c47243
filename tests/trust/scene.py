"""A project that means harm, and what may be left of it afterwards: one line, and nothing else."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wheelhouse import make_wheel, pylock_text, sha256

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from indexserver import IndexServer
    from installed import Pyx

REFUSED, BAD_LOCK, UNAVAILABLE, USAGE, STORE = 77, 65, 69, 64, 74
MADE_BY_PYX = ("pyx-home", "pyx-cache", "home")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing made to do harm, and what pyx says of it."""

    name: str
    build: Callable[[Scene], None]
    """Writes the lock and what it names."""
    says: str
    """A part of the one line."""
    status: int = REFUSED
    environ: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A project, an index, and an installation of pyx with a home of its own."""

    pyx: Pyx
    base: Path
    project: Path
    wheels: Path
    index: IndexServer
    home: Path
    temporary: Path

    @property
    def canary(self) -> Path:
        """A file that is there as soon as anything hostile was executed."""
        return self.base / "canary"

    @property
    def python_harm(self) -> str:
        """Python code that makes the canary."""
        return f"open({str(self.canary)!r}, 'w').close()\n"

    def write_lock(self, text: str, name: str = "pylock.toml") -> None:
        """Write the project's lock."""
        (self.project / name).write_text(text, encoding="utf-8", errors="surrogateescape")

    def lock(self, *artifacts: Path, from_index: bool = False) -> None:
        """Lock `artifacts` as what they really are, by their paths or their URLs at the index."""
        self.write_lock(pylock_text(artifacts, index_url=self.index.url if from_index else None))

    def lock_tick(self) -> Path:
        """Lock one harmless wheel and return it."""
        wheel = make_wheel(self.wheels, "tick", "1.0")
        self.lock(wheel, from_index=True)
        return wheel

    def lock_file(self, path: str, *, digest: str = "0" * 64, version: str = "1.0") -> None:
        """Lock the wheel of ``tick`` as the file at `path`."""
        name = f"tick-{version}-py3-none-any.whl"
        self.write_lock(
            'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "tick"\n'
            f'version = "1.0"\n[[packages.wheels]]\nname = "{name}"\npath = "{path}"\n'
            f'hashes = {{sha256 = "{digest}"}}\n'
        )

    def sync(self, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Make everything ready that a start needs."""
        env = {"PIP_RETRIES": "0", "TMPDIR": str(self.temporary), **(environ or {})}
        return self.pyx("sync", cwd=self.project, env=env)

    def refuse(self, case: Case) -> str:
        """Return the line that `case` ends with, after a look that nothing else came of it."""
        case.build(self)
        before = self.list_tree()
        told = self.sync(case.environ)
        lines = told.stderr.splitlines()
        assert (told.returncode, told.stdout) == (case.status, ""), told.stderr
        assert [line[:5] for line in lines] == ["pyx: "] * len(lines), told.stderr
        # A busy machine may be slow enough for the line that tells what is waited for.
        lines = [line for line in lines if line != "pyx: waiting for 127.0.0.1; Ctrl-C ends it"]
        hints = [line for line in lines if line.startswith("pyx: hint: ")]
        assert lines[1:] == hints, told.stderr
        assert all(line.isprintable() for line in lines), told.stderr
        assert self.list_tree() == before
        assert self.list_entries() == []
        assert not self.canary.exists()
        assert case.says in lines[0], told.stderr
        return lines[0]

    def list_tree(self) -> dict[str, str]:
        """Return what lies outside of pyx's own directories: every path with its content."""
        found = {}
        for directory, names, files in os.walk(self.base):
            if Path(directory) == self.base:
                names[:] = [name for name in names if name not in MADE_BY_PYX]
            for name in (*names, *files):
                path = Path(directory, name)
                found[str(path.relative_to(self.base))] = _describe(path)
        return found

    def list_entries(self) -> list[str]:
        """Return everything in the store that is more than an empty directory or a lock file."""
        store = self.home / "store"
        found = (path for path in store.rglob("*") if path.is_symlink() or not path.is_dir())
        return sorted(
            str(p) for p in found if not p.name.endswith((".lock", ".generation", ".format"))
        )


def _describe(path: Path) -> str:
    info = path.lstat()
    if stat.S_ISLNK(info.st_mode):
        return f"link to {path.readlink()}"
    if not stat.S_ISREG(info.st_mode):
        return oct(info.st_mode)
    if info.st_size > 1 << 20:
        return f"{oct(info.st_mode)} {info.st_size}"
    return f"{oct(info.st_mode)} {hashlib.sha256(path.read_bytes()).hexdigest()}"


__all__ = ["Case", "Scene", "sha256"]

"""What the tests of trust share: projects over one wheelhouse, starts that go wrong, a verdict."""

from __future__ import annotations

import errno
import os
import random
import shlex
import shutil
import signal
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from wheelhouse import make_wheel, pylock_text

from pyx_launcher.store.inventory import list_entries
from pyx_launcher.store.verify import verify_entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from installed import Pyx

SHIM_SOURCE = Path(__file__).with_name("faults.c")

CALM = (0, 69, 74)
"""Exit statuses of a start that a fault may end: done, unavailable, store or I/O."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE)


def build_shim(directory: Path) -> Path | None:
    """Compile `faults.c`; None where there is no compiler, or another system than Linux."""
    library = directory / "faults.so"
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    command = [*compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SHIM_SOURCE), "-ldl"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return library


def make_wheels(directory: Path, count: int, *, seed: int = 0) -> list[Path]:
    """Write `count` wheels of various shapes: modules, packages, data, scripts, larger files."""
    order = random.Random(seed)  # noqa: S311 -- the same each time by purpose
    wheels = []
    for number in range(count):
        name = f"part{number}"
        files: dict[str, str | bytes] = {f"{name}/__init__.py": f"N = {number}\n"}
        for part in range(order.randrange(1, 12)):
            files[f"{name}/m{part}.py"] = f"X = {part}\n" * order.randrange(1, 300)
        if number % 3 == 0:
            files[f"{name}/blob.bin"] = order.randbytes(order.randrange(1, 200_000))
        if number % 4 == 0:
            files[f"shared/{name}.py"] = "Y = 1\n"
        wheels.append(
            make_wheel(
                directory,
                name,
                "1.0",
                files=files,
                data={f"data/share/{name}.txt": "data\n"} if number % 5 == 0 else None,
                entry_points={name: f"{name}:N"} if number % 2 else None,
            )
        )
    return wheels


def make_project(directory: Path, wheels: Sequence[Path], index_url: str | None = None) -> Path:
    """Write a project that locks `wheels`, whose program imports every one of them."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "pylock.toml").write_text(pylock_text(wheels, index_url=index_url))
    names = [wheel.name.split("-")[0] for wheel in wheels]
    program = "".join(f"import {name}\n" for name in names)
    total = " + ".join(f"{name}.N" for name in names) or "0"
    (directory / "main.py").write_text(f"{program}print({total})\n")
    return directory


def expected(wheels: Sequence[Path]) -> str:
    """Return what the program of such a project prints."""
    return f"{sum(int(wheel.name.split('-')[0].removeprefix('part')) for wheel in wheels)}\n"


def find_damage(home: Path) -> list[str]:
    """Return a line for everything wrong with an entry that can be seen below `home`."""
    return [
        f"{damage.kind} {path}/{damage.place}"
        for path in list_entries(home / "store")
        for damage in verify_entry(path).damages
    ]


def start_and_kill(pyx: Pyx, project: Path, delay: float, env: Mapping[str, str]) -> int:
    """Start ``pyx sync``, kill it with all its processes after `delay` seconds; its status."""
    process = subprocess.Popen(
        [pyx.path, "sync"],
        cwd=project,
        env=pyx.variables(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


class Shim:
    """Starts whose calls on files fail when they are told to."""

    def __init__(self, library: Path, directory: Path) -> None:
        """Use the compiled `library`; `directory` is for what it counts."""
        self.library = library
        self.counter = directory / "count"

    def variables(
        self,
        root: Path,
        *,
        at: int = 0,
        error: int = errno.ENOSPC,
        stays: bool = False,
        calls: str = "",
        log: Path | None = None,
    ) -> dict[str, str]:
        """Return the variables of a process in which call number `at` below `root` fails."""
        self.counter.write_bytes(bytes(8))
        variables = {
            "LD_PRELOAD": str(self.library),
            "FAULT_ROOT": str(root),
            "FAULT_COUNT": str(self.counter),
            "FAULT_AT": str(at),
            "FAULT_ERRNO": str(error),
            "FAULT_CALLS": calls,
        }
        if stays:
            variables["FAULT_STAYS"] = "1"
        return variables | ({"FAULT_LOG": str(log)} if log else {})

    def count(self) -> int:
        """Return how many calls there have been."""
        number: int = struct.unpack("=Q", self.counter.read_bytes())[0]
        return number


def try_fault(
    pyx: Pyx, shim: Shim, project: Path, home: Path, *, at: int, error: int, stays: bool
) -> list[str]:
    """Let one call of a sync into the new directory `home` fail; return what then is not right."""
    faults = shim.variables(home, at=at, error=error, stays=stays)
    return judge(pyx, project, home, faults, label=f"{errno.errorcode[error]} at {at}")


def judge(
    pyx: Pyx, project: Path, home: Path, faults: Mapping[str, str], *, label: str
) -> list[str]:
    """Sync with `faults` and without; return what is not right, and remove `home`."""
    where = {"PYX_HOME": str(home)}
    told = pyx("sync", cwd=project, env={**where, **faults})
    wrong = [f"{label}: {line}" for line in find_damage(home)]
    if told.returncode not in CALM or "Traceback" in told.stderr:
        wrong.append(f"{label}: status {told.returncode}: {told.stderr}")
    again = pyx("sync", cwd=project, env=where)
    if again.returncode != 0:
        wrong.append(f"{label}: the next start fails: {again.stderr}")
    wrong += [f"{label}: afterwards: {line}" for line in find_damage(home)]
    shutil.rmtree(home, ignore_errors=True)
    return wrong

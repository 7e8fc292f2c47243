"""An installation of pyx made from this tree, and the means to start it as a user would.

`build_native` compiles the native program; `Pyx` is one installed copy of it with the launcher
beside it, as an installer would lay them out, and starts processes with a clean environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

ROOT = Path(__file__).resolve().parent.parent
NATIVE_SOURCE = ROOT / "launcher" / "native" / "pyx.c"

PLAIN_PYTHON: str = getattr(sys, "_base_executable", "") or sys.executable
"""The interpreter itself: neither a virtual environment's nor, where pyx runs the tests, pyx."""

FREESTANDING = (
    *("-O2", "-ffreestanding", "-nostdlib", "-static-pie", "-fPIE", "-U_FORTIFY_SOURCE"),
    *("-fstack-protector-strong", "-mstack-protector-guard=global"),
    "-fno-asynchronous-unwind-tables",
)
"""How `packaging/hatch_build.py` compiles where the program starts without a C library."""
HARDENED = ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong")
"""What it is compiled with where it has one."""
STATIC = ("-O2", *HARDENED, "-static-pie", "-fPIE")
DYNAMIC = ("-O2", *HARDENED)
SANITIZED = (
    *("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    str(Path(__file__).with_name("sanitized.c")),
)
KINDS = (SANITIZED,) if os.environ.get("PYX_TEST_SANITIZED") else (FREESTANDING, STATIC, DYNAMIC)
"""How the program is compiled that the tests install: as by a build, or with sanitizers."""

SLOW_PATH = "SLOW PATH"
"""What a broken slow path prints on stdout, before it exits with `SLOW_PATH_STATUS`."""
SLOW_PATH_STATUS = 99

# The first line of a file may be too short for the path of the interpreter, so a shell starts it.
LAUNCHER = """\
#!/bin/sh
'''exec' {python} -S "$0" "$@"
' '''
import sys

sys.path[:] = {path!r}
from pyx_launcher.__main__ import main

sys.exit(main())
"""
BROKEN_LAUNCHER = f"#!/bin/sh\necho '{SLOW_PATH}'\nexit {SLOW_PATH_STATUS}\n"


def find_version(python: str) -> str:
    """Return the version of an interpreter, as 3.12."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.check_output([python, "-I", "-S", "-c", code], text=True).strip()


def forget_outer_start() -> None:
    """Make this process one that pyx did not start, as a user's shell is, for those it starts.

    A start asks its parent, too, whether it is inside another, by what the kernel shows of the
    parent's first environment. So the name of the note is written over where that lies.
    """
    os.environ.pop("PYX_INSIDE", None)
    with contextlib.suppress(OSError):
        shown = Path("/proc/self/environ").read_bytes()
        offset = (b"\0" + shown).find(b"\0PYX_INSIDE=")
        # The fields behind the name of the program, which may hold blanks, begin with the third.
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        if offset >= 0:
            with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
                memory.seek(int(fields[50 - 3]) + offset)
                memory.write(b"OUR_INSIDE=")


def shared_directory(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary directory that all workers of this test session have in common."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def build_native(
    directory: Path, *kinds: Sequence[str], source: Path = NATIVE_SOURCE
) -> Path | None:
    """Compile the native program once per session with the first of `kinds` that works.

    Each of `kinds` is a list of the compiler's options; `source` is the file with `main`. Returns
    None where none of them works, which with plain options means that there is no compiler.
    ``$PYX_TEST_PROGRAM`` names a program that was built elsewhere, and is tested in place of the
    one that would be installed.
    """
    given = os.environ.get("PYX_TEST_PROGRAM")
    if given and FREESTANDING in kinds:
        return _copy(Path(given), directory / "native-given" / "pyx")
    texts = [path.read_bytes() for path in sorted(source.parent.glob("*.[ch]"))]
    digest = hashlib.sha256(repr((texts, kinds)).encode()).hexdigest()[:16]
    program = directory / f"native-{digest}" / "pyx"
    program.parent.mkdir(exist_ok=True)
    with FileLock(program.with_suffix(".lock")):
        if program.exists():
            return program
        for options in kinds:
            if _compile(options, source, program):
                return program
    return None


def _copy(given: Path, program: Path) -> Path:
    program.parent.mkdir(exist_ok=True)
    with FileLock(program.with_suffix(".lock")):
        if not program.exists():
            shutil.copy(given, program.with_suffix(".new"))
            program.with_suffix(".new").rename(program)
    return program


def _compile(options: Sequence[str], source: Path, program: Path) -> bool:
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    unfinished = program.with_suffix(".new")
    command = [*compiler, "-std=c11", *options, "-o", str(unfinished), str(source)]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    unfinished.rename(program)
    return True


class Pyx:
    """One installation of pyx. Calling it runs ``pyx`` with the given words as a process."""

    def __init__(
        self, directory: Path, native: Path, environ: Mapping[str, str], tree: Path = ROOT
    ) -> None:
        """Install `native` and the launcher of `tree` into `directory`, which is made."""
        directory.mkdir(parents=True)
        self.tree = tree
        self.path = directory / "pyx"
        self.launcher = directory / "pyx-launcher"
        self.environ = dict(environ)
        # A link, as a copy could be found "busy" while another process of the tests still has
        # the file open for writing.
        self.path.hardlink_to(native)
        self.repair_slow_path()

    def __call__(
        self,
        *words: str | bytes | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        input: str | None = None,  # noqa: A002  # as subprocess.run calls it
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``pyx`` with `words`, and return its status and what it printed, as text.

        `env` is laid over the clean environment; None removes a variable. Without `input`
        standard input is empty.
        """
        return self.run([self.path, *words], cwd=cwd, env=env, input=input, timeout=timeout)

    def run(
        self,
        command: Sequence[str | bytes | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        input: str | None = None,  # noqa: A002  # as subprocess.run calls it
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run any command in this installation's environment, such as an environment's python."""
        return subprocess.run(
            command,
            cwd=cwd,
            env=self.variables(env),
            input=input if input is not None else "",
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
            check=False,
        )

    def variables(self, env: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Return the variables of a process: the clean ones with `env` laid over them."""
        merged: dict[str, str | None] = {**self.environ, **(env or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def break_slow_path(self) -> None:
        """Replace the launcher by one that says `SLOW_PATH`: what runs now, took the fast path."""
        self._write_launcher(BROKEN_LAUNCHER)

    def repair_slow_path(self) -> None:
        """Put the launcher of the tree back beside the native program."""
        path = [str(self.tree / "launcher"), str(self.tree / "runtime"), *sys.path]
        text = LAUNCHER.format(
            python=shlex.quote(PLAIN_PYTHON), path=list(dict.fromkeys(filter(None, path)))
        )
        self._write_launcher(text)

    def _write_launcher(self, text: str) -> None:
        # Written aside: a script that is being executed must not change below its reader.
        unfinished = self.launcher.with_suffix(".new")
        unfinished.write_text(text, encoding="utf-8", errors="surrogateescape")
        unfinished.chmod(0o755)
        unfinished.replace(self.launcher)

"""Compile the native program and put it into the wheel as the command `pyx`.

Hatchling loads this file when it builds a wheel. Input: ``launcher/native``. Output: an
executable among the wheel's scripts, and a tag that ties the wheel to this platform. The compiler
is ``$CC`` or ``cc``; where neither works, the ``ziglang`` distribution becomes a requirement of
the build, so that no machine needs a compiler of its own.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

# zig and the kernel name some processors differently; all others have one name.
ZIG_LINUX_TARGETS = {
    "armv7l": "arm-linux-musleabihf",
    "armv8l": "arm-linux-musleabihf",
    "i386": "x86-linux-musl",
    "i686": "x86-linux-musl",
    "ppc64le": "powerpc64le-linux-musl",
}

# Without a C library, whose start-up would take longer than all else that the program does. It may
# lie anywhere, and guards its stack by a number of its own where a C library has one per thread.
FREESTANDING = (
    *("-ffreestanding", "-nostdlib", "-static-pie", "-fPIE", "-U_FORTIFY_SOURCE"),
    *("-fstack-protector-strong", "-mstack-protector-guard=global"),
    "-fno-asynchronous-unwind-tables",
)
FREESTANDING_MACHINES = ("aarch64", "x86_64")

# With a C library its functions know the sizes of what they write to, and the stack is guarded.
HARDENED = ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong")
# It may lie anywhere: on macOS every program does, elsewhere those that are linked so.
STATIC = ("-static-pie", "-fPIE")
DYNAMIC = ("-pie", "-fPIE")

# Includes a header, since a compiler may be there without the C library's development files.
TRIAL = "#include <unistd.h>\nint main(void) { return 0; }\n"


class NativeProgramHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the native program to a wheel, standard or editable."""

    def dependencies(self) -> list[str]:
        """Return what the build needs besides hatchling: zig, where no compiler works."""
        return [] if find_host_compiler() else ["ziglang"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the program and describe it in `build_data`."""
        if os.name != "posix":
            message = "pyx runs on Linux and macOS: it becomes the interpreter by execve"
            raise RuntimeError(message)
        # Kept on the hook so that the directory outlives this call and goes with the hook.
        self.output = tempfile.TemporaryDirectory(prefix="pyx-build-")
        program = Path(self.output.name, "pyx")
        compile_program(Path(self.root, "launcher", "native", "pyx.c"), program)
        build_data["shared_scripts"][str(program)] = "pyx"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{local_platform_tag()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the compiled program, which is in the wheel now."""
        self.output.cleanup()


def find_host_compiler() -> list[str] | None:
    """Return the command of ``$CC`` or ``cc`` if it makes an executable, else None."""
    command = shlex.split(os.environ.get("CC", "")) or ["cc"]
    with tempfile.TemporaryDirectory(prefix="pyx-build-") as directory:
        Path(directory, "trial.c").write_text(TRIAL, encoding="ascii")
        arguments = [*command, "-o", "trial", "trial.c"]
        try:
            subprocess.run(arguments, cwd=directory, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
    return command


def zig_compiler() -> list[str]:
    """Return the command of zig's C compiler, aimed at musl on Linux to be statically linkable."""
    command = [sys.executable, "-m", "ziglang", "cc"]
    if sys.platform != "linux":
        return command
    machine = platform.machine()
    return [*command, "-target", ZIG_LINUX_TARGETS.get(machine, f"{machine}-linux-musl")]


def compile_program(source: Path, program: Path) -> None:
    """Compile `source` into `program` in the first of `linkages` that makes a program that starts.

    The same compiler makes the same bytes from any directory, for it is told no absolute path
    of the source and leaves out symbols and debug information. A RuntimeError carries what the
    compiler said.
    """
    command = [*(find_host_compiler() or zig_compiler()), "-std=c11", "-O2"]
    strip = ["-s"] if sys.platform == "linux" else []
    # zig keeps a cache in the home directory unless it is given a place of its own.
    environ = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(program.parent / "zig")}
    for linkage in (*linkages(), ()):
        result = subprocess.run(
            [*command, *linkage, *strip, "-o", str(program), source.name],
            cwd=source.parent,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if result.returncode == 0:
            program.chmod(0o755)
            # The last linkage is the plainest, and is taken where nothing that was built may run.
            if not linkage or starts(program):
                return
    message = f"{shlex.join(command)} cannot compile {source}:\n{result.stdout}"
    raise RuntimeError(message)


def linkages() -> list[tuple[str, ...]]:
    """Return the ways to link the program that are better than the compiler's own, best first."""
    if sys.platform != "linux":
        return [HARDENED]
    known = platform.machine() in FREESTANDING_MACHINES
    libraries = [(*HARDENED, *STATIC), (*HARDENED, *DYNAMIC)]
    return [*([FREESTANDING] if known else []), *libraries, ("-static",)]


def starts(program: Path) -> bool:
    """Tell whether `program` comes to look for the slow path, which does not lie beside it."""
    try:
        result = subprocess.run(
            [program, "-c", "pass"], env={}, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 127 and result.stderr.startswith(b"pyx: cannot execute ")


def local_platform_tag() -> str:
    """Return the tag of exactly this platform, such as ``linux_x86_64``.

    The many names of older platforms that it could also run on come first among its tags, and
    promise more than a program linked against this machine's C library keeps.
    """
    return next(tag for tag in platform_tags() if "manylinux" not in tag and "musllinux" not in tag)

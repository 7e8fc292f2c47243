"""Compile the native program and put it into the wheel as the command `pyx`.

Hatchling loads this file when it builds a wheel. Input: ``launcher/native``. Output: an
executable among the wheel's scripts, and a tag that ties the wheel to its platform.

For this machine the compiler is ``$CC`` or ``cc``; where neither works, the ``ziglang``
distribution becomes a requirement of the build, so that no machine needs a compiler of its own.
Where ``$PYX_BUILD_TARGET`` names one of `TARGETS`, zig compiles for that platform on any machine.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ZIG = (sys.executable, "-m", "ziglang", "cc")

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

# zig refuses to guard the stack of a program that it is told has no C library, so it is told so
# only when it links; and it knows a static PIE by other words.
ZIG_COMPILING = tuple(word for word in FREESTANDING if word not in ("-nostdlib", "-static-pie"))
ZIG_LINKING = ("-nostdlib", "-static", "-pie")

# With a C library its functions know the sizes of what they write to, and the stack is guarded.
HARDENED = ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong")
# It may lie anywhere: on macOS every program does, elsewhere those that are linked so.
STATIC = ("-static-pie", "-fPIE")
DYNAMIC = ("-pie", "-fPIE")

# Includes a header, since a compiler may be there without the C library's development files.
TRIAL = "#include <unistd.h>\nint main(void) { return 0; }\n"


class Target(NamedTuple):
    """A platform that wheels are made for on another one."""

    zig: str
    tag: str


# A program without a C library runs beside any. Its wheel is tagged for the oldest glibc and musl
# that a Python of today meets, and by the older name as well, for installers that know no other.
TARGETS = {
    "linux-x86_64": Target(
        zig="x86_64-linux-musl",
        tag="manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    ),
    "linux-aarch64": Target(
        zig="aarch64-linux-musl",
        tag="manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    ),
    # The version is the one that the linker writes into the program: macOS 11 is the first for
    # this processor, and 10.13 what CPython 3.13 was built for on the other.
    "macos-arm64": Target(zig="aarch64-macos.11.0", tag="macosx_11_0_arm64"),
    "macos-x86_64": Target(zig="x86_64-macos.10.13", tag="macosx_10_13_x86_64"),
}


class NativeProgramHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the native program to a wheel, standard or editable."""

    def dependencies(self) -> list[str]:
        """Return what the build needs besides hatchling: zig, where no compiler works."""
        return [] if not find_target() and find_host_compiler() else ["ziglang"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the program and describe it in `build_data`."""
        target = find_target()
        if os.name != "posix" and not target:
            message = "pyx runs on Linux and macOS: it becomes the interpreter by execve"
            raise RuntimeError(message)
        # Kept on the hook so that the directory outlives this call and goes with the hook.
        self.output = tempfile.TemporaryDirectory(prefix="pyx-build-")
        program = Path(self.output.name, "pyx")
        compile_program(Path(self.root, "launcher", "native", "pyx.c"), program, target)
        build_data["shared_scripts"][str(program)] = "pyx"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{target.tag if target else local_platform_tag()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the compiled program, which is in the wheel now."""
        self.output.cleanup()


def find_target() -> Target | None:
    """Return the platform that ``$PYX_BUILD_TARGET`` names; None is this machine's own."""
    name = os.environ.get("PYX_BUILD_TARGET", "")
    if name and name not in TARGETS:
        message = f"PYX_BUILD_TARGET={name} is none of {', '.join(TARGETS)}"
        raise RuntimeError(message)
    return TARGETS[name] if name else None


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


def compile_program(source: Path, program: Path, target: Target | None = None) -> None:
    """Compile `source` into `program`, in the first of the ways there that makes one that starts.

    The same compiler makes the same bytes from any directory, for it is told no absolute path
    of the source and leaves out symbols and debug information. A RuntimeError carries what the
    compiler said.
    """
    # What was built for another platform cannot be tried, so there is one way to build it.
    ways = [find_way(target.zig, program)] if target else list(find_ways(program))
    # zig keeps a cache in the home directory unless it is given a place of its own.
    environ = {"ZIG_GLOBAL_CACHE_DIR": str(program.parent / "zig"), **os.environ}
    for way in ways:
        failure = run_way(way, source, environ)
        if failure:
            continue
        program.chmod(0o755)
        # The last way is the plainest, and is taken where nothing that was built may run.
        if way is ways[-1] or starts(program):
            return
    message = f"{shlex.join(ways[-1][0])} cannot compile {source}:\n{failure}"
    raise RuntimeError(message)


def run_way(way: Sequence[Sequence[str]], source: Path, environ: dict[str, str]) -> str:
    """Run the commands of `way` where `source` lies; return what the first to fail said, or ""."""
    for command in way:
        result = subprocess.run(
            command,
            cwd=source.parent,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if result.returncode:
            return result.stdout or f"exit status {result.returncode}"
    return ""


def find_ways(program: Path) -> Iterator[list[list[str]]]:
    """Yield the ways to build for this machine, best first. Each is the commands it takes."""
    linux, machine = sys.platform == "linux", platform.machine()
    compiler = find_host_compiler()
    if linux and machine in FREESTANDING_MACHINES:
        yield (
            [make_command(compiler, program, *FREESTANDING, "-s")]
            if compiler
            else find_way(f"{machine}-linux-musl", program)
        )
    if not compiler:
        zig = ["-target", ZIG_LINUX_TARGETS.get(machine, f"{machine}-linux-musl")] if linux else []
        compiler = [*ZIG, *zig]
    if linux:
        for linkage in ((*HARDENED, *STATIC), (*HARDENED, *DYNAMIC), ("-static",)):
            yield [make_command(compiler, program, *linkage, "-s")]
    else:
        yield [make_command(compiler, program, *HARDENED)]
    yield [make_command(compiler, program, *(["-s"] if linux else []))]


def find_way(zig: str, program: Path) -> list[list[str]]:
    """Return the commands by which zig builds for its target `zig` as well as it can."""
    compiler = [*ZIG, "-target", zig]
    if "-linux-" not in zig:
        return [make_command(compiler, program, *HARDENED, "-s")]
    compiled = program.with_suffix(".o")
    return [
        make_command(compiler, compiled, *ZIG_COMPILING, "-c"),
        [*compiler, *ZIG_LINKING, "-s", "-o", str(program), str(compiled)],
    ]


def make_command(compiler: Sequence[str], output: Path, *options: str) -> list[str]:
    """Return the command that compiles the program, in the directory of its source."""
    return [*compiler, "-std=c11", "-O2", *options, "-o", str(output), "pyx.c"]


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

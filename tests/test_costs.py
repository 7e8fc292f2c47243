"""What a fast start costs, in instructions and system calls, which no other load changes.

A small tracer counts those of the native program one by one. The interpreter's are too many for
that: its system calls are counted, and its instructions where valgrind is installed.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks.ways import BARE, FAST, LINE, PUBLIC, VENV
from benchmarks.ways import count as count_ways
from installed import KINDS, SANITIZED, SLOW_PATH

from pyx_launcher.record.checks import Kind
from pyx_launcher.record.record import KEY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from installed import Pyx

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
        reason="elsewhere the C library's start is part of the costs",
    ),
    pytest.mark.skipif(KINDS == (SANITIZED,), reason="the sanitizers have costs of their own"),
]

TRACER = """
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* tracer steps|calls FILE COMMAND...: count to the second exec, or to the end if there is none. */
int main(int argc, char **argv) {
    if (argc < 4) return 64;
    int status, steps = argv[1][0] == 's', entering = 0, signal = 0;
    long before = 0, after = 0, *count = &before;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) return 77;
        execv(argv[3], argv + 3);
        return 127;
    }
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) return 77;
    if (ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD)) return 77;
    for (;;) {
        int how = !steps ? PTRACE_SYSCALL : count == &before ? PTRACE_SINGLESTEP : PTRACE_CONT;
        if (ptrace(how, child, 0, signal) != 0) return 77;
        signal = 0;
        if (waitpid(child, &status, 0) < 0) return 77;
        if (!WIFSTOPPED(status)) break;
        if (status >> 16 == PTRACE_EVENT_EXEC) count = &after;
        else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) *count += entering = !entering;
        else if (steps && WSTOPSIG(status) == SIGTRAP) ++*count;
        else signal = WSTOPSIG(status);
    }
    FILE *told = fopen(argv[2], "w");
    if (!told || fprintf(told, "%ld %ld", before, after) < 0 || fclose(told)) return 74;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 70;
}
"""

NATIVE_CALLS = 11
"""Of a start from anywhere: itself, the directory of records, three for the record, the bytecode of
`encodings`, four for the script's, execve. Each part of the script's path and each look at a file
comes to it."""
NATIVE_INSTRUCTIONS = 60_000
"""They depend on compiler, variables and the lengths of paths: 34,000 are usual."""
MORE_CALLS = 10
"""How many more system calls python makes than it would by itself, for our packages and names."""
MORE_INSTRUCTIONS = 1.05
"""How many more instructions python executes than it would by itself, as a factor."""
MOST = {(FAST, BARE): 1.06, (PUBLIC, VENV): 1.065, (PUBLIC, LINE): 1.03}
"""The same of one way of a start by another. A line in a ``.pth`` file, by which the public way
begins, is by itself up to 1.04 of a virtual environment (docs/design.md)."""


@pytest.fixture(scope="module")
def tracer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the tracer."""
    source = tmp_path_factory.mktemp("tracer") / "tracer.c"
    source.write_text(TRACER, encoding="ascii")
    subprocess.run(["cc", "-O2", "-o", source.with_suffix(""), source], check=True)
    return source.with_suffix("")


@pytest.fixture
def script(pyx: Pyx, tmp_path: Path) -> Path:
    """Give a script with a launch record and bytecode, so that the next start is fast."""
    path = tmp_path / "project" / "script.py"
    path.parent.mkdir()
    path.write_text("# It does nothing.\n" * 200 + "print('ran')\n", encoding="ascii")
    assert pyx(path).stdout == "ran\n"
    # What has just been written is not yet relied on: no bytecode is kept, no directory vouches for
    # what is absent from it.
    time.sleep(2.1)
    shutil.rmtree(tmp_path / "pyx-cache" / "launch", ignore_errors=True)
    for _ in range(2):
        assert pyx(path).stdout == "ran\n"
    pyx.break_slow_path()
    assert pyx(path).stdout != f"{SLOW_PATH}\n"
    return path


def count(pyx: Pyx, tracer: Path, what: str, command: Sequence[str | Path]) -> tuple[int, int]:
    """Return how many steps or calls a command makes before and after it becomes another."""
    told = tracer.with_name("told")
    told.unlink(missing_ok=True)
    done = subprocess.run(
        [tracer, what, told, *command],
        env={name: value for name, value in pyx.environ.items() if name in KEY_VARIABLES},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("this process may not trace another")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    before, after = told.read_text(encoding="ascii").split()
    return int(before), int(after)


def count_looks(record: bytes) -> int:
    """Return how many files a record makes the native program look at; see RECORD.md."""
    _, _, material, checks, _ = struct.unpack_from("=8s4I", record)
    looks = known = 0
    at = 24 + material
    for _ in range(checks):
        kind, length, number, block, mtime, ctime = struct.unpack_from("=4I2q", record, at)
        path = record[at + 48 : at + 48 + length - block - 1]
        at += 48 + length
        if kind == Kind.ABSENT and known:
            known -= 1
            continue
        looks += 1
        if kind == Kind.DIRECTORY:
            info = Path(os.fsdecode(path)).stat()
            known = number if (info.st_mtime_ns, info.st_ctime_ns) == (mtime, ctime) else 0
    return looks


def interpreter(pyx: Pyx, script: Path) -> str:
    """Return the interpreter that starts the script."""
    code = "import sys; print(sys._base_executable, file=sys.stderr)\n"
    pyx.repair_slow_path()
    return pyx("-c", code, cwd=script.parent).stderr.strip()


def bare_start(pyx: Pyx, script: Path) -> list[str | Path]:
    """Return the command that starts the script without `site`.

    What an interpreter has of its own to customize it, as Debian's has, is imported all the same.
    """
    python = interpreter(pyx, script)
    bare = [python, "-I", "-S"]
    customized = subprocess.run(
        [*bare, "-c", "import sitecustomize"], capture_output=True, check=False
    )
    if customized.returncode:
        return [*bare, script]
    plain = script.with_name("plain.py")
    plain.write_text(f"import sitecustomize\n{script.read_text()}")
    return [*bare, plain]


def test_the_native_program_makes_the_calls_it_needs(pyx: Pyx, tracer: Path, script: Path) -> None:
    """One for each part of the script's path, one for each look at a file, and few besides."""
    calls, _ = count(pyx, tracer, "calls", [pyx.path, script])
    (record,) = (script.parents[1] / "pyx-cache" / "launch").iterdir()
    looks = count_looks(record.read_bytes())
    assert calls == NATIVE_CALLS + len(script.parts) - 1 + looks


def test_the_native_program_executes_few_instructions(pyx: Pyx, tracer: Path, script: Path) -> None:
    """All of them, from its first to its last, with bytecode found."""
    steps, _ = count(pyx, tracer, "steps", [pyx.path, script])
    assert 1000 < steps <= NATIVE_INSTRUCTIONS


def test_python_makes_few_calls_more_than_by_itself(pyx: Pyx, tracer: Path, script: Path) -> None:
    """What the environment costs inside the interpreter."""
    bare, _ = count(pyx, tracer, "calls", bare_start(pyx, script))
    _, ours = count(pyx, tracer, "calls", [pyx.path, script])
    assert ours - bare <= MORE_CALLS, (ours, bare)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_python_executes_few_instructions_more_than_by_itself(
    pyx: Pyx, script: Path, tmp_path: Path
) -> None:
    """The whole start of a script whose bytecode is kept."""
    counts = []
    for command in (bare_start(pyx, script), [pyx.path, script]):
        options = ["--tool=callgrind", "--trace-children=yes"]
        options += [f"--callgrind-out-file={tmp_path / 'counted.%p'}"]
        done = pyx.run(["valgrind", *options, *command], env={"PYTHONHASHSEED": "0"})
        assert done.stdout == "ran\n", done.stderr
        counts.append(int(re.findall(r"Collected : (\d+)", done.stderr)[-1]))
    bare, ours = counts
    assert ours / bare <= MORE_INSTRUCTIONS, (ours, bare)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.parametrize(
    "version",
    [pytest.param(v, marks=pytest.mark.slow) for v in ("3.9", "3.10", "3.11", "3.12", "3.14")]
    + ["3.13", pytest.param("3.15", marks=pytest.mark.slow)],
)
def test_each_way_executes_few_instructions_more_than_what_it_stands_for(
    version: str, interpreters: dict[str, Path], tmp_path: Path
) -> None:
    """The fast way beside bare python; the public way beside a virtual environment."""
    if version not in interpreters:
        pytest.skip(f"there is no CPython {version}")
    counts = count_ways(str(interpreters[version]), tmp_path)
    ratios = {pair: counts[pair[0]] / counts[pair[1]] for pair in MOST}
    assert all(ratio <= MOST[pair] for pair, ratio in ratios.items()), ratios

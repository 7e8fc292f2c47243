"""Run many small programs under pyx and under a virtual environment: nothing may tell them apart.

The programs are data, in `programs/*.toml`; `program.py` names what an entry may say. Every program
runs in its own directory: in a virtual environment, and then for each of the two ways of a start
under pyx through the slow path, under pyx through the fast path (the slow path is broken then), and
by the environment's own `bin/python`, as children are started. What all of them print and how they
end must be the same, but for the two directories' names, memory addresses, and what a program's
entry explains.

As a program: ``pyx tests/conformance/matrix.py [--python PATH]… [--way WAY]… [GROUP]…``
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conformance.program import CHILD, FAST, SLOW, Program, list_groups, read_programs
from installed import KINDS, PLAIN_PYTHON, SLOW_PATH, Pyx, build_native, forget_outer_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PROMPT = re.compile(r"(>>> |\.\.\. |\(Pdb\) )$")
ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[=>])")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
SETTLED = 2.2
"""The age in seconds at which pyx trusts a file's times enough to keep bytecode and records."""

TIMEOUT = 20.0
FORKING = threading.Lock()

WAYS = ("fast", "public")
"""The two ways of a start, which docs/design.md explains."""

TELL = "import sys; print(sys.prefix, 'main' in vars(sys.modules['site']))"
"""Where the environment lies, and whether python has run `site`, as by the public way alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run printed, and its status: a negative number is a signal."""

    status: int
    stdout: str
    stderr: str

    def without(self, patterns: Sequence[str]) -> Outcome:
        """Return the outcome with everything that matches one of `patterns` taken out."""
        stdout, stderr = self.stdout, self.stderr
        for pattern in patterns:
            stdout = re.sub(pattern, "", stdout, flags=re.MULTILINE)
            stderr = re.sub(pattern, "", stderr, flags=re.MULTILINE)
        return replace(self, stdout=stdout, stderr=stderr)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """A program that could tell, and by what."""

    program: Program
    run: str
    expected: Outcome | None = None
    found: Outcome | None = None
    problem: str = "differs"

    def __str__(self) -> str:
        """Show the words and both outcomes where they differ."""
        start = self.program.shell or " ".join(map(ascii, self.program.words))
        variables = " ".join(f"{k}={v}" for k, v in self.program.environ.items())
        lines = [f"{self.program.group}: {self.program.name} ({self.run}): {self.problem}"]
        lines.append(f"    {variables} python {start}".rstrip())
        if self.expected and self.found:
            for part in ("status", "stdout", "stderr"):
                left, right = getattr(self.expected, part), getattr(self.found, part)
                if left != right:
                    lines += _show(part, left, right)
        return "\n".join(lines)


def _show(part: str, expected: object, found: object) -> Iterator[str]:
    """Yield where two values part, with some of what is before and after."""
    left, right = str(expected), str(found)
    pairs = enumerate(zip(left, right, strict=False))
    same = next((at for at, pair in pairs if pair[0] != pair[1]), min(len(left), len(right)))
    for mark, text in (("venv", left), ("pyx ", right)):
        yield f"    {mark} {part}: {text[max(0, same - 100) : same + 300]!a}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The interpreter, the two commands that are compared, and where everything lies."""

    root: Path
    base: Path
    minor: int
    venv: Path
    environment: Path
    pyx: Path
    variables: Mapping[str, str]

    def run(
        self,
        command: str | Path,
        program: Program,
        here: Path,
        way: str = WAYS[0],
        *,
        deaf: bool = False,
    ) -> Outcome:
        """Run `program` by `command`, which starts python; `deaf`: without its variables."""

        def encode(text: str) -> bytes:
            return text.replace("{here}", str(here)).encode(program.encoding)

        words = [os.fsencode(command), *map(encode, program.words)]
        if program.shell is not None:
            words = [b"/bin/sh", b"-c", encode(program.shell), b"sh", os.fsencode(command)]
        variables = choose_way(self.variables, way)
        environ = {os.fsencode(k): os.fsencode(v) for k, v in variables.items()}
        if not deaf:
            environ |= {encode(k): encode(v) for k, v in program.environ.items()}
        for cache in here.rglob("__pycache__"):
            shutil.rmtree(cache, ignore_errors=True)
        if program.terminal is not None:
            return self._make_outcome(*_run_in_terminal(words, here, environ, program.terminal))
        process = subprocess.Popen(
            words,
            cwd=here,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A shell that starts the tests in the background has SIGINT ignored.
            preexec_fn=_obey_interrupts,  # noqa: PLW1509  # it takes no lock
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(program.input.encode(program.encoding), TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            stderr += b"(came to no end)"
        return self._make_outcome(process.returncode, stdout, stderr)

    def _make_outcome(self, status: int, stdout: bytes, stderr: bytes) -> Outcome:
        return Outcome(
            status=status, stdout=self._normalise(stdout), stderr=self._normalise(stderr)
        )

    def _normalise(self, data: bytes) -> str:
        text = data.decode("utf-8", "backslashreplace")
        for path in (self.venv, self.environment):
            text = text.replace(str(path), "<environment>")
        return ADDRESS.sub("0x…", text)


def _obey_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _run_in_terminal(
    words: Sequence[bytes], here: Path, environ: Mapping[bytes, bytes], lines: Sequence[str]
) -> tuple[int, bytes, bytes]:
    """Run a program in a terminal, type `lines` at its prompts, and return how it ended."""
    # Where one thread forks, filelock lets no other do so.
    with FORKING:
        child, terminal = pty.fork()
    if child == 0:
        try:
            _obey_interrupts()
            os.chdir(here)
            os.execve(words[0], list(words), dict(environ))  # noqa: S606  # none is wanted
        finally:
            os._exit(127)
    shown, rest = b"", list(lines)
    deadline, seen = time.monotonic() + 30, 0
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            shown += part
        elif (
            rest
            and len(shown) > seen
            and PROMPT.search(ESCAPE.sub("", shown.decode(errors="replace")))
        ):
            seen = len(shown)
            os.write(terminal, rest.pop(0).encode())
    else:
        os.kill(child, signal.SIGKILL)
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, ESCAPE.sub("", shown.decode(errors="replace")).encode(), b""


def choose_way(variables: Mapping[str, str], way: str) -> dict[str, str]:
    """Return `variables` with the one that makes pyx start an interpreter by `way`."""
    return {**variables, "PYX_START": way}


def make_place(
    root: Path, base: Path, pyx: Path, variables: Mapping[str, str], ways: Sequence[str] = WAYS
) -> Place:
    """Make a virtual environment of `base` and an empty lock, and start pyx once by each way.

    Raises RuntimeError where the interpreter does not start by one of `ways`.
    """
    subprocess.run([base, "-I", "-m", "venv", "--without-pip", root / "venv"], check=True)
    # Of all locks this one is read in the shortest time.
    (root / "uv.lock").write_text('version = 1\nrequires-python = ">=3.9"\n', encoding="utf-8")
    variables = {**variables, "PYX_PYTHON": str(base)}
    prefix = ""
    for way in ways:
        told = subprocess.run(
            [pyx, "-c", TELL],
            cwd=root,
            env=choose_way(variables, way),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        prefix, has_run = told.stdout.split()
        if has_run != str(way == "public"):
            raise RuntimeError(f"{base} does not start by the {way} way")
    tell = [base, "-I", "-S", "-c", "import sys; print(sys.version_info[1])"]
    return Place(
        root=root,
        base=base,
        minor=int(subprocess.check_output(tell)),
        venv=root / "venv",
        environment=Path(prefix),
        pyx=pyx,
        variables=variables,
    )


def prepare(program: Program, place: Place, number: int) -> Path:
    """Write the files of `program` into a directory of its own, and return that."""
    here = place.root / program.group / str(number)
    here.mkdir(parents=True)
    for name, text in program.files.items():
        path = here / os.fsdecode(name.encode(program.encoding))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(program.encoding))
        if text.startswith("#!"):
            path.chmod(0o755)
    if program.setup:
        subprocess.run([place.base, "-I", "-c", program.setup], cwd=here, check=True)
    return here


def compare(
    programs: Sequence[Program],
    place: Place,
    break_slow_path: Callable[[], None],
    repair_slow_path: Callable[[], None],
    ways: Sequence[str] = WAYS,
) -> list[Mismatch]:
    """Return every run of `programs` that differs from the one in the virtual environment."""
    programs = [p for p in programs if p.since <= place.minor <= p.until]
    directories = [prepare(program, place, number) for number, program in enumerate(programs)]
    pairs = list(zip(programs, directories, strict=True))
    born = time.monotonic()
    found: list[dict[str, Outcome]] = [{} for _ in programs]
    with ThreadPoolExecutor(2) as pool:
        python = place.venv / "bin" / "python"
        runs = [pool.submit(place.run, python, p, here, deaf=p.inert) for p, here in pairs]
        plain = [run.result() for run in runs]
        time.sleep(max(0.0, born + SETTLED - time.monotonic()))
        for way in ways:
            for name, command in (
                (SLOW, place.pyx),
                (FAST, place.pyx),
                (CHILD, place.environment / "bin" / "python"),
            ):
                if name == FAST:
                    break_slow_path()
                chosen = [n for n, program in enumerate(programs) if name in program.runs]
                runs = [pool.submit(place.run, command, *pairs[n], way) for n in chosen]
                for n, run in zip(chosen, runs, strict=True):
                    found[n][f"{name}, {way} way"] = run.result()
                repair_slow_path()
    whole = WAYS[0] in ways
    return [
        mismatch
        for program, expected, outcomes in zip(programs, plain, found, strict=True)
        for mismatch in _judge(program, place.minor, expected, outcomes, whole=whole)
    ]


def _judge(
    program: Program, minor: int, plain: Outcome, found: Mapping[str, Outcome], *, whole: bool
) -> Iterator[Mismatch]:
    """Yield what differs; where all runs are there, an explanation must explain something."""
    reasons = [reason for reason in program.explained if reason.since <= minor <= reason.until]
    patterns = [reason.pattern for reason in reasons]
    expected = plain.without(patterns)
    for run, outcome in found.items():
        if outcome.stdout.startswith(SLOW_PATH):
            yield Mismatch(program=program, run=run, problem="no fast path")
        elif expected != outcome.without(patterns):
            seen = outcome.without(patterns)
            yield Mismatch(program=program, run=run, expected=expected, found=seen)
    for reason in reasons if whole else ():
        others = [pattern for pattern in patterns if pattern != reason.pattern]
        if all(plain.without(others) == outcome.without(others) for outcome in found.values()):
            problem = f"nothing is left to explain by: {reason.reason}"
            yield Mismatch(program=program, run="all", problem=problem)


def main() -> int:
    """Compare what the command line asks for; the status is 1 if any program could tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--python", action="append", help="the path of an interpreter")
    parser.add_argument("--way", action="append", choices=WAYS, help="by default both")
    parser.add_argument("--only", default="", help="a part of the names of the programs to run")
    parser.add_argument("group", nargs="*")
    options = parser.parse_args()
    forget_outer_start()
    failed = 0
    for base in options.python or [PLAIN_PYTHON]:
        for group in options.group or list_groups():
            programs = [p for p in read_programs([group]) if options.only in p.name]
            with tempfile.TemporaryDirectory() as directory:
                root = Path(directory).resolve()
                pyx = install(root)
                place = make_place(root, Path(base), pyx.path, pyx.environ)
                ways = options.way or WAYS
                breaking = (pyx.break_slow_path, pyx.repair_slow_path)
                mismatches = compare(programs, place, *breaking, ways)
            count = sum(p.since <= place.minor <= p.until for p in programs)
            told = f"3.{place.minor} {group}: {count} programs, {len(mismatches)} differ\n"
            sys.stdout.write(told + "".join(f"  {mismatch}\n" for mismatch in mismatches))
            sys.stdout.flush()
            failed += len(mismatches)
    return 1 if failed else 0


def install(root: Path) -> Pyx:
    """Install the tree below `root`, or end where nothing compiles the native program."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYX_"))}
    own = {"PYX_HOME": str(root / "home"), "PYX_CACHE_DIR": str(root / "cache")}
    native = build_native(root, *KINDS)
    if native is None:
        sys.exit("there is no C compiler, and PYX_TEST_PROGRAM names no native program")
    return Pyx(root / "bin", native, kept | own)


if __name__ == "__main__":
    sys.exit(main())

"""Run many small programs under pyx and under a virtual environment: nothing may tell them apart.

The programs are data, in `programs/*.toml`; `Program` names what an entry may say. Every program
runs in its own directory four times: in a virtual environment, under pyx through the slow path,
under pyx through the fast path (the slow path is broken then), and by the environment's own
`bin/python`, as children are started. What the four print and how they end must be the same, but
for the two directories' names, memory addresses, and what a program's entry explains.

As a program: ``pyx tests/conformance/matrix.py [--python PATH]… [GROUP]…``.
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
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PROGRAMS = Path(__file__).with_name("programs")
PROMPT = re.compile(r"(>>> |\.\.\. |\(Pdb\) )$")
ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[=>])")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
SETTLED = 2.2
"""The age in seconds at which pyx trusts a file's times enough to keep bytecode and records."""

TIMEOUT = 20.0

SLOW, FAST, CHILD = "slow path", "fast path", "child"
BROKEN = "SLOW PATH"


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """A difference that must be: `pattern` is taken out of what both runs printed."""

    pattern: str
    reason: str
    since: int = 0
    """The first minor version of Python 3 that shows it."""
    until: int = 99


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One program and one way to start it. `{here}` in words and variables is its directory."""

    group: str
    name: str
    words: tuple[str, ...] = ("p.py",)
    shell: str | None = None
    """A shell command that starts python as ``"$@"``, instead of `words`."""
    files: Mapping[str, str] = field(default_factory=dict)
    setup: str | None = None
    """Python code that makes further files; it runs in the directory before anything else."""
    environ: Mapping[str, str] = field(default_factory=dict)
    inert: bool = False
    """The variables must not act: the virtual environment runs without them."""
    input: str = ""
    terminal: tuple[str, ...] | None = None
    """Lines typed at a terminal, each when the prompt is there."""
    encoding: str = "utf-8"
    """How words, files, variables and input become bytes."""
    since: int = 0
    until: int = 99
    runs: tuple[str, ...] = (SLOW, FAST, CHILD)
    explained: tuple[Explained, ...] = ()


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


def read_programs(groups: Sequence[str] = ()) -> tuple[Program, ...]:
    """Return the programs of all `groups`, or of every group, in the order of their files."""
    programs: list[Program] = []
    for path in sorted(PROGRAMS.glob("*.toml")):
        if not groups or path.stem in groups:
            programs += _read_group(path)
    return tuple(programs)


def list_groups() -> list[str]:
    """Return the names of all groups."""
    return sorted(path.stem for path in PROGRAMS.glob("*.toml"))


def _read_group(path: Path) -> Iterator[Program]:
    table = tomli.loads(path.read_text(encoding="utf-8"))
    explained = {name: Explained(**entry) for name, entry in table.get("explained", {}).items()}
    shared = table.get("files", {})
    for entry in table["program"]:
        known = dict(entry)
        name, text = known.pop("name"), known.pop("text", None)
        starts = known.pop("starts", None) or {"": known.pop("words", ["p.py"])}
        settings = known.pop("settings", None) or {"": known.pop("environ", {})}
        files = {**shared, **known.pop("files", {}), **({} if text is None else {"p.py": text})}
        known["explained"] = tuple(explained[word] for word in known.get("explained", ()))
        for key in {"runs", "terminal"} & known.keys():
            known[key] = tuple(known[key])
        for start, words in starts.items():
            for setting, environ in settings.items():
                label = " ".join(filter(None, (name, start, setting)))
                yield _make_program(path.stem, label, words, environ, files, known)


def _make_program(
    group: str,
    name: str,
    words: Any,
    environ: Any,
    files: Mapping[str, str],
    known: Mapping[str, Any],
) -> Program:
    start = {"shell": words} if isinstance(words, str) else {"words": tuple(words)}
    return Program(group=group, name=name, environ=environ, files=files, **start, **known)


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
        self, command: str | Path, program: Program, here: Path, *, deaf: bool = False
    ) -> Outcome:
        """Run `program` by `command`, which starts python; `deaf`: without its variables."""

        def encode(text: str) -> bytes:
            return text.replace("{here}", str(here)).encode(program.encoding)

        words = [os.fsencode(command), *map(encode, program.words)]
        if program.shell is not None:
            words = [b"/bin/sh", b"-c", encode(program.shell), b"sh", os.fsencode(command)]
        environ = {os.fsencode(k): os.fsencode(v) for k, v in self.variables.items()}
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


def make_place(
    root: Path, base: Path, pyx: Path, variables: Mapping[str, str], version: tuple[int, int]
) -> Place:
    """Make a virtual environment of `base` and an empty lock, and start pyx once."""
    subprocess.run([base, "-I", "-m", "venv", "--without-pip", root / "venv"], check=True)
    (root / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "tests"\npackages = []\n', encoding="utf-8"
    )
    variables = {**variables, "PYX_PYTHON": str(base)}
    found = subprocess.run(
        [pyx, "-c", "import sys; print(sys.prefix)"],
        cwd=root,
        env=variables,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Place(
        root=root,
        base=base,
        minor=version[1],
        venv=root / "venv",
        environment=Path(found.stdout.strip()),
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
) -> list[Mismatch]:
    """Return every run of `programs` that differs from the one in the virtual environment."""
    programs = [p for p in programs if p.since <= place.minor <= p.until]
    directories = [prepare(program, place, number) for number, program in enumerate(programs)]
    born = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        runs = {
            "": [
                pool.submit(
                    place.run, place.venv / "bin" / "python", program, here, deaf=program.inert
                )
                for program, here in zip(programs, directories, strict=True)
            ]
        }
        _wait(runs[""])
        time.sleep(max(0.0, born + SETTLED - time.monotonic()))
        for name, command in (
            (SLOW, place.pyx),
            (FAST, place.pyx),
            (CHILD, place.environment / "bin" / "python"),
        ):
            if name == FAST:
                break_slow_path()
            runs[name] = [
                pool.submit(place.run, command, program, here)
                for program, here in zip(programs, directories, strict=True)
                if name in program.runs
            ]
            _wait(runs[name])
            repair_slow_path()
    mismatches: list[Mismatch] = []
    results = {name: iter(futures) for name, futures in runs.items()}
    for program in programs:
        plain = next(results[""]).result()
        found = {name: next(results[name]).result() for name in program.runs}
        mismatches += _judge(program, place.minor, plain, found)
    return mismatches


def _wait(futures: Sequence[Any]) -> None:
    for future in futures:
        future.result()


def _judge(
    program: Program, minor: int, plain: Outcome, found: Mapping[str, Outcome]
) -> Iterator[Mismatch]:
    reasons = [reason for reason in program.explained if reason.since <= minor <= reason.until]
    patterns = [reason.pattern for reason in reasons]
    expected = plain.without(patterns)
    for run, outcome in found.items():
        if outcome.stdout.startswith(BROKEN):
            yield Mismatch(program=program, run=run, problem="no fast path")
        elif expected != outcome.without(patterns):
            seen = outcome.without(patterns)
            yield Mismatch(program=program, run=run, expected=expected, found=seen)
    for reason in reasons:
        others = [pattern for pattern in patterns if pattern != reason.pattern]
        if all(plain.without(others) == outcome.without(others) for outcome in found.values()):
            problem = f"nothing is left to explain by: {reason.reason}"
            yield Mismatch(program=program, run="all", problem=problem)


def main() -> int:
    """Compare what the command line asks for; the status is 1 if any program could tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--python", action="append", default=[], help="the path of an interpreter")
    parser.add_argument("--pyx", default=shutil.which("pyx"), help="an installed pyx")
    parser.add_argument("--only", default="", help="a part of the names of the programs to run")
    parser.add_argument("group", nargs="*")
    options = parser.parse_args()
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYX_"))}
    failed = 0
    for base in map(Path, options.python or [getattr(sys, "_base_executable", sys.executable)]):
        tell = [base, "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])"]
        major, minor = map(
            int, subprocess.run(tell, stdout=subprocess.PIPE, check=True).stdout.split()
        )
        for group in options.group or list_groups():
            with tempfile.TemporaryDirectory() as directory:
                failed += _compare_group(
                    Path(directory).resolve(), base, options, variables, (major, minor), group
                )
    return 1 if failed else 0


def _compare_group(
    root: Path,
    base: Path,
    options: argparse.Namespace,
    variables: Mapping[str, str],
    version: tuple[int, int],
    group: str,
) -> int:
    installed = Path(options.pyx).resolve()
    pyx, launcher = root / "bin" / "pyx", root / "bin" / "pyx-launcher"
    pyx.parent.mkdir()
    shutil.copy2(installed, pyx)
    launcher.symlink_to(installed.with_name("pyx-launcher"))
    own = {"PYX_HOME": str(root / "home"), "PYX_CACHE_DIR": str(root / "cache")}
    place = make_place(root, base, pyx, {**variables, **own}, version)

    def set_launcher(target: Path) -> None:
        launcher.unlink()
        launcher.symlink_to(target)

    broken = root / "broken"
    broken.write_text(f"#!/bin/sh\necho '{BROKEN}'\nexit 99\n", encoding="utf-8")
    broken.chmod(0o755)
    programs = [program for program in read_programs([group]) if options.only in program.name]
    mismatches = compare(
        programs,
        place,
        lambda: set_launcher(broken),
        lambda: set_launcher(installed.with_name("pyx-launcher")),
    )
    count = sum(program.since <= version[1] <= program.until for program in programs)
    sys.stdout.write(f"3.{version[1]} {group}: {count} programs, {len(mismatches)} differ\n")
    for mismatch in mismatches:
        sys.stdout.write(f"  {mismatch}\n")
    sys.stdout.flush()
    return len(mismatches)


if __name__ == "__main__":
    sys.exit(main())

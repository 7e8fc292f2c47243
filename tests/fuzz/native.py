"""Fuzz what the native program reads: launch records, command lines, inline blocks.

    python tests/fuzz/native.py --seconds 3600 [record words block]

Compiles `tests/fuzz/native.c` with clang's libFuzzer and its sanitizers, takes seeds from real
starts, and runs each part for its share of the time in one process. Prints what libFuzzer says of
executions and coverage; exits 1 if anything was found, and leaves the input that shows it in the
working directory. ``--corpus DIR`` keeps what was learnt for the next run.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "launcher"), str(TESTS.parent / "runtime")]

from installed import DYNAMIC, NATIVE_SOURCE, PLAIN_PYTHON, Pyx, build_native  # noqa: E402 -- found now
from trust.ground import make_project, make_wheels  # noqa: E402 -- found now

from pyx_launcher.cli.commands import VERBS  # noqa: E402 -- found now
from pyx_launcher.record.checks import find_block  # noqa: E402 -- found now
from pyx_launcher.record.record import KEY_VARIABLES  # noqa: E402 -- found now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SOURCE = Path(__file__).with_suffix(".c")
PARTS = ("record", "words", "block")
LONGEST = 4096
"""Bytes of an input: several times a real record."""

OPTIONS = (
    *("-std=gnu11", "-O1", "-g"),
    *("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"),
)
FOREIGN = ("PYX_", "PYTHON", "PIP_", "VIRTUAL_")
BLOCK = "# /// script\n# dependencies = []\n# ///\n"
COMMAND_LINES = (
    ("main.py", "a", "-b"),
    ("-m", "module", "x"),
    ("-cpass", "--", "y"),
    ("-ubW", "error", "-Xutf8", "--", "main.py"),
    ("-S", "-I", "-OOO", "--check-hash-based-pycs", "always", "-", ""),
    ("@name", "--with", "a", "--python=3.12", "-q", "dir/main.py"),
    ("-s", "-P", "-E", "-vvv", "-X", "pyx=1", "-i"),
    ("-V",),
    ("-c",),
)
VARIABLES = (
    "PYTHONWARNINGS=a,,b",
    "PYTHONUNBUFFERED=1",
    "PYTHONOPTIMIZE=7",
    "PYTHONHASHSEED=0",
    "PYTHONINSPECT= -3",
    "PYTHONVERBOSE=x",
    "PYX_DEBUG=1",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What libFuzzer said at the end of one part."""

    part: str
    executions: int
    edges: int
    """How many places of the program were reached."""
    features: int
    seconds: int
    finding: str
    """The tail of its report, or nothing."""


def build(directory: Path, part: str, native: Path = NATIVE_SOURCE.parent) -> Path | None:
    """Compile the harness of `part` upon the `pyx.c` in `native`; None without libFuzzer."""
    if not _has_fuzzer(directory):
        return None
    program = directory / f"fuzz-{part}"
    own = (f"-D{part.upper()}", f"-I{native}", "-o", str(program), str(SOURCE))
    command = ["clang", *OPTIONS, *own]
    subprocess.run(command, check=True)
    return program


def _has_fuzzer(directory: Path) -> bool:
    """Tell whether clang is there with libFuzzer, so that any other failure is one."""
    trial = directory / "trial.c"
    trial.write_text(
        "int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return !d && n; }\n"
    )
    try:
        command = ["clang", *OPTIONS, "-o", str(trial.with_suffix("")), str(trial)]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def collect_records(directory: Path) -> list[bytes]:
    """Return launch records of real starts: of scripts, a module, an environment, a bundle."""
    native = build_native(directory, DYNAMIC)
    if native is None:
        raise SystemExit("there is no C compiler")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    home, cache = directory / "home", directory / "cache"
    places = {"PYX_HOME": str(home), "PYX_CACHE_DIR": str(cache), "PYX_PYTHON": PLAIN_PYTHON}
    pyx = Pyx(directory / "installed", native, kept | places)
    project = make_project(directory / "project", make_wheels(directory / "wheels", 4))
    (project / "inline.py").write_text(f"{BLOCK}print(1)\n")
    (project / "pylock.inline.toml").write_text((project / "pylock.toml").read_text())
    for words in (("main.py",), ("-m", "part0"), ("inline.py",)):
        for _ in range(30):
            told = pyx(*words, cwd=project, env={"PYX_DEBUG": "1"})
            if "has just been written" not in told.stderr:
                break
    told = pyx("bundle", directory / "bundle", "main.py", "word", cwd=project)
    bundled = (directory / "bundle" / "programs").glob(".*.launch")
    found = [*cache.glob("launch/*"), *home.glob("environments/*/launch"), *bundled]
    if len(found) < 4:
        raise SystemExit(f"the starts left too few records: {told.stderr}")
    return [path.read_bytes() for path in found]


def make_seeds(part: str, records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield inputs of `part` as its harness takes them apart."""
    if part == "record":
        script = BLOCK.encode()
        for record, words, how in itertools.product(records, COMMAND_LINES[:4], (0, 2, 3, 4)):
            given = _join(words) + b"\0\0" + bytes([len(script)]) + script
            yield bytes([how << 5 | 1 << 4, 0, 0]) + given + record
    elif part == "words":
        names = [f"{name}=/{name.lower()}" for name in sorted(KEY_VARIABLES - {"PYX_CACHE_DIR"})]
        verbs = [(verb,) for verb in VERBS]
        for words, how in itertools.product((*COMMAND_LINES, *verbs), (0, 1)):
            for variables in ((), VARIABLES, VARIABLES[:3], names):
                yield bytes([how << 5 | 1 << 4, 0, 0]) + _join(words) + b"\0\0" + _join(variables)
    else:
        for ending in ("\n", "\r\n", "\r"):
            block = BLOCK.replace("\n", ending).encode()
            text = b"#!/usr/bin/env pyx\n" + block + b"import os\n"
            assert find_block(block) == block
            yield b"\0\1" + text
            yield (len(block) << 1).to_bytes(2, "big") + block + text
            yield b"\0\0print(1)\n" + text + block


def _join(words: Iterable[str]) -> bytes:
    return b"".join(word.encode() + b"\0" for word in words)


def fuzz(program: Path, part: str, corpus: Path, *, seconds: int, seed: int) -> Outcome:
    """Run a harness over `corpus`, which grows, for so many seconds.

    What it finds lies in the working directory afterwards, as ``PART-crash-…``.
    """
    command = [
        *(str(program), f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-seed={seed}"),
        f"-artifact_prefix={part}-",
        *("-print_final_stats=1", "-timeout=300", "-rss_limit_mb=4096", str(corpus)),
    ]
    environ = {**os.environ, "RECORD": str(program.with_name("record"))}
    # A leak is none: what the program allocates ends with it.
    environ["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=0"
    told = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    text = told.stdout.decode(errors="replace")
    states = re.findall(r"cov: (\d+) ft: (\d+)", text) or [("0", "0")]
    executions = re.search(r"stat::number_of_executed_units: +(\d+)", text)
    done = re.search(r"Done \d+ runs in (\d+) second", text)
    return Outcome(
        part=part,
        executions=int(executions[1]) if executions else 0,
        edges=int(states[-1][0]),
        features=int(states[-1][1]),
        seconds=int(done[1]) if done else 0,
        finding=text[-4000:] if told.returncode else "",
    )


def fill(program: Path, part: str, corpus: Path) -> None:
    """Write the seeds of a part into `corpus`, and beside `program` a record to start with."""
    # A block needs no record.
    directory = Path(tempfile.mkdtemp(dir=program.parent))
    records = collect_records(directory) if part != "block" else []
    program.with_name("record").write_bytes(records[0] if records else b"")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(make_seeds(part, records)):
        (corpus / f"seed{number}").write_bytes(content)


def main() -> int:
    """Run the parts that were named, each for its share of the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    options = parser.parse_args()
    names = options.parts or PARTS
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="pyx-fuzz.") as temporary:
        for part in names:
            corpus = (options.corpus or Path(temporary, "corpus")) / part
            program = build(Path(temporary), part)
            if program is None:
                raise SystemExit("there is no clang that has libFuzzer")
            fill(program, part, corpus)
            share = max(1, options.seconds // len(names))
            done = fuzz(program, part, corpus, seconds=share, seed=options.seed)
            wrong += bool(done.finding)
            print(  # noqa: T201 -- what it is for
                f"{part}: {done.executions:,} executions in {done.seconds} s, "
                f"{done.edges} edges, {done.features} features{done.finding}",
                flush=True,
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

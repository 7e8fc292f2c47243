"""Mutate whole projects and see that every command does its work or refuses it in one line.

    cd tests && pyx -m fuzz.commands --seconds 600 [--seed 1] [--only NUMBER]

The seeds are the cases below tests/locks/ and small project files. Commands run in this process,
without a network; the tools that lock are programs that fail. What escapes a command, or is said
on more lines than one and a hint, is printed with the number that makes it again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from lockcases import LOCKS

from fuzz.locks import (
    HUGE_DIGITS,
    LONGEST_MESSAGE,
    STRINGS,
    Finding,
    interrupt,
    mutate_case,
    mutate_text,
)
from pyx_launcher.__main__ import run as run_command
from pyx_launcher.errors import PyxError, is_fault_of_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = (
    ("lock",),
    ("lock", "--check"),
    ("lock", "--upgrade", "click"),
    ("add", "tick"),
    ("add", "--optional", "x", "tick[y]>=1"),
    ("remove", "tick"),
    ("info",),
    ("info", "--json"),
    ("info", "--sbom"),
    ("list",),
    ("tree",),
    ("which", "click"),
    ("sync",),
    ("env", "show"),
    ("export", "--format", "requirements"),
    ("export", "--format", "pylock"),
    ("diff", "LOCK", "LOCK"),
    ("run", "tick"),
    ("store", "gc", "--dry-run"),
)
OF_SCRIPTS = (
    ("lock", "script.py"),
    ("lock", "--check", "script.py"),
    ("add", "--script", "script.py", "tick"),
    ("remove", "--script", "script.py", "tick"),
    ("info", "script.py"),
    ("tree", "script.py"),
    ("sync", "script.py"),
)

PYPROJECT = """\
[project]
name = "sample"
version = "1"
requires-python = ">=3.9"
dependencies = ["tick<2", "talk[x]; python_version > '3'"]
[project.optional-dependencies]
x = ["click"]
[dependency-groups]
dev = ["pytest", {include-group = "more"}]
more = ["rich @ git+ssh://git@example.org/rich"]
[build-system]
requires = ["hatchling"]
[tool.uv]
default-groups = ["dev"]
index-url = "https://example.org/simple"
[tool.uv.workspace]
members = ["a*"]
[tool.uv.sources]
tick = {path = "../tick"}
[tool.poetry]
name = "sample"
packages = [{include = "sample"}]
[tool.poetry.dependencies]
python = "^3.9"
tick = {version = "^1", extras = ["y"]}
[tool.pdm]
distribution = true
[tool.pyx]
tools = "@dev"
follow = true
"""
PIPFILE = """\
[[source]]
url = "https://example.org/simple"
name = "main"
[packages]
tick = "*"
talk = {version = ">=1", extras = ["x"]}
[requires]
python_version = "3.11"
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "Pipfile": PIPFILE,
    "requirements.in": "tick<2\ntalk[x]>=1; python_version > '3'\n-r other.in\n",
    "requirements.txt": "tick==1.0 --hash=sha256:" + "0" * 64 + "\n",
    ".python-version": "3.11\n",
    "script.py": '# /// script\n# requires-python = ">=3.9"\n# dependencies = ["tick"]\n# ///\n',
    "uv.toml": 'index-url = "https://example.org/simple"\n',
}

SPECIAL = (
    HUGE_DIGITS,
    "3." + HUGE_DIGITS,
    ">=" + HUGE_DIGITS,
    "a" * 300,
    "ssh://[x]/y",
    "git+ssh://[x]/y",
    "x @ git+ssh://[x]/y",
    "[" * 2000,
    "a." * 2000 + "a = 1",
    "{a=" * 2000,
)


def main() -> int:
    """Mutate until the time is over; print what was found, and return 1 if there was anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the one mutation with this number")
    options = parser.parse_args()
    numbers = itertools.count() if options.only is None else iter((options.only,))
    deadline = time.monotonic() + options.seconds
    seen: dict[str, int] = {}
    count = 0
    for finding in run(options.seed, numbers):
        count += 1
        if finding is not None:
            seen[finding.problem] = seen.get(finding.problem, 0) + 1
            if seen[finding.problem] == 1:
                where = f"--seed {options.seed} --only {finding.number}"
                sys.stdout.write(f"{finding.problem} ({finding.case}; {where})\n{finding.detail}\n")
                sys.stdout.flush()
        if time.monotonic() > deadline:
            break
    sys.stdout.write(f"{count} projects, {sum(seen.values())} failures of {len(seen)} kinds\n")
    return 1 if seen else 0


def run(seed: int, numbers: Iterator[int]) -> Iterator[Finding | None]:
    """Yield for each number what is wrong with one command on that project; None for nothing."""
    cases = sorted(path.parent for path in LOCKS.glob("*/*/expected.json"))
    working = Path.cwd()
    with tempfile.TemporaryDirectory() as name, alone_in(Path(name)):
        for number in numbers:
            random_ = random.Random(f"{seed}/{number}")  # noqa: S311 -- repeatable by purpose
            project = Path(name) / "project"
            words = make_project(random_, project, random_.choice(cases))
            os.chdir(project)
            try:
                yield examine(number, words, project)
            finally:
                os.chdir(working)
                shutil.rmtree(project)


@contextlib.contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Let commands keep everything in `directory`, without a network and without tools."""
    before = dict(os.environ)
    for variable in [v for v in os.environ if v.startswith(("PYX_", "PIP_", "UV_"))]:
        del os.environ[variable]
    tools = {f"PYX_{tool}": "/bin/false" for tool in ("UV", "POETRY", "PDM", "PIPENV")}
    os.environ.update(
        tools,
        HOME=str(directory),
        PYX_HOME=str(directory / "home"),
        PYX_CACHE_DIR=str(directory / "cache"),
        PYX_OFFLINE="1",
        PIP_CONFIG_FILE=os.devnull,
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def make_project(random_: random.Random, project: Path, case: Path) -> tuple[str, ...]:
    """Make a project with something wrong in it, and return the command that meets it."""
    if random_.random() < 0.5:
        shutil.copytree(case, project)
        if random_.random() < 0.7:
            mutate_case(random_, project)
    else:
        project.mkdir()
    names = random_.sample(sorted(FILES), random_.randrange(4))
    words = random_.choice(COMMANDS)
    if random_.random() < 0.3:
        names.append("script.py")
        words = random_.choice(OF_SCRIPTS)
    for name in dict.fromkeys(names):
        content = FILES[name].encode()
        if random_.random() < 0.6:
            content = insert_special(random_, content)
        elif random_.random() < 0.7:
            content = mutate_text(random_, content)
        (project / name).write_bytes(content)
    locks = [path.name for path in project.iterdir() if "lock" in path.name] or ["pylock.toml"]
    return tuple(random_.choice(locks) if word == "LOCK" else word for word in words)


def insert_special(random_: random.Random, content: bytes) -> bytes:
    """Return `content` with one of its values, or the rest of a line, replaced."""
    text = content.decode()
    new = random_.choice((*SPECIAL, *STRINGS))
    parts = text.split('"')
    if len(parts) > 2 and random_.random() < 0.8:
        # What stands between two quotes is a value.
        parts[random_.randrange(1, len(parts), 2)] = new.replace("\\", "").replace('"', "")
        return '"'.join(parts).encode("utf-8", "surrogatepass")
    lines = text.split("\n")
    at = random_.randrange(len(lines))
    lines[at] = lines[at][: random_.randrange(len(lines[at]) + 1)] + new
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def examine(number: int, words: tuple[str, ...], project: Path) -> Finding | None:
    """Run one command in `project`, which is the working directory; return what is wrong."""
    label = " ".join(words)
    signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, 30)
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run_command(list(words), os.environ)
        return None
    except PyxError as error:
        if "\n" in error.message or len(error.message) > 2 * LONGEST_MESSAGE:
            problem = f"{type(error).__name__} on several lines, or without an end"
            return Finding(number=number, case=label, problem=problem, detail=repr(error)[:3000])
    except Exception as error:  # noqa: BLE001 -- whatever escapes is a finding
        if not (isinstance(error, OSError) and is_fault_of_machine(error)):
            frames = traceback.extract_tb(error.__traceback__)
            frame = next((f for f in reversed(frames) if "pyx_launcher" in f.filename), frames[-1])
            what = f"{type(error).__name__} in {Path(frame.filename).name}: {frame.name}"
            detail = "".join(traceback.format_exception(error)[-6:])[-2000:]
            return Finding(number=number, case=label, problem=what, detail=detail)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    if after != before:
        changed = [
            str(path) for path in before.keys() | after if before.get(path) != after.get(path)
        ]
        return Finding(
            number=number, case=label, problem="a refusal changed files", detail=str(changed)
        )
    return None


if __name__ == "__main__":
    sys.exit(main())

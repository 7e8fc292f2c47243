"""Mutate real locks and see that each is read or refused in one line, in bounded time.

    cd tests && pyx -m fuzz.locks --seconds 600 [--seed 1]

The seeds are the cases below tests/locks/. A mutation changes the parsed lock, or its text. What
breaks is printed with the number that makes it again: ``--only NUMBER`` with the same seed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli
from lockcases import LOCKS
from targets import make_interpreter

from pyx_launcher.build.builder import list_inputs
from pyx_launcher.errors import LockError, PyxError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import FILE_NAMES, read_lock
from pyx_launcher.selection import select
from pyx_launcher.start.root_project import add_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = 1.0
"""Seconds of processor time for one mutated lock."""

LONGEST_MESSAGE = 2000

INTERPRETERS = (
    make_interpreter("x86_64-manylinux_2_28", "3.12.1"),
    make_interpreter("x86_64-pc-windows-msvc", "3.9.18"),
)
CHOICES = (Choice(), Choice(all_extras=True, all_groups=True), Choice(default_groups=False))

STRINGS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\n",
    "a\nb",
    "\x1b[31m",
    "\u202e",
    "é",
    "😀",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "a/../../b",
    "-",
    "--help",
    "*",
    "A_B",
    "a" * 5000,
    "a-" * 3000,
    "(" * 3000,
    "[" * 3000,
    " " * 20000 + "x",
    "1",
    "1.0",
    "1!2.0+local",
    "9" * 5000,
    "1." * 3000 + "1",
    "==1.0",
    ">=1,<2",
    "^1.2",
    "~",
    "|| ||",
    "sys_platform == 'linux'",
    "extra == 'x'",
    "'linux' in sys_platform",
    "python_version > 'x'",
    "python_full_version < '" + "9" * 5000 + "'",
    "os_name",
    "(" * 500 + "os_name == 'posix'" + ")" * 500,
    " and ".join(["os_name == 'posix'"] * 2000),
    "sha256:",
    "sha256:zz",
    ":00",
    "md5:00",
    "sha256:" + "0" * 64,
    "http://[",
    "http://[::1",
    "https://example.org:port/a-1.0-py3-none-any.whl",
    "file:///etc/passwd",
    "file://host/x",
    "${HOME}",
    "${" * 2000,
    "git+https://example.org/x@main",
    "https://example.org/%00/%2e%2e/a-1.0-py3-none-any.whl",
    "a-1.0-py3-none-any.whl",
    "a.whl",
    ".whl",
    "-.whl",
    "a-1.0-py3-none-/../.any.whl",
    "a-1.0.tar.gz",
    "/../../a-1.0.tar.gz",
    "package[0]",
    "default",
    "dev",
    "main",
    "python",
    "pip",
)

# Python refuses to read a number with so many digits, and to write one.
HUGE = "@huge@"
HUGE_DIGITS = "9" * 5000

NUMBERS = (HUGE, 0, 1, -1, 2**31, 2**63 - 1, -(2**63), 10**4000, 0.5, float("inf"), float("nan"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What went wrong with one mutated lock."""

    number: int
    case: str
    problem: str
    detail: str


def main() -> int:
    """Mutate until the time is over; print what was found, and return 1 if there was anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", help="only the cases of this format")
    parser.add_argument("--only", type=int, help="the one mutation with this number")
    parser.add_argument("--keep", type=Path, help="a directory that takes what broke")
    options = parser.parse_args()
    numbers = itertools.count() if options.only is None else iter((options.only,))
    deadline = time.monotonic() + options.seconds
    seen: dict[str, int] = {}
    count = 0
    for finding in run(options.seed, numbers, options.kind, options.keep):
        count += 1
        if finding is not None:
            seen[finding.problem] = seen.get(finding.problem, 0) + 1
            if seen[finding.problem] == 1:
                where = f"--seed {options.seed} --only {finding.number}"
                sys.stdout.write(f"{finding.problem} ({finding.case}; {where})\n{finding.detail}\n")
                sys.stdout.flush()
        if time.monotonic() > deadline:
            break
    sys.stdout.write(f"{count} locks, {sum(seen.values())} failures of {len(seen)} kinds\n")
    return 1 if seen else 0


def run(
    seed: int, numbers: Iterator[int], kind: str | None = None, keep: Path | None = None
) -> Iterator[Finding | None]:
    """Yield for each number what is wrong with that mutation; None where nothing is."""
    cases = sorted(path.parent for path in LOCKS.glob(f"{kind or '*'}/*/expected.json"))
    with tempfile.TemporaryDirectory() as name:
        for number in numbers:
            random_ = random.Random(f"{seed}/{number}")  # noqa: S311 -- repeatable by purpose
            case = random_.choice(cases)
            directory = Path(name) / case.name
            shutil.copytree(case, directory)
            mutate_case(random_, directory)
            finding = examine(number, case, directory)
            if finding is not None and keep is not None:
                shutil.copytree(directory, keep / str(number), dirs_exist_ok=True)
            shutil.rmtree(directory)
            yield finding


def examine(number: int, case: Path, directory: Path) -> Finding | None:
    """Read the lock in `directory` for every interpreter and choice; return what is wrong."""
    label = f"{case.parent.name}/{case.name}"
    begin = time.process_time()
    # The handler interrupts a regular expression as well, so nothing can hang.
    signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, 20 * LIMIT)
    try:
        read_everything(find_lock(directory))
    except PyxError as error:
        problem = judge(error, directory)
        if problem:
            return Finding(number=number, case=label, problem=problem, detail=repr(error))
    except Exception as error:  # noqa: BLE001 -- whatever escapes is a finding
        frames = traceback.extract_tb(error.__traceback__)
        frame = next((f for f in reversed(frames) if "pyx_launcher" in f.filename), frames[-1])
        what = f"{type(error).__name__} in {Path(frame.filename).name}: {frame.name}"
        detail = "".join(traceback.format_exception(error)[-8:])[-3000:]
        return Finding(number=number, case=label, problem=what, detail=detail)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    took = time.process_time() - begin
    if took > LIMIT:
        detail = f"{took:.1f} s"
        return Finding(number=number, case=label, problem="too slow", detail=detail)
    return None


def interrupt(*_: object) -> None:
    """End what takes far too long."""
    raise TimeoutError


def find_lock(directory: Path) -> Path:
    """Return the lock of a case."""
    return next(directory / name for name in FILE_NAMES if (directory / name).exists())


def read_everything(path: Path) -> None:
    """Do all that a start does before it fetches anything. Raises the first PyxError."""
    lock = read_lock(path, path.parent)
    first: PyxError | None = None
    for interpreter, choice in itertools.product(INTERPRETERS, CHOICES):
        try:
            selection = add_root(select(lock, interpreter, choice), lock)
        except PyxError as error:
            first = first or error
            continue
        for artifact in selection.artifacts:
            # None of these may make a place outside of where it belongs.
            if "/" in artifact.name or "/" in getattr(artifact.source, "filename", ""):
                raise AssertionError(f"{artifact.name} could leave its directory")
            list_inputs(artifact)
            os.path.lexists(artifact.find_path(getattr(artifact.source, "path", None) or "."))
        for other in lock.inputs:
            os.path.lexists(other)
    if first is not None:
        raise first


def judge(error: PyxError, directory: Path) -> str:
    """Return what is wrong with the way an error tells its problem; empty if nothing is."""
    message = error.message
    if "\n" in message:
        return f"{type(error).__name__} on several lines"
    if isinstance(error, LockError) and len(message) > LONGEST_MESSAGE:
        return f"{type(error).__name__} without an end"
    if isinstance(error, LockError) and str(directory) not in message:
        return "LockError that names no file"
    if not error.hint and isinstance(error, LockError) and error.path.name != "pyproject.toml":
        return "LockError without a hint"
    return ""


def mutate_case(random_: random.Random, directory: Path) -> None:
    """Change the lock in `directory`, or at times the pyproject.toml beside it."""
    path = find_lock(directory)
    pyproject = directory / "pyproject.toml"
    if pyproject.is_file() and random_.random() < 0.2:
        path = pyproject
    content = path.read_bytes()
    if path.suffix != ".txt" and random_.random() < 0.8:
        parse, dump = (json.loads, dump_json) if path.name == "Pipfile.lock" else TOML
        data = parse(content.decode())
        for _ in range(random_.choice((1, 1, 1, 2, 5))):
            mutate_tree(random_, data)
        text = dump(data).replace(f'"{HUGE}"', HUGE_DIGITS)
        content = text.encode("utf-8", "surrogatepass")
    else:
        for _ in range(random_.choice((1, 1, 2, 8))):
            content = mutate_text(random_, content)
    path.write_bytes(content)


def containers(value: object) -> Iterator[dict[str, Any] | list[Any]]:
    """Yield every table and array below a value, and itself."""
    if isinstance(value, dict | list):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from containers(child)


def mutate_tree(random_: random.Random, data: dict[str, Any]) -> None:
    """Change one value, somewhere in `data`."""
    found = [container for container in containers(data) if container]
    if not found:
        return
    container = random_.choice(found)
    if isinstance(container, dict):
        keys: list[Any] = list(container)
    else:
        keys = list(range(len(container)))
    key = random_.choice(keys)
    change = random_.randrange(8)
    if change == 0:
        del container[key]
    elif change == 1 and isinstance(container, list):
        container.insert(key, container[key])
    elif change == 2 and isinstance(container, dict):
        container[random_.choice(STRINGS)] = container.pop(key)
    elif change == 3:
        # A value from elsewhere in the same lock, such as the name of another package.
        other = random_.choice(found)
        values = list(other.values()) if isinstance(other, dict) else other
        container[key] = json.loads(json.dumps(random_.choice(values), default=str))
    elif change == 4 and isinstance(container[key], str):
        container[key] = mutate_string(random_, container[key])
    elif change == 5:
        container[key] = nest(random_, random_.choice((3, 50, 150)))
    else:
        container[key] = random_.choice(
            (random_.choice(STRINGS), random_.choice(STRINGS), random_value(random_))
        )


def mutate_string(random_: random.Random, text: str) -> str:
    """Return `text` with a part replaced, doubled or cut off."""
    at = random_.randrange(len(text) + 1)
    change = random_.randrange(4)
    if change == 0:
        return text[:at]
    if change == 1:
        return text[:at] + random_.choice(STRINGS) + text[at:]
    if change == 2:
        return text[:at] + text[at:] * random_.choice((2, 1000))
    return text[:at] + chr(random_.choice((0, 9, 10, 13, 34, 39, 47, 92, 0x85, 0xD800))) + text[at:]


def random_value(random_: random.Random) -> object:
    """Return a value of some other type."""
    moment = datetime(2020, 1, 1, tzinfo=timezone.utc)
    values = (True, False, None, [], {}, [[]], [{}], {"": {}}, moment, moment.date(), moment.time())
    return random_.choice((*values, *NUMBERS))


def nest(random_: random.Random, depth: int) -> object:
    """Return tables or arrays in one another."""
    value: object = "x"
    for _ in range(depth):
        value = [value] if random_.random() < 0.5 else {"a": value}
    return value


def mutate_text(random_: random.Random, content: bytes) -> bytes:
    """Return the bytes of a lock with some of them changed, and perhaps no longer a lock."""
    at = random_.randrange(len(content) + 1)
    length = random_.choice((1, 1, 5, 100))
    changes: tuple[Callable[[], bytes], ...] = (
        lambda: content[:at],
        lambda: content[:at] + content[at + length :],
        lambda: content[:at] + content[at : at + length] * 2 + content[at + length :],
        lambda: content[:at] + random_.randbytes(length) + content[at:],
        lambda: content[:at] + random_.choice(STRINGS).encode() + content[at:],
        lambda: swap_lines(random_, content),
    )
    return random_.choice(changes)()


def swap_lines(random_: random.Random, content: bytes) -> bytes:
    """Return the lines of a lock with one of them somewhere else."""
    lines = content.splitlines(keepends=True)
    if lines:
        line = lines.pop(random_.randrange(len(lines)))
        lines.insert(random_.randrange(len(lines) + 1), line)
    return b"".join(lines)


def dump_json(data: object) -> str:
    """Return `data` as JSON; what it has no form for as a string."""
    return json.dumps(data, default=str)


def dump_toml(data: dict[str, Any]) -> str:
    """Return `data` as TOML whose tables are all inline."""
    return "".join(f"{quote(key)} = {inline(value)}\n" for key, value in data.items())


def inline(value: object) -> str:
    """Return one value as TOML writes it."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{quote(key)} = {inline(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime | date) or hasattr(value, "isoformat"):
        return str(value.isoformat())
    return quote("" if value is None else str(value))


def quote(text: str) -> str:
    """Return a string as TOML writes it; it shares JSON's escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


TOML = (tomli.loads, dump_toml)


if __name__ == "__main__":
    sys.exit(main())

"""Have an interpreter compile what an environment can import, before the first start needs it.

The work is done by ``runtime/pyx_runtime/bytecode.py`` in processes of the target interpreter.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pyx_runtime
from pyx_launcher.errors import InterpreterError
from pyx_launcher.values import dataclass
from pyx_launcher.workers import count_processors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.environment.directory import Environment
    from pyx_launcher.interpreters.finder import Interpreter

_PROGRAM = Path(pyx_runtime.__file__).with_name("bytecode.py")
_SHARES = 4
"""How many processes compile copies, on any machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """How many files were looked at."""

    written: int = 0
    ready: int = 0
    """Their bytecode was there already."""
    failed: int = 0
    """They are no Python that this interpreter reads, or their place cannot be written."""


def compile_environment(environment: Environment, dirs: Dirs) -> Compiled:
    """Write the bytecode of every module of `environment` that lies in a store.

    The files are those that an import would write, at the places where it would write them.
    Raises InterpreterError where the interpreter itself fails.
    """
    roots = [*map(os.fspath, dirs.stores), os.fspath(environment.path)]
    places = [
        place
        for place in environment.sys_path
        # Source trees belong to the user, who has not asked for files in them.
        if any(place == root or place.startswith(f"{root}/") for root in roots)
    ]
    shares = _share_out(list(_list_sources(places)), count_processors())
    return _run(environment.interpreter.path, [share for share in shares if share])


def compile_copies(
    tree: Path, interpreter: Interpreter, places: Sequence[str], *, kind: str, home: str
) -> Compiled:
    """Write the bytecode of every module below `places`, which are relative to `tree`.

    `kind` is what it holds for: `times` for the source as it is now, `unchecked` for whatever the
    source is. `home` is what tracebacks put before the relative paths. Equal sources give equal
    bytes: hashes are not random, and who compiles what does not depend on the machine. Raises
    InterpreterError where the interpreter itself fails.
    """
    base = f"{tree}/"
    found = [
        (size, path.removeprefix(base))
        for size, path in _list_sources([f"{base}{place}" for place in places])
    ]
    shares = [share for share in _share_out(found, _SHARES) if share]
    # With what an interpreter needs to start, such as where its libraries are.
    others = {n: value for n, value in os.environ.items() if not n.startswith(("PYTHON", "__PY"))}
    environ = {**others, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    return _run(interpreter.path, shares, (kind, home), cwd=tree, environ=environ)


def _list_sources(places: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield size and path of each source file below `places`, the path as an import has it."""
    seen: set[tuple[int, int]] = set()
    waiting = list(places)
    while waiting:
        directory = waiting.pop()
        with contextlib.suppress(OSError):
            info = os.stat(directory)
            if (info.st_dev, info.st_ino) in seen:
                continue
            seen.add((info.st_dev, info.st_ino))
            with os.scandir(directory) as found:
                for item in found:
                    # No import reaches into a directory whose name has a dot.
                    if item.is_dir():
                        if "." not in item.name and item.name != "__pycache__":
                            waiting.append(item.path)
                    elif item.name.endswith(".py"):
                        yield item.stat().st_size, item.path


def _share_out(sources: list[tuple[int, str]], count: int) -> list[list[str]]:
    """Return `count` lists of paths that will take about the same time."""
    ordered = [path for _, path in sorted(sources, reverse=True)]
    return [ordered[start::count] for start in range(count)]


def _run(
    python: Path,
    shares: Sequence[Sequence[str]],
    words: Sequence[str] = (),
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Compiled:
    # A seed for hashes is a variable, which -I would keep away; of the user's there are none.
    isolation = ("-I", "-S") if environ is None else ("-s", "-S")
    command = [os.fspath(python), *isolation, os.fspath(_PROGRAM), *words]
    processes: list[subprocess.Popen[bytes]] = []
    answers: list[dict[str, int]] = []
    try:
        for share in shares:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=cwd,
                env=environ,
            )
            processes.append(process)
            if process.stdin is not None:
                # Each reads all of its share before it begins, so nobody waits for another.
                with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
                    stdin.write(b"".join(os.fsencode(path) + b"\0" for path in share))
                process.stdin = None
        answers.extend(json.loads(process.communicate()[0]) for process in processes)
    except OSError as error:
        raise InterpreterError(f"{python} cannot compile: {error.strerror}") from error
    except ValueError as error:
        raise InterpreterError(f"{python} cannot compile: it ended without an answer") from error
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
    return Compiled(
        written=sum(answer["written"] for answer in answers),
        ready=sum(answer["ready"] for answer in answers),
        failed=sum(answer["failed"] for answer in answers),
    )

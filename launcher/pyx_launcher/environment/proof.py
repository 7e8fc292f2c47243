"""Which way the environments of an interpreter start: found out by trial, once for each as it is.

An environment with one module is made and started by both ways, as a script, a module, a command
and a script from its bytecode; ``runtime/pyx_runtime/selftest.py`` tells what the program sees.
The fast way is taken only where it sees the same by both. The verdict lies beside the facts about
the interpreter, and is asked for again when anything that decides a start has changed.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyx_runtime
from pyx_launcher.errors import InterpreterError
from pyx_launcher.files.atomic import make_directory, remove_tree, storing, write_atomic
from pyx_launcher.files.hashing import sha256
from pyx_launcher.interpreters.finder import Interpreter, Way
from pyx_launcher.interpreters.probe import identify_files
from pyx_launcher.record.record import FORMAT, write_code
from pyx_launcher.record.words import Launch, write_launch
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PROGRAM = Path(pyx_runtime.__file__).with_name("selftest.py")
SECONDS = 60
_MARK = "pyx_trial"

Told = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """One start of the trial."""

    name: str
    words: tuple[str, ...]
    public: bool


@contextlib.contextmanager
def proving_start(
    interpreter: Interpreter, cache: Path, place: Path, native: Path, make: Callable[[Path], None]
) -> Iterator[Callable[[], Way]]:
    """Give a function that returns how environments of `interpreter` start.

    What `cache` knows and is still true is not tried again. Otherwise a trial has begun and goes on
    beside what the block does, until the function waits for it; it ends with the block at the
    latest. For it `make` puts into a new directory below `place`, from which programs may run, the
    native program `native` and ``pyvenv.cfg``. Raises StoreError where nothing can be written; the
    function raises InterpreterError where neither way works.
    """
    key = _make_key(interpreter, native)
    known = find_way(interpreter, cache, native)
    if known is not None:
        yield lambda: known
        return
    with storing(place):
        place.mkdir(parents=True, exist_ok=True)
        directory = make_directory(place, ".new.")
    with contextlib.ExitStack() as trial:
        trial.callback(remove_tree, directory)
        with storing(directory):
            make(directory)
            begun = trial.enter_context(_trying(interpreter, directory))

        def finish() -> Way:
            with storing(directory):
                way = begun()
            entry = {"key": key, "fast": way.fast, "code": way.code, "reason": way.reason}
            # The cache saves time and nothing else, so that it cannot be written stops nobody.
            with contextlib.suppress(OSError):
                cache.mkdir(mode=0o755, parents=True, exist_ok=True)
                # What root has prepared in an image serves users who can write nothing.
                name = _name_entry(interpreter, cache)
                write_atomic(name, json.dumps(entry).encode("ascii"), mode=0o644)
            return way

        yield finish


def find_way(interpreter: Interpreter, cache: Path, native: Path) -> Way | None:
    """Return what `cache` knows of how environments of `interpreter` start, if it is still true."""
    try:
        with _name_entry(interpreter, cache).open("rb") as stream:
            info = os.fstat(stream.fileno())
            if info.st_uid not in (0, os.geteuid()) or info.st_mode & 0o022:
                return None
            entry = json.load(stream)
        if entry["key"] != _make_key(interpreter, native):
            return None
        return Way(fast=entry["fast"], code=entry["code"], reason=entry["reason"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _name_entry(interpreter: Interpreter, cache: Path) -> Path:
    return cache / f"{sha256(os.fsencode(interpreter.path)).hexdigest()[:32]}.start.json"


def _make_key(interpreter: Interpreter, native: Path) -> list[object]:
    """Return everything that decides how a start goes; the template is part of the facts."""
    files = identify_files([str(interpreter.path), *interpreter.files])
    program = sha256(PROGRAM.read_bytes()).hexdigest()
    return [FORMAT, interpreter.facts_digest, program, _digest(native), files]


def _digest(file: Path) -> str:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


@contextlib.contextmanager
def _trying(interpreter: Interpreter, directory: Path) -> Iterator[Callable[[], Way]]:
    """Begin a trial in `directory`, and give what waits for it and returns its verdict."""
    script, code = directory / "start.py", directory / "code.pyc"
    _write_trial(interpreter, directory, script, code)
    ways = (True, False) if interpreter.encodings_file else (True,)
    source = PROGRAM.read_text(encoding="utf-8")
    kinds = {
        "a script": (str(script), "outer", "code"),
        "a command": ("-c", source, "word"),
        "a module": ("-m", f"{_MARK}_start", "word"),
    }
    first = [_Start(name=n, words=w, public=p) for n, w in kinds.items() for p in ways]
    with _starting(directory, first) as wait:

        def finish() -> Way:
            told = wait()
            public = {name: told[name, True] for name in kinds}
            problem = _find_fault(public["a script"], directory) or next(
                (
                    f"{name}: {answer['died']}"
                    for name, answer in public.items()
                    if "died" in answer
                ),
                None,
            )
            if problem:
                raise InterpreterError(
                    f"{interpreter.path} cannot start an environment: {problem}",
                    hint="name another interpreter, for example --python 3.12",
                )
            # From its bytecode a script is to see what it sees without it.
            plain = public["a script"]
            write_code(code, script, interpreter.magic, bytes.fromhex(plain["code"]))
            kept = "a script from its bytecode"
            second = [_Start(name=kept, words=kinds["a script"], public=p) for p in ways]
            with _starting(directory, second) as wait_again:
                told |= wait_again()
            return _judge(interpreter, told, kinds, kept)

        yield finish


def _judge(
    interpreter: Interpreter,
    told: Mapping[tuple[str, bool], Told],
    kinds: Iterable[str],
    kept: str,
) -> Way:
    """Return the verdict on what starts of these `kinds`, and `kept`, have told by both ways."""
    plain = told["a script", True]
    difference = _compare(kept, plain, told[kept, True])
    if not interpreter.encodings_file:
        reason = "`encodings` is not a file, so its bytecode cannot be put in its place"
        return Way(fast=False, code=not difference, reason=reason)
    differences = [_compare(name, told[name, True], told[name, False]) for name in kinds]
    differences.append(_compare(kept, plain, told[kept, False]))
    found = next(filter(None, differences), None)
    reason = found or f"programs behave the same either way (tried with {len(told)} starts)"
    return Way(fast=found is None, code=not difference, reason=reason)


def _write_trial(interpreter: Interpreter, directory: Path, script: Path, code: Path) -> None:
    from pyx_launcher.environment.bootstrap import Packages, write_bootstrap

    packages, outside = directory / "packages", directory / "outside"
    for place, content in (
        (packages, ""),
        (outside, "raise SystemExit('PYTHONPATH was obeyed')\n"),
    ):
        place.mkdir()
        (place / f"{_MARK}.py").write_text(content, encoding="ascii")
    for place in (packages / f"{_MARK}_start.py", script):
        place.write_bytes(PROGRAM.read_bytes())
    site_packages = directory / "lib" / interpreter.lib_name / "site-packages"
    site_packages.mkdir(parents=True)
    write_bootstrap(
        directory,
        interpreter,
        prefix=str(directory),
        packages=Packages(
            sys_path=[str(packages)],
            pth_lines=[(str(packages), [f"import sys; sys.{_MARK}_line = sitedir\n"])],
            customized="",
            site_packages=str(site_packages),
        ),
    )
    os.utime(site_packages, (0, 0))
    way = Way(fast=bool(interpreter.encodings_file), code=True, reason="")
    launch = Launch(interpreter=replace(interpreter, way=way), generations=())
    write_launch(directory, directory, launch, code=str(code))


@contextlib.contextmanager
def _starting(
    directory: Path, starts: Iterable[_Start]
) -> Iterator[Callable[[], dict[tuple[str, bool], Told]]]:
    """Start all of them at once, and give what returns what each told; they end with the block."""
    # Whoever started pyx, the variable counts as one that the user had set: see RECORD.md.
    outside = str(directory / "outside")
    environ = dict(_clean(os.environ), PYTHONPATH=outside)
    environ |= {"PYX_INSIDE": "1", "PYX_OUTSIDE_PYTHONPATH": outside}
    processes: dict[tuple[str, bool], subprocess.Popen[bytes]] = {}
    try:
        try:
            for start in starts:
                processes[start.name, start.public] = subprocess.Popen(
                    [directory / "bin" / "python", *start.words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=directory,
                    env={**environ, "PYX_START": "public"} if start.public else environ,
                )
        except OSError as error:
            raise InterpreterError(
                f"cannot try how {directory} starts: {error.strerror}"
            ) from error
        yield lambda: {key: _read(process) for key, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()


def _clean(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if not name.startswith(("PYTHON", "PYX_", "__PYVENV")):
            yield name, value


def _read(process: subprocess.Popen[bytes]) -> Told:
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return {"died": f"no answer in {SECONDS} seconds"}
    try:
        told = json.loads(out)
    except ValueError:
        told = None
    if isinstance(told, dict) and not process.returncode:
        return told
    said = err.decode(errors="replace").strip().splitlines()
    return {"died": said[-1] if said else f"exit status {process.returncode}"}


def _find_fault(told: Told, directory: Path) -> str | None:
    """Return what a program is not told rightly by documented means alone, or None."""
    if "died" in told:
        return str(told["died"])
    packages = str(directory / "packages")
    promised = {
        "package": f"{packages}/{_MARK}.py",
        "import line": packages,
        "prefix": [str(directory)] * 2,
        "executable": str(directory / "bin" / "python"),
        "argv": [str(directory / "start.py"), "outer", "code"],
        "options": {},
        "options of children": [],
        "replaced modules": [],
        "names of ours": [],
    }
    for name, value in promised.items():
        if told.get(name) != value:
            return f"{name} is {told.get(name)!r} instead of {value!r}"
    return None


def _compare(name: str, public: Told, other: Told) -> str | None:
    """Return the first thing that the program `name` sees otherwise, or None."""
    if "died" in other:
        return f"{name}: {other['died']}"
    for key in public:
        # Marshalled twice, the same code need not be the same bytes.
        if key != "code" and public[key] != other.get(key):
            return f"{name} differs in {key}: {other.get(key)!r} instead of {public[key]!r}"
    return None

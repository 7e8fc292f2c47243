"""The facts about an interpreter as its probe tells them, and the cache that remembers them.

The process is ``PYTHON -I -S probe.py [TEMPLATE]``; it writes one JSON object to stdout. The cache
holds a JSON file for each binary: the key it is valid for, the facts and their digest.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyx_runtime
from pyx_launcher.errors import InterpreterError
from pyx_launcher.files.hashing import sha256
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable

PROBE = Path(pyx_runtime.__file__).with_name("probe.py")
PROBE_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class InterpreterFacts:
    """What a probe told; `pyx_runtime.probe.facts` describes the keys."""

    values: dict[str, Any] = field(hash=False)
    digest: str
    """Hexadecimal; another one as soon as any fact is another."""


def read_facts(path: Path, *, cache: Path, template: Path | None) -> InterpreterFacts | None:
    """Return what `cache` knows about the binary `path`, if that is still true.

    A file that somebody else could have written is not looked at.
    """
    key = _cache_key(path, template)
    try:
        with _cache_file(cache, path).open("rb") as stream:
            info = os.fstat(stream.fileno())
            if info.st_uid != os.geteuid() or info.st_mode & 0o022:
                return None
            entry = json.load(stream)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or entry.get("key") != key:
        return None
    values, digest = entry.get("facts"), entry.get("digest")
    if not isinstance(values, dict) or not isinstance(digest, str):
        return None
    if entry.get("files") != identify_files(values.get("files", ())):
        return None
    return InterpreterFacts(values=values, digest=digest)


def learn_facts(path: Path, *, cache: Path, template: Path | None) -> InterpreterFacts:
    """Run the probe with the binary `path` and put what it tells into `cache`.

    Raises InterpreterError if `path` cannot be run or the probe fails.
    """
    key = _cache_key(path, template)
    values = _run_probe(path, template)
    facts = InterpreterFacts(values=values, digest=_digest_facts(path, values, template))
    if _cache_key(path, template) == key:
        files = identify_files(values.get("files", ()))
        entry = {"key": key, "facts": facts.values, "digest": facts.digest, "files": files}
        _write_cache(_cache_file(cache, path), entry)
    return facts


def identify_files(names: Iterable[str]) -> list[list[int]]:
    """Return what tells each of the files from any other and from itself later; they may be absent.

    Raises TypeError where a name is none.
    """
    found: list[list[int]] = []
    for name in names:
        try:
            info = os.stat(name)
        except OSError:
            found.append([])
        else:
            found.append([info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino])
    return found


def _cache_file(cache: Path, path: Path) -> Path:
    return cache / f"{sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def _cache_key(path: Path, template: Path | None) -> list[str | int]:
    """Return all that the facts depend on: the binary, what is run with it, and the machine."""
    try:
        info = path.stat()
    except OSError as error:
        raise InterpreterError(f"{path}: {error.strerror}") from None
    identity = [info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino]
    scripts = [_digest_file(PROBE), _digest_file(template)]
    # Markers and tags tell the kernel and the C library, which are upgraded on their own.
    machine = os.uname()
    host = [machine.sysname, machine.release, machine.version, machine.machine, _libc_name()]
    return [os.fsencode(path).hex(), *identity, *scripts, *host]


def _libc_name() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):
        return ""


def _digest_file(path: Path | None) -> str:
    return sha256(path.read_bytes()).hexdigest() if path else ""


def _digest_facts(path: Path, values: dict[str, Any], template: Path | None) -> str:
    # Marshalling the same code twice need not give the same bytes: its source stands for it.
    stable = {**values, "pycompile": _digest_file(template)}
    stable |= {"pycompile_public": "", "encodings_codes": ""}
    text = json.dumps([os.fsencode(path).hex(), stable], sort_keys=True)
    return sha256(text.encode("ascii")).hexdigest()


def _write_cache(file: Path, entry: dict[str, Any]) -> None:
    from pyx_launcher.files.atomic import write_atomic

    # The cache saves time and nothing else, so that it cannot be written stops nobody.
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_atomic(file, json.dumps(entry).encode("ascii"), mode=0o644)


def _run_probe(path: Path, template: Path | None) -> dict[str, Any]:
    import subprocess

    arguments = [str(path), "-I", "-S", str(PROBE), *([str(template)] if template else [])]
    # Set by a virtual environment's python on macOS, it would make another claim to be that one.
    environ = {name: value for name, value in os.environ.items() if name != "__PYVENV_LAUNCHER__"}
    try:
        answer = subprocess.run(
            arguments,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            env=environ,
        )
    except OSError as error:
        raise InterpreterError(f"{path} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise InterpreterError(f"{path} did not answer in {PROBE_SECONDS} seconds") from None
    values = _parse_answer(answer.stdout)
    if answer.returncode != 0 or values is None:
        said = answer.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else f"exit status {answer.returncode}"
        raise InterpreterError(f"{path} does not work as CPython 3.9 or later: {why}")
    return values


def _parse_answer(stdout: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(stdout)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None

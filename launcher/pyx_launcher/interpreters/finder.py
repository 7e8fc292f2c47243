"""Find the interpreter that a program is to run with, and learn the facts about it.

A found binary is run once, with the file `pyx_runtime/probe.py`, which tells its facts as JSON on
stdout; `probe` keeps its answer. Where to look is `discovery`, what the user asks for `request`.
"""

from __future__ import annotations

import binascii
import contextlib
import re
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from pyx_launcher.errors import InterpreterError, NoInterpreterError, shorten
from pyx_launcher.interpreters.discovery import (
    InterpreterCandidate,
    installed_candidates,
    path_candidates,
    resolve_candidate,
)
from pyx_launcher.interpreters.probe import InterpreterFacts, learn_facts, read_facts
from pyx_launcher.interpreters.request import (
    ANYTHING,
    VERSION_NAME,
    InterpreterRequest,
    Request,
    read_wanted,
)
from pyx_launcher.interpreters.tags import TagFacts, compute_tags
from pyx_launcher.values import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.markers import Environment
    from packaging.specifiers import SpecifierSet
    from packaging.tags import Tag

OLDEST = (3, 9)
_USUAL = 13
"""The minor version that is proposed where nothing asks for another."""
_NEWEST, _LATE = 30, 99
"""Numbers that no minor version, and no release of one, reaches for long."""
NO_ARTIFACT = 1 << 30
"""How many builds an interpreter needs for which the lock has nothing at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How the environments of an interpreter start: see docs/design.md."""

    fast: bool
    """By the fast way, or by the public one?"""
    code: bool
    """May bytecode stand for a script?"""
    reason: str
    """Why it is this one, in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """A real CPython and everything that pyx needs to know about it."""

    path: Path
    """The binary itself, symlinks resolved: never a shim, never a virtual environment's python."""
    version: str
    implementation: str
    markers: Environment = field(hash=False)
    stdlib: tuple[str, ...]
    """Its whole `sys.path` under ``-I -S``."""
    prefix: str
    exec_prefix: str
    cache_tag: str
    magic: bytes
    pycompile: bytes
    """The template's marshalled code for the fast way of a start; empty without a template."""
    pycompile_public: bytes
    """That for the public way."""
    build: str
    """Its `sys.version`, which tells one build of it from another."""
    files: tuple[str, ...]
    """Where else it has what decides how it starts; some need not be there."""
    encodings_file: str
    """The source that an environment's python imports `encodings` from; empty if it is none."""
    encodings_hash: bytes
    """The hash of that source, as a `.pyc` holds it (PEP 552)."""
    encodings_codes: bytes
    """Marshalled: its code object, and those of its submodules that a start imports, by name."""
    abiflags: str
    soabi: str
    ext_suffix: str
    tag_facts: TagFacts
    facts_digest: str
    """Hexadecimal; another one as soon as any fact is another."""
    way: Way | None = None
    """How its environments start; None where nobody has asked yet (`environment.proof`)."""

    @property
    def short(self) -> str:
        """Major and minor version, with a ``t`` for a free-threaded build."""
        major, minor = self.tag_facts.python
        return f"{major}.{minor}{'t' if self.tag_facts.free_threaded else ''}"

    @property
    def lib_name(self) -> str:
        """The name of its directory below ``lib``."""
        return f"python{self.short}"

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The tags of the wheels that it can use, best first."""
        return compute_tags(self.tag_facts)

    @property
    def parsed_version(self) -> Version:
        """The version as specifiers compare it."""
        # A build from a checkout after the release says "3.12.1+", which is no version.
        return Version(self.version.rstrip("+"))


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundInterpreter:
    """The interpreter to use, why it, and which files decided that."""

    interpreter: Interpreter
    reason: str
    inputs: tuple[Path, ...]
    """Files whose content or absence decided: another content may mean another interpreter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What every step of a search needs to know."""

    requires_python: SpecifierSet
    required_by: str
    environ: Mapping[str, str] = field(hash=False)
    cache: Path
    template: Path | None
    count_builds: Callable[[Interpreter], int] | None = field(default=None, hash=False)
    option: str = "--python"

    @property
    def requirement(self) -> str:
        """What the lock requires and which lock, or an empty string if it takes any Python."""
        return f"{self.requires_python} ({self.required_by})" if self.requires_python else ""


def find_interpreter(  # noqa: PLR0913 -- all of these decide, and callers name each.
    *,
    request: str | None,
    requires_python: SpecifierSet,
    start: Path,
    environ: Mapping[str, str],
    cache: Path,
    template: Path | None,
    required_by: str = "the lock",
    count_builds: Callable[[Interpreter], int] | None = None,
    option: str = "--python",
) -> FoundInterpreter:
    """Return the interpreter that `request` or, without it, the user's configuration asks for.

    `PYX_PYTHON` comes next, then the ``.python-version`` nearest to the directory `start`, then
    the first Python on PATH, then the highest that a version manager has installed. It always
    satisfies `requires_python`, which `required_by` names. Where nobody asks for one,
    `count_builds` tells how many packages would have to be built for it, and the first with the
    fewest is taken; behind one that needs none nobody looks. `option` is the option or the command
    behind which the request was typed. Raises InterpreterError if none fits.
    """
    search = Search(
        requires_python=requires_python,
        required_by=required_by,
        environ=environ,
        cache=cache,
        template=template,
        count_builds=count_builds,
        option=option,
    )
    wanted = read_wanted(request, start, environ, option)
    for alternative in wanted.requests:
        if found := _find_requested(search, wanted, alternative):
            return found
    raise _explain(search, wanted, wanted.requests[0])


def _find_requested(
    search: Search, wanted: InterpreterRequest, request: Request
) -> FoundInterpreter | None:
    if request.path is None:
        candidates = _all_candidates(_without_pyenv(search) if request.system else search)
        return _choose(search, wanted, request, candidates)
    candidate = resolve_candidate(request.path, search.environ)
    if candidate.binary is None and len(wanted.requests) == 1:
        raise InterpreterError(
            f"{wanted.label}: {_why_nothing(request.path)}",
            hint="name a python binary or the directory of a virtual environment",
        )
    try:
        return _choose(search, wanted, request, [candidate])
    except InterpreterError as error:
        raise InterpreterError(
            f"{wanted.label}: {error.message}", hint="name another one, for example --python 3.12"
        ) from None


def _why_nothing(path: Path) -> str:
    if not path.exists():
        return f"{path} does not exist"
    return (
        f"{path} is neither an interpreter nor a virtual environment whose base interpreter exists"
    )


def _without_pyenv(search: Search) -> Search:
    return replace(search, environ={**search.environ, "PYENV_VERSION": "system"})


def _all_candidates(search: Search) -> Iterator[InterpreterCandidate]:
    return _all_candidates_in(search.environ)


def _all_candidates_in(environ: Mapping[str, str]) -> Iterator[InterpreterCandidate]:
    yield from path_candidates(environ)
    yield from installed_candidates(environ)


def list_interpreters(
    environ: Mapping[str, str], *, cache: Path, template: Path | None
) -> list[tuple[Interpreter, InterpreterCandidate]]:
    """Return every interpreter that a search comes by, in its order, with how it was found."""
    found: dict[Path, tuple[Interpreter, InterpreterCandidate]] = {}
    for candidate in _all_candidates_in(environ):
        if candidate.binary is None or candidate.is_foreign:
            continue
        with contextlib.suppress(InterpreterError):
            interpreter = probe_interpreter(candidate.binary, cache=cache, template=template)
            found.setdefault(interpreter.path, (interpreter, candidate))
    return [*found.values()]


def _choose(
    search: Search,
    wanted: InterpreterRequest,
    request: Request,
    candidates: Iterable[InterpreterCandidate],
) -> FoundInterpreter | None:
    """Return the first candidate that fits; an unusual build only if there is no other."""
    inputs = dict.fromkeys(wanted.inputs)
    unusual: FoundInterpreter | None = None
    fitting: list[tuple[int, FoundInterpreter]] = []
    for candidate in candidates:
        inputs.update(dict.fromkeys(candidate.inputs))
        interpreter = _probe_fitting(search, request, candidate)
        if interpreter is None or interpreter.parsed_version not in search.requires_python:
            continue
        found = FoundInterpreter(
            interpreter=interpreter,
            reason=wanted.reason or _reason(search, candidate),
            inputs=tuple(inputs),
        )
        if not request.path and _is_unusual(interpreter, request):
            unusual = unusual or found
            continue
        asked = request.path or wanted.reason or search.count_builds is None
        builds = 0 if asked or search.count_builds is None else search.count_builds(interpreter)
        fitting.append((builds, found))
        if not builds:
            break
    if not fitting:
        return unusual and replace(unusual, inputs=tuple(inputs))
    _, best = min(fitting, key=lambda pair: pair[0])
    return replace(best, reason=best.reason + _tell_passed(best, fitting), inputs=tuple(inputs))


def _tell_passed(best: FoundInterpreter, fitting: Sequence[tuple[int, FoundInterpreter]]) -> str:
    """Return why not the first that fits, if it is another."""
    builds, first = fitting[0]
    if best is first:
        return ""
    lacks = "packages" if builds == NO_ARTIFACT else f"wheels of {builds} packages"
    return f"; {first.interpreter.version} lacks {lacks}"


def _reason(search: Search, candidate: InterpreterCandidate) -> str:
    place = "first on PATH" if candidate.origin == "PATH" else "highest installed"
    return f"{place} that satisfies {search.requirement}" if search.requirement else place


def _is_unusual(interpreter: Interpreter, request: Request) -> bool:
    other_threading = interpreter.tag_facts.free_threaded != request.free_threaded
    return other_threading or interpreter.parsed_version.is_prerelease


def _probe_fitting(
    search: Search, request: Request, candidate: InterpreterCandidate
) -> Interpreter | None:
    """Return the interpreter that `candidate` is if it is what was requested."""
    if candidate.binary is None:
        return None
    if request.path:
        return probe_interpreter(candidate.binary, cache=search.cache, template=search.template)
    if candidate.is_foreign or not _may_be_minor(request.versions, candidate.minor):
        return None
    try:
        found = probe_interpreter(candidate.binary, cache=search.cache, template=search.template)
    except InterpreterError:
        # Nobody asked for this one, so that it is broken or too old concerns nobody.
        return None
    fits = request.versions.contains(found.parsed_version, prereleases=True)
    return found if fits and found.tag_facts.free_threaded >= request.free_threaded else None


def _may_be_minor(versions: SpecifierSet, minor: int | None) -> bool:
    """Return whether an interpreter of this minor version could be among `versions`.

    Only what pins one minor version is decided here, which spares most of the probes.
    """
    if minor is None:
        return True
    pinned = {
        one.version.split(".")[1] for one in versions if _pins_minor(one.operator, one.version)
    }
    return minor >= OLDEST[1] and pinned <= {str(minor)}


def _pins_minor(operator: str, version: str) -> bool:
    return operator == "==" and version.startswith("3.") and not version.startswith("3.*")


def _explain(search: Search, wanted: InterpreterRequest, request: Request) -> NoInterpreterError:
    """Return the error that says why no interpreter fits, and what there is."""
    if wanted.label and wanted.inputs:
        # A file asked, so that is what has to be another.
        search = replace(search, option="pyx python pin")
    if request.path:
        candidates = [resolve_candidate(request.path, search.environ)]
    else:
        candidates = list(_all_candidates(search))
    requested = _probe_all(search, request, candidates)
    usable = _probe_all(search, ANYTHING, candidates)
    if wanted.label and requested:
        others = _probe_all(search, ANYTHING, _all_candidates(search)) if request.path else usable
        fitting = (one.short for one in others if one.parsed_version in search.requires_python)
        version = next(fitting, None)
        advice = f"ask for one that satisfies it: `{search.option} {version}`"
        return NoInterpreterError(
            f"{wanted.label} is Python {requested[0].version} ({requested[0].path}), "
            f"but {search.required_by} requires Python {shorten(str(search.requires_python))}",
            hint=advice if version else _advise_install(search, ANYTHING, is_any=True),
        )
    listed = ", ".join(dict.fromkeys(f"{one.version} ({one.path})" for one in usable))
    needs = [shorten(part) for part in (wanted.label, search.requirement) if part]
    lack = f"satisfies {'both ' if needs[1:] else ''}{' and '.join(needs)}" if needs else "is here"
    return NoInterpreterError(
        f"no CPython 3.9 or later {lack}; found: {listed or 'none'}",
        hint=_advise_install(search, request, is_any=bool(usable)),
    )


def _advise_install(search: Search, request: Request, *, is_any: bool) -> str:
    """Return how to get an interpreter that fits, where there `is_any` other or none at all."""
    from shutil import which

    version = _name_version(search, request)
    if version is None:
        return f"choose another: `{search.option} VERSION`; `pyx python list` shows what is here"
    other = ", or name it: --python PATH" if search.option == "--python" else ""
    has_uv = which("uv", path=search.environ.get("PATH")) is not None
    if not (has_uv or is_any):
        # Without an interpreter pyx runs no tools either.
        return f"install Python {version} with your system's package manager or with uv{other}"
    program = "uv" if has_uv else "pyx tool run uv"
    return f"install one: `{program} python install {version}`{other}"


def _name_version(search: Search, request: Request) -> str | None:
    """Return the version to install for what is asked for; None if pyx could not run it."""
    named = VERSION_NAME.fullmatch(request.text)
    exact = named["version"] if named is not None and named["version"] else ""
    suffix = "t" if request.free_threaded else ""

    def choose(known: Iterable[str]) -> list[Version]:
        return [
            version
            for version in map(Version, known)
            if version.minor >= OLDEST[1]
            and search.requires_python.contains(version, prereleases=True)
            and request.versions.contains(version, prereleases=True)
        ]

    if exact.count(".") >= 2:
        return exact + suffix if choose([exact]) else None
    fitting = choose(f"3.{minor}.{_LATE}" for minor in range(OLDEST[1], _NEWEST))
    if fitting:
        usual = [one for one in fitting if one.minor <= _USUAL]
        return f"3.{(usual[-1] if usual else fitting[0]).minor}{suffix}"
    # Only some releases of a minor version will do.
    bounds = [*search.requires_python, *request.versions]
    releases = [release for bound in bounds for release in _list_releases(bound.version)]
    return f"{max(fitting)}{suffix}" if (fitting := choose(releases)) else None


def _list_releases(bound: str) -> list[str]:
    """Return the release that the version of a specifier names, and the one before it."""
    found = re.fullmatch(r"3\.(\d{1,3})\.(\d{1,3})", bound)
    if found is None:
        return []
    minor, micro = int(found[1]), int(found[2])
    return [f"3.{minor}.{one}" for one in (micro - 1, micro) if one >= 0]


def _probe_all(
    search: Search, request: Request, candidates: Iterable[InterpreterCandidate]
) -> list[Interpreter]:
    probed = (_probe_fitting(search, request, candidate) for candidate in candidates)
    return [interpreter for interpreter in probed if interpreter]


def probe_interpreter(path: Path, *, cache: Path, template: Path | None) -> Interpreter:
    """Return the facts about the binary `path`, from `cache` if they are known there.

    `template` is a Python source file for the interpreter to compile. Raises InterpreterError if
    `path` cannot be run or is no CPython 3.9 or later.
    """
    path = path.resolve()
    known = _read_interpreter(path, cache=cache, template=template)
    return known or _make_interpreter(path, learn_facts(path, cache=cache, template=template))


def _read_interpreter(path: Path, *, cache: Path, template: Path | None) -> Interpreter | None:
    known = read_facts(path, cache=cache, template=template)
    try:
        return _make_interpreter(path, known) if known else None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        # Garbage in the cache is worth no more than nothing there.
        return None


def _make_interpreter(path: Path, known: InterpreterFacts) -> Interpreter:
    facts = known.values
    python = (facts["version_info"][0], facts["version_info"][1])
    if facts["implementation"] != "cpython" or python < OLDEST:
        raise InterpreterError(
            f"{path} is {facts['implementation']} {facts['version']}; pyx runs CPython 3.9 or later"
        )
    return Interpreter(
        path=path,
        version=facts["version"],
        implementation=facts["implementation"],
        markers=facts["markers"],
        stdlib=tuple(facts["stdlib"]),
        prefix=facts["prefix"],
        exec_prefix=facts["exec_prefix"],
        cache_tag=facts["cache_tag"],
        magic=bytes.fromhex(facts["magic"]),
        pycompile=binascii.a2b_base64(facts["pycompile"]),
        pycompile_public=binascii.a2b_base64(facts["pycompile_public"]),
        build=facts["build"],
        files=tuple(facts["files"]),
        encodings_file=facts["encodings_file"],
        encodings_hash=bytes.fromhex(facts["encodings_hash"]),
        encodings_codes=binascii.a2b_base64(facts["encodings_codes"]),
        abiflags=facts["abiflags"],
        soabi=facts["soabi"],
        ext_suffix=facts["ext_suffix"],
        tag_facts=_make_tag_facts(python, facts),
        facts_digest=known.digest,
    )


def _make_tag_facts(python: tuple[int, int], facts: dict[str, Any]) -> TagFacts:
    libc_version, mac_version = facts["libc_version"] or (0, 0), facts["mac_version"] or (0, 0)
    return TagFacts(
        python=python,
        platform=facts["platform"],
        system=facts["system"],
        bits=facts["bits"],
        free_threaded=facts["free_threaded"],
        debug=facts["debug"],
        elf=facts["elf"],
        libc=facts["libc"],
        libc_version=(libc_version[0], libc_version[1]),
        mac_version=(mac_version[0], mac_version[1]),
        mac_arch=facts["mac_arch"],
    )

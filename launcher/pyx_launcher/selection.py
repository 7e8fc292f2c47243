"""From a lock and an interpreter to exactly one artifact per distribution."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from packaging.markers import UndefinedEnvironmentName
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    PylockSelectError,
)
from packaging.utils import canonicalize_name, parse_wheel_filename

from pyx_launcher.errors import (
    ArtifactError,
    InterpreterError,
    LibraryError,
    LockError,
    RefusedError,
    reading,
)
from pyx_launcher.locks.common.filenames import version_of_file
from pyx_launcher.locks.common.hash_only import Unhashed, UnnamedFile
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from packaging.pylock import Pylock

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.locks.common.choice import Choice
    from pyx_launcher.locks.reader import Lock

Source = PackageWheel | PackageSdist | PackageVcs | PackageDirectory | PackageArchive
"""Where one distribution comes from, in the words of PEP 751."""

STRONG = frozenset(
    {
        *("sha224", "sha256", "sha384", "sha512", "sha512_224", "sha512_256"),
        *("sha3_224", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"),
    }
)
"""The algorithms of hashlib for which nobody can make another file with the same digest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """The one artifact that was chosen for a distribution."""

    name: str
    """The normalised name of the project."""
    version: str | None
    """None where the lock leaves it to a source tree."""
    source: Source
    index: str | None
    """The index the lock names, where it names one."""
    base: Path
    """The directory that relative paths in `source` start from."""

    @property
    def label(self) -> str:
        """Name and version for a person."""
        return f"{self.name} {self.version}" if self.version else self.name

    @property
    def kind(self) -> str:
        """What it comes as: `wheel`, `sdist`, `archive`, `checkout`, `tree`, `editable`, `file`."""
        if isinstance(self.source, PackageDirectory):
            return "editable" if self.source.editable else "tree"
        kinds = {
            PackageWheel: "wheel",
            PackageSdist: "sdist",
            PackageVcs: "checkout",
            PackageArchive: "archive",
        }
        # Of what is known by hashes alone, only an index can tell what it is.
        return kinds.get(type(self.source), "file")

    def find_path(self, path: str) -> Path:
        """Return a path of `source`, absolute. Nothing needs to be there."""
        return Path(os.path.normpath(self.base / path))


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Everything one lock means for one interpreter and one choice, in the lock's order."""

    artifacts: tuple[Artifact, ...]
    extras: frozenset[str]
    groups: frozenset[str]
    find_indexes: Callable[[], IndexOptions] = IndexOptions
    """Tells what the lock says about indexes, besides the user's configuration."""


def select(lock: Lock, interpreter: Interpreter, choice: Choice) -> Selection:
    """Choose by `packaging.pylock.Pylock.select` for the target interpreter (PEP 751).

    Raises ArtifactError that names every distribution without a usable artifact, LockError
    where the lock contradicts itself, InterpreterError where it excludes the interpreter.
    """
    with reading(lock.path, hint="lock again: pyx lock"):
        return _select(lock, interpreter, choice)


def _select(lock: Lock, interpreter: Interpreter, choice: Choice) -> Selection:
    extras, groups = lock.choose(choice)
    pylock = lock.pylock(interpreter.markers, choice)
    _check_interpreter(lock, pylock, interpreter)
    try:
        chosen = list(
            _declare(_leave_out_foreign(pylock, interpreter), extras, groups).select(
                environment=interpreter.markers,
                tags=interpreter.tags,
                extras=extras,
                dependency_groups=groups,
            )
        )
    except PylockSelectError as error:
        _explain(lock, pylock, interpreter, extras, groups)
        _check_packages(lock, pylock, interpreter, _environment(interpreter, extras, groups))
        raise _refuse(str(error)) from error
    except (ValueError, UndefinedEnvironmentName) as error:
        # A marker that parses may still compare what cannot be compared.
        problem = str(error).partition("\n")[0]
        where = _find_marker(pylock, interpreter, extras, groups) or _find_name(pylock)
        if where is None:
            raise _refuse(problem) from error
        raise LockError(lock.path, problem, where=where, hint="run `pyx lock`") from error
    artifacts = tuple(
        Artifact(
            name=package.name,
            version=_find_version(package, source),
            source=source,
            index=package.index,
            base=lock.path.parent,
        )
        for package, source in chosen
    )
    _check_hashes(artifacts, choice)
    _check_urls(lock, artifacts)
    return Selection(
        artifacts=artifacts,
        extras=frozenset(extras),
        groups=frozenset(groups),
        find_indexes=lock.find_indexes,
    )


def _check_interpreter(lock: Lock, pylock: Pylock, interpreter: Interpreter) -> None:
    """Raise InterpreterError where `requires-python` or `environments` excludes the interpreter.

    `select` refuses these as well, in the same words for each reason.
    """
    required, environments = pylock.requires_python, pylock.environments
    if required and not required.contains(interpreter.version, prereleases=True):
        reason = f"it requires Python {required}"
    elif environments is not None and not any(
        marker.evaluate(cast("dict[str, str]", interpreter.markers), context="requirement")
        for marker in environments
    ):
        reason = "it is for other environments"
    else:
        return
    raise InterpreterError(
        f"{lock.path} excludes {interpreter.path} ({interpreter.version}): {reason}",
        hint="choose another one with --python",
    )


def _declare(pylock: Pylock, extras: frozenset[str], groups: frozenset[str]) -> Pylock:
    """Return `pylock` with the names that `select` is asked for, which it takes no others of.

    Whether the lock has them was checked by its reader, which knows more than the names that
    stand in its markers: Poetry's `main` and Pipenv's `default` are groups of no pylock.
    """
    return replace(
        pylock,
        extras=sorted(map(canonicalize_name, extras)),
        dependency_groups=sorted(groups),
    )


def _check_hashes(artifacts: Iterable[Artifact], choice: Choice) -> None:
    """Raise LockError for the first file without a hash that the user did not allow by name."""
    loose = [
        (artifact.name, artifact.source.hashes.error)
        for artifact in artifacts
        if not isinstance(artifact.source, PackageVcs | PackageDirectory)
        and isinstance(artifact.source.hashes, Unhashed)
        and artifact.name not in choice.unhashed
    ]
    if loose:
        error = loose[0][1]
        lead = f"{error.hint}; or, to" if error.hint else "to"
        names = ",".join(name for name, _ in loose)
        error.hint = f"{lead} take what is there today: --allow-unhashed {names}"
        raise error


def _check_urls(lock: Lock, artifacts: Iterable[Artifact]) -> None:
    """Raise LockError for a URL that leads nowhere, before anybody asks for its parts."""
    for artifact in artifacts:
        url = getattr(artifact.source, "url", None)
        with reading(lock.path, artifact.name, "lock again: pyx lock"):
            # Only the brackets of an address make it fail, and to look for them takes no time.
            if url and ("[" in url or "]" in url):
                from urllib.parse import urlsplit

                urlsplit(url)


def _leave_out_foreign(pylock: Pylock, interpreter: Interpreter) -> Pylock:
    """Return `pylock` without most of the wheels that are for other platforms or versions.

    A distribution may have a hundred, and to parse all their names takes longer than all the
    rest. Where none is left all are kept, for `select` has to say so.
    """
    tags = interpreter.tags
    known = (
        frozenset(tag.interpreter for tag in tags),
        frozenset(tag.abi for tag in tags),
        frozenset(tag.platform for tag in tags),
    )
    packages = []
    for package in pylock.packages:
        wheels = package.wheels or ()
        fitting = tuple(wheel for wheel in wheels if _may_fit(wheel.filename, known))
        if fitting and len(fitting) < len(wheels):
            packages.append(replace(package, wheels=fitting))
        else:
            packages.append(package)
    return replace(pylock, packages=packages)


def _may_fit(filename: str, known: Iterable[frozenset[str]]) -> bool:
    """Return whether each part of the tags in the name of a wheel is one that is known."""
    parts = filename.removesuffix(".whl").lower().rsplit("-", 3)[1:]
    return all(
        part in names or ("." in part and not names.isdisjoint(part.split(".")))
        for part, names in zip(parts, known, strict=False)
    )


def check_reliance(selection: Selection, allowed: Iterable[str]) -> None:
    """Refuse files without a hash that can be relied on, but for the projects in `allowed`.

    Raises RefusedError, which names them all.
    """
    exceptions = frozenset(canonicalize_name(name) for name in allowed)
    loose = [
        artifact
        for artifact in selection.artifacts
        if artifact.name not in exceptions and not is_bound(artifact.source)
    ]
    if not loose:
        return
    known = sorted({algorithm for a in loose for algorithm in getattr(a.source, "hashes", {})})
    raise RefusedError(
        f"the lock has no hash that can be relied on ({', '.join(known) or 'none'}) "
        f"for {', '.join(artifact.label for artifact in loose)}",
        hint="write it again with SHA-256 hashes; or, to take what the index has: "
        f"--allow-unhashed {','.join(artifact.name for artifact in loose)}",
    )


def is_bound(source: Source) -> bool:
    """Can only one content be meant by `source`, or is it a directory of the user's?"""
    if isinstance(source, PackageVcs | PackageDirectory):
        return True
    if isinstance(source, UnnamedFile):
        # Any file that has any of the hashes will do.
        return bool(source.hashes) and source.hashes.keys() <= STRONG
    return not STRONG.isdisjoint(source.hashes)


def _find_version(package: Package, source: Source) -> str | None:
    if package.version is None and isinstance(source, PackageWheel):
        # The format lets a lock leave out a version that the name of a wheel has anyway.
        return str(parse_wheel_filename(source.filename)[1])
    if package.version is None:
        return None
    version = str(package.version)
    return (
        version_of_file(source.filename, version) if isinstance(source, PackageWheel) else version
    )


def _find_marker(
    pylock: Pylock, interpreter: Interpreter, extras: frozenset[str], groups: frozenset[str]
) -> str | None:
    """Return the place of the first marker that cannot be evaluated; None if all can."""
    environment = _environment(interpreter, extras, groups)
    for position, package in enumerate(pylock.packages):
        try:
            if package.marker:
                package.marker.evaluate(environment, context="lock_file")
        except (ValueError, UndefinedEnvironmentName):
            return f"packages[{position}].marker"
    return None


def _refuse(problem: str) -> LibraryError:
    """Return what to tell where `select` refuses a lock that nothing is wrong with."""
    from pyx_launcher.libraries import refuse

    return refuse("packaging", problem)


def _find_name(pylock: Pylock) -> str | None:
    """Return the place of the first wheel whose name is none; None if all are."""
    for position, package in enumerate(pylock.packages):
        for number, wheel in enumerate(package.wheels or ()):
            try:
                parse_wheel_filename(wheel.filename)
            except ValueError:
                return f"packages[{position}].wheels[{number}].name"
    return None


def _check_packages(
    lock: Lock,
    pylock: Pylock,
    interpreter: Interpreter,
    environment: Mapping[str, str | frozenset[str]],
) -> None:
    """Raise InterpreterError where a distribution excludes the interpreter.

    Raises LockError where two distributions of one name are for this environment.
    """
    seen: dict[str, int] = {}
    for position, package in enumerate(pylock.packages):
        if package.marker and not package.marker.evaluate(environment, context="lock_file"):
            continue
        required = package.requires_python
        if required and not required.contains(interpreter.version):
            raise InterpreterError(
                f"{lock.path} excludes {interpreter.path} ({interpreter.version}): "
                f"{package.name} requires Python {required}",
                hint="choose another one with --python, or run `pyx lock`",
            )
        if (first := seen.setdefault(package.name, position)) != position:
            raise LockError(
                lock.path,
                f"{package.name!r} is there twice for this interpreter, also as packages[{first}]",
                where=f"packages[{position}]",
                hint="run `pyx lock`",
            )


def _environment(
    interpreter: Interpreter, extras: frozenset[str], groups: frozenset[str]
) -> dict[str, str | frozenset[str]]:
    """Return the environment in which a lock evaluates its markers (PEP 751)."""
    return {
        **cast("Mapping[str, str]", interpreter.markers),
        "extras": extras,
        "dependency_groups": groups,
    }


def _explain(
    lock: Lock,
    pylock: Pylock,
    interpreter: Interpreter,
    extras: frozenset[str],
    groups: frozenset[str],
) -> None:
    """Raise ArtifactError if what fails is that distributions have no artifact that fits."""
    environment = _environment(interpreter, extras, groups)
    supported = frozenset(interpreter.tags)
    missing = [
        package
        for package in pylock.packages
        if not package.is_direct
        and package.sdist is None
        and (not package.marker or package.marker.evaluate(environment, context="lock_file"))
        and not _has_wheel(package, supported)
    ]
    if not missing:
        return
    what = "; ".join(f"{p.name} {p.version} ({_describe_wheels(p)})" for p in missing)
    tried = interpreter.tags
    raise ArtifactError(
        f"{lock.path}: no wheel for Python {interpreter.short} on this platform: {what}",
        hint=f"{len(tried)} tags were tried, {tried[0]} to {tried[-1]}; "
        "run `pyx lock` for this platform, or choose another interpreter with --python",
    )


def _has_wheel(package: Package, supported: frozenset[object]) -> bool:
    return any(
        not supported.isdisjoint(parse_wheel_filename(wheel.filename)[3])
        for wheel in package.wheels or ()
    )


def _describe_wheels(package: Package) -> str:
    tags = ["-".join(wheel.filename[:-4].split("-")[-3:]) for wheel in package.wheels or ()]
    if not tags:
        return "it has neither a wheel nor a source archive"
    shown = ", ".join(tags[:3])
    return f"it has {shown}" + (f" and {len(tags) - 3} more" if len(tags) > 3 else "")

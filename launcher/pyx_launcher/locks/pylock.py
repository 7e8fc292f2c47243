"""The reader of pylock.toml and pylock.NAME.toml.

https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Protocol, cast

from packaging import pylock as standard
from packaging.markers import UndefinedEnvironmentName
from packaging.pylock import (
    Pylock,
    PylockSelectError,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from pyx_launcher.errors import InterpreterError, LockError
from pyx_launcher.locks.common.choice import choose_extras, choose_groups
from pyx_launcher.locks.common.fields import check_hash, parse_name, read_version
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.common.packages import (
    Chosen,
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Source,
)
from pyx_launcher.locks.common.project_indexes import read_named_indexes
from pyx_launcher.locks.common.sources import check_url
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.locks.common.wheel_choice import Ranks, find_best, find_place, rank_tags
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.markers import Environment

    from pyx_launcher.errors import LibraryError
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.locks.common.choice import Choice


PROJECT_ITSELF = ("main", "default")
"""What tools call the group of the project's own requirements."""

HINT = "run `pyx lock`, or write it again with the tool that made it"
"""What mends a pylock file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PylockLock:
    """A pylock file: its markers do the choosing, so nothing has to be walked."""

    path: Path
    content: Pylock
    faults: tuple[str, ...] = ()
    """What breaks a rule of the format, each with its place, and was passed over."""
    kind: str = "pylock"
    inputs: tuple[Path, ...] = ()
    root: Path | None = None

    @property
    def requires_python(self) -> SpecifierSet:
        """The Python versions the lock was made for; empty where it names none."""
        return self.content.requires_python or SpecifierSet()

    def choose_packages(self, markers: Environment, choice: Choice) -> Chosen:
        """Return the packages whose markers hold."""
        extras, groups = self.choose(choice)
        environment = make_environment(markers, extras, groups)
        return Chosen(
            packages=[
                convert_package(package)
                for package in self.content.packages
                if not package.marker or package.marker.evaluate(environment, context="lock_file")
            ],
            requires_python=self.content.requires_python,
            environments=self.content.environments or (),
        )

    def choose(self, choice: Choice) -> tuple[frozenset[str], frozenset[str]]:
        """Return the extras and the dependency groups that `choice` means.

        A default group that is not among the groups a user may name stands for the requirements
        of the project itself (PEP 751), and stays when the default ones are left out.
        """
        extras = [canonicalize_name(name) for name in self.content.extras or ()]
        groups = [canonicalize_name(name) for name in self.content.dependency_groups or ()]
        default = [canonicalize_name(name) for name in self.content.default_groups or ()]
        own = [name for name in default if name not in groups or name in PROJECT_ITSELF]
        return (
            choose_extras(self.path, choice, extras),
            choose_groups(self.path, choice, groups, default, own=own),
        )

    def find_indexes(self) -> IndexOptions:
        """Return the indexes that the project beside the lock names."""
        return IndexOptions(named=read_named_indexes(self.path.parent))


def read_pylock(path: Path) -> PylockLock:
    """Read and validate a pylock file. Raises LockError, and StoreError."""
    document = read_toml(path, hint=HINT)
    # It warns of a newer minor version, which the specification asks readers to accept.
    logging.getLogger("packaging.pylock").addHandler(logging.NullHandler())
    faults: list[str] = []
    try:
        try:
            content = Pylock.from_dict(document.data)
        except PylockValidationError:
            from pyx_launcher.locks.common.pylock_faults import mend

            mended, faults = mend(document.data)
            document = Table(path=path, where="", data=mended, hint=HINT)
            content = Pylock.from_dict(document.data)
    except PylockUnsupportedVersionError as error:
        version = document.data["lock-version"]
        problem = f"version {version} of the format is not supported; pyx reads 1.0"
        raise LockError(path, problem, where="lock-version", hint=HINT) from error
    except PylockValidationError as error:
        # What a marker's parser says goes on with a picture of the marker on further lines.
        problem = error.message.partition("\n")[0]
        problem = f"{problem[:1].lower()}{problem[1:]}"
        raise LockError(path, problem, where=error.context, hint=HINT) from error
    check_files(document)
    return PylockLock(path=path, content=content, faults=tuple(faults))


def check_files(document: Table) -> None:
    """Raise LockError for a hash, a URL or a length at which `packaging` does not look.

    What it has looked at before this is the shape of the whole.
    """
    for package in document.tables("packages"):
        parse_name(package, "name", package.require("name", str))
        if "version" in package.data:
            read_version(package)
        if "index" in package.data:
            check_url(package, "index", package.require("index", str))
        single = [package.table(key) for key in ("sdist", "archive") if key in package.data]
        for file in (*package.tables("wheels"), *single):
            if "url" in file.data:
                check_url(file, "url", file.require("url", str))
            hashes = file.table("hashes")
            for algorithm in hashes.data:
                check_hash(hashes, algorithm, algorithm, hashes.require(algorithm, str))


Sources = list[tuple[Package, Source]]


def choose_sources(
    lock: PylockLock, interpreter: Interpreter, extras: frozenset[str], groups: frozenset[str]
) -> tuple[Sources, list[Package]]:
    """Choose by `Pylock.select` (PEP 751): each package with its source, and those without one.

    Raises LockError where the lock contradicts itself, or a marker cannot be evaluated,
    InterpreterError where a package excludes the interpreter.
    """
    markers, tags = interpreter.markers, interpreter.tags
    pylock, ranks = lock.content, rank_tags(tags)
    environment = make_environment(markers, extras, groups)
    try:
        declared = _declare(_leave_out_foreign(pylock, ranks), extras, groups)
        chosen = list(
            declared.select(environment=markers, tags=tags, extras=extras, dependency_groups=groups)
        )
    except PylockSelectError as error:
        missing = [p for p in pylock.packages if _is_missing(p, ranks, environment)]
        if missing:
            return [], [convert_package(package) for package in missing]
        _check_packages(lock, interpreter, environment)
        raise _refuse(str(error)) from error
    except (ValueError, UndefinedEnvironmentName) as error:
        # A marker that parses may still compare what cannot be compared.
        problem = str(error).partition("\n")[0]
        where = _find_marker(pylock, environment) or _find_name(pylock)
        if where is None:
            raise _refuse(problem) from error
        raise LockError(lock.path, problem, where=where, hint="run `pyx lock`") from error
    return [_prefer_build(package, source, ranks) for package, source in chosen], []


def _prefer_build(
    package: standard.Package, source: object, ranks: Ranks
) -> tuple[Package, Source]:
    """Return package and source in our own words; of several builds of a wheel, the highest."""
    if isinstance(source, standard.PackageWheel):
        wheels = package.wheels or ()
        best = find_best([wheel.filename for wheel in wheels], ranks)
        source = source if best is None else wheels[best]
    alone = Package(name=package.name, version=package.version, index=package.index)
    return alone, convert_source(source)


def make_environment(
    markers: Environment, extras: frozenset[str], groups: frozenset[str]
) -> dict[str, str | frozenset[str]]:
    """Return the environment in which a lock evaluates its markers (PEP 751)."""
    own = cast("Mapping[str, str]", markers)
    return {**own, "extras": extras, "dependency_groups": groups}


def convert_package(package: standard.Package) -> Package:
    """Return a package of `packaging` in our own words."""
    return Package(
        name=package.name,
        version=package.version,
        index=package.index,
        vcs=_convert(package.vcs),
        directory=_convert(package.directory),
        archive=_convert(package.archive),
        sdist=_convert(package.sdist),
        wheels=tuple(map(_convert, package.wheels or ())),
    )


def _convert(source: object) -> Any:  # noqa: ANN401 - each kind becomes its own
    return None if source is None else convert_source(source)


def convert_source(source: object) -> Source:
    """Return where a package comes from in our own words."""
    return cast("Source", _translate(source, OWN))


def simplify_source(source: object) -> object:
    """Return where a package comes from in our own words, if these have it."""
    return source if type(source).__name__ not in OWN else _translate(source, OWN)


def to_standard(source: Source | None) -> Any:  # noqa: ANN401 - each kind becomes its own
    """Return where a package comes from as `packaging` has it; what it lacks stays as it is."""
    return source if type(source).__name__ not in OWN else _translate(source, STANDARD)


def _translate(source: object, kinds: Mapping[str, type]) -> object:
    name = type(source).__name__
    fields = [field.name for field in dataclasses.fields(OWN[name])]
    return kinds[name](**{field: getattr(source, field) for field in fields})


OWN: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (PackageWheel, PackageSdist, PackageArchive, PackageVcs, PackageDirectory)
}
STANDARD: Mapping[str, type] = {name: getattr(standard, name) for name in OWN}


class Choosing(Protocol):
    """A lock of any kind."""

    @property
    def kind(self) -> str:
        """The format."""

    def choose_packages(self, markers: Environment, choice: Choice) -> Chosen:
        """Return what `choice` means in this marker environment."""


def to_pylock(lock: Choosing, markers: Environment, choice: Choice) -> Pylock:
    """Return what `choice` means as `packaging` has it, for what speaks of pylock files.

    Raises LockError and UsageError.
    """
    if isinstance(lock, PylockLock):
        lock.choose(choice)
        return lock.content
    meant = lock.choose_packages(markers, choice)
    return Pylock(
        lock_version=Version("1.0"),
        created_by=lock.kind,
        requires_python=meant.requires_python,
        environments=list(meant.environments) or None,
        packages=[
            standard.Package(
                name=package.name,
                version=package.version,
                index=package.index,
                vcs=to_standard(package.vcs),
                directory=to_standard(package.directory),
                archive=to_standard(package.archive),
                sdist=to_standard(package.find_sdist()),
                wheels=tuple(map(to_standard, package.wheels)) or None,
            )
            for package in meant.packages
        ],
    )


def _declare(pylock: Pylock, extras: frozenset[str], groups: frozenset[str]) -> Pylock:
    """Return `pylock` with the names that `select` is asked for, which it takes no others of.

    Whether the lock has them was checked before, in the words of the command line.
    """
    return dataclasses.replace(
        pylock, extras=sorted(map(canonicalize_name, extras)), dependency_groups=sorted(groups)
    )


def _leave_out_foreign(pylock: Pylock, ranks: Ranks) -> Pylock:
    """Return `pylock` without the wheels that do not fit, of packages that have others.

    A distribution may have a hundred, and to parse all their names takes longer than all the
    rest. Where none is left all are kept, for `select` has to say so.
    """
    packages = []
    for package in pylock.packages:
        wheels = package.wheels or ()
        fitting = [w for w in wheels if find_place(w.filename, ranks) is not None]
        if fitting and len(fitting) < len(wheels):
            packages.append(dataclasses.replace(package, wheels=fitting))
        else:
            packages.append(package)
    return dataclasses.replace(pylock, packages=packages)


def _is_missing(
    package: standard.Package, ranks: Ranks, environment: dict[str, str | frozenset[str]]
) -> bool:
    return (
        not package.is_direct
        and package.sdist is None
        and (not package.marker or package.marker.evaluate(environment, context="lock_file"))
        and find_best([wheel.filename for wheel in package.wheels or ()], ranks) is None
    )


def _find_marker(pylock: Pylock, environment: dict[str, str | frozenset[str]]) -> str | None:
    """Return the place of the first marker that cannot be evaluated; None if all can."""
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
    lock: PylockLock,
    interpreter: Interpreter,
    environment: dict[str, str | frozenset[str]],
) -> None:
    """Raise InterpreterError where a distribution excludes the interpreter.

    Raises LockError where two distributions of one name are for this environment.
    """
    seen: dict[str, int] = {}
    for position, package in enumerate(lock.content.packages):
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
                f"{package.name!r} is listed twice for this interpreter, also as packages[{first}]",
                where=f"packages[{position}]",
                hint="run `pyx lock`",
            )

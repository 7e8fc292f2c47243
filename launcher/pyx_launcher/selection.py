"""From a lock and an interpreter to exactly one artifact per distribution."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from packaging.utils import canonicalize_name
from packaging.version import Version

from pyx_launcher.errors import (
    ArtifactError,
    InterpreterError,
    LockError,
    RefusedError,
    reading,
)
from pyx_launcher.locks.common.filenames import version_of_file
from pyx_launcher.locks.common.hash_only import Unhashed, UnnamedFile
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.common.packages import (
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Source,
    list_filenames,
)
from pyx_launcher.locks.common.wheel_choice import find_best, rank_tags
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.locks.common.choice import Choice
    from pyx_launcher.locks.common.packages import BuildRules, Package
    from pyx_launcher.locks.reader import Lock
    from pyx_launcher.locks.uv.reader import UvLock

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
    rules: BuildRules | None = None
    """How the project wants it built, where it says so."""

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

    @property
    def is_unnamed(self) -> bool:
        """Is it known by hashes alone?"""
        return isinstance(self.source, UnnamedFile)

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
    """Choose one artifact for every distribution that the lock means for `choice`.

    Raises ArtifactError that names every distribution without a usable artifact, LockError
    where the lock contradicts itself, InterpreterError where it excludes the interpreter.
    """
    with reading(lock.path, hint="lock again: pyx lock"):
        return _select(lock, interpreter, choice)


def _select(lock: Lock, interpreter: Interpreter, choice: Choice) -> Selection:
    extras, groups = lock.choose(choice)
    if lock.kind == "pylock":
        # Only this kind needs `packaging.pylock`, which takes longer to import than most to read.
        from pyx_launcher.locks.pylock import PylockLock, choose_sources

        pylock = cast("PylockLock", lock).content
        # Pipenv writes an empty list where there is no restriction.
        environments = pylock.environments or None
        _check_interpreter(lock, pylock.requires_python, environments, interpreter)
        chosen, missing = choose_sources(cast("PylockLock", lock), interpreter, extras, groups)
    else:
        meant = lock.choose_packages(interpreter.markers, choice)
        environments = meant.environments or None
        _check_interpreter(lock, meant.requires_python, environments, interpreter)
        chosen, missing = _choose_sources(lock, meant.packages, interpreter)
    if missing:
        raise _explain(lock, missing, interpreter)
    rules = _find_rules(lock, chosen)
    artifacts = tuple(
        Artifact(
            name=package.name,
            version=_find_version(package.version, source),
            source=source,
            index=package.index,
            base=lock.path.parent,
            rules=rules.get(package.name),
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


def _find_rules(lock: Lock, chosen: Sequence[tuple[Package, Source]]) -> Mapping[str, BuildRules]:
    """Return how the packages that have to be built are built, where the project says so."""
    built = [package.name for package, source in chosen if not isinstance(source, PackageWheel)]
    if lock.kind != "uv" or not built:
        return {}
    from pyx_launcher.locks.uv.build_rules import find_build_rules

    versions = {package.name: package.version for package, _ in chosen}
    return find_build_rules(lock.path, cast("UvLock", lock).document, built, versions)


def _choose_sources(
    lock: Lock, packages: Sequence[Package], interpreter: Interpreter
) -> tuple[list[tuple[Package, Source]], list[Package]]:
    """Return each package with the source that is taken, and those that have none that fits."""
    ranks = rank_tags(interpreter.tags)
    chosen: dict[str, tuple[Package, Source]] = {}
    missing = []
    for package in packages:
        if package.name in chosen:
            others = f"{chosen[package.name][0].version} and {package.version}"
            problem = f"{package.name!r} is listed twice for this interpreter: {others}"
            raise LockError(lock.path, problem, hint="run `pyx lock`")
        source = package.direct
        if source is None:
            best = find_best(list_filenames(package.wheels), ranks)
            source = package.find_sdist() if best is None else package.wheels[best]
        if source is None:
            missing.append(package)
        else:
            chosen[package.name] = (package, source)
    return list(chosen.values()), missing


def _check_interpreter(
    lock: Lock,
    required: SpecifierSet | None,
    environments: Sequence[Marker] | None,
    interpreter: Interpreter,
) -> None:
    """Raise InterpreterError where `required` or `environments` excludes the interpreter."""
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
        names = ",".join(name for name, _ in loose)
        hint = f"take what is there today: --allow-unhashed {names}"
        # It is the lock's, and raised by every selection from that.
        if not (error.hint or "").endswith(hint):
            error.hint = f"{error.hint}; or, to {hint}" if error.hint else f"to {hint}"
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


def _find_version(version: Version | None, source: Source) -> str | None:
    """Return the version of a distribution; a wheel has it in its name, as it is installed."""
    if not isinstance(source, PackageWheel):
        return str(version) if version else None
    if version is None:
        # The format lets a lock leave out a version that the name of a wheel has anyway.
        return str(Version(source.filename.split("-", 2)[1]))
    return version_of_file(source.filename, str(version))


def _explain(lock: Lock, missing: Sequence[Package], interpreter: Interpreter) -> ArtifactError:
    """Return the error that these distributions have no artifact that fits."""
    what = "; ".join(f"{p.name} {p.version} ({_describe_wheels(p)})" for p in missing)
    tried = interpreter.tags
    return ArtifactError(
        f"{lock.path}: no wheel for Python {interpreter.short} on this platform: {what}",
        hint=f"{len(tried)} tags were tried, {tried[0]} to {tried[-1]}; "
        "run `pyx lock` for this platform, or choose another interpreter with --python",
    )


def _describe_wheels(package: Package) -> str:
    names = list_filenames(package.wheels)
    tags = ["-".join(name.removesuffix(".whl").split("-")[-3:]) for name in names]
    if not tags:
        return "it has neither a wheel nor a source archive"
    shown = ", ".join(tags[:3])
    return f"it has {shown}" + (f" and {len(tags) - 3} more" if len(tags) > 3 else "")

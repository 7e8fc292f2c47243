"""What a lock means, for other tools: as a `pylock.toml`, or as requirements for pip."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from packaging.markers import Marker
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
)
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pyx_launcher.errors import ArtifactError
from pyx_launcher.index.credentials import drop_login, split_login
from pyx_launcher.locks.common.hash_only import UnnamedFile
from pyx_launcher.locks.pylock import simplify_source
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.index.finder import Offer
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.selection import Artifact

    Ask = Callable[[str, str | None], Sequence[Offer]]
    """Return the files that an index has of a project; the second is the index the lock names."""

_File = TypeVar("_File", PackageWheel, PackageSdist)

_Source = TypeVar(
    "_Source", PackageVcs, PackageDirectory, PackageArchive, PackageSdist, PackageWheel
)

_CREATOR = "pyx"
_LINE = " \\\n    "


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedPackage:
    """One distribution of a selection, with everything that its lock says of it."""

    artifact: Artifact
    package: Package


def match_packages(pylock: Pylock, artifacts: Iterable[Artifact]) -> list[ExportedPackage]:
    """Return the package of `pylock` that each artifact was selected from, sorted by name.

    What is in no lock, such as the project itself, is left out.
    """
    chosen = []
    for artifact in sorted(artifacts, key=lambda artifact: artifact.name):
        for package in pylock.packages:
            if package.name == artifact.name and _is_source(package, artifact):
                chosen.append(ExportedPackage(artifact=artifact, package=package))
                break
    return chosen


def _is_source(package: Package, artifact: Artifact) -> bool:
    single = (package.vcs, package.directory, package.archive, package.sdist)
    # A lock may say more of a file than a start asks for, such as when it was uploaded.
    return any(
        artifact.source == simplify_source(source)
        for source in (*single, *(package.wheels or ()))
        if source is not None
    )


def make_pylock(
    chosen: Iterable[ExportedPackage], interpreter: Interpreter, into: Path, ask: Ask
) -> Pylock:
    """Return a lock of exactly `chosen`, which says that it is for this kind of platform.

    Paths in it are relative to `into`. Raises ArtifactError where the lock does not say where a
    file is, and no index knows.
    """
    markers = interpreter.markers
    names = ("sys_platform", "platform_machine", "implementation_name")
    where = " and ".join(f"{name} == '{markers[name]}'" for name in names)  # type: ignore[literal-required]
    return Pylock(
        lock_version=Version("1.0"),
        environments=[Marker(where)],
        requires_python=SpecifierSet(f"=={interpreter.short.rstrip('t')}.*"),
        created_by=_CREATOR,
        packages=[
            _complete(replace(one.package, marker=None), one.artifact, into, ask) for one in chosen
        ],
    )


def move_pylock(pylock: Pylock, base: Path, into: Path) -> Pylock:
    """Return `pylock`, whose paths are relative to `base`, with paths relative to `into`.

    Users and passwords in its URLs are left out, as the file is for others.
    """
    packages = [_move(package, base, into) for package in pylock.packages]
    return replace(pylock, packages=packages, created_by=_CREATOR, tool=None)


def _complete(package: Package, artifact: Artifact, into: Path, ask: Ask) -> Package:
    """Return `package` with a place for each of its files, and nothing that only its tool knows."""
    package = replace(_move(package, artifact.base, into), tool=None, dependencies=None)
    archive: object = package.archive
    if isinstance(archive, UnnamedFile):
        return _name_files(package, archive, artifact, ask)
    files: list[PackageWheel | PackageSdist] = [*(package.wheels or ())]
    files += [package.sdist] if package.sdist else []
    if not any(file.url is None and file.path is None for file in files):
        return package
    offers = list(ask(artifact.name, artifact.index))
    wheels = [_locate(wheel, offers) for wheel in package.wheels or ()]
    sdist = _locate(package.sdist, offers) if package.sdist else None
    found = replace(package, wheels=[wheel for wheel in wheels if wheel] or None, sdist=sdist)
    if not found.wheels and found.sdist is None:
        raise _not_found(artifact)
    return found


def _not_found(artifact: Artifact) -> ArtifactError:
    return ArtifactError(
        f"{artifact.label}: the lock does not say where its files are, and no index has them",
        hint="name the index that has it in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL",
    )


def _locate(file: _File, offers: Sequence[Offer]) -> _File | None:
    if file.url is not None or file.path is not None:
        return file
    url = _find_url(file.filename, _pair(file.hashes), offers)
    return replace(file, url=url) if url else None


def _find_url(
    filename: str, hashes: frozenset[tuple[str, str]], offers: Sequence[Offer]
) -> str | None:
    """Return where a file is: by its hashes, or by its name where an index has no such hashes."""
    kinds = {kind for kind, _ in hashes}
    for offer in offers:
        unknown = kinds.isdisjoint(offer.hashes)
        if hashes & _pair(offer.hashes) or (offer.filename == filename and unknown):
            return split_login(offer.url).url
    return None


def _pair(hashes: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((kind, digest.lower()) for kind, digest in hashes.items())


def _name_files(package: Package, file: UnnamedFile, artifact: Artifact, ask: Ask) -> Package:
    """Return a package whose lock has only hashes with the files that these belong to."""
    wheels: list[PackageWheel] = []
    sdist: PackageSdist | None = None
    offers: Sequence[Offer] = ask(artifact.name, artifact.index)
    for offer in offers:
        known = _pair(offer.hashes) & file.digests
        if not known:
            continue
        place = split_login(offer.url).url
        if offer.filename.endswith(".whl"):
            wheels.append(PackageWheel(name=offer.filename, url=place, hashes=dict(known)))
        else:
            sdist = PackageSdist(name=offer.filename, url=place, hashes=dict(known))
    if not wheels and sdist is None:
        raise _not_found(artifact)
    return replace(package, archive=None, wheels=wheels or None, sdist=sdist)


def _move(package: Package, base: Path, into: Path) -> Package:
    def move(source: _Source) -> _Source:
        changes: dict[str, Any] = {}
        if source.path is not None:
            changes["path"] = os.path.relpath(base / source.path, into)
        if url := getattr(source, "url", None):
            changes["url"] = drop_login(url)
        return replace(source, **changes)

    moved = {
        kind: move(source)
        for kind in ("vcs", "directory", "archive", "sdist")
        if (source := getattr(package, kind)) is not None and not isinstance(source, UnnamedFile)
    }
    wheels = package.wheels and [move(wheel) for wheel in package.wheels]
    index = package.index and drop_login(package.index)
    return replace(package, wheels=wheels, index=index, **moved)


def format_pylock(pylock: Pylock) -> str:
    """Return the text of a pylock file. Raises PylockValidationError for what is none."""
    import tomlkit

    pylock.validate()
    return tomlkit.dumps(pylock.to_dict())


def format_requirements(chosen: Iterable[ExportedPackage]) -> tuple[str, list[Artifact]]:
    """Return requirements for pip's hash-checking mode, and what can have no hash there.

    All files of a release that its lock allows are among the hashes, so that pip may take
    another one on another platform.
    https://pip.pypa.io/en/stable/topics/secure-installs/#hash-checking-mode
    """
    lines: list[str] = []
    left_out: list[Artifact] = []
    for one in chosen:
        hashes = sorted(_list_hashes(one.package))
        if not hashes:
            left_out.append(one.artifact)
            continue
        what = f"{one.artifact.name}=={one.artifact.version}"
        archive = one.package.archive
        if archive is not None and not isinstance(archive, UnnamedFile):
            path = one.artifact.find_path(archive.path or "")
            url = drop_login(archive.url) if archive.url else path.as_uri()
            what = f"{one.artifact.name} @ {url}"
            if archive.subdirectory:
                what += f"#subdirectory={archive.subdirectory}"
        lines.append(_LINE.join([what, *(f"--hash={kind}:{digest}" for kind, digest in hashes)]))
    return "".join(f"{line}\n" for line in lines), left_out


def _list_hashes(package: Package) -> set[tuple[str, str]]:
    archive: object = package.archive
    if isinstance(archive, UnnamedFile):
        return {*archive.digests}
    files: list[PackageWheel | PackageSdist | PackageArchive] = [*(package.wheels or ())]
    files += [file for file in (package.sdist, package.archive) if file is not None]
    return {pair for file in files for pair in _pair(file.hashes)}

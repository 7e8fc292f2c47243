"""Which newer version of a distribution an index has for an interpreter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from pyx_launcher.errors import ArtifactError
from pyx_launcher.index.settings import explain_offline
from pyx_launcher.locks.common.hash_only import UnnamedFile
from pyx_launcher.locks.common.packages import PackageSdist, PackageWheel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyx_launcher.index.finder import Index, Offer
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.selection import Artifact

_WORKERS = 8


def find_newer(
    artifacts: Sequence[Artifact], interpreter: Interpreter, index: Index
) -> Mapping[str, Version]:
    """Return the newest version of each distribution of which the lock has an older one.

    Final releases count, pre-releases only beside a locked pre-release; yanked files and those
    that do not run on `interpreter` never. What comes from no index is left out. Raises
    ArtifactError where an index cannot be asked.
    """
    asked = [artifact for artifact in artifacts if _parse(artifact) is not None]

    def find(artifact: Artifact) -> Version | None:
        offers = index.list_offers(artifact.name, artifact.index)
        return _choose(artifact, offers, interpreter)

    workers = ThreadPoolExecutor(max_workers=_WORKERS)
    try:
        newest = list(workers.map(find, asked))
    finally:
        # An interruption does not wait for a slow server.
        workers.shutdown(wait=False, cancel_futures=True)
    return {a.name: found for a, found in zip(asked, newest, strict=True) if found is not None}


def refuse_offline(what: str, environ: Mapping[str, str], *, offline: bool) -> None:
    """Raise ArtifactError if no index may be asked; `what` is what it would tell."""
    if offline:
        why = explain_offline(environ)
        raise ArtifactError(f"only the index tells {what}, and {why.cause}", hint=why.hint)


def _parse(artifact: Artifact) -> Version | None:
    """Return the locked version of what an index may have newer."""
    if not isinstance(artifact.source, PackageWheel | PackageSdist | UnnamedFile):
        return None
    try:
        return Version(artifact.version or "")
    except InvalidVersion:
        return None


def _choose(
    artifact: Artifact, offers: Iterable[Offer], interpreter: Interpreter
) -> Version | None:
    locked = _parse(artifact)
    if locked is None:
        return None
    supported = frozenset(interpreter.tags)
    newer = [
        version
        for offer in offers
        if (version := _read_version(offer, artifact.name, supported)) is not None
        and version > locked
        and (locked.is_prerelease or not version.is_prerelease)
        and _runs(offer, interpreter)
    ]
    return max(newer, default=None)


def _read_version(offer: Offer, name: str, supported: frozenset[object]) -> Version | None:
    try:
        if offer.filename.endswith(".whl"):
            found, version, _, tags = parse_wheel_filename(offer.filename)
            return version if found == name and not supported.isdisjoint(tags) else None
        found, version = parse_sdist_filename(offer.filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
    return version if found == name else None


def _runs(offer: Offer, interpreter: Interpreter) -> bool:
    if offer.is_yanked:
        return False
    try:
        wanted = SpecifierSet(offer.requires_python)
    except InvalidSpecifier:
        return True
    return wanted.contains(interpreter.parsed_version, prereleases=True)

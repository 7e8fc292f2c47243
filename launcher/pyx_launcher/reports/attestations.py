"""What an index says about who published a locked file (PEP 740).

Nothing here verifies a signature: what is returned was claimed by the index, and the only thing
that is compared is whether the claim is about the very file that was locked.
"""

from __future__ import annotations

import base64
import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from pyx_launcher.errors import ArtifactError
from pyx_launcher.index.credentials import shown
from pyx_launcher.index.session import MissingError
from pyx_launcher.locks.common.hash_only import UnnamedFile
from pyx_launcher.locks.common.packages import PackageSdist, PackageWheel
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyx_launcher.index.finder import Index
    from pyx_launcher.selection import Artifact

_WORKERS = 8
_PROVENANCE = "application/vnd.pypi.integrity.v1+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublisherClaim:
    """One publisher that the index names for a file."""

    publisher: Mapping[str, str]
    """``kind`` and whatever that kind has: for GitHub, ``repository`` and ``workflow``."""
    predicates: tuple[str, ...]
    """What is stated of the file, by the types of the statements."""

    @property
    def label(self) -> str:
        """Kind, repository and workflow on one line, without what a terminal would obey."""
        names = ("kind", "repository", "workflow", "workflow_filepath", "email")
        words = [self.publisher[name] for name in names if name in self.publisher]
        return "".join(c if c.isprintable() else "?" for c in " ".join(words))


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What there is of one distribution."""

    claims: tuple[PublisherClaim, ...] = ()
    reason: str = ""
    """Why there are none."""

    @property
    def label(self) -> str:
        """The claims, or why there are none."""
        if not self.claims:
            return self.reason
        return "claimed: " + "; ".join(claim.label for claim in self.claims)


def find_standings(artifacts: Sequence[Artifact], index: Index) -> Mapping[str, Standing]:
    """Return what the indexes claim about the locked file of each distribution, by name.

    Raises ArtifactError where an index cannot be asked, RefusedError where it leads astray.
    """
    with ThreadPoolExecutor(max_workers=_WORKERS) as workers:
        found = list(workers.map(lambda artifact: _find_standing(artifact, index), artifacts))
    return {a.name: standing for a, standing in zip(artifacts, found, strict=True)}


def _find_standing(artifact: Artifact, index: Index) -> Standing:
    if not isinstance(artifact.source, PackageWheel | PackageSdist | UnnamedFile):
        return Standing(reason="none: it is from no index")
    for url, content in index.read_pages(artifact.name, artifact.index):
        for file in _list_files(content, url):
            link = file.get("provenance")
            digest = _find_digest(artifact, file)
            if digest and isinstance(link, str):
                place = _join(url, link)
                try:
                    told = index.read_linked(place, url, _PROVENANCE)
                except MissingError:
                    continue
                claims = tuple(_read_claims(told, digest, place))
                if claims:
                    return Standing(claims=claims)
                return Standing(reason="none for this file: what the index has is about another")
    return Standing(reason="none")


def _join(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError as error:
        raise ArtifactError(f"{shown(url)} has a malformed link to a provenance object") from error


def _list_files(content: bytes, url: str) -> Iterator[Mapping[str, Any]]:
    """Yield the files of a page; nothing where it is no JSON, as HTML names no provenance."""
    try:
        page = json.loads(content)
    except (ValueError, RecursionError):
        return
    files = page.get("files") if isinstance(page, dict) else None
    if not isinstance(files, list):
        raise ArtifactError(f"{shown(url)} is not a page of an index")
    yield from (file for file in files if isinstance(file, dict))


def _find_digest(artifact: Artifact, file: Mapping[str, Any]) -> str | None:
    """Return the sha256 of `file` if it is the locked one, by every hash that both sides know."""
    hashes = file.get("hashes")
    stated: dict[object, object] = hashes if isinstance(hashes, dict) else {}
    sha256 = stated.get("sha256")
    source = artifact.source
    if isinstance(source, UnnamedFile):
        return sha256 if isinstance(sha256, str) and ("sha256", sha256) in source.digests else None
    if (
        not isinstance(source, PackageWheel | PackageSdist)
        or file.get("filename") != source.filename
    ):
        return None
    locked = {kind: digest.lower() for kind, digest in source.hashes.items()}
    common = [kind for kind in locked if kind in stated]
    if not common or any(locked[kind] != stated[kind] for kind in common):
        return None
    return locked.get("sha256") or (sha256 if isinstance(sha256, str) else None)


def _read_claims(content: bytes, digest: str, url: str) -> Iterator[PublisherClaim]:
    """Yield the publishers of a provenance object whose statements are about the file `digest`."""
    try:
        bundles = json.loads(content)["attestation_bundles"]
        for bundle in bundles:
            about = [_read_statement(each) for each in bundle["attestations"]]
            predicates = tuple(p for p, digests in about if digest in digests)
            publisher = {k: v for k, v in bundle["publisher"].items() if isinstance(v, str)}
            if predicates and "kind" in publisher:
                yield PublisherClaim(publisher=publisher, predicates=predicates)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"{shown(url)} is not a provenance object of PEP 740") from error


def _read_statement(attestation: Mapping[str, Any]) -> tuple[str, set[str]]:
    """Return the type of what an attestation states, and the sha256 of what it is about."""
    statement = json.loads(base64.b64decode(attestation["envelope"]["statement"]))
    digests: set[str] = set()
    for subject in statement["subject"]:
        with contextlib.suppress(KeyError):
            digests.add(subject["digest"]["sha256"].lower())
    return str(statement.get("predicateType", "")), digests

"""Describe what a lock means here as a bill of materials: CycloneDX 1.6, as JSON.

Equal input gives equal bytes: there is no time in it, and the serial number is made of the rest.
"""

from __future__ import annotations

import uuid
from importlib.metadata import PathDistribution
from typing import TYPE_CHECKING

from packaging.pylock import PackageDirectory, PackageVcs, PackageWheel

from pyx_launcher.index.credentials import drop_login
from pyx_launcher.reports.graph import build_graph, find_roots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cyclonedx.model import HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.component import Component
    from cyclonedx.model.dependency import Dependency
    from cyclonedx.model.license import License
    from packageurl import PackageURL

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.selection import Artifact
    from pyx_launcher.store.entry import Entry

_SERIALS = uuid.UUID("6f2c1c0e-4a53-5d0b-9d5e-8f0f3f3c2a11")
"""The space of names that serial numbers are made in; any other would have done as well."""

_LONGEST_LICENSE = 200
"""Characters; older distributions have the whole text in the place of a name."""

_ALGORITHMS = {
    ("md5", 32): "MD5",
    ("sha1", 40): "SHA-1",
    ("sha256", 64): "SHA-256",
    ("sha384", 96): "SHA-384",
    ("sha512", 128): "SHA-512",
    ("sha3_256", 64): "SHA3-256",
    ("sha3_384", 96): "SHA3-384",
    ("sha3_512", 128): "SHA3-512",
    ("blake2b", 128): "BLAKE2b-512",
}
"""Algorithm and length of the hex digest → the format's name. It has none for the others."""


def format_bill(
    name: str,
    artifacts: Sequence[Artifact],
    entries: Sequence[Entry],
    interpreter: Interpreter,
    version: str,
) -> str:
    """Return the bill of what `name` gets: `artifacts` with their `entries`, in the same order.

    `version` is that of pyx. Credentials in URLs are left out.
    """
    from cyclonedx.output.json import JsonV1Dot6

    bom = _make_bom(name, artifacts, entries, interpreter, version)
    content = JsonV1Dot6(bom).output_as_string(indent=2)
    bom.serial_number = uuid.uuid5(_SERIALS, content)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _make_bom(
    name: str,
    artifacts: Sequence[Artifact],
    entries: Sequence[Entry],
    interpreter: Interpreter,
    version: str,
) -> Bom:
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository

    whole = Component(type=ComponentType.APPLICATION, name=name, bom_ref="application")
    tool = Component(type=ComponentType.APPLICATION, name="pyx-launcher", version=version)
    bom = Bom(serial_number=uuid.UUID(int=0))
    # The format lets the time be missing; the library only thinks that nobody would want that.
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.metadata.component = whole
    bom.metadata.tools = ToolRepository(components=[tool])
    markers = interpreter.markers
    bom.metadata.properties = [
        Property(name="pyx:python", value=interpreter.version),
        Property(name="pyx:implementation", value=markers["implementation_name"]),
        Property(
            name="pyx:platform", value=f"{markers['sys_platform']} {markers['platform_machine']}"
        ),
    ]
    components = {
        artifact.name: _make_component(artifact, entry)
        for artifact, entry in zip(artifacts, entries, strict=True)
    }
    bom.components = components.values()
    references = {known: component.bom_ref for known, component in components.items()}
    bom.dependencies = _list_dependencies(whole.bom_ref, references, entries, interpreter)
    return bom


def _list_dependencies(
    whole: BomRef,
    references: Mapping[str, BomRef],
    entries: Sequence[Entry],
    interpreter: Interpreter,
) -> Iterator[Dependency]:
    from cyclonedx.model.dependency import Dependency

    graph = build_graph(entries, interpreter)

    def refer(names: Iterable[str]) -> list[Dependency]:
        return [Dependency(references[name]) for name in names]

    yield Dependency(whole, refer(find_roots(graph)))
    for node in graph.values():
        yield Dependency(references[node.name], refer(edge.name for edge in node.requires))


def _make_component(artifact: Artifact, entry: Entry) -> Component:
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component, ComponentType

    version = entry.facts.version
    return Component(
        type=ComponentType.LIBRARY,
        name=artifact.name,
        version=version,
        bom_ref=f"{artifact.name}=={version}",
        purl=_make_purl(artifact, version),
        hashes=_list_hashes(artifact, entry),
        licenses=_list_licenses(entry),
        properties=[Property(name="pyx:kind", value=artifact.kind)],
    )


def _make_purl(artifact: Artifact, version: str) -> PackageURL | None:
    """Return the package URL; None for a directory, of which nobody else can know."""
    from packageurl import PackageURL

    source = artifact.source
    if isinstance(source, PackageDirectory):
        return None
    qualifiers: dict[str, str] = {}
    if isinstance(source, PackageVcs):
        if source.url is None:
            return None
        qualifiers["vcs_url"] = f"{source.type}+{drop_login(source.url)}@{source.commit_id}"
    elif artifact.kind == "archive" and source.url is not None:
        qualifiers["download_url"] = drop_login(source.url)
    return PackageURL(type="pypi", name=artifact.name, version=version, qualifiers=qualifiers)


def _list_hashes(artifact: Artifact, entry: Entry) -> list[HashType]:
    """Return the hashes of the file that was locked; none of a directory or a commit."""
    from cyclonedx.model import HashAlgorithm, HashType

    known = dict(entry.facts.hashes)
    if isinstance(artifact.source, PackageWheel):
        known["sha256"] = entry.facts.key
    return [
        HashType(alg=HashAlgorithm(name), content=digest.lower())
        for algorithm, digest in known.items()
        if (name := _ALGORITHMS.get((algorithm, len(digest))))
    ]


def _list_licenses(entry: Entry) -> list[License]:
    """Return what METADATA says: an expression (PEP 639), else a name, else the classifiers."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.license import LicenseAcknowledgement

    make = LicenseFactory()
    declared = LicenseAcknowledgement.DECLARED
    for directory in sorted(entry.path.glob("*.dist-info")):
        metadata = PathDistribution(directory).metadata
        for expression in metadata.get_all("License-Expression") or ():
            return [make.make_from_string(str(expression), license_acknowledgement=declared)]
        named = "".join(map(str, metadata.get_all("License") or ())).strip()
        if named and "\n" not in named and len(named) <= _LONGEST_LICENSE and named != "UNKNOWN":
            return [make.make_from_string(named, license_acknowledgement=declared)]
        names = {
            str(line).rpartition(" :: ")[2]
            for line in metadata.get_all("Classifier") or ()
            if str(line).startswith("License :: ")
        } - {"OSI Approved"}
        return [make.make_with_name(n, acknowledgement=declared) for n in sorted(names)]
    return []

"""Describe what a lock means here as a bill of materials: CycloneDX 1.6, as JSON.

What is told is found out here. Into the form of the format it is put by CycloneDX's own library,
which `cyclonedx_bill.py` imports in another process, for it is seldom needed and large. Equal
input gives equal bytes: there is no time in it, and the serial number is made of the rest.
"""

from __future__ import annotations

from importlib.metadata import PathDistribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyx_launcher.index.credentials import drop_login
from pyx_launcher.locks.common.packages import PackageDirectory, PackageVcs, PackageWheel
from pyx_launcher.reports.graph import build_graph, find_roots
from pyx_launcher.reports.library import run_library

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.selection import Artifact
    from pyx_launcher.store.entry import Entry

PROGRAM = Path(__file__).with_name("cyclonedx_bill.py")
"""What runs in the python that has the library. Its docstring says what it reads and prints."""

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
    *,
    version: str,
    python: Path,
) -> str:
    """Return the bill of what `name` gets: `artifacts` with their `entries`, in the same order.

    `version` is that of pyx, `python` one that has the library. Credentials in URLs are left out.
    Raises UnavailableError where the library does not do it.
    """
    markers = interpreter.markers
    platform = f"{markers['sys_platform']} {markers['platform_machine']}"
    pairs = [*zip(artifacts, entries, strict=True)]
    facts = {
        "name": name,
        "version": version,
        "properties": [
            ("pyx:python", interpreter.version),
            ("pyx:implementation", markers["implementation_name"]),
            ("pyx:platform", platform),
        ],
        "components": [_describe(artifact, entry) for artifact, entry in pairs],
        "dependencies": [*_list_dependencies(pairs, interpreter)],
    }
    label = "the library for bills of materials"
    return run_library(PROGRAM, facts, python, label, "PYX_CYCLONEDX")


def _list_dependencies(
    pairs: Sequence[tuple[Artifact, Entry]], interpreter: Interpreter
) -> Iterator[tuple[str | None, list[str]]]:
    """Yield who requires whom, by references; None is the whole."""
    graph = build_graph([entry for _, entry in pairs], interpreter)
    references = {artifact.name: _refer(artifact, entry) for artifact, entry in pairs}

    def refer(names: Iterable[str]) -> list[str]:
        return [references[name] for name in names]

    yield None, refer(find_roots(graph))
    for node in graph.values():
        yield references[node.name], refer(edge.name for edge in node.requires)


def _refer(artifact: Artifact, entry: Entry) -> str:
    return f"{artifact.name}=={entry.facts.version}"


def _describe(artifact: Artifact, entry: Entry) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "version": entry.facts.version,
        "reference": _refer(artifact, entry),
        "purl": _find_qualifiers(artifact),
        "hashes": _list_hashes(artifact, entry),
        "licenses": [*_list_licenses(entry)],
        "properties": [("pyx:kind", artifact.kind)],
    }


def _find_qualifiers(artifact: Artifact) -> Mapping[str, str] | None:
    """Return what the package URL has besides name and version; None where there cannot be one.

    Of a directory nobody else can know.
    """
    source = artifact.source
    if isinstance(source, PackageDirectory):
        return None
    if isinstance(source, PackageVcs):
        if source.url is None:
            return None
        return {"vcs_url": f"{source.type}+{drop_login(source.url)}@{source.commit_id}"}
    if artifact.kind == "archive" and source.url is not None:
        return {"download_url": drop_login(source.url)}
    return {}


def _list_hashes(artifact: Artifact, entry: Entry) -> list[tuple[str, str]]:
    """Return the hashes of the file that was locked; none of a directory or a commit."""
    known = dict(entry.facts.hashes)
    if isinstance(artifact.source, PackageWheel):
        known["sha256"] = entry.facts.key
    return [
        (name, digest.lower())
        for algorithm, digest in known.items()
        if (name := _ALGORITHMS.get((algorithm, len(digest))))
    ]


def _list_licenses(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield what METADATA says: an expression (PEP 639), else a name, else the classifiers.

    Each is a kind and a text: a `string` may be an expression or a name, a `name` is one.
    """
    for directory in sorted(entry.path.glob("*.dist-info")):
        metadata = PathDistribution(directory).metadata
        for expression in metadata.get_all("License-Expression") or ():
            yield "string", str(expression)
            return
        named = "".join(map(str, metadata.get_all("License") or ())).strip()
        if named and "\n" not in named and len(named) <= _LONGEST_LICENSE and named != "UNKNOWN":
            yield "string", named
            return
        names = {
            str(line).rpartition(" :: ")[2]
            for line in metadata.get_all("Classifier") or ()
            if str(line).startswith("License :: ")
        } - {"OSI Approved"}
        for name in sorted(names):
            yield "name", name
        return

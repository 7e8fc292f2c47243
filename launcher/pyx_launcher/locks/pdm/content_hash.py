"""The content hash of a pdm.lock, as every generation of PDM makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.content_hash import digest_content

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyx_launcher.locks.pdm.reader import PdmLock


def fits_pdm(lock: PdmLock, project: Mapping[str, Any]) -> bool | None:
    """Return whether a pyproject.toml has the content hash in a pdm.lock."""
    recorded = lock.document.table("metadata").get("content_hash", str, "")
    # OpenSSL takes long to load, and few starts have one of these locks.
    import hashlib

    algorithm, _, digest = recorded.partition(":")
    if not digest or "project" not in project or algorithm not in hashlib.algorithms_available:
        # PDM translates the tables of other tools where there is no [project].
        return None
    return any(digest_content(content, algorithm) == digest for content in _contents(project))


def _contents(project: Mapping[str, Any]) -> Iterator[object]:
    """Yield what PDM hashes of a pyproject.toml: what it does now, then what it did before."""
    standard, own = project["project"], project.get("tool", {}).get("pdm", {})
    resolution = own.get("resolution", {})
    developing: dict[str, list[Any]] = {}
    for table in (project.get("dependency-groups", {}), own.get("dev-dependencies", {})):
        for name, entries in table.items():
            developing.setdefault(canonicalize_name(name), []).extend(entries)
    content = {
        "sources": own.get("source", []),
        "dependencies": standard.get("dependencies", []),
        "dev-dependencies": developing,
        "optional-dependencies": standard.get("optional-dependencies", {}),
        "requires-python": standard.get("requires-python", ""),
        "resolution": resolution,
    }
    yield content
    if "dependency-groups" in project:
        return
    # Before PDM 2.20 there were only groups of its own, and it took their names as they were.
    old = content | {"dev-dependencies": own.get("dev-dependencies", {})}
    yield old
    del old["resolution"]
    yield old | {"overrides": resolution.get("overrides", {})}

"""The hash of a Pipfile in its lock, as every generation of Pipenv makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.content_hash import digest_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.locks.pipenv.reader import PipfileLock


def fits_pipfile(lock: PipfileLock, pipfile: Mapping[str, Any]) -> bool | None:
    """Return whether a Pipfile has the hash in a Pipfile.lock."""
    meta = lock.document.table("_meta")
    recorded = meta.table("hash").get("sha256", str, "")
    # A Pipfile without sources has the index that Pipenv asks by default, as the lock says.
    sources = pipfile.get("source", meta.data.get("sources", []))
    head = {"_meta": {"sources": sources, "requires": pipfile.get("requires", {})}}
    special = {"source", "requires", "scripts", "pipfile", "pipenv", "default", "develop"}
    names = {"packages": "default", "dev-packages": "develop"}
    sections = {"default": {}, "develop": {}} | {
        names.get(key, key): table for key, table in pipfile.items() if key not in special
    }
    plain = {
        key: {canonicalize_name(name): value for name, value in table.items()}
        for key, table in sections.items()
    }
    # Pipenv has hashed the names as they are written, up to 2026.
    contents = (head | plain, head | sections)
    tight = (",", ":")
    if not recorded:
        return None
    return any(digest_content(c, separators=tight) == recorded for c in contents)

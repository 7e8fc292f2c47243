"""Make every selected artifact an entry: find it in a store, or fetch or build it and unpack it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.pylock import PackageWheel

from pyx_launcher.errors import ArtifactError, PyxError, RefusedError, StoreError
from pyx_launcher.naming import is_unnamed, name_artifacts
from pyx_launcher.store import (
    Entry,
    check_wheel_name,
    find_entry,
    find_entry_by_hash,
    locked_place,
    name_entry,
    staging,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.builds import Means
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.interpreter import Interpreter
    from pyx_launcher.locks.unnamed import UnnamedFile
    from pyx_launcher.naming import Names
    from pyx_launcher.pipconfig import IndexSettings
    from pyx_launcher.progress import Progress
    from pyx_launcher.selection import Artifact, Selection

_WORKERS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Provision:
    """The entries of a selection, in the lock's order."""

    entries: tuple[Entry, ...]
    fetched: tuple[Entry, ...]
    """Those of them that were not in any store before."""


def provide(
    selection: Selection,
    interpreter: Interpreter,
    dirs: Dirs,
    environ: Mapping[str, str],
    *,
    offline: bool,
    progress: Callable[[int, int], Progress],
) -> Provision:
    """Return an entry for every artifact of `selection`.

    `progress` is called with the number of missing artifacts and the bytes known of them, only if
    there are any. Raises the error of the artifact that failed; where several did, one
    ArtifactError that names them all.
    """
    selection = name_artifacts(selection, interpreter, dirs)
    if any(map(is_unnamed, selection.artifacts)):
        selection = _ask_names(selection, interpreter, dirs, environ, offline=offline)
    found = [_find(artifact, interpreter, dirs) for artifact in selection.artifacts]
    missing = [a for a, entry in zip(selection.artifacts, found, strict=True) if entry is None]
    if not missing:
        return Provision(entries=tuple(entry for entry in found if entry), fetched=())
    wanted = replace(selection, artifacts=tuple(missing))
    fetched = _fetch_all(wanted, interpreter, dirs, environ, offline=offline, progress=progress)
    by_name = {artifact.name: entry for artifact, entry in zip(missing, fetched, strict=True)}
    entries = [
        entry or by_name[artifact.name]
        for artifact, entry in zip(selection.artifacts, found, strict=True)
    ]
    return Provision(entries=tuple(entries), fetched=tuple(fetched))


def find_entries(
    selection: Selection, interpreter: Interpreter, dirs: Dirs
) -> tuple[tuple[Entry, ...], tuple[Artifact, ...]]:
    """Return the entries that are there, and the artifacts that have none."""
    selection = name_artifacts(selection, interpreter, dirs)
    found = [(artifact, _find(artifact, interpreter, dirs)) for artifact in selection.artifacts]
    entries = tuple(entry for _, entry in found if entry)
    return entries, tuple(artifact for artifact, entry in found if entry is None)


def read_index_settings(selection: Selection, environ: Mapping[str, str]) -> IndexSettings:
    """Return where to look for files: the user's configuration, and what the lock adds to it."""
    from pyx_launcher.pipconfig import read_settings

    settings = read_settings(environ)
    options = selection.index_options
    if options is None:
        return settings
    urls = options.index_urls
    return replace(
        settings,
        index_url=urls[0] if urls else settings.index_url,
        extra_index_urls=(
            *(urls[1:] if urls else settings.extra_index_urls),
            *options.extra_index_urls,
        ),
        find_links=(*options.find_links, *settings.find_links),
        no_index=options.no_index or settings.no_index,
        trusted_hosts=(*options.trusted_hosts, *settings.trusted_hosts),
    )


def _ask_names(
    selection: Selection,
    interpreter: Interpreter,
    dirs: Dirs,
    environ: Mapping[str, str],
    *,
    offline: bool,
) -> Selection:
    from pyx_launcher.index import Index

    with Index(read_index_settings(selection, environ), offline=offline) as index:

        def ask(artifact: Artifact, source: UnnamedFile) -> Names:
            return index.list_files(artifact.name, source.digests, artifact.index)

        return name_artifacts(selection, interpreter, dirs, ask)


def _find(artifact: Artifact, interpreter: Interpreter, dirs: Dirs) -> Entry | None:
    source = artifact.source
    if is_unnamed(artifact):
        return None
    if not isinstance(source, PackageWheel):
        from pyx_launcher.builds import find_built

        return find_built(artifact, interpreter, dirs)
    if "sha256" not in source.hashes:
        return find_entry_by_hash(dirs, artifact.name, artifact.version or "", source.hashes)
    place = name_entry(
        artifact.name, artifact.version or "", source.filename, source.hashes["sha256"].lower()
    )
    return find_entry(dirs, place, source.hashes["sha256"].lower())


def _fetch_all(
    wanted: Selection,
    interpreter: Interpreter,
    dirs: Dirs,
    environ: Mapping[str, str],
    *,
    offline: bool,
    progress: Callable[[int, int], Progress],
) -> list[Entry]:
    from pyx_launcher.builds import Means
    from pyx_launcher.index import Index

    missing = wanted.artifacts
    if offline:
        remote = [a.label for a in missing if getattr(a.source, "path", None) is None]
        if remote:
            raise ArtifactError(
                f"not in the store, and nothing may be fetched: {', '.join(remote)}",
                hint="run it once without --offline (and without PYX_OFFLINE)",
            )
    known = sum(getattr(artifact.source, "size", None) or 0 for artifact in missing)
    workers = ThreadPoolExecutor(max_workers=min(_WORKERS, len(missing)))
    with (
        Index(read_index_settings(wanted, environ), offline=offline) as index,
        progress(len(missing), known) as bar,
    ):
        means = Means(index=index, environ=environ, offline=offline, bar=bar)
        jobs = [workers.submit(_fetch, artifact, interpreter, dirs, means) for artifact in missing]
        results: list[Entry] = []
        errors: list[tuple[Artifact, PyxError]] = []
        try:
            for artifact, job in zip(missing, jobs, strict=True):
                try:
                    results.append(job.result())
                except PyxError as error:
                    errors.append((artifact, error))
                    if isinstance(error, StoreError):
                        break
        finally:
            # An interruption does not wait for a slow server; what is unfinished is swept later.
            interrupted = isinstance(sys.exc_info()[1], KeyboardInterrupt)
            workers.shutdown(wait=not interrupted, cancel_futures=True)
    if errors:
        raise _join_errors(errors)
    return results


def _join_errors(errors: Sequence[tuple[Artifact, PyxError]]) -> PyxError:
    first = errors[0][1]
    if len(errors) == 1 or isinstance(errors[-1][1], StoreError):
        return errors[-1][1]
    names = ", ".join(artifact.label for artifact, _ in errors)
    kind = RefusedError if isinstance(first, RefusedError) else ArtifactError
    return kind(f"{len(errors)} distributions cannot be had ({names}): {first}", hint=first.hint)


def _fetch(artifact: Artifact, interpreter: Interpreter, dirs: Dirs, means: Means) -> Entry:
    source = artifact.source
    if not isinstance(source, PackageWheel):
        from pyx_launcher.builds import build_entry

        return build_entry(artifact, interpreter, dirs, means)
    entry = _fetch_wheel(artifact, source, dirs, means)
    means.bar.finish(artifact.label)
    return entry


def _fetch_wheel(artifact: Artifact, source: PackageWheel, dirs: Dirs, means: Means) -> Entry:
    from pyx_launcher.index import Wanted
    from pyx_launcher.unpacking import unpack_wheel

    version = artifact.version or ""
    problem = check_wheel_name(source.filename, artifact.name, artifact.version)
    if problem:
        raise RefusedError(problem, hint="lock again: the lock contradicts itself")
    key = source.hashes.get("sha256", "").lower()
    place = name_entry(artifact.name, version, source.filename, key or "unhashed")
    with locked_place(dirs.store, place) as final:
        entry = find_entry(dirs, place, key) if key else None
        if entry is not None:
            return entry
        with staging(final) as temporary:
            wanted = Wanted(
                name=artifact.name,
                version=artifact.version,
                filename=source.filename,
                hashes=dict(source.hashes),
                url=source.url,
                path=None if source.path is None else artifact.find_path(source.path),
                index=artifact.index,
                size=source.size,
            )
            wheel = means.index.fetch(wanted, temporary, means.bar.advance)
            hashes = {kind: digest.lower() for kind, digest in source.hashes.items()}
            if not key:
                key = hash_file(wheel)
                hashes["sha256"] = key
                place = name_entry(artifact.name, version, source.filename, key)
            return unpack_wheel(
                wheel,
                dirs.store / place,
                name=artifact.name,
                version=version,
                key=key,
                hashes=hashes,
            )


def hash_file(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()

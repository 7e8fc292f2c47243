"""Make every selected artifact an entry, found, fetched or built, and an environment of them."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from pyx_launcher.console import debug, tell
from pyx_launcher.errors import (
    ArtifactError,
    BuildError,
    PyxError,
    RefusedError,
    StoreError,
    UnavailableError,
)
from pyx_launcher.files.hashing import hash_file
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.locks.common.packages import PackageDirectory, PackageVcs, PackageWheel
from pyx_launcher.progress import show_progress
from pyx_launcher.store.entry import (
    Entry,
    check_wheel_name,
    find_entry,
    find_entry_by_file,
    find_entry_by_hash,
    locked_place,
    name_entry,
    staging,
)
from pyx_launcher.store.format_version import check_formats
from pyx_launcher.store.lock import hold_stores
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.build.builder import BuildContext
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.environment.directory import Environment
    from pyx_launcher.index.finder import Index
    from pyx_launcher.index.hash_lookup import Names
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.locks.common.hash_only import UnnamedFile
    from pyx_launcher.progress import Progress
    from pyx_launcher.selection import Artifact, Selection
    from pyx_launcher.store.unpack import Contents

_WORKERS = 16
"""Threads for wheels, which wait for a server, a worker or the disk, most of the time."""
_BUILDS = 8
"""Threads for what has to be built, each of which keeps a processor busy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Provision:
    """The entries of a selection, in the lock's order."""

    entries: tuple[Entry, ...]
    fetched: tuple[Entry, ...]
    """Those of them that were not in any store before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """An environment on disk."""

    provision: Provision
    environment: Environment
    is_new: bool
    """Was its directory made now?"""


def make_environment(
    selection: Selection,
    interpreter: Interpreter,
    dirs: Dirs,
    environ: Mapping[str, str],
    *,
    native: Path,
    offline: bool,
) -> Made:
    """Make the environment of `selection`, or find it: for programs and pyx's own tools alike.

    `native` is the native program, which becomes its python. Until this process ends, or becomes
    another program, nothing is deleted from the stores. Raises StoreError for a store of a newer
    format, and what `provide` raises.
    """
    with closed_to_others():
        _open_stores(dirs)
        # What has to be tried is tried while other things are fetched.
        with _settling_start(dirs, interpreter, native) as settle:
            provision = provide(
                selection, interpreter, dirs, environ, offline=offline, progress=show_progress
            )
            interpreter = settle()
        environment, is_new = _find_environment(dirs, interpreter, provision.entries, native)
    debug(f"{environment.path} ({'made' if is_new else 'found'}, {environment.layout})")
    for conflict in environment.conflicts if is_new else ():
        debug(conflict)
    if is_new:
        _warn_of_edits(provision)
    return Made(provision=provision, environment=environment, is_new=is_new)


@contextlib.contextmanager
def _settling_start(
    dirs: Dirs, interpreter: Interpreter, native: Path
) -> Iterator[Callable[[], Interpreter]]:
    """Give what returns `interpreter` with the way its environments start; see `proof`."""
    from pyx_launcher.environment.proof import find_way

    way = find_way(interpreter, dirs.interpreters, native)
    if way is not None:
        yield lambda: replace(interpreter, way=way)
        return
    from pyx_launcher.environment.writer import settling_start

    with settling_start(dirs, interpreter, native) as settle:
        yield settle


def _find_environment(
    dirs: Dirs, interpreter: Interpreter, entries: Sequence[Entry], native: Path
) -> tuple[Environment, bool]:
    from pyx_launcher.environment.directory import reuse_environment

    found = reuse_environment(dirs, interpreter, entries)
    if found is not None:
        return found, False
    from pyx_launcher.environment.writer import build_environment

    return build_environment(dirs, interpreter, entries, native)


def _warn_of_edits(provision: Provision) -> None:
    """Say on stderr which files of the store, that other projects use too, somebody has changed."""
    from pyx_launcher.store.edited import find_edited

    fetched = {entry.path for entry in provision.fetched}
    for entry in provision.entries:
        for place in find_edited(entry) if entry.path not in fetched else ():
            told = f"{entry.path / place} is not as it was unpacked"
            tell(f"warning: {told}; `pyx store verify --repair` mends it for all projects")


def fetch_entries(
    selection: Selection,
    interpreter: Interpreter,
    dirs: Dirs,
    environ: Mapping[str, str],
    *,
    offline: bool,
) -> Provision:
    """Bring `selection` into the store and hold it there, as `make_environment` does."""
    with closed_to_others():
        _open_stores(dirs)
        return provide(
            selection, interpreter, dirs, environ, offline=offline, progress=show_progress
        )


def _open_stores(dirs: Dirs) -> None:
    hold_stores(dirs)
    check_formats(dirs)


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
    selection = _name_known(selection, interpreter, dirs)
    if any(artifact.is_unnamed for artifact in selection.artifacts):
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


def _name_known(selection: Selection, interpreter: Interpreter, dirs: Dirs) -> Selection:
    """Return `selection` with the files of what is known by hashes alone, as the store has it.

    Raises ArtifactError where no file fits the interpreter.
    """
    if not any(artifact.is_unnamed for artifact in selection.artifacts):
        return selection
    from pyx_launcher.index.hash_lookup import name_artifacts

    return name_artifacts(selection, interpreter, dirs)


def find_entries(
    selection: Selection, interpreter: Interpreter, dirs: Dirs
) -> tuple[tuple[Entry, ...], tuple[Artifact, ...]]:
    """Return the entries that are there, and the artifacts that have none."""
    selection = _name_known(selection, interpreter, dirs)
    found = [(artifact, _find(artifact, interpreter, dirs)) for artifact in selection.artifacts]
    entries = tuple(entry for _, entry in found if entry)
    return entries, tuple(artifact for artifact, entry in found if entry is None)


def _ask_names(
    selection: Selection,
    interpreter: Interpreter,
    dirs: Dirs,
    environ: Mapping[str, str],
    *,
    offline: bool,
) -> Selection:
    from pyx_launcher.index.finder import Index
    from pyx_launcher.index.hash_lookup import list_release, name_artifacts
    from pyx_launcher.index.settings import read_index_settings

    settings = read_index_settings(selection.find_indexes(), environ)
    with Index(settings, offline=offline) as index:

        def ask(artifact: Artifact, source: UnnamedFile) -> Names | None:
            try:
                if not source.digests:
                    offers = index.list_offers(artifact.name, artifact.index)
                    return list_release(artifact, offers)
                return index.list_files(artifact.name, source.digests, artifact.index)
            except ArtifactError:
                # Offline all that is missing is said at once, and this is part of it.
                if offline:
                    return None
                raise

        return name_artifacts(selection, interpreter, dirs, ask)


def _find(artifact: Artifact, interpreter: Interpreter, dirs: Dirs) -> Entry | None:
    source = artifact.source
    if artifact.is_unnamed:
        return None
    if not isinstance(source, PackageWheel):
        from pyx_launcher.build.builder import find_built

        return find_built(artifact, interpreter, dirs)
    if not source.hashes:
        return find_entry_by_file(dirs, artifact.name, artifact.version or "", source.filename)
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
    from concurrent.futures import ThreadPoolExecutor

    from pyx_launcher.build.builder import BuildContext
    from pyx_launcher.index.finder import Index
    from pyx_launcher.index.settings import build_variables, read_index_settings

    # What the workers need is imported before they are forked.
    from pyx_launcher.store import unpack  # noqa: F401
    from pyx_launcher.workers import open_workers

    missing = wanted.artifacts
    settings = read_index_settings(wanted.find_indexes(), environ)
    variables = build_variables(settings, offline=offline)
    if offline:
        with Index(settings, offline=True) as index:
            has_links = bool(variables["PIP_FIND_LINKS"])
            _check_missing(missing, index, environ, interpreter, dirs, has_links=has_links)
    known = sum(map(_size_of, missing))
    pools = {"wheel": ThreadPoolExecutor(_WORKERS), "build": ThreadPoolExecutor(_BUILDS)}
    with (
        # Before anything else, as other parts start threads, beside which nothing is forked.
        open_workers(len(missing)) as crew,
        contextlib.ExitStack() as stack,
        Index(settings, offline=offline) as index,
        progress(len(missing), known) as bar,
    ):
        # What a build requires comes from where the lock's own files do.
        builds = {**environ, **variables}
        if any(artifact.kind != "wheel" for artifact in missing):
            from pyx_launcher.children import own_temporaries

            temporary = stack.enter_context(own_temporaries(python=interpreter.path))
            builds["TMPDIR"] = str(temporary)
        means = BuildContext(index=index, environ=builds, offline=offline, bar=bar, crew=crew)
        # The largest first, or everybody would wait for one that was begun last.
        jobs = {
            artifact.name: pools["wheel" if artifact.kind == "wheel" else "build"].submit(
                _fetch, artifact, interpreter, dirs, means
            )
            for artifact in sorted(missing, key=_size_of, reverse=True)
        }
        results: list[Entry] = []
        errors: list[tuple[Artifact, PyxError]] = []
        try:
            for artifact in missing:
                try:
                    results.append(jobs[artifact.name].result())
                except PyxError as error:
                    errors.append((artifact, error))
                    if isinstance(error, StoreError):
                        break
        finally:
            # An interruption does not wait for a slow server; what is unfinished is swept later.
            interrupted = isinstance(sys.exc_info()[1], KeyboardInterrupt)
            for pool in pools.values():
                pool.shutdown(wait=not interrupted, cancel_futures=True)
    if errors:
        joined = _join_errors(errors)
        if isinstance(joined, UnavailableError):
            joined.unbuilt = tuple(
                artifact.name
                for artifact, cause in errors
                if isinstance(cause, BuildError)
                and not isinstance(artifact.source, PackageDirectory)
            )
        raise joined
    return results


def _check_missing(
    missing: Sequence[Artifact],
    index: Index,
    environ: Mapping[str, str],
    interpreter: Interpreter,
    dirs: Dirs,
    *,
    has_links: bool,
) -> None:
    """Raise ArtifactError that names all that is not on this machine, of `missing` and for builds.

    Of what a build requires it knows what a tree's pyproject.toml says, unless an environment has
    it that is kept; `has_links` tells that there are local directories where pip may find it.
    """
    from pyx_launcher.build.builder import find_requirements
    from pyx_launcher.index.settings import explain_offline

    absent = []
    required: dict[str, list[str]] = {}
    for artifact in missing:
        if isinstance(artifact.source, PackageDirectory):
            needed = () if has_links else find_requirements(artifact, interpreter, dirs)
            for requirement in needed:
                required.setdefault(requirement, []).append(artifact.label)
        elif not _is_here(artifact, index):
            absent.append(artifact.label)
    absent += [f"{name} (to build {', '.join(labels)})" for name, labels in required.items()]
    if absent:
        why = explain_offline(environ)
        raise ArtifactError(
            f"not in the store, and {why.cause}: {', '.join(absent)}", hint=why.hint
        )


def _is_here(artifact: Artifact, index: Index) -> bool:
    """Is its file on this machine? Whether a path in the lock leads anywhere, a build says best."""
    from pyx_launcher.build.builder import want_file

    source = artifact.source
    if isinstance(source, PackageVcs | PackageDirectory):
        return source.path is not None
    return not artifact.is_unnamed and index.is_local(want_file(artifact, source))


def _size_of(artifact: Artifact) -> int:
    """Return the bytes to fetch, as far as the lock tells; 0 otherwise."""
    return getattr(artifact.source, "size", None) or 0


def _join_errors(errors: Sequence[tuple[Artifact, PyxError]]) -> PyxError:
    first = errors[0][1]
    if len(errors) == 1 or isinstance(errors[-1][1], StoreError):
        return errors[-1][1]
    names = ", ".join(artifact.label for artifact, _ in errors)
    kind = RefusedError if isinstance(first, RefusedError) else ArtifactError
    return kind(f"{len(errors)} packages are unavailable ({names}): {first}", hint=first.hint)


def _fetch(artifact: Artifact, interpreter: Interpreter, dirs: Dirs, means: BuildContext) -> Entry:
    source = artifact.source
    if not isinstance(source, PackageWheel):
        from pyx_launcher.build.builder import build_entry

        return build_entry(artifact, interpreter, dirs, means)
    entry = _fetch_wheel(artifact, source, dirs, means)
    means.bar.finish(artifact.label)
    return entry


def _fetch_wheel(
    artifact: Artifact, source: PackageWheel, dirs: Dirs, means: BuildContext
) -> Entry:
    from pyx_launcher.build.builder import want_file
    from pyx_launcher.store.unpack import unpack_files, unpack_wheel

    version = artifact.version or ""
    problem = check_wheel_name(source.filename, artifact.name, artifact.version)
    if problem:
        raise RefusedError(problem, hint="run `pyx lock`: the lock contradicts itself")

    def unpack(archive: Path, target: Path, metadata: Mapping[str, bytes]) -> Contents:
        contents = means.crew.run(unpack_files, archive, target, metadata)
        # What comes next is the wait for the disk, which need not get what nobody reads again.
        with contextlib.suppress(OSError):
            archive.unlink()
        return contents

    key = source.hashes.get("sha256", "").lower()
    place = name_entry(artifact.name, version, source.filename, key or "unhashed")
    with locked_place(dirs.store, place) as final:
        entry = find_entry(dirs, place, key) if key else None
        if entry is not None:
            return entry
        with staging(final) as temporary:
            wanted = want_file(artifact, source)
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
                unpack=unpack,
            )

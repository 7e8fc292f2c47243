"""Turn what a lock names and is not a wheel into a store entry, built once for each interpreter.

Each source has a key that is known before anything is fetched or built; the entry is published
under that key. What a build said is kept in ``CACHE/builds/NAME-VERSION-KEY.log``; where a build
fails, its last lines are shown on stderr before the error.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from pyx_launcher.build.source_tree import (
    PROJECT_FILES,
    digest_project_files,
    digest_tree,
    find_subtree,
    unpack_archive,
)
from pyx_launcher.console import tell
from pyx_launcher.errors import BuildError, RefusedError
from pyx_launcher.files.atomic import storing
from pyx_launcher.files.hashing import sha256
from pyx_launcher.locks.common.packages import (
    ROOT_SOURCE,
    BuildRules,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
)
from pyx_launcher.store.entry import (
    Entry,
    find_build,
    find_entry_by_key,
    locked_place,
    name_entry,
)
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyx_launcher.build.process import BuildProcess
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.index.finder import Index
    from pyx_launcher.index.verified_file import WantedFile
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.progress import Progress
    from pyx_launcher.selection import Artifact
    from pyx_launcher.workers import Workers

_File = PackageSdist | PackageArchive | PackageWheel

_ROOT_HINT = (
    "if the project itself is not to be installed: remove [build-system] from its pyproject.toml,"
    " or with Poetry say package-mode = false in [tool.poetry]; then `pyx lock`"
)

_SETTINGS = "1"
"""Another number, and everything is built anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext:
    """What a build may use."""

    index: Index
    environ: Mapping[str, str]
    offline: bool
    bar: Progress
    crew: Workers


def list_inputs(artifact: Artifact) -> tuple[Path, ...]:
    """Return the files whose content or absence decides what `artifact` is built into."""
    source = artifact.source
    if not isinstance(source, PackageDirectory) or not source.editable:
        return ()
    tree = _find_tree(artifact, source)
    return tuple(tree / name for name in PROJECT_FILES)


def list_trees(artifact: Artifact) -> tuple[Path, ...]:
    """Return the directory of the user's that `artifact` is built from, and what says how."""
    source = artifact.source
    if not isinstance(source, PackageDirectory):
        return ()
    tree = _find_tree(artifact, source)
    return (tree, *(tree / name for name in PROJECT_FILES))


def find_built(artifact: Artifact, interpreter: Interpreter, dirs: Dirs) -> Entry | None:
    """Return the entry that `artifact` was built into, or None where it must be built first.

    Neither the network nor a process is used. Raises BuildError for a directory that is gone.
    """
    return find_entry_by_key(dirs, artifact.name, name_build(artifact, interpreter))


PATIENCE = 5.0
"""Seconds after which a build is told of."""


@contextlib.contextmanager
def _telling_of_patience(bench: BuildProcess) -> Iterator[None]:
    """Say what is going on where the block takes long: some builds take minutes."""
    import threading

    line = f"building {bench.label} for Python {bench.interpreter.short}; its log is {bench.log}"
    timer = threading.Timer(PATIENCE, tell, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def build_entry(
    artifact: Artifact, interpreter: Interpreter, dirs: Dirs, means: BuildContext
) -> Entry:
    """Fetch and build `artifact`, and return its new entry; or the one another start just made.

    Raises BuildError where it cannot be built, RefusedError where what came of it is not the
    locked distribution, and what `Index.fetch` raises. Then nothing of it is in the store.
    """
    from pyx_launcher.build.process import BuildProcess

    key = name_build(artifact, interpreter)
    stem = "-".join(filter(None, (artifact.name, artifact.version, key[:8])))
    bench = BuildProcess(
        label=artifact.label,
        interpreter=interpreter,
        environ=means.environ,
        offline=means.offline,
        log=dirs.cache / "builds" / f"{stem}.log",
        hint=_ROOT_HINT if artifact.source == ROOT_SOURCE else None,
    )
    # The place of the entry has the version and the tags in it, which only the wheel tells.
    with locked_place(dirs.store, Path(artifact.name, f"build-{key[:8]}")):
        entry = find_entry_by_key(dirs, artifact.name, key)
        if entry is None:
            import tempfile

            with (
                _telling_of_patience(bench),
                tempfile.TemporaryDirectory(prefix="pyx-source-") as temporary,
            ):
                wheel = _make_wheel(artifact, Path(temporary).resolve(), bench, dirs, means)
                entry = _publish(artifact, wheel, interpreter, dirs, key)
    means.bar.finish(artifact.label)
    return entry


def name_build(artifact: Artifact, interpreter: Interpreter) -> str:
    """Return the key: a digest of the source, the interpreter's ABI and how pyx builds."""
    source = artifact.source
    words = [_SETTINGS, type(source).__name__, getattr(source, "subdirectory", None) or ""]
    if isinstance(source, PackageVcs):
        words += [source.type, _strip_credentials(_find_origin(artifact, source)), source.commit_id]
    elif isinstance(source, PackageDirectory):
        tree = _find_tree(artifact, source)
        if source.editable:
            words += ["editable", os.fsencode(tree).hex(), digest_project_files(tree)]
        else:
            words += [os.fsencode(tree).hex(), digest_tree(tree)]
    elif "sha256" in source.hashes:
        words += ["sha256", source.hashes["sha256"].lower()]
    elif source.hashes:
        words += [f"{kind}={digest.lower()}" for kind, digest in sorted(source.hashes.items())]
    else:
        # Nothing tells one content from another: what was built once is kept.
        words += ["unhashed", artifact.version or "", source.url or source.path or ""]
    facts = interpreter.tag_facts
    words += [interpreter.cache_tag, interpreter.soabi, interpreter.ext_suffix, facts.platform]
    if artifact.rules is not None:
        rules = artifact.rules
        words += [repr((rules.requires, rules.constraints, sorted(rules.settings.items())))]
    return sha256("\0".join(words).encode()).hexdigest()


def _make_wheel(
    artifact: Artifact, temporary: Path, bench: BuildProcess, dirs: Dirs, means: BuildContext
) -> Path:
    """Bring the source into `temporary`, unless it is a directory of the user's, and build it."""
    from pyx_launcher.build.frontend import build_wheel

    source = artifact.source
    root = temporary / "source"
    bench.open()
    if isinstance(source, PackageDirectory):
        tree = _find_tree(artifact, source)
    elif isinstance(source, PackageVcs):
        from pyx_launcher.build.vcs import check_out

        check_out(source, _find_origin(artifact, source), root, bench)
        tree = find_subtree(root, source.subdirectory, artifact.label)
    else:
        archive = _fetch(artifact, source, temporary, means)
        if archive.suffix == ".whl":
            return archive
        subdirectory = getattr(source, "subdirectory", None)
        tree = find_subtree(unpack_archive(archive, root), subdirectory, artifact.label)
    editable = bool(getattr(source, "editable", False))
    return build_wheel(
        tree,
        temporary / "wheel",
        editable=editable,
        bench=bench,
        rules=artifact.rules,
        # A tree that is worked on is built again and again.
        kept=_name_kept(artifact, tree, bench.interpreter, dirs) if editable else None,
    )


def _name_kept(artifact: Artifact, tree: Path, interpreter: Interpreter, dirs: Dirs) -> Path:
    """Return where the environment stays that `tree` is built in by `interpreter`."""
    digest = sha256(os.fsencode(tree) + b"\0" + os.fsencode(interpreter.path)).hexdigest()
    return dirs.cache / "build-environments" / f"{artifact.name}-{digest[:16]}"


def _fetch(artifact: Artifact, source: _File, into: Path, means: BuildContext) -> Path:
    wanted = want_file(artifact, source)
    return means.index.fetch(wanted, into, means.bar.advance)


def want_file(artifact: Artifact, source: _File) -> WantedFile:
    """Return what is to be fetched for an artifact that is one file."""
    from pyx_launcher.index.verified_file import WantedFile

    return WantedFile(
        name=artifact.name,
        version=artifact.version,
        filename=_name_file(source),
        hashes=source.hashes,
        url=source.url,
        path=None if source.path is None else artifact.find_path(source.path),
        index=artifact.index,
        size=source.size,
    )


def find_requirements(artifact: Artifact, interpreter: Interpreter, dirs: Dirs) -> tuple[str, ...]:
    """Return what has to be fetched to build a source tree, as far as its pyproject.toml tells."""
    from pyx_launcher.build.frontend import read_requires
    from pyx_launcher.build.place import has_kept

    source = artifact.source
    if not isinstance(source, PackageDirectory):
        return ()
    tree = _find_tree(artifact, source)
    requires = read_requires(tree)
    rules = artifact.rules or BuildRules()
    kept = _name_kept(artifact, tree, interpreter, dirs)
    known = {*requires, *rules.requires}
    return () if has_kept(kept, known, rules.constraints, interpreter) else requires


def _name_file(source: _File) -> str:
    if not isinstance(source, PackageArchive):
        return source.filename
    return posixpath.basename(source.path or unquote(urlsplit(source.url or "").path)) or "archive"


def _publish(
    artifact: Artifact, wheel: Path, interpreter: Interpreter, dirs: Dirs, key: str
) -> Entry:
    from pyx_launcher.store.unpack import unpack_wheel

    version = _check_wheel(artifact, wheel.name, interpreter)
    final = dirs.store / name_entry(artifact.name, version, wheel.name, key)
    with storing(final):
        find_build(final).parent.mkdir(parents=True, exist_ok=True)
    origin = _describe_origin(artifact)
    return unpack_wheel(
        wheel,
        final,
        name=artifact.name,
        version=version,
        key=key,
        hashes=dict(getattr(artifact.source, "hashes", {})),
        metadata={"direct_url.json": json.dumps(origin).encode()} if origin else {},
    )


def _check_wheel(artifact: Artifact, filename: str, interpreter: Interpreter) -> str:
    """Return the version of a wheel that may become the entry of `artifact`.

    The version in a lock does not bind a directory: its owner goes on and locks later.
    """
    try:
        name, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise RefusedError(f"{artifact.label} could not be built into a wheel: {error}") from error
    bound = artifact.version is not None and not isinstance(artifact.source, PackageDirectory)
    if name != artifact.name or (bound and version != Version(artifact.version or "")):
        raise RefusedError(
            f"the source of {artifact.label} gives {filename}, which is another package",
            hint="run `pyx lock`",
        )
    if tags.isdisjoint(interpreter.tags):
        raise BuildError(
            f"the source of {artifact.label} gives {filename}, which Python {interpreter.short} "
            "on this platform cannot use"
        )
    return str(version)


def _find_tree(artifact: Artifact, source: PackageDirectory) -> Path:
    root = artifact.find_path(source.path)
    # A path that is too long for the system is an OSError for `Path.is_dir`.
    if not os.path.isdir(root):
        raise BuildError(
            f"{artifact.label} is locked to the directory {root}, which does not exist",
            hint=f"put it back, or `pyx remove {artifact.name}`",
        )
    return find_subtree(root, source.subdirectory, artifact.label)


def _find_origin(artifact: Artifact, source: PackageVcs) -> str:
    """Return the URL or the absolute path of a repository, as its own program takes it."""
    if source.url is None:
        return str(artifact.find_path(source.path or "."))
    return source.url.removeprefix(f"{source.type}+")


def _describe_origin(artifact: Artifact) -> dict[str, object] | None:
    """Return what is written into ``direct_url.json`` (PEP 610); None for an index's sdist."""
    source = artifact.source
    described: dict[str, object]
    if isinstance(source, PackageVcs):
        origin = _as_url(_find_origin(artifact, source))
        described = {"url": _strip_query(_strip_credentials(origin))}
        info = {"vcs": source.type, "commit_id": source.commit_id}
        if source.requested_revision:
            info["requested_revision"] = source.requested_revision
        described["vcs_info"] = info
    elif isinstance(source, PackageArchive):
        url = source.url or artifact.find_path(source.path or "").as_uri()
        described = {"url": _strip_query(_strip_credentials(url))}
        described["archive_info"] = {"hashes": dict(source.hashes)}
    elif isinstance(source, PackageDirectory):
        described = {"url": artifact.find_path(source.path).as_uri()}
        described["dir_info"] = {"editable": True} if source.editable else {}
    else:
        return None
    if source.subdirectory:
        described["subdirectory"] = source.subdirectory
    return described


def _as_url(origin: str) -> str:
    if origin.startswith("/"):
        return Path(origin).as_uri()
    # What SSH itself calls USER@HOST:PATH has no scheme, and is no URL.
    short = re.fullmatch(r"(\w+@[\w.-]+):(?!//)/?(.*)", origin)
    return f"ssh://{short[1]}/{short[2]}" if short else origin


def _strip_query(url: str) -> str:
    """Return a URL without its query, which may be a token as well as a password may."""
    return url.partition("?")[0]


def _strip_credentials(url: str) -> str:
    """Return a URL without user and password, but with the user ``git``, who is nobody's secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    credentials, _, host = parts.netloc.rpartition("@")
    return url if credentials in ("", "git") else parts._replace(netloc=host).geturl()

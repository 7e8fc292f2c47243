"""Tell which file is meant where a lock records hashes alone (requirements.txt, Pipfile.lock).

Only an index knows which file a hash belongs to. It is asked once for each set of hashes; the
answer is kept in ``CACHE/names/KEY.json``, so that a later start asks nobody. Where the user
allows a release without any hash, what the index says the first time binds in the same way.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from packaging.tags import create_compatible_tags_selector
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from pyx_launcher.errors import ArtifactError
from pyx_launcher.files.atomic import write_atomic
from pyx_launcher.files.hashing import sha256
from pyx_launcher.index.credentials import shown
from pyx_launcher.locks.common.filenames import is_wheel_of, sdist_suffix_of, version_of_file
from pyx_launcher.locks.common.hash_only import UnnamedFile
from pyx_launcher.locks.common.packages import PackageSdist, PackageWheel
from pyx_launcher.selection import STRONG
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.index.links import Offer
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.locks.common.packages import Source
    from pyx_launcher.selection import Artifact, Selection

Names = dict[str, tuple[str, str]]
"""File name → algorithm and digest of a file that the lock allows."""


def name_artifacts(
    selection: Selection,
    interpreter: Interpreter,
    dirs: Dirs,
    ask: Callable[[Artifact, UnnamedFile], Names | None] | None = None,
) -> Selection:
    """Return `selection` with a wheel or an sdist for what was known by hashes alone.

    `ask` asks the indexes; without it, or where it says None, what was never asked stays as it
    is. Raises ArtifactError where no file fits the interpreter, and what `ask` raises.
    """
    artifacts = []
    for artifact in selection.artifacts:
        source = artifact.source
        if isinstance(source, UnnamedFile):
            names = _recall(dirs, artifact, source)
            if names is None and ask is not None:
                names = ask(artifact, source)
                if names is not None:
                    _keep(_place(dirs, artifact, source), names)
            if names is not None:
                chosen = _choose(artifact, source, names, interpreter)
                version = artifact.version
                if version is not None and isinstance(chosen, PackageWheel):
                    version = version_of_file(chosen.filename, version)
                artifacts.append(replace(artifact, source=chosen, version=version))
                continue
        artifacts.append(artifact)
    return replace(selection, artifacts=tuple(artifacts))


def _choose(
    artifact: Artifact, source: UnnamedFile, names: Names, interpreter: Interpreter
) -> Source:
    """Take the best wheel for the interpreter, else the sdist, as pip does."""
    select = create_compatible_tags_selector(interpreter.tags)
    wheels = []
    for name in names if source.wheels else ():
        try:
            wheels.append((name, parse_wheel_filename(name)[3]))
        except InvalidWheelFilename:
            continue
    best = next(select(wheels), None)
    if best is not None:
        return PackageWheel(name=best, hashes=_hashes_of(names[best], source))
    archives = [name for name in names if not name.endswith(".whl")] if source.sdists else []
    if archives:
        return PackageSdist(name=min(archives), hashes=_hashes_of(names[min(archives)], source))
    found = ", ".join(sorted(names)) or "none"
    raise ArtifactError(
        f"no locked file of {artifact.label} fits Python {interpreter.short} here (found: {found})",
        hint="run `pyx lock` for this platform, or choose another interpreter with --python",
    )


def _hashes_of(pair: tuple[str, str], source: UnnamedFile) -> Mapping[str, str]:
    return dict([pair]) if pair[0] else source.hashes


def list_release(artifact: Artifact, offers: Iterable[Offer]) -> Names:
    """Return every file of the locked version, each with a digest if the index has one that binds.

    Without one both words are empty. Raises ArtifactError where there is no such file.
    """
    found: Names = {}
    version = Version(artifact.version or "0")
    for offer in offers:
        name = offer.filename
        if offer.is_yanked or not (is_wheel_of(name, version) or sdist_suffix_of(name, version)):
            continue
        strong = [(kind, digest.lower()) for kind, digest in offer.hashes.items() if kind in STRONG]
        found.setdefault(name, min(strong, default=("", "")))
    if not found:
        raise ArtifactError(
            f"no index has a file of {artifact.label}",
            hint="name the index that has it in PIP_INDEX_URL, or run `pyx lock`",
        )
    return found


def _place(dirs: Dirs, artifact: Artifact, source: UnnamedFile) -> Path:
    words = [artifact.name, artifact.version or "", shown(artifact.index or "")]
    words += [f"{algorithm}:{digest}" for algorithm, digest in sorted(source.digests)]
    key = sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()
    return dirs.cache / "names" / f"{key[:32]}.json"


def _recall(dirs: Dirs, artifact: Artifact, source: UnnamedFile) -> Names | None:
    """Return what an index said before; None where it was not asked, or another could write it."""
    path = _place(dirs, artifact, source)
    try:
        info = os.stat(path)
        said: Mapping[str, tuple[str, str]] = json.loads(path.read_bytes())
        if info.st_uid != os.geteuid() or info.st_mode & 0o022:
            return None
        names = {name: (algorithm, digest) for name, (algorithm, digest) in said.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    # Whatever the file says, only what the lock allows can come of it.
    bound = not source.digests or source.digests.issuperset(names.values())
    return names if bound else None


def _keep(path: Path, names: Names) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, json.dumps(names).encode())
    except OSError:
        # It is a cache: without it the index is asked again.
        return

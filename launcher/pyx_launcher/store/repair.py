"""Put right what verification found: fetch damaged entries again, or have the next start do it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.errors import ArtifactError, PyxError, RefusedError, StoreError
from pyx_launcher.index.finder import Index
from pyx_launcher.index.settings import read_index_settings
from pyx_launcher.index.verified_file import WantedFile
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.store.entry import (
    check_wheel_name,
    find_build,
    locked_place,
    read_entry,
    staging,
)
from pyx_launcher.store.gc import discard
from pyx_launcher.store.inventory import tail_of
from pyx_launcher.store.lock import holding_stores
from pyx_launcher.store.unpack import unpack_files, unpack_wheel
from pyx_launcher.store.verify import verify_entry
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.store.entry import Entry, EntryFacts
    from pyx_launcher.store.unpack import Contents


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """What became of damaged entries."""

    fetched: tuple[Path, ...]
    removed: tuple[Path, ...]
    """No index has their files; the next start gets them from where its lock says."""
    left: tuple[Path, ...]
    """A running program uses them, or nothing may be fetched."""


def repair_entries(
    dirs: Dirs, damaged: Sequence[Path], environ: Mapping[str, str], *, offline: bool
) -> Repair:
    """Fetch each of `damaged` by its hash and put it into the place of the old one.

    One that cannot be had is removed, unless `offline`: then it stays. Environments derived from
    any of them go, as they may have been derived from the damage. Raises StoreError.
    """
    settings = read_index_settings(IndexOptions(), environ)
    with Index(settings, offline=offline) as index, holding_stores(dirs):
        fetched = [path for path in damaged if _fetch_again(dirs, path, index)]
    lost = [path for path in damaged if path not in fetched]
    gone, busy = discard(dirs, () if offline else lost, replaced=fetched)
    left = lost if offline else busy
    return Repair(fetched=tuple(fetched), removed=tuple(gone), left=tuple(left))


def _fetch_again(dirs: Dirs, path: Path, index: Index) -> bool:
    entry = read_entry(path)
    if entry is None or entry.facts.hashes.get("sha256") != entry.facts.key:
        # Its facts are lost, or it was built here and has no file to fetch.
        return False
    place = path.relative_to(dirs.store)
    with locked_place(dirs.store, place) as final, staging(final) as temporary:
        if not verify_entry(final).damages:
            # Another pyx was quicker.
            return True
        try:
            wheel = index.fetch(_find_file(entry, index), temporary)
            _exchange(wheel, entry, temporary)
        except StoreError:
            raise
        except PyxError:
            return False
    return True


def _find_file(entry: Entry, index: Index) -> WantedFile:
    facts = entry.facts
    digests = frozenset(facts.hashes.items())
    for filename, (kind, digest) in index.list_files(facts.name, digests, None).items():
        if check_wheel_name(filename, facts.name, facts.version) is None:
            return WantedFile(
                name=facts.name,
                version=facts.version,
                filename=filename,
                hashes={kind: digest, "sha256": facts.key},
                url=None,
                path=None,
                index=None,
                size=None,
            )
    raise ArtifactError(f"no index has the wheel of {entry.label}")


def _exchange(wheel: Path, entry: Entry, temporary: Path) -> None:
    """Unpack `wheel` and, only once that is done, take the damaged entry out of its place."""
    facts: EntryFacts = entry.facts
    old = temporary / "damaged"

    def unpack(source: Path, target: Path, metadata: Mapping[str, bytes]) -> Contents:
        contents = unpack_files(source, target, metadata)
        os.rename(find_build(entry.path), old)
        return contents

    made = unpack_wheel(
        wheel,
        entry.path,
        name=facts.name,
        version=facts.version,
        key=facts.key,
        hashes=facts.hashes,
        unpack=unpack,
    )
    if verify_entry(made.path).damages:
        raise RefusedError(f"{'/'.join(tail_of(made.path))} is damaged again")

"""Compare entries with what was written when they were unpacked: RECORD and `.entry.json`.

Bytecode is the interpreter's own business, which checks it against its source at each import.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from installer.records import InvalidRecordEntry, parse_record_file

from pyx_launcher.errors import StoreError
from pyx_launcher.files.ownership import describe_exposure
from pyx_launcher.store.entry import DATA, FACTS_FILE, is_build_of, read_entry
from pyx_launcher.store.inventory import tail_of
from pyx_launcher.values import dataclass
from pyx_launcher.workers import Workers, open_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyx_launcher.progress import Progress
    from pyx_launcher.store.entry import Entry, EntryFacts

_THREADS = 8
_STEP = 1 << 20
_CACHE = "__pycache__"


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """One way in which an entry is not what was unpacked."""

    kind: str
    """`changed`, `missing` or `extra`; `foreign`: another user's, `open`: others can write."""
    place: str
    """The file, relative to the entry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came out for one entry."""

    path: Path
    damages: tuple[Damage, ...]
    """Empty where it is sound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _RecordLine:
    """What RECORD says of one file."""

    kind: str
    digest: str
    size: int


def verify_entries(
    paths: Sequence[Path], progress: Callable[[int, int, str], Progress]
) -> list[Verdict]:
    """Return the verdict on each entry, in their order, by all processors.

    One that is deleted meanwhile is sound. Raises StoreError where a process is killed.
    """
    from concurrent.futures import ThreadPoolExecutor

    entries = [read_entry(path) for path in paths]
    size = sum(entry.facts.size for entry in entries if entry)
    with open_workers(len(paths)) as crew, progress(len(paths), size, "verifying") as bar:

        def verify(path: Path, entry: Entry | None) -> Verdict:
            verdict = _run(crew, path)
            bar.advance(entry.facts.size if entry else 0)
            bar.finish(entry.label if entry else path.name)
            return verdict

        with ThreadPoolExecutor(max_workers=_THREADS) as threads:
            return list(threads.map(verify, paths, entries))


def _run(crew: Workers, path: Path) -> Verdict:
    found = crew.run(verify_entry, path)
    if found.damages and not os.path.lexists(path):
        return Verdict(path=path, damages=())
    return found


def verify_entry(path: Path) -> Verdict:
    """Read every file of the entry at `path` and tell what is not as it was unpacked."""
    try:
        return _verify(path)
    except (OSError, StoreError) as error:
        # A directory that cannot be read, which a disk or somebody's chmod explains.
        name = getattr(error, "filename", None) or path / FACTS_FILE
        place = os.path.relpath(os.fsdecode(name), path)
        return Verdict(path=path, damages=(Damage(kind="changed", place=place),))


def _verify(path: Path) -> Verdict:
    entry = read_entry(path)
    if entry is None or not _is_in_place(entry):
        kind = "changed" if os.path.lexists(path / FACTS_FILE) else "missing"
        return Verdict(path=path, damages=(Damage(kind=kind, place=FACTS_FILE),))
    try:
        record = _find_record(path)
        lines = _read_record(path / record, entry.facts) if record else None
    except (OSError, ValueError, InvalidRecordEntry):
        lines = None
    if not record or lines is None:
        place = record or "RECORD"
        kind = "changed" if record else "missing"
        return Verdict(path=path, damages=(Damage(kind=kind, place=place),))
    present = dict(_list_files(path, ""))
    lines[record] = lines[FACTS_FILE] = None
    damages = [Damage(kind="missing", place=place) for place in lines if place not in present]
    damages += [Damage(kind="extra", place=place) for place in present if place not in lines]
    for place, line in lines.items():
        if line and place in present and not _is_sound(path / place, line):
            damages.append(Damage(kind="changed", place=place))
    damages += _find_exposed(path, present)
    if not damages and not _agree(entry):
        damages.append(Damage(kind="changed", place=FACTS_FILE))
    return Verdict(path=path, damages=tuple(sorted(damages, key=lambda found: found.place)))


def _find_exposed(path: Path, present: Iterable[str]) -> Iterator[Damage]:
    """Yield what is another user's, or could be written by others."""
    places = dict.fromkeys(parent for place in present for parent in Path(place).parents)
    for place in (*map(str, places), *present):
        if kind := describe_exposure(path / place):
            yield Damage(kind=kind, place=place)


def _is_in_place(entry: Entry) -> bool:
    name, version, build = tail_of(entry.path)
    facts = entry.facts
    return (facts.name, facts.version) == (name, version) and is_build_of(build, facts.key)


def find_changed(entry: Entry, places: Iterable[str]) -> list[str]:
    """Return which of the files `places` of `entry` are not as they were unpacked.

    One that was added is not among them. RECORD itself is where it cannot be read.
    """
    record = _find_record(entry.path)
    if record is None:
        return []
    try:
        lines = _read_record(entry.path / record, entry.facts)
    except (OSError, ValueError, InvalidRecordEntry):
        return [record]
    known = ((place, line) for place in places if (line := lines.get(place)))
    return sorted(place for place, line in known if not _is_sound(entry.path / place, line))


def _find_record(path: Path) -> str | None:
    found = [place.relative_to(path).as_posix() for place in path.glob("*.dist-info/RECORD")]
    return found[0] if len(found) == 1 else None


def _read_record(path: Path, facts: EntryFacts) -> dict[str, _RecordLine | None]:
    """Return the lines of RECORD by their files. Raises ValueError where the facts contradict."""
    lines: dict[str, _RecordLine | None] = {}
    # A name may hold what `splitlines` takes for the end of a line.
    with open(path, encoding="utf-8", newline="") as file:
        for place, digest, size in parse_record_file(file):
            kind, _, value = digest.partition("=")
            # A console script is not part of an entry: environments make it.
            if kind and not place.startswith("../"):
                lines[place] = _RecordLine(kind=kind, digest=value, size=int(size))
    sizes = [line.size for line in lines.values() if line]
    if (len(sizes), sum(sizes)) != (facts.files, facts.size):
        raise ValueError("RECORD is not the one that was written")
    return lines


def _list_files(directory: Path, prefix: str) -> Iterator[tuple[str, None]]:
    with os.scandir(directory) as found:
        for item in found:
            if item.is_dir(follow_symlinks=False):
                if item.name != _CACHE:
                    yield from _list_files(Path(item.path), f"{prefix}{item.name}/")
            else:
                yield prefix + item.name, None


def _is_sound(path: Path, line: _RecordLine) -> bool:
    try:
        info = os.lstat(path)
        if not stat.S_ISREG(info.st_mode) or info.st_size != line.size:
            return False
        digest = hashlib.new(line.kind)
        with open(path, "rb") as file:
            while chunk := file.read(_STEP):
                digest.update(chunk)
    except (OSError, ValueError):
        # What cannot be read cannot be imported, either.
        return False
    return base64.urlsafe_b64encode(digest.digest()).decode("ascii").rstrip("=") == line.digest


def _agree(entry: Entry) -> bool:
    """Do the facts about the top of the entry, which a start relies on, fit what is there?"""
    facts = entry.facts
    names = set(os.listdir(entry.path)) - {DATA, FACTS_FILE, _CACHE}
    paths = {name for name in names if name.endswith(".pth") and (entry.path / name).is_file()}
    if names != set(facts.tops) - {_CACHE} or paths != set(facts.pth):
        return False
    for name in paths:
        text = (entry.path / name).read_text(encoding="utf-8-sig", errors="surrogateescape")
        if text.splitlines() != facts.pth[name]:
            return False
    data = entry.path / DATA
    found = (
        {name: sorted(os.listdir(data / name)) for name in os.listdir(data)} if facts.data else {}
    )
    return found == facts.data

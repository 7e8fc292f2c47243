"""Unpacked wheels, side by side, each published whole by one rename and never changed again.

    STORE/NAME/VERSION/BUILD/site-packages/
                        BUILD = tags of the wheel + "-" + 12 hex digits of its key

Coverage, debuggers and error reporters know library code by a directory of that name. A store of
format 1 has no such directory, and 8 digits; its entries are read, too.

What a later start needs to know of an entry is read once, when it is unpacked, and kept in its
`.entry.json`.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from pyx_launcher.console import tell
from pyx_launcher.errors import RefusedError, StoreError
from pyx_launcher.files.atomic import flush, make_directory, remove_tree, storing, write_atomic
from pyx_launcher.files.ownership import check_closed
from pyx_launcher.locks.common.filenames import are_same_version
from pyx_launcher.values import as_dict, dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyx_launcher.dirs import Dirs

FACTS_FILE = ".entry.json"
SITE_PACKAGES = "site-packages"
"""The last part of the path of every entry."""
DATA = ".data"
_FACTS_VERSION = 1
_DIGITS = 12
_DIGITS_BEFORE = 8
"""How many digits of the key a BUILD of format 1 has."""
_PATIENCE = 1.0
_LONGEST_BUILD = 4 * 3600.0
"""Seconds that one process waits for another, which may be building something large."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFacts:
    """What `.entry.json` holds. Paths are relative to the entry, with slashes."""

    name: str
    version: str
    key: str
    """Hex digest that identifies the content: the wheel's sha256, or the key of a build."""
    hashes: dict[str, str]
    """Digests of the archive by algorithm."""
    tops: dict[str, str]
    """Top-level names: `package`, `namespace` (a directory without ``__init__``) or `file`."""
    pth: dict[str, list[str]]
    """The lines of each top-level ``.pth`` file."""
    scripts: dict[str, str]
    """Console and GUI scripts: ``name`` to ``module:attribute``."""
    data: dict[str, list[str]]
    """Top-level names below each directory of `.data`."""
    outward: list[str]
    """The directories whose shared libraries look for others outside the entry."""
    inward: dict[str, list[str]]
    """The directories whose libraries look into other directories of the entry, and into which."""
    programs: list[str]
    """The executables that look for libraries from where they lie themselves."""
    size: int
    """Bytes of all files."""
    files: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One unpacked wheel."""

    path: Path
    facts: EntryFacts

    @property
    def label(self) -> str:
        """Name and version for a person."""
        return f"{self.facts.name} {self.facts.version}"


def name_entry(name: str, version: str, filename: str, key: str) -> Path:
    """Return the place of an entry relative to a store.

    `filename` is that of the wheel, `key` the hex digest that identifies it. Raises StoreError
    for a name or version that is not one plain path component.
    """
    tags = "-".join(filename[: -len(".whl")].split("-")[-3:])
    build = f"{tags}-{key[:_DIGITS]}"
    for part in (name, version, build):
        if "/" in part or part.startswith(".") or not part or "\0" in part:
            raise StoreError(f"{part!r} cannot be the name of a directory in the store")
    return Path(name, version, build, SITE_PACKAGES)


def find_build(path: Path) -> Path:
    """Return the directory BUILD of the entry at `path`, which appears and goes as a whole."""
    return path.parent if path.name == SITE_PACKAGES else path


def is_build_of(build: str, key: str) -> bool:
    """Tell whether a BUILD, of any format, can be one of the content with this `key`."""
    digits = build.rpartition("-")[2]
    return len(digits) >= _DIGITS_BEFORE and key[:_DIGITS].startswith(digits)


def find_entry(dirs: Dirs, place: Path, key: str) -> Entry | None:
    """Return the entry at `place` in the first store that has it with exactly this key."""
    build = place.parent
    before = build.with_name(build.name[: _DIGITS_BEFORE - _DIGITS])
    for store in dirs.stores:
        for path in (store / place, store / before):
            entry = _read_closed(path)
            if entry is not None and entry.facts.key == key:
                return entry
    return None


def find_entry_by_hash(
    dirs: Dirs, name: str, version: str, hashes: Mapping[str, str]
) -> Entry | None:
    """Return an entry whose archive had `hashes`, for locks that give no sha256.

    At least one of them must be known of the entry, and none may be another.
    """
    for store in dirs.stores:
        for entry in _read_builds(store / name / version):
            known = [kind for kind in hashes if kind in entry.facts.hashes]
            if known and all(entry.facts.hashes[k] == hashes[k].lower() for k in known):
                return entry
    return None


def find_entry_by_file(dirs: Dirs, name: str, version: str, filename: str) -> Entry | None:
    """Return an entry of a wheel of this name, for locks that say nothing else of it."""
    beginning = name_entry(name, version, filename, "").parent.name
    for store in dirs.stores:
        for entry in _read_builds(store / name / version):
            if find_build(entry.path).name.startswith(beginning):
                return entry
    return None


def find_entry_by_key(dirs: Dirs, name: str, key: str) -> Entry | None:
    """Return an entry that was built under `key`, whatever its version and tags came out as."""
    for store in dirs.stores:
        for version in sorted(_list_shown(store / name)):
            for entry in _read_builds(version, key):
                if entry.facts.key == key:
                    return entry
    return None


def _read_builds(directory: Path, key: str | None = None) -> Iterator[Entry]:
    """Yield the entries of a version, with `key` only those whose names fit it.

    One that was taken over from a store of format 1 comes before what it was made of.
    """
    builds = [path for path in _list_shown(directory) if not key or is_build_of(path.name, key)]
    for path in sorted(map(locate_entry, builds), key=lambda p: (p.name != SITE_PACKAGES, p)):
        entry = _read_closed(path)
        if entry is not None:
            yield entry


def locate_entry(build: Path) -> Path:
    """Return the path of the entry in the directory `build`, of any format."""
    inner = build / SITE_PACKAGES
    return inner if os.path.isdir(inner) else build


def _list_shown(directory: Path) -> Iterator[Path]:
    try:
        with os.scandir(directory) as found:
            yield from (Path(item.path) for item in found if not item.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return


def _read_closed(path: Path) -> Entry | None:
    """Read an entry that is to be used. Raises RefusedError where others could change it."""
    for place in list_guards(path):
        check_closed(place)
    return read_entry(path)


def list_guards(path: Path) -> list[Path]:
    """Return what others must not be able to write to where the entry `path` is used."""
    # Who can write to the directory of the build, the version or the name can put something else
    # there.
    build = find_build(path)
    return list(dict.fromkeys((path / FACTS_FILE, path, build, build.parent, build.parents[1])))


def read_entry(path: Path) -> Entry | None:
    """Return the entry in directory `path`, or None where there is none that this version reads."""
    try:
        with open(path / FACTS_FILE, "rb") as file:
            data = json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    if not isinstance(data, dict) or data.pop("facts", None) != _FACTS_VERSION:
        return None
    try:
        facts = EntryFacts(**data)
    except TypeError:
        return None
    return Entry(path=path, facts=facts) if _is_sound(data) else None


def _is_sound(data: Mapping[str, Any]) -> bool:
    """Is every fact in `data` of the type that `EntryFacts` says?"""
    texts = [data["name"], data["version"], data["key"]]
    lists: list[object] = []
    for name in ("hashes", "tops", "scripts", "pth", "data", "inward"):
        if not isinstance(data[name], dict):
            return False
        (lists if name in ("pth", "data", "inward") else texts).extend(data[name].values())
    return (
        all(isinstance(text, str) for text in texts)
        and all(_is_list_of_texts(value) for value in lists)
        and _is_list_of_texts(data["outward"])
        and _is_list_of_texts(data["programs"])
        and isinstance(data["size"], int)
        and isinstance(data["files"], int)
    )


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def touch_generation(store: Path) -> Path:
    """Return the store's generation file, made if it is not there.

    Deletion of entries changes it, and with it every launch record stops holding.
    """
    path = store / ".generation"
    with storing(store):
        if not path.exists():
            store.mkdir(parents=True, exist_ok=True)
            # Empty and exclusive, so that of two starts the later does not undo the first's record.
            with contextlib.suppress(FileExistsError):
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                try:
                    # Whose fallback this store is, locks it while they start. A change of the mode
                    # is one of the file, too, which another start may have seen as it was.
                    if os.fstat(handle).st_mode & 0o777 != 0o644:
                        os.fchmod(handle, 0o644)
                finally:
                    os.close(handle)
    return path


@contextlib.contextmanager
def locked_place(store: Path, place: Path) -> Iterator[Path]:
    """Hold the lock of one entry while it is fetched or unpacked; yields its final path.

    It dies with its holder (`files.lock`).
    """
    from pyx_launcher.files.lock import name_holder, take_lock

    final = store / place
    build = find_build(final)
    with storing(store):
        _make_shared(store, build.parent)
        path = build.parent / f".{build.name}.lock"
        held = take_lock(path, patience=_PATIENCE)
        if held is None:
            what = f"{place.parts[0]} {place.parts[1]}"
            tell(f"waiting for {name_holder(path)}, which is making {what}")
            held = take_lock(path, patience=_LONGEST_BUILD)
        if held is None:
            raise StoreError(
                f"{name_holder(path)} has been making {what} for {_LONGEST_BUILD / 60:.0f} minutes",
                hint=f"end it; if it is gone: rm {path.with_suffix('')}.*.lock",
            )
    try:
        _sweep(build)
        yield final
    finally:
        held.release()


def _make_shared(store: Path, directory: Path) -> None:
    """Make `directory` below `store`, readable for those who have the store among theirs."""
    store.mkdir(parents=True, exist_ok=True)
    for path in (directory.parent, directory):
        if not path.is_dir():
            path.mkdir(exist_ok=True)
            path.chmod(0o755)


def _sweep(build: Path) -> None:
    """Remove what killed processes left beside `build`, whose lock is held: nobody needs it."""
    with os.scandir(build.parent) as found:
        left = [item.path for item in found if item.name.startswith(f".{build.name}.")]
    for path in left:
        if not path.endswith(".lock"):
            remove_tree(path)


@contextlib.contextmanager
def staging(final: Path) -> Iterator[Path]:
    """Yield a new directory beside the BUILD of `final`; what is left in it goes afterwards."""
    build = find_build(final)
    with storing(build.parent):
        temporary = make_directory(build.parent, f".{build.name}.")
    try:
        yield temporary
    finally:
        remove_tree(temporary)


def publish(unpacked: Path, final: Path, facts: EntryFacts) -> Entry:
    """Write the facts of an unpacked wheel and rename its BUILD into the final place.

    An entry that stands there but cannot be read gives way. One that can stays, as programs may
    be running from it, and learns what other digests its archive has. Raises StoreError, and
    RefusedError where it has another content.
    """
    standing = read_entry(final)
    if standing is not None:
        return _add_hashes(standing, facts)
    with storing(final):
        write_atomic(unpacked / FACTS_FILE, _encode_facts(facts), mode=0o444)
        unpacked.chmod(0o755)
        made, build = find_build(unpacked), find_build(final)
        made.chmod(0o755)
        # A rename may reach the disk before the files do; a power cut must not leave empty ones.
        flush(unpacked)
        if build.exists():
            old = make_directory(build.parent, ".old.")
            os.rename(build, old / "entry")
            remove_tree(old)
        os.rename(made, build)
    return Entry(path=final, facts=facts)


def _encode_facts(facts: EntryFacts) -> bytes:
    return json.dumps({"facts": _FACTS_VERSION, **as_dict(facts)}, separators=(",", ":")).encode()


def _add_hashes(standing: Entry, facts: EntryFacts) -> Entry:
    if standing.facts.key != facts.key:
        from shlex import quote

        paths = f"{quote(str(find_build(standing.path)))} {quote(str(_generation_of(standing)))}"
        raise RefusedError(
            f"{standing.path} belongs to another file than the locked one",
            hint=f"if nothing needs it: rm -r {paths}",
        )
    known = replace(standing.facts, hashes={**standing.facts.hashes, **facts.hashes})
    if known != standing.facts:
        with storing(standing.path):
            write_atomic(standing.path / FACTS_FILE, _encode_facts(known), mode=0o444)
    return Entry(path=standing.path, facts=known)


def _generation_of(entry: Entry) -> Path:
    # STORE/NAME/VERSION/BUILD
    return find_build(entry.path).parents[2] / ".generation"


def check_wheel_name(filename: str, name: str, version: str | None) -> str | None:
    """Return what is wrong with a wheel's file name for this distribution, or None."""
    try:
        found_name, found_version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        return str(error)
    is_other = version is not None and not are_same_version(str(found_version), version)
    if found_name != name or is_other:
        return f"{filename} is not a wheel of {name} {version or ''}".rstrip()
    return None

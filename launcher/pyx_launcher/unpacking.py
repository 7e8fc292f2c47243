"""Turn one wheel file into one store entry: unpack, check every file, gather the facts."""

from __future__ import annotations

import configparser
import contextlib
import errno
import lzma
import os
import posixpath
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import Hash, RecordEntry, parse_record_file
from installer.sources import WheelFile
from installer.utils import (
    Scheme,
    construct_record_file,
    copyfileobj_with_hashing,
    parse_entrypoints,
)

from pyx_launcher.errors import RefusedError
from pyx_launcher.rpath import leaves_entry
from pyx_launcher.store import DATA, FACTS_FILE, Entry, Facts, publish, staging, storing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from installer.scripts import ScriptSection
    from installer.sources import WheelContentElement

_ROOTS = ("purelib", "platlib")

_OF_INSTALLERS = frozenset({"INSTALLER", "REQUESTED", "direct_url.json"})
"""Files of a ``.dist-info`` that only the installer may write; those of a wheel are left out."""

_UNSOUND = (
    InstallerError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,
    KeyError,
    EOFError,
    # What zipfile raises for an encrypted member or an unknown compression.
    RuntimeError,
)

_FAULTS_OF_NAMES = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})
"""What writing into a new directory can only meet because of the names in the wheel."""


def unpack_wheel(  # noqa: PLR0913 -- each is a fact that only the caller has, given by name.
    wheel: Path,
    final: Path,
    *,
    name: str,
    version: str,
    key: str,
    hashes: Mapping[str, str],
    metadata: Mapping[str, bytes] = MappingProxyType({}),
) -> Entry:
    """Unpack `wheel`, whose archive hash is already verified, into a new entry at `final`.

    `metadata` are further files for its ``.dist-info``. The caller holds the lock of `final`.
    Raises RefusedError for a wheel that contradicts its own RECORD or would write outside its
    entry, StoreError where the store cannot be written.
    """
    with staging(final) as temporary:
        target = temporary / "entry"
        destination = _EntryDestination(target)
        try:
            with storing(final), _Wheel.open(wheel) as source:
                target.mkdir()
                source.validate_record(validate_contents=False)
                destination.expect(source)
                scripts = _read_scripts(source)
                install(source, destination, {"INSTALLER": b"pyx\n", **metadata})
        except _UNSOUND as error:
            raise RefusedError(
                f"{wheel.name} is not a sound wheel: {_first_line(error)}",
                hint="lock another version, or fetch it again if the index replaced it",
            ) from error
        with storing(final):
            facts = _gather_facts(target, destination)
        return publish(
            target,
            final,
            Facts(
                name=name,
                version=version,
                key=key,
                hashes=dict(hashes),
                scripts=scripts,
                **facts,  # type: ignore[arg-type]  # the keys are the rest of Facts' fields
            ),
        )


def _first_line(error: Exception) -> str:
    issues = getattr(error, "issues", None)
    text = issues[0] if issues else str(error)
    return text.splitlines()[0] if text else type(error).__name__


def _read_scripts(source: WheelFile) -> dict[str, str]:
    if "entry_points.txt" not in source.dist_info_filenames:
        return {}
    try:
        entries = list(parse_entrypoints(source.read_dist_info("entry_points.txt")))
    except (configparser.Error, AssertionError, AttributeError) as error:
        raise ValueError("entry_points.txt has a script that names no function") from error
    return {name: f"{module}:{attr}" for name, module, attr, _ in entries}


class _Wheel(WheelFile):
    """A wheel without bytecode: only the interpreter may write `__pycache__`."""

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Yield every file outside `__pycache__`. Raises ValueError for a name that is unsafe."""
        left_out = _list_left_out(self)
        for element in super().get_contents():
            path = element[0][0]
            _check_member(path, self.data_dir)
            if path not in left_out and "__pycache__" not in path.split("/")[:-1]:
                yield element


def _list_left_out(source: WheelFile) -> frozenset[str]:
    return frozenset(f"{source.dist_info_dir}/{name}" for name in _OF_INSTALLERS)


def _check_member(path: str, data_dir: str) -> None:
    """Raise ValueError unless `path` is the one plain spelling of a place in the wheel."""
    if path.startswith(("/", "../")) or path in ("..", ".") or path != posixpath.normpath(path):
        raise ValueError(f"{path!r} leads out of the wheel")
    if any(ord(letter) < ord(" ") or letter in "\x7f\\" for letter in path):
        raise ValueError(f"{path!r} has a character that no name may have")
    if path == data_dir:
        raise ValueError(f"{path!r} is no directory")


class _EntryDestination(WheelDestination):
    """Write the parts of a wheel where an entry has them, checking each against RECORD."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.libraries: list[str] = []
        self.size = 0
        self.files = 0
        self._made: set[Path] = {root}
        self._expected: dict[str, tuple[str, str]] = {}

    def expect(self, source: WheelFile) -> None:
        """Take the hashes of the wheel's RECORD, by the place each file will have here."""
        prefix, left_out = source.data_dir + "/", _list_left_out(source)
        for path, digest, size in parse_record_file(source.read_dist_info("RECORD").splitlines()):
            place = path
            if path in left_out:
                continue
            if path.startswith(prefix):
                scheme, _, rest = path[len(prefix) :].partition("/")
                place = rest if scheme in _ROOTS else f"{DATA}/{scheme}/{rest}"
            self._expected[place] = (digest, size)

    def write_script(
        self, name: str, module: str, attr: str, section: ScriptSection
    ) -> RecordEntry:
        """Entry points become scripts in an environment, not in an entry."""
        return RecordEntry(f"../../../bin/{name}", None, None)

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001 -- installer calls it so
    ) -> RecordEntry:
        """Write one file, read-only. Raises ValueError where it contradicts RECORD."""
        place = os.fspath(path)
        if scheme not in _ROOTS:
            place = f"{DATA}/{scheme}/{place}"
        parts = PurePosixPath(place).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise ValueError(f"{place!r} leads out of the wheel")
        if scheme in _ROOTS and parts[0] in (DATA, FACTS_FILE):
            raise ValueError(f"{place!r} has a name that only pyx may use")
        target = self.root.joinpath(*parts)
        with self._create(place, target) as file:
            digest, size = copyfileobj_with_hashing(stream, file, "sha256")
        os.chmod(target, 0o555 if is_executable else 0o444)
        self._check(place, target, digest, size)
        self.size += size
        self.files += 1
        if target.suffix == ".so" or ".so." in target.name:
            self.libraries.append(place)
        return RecordEntry(place, Hash("sha256", digest), size)

    def _make_directory(self, directory: Path) -> None:
        """Make a directory that everybody may read, as the files are, whatever the umask is."""
        if directory not in self._made:
            self._make_directory(directory.parent)
            directory.mkdir(exist_ok=True)
            directory.chmod(0o755)
            self._made.add(directory)

    @contextlib.contextmanager
    def _create(self, place: str, target: Path) -> Iterator[BinaryIO]:
        """Open a new file. Raises ValueError where the wheel has something there already."""
        try:
            self._make_directory(target.parent)
            file = open(target, "xb")  # noqa: SIM115 -- it is closed below.
        except OSError as error:
            if error.errno not in _FAULTS_OF_NAMES:
                raise
            shown = place if len(place) < 80 else f"{place[:80]}…"
            raise ValueError(f"{shown!r}: {error.strerror}") from error
        with file:
            yield file

    def _check(self, place: str, target: Path, digest: str, size: int) -> None:
        expected, expected_size = self._expected.get(place, ("", ""))
        if not expected:
            return
        kind, _, value = expected.partition("=")
        if kind.startswith("shake"):
            raise ValueError(f"RECORD has a hash without a length for {place}")
        if kind != "sha256":
            with open(target, "rb") as file, open(os.devnull, "wb") as nowhere:
                digest, size = copyfileobj_with_hashing(file, nowhere, kind)
        if digest != value.rstrip("=") or (expected_size and int(expected_size) != size):
            raise ValueError(f"{place} is not what RECORD says")

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Write RECORD, with the places the files have in the entry."""
        with construct_record_file(list(records)) as stream:
            target = self.root / record_file_path
            with self._create(record_file_path, target) as file:
                file.write(stream.read())
            os.chmod(target, 0o444)


def _gather_facts(target: Path, destination: _EntryDestination) -> dict[str, object]:
    tops: dict[str, str] = {}
    pth: dict[str, list[str]] = {}
    with os.scandir(target) as found:
        for item in sorted(found, key=lambda item: item.name):
            if item.name == DATA:
                continue
            tops[item.name] = _classify(item)
            if item.name.endswith(".pth") and item.is_file():
                text = Path(item.path).read_text(encoding="utf-8-sig", errors="surrogateescape")
                pth[item.name] = text.splitlines()
    data: dict[str, list[str]] = {}
    for directory in sorted((target / DATA).glob("*")):
        data[directory.name] = sorted(os.listdir(directory))
    return {
        "tops": tops,
        "pth": pth,
        "data": data,
        "leaves": any(_leaves(target, place, tops) for place in destination.libraries),
        "size": destination.size,
        "files": destination.files,
    }


def _classify(item: os.DirEntry[str]) -> str:
    if not item.is_dir():
        return "file"
    with os.scandir(item.path) as below:
        regular = any(child.name.split(".")[0] == "__init__" for child in below)
    return "package" if regular else "namespace"


def _leaves(target: Path, place: str, tops: Mapping[str, str]) -> bool:
    with open(target / place, "rb") as file:
        return leaves_entry(place, tops, file)

"""One wheel becomes one entry: what is in it, what is known of it, and which wheels are refused."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
import sys
import warnings
import zipfile
from collections import Counter
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

import pytest
from elffiles import DT_RUNPATH, make_elf
from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from installer.utils import SCHEME_NAMES
from wheelhouse import make_wheel, sha256
from workshop import unpack

from pyx_launcher.errors import RefusedError, StoreError
from pyx_launcher.store import wheel as wheel_module
from pyx_launcher.store.entry import read_entry
from pyx_launcher.store.unpack import unpack_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import FrameType

INFO = "pack-1.0.dist-info"

MOST_CALLS = 110
"""Of functions, for each file of a wheel; by `installer` alone they were 180."""


def refuse(store: Path, wheel: Path) -> str:
    """Return why `wheel` is refused, after a look that the store has nothing of it."""
    with pytest.raises(RefusedError) as caught:
        unpack(store, wheel)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    left = [path for path in store.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []
    return str(caught.value)


def make_archive(
    directory: Path,
    members: Sequence[tuple[str | zipfile.ZipInfo, bytes]],
    *,
    filename: str = "pack-1.0-py3-none-any.whl",
    record: bytes | None = None,
) -> Path:
    """Write a wheel with exactly `members`, in their order, and a RECORD that is true of them."""
    lines = []
    info = [
        (f"{INFO}/METADATA", b"Metadata-Version: 2.1\nName: pack\nVersion: 1.0\n"),
        (f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"),
    ]
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)
        for member, content in [*members, *info]:
            archive.writestr(member, content)
            name = member.filename if isinstance(member, zipfile.ZipInfo) else member
            lines.append(f'"{name}",sha256={_digest(content)},{len(content)}')
        listed = "\n".join([*lines, f"{INFO}/RECORD,,"]).encode() if record is None else record
        archive.writestr(f"{INFO}/RECORD", listed)
    path = directory / filename
    path.write_bytes(stream.getvalue())
    return path


def _digest(content: bytes, kind: str = "sha256") -> str:
    digest = hashlib.new(kind, content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Name a store that does not exist yet."""
    return tmp_path / "store"


def test_an_entry_has_the_files_and_the_facts(wheels: Path, store: Path) -> None:
    """Both library schemes lie at its root, the others below `.data`, and the facts tell of all."""
    wheel = make_wheel(
        wheels,
        "pack",
        "1.0",
        files={"pack/__init__.py": "x = 1\n", "space/part.py": "", "single.py": ""},
        data={
            "purelib/pure/__init__.py": "",
            "platlib/plat/__init__.py": "",
            "scripts/tool": "#!python\n",
            "data/share/man/x.1": "man",
            "headers/pack.h": "",
        },
        entry_points={"run": "pack:main.inner"},
        gui_scripts={"show": "pack.gui:main"},
    )
    entry = unpack(store, wheel)
    assert (entry.path / "pure" / "__init__.py").is_file()
    assert (entry.path / "plat" / "__init__.py").is_file()
    assert (entry.path / ".data" / "data" / "share" / "man" / "x.1").read_text() == "man"
    assert entry.facts.tops == {
        "pack": "package",
        INFO: "namespace",
        "plat": "package",
        "pure": "package",
        "single.py": "file",
        "space": "namespace",
    }
    assert entry.facts.scripts == {"run": "pack:main.inner", "show": "pack.gui:main"}
    assert entry.facts.data == {"data": ["share"], "headers": ["pack.h"], "scripts": ["tool"]}
    assert entry.facts.hashes == {"sha256": sha256(wheel)}
    assert entry.facts.outward == []
    assert read_entry(entry.path) == entry


def test_sources_are_read_only_and_all_else_is_as_in_the_wheel(wheels: Path, store: Path) -> None:
    """A module is not edited by accident; what programs copy gives copies that can be edited."""
    modules = ["a.py", "pack/__init__.py", "pack/sub/__init__.py", "pack/sub/m.py", "ns/deep/m.py"]
    modules += ["ns/pack/__init__.py", "ns/pack/m.py"]
    others = ["b", "pack/data.json", "pack/templates/env.py", "pack/templates/m/__init__.py"]
    others += ["pack/templates/manage.py-tpl", "pack/templates/m/settings.py"]
    files = dict.fromkeys([*modules, *others], "")
    executable = ["b", "pack/sub/m.py"]
    data = {"scripts/tool.py": "#!/bin/sh\n", "purelib/more/__init__.py": ""}
    wheel = make_wheel(wheels, "pack", "1.0", files=files, data=data, executable=executable)
    entry = unpack(store, wheel)
    modes = {
        path.relative_to(entry.path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in entry.path.rglob("*")
        if path.is_file()
    }
    assert {place: modes.pop(place) for place in ("b", "pack/sub/m.py")} == {
        "b": 0o755,
        "pack/sub/m.py": 0o555,
    }
    read_only = {place for place, mode in modes.items() if mode == 0o444}
    assert read_only == {*modules, "more/__init__.py", ".entry.json"} - {"pack/sub/m.py"}
    assert {mode for place, mode in modes.items() if place not in read_only} == {0o644}
    assert stat.S_IMODE(entry.path.stat().st_mode) == 0o755


def test_its_record_lists_the_files_where_they_are(wheels: Path, store: Path) -> None:
    """Whoever reads RECORD, as importlib.metadata does, finds each file with its hash."""
    entry = unpack(store, make_wheel(wheels, "pack", "1.0", data={"purelib/pure.py": "1"}))
    lines = (entry.path / INFO / "RECORD").read_text().splitlines()
    listed = dict(line.split(",", 1) for line in lines)
    assert listed["pure.py"] == f"sha256={_digest(b'1')},1"
    assert listed[f"{INFO}/INSTALLER"].startswith("sha256=")
    assert all((entry.path / name).is_file() for name in listed)


def test_bytecode_in_a_wheel_stays_out(wheels: Path, store: Path) -> None:
    """Only the interpreter writes `__pycache__`: what a wheel ships could be of other sources."""
    files = {"pack/__init__.py": "", "pack/__pycache__/__init__.cpython-311.pyc": "evil"}
    entry = unpack(store, make_wheel(wheels, "pack", "1.0", files=files))
    assert [p.name for p in (entry.path / "pack").iterdir()] == ["__init__.py"]


@pytest.mark.parametrize("name", ["INSTALLER", "REQUESTED", "direct_url.json"])
def test_what_only_installers_write_is_not_taken_from_a_wheel(
    wheels: Path, store: Path, name: str
) -> None:
    """A wheel made from an installed tree may have such a file, and it may not speak for pyx."""
    wheel = make_wheel(wheels, "pack", "1.0", members={f"{INFO}/{name}": "somebody else"})
    entry = unpack(store, wheel)
    assert (entry.path / INFO / "INSTALLER").read_text() == "pyx\n"
    assert "somebody else" not in [p.read_text() for p in (entry.path / INFO).iterdir()]


def test_pth_files_are_read_as_lines(wheels: Path, store: Path) -> None:
    """Only those at the top count; a byte order mark and undecodable bytes do no harm."""
    files: dict[str, str | bytes] = {
        "a.pth": b"\xef\xbb\xbfimport os\r\n# comment\n\nplace\xff",
        "pack/b.pth": "import sys\n",
    }
    facts = unpack(store, make_wheel(wheels, "pack", "1.0", files=files)).facts
    assert facts.pth == {"a.pth": ["import os", "# comment", "", "place\udcff"]}


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("x/__init__.py", "package"),
        ("x/__init__.cpython-311-x86_64-linux-gnu.so", "package"),
        ("x/__init__.pyc", "package"),
        ("x/y/__init__.py", "namespace"),
        ("x/init.py", "namespace"),
    ],
)
def test_directories_are_packages_or_namespaces(
    wheels: Path, store: Path, file: str, kind: str
) -> None:
    """A directory is a regular package only if an `__init__` of any kind lies right in it."""
    assert (
        unpack(store, make_wheel(wheels, "pack", "1.0", files={file: ""})).facts.tops["x"] == kind
    )


@pytest.mark.parametrize(
    "name",
    [
        "/etc/evil",
        "../evil.py",
        "../../../../evil.py",
        "..",
        "pack/../../evil.py",
        "pack/../evil.py",
        "./evil.py",
        "pack//evil.py",
        "pack/./evil.py",
        "pack\\..\\evil.py",
        "C:\\evil.py",
        "evil\x1b[2J.py",
        "evil\x7f",
        "tab\tname",
        "pack-1.0.data",
        "pack-1.0.data/evil",
        "pack-1.0.data/../evil.py",
        "pack-1.0.data/unknown/evil.py",
        "./pack-1.0.data/purelib/evil.py",
        "pack-1.0.data/purelib/../../evil.py",
        "pack-1.0.data/purelib//etc/evil",
        "pack-1.0.data/scripts/../../../evil",
        "pack-1.0.data/purelib/.entry.json",
        "pack-1.0.data/platlib/.data/scripts/evil",
        f"pack-1.0.data/purelib/{INFO}/METADATA",
        f"pack-1.0.data/purelib/{INFO}/RECORD",
        ".entry.json",
        ".data/scripts/evil",
        ".data",
        "x" * 300,
        "/".join(["deep" * 20] * 60),
    ],
)
def test_a_name_that_is_not_a_plain_place_is_refused(
    tmp_path: Path, wheels: Path, store: Path, name: str
) -> None:
    """Nothing is written outside the entry or where pyx has files of its own."""
    message = refuse(store, make_archive(wheels, [("pack/__init__.py", b""), (name, b"evil")]))
    assert "pack-1.0-py3-none-any.whl is not a sound wheel: " in message
    assert message.isprintable()
    assert list(tmp_path.rglob("*evil*")) == []


@pytest.mark.parametrize(
    "names",
    [
        ("a.py", "a.py"),
        ("a.py", "pack-1.0.data/purelib/a.py"),
        ("pack-1.0.data/purelib/a.py", "pack-1.0.data/platlib/a.py"),
        ("a", "a/b.py"),
        ("a/b.py", "a"),
    ],
)
def test_two_files_in_one_place_are_refused(
    wheels: Path, store: Path, names: tuple[str, str]
) -> None:
    """Which of two is meant would be a guess; the user is told of the wheel, not of the disk."""
    refuse(store, make_archive(wheels, [(name, b"x") for name in names]))


def test_names_that_differ_in_case_are_two_files(wheels: Path, store: Path) -> None:
    """On a file system that tells them apart, both are there."""
    entry = unpack(store, make_archive(wheels, [("A.py", b"1"), ("a.py", b"2")]))
    if (entry.path / "B.py").exists():
        pytest.skip("the file system does not tell them apart")
    assert [(entry.path / name).read_bytes() for name in ("A.py", "a.py")] == [b"1", b"2"]


def test_a_symlink_in_an_archive_becomes_a_file(wheels: Path, store: Path) -> None:
    """An entry has no links: what would be one is a file that holds the path."""
    link = zipfile.ZipInfo("pack/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    entry = unpack(store, make_archive(wheels, [(link, b"/etc/passwd")]))
    assert not (entry.path / "pack" / "link").is_symlink()
    assert (entry.path / "pack" / "link").read_bytes() == b"/etc/passwd"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_everybody_may_read_an_entry(wheels: Path, store: Path, umask: int) -> None:
    """Whatever the umask: a store may be another user's fallback; nobody may write its files."""
    library = make_wheel(wheels, "pack", "1.0", files={"pack/sub/a.py": ""})
    before = os.umask(0)
    try:
        # Only the files below the entry are of interest; the lock's place is made as usual.
        (store / "pack" / "1.0").mkdir(parents=True)
        os.umask(umask)
        contents = unpack_files(library, store / "pack" / "1.0" / "entry", {"NOTE": b"x"})
    finally:
        os.umask(before)
    assert contents.tops["pack"] == "namespace"
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in (store / "pack").rglob("*/*")}
    directories = {mode for path, mode in found.items() if path.is_dir()}
    assert directories == {0o755}
    assert {mode for path, mode in found.items() if path.is_file()} == {0o444, 0o644}


@pytest.mark.parametrize("kind", ["whole", "pieces"])
def test_a_large_member_is_checked_and_known_as_others_are(
    wheels: Path, store: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Its hash, its size and its search paths, though it never was in memory as a whole."""
    if kind == "pieces":
        monkeypatch.setattr(wheel_module, "AT_ONCE", 1 << 20)
    library = make_elf((DT_RUNPATH, "$ORIGIN/../../nvidia/lib")) + b"x" * (3 << 20)
    entry = unpack(store, make_wheel(wheels, "pack", "1.0", files={"pack/a.so": library}))
    assert entry.facts.outward == ["pack"]
    assert (entry.path / "pack" / "a.so").read_bytes() == library
    files: dict[str, str | bytes] = {"pack/a.so": library}
    wrong = make_wheel(wheels, "other", "1.0", files=files, wrong_hashes=["pack/a.so"])
    with pytest.raises(RefusedError, match="is not what RECORD says"):
        unpack(store, wrong)


def test_a_setuid_bit_is_not_kept(wheels: Path, store: Path) -> None:
    """A file becomes executable at most."""
    member = zipfile.ZipInfo("pack/root")
    member.external_attr = 0o106755 << 16
    entry = unpack(store, make_archive(wheels, [(member, b"")]))
    assert stat.S_IMODE((entry.path / "pack" / "root").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"wrong_hashes": ["pack/__init__.py"]}, "pack/__init__.py is not what RECORD says"),
        ({"unrecorded": ["pack/__init__.py"]}, "pack/__init__.py is not mentioned in RECORD"),
    ],
)
def test_a_record_that_lies_is_noticed(
    wheels: Path, store: Path, broken: dict[str, list[str]], said: str
) -> None:
    """Every file must be in RECORD with its own hash."""
    wheel = make_wheel(wheels, "pack", "1.0", **broken)  # type: ignore[arg-type]
    assert said in refuse(store, wheel)


def test_the_files_of_other_schemes_are_checked_too(wheels: Path, store: Path) -> None:
    """A script below `.data` is held against RECORD as a module is."""
    wheel = make_wheel(
        wheels,
        "pack",
        "1.0",
        data={"scripts/tool": "x"},
        wrong_hashes=["pack-1.0.data/scripts/tool"],
    )
    assert ".data/scripts/tool is not what RECORD says" in refuse(store, wheel)


@pytest.mark.parametrize(
    "line",
    [
        b"a.py,sha256=" + _digest(b"x").encode() + b",2",
        b"a.py,sha512=" + _digest(b"y", "sha512").encode() + b",1",
        b"a.py,sha256=,1",
        b"a.py,sha256,1",
        b"a.py,md17=abc,1",
        b"a.py,shake_128=abc,1",
        b"a.py,sha256=" + _digest(b"x").encode() + b",many",
        b"a.py,,",
        b"a.py,sha256=" + _digest(b"x").encode(),
        b"a.py",
        b"\xff\xfe",
        b'"a.py',
        b"",
    ],
)
def test_a_line_of_record_that_does_not_fit_is_refused(
    wheels: Path, store: Path, line: bytes
) -> None:
    """Wrong sizes, wrong or unknown kinds of hashes, missing fields: each is a refusal."""
    rest = [
        (f"{INFO}/METADATA", b"Metadata-Version: 2.1\nName: pack\nVersion: 1.0\n"),
        (f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"),
    ]
    listed = [f"{name},sha256={_digest(data)},{len(data)}".encode() for name, data in rest]
    record = b"\n".join([line, *listed, f"{INFO}/RECORD,,".encode()])
    refuse(store, make_archive(wheels, [("a.py", b"x")], record=record))


def test_a_stronger_hash_in_record_will_do(wheels: Path, store: Path) -> None:
    """RECORD may use sha512, and it is what is checked."""
    lines = [
        (name, f"{name},sha512={_digest(data, 'sha512')},{len(data)}")
        for name, data in (
            ("a.py", b"x"),
            (f"{INFO}/METADATA", b"Metadata-Version: 2.1\nName: pack\nVersion: 1.0\n"),
            (f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"),
        )
    ]
    record = "\n".join([*(line for _, line in lines), f"{INFO}/RECORD,,"]).encode()
    entry = unpack(store, make_archive(wheels, [("a.py", b"x")], record=record))
    assert (entry.path / "a.py").read_bytes() == b"x"


def rewrite(wheel: Path, *, drop: str = "", rename: tuple[str, str] = ("", "")) -> Path:
    """Write `wheel` again without the members that end in `drop`, with their names changed."""
    with zipfile.ZipFile(wheel) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in members:
            if not drop or not name.endswith(drop):
                archive.writestr(name.replace(*rename) if rename[0] else name, data)
    return wheel


@pytest.mark.parametrize("name", ["RECORD", "WHEEL", ".dist-info/METADATA"])
def test_a_wheel_needs_its_own_files(wheels: Path, store: Path, name: str) -> None:
    """Without RECORD or WHEEL nothing can be checked; METADATA is missed by its readers alone."""
    wheel = rewrite(make_wheel(wheels, "pack", "1.0"), drop=name)
    if name.endswith("METADATA"):
        assert unpack(store, wheel).facts.name == "pack"
    else:
        refuse(store, wheel)


def test_a_wheel_has_exactly_one_dist_info_of_its_name(wheels: Path, store: Path) -> None:
    """None, two, or one of another distribution: each is refused."""
    none = rewrite(make_wheel(wheels, "pack", "1.0"), rename=(".dist-info", ".info"))
    assert "exactly one .dist-info" in refuse(store, none)
    members = {"other-1.0.dist-info/METADATA": "Name: other\n"}
    assert "exactly one .dist-info" in refuse(
        store, make_wheel(wheels, "pack", "1.0", members=members)
    )
    other = rewrite(make_wheel(wheels, "pack", "1.0"), rename=("pack-1.0.dist", "other-1.0.dist"))
    assert "doesn't match" in refuse(store, other)


@pytest.mark.parametrize("version", ["2.0", "", "one"])
def test_a_wheel_of_another_format_is_refused(wheels: Path, store: Path, version: str) -> None:
    """Only the first major version of the format is known."""
    wheel = make_wheel(wheels, "pack", "1.0")
    with zipfile.ZipFile(wheel) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    text = f"Wheel-Version: {version}\nRoot-Is-Purelib: true\n".encode()
    record = members[f"{INFO}/RECORD"].decode().splitlines()
    record = [line for line in record if "/WHEEL" not in line]
    record.append(f"{INFO}/WHEEL,sha256={_digest(text)},{len(text)}")
    members |= {f"{INFO}/WHEEL": text, f"{INFO}/RECORD": "\n".join(record).encode()}
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert "Wheel-Version" in refuse(store, wheel)


@pytest.mark.parametrize(
    "text",
    [
        "[console_scripts]\nrun = not a function\n",
        "[console_scripts]\nrun = pack\n",
        "[console_scripts]\nrun = pack:main()\n",
        "[console_scripts]\nrun = pack:main; import os\n",
        "[console_scripts]\nrun = pack:main\n  import os\n",
        '[console_scripts]\nrun = pack:main"\n',
        "[console_scripts]\nrun = os, sys:exit\n",
        "[console_scripts]\nrun =\n",
        "[console_scripts]\nrun\n",
        "[console_scripts]\nrun = a:b\nrun = c:d\n",
        "run = pack:main\n",
        "[console_scripts\n",
        b"[console_scripts]\nrun = \xff:main\n",
        "[console_scripts]\nrun = %(x)s:main\n",
    ],
)
def test_entry_points_that_are_no_functions_are_refused(
    wheels: Path, store: Path, text: str | bytes
) -> None:
    """A generated script gets a module and a dotted name, and nothing can hide there."""
    content = text.encode() if isinstance(text, str) else text
    refuse(store, make_archive(wheels, [(f"{INFO}/entry_points.txt", content)]))


def test_entry_points_of_other_groups_are_not_read(wheels: Path, store: Path) -> None:
    """Plugins name objects as they like."""
    text = b"[plugins]\nx = pack\ny = anything [extra]\n\n[console_scripts]\nrun = a.b:c.d [e]\n"
    entry = unpack(store, make_archive(wheels, [(f"{INFO}/entry_points.txt", text)]))
    assert entry.facts.scripts == {"run": "a.b:c.d"}


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "garbled", "encrypted", "unknown"])
def test_a_damaged_archive_is_refused(wheels: Path, store: Path, damage: str) -> None:
    """Whatever the archive's fault, it is one line and no traceback."""
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack.py": "x = 1\n" * 500})
    data = bytearray(wheel.read_bytes())
    at = data.index(b"pack.py") + len("pack.py")
    central = data.rindex(b"PK\x01\x02", 0, data.rindex(b"pack.py"))
    if damage == "encrypted":
        data[6] |= 1
        data[central + 8] |= 1
    elif damage == "unknown":
        data[8] = data[central + 10] = 99
    elif damage == "garbled":
        data[at : at + 20] = b"\xff" * 20
    content = {"empty": b"", "text": b"not found", "cut": bytes(data[:-40])}
    wheel.write_bytes(content.get(damage, bytes(data)))
    refuse(store, wheel)


def test_a_wheel_of_many_files_is_unpacked_whole(wheels: Path, store: Path) -> None:
    """Thousands of files at the top are thousands of names in the facts."""
    files = {f"module{number}.py": "" for number in range(2000)}
    entry = unpack(store, make_wheel(wheels, "pack", "1.0", files=files))
    assert len(entry.facts.tops) == 2001
    assert read_entry(entry.path) == entry


def test_a_library_that_looks_elsewhere_is_noted(wheels: Path, store: Path) -> None:
    """Where a library leaves the entry is known from unpacking on, wherever its scheme put it."""
    library = make_elf((DT_RUNPATH, "$ORIGIN/../../nvidia/lib"))
    stays = make_elf((DT_RUNPATH, "$ORIGIN/../pack.libs"))
    files: dict[str, str | bytes] = {"pack/b.so": stays, "pack.libs/c.so": ""}
    more: dict[str, str | bytes] = {"pack/lib/a.so.1": library}
    both = make_wheel(wheels, "pack", "1.0", files=files | more, data={"data/lib/d.so": library})
    assert unpack(store, both).facts.outward == [".data/data/lib", "pack/lib"]
    files["pack/c.so"] = b"\x7fELF"
    assert unpack(store, make_wheel(wheels, "other", "1.0", files=files)).facts.outward == []


def test_a_store_that_cannot_be_written_is_said(wheels: Path, tmp_path: Path) -> None:
    """A fault of the disk is not blamed on the wheel."""
    wheel = make_wheel(wheels, "pack", "1.0")
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreError, match=r"cannot write .*/store"):
        unpack(tmp_path / "store", wheel)


def test_an_entry_answers_to_importlib_metadata(wheels: Path, store: Path) -> None:
    """The standard library finds name, version and entry points in it."""
    entry = unpack(store, make_wheel(wheels, "pack", "1.0", entry_points={"run": "pack:main"}))
    (found,) = Distribution.discover(path=[str(entry.path)])
    assert (found.metadata["Name"], found.version) == ("pack", "1.0")
    assert [point.value for point in found.entry_points] == ["pack:main"]
    listed = [file for file in found.files or () if ".." not in file.parts]
    assert len(listed) == 6
    assert all(file.locate().exists() for file in listed)
    assert str(entry.path) not in sys.path


def test_a_wheel_becomes_what_installer_makes_of_it(
    tmp_path: Path, wheels: Path, store: Path
) -> None:
    """The same files with the same content, and the same rows of RECORD for the library's files."""
    wheel = make_wheel(
        wheels,
        "pack",
        "1.0",
        files={
            "pack/__init__.py": "x = 1\n",
            "pack/bytes": bytes(range(256)) * 300,
            "pack/a, b.txt": "quoted",
            'pack/"c".txt': "",
            "pack/d\u00e9.txt": "e",
            "pack/.hidden/.x": "h",
            "pack-1.0.data.py": "beside",
        },
        data={"purelib/pure.py": "p", "platlib/plat.py": "q"},
        executable=["pack/bytes"],
    )
    places = {scheme: str(tmp_path / "installed") for scheme in SCHEME_NAMES}
    destination = SchemeDictionaryDestination(places, sys.executable, "posix")
    with WheelFile.open(wheel) as source:
        install(source, destination, {"INSTALLER": b"pyx\n"})
    entry = unpack(store, wheel)

    def read(root: Path) -> dict[str, tuple[bytes, bool]]:
        return {
            path.relative_to(root).as_posix(): (path.read_bytes(), os.access(path, os.X_OK))
            for path in root.rglob("*")
            if path.is_file() and path.name != ".entry.json"
        }

    made, expected = read(entry.path), read(tmp_path / "installed")
    # Where both places are one, installer names the other by a way from here to here.
    record, mode = expected[f"{INFO}/RECORD"]
    expected[f"{INFO}/RECORD"] = record.replace(b"\n./", b"\n"), mode
    assert made == expected
    assert len(made) == 13


def count_calls(wheel: Path, target: Path) -> Counter[str]:
    """Return what is called while `wheel` is unpacked, and how often."""
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "c_call":
            calls[getattr(argument, "__qualname__", "")] += 1
        elif event == "call":
            calls[frame.f_code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        unpack_files(wheel, target, {})
    finally:
        sys.setprofile(before)
    return calls


def test_a_further_file_costs_a_few_calls(tmp_path: Path, wheels: Path) -> None:
    """One each to open, read, write and close it, and no more of all than there are now."""
    # The first imports what it needs.
    _, few, many = (
        count_calls(
            make_wheel(
                wheels, f"pack{count}", "1.0", files={f"p/m{n}.py": "x" for n in range(count)}
            ),
            tmp_path / str(count),
        )
        for count in (1, 100, 300)
    )
    each = {name: round((many[name] - few[name]) / 200, 1) for name in many}
    once = dict.fromkeys(("open", "pread", "write", "close"), 1)
    never = dict.fromkeys(("stat", "lstat", "fstat", "mkdir", "chmod"), 0)
    assert {name: each.get(name, 0) for name in once | never} == once | never
    assert sum(each.values()) <= MOST_CALLS

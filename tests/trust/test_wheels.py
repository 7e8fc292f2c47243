"""Wheels made to do harm are refused whole; what a wheel may hold in any way does none."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from trust.archives import INFO, METADATA, WHEEL, Member, digest_of, wheel_of
from trust.scene import Case

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trust.scene import Scene

TICK = ("tick/__init__.py", b"")
SMALL = {"PYX_MAX_UNPACKED": "1M"}


def of_members(*names: str) -> Callable[[Scene], None]:
    """Build a wheel that has these files besides an ordinary one, each of them harmful code."""

    def build(scene: Scene) -> None:
        harm = scene.python_harm.encode()
        scene.lock(wheel_of(scene.wheels, TICK, *((name, harm) for name in names)))

    return build


def of_record(change: Callable[[list[str]], list[str]]) -> Callable[[Scene], None]:
    """Build a wheel whose RECORD was changed."""
    return lambda scene: scene.lock(wheel_of(scene.wheels, TICK, record=change))


def of_metadata(metadata: bytes, **options: str) -> Callable[[Scene], None]:
    """Build a wheel with this METADATA."""
    return lambda scene: scene.lock(wheel_of(scene.wheels, TICK, metadata=metadata, **options))  # type: ignore[arg-type]


def of_zeros(size: int) -> Callable[[Scene], None]:
    """Build a wheel with a file of so many zeros."""
    return lambda scene: scene.lock(wheel_of(scene.wheels, TICK, ("tick/zeros", bytes(size))))


def of_scripts(text: str) -> Callable[[Scene], None]:
    """Build a wheel with these entry points."""
    points = (f"{INFO}/entry_points.txt", text.encode())
    return lambda scene: scene.lock(wheel_of(scene.wheels, TICK, points))


def many_files(scene: Scene) -> None:
    """Build a wheel of many files."""
    scene.lock(wheel_of(scene.wheels, *((f"tick/{n}", b"") for n in range(200))))


def overlapping(scene: Scene) -> None:
    """Build a wheel most of whose members are the same bytes, as the densest bombs are."""
    wheel = wheel_of(scene.wheels, *((f"tick/{n:03}", bytes(1 << 20)) for n in range(100)))
    data = wheel.read_bytes()
    at = data.index(b"PK\x01\x02")
    found, first = bytearray(data), None
    while data[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack_from("<3H", data, at + 28)
        if data[at + 46 :].startswith(b"tick/"):
            first = data[at + 42 : at + 46] if first is None else first
            found[at + 42 : at + 46] = first
        at += 46 + name + extra + comment
    wheel.write_bytes(found)
    scene.lock(wheel)


def far_away(scene: Scene) -> None:
    """Build a wheel with a file that begins where no file can have a byte."""
    wheel = wheel_of(scene.wheels, TICK)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.filelist[0].header_offset = 1 << 63
        # The directory of the archive is written anew.
        archive.comment = b"far"
    scene.lock(wheel)


def long_record(scene: Scene) -> None:
    """Build a wheel whose RECORD alone fills the memory."""
    scene.lock(wheel_of(scene.wheels, TICK, record=lambda lines: [*lines, "x" * (100 << 20)]))


def promised_small(scene: Scene) -> None:
    """Build a wheel whose directory says that a large file is small."""
    wheel = wheel_of(scene.wheels, TICK, ("tick/zeros", bytes(8 << 20)))
    data = bytearray(wheel.read_bytes())
    at = data.rindex(b"tick/zeros")
    data[at - 46 + 24 : at - 46 + 28] = struct.pack("<I", 10)
    wheel.write_bytes(data)
    scene.lock(wheel)


def other_file(scene: Scene) -> None:
    """Lock a wheel of another distribution under the name of this one."""
    wheel = wheel_of(scene.wheels, TICK, name="other-1.0-py3-none-any.whl")
    scene.lock(wheel)
    text = (scene.project / "pylock.toml").read_text()
    scene.write_lock(text.replace('name = "other"', 'name = "tick"'))


def other_version(scene: Scene) -> None:
    """Lock a wheel of another version under the number of this one."""
    wheel = wheel_of(scene.wheels, TICK, name="tick-2.0-py3-none-any.whl", info=INFO)
    scene.lock(wheel)
    text = (scene.project / "pylock.toml").read_text()
    scene.write_lock(text.replace('version = "2.0"', 'version = "1.0"'))


def of_method(scene: Scene) -> None:
    """Build a wheel whose RECORD is compressed in a way whose memory cannot be bounded."""
    names = [os.urandom(30).hex() for _ in range(800)]
    record = [*(f"{name},,1" for name in names)]
    scene.lock(
        wheel_of(
            scene.wheels, TICK, record=lambda lines: [*lines, *record], method=zipfile.ZIP_BZIP2
        )
    )


def of_small_size(scene: Scene) -> None:
    """Build a wheel with a compressed file that is said to be small."""
    wheel = wheel_of(scene.wheels, TICK, ("tick/a", b"x" * (8 << 20)), method=zipfile.ZIP_BZIP2)
    data = bytearray(wheel.read_bytes())
    at = data.rindex(b"tick/a")
    data[at - 46 + 24 : at - 46 + 28] = struct.pack("<I", 10)
    wheel.write_bytes(data)
    scene.lock(wheel)


def nested(scene: Scene) -> None:
    """Build a wheel that is no zip file but a compressed one."""
    path = scene.wheels / WHEEL
    path.write_bytes(lzma.compress(wheel_of(scene.wheels, TICK).read_bytes()))
    scene.lock(path)


UNSOUND = "tick-1.0-py3-none-any.whl is not a sound wheel: "
PLACES = {
    "an absolute path": "/etc/evil.pth",
    "a path that climbs": "../../../../../evil.pth",
    "a path that climbs from within": "tick/../../../evil.pth",
    "a script that climbs": "tick-1.0.data/scripts/../../../../bin/evil",
    "data that climb": "tick-1.0.data/data/../../../evil",
    "headers that climb": "tick-1.0.data/headers/../../evil.h",
    "data with an absolute path": "tick-1.0.data/data//etc/evil",
    "a scheme that is none": "tick-1.0.data/stdlib/os.py",
    "data that climb into another entry": "tick-1.0.data/purelib/../../other/1.0/x.py",
    "a file of pyx's": ".entry.json",
    "a file of pyx's by another scheme": "tick-1.0.data/platlib/.entry.json",
    "a directory of pyx's": ".data/scripts/evil",
    "a Windows path": "C:\\Windows\\evil.py",
    "a name that clears the terminal": "tick/\x1b[2Jevil.py",
    "a name that ends a line": "tick/a\nb.py",
    "a name that a terminal obeys in eight bits": "tick/\x9b2Jevil.py",
    "a name that is shown backwards": "tick/\u202eyp.live",
    "the same file twice": "tick/__init__.py",
    "the same file by another scheme": "tick-1.0.data/purelib/tick/__init__.py",
    "a file where a directory is": "tick",
    "a file below a file": "tick/__init__.py/evil.py",
    "a second dist-info": "evil-1.0.dist-info/METADATA",
    "a scheme of modules that is a file": "tick-1.0.data/purelib",
    "a scheme of data that is a file": "tick-1.0.data/data",
    "its RECORD once more": f"tick-1.0.data/purelib/{INFO}/RECORD",
    "a name beyond any length": "tick/" + "x" * 300,
}

CASES = [
    *(Case(name=n, build=of_members(p), says=UNSOUND) for n, p in PLACES.items()),
    *(
        Case(name=f"{place} twice", build=of_members(place, place), says=UNSOUND)
        for place in (f"{INFO}/INSTALLER", f"{INFO}/direct_url.json", "tick/__pycache__/a.pyc")
    ),
    Case(name="a second RECORD", build=of_members(f"{INFO}/RECORD"), says=UNSOUND),
    Case(
        name="a signature that RECORD lists",
        build=of_members(f"{INFO}/RECORD.jws"),
        says="is incorrectly contained in RECORD",
    ),
    Case(name="an offset beyond all files", build=far_away, says=UNSOUND),
    Case(
        name="two spellings of one name in Unicode",
        build=of_members("tick/caf\u00e9.py", "tick/cafe\u0301.py"),
        says="are one name in another spelling",
    ),
    Case(
        name="a ligature that import takes for two letters",
        build=of_members("tick/file.py", "tick/\ufb01le.py", "tick/\uff46ile.py"),
        says="are one name in another spelling",
    ),
    Case(
        name="a plain name beside one in letters of full width",
        build=of_members("tick/a.py", "tick/\uff41.py"),
        says="are one name in another spelling",
    ),
    Case(
        name="such a name by another scheme",
        build=of_members("a.py", "tick-1.0.data/purelib/\uff41.py"),
        says="are one name in another spelling",
    ),
    Case(
        name="a plain directory beside one in letters of full width",
        build=of_members("tick/ab/c.py", "tick/\uff41b/d.py"),
        says="are one name in another spelling",
    ),
    Case(name="a ratio", build=of_zeros(200 << 20), says="more than 200 times its size"),
    Case(
        name="a ratio of one's own",
        build=of_zeros(100 << 20),
        says="more than 50 times its size",
        environ={"PYX_MAX_RATIO": "50"},
    ),
    Case(name="too many bytes", build=of_zeros(2 << 20), says="more than 1048576", environ=SMALL),
    Case(
        name="too many files",
        build=many_files,
        says="more than 100 files",
        environ={"PYX_MAX_FILES": "100"},
    ),
    Case(
        name="a limit that is not a number",
        build=many_files,
        says="PYX_MAX_FILES=many is not a number",
        environ={"PYX_MAX_FILES": "many"},
        status=64,
    ),
    Case(name="members that overlap", build=overlapping, says="times its size"),
    Case(name="a size that is a lie", build=promised_small, says=UNSOUND),
    Case(
        name="a METADATA of 100 MB",
        build=of_metadata(METADATA + b"\n" + b"x" * (100 << 20)),
        says="its METADATA has 104857",
        environ={"PYX_MAX_RATIO": "2000"},
    ),
    Case(
        name="a RECORD of 100 MB",
        build=long_record,
        says="its RECORD has 104857",
        environ={"PYX_MAX_RATIO": "2000"},
    ),
    Case(name="another compression", build=of_method, says="neither stored nor deflated"),
    Case(name="another compression of another size", build=of_small_size, says=UNSOUND),
    Case(name="a compressed archive", build=nested, says=UNSOUND),
    Case(
        name="a hash in RECORD that is another",
        build=of_record(lambda lines: [f"tick/__init__.py,{digest_of(b'x')},0", *lines[1:]]),
        says="tick/__init__.py is not what RECORD says",
    ),
    Case(
        name="a size in RECORD that is another",
        build=of_record(lambda lines: [f"tick/__init__.py,{digest_of(b'')},7", *lines[1:]]),
        says="tick/__init__.py is not what RECORD says",
    ),
    Case(
        name="a RECORD that lacks a file",
        build=of_record(lambda lines: lines[1:]),
        says="tick/__init__.py is not mentioned in RECORD",
    ),
    Case(
        name="a RECORD without a hash",
        build=of_record(lambda lines: ["tick/__init__.py,,", *lines[1:]]),
        says="hash / size of tick/__init__.py is not included in RECORD",
    ),
    Case(
        name="a RECORD that ends the line for another",
        build=of_record(lambda lines: ["x\x1b]0;evil\x07,,,,", *lines[1:]]),
        says=UNSOUND,
    ),
    Case(
        name="a file of another name",
        build=other_file,
        says="is not consistent with package name 'tick'",
        status=65,
    ),
    Case(
        name="a file of another version",
        build=other_version,
        says="is not consistent with package version",
        status=65,
    ),
    Case(
        name="a METADATA of another name",
        build=of_metadata(METADATA.replace(b"tick", b"numpy")),
        says="its METADATA has the name 'numpy'",
    ),
    Case(
        name="a METADATA of another version",
        build=of_metadata(METADATA.replace(b"1.0", b"99.0")),
        says="its METADATA has the version '99.0'",
    ),
    Case(
        name="a METADATA without a name",
        build=of_metadata(b"Metadata-Version: 2.1\n\nName: tick\nVersion: 1.0\n"),
        says="its METADATA has the name",
    ),
    Case(
        name="a dist-info of another name",
        build=of_metadata(METADATA, info="numpy-1.0.dist-info"),
        says=UNSOUND,
    ),
    Case(
        name="a script whose function is code",
        build=of_scripts("[console_scripts]\nrun = os:system('id')\n"),
        says=UNSOUND,
    ),
    Case(
        name="a script whose module is code",
        build=of_scripts("[console_scripts]\nrun = os;import evil:main\n"),
        says=UNSOUND,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_wheel_is_refused(scene: Scene, case: Case) -> None:
    """One line says what is wrong; nothing is executed, and nothing is left anywhere."""
    scene.refuse(case)


def find_environment(scene: Scene) -> Path:
    """Return the one environment that was made."""
    (environment,) = (scene.home / "environments").iterdir()
    return environment


def take(scene: Scene, *members: Member) -> Path:
    """Make a wheel with `members` ready, without running anything, and return its environment."""
    scene.lock(wheel_of(scene.wheels, TICK, *members))
    before = scene.list_tree()
    told = scene.sync()
    assert told.returncode == 0, told.stderr
    assert scene.list_tree() == before
    assert not scene.canary.exists()
    return find_environment(scene)


def is_pyx(scene: Scene, python: Path) -> bool:
    """Is this the native program, as in every environment?"""
    return not python.is_symlink() and python.read_bytes() == scene.pyx.path.read_bytes()


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    """Return a member with this mode."""
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    "mode",
    [stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o666, stat.S_IFIFO | 0o666, 0o106755],
    ids=["link", "device", "pipe", "setuid"],
)
def test_a_member_of_any_kind_is_a_file(scene: Scene, mode: int) -> None:
    """Links, devices, pipes and setuid bits of an archive come out as plain files, as from pip."""
    take(scene, (with_mode("tick/special", mode), b"/etc/passwd"))
    (found,) = scene.home.glob("store/tick/*/*/site-packages/tick/special")
    assert stat.S_ISREG(found.lstat().st_mode)
    assert stat.S_IMODE(found.stat().st_mode) in (0o644, 0o755)
    assert found.read_bytes() == b"/etc/passwd"


def test_names_of_devices_are_names(scene: Scene) -> None:
    """What Windows takes for a device is a file like any other here."""
    take(scene, *((f"tick/{name}", b"x") for name in ("CON", "NUL.py", "aux", "com1.txt")))
    (entry,) = scene.home.glob("store/tick/*/*/site-packages/tick")
    assert {path.name for path in entry.iterdir()} >= {"CON", "NUL.py", "aux", "com1.txt"}


def test_nothing_runs_before_the_program_does(scene: Scene) -> None:
    """A wheel may have code that every start runs; that `sync` is none of them."""
    harm = scene.python_harm.encode()
    take(
        scene,
        ("evil.pth", b"import evil\n"),
        ("evil.py", harm),
        ("sitecustomize.py", harm),
        ("usercustomize.py", harm),
        ("setup.py", harm),
        ("encodings/__init__.py", harm),
        ("tick/__pycache__/__init__.cpython-311.pyc", harm),
        (with_mode("tick-1.0.data/scripts/postinstall", 0o100755), b"#!/bin/sh\nid\n"),
    )


@pytest.mark.parametrize(
    "place",
    [
        "bin/python",
        "bin/python3",
        "pyvenv.cfg",
        "bootstrap.pyc",
        "launch",
        "environment.json",
    ],
)
def test_data_do_not_take_the_place_of_the_environments_own_files(scene: Scene, place: str) -> None:
    """What a wheel puts beside the interpreter, as data may lie anywhere, is left out there."""
    mode = 0o100755
    member = with_mode(f"tick-1.0.data/data/{place}", mode)
    environment = take(scene, (member, b"#!/bin/sh\necho harm\n"))
    assert b"harm" not in (environment / place).read_bytes()
    assert is_pyx(scene, environment / "bin" / "python")
    told = scene.pyx("-c", "import tick; print('ran')", cwd=scene.project)
    assert told.stdout == "ran\n", told.stderr


@pytest.mark.parametrize(
    "name",
    [
        "python",
        "python3",
        "python3.11",
        "..",
        ".",
        "../../evil",
        ".hidden",
        "-rf",
        "\x1b[2J",
        "a/b",
    ],
)
def test_scripts_get_no_name_that_does_harm(scene: Scene, name: str) -> None:
    """Neither the interpreter's, nor one that leads elsewhere, hides or looks like an option."""
    points = f"[console_scripts]\n{name} = tick:main\ngood = tick:main\n"
    scene.lock(wheel_of(scene.wheels, TICK, (f"{INFO}/entry_points.txt", points.encode())))
    before = scene.list_tree()
    told = scene.sync()
    assert scene.list_tree() == before
    if told.returncode:
        assert told.stderr.startswith(f"pyx: {UNSOUND}")
        return
    scripts = {path.name for path in (find_environment(scene) / "bin").iterdir()}
    versions = {script for script in scripts if script.startswith("python3.")}
    assert scripts - versions == {"good", "python", "python3", "pip", "pip3"}
    assert is_pyx(scene, find_environment(scene) / "bin" / "python")

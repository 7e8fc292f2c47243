"""The reader of pylock.toml: what a lock means, and what is said about a broken one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lockcases import environment, find_cases, read_expected, select
from packaging.specifiers import SpecifierSet
from targets import make_interpreter

from pyx_launcher import selection
from pyx_launcher.errors import LockError, StoreError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.pylock import read_pylock, to_pylock
from pyx_launcher.locks.reader import FILE_NAMES, read_lock
from pyx_launcher.start.plan import describe_faults

if TYPE_CHECKING:
    from pathlib import Path

SOUND = """\
lock-version = "1.0"
created-by = "hand"
requires-python = ">=3.9"
extras = ["net"]

[[packages]]
name = "pure"
version = "1.0"
marker = "sys_platform == 'linux'"
[[packages.wheels]]
url = "https://example.org/files/pure-1.0-py3-none-any.whl"
hashes = { sha256 = "00" }
"""

# What to replace in SOUND, by what, and the error after the name of the file.
BROKEN = {
    "truncated": (
        '{ sha256 = "00" }\n',
        "{ sha",
        "line 12, column 15: not TOML: expected '=' after a key in a key/value pair",
    ),
    "conflict": (
        'created-by = "hand"\n',
        '<<<<<<< ours\ncreated-by = "hand"\n',
        "line 2, column 1: holds both sides of a merge conflict",
    ),
    "no lock-version": ('lock-version = "1.0"\n', "", "lock-version: missing required value"),
    "newer version": (
        '"1.0"\nc',
        '"2.0"\nc',
        "lock-version: version 2.0 of the format is not supported; pyx reads 1.0",
    ),
    "version of another type": (
        '"1.0"\nc',
        "1.0\nc",
        "lock-version: unexpected type float (expected str)",
    ),
    "version that is none": ('"1.0"\nc', '"one"\nc', "lock-version: invalid version: 'one'"),
    "no packages": (SOUND[SOUND.index("[[packages]]") :], "", "packages: missing required value"),
    "packages are a table": (
        "[[packages]]",
        "[packages]",
        "packages: unexpected type dict (expected Sequence)",
    ),
    "no name": ('name = "pure"\n', "", "packages[0].name: missing required value"),
    "name of another type": (
        '"pure"',
        "3",
        "packages[0].name: unexpected type int (expected str)",
    ),
    "no hashes": (
        'hashes = { sha256 = "00" }\n',
        "",
        "packages[0].wheels[0].hashes: missing required value",
    ),
    "empty hashes": (
        '{ sha256 = "00" }',
        "{}",
        "packages[0].wheels[0].hashes: at least one hash must be provided",
    ),
    "hash of another type": (
        '"00"',
        "0",
        "packages[0].wheels[0].hashes: hash values must be strings",
    ),
    "no place": ("url", "link", "packages[0].wheels[0]: path or url must be provided"),
    "nothing to install": (
        "wheels",
        "eggs",
        (
            "packages[0]: exactly one of vcs, directory, archive must be set if sdist and wheels"
            " are not set"
        ),
    ),
    "wheel of another version": (
        "pure-1.0",
        "pure-2.0",
        (
            "packages[0].wheels[0]: version in 'pure-2.0-py3-none-any.whl' is not consistent with"
            " package version '1.0'"
        ),
    ),
    "extras of another type": (
        '["net"]',
        "[3]",
        "extras[0]: unexpected type int (expected str)",
    ),
    "requires-python that is none": (
        '">=3.9"',
        '"^3.9"',
        "requires-python: invalid specifier: '^3.9'",
    ),
}


@pytest.mark.parametrize("case", find_cases("pylock"), ids=lambda case: case.name)
def test_case(case: Path) -> None:
    """A pylock.toml means the same as `Pylock.select` says, for the target and the choice."""
    lock = read_lock(case / "pylock.toml")
    for situation in read_expected(case):
        packages, artifacts = select(lock, situation)
        assert packages == situation["packages"], situation
        assert artifacts == situation.get("artifacts", artifacts)


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.docs.toml"])
def test_file_names(tmp_path: Path, name: str) -> None:
    """The plain and the named file are read alike, and depend on no other file."""
    (tmp_path / name).write_text(SOUND)
    lock = read_lock(tmp_path / name)
    assert (lock.kind, lock.path, lock.inputs, lock.root) == ("pylock", tmp_path / name, (), None)
    assert lock.requires_python == SpecifierSet(">=3.9")


def test_requires_python_may_be_absent(tmp_path: Path) -> None:
    """A lock without requires-python is for every Python."""
    path = tmp_path / "pylock.toml"
    path.write_text(SOUND.replace('requires-python = ">=3.9"\n', ""))
    assert read_lock(path).requires_python == SpecifierSet()


@pytest.mark.parametrize(("old", "new", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A broken lock is one error of one line that names file, table and key."""
    path = tmp_path / "pylock.toml"
    assert old in SOUND
    path.write_text(SOUND.replace(old, new, 1))
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert caught.value.message.removeprefix(f"{path}: ").lower() == problem.lower()
    assert caught.value.where == problem.partition(": ")[0]


def test_marker_that_is_none(tmp_path: Path) -> None:
    """A marker that cannot be parsed is an error whose message stays on one line."""
    path = tmp_path / "pylock.toml"
    path.write_text(SOUND.replace("sys_platform ==", "sys_platform"))
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert caught.value.where == "packages[0].marker"
    assert "\n" not in caught.value.message


VARIANT = """\
[[packages.wheels]]
url = "https://example.org/files/pure-1.0-py3-none-any-x86_64_v3.whl?of=1"
hashes = { sha256 = "01" }
"""


@pytest.mark.parametrize("build", ["", "2-"])
def test_variant_wheels_are_passed_over(tmp_path: Path, build: str) -> None:
    """A wheel with the label of a variant (PEP 825) does not spoil the others."""
    path = tmp_path / "pylock.toml"
    path.write_text(SOUND + VARIANT.replace("1.0-", f"1.0-{build}"))
    [package] = read_lock(path).choose_packages(environment("3.12"), Choice()).packages
    assert [wheel.hashes for wheel in package.wheels] == [{"sha256": "00"}]


def test_a_package_of_variants_alone_is_refused(tmp_path: Path) -> None:
    """Where nothing else is there, the error names the wheel, as it does for any other bad name."""
    path = tmp_path / "pylock.toml"
    path.write_text(SOUND.replace("py3-none-any", "py3-none-any-x86_64_v3"))
    with pytest.raises(LockError, match=r"invalid wheel filename.*any-x86_64_v3") as caught:
        read_lock(path)
    assert caught.value.where == "packages[0].wheels[0]"


def test_conflict_hint(tmp_path: Path) -> None:
    """The markers of an unfinished merge are recognised."""
    path = tmp_path / "pylock.toml"
    path.write_text(f"<<<<<<< ours\n{SOUND}=======\n{SOUND}>>>>>>> theirs\n")
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert caught.value.hint == (
        f"take one side, `git -C {path.parent} checkout --ours -- {path.name}`, then run `pyx lock`"
    )


def test_not_utf8(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are an error of the lock."""
    path = tmp_path / "pylock.toml"
    path.write_bytes(b'lock-version = "1.0"\n# caf\xe9\n')
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert caught.value.message == f"{path}: not UTF-8 at byte 26"


def test_missing_file(tmp_path: Path) -> None:
    """A lock that cannot be read is an error of the file system, not of the lock."""
    with pytest.raises(StoreError, match=r"pylock\.toml: No such file or directory$"):
        read_lock(tmp_path / "pylock.toml")


def test_unknown_names(tmp_path: Path) -> None:
    """All unknown extras are named, with those there are; likewise for groups."""
    path = tmp_path / "pylock.toml"
    path.write_text(SOUND)
    lock = read_lock(path)
    with pytest.raises(UsageError) as caught:
        lock.choose(Choice(extras=("x", "net", "y")))
    assert caught.value.message == f"{path}: has no extra named x, y"
    assert caught.value.hint == "known are --extra net"
    with pytest.raises(UsageError) as caught:
        to_pylock(lock, environment("3.12.1"), Choice(groups=("dev",)))
    assert caught.value.message == f"{path}: has no group named dev"
    assert caught.value.hint == "leave out --group: this lock has none"


@pytest.mark.parametrize("name", ["lock.yaml", "pylock.a.b.toml", "conda-lock.yml", "lock.json"])
def test_kinds_without_a_reader(tmp_path: Path, name: str) -> None:
    """A file of another kind is an error that says which kinds are read."""
    (tmp_path / name).write_text("")
    with pytest.raises(LockError) as caught:
        read_lock(tmp_path / name)
    names = ", ".join(FILE_NAMES)
    assert caught.value.hint == f"it reads {names}, pylock.NAME.toml, SCRIPT.lock and NAME.txt"


PURE = """\
lock-version = "1.0"
created-by = "hand"

[[packages]]
name = "pure"
version = "1.0"

[[packages.wheels]]
url = "https://example.org/pure-1.0-py3-none-any.whl"
size = 1
hashes = { sha256 = "00" }
"""


def write(directory: Path, text: str) -> Path:
    """Write a pylock.toml and return its path."""
    path = directory / "pylock.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('created-by = "hand"\n', "", "created-by: this key is missing"),
        ('name = "pure"', 'name = "Pure"', "packages[0].name: 'Pure' is not normalised"),
        ("size = 1", 'size = "1"', "packages[0].wheels[0].size: it is not an integer"),
        (
            "size = 1",
            'upload-time = "2026-01-01T00:00:00Z"',
            "packages[0].wheels[0].upload-time: it is not a date",
        ),
        ('name = "pure"', 'name = "pure"\nmarker = ""', "packages[0].marker: it is empty"),
    ],
)
def test_a_harmless_fault_is_told_and_passed_over(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    """What is meant is clear all the same; the place and the rule are said in one line."""
    text = PURE.replace(old, new)
    assert text != PURE
    lock = read_pylock(write(tmp_path, text))
    assert lock.faults == (fault,)
    assert describe_faults(lock) == f"{lock.path} breaks PEP 751: {fault}"
    assert to_pylock(lock, environment("3.12.1"), Choice()).packages[0].name == "pure"
    assert read_pylock(write(tmp_path, PURE)).faults == ()
    assert describe_faults(read_pylock(write(tmp_path, PURE))) is None


def test_no_environments_are_no_restriction(tmp_path: Path) -> None:
    """Pipenv writes an empty list, and pip installs such a lock anywhere."""
    lock = read_pylock(write(tmp_path, f"environments = []\n{PURE}"))
    chosen = selection.select(lock, make_interpreter("x86_64-manylinux_2_28"), Choice())
    assert [artifact.name for artifact in chosen.artifacts] == ["pure"]

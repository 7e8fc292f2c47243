"""The reader of Pipfile.lock: categories, markers, places, indexes, and broken locks.

The locks and the expected selections were made by Pipenv 2026 (`tests/oracle/test_pipenv.py` asks
anew). A version is expected where the lock has one.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from lockcases import (
    LOCKS,
    check_broken,
    environment,
    find_cases,
    hold_hashes,
    names,
    read_expected,
    select,
)
from packaging.pylock import Package, PackageArchive, PackageDirectory, PackageVcs
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.hash_only import UnnamedFile
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock

if TYPE_CHECKING:
    from pathlib import Path


CASES = LOCKS / "pipenv"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

LOCK = """\
{
    "_meta": {
        "hash": {"sha256": "00"},
        "pipfile-spec": 6,
        "requires": {"python_version": "3.12"},
        "sources": [
            {"name": "first", "url": "https://example.org/simple", "verify_ssl": true},
            {"name": "second", "url": "https://second.example.org/simple", "verify_ssl": true}
        ]
    },
    "default": {
        "pure": {
            "hashes": ["sha256:0a", "sha256:0B"],
            "index": "second",
            "markers": "sys_platform == 'linux'",
            "version": "==1.0"
        }
    },
    "develop": {}
}
"""

# What to replace in LOCK, by what, and the error after the name of the file.
BROKEN = {
    "truncated": (
        LOCK[LOCK.index('    "develop"') :],
        "",
        "line 19, column 1: not JSON: expecting property name enclosed in double quotes",
    ),
    "an array": (LOCK, "[]", "not a JSON object"),
    "nested too deeply": (LOCK, "[" * 100_000, "not JSON: nested too deeply"),
    "no metadata": ('"_meta"', '"meta"', "_meta: this key is missing"),
    "metadata of another type": (LOCK, '{"_meta": []}', "_meta: expected a table, found an array"),
    "no version of the format": (
        '"pipfile-spec": 6,',
        "",
        "_meta.pipfile-spec: this key is missing",
    ),
    "newer version": (
        '"pipfile-spec": 6',
        '"pipfile-spec": 7',
        "_meta.pipfile-spec: version 7 is not supported; pyx reads 6",
    ),
    "requires of another type": (
        '{"python_version": "3.12"}',
        '"3.12"',
        "_meta.requires: expected a table, found a string",
    ),
    "python_version that is none": (
        '"3.12"',
        '"3.x"',
        "_meta.requires.python_version: not a version specifier: '==3.x.*'",
    ),
    "python_version of another type": (
        '"3.12"',
        "3.12",
        "_meta.requires.python_version: expected a string, found a float",
    ),
    "source without a URL": (
        '"url": "https://example.org/simple", ',
        "",
        "_meta.sources[0].url: this key is missing",
    ),
    "sources of another type": (
        LOCK[LOCK.index("[\n") : LOCK.index("    },\n")],
        '{"name": "first"}\n',
        "_meta.sources: expected an array of tables, found a table",
    ),
    "category of another type": (
        LOCK[LOCK.index('{\n        "pure"') : LOCK.index(',\n    "develop"')],
        '["pure"]',
        "default: expected a table, found an array",
    ),
    "package of another type": (
        LOCK[LOCK.index('"pure": {') : LOCK.index('    },\n    "develop"')],
        '"pure.one": ["==1.0"]\n',
        'default."pure.one": expected a table, found an array',
    ),
    "marker that is none": (
        "sys_platform ==",
        "sys_platform",
        """default.pure.markers: not a marker: "sys_platform 'linux'\"""",
    ),
    "marker of another type": (
        "\"sys_platform == 'linux'\"",
        "true",
        "default.pure.markers: expected a string, found true or false",
    ),
    "no version": (
        ',\n            "version": "==1.0"',
        "",
        "default.pure.version: this key is missing",
    ),
    "any version": (
        '"==1.0"',
        '"*"',
        "default.pure.version: pure is not pinned to one version",
    ),
    "version that is not pinned": (
        '"==1.0"',
        '"<1.1"',
        "default.pure.version: not a version: '<1.1'",
    ),
    "version that is none": (
        '"==1.0"',
        '"==one"',
        "default.pure.version: not a version: 'one'",
    ),
    "no hashes": (
        '"hashes": ["sha256:0a", "sha256:0B"],',
        "",
        "default.pure.hashes: no hash is recorded for pure, so it could not be checked",
    ),
    "hashes of another type": (
        '["sha256:0a", "sha256:0B"]',
        '"sha256:0a"',
        "default.pure.hashes: expected an array of strings, found a string",
    ),
    "hash without algorithm": (
        '"sha256:0B"',
        '"0B"',
        "default.pure.hashes[1]: not of the form ALGORITHM:DIGEST",
    ),
    "unknown index": (
        '"index": "second"',
        '"index": "third"',
        "default.pure.index: no source is named 'third'; known are first, second",
    ),
    "no commit": (
        '"index": "second"',
        '"git": "https://example.org/pure.git"',
        "default.pure.ref: this key is missing",
    ),
    "commit that is none": (
        '"index": "second"',
        '"git": "https://example.org/pure.git", "ref": "main"',
        "default.pure.ref: not a commit: 'main'",
    ),
    "several hashes of one file": (
        '"index": "second"',
        '"file": "https://example.org/pure-1.0.zip"',
        "default.pure.hashes: https://example.org/pure-1.0.zip is one file, and has several hashes",
    ),
    "path of another type": (
        '"index": "second"',
        '"path": {}',
        "default.pure.path: expected a string, found a table",
    ),
}


def write_lock(directory: Path, lock: str) -> Path:
    """Write a Pipfile.lock and return its path."""
    path = directory / "Pipfile.lock"
    path.write_text(lock)
    return path


def read_entry(directory: Path, **entry: Any) -> Package:
    """Return what one entry of a lock, with the name ``Pure_One``, is."""
    document = json.loads(LOCK)
    document["default"] = {"Pure_One": entry}
    lock = read_lock(write_lock(directory, json.dumps(document)))
    [package] = hold_hashes(to_pylock(lock, environment("3.12.1"), Choice()).packages)
    assert package.name == "pure-one"
    return package


@pytest.mark.parametrize("case", find_cases("pipenv"), ids=lambda case: case.name)
def test_case(case: Path) -> None:
    """A lock means the distributions and versions that Pipenv installs."""
    lock = read_lock(case / "Pipfile.lock")
    for situation in read_expected(case):
        assert select(lock, situation)[0] == situation["packages"], situation


@pytest.mark.parametrize(("old", "new", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A broken lock is one error of one line that names file, table and key, and how to mend it."""
    assert old in LOCK
    path = write_lock(tmp_path, LOCK.replace(old, new, 1))
    check_broken(path, problem, "run `pyx lock`")


def test_merge_conflict(tmp_path: Path) -> None:
    """A conflict that Git left in the lock is named as such."""
    lock = LOCK.replace('    "default"', '<<<<<<< HEAD\n    "default"', 1)
    path = write_lock(tmp_path, lock)
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert caught.value.where == "line 11, column 1"
    assert caught.value.hint == (
        f"take one side, `git -C {path.parent} checkout --ours -- {path.name}`, then run `pyx lock`"
    )


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 is an error; a byte order mark is none."""
    path = write_lock(tmp_path, LOCK)
    path.write_bytes(b"\xef\xbb\xbf" + LOCK.encode())
    assert names(read_lock(path)) == ["pure"]
    path.write_bytes(b'{"\xff')
    with pytest.raises(LockError, match="not UTF-8 at byte 2"):
        read_lock(path)


def test_broken_package_that_is_not_wanted(tmp_path: Path) -> None:
    """What is wrong with a package that another platform needs does no harm here."""
    lock = LOCK.replace("'linux'", "'win32'").replace('"==1.0"', '"*"')
    assert names(read_lock(write_lock(tmp_path, lock))) == []


def test_indexed_package(tmp_path: Path) -> None:
    """A package of an index is a file that is known by its hashes alone, on the index it names."""
    lock = read_lock(write_lock(tmp_path, LOCK))
    pylock = to_pylock(lock, environment("3.12.1"), Choice())
    [package] = pylock.packages
    assert (package.name, package.version) == ("pure", Version("1.0"))
    assert package.index == "https://second.example.org/simple"
    assert isinstance(package.archive, UnnamedFile)
    assert package.archive.digests == {("sha256", "0a"), ("sha256", "0b")}
    assert package.archive.wheels
    assert pylock.requires_python == lock.requires_python == SpecifierSet("==3.12.*")


def test_default_index(tmp_path: Path) -> None:
    """Without an index every source may have it, as in Pipenv; a URL of a source names it too."""
    entry = {"version": "==1.0", "hashes": ["sha256:0a"]}
    assert read_entry(tmp_path, **entry).index is None
    url = "https://second.example.org/simple"
    assert read_entry(tmp_path, **entry, index=url).index == url


def test_sdists_alone(tmp_path: Path) -> None:
    """A package that may not be a wheel is marked so."""
    package = read_entry(tmp_path, version="===1.0", hashes=["sha256:0a"], no_binary=True)
    assert isinstance(package.archive, UnnamedFile)
    assert not package.archive.wheels


@pytest.mark.parametrize(
    ("url", "expanded"),
    [
        ("https://${WHO}:$SECRET@example.org/${WHO}", "https://me:p%40ss%3Aword@example.org/me"),
        ("https://'${SECRET}'@example.org/", "https://p%40ss:word@example.org/"),
        ("https://${BOTH}@example.org/", "https://me:a%2Fb@example.org/"),
        ("https://${ABSENT}@example.org/$", "https://${ABSENT}@example.org/$"),
        ("${PLACE}/simple", "https://example.org/simple"),
    ],
)
def test_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, expanded: str
) -> None:
    """Variables in the URL of a source are expanded, in credentials so that any value works."""
    variables = {"WHO": "me", "SECRET": "p@ss:word", "BOTH": "me:a/b"}
    for name, value in (variables | {"PLACE": "https://example.org"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ABSENT", raising=False)
    lock = read_lock(write_lock(tmp_path, LOCK.replace("https://second.example.org/simple", url)))
    [package] = to_pylock(lock, environment("3.12.1"), Choice()).packages
    assert package.index == expanded


@pytest.mark.parametrize(
    ("requires", "specifiers"),
    [
        ({}, ""),
        ({"python_version": "3"}, "==3.*"),
        ({"python_version": "*"}, ""),
        ({"python_version": ">=3.9"}, ">=3.9"),
        ({"python_version": "3.12", "python_full_version": "3.12.1"}, "==3.12.1"),
    ],
)
def test_requires_python(tmp_path: Path, requires: dict[str, str], specifiers: str) -> None:
    """The Python of the Pipfile is that of the lock."""
    lock = LOCK.replace('{"python_version": "3.12"}', json.dumps(requires))
    assert read_lock(write_lock(tmp_path, lock)).requires_python == SpecifierSet(specifiers)


def test_choice(tmp_path: Path) -> None:
    """The category ``default`` is the default; further ones are groups, and extras there are none.

    The Pipfile plays no part.
    """
    path = write_lock(tmp_path, LOCK.replace('"develop": {}', '"develop": {}, "Type_Checks": {}'))
    lock = read_lock(path)
    assert (lock.kind, lock.root, lock.inputs) == ("pipenv", None, ())
    assert lock.choose(Choice()) == (frozenset(), {"default"})
    assert lock.choose(Choice(groups=("DEVELOP",)))[1] == {"default", "develop"}
    assert lock.choose(Choice(default_groups=False))[1] == {"default"}
    assert lock.choose(Choice(only_groups=("type-checks",)))[1] == {"type-checks"}
    assert lock.choose(Choice(all_groups=True, no_dev=True))[1] == {"default", "type-checks"}
    assert lock.choose(Choice(all_groups=True))[1] == {"default", "develop", "type-checks"}
    with pytest.raises(UsageError) as caught:
        lock.choose(Choice(groups=("dev",)))
    assert caught.value.message == f"{path}: has no group named dev"
    assert caught.value.hint == "known are --group default, --group develop, --group type-checks"
    with pytest.raises(UsageError) as caught:
        names(lock, Choice(extras=("net",)))
    assert caught.value.hint == "leave out --extra: this lock has none"


def test_categories_that_differ(tmp_path: Path) -> None:
    """Of two categories with one name the last that applies counts, as Pipenv installs it last."""
    document = json.loads(LOCK)
    document["develop"]["Pure"] = document["default"]["pure"] | {"version": "==1.1"}
    choice = Choice(groups=("develop",))
    for marker, version in (("os_name == 'posix'", "1.1"), ("os_name == 'nt'", "1.0")):
        document["develop"]["Pure"]["markers"] = marker
        lock = read_lock(write_lock(tmp_path, json.dumps(document)))
        [package] = to_pylock(lock, environment("3.12.1"), choice).packages
        assert package.version == Version(version)


def test_lock_without_develop(tmp_path: Path) -> None:
    """A lock may lack any category but is then not known to have it."""
    lock = read_lock(write_lock(tmp_path, LOCK.replace(',\n    "develop": {}', "")))
    assert names(lock) == ["pure"]
    with pytest.raises(UsageError):
        lock.choose(Choice(groups=("develop",)))


@pytest.mark.parametrize(
    ("entry", "vcs"),
    [
        (
            {"git": "https://example.org/pure.git", "ref": COMMIT, "subdirectory": "python"},
            PackageVcs(
                type="git",
                url="https://example.org/pure.git",
                commit_id=COMMIT,
                subdirectory="python",
            ),
        ),
        (
            {"git": f"git+https://me@example.org/pure.git@{COMMIT}#egg=pure", "editable": True},
            PackageVcs(type="git", url="https://me@example.org/pure.git", commit_id=COMMIT),
        ),
        (
            {"git": "git@example.org:pure.git", "ref": COMMIT},
            PackageVcs(type="git", url="git@example.org:pure.git", commit_id=COMMIT),
        ),
        (
            {"git": "../repository", "ref": COMMIT},
            PackageVcs(type="git", path="../repository", commit_id=COMMIT),
        ),
        (
            {"hg": "https://example.org/pure", "ref": "0123456789ab"},
            PackageVcs(type="hg", url="https://example.org/pure", commit_id="0123456789ab"),
        ),
    ],
)
def test_repositories(tmp_path: Path, entry: dict[str, Any], vcs: PackageVcs) -> None:
    """A repository is one however Pipenv has written its URL."""
    assert read_entry(tmp_path, **entry).vcs == vcs


@pytest.mark.parametrize(
    ("entry", "directory"),
    [
        ({"path": "."}, PackageDirectory(path=".", editable=False)),
        ({"path": "./libs", "editable": True}, PackageDirectory(path="./libs", editable=True)),
        ({"file": "file:///srv/a%20b"}, PackageDirectory(path="/srv/a b", editable=False)),
    ],
)
def test_directories(tmp_path: Path, entry: dict[str, Any], directory: PackageDirectory) -> None:
    """A source tree is one, whether it is editable or not, by path or by URL."""
    package = read_entry(tmp_path, **entry)
    assert (package.directory, package.version) == (directory, None)


def test_files(tmp_path: Path) -> None:
    """A single file has the one hash that is recorded, or the one in its URL."""
    hashes = ["sha256:0a"]
    [wheel] = (
        read_entry(tmp_path, path="./pure_one-1.2-py3-none-any.whl", hashes=hashes).wheels or ()
    )
    assert (wheel.path, wheel.hashes) == ("./pure_one-1.2-py3-none-any.whl", {"sha256": "0a"})
    url = "https://example.org/pure_one-1.2%2Bcpu-py3-none-any.whl"
    package = read_entry(tmp_path, file=f"{url}#sha256=0B&egg=pure")
    [wheel] = package.wheels or ()
    assert (wheel.url, wheel.hashes) == (url, {"sha256": "0b"})
    assert package.version == Version("1.2+cpu")
    archive = read_entry(tmp_path, file="./pure-1.tar.gz", hashes=hashes, subdirectory="x").archive
    assert archive == PackageArchive(
        path="./pure-1.tar.gz", hashes={"sha256": "0a"}, subdirectory="x"
    )


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"file": "https://example.org/pure-1.zip"}, "hashes: no hash is recorded for pure-one"),
        ({"path": "x.whl", "hashes": ["sha256:0a"]}, "path: x.whl is not the name of a wheel"),
    ],
)
def test_broken_files(tmp_path: Path, entry: dict[str, Any], problem: str) -> None:
    """What could not be checked is refused, although Pipenv would install it."""
    with pytest.raises(LockError) as caught:
        read_entry(tmp_path, **entry)
    assert f": default.Pure_One.{problem}" in caught.value.message


def test_plain_versions_have_no_hash(tmp_path: Path) -> None:
    """An entry that is only a version, as old locks have it, says what is missing."""
    document = json.loads(LOCK)
    document["default"] = {"pure": "==1.0"}
    with pytest.raises(LockError, match=r"default\.pure\.hashes: no hash is recorded for pure"):
        names(read_lock(write_lock(tmp_path, json.dumps(document))))


def test_speed(tmp_path: Path) -> None:
    """A lock of 300 packages is read and chosen from in a fraction of a second."""
    document = json.loads(LOCK)
    document["default"] = {
        f"part-{number}": {
            "hashes": [f"sha256:{number:032}{digest:032}" for digest in range(40)],
            "markers": f"python_version >= '3.{number % 9}'",
            "version": f"==1.{number}",
        }
        for number in range(300)
    }
    path = write_lock(tmp_path, json.dumps(document, indent=4))
    times = []
    for _ in range(3):
        start = time.process_time()
        assert len(names(read_lock(path))) == 300
        times.append(time.process_time() - start)
    assert min(times) < 0.25

"""The reader of requirements.txt: lines, includes, constraints, index options, broken files.

The expected selections were made by pip itself (`tests/oracle/test_requirements.py` asks it anew).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lockcases import environment, find_cases, hold_hashes, read_choice, read_expected
from packaging.pylock import Package, PackageArchive, PackageWheel
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pyx_launcher.errors import LockError, StoreError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.hash_only import UnnamedFile
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.locks.requirements.lines import advise, join_lines
from pyx_launcher.locks.requirements.reader import read_requirements

if TYPE_CHECKING:
    from pathlib import Path

LINE = "plug==1.4.0 --hash=sha256:0a\n"

# The text after a sound first line, and the error after the name of the file.
BROKEN = {
    "unpinned": (
        "zipper>=3 --hash=sha256:00",
        "line 2: zipper>=3 is not pinned to one version with ==",
    ),
    "no version": (
        "zipper --hash=sha256:00",
        "line 2: zipper is not pinned to one version with ==",
    ),
    "a series of versions": (
        "zipper==3.* --hash=sha256:00",
        "line 2: zipper==3.* is not pinned to one version with ==",
    ),
    "two specifiers": (
        "zipper==3,<4 --hash=sha256:00",
        "line 2: zipper==3,<4 is not pinned to one version with ==",
    ),
    "version that is none": (
        "zipper==three --hash=sha256:00",
        "line 2: not a version: 'three'",
    ),
    "no requirement": ("!zipper", "line 2: not a requirement: '!zipper'"),
    "unhashed": (
        "\n# why\nzipper==3.17.0 \\\n  ; os_name == 'posix'",
        "line 4: zipper==3.17.0 ; os_name == 'posix' has no --hash, so it could not be checked",
    ),
    "weak hash": (
        "zipper==3 --hash=md5:00",
        "line 2: --hash=md5:00 is not of the form sha256:DIGEST",
    ),
    "hash that is none": (
        "zipper==3 --hash=sha256:xyz",
        "line 2: --hash=sha256:xyz is not of the form sha256:DIGEST",
    ),
    "hash without value": ("zipper==3 --hash", "line 2: --hash needs a value"),
    "marker that is none": (
        "zipper==3; planet == 'x' --hash=sha256:00",
        "line 2: not a marker: \" planet == 'x'\"",
    ),
    "unknown option": ("--planet=x", "line 2: unknown option --planet=x"),
    "unknown short option": ("-q", "line 2: unknown option -q"),
    "no value": ("-r", "line 2: -r needs a value"),
    "open quotation": ("-i 'x", "line 2: a quotation mark is missing"),
    "missing include": ("-r none.txt", "line 2: there is no file {directory}/none.txt"),
    "include of itself": ("-r requirements.txt", "line 2: requirements.txt includes itself"),
    "include by URL": (
        "-r https://example.org/r.txt",
        "line 2: https://example.org/r.txt is not a file on this machine",
    ),
    "editable": ("-e ./tree", "line 2: -e ./tree has no hash, so it could not be checked"),
    "directory": ("./tree/", "line 2: ./tree/ has no hash, so it could not be checked"),
    "repository": (
        "zipper @ git+https://example.org/z --hash=sha256:00",
        "line 2: git+https://example.org/z is not a file, so its hash means nothing",
    ),
    "URL without hash": (
        "https://example.org/zipper-1.0.tar.gz#egg=zipper",
        (
            "line 2: https://example.org/zipper-1.0.tar.gz#egg=zipper has no hash, so it could "
            "not be checked"
        ),
    ),
    "URL with several hashes": (
        "zipper @ https://example.org/z.zip --hash=sha256:00 --hash=sha256:01",
        "line 2: https://example.org/z.zip is one file, and has several hashes",
    ),
    "URL without name": (
        "https://example.org/zipper-1.0.tar.gz --hash=sha256:00",
        "line 2: the name is missing: write it as NAME @ https://example.org/zipper-1.0.tar.gz",
    ),
    "odd wheel": (
        "https://example.org/zipper.whl --hash=sha256:00",
        "line 2: zipper.whl is not the name of a wheel",
    ),
    "other version": (
        "plug==1.5 --hash=sha256:0a",
        "line 2: plug is required differently in line 1 of requirements.txt",
    ),
    "other hashes": (
        "plug==1.4.0 --hash=sha256:0b",
        "line 2: no hash is allowed both here and where this is required as well",
    ),
    "build settings": (
        "zipper==3 --config-settings=x=y --hash=sha256:00",
        "line 2: --config-settings is not supported",
    ),
}


def write(directory: Path, text: str, name: str = "requirements.txt") -> Path:
    """Write a file and return its path."""
    path = directory / name
    path.write_text(text)
    return path


def packages(path: Path, python: str = "3.12.1", platform: str = "linux") -> list[Package]:
    """Return what a file means."""
    return hold_hashes(to_pylock(read_lock(path), environment(python, platform), Choice()).packages)


def versions(path: Path, python: str = "3.12.1", platform: str = "linux") -> dict[str, str]:
    """Return the versions that a file means."""
    return {p.name: str(p.version) for p in packages(path, python, platform)}


def find_unnamed(package: Package) -> UnnamedFile:
    """Return what a pinned requirement has for an artifact."""
    assert isinstance(package.archive, UnnamedFile)
    return package.archive


@pytest.mark.parametrize("case", find_cases("requirements"), ids=lambda case: case.name)
def test_case(case: Path) -> None:
    """A file means the distributions and versions that pip would install."""
    lock = read_lock(case / "requirements.txt")
    for situation in read_expected(case):
        markers = environment(situation["python"], situation["platform"])
        found = to_pylock(lock, markers, read_choice(situation)).packages
        assert {p.name: str(p.version) for p in found} == situation["packages"], situation


@pytest.mark.parametrize(("text", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken(tmp_path: Path, text: str, problem: str) -> None:
    """A line that pyx cannot obey is one error that names it, and how to write such a file."""
    path = write(tmp_path, LINE + text)
    with pytest.raises(LockError) as caught:
        packages(path)
    assert caught.value.message == f"{path}: {problem.replace('{directory}', str(tmp_path))}"
    assert caught.value.hint == advise(caught.value.path)


def test_broken_include(tmp_path: Path) -> None:
    """An error in an included file names that file."""
    path = write(tmp_path, f"{LINE}-r base.txt\n")
    base = write(tmp_path, "\nzipper\n", "base.txt")
    with pytest.raises(LockError) as caught:
        read_lock(path)
    problem = "line 2: zipper is not pinned to one version with =="
    assert caught.value.message == f"{base}: {problem}"


def test_not_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 or cannot be read is an error; a byte order mark is not."""
    path = tmp_path / "requirements.txt"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LockError, match="not UTF-8 at byte 0"):
        read_lock(path)
    path.write_bytes(b"\xef\xbb\xbf" + LINE.encode())
    assert versions(path) == {"plug": "1.4.0"}
    path.unlink()
    with pytest.raises(StoreError, match="cannot read"):
        read_lock(path)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n\nb # c\n#d\n", [(1, "a"), (3, "b")]),
        ("a \\\n  b\\\nc\nd", [(1, "a   bc"), (4, "d")]),
        ("a \\\n# comment\nb", [(1, "a"), (3, "b")]),
        ("a#b\n# c \\\nd", [(1, "a#b"), (3, "d")]),
        ("a \\", [(1, "a")]),
        ("a \\ \nb", [(1, "a \\"), (2, "b")]),
    ],
)
def test_lines(text: str, lines: list[tuple[int, str]]) -> None:
    """Lines are joined and stripped of comments as pip does it."""
    assert list(join_lines(text)) == lines


def test_pinned(tmp_path: Path) -> None:
    """A pinned requirement is a version with hashes; which file that is, the index will say."""
    text = "Plug.In [x,y] == 1!2.0 ; os_name == 'posix' --hash=sha256:0A --hash sha512:0b\n"
    (package,) = packages(write(tmp_path, text))
    assert (package.name, package.version) == ("plug-in", Version("1!2.0"))
    found = find_unnamed(package)
    assert found.digests == {("sha256", "0a"), ("sha512", "0b")}
    assert (found.url, found.path, found.wheels, found.sdists) == (None, None, True, True)
    assert found.hashes == {"sha256": "0a", "sha512": "0b"}


def test_twice(tmp_path: Path) -> None:
    """Two lines of the same version allow the hashes that both have."""
    text = LINE.strip() + " --hash=sha256:0b\nplug===1.4.0 --hash=sha256:0b --hash=sha256:0c\n"
    (package,) = packages(write(tmp_path, text))
    assert find_unnamed(package).digests == {("sha256", "0b")}


def test_constraints(tmp_path: Path) -> None:
    """Constraints narrow what is required, and require nothing themselves."""
    path = write(tmp_path, LINE + "-c limits.txt\n")
    write(tmp_path, "Plug<2\nother\n-r more.txt\n", "limits.txt")
    write(tmp_path, "more==1 --hash=sha256:00\n", "more.txt")
    assert versions(path) == {"plug": "1.4.0", "more": "1"}
    limits = write(tmp_path, "\nplug<1.4; sys_platform == 'win32'", "limits.txt")
    assert versions(path) == {"plug": "1.4.0"}
    with pytest.raises(LockError) as caught:
        versions(path, platform="win32")
    excludes = "plug<1.4; sys_platform == 'win32' excludes version 1.4.0"
    message = f"{limits}: line 2: {excludes}, required in line 1 of requirements.txt"
    assert caught.value.message == message
    write(tmp_path, "plug --hash=sha256:0a --hash=sha256:0c", "limits.txt")
    (package,) = packages(path)
    assert find_unnamed(package).digests == {("sha256", "0a")}
    for text, problem in (
        ("plug==1.4.0 --hash=sha256:0c", "no hash is allowed both here and where"),
        ("plug @ https://example.org/x.whl", "pyx reads no URLs in constraints"),
        ("plug=1", "not a constraint: 'plug=1'"),
    ):
        write(tmp_path, text, "limits.txt")
        with pytest.raises(LockError, match=problem):
            packages(path)


@pytest.mark.parametrize(
    ("place", "source", "version"),
    [
        (
            "https://example.org/a/plug-1.0-py3-none-any.whl",
            {
                "url": "https://example.org/a/plug-1.0-py3-none-any.whl",
                "name": "plug-1.0-py3-none-any.whl",
            },
            Version("1.0"),
        ),
        (
            "plug @ file:///some%20where/plug-1.0-py3-none-any.whl",
            {
                "path": "/some where/plug-1.0-py3-none-any.whl",
                "name": "plug-1.0-py3-none-any.whl",
            },
            Version("1.0"),
        ),
        (
            "files/plug-1.0-py3-none-any.whl",
            {"path": "files/plug-1.0-py3-none-any.whl", "name": "plug-1.0-py3-none-any.whl"},
            Version("1.0"),
        ),
        ("plug[x] @ https://example.org/p.zip", {"url": "https://example.org/p.zip"}, None),
        ("https://example.org/p.zip#egg=Plug", {"url": "https://example.org/p.zip"}, None),
    ],
)
def test_direct(
    tmp_path: Path, place: str, source: dict[str, Any], version: Version | None
) -> None:
    """A direct reference is its one file, with the hash beside it or in its fragment."""
    wheel = "name" in source
    kind: type[PackageWheel | PackageArchive] = PackageWheel if wheel else PackageArchive
    wanted = kind(hashes={"sha256": "0a"}, **source)
    fragment = "&sha256=0a" if "#" in place else "#sha256=0a"
    for text in (f"{place} --hash=sha256:0a", f"{place}{fragment} ; os_name == 'posix'"):
        (package,) = packages(write(tmp_path, text))
        assert (package.name, package.version) == ("plug", version)
        assert (package.wheels[0] if package.wheels else package.archive) == wanted


def test_index_options(tmp_path: Path) -> None:
    """Options are read in pip's order; a single index is the only one to ask."""
    base = "https://example.org"
    text = f"--extra-index-url={base}/0\n-i {base}/1\n{LINE}--trusted-host example.org --pre\n"
    lock = read_requirements(write(tmp_path, text))
    only = IndexOptions(index_urls=(f"{base}/1",), trusted_hosts=("example.org",))
    assert lock.index_options == only
    assert packages(lock.path)[0].index == f"{base}/1"
    (tmp_path / "wheels").mkdir()
    text += f"--extra-index-url {base}/2\n-f wheels -f elsewhere --find-links={base}/3\n"
    lock = read_requirements(write(tmp_path, text))
    assert lock.index_options.index_urls == (f"{base}/1", f"{base}/2")
    links = (f"{tmp_path}/wheels", "elsewhere", f"{base}/3")
    assert lock.index_options.find_links == links
    assert packages(lock.path)[0].index is None
    lock = read_requirements(write(tmp_path, f"{text}--no-index\n"))
    assert lock.index_options == IndexOptions(
        find_links=links, no_index=True, trusted_hosts=("example.org",)
    )
    lock = read_requirements(write(tmp_path, f"--extra-index-url {base}/2\n{LINE}"))
    assert lock.index_options == IndexOptions(extra_index_urls=(f"{base}/2",))


@pytest.mark.parametrize(
    ("options", "wheels", "sdists"),
    [
        ("--only-binary=:all:", True, False),
        ("--no-binary :all:", False, True),
        ("--only-binary=:all:\n--no-binary other,Plug", False, True),
        ("--no-binary=plug\n--only-binary=plug", True, False),
        ("--only-binary=:all:\n--no-binary=:all:", False, True),
        ("--only-binary=plug\n--only-binary=:none:\n--no-binary other", True, True),
    ],
)
def test_kinds_of_files(tmp_path: Path, options: str, wheels: bool, sdists: bool) -> None:  # noqa: FBT001
    """`--only-binary` and `--no-binary` say which kinds of files may be taken."""
    found = find_unnamed(packages(write(tmp_path, f"{options}\n{LINE}"))[0])
    assert (found.wheels, found.sdists) == (wheels, sdists)


def test_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables in braces are replaced, unless they are not set."""
    monkeypatch.setenv("PYX_TEST_TOKEN", "secret")
    monkeypatch.delenv("PYX_TEST_UNSET", raising=False)
    text = "-i https://${PYX_TEST_TOKEN}:$HOME@example.org/${PYX_TEST_UNSET}/\n"
    lock = read_requirements(write(tmp_path, text + LINE))
    assert lock.index_options.only_index == "https://secret:$HOME@example.org/${PYX_TEST_UNSET}/"


def test_inputs_and_facts(tmp_path: Path) -> None:
    """Every included file is an input, even one without a line; there is no root."""
    path = write(tmp_path, f"-r a.txt\n-cb.txt\n{LINE}")
    write(tmp_path, "# nothing\n", "a.txt")
    write(tmp_path, "plug\n", "b.txt")
    lock = read_lock(path)
    assert lock.inputs == (tmp_path / "a.txt", tmp_path / "b.txt")
    assert (lock.kind, lock.root, lock.requires_python) == ("requirements", None, SpecifierSet())


def test_other_names(tmp_path: Path) -> None:
    """A file that is named on the command line may have a longer name."""
    assert versions(write(tmp_path, LINE, "requirements-dev.txt")) == {"plug": "1.4.0"}


def test_unknown_names(tmp_path: Path) -> None:
    """There are no extras and no groups to ask for."""
    lock = read_lock(write(tmp_path, LINE))
    assert lock.choose(Choice(all_extras=True, all_groups=True)) == (frozenset(), frozenset())
    with pytest.raises(UsageError) as caught:
        lock.choose(Choice(groups=("dev",)))
    assert caught.value.hint == "leave out --group: this lock has none"
    with pytest.raises(UsageError, match="has no extra named x"):
        lock.choose(Choice(extras=("x",)))

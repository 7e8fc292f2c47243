"""The reader of pdm.lock: both ways to choose, groups, extras, places, targets, broken locks.

The locks and the expected selections were made by PDM itself: the locks by PDM 2.10, 2.15 and
2.26 (`tests/oracle/test_pdm.py` asks anew).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import lockcases
import pytest
from lockcases import (
    LOCKS,
    check_broken,
    find_cases,
    find_package,
    names,
    read_expected,
    select,
)
from packaging.pylock import (
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
)
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock

if TYPE_CHECKING:
    from pathlib import Path


CASES = LOCKS / "pdm"

FILES = 'files = [\n    {file = "pure-1.0-py3-none-any.whl", hash = "sha256:00"},\n]\n'

NEW = f"""\
[metadata]
groups = ["default", "dev", "net"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"
content_hash = "sha256:00"

[[metadata.targets]]
requires_python = ">=3.9"

[[package]]
name = "pure"
version = "1.0"
requires_python = ">=3.8"
summary = ""
groups = ["default"]
marker = "sys_platform == 'linux'"
{FILES}"""

OLD = """\
[metadata]
groups = ["default"]
strategy = ["cross_platform"]
lock_version = "4.4"
content_hash = "sha256:00"

[[package]]
name = "pure"
version = "1.0"
dependencies = [
    "other>=2; os_name == 'posix'",
]
files = [{file = "pure-1.0-py3-none-any.whl", hash = "sha256:00"}]

[[package]]
name = "other"
version = "2.1"
files = [{file = "other-2.1.tar.gz", hash = "sha256:00"}]
"""

PROJECT = """\
[project]
name = "sample"
dependencies = ["pure"]
[project.optional-dependencies]
net = ["other"]
[dependency-groups]
dev = ["other"]
"""

# What to replace in NEW, by what, and the error after the name of the file.
BROKEN = {
    "truncated": (
        NEW[NEW.index("[[package]]") :],
        "[[package",
        "line 10, column 10: not TOML: expected ']]' at the end of an array declaration",
    ),
    "no metadata": (
        NEW[: NEW.index("[[package]]")],
        "",
        "metadata.lock_version: this key is missing",
    ),
    "metadata of another type": (
        NEW[: NEW.index("[[package]]")],
        "metadata = 1\n",
        "metadata: expected a table, found a number",
    ),
    "another minor version": (
        "4.5.0",
        "4.6",
        "metadata.lock_version: version 4.6 is not supported; pyx reads 4.0 to 4.5",
    ),
    "newer version": (
        "4.5.0",
        "5.0.0",
        "metadata.lock_version: version 5.0.0 is not supported; pyx reads 4.0 to 4.5",
    ),
    "version of another type": (
        '"4.5.0"',
        "4.5",
        "metadata.lock_version: expected a string, found a float",
    ),
    "groups of another type": (
        '["default", "dev", "net"]',
        '"default"',
        "metadata.groups: expected an array of strings, found a string",
    ),
    "strategy of another type": (
        '["inherit_metadata"]',
        "true",
        "metadata.strategy: expected an array of strings, found true or false",
    ),
    "targets of another type": (
        "[[metadata.targets]]",
        "[metadata.targets]",
        "metadata.targets: expected an array of tables, found a table",
    ),
    "requires_python that is none": (
        ">=3.9",
        ">=three",
        "metadata.targets[0].requires_python: not a version specifier: '>=three'",
    ),
    "targets of other platforms": (
        'requires_python = ">=3.9"',
        'requires_python = ">=3.9"\nplatform = "windows_amd64"',
        "metadata.targets: locked for windows_amd64, and not for linux x86_64",
    ),
    "target of another machine": (
        'requires_python = ">=3.9"',
        'requires_python = ">=3.9"\nplatform = "manylinux_2_17_aarch64"',
        "metadata.targets: locked for manylinux_2_17_aarch64, and not for linux x86_64",
    ),
    "package is a table": (
        "[[package]]",
        "[package]",
        "package: expected an array of tables, found a table",
    ),
    "no name": ('name = "pure"\n', "", "package[0].name: this key is missing"),
    "name of another type": ('"pure"', "[]", "package[0].name: expected a string, found an array"),
    "no version": ('version = "1.0"\n', "", "package[0].version: this key is missing"),
    "version that is none": ('"1.0"', '"one"', "package[0].version: not a version: 'one'"),
    "group of another type": (
        'groups = ["default"]',
        'groups = ["default", 1]',
        "package[0].groups[1]: expected a string, found a number",
    ),
    "extras of another type": (
        'summary = ""',
        'extras = "socks"',
        "package[0].extras: expected an array of strings, found a string",
    ),
    "marker that is none": (
        "sys_platform ==",
        "sys_platform",
        """package[0].marker: not a marker: "sys_platform 'linux'\"""",
    ),
    "marker of another type": (
        "\"sys_platform == 'linux'\"",
        "true",
        "package[0].marker: expected a string, found true or false",
    ),
    "no files": (FILES, "", "package[0].files: no wheel or sdist is listed for pure 1.0"),
    "files of another version": (
        "pure-1.0",
        "pure-1.1",
        "package[0].files: no wheel or sdist is listed for pure 1.0",
    ),
    "files of another type": (
        FILES,
        "files = {}\n",
        "package[0].files: expected an array of tables, found a table",
    ),
    "no hash": (
        ', hash = "sha256:00"',
        "",
        "package[0].files[0].hash: this key is missing",
    ),
    "hash without algorithm": (
        ', hash = "sha256:',
        ', hash = "',
        "package[0].files[0].hash: not of the form ALGORITHM:DIGEST",
    ),
    "no file name": ("{file", "{path", "package[0].files[0].file: this key is missing"),
    "no commit": (
        'summary = ""',
        'git = "https://example.org/pure.git"\nref = "main"',
        "package[0].revision: this key is missing",
    ),
    "editable checkout": (
        'summary = ""',
        'git = "https://example.org/pure.git"\neditable = true',
        "package[0].revision: an editable checkout is not locked to a commit",
    ),
    "commit that is none": (
        'summary = ""',
        'git = "https://example.org/pure.git"\nrevision = "main"',
        "package[0].revision: not a commit: 'main'",
    ),
    "no hash for a URL": (
        'summary = ""',
        'url = "https://example.org/pure-1.0.zip"',
        "package[0].files: no hash is recorded for pure-1.0.zip of pure",
    ),
    "path of another type": (
        'summary = ""',
        "path = 1",
        "package[0].path: expected a string, found a number",
    ),
}

BROKEN_OLD = {
    "dependency that is not locked": (
        'name = "other"',
        'name = "others"',
        "package[0].dependencies: other is not in pdm.lock",
    ),
    "extras that are not locked": (
        "other>=2",
        "other[more,and]>=2",
        "package[0].dependencies: other[and,more] is not in pdm.lock",
    ),
    "dependency that is none": (
        "other>=2",
        "other>=",
        "package[0].dependencies: not a requirement: \"other>=; os_name == 'posix'\"",
    ),
    "dependencies of another type": (
        "dependencies = [\n    \"other>=2; os_name == 'posix'\",\n]",
        "dependencies = {}",
        "package[0].dependencies: expected an array of strings, found a table",
    ),
    "no version that suits": (
        '[[package]]\nname = "other"',
        '[[package]]\nname = "other"\nversion = "1.0"\n[[package]]\nname = "other"',
        "package[0].dependencies: no locked other (1.0, 1.9) suits this and its other dependants",
    ),
}


def write_lock(directory: Path, lock: str, pyproject: str | None = PROJECT) -> Path:
    """Write a pdm.lock, and a pyproject.toml beside it; return the path of the lock."""
    return lockcases.write_lock(directory / "pdm.lock", lock, pyproject)


@pytest.mark.parametrize("case", find_cases("pdm"), ids=lambda case: case.name)
def test_case(case: Path) -> None:
    """A lock means the distributions and versions that PDM would install."""
    lock = read_lock(case / "pdm.lock")
    for situation in read_expected(case):
        assert select(lock, situation)[0] == situation["packages"], situation


@pytest.mark.parametrize(("old", "new", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A broken lock is one error of one line that names file, table and key, and how to mend it."""
    assert old in NEW
    path = write_lock(tmp_path, NEW.replace(old, new, 1))
    check_broken(path, problem, "run `pyx lock`")


@pytest.mark.parametrize(("old", "new", "problem"), BROKEN_OLD.values(), ids=BROKEN_OLD)
def test_broken_graph(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """What is wrong with the graph of a lock that has to be walked is likewise one error."""
    assert old in OLD
    path = write_lock(tmp_path, OLD.replace(old, new, 1).replace('"2.1"', '"1.9"'))
    check_broken(path, problem, "run `pyx lock`")


def test_graph_without_project(tmp_path: Path) -> None:
    """A lock that has to be walked means nothing without the pyproject.toml."""
    path = write_lock(tmp_path, OLD, None)
    with pytest.raises(LockError) as caught:
        names(read_lock(path))
    assert caught.value.where == "metadata.strategy"
    assert "pyproject.toml" in caught.value.message


def test_broken_package_that_is_not_wanted(tmp_path: Path) -> None:
    """What is wrong with a package that another platform needs does no harm here."""
    lock = NEW.replace("'linux'", "'win32'").replace('hash = "sha256:', 'hash = "')
    assert names(read_lock(write_lock(tmp_path, lock))) == []


@pytest.mark.parametrize(
    ("pyproject", "problem"),
    [
        ("[project", "line 1, column 9: not TOML"),
        ("tool = 1", "tool: expected a table, found a number"),
        ("[project]\nname = 1", "project.name: expected a string, found a number"),
        ("[project]\nrequires-python = 'three'", "project.requires-python: not a version spec"),
        ("[project]\ndependencies = ['pure ==']", "project.dependencies: not a requirement:"),
        ("[project]\ndependencies = ['absent']", "project.dependencies: absent is not in pdm.lock"),
        ("[project]\ndependencies = 'pure'", "project.dependencies: expected an array of strings"),
        ("[tool.pdm]\nsource = {}", "tool.pdm.source: expected an array of tables"),
    ],
)
def test_broken_pyproject(tmp_path: Path, pyproject: str, problem: str) -> None:
    """What is wrong with the pyproject.toml is an error that names it, and not the lock."""
    path = write_lock(tmp_path, OLD, pyproject)
    with pytest.raises(LockError) as caught:
        names(read_lock(path))
    assert caught.value.message.startswith(f"{tmp_path / 'pyproject.toml'}: {problem}")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        ("dev = [{include-group = 'b'}]", "dependency-groups.dev: includes group 'b', which does"),
        ("dev = [1]", "dependency-groups.dev: expected requirements and include-groups, found a"),
        ("dev = 'other'", "dependency-groups.dev: expected an array, found a string"),
        ("dev = ['-e ./absent']", "dependency-groups.dev: ./absent is not in pdm.lock"),
    ],
)
def test_broken_groups(tmp_path: Path, groups: str, problem: str) -> None:
    """What is wrong with a group is an error that names it."""
    lock = OLD.replace('["default"]', '["default", "dev"]')
    path = write_lock(tmp_path, lock, f"[dependency-groups]\n{groups}\n")
    with pytest.raises(LockError) as caught:
        names(read_lock(path))
    assert caught.value.message.startswith(f"{tmp_path / 'pyproject.toml'}: {problem}")


def test_groups_that_include_one_another(tmp_path: Path) -> None:
    """A circle of groups ends, whether PDM would have locked it or not."""
    lock = OLD.replace('["default"]', '["a", "b"]')
    groups = "a = [{include-group = 'b'}]\nb = [{include-group = 'a'}, 'pure']\n"
    path = write_lock(tmp_path, lock, f"[dependency-groups]\n{groups}")
    assert names(read_lock(path)) == ["pure", "other"]


def test_a_group_that_includes_one_that_includes_another(tmp_path: Path) -> None:
    """What the innermost group asks for is wanted, which PDM forgets of a lock like this one."""
    lock = OLD.replace('["default"]', '["docs", "dev", "lint"]')
    groups = "docs = [{include-group = 'dev'}]\ndev = [{include-group = 'lint'}]\nlint = ['pure']\n"
    path = write_lock(tmp_path, lock, f"[dependency-groups]\n{groups}")
    assert names(read_lock(path), Choice(only_groups=("docs",))) == ["pure", "other"]


def test_inputs_and_root(tmp_path: Path) -> None:
    """The pyproject.toml is an input even where it is absent; it decides what the root is."""
    lock = read_lock(write_lock(tmp_path, NEW, None))
    assert (lock.kind, lock.root) == ("pdm", None)
    assert lock.inputs == (tmp_path / "pyproject.toml",)
    write_lock(tmp_path, NEW)
    assert read_lock(lock.path).root == tmp_path
    for setting in ("distribution = false", 'package-type = "application"'):
        write_lock(tmp_path, NEW, f"{PROJECT}[tool.pdm]\n{setting}\n")
        assert read_lock(lock.path).root is None
    write_lock(tmp_path, NEW, "[project]\ndependencies = []\n")
    assert read_lock(lock.path).root is None


def test_requires_python(tmp_path: Path) -> None:
    """The Python versions are those of all targets; of the project where there are none."""
    path = write_lock(tmp_path, NEW)
    assert read_lock(path).requires_python == SpecifierSet(">=3.9")
    target = '[[metadata.targets]]\nrequires_python = ">=3.9"\n'
    several = "".join(target.replace(">=3.9", text) for text in ("<3.11,>=3.9", "==3.12.*"))
    write_lock(tmp_path, NEW.replace(target, several))
    assert read_lock(path).requires_python == SpecifierSet(">=3.9,!=3.11.*,<3.13")
    write_lock(tmp_path, OLD, PROJECT.replace("dependencies", 'requires-python = ">=3.8"\n#', 1))
    assert read_lock(path).requires_python == SpecifierSet(">=3.8")


def test_platforms_of_targets(tmp_path: Path) -> None:
    """One target for this Python and platform is enough, whatever the others are for."""
    targets = "".join(
        f'[[metadata.targets]]\nrequires_python = "{python}"\nplatform = "{platform}"\n'
        for python, platform in [
            (">=3.9", "windows_amd64"),
            (">=3.9,<3.12", "manylinux_2_17_x86_64"),
            (">=3.12", "macos_14_0_arm64"),
        ]
    )
    lock = NEW.replace('[[metadata.targets]]\nrequires_python = ">=3.9"\n', targets)
    read = read_lock(write_lock(tmp_path, lock.replace("marker", "#")))
    assert names(read, python="3.11.2") == ["pure"]
    assert find_package(read, "pure", "darwin").version == Version("1.0")
    assert find_package(read, "pure", "win32").version == Version("1.0")
    with pytest.raises(LockError, match="locked for windows_amd64, macos_14_0_arm64, and not"):
        names(read, python="3.12.1")


def test_implementation_of_a_target(tmp_path: Path) -> None:
    """A lock for another implementation is refused."""
    lock = NEW.replace('">=3.9"', '">=3.9"\nimplementation = "pypy"\ngil_disabled = false')
    with pytest.raises(LockError, match="locked for pypy, and not for linux x86_64"):
        names(read_lock(write_lock(tmp_path, lock)))


def test_unknown_names(tmp_path: Path) -> None:
    """Unknown extras and groups are errors that list those that were locked."""
    path = write_lock(tmp_path, NEW)
    lock = read_lock(path)
    with pytest.raises(UsageError) as caught:
        lock.choose(Choice(groups=("doc",)))
    assert caught.value.message == f"{path}: has no group named doc"
    assert caught.value.hint == "known are --group default, --group dev"
    with pytest.raises(UsageError) as caught:
        names(lock, Choice(extras=("Web",)))
    assert caught.value.message == f"{path}: has no extra named Web"
    assert caught.value.hint == "known are --extra net"


def test_choice(tmp_path: Path) -> None:
    """By default all that was locked is meant; extras only until something is asked for.

    What the project itself requires stays until it is named, and PDM's ``-G`` means extras as well.
    """
    lock = read_lock(write_lock(tmp_path, NEW))
    assert lock.choose(Choice()) == ({"net"}, {"default", "dev"})
    assert lock.choose(Choice(groups=("DEV",))) == (frozenset(), {"default", "dev"})
    assert lock.choose(Choice(default_groups=False)) == (frozenset(), {"default"})
    assert lock.choose(Choice(extras=("Net",), default_groups=False)) == ({"net"}, {"default"})
    assert lock.choose(Choice(no_dev=True)) == ({"net"}, {"default"})
    assert lock.choose(Choice(no_groups=("default",))) == ({"net"}, {"dev"})
    assert lock.choose(Choice(only_groups=("Dev",))) == (frozenset(), {"dev"})
    assert lock.choose(Choice(groups=("Net",))) == ({"net"}, {"default", "dev"})
    assert lock.choose(Choice(groups=(":all",))) == ({"net"}, {"default", "dev"})
    assert lock.choose(Choice(all_extras=True, groups=("dev",))) == ({"net"}, {"default", "dev"})


def test_groups_that_are_gone(tmp_path: Path) -> None:
    """A group that the project no longer has is not chosen, although it was locked."""
    lock = read_lock(write_lock(tmp_path, NEW, '[project]\nname = "sample"\n'))
    assert lock.choose(Choice()) == (frozenset(), {"default"})


def test_lock_without_groups(tmp_path: Path) -> None:
    """A lock that names no groups has those for development, but no extras."""
    path = write_lock(tmp_path, NEW.replace('groups = ["default", "dev", "net"]\n', ""))
    assert read_lock(path).choose(Choice()) == (frozenset(), {"default", "dev"})


def test_lock_alone(tmp_path: Path) -> None:
    """Without a pyproject.toml every locked group is one, and all of them are the default."""
    lock = read_lock(write_lock(tmp_path, NEW, None))
    assert lock.choose(Choice()) == (frozenset(), {"default", "dev", "net"})
    assert names(lock) == ["pure"]


def test_places() -> None:
    """Trees, files, URLs and repositories are what PEP 751 calls them."""
    lock = read_lock(CASES / "4.5-sources" / "pdm.lock")
    assert find_package(lock, "path-tree").directory == PackageDirectory(
        path="./libs/tree", editable=False
    )
    assert find_package(lock, "edit-tree").directory == PackageDirectory(
        path="./libs/edit", editable=True
    )
    vcs = find_package(lock, "git-tree").vcs
    assert isinstance(vcs, PackageVcs)
    assert (vcs.type, vcs.url) == ("git", "https://example.org/git-tree.git")
    assert (vcs.requested_revision, len(vcs.commit_id)) == ("v1", 40)
    [wheel] = find_package(lock, "local-wheel").wheels or ()
    assert (wheel.path, list(wheel.hashes)) == (
        "./libs/local_wheel-0.5-py3-none-any.whl",
        ["sha256"],
    )
    archive = find_package(lock, "local-sdist").archive
    assert isinstance(archive, PackageArchive)
    assert archive.path == "./libs/local_sdist-0.6.tar.gz"
    [wheel] = find_package(lock, "url-wheel").wheels or ()
    assert wheel.url == "https://example.org/files/url_wheel-0.9-py3-none-any.whl"
    sdist = find_package(lock, "slow-build").sdist
    assert isinstance(sdist, PackageSdist)
    assert (sdist.filename, sdist.url) == ("slow_build-1.2.tar.gz", None)


@pytest.mark.parametrize(
    ("place", "directory"),
    [
        ('path = "../tree"', "../tree"),
        ('url = "file:///${PROJECT_ROOT}/libs/a%20tree"', "libs/a tree"),
        ('url = "file:///srv/tree#egg=pure"', "/srv/tree"),
    ],
)
def test_directories(tmp_path: Path, place: str, directory: str) -> None:
    """A tree is meant by a path or by a URL, below the project or elsewhere."""
    place = f'{place}\nsubdirectory = "python"'
    lock = read_lock(write_lock(tmp_path, NEW.replace('summary = ""', place)))
    assert find_package(lock, "pure").directory == PackageDirectory(
        path=directory, editable=False, subdirectory="python"
    )


def test_static_urls() -> None:
    """Static URLs say where a file is, and its name is the last part of the URL."""
    lock = read_lock(CASES / "4.5-sources-walked" / "pdm.lock")
    [wheel] = find_package(lock, "name-codec").wheels or ()
    assert isinstance(wheel, PackageWheel)
    assert wheel.filename == "name_codec-3.6-py3-none-any.whl"
    assert wheel.url == f"https://example.org/files/{wheel.filename}"
    sdist = find_package(lock, "slow-build").sdist
    assert isinstance(sdist, PackageSdist)
    assert sdist.url == "https://example.org/files/slow_build-1.2.tar.gz"


def test_editable_tree_without_a_name(tmp_path: Path) -> None:
    """An editable tree that is asked for by its path alone is the one that is locked there."""
    files = 'files = [{file = "other-2.1.tar.gz", hash = "sha256:00"}]\n'
    lock = OLD.replace(files, 'path = "./libs/edit"\neditable = true\n').replace("default", "dev")
    path = write_lock(tmp_path, lock, '[tool.pdm.dev-dependencies]\ndev = ["-e libs//edit"]\n')
    assert names(read_lock(path)) == ["other"]


@pytest.mark.parametrize(
    ("files", "platform", "version"),
    [
        (["engine-1.0-py3-none-any.whl"], "linux", "1.0"),
        (["engine-1.0-py3-none-any.whl", "engine-1.0+cpu-py3-none-any.whl"], "linux", "1.0+cpu"),
        (["engine-1.0.tar.gz", "engine-1.0+b.2.tar.gz"], "linux", "1.0+b.2"),
        (["engine-1.0-py3-none-any.whl", "engine-1.1+cpu-py3-none-any.whl"], "linux", "1.0"),
        (
            ["engine-1.0-cp312-cp312-macosx_11_0_arm64.whl", "engine-1.0+c-py3-none-win32.whl"],
            "darwin",
            "1.0",
        ),
        (
            ["engine-1.0+c-py3-none-macosx_11_0_arm64.whl", "engine-1.0-py3-none-any.whl"],
            "linux",
            "1.0",
        ),
    ],
)
def test_local_versions(tmp_path: Path, files: list[str], platform: str, version: str) -> None:
    """PDM locks a version without its local part; the highest for the platform is meant."""
    rows = "".join(f'{{file = "{name}", hash = "sha256:00"}},' for name in files)
    lock = NEW.replace(FILES[FILES.index("[") :], f"[{rows}]\n").replace("pure", "engine")
    lock = lock.replace("sys_platform == 'linux'", "")
    found = find_package(read_lock(write_lock(tmp_path, lock)), "engine", platform)
    assert str(found.version) == version
    assert len(found.wheels or ()) + bool(found.sdist) == 1


DEFAULT_SOURCE = '[[tool.pdm.source]]\nname = "pypi"\nurl = "https://example.org/a"\n'
OTHER_SOURCE = '[[tool.pdm.source]]\nname = "b"\nurl = "https://example.org/b"\n'

SOURCES = {
    "none": ("", None),
    "one more": (OTHER_SOURCE, None),
    "the default": (DEFAULT_SOURCE, "https://example.org/a"),
    "included": (OTHER_SOURCE + 'include_packages = ["pu*"]\n', "https://example.org/b"),
    "excluded": (
        DEFAULT_SOURCE + OTHER_SOURCE + 'exclude_packages = ["pure"]\n',
        "https://example.org/a",
    ),
    "links": (DEFAULT_SOURCE + 'type = "find_links"\n', None),
    "credentials": (
        DEFAULT_SOURCE.replace("example", "${WHO}:${ABSENT}@example"),
        "https://me:@example.org/a",
    ),
    "user": (
        DEFAULT_SOURCE + 'username = "${WHO}"\npassword = "p"\n',
        "https://me:p@example.org/a",
    ),
}


@pytest.mark.parametrize(("source", "index"), SOURCES.values(), ids=SOURCES)
def test_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, index: str | None
) -> None:
    """The index is named where it can be only one, with the variables in its URL expanded."""
    monkeypatch.setenv("WHO", "me")
    monkeypatch.delenv("ABSENT", raising=False)
    lock = read_lock(write_lock(tmp_path, NEW, PROJECT + source))
    assert find_package(lock, "pure").index == index


def test_markers_that_join_python_and_platform(tmp_path: Path) -> None:
    """A marker holds as PEP 508 has it, although PDM takes its alternatives apart."""
    marker = "python_version < '3.11' and os_name == 'nt' or python_version >= '3.12'"
    marker += " and sys_platform == 'linux'"
    lock = read_lock(write_lock(tmp_path, NEW.replace("sys_platform == 'linux'", marker)))
    assert names(lock, python="3.10.1") == []
    assert names(lock, python="3.12.1") == ["pure"]


def test_last_candidate_counts(tmp_path: Path) -> None:
    """Of several candidates that apply the last without extras counts, as in PDM."""
    second = NEW[NEW.index("[[package]]") :].replace("1.0", "1.1")
    third = second.replace('"1.1"', '"1.1"\nextras = ["more"]', 1)
    lock = read_lock(write_lock(tmp_path, NEW + second + third))
    assert names(lock) == ["pure"]
    assert find_package(lock, "pure").version == Version("1.1")


@pytest.mark.parametrize("kind", [NEW, OLD], ids=["inherited", "walked"])
def test_speed(tmp_path: Path, kind: str) -> None:
    """A lock of 300 packages is read and chosen from in a fraction of a second."""
    count = 300
    parts = [kind.partition("[[package]]")[0]]
    for number in range(count):
        needs = [f"part-{n}>=1,<2; python_version >= '3.{n % 9}'" for n in range(number + 1, count)]
        rows = "".join(
            f'{{file = "part_{number}-1.{number}-cp3{minor}-cp3{minor}-{system}.whl", '
            f'hash = "sha256:{number:064}"}},\n'
            for minor in range(9, 14)
            for system in ("manylinux_2_17_x86_64", "macosx_11_0_arm64", "win_amd64")
        )
        parts.append(
            f'[[package]]\nname = "part-{number}"\nversion = "1.{number}"\ngroups = ["default"]\n'
            f"marker = \"python_version >= '3.{number % 9}'\"\n"
            f"dependencies = {needs[:4]}\nfiles = [\n{rows}]\n"
        )
    path = write_lock(tmp_path, "".join(parts), PROJECT.replace('"pure"', '"part-0"'))
    times = []
    for _ in range(3):
        start = time.process_time()
        assert len(names(read_lock(path))) == count
        times.append(time.process_time() - start)
    # It takes a third of this; tests run on slow machines as well.
    assert min(times) < 0.5

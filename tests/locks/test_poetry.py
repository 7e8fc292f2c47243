"""The reader of poetry.lock: every lock version, groups, extras, sources, and broken locks.

The expected selections were made by Poetry itself (`tests/oracle/test_poetry.py` asks it anew);
the locks by Poetry 1.1, 1.4, 1.8 and 2.5, and by hand where such a Poetry no longer runs.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import lockcases
import pytest
from lockcases import (
    LOCKS,
    check_broken,
    environment,
    find_cases,
    find_package,
    names,
    read_choice,
    read_expected,
    select,
)
from packaging.pylock import PackageArchive, PackageDirectory, PackageVcs
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.filenames import sort_files
from pyx_launcher.locks.common.packages import PackageWheel
from pyx_launcher.locks.poetry.constraints import (
    allows,
    allows_platform,
    allows_python,
    python_specifiers,
)
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from pyx_launcher.locks.reader import Lock

CASES = LOCKS / "poetry"

FILE = 'files = [{file = "pure-1.0-py3-none-any.whl", hash = "sha256:00"}]\n'

NEW = f"""\
[[package]]
name = "pure"
version = "1.0"
optional = false
python-versions = ">=3.8"
groups = ["main"]
markers = "sys_platform == 'linux'"
{FILE}
[package.dependencies]
other = "*"

[package.source]
type = "legacy"
url = "https://example.org/simple"

[extras]
net = ["pure"]

[metadata]
lock-version = "2.1"
python-versions = "^3.9"
content-hash = "00"
"""

OLD = """\
[[package]]
name = "pure"
version = "1.0"
category = "main"
optional = false
python-versions = "*"

[package.dependencies]
other = {version = "^2.0", markers = "os_name == 'posix'"}

[[package]]
name = "other"
version = "2.1"
category = "main"
optional = false
python-versions = "*"

[metadata]
lock-version = "1.1"
python-versions = "*"

[metadata.files]
pure = [{file = "pure-1.0-py3-none-any.whl", hash = "sha256:00"}]
other = [{file = "other-2.1.tar.gz", hash = "sha256:00"}]
"""

# What to replace in NEW, by what, and the error after the name of the file.
BROKEN = {
    "truncated": (
        NEW[NEW.index("[metadata]") :],
        "[metadata",
        "line 20, column 10: not TOML: expected ']' at the end of a table declaration",
    ),
    "cut before metadata": (
        NEW[NEW.index("[metadata]") :],
        "",
        "metadata.lock-version: this key is missing",
    ),
    "metadata of another type": (
        "[metadata]",
        "[[metadata]]",
        "metadata: expected a table, found an array",
    ),
    "newer version": (
        '"2.1"',
        '"3.0"',
        "metadata.lock-version: version 3.0 is not supported; pyx reads 1.0, 1.1, 2.0, 2.1",
    ),
    "version of another type": (
        '"2.1"',
        "2.1",
        "metadata.lock-version: expected a string, found a float",
    ),
    "python-versions that are none": (
        '"^3.9"',
        '"^three"',
        "metadata.python-versions: not a constraint: '^three'",
    ),
    "python-versions of another type": (
        '"^3.9"',
        "3",
        "metadata.python-versions: expected a string, found a number",
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
    "no groups": ('groups = ["main"]\n', "", "package[0].groups: this key is missing"),
    "groups of another type": (
        '["main"]',
        '"main"',
        "package[0].groups: expected an array of strings, found a string",
    ),
    "group of another type": (
        '["main"]',
        '["main", 1]',
        "package[0].groups[1]: expected a string, found a number",
    ),
    "marker that is none": (
        "sys_platform ==",
        "sys_platform",
        """package[0].markers: not a marker: "sys_platform 'linux'\"""",
    ),
    "marker about nothing": (
        "sys_platform",
        "planet",
        """package[0].markers: not a marker: "planet == 'linux'\"""",
    ),
    "markers of another type": (
        "\"sys_platform == 'linux'\"",
        "true",
        "package[0].markers: expected a table, found true or false",
    ),
    "no files": (FILE, "", "package[0].files: this key is missing"),
    "empty files": (
        FILE,
        "files = []\n",
        "package[0].files: no wheel or sdist is listed for pure 1.0",
    ),
    "files of another type": (
        FILE,
        "files = {}\n",
        "package[0].files: expected an array of tables, found a table",
    ),
    "no hash": (
        ', hash = "sha256:00"',
        "",
        "package[0].files[0].hash: this key is missing",
    ),
    "hash without algorithm": (
        "sha256:",
        "",
        "package[0].files[0].hash: not of the form ALGORITHM:DIGEST",
    ),
    "no file name": ("{file", "{path", "package[0].files[0].file: this key is missing"),
    "unknown source": (
        '"legacy"',
        '"tape"',
        "package[0].source.type: 'tape' is not a kind of source",
    ),
    "source of another type": (
        NEW[NEW.index("[package.source]") : NEW.index("[extras]")],
        "[package.source.x]\n[[package.source.type]]\n",
        "package[0].source.type: expected a string, found an array",
    ),
    "no commit": (
        '"legacy"',
        '"git"',
        "package[0].source.resolved_reference: this key is missing",
    ),
    "commit that is none": (
        '"legacy"',
        '"git"\nresolved_reference = "main"',
        "package[0].source.resolved_reference: not a commit: 'main'",
    ),
    "directory without path": (
        'type = "legacy"\nurl',
        'type = "directory"\nurn',
        "package[0].source.url: this key is missing",
    ),
}

BROKEN_OLD = {
    "no hash for a URL": (
        'python-versions = "*"\n\n[package.dep',
        """python-versions = "*"
[package.source]
type = "url"
url = "https://example.org/pure-1.0.zip"
[package.dep""",
        "metadata.files.pure: no hash is recorded for pure-1.0.zip of pure",
    ),
    "no files of a package": (
        'pure = [{file = "pure-1.0-py3-none-any.whl", hash = "sha256:00"}]\n',
        "",
        "package[0].files: this key is missing",
    ),
    "files of another version": (
        "pure-1.0-py3",
        "pure-1.1-py3",
        "metadata.files.pure: no wheel or sdist is listed for pure 1.0",
    ),
    "dependency that is not locked": (
        'name = "other"',
        'name = "others"',
        "package[0].dependencies.other: other is not in poetry.lock",
    ),
    "dependency of another type": (
        '{version = "^2.0", markers = "os_name == \'posix\'"}',
        "2",
        "package[0].dependencies.other: expected a version or a table, found a number",
    ),
    "marker that is none": (
        "os_name ==",
        "os_name",
        """package[0].dependencies.other: not a marker: "os_name 'posix'\"""",
    ),
    "optional of another type": (
        "optional = false",
        'optional = "no"',
        "package[0].optional: expected true or false, found a string",
    ),
}


def write_lock(directory: Path, lock: str, pyproject: str | None = None) -> Path:
    """Write a poetry.lock, and a pyproject.toml beside it; return the path of the lock."""
    return lockcases.write_lock(directory / "poetry.lock", lock, pyproject)


@pytest.mark.parametrize("case", find_cases("poetry"), ids=lambda case: case.name)
def test_case(case: Path) -> None:
    """A lock means the distributions and versions that Poetry would install."""
    lock = read_lock(case / "poetry.lock")
    for situation in read_expected(case):
        to_pylock(lock, environment(situation["python"]), read_choice(situation))
        markers = environment(situation["python"], situation["platform"])
        pylock = to_pylock(lock, markers, read_choice(situation))
        found = {package.name: str(package.version) for package in pylock.packages}
        assert found == situation["packages"], situation
        if "sources" not in case.name:
            assert select(lock, situation)[0] == found


@pytest.mark.parametrize(("old", "new", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A broken lock is one error of one line that names file, table and key, and how to mend it."""
    assert old in NEW
    path = write_lock(tmp_path, NEW.replace(old, new, 1))
    check_broken(path, problem, "run `pyx lock`")


@pytest.mark.parametrize(("old", "new", "problem"), BROKEN_OLD.values(), ids=BROKEN_OLD)
def test_broken_old(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A broken lock of the old kind is likewise one error."""
    assert old in OLD
    path = write_lock(tmp_path, OLD.replace(old, new, 1))
    check_broken(path, problem)


def test_broken_package_that_is_not_wanted(tmp_path: Path) -> None:
    """What is wrong with a package that another platform needs does no harm here."""
    lock = NEW.replace("'linux'", "'win32'").replace("sha256:", "")
    assert names(read_lock(write_lock(tmp_path, lock))) == []


@pytest.mark.parametrize(
    ("pyproject", "problem"),
    [
        ("[tool.poetry", "line 1, column 13: not TOML"),
        ("tool = 1", "tool: expected a table, found a number"),
        ("[tool.poetry.group.docs]\noptional = 1", "tool.poetry.group.docs.optional: expected"),
        ("[tool.poetry.dependencies]\nabsent = '*'", "tool.poetry.dependencies.absent: absent is"),
        ("[tool.poetry.dependencies]\npure = 1", "tool.poetry.dependencies.pure: expected a ver"),
        ("[project]\ndependencies = ['pure ==']", "project.dependencies: not a requirement:"),
        ("[dependency-groups]\na = [{include-group='b'}]", "dependency-groups.a: includes group"),
        ("[dependency-groups]\na = [{include-group='a'}]", "dependency-groups: group 'a' incl"),
        ("[dependency-groups]\na = [1]", "dependency-groups.a[0]: expected a requirement"),
        ("[tool.poetry.dependencies]\npure = {python='y'}", "tool.poetry.dependencies.pure: "),
    ],
)
def test_broken_pyproject(tmp_path: Path, pyproject: str, problem: str) -> None:
    """What is wrong with the pyproject.toml is an error that names it, and not the lock."""
    path = write_lock(tmp_path, OLD, pyproject)
    with pytest.raises(LockError) as caught:
        names(read_lock(path))
    assert caught.value.message.startswith(f"{tmp_path / 'pyproject.toml'}: {problem}")
    assert "\n" not in caught.value.message


def test_inputs_and_root(tmp_path: Path) -> None:
    """The pyproject.toml is an input even where it is absent; it decides what the root is."""
    lock = read_lock(write_lock(tmp_path, NEW))
    assert (lock.kind, lock.root) == ("poetry", None)
    assert lock.inputs == (tmp_path / "pyproject.toml",)
    write_lock(tmp_path, NEW, '[tool.poetry]\nname = "sample"\n')
    assert read_lock(lock.path).root == tmp_path
    write_lock(tmp_path, NEW, '[project]\nname = "sample"\n[tool.poetry]\npackage-mode = false\n')
    assert read_lock(lock.path).root is None
    write_lock(tmp_path, NEW, "[tool.poetry]\n")
    assert read_lock(lock.path).root is None


def test_requires_python(tmp_path: Path) -> None:
    """The Python versions of the lock are those of the project, in PEP 440's terms."""
    lock = read_lock(write_lock(tmp_path, NEW))
    assert lock.requires_python == SpecifierSet(">=3.9,<4")
    assert to_pylock(lock, environment("3.12.1"), Choice()).requires_python == lock.requires_python


def test_unknown_names(tmp_path: Path) -> None:
    """Unknown extras and groups are errors that list the known ones."""
    path = write_lock(tmp_path, NEW, "[tool.poetry.group.docs]\noptional = true\n")
    lock = read_lock(path)
    with pytest.raises(UsageError) as caught:
        lock.choose(Choice(groups=("doc",)))
    assert caught.value.message == f"{path}: has no group named doc"
    assert caught.value.hint == "known are --group docs, --group main"
    with pytest.raises(UsageError) as caught:
        names(lock, Choice(extras=("Web",)))
    assert caught.value.message == f"{path}: has no extra named Web"
    assert caught.value.hint == "known are --extra net"


def test_choice() -> None:
    """Names are normalised; the groups that are not optional are the default."""
    lock = read_lock(CASES / "2.1-pep621" / "poetry.lock")
    everything = frozenset({"main", "lint", "dev-tools", "docs"})
    assert lock.choose(Choice()) == (frozenset(), everything - {"docs"})
    assert lock.choose(Choice(groups=("DOCS",)))[1] == everything
    assert lock.choose(Choice(only_groups=("Dev_Tools",)))[1] == {"dev-tools"}
    assert lock.choose(Choice(default_groups=False))[1] == {"main"}
    assert lock.choose(Choice(no_groups=("main", "lint")))[1] == {"dev-tools"}
    assert lock.choose(Choice(extras=("full_set",)))[0] == {"full-set"}
    assert lock.choose(Choice(all_extras=True))[0] == {"full-set", "speed"}


def copy_without_pyproject(case: str, directory: Path) -> Lock:
    """Return the lock of a case, read from where no pyproject.toml is."""
    shutil.copy(CASES / case / "poetry.lock", directory)
    return read_lock(directory / "poetry.lock")


def test_new_lock_alone(tmp_path: Path) -> None:
    """Without a pyproject.toml no group of a lock of version 2.1 counts as optional."""
    lock = copy_without_pyproject("2.1-groups", tmp_path)
    assert names(lock) == ["html-render", "ini-reader", "plug", "terminal", "test-runner"]
    assert names(lock, Choice(only_groups=("docs",))) == ["html-render"]


def test_old_lock_alone(tmp_path: Path) -> None:
    """Without a pyproject.toml an older lock means what is not optional and applies."""
    lock = copy_without_pyproject("2.0-groups", tmp_path)
    always = ["cycle-a", "cycle-b", "html-render", "ini-reader", "plug", "terminal", "test-runner"]
    assert names(lock) == always
    backports = ["exception-group", "toml-reader"]
    assert names(lock, python="3.9.18") == sorted([*always, *backports])


def test_old_lock_alone_with_extras(tmp_path: Path) -> None:
    """The extras of an older lock work without a pyproject.toml, by the lock's own list."""
    lock = copy_without_pyproject("1.1-extras", tmp_path)
    assert names(lock) == ["six-ways"]
    assert names(lock, Choice(extras=("names",))) == ["name-codec", "six-ways"]


def test_old_categories_alone(tmp_path: Path) -> None:
    """The categories of Poetry 1.1 stand for groups where there is no pyproject.toml."""
    lock = copy_without_pyproject("1.1-category", tmp_path)
    assert names(lock, Choice(only_groups=("dev",))) == [
        "ini-reader",
        "plug",
        "test-runner",
    ]
    assert "test-runner" not in names(lock, Choice(default_groups=False))


def test_old_versions_alone(tmp_path: Path) -> None:
    """Of several locked versions the newest is taken where nothing else decides."""
    lock = copy_without_pyproject("2.0-versions", tmp_path)
    pylock = to_pylock(lock, environment("3.12.1"), Choice())
    assert [(p.name, str(p.version)) for p in pylock.packages] == [
        ("metadata-reader", "7.0.0"),
        ("zipper", "3.19.0"),
    ]


def test_pyproject_of_another_tool(tmp_path: Path) -> None:
    """A pyproject.toml that says nothing of the project is as good as none."""
    path = write_lock(tmp_path, OLD, "[tool.ruff]\nline-length = 100\n")
    assert names(read_lock(path)) == ["pure", "other"]


def test_unsatisfiable_versions(tmp_path: Path) -> None:
    """Where none of several locked versions fits, the one that asks for another is named."""
    second = OLD[OLD.index('[[package]]\nname = "other"') : OLD.index("[metadata]")]
    lock = OLD.replace("[metadata]", second.replace("2.1", "2.2") + "[metadata]", 1)
    path = write_lock(tmp_path, lock.replace("^2.0", "^3.0"))
    with pytest.raises(LockError) as caught:
        names(read_lock(path))
    assert caught.value.message == (
        f"{path}: package[0].dependencies.other: "
        "no locked other (2.1, 2.2) suits this and its other dependants"
    )


def test_later_constraint_changes_the_version(tmp_path: Path) -> None:
    """A constraint that is met only after a version was chosen still decides."""
    lock = """\
[[package]]
name = "first"
version = "1"
[package.dependencies]
shared = "*"
[[package]]
name = "last"
version = "1"
[package.dependencies]
shared = "<2"
[[package]]
name = "middle"
version = "1"
[package.dependencies]
last = "*"
[[package]]
name = "only-for-2"
version = "1"
[[package]]
name = "shared"
version = "1.5"
[[package]]
name = "shared"
version = "2.0"
[package.dependencies]
only-for-2 = "*"
[metadata]
lock-version = "1.1"
[metadata.files]
"""
    for name in ("first-1", "last-1", "middle-1", "only-for-2-1"):
        stem = name.rpartition("-")[0]
        lock += f'{stem} = [{{file = "{name}.tar.gz", hash = "sha256:00"}}]\n'
    lock += 'shared = [{file = "shared-1.5.zip", hash = "sha256:00"}]\n'
    project = "[tool.poetry.dependencies]\nfirst = '*'\nmiddle = '*'\n"
    pylock = to_pylock(
        read_lock(write_lock(tmp_path, lock, project)), environment("3.12.1"), Choice()
    )
    assert [f"{p.name} {p.version}" for p in pylock.packages] == [
        "first 1",
        "last 1",
        "middle 1",
        "shared 1.5",
    ]


@pytest.mark.parametrize(
    ("extras", "expected"),
    [("", ["pure"]), ("more", ["pure", "other"]), ("all", ["pure", "other"])],
)
def test_optional_dependency_of_a_dependency(
    tmp_path: Path, extras: str, expected: list[str]
) -> None:
    """An optional dependency is followed for the extra that lists it, even through another one."""
    optional = """other = {version = "*", optional = true}
[package.extras]
more = ["other (>=2)"]
all = ["pure[more]"]
"""
    start, end = OLD.index("other = {"), OLD.index('[[package]]\nname = "other"')
    project = f'[tool.poetry.dependencies]\npure = {{ version = "*", extras = ["{extras}"] }}\n'
    lock = read_lock(write_lock(tmp_path, OLD[:start] + optional + OLD[end:], project))
    assert names(lock) == expected


def test_source_decides_between_equal_versions(tmp_path: Path) -> None:
    """Of one version locked from two indexes, the dependency's own `source` names one."""
    entry = """\
[[package]]
name = "heavy"
version = "1.0"
files = [{file = "heavy-1.0.tar.gz", hash = "sha256:00"}]
[package.source]
type = "legacy"
url = "https://example.org/NAME"
reference = "NAME"
"""
    lock = entry.replace("NAME", "cpu") + entry.replace("NAME", "gpu")
    lock += '[metadata]\nlock-version = "2.0"\npython-versions = "*"\n'
    project = """\
[tool.poetry.dependencies]
heavy = [
    { version = "1.0", source = "gpu", platform = "linux" },
    { version = "1.0", source = "cpu", platform = "!=linux" },
]
"""
    read = read_lock(write_lock(tmp_path, lock, project))
    for platform, index in (("linux", "gpu"), ("darwin", "cpu"), ("win32", "cpu")):
        (found,) = to_pylock(read, environment("3.12.1", platform), Choice()).packages
        assert found.index == f"https://example.org/{index}"


@pytest.mark.parametrize("version", ["1.1", "2.0", "2.1"])
def test_sources(version: str) -> None:
    """A directory, a file, a repository and a URL become what pylock has for them."""
    lock = read_lock(CASES / f"{version}-sources" / "poetry.lock")
    assert find_package(lock, "helper").directory == PackageDirectory(
        path="libs/helper", editable=True
    )
    remote = find_package(lock, "remote").vcs
    assert remote is not None
    assert remote == PackageVcs(
        type="git",
        url="https://example.org/remote.git",
        requested_revision="main",
        commit_id=remote.commit_id,
    )
    assert len(remote.commit_id) == 40
    (wheel,) = find_package(lock, "style-check").wheels or ()
    assert (wheel.path, wheel.url) == ("wheels/style_check-2.11.1-py3-none-any.whl", None)
    assert set(wheel.hashes) == {"sha256"}
    if version != "1.1":
        (wheel,) = find_package(lock, "html-render").wheels or ()
        assert wheel.url == "https://example.org/files/html_render-3.0.2-py3-none-any.whl"


def test_url_of_an_sdist(tmp_path: Path) -> None:
    """An archive that is no wheel stays an archive, with the directory inside it."""
    source = 'type = "url"\nurl = "https://example.org/pure-1.0.tar.gz#egg"\nsubdirectory = "src"'
    lock = NEW.replace('type = "legacy"\nurl = "https://example.org/simple"', source)
    lock = lock.replace("pure-1.0-py3-none-any.whl", "pure-1.0.tar.gz")
    assert find_package(read_lock(write_lock(tmp_path, lock)), "pure").archive == PackageArchive(
        url="https://example.org/pure-1.0.tar.gz#egg", hashes={"sha256": "00"}, subdirectory="src"
    )


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://example.org/r.git", "url"),
        ("ssh://git@example.org/r.git", "url"),
        ("git@example.org:team/r.git", "url"),
        ("../r.git", "path"),
    ],
)
def test_repository_on_this_machine(tmp_path: Path, url: str, key: str) -> None:
    """A repository without a host is a path, and one in SSH's short form is not."""
    source = f'type = "git"\nurl = "{url}"\nresolved_reference = "{"a" * 40}"'
    lock = NEW.replace('type = "legacy"\nurl = "https://example.org/simple"', source)
    vcs = find_package(read_lock(write_lock(tmp_path, lock)), "pure").vcs
    assert vcs is not None
    assert {"path": vcs.path, "url": vcs.url} == {"path": None, "url": None} | {key: url}


def test_private_index() -> None:
    """A distribution of a private index keeps its address; one of the default index has none."""
    private = read_lock(CASES / "2.0-private-index" / "poetry.lock")
    assert find_package(private, "terminal").index == "https://example.org/simple"
    default = read_lock(CASES / "2.1-groups" / "poetry.lock")
    terminal = find_package(default, "terminal")
    assert terminal.index is None
    assert [(w.name, w.url) for w in terminal.wheels or ()] == [
        ("terminal-8.1.7-py3-none-any.whl", None)
    ]


@pytest.mark.parametrize(
    ("markers", "extras", "expected"),
    [
        ('"extra == \\"net\\""', (), []),
        ('"extra == \\"net\\""', ("net",), ["pure"]),
        ("\"extra == 'a' or extra == 'Net'\"", ("net",), ["pure"]),
        ("\"extra != 'net'\"", ("net",), []),
        ("\"'net' == extra\"", ("net",), ["pure"]),
        ('"<empty>"', (), []),
        ('""', (), ["pure"]),
        ("{main = \"extra == 'net'\"}", (), []),
        ("{dev = \"extra == 'net'\"}", (), ["pure"]),
    ],
)
def test_markers(
    tmp_path: Path, markers: str, extras: tuple[str, ...], expected: list[str]
) -> None:
    """A marker may ask for any of several extras, be constant, or differ by group."""
    lock = NEW.replace("\"sys_platform == 'linux'\"", markers)
    assert names(read_lock(write_lock(tmp_path, lock)), Choice(extras=extras)) == expected


def test_files_of_a_release() -> None:
    """Of a release's files the standard wheels and the best sdist are kept, of no other version."""
    filenames = [
        "a_b-1.0.tar.gz",
        "a_b-1.0.zip",
        "a-b-1.0-py3.9.egg",
        "a_b-1.0.win32.exe",
        "a_b-1.0-py3-none-any.whl",
        "a_b-1.0-1-cp39-cp39-linux_x86_64.whl",
        "a_b-1.0.0-py2.py3-none-any.whl",
        "a_b-1.0-none-any.whl",
        "a_b-1.1-py3-none-any.whl",
        "a_b-1.0.post1.tar.gz",
    ]
    wheels, sdist = sort_files([(name, {"sha256": name}) for name in filenames], Version("1.0"))
    assert [wheel.name for wheel in wheels] == [filenames[4], filenames[5], filenames[6]]
    assert wheels[0] == PackageWheel(name=filenames[4], hashes={"sha256": filenames[4]})
    assert sdist is not None
    assert sdist.name == "a_b-1.0.tar.gz"


@pytest.mark.parametrize(
    ("constraint", "allowed", "refused"),
    [
        ("^1.2.3", "1.2.3 1.9", "1.2.2 2.0 2.0rc1"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3 1.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0.0", "0.0.9", "0.1"),
        ("^0", "0.9", "1.0"),
        ("~1.2.3", "1.2.9", "1.3"),
        ("~1.2", "1.2.9", "1.3"),
        ("~1", "1.9", "2.0"),
        ("~=1.2", "1.9", "2.0"),
        ("1.2.*", "1.2.9", "1.3"),
        ("==1.*", "1.9", "2.0"),
        ("!=1.*", "2.0", "1.9"),
        ("1.2", "1.2.0 1.2+local", "1.2.1"),
        ("=1.2", "1.2", "1.3"),
        (">=1.0 <2.0", "1.5", "2.0 0.9"),
        (">= 1.0, < 2.0,", "1.5", "2.0"),
        (">=1.5.6,<1.5.7 || >1.5.7", "1.5.6 1.6", "1.5.7"),
        ("1.0 | 2.0", "1.0 2.0", "1.5"),
        ("*", "0 9.9 1.0rc1", ""),
        (">=1.*", "1.0 2.0", "0.9"),
        ("1!2.0", "1!2.0", "2.0"),
        (">=1.0b1", "1.0b2 1.0", "1.0a1"),
    ],
)
def test_constraints(constraint: str, allowed: str, refused: str) -> None:
    """A constraint of Poetry allows what Poetry lets it allow."""
    assert [v for v in allowed.split() if not allows(constraint, Version(v))] == []
    assert [v for v in refused.split() if allows(constraint, Version(v))] == []


@pytest.mark.parametrize("constraint", ["^", "^x1", ">=,<2", "==1.0.", "latest"])
def test_constraints_that_are_none(constraint: str) -> None:
    """Text that is no constraint is refused rather than taken for any version."""
    with pytest.raises(ValueError, match=r"nvalid|not a version"):
        allows(constraint, Version("1.0"))


@pytest.mark.parametrize(
    ("constraint", "allowed", "refused"),
    [
        ("3.9", "3.9.0 3.9.18", "3.10.1"),
        ("^3.9", "3.9.1 3.13.0", "3.8.1"),
        (">3.9", "3.9.1 3.10.1", "3.9.0"),
        ("<=3.9", "3.8.1 3.9.0", "3.9.1"),
        (">=3.9.5", "3.9.5", "3.9.4"),
        ("~3.9 || ^3.11", "3.9.1 3.11.1", "3.10.1"),
        ("!=3.10.*", "3.9.1", "3.10.1"),
    ],
)
def test_python_of_a_dependency(constraint: str, allowed: str, refused: str) -> None:
    """``python = …`` compares the minor version where the constraint names no more."""
    assert [v for v in allowed.split() if not allows_python(constraint, environment(v))] == []
    assert [v for v in refused.split() if allows_python(constraint, environment(v))] == []


def test_platform_of_a_dependency() -> None:
    """``platform = …`` compares `sys.platform`, with alternatives and exclusions."""
    assert allows_platform("linux", "linux")
    assert allows_platform("linux || darwin", "darwin")
    assert not allows_platform("!=win32, !=darwin", "darwin")
    assert not allows_platform("==win32", "linux")


@pytest.mark.parametrize(
    ("constraint", "specifiers"),
    [
        ("*", ""),
        ("^3.9", ">=3.9,<4"),
        ("~2.7 || ^3.6", ">=3.6,<4"),
        ("~3.8 || ~3.10", ">=3.8,!=3.9.*,<3.11"),
        (">=3.6.1,<3.8 || >=3.9", ">=3.6,!=3.8.*"),
    ],
)
def test_python_versions(constraint: str, specifiers: str) -> None:
    """Alternatives of Python versions become one set of specifiers."""
    assert python_specifiers(constraint) == SpecifierSet(specifiers)

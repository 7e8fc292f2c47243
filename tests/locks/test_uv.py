"""The reader of uv.lock: workspaces, extras, groups, conflicts, sources, and broken locks.

The locks and the expected selections were made by uv itself (`tests/oracle/test_uv.py` asks it
anew); only the hosts in them are invented.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import lockcases
import pytest
import tomli
from benchmarks.locks import make_lock
from lockcases import (
    LOCKS,
    check_broken,
    environment,
    find_cases,
    list_packages,
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
from wheelhouse import make_wheel, sha256

from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.tables import Table
from pyx_launcher.locks.pylock import to_pylock
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.locks.uv.document import KINDS, LazyPackage, read_document
from pyx_launcher.locks.uv.packages import UvPackage, convert_package, read_packages

if TYPE_CHECKING:
    from pathlib import Path


CASES = LOCKS / "uv"

LOCK = """\
version = 1
revision = 3
requires-python = ">=3.9"
supported-markers = ["sys_platform == 'linux'"]
conflicts = [[{ package = "sample", extra = "net" }, { package = "sample", group = "docs" }]]

[[package]]
name = "sample"
version = "0.1"
source = { virtual = "." }
dependencies = [{ name = "pure", marker = "os_name == 'posix'" }, { name = "tool" }]

[package.optional-dependencies]
net = [{ name = "tool", extra = ["more"] }]

[package.dev-dependencies]
dev = [{ name = "pure" }]
docs = [{ name = "tool" }]

[[package]]
name = "pure"
version = "1.0"
source = { registry = "https://example.org/simple" }
sdist = { url = "https://example.org/pure-1.0.tar.gz", hash = "sha256:01", size = 3 }
wheels = [{ url = "https://example.org/pure-1.0-py3-none-any.whl", hash = "sha256:00", size = 2 }]

[[package]]
name = "tool"
version = "2.0"
source = { git = "https://example.org/tool?rev=v2#0123456789012345678901234567890123456789" }
"""

WHEELS = LOCK[LOCK.index("wheels =") : LOCK.index('\n\n[[package]]\nname = "tool"')]
PURE_SOURCE = 'source = { registry = "https://example.org/simple" }'

# What to replace in LOCK, by what, and the error after the name of the file.
BROKEN = {
    "truncated": (
        LOCK[LOCK.index('[[package]]\nname = "tool') :],
        "[[package",
        "line 27, column 10: not TOML: expected ']]' at the end of an array declaration",
    ),
    "no version of the format": ("version = 1\n", "", "version: this key is missing"),
    "version of the format of another type": (
        "version = 1\n",
        'version = "1"\n',
        "version: expected a number, found a string",
    ),
    "newer version of the format": (
        "version = 1\n",
        "version = 2\n",
        "version: version 2 is not supported; pyx reads 1",
    ),
    "requires-python that is none": (
        '">=3.9"',
        '"three"',
        "requires-python: not a version specifier: 'three'",
    ),
    "requires-python of another type": (
        '">=3.9"',
        "3.9",
        "requires-python: expected a string, found a float",
    ),
    "supported marker that is none": (
        "sys_platform ==",
        "sys_platform",
        """supported-markers[0]: not a marker: "sys_platform 'linux'\"""",
    ),
    "conflicts of another type": (
        LOCK[LOCK.index("conflicts =") : LOCK.index("\n\n")],
        "conflicts = {}",
        "conflicts: expected an array of arrays, found a table",
    ),
    "set of conflicts of another type": (
        LOCK[LOCK.index("[[{ package") : LOCK.index("\n\n")],
        "[1]",
        "conflicts[0]: expected an array of tables, found a number",
    ),
    "conflict without project": (
        '{ package = "sample", extra',
        "{ extra",
        "conflicts[0][0].package: this key is missing",
    ),
    "members of another type": (
        "[[package]]",
        "[manifest]\nmembers = 1\n[[package]]",
        "manifest.members: expected an array of strings, found a number",
    ),
    "member that is not locked": (
        LOCK[LOCK.index("[[package]]") : LOCK.index("dependencies =")],
        '[manifest]\nmembers = ["other"]\n[[package]]\nname = "sample"\n',
        "manifest.members: other: not in this lock",
    ),
    "package is a table": (
        LOCK[LOCK.index("[[package]]") :],
        "[package]\n",
        "package: expected an array of tables, found a table",
    ),
    "no name": ('name = "pure"\nversion', "version", "package[1].name: this key is missing"),
    "name of another type": (
        'name = "pure"\nversion',
        "name = 1\nversion",
        "package[1].name: expected a string, found a number",
    ),
    "no version": ('version = "1.0"\n', "", "package[1].version: this key is missing"),
    "version that is none": ('"1.0"', '"one"', "package[1].version: not a version: 'one'"),
    "no source": (PURE_SOURCE, "", "package[1].source: this key is missing"),
    "source of another type": (
        PURE_SOURCE,
        'source = "registry+https://example.org"',
        "package[1].source: expected a table, found a string",
    ),
    "unknown source": (
        PURE_SOURCE,
        'source = { tape = "x" }',
        f"package[1].source: expected one of {', '.join(KINDS)}, found tape",
    ),
    "index of another type": (
        PURE_SOURCE,
        "source = { registry = 1 }",
        "package[1].source.registry: expected a string, found a number",
    ),
    "dependency that is not locked": (
        '{ name = "tool" }]',
        '{ name = "tools" }]',
        "package[0].dependencies[1].name: tools is not in this lock",
    ),
    "dependency without name": (
        '{ name = "pure", marker',
        "{ marker",
        "package[0].dependencies[0].name: this key is missing",
    ),
    "dependency of another type": (
        'dependencies = [{ name = "pure"',
        'dependencies = ["pure", { name = "pure"',
        "package[0].dependencies[0]: expected a table, found a string",
    ),
    "dependency on another version": (
        '{ name = "pure", marker',
        '{ name = "pure", version = "3.0", marker',
        "package[0].dependencies[0].name: pure 3.0 is not in this lock",
    ),
    "extras of another type": (
        '{ name = "tool" }]',
        '{ name = "tool", extra = "more" }]',
        "package[0].dependencies[1].extra: expected an array of strings, found a string",
    ),
    "marker that is none": (
        "os_name ==",
        "os_name",
        """package[0].dependencies[0].marker: not a marker: "os_name 'posix'\"""",
    ),
    "marker about nothing": (
        "os_name",
        "planet",
        """package[0].dependencies[0].marker: not a marker: "planet == 'posix'\"""",
    ),
    "groups of another type": (
        'dev = [{ name = "pure" }]',
        'dev = "pure"',
        "package[0].dev-dependencies.dev: expected an array of tables, found a string",
    ),
    "no file": (
        LOCK[LOCK.index("sdist =") : LOCK.index(WHEELS) + len(WHEELS)],
        "",
        "package[1].wheels: no wheel or sdist is listed for pure 1.0",
    ),
    "files of another version": (
        LOCK[LOCK.index("sdist =") : LOCK.index(WHEELS) + len(WHEELS)],
        WHEELS.replace("1.0", "1.1"),
        "package[1].wheels: no wheel or sdist is listed for pure 1.0",
    ),
    "no place of a file": (
        'wheels = [{ url = "https://example.org/pure-1.0-py3-none-any.whl"',
        "wheels = [{ place = 1",
        "package[1].wheels[0].url: this key is missing",
    ),
    "no hash": (
        ', hash = "sha256:00"',
        "",
        "package[1].wheels[0].hash: no hash is recorded, so the file could not be checked",
    ),
    "hash without algorithm": (
        "sha256:00",
        "00",
        "package[1].wheels[0].hash: not of the form ALGORITHM:DIGEST",
    ),
    "size of another type": (
        "size = 2",
        'size = "2"',
        "package[1].wheels[0].size: expected a number, found a string",
    ),
    "no commit": (
        "#0123456789012345678901234567890123456789",
        "#main",
        (
            "package[2].source.git: no commit follows the '#' of "
            "'https://example.org/tool?rev=v2#main'"
        ),
    ),
    "archive in a repository": (
        "?rev=v2",
        "?path=tool-2.0.tar.gz",
        "package[2].source.git: pyx does not read archives that lie in a repository",
    ),
}


def write_lock(directory: Path, lock: str = LOCK, pyproject: str | None = None) -> Path:
    """Write a uv.lock, and a pyproject.toml beside it; return the path of the lock."""
    return lockcases.write_lock(directory / "uv.lock", lock, pyproject)


@pytest.mark.parametrize("case", find_cases("uv"), ids=lambda case: case.name)
def test_case(case: Path) -> None:
    """A lock means the distributions and versions that uv would install, from where it starts."""
    for situation in read_expected(case):
        lock = read_lock(case / "uv.lock", case / situation.get("start", "."))
        found, _ = select(lock, situation)
        assert found == situation["packages"], situation


@pytest.mark.parametrize(("old", "new", "problem"), BROKEN.values(), ids=BROKEN)
def test_broken(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A broken lock is one error of one line that names file, table and key, and how to mend it."""
    assert old in LOCK
    path = write_lock(tmp_path, LOCK.replace(old, new, 1))
    check_broken(path, problem, "run `pyx lock`")


@pytest.mark.parametrize(
    ("default", "problem"),
    [
        ('["none"]', "tool.uv.default-groups[0]: there is no dependency group 'none'"),
        ('"some"', "tool.uv.default-groups: expected an array of strings, found a string"),
        ("[1]", "tool.uv.default-groups[0]: expected a string, found a number"),
    ],
)
def test_broken_pyproject(tmp_path: Path, default: str, problem: str) -> None:
    """What is wrong with the pyproject.toml is an error that names it, and not the lock."""
    path = write_lock(tmp_path, LOCK, f"[tool.uv]\ndefault-groups = {default}\n")
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert caught.value.message == f"{tmp_path / 'pyproject.toml'}: {problem}"


def test_inputs_and_root(tmp_path: Path) -> None:
    """The pyproject.toml is an input even where it is absent; the root is one of the packages."""
    lock = read_lock(write_lock(tmp_path))
    assert (lock.kind, lock.root) == ("uv", None)
    assert lock.inputs == (tmp_path / "pyproject.toml",)
    assert names(lock) == ["pure", "tool"]
    lock = read_lock(write_lock(tmp_path, LOCK.replace("virtual", "editable")))
    assert list_packages(lock)[0].directory == PackageDirectory(path=".", editable=True)


def test_the_member_that_the_start_lies_in() -> None:
    """In the directory of a member, or below it, that member is meant and its own groups."""
    case = CASES / "workspace"
    lock = read_lock(case / "uv.lock", case / "packages" / "b" / "src" / "deep")
    assert names(lock) == ["certificates", "ini-reader", "plug", "test-runner"]
    assert lock.inputs == (case / "packages" / "b" / "pyproject.toml",)
    assert read_lock(case / "uv.lock", case / "packages").inputs == (case / "pyproject.toml",)
    assert names(read_lock(case / "uv.lock")) == names(read_lock(case / "uv.lock", case.parent))


def test_groups_of_the_workspace_for_a_member() -> None:
    """A member has the groups of the project of the workspace too, but only when asked for."""
    case = CASES / "workspace"
    lock = read_lock(case / "uv.lock", case / "packages" / "c")
    assert lock.choose(Choice()) == (frozenset(), frozenset())
    assert names(lock) == ["member-c", "six-ways"]
    assert names(lock, Choice(groups=("shared",))) == ["file-lock", "member-c", "six-ways"]


def test_requires_python(tmp_path: Path) -> None:
    """The Python versions and the environments of the lock go with the selection."""
    lock = read_lock(write_lock(tmp_path))
    assert lock.requires_python == SpecifierSet(">=3.9")
    pylock = to_pylock(lock, environment("3.12.1"), Choice())
    assert pylock.requires_python == SpecifierSet(">=3.9")
    assert [str(marker) for marker in pylock.environments or ()] == ['sys_platform == "linux"']


def test_groups_bound_python(tmp_path: Path) -> None:
    """A wanted group bounds the Python versions, as uv refuses others; one left out does not."""
    table = '[package.group-requires-python]\ndev = ">=3.12"\n\n[package.dev-dependencies]\n'
    text = LOCK.replace("[package.dev-dependencies]\n", table, 1)
    lock = read_lock(write_lock(tmp_path, text))
    markers = environment("3.12.1")
    bound = lock.choose_packages(markers, Choice()).requires_python
    assert bound == SpecifierSet(">=3.9,>=3.12")
    free = lock.choose_packages(markers, Choice(default_groups=False)).requires_python
    assert free == SpecifierSet(">=3.9")


def test_groups_of_a_bare_workspace_bound_python(tmp_path: Path) -> None:
    """The groups that belong to no project have their bounds in the lock's manifest."""
    directory = shutil.copytree(CASES / "workspace-without-a-project", tmp_path / "project")
    lock = directory / "uv.lock"
    text = lock.read_text()
    table = "[manifest.dependency-groups]\n"
    assert table in text
    bounds = '[manifest.group-requires-python]\ndocs = ">=3.12"\n\n'
    lock.write_text(text.replace(table, bounds + table))
    for groups, bound in ((("docs",), ">=3.12"), ((), "")):
        chosen = read_lock(lock).choose_packages(environment("3.12.1"), Choice(groups=groups))
        assert chosen.requires_python == read_lock(lock).requires_python & SpecifierSet(bound)


def test_unknown_names(tmp_path: Path) -> None:
    """Unknown extras and groups are errors that list the known ones."""
    path = write_lock(tmp_path)
    lock = read_lock(path)
    with pytest.raises(UsageError) as caught:
        lock.choose(Choice(groups=("doc",)))
    assert caught.value.message == f"{path}: has no group named doc"
    assert caught.value.hint == "known are --group dev, --group docs"
    with pytest.raises(UsageError) as caught:
        names(lock, Choice(extras=("Web",)))
    assert caught.value.message == f"{path}: has no extra named Web"
    assert caught.value.hint == "known are --extra net"


def test_choice(tmp_path: Path) -> None:
    """Without `default-groups` the group dev is the default, if there is one."""
    lock = read_lock(write_lock(tmp_path))
    assert lock.choose(Choice()) == (frozenset(), {"dev"})
    assert lock.choose(Choice(default_groups=False))[1] == frozenset()
    assert lock.choose(Choice(groups=("DOCS",)))[1] == {"dev", "docs"}
    assert lock.choose(Choice(all_extras=True))[0] == {"net"}
    table = "[tool.uv]\ndefault-groups = "
    lock = read_lock(write_lock(tmp_path, LOCK, f'{table}["Docs"]'))
    assert lock.choose(Choice())[1] == {"docs"}
    lock = read_lock(write_lock(tmp_path, LOCK, f'{table}"all"'))
    assert lock.choose(Choice())[1] == {"dev", "docs"}
    lock = read_lock(write_lock(tmp_path, LOCK.replace("dev = [", "other = ["), ""))
    assert lock.choose(Choice())[1] == frozenset()


def test_names_that_only_the_pyproject_has(tmp_path: Path) -> None:
    """Empty groups are known from the pyproject.toml, and empty extras that no lock lists."""
    declared = "[project.optional-dependencies]\nnone = []\n[dependency-groups]\nidle = []\n"
    lock = read_lock(write_lock(tmp_path, LOCK, declared))
    choice = Choice(extras=("none",), groups=("idle",))
    assert lock.choose(choice) == ({"none"}, {"dev", "idle"})
    listed = "[package.metadata]\nprovides-extras = ['net', 'void']\n\n[package.optional"
    lock = read_lock(write_lock(tmp_path, LOCK.replace("[package.optional", listed)))
    assert lock.choose(Choice(all_extras=True))[0] == {"net", "void"}
    with pytest.raises(UsageError):
        lock.choose(choice)


def test_conflicts(tmp_path: Path) -> None:
    """What excludes one another cannot be chosen together."""
    path = write_lock(tmp_path)
    lock = read_lock(path)
    names(lock, Choice(extras=("net",)))
    with pytest.raises(UsageError) as caught:
        names(lock, Choice(extras=("net",), groups=("docs",)))
    assert caught.value.message == f"{path}: --extra net and --group docs exclude one another"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("choose one of them")


def test_conflicts_through_a_dependency(tmp_path: Path) -> None:
    """An extra that a group asks for excludes the same things as one that was chosen."""
    asking = 'docs = [{ name = "sample", extra = ["net"] }]'
    lock = read_lock(write_lock(tmp_path, LOCK.replace('docs = [{ name = "tool" }]', asking)))
    with pytest.raises(UsageError, match="--extra net and --group docs exclude one another"):
        names(lock, Choice(groups=("docs",)))


def test_sources() -> None:
    """Every kind of source becomes its counterpart in a pylock; virtual projects are left out."""
    found = {p.name: p for p in list_packages(read_lock(CASES / "sources" / "uv.lock"))}
    assert found["from-editable"].directory == PackageDirectory(
        path="trees/editable", editable=True
    )
    assert found["from-tree"].directory == PackageDirectory(path="trees/tree", editable=False)
    assert "from-virtual" not in found
    git = found["from-git"].vcs
    assert git == PackageVcs(
        type="git",
        url="https://example.org/repository.git",
        requested_revision="v1",
        commit_id=git.commit_id if git else "",
    )
    part = found["from-part"].vcs
    assert part is not None
    assert (part.subdirectory, part.requested_revision) == ("part", "main")
    (wheel,) = found["from-path"].wheels or ()
    assert (wheel.path, wheel.url) == ("files/from_path-1.0-py3-none-any.whl", None)
    (wheel,) = found["from-url"].wheels or ()
    assert wheel.url == "https://example.org/files/from_url-4.0-py3-none-any.whl"
    archive = found["from-sdist"].archive
    assert isinstance(archive, PackageArchive)
    assert archive.path == "files/from_sdist-1.5.tar.gz"
    assert list(archive.hashes) == ["sha256"]
    assert found["only-second"].index == "https://example.org/second/simple/"
    built = found["slow-build"]
    assert built.wheels is None
    assert isinstance(built.sdist, PackageSdist)


def test_files(tmp_path: Path) -> None:
    """The files of a release keep URL, hash and size; those with odd names are left out."""
    odd = '{ url = "https://example.org/pure-1.0-odd.whl", hash = "sha256:02" }, '
    lock = read_lock(write_lock(tmp_path, LOCK.replace("wheels = [", f"wheels = [{odd}")))
    (pure, _) = list_packages(lock)
    assert pure.index == "https://example.org/simple"
    assert pure.version == Version("1.0")
    assert pure.wheels == (
        PackageWheel(
            name="pure-1.0-py3-none-any.whl",
            url="https://example.org/pure-1.0-py3-none-any.whl",
            hashes={"sha256": "00"},
            size=2,
        ),
    )
    assert pure.sdist is not None
    assert (pure.sdist.filename, pure.sdist.size) == ("pure-1.0.tar.gz", 3)


def test_a_directory_of_files(tmp_path: Path) -> None:
    """A file of a local directory has no hash in the lock, so the file itself is an input."""
    wheel = make_wheel(tmp_path / "flat", "pure", "1.0")
    text = LOCK.replace(PURE_SOURCE, 'source = { registry = "flat" }').replace(
        WHEELS, f'wheels = [{{ path = "{wheel.name}" }}]'
    )
    text = text.replace(LOCK[LOCK.index("sdist =") : LOCK.index("wheels =")], "")
    lock = read_lock(write_lock(tmp_path, text))
    assert lock.inputs == (tmp_path / "pyproject.toml", wheel)
    (pure, _) = list_packages(lock)
    assert pure.index is None
    assert pure.wheels == (
        PackageWheel(name=wheel.name, path=f"flat/{wheel.name}", hashes={"sha256": sha256(wheel)}),
    )
    wheel.unlink()
    with pytest.raises(LockError) as caught:
        list_packages(lock)
    assert caught.value.message.endswith(
        f"package[1].wheels[0].path: cannot read {wheel}: No such file or directory"
    )


def test_old_spellings(tmp_path: Path) -> None:
    """Locks of the first versions of uv mean the same: other keys, and no revision."""
    text = LOCK.replace("[[package]]", "[[distribution]]").replace("[package.", "[distribution.")
    text = text.replace("dev-dependencies", "dependency-groups").replace("revision = 3\n", "")
    old, new = read_lock(write_lock(tmp_path, text)), read_lock(write_lock(tmp_path))
    choice = Choice(groups=("docs",))
    assert old.choose(choice) == new.choose(choice)
    assert list_packages(old, choice) == list_packages(new, choice)


def test_a_later_revision(tmp_path: Path) -> None:
    """A revision adds what older readers may pass over."""
    text = LOCK.replace("revision = 3\n", 'revision = 99\nnovel = "x"\n')
    assert names(read_lock(write_lock(tmp_path, text))) == ["pure", "tool"]


def test_the_lock_of_a_script(tmp_path: Path) -> None:
    """A script has requirements and no project; those of another fork are not meant."""
    path = tmp_path / "tool.py.lock"
    path.write_text(
        """\
version = 1
requires-python = ">=3.9"
[manifest]
requirements = [
    { name = "pure", marker = "python_full_version < '3.12'", specifier = "<2" },
    { name = "pure", marker = "python_full_version >= '3.12'" },
    { name = "other", marker = "sys_platform == 'win32'" },
]
[[package]]
name = "pure"
version = "1.0"
source = { registry = "https://example.org/simple" }
resolution-markers = ["python_full_version < '3.12'"]
sdist = { url = "https://example.org/pure-1.0.tar.gz", hash = "sha256:01" }
[[package]]
name = "pure"
version = "2.0"
source = { registry = "https://example.org/simple" }
resolution-markers = ["python_full_version >= '3.12'"]
sdist = { url = "https://example.org/pure-2.0.tar.gz", hash = "sha256:01" }
"""
    )
    lock = read_lock(path, tmp_path)
    assert [str(p.version) for p in list_packages(lock)] == ["2.0"]
    assert [str(p.version) for p in list_packages(lock, python="3.10.1")] == ["1.0"]
    path.write_text(path.read_text().replace("'win32'", "'linux'"))
    with pytest.raises(LockError) as caught:
        list_packages(read_lock(path))
    assert (
        caught.value.message == f"{path}: manifest.requirements[2].name: other is not in this lock"
    )


def test_several_versions_need_to_be_told_apart(tmp_path: Path) -> None:
    """A dependency on a name with several versions says which one; two at once are refused."""
    again = (
        LOCK[LOCK.index('[[package]]\nname = "pure"') :]
        .replace('"1.0"', '"2.0"')
        .replace("pure-1.0", "pure-2.0")
    )
    text = LOCK + "\n" + again[: again.index('[[package]]\nname = "tool"')]
    with pytest.raises(LockError, match=r"version: this key is missing: pure is locked in several"):
        names(read_lock(write_lock(tmp_path, text)))
    text = text.replace('name = "pure", marker', 'name = "pure", version = "2.0", marker')
    lock = read_lock(write_lock(tmp_path, text))
    assert [str(p.version) for p in list_packages(lock, Choice(default_groups=False))] == [
        "2.0",
        "2.0",
    ]
    text = text.replace('dev = [{ name = "pure" }]', 'dev = [{ name = "pure", version = "1.0" }]')
    with pytest.raises(LockError, match=r"both pure 1\.0 and 2\.0 are asked for"):
        names(read_lock(write_lock(tmp_path, text)))


def test_a_large_lock_means_the_same(tmp_path: Path) -> None:
    """Packages that are parsed when they are asked for say what they say when all are parsed."""
    path = make_lock(tmp_path, "uv", 90)
    lock = read_lock(path)
    assert isinstance(lock.document.data["package"][0], LazyPackage)
    whole = tomli.loads(path.read_text())
    found = list_packages(lock)
    assert len(found) == len(whole["package"]) - 1
    for package in found:
        entry = next(e for e in whole["package"] if e["name"] == package.name)
        files = [*(package.wheels or ()), *([package.sdist] if package.sdist else [])]
        assert [(f.url, f.hashes["sha256"], f.size) for f in files] == [
            (e["url"], e["hash"].removeprefix("sha256:"), e["size"])
            for e in (*entry["wheels"], entry["sdist"])
        ]
    for lazy, plain in zip(lock.document.data["package"], whole["package"], strict=True):
        assert dict(lazy.items()) == plain


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Laid out as uv does it, and otherwise: other orders, keys, quotes, characters, comments.
        ('{ name = "distribution-28" }', '{ name = "distribution-28", version = "2.4.0" }'),
        ('{ name = "distribution-28"', '{ name = "distribution-28", extra = ["a", "b-c"]'),
        ('{ name = "distribution-28"', '{ name = "distribution-28", extra = ["a",]'),
        ('{ name = "distribution-28"', '{ name = "distribution-28", extra = []'),
        (
            '{ name = "distribution-28"',
            '{ name = "distribution-28", source = { registry = "https://x.test/" }',
        ),
        ('{ name = "distribution-28"', '{ name = "distribution-28", unknown = 1'),
        (
            '{ name = "distribution-28"',
            '{ name = "distribution-28", marker = "os_name == \\"posix\\""',
        ),
        ('{ name = "distribution-28"', '{name="distribution-28"'),
        ('    { name = "distribution-28"', '    # why\n    { name = "distribution-28"'),
        ("\ndependencies = [\n", '\nresolution-markers = [\n    "a",\n]\ndependencies = [\n'),
        ("\nwheels = [\n", "\nwheels = [\n    # why\n"),
        ("\nwheels = [\n", "\nwheels = [\n\n"),
        ("\nwheels = [\n", "\n# [[package]]\nwheels = [\n"),
        ('.whl", hash', '.whl?a=/b.whl", hash'),
        ("-py3-none", "%2Dpy3-none"),
        (", size = 1000 }", " }"),
        ("sdist = {", "sdist={"),
        ("\nsdist = {", '\nmetadata = """\n[[package]]\n"""\nsdist = {'),
        ("\n]\n\n", '\n]\n\n[package.metadata]\nprovides-extras = ["a"]\n\n'),
    ],
)
def test_a_large_lock_means_what_its_toml_does(tmp_path: Path, old: str, new: str) -> None:
    """However it is laid out, each table has what the parser of TOML finds in it."""
    path = make_lock(tmp_path, "uv", 90)
    text = path.read_text()
    assert old in text
    text = text.replace(old, new)
    path.write_text(text)
    found = read_document(path, "").data["package"]
    wanted = tomli.loads(text)["package"]
    assert [dict(package.items()) for package in found] == wanted
    for package, whole in zip(read_document(path, "").data["package"], wanted, strict=True):
        for key in ("sdist", "dependencies", "unknown", "wheels", "version"):
            assert (key in package) == (key in whole)
            assert package.get(key) == whole.get(key)
    plain = Table(path=path, where="", data={"package": wanted})
    assert describe(read_packages(read_document(path, ""))) == describe(read_packages(plain))


def describe(packages: tuple[UvPackage, ...]) -> list[object]:
    """Return what becomes of each package, or why it cannot be taken."""
    told: list[object] = []
    for package in packages:
        try:
            made = convert_package(package)
            told.append(made and (made.name, made.version, list(made.wheels), made.find_sdist()))
        except LockError as error:
            told.append(error.message)
    return told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"\nsource = {', "\nsource = {"),
        ("dependencies = [\n", "dependencies = [[\n"),
        ("[[package]]\n", "<<<<<<< ours\n[[package]]\n"),
        ("wheels = [\n", "wheels = [\n  {\n"),
    ],
)
def test_a_large_lock_that_is_broken_names_the_line(tmp_path: Path, old: str, new: str) -> None:
    """As the text of a small one does, whichever package is broken."""
    path = make_lock(tmp_path, "uv", 90)
    text = path.read_text()
    position = text.index(old, len(text) // 8)
    path.write_text(text[:position] + new + text[position + len(old) :])
    with pytest.raises(LockError, match=r"line \d+, column \d+: (not TOML|holds both)"):
        list_packages(read_lock(path))

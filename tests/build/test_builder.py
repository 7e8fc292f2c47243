"""Sdists, archives, repositories and directories become entries; the builds are real ones."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wheelhouse import make_sdist, make_source_tree, make_wheel, sha256

from pyx_launcher.build import builder
from pyx_launcher.build.builder import (
    BuildContext,
    build_entry,
    find_built,
    list_inputs,
    name_build,
)
from pyx_launcher.build.process import clean_environ
from pyx_launcher.build.source_tree import digest_tree, unpack_archive
from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import ArtifactError, BuildError, LockError, RefusedError
from pyx_launcher.index.finder import Index, read_settings
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import Interpreter, probe_interpreter
from pyx_launcher.locks.common.packages import (
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
)
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.progress import Silent
from pyx_launcher.selection import Artifact, Selection
from pyx_launcher.start.root_project import add_root, root_artifact
from pyx_launcher.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from indexserver import IndexServer
    from installed import Pyx

    from pyx_launcher.store.entry import Entry

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Everything a build needs, made for one test."""

    dirs: Dirs
    means: BuildContext
    interpreter: Interpreter
    base: Path

    def artifact(self, name: str, version: str | None, source: Any, **more: Any) -> Artifact:
        """Return an artifact whose paths start from the test's directory."""
        facts = {"index": None, "base": self.base, **more}
        return Artifact(name=name, version=version, source=source, **facts)

    def sdist(self, path: Path, **more: Any) -> Artifact:
        """Return the artifact of an sdist that lies at `path`."""
        name, version = path.name.removesuffix(".tar.gz").split("-")
        hashes = {"sha256": sha256(path)}
        source = PackageSdist(name=path.name, path=str(path), hashes=hashes)
        return self.artifact(name, version, source, **more)

    def build(self, artifact: Artifact) -> Entry:
        """Build `artifact` for the test's interpreter."""
        return build_entry(artifact, self.interpreter, self.dirs, self.means)

    def find(self, artifact: Artifact) -> Entry | None:
        """Find what `artifact` was built into for the test's interpreter."""
        return find_built(artifact, self.interpreter, self.dirs)

    def log(self) -> str:
        """Return the only log of a build."""
        (path,) = (self.dirs.cache / "builds").iterdir()
        return path.read_text(encoding="utf-8")

    def left_behind(self) -> list[Path]:
        """Return what the store holds besides the kernel's lock files."""
        below = self.dirs.store.rglob("*")
        return [p for p in below if p.is_file() and not p.name.endswith(".lock")]


@pytest.fixture
def all_interpreters(interpreters: dict[str, Path], probed: Path) -> list[Interpreter]:
    """Give every interpreter of the machine, oldest first."""
    template = find_template()
    return [probe_interpreter(p, cache=probed, template=template) for p in interpreters.values()]


@pytest.fixture
def workshop(
    tmp_path: Path,
    environ: dict[str, str],
    all_interpreters: list[Interpreter],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Workshop]:
    """Give what a build needs, for the newest interpreter."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Index(read_settings(environ)) as index:
        yield Workshop(
            dirs=Dirs(home=tmp_path / "pyx-home", cache=tmp_path / "pyx-cache"),
            means=BuildContext(
                index=index, environ=environ, offline=False, bar=Silent(), crew=Workers()
            ),
            interpreter=all_interpreters[-1],
            base=tmp_path,
        )


def run_with(entry: Entry, interpreter: Interpreter, code: str) -> str:
    """Run `code` where the entry can be imported."""
    program = f"import sys; sys.path.insert(0, {str(entry.path)!r})\n{code}"
    command = [interpreter.path, "-I", "-S", "-B", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def direct_url(entry: Entry) -> Any:
    """Return what the entry's metadata says about where it comes from; None if nothing."""
    found = list(entry.path.glob("*.dist-info/direct_url.json"))
    return json.loads(found[0].read_text(encoding="utf-8")) if found else None


def git(directory: Path, *arguments: str, **variables: str) -> str:
    """Run git there, without the configuration of the machine."""
    command = ["git", *arguments]
    environ = {**os.environ, **GIT, **variables}
    ran = subprocess.run(
        command, cwd=directory, env=environ, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def make_repository(directory: Path) -> str:
    """Commit everything in `directory` to a new repository there and return the commit."""
    git(directory, "init", "--quiet", "--initial-branch=main")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "--message", "all")
    return git(directory, "rev-parse", "HEAD")


def add_to_tree(tree: Path, *, requires: list[str], backend: str = "treebackend") -> None:
    """Make the tree require something for its build."""
    text = f"[build-system]\nrequires = {json.dumps(requires)}\n"
    text += f'build-backend = "{backend}"\nbackend-path = ["."]\n'
    text += '[project]\nname = "demo"\nversion = "1.0"\n'
    (tree / "pyproject.toml").write_text(text, encoding="utf-8")


def test_an_sdist_is_built_for_each_interpreter(
    workshop: Workshop, all_interpreters: list[Interpreter]
) -> None:
    """Two interpreters get an entry each, and import it; a second look finds both."""
    artifact = workshop.sdist(make_sdist(workshop.base / "sdists", "demo", "1.0"))
    chosen = {all_interpreters[0], all_interpreters[-1]}
    entries = {}
    for interpreter in chosen:
        assert find_built(artifact, interpreter, workshop.dirs) is None
        entry = build_entry(artifact, interpreter, workshop.dirs, workshop.means)
        entries[interpreter.short] = entry
        assert run_with(entry, interpreter, "import demo; print(demo.__version__)") == "1.0"
        assert find_built(artifact, interpreter, workshop.dirs) == entry
    assert len({entry.path for entry in entries.values()}) == len(chosen)
    assert entry.path.is_relative_to(workshop.dirs.store / "demo" / "1.0")
    assert entry.facts.hashes == artifact.source.hashes  # type: ignore[union-attr]  # an sdist
    assert direct_url(entry) is None
    assert "build_wheel" in (workshop.dirs.cache / "builds").glob("*.log").__next__().read_text()


def test_an_sdist_is_fetched_from_the_index(
    workshop: Workshop, wheels: Path, index: IndexServer
) -> None:
    """A lock that gives a name and a hash is enough; what is built once is not fetched again."""
    path = make_sdist(wheels, "demo", "1.0")
    source = PackageSdist(name=path.name, hashes={"sha256": sha256(path)})
    artifact = workshop.artifact("demo", "1.0", source)
    entry = workshop.build(artifact)
    asked = len(index.requests)
    assert asked > 0
    assert workshop.build(artifact) == workshop.find(artifact) == entry
    assert len(index.requests) == asked


def test_an_sdist_that_is_not_the_locked_one_is_refused(workshop: Workshop, wheels: Path) -> None:
    """The hash is checked before anything of it is unpacked or run."""
    path = make_sdist(wheels, "demo", "1.0")
    source = PackageSdist(name=path.name, hashes={"sha256": "0" * 64})
    with pytest.raises((RefusedError, ArtifactError)):
        workshop.build(workshop.artifact("demo", "1.0", source))
    assert workshop.left_behind() == []


def test_the_backend_runs_in_an_environment_of_its_own(
    workshop: Workshop, all_interpreters: list[Interpreter]
) -> None:
    """It sees the target interpreter, its own prefix, no setuptools, no PYTHON variable."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    told = workshop.base / "told.json"
    spy = (
        "import importlib.util, json, os, sys\n"
        f"json.dump([sys.version_info[:2], sys.prefix != sys.base_prefix, sorted(\n"
        "    k for k in os.environ if k.startswith('PYTHON')), os.environ['PATH'].split(':')[0],\n"
        "    sys.prefix, importlib.util.find_spec('setuptools') is None],\n"
        f"    open({str(told)!r}, 'w'))\n"
    )
    backend = tree / "treebackend.py"
    backend.write_text(backend.read_text().replace("import base64", spy + "import base64"))
    variables = {"PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": "x"}
    environ = {**workshop.means.environ, **variables}
    means = replace(workshop.means, environ=environ)
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    oldest = all_interpreters[0]
    build_entry(artifact, oldest, workshop.dirs, means)
    version, isolated, seen, first, prefix, clean = json.loads(told.read_text())
    assert tuple(version) == oldest.tag_facts.python
    assert isolated
    assert seen == []
    assert first == f"{prefix}/bin"
    assert clean
    assert not Path(prefix).exists()


def test_a_failing_backend_is_one_line_and_its_last_words(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names package, Python, reason and log; nothing else is said; the store is clean."""
    words = "\n".join(
        [*(f"word {number}" for number in range(30)), "OddError: no such thing", "end"]
    )
    path = make_sdist(workshop.base / "sdists", "demo", "1.0", fail=words)
    with pytest.raises(BuildError) as caught:
        workshop.build(workshop.sdist(path))
    (log,) = (workshop.dirs.cache / "builds").iterdir()
    python = workshop.interpreter.short
    assert caught.value.message == (
        f"cannot build demo 1.0 for Python {python}: its build backend failed (exit status 1): "
        f"OddError: no such thing; the log is {log}"
    )
    assert caught.value.hint == f"read the whole of it: less {log}"
    assert "word 0\n" in log.read_text()
    assert capsys.readouterr().err == ""
    assert workshop.left_behind() == []
    assert [p for p in workshop.base.iterdir() if p.name.startswith("pyx-build")] == []
    assert [p for p in workshop.base.iterdir() if p.name.startswith("pyx-source")] == []


def test_a_build_that_takes_long_is_told(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names it, and where what it says can be followed."""
    monkeypatch.setattr(builder, "PATIENCE", 0.0)
    workshop.build(workshop.sdist(make_sdist(workshop.base / "sdists", "demo", "1.0")))
    (log,) = (workshop.dirs.cache / "builds").iterdir()
    python = workshop.interpreter.short
    said = f"pyx: building demo 1.0 for Python {python}; its log is {log}\n"
    assert capsys.readouterr().err == said


SLOW_BACKEND = """
import pathlib, time
def build_wheel(*_):
    pathlib.Path(TOUCHED).touch()
    time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_nothing(
    pyx: Pyx, tmp_path: Path, number: signal.Signals
) -> None:
    """Neither a process nor a temporary directory, however pyx ends."""
    project, temporary = tmp_path / "project", tmp_path / "temporary"
    tree = project / "tree"
    for directory in (temporary, tree):
        directory.mkdir(parents=True)
    touched = tmp_path / "touched"
    (tree / "slow.py").write_text(SLOW_BACKEND.replace("TOUCHED", repr(str(touched))))
    (tree / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "slow"\nbackend-path = ["."]\n'
        '[project]\nname = "demo"\nversion = "1.0"\n'
    )
    (project / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "a test"\n[[packages]]\nname = "demo"\n'
        'directory = { path = "tree" }\n'
    )
    with subprocess.Popen(
        [pyx.path, "sync"],
        cwd=project,
        env=pyx.variables({"TMPDIR": str(temporary)}),
        stderr=subprocess.DEVNULL,
    ) as process:
        until = time.monotonic() + 60
        while not touched.exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert any(temporary.iterdir())
        process.send_signal(number)
        process.wait(30)
    until = time.monotonic() + 30
    while any(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []


def test_a_failure_is_no_entry_and_can_be_repaired(workshop: Workshop) -> None:
    """After a failed build of a directory the next one, of the repaired tree, succeeds."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0", fail="no")
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    with pytest.raises(BuildError):
        workshop.build(artifact)
    assert workshop.find(artifact) is None
    (tree / "FAIL").unlink()
    assert workshop.build(artifact).facts.version == "1.0"


@pytest.mark.parametrize(("name", "version"), [("demo", "2.0"), ("other", "1.0")])
def test_what_is_built_must_be_what_is_locked(workshop: Workshop, name: str, version: str) -> None:
    """An sdist that turns out to be another version or project is refused."""
    artifact = workshop.sdist(make_sdist(workshop.base / "sdists", "demo", "1.0"))
    with pytest.raises(RefusedError, match=rf"the source of {name} {version} gives demo-1\.0-py3"):
        workshop.build(replace(artifact, name=name, version=version))
    assert workshop.left_behind() == []


def test_the_version_of_a_directory_may_move_on(workshop: Workshop) -> None:
    """A lock's version does not bind a source tree, as it binds what was released."""
    make_source_tree(workshop.base / "tree", "demo", "1.1")
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    assert workshop.build(artifact).facts.version == "1.1"


def test_a_backend_that_is_not_there(workshop: Workshop) -> None:
    """The error says which backend cannot be imported."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    add_to_tree(tree, requires=[], backend="nosuchbackend")
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    with pytest.raises(BuildError, match="the build backend nosuchbackend cannot be imported"):
        workshop.build(artifact)
    assert "nosuchbackend" in workshop.log()


def test_a_backend_without_editable_installs(workshop: Workshop) -> None:
    """A backend older than PEP 660 is said to be one."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    backend = tree / "treebackend.py"
    backend.write_text(backend.read_text().replace("def build_editable", "def build_otherwise"))
    artifact = workshop.artifact("demo", None, PackageDirectory(path="tree", editable=True))
    with pytest.raises(BuildError, match="too old for editable installs"):
        workshop.build(artifact)


def test_a_broken_pyproject_is_a_build_error(workshop: Workshop) -> None:
    """What the frontend cannot read is reported like any other failure."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    (tree / "pyproject.toml").write_text("[build-system]\nrequires = 3\n", encoding="utf-8")
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    with pytest.raises(BuildError, match="`requires` must be an array of strings"):
        workshop.build(artifact)


def test_build_requirements_are_installed_by_pip(workshop: Workshop, wheels: Path) -> None:
    """They come from the index that pip is configured for, their markers obeyed, into no store."""
    make_wheel(wheels, "buildtool", "1.5", files={"buildtool.py": "ANSWER = 42\n"})
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    add_to_tree(tree, requires=["buildtool>=1", "missing; python_version<'3'"])
    backend = tree / "treebackend.py"
    backend.write_text(
        backend.read_text()
        .replace("import base64", "import importlib.util\nimport base64")
        .replace(
            "    source = Path",
            "    import buildtool\n"
            "    assert importlib.util.find_spec('setuptools') is None\n"
            "    Path('src/demo/answer.py').write_text(f'ANSWER = {buildtool.ANSWER}')\n"
            "    source = Path",
        )
    )
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    entry = workshop.build(artifact)
    code = "import demo.answer; print(demo.answer.ANSWER)"
    assert run_with(entry, workshop.interpreter, code) == "42"
    assert not (workshop.dirs.store / "buildtool").exists()


def test_build_requirements_that_do_not_exist(workshop: Workshop) -> None:
    """The error names them."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    add_to_tree(tree, requires=["nosuchtool"])
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    with pytest.raises(BuildError, match=r"pip cannot install what its build needs \(nosuchtool\)"):
        workshop.build(artifact)


def test_offline_nothing_is_fetched_for_a_build(workshop: Workshop, index: IndexServer) -> None:
    """What would be built and what that needs is named; a tree that needs nothing is built."""
    offline = replace(workshop, means=replace(workshop.means, offline=True))
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    assert offline.build(artifact).facts.version == "1.0"
    add_to_tree(tree, requires=["buildtool"])
    with pytest.raises(
        BuildError, match=r"demo 1\.0 would have to be built, which needs buildtool"
    ):
        offline.build(artifact)
    assert index.requests == []


def test_concurrent_starts_build_once(workshop: Workshop) -> None:
    """Eight threads want the same; one builds, the others wait and find it."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    counter = workshop.base / "count"
    backend = tree / "treebackend.py"
    count = f"    open({str(counter)!r}, 'a').write('x')\n    source = Path"
    backend.write_text(backend.read_text().replace("    source = Path", count))
    path = workshop.base / "demo-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tree, arcname="demo-1.0")
    artifact = workshop.sdist(path)
    barrier = threading.Barrier(8)

    def start(_: int) -> Entry:
        barrier.wait()
        return workshop.build(artifact)

    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(start, range(8)))
    assert counter.read_text() == "x"
    assert len({entry.path for entry in entries}) == 1


def test_an_archive_with_a_subdirectory(
    workshop: Workshop, wheels: Path, index: IndexServer
) -> None:
    """An archive by URL is built from the directory the lock names, and says where it is from."""
    tree = make_source_tree(workshop.base / "whole" / "python" / "demo", "demo", "1.0")
    path = wheels / "whole.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tree.parent.parent, arcname="whole-main")
    url = f"{index.scheme}://{index.host}/files/{path.name}"
    source = PackageArchive(url=url, hashes={"sha256": sha256(path)}, subdirectory="python/demo")
    entry = workshop.build(workshop.artifact("demo", "1.0", source))
    assert run_with(entry, workshop.interpreter, "import demo; print(demo.__version__)") == "1.0"
    assert direct_url(entry) == {
        "url": url,
        "archive_info": {"hashes": {"sha256": sha256(path)}},
        "subdirectory": "python/demo",
    }
    record = next(entry.path.glob("*.dist-info/RECORD")).read_text()
    assert "direct_url.json,sha256=" in record


def test_an_archive_that_is_a_wheel_is_not_built(workshop: Workshop) -> None:
    """A wheel by path becomes an entry as it is."""
    path = make_wheel(workshop.base / "files", "demo", "1.0")
    source = PackageArchive(path=f"files/{path.name}", hashes={"sha256": sha256(path)})
    entry = workshop.build(workshop.artifact("demo", None, source))
    assert entry.facts.version == "1.0"
    assert workshop.log() == ""
    assert direct_url(entry)["url"] == path.as_uri()


def test_a_wheel_for_another_python_is_not_taken(workshop: Workshop) -> None:
    """An archive that the interpreter cannot use is an error, not a broken import."""
    path = make_wheel(workshop.base, "demo", "1.0", tag="cp27-cp27m-win32")
    source = PackageArchive(path=path.name, hashes={"sha256": sha256(path)})
    with pytest.raises(BuildError, match="cannot use"):
        workshop.build(workshop.artifact("demo", "1.0", source))


def test_a_subdirectory_cannot_lead_out(workshop: Workshop) -> None:
    """`subdirectory` names something inside the source and nothing else."""
    path = make_sdist(workshop.base / "sdists", "demo", "1.0")
    for subdirectory in ("../..", "/", "a/../../b"):
        source = PackageArchive(
            path=str(path), hashes={"sha256": sha256(path)}, subdirectory=subdirectory
        )
        with pytest.raises(RefusedError, match="leads out"):
            workshop.build(workshop.artifact("demo", "1.0", source))


def write_tar(path: Path, *members: tarfile.TarInfo) -> Path:
    """Write an archive with these members, each with a short content."""
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            content = b"evil" if member.isreg() else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def make_member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Return one member of an archive."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize("filtered", [True, False], ids=["filter", "no-filter"])
@pytest.mark.parametrize(
    "members",
    [
        [make_member("../evil")],
        [make_member("a/../../evil")],
        [make_member("a", tarfile.SYMTYPE, "../.."), make_member("a/evil")],
        [make_member("a", tarfile.SYMTYPE, "/")],
        [make_member("a", tarfile.LNKTYPE, "../evil")],
        [make_member("a", tarfile.FIFOTYPE)],
        [make_member("a", tarfile.CHRTYPE)],
    ],
    ids=["up", "down-up", "symlink", "root-link", "hard-link", "fifo", "device"],
)
def test_an_archive_cannot_write_outside(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    members: list[tarfile.TarInfo],
    *,
    filtered: bool,
) -> None:
    """Members that lead out, and devices, are refused with and without tarfile's own filter."""
    if not filtered:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    path = write_tar(tmp_path / "demo-1.0.tar.gz", make_member("demo-1.0/a"), *members)
    with pytest.raises(RefusedError, match=r"demo-1\.0\.tar\.gz is not a sound archive"):
        unpack_archive(path, tmp_path / "deep" / "into")
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "deep" / "evil").exists()


def test_an_archive_without_tarfiles_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an older Python a sound archive is unpacked as on a newer one."""
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    path = make_sdist(tmp_path, "demo", "1.0")
    tree = unpack_archive(path, tmp_path / "into")
    assert tree == tmp_path / "into" / "demo-1.0"
    assert (tree / "src" / "demo" / "__init__.py").read_text() == "__version__ = '1.0'\n"


def test_a_zip_is_unpacked_too(workshop: Workshop) -> None:
    """An old sdist may be a zip file; members that lead out are refused there as well."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    path = workshop.base / "demo-1.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in tree.rglob("*"):
            archive.write(file, Path("demo-1.0", file.relative_to(tree)))
    source = PackageSdist(path=path.name, hashes={"sha256": sha256(path)})
    assert workshop.build(workshop.artifact("demo", "1.0", source)).facts.version == "1.0"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil", "evil")
    with pytest.raises(RefusedError, match="leads out"):
        unpack_archive(path, workshop.base / "into")


def test_a_broken_archive_is_refused(workshop: Workshop) -> None:
    """Half an archive, with a lock that was made from it, is no reason for a traceback."""
    path = make_sdist(workshop.base, "demo", "1.0")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RefusedError, match="is not a sound archive"):
        workshop.build(workshop.sdist(path))


def test_a_directory_is_built_again_when_its_content_changes(workshop: Workshop) -> None:
    """What a backend leaves behind, bytecode and mere times of change do not count."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    entry = workshop.build(artifact)
    assert direct_url(entry) == {"url": tree.as_uri(), "dir_info": {}}
    for generated in ("build/lib/x.py", "demo.egg-info/PKG-INFO", ".git/HEAD", "dist/x.whl"):
        (tree / generated).parent.mkdir(parents=True)
        (tree / generated).write_text("x")
    os.utime(tree / "PKG-INFO", (1, 1))
    assert workshop.find(artifact) == entry
    (tree / "src" / "demo" / "__init__.py").write_text("__version__ = 'new'\n")
    assert workshop.find(artifact) is None
    code = "import demo; print(demo.__version__)"
    assert run_with(workshop.build(artifact), workshop.interpreter, code) == "new"
    assert run_with(entry, workshop.interpreter, code) == "1.0"


def test_a_source_directory_called_build_counts(tmp_path: Path) -> None:
    """Only at the top of a tree is `build` the backend's."""
    tree = make_source_tree(tmp_path / "tree", "demo", "1.0", files={"build/a.py": "1"})
    before = digest_tree(tree)
    (tree / "src" / "build" / "a.py").write_text("2")
    assert digest_tree(tree) != before


def test_a_directory_that_is_gone(workshop: Workshop) -> None:
    """The error names the directory; without a project in it, it says so."""
    artifact = workshop.artifact("demo", "1.0", PackageDirectory(path="tree"))
    gone = workshop.base / "tree"
    with pytest.raises(BuildError, match=f"the directory {gone}, which does not exist"):
        workshop.find(artifact)
    gone.mkdir()
    with pytest.raises(BuildError, match=r"neither pyproject\.toml nor setup\.py"):
        workshop.find(artifact)


def test_an_editable_points_to_its_tree(workshop: Workshop) -> None:
    """Its entry holds metadata and a path line, stays valid for new code, not for a new project."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    artifact = workshop.artifact("demo", None, PackageDirectory(path="tree", editable=True))
    entry = workshop.build(artifact)
    assert entry.facts.pth == {"__editable__.demo-1.0.pth": [str(tree / "src")]}
    assert direct_url(entry) == {"url": tree.as_uri(), "dir_info": {"editable": True}}
    (tree / "src" / "demo" / "__init__.py").write_text("__version__ = 'new'\n")
    assert workshop.find(artifact) == entry
    with (tree / "pyproject.toml").open("a") as file:
        file.write("description = 'changed'\n")
    assert workshop.find(artifact) is None
    assert workshop.build(artifact).path != entry.path
    expected = {tree / name for name in ("pyproject.toml", "setup.py", "setup.cfg")}
    assert set(list_inputs(artifact)) == expected


def test_only_editables_add_inputs(workshop: Workshop) -> None:
    """What a start must look at again is the project files of editable trees alone."""
    make_source_tree(workshop.base / "tree", "demo", "1.0")
    wheel = PackageWheel(name="demo-1.0-py3-none-any.whl", hashes={"sha256": "0" * 64})
    for source in (PackageDirectory(path="tree"), wheel):
        assert list_inputs(workshop.artifact("demo", "1.0", source)) == ()


def test_two_trees_do_not_share_an_editable(workshop: Workshop) -> None:
    """Equal project files in two directories are two projects."""
    for name in ("one", "two"):
        make_source_tree(workshop.base / name, "demo", "1.0")
    keys = {
        name_build(
            workshop.artifact("demo", None, PackageDirectory(path=name, editable=True)),
            workshop.interpreter,
        )
        for name in ("one", "two")
    }
    assert len(keys) == 2


@needs_git
@pytest.mark.parametrize("by", ["url", "path"])
def test_a_repository_is_checked_out_at_the_locked_commit(workshop: Workshop, by: str) -> None:
    """The commit counts, wherever the branch has gone since."""
    tree = make_source_tree(workshop.base / "repository", "demo", "1.0")
    commit = make_repository(tree)
    (tree / "src" / "demo" / "__init__.py").write_text("__version__ = 'later'\n")
    git(tree, "commit", "--quiet", "--all", "--message", "later")
    place = {"url": tree.as_uri()} if by == "url" else {"path": "repository"}
    source = PackageVcs(type="git", commit_id=commit, requested_revision="main", **place)
    artifact = workshop.artifact("demo", "1.0", source)
    entry = workshop.build(artifact)
    assert run_with(entry, workshop.interpreter, "import demo; print(demo.__version__)") == "1.0"
    assert direct_url(entry) == {
        "url": tree.as_uri(),
        "vcs_info": {"vcs": "git", "commit_id": commit, "requested_revision": "main"},
    }
    shutil.rmtree(tree)
    assert workshop.find(artifact) == entry


@needs_git
def test_a_commit_that_no_branch_has_any_more(workshop: Workshop) -> None:
    """After a force push the locked commit is still asked for by its name."""
    tree = make_source_tree(workshop.base / "repository", "demo", "1.0")
    commit = make_repository(tree)
    git(tree, "commit", "--quiet", "--amend", "--message", "other")
    git(tree, "config", "uploadpack.allowAnySHA1InWant", "true")
    source = PackageVcs(type="git", url=tree.as_uri(), commit_id=commit)
    assert workshop.build(workshop.artifact("demo", "1.0", source)).facts.version == "1.0"


@needs_git
def test_a_repository_with_a_submodule_and_a_subdirectory(workshop: Workshop) -> None:
    """Submodules come along, and the project may lie below the top."""
    inner = workshop.base / "inner"
    inner.mkdir()
    (inner / "data.py").write_text("DATA = 'inner'\n")
    make_repository(inner)
    outer = workshop.base / "outer"
    make_source_tree(outer / "python", "demo", "1.0")
    allow = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.file.allow",
        "GIT_CONFIG_VALUE_0": "always",
    }
    git(outer, "init", "--quiet")
    git(outer, "submodule", "--quiet", "add", inner.as_uri(), "python/src/demo/sub", **allow)
    commit = make_repository(outer)
    means = replace(workshop.means, environ={**workshop.means.environ, **allow})
    source = PackageVcs(type="git", url=outer.as_uri(), commit_id=commit, subdirectory="python")
    artifact = workshop.artifact("demo", "1.0", source)
    entry = build_entry(artifact, workshop.interpreter, workshop.dirs, means)
    code = "import demo.sub.data; print(demo.sub.data.DATA)"
    assert run_with(entry, workshop.interpreter, code) == "inner"


@pytest.mark.skipif(shutil.which("hg") is None, reason="Mercurial is not installed")
def test_a_repository_of_mercurial(workshop: Workshop) -> None:
    """The locked commit counts, wherever the branch has gone and whatever has its name."""
    tree = make_source_tree(workshop.base / "repository", "demo", "1.0")

    def hg(*words: str) -> str:
        environ = {**os.environ, "HGPLAIN": "1", "HGUSER": "nobody", "HGRCPATH": ""}
        told = subprocess.run(
            ["hg", *words], cwd=tree, env=environ, capture_output=True, text=True, check=True
        )
        return told.stdout.strip()

    hg("init")
    hg("commit", "--addremove", "--message", "first")
    commit = hg("log", "--rev", ".", "--template", "{node}")
    (tree / "src" / "demo" / "__init__.py").write_text("__version__ = 'later'\n")
    hg("commit", "--message", "later")
    hg("bookmark", commit)
    source = PackageVcs(type="hg", url=tree.as_uri(), commit_id=commit)
    entry = workshop.build(workshop.artifact("demo", "1.0", source))
    assert run_with(entry, workshop.interpreter, "import demo; print(demo.__version__)") == "1.0"
    assert direct_url(entry)["vcs_info"] == {"vcs": "hg", "commit_id": commit}
    unknown = PackageVcs(type="hg", url=tree.as_uri(), commit_id="a" * 40)
    with pytest.raises(BuildError, match="hg cannot check out aaaaaaaaaaaa"):
        workshop.build(workshop.artifact("demo", "1.0", unknown))


@needs_git
def test_credentials_of_a_repository_are_never_seen(
    workshop: Workshop, index: IndexServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither log nor error nor stderr shows the password in a URL, and the key ignores it."""
    url = f"http://user:s3cret@{index.host}/repository"
    source = PackageVcs(type="git", url=url, commit_id="a" * 40)
    artifact = workshop.artifact("demo", "1.0", source)
    with pytest.raises(BuildError) as caught:
        workshop.build(artifact)
    seen = workshop.log() + caught.value.message + str(caught.value.hint) + capsys.readouterr().err
    assert "git cannot check out aaaaaaaaaaaa of http://127.0.0.1" in seen
    assert "s3cret" not in seen
    plain = PackageVcs(type="git", url=f"http://{index.host}/repository", commit_id="a" * 40)
    other = replace(artifact, source=plain)
    assert name_build(artifact, workshop.interpreter) == name_build(other, workshop.interpreter)


def test_without_git_the_error_says_so(workshop: Workshop) -> None:
    """A repository without its program is an error with what to install."""
    environ = {**workshop.means.environ, "PATH": str(workshop.base)}
    means = replace(workshop.means, environ=environ)
    source = PackageVcs(type="git", url="https://example.org/demo", commit_id="a" * 40)
    artifact = workshop.artifact("demo", "1.0", source)
    with pytest.raises(BuildError, match=r"git is needed to check out demo 1\.0") as caught:
        build_entry(artifact, workshop.interpreter, workshop.dirs, means)
    assert caught.value.hint == "install git"


def test_a_commit_is_never_an_option(workshop: Workshop) -> None:
    """What is no whole commit is refused before any program sees it; so are unknown programs."""
    for commit in ("main", "--upload-pack=evil", "abc123"):
        source = PackageVcs(type="git", url="https://example.org/demo", commit_id=commit)
        with pytest.raises(RefusedError, match="not a whole commit"):
            workshop.build(workshop.artifact("demo", "1.0", source))
    source = PackageVcs(type="svn", url="https://example.org/demo", commit_id="a" * 40)
    with pytest.raises(BuildError, match="type 'svn'"):
        workshop.build(workshop.artifact("demo", "1.0", source))


LOCK = '[metadata]\nlock-version = "2.1"\npython-versions = "*"\ncontent-hash = ""\n'


def make_project(directory: Path, pyproject: str) -> Path:
    """Write a project with an empty lock of Poetry and return the lock."""
    directory.mkdir(exist_ok=True)
    (directory / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    (directory / "poetry.lock").write_text(LOCK, encoding="utf-8")
    return directory / "poetry.lock"


@pytest.mark.parametrize(
    ("pyproject", "name"),
    [
        ('[project]\nname = "Demo_App"\nversion = "1"\n', "demo-app"),
        ('[tool.poetry]\nname = "demo"\nversion = "1"\n', "demo"),
        ('[project]\nname = "demo"\n[tool.poetry]\npackage-mode = false\n', None),
        ("[tool.poetry]\npackage-mode = false\n", None),
        ('[tool.poetry.dependencies]\npython = "*"\n', None),
    ],
)
def test_the_project_itself_is_an_editable(
    tmp_path: Path, pyproject: str, name: str | None
) -> None:
    """As with `poetry install`, unless its pyproject.toml says that it is not installed."""
    root = root_artifact(read_lock(make_project(tmp_path, pyproject)))
    assert (root.name if root else None) == name
    if root:
        assert root.source == PackageDirectory(path=".", editable=True)
        assert root.base == tmp_path


def test_the_project_comes_last_and_once(tmp_path: Path) -> None:
    """It is built behind what is locked, and not at all where the lock has it already."""
    lock = read_lock(make_project(tmp_path, '[project]\nname = "demo"\nversion = "1"\n'))
    wheel = PackageWheel(name="x-1-py3-none-any.whl", hashes={"sha256": "0" * 64})

    def names(*locked: str) -> list[str]:
        artifacts = tuple(
            Artifact(name=name, version="1", source=wheel, index=None, base=tmp_path)
            for name in locked
        )
        selection = Selection(artifacts=artifacts, extras=frozenset(), groups=frozenset())
        return [artifact.name for artifact in add_root(selection, lock).artifacts]

    assert names("zlib-ng", "x") == ["zlib-ng", "x", "demo"]
    assert names("demo", "x") == ["demo", "x"]


def test_a_project_that_fails_to_build_says_how_to_leave_it_out(workshop: Workshop) -> None:
    """Whoever only runs scripts beside a lock learns what to write."""
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0", fail="no")
    (tree / "poetry.lock").write_text(LOCK)
    root = root_artifact(read_lock(tree / "poetry.lock"))
    assert root
    with pytest.raises(BuildError) as caught:
        workshop.build(root)
    assert "package-mode = false" in str(caught.value.hint)


def test_a_project_of_poetry_without_build_system(workshop: Workshop, wheels: Path) -> None:
    """Poetry builds its own projects itself, so poetry-core does it here, and not setuptools."""
    backend = (Path(__file__).parent.with_name("treebackend.py")).read_text(encoding="utf-8")
    files = {
        "poetry/__init__.py": "",
        "poetry/core/__init__.py": "",
        "poetry/core/masonry/__init__.py": "",
        "poetry/core/masonry/api.py": backend,
    }
    make_wheel(wheels, "poetry-core", "2.0", files=files)
    tree = make_source_tree(workshop.base / "tree", "demo", "1.0")
    (tree / "treebackend.py").unlink()
    lock = make_project(tree, '[tool.poetry]\nname = "demo"\nversion = "1.0"\n')
    root = root_artifact(read_lock(lock))
    assert root
    assert workshop.build(root).facts.pth == {"__editable__.demo-1.0.pth": [str(tree / "src")]}


def test_a_broken_project_file_names_itself(tmp_path: Path) -> None:
    """A pyproject.toml that stopped being TOML after the lock was read is a bad lock."""
    lock = read_lock(make_project(tmp_path, '[project]\nname = "demo"\n'))
    (tmp_path / "pyproject.toml").write_text("[project\n")
    with pytest.raises(LockError, match=r"pyproject\.toml"):
        root_artifact(lock)


def test_the_environment_of_a_build_keeps_what_configures_pip() -> None:
    """What says where from stays, what says where to goes, and so does everything of Python's."""
    environ: Mapping[str, str] = {
        "PATH": "/bin",
        "PIP_INDEX_URL": "http://127.0.0.1/simple/",
        "PIP_TARGET": "/evil",
        "PIP_USER": "1",
        "PYTHONPATH": "/evil",
        "PYX_PROJECT": "/evil",
        "VIRTUAL_ENV": "/evil",
        "GIT_DIR": "/evil",
    }
    kept = clean_environ(environ)
    assert kept["PIP_INDEX_URL"] == "http://127.0.0.1/simple/"
    assert kept["PIP_USER"] == "0"
    assert "/evil" not in kept.values()


@pytest.mark.network
def test_a_real_sdist_with_setuptools(workshop: Workshop, tmp_path: Path) -> None:
    """An sdist from the index that pip is configured for is built with what it requires."""
    pip = tmp_path / "pip" / "bin" / "pip"
    subprocess.run([workshop.interpreter.path, "-m", "venv", pip.parent.parent], check=True)
    options = ["--quiet", "--no-deps", "--no-binary=:all:", "--dest", tmp_path]
    subprocess.run([pip, "download", *options, "toolz==0.12.1"], check=True)
    path = tmp_path / "toolz-0.12.1.tar.gz"
    means = replace(workshop.means, environ=dict(os.environ))
    entry = build_entry(workshop.sdist(path), workshop.interpreter, workshop.dirs, means)
    code = "import toolz; print(toolz.__version__)"
    assert run_with(entry, workshop.interpreter, code) == "0.12.1"

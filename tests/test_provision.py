"""Every artifact becomes an entry: found, fetched once, or refused with a reason."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_source_tree, make_wheel, sha256

from pyx_launcher.dirs import Dirs, resolve_dirs
from pyx_launcher.errors import ArtifactError, PyxError, RefusedError, StoreError
from pyx_launcher.files.atomic import flush
from pyx_launcher.files.hashing import hash_file
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import Interpreter, probe_interpreter
from pyx_launcher.locks.common.hash_only import UnnamedFile
from pyx_launcher.locks.common.packages import PackageDirectory, PackageWheel
from pyx_launcher.progress import Silent
from pyx_launcher.provision import Provision, find_entries, provide
from pyx_launcher.selection import Artifact, Selection
from pyx_launcher.store import entry as entry_module

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx


class Counter(Silent):
    """Notes what it is told of a fetch."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.size = 0
        self.labels: list[str] = []

    def __call__(self, count: int, size: int) -> Counter:
        """Begin a fetch."""
        self.asked.append((count, size))
        return self

    def advance(self, size: int) -> None:
        """Note bytes."""
        self.size += size

    def finish(self, label: str) -> None:
        """Note a distribution."""
        self.labels.append(label)


class Provider:
    """Provides artifacts of one directory of wheels into one store."""

    def __init__(self, environ: Mapping[str, str], interpreter: Interpreter) -> None:
        self.environ = environ
        self.dirs: Dirs = resolve_dirs(environ)
        self.interpreter = interpreter

    def provide(
        self, *artifacts: Artifact, offline: bool = False, progress: Counter | None = None
    ) -> Provision:
        """Provide `artifacts`."""
        return provide(
            select_all(*artifacts),
            self.interpreter,
            self.dirs,
            self.environ,
            offline=offline,
            progress=progress or Counter(),
        )


def select_all(*artifacts: Artifact) -> Selection:
    """Return a selection of `artifacts`."""
    return Selection(artifacts=artifacts, extras=frozenset(), groups=frozenset())


def artifact_of(
    wheel: Path,
    *,
    url: str | None = None,
    path: str | None = None,
    hashes: Mapping[str, str] | None = None,
    name: str | None = None,
    version: str | None = None,
) -> Artifact:
    """Return the artifact that a lock names for `wheel`."""
    found_name, found_version = wheel.name.split("-")[:2]
    digests = {"sha256": sha256(wheel)} if hashes is None else hashes
    return Artifact(
        name=name or found_name,
        version=version or found_version,
        source=PackageWheel(
            name=wheel.name, url=url, path=path, hashes=digests, size=wheel.stat().st_size
        ),
        index=None,
        base=wheel.parent,
    )


@pytest.fixture
def provider(environ: dict[str, str], interpreters: dict[str, Path], probed: Path) -> Provider:
    """Give a provider with an empty store."""
    path = next(iter(interpreters.values()))
    interpreter = probe_interpreter(path, cache=probed, template=find_template())
    return Provider(environ, interpreter)


def left_in(dirs: Dirs) -> list[Path]:
    """Return the files below the store that are no locks."""
    return [path for path in dirs.store.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_everything_is_fetched_once_and_kept_in_order(
    provider: Provider, wheels: Path, index: IndexServer
) -> None:
    """The second time nothing is fetched and no progress begun; the order is the lock's."""
    artifacts = [artifact_of(make_wheel(wheels, f"pack{n}", "1.0")) for n in range(12)]
    counter = Counter()
    first = provider.provide(*artifacts, progress=counter)
    assert [entry.facts.name for entry in first.entries] == [a.name for a in artifacts]
    assert first.fetched == first.entries
    assert counter.asked == [(12, sum(getattr(a.source, "size", 0) for a in artifacts))]
    assert counter.size == counter.asked[0][1]
    assert sorted(counter.labels) == sorted(artifact.label for artifact in artifacts)
    again = Counter()
    second = provider.provide(*artifacts[::-1], progress=again)
    assert second.entries == first.entries[::-1]
    assert (second.fetched, again.asked) == ((), [])
    assert sum(index.downloads(artifact.name) for artifact in artifacts) == 12


def test_a_slow_index_is_asked_for_several_at_once_over_few_connections(
    provider: Provider, wheels: Path, index: IndexServer
) -> None:
    """Connections are used again, and one answer is not waited for before the next is asked for."""
    artifacts = [
        artifact_of(wheel, url=index.file_url(wheel.name))
        for wheel in (make_wheel(wheels, f"pack{n}", "1.0") for n in range(40))
    ]
    index.delay("/files/", 0.1)
    start = time.monotonic()
    provider.provide(*artifacts)
    assert index.accepted <= 8
    assert len(index.requests) == 40
    assert time.monotonic() - start < 40 * 0.1


def test_who_waits_before_asking_again_keeps_no_connection(
    provider: Provider, wheels: Path, index: IndexServer
) -> None:
    """Wheels of a server that wants to be left alone for a while do not hold up the others."""
    made = [make_wheel(wheels, f"pack{n}", "1.0") for n in range(12)]
    artifacts = [artifact_of(wheel, url=index.file_url(wheel.name)) for wheel in made]
    for wheel in made[:11]:
        index.fail(f"/files/{wheel.name}", 503, times=1, retry_after="4")
    asked: list[float] = []
    start = time.monotonic()
    with ThreadPoolExecutor(1) as other:
        done = other.submit(provider.provide, *artifacts)
        while not done.done():
            if not asked and index.downloads("pack11"):
                asked.append(time.monotonic() - start)
            time.sleep(0.05)
        done.result()
    assert asked
    assert asked[0] < 3.5 < time.monotonic() - start


def test_an_archive_is_gone_before_the_disk_is_waited_for(
    provider: Provider, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody reads again need not be written there."""
    left: list[Path] = []

    def note(directory: Path) -> None:
        left.extend(provider.dirs.store.rglob("*.whl"))
        flush(directory)

    monkeypatch.setattr(entry_module, "flush", note)
    wheel = make_wheel(wheels, "pack", "1.0")
    made = provider.provide(artifact_of(wheel, path=wheel.name))
    assert [entry.facts.name for entry in made.fetched] == ["pack"]
    assert left == []


def test_only_what_is_missing_is_fetched(
    provider: Provider, wheels: Path, index: IndexServer
) -> None:
    """Entries and artifacts without one can also be told without fetching."""
    old, new = (artifact_of(make_wheel(wheels, name, "1.0")) for name in ("old", "new"))
    provider.provide(old)
    entries, missing = find_entries(select_all(old, new), provider.interpreter, provider.dirs)
    assert [entry.facts.name for entry in entries] == ["old"]
    assert missing == (new,)
    assert [entry.facts.name for entry in provider.provide(old, new).fetched] == ["new"]
    assert index.downloads("old") == 1


def test_a_path_is_relative_to_the_lock(provider: Provider, wheels: Path) -> None:
    """A wheel beside the lock needs no index, not even offline."""
    wheel = make_wheel(wheels / "below", "pack", "1.0")
    artifact = artifact_of(wheel, path="../below/./pack-1.0-py3-none-any.whl")
    (entry,) = provider.provide(artifact, offline=True).entries
    assert entry.facts.key == sha256(wheel)


def test_offline_names_all_that_is_missing(
    provider: Provider, wheels: Path, index: IndexServer
) -> None:
    """Nothing is asked of the network, and the hint says what to do."""
    artifacts = [artifact_of(make_wheel(wheels, name, "1.0")) for name in ("one", "two")]
    with pytest.raises(ArtifactError, match=r"one 1\.0, two 1\.0") as caught:
        provider.provide(*artifacts, offline=True)
    assert "--offline" in (caught.value.hint or "")
    assert index.requests == []


def test_a_wheel_that_is_not_the_locked_one_is_refused(
    provider: Provider, wheels: Path, index: IndexServer
) -> None:
    """Another content under the right name leaves nothing in the store."""
    artifact = artifact_of(make_wheel(wheels, "pack", "1.0"))
    make_wheel(wheels, "pack", "1.0", files={"pack.py": "evil"})
    with pytest.raises(RefusedError, match="pack"):
        provider.provide(artifact)
    assert left_in(provider.dirs) == []
    assert index.downloads("pack") <= 1


@pytest.mark.parametrize(("name", "version"), [("other", None), (None, "2.0")])
def test_a_wheel_of_another_distribution_is_refused(
    provider: Provider, wheels: Path, name: str | None, version: str | None
) -> None:
    """What the lock says of a wheel must be what the wheel's own name says."""
    wheel = make_wheel(wheels, "pack", "1.0")
    artifact = artifact_of(wheel, path=wheel.name, name=name, version=version)
    with pytest.raises(RefusedError, match="is not a wheel of"):
        provider.provide(artifact)


@pytest.mark.parametrize("name", ["../x", "/etc", "", ".", "a/b"])
def test_no_name_leads_out_of_the_store(provider: Provider, wheels: Path, name: str) -> None:
    """Whatever a reader lets through, there is a last look before a path is made."""
    wheel = make_wheel(wheels, "pack", "1.0")
    artifact = Artifact(
        name=name,
        version="1.0",
        source=artifact_of(wheel, path=wheel.name).source,
        index=None,
        base=wheels,
    )
    with pytest.raises(StoreError, match="cannot be the name of a directory"):
        provider.provide(artifact)


def test_all_that_fail_are_named_and_the_rest_is_kept(provider: Provider, wheels: Path) -> None:
    """One error tells of every distribution; those that came stay for the next attempt."""
    good = artifact_of(make_wheel(wheels, "good", "1.0"))
    bad = [artifact_of(make_wheel(wheels, name, "1.0")) for name in ("bad", "worse")]
    for artifact in bad:
        (wheels / f"{artifact.name}-1.0-py3-none-any.whl").unlink()
    with pytest.raises(PyxError, match=r"2 packages are unavailable \(bad 1\.0, worse 1\.0\)"):
        provider.provide(bad[0], good, bad[1])
    assert [entry.facts.name for entry in provider.provide(good).entries] == ["good"]
    assert provider.provide(good).fetched == ()


def test_starts_at_the_same_time_fetch_once(
    provider: Provider, wheels: Path, index: IndexServer
) -> None:
    """Those that come later wait for the first and take its entry."""
    artifact = artifact_of(make_wheel(wheels, "pack", "1.0"))
    index.delay("/files/", 0.2)
    found: list[Provision] = []
    threads = [
        threading.Thread(target=lambda: found.append(provider.provide(artifact))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({provision.entries for provision in map(_hashable, found)}) == 1
    assert len(found) == 4
    assert index.downloads("pack") == 1


def _hashable(provision: Provision) -> Provision:
    """Return `provision` with paths for entries, whose facts hold dicts."""
    paths = tuple(entry.path for entry in provision.entries)
    return Provision(entries=paths, fetched=())  # type: ignore[arg-type]


def test_a_lock_without_sha256_shares_the_entry(
    provider: Provider, wheels: Path, index: IndexServer
) -> None:
    """It is fetched once to learn that it is the same, and programs that run from it keep it."""
    wheel = make_wheel(wheels, "pack", "1.0")
    (first,) = provider.provide(artifact_of(wheel)).entries
    inode = (first.path / "pack" / "__init__.py").stat().st_ino
    digest = hashlib.sha512(wheel.read_bytes()).hexdigest()
    other = artifact_of(wheel, path=wheel.name, hashes={"sha512": digest})
    (second,) = provider.provide(other).entries
    assert second.path == first.path
    assert (second.path / "pack" / "__init__.py").stat().st_ino == inode
    assert provider.provide(other).fetched == ()
    assert provider.provide(artifact_of(wheel)).fetched == ()
    assert index.downloads("pack") == 1


def test_a_digest_in_capitals_is_the_same(provider: Provider, wheels: Path) -> None:
    """Hexadecimal digits mean the same in either case."""
    wheel = make_wheel(wheels, "pack", "1.0")
    provider.provide(artifact_of(wheel, path=wheel.name))
    shouted = artifact_of(wheel, path=wheel.name, hashes={"sha256": sha256(wheel).upper()})
    assert provider.provide(shouted, offline=True).fetched == ()


def test_a_large_file_is_hashed_in_parts(tmp_path: Path) -> None:
    """The digest is that of the whole file, also beyond one part."""
    data = b"x" * (3 << 20) + b"y"
    (tmp_path / "file").write_bytes(data)
    assert hash_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()


def test_offline_takes_what_a_local_directory_has(
    provider: Provider, wheels: Path, tmp_path: Path, index: IndexServer
) -> None:
    """`PIP_FIND_LINKS` on this machine serves offline; only what it lacks is missing."""
    shelf = make_wheel(tmp_path / "shelf", "one", "1.0")
    provider.environ = {**provider.environ, "PIP_FIND_LINKS": str(shelf.parent)}
    one, two = artifact_of(shelf), artifact_of(make_wheel(wheels, "two", "1.0"))
    (entry,) = provider.provide(one, offline=True).entries
    assert entry.facts.name == "one"
    with pytest.raises(ArtifactError) as caught:
        provider.provide(one, two, offline=True)
    assert caught.value.message == "not in the store, and --offline was given: two 1.0"
    assert index.requests == []


def test_offline_names_what_builds_require(
    provider: Provider, wheels: Path, tmp_path: Path, index: IndexServer
) -> None:
    """Files, releases that are known by hashes alone and build requirements are in one message."""
    trees = []
    for name in ("left", "right"):
        tree = make_source_tree(tmp_path / name, name, "1.0")
        tree.joinpath("pyproject.toml").write_text('[build-system]\nrequires = ["buildtool>=2"]\n')
        trees.append(
            Artifact(
                name=name,
                version="1.0",
                source=PackageDirectory(path=name),
                index=None,
                base=tmp_path,
            )
        )
    unnamed = Artifact(
        name="hashed",
        version="3.0",
        source=UnnamedFile({("sha256", "0" * 64)}),
        index=None,
        base=tmp_path,
    )
    wheel = artifact_of(make_wheel(wheels, "two", "1.0"))
    with pytest.raises(ArtifactError) as caught:
        provider.provide(*trees, unnamed, wheel, offline=True)
    assert caught.value.message == (
        "not in the store, and --offline was given: "
        "hashed 3.0, two 1.0, buildtool>=2 (to build left 1.0, right 1.0)"
    )
    assert index.requests == []


WATCH = """\
import sys

def watch(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        print(event, file=sys.stderr)

sys.addaudithook(watch)
"""


def test_offline_touches_no_socket(
    pyx: Pyx, index: IndexServer, wheels: Path, tmp_path: Path
) -> None:
    """Python itself, asked to tell, sees no name looked up and no connection made, either way."""
    names = ("one", "two")
    made = [make_wheel(wheels, name, "1.0") for name in names]
    text = "".join(
        f"{n}==1.0 --hash=sha256:{sha256(w)}\n" for n, w in zip(names, made, strict=True)
    )
    (tmp_path / "requirements.txt").write_text(text)
    launcher = pyx.launcher.read_text()
    pyx.launcher.write_text(launcher.replace("import sys\n", WATCH, 1))
    missing = pyx("--offline", "-c", "pass", cwd=tmp_path)
    assert missing.returncode == 69
    assert "not in the store, and --offline was given: one 1.0, two 1.0" in missing.stderr
    by_variable = pyx("-c", "pass", cwd=tmp_path, env={"PYX_OFFLINE": "1"})
    fetched = pyx("-c", "pass", cwd=tmp_path)
    again = pyx("--offline", "-c", "import one, two", cwd=tmp_path)
    assert (fetched.returncode, again.returncode) == (0, 0)
    assert ["socket." in told.stderr for told in (missing, by_variable, fetched, again)] == [
        False,
        False,
        True,
        False,
    ]

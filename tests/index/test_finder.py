"""Finding locked files: which source is asked, which file is taken, what is said if none is."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from indexserver import IndexServer
from installed import PLAIN_PYTHON
from wheelhouse import make_sdist, make_wheel, normalised, sha256

from pyx_launcher.errors import ArtifactError, RefusedError
from pyx_launcher.index.finder import Index, IndexSettings, WantedFile, read_settings
from pyx_launcher.locks.common.indexes import NamedIndex

ROOT = Path(__file__).resolve().parent.parent.parent


def wanted_for(path: Path, /, **changes: Any) -> WantedFile:
    """Return what a lock without URLs would want, for the artifact at `path`."""
    name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
    wanted = WantedFile(
        name=normalised(name),
        version=version,
        filename=path.name,
        hashes={"sha256": sha256(path)},
    )
    return dataclasses.replace(wanted, **changes)


def settings_for(*indexes: IndexServer, **changes: Any) -> IndexSettings:
    """Return settings that know these indexes alone, and do not try twice."""
    urls = tuple(index.url for index in indexes)
    known = {"index_url": urls[0], "extra_index_urls": urls[1:]} if urls else {"no_index": True}
    return IndexSettings(**{**known, "retries": 0, "timeout": 10.0, **changes})


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Name a directory to fetch into; it does not exist yet."""
    return tmp_path / "into"


@pytest.mark.parametrize("kind", ["json", "html"])
@pytest.mark.parametrize("hashes", ["declared", "absent"])
def test_a_file_is_found_by_its_name(
    index: IndexServer, wheels: Path, into: Path, kind: str, hashes: str
) -> None:
    """Pages of both kinds lead to the file, with or without hashes in them."""
    index.json, index.declare_hashes = kind == "json", hashes == "declared"
    make_wheel(wheels, "spam", "1.0")
    wheel = make_wheel(wheels, "spam", "2.0")
    with Index(settings_for(index)) as source:
        path = source.fetch(wanted_for(wheel), into)
    assert path == into / "spam-2.0-py3-none-any.whl"
    assert path.read_bytes() == wheel.read_bytes()
    assert [p.name for p in into.iterdir()] == [wheel.name]
    assert [request.path for request in index.requests] == ["/simple/spam/", f"/files/{wheel.name}"]


def test_an_sdist_is_found(index: IndexServer, wheels: Path, into: Path) -> None:
    """Source distributions are files like wheels."""
    sdist = make_sdist(wheels, "some.spam", "1.0")
    with Index(settings_for(index)) as source:
        assert source.fetch(wanted_for(sdist), into).read_bytes() == sdist.read_bytes()


@pytest.mark.parametrize("filename", ["Some.Spam-1.0-py3-none-any.whl", "SOME_SPAM-1.0.tar.gz"])
def test_spellings_of_a_name_do_not_matter(
    index: IndexServer, wheels: Path, into: Path, filename: str
) -> None:
    """The lock may spell the file as an older version of the index did; it is saved as locked."""
    index.declare_hashes = False
    wheel = make_wheel(wheels, "some-spam", "1.0")
    sdist = make_sdist(wheels, "some-spam", "1.0")
    made = wheel if filename.endswith(".whl") else sdist
    with Index(settings_for(index)) as source:
        path = source.fetch(wanted_for(made, filename=filename), into)
    assert path.name == filename
    assert path.read_bytes() == made.read_bytes()


def test_a_file_of_another_name_is_found_by_its_hash(
    index: IndexServer, wheels: Path, into: Path
) -> None:
    """What has the locked hash is the locked file, whatever the index calls it."""
    wheel = make_wheel(wheels, "spam", "1.0", build="2")
    with Index(settings_for(index)) as source:
        path = source.fetch(wanted_for(wheel, filename="spam-1.0-py3-none-any.whl"), into)
    assert sha256(path) == sha256(wheel)


def test_a_yanked_file_is_fetched(index: IndexServer, wheels: Path, into: Path) -> None:
    """A lock pins what it pins; yanking is for those who choose anew."""
    wheel = make_wheel(wheels, "spam", "1.0")
    index.yanked.add(wheel.name)
    with Index(settings_for(index)) as source:
        assert source.fetch(wanted_for(wheel), into).exists()


def test_any_algorithm_of_hashlib_will_do(index: IndexServer, wheels: Path, into: Path) -> None:
    """A lock with SHA-512 alone is checked by that, though the index declares SHA-256."""
    wheel = make_wheel(wheels, "spam", "1.0")
    digest = hashlib.sha512(wheel.read_bytes()).hexdigest()
    with Index(settings_for(index)) as source:
        assert source.fetch(wanted_for(wheel, hashes={"sha512": digest}), into).exists()
        with pytest.raises(RefusedError, match="sha512"):
            source.fetch(wanted_for(wheel, hashes={"sha512": "0" * 128}), into)


def test_another_index_is_asked_where_the_first_has_nothing(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """A project that the first index does not know is normal if an extra index has it."""
    wheel = make_wheel(tmp_path / "other", "spam", "1.0")
    with IndexServer(wheel.parent) as other, Index(settings_for(index, other)) as source:
        assert source.fetch(wanted_for(wheel), into).exists()
        assert index.requests[0].path == "/simple/spam/"


@pytest.mark.parametrize("hashes", ["declared", "absent"])
def test_the_hash_chooses_between_files_of_one_name(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path, hashes: str
) -> None:
    """Where two indexes have a file of this name, the locked one is taken, wherever it is."""
    make_wheel(wheels, "spam", "1.0", files={"spam.py": "evil = True"})
    wheel = make_wheel(tmp_path / "other", "spam", "1.0")
    index.declare_hashes = hashes == "declared"
    with IndexServer(wheel.parent) as other, Index(settings_for(index, other)) as source:
        assert source.fetch(wanted_for(wheel), into).read_bytes() == wheel.read_bytes()
    assert [p.name for p in into.iterdir()] == [wheel.name]


def test_a_failing_index_does_not_hide_another(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """An index that is broken counts only if nobody else has the file."""
    index.fail("/simple/", 500)
    wheel = make_wheel(tmp_path / "other", "spam", "1.0")
    with IndexServer(wheel.parent) as other, Index(settings_for(index, other)) as source:
        assert source.fetch(wanted_for(wheel), into).exists()
        missing = wanted_for(make_wheel(tmp_path, "ham", "1.0"))
        with pytest.raises(ArtifactError, match=f"^cannot reach {index.host} .*it answers 500$"):
            source.fetch(missing, into)


def test_the_locks_index_is_the_only_one_asked(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """Where the lock names an index, the configured ones hear nothing of the project."""
    wheel = make_wheel(wheels, "spam", "1.0")
    with IndexServer(tmp_path) as other, Index(settings_for(other)) as source:
        assert source.fetch(wanted_for(wheel, index=index.url.rstrip("/")), into).exists()
        with pytest.raises(
            ArtifactError, match=r"is on no index: http://127\.0\.0\.1:\d+/simple/$"
        ):
            source.fetch(wanted_for(wheel, index=other.url), into)
        assert [request.path for request in other.requests] == ["/simple/spam/"]


def test_a_url_is_taken_at_its_word(index: IndexServer, wheels: Path, into: Path) -> None:
    """A lock with URLs needs no index page."""
    wheel = make_wheel(wheels, "spam", "1.0")
    with Index(settings_for()) as source:
        assert source.fetch(wanted_for(wheel, url=index.file_url(wheel.name)), into).exists()
    assert [request.path for request in index.requests] == [f"/files/{wheel.name}"]


@pytest.mark.parametrize("form", ["url", "path"])
def test_a_local_file_is_copied_and_checked(into: Path, tmp_path: Path, form: str) -> None:
    """A path, or a file: URL with escapes in it, is read from the disk."""
    wheel = make_wheel(tmp_path / "a b", "spam", "1.0")
    place: dict[str, Any] = {"url": wheel.as_uri()} if form == "url" else {"path": wheel}
    with Index(settings_for(), offline=True) as source:
        assert source.fetch(wanted_for(wheel, **place), into).read_bytes() == wheel.read_bytes()
        with pytest.raises(RefusedError, match="is not the locked file"):
            source.fetch(wanted_for(wheel, hashes={"sha256": "0" * 64}, **place), into)
        wheel.unlink()
        with pytest.raises(ArtifactError, match=r"a b.*cannot be read: No such file or directory$"):
            source.fetch(wanted_for_missing(wheel, **place), into)


def wanted_for_missing(path: Path, /, **changes: Any) -> WantedFile:
    """Return what a lock would want whose file is gone."""
    wanted = WantedFile(name="spam", version=None, filename=path.name, hashes={"sha256": "0" * 64})
    return dataclasses.replace(wanted, **changes)


def test_find_links_are_searched(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """Directories, single files and pages of links serve; what does not exist is passed over."""
    listed = make_wheel(tmp_path / "listed", "spam", "1.0")
    single = make_wheel(tmp_path / "single", "ham", "1.0")
    linked = make_wheel(wheels, "eggs", "1.0")
    page = tmp_path / "links.html"
    page.write_text(f'<a href="{index.file_url(linked.name)}">eggs</a>')
    links = (str(tmp_path / "absent"), str(listed.parent), single.as_uri(), str(page))
    with Index(settings_for(no_index=True, find_links=links)) as source:
        for wheel in (listed, single, linked):
            assert source.fetch(wanted_for(wheel), into).exists()
    assert [request.path for request in index.requests] == [f"/files/{linked.name}"]


def test_a_remote_page_of_links_is_read_once(index: IndexServer, wheels: Path, into: Path) -> None:
    """A find-links page serves every project, so it is not asked for again."""
    made = [make_wheel(wheels, name, "1.0") for name in ("ham", "spam")]
    anchors = "".join(f'<a href="/files/{wheel.name}">{wheel.name}</a>' for wheel in made)
    (wheels / "links.html").write_text(anchors)
    links = (index.file_url("links.html"),)
    index.content_types["links.html"] = "text/html"
    with Index(settings_for(find_links=links)) as source:
        for wheel in made:
            assert source.fetch(wanted_for(wheel), into).exists()
    assert index.downloads("links.html") == 1


def test_a_local_source_spares_the_network(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """A wheelhouse that has the locked file is enough, even if there is an index."""
    wheel = make_wheel(wheels, "spam", "1.0")
    with Index(settings_for(index, find_links=(str(wheels),))) as source:
        assert source.fetch(wanted_for(wheel), into).exists()
        assert index.requests == []
        assert source.fetch(wanted_for(wheel, index=f"{index.url}other/"), into).exists()
    assert index.requests == []


def test_a_local_index_is_asked_first(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """The hash says which file is right, so the order of indexes is free, and disks are near."""
    wheel = make_wheel(tmp_path / "simple" / "spam", "spam", "1.0")
    (wheel.parent / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    settings = settings_for(index, extra_index_urls=((tmp_path / "simple").as_uri(),))
    with Index(settings) as source:
        assert source.fetch(wanted_for(wheel), into).exists()
    assert index.requests == []


@pytest.mark.parametrize("form", ["url", "path"])
def test_an_index_may_be_a_directory(into: Path, tmp_path: Path, form: str) -> None:
    """A PEP 503 tree on disk is an index, offline too, given as URL or as path."""
    wheel = make_wheel(tmp_path / "simple" / "spam", "spam", "1.0")
    (wheel.parent / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    root = tmp_path / "simple"
    settings = settings_for(no_index=False, index_url=root.as_uri() if form == "url" else str(root))
    with Index(settings, offline=True) as source:
        assert source.fetch(wanted_for(wheel), into).exists()
        with pytest.raises(ArtifactError, match="is not in the store, and --offline was given"):
            source.fetch(wanted_for_missing(wheel, name="ham", filename="ham-1.tar.gz"), into)


def test_offline_asks_no_server(index: IndexServer, wheels: Path, into: Path) -> None:
    """Offline, a file that is not on the disk is an error without one request."""
    wheel = make_wheel(wheels, "spam", "1.0")
    with Index(settings_for(index), offline=True) as source:
        for place in ({}, {"url": index.file_url(wheel.name)}, {"index": index.url}):
            with pytest.raises(ArtifactError) as caught:
                source.fetch(wanted_for(wheel, **place), into)
            assert caught.value.message == (
                f"{wheel.name} is not in the store, and --offline was given"
            )
            assert caught.value.hint == "run it once without --offline"
    assert index.requests == []


def test_without_the_default_index_offline_needs_no_network_library(
    tmp_path: Path, wheels: Path
) -> None:
    """Files from the disk, and errors offline, import neither unearth nor its HTTP client."""
    wheel = make_wheel(wheels, "spam", "1.0")
    program = (
        "import sys, pathlib\n"
        "from pyx_launcher.errors import ArtifactError\n"
        "from pyx_launcher.index.finder import Index, IndexSettings, WantedFile\n"
        "wheels, into, digest = sys.argv[1:]\n"
        "def wanted(name):\n"
        "    return WantedFile(name=name, version=None, filename=name + '-1.0-py3-none-any.whl',\n"
        "                  hashes={'sha256': digest})\n"
        "with Index(IndexSettings(find_links=(wheels,)), offline=True) as index:\n"
        "    index.fetch(wanted('spam'), pathlib.Path(into))\n"
        "    try:\n"
        "        index.fetch(wanted('ham'), pathlib.Path(into))\n"
        "    except ArtifactError:\n"
        "        print(sorted({'unearth', 'httpx2', 'ssl', 'urllib.request'} & set(sys.modules)))\n"
    )
    done = run(program, str(wheels), str(tmp_path / "into"), sha256(wheel))
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_nothing_is_printed(index: IndexServer, tmp_path: Path, wheels: Path) -> None:
    """What unearth would warn of on stderr, in a process without logging, is in the error alone."""
    index.fail("/simple/", 401)
    program = (
        "import sys, pathlib\n"
        "from pyx_launcher.errors import ArtifactError\n"
        "from pyx_launcher.index.finder import Index, IndexSettings, WantedFile\n"
        "wanted = WantedFile(name='a', version='1', filename='a.whl', hashes={'sha256': '00'})\n"
        "with Index(IndexSettings(index_url=sys.argv[1])) as index:\n"
        "    try:\n"
        "        index.fetch(wanted, pathlib.Path(sys.argv[2]))\n"
        "    except ArtifactError as error:\n"
        "        print(error)\n"
    )
    url = f"http://me:hidden@{index.host}/simple/"
    done = run(program, url, str(tmp_path / "into"))
    assert done.stderr == ""
    assert done.stdout == (f"{index.host} refuses access: it answers 401 for {index.url}a/\n")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that imports the launcher in a process of its own."""
    path = os.pathsep.join([str(ROOT / "launcher"), *sys.path])
    return subprocess.run(
        # PYTHONPATH does not act where the tests run under pyx.
        [PLAIN_PYTHON, "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_that_nobody_has_names_all_who_were_asked(
    index: IndexServer, into: Path, tmp_path: Path
) -> None:
    """The error lists every source, without the credentials in its URL."""
    make_wheel(index.directory, "ham", "2.0")
    index.credentials = ("me", "hidden")
    wanted = wanted_for(make_wheel(tmp_path, "ham", "1.0"))
    settings = settings_for(
        index, index_url=index.url_with_credentials, find_links=(str(tmp_path / "links"),)
    )
    with Index(settings) as source, pytest.raises(ArtifactError) as caught:
        source.fetch(wanted, into)
    assert caught.value.message == (
        f"ham-1.0-py3-none-any.whl is on no index: {tmp_path}/links, {index.url}"
    )
    assert caught.value.hint == "name the index that has it in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL"
    assert caught.value.exit_code == 69


def test_no_index_asks_no_index(index: IndexServer, wheels: Path, into: Path) -> None:
    """`PIP_NO_INDEX` holds for the lock's own index too."""
    wheel = make_wheel(wheels, "spam", "1.0")
    with Index(settings_for(index, no_index=True)) as source:
        for place in ({}, {"index": index.url}):
            with pytest.raises(ArtifactError, match="is on no index: none may be asked"):
                source.fetch(wanted_for(wheel, **place), into)
    assert index.requests == []


def test_the_setting_that_forbids_indexes_is_named(
    tmp_path: Path, wheels: Path, into: Path
) -> None:
    """Another index would not help, and what would is not to be guessed."""
    wheel = make_wheel(wheels, "spam", "1.0")
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nno-index = yes\n")
    file = {"PIP_CONFIG_FILE": str(config), "HOME": str(tmp_path)}
    causes = {f"{config}: [global] no-index": file, "PIP_NO_INDEX": {**file, "PIP_NO_INDEX": "1"}}
    for origin, environ in causes.items():
        with (
            Index(read_settings(environ)) as source,
            pytest.raises(ArtifactError) as caught,
        ):
            source.fetch(wanted_for(wheel), into)
        assert caught.value.hint == (
            f"{origin} says that no index is asked; PIP_NO_INDEX=0 allows it for one start"
        )
    assert not read_settings({**file, "PIP_NO_INDEX": "0"}).no_index


def test_a_declared_hash_that_differs_is_refused_unread(
    index: IndexServer, wheels: Path, into: Path
) -> None:
    """An index that says itself that its file is another one is not asked for it."""
    wheel = make_wheel(wheels, "spam", "1.0")
    locked = "1" * 64
    with Index(settings_for(index)) as source, pytest.raises(RefusedError) as caught:
        source.fetch(wanted_for(wheel, hashes={"sha256": locked}), into)
    assert caught.value.message == (
        f"{wheel.name} from {index.url} is not the locked file: "
        f"its sha256 is {sha256(wheel)}, the lock has {locked}"
    )
    assert caught.value.exit_code == 77
    assert index.downloads("spam") == 0


def test_what_comes_is_checked_whatever_was_declared(
    index: IndexServer, wheels: Path, into: Path
) -> None:
    """The bytes decide: an index that declares the locked hash and sends others is refused."""
    wheel = make_wheel(wheels, "spam", "1.0")
    index.corrupt(f"/files/{wheel.name}", b"something else")
    with Index(settings_for(index)) as source, pytest.raises(RefusedError) as caught:
        source.fetch(wanted_for(wheel), into)
    found = hashlib.sha256(b"something else").hexdigest()
    assert caught.value.message == (
        f"{wheel.name} from {index.file_url(wheel.name)} is not the locked file: "
        f"its sha256 is {found}, the lock has {sha256(wheel)}"
    )
    assert list(into.iterdir()) == []


def test_another_file_of_the_name_tells_more_than_a_failing_index(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """Where one index is broken and another has a wrong file, the wrong file is reported."""
    wheel = make_wheel(wheels, "spam", "1.0")
    with IndexServer(tmp_path) as broken, Index(settings_for(broken, index)) as source:
        broken.fail("/simple/", 403)
        with pytest.raises(RefusedError, match="is not the locked file"):
            source.fetch(wanted_for(wheel, hashes={"sha256": "0" * 64}), into)


@pytest.mark.parametrize(
    "filename", ["../spam-1.0.tar.gz", "/spam-1.0.tar.gz", "a/b.whl", "a\0b", "", "."]
)
def test_a_filename_that_leaves_the_directory_is_refused(
    index: IndexServer, into: Path, filename: str
) -> None:
    """The lock cannot make pyx write anywhere else."""
    wanted = WantedFile(name="spam", version="1", filename=filename, hashes={"sha256": "0" * 64})
    with Index(settings_for(index)) as source, pytest.raises(RefusedError, match="name of a file"):
        source.fetch(wanted, into)
    assert index.requests == []


@pytest.mark.parametrize(
    "url", ["ftp://example.org/a.whl", "http://", "http://[1/a.whl", "git+x://h"]
)
def test_a_url_of_another_kind_is_an_error(into: Path, url: str) -> None:
    """Only http, https and file URLs can be fetched; a malformed one is no traceback."""
    wanted = WantedFile(
        name="a", version="1", filename="a.whl", hashes={"sha256": "0" * 64}, url=url
    )
    with (
        Index(settings_for()) as source,
        pytest.raises(ArtifactError, match=r"is not a URL|malformed"),
    ):
        source.fetch(wanted, into)


def test_an_index_without_tls_must_be_trusted(into: Path, tmp_path: Path) -> None:
    """As with pip, plain HTTP to another host needs the user's word; the hint can be typed."""
    wanted = wanted_for(make_wheel(tmp_path, "spam", "1.0"))
    settings = settings_for(no_index=False, index_url="http://me:hidden@index.example.org/simple")
    with Index(settings) as source, pytest.raises(ArtifactError) as caught:
        source.fetch(wanted, into)
    assert caught.value.message == (
        "http://index.example.org/simple is not asked: "
        "it has no TLS and its host is not a trusted one"
    )
    assert caught.value.hint == "PIP_TRUSTED_HOST=index.example.org"


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"files": [1]}', b'{"files": [{"url": 3}]}'])
def test_a_page_that_is_none_is_an_error(
    index: IndexServer, wheels: Path, into: Path, body: bytes
) -> None:
    """Nonsense instead of a page is reported as such."""
    wheel = make_wheel(wheels, "spam", "1.0")
    index.corrupt("/simple/spam/", body)
    with Index(settings_for(index)) as source, pytest.raises(ArtifactError) as caught:
        source.fetch(wanted_for(wheel), into)
    assert caught.value.message == f"{index.url}spam/ is not a page of an index"


def test_many_threads_share_one_index(index: IndexServer, wheels: Path, into: Path) -> None:
    """Files are fetched side by side, each once, with credentials from the URL."""
    index.credentials = ("me", "secret")
    made = [make_wheel(wheels, f"spam{number}", "1.0") for number in range(24)]
    with (
        Index(settings_for(index, index_url=index.url_with_credentials)) as source,
        ThreadPoolExecutor(8) as pool,
    ):
        paths = list(pool.map(lambda wheel: source.fetch(wanted_for(wheel), into), made))
    assert [sha256(path) for path in paths] == [sha256(wheel) for wheel in made]
    assert {index.downloads(wheel.name) for wheel in made} == {1}
    assert sorted(p.name for p in into.iterdir()) == sorted(wheel.name for wheel in made)


@pytest.mark.network
def test_the_default_index_is_asked_where_none_is_configured(into: Path) -> None:
    """With what pip is told on this machine, a small wheel of the real index can be had."""
    wanted = WantedFile(
        name="six",
        version="1.17.0",
        filename="six-1.17.0-py2.py3-none-any.whl",
        hashes={"sha256": "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"},
    )
    with Index(read_settings(os.environ)) as source:
        assert source.fetch(wanted, into).stat().st_size == 11050


def test_a_file_that_moved_is_found_by_its_hash(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """A URL of the lock that is gone leads to the indexes: the package's own, or the configured."""
    wheel = make_wheel(wheels, "spam", "1.0")
    gone = index.file_url("moved/" + wheel.name)
    with IndexServer(tmp_path) as empty:
        for settings, place in (
            (settings_for(index), {}),
            (settings_for(empty), {"index": index.url}),
            (settings_for(empty, sources=(NamedIndex(url=index.url),)), {}),
        ):
            with Index(settings) as source:
                assert source.fetch(wanted_for(wheel, url=gone, **place), into).exists()
        assert empty.requests == []
        with Index(settings_for(empty)) as source, pytest.raises(ArtifactError) as caught:
            source.fetch(wanted_for(wheel, url=gone), into)
        assert caught.value.message == f"{wheel.name} is not at {gone}"
        assert [request.path for request in empty.requests] == ["/simple/spam/"]


def test_a_server_that_fails_has_a_substitute(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """Where the host of a URL is down or forbids it, the configured index may have the file."""
    wheel = make_wheel(wheels, "spam", "1.0")
    with IndexServer(tmp_path) as broken:
        url = broken.file_url(wheel.name)
        for status in (403, 503):
            broken.fail("/files/", status)
            with Index(settings_for(index)) as source:
                assert source.fetch(wanted_for(wheel, url=url), into).exists()
    with Index(settings_for(index)) as source:
        assert source.fetch(wanted_for(wheel, url=url), into).exists()


def test_a_file_that_was_replaced_is_refused(index: IndexServer, wheels: Path, into: Path) -> None:
    """Other bytes at the URL of the lock are an alarm, and no reason to look elsewhere."""
    wheel = make_wheel(wheels, "spam", "1.0")
    index.corrupt("/files/", b"other", times=1)
    wanted = wanted_for(wheel, url=index.file_url(wheel.name))
    with Index(settings_for(index)) as source, pytest.raises(RefusedError):
        source.fetch(wanted, into)


def test_a_mirror_stands_in_for_the_default_index(
    index: IndexServer, wheels: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a lock has from the default index comes from the one that is configured in its place.

    The URL of the lock is asked only for what the mirror lacks.
    """
    # The default index must be one that can be looked at here.
    with IndexServer(wheels) as default:
        monkeypatch.setattr("pyx_launcher.index.finder._default_index", lambda: default.url)
        wheel = make_wheel(wheels, "spam", "1.0")
        wanted = wanted_for(wheel, url=default.file_url(wheel.name), index=default.url[:-1])
        with Index(settings_for(index)) as source:
            assert source.fetch(wanted, into).exists()
            assert source.fetch(dataclasses.replace(wanted, url=None), into).exists()
        assert default.requests == []
        index.fail("/simple/", 404)
        with Index(settings_for(index)) as source:
            assert source.fetch(wanted, into).exists()
        assert [request.path for request in default.requests] == [f"/files/{wheel.name}"]


def test_the_projects_sources_are_asked_by_its_rules(
    index: IndexServer, wheels: Path, into: Path, tmp_path: Path
) -> None:
    """Who includes a name is asked alone, who excludes it never; links are sources, too."""
    made = {name: make_wheel(wheels, name, "1.0") for name in ("spam", "ham", "eggs")}
    shelf = make_wheel(tmp_path / "shelf", "bacon", "1.0")
    with IndexServer(wheels) as other, IndexServer(tmp_path) as configured:
        sources = (
            NamedIndex(url=""),
            NamedIndex(url=index.url, excludes=("ham",)),
            NamedIndex(url=other.url, includes=("sp*",)),
            NamedIndex(url=str(shelf.parent), is_index=False),
        )
        with Index(settings_for(configured, sources=sources)) as source:
            for wheel in (*made.values(), shelf):
                assert source.fetch(wanted_for(wheel), into).exists()
        pages = [
            [r.path.split("/")[2] for r in server.requests if "/simple/" in r.path]
            for server in (configured, index, other)
        ]
    assert pages == [["ham", "eggs"], ["eggs"], ["spam", "ham"]]

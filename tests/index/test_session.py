"""Downloading one file: credentials, redirects, attempts, certificates, what a failure leaves."""

from __future__ import annotations

import dataclasses
import email.utils
import importlib.util
import resource
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from indexserver import IndexServer, Rule
from wheelhouse import make_wheel, sha256

from pyx_launcher.errors import ArtifactError, PyxError, RefusedError, StoreError, UsageError
from pyx_launcher.index.credentials import shown
from pyx_launcher.index.finder import Index, IndexSettings, WantedFile
from pyx_launcher.index.session import LONGEST_WAIT, _PassingError, _wait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def wheel(wheels: Path) -> Path:
    """Make a wheel of a hundred kilobytes that the index serves."""
    return make_wheel(wheels, "spam", "1.0", files={"spam.py": "#" * 100_000}, stored=True)


@pytest.fixture
def wanted(wheel: Path, index: IndexServer) -> WantedFile:
    """Say what a lock with URLs says about `wheel`."""
    return WantedFile(
        name="spam",
        version="1.0",
        filename=wheel.name,
        hashes={"sha256": sha256(wheel)},
        url=index.file_url(wheel.name),
    )


@pytest.fixture
def by_index(wheel: Path) -> WantedFile:
    """Say what a lock without URLs says about `wheel`."""
    return WantedFile(
        name="spam", version="1.0", filename=wheel.name, hashes={"sha256": sha256(wheel)}
    )


@pytest.fixture
def into(tmp_path: Path) -> Iterator[Path]:
    """Name a directory to fetch into, in which no partial file may be left."""
    directory = tmp_path / "into"
    yield directory
    assert [p for p in directory.glob("*") if not p.name.endswith(".whl")] == []


def test_progress_adds_up(wanted: WantedFile, index: IndexServer, into: Path) -> None:
    """The numbers told sum up to the size, also where a part was lost and fetched again."""
    index.truncate("/files/", 60_000, times=1)
    told: list[int] = []
    with Index(IndexSettings(), backoff=0.01) as source:
        path = source.fetch(wanted, into, told.append)
    assert sum(told) == path.stat().st_size
    assert min(told) < 0
    assert index.downloads("spam") == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_passing_failure_is_tried_again(
    wanted: WantedFile, index: IndexServer, into: Path, status: int
) -> None:
    """A server that is busy twice is asked a third time."""
    index.fail("/files/", status, times=2, retry_after="0")
    with Index(IndexSettings(retries=2)) as source:
        assert sha256(source.fetch(wanted, into)) == wanted.hashes["sha256"]
    assert index.downloads("spam") == 3


def test_retry_after_is_honoured(wanted: WantedFile, index: IndexServer, into: Path) -> None:
    """The server says how long to wait."""
    index.fail("/files/", 503, times=1, retry_after="1")
    started = time.monotonic()
    with Index(IndexSettings(), backoff=0) as source:
        source.fetch(wanted, into)
    assert time.monotonic() - started >= 1


def test_the_wait_has_limits() -> None:
    """Seconds and dates are understood, nonsense is passed over, nobody waits for an hour."""
    soon = email.utils.formatdate(time.time() + 10, usegmt=True)
    past = email.utils.formatdate(time.time() - 10, usegmt=True)
    assert _wait(_PassingError("busy", "3"), 0.5) == 3
    assert 5 < _wait(_PassingError("busy", soon), 0.5) <= 10
    assert _wait(_PassingError("busy", past), 0.5) == 0
    assert _wait(_PassingError("busy", "later"), 0.5) == 0.5
    assert _wait(_PassingError("busy"), 0.5) == 0.5
    assert _wait(_PassingError("busy", "3600"), 0.5) == LONGEST_WAIT
    assert _wait(_PassingError("busy"), 3600) == LONGEST_WAIT


def test_attempts_end(wanted: WantedFile, index: IndexServer, into: Path) -> None:
    """After the configured number of retries the failure is reported in one line."""
    index.fail("/files/", 503)
    with (
        Index(IndexSettings(retries=2), backoff=0.001) as source,
        pytest.raises(ArtifactError) as caught,
    ):
        source.fetch(wanted, into)
    assert index.downloads("spam") == 3
    assert caught.value.message == (f"cannot reach {index.host} for {wanted.url}: it answers 503")
    assert "PIP_INDEX_URL" in (caught.value.hint or "")


def test_a_body_that_is_always_cut_short_is_reported(
    wanted: WantedFile, index: IndexServer, into: Path
) -> None:
    """A truncated body never passes for the file."""
    index.truncate("/files/", 1000)
    with (
        Index(IndexSettings(retries=1), backoff=0.001) as source,
        pytest.raises(ArtifactError, match="cannot reach"),
    ):
        source.fetch(wanted, into)
    assert index.downloads("spam") == 2


def test_a_body_of_unknown_length_is_measured_by_the_lock(
    wanted: WantedFile, index: IndexServer, into: Path, wheel: Path
) -> None:
    """Where the server tells no length, the lock's size shows that something is missing."""
    index.truncate("/files/", 1000, announce=False, times=1)
    with Index(IndexSettings(), backoff=0.001) as source:
        assert source.fetch(replaced(wanted, size=wheel.stat().st_size), into).exists()
    assert index.downloads("spam") == 2


def test_a_pages_failure_is_tried_again(
    by_index: WantedFile, index: IndexServer, into: Path
) -> None:
    """Pages of the index get as many attempts as files."""
    index.fail("/simple/", 500, times=2)
    with Index(IndexSettings(index_url=index.url), backoff=0.001) as source:
        assert source.fetch(by_index, into).exists()


def test_a_server_that_is_not_there_is_reported(into: Path) -> None:
    """A refused connection and an unknown host name their host and the way out."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{placeholder.getsockname()[1]}"
        for host in (closed, "no-such-host.invalid"):
            wanted = WantedFile(
                name="a",
                version="1",
                filename="a.whl",
                hashes={"sha256": "0" * 64},
                url=f"http://me:hidden@{host}/a.whl?token=hidden",
            )
            with (
                Index(IndexSettings(retries=1), backoff=0.001) as source,
                pytest.raises(ArtifactError) as caught,
            ):
                source.fetch(wanted, into)
            assert caught.value.message.startswith(f"cannot reach {host} for http://{host}/a.whl: ")
            assert "hidden" not in caught.value.message


def test_a_server_that_does_not_answer_is_reported(
    wanted: WantedFile, index: IndexServer, into: Path
) -> None:
    """The configured timeout ends the wait."""
    index.delay("/files/", 1, times=1)
    with (
        Index(IndexSettings(retries=0, silent_retries=0, timeout=0.1)) as source,
        pytest.raises(ArtifactError, match="timed out"),
    ):
        source.fetch(wanted, into)


@pytest.mark.parametrize("status", [404, 410])
def test_a_url_that_is_gone_is_reported(
    wanted: WantedFile, index: IndexServer, into: Path, status: int
) -> None:
    """What is not there is not asked for again."""
    index.fail("/files/", status)
    with Index(IndexSettings(no_index=True)) as source, pytest.raises(ArtifactError) as caught:
        source.fetch(wanted, into)
    assert caught.value.message == f"{wanted.filename} is not at {wanted.url}"
    assert index.downloads("spam") == 1


@pytest.mark.parametrize("where", ["/simple/", "/files/"])
@pytest.mark.parametrize("status", [401, 403])
def test_being_kept_out_names_the_host_and_the_remedies(
    by_index: WantedFile,
    index: IndexServer,
    into: Path,
    where: str,
    status: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Page or file: the error says which host wants credentials, and nothing else is printed."""
    index.fail(where, status)
    settings = IndexSettings(index_url=f"http://me:hidden@{index.host}/simple/")
    with Index(settings) as source, pytest.raises(ArtifactError) as caught:
        source.fetch(by_index, into)
    url = f"{index.url}spam/" if where == "/simple/" else index.file_url(by_index.filename)
    assert caught.value.message == (f"{index.host} refuses access: it answers {status} for {url}")
    assert "netrc" in (caught.value.hint or "")
    assert "PIP_INDEX_URL" in (caught.value.hint or "")
    assert "keyring" in (caught.value.hint or "")
    assert capfd.readouterr() == ("", "")


def test_credentials_come_from_netrc(
    wanted: WantedFile,
    index: IndexServer,
    into: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file that `NETRC` names is asked for the host."""
    index.credentials = ("me", "secret")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Index(IndexSettings()) as source:
        assert source.fetch(wanted, into).exists()


def test_credentials_come_from_the_configured_index(
    wanted: WantedFile, index: IndexServer, into: Path
) -> None:
    """A lock's URL on the server of the user's index is fetched with the index's credentials."""
    index.credentials = ("me", "secret")
    with Index(IndexSettings(index_url=index.url_with_credentials)) as source:
        assert source.fetch(wanted, into).exists()


def test_credentials_come_from_the_locks_index(
    by_index: WantedFile, index: IndexServer, into: Path
) -> None:
    """An index in a lock may carry its credentials, which hold for its files too."""
    index.credentials = ("me", "secret")
    with Index(IndexSettings(index_url="https://example.org/")) as source:
        assert source.fetch(replaced(by_index, index=index.url_with_credentials), into).exists()


@pytest.mark.skipif(
    importlib.util.find_spec("keyring") is not None, reason="the keyring of this machine is asked"
)
def test_credentials_come_from_keyring(
    by_index: WantedFile,
    index: IndexServer,
    into: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The program `keyring` on PATH is asked, for the index's whole URL, as some backends need."""
    index.credentials = ("me", "secret")
    keyring = tmp_path / "bin" / "keyring"
    keyring.parent.mkdir()
    keyring.write_text(f'#!/bin/sh\n[ "$3" = {index.url} ] && printf "me\\nsecret\\n"\n')
    keyring.chmod(0o755)
    monkeypatch.setenv("PATH", f"{keyring.parent}:/usr/bin:/bin")
    with Index(IndexSettings(index_url="https://example.org/")) as source:
        assert source.fetch(replaced(by_index, index=index.url), into).exists()


def test_a_redirect_is_followed_without_the_credentials(
    by_index: WantedFile, index: IndexServer, into: Path, wheels: Path
) -> None:
    """Files often lie on another host, which must not learn the password."""
    index.credentials = ("me", "secret")
    with IndexServer(wheels) as other:
        index.redirect("/files/", f"http://{other.host}*")
        with Index(IndexSettings(index_url=index.url_with_credentials)) as source:
            assert source.fetch(by_index, into).exists()
        assert [request.authorization for request in index.requests] == [
            "Basic bWU6c2VjcmV0",
            "Basic bWU6c2VjcmV0",
        ]
        assert [(r.path, r.authorization) for r in other.requests] == [
            (f"/files/{by_index.filename}", None)
        ]


def test_a_link_to_another_host_is_followed_without_the_credentials(
    by_index: WantedFile, index: IndexServer, into: Path, wheels: Path
) -> None:
    """An index may link to files elsewhere; they are asked for without its password."""
    index.credentials = ("me", "secret")
    with IndexServer(wheels) as other:
        link = f'<a href="{other.file_url(by_index.filename)}">spam</a>'
        index.corrupt("/simple/spam/", link.encode())
        index.json = False
        with Index(IndexSettings(index_url=index.url_with_credentials)) as source:
            assert source.fetch(by_index, into).exists()
        assert [request.authorization for request in other.requests] == [None]


def test_redirects_in_a_circle_end(wanted: WantedFile, index: IndexServer, into: Path) -> None:
    """A redirect to itself is an error, not a hang."""
    index.redirect("/files/", f"http://{index.host}*")
    with Index(IndexSettings()) as source, pytest.raises(ArtifactError, match="redirects"):
        source.fetch(wanted, into)


def test_every_hash_of_the_lock_must_hold(wanted: WantedFile, into: Path, wheel: Path) -> None:
    """One that does not is enough to refuse; one of an algorithm nobody knows is passed over."""
    with Index(IndexSettings()) as source:
        hashes = {**wanted.hashes, "md99": "00"}
        assert source.fetch(replaced(wanted, hashes=hashes), into).exists()
        with pytest.raises(RefusedError, match="its md5 is"):
            source.fetch(replaced(wanted, hashes={**wanted.hashes, "md5": "0" * 32}), into)


def test_a_lock_without_a_known_hash_is_refused(wanted: WantedFile, into: Path) -> None:
    """Nothing is taken on trust."""
    with Index(IndexSettings()) as source, pytest.raises(RefusedError, match=r"checked \(md99\)$"):
        source.fetch(replaced(wanted, hashes={"md99": "00"}), into)


def test_capitals_in_a_digest_do_not_matter(wanted: WantedFile, into: Path) -> None:
    """Hex digits compare as numbers."""
    upper = {"sha256": wanted.hashes["sha256"].upper()}
    with Index(IndexSettings()) as source:
        assert source.fetch(replaced(wanted, hashes=upper), into).exists()


def test_a_body_longer_than_the_lock_says_is_not_read_on(
    wanted: WantedFile, index: IndexServer, into: Path
) -> None:
    """The size in a lock bounds what a server can make pyx write."""
    index.corrupt("/files/", b"0" * 5_000_000)
    told: list[int] = []
    with Index(IndexSettings()) as source, pytest.raises(RefusedError, match=r"it is longer than"):
        source.fetch(replaced(wanted, size=1000), into, told.append)
    assert sum(count for count in told if count > 0) < 1_000_000
    assert sum(told) == 0


def test_a_full_disk_is_an_error_of_the_store(wanted: WantedFile, into: Path) -> None:
    """A file that cannot grow is reported with its path, and removed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with Index(IndexSettings()) as source, pytest.raises(StoreError) as caught:
            source.fetch(wanted, into)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.message == f"cannot write {into / wanted.filename}: File too large"
    assert list(into.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_an_error_of_the_store(
    wanted: WantedFile, tmp_path: Path
) -> None:
    """A file in the way is named, and no attempt is repeated for it."""
    obstacle = tmp_path / "file"
    obstacle.touch()
    with Index(IndexSettings()) as source, pytest.raises(StoreError, match="cannot write"):
        source.fetch(wanted, obstacle / "into")


def test_an_older_file_is_replaced_only_by_a_verified_one(
    wanted: WantedFile, index: IndexServer, into: Path, wheel: Path
) -> None:
    """What already has the name stays until the new one is whole."""
    into.mkdir()
    target = into / wheel.name
    target.write_bytes(b"old")
    index.corrupt("/files/", b"wrong", times=1)
    with Index(IndexSettings()) as source:
        with pytest.raises(RefusedError):
            source.fetch(wanted, into)
        assert target.read_bytes() == b"old"
        source.fetch(wanted, into)
    assert target.read_bytes() == wheel.read_bytes()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for 127.0.0.1 that signs itself, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", path, "-out", path.with_suffix(".crt")),
        ],
        check=True,
        capture_output=True,
    )
    with path.open("ab") as file:
        file.write(path.with_suffix(".crt").read_bytes())
    return path


def test_a_certificate_must_be_known(
    by_index: WantedFile, into: Path, wheels: Path, certificate: Path
) -> None:
    """An unknown one is not asked twice, and the hint names `PIP_CERT`, which then helps."""
    with IndexServer(wheels, certificate=certificate) as server:
        with (
            Index(IndexSettings(index_url=server.url), backoff=60) as source,
            pytest.raises(ArtifactError) as caught,
        ):
            source.fetch(by_index, into)
        assert "certificate verify failed" in caught.value.message
        assert (caught.value.hint or "").startswith("PIP_CERT")
        known = IndexSettings(index_url=server.url, cert=certificate.with_suffix(".crt"))
        with Index(known) as source:
            assert source.fetch(by_index, into).exists()
        trusted = IndexSettings(index_url=server.url, trusted_hosts=("127.0.0.1",))
        with Index(trusted) as source:
            assert source.fetch(by_index, into).exists()


def test_certificates_that_cannot_be_read_are_named(
    wanted: WantedFile, into: Path, tmp_path: Path
) -> None:
    """A wrong `PIP_CERT` or `PIP_CLIENT_CERT` is one line."""
    absent = tmp_path / "absent.pem"
    for settings in (IndexSettings(cert=absent), IndexSettings(client_cert=absent)):
        with Index(settings) as source, pytest.raises(StoreError) as caught:
            source.fetch(wanted, into)
        assert caught.value.message == (
            f"{absent}: the certificates cannot be read: No such file or directory"
        )


def test_a_proxy_is_used(wanted: WantedFile, index: IndexServer, into: Path, wheels: Path) -> None:
    """With a proxy configured, it gets the request with the whole URL."""
    with IndexServer(wheels) as proxy, Index(IndexSettings(proxy=proxy.host)) as source:
        assert source.fetch(wanted, into).exists()
        assert [request.path for request in proxy.requests] == [wanted.url]
    assert index.requests == []


def test_a_proxy_of_an_unknown_kind_is_named(wanted: WantedFile, into: Path) -> None:
    """The error does not show its password."""
    settings = IndexSettings(proxy="gopher://me:hidden@proxy.example.org")
    with Index(settings) as source, pytest.raises(UsageError, match=r"^the proxy") as caught:
        source.fetch(wanted, into)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:secret@example.org:8/a?token=1#x", "https://example.org:8/a"),
        ("https://token@example.org/", "https://example.org/"),
        ("/srv/simple", "/srv/simple"),
        ("http://[1/", "a malformed URL"),
    ],
)
def test_urls_are_shown_without_secrets(url: str, expected: str) -> None:
    """User, password, query and fragment stay out of messages."""
    assert shown(url) == expected


def test_every_error_is_one_line_of_ours(
    wanted: WantedFile, index: IndexServer, into: Path
) -> None:
    """Odd statuses too end in a PyxError."""
    for status in (204, 300, 304, 400, 418, 599):
        index.rules.clear()
        index.fail("/files/", status)
        with Index(IndexSettings(retries=0)) as source, pytest.raises(PyxError) as caught:
            source.fetch(wanted, into)
        assert f"{index.host} answers {status} for " in caught.value.message
        assert "\n" not in caught.value.message


def replaced(wanted: WantedFile, **changes: object) -> WantedFile:
    """Return `wanted` with other values."""
    return dataclasses.replace(wanted, **changes)


def ranges_of(index: IndexServer) -> list[str | None]:
    """Return the ranges of the downloads that were asked for, None for a whole file."""
    return [r.headers.get("range") for r in index.requests if "/files/" in r.path]


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
def test_a_download_that_broke_off_goes_on(
    wanted: WantedFile, index: IndexServer, into: Path, wheel: Path, validator: str
) -> None:
    """What has arrived is kept, and only the rest is asked for, as often as it takes."""
    index.ranges, index.validator = True, validator
    index.truncate("/files/", 40_000, times=2)
    told: list[int] = []
    with Index(IndexSettings(), backoff=0.001) as source:
        assert source.fetch(wanted, into, told.append).read_bytes() == wheel.read_bytes()
    assert ranges_of(index) == [None, "bytes=40000-", "bytes=80000-"]
    assert min(told) >= 0
    assert sum(told) == wheel.stat().st_size


@pytest.mark.parametrize("validator", ["W/ETag", "none"])
def test_without_a_strong_validator_it_begins_anew(
    wanted: WantedFile, index: IndexServer, into: Path, validator: str
) -> None:
    """Where nothing tells that the file is still the same, its parts are not put together."""
    index.ranges, index.validator = True, validator
    index.truncate("/files/", 40_000, times=1)
    with Index(IndexSettings(), backoff=0.001) as source:
        assert source.fetch(wanted, into).exists()
    assert ranges_of(index) == [None, None]


def test_a_file_that_changes_meanwhile_is_never_mixed(
    wanted: WantedFile, index: IndexServer, into: Path, wheel: Path
) -> None:
    """The first part of another file is dropped when the server says that it has changed."""
    index.ranges = True
    other = b"x" * 70_000
    index.rules.append(Rule(fragment="/files/", body=other, keep=40_000, times=1))
    with Index(IndexSettings(), backoff=0.001) as source:
        assert source.fetch(wanted, into).read_bytes() == wheel.read_bytes()
    assert ranges_of(index) == [None, "bytes=40000-"]


def test_parts_that_do_not_fit_are_fetched_as_one(
    wanted: WantedFile, index: IndexServer, into: Path, wheel: Path
) -> None:
    """A server that claims the same validator for other bytes is asked for the whole once more."""
    index.ranges = index.is_careless = True
    index.rules.append(Rule(fragment="/files/", body=b"x" * 120_000, keep=40_000, times=1))
    with Index(IndexSettings(), backoff=0.001) as source:
        assert source.fetch(wanted, into).read_bytes() == wheel.read_bytes()
    assert ranges_of(index) == [None, "bytes=40000-", None]


def test_a_rest_that_does_not_exist_is_no_end(
    wanted: WantedFile, index: IndexServer, into: Path, wheel: Path
) -> None:
    """A server that refuses the range is asked for the whole."""
    index.ranges = True
    index.rules.append(Rule(fragment="/files/", keep=40_000, times=1))
    index.rules.append(Rule(fragment="/files/", status=416, times=1))
    with Index(IndexSettings(), backoff=0.001) as source:
        assert source.fetch(wanted, into).read_bytes() == wheel.read_bytes()
    assert ranges_of(index) == [None, "bytes=40000-", None]


def test_attempts_that_bring_something_do_not_count(
    wheels: Path, index: IndexServer, into: Path
) -> None:
    """A large file over a line that breaks again and again arrives with one retry."""
    big = make_wheel(wheels, "big", "1.0", files={"big.py": "#" * 6_000_000}, stored=True)
    index.ranges = True
    index.truncate("/files/", 1_500_000, times=3)
    wanted = WantedFile(
        name="big",
        version="1.0",
        filename=big.name,
        hashes={"sha256": sha256(big)},
        url=index.file_url(big.name),
    )
    with Index(IndexSettings(retries=1), backoff=0.001) as source:
        assert source.fetch(wanted, into).exists()
    assert index.downloads("big") == 4


def test_a_dead_server_is_waited_for_once(into: Path) -> None:
    """Where no connection can be made, the files that come after fail without another attempt."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{placeholder.getsockname()[1]}/a.whl"
        wanted = WantedFile(
            name="a", version="1", filename="a.whl", hashes={"sha256": "0" * 64}, url=url
        )
        with Index(IndexSettings(retries=1), backoff=0.5) as source:
            started = time.monotonic()
            for _ in range(20):
                with pytest.raises(ArtifactError, match="cannot reach"):
                    source.fetch(wanted, into)
        assert 0.5 <= time.monotonic() - started < 5


def test_a_busy_server_says_when_to_ask_again(
    wanted: WantedFile, index: IndexServer, into: Path
) -> None:
    """429 with Retry-After is waited for, however short our own wait would be."""
    index.fail("/files/", 429, times=1, retry_after="1")
    started = time.monotonic()
    with Index(IndexSettings(), backoff=0) as source:
        source.fetch(wanted, into)
    assert time.monotonic() - started >= 1


def test_proxies_come_from_the_given_variables(
    wanted: WantedFile, index: IndexServer, into: Path, wheels: Path
) -> None:
    """A proxy is the one of the given variables, whatever those of the process are."""
    with IndexServer(wheels) as proxy:
        given = {"HTTP_PROXY": f"http://{proxy.host}"}
        with Index(IndexSettings(environ=given)) as source:
            assert source.fetch(wanted, into).exists()
        assert [request.path for request in proxy.requests] == [wanted.url]
        for exceptions in ("127.0.0.1", "*", "example.org, 127.0.0.0/8"):
            with Index(IndexSettings(environ=given | {"no_proxy": exceptions})) as source:
                assert source.fetch(wanted, into).exists()
        assert len(proxy.requests) == 1
    assert len(index.requests) == 3

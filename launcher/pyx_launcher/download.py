"""Bring one file from a URL or a path into a directory, wholly and verified, or not at all.

Here are the connections, the credentials, the attempts, and the words for what can go wrong with
them. unearth and its HTTP client are imported only when a `Session` is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pyx_launcher.errors import ArtifactError, RefusedError, StoreError, UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import BinaryIO

    import httpx2
    from unearth.fetchers import PyPIClient

    from pyx_launcher.pipconfig import IndexSettings

T = TypeVar("T")

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 527})
"""Statuses after which asking again may help; those above 504 are a delivery network's."""

LONGEST_WAIT = 30.0
"""Seconds: the longest wait between two attempts, whatever Retry-After says."""

CHUNK = 1 << 18
"""Bytes that are read at once from a local file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One file to get."""

    name: str
    """The normalised name of the project."""

    version: str | None
    filename: str

    hashes: Mapping[str, str]
    """Algorithm (of hashlib) → hex digest, never empty. The file must have all of them."""

    url: str | None = None
    """Where the lock says that it is; without one it is looked up on the index."""

    path: Path | None = None
    """A local file instead."""

    index: str | None = None
    """The only index to ask, where the lock names one for this project."""

    size: int | None = None


class MissingError(Exception):
    """The server says that there is no such page or file; others may have it."""


class _PassingError(Exception):
    """A failure that another attempt may not meet."""

    def __init__(self, problem: str, retry_after: str | None = None) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class Session:
    """One pool of connections for all threads, and what unearth calls a fetcher.

    Each request is tried again after failures that may pass. What remains is raised as
    ArtifactError, or as MissingError for a page or file that does not exist.
    """

    def __init__(self, settings: IndexSettings, *, backoff: float) -> None:
        from unearth.auth import MultiDomainBasicAuth

        # What unearth warns of becomes an error here where it matters; without any handler the
        # logging module would print it.
        logging.getLogger("unearth").addHandler(logging.NullHandler())
        configured = (settings.index_url, *settings.extra_index_urls)
        self._auth = MultiDomainBasicAuth(prompting=False, index_urls=filter(None, configured))
        self._client = _open_client(settings)
        self._client.auth = self._auth
        self._retries = settings.retries
        self._backoff = backoff

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def learn(self, index_url: str) -> None:
        """Look for credentials for the files of this index, in its URL or in the keyring."""
        if index_url not in self._auth.index_urls:
            self._auth.index_urls.append(index_url)

    def iter_secure_origins(self) -> Iterable[tuple[str, str, str]]:
        """Return the patterns of origins whose pages may be asked for."""
        return self._client.iter_secure_origins()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Return a page, wholly read."""
        return self._page("GET", url, headers)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Return the headers of a page."""
        return self._page("HEAD", url, headers)

    @contextlib.contextmanager
    def get_stream(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx2.Response]:
        """Return a response whose body is still to be read; the attempts are the caller's."""
        with self._client.stream("GET", url, headers=headers) as response:
            _check_status(response)
            yield response

    def download(
        self, url: str, wanted: Wanted, into: Path, progress: Callable[[int], None]
    ) -> Path:
        """Bring what is at `url` into the directory `into`, verified, and return its path."""

        def stream() -> Path:
            # The bytes as they lie on the server are what the lock's hashes are of.
            with self.get_stream(url, headers={"Accept-Encoding": "identity"}) as response:
                chunks = _whole_body(response, wanted.size)
                return write_verified(chunks, wanted, into, shown(url), progress)

        return self._attempt(url, stream)

    def _page(self, method: str, url: str, headers: Mapping[str, str] | None) -> httpx2.Response:
        def ask() -> httpx2.Response:
            response = self._client.request(method, url, headers=headers)
            _check_status(response)
            return response

        return self._attempt(url, ask)

    def _attempt(self, url: str, action: Callable[[], T]) -> T:
        import httpx2

        for number in itertools.count():
            try:
                return action()
            except (httpx2.HTTPError, httpx2.InvalidURL, _PassingError) as problem:
                if number >= self._retries or not _may_pass(problem):
                    raise _unreachable(url, problem) from problem
                time.sleep(_wait(problem, self._backoff * 2**number))
        raise AssertionError


def shown(url: str) -> str:
    """Return a URL as it may be printed: without user, password and query, any of them secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield the content of a local file; raises ArtifactError if it cannot be read."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error


def write_verified(
    chunks: Iterable[bytes],
    wanted: Wanted,
    into: Path,
    source: str,
    progress: Callable[[int], None],
) -> Path:
    """Write `chunks` to the file that `wanted` names in `into`, if they have all of its hashes.

    Until then they lie in a temporary file beside it, which vanishes on any failure. `source` is
    for messages. Raises RefusedError for other content and StoreError if it cannot be written.
    """
    digests = _digests(wanted)
    received = 0
    try:
        with _published(into / wanted.filename) as file:
            for chunk in chunks:
                file.write(chunk)
                received += len(chunk)
                progress(len(chunk))
                for digest in digests.values():
                    digest.update(chunk)
                if wanted.size is not None and received > wanted.size:
                    raise RefusedError(
                        f"{wanted.filename} from {source} is not the locked file: "
                        f"it is longer than the {wanted.size} bytes that the lock has"
                    )
            found = {algorithm: digest.hexdigest() for algorithm, digest in digests.items()}
            check_hashes(wanted, found, source)
    except BaseException:
        progress(-received)
        raise
    return into / wanted.filename


def check_hashes(wanted: Wanted, found: Mapping[str, str], source: str) -> None:
    """Raise RefusedError if one of the digests `found` is not the lock's."""
    for algorithm, digest in found.items():
        expected = wanted.hashes.get(algorithm, digest)
        if digest.lower() != expected.lower():
            raise RefusedError(
                f"{wanted.filename} from {source} is not the locked file: "
                f"its {algorithm} is {digest}, the lock has {expected}",
                hint="write the lock again if the file was replaced on purpose",
            )


def _digests(wanted: Wanted) -> dict[str, hashlib._Hash]:
    """Return a digest to compute for each of the lock's hashes that this Python knows."""
    digests = {
        algorithm: hashlib.new(algorithm, usedforsecurity=False)
        for algorithm in wanted.hashes
        # The digests of the shake family have no length of their own.
        if algorithm in hashlib.algorithms_available and not algorithm.startswith("shake")
    }
    if not digests:
        known = ", ".join(wanted.hashes) or "none"
        raise RefusedError(
            f"{wanted.filename}: the lock has no hash that can be checked ({known})",
            hint="write the lock again with SHA-256 hashes",
        )
    return digests


@contextlib.contextmanager
def _published(target: Path) -> Iterator[BinaryIO]:
    """Give a file to write that becomes `target` at the end, or vanishes on any failure."""
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.replace(target)
    except BaseException as problem:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if isinstance(problem, OSError):
            raise StoreError(
                f"{target} cannot be written: {problem.strerror}",
                hint="make room, or set PYX_HOME to a directory that can be written",
            ) from problem
        raise


def _open_client(settings: IndexSettings) -> PyPIClient:
    import httpx2
    from unearth.fetchers import PyPIClient

    proxy = settings.proxy
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    verify = _tls_context(settings)
    try:
        return PyPIClient(
            trusted_hosts=settings.trusted_hosts,
            verify=True if verify is None else verify,
            # Threads that wait for a connection of the pool wait for one another, not for a server.
            timeout=httpx2.Timeout(settings.timeout, pool=None),
            follow_redirects=True,
            proxy=proxy or None,
        )
    except (ValueError, ImportError, httpx2.InvalidURL) as error:
        # The message of the library would show the password of the proxy.
        raise UsageError(
            "the proxy that is configured is of a kind that cannot be used",
            hint="look at PIP_PROXY, HTTPS_PROXY and ALL_PROXY",
        ) from error


def _whole_body(response: httpx2.Response, size: int | None) -> Iterator[bytes]:
    """Yield the body; one that is cut short is a failure that may pass.

    The client notices that by itself where the server told the length.
    """
    received = 0
    for chunk in response.iter_raw():
        received += len(chunk)
        yield chunk
    if size is not None and received < size and "Content-Length" not in response.headers:
        raise _PassingError(f"it sent {received} of {size} bytes")


def _tls_context(settings: IndexSettings) -> ssl.SSLContext | None:
    """Return what the configured certificates ask for, None for the default of the library."""
    bundle, client = settings.cert, settings.client_cert
    if bundle is None and client is None:
        return None
    import ssl

    import httpx2

    path = bundle
    try:
        if bundle is None:
            context = httpx2.create_ssl_context()
        elif bundle.is_dir():
            context = ssl.create_default_context(capath=bundle)
        else:
            context = ssl.create_default_context(cafile=bundle)
        path = client
        if client is not None:
            context.load_cert_chain(client)
    except OSError as error:
        raise StoreError(
            f"{path}: the certificates cannot be read: {error.strerror or error}",
            hint="look at PIP_CERT, PIP_CLIENT_CERT and REQUESTS_CA_BUNDLE",
        ) from error
    return context


def _check_status(response: httpx2.Response) -> None:
    status, url = response.status_code, shown(str(response.url))
    if status == 200:
        return
    if status in (404, 410):
        raise MissingError(url)
    if status in TRANSIENT:
        raise _PassingError(f"it answers {status}", response.headers.get("Retry-After"))
    if status in (401, 403):
        host = urlsplit(url).netloc
        raise ArtifactError(
            f"{host} does not let us in: it answers {status} for {url}",
            hint=f"give the credentials for {host} in ~/.netrc, in PIP_INDEX_URL or to keyring",
        )
    raise ArtifactError(f"{urlsplit(url).netloc} answers {status} for {url}")


def _may_pass(problem: Exception) -> bool:
    import httpx2

    if isinstance(problem, httpx2.TransportError):
        return not isinstance(problem, httpx2.UnsupportedProtocol) and not _is_distrust(problem)
    return isinstance(problem, _PassingError)


def _is_distrust(problem: BaseException | None) -> bool:
    """Tell whether a certificate that could not be verified lies below `problem`."""
    import ssl

    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _wait(problem: Exception, backoff: float) -> float:
    """Return the seconds to wait: what the server asked for, else `backoff`, within limits."""
    asked = getattr(problem, "retry_after", None)
    if asked is None:
        return min(backoff, LONGEST_WAIT)
    if not asked.isdecimal():
        import email.utils

        try:
            moment = email.utils.parsedate_to_datetime(asked)
        except ValueError:
            return min(backoff, LONGEST_WAIT)
        return max(0.0, min(moment.timestamp() - time.time(), LONGEST_WAIT))
    return min(float(asked), LONGEST_WAIT)


def _unreachable(url: str, problem: Exception) -> ArtifactError:
    host = urlsplit(shown(url)).netloc
    if _is_distrust(problem):
        hint = (
            f"PIP_CERT names a bundle of certificates; it must have the one that signs for {host}"
        )
    else:
        hint = "look at the network, or set PYX_OFFLINE=1 to make do with what is in the store"
    reason = " ".join(str(problem).split()) or type(problem).__name__
    return ArtifactError(f"cannot reach {host} for {shown(url)}: {reason}", hint=hint)

"""Bring one file from a URL into a directory: the attempts, and the words for what can go wrong.

A download that breaks off goes on where it stopped, if the server can; what came of it is verified
as a whole. unearth and its HTTP client are imported only when a `Session` is opened.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pyx_launcher.errors import ArtifactError, RefusedError
from pyx_launcher.files.archive_limits import LONGEST_TEXT
from pyx_launcher.index.credentials import Credentials, find_origin, shown
from pyx_launcher.index.stall import FLOOR, Watch
from pyx_launcher.index.verified_file import arriving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import httpx2

    from pyx_launcher.index.pip_config import IndexSettings
    from pyx_launcher.index.verified_file import Arrival, WantedFile

T = TypeVar("T")

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 527})
"""Statuses after which asking again may help; those above 504 are a delivery network's."""

LONGEST_WAIT = 30.0
"""Seconds: the longest wait between two attempts, whatever Retry-After says."""

PROGRESS = 1 << 20
"""Bytes that an attempt must have brought for the attempts to be counted anew."""


class MissingError(Exception):
    """The server says that there is no such page or file; others may have it."""


class UnreachableError(ArtifactError):
    """A server cannot be reached, or fails; others may have what it has."""


class ForbiddenError(ArtifactError):
    """A server wants other credentials; others may have what it has."""


class _PassingError(Exception):
    """A failure that another attempt may not meet."""

    def __init__(self, problem: str, retry_after: str | None = None) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


_CONNECTIONS = 8
"""At most so many requests are under way at once, however many threads have one."""

_SHORTEST_WINDOW = 4.0
"""Seconds over which the pace of a server is measured at least."""


class Session:
    """One pool of connections for all threads, and what unearth calls a fetcher.

    Each request is tried again after failures that may pass. What remains is raised as
    ArtifactError, or as MissingError for a page or file that does not exist.
    """

    def __init__(self, settings: IndexSettings, *, backoff: float) -> None:
        from pyx_launcher.index.client import open_client

        # What unearth warns of becomes an error here where it matters; without any handler the
        # logging module would print it.
        logging.getLogger("unearth").addHandler(logging.NullHandler())
        self._credentials = Credentials(settings.logins, settings.environ, settings.keyring)
        for url in (settings.index_url, *settings.extra_index_urls):
            self.learn(url or "")
        self._client = open_client(settings, self._credentials)
        self._retries = settings.retries
        self._backoff = backoff
        self._silent_retries = settings.silent_retries
        self._lock = threading.Lock()
        self._connections = threading.BoundedSemaphore(_CONNECTIONS)
        self._watch = Watch()
        self._window = max(_SHORTEST_WINDOW, 2 * settings.timeout)
        self._answered: set[object] = set()
        self._dead: dict[object, Exception] = {}

    def close(self) -> None:
        """Close the connections."""
        self._watch.close()
        self._client.close()

    def learn(self, index_url: str) -> None:
        """Take the credentials for this index and its files from its URL or from keyring."""
        if find_origin(index_url) is not None:
            self._credentials.learn(index_url)

    def iter_secure_origins(self) -> Iterable[tuple[str, str, str]]:
        """Return the patterns of origins whose pages may be asked for."""
        return self._client.iter_secure_origins()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Return a page, wholly read."""
        return self._page("GET", url, headers)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Return the headers of a page."""
        return self._page("HEAD", url, headers)

    def download(
        self, url: str, wanted: WantedFile, into: Path, progress: Callable[[int], None]
    ) -> Path:
        """Bring what is at `url` into the directory `into`, verified, and return its path."""
        with arriving(wanted, into, shown(url), progress) as arrival:
            transfer = _Transfer(arrival, wanted.size, self._window)

            def receive() -> None:
                with self._client.stream("GET", url, headers=transfer.headers()) as response:
                    self._answered.add(find_origin(url))
                    transfer.receive(response)

            self._attempt(url, receive, lambda: arrival.received)
            try:
                arrival.check()
            except RefusedError:
                if not transfer.was_resumed:
                    raise
                # The parts may be of two files; what is refused has to come in one.
                arrival.restart()
                transfer = _Transfer(arrival, wanted.size, self._window)
                self._attempt(url, receive, lambda: arrival.received)
                arrival.check()
        return into / wanted.filename

    def _page(self, method: str, url: str, headers: Mapping[str, str] | None) -> httpx2.Response:
        def ask() -> httpx2.Response:
            with self._client.stream(method, url, headers=headers) as response:
                self._answered.add(find_origin(url))
                _check_status(response)
                return _read_page(response, _Pace(self._window))

        return self._attempt(url, ask)

    def _attempt(
        self, url: str, action: Callable[[], T], received: Callable[[], int] = lambda: 0
    ) -> T:
        """Do `action` until it succeeds; attempts that bring something do not count."""
        with self._watch.waiting(urlsplit(shown(url)).netloc, received):
            return self._try_often(url, action, received)

    def _try_often(self, url: str, action: Callable[[], T], received: Callable[[], int]) -> T:
        import httpx2

        number, mark = 0, received()
        while True:
            self._check_alive(url)
            try:
                with self._connections:
                    return action()
            except (httpx2.HTTPError, httpx2.InvalidURL, _PassingError) as problem:
                if received() - mark >= PROGRESS:
                    number, mark = 0, received()
                if number >= self._count_retries(url, problem) or not _may_pass(problem):
                    self._remember(url, problem)
                    raise _unreachable(url, problem) from problem
                time.sleep(_wait(problem, self._backoff * 2**number))
                number += 1

    def _remember(self, url: str, problem: Exception) -> None:
        """Note a server that nothing can be had from, so that nobody waits for it again."""
        import httpx2

        if isinstance(problem, httpx2.ConnectError) or self._is_silent(url, problem):
            with self._lock:
                self._dead.setdefault(find_origin(url), problem)

    def _is_silent(self, url: str, problem: Exception) -> bool:
        """Has the server of `url` never answered, and not in time now?"""
        import httpx2

        if isinstance(problem, httpx2.ConnectTimeout):
            return True
        is_late = isinstance(problem, httpx2.ReadTimeout)
        return is_late and find_origin(url) not in self._answered

    def _count_retries(self, url: str, problem: Exception) -> int:
        return self._silent_retries if self._is_silent(url, problem) else self._retries

    def _check_alive(self, url: str) -> None:
        with self._lock:
            problem = self._dead.get(find_origin(url))
        if problem is not None:
            raise _unreachable(url, problem) from problem


class _Transfer:
    """The requests of one download, each of which goes on where the last one broke off."""

    def __init__(self, arrival: Arrival, size: int | None, window: float) -> None:
        self._arrival = arrival
        self._window = window
        self._size = size
        self._validator = ""
        self.was_resumed = False

    def headers(self) -> dict[str, str]:
        """Return the headers of the next request."""
        # The bytes as they lie on the server are what the lock's hashes are of.
        headers = {"Accept-Encoding": "identity"}
        if self._arrival.received and self._validator:
            # With If-Range a server whose file has changed sends the whole of the new one.
            headers["Range"] = f"bytes={self._arrival.received}-"
            headers["If-Range"] = self._validator
        return headers

    def receive(self, response: httpx2.Response) -> None:
        """Write the body of a response behind what has arrived, or in its place."""
        if response.status_code in (206, 416):
            if not self._continues(response):
                self._arrival.restart()
                raise _PassingError(f"it answers {response.status_code} for the rest of the file")
            self.was_resumed = True
        else:
            _check_status(response)
            self._arrival.restart()
            self._validator = _find_validator(response)
        pace = _Pace(self._window)
        for chunk in response.iter_raw():
            self._arrival.write(chunk)
            pace.check(len(chunk))
        received = self._arrival.received
        # Where the server told the length, the client itself notices that something is missing.
        cut = self._size is not None and received < self._size
        if cut and "Content-Length" not in response.headers:
            raise _PassingError(f"it sent {received} of {self._size} bytes")

    def _continues(self, response: httpx2.Response) -> bool:
        """Is this what follows of the very file that the first part was of?"""
        start = f"bytes {self._arrival.received}-"
        return (
            response.status_code == 206
            and bool(self._arrival.received and self._validator)
            and response.headers.get("Content-Range", "").startswith(start)
            and _find_validator(response) in ("", self._validator)
        )


class _Pace:
    """How fast a body arrives: a server that sends a byte now and then is one that is silent."""

    def __init__(self, window: float) -> None:
        """Look at `window` seconds at a time."""
        self._window = window
        self._since = time.monotonic()
        self._bytes = 0

    def check(self, size: int) -> None:
        """Note that `size` more bytes have come. Raises what may pass where it is too slow."""
        self._bytes += size
        took = time.monotonic() - self._since
        if took < self._window:
            return
        if self._bytes < FLOOR * took:
            raise _PassingError(f"it sent {self._bytes} bytes in {took:.0f} seconds")
        self._since, self._bytes = time.monotonic(), 0


def _read_page(response: httpx2.Response, pace: _Pace) -> httpx2.Response:
    """Return the response with its content, which may not be endless."""
    import httpx2

    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        pace.check(len(chunk))
        if len(content) > LONGEST_TEXT:
            raise ArtifactError(
                f"{shown(str(response.url))} is not a page of an index: "
                f"it has more than {LONGEST_TEXT} bytes",
                hint="check which index PIP_INDEX_URL and the lock name",
            )
    # The content is no longer compressed, and its length is another.
    headers = {"Content-Type": response.headers.get("Content-Type", "")}
    return httpx2.Response(
        response.status_code, headers=headers, content=bytes(content), request=response.request
    )


def _find_validator(response: httpx2.Response) -> str:
    """Return what tells this content from any other of its URL, if anything does (RFC 9110)."""
    etag: str = response.headers.get("ETag", "")
    if etag:
        return "" if etag.startswith("W/") else etag
    modified: str = response.headers.get("Last-Modified", "")
    return modified


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
        raise ForbiddenError(
            f"{host} refuses access: it answers {status} for {url}",
            hint=f"give the credentials for {host} in ~/.netrc, in PIP_INDEX_URL or to keyring",
        )
    raise UnreachableError(f"{urlsplit(url).netloc} answers {status} for {url}")


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


def _is_timeout(problem: Exception) -> bool:
    import httpx2

    return isinstance(problem, httpx2.TimeoutException)


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


def _unreachable(url: str, problem: Exception) -> UnreachableError:
    host = urlsplit(shown(url)).netloc
    if _is_distrust(problem):
        hint = (
            f"PIP_CERT names a bundle of certificates; it must have the one that signs for {host}"
        )
    elif _is_timeout(problem):
        hint = "check the network and PIP_INDEX_URL, or wait longer: PIP_TIMEOUT=60"
    else:
        hint = "check the network; PIP_INDEX_URL names a mirror, PIP_FIND_LINKS a directory"
    reason = " ".join(str(problem).split()) or type(problem).__name__
    return UnreachableError(f"cannot reach {host} for {shown(url)}: {reason}", hint=hint)

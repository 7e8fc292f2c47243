"""A real package index on loopback: PEP 503 and PEP 691 pages over a directory of artifacts.

It records every request and can be told to misbehave: to want credentials, to fail, to wait,
to cut bodies short, to send other bytes, to redirect. It can send the rest of a file, too.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from wheelhouse import normalised, sha256

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
PROVENANCE_TYPE = "application/vnd.pypi.integrity.v1+json"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it arrived; the names of its headers are lower case."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def authorization(self) -> str | None:
        """The credentials that came with it, as the header has them."""
        return self.headers.get("authorization")


@dataclass(kw_only=True)
class Rule:
    """What to do with requests whose path contains `fragment`, `times` times (None: always)."""

    fragment: str
    times: int | None = None
    status: int = 200
    retry_after: str | None = None
    delay: float = 0
    keep: int | None = None
    announce: bool = True
    body: bytes | None = None
    location: str | None = None


@dataclass
class IndexServer:
    """The index over `directory`, whose content is read anew for each request.

    ``/simple/NAME/`` are the pages, ``/files/FILENAME`` the artifacts. Use it as a context manager.
    """

    directory: Path
    certificate: Path | None = None
    """A file with certificate and key, for an index with TLS."""
    json: bool = True
    declare_hashes: bool = True
    ranges: bool = False
    """Does it send the rest of a file, to a request with `Range` whose `If-Range` fits?"""
    validator: str = "ETag"
    """The header that tells one content of a file from another: `ETag`, `Last-Modified`, none."""
    is_careless: bool = False
    """Does it state the same validator for every content?"""
    credentials: tuple[str, str] | None = None
    yanked: set[str] = field(default_factory=set)
    uploaded: str = ""
    """When all files were uploaded (PEP 700), where the pages are to say so."""
    declared: dict[str, str] = field(default_factory=dict)
    """Other SHA-256 digests for the pages to state, by file name."""
    content_types: dict[str, str] = field(default_factory=dict)
    """The types of files that are no artifacts, such as pages of links, by file name."""
    provenance: dict[str, bytes] = field(default_factory=dict)
    """What is said about the publishers of files (PEP 740), by file name."""
    rules: list[Rule] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.index = self
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> IndexServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        """The host and port, as in a URL."""
        return f"127.0.0.1:{self.port}"

    @property
    def scheme(self) -> str:
        """What its URLs start with."""
        return "http" if self.certificate is None else "https"

    @property
    def url(self) -> str:
        """The URL of the simple index."""
        return f"{self.scheme}://{self.host}/simple/"

    @property
    def url_with_credentials(self) -> str:
        """The URL of the simple index with `credentials` in it."""
        user, password = self.credentials or ("", "")
        return f"{self.scheme}://{user}:{password}@{self.host}/simple/"

    def file_url(self, filename: str) -> str:
        """Return the URL of one artifact."""
        return f"{self.scheme}://{self.host}/files/{filename}"

    def provenance_url(self, filename: str) -> str | None:
        """Return where `provenance` has something about a file."""
        if filename not in self.provenance:
            return None
        return f"{self.scheme}://{self.host}/provenance/{filename}"

    @property
    def accepted(self) -> int:
        """How many connections clients have opened so far."""
        return self._server.accepted

    def downloads(self, name: str) -> int:
        """Count the GET requests for a file, given its name or its normalised project name."""
        names = [unquote(r.path).rpartition("/")[2] for r in self.requests if _is_download(r)]
        return sum(name in (found, project_of(found)) for found in names)

    def fail(
        self,
        fragment: str,
        status: int,
        *,
        times: int | None = None,
        retry_after: str | None = None,
    ) -> None:
        """Answer requests whose path contains `fragment` with `status`."""
        self.rules.append(
            Rule(fragment=fragment, status=status, times=times, retry_after=retry_after)
        )

    def delay(self, fragment: str, seconds: float, *, times: int | None = None) -> None:
        """Wait before answering."""
        self.rules.append(Rule(fragment=fragment, delay=seconds, times=times))

    def truncate(
        self, fragment: str, keep: int, *, announce: bool = True, times: int | None = None
    ) -> None:
        """Close the connection after `keep` bytes of the body, whose length is told or not."""
        self.rules.append(Rule(fragment=fragment, keep=keep, announce=announce, times=times))

    def corrupt(self, fragment: str, body: bytes, *, times: int | None = None) -> None:
        """Send `body` instead of what the file holds."""
        self.rules.append(Rule(fragment=fragment, body=body, times=times))

    def redirect(
        self, fragment: str, location: str, *, status: int = 302, times: int | None = None
    ) -> None:
        """Redirect to `location`, followed by the path of the request where it ends in ``*``."""
        self.rules.append(Rule(fragment=fragment, location=location, status=status, times=times))

    def rule_for(self, path: str) -> Rule | None:
        """Return the first rule that still applies to `path`, and count its use."""
        with self.lock:
            for rule in self.rules:
                if rule.fragment in path and rule.times != 0:
                    if rule.times is not None:
                        rule.times -= 1
                    return rule
        return None

    def files_of(self, project: str) -> list[Path]:
        """Return the artifacts of a project."""
        return [path for path in self.artifacts() if project_of(path.name) == project]

    def artifacts(self) -> list[Path]:
        """Return every wheel and sdist."""
        suffixes = (".whl", ".tar.gz", ".zip")
        return sorted(p for p in self.directory.iterdir() if p.name.endswith(suffixes))


def project_of(filename: str) -> str:
    """Return the normalised project name that a file name starts with."""
    if filename.endswith(".whl"):
        return normalised(filename.partition("-")[0])
    return normalised(filename.rpartition("-")[0])


def _is_download(request: Request) -> bool:
    return request.method == "GET" and "/files/" in request.path


class _Server(ThreadingHTTPServer):
    """Keeps track of its connections, so that it can end without waiting for its clients."""

    index: IndexServer
    daemon_threads = False

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.connections: set[socket.socket] = set()
        self.ended = threading.Event()
        self.accepted = 0

    def end_connections(self) -> None:
        """Close what clients still hold open."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)
        with self.server.index.lock:
            self.server.accepted += 1

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, *args: object) -> None:
        """Keep stderr for the tests."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        index = self.server.index
        headers = {key.lower(): value for key, value in self.headers.items()}
        index.requests.append(Request(method=self.command, path=self.path, headers=headers))
        rule = index.rule_for(self.path) or Rule(fragment="")
        if rule.delay:
            # The end of a test does not wait for what nobody is going to read.
            self.server.ended.wait(rule.delay)
        if rule.location:
            where = rule.location
            where = where[:-1] + self.path if where.endswith("*") else where
            self.answer(rule.status, b"", location=where)
        elif rule.status != 200:
            self.answer(rule.status, b"failed as told", retry_after=rule.retry_after)
        elif not self.is_allowed(index):
            self.answer(401, b"who are you?", www_authenticate='Basic realm="index"')
        else:
            self.answer_from(index, rule)

    def is_allowed(self, index: IndexServer) -> bool:
        if index.credentials is None:
            return True
        token = base64.b64encode(":".join(index.credentials).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {token}"

    def answer_from(self, index: IndexServer, rule: Rule) -> None:
        path = unquote(urlsplit(self.path).path)
        folder, _, name = path.rstrip("/").rpartition("/")
        if folder == "/files" and (index.directory / name).is_file():
            body = (index.directory / name).read_bytes() if rule.body is None else rule.body
            kind = index.content_types.get(name, "application/octet-stream")
            if index.ranges:
                self.answer_range(index, body, rule)
            else:
                self.answer(200, body, rule=rule, content_type=kind)
        elif folder == "/provenance" and name in index.provenance:
            body = index.provenance[name]
            self.answer(200, body, rule=rule, content_type=PROVENANCE_TYPE)
        elif folder == "/simple" and path.endswith("/") and index.files_of(name):
            self.answer_page(index, name, rule)
        elif path == "/simple/":
            names = sorted({project_of(artifact.name) for artifact in index.artifacts()})
            anchors = "".join(f'<a href="{name}/">{name}</a>\n' for name in names)
            self.answer(200, anchors.encode(), content_type="text/html")
        else:
            self.answer(404, b"there is no such thing")

    def answer_range(self, index: IndexServer, body: bytes, rule: Rule) -> None:
        """Send a file, or the rest of it (RFC 9110, section 14)."""
        digest = hashlib.sha256(b"" if index.is_careless else body).hexdigest()
        # A date for each content, as if the file had been changed at another time.
        moment = formatdate(1_000_000_000 + int(digest[:6], 16), usegmt=True)
        tell = {"ETag": f'"{digest[:16]}"', "W/ETag": f'W/"{digest[:16]}"', "Last-Modified": moment}
        header = {index.validator.removeprefix("W/"): tell.get(index.validator)}
        start = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        fits = self.headers.get("If-Range") in (None, *header.values())
        if not start or not fits:
            self.answer(200, body, rule=rule, **header)
        elif int(start) >= len(body):
            self.answer(416, b"", **header)
        else:
            header["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.answer(206, body[int(start) :], rule=rule, **header)

    def answer_page(self, index: IndexServer, project: str, rule: Rule) -> None:
        files = index.files_of(project)
        digests = {p.name: index.declared.get(p.name) or sha256(p) for p in files}
        if index.json and JSON_TYPE in self.headers.get("Accept", ""):
            page = {
                "meta": {"api-version": "1.0"},
                "name": project,
                "files": [
                    {
                        "filename": path.name,
                        "url": f"../../files/{path.name}",
                        "hashes": {"sha256": digests[path.name]} if index.declare_hashes else {},
                        "yanked": path.name in index.yanked,
                        "provenance": index.provenance_url(path.name),
                        **({"upload-time": index.uploaded} if index.uploaded else {}),
                    }
                    for path in files
                ],
            }
            self.send_page(json.dumps(page).encode(), JSON_TYPE, rule)
            return
        anchors = []
        for path in files:
            fragment = f"#sha256={digests[path.name]}" if index.declare_hashes else ""
            yanked = ' data-yanked=""' if path.name in index.yanked else ""
            href = html.escape(f"../../files/{path.name}{fragment}")
            anchors.append(f'<a href="{href}"{yanked}>{path.name}</a><br>\n')
        self.send_page("".join(anchors).encode(), "text/html; charset=utf-8", rule)

    def send_page(self, body: bytes, content_type: str, rule: Rule) -> None:
        body = body if rule.body is None else rule.body
        self.answer(200, body, rule=rule, content_type=content_type)

    def answer(
        self,
        status: int,
        body: bytes,
        *,
        rule: Rule | None = None,
        content_type: str = "application/octet-stream",
        **headers: str | None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if rule is None or rule.announce:
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-").title(), value)
        self.end_headers()
        if rule is not None and rule.keep is not None:
            body = body[: rule.keep]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body)

"""The oracle of the poetry.lock reader: what the installed Poetry itself would install.

Each project is locked by the real Poetry against an index on loopback that holds invented
distributions, and then `poetry sync --dry-run` says what it would put into an empty
environment. The reader has to name the same distributions in the same versions. The tests
are skipped where no Poetry is found on the path or named by `PYX_ORACLE_POETRY`.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import re
import shutil
import subprocess
import sys
import threading
import venv
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import pytest
from packaging.markers import default_environment

from pyx_launcher.invocation import Choice
from pyx_launcher.locks import read_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POETRY = os.environ.get("PYX_ORACLE_POETRY") or shutil.which("poetry")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.network,
    pytest.mark.skipif(POETRY is None, reason="no Poetry on the path or in PYX_ORACLE_POETRY"),
]

# The distributions of the index: a name and version with the requirements of its metadata.
UNIVERSE: dict[str, list[str]] = {
    "bytes-pack 1.0.8": [],
    "certificates 2024.2.2": [],
    "charset 3.3.2": [],
    "cycle-a 1.0": ["cycle-b"],
    "cycle-b 1.0": ["cycle-a", "plug"],
    "exception-group 1.2.0": [],
    "file-lock 3.13.1": [],
    "frames 4.1.0": ["plug"],
    "html-render 3.0.2": [],
    "http-cache 0.13.1": ["web-client>=2.16", "file-lock>=3.8; extra == 'filecache'"],
    "http-two 0.25.0": ["certificates", "frames>=3,<5; extra == 'http2'"],
    "ini-reader 1.1.1": [],
    "ini-reader 2.0.0": [],
    "metadata-reader 6.0.0": ["zipper>=0.5"],
    "metadata-reader 7.0.0": ["zipper>=0.5", "typing-backport>=3.6.4; python_version < '3.8'"],
    "name-codec 3.6": [],
    "plug 1.4.0": [],
    "six-ways 1.16.0": [],
    "socks-proxy 1.7.1": [],
    "style-check 2.11.1": [],
    "terminal 8.1.7": ["windows-colour; sys_platform == 'win32'"],
    "test-runner 7.4.4": [
        "exception-group>=1.0.0rc8; python_version < '3.11'",
        "ini-reader",
        "plug<2.0,>=0.12",
        "toml-reader>=1.0.0; python_version < '3.11'",
        "windows-colour; sys_platform == 'win32'",
    ],
    "toml-reader 2.0.1": [],
    "typing-backport 4.9.0": [],
    "web-client 2.31.0": [
        "certificates>=2017.4.17",
        "charset<4,>=2",
        "name-codec<4,>=2.5",
        "socks-proxy!=1.5.7,>=1.5.6; extra == 'socks'",
        "charset<6,>=3; extra == 'use-charset-on-py3'",
    ],
    "windows-colour 0.4.6": [],
    "zipper 3.15.0": [],
    "zipper 3.17.0": [],
    "zipper 3.19.0": [],
}


def build_wheel(name: str, version: str, requires: list[str]) -> tuple[str, bytes]:
    """Return the file name and the content of a pure wheel that holds metadata alone."""
    extras = sorted({m[1] for r in requires if (m := re.search(r"extra == '([^']+)'", r))})
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        "Requires-Python: >=3.8",
        *(f"Provides-Extra: {extra}" for extra in extras),
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    stem = f"{name.replace('-', '_')}-{version}"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in (
            ("METADATA", "\n".join(metadata) + "\n"),
            ("WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            ("RECORD", ""),
        ):
            archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{path}"), text)
    return f"{stem}-py3-none-any.whl", content.getvalue()


def index_pages(universe: dict[str, list[str]]) -> dict[str, bytes]:
    """Return the simple index of `universe`: each URL path with its content."""
    pages: dict[str, bytes] = {}
    links: dict[str, list[str]] = {}
    for distribution, requires in universe.items():
        name, version = distribution.split()
        filename, content = build_wheel(name, version, requires)
        digest = hashlib.sha256(content).hexdigest()
        pages[f"/files/{filename}"] = content
        links.setdefault(name, []).append(
            f'<a href="/files/{filename}#sha256={digest}">{filename}</a>'
        )
    for name, anchors in links.items():
        pages[f"/simple/{name}/"] = f"<!DOCTYPE html><body>{'<br>'.join(anchors)}</body>".encode()
    return pages


class Handler(http.server.BaseHTTPRequestHandler):
    """Serve the pages of the index and nothing else."""

    pages = index_pages(UNIVERSE)

    def do_GET(self) -> None:
        """Answer with the page, or with 404."""
        content = self.pages.get(self.path)
        self.send_response(200 if content is not None else 404)
        kind = "text/html" if self.path.startswith("/simple") else "application/octet-stream"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content or b"")

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    """Yield the address of the simple index on loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple/"
        server.shutdown()

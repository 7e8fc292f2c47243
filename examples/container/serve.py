"""Serve one page on port 8000, or print it with --render: a program for a container."""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jinja2

PAGE = jinja2.Environment(autoescape=True).from_string(
    "user {{ user }}, Python {{ python }}, jinja2 {{ version }} from {{ place }}"
)


def render() -> str:
    """Return the page."""
    page = PAGE.render(
        user=os.getuid(),
        python=sys.version.partition(" ")[0],
        version=jinja2.__version__,
        place=Path(jinja2.__file__).parent,
    )
    return f"{page}\n"


class Handler(BaseHTTPRequestHandler):
    """Answers every request with the page."""

    def do_GET(self) -> None:
        """Send the page."""
        body = render().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    if "--render" in sys.argv:
        print(render(), end="")
    else:
        ThreadingHTTPServer(("", 8000), Handler).serve_forever()

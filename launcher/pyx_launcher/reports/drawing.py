"""Have charts drawn by Vega, in a process of its own.

The library is large and seldom needed, so `vega_page.py` imports it in another python, which
`resolve.tools` finds or makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyx_launcher.reports.library import run_library

if TYPE_CHECKING:
    from collections.abc import Mapping

    Spec = Mapping[str, Any]
    """A specification of Vega's, in values of JSON."""

PROGRAM = Path(__file__).with_name("vega_page.py")
"""What runs in the python that has the library. Its docstring says what it reads and prints."""

SCHEMA = "https://vega.github.io/schema/vega/v6.json"
"""The name of the language of specifications; nobody fetches it."""


def draw_picture(spec: Spec, python: Path) -> str:
    """Return the chart `spec` as an SVG document. Raises UnavailableError."""
    return _run({"svg": spec}, python)


def draw_page(title: str, body: str, charts: Mapping[str, Spec], python: Path) -> str:
    """Return a page that loads nothing: `body`, HTML that has an element of each id in `charts`.

    Raises UnavailableError where `python` or its library does not do it.
    """
    return _run({"title": title, "body": body, "charts": charts}, python)


def _run(wanted: Mapping[str, object], python: Path) -> str:
    return run_library(PROGRAM, wanted, python, "the library for drawing", "PYX_VEGA")

"""The pictures in docs/casts: of what `packaging/casts.py` runs, and of nothing on this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from installed import ROOT
from transcripts import Told

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

CASTS = ROOT / "docs" / "casts"
NAMES = ("add", "first-start", "second-start")
TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """Give the program that makes the pictures; `packaging` is no package."""
    spec = importlib.util.spec_from_file_location("casts", ROOT / "packaging" / "casts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look for the module that they are in.
    sys.modules["casts"] = module
    spec.loader.exec_module(module)
    return module


def texts_of(picture: str) -> str:
    """Return what is written in a picture, without spaces."""
    tree = ET.fromstring(picture)  # noqa: S314 -- it was written here
    return re.sub(r"\s", "", "".join(text.text or "" for text in tree.iter(TEXT)))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_shows_its_commands_and_no_machine(maker: ModuleType, name: str) -> None:
    """It names no host, no directory but HOME's and the system's, and loads nothing."""
    picture = (CASTS / f"{name}.svg").read_text(encoding="utf-8")
    shown = texts_of(picture)
    for command in maker.ALL[name].commands:
        assert "$" + re.sub(r"\s", "", command) in shown
    assert re.findall(r"\w+://[^\"<]*", picture) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\((?!#)|@import|<image|<script", picture)
    assert not re.search(r"/(?:root|tmp|work)\b", shown)
    places = re.findall(r"(?<![\w.~])/\w+/\w+", shown)
    assert all(place.startswith(("/home/you", "/usr/bin")) for place in places)


def test_every_picture_is_made_and_shown(maker: ModuleType) -> None:
    """None is left over, and each is on a page."""
    assert {path.stem for path in CASTS.iterdir()} == set(NAMES) == set(maker.ALL)
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert all(f"(casts/{name}.svg)" in pages for name in NAMES)


@pytest.mark.parametrize(
    ("sent", "stays"),
    [
        ("one\ntwo\n", ["one", "two", ""]),
        ("\x1b[?25lfetching 1/2\r\x1b[2Kfetching 2/2\r\x1b[2K\x1b[?25hdone\n", ["done", ""]),
        ("first\nbar\n\x1b[1A\x1b[2Kafter\n", ["first", "after", ""]),
        ("\x1b[1mbold\x1b[0m\n", ["\x1b[1mbold\x1b[0m", ""]),
    ],
)
def test_what_is_drawn_over_is_gone(maker: ModuleType, sent: str, stays: list[str]) -> None:
    """As on a terminal; colours stay."""
    assert maker.settle(sent) == stays


def test_the_same_run_makes_the_same_picture(maker: ModuleType) -> None:
    """Nothing of the time or the place goes into it."""
    answers = [("pyx list", Told(text="\x1b[32mclick\x1b[0m & <more>\n", status=0))]
    assert maker.draw("title", answers) == maker.draw("title", answers)
    assert "$pyxlistclick&<more>" in texts_of(maker.draw("title", answers))


@pytest.mark.network
@pytest.mark.skipif(not os.access("/usr/bin/python3", os.X_OK), reason="there is no system Python")
def test_a_cast_can_be_made_anew(maker: ModuleType, tmp_path: Path) -> None:
    """Its commands succeed with what the index has today."""
    answers = maker.record(maker.ALL["add"], tmp_path)
    assert [(command, told.status) for command, told in answers if told.status != 0] == []
    assert re.fullmatch(r"\d+\.\d+\.\d+", answers[-1][1].lines[-1])
    assert str(tmp_path) not in "".join(told.text for _, told in answers)

"""``pyx tree --graph`` and ``pyx store report``: what a browser shows of them, and loads."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

# What draws comes from the index that pip is configured for, where PYX_VEGA names none.
pytestmark = pytest.mark.network

USAGE, UNAVAILABLE, STORE = 64, 69, 74
SETTLED = 0.3
"""Seconds after which a file is old enough for a launch record."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer, pyx: Pyx, vega: Path) -> Path:
    """Give a locked project, the name of whose directory means something in HTML."""
    pyx.environ["PYX_VEGA"] = str(vega)
    artifacts = [
        make_wheel(wheels, "app", "1.0", requires=["web>=2", "base"]),
        make_wheel(wheels, "web", "2.0", requires=["base<3"]),
        make_wheel(wheels, "base", "1.5", files={"base_data.py": "x" * 3_000_000}),
        # These two require each other.
        make_wheel(wheels, "egg", "1.0", requires=["hen"]),
        make_wheel(wheels, "hen", "1.0", requires=["egg"]),
    ]
    directory = tmp_path / "a <b> & c"
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
    time.sleep(SETTLED)
    return directory


def show(page: Path, tmp_path: Path) -> tuple[str, ET.Element]:
    """Return what is written on a page, and all of it, once its scripts have run in a browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("there is no Chromium to open the page in")
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000"),
        *("--dump-dom", page.as_uri()),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    # What a page may not do, and what goes wrong in its scripts.
    assert not re.findall(r".*CONSOLE.*(?:Refused|rror).*", told.stderr)
    assert 'data-drawn="yes"' in told.stdout
    plain = re.sub(r"<script.*?</script>", "", told.stdout, flags=re.DOTALL)
    drawn = "".join(re.findall(r"<svg.*?</svg>", plain, flags=re.DOTALL))
    written = re.sub(r"<style.*?</style>|<!DOCTYPE html>|<meta[^>]*>", "", plain, flags=re.DOTALL)
    text = "\n".join(re.findall(r">([^<]+)<", written))
    return text, parse(f"<all xmlns:xlink='x'>{drawn}</all>")


def parse(text: str) -> ET.Element:
    """Return a document, which must be well-formed."""
    return ET.fromstring(text)  # noqa: S314 -- pyx has made it


def list_labels(drawn: ET.Element) -> set[str]:
    """Return every text of an SVG document."""
    return {one.text or "" for one in drawn.iter() if one.tag.endswith(("text", "tspan"))} - {""}


PACKAGES = {"app 1.0", "web 2.0", "base 1.5", "egg 1.0", "hen 1.0"}


def test_a_tree_is_a_picture(pyx: Pyx, project: Path) -> None:
    """Each package is there once, with a line for each requirement, a circle of them included."""
    told = pyx("tree", "--graph", "tree.svg", cwd=project)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"{project / 'tree.svg'}: 5 packages\n"
    text = (project / "tree.svg").read_text()
    drawn = parse(text)
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert list_labels(drawn) == PACKAGES | {"a <b> & c"}
    lines = [one for one in drawn.iter() if one.get("stroke") == "#bbb"]
    # app, and egg or hen, hang from the project; five requirements, and app's of base besides.
    assert len(lines) == 2 + 5
    assert not re.search(r"(?:href|src)=|url\(", text)
    # It is a file like any other, and made again where it was made before.
    assert pyx("tree", "--graph", "tree.svg", cwd=project).returncode == 0
    assert (project / "tree.svg").read_text() == text


def test_what_requires_a_package_is_drawn_too(pyx: Pyx, project: Path) -> None:
    """The picture turns with the tree."""
    told = pyx("tree", "--invert", "base", "--graph", "tree.svg", cwd=project)
    assert told.returncode == 0, told.stderr
    drawn = parse((project / "tree.svg").read_text())
    assert list_labels(drawn) == {"app 1.0", "web 2.0", "base 1.5", "a <b> & c"}


def test_a_browser_shows_the_tree(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """A page is drawn without another file; what a name has of HTML is shown, not obeyed."""
    told = pyx("tree", "--graph", "tree.html", cwd=project)
    assert told.returncode == 0, told.stderr
    text, drawn = show(project / "tree.html", tmp_path)
    assert list_labels(drawn) >= PACKAGES | {"a <b> & c"}
    assert "What a &lt;b&gt; &amp; c requires" in text
    assert "5 packages, 3.0 MB." in text


def test_a_browser_shows_the_store(
    pyx: Pyx, project: Path, wheels: Path, index: IndexServer, tmp_path: Path
) -> None:
    """What takes room, which projects share what, and what a collection would free."""
    other = tmp_path / "other"
    other.mkdir()
    alone = make_wheel(wheels, "alone", "3.0")
    found = [*wheels.glob("base-*"), alone]
    (other / "pylock.toml").write_text(pylock_text(found, index_url=index.url))
    time.sleep(SETTLED)
    for directory in (project, other):
        for _ in range(2):
            assert pyx("-c", "pass", cwd=directory).returncode == 0
    told = pyx("store", "report", "--keep", "0", "store.html", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(f"{tmp_path / 'store.html'}: 6 builds of packages, 2 projects")
    text, drawn = show(tmp_path / "store.html", tmp_path)
    assert list_labels(drawn) >= {"base 1.5, 3.0 MB", "base 1.5", "alone 3.0"}
    for directory in (project, other):
        assert any(label.endswith(directory.name) for label in list_labels(drawn))
        assert html.escape(str(directory)) in text
    # Of what only one of them has, nothing is shared.
    assert not any(label.startswith("alone 3.0,") for label in list_labels(drawn))
    dry = pyx("store", "gc", "--dry-run", "--keep", "0").stdout
    assert "2 environments and 6 entries would go" in dry
    assert "6 builds and 2 environments that were not used within 0 days" in text
    assert "pyx store gc --keep 0" in text
    kept = pyx("store", "report", "store.html", cwd=tmp_path)
    assert kept.returncode == 0
    text, _ = show(tmp_path / "store.html", tmp_path)
    assert "Nothing: all of it was used within 30 days." in text


def test_an_empty_store_is_a_page(pyx: Pyx, vega: Path, tmp_path: Path) -> None:
    """Where nothing is there to be drawn, the page says so."""
    pyx.environ["PYX_VEGA"] = str(vega)
    told = pyx("store", "report", "store.html", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    text, drawn = show(tmp_path / "store.html", tmp_path)
    assert list_labels(drawn) == set()
    assert "No package is used by more than one project." in text


def test_only_files_of_their_kind_are_written(pyx: Pyx, project: Path) -> None:
    """A name that says nothing of a picture is a mistake, and leaves the file as it is."""
    lock = (project / "pylock.toml").read_bytes()
    for words, status in (
        (("tree", "--graph", "pylock.toml"), USAGE),
        (("store", "report", "pylock.toml"), USAGE),
        (("store", "report"), USAGE),
        (("tree", "--graph", "gone/tree.svg"), STORE),
    ):
        told = pyx(*words, cwd=project)
        assert (told.returncode, told.stdout) == (status, "")
        assert "pyx: hint: " in told.stderr
    assert (project / "pylock.toml").read_bytes() == lock


def test_without_the_library_one_line_names_what_to_do(pyx: Pyx, project: Path) -> None:
    """Neither an index without it nor a python without it makes a traceback."""
    told = pyx("tree", "--graph", "tree.svg", cwd=project, env={"PYX_VEGA": None})
    assert (told.returncode, told.stdout) == (UNAVAILABLE, "")
    assert "vl-convert-python, which draws, is unavailable: " in told.stderr
    assert "PYX_VEGA" in told.stderr.splitlines()[-1]
    told = pyx("tree", "--graph", "tree.svg", cwd=project, env={"PYX_VEGA": sys.executable})
    assert (told.returncode, told.stdout) == (UNAVAILABLE, "")
    assert "No module named 'vl_convert'" in told.stderr.splitlines()[-2]
    assert not (project / "tree.svg").exists()

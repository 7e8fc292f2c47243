"""The site of docs/, built by mkdocs under pyx: no dead link, and nothing from elsewhere."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag

import pytest
from installed import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

LOADED = {"src", "srcset", "data", "poster", "action"}
"""Attributes whose content a browser fetches by itself."""
ELSEWHERE = re.compile(r"url\(\s*['\"]?(?:https?:)?//|@import")


class Page(HTMLParser):
    """What a page is made of: the names that links can lead to, the links, and what it loads."""

    def __init__(self, text: str) -> None:
        """Read the HTML `text`."""
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.names.add(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in LOADED or name == "href":
                self.loaded.append(value or "")


@pytest.fixture(scope="module")
def variables() -> dict[str, str | None]:
    """Give what makes a process ask the index that pip is configured for on this machine."""
    real = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    unset = dict.fromkeys(("PIP_CONFIG_FILE", "PIP_INDEX_URL"))
    return {**unset, **real, "HOME": os.environ.get("HOME"), "NO_MKDOCS_2_WARNING": "1"}


def test_every_page_is_in_the_navigation() -> None:
    """A page that nobody is led to is not read."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r": ([\w/-]+\.md)$", text.partition("\nnav:\n")[2], re.MULTILINE))
    docs = ROOT / "docs"
    assert named == {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}


@pytest.mark.network
def test_the_site_is_whole(pyx: Pyx, variables: dict[str, str | None], tmp_path: Path) -> None:
    """It is built without a warning, by what poetry.lock has; links and anchors lead somewhere."""
    site = tmp_path / "site"
    words = ("--project", ROOT, "--no-default-groups", "--group", "docs", "-m", "mkdocs")
    config = ("build", "--strict", "--config-file", ROOT / "mkdocs.yml", "--site-dir", site)
    told = pyx(*words, *config, cwd=tmp_path, env=variables, timeout=280)
    assert told.returncode == 0, told.stderr
    assert "WARNING" not in told.stderr
    pages = {
        path: Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"
    }
    assert len(pages) == len(list((ROOT / "docs").rglob("*.md")))
    for path, page in pages.items():
        for link in page.links:
            assert not find_fault(link, path, pages), f"{path}: {link}"
        for target in page.loaded:
            assert "//" not in target, f"{path} loads {target}"
            assert (path.parent / urldefrag(target).url).exists(), f"{path}: {target}"
    for path in (*site.rglob("*.css"), *site.rglob("*.svg")):
        assert not ELSEWHERE.search(path.read_text(encoding="utf-8")), path


def find_fault(link: str, path: Path, pages: dict[Path, Page]) -> str | None:
    """Say what is wrong with a link of the page at `path`, or None; outside ones are not asked."""
    target, anchor = urldefrag(link)
    if re.match(r"[a-z]+:", target):
        return None
    found = (path.parent / unquote(target)).resolve() if target else path
    found = found / "index.html" if found.is_dir() else found
    if not found.is_file():
        return "there is no such page"
    return None if not anchor or anchor in pages[found].names else "there is no such place"

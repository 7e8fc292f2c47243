"""What a release must keep straight: one version, and a changelog that people can rely on."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from installed import ROOT
from packaging.version import Version

import pyx_launcher

CHANGELOG = ROOT / "CHANGELOG.md"
HEADING = re.compile(
    r"## \[(?P<name>[^]]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?(?P<yanked> \[YANKED\])?"
)
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""What changes can be, in the order of Keep a Changelog."""

SOURCE_OF_VERSION = Path("launcher/pyx_launcher/__init__.py")
MEASURED = {Path("README.md"), Path("docs/performance.md")}
"""They say of which version their figures are."""
MAY_NAME_IT = {
    SOURCE_OF_VERSION,
    Path("CHANGELOG.md"),
    Path("packaging/shell/pyx.1"),
    *MEASURED,
}
"""Where the version stands: its source, its history, and a file that is made from the source."""


def headings() -> list[re.Match[str]]:
    """Return what stands above the changes of each version, newest first."""
    lines = CHANGELOG.read_text(encoding="utf-8").splitlines()
    found = [HEADING.fullmatch(line) for line in lines if line.startswith("## ")]
    matches = [heading for heading in found if heading]
    assert len(matches) == len(found)
    return matches


def versions() -> list[Version]:
    """Return the versions that were released, newest first."""
    return [Version(heading["name"]) for heading in headings() if heading["name"] != "Unreleased"]


def shipped_files() -> list[Path]:
    """Return every text of ours that a user may get to see, relative to the repository."""
    folders = ("launcher", "runtime", "packaging", "docs", "examples")
    suffixes = {".py", ".c", ".h", ".md", ".sh", ".toml", ".spec", ".bash", ".fish", ".1", ""}
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    paths += [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "pyproject.toml"]
    return [
        path.relative_to(ROOT)
        for path in sorted(paths)
        if path.suffix in suffixes and "__pycache__" not in path.parts
    ]


def test_the_version_is_a_version() -> None:
    """It is written as indexes normalise it, so that file names, tags and `--version` agree."""
    assert str(Version(pyx_launcher.__version__)) == pyx_launcher.__version__


def test_the_version_stands_in_one_place() -> None:
    """The native program, the manual, the build and the docs take it from there."""
    version = re.compile(rf"(?<![\d.]){re.escape(pyx_launcher.__version__)}(?![\d.])")
    files = shipped_files()
    assert MAY_NAME_IT - {Path("CHANGELOG.md")} <= set(files)
    naming = {path for path in files if version.search((ROOT / path).read_text(encoding="utf-8"))}
    assert naming - MAY_NAME_IT == set()
    assert naming >= {SOURCE_OF_VERSION, Path("packaging/shell/pyx.1")}


def test_the_changelog_begins_with_what_comes_next() -> None:
    """At the top are the changes of this version, or those that have no version yet."""
    first, released = headings()[0]["name"], versions()
    if first == "Unreleased":
        assert all(old <= Version(pyx_launcher.__version__) for old in released)
    else:
        assert first == pyx_launcher.__version__


def test_the_versions_of_the_changelog_are_in_order() -> None:
    """Newest first, each once and with its day; only what is at the top may have none."""
    released = versions()
    assert released == sorted(set(released), reverse=True)
    names = [heading["name"] for heading in headings()]
    assert "Unreleased" not in names[1:]
    days = [heading["date"] for heading in headings() if heading["name"] != "Unreleased"]
    assert [dt.date.fromisoformat(day) for day in days] == sorted(
        map(dt.date.fromisoformat, days), reverse=True
    )


def test_changes_are_of_known_kinds() -> None:
    """Below each version there are the kinds of Keep a Changelog, each once and not empty."""
    text = CHANGELOG.read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.*)$", part, flags=re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds]
        for changes in re.split(r"^### .*$", part, flags=re.MULTILINE)[1:]:
            assert changes.strip().startswith("- ")


@pytest.mark.parametrize("line", ["## 0.1.0", "## [0.1.0] - 1.2.2026", "## [0.1.0](url)"])
def test_another_form_of_heading_is_seen(line: str) -> None:
    """A heading that would be passed over is no heading."""
    assert not HEADING.fullmatch(line)

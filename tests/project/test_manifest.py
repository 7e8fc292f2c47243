"""What a manifest requires is told from the files alone, in every form that tools have for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyx_launcher.project.manifest import find_pin, list_required

if TYPE_CHECKING:
    from pathlib import Path

STANDARD = """
[project]
name = "sample"
version = "1"
dependencies = ["Tick[fast]==1.0; python_version > '3'", "tock==1.*", "tack>=1,==1.5"]
[project.optional-dependencies]
more = ["talk ===2.0"]
[dependency-groups]
dev = [{include-group = "more"}, "torn>=1"]
"""
POETRYS = """
[tool.poetry.dependencies]
python = "==3.11.*"
Tick = "1.0"
tock = "^1.0"
tack = {version = "==1.5", extras = ["x"]}
talk = {path = "talk"}
[tool.poetry.group.dev.dependencies]
torn = "*"
"""
LIST = "-r base.txt\ntick==1.0 # kept\ntock\ntack==1.5,<2\ntalk==2\ntorn~=1.0\n"
PIPENVS = '[packages]\ntick = "==1.0"\ntock = "*"\ntalk = "~=2"\n[dev-packages]\ntack = "==1.5"\n'


@pytest.mark.parametrize(
    ("name", "text", "pins"),
    [
        (
            "pyproject.toml",
            STANDARD,
            {
                "tick": "Tick[fast]==1.0; python_version > '3'",
                "tack": "tack>=1,==1.5",
                "talk": "talk ===2.0",
            },
        ),
        ("pyproject.toml", POETRYS, {"tick": 'Tick = "1.0"', "tack": 'tack = "==1.5"'}),
        ("requirements.in", LIST, {"tick": "tick==1.0", "tack": "tack==1.5,<2", "talk": "talk==2"}),
        ("Pipfile", PIPENVS, {"tick": 'tick = "==1.0"', "tack": 'tack = "==1.5"'}),
    ],
)
def test_a_pin_is_what_one_version_alone_fits(
    tmp_path: Path, name: str, text: str, pins: dict[str, str]
) -> None:
    """In every list of the manifest, and nothing else is one: neither a range nor a prefix."""
    manifest = tmp_path / name
    manifest.write_text(text)
    required = {found.lower() for found in list_required(manifest)}
    assert required >= {"tick", "tock", "tack", "talk"}
    assert "python" not in required
    versions = {"tick": "1.0.0", "tock": "1.0", "tack": "1.5", "talk": "2.0", "torn": "1.0"}
    found = {one: find_pin(manifest, one, version) for one, version in versions.items()}
    assert {one: pin for one, pin in found.items() if pin is not None} == pins
    assert not any(find_pin(manifest, one, "9") for one in versions)

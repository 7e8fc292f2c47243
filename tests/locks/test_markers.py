"""Markers that the specification leaves open: answered as by the tool that wrote the lock.

The answers are the tools' own (`tests/oracle/test_markers.py` asks them anew).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from lockcases import environment

from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.marker_rules import RULES, Rule, list_doubts
from pyx_launcher.locks.common.markers import Conditions
from pyx_launcher.locks.common.tables import Table

if TYPE_CHECKING:
    from packaging.markers import Environment

PLACE = Table(path=Path("lock"), where="", data={})

# For a release 6.18.44-fc-v657 and Python 3.14.0rc1: who says yes, of those that know an answer.
ANSWERS: dict[str, set[Rule]] = {
    "platform_release >= '5'": {"uv", "poetry", "pdm"},
    "platform_release >= '10'": {"uv", "pdm"},
    "platform_release < '10'": {"poetry"},
    "platform_release == '6.18.44'": {"poetry"},
    "platform_release != '6.18.44'": {"uv", "pdm"},
    "'fc' in platform_release": {"packaging", "uv", "poetry", "pdm"},
    "python_full_version >= '3.14'": {"uv"},
    "python_full_version < '3.14'": {"poetry"},
    "python_full_version == '3.14'": {"uv"},
    "python_version in '3.13, 3.14'": {"packaging", "uv", "poetry", "pdm"},
    "python_version in '3.12, 3.13'": {"uv"},
    "python_version in '3.1'": set(),
    "sys_platform in 'linux2'": {"packaging", "uv", "pdm"},
    "sys_platform in 'win32 linux'": {"packaging", "uv", "poetry", "pdm"},
    "sys_platform == 'linux' and (platform_release >= '10' or os_name == 'nt')": {"uv", "pdm"},
}


@pytest.fixture
def here() -> Environment:
    """Return a marker environment with a release that is no version, and a pre-release."""
    found = environment("3.14.0rc1")
    found["platform_release"] = "6.18.44-fc-v657"
    return found


@pytest.mark.parametrize("text", ANSWERS)
def test_a_marker_is_answered_as_by_its_tool(here: Environment, text: str) -> None:
    """Each tool has a rule of its own, which counts for its own lock."""
    yes = {rule for rule in RULES if Conditions(environment=here, rule=rule).hold(PLACE, "m", text)}
    assert yes == ANSWERS[text]
    assert get_args(Rule) == RULES


def test_what_is_no_marker_is_refused_by_any_rule(here: Environment) -> None:
    """Whatever has been answered in it."""
    for rule in RULES:
        with pytest.raises(LockError, match="not a marker"):
            Conditions(environment=here, rule=rule).hold(PLACE, "m", "platform_release >= '5' and")


def test_a_marker_with_several_answers_is_told(here: Environment) -> None:
    """In the text of any lock, once, with who would answer otherwise."""
    text = """marker = "platform_release >= '5'"\nmarkers = "platform_release >= \\"5\\""\n"""
    told = "holds for '6.18.44-fc-v657' by uv's rule, otherwise by that of packaging"
    comparisons = ["platform_release >= '5'", 'platform_release >= "5"']
    assert list_doubts("uv", text + text, here) == [f"{each} {told}" for each in comparisons]
    assert list_doubts("uv", "marker = \"sys_platform == 'linux'\"", here) == []

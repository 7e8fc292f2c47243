"""Why a tool could not lock: what is told of its own words, as the tools of today write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pyx_launcher.resolve.explain import collect_wishes, explain_failure

UNSATISFIABLE = "we can conclude that your project's requirements are unsatisfiable."

UNKNOWN = """\
error: No solution found when resolving dependencies
  cause: Because {name} was not found in the package registry and your project depends on {name},
"""
VERSION = """\
error: No solution found when resolving dependencies
  cause: Because only flask<=3.1.3 is available and your project depends on flask>=99,
"""
VERSION_FOR_POETRY = """\
Because mine depends on click (<100,>=99) which doesn't match any versions, version solving failed.
"""
VERSION_OF_ANOTHER = """\
Because picky (1.0) depends on click (>=99) which doesn't match any versions, picky is forbidden.
"""
PYTHON = """\
error: No solution found when resolving dependencies for split (markers: python_version < '3.11')
  cause: Because the requested Python version (>=3.9) does not satisfy Python>=3.11 and numpy>=2.3
         depends on Python>=3.11, we can conclude that numpy>=2.3 cannot be used.
         And because your project depends on numpy>=2.3,
"""
PYTHON_WITH_HOLES = """\
error: No solution found when resolving dependencies for split (markers: python_version < '3.12')
  cause: Because the requested Python version (>=3.9) does not satisfy all of:
             Python>=3.12,<3.14.1
             Python>3.14.1
         and networkx==3.7 depends on one of:
             Python>=3.12,<3.14.1
             Python>3.14.1
         we can conclude that networkx==3.7 cannot be used.
         And because only networkx<=3.7 is available and your project depends on networkx>=3.7,
         we can conclude that your project's requirements are unsatisfiable.
"""
CONFLICT = """\
error: No solution found when resolving dependencies
  cause: Because flask==3.0.0 depends on werkzeug>=3.0.0 and your project depends on flask==3.0.0,
         we can conclude that your project depends on werkzeug>=3.0.0.
         And because your project depends on werkzeug<2,
"""
CONFLICT_OF_TWO = """\
error: No solution found when resolving dependencies
  cause: Because only picky==1.0 is available and picky==1.0 depends on tick>=5, we can conclude
         that all versions of picky depend on tick>=5.
         And because your project depends on picky and tick<2,
"""
# As uv 0.13 writes it.
CONFLICT_OF_ALL = """\
error: No solution found when resolving dependencies
  cause: Because all versions of picky depend on tick>=5 and your project depends on picky, we can
         conclude that your project depends on tick>=5.
         And because your project depends on tick<2,
"""
CONFLICT_OF_SOME = """\
error: No solution found when resolving dependencies
  cause: Because many<=1.1 depends on tick>=5 and many>=1.2 depends on tick>=6, we can conclude that
         all versions of many depend on tick>=5.
         And because your project depends on many and tick<2,
"""
CONFLICT_OF_OTHERS = """\
error: No solution found when resolving dependencies
  cause: Because all versions of picky depend on tick>=5 and all versions of lax depend on tick<2,
         we can conclude that all versions of lax and all versions of picky are incompatible.
         And because you require lax and picky,
"""
CONFLICT_OF_ONE = """\
error: No solution found when resolving dependencies
  cause: Because your project depends on tick==1.0 and tick==6.0,
"""
CONFLICT_OF_GROUP = """\
error: No solution found when resolving dependencies
  cause: Because all versions of picky depend on tick>=5 and sample:dev depends on tick<2, we can
         conclude that sample:dev and all versions of picky are incompatible.
         And because your project depends on picky and your project requires sample:dev,
"""
CONFLICT_OF_MARKER = """\
error: No solution found when resolving dependencies
  cause: Because all versions of picky depend on tick>=5 and your project depends on picky, we can
         conclude that your project and tick{python_full_version < '3.12'}<2 are incompatible.
         And because your project depends on tick{python_full_version < '3.12'}<2,
"""
CONFLICT_FOR_POETRY = """\
Because no versions of picky match !=1.0
 and picky (1.0) depends on tick (>=5), every version of picky requires tick (>=5).
So, because sample depends on both tick (<2) and picky (*), version solving failed.
"""
CONFLICT_FOR_PDM = """\
ERROR: Unable to find a resolution for tick
because of the following conflicts:
  tick<2 (from project)
  tick>=5 (from picky@1.0)
"""
CONFLICT_FOR_PIPENV = """\
The conflict is caused by:
    The user requested tick<2
    picky 1.0 depends on tick>=5
"""
EXTRAS = "flask[async] (3.1.3) requires click>=8.1.3 and your project requires click<8, "
NO_CONFLICT = """\
  cause: Because all versions of picky depend on tick>=5 and your project depends on tick>=2,
"""


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (UNKNOWN.format(name="reqests"), "no index has reqests: did you mean requests?"),
        (UNKNOWN.format(name="PIL"), "no index has pil: did you mean pillow?"),
        # What is only somewhat like it is a stranger.
        (UNKNOWN.format(name="rush"), "no index has rush: check the spelling"),
        (EXTRAS, "the project requires click<8, but flask==3.1.3 requires click>=8.1.3"),
        (
            UNKNOWN.format(name="zzzz"),
            "no index has zzzz: check the spelling, and that PIP_INDEX_URL",
        ),
        (VERSION, "no index has that version of flask; there is flask<=3.1.3; change what /a/"),
        (VERSION_FOR_POETRY, "no index has that version of click; change what /a/pyproject.t"),
        (PYTHON, "that needs Python >=3.11: raise requires-python in pyproject.toml"),
        (
            PYTHON_WITH_HOLES,
            "that needs Python >=3.12: raise requires-python in pyproject.toml, or ask for an olde",
        ),
        (CONFLICT_OF_TWO, "the project requires tick<2, but picky==1.0 requires tick>=5"),
        (
            CONFLICT,
            "the project requires werkzeug<2, but flask==3.0.0 requires werkzeug>=3.0.0",
        ),
        (CONFLICT_OF_ALL, "the project requires tick<2, but picky requires tick>=5"),
        (CONFLICT_OF_SOME, "the project requires tick<2, but many<=1.1 requires tick>=5"),
        (CONFLICT_OF_OTHERS, "picky requires tick>=5, but lax requires tick<2"),
        (CONFLICT_OF_ONE, "the project requires both tick==1.0 and tick==6.0: one of them has"),
        (CONFLICT_OF_GROUP, "picky requires tick>=5, but the group dev of sample requires tick<2"),
        (CONFLICT_OF_MARKER, "the project requires tick<2, but picky requires tick>=5"),
        (CONFLICT_FOR_POETRY, "picky==1.0 requires tick>=5, but sample requires tick<2"),
        (CONFLICT_FOR_PDM, "the project requires tick<2, but picky==1.0 requires tick>=5"),
        (CONFLICT_FOR_PIPENV, "the project requires tick<2, but picky==1.0 requires tick>=5"),
    ],
)
def test_the_usual_causes_have_a_hint(text: str, hint: str) -> None:
    """A name that is not there, a version, an interpreter, a conflict of two requirements."""
    wishes = collect_wishes([], Path("/a/pyproject.toml"))
    told = explain_failure(f"{text}{UNSATISFIABLE}\n", ["requests", "rich"], wishes)
    assert str(told).startswith(hint)


@pytest.mark.parametrize(
    ("text", "typed", "hint"),
    [
        (VERSION, "flask>=99", ": `pyx add --group dev flask`, without a version, takes one "),
        (VERSION_FOR_POETRY, "Click>=99", ": `pyx add --group dev Click`, without a version, take"),
        (PYTHON_WITH_HOLES, "networkx>=3.7", "or `pyx add --group dev networkx`, without a versio"),
        # A name alone leaves the pin where it is.
        (VERSION, "flask", "; change what /a/pyproject.toml asks for"),
    ],
)
def test_what_was_typed_can_be_typed_without_its_version(text: str, typed: str, hint: str) -> None:
    """What stands in a file is changed there: `pyx add NAME` would keep the version."""
    wishes = collect_wishes([Requirement(typed)], Path("/a/pyproject.toml"), " --group dev")
    assert hint in str(explain_failure(text, ["requests"], wishes))


def test_the_version_that_a_package_asks_for_is_not_the_users() -> None:
    """To add what it asks for would help nothing."""
    hint = explain_failure(VERSION_OF_ANOTHER, ["requests"])
    assert hint == "no index has that version of click"


def test_of_anything_else_the_tool_tells_itself() -> None:
    """A guess would lead astray."""
    for text in ("warning: nothing that anybody knows\n", NO_CONFLICT):
        assert explain_failure(text, ["requests"]) is None

"""Why a tool could not lock: what is told of its own words, as the tools of today write them."""

from __future__ import annotations

import pytest

from pyx_launcher.resolve.explain import explain_failure

UNSATISFIABLE = "we can conclude that your project's requirements are unsatisfiable."

UNKNOWN = """\
error: No solution found when resolving dependencies
  cause: Because {name} was not found in the package registry and your project depends on {name},
"""
VERSION = """\
error: No solution found when resolving dependencies
  cause: Because only flask<=3.1.3 is available and your project depends on flask>=99,
"""
PYTHON = """\
error: No solution found when resolving dependencies for split (markers: python_version < '3.11')
  cause: Because the requested Python version (>=3.9) does not satisfy Python>=3.11 and numpy>=2.3
         depends on Python>=3.11, we can conclude that numpy>=2.3 cannot be used.
         And because your project depends on numpy>=2.3,
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


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (UNKNOWN.format(name="reqests"), "no index has reqests: did you mean requests?"),
        (
            UNKNOWN.format(name="zzzz"),
            "no index has zzzz: is it spelt so, and is PIP_INDEX_URL",
        ),
        (VERSION, "no index has such a version of flask: there is flask<=3.1.3"),
        (PYTHON, "that needs Python >=3.11: say so in requires-python of the pyproject.toml"),
        (CONFLICT_OF_TWO, "tick<2, which the project requires, excludes tick>=5, which picky==1.0"),
        (
            CONFLICT,
            "werkzeug<2, which the project requires, excludes werkzeug>=3.0.0",
        ),
    ],
)
def test_the_usual_causes_have_a_hint(text: str, hint: str) -> None:
    """A name that is not there, a version, an interpreter, a conflict of two requirements."""
    told = explain_failure(f"{text}{UNSATISFIABLE}\n", ["requests", "rich"])
    assert str(told).startswith(hint)


def test_of_anything_else_the_tool_tells_itself() -> None:
    """A guess would lead astray."""
    assert explain_failure("warning: nothing that anybody knows\n", ["requests"]) is None

"""No program of the matrix can tell pyx from the python of a virtual environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.matrix import WAYS, Outcome, compare, make_place
from conformance.program import Explained, list_groups, read_programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from installed import Pyx

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")


LONG = ("failures", "options", "sources", "terminal", "variables")
"""What is left to the slow tests, since it takes longest; `tests/native` holds much of options."""
QUICK = ("starts",)
"""What is compared on the oldest Python, and in `test_forky.py` on the newest.

On the newest Python that is here the rest is compared; `test_programs.py` starts programs on all.
"""


def list_cases() -> Iterator[object]:
    """Yield a group, an interpreter and a way for each test, and which of them are slow."""
    for version in ("oldest", "newest", *VERSIONS):
        for way in WAYS:
            for group in list_groups():
                chosen = "oldest" if group in QUICK else "newest"
                quick = (version, way) == (chosen, "fast") and group not in LONG
                marks = () if quick else pytest.mark.slow
                yield pytest.param(group, version, way, marks=marks)


@pytest.fixture
def chosen(interpreters: dict[str, Path], request: pytest.FixtureRequest) -> Path:
    """Give the interpreter of one version; the oldest and the newest have tests of their own."""
    version = request.param
    known = [version for version in VERSIONS if version in interpreters]
    if version in ("oldest", "newest"):
        if not known or (version == "newest" and len(known) == 1):
            pytest.skip("there is no such interpreter")
        version = known[0 if version == "oldest" else -1]
    elif version not in known or version in (known[0], known[-1]):
        pytest.skip("not here, or compared as the oldest or the newest")
    return interpreters[version]


@pytest.mark.parametrize(("group", "chosen", "way"), [*list_cases()], indirect=["chosen"])
def test_programs_cannot_tell(group: str, chosen: Path, way: str, pyx: Pyx, tmp_path: Path) -> None:
    """Every program of the group prints and ends the same under pyx as in a virtual environment."""
    root = (tmp_path / "m").resolve()
    root.mkdir()
    place = make_place(root, chosen, pyx.path, pyx.environ, [way])
    breaking = (pyx.break_slow_path, pyx.repair_slow_path)
    mismatches = compare(read_programs([group]), place, *breaking, [way])
    assert not mismatches, "\n".join(map(str, mismatches))


def test_there_are_enough_programs() -> None:
    """The matrix has many programs, and no two of a group have one name."""
    programs = read_programs()
    names = [(program.group, program.name) for program in programs]
    assert len(programs) > 700
    assert len(names) == len(set(names))


def test_every_explanation_has_its_reason() -> None:
    """A difference that is let pass says why."""
    explained = {reason for program in read_programs() for reason in program.explained}
    assert explained
    assert all(len(reason.reason) > 20 for reason in explained)


def test_what_differs_is_seen() -> None:
    """Only what an explanation matches is taken out of an outcome; anything else stays."""
    one = Outcome(status=0, stdout="isolated=1 x", stderr="")
    two = Outcome(status=0, stdout="isolated=0 y", stderr="")
    flag = Explained(pattern=r"isolated=\d ", reason="a reason")
    assert one.without([flag.pattern]) == Outcome(status=0, stdout="x", stderr="")
    assert one.without([flag.pattern]) != two.without([flag.pattern])

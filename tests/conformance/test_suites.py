"""The comparison of test suites: that it sees every difference, and that pyx makes none.

The first tests are quick and need nothing; the last runs every suite of `suites.toml`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from installed import PLAIN_PYTHON

if TYPE_CHECKING:
    from types import ModuleType


def _load(name: str) -> ModuleType:
    """Import the program beside this file, which no package holds."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


suites: Any = _load("suites")

JUNIT = """\
<testsuites><testsuite name="pytest">
<testcase classname="tests.test_a" name="test_good"/>
<testcase classname="tests.test_a" name="test_bad"><failure message="no">…</failure></testcase>
<testcase classname="tests.test_a" name="test_error"><error message="no">…</error></testcase>
<testcase classname="tests.test_a" name="test_later"><skipped message="why">…</skipped></testcase>
<testcase classname="tests.test_a" name="test_twice"/>
<testcase classname="tests.test_a" name="test_twice"><failure message="no">…</failure></testcase>
<testcase classname=".......store.foo.1-0.py3-none-any.foo.tests.test_b" name="test_inside"/>
<testcase classname="m" name="test_path[/v/lib/python3.12/site-packages/foo/a.py-1]"/>
<testcase classname="m" name="test_path[/h/store/foo/1/py3-none-any-1a2b3c4d/foo/a.py-1]"/>
</testsuite></testsuites>
"""
SUITE = suites.Suite(
    name="foo", version="1.0", before="2025-01-01", explained=(("*::test_known*", "known"),)
)


def test_results_are_read_test_by_test(tmp_path: Path) -> None:
    """A result is passed, failed (as errors are) or skipped; where it is installed is cut off."""
    path = tmp_path / "results.xml"
    path.write_text(JUNIT, encoding="utf-8")
    assert suites.read_results(path, SUITE) == {
        "tests.test_a::test_good": ("passed",),
        "tests.test_a::test_bad": ("failed",),
        "tests.test_a::test_error": ("failed",),
        "tests.test_a::test_later": ("skipped",),
        "tests.test_a::test_twice": ("failed", "passed"),
        "foo.tests.test_b::test_inside": ("passed",),
        "m::test_path[SITE/foo/a.py-1]": ("passed", "passed"),
    }


def test_results_that_were_never_written_are_no_success(tmp_path: Path) -> None:
    """Where pytest did not come to its end, the suite as a whole has failed."""
    results = suites.read_results(tmp_path / "results.xml", SUITE)
    assert results == {suites.WHOLE: ("failed",)}


def test_every_difference_is_found() -> None:
    """What fails on one side only, or exists on one only, differs; what fails on both does not."""
    venv = suites.Results(
        outcomes={
            "m::test_same": ("failed",),
            "m::test_worse": ("passed",),
            "m::test_better": ("failed",),
            "m::test_lost": ("passed",),
            "m::test_known_difference": ("passed",),
        }
    )
    pyx = suites.Results(
        outcomes={
            "m::test_same": ("failed",),
            "m::test_worse": ("failed",),
            "m::test_better": ("passed",),
            "m::test_new": ("passed",),
            "m::test_known_difference": ("skipped",),
        }
    )
    found = suites.find_differences(SUITE, venv, pyx)
    assert [(one.test, one.in_venv, one.under_pyx, one.reason) for one in found] == [
        ("m::test_better", ("failed",), ("passed",), None),
        ("m::test_known_difference", ("passed",), ("skipped",), "known"),
        ("m::test_lost", ("passed",), ("absent",), None),
        ("m::test_new", ("absent",), ("passed",), None),
        ("m::test_worse", ("passed",), ("failed",), None),
    ]


def test_a_difference_counts_only_if_it_comes_again() -> None:
    """What differed in one attempt and not in the next is chance, but is told."""
    first, second = (
        [suites.Difference(test=test, in_venv=("passed",), under_pyx=("failed",)) for test in tests]
        for tests in (("m::test_chance", "m::test_real"), ("m::test_other", "m::test_real"))
    )
    steady, unsteady = suites.sort_out([first, second])
    assert [one.test for one in steady] == ["m::test_real"]
    assert [one.test for one in unsteady] == ["m::test_chance", "m::test_other"]


PAGE = """\
before
<!-- suites: written by tests/conformance/suites.py -->
| package | 3.12 | 3.14 |
|---|---|---|
| click {click} | 650 | 640 |
| click 1.0 | 3 | 3 |
| numpy {numpy}, a part | 970 | 970; 1 differ: a reason |
<!-- end of suites -->
after
"""


def test_a_table_keeps_what_was_not_compared_again() -> None:
    """A new cell replaces its own alone; what was compared nowhere, or is too old, has no row."""
    known = {suite.name: suite.version for suite in suites.read_suites()}
    written = suites.write_table(
        PAGE.format(**known),
        {"3.13": {"click": "651", "flask": "not compared"}, "3.14": {"numpy": "971"}},
    )
    assert written.splitlines() == [
        "before",
        "<!-- suites: written by tests/conformance/suites.py -->",
        "| package | 3.12 | 3.13 | 3.14 |",
        "|---|---|---|---|",
        f"| click {known['click']} | 650 | 651 | 640 |",
        f"| numpy {known['numpy']}, a part | 970 | not compared | 971 |",
        "<!-- end of suites -->",
        "after",
    ]


def test_a_cell_counts_tests_and_names_reasons() -> None:
    """A cell has the number of tests, and why some differ, or that nothing explains it."""
    differences = [
        suites.Difference(test=test, in_venv=("passed",), under_pyx=("failed",), reason=reason)
        for test, reason in (("m::a", "known"), ("m::b", "known"), ("m::c", None))
    ]
    results = suites.Results(outcomes={"m::a": ("passed",) * 1200})
    cells = [
        suites.format_cell(
            suites.Comparison(
                suite=SUITE, in_venv=results, under_pyx=results, differences=tuple(found)
            )
        )
        for found in ([], differences[:2], differences)
    ]
    assert cells == ["1,200", "1,200; 2 differ: known", "1,200; 3 differ: known; UNEXPLAINED"]


def test_the_suites_are_well_formed() -> None:
    """Each suite has its own name, an exact version, and a reason for whatever it leaves out."""
    known = suites.read_suites()
    names = [suite.name for suite in known]
    assert len(set(names)) == len(names) >= 12
    for suite in known:
        assert suite.version
        assert suite.version[0].isdigit()
        for _, reason in (*suite.deselected, *suite.explained):
            assert len(reason) > 10


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give an installation of pyx that fetches from the index that pip is configured for."""
    uv = suites.find_uv()
    if uv is None:
        pytest.skip("no uv on the path or in PYX_ORACLE_UV")
    return suites.make_bench(PLAIN_PYTHON, uv, tmp_path_factory.mktemp("suites"))


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.oracle
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("suite", suites.read_suites(), ids=lambda suite: suite.name)
def test_a_suite_has_the_same_results_as_in_a_venv(suite: Any, bench: Any) -> None:
    """Every test of the suite ends under pyx as it ends in a venv of the same lock."""
    try:
        comparison = suites.compare_suite(suite, bench)
    except suites.UnusableSuiteError as reason:
        pytest.skip(str(reason))
    assert comparison.in_venv.outcomes
    assert not comparison.unexplained, "\n".join(suites.describe(comparison))

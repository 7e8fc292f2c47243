"""CPython's own test suite passes under pyx wherever it passes in a virtual environment."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from conformance.cpython import MODULES, QUICK, compare, read_explanations, read_results
from conformance.matrix import WAYS

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
slow = (pytest.mark.slow, pytest.mark.oracle, pytest.mark.timeout(3600))


def _compare_module(module: str, base: Path, pyx: Pyx, directory: Path, way: str) -> list[str]:
    """Return the tests of `module` that fail under pyx alone and have no explanation."""
    has_suite = [base, "-I", "-c", "import test.libregrtest"]
    if subprocess.run(has_suite, capture_output=True, check=False).returncode:
        pytest.skip("this interpreter comes without its test suite")
    venv = directory / "venv"
    subprocess.run([base, "-I", "-m", "venv", "--without-pip", venv], check=True)
    environ = pyx.variables({"PYX_PYTHON": str(base), "PYX_START": way})
    found = compare([str(pyx.path)], [str(venv / "bin" / "python")], [module], environ)
    return [difference.test for difference in found if difference.reason is None]


@pytest.mark.parametrize("module", QUICK[2:])
def test_quick_modules_on_the_newest(
    module: str, interpreters: dict[str, Path], pyx: Pyx, tmp_path: Path
) -> None:
    """The modules that take seconds pass on the newest interpreter that is here."""
    known = [version for version in VERSIONS if version in interpreters]
    if not known:
        pytest.skip("there is no CPython that is compared")
    assert _compare_module(module, interpreters[known[-1]], pyx, tmp_path, WAYS[0]) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("version", [pytest.param(version, marks=slow) for version in VERSIONS])
def test_all_modules(
    module: str, version: str, way: str, interpreters: dict[str, Path], pyx: Pyx, tmp_path: Path
) -> None:
    """Every module that looks at how a program was started passes on every version, both ways."""
    if version not in interpreters:
        pytest.skip(f"there is no CPython {version}")
    assert _compare_module(module, interpreters[version], pyx, tmp_path, way) == []


def test_explanations_name_compared_modules() -> None:
    """No explanation is left over from a module that is no longer compared."""
    assert {explanation.module for explanation in read_explanations()} <= set(MODULES)


def test_missing_results_are_a_failure(tmp_path: Path) -> None:
    """A module that came to no end has failed, whatever its tests did."""
    assert list(read_results(tmp_path / "none.xml").values()) == [False]
    broken = tmp_path / "broken.xml"
    broken.write_bytes(os.urandom(20))
    assert list(read_results(broken).values()) == [False]

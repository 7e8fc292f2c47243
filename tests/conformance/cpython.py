"""Run CPython's own test suite under pyx and under a virtual environment, and compare.

As a program: ``pyx tests/conformance/cpython.py [--python PATH]… [--way WAY]… [MODULE]…`` compares
the modules for each interpreter and prints what fails under pyx alone. `explained.toml` names the
tests that must, if there are any.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tomli

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conformance.matrix import WAYS, choose_way, install
from installed import PLAIN_PYTHON, find_version, forget_outer_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MODULES = (
    "test_cmd_line",
    "test_cmd_line_script",
    "test_runpy",
    "test_subprocess",
    "test_multiprocessing_spawn",
    "test_multiprocessing_forkserver",
    "test_multiprocessing_main_handling",
    "test_concurrent_futures",
    "test_traceback",
    "test_inspect",
    "test_warnings",
    "test_sys",
    "test_pickle",
    "test_threading",
    "test_signal",
    "test_faulthandler",
    "test_atexit",
    "test_pdb",
    "test_doctest",
    "test_code_module",
    "test_utf8_mode",
    "test_importlib",
)
"""What is compared: all that looks at how a program was started, and at its children."""

QUICK = ("test_cmd_line", "test_cmd_line_script", "test_runpy", "test_utf8_mode", "test_atexit")
"""The modules that take seconds and see the most."""

WHOLE = "(the whole module)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why a test may fail under pyx alone."""

    module: str
    test: str
    """A pattern as `fnmatch` has them."""
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A test that passes in the virtual environment and does not under pyx."""

    module: str
    test: str
    reason: str | None
    """Its explanation, if it has one."""


def read_explanations() -> tuple[Explanation, ...]:
    """Return the explanations that stand beside this file."""
    text = Path(__file__).with_name("explained.toml").read_text(encoding="utf-8")
    return tuple(Explanation(**entry) for entry in tomli.loads(text)["explained"])


def run_module(command: Sequence[str], module: str, environ: Mapping[str, str]) -> dict[str, bool]:
    """Run one test module by `command`, which starts python, and return which tests passed.

    A test that was skipped counts as passed. Where the module itself came to no end, the only
    result is that `WHOLE` failed.
    """
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory) / "results.xml"
        subprocess.run(
            [*command, "-m", "test", "--timeout", "600", "--junit-xml", str(results), module],
            cwd=directory,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=1800,
            # A shell that starts this in the background has SIGINT ignored, which tests send.
            preexec_fn=_obey_interrupts,
        )
        return read_results(results)


def _obey_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_results(path: Path) -> dict[str, bool]:
    """Return test name → passed from a file that regrtest's ``--junit-xml`` wrote."""
    try:
        # It was written a moment ago by the test runner that was started here.
        root = ET.parse(path).getroot()  # noqa: S314
    except (OSError, ET.ParseError):
        return {WHOLE: False}
    outcome: dict[str, bool] = {}
    for case in root.iter("testcase"):
        failed = any(child.tag in ("failure", "error") for child in case)
        name = case.get("name", "")
        outcome[name] = outcome.get(name, True) and not failed
    return outcome or {WHOLE: False}


def compare(
    pyx: Sequence[str],
    plain: Sequence[str],
    modules: Iterable[str],
    environ: Mapping[str, str],
    *,
    attempts: int = 2,
) -> list[Difference]:
    """Return what passes by the command `plain` and not by `pyx`, each time in `attempts`."""
    explanations = read_explanations()
    differences: list[Difference] = []
    for module in modules:
        worse = _find_worse(pyx, plain, module, environ)
        for _ in range(attempts - 1):
            if worse:
                worse &= _find_worse(pyx, plain, module, environ)
        for test in sorted(worse):
            reason = _explain(explanations, module, test)
            differences.append(Difference(module=module, test=test, reason=reason))
    return differences


def _find_worse(
    pyx: Sequence[str], plain: Sequence[str], module: str, environ: Mapping[str, str]
) -> set[str]:
    under_pyx = run_module(pyx, module, environ)
    failed = {test for test, passed in under_pyx.items() if not passed}
    if not failed:
        return set()
    in_venv = run_module(plain, module, environ)
    if WHOLE in failed and WHOLE in in_venv:
        sys.stderr.write(f"{module}: came to no end in either; is it installed?\n")
    return {test for test in failed if in_venv.get(test, test == WHOLE and WHOLE not in in_venv)}


def _explain(explanations: Iterable[Explanation], module: str, test: str) -> str | None:
    for explanation in explanations:
        if explanation.module == module and fnmatch.fnmatch(test, f"*{explanation.test}*"):
            return explanation.reason
    return None


def main() -> int:
    """Compare what the command line asks for; the status is 1 if anything is unexplained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", help="the path of an interpreter")
    parser.add_argument("--way", action="append", choices=WAYS, help="by default both")
    parser.add_argument("module", nargs="*", default=MODULES)
    options = parser.parse_args()
    forget_outer_start()
    unexplained = 0
    for base, way in itertools.product(options.python or [PLAIN_PYTHON], options.way or WAYS):
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory).resolve()
            pyx = install(root)
            environ = choose_way({**pyx.environ, "PYX_PYTHON": base}, way)
            subprocess.run([base, "-I", "-m", "venv", "--without-pip", root / "venv"], check=True)
            plain = [str(root / "venv" / "bin" / "python")]
            for module in options.module:
                found = compare([str(pyx.path)], plain, [module], environ)
                new = [difference for difference in found if difference.reason is None]
                unexplained += len(new)
                head = f"{find_version(base)} {module}, {way} way"
                sys.stdout.write(f"{head}: {len(found)} differ, {len(new)} unexplained\n")
                for difference in found:
                    reason = difference.reason or "UNEXPLAINED"
                    sys.stdout.write(f"    {difference.test}: {reason}\n")
                sys.stdout.flush()
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())

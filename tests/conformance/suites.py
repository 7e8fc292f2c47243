"""Run the test suites of well-known distributions under pyx and in a virtual environment.

    pyx tests/conformance/suites.py [--python PATH]… [NAME]…            # prints what differs
    pyx tests/conformance/suites.py [--python PATH]… --write [NAME]…    # and writes the documents

It compares test by test, for each suite of `suites.toml`; what differs runs three times. Both sides
get the same lock, which uv resolves, and the same tree of tests, which comes from the sdist. It
needs uv on the path, or in `PYX_ORACLE_UV`, and the package index. ``$PYX_TEST_FORKY`` names a
Debian root, whose Python 3.14 is tried as well. Of the table that is written, only what was
compared changes.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import tomli
from benchmarks.measure import format_table
from forky import PYTHONS, run_program
from installed import (
    KINDS,
    PLAIN_PYTHON,
    ROOT,
    Pyx,
    build_native,
    find_version,
    forget_outer_start,
)
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from pagetables import replace_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PAGE = ROOT / "docs" / "compatibility.md"
MARKS = (
    "<!-- suites: written by tests/conformance/suites.py -->\n",
    "<!-- end of suites -->\n",
)
HEAD = "package"
PART = ", a part"
NOT_COMPARED = "not compared"
SUITES = Path(__file__).with_name("suites.toml")
OUTCOMES = ("passed", "failed", "skipped")
ABSENT = "absent"
OTHER_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
WHOLE = "(the whole suite)"
"""The only result of a side on which pytest did not come to its end: that it failed."""
TOLD = 20
"""How many differences are told one by one."""
LIMIT = 1800.0
"""How many seconds one side may take."""
INSTALLED = re.compile(r"/[^][\s'\"]*/(?:site-packages|store/[^/]+/[^/]+/[^/]+)/")
"""Where distributions are installed on either side, as it stands in the parameters of a test."""


class UnusableSuiteError(Exception):
    """A suite that cannot be compared here, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """The tests of one distribution, and what they need."""

    name: str
    version: str
    extras: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """The requirements of the tests beyond the distribution itself; pytest is always there."""
    arguments: tuple[str, ...] = ()
    """What follows ``-m pytest``."""
    part: bool = False
    """Whether the arguments choose a part of the tests that are for this side."""
    hide: tuple[str, ...] = ()
    """Parts of the sdist that would be imported in place of the installed distribution."""
    before: str = ""
    """The date that resolving takes for today."""
    interpreters: str = ">=3.9"
    """The interpreters that the distribution and its tests support."""
    deselected: tuple[tuple[str, str], ...] = ()
    """Tests that say nothing on this side or that, and why."""
    explained: tuple[tuple[str, str], ...] = ()
    """Patterns, as `fnmatch` has them, of tests that must differ, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """What one side reported: the outcomes of each test, and how long they took together."""

    outcomes: Mapping[str, tuple[str, ...]]
    seconds: float = 0.0

    def counts(self) -> str:
        """Return how many tests passed, failed and were skipped, for one line."""
        counter = Counter(one for outcomes in self.outcomes.values() for one in outcomes)
        return "/".join(str(counter[name]) for name in OUTCOMES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A test that did not end in the same way on both sides."""

    test: str
    in_venv: tuple[str, ...]
    under_pyx: tuple[str, ...]
    reason: str | None = None
    """Its explanation, if it has one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Both sides of one suite, as the last attempt had them."""

    suite: Suite
    in_venv: Results
    under_pyx: Results
    differences: tuple[Difference, ...]
    """Those that came again in each attempt."""
    unsteady: tuple[Difference, ...] = ()
    """Those that did not: tests that pass or fail by chance."""

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """The differences that no explanation covers."""
        return tuple(found for found in self.differences if found.reason is None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """With what suites are compared: programs, an interpreter, variables, a place to work in."""

    pyx: Path
    uv: Path
    python: Path
    """The real interpreter of both sides."""
    environ: Mapping[str, str]
    directory: Path


def read_suites(path: Path = SUITES) -> tuple[Suite, ...]:
    """Return the suites of `suites.toml`; the lists of it become tuples."""
    document = tomli.loads(path.read_text(encoding="utf-8"))
    return tuple(
        _suite({"before": document["resolved-before"], **table}) for table in document["suite"]
    )


def _suite(table: Mapping[str, Any]) -> Suite:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    for key in ("deselected", "explained"):
        values[key] = tuple(
            (test, entry["reason"]) for entry in table.get(key, ()) for test in entry["tests"]
        )
    return Suite(**values)


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without what would change how python, pip or pytest behaves."""
    foreign = ("PYTHON", "PYTEST_", "VIRTUAL_ENV", "PIP_", "COVERAGE_")
    return {name: value for name, value in environ.items() if not name.startswith(foreign)}


def compare_suite(suite: Suite, bench: Bench, *, attempts: int = 3) -> Comparison:
    """Run `suite` in a virtual environment and under pyx, again where the results differ.

    Raises UnusableSuiteError where the suite is not for the interpreter or cannot be installed.
    """
    base = bench.directory / suite.name
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    lock = _lock(suite, bench, base)
    sdist = _download_sdist(suite, lock, base)
    venv = _make_venv(lock, bench, base)
    rounds: list[list[Difference]] = []
    for attempt in range(attempts):
        place = base / f"attempt-{attempt + 1}"
        in_venv = _run_side(suite, [str(venv)], bench, tests=sdist, place=place / "venv")
        if ("passed",) not in in_venv.outcomes.values():
            raise UnusableSuiteError(f"nothing passes in a venv: see {place / 'venv' / 'output'}")
        pyx = [str(bench.pyx), "--python", str(bench.python)]
        under_pyx = _run_side(suite, pyx, bench, tests=sdist, place=place / "pyx")
        rounds.append(find_differences(suite, in_venv, under_pyx))
        steady, unsteady = sort_out(rounds)
        if all(one.reason for one in steady):
            break
    return Comparison(
        suite=suite, in_venv=in_venv, under_pyx=under_pyx, differences=steady, unsteady=unsteady
    )


def sort_out(
    rounds: Sequence[Sequence[Difference]],
) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Return the differences of the last of `rounds` that all others had too, and all the rest."""
    steady = set.intersection(*({one.test for one in found} for found in rounds))
    rest = {one.test: one for found in rounds for one in found if one.test not in steady}
    return tuple(one for one in rounds[-1] if one.test in steady), tuple(rest.values())


def _lock(suite: Suite, bench: Bench, base: Path) -> Path:
    """Write a pylock.toml for the suite, resolved for the interpreter as of the suite's date."""
    version = _tell(bench.python, "'%d.%d.%d' % sys.version_info[:3]")
    if version not in SpecifierSet(suite.interpreters):
        raise UnusableSuiteError(f"it is for Python {suite.interpreters}")
    extras = f"[{','.join(suite.extras)}]" if suite.extras else ""
    wanted = [f"{suite.name}{extras}=={suite.version}", "pytest", *suite.needs]
    (base / "requirements.in").write_text("\n".join(wanted), encoding="utf-8")
    lock = base / "pylock.toml"
    resolve = ["pip", "compile", "--no-config", "--format", "pylock.toml", "-o", str(lock)]
    against = ["--python", str(bench.python), "--exclude-newer", suite.before]
    _run([str(bench.uv), *resolve, *against, str(base / "requirements.in")], bench.environ)
    return lock


def _tell(python: Path, expression: str) -> str:
    command = [str(python), "-I", "-c", f"import sys; print({expression}, end='')"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return str(done.stdout)


def _run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnusableSuiteError(
            f"{Path(command[0]).name} {command[1]} {command[2]}: {done.stderr.strip()[-800:]}"
        )


def _download_sdist(suite: Suite, lock: Path, base: Path) -> Path:
    """Fetch the suite's sdist from where the lock says and check it against the lock's hash."""
    for package in tomli.loads(lock.read_text(encoding="utf-8"))["packages"]:
        if canonicalize_name(package["name"]) != canonicalize_name(suite.name):
            continue
        sdist = package["sdist"]
        with urllib.request.urlopen(sdist["url"], timeout=120) as answer:  # noqa: S310  # from the lock
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != sdist["hashes"]["sha256"]:
            raise UnusableSuiteError("its sdist is not the one that was locked")
        path = base / "sdist.tar.gz"
        path.write_bytes(content)
        return path
    raise UnusableSuiteError("the lock does not name it")


def _make_venv(lock: Path, bench: Bench, base: Path) -> Path:
    """Install the lock into a new virtual environment and return its python."""
    create = ["-m", "venv", "--without-pip", str(base / "venv")]
    _run([str(bench.python), *create], bench.environ)
    python = base / "venv" / "bin" / "python"
    install = ["pip", "sync", "--no-config", "--preview-features", "pylock"]
    _run([str(bench.uv), *install, "--python", str(python), str(lock)], bench.environ)
    return python


def _run_side(
    suite: Suite, start: Sequence[str], bench: Bench, *, tests: Path, place: Path
) -> Results:
    """Run the `tests` of an sdist by the command `start`, and leave what they print in `place`.

    They run in a new tree whose name is the same each time, as some tests tell it in their name.
    """
    base = bench.directory / suite.name
    tree = _unpack(suite, tests, base / "tree")
    shutil.copy(base / "pylock.toml", tree)
    home = base / "home"
    shutil.rmtree(home, ignore_errors=True)
    for directory in (home, place):
        directory.mkdir(parents=True)
    results = place / "results.xml"
    command = [*start, "-m", "pytest", "-q", f"--junitxml={results}", f"--basetemp={base / 'tmp'}"]
    for test, _ in suite.deselected:
        command += ["--deselect", test]
    begun = time.monotonic()
    with (place / "output").open("wb") as output, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*command, *suite.arguments],
            cwd=tree,
            env=_side_environ(start, bench, tree, home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=LIMIT,
        )
    return Results(outcomes=read_results(results, suite), seconds=time.monotonic() - begun)


def _side_environ(start: Sequence[str], bench: Bench, tree: Path, home: Path) -> dict[str, str]:
    """Return variables with the console scripts of one side first on the path.

    There is no user site on either side; a conftest.py may look at `sys.flags` for that.
    """
    find = [*start, "-c", "import sys; print(sys.executable)"]
    told = subprocess.run(
        find, cwd=tree, env=bench.environ, capture_output=True, text=True, check=False
    )
    path = [str(Path(told.stdout.strip()).parent), bench.environ.get("PATH", os.defpath)]
    own = {"HOME": str(home), "PATH": os.pathsep.join(path), "PYTHONNOUSERSITE": "1"}
    return {**bench.environ, **own}


def _unpack(suite: Suite, sdist: Path, tree: Path) -> Path:
    """Unpack the sdist to `tree`, without the parts that the suite hides, and without its locks."""
    unpacked = tree.with_name("unpacked")
    for directory in (tree, unpacked):
        shutil.rmtree(directory, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    next(unpacked.iterdir()).rename(tree)
    for name in suite.hide:
        shutil.rmtree(tree / name)
    for name in OTHER_LOCKS:
        (tree / name).unlink(missing_ok=True)
    return tree


def read_results(path: Path, suite: Suite) -> dict[str, tuple[str, ...]]:
    """Return test → outcomes from a file that pytest's ``--junitxml`` wrote.

    Tests may share a name, so each has the sorted outcomes of all of its name. Where there is no
    such file the only result is that `WHOLE` failed.
    """
    try:
        root = ET.parse(path).getroot()  # noqa: S314  # pytest wrote it, here
    except (OSError, ET.ParseError):
        return {WHOLE: ("failed",)}
    found: dict[str, list[str]] = {}
    for case in root.iter("testcase"):
        module = _without_location(case.get("classname", ""), suite.name)
        name = INSTALLED.sub("SITE/", case.get("name", ""))
        found.setdefault(f"{module}::{name}", []).append(_outcome(case))
    return {test: tuple(sorted(outcomes)) for test, outcomes in found.items()}


def _without_location(module: str, name: str) -> str:
    """Cut off where the distribution is installed from the dotted path of a test in it."""
    start = module.rfind(f".{name}.")
    return module if start < 0 else module[start + 1 :]


def _outcome(case: ET.Element) -> str:
    tags = {child.tag for child in case}
    if tags & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in tags else "passed"


def find_differences(suite: Suite, in_venv: Results, under_pyx: Results) -> list[Difference]:
    """Return the tests whose outcomes differ, or that one side does not have, by name."""
    names = sorted({*in_venv.outcomes, *under_pyx.outcomes})
    return [
        Difference(
            test=test,
            in_venv=in_venv.outcomes.get(test, (ABSENT,)),
            under_pyx=under_pyx.outcomes.get(test, (ABSENT,)),
            reason=_explain(suite, test),
        )
        for test in names
        if in_venv.outcomes.get(test) != under_pyx.outcomes.get(test)
    ]


def _explain(suite: Suite, test: str) -> str | None:
    matching = (reason for pattern, reason in suite.explained if fnmatch.fnmatch(test, pattern))
    return next(matching, None)


def describe(comparison: Comparison) -> Iterator[str]:
    """Yield the lines that tell a comparison: the sums, then each difference."""
    venv, pyx = comparison.in_venv, comparison.under_pyx
    yield (
        f"{comparison.suite.name} {comparison.suite.version}: venv {venv.counts()} in "
        f"{venv.seconds:.0f} s, pyx {pyx.counts()} in {pyx.seconds:.0f} s, "
        f"{len(comparison.differences)} differ, {len(comparison.unexplained)} unexplained"
    )
    for one in comparison.differences[:TOLD]:
        yield (
            f"    {one.test}: venv {', '.join(one.in_venv)}, pyx {', '.join(one.under_pyx)}: "
            f"{one.reason or 'UNEXPLAINED'}"
        )
    for one in comparison.unsteady[:TOLD]:
        yield f"    {one.test}: venv {', '.join(one.in_venv)}, pyx {', '.join(one.under_pyx)}: once"


def find_uv() -> Path | None:
    """Return uv, the oracle that resolves and installs, if it is there."""
    found = os.environ.get("PYX_ORACLE_UV") or shutil.which("uv")
    return Path(found) if found else None


def main() -> int:
    """Compare what the command line asks for; the status is 1 if anything is unexplained."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--python", action="append", help="the path of an interpreter")
    parser.add_argument("--uv", type=Path, default=find_uv())
    parser.add_argument("--directory", type=Path, help="where to work and leave everything")
    parser.add_argument("--json", action="store_true", help="print the cells of the table alone")
    parser.add_argument("--write", action="store_true", help="write the table into the documents")
    parser.add_argument("name", nargs="*")
    options = parser.parse_args()
    if options.uv is None:
        parser.error("uv must be on the path, or named by PYX_ORACLE_UV")
    forget_outer_start()
    suites = [suite for suite in read_suites() if suite.name in (options.name or [suite.name])]
    table: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        directory = (options.directory or Path(temporary)).resolve()
        directory.mkdir(exist_ok=True)
        for python in options.python or [PLAIN_PYTHON]:
            version = find_version(python)
            bench = make_bench(python, options.uv, directory / version)
            table[version] = {suite.name: _report(suite, bench, version) for suite in suites}
        if options.json:
            sys.stdout.write(json.dumps(table))
            return 0
        words = ["--uv", str(options.uv), "--directory", str(directory), *options.name]
        seen = [options.uv.resolve().parent, directory]
        table |= json.loads(run_program(__file__, PYTHONS[:1], words, seen))
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(write_table(page, table), encoding="utf-8")
    return int(any("UNEXPLAINED" in cell for row in table.values() for cell in row.values()))


def make_bench(python: str, uv: Path, directory: Path) -> Bench:
    """Return a bench for an interpreter, with an installation of this tree in `directory`."""
    native = build_native(_made(directory), *KINDS)
    if native is None:
        sys.exit("there is no C compiler, and PYX_TEST_PROGRAM names no native program")
    variables = clean_environ(os.environ)
    own = {"PYX_HOME": str(directory / "pyx-home"), "PYX_CACHE_DIR": str(directory / "pyx-cache")}
    shutil.rmtree(directory / "installed", ignore_errors=True)
    pyx = Pyx(directory / "installed", native, variables)
    return Bench(
        pyx=pyx.path, uv=uv, python=Path(python), environ=variables | own, directory=directory
    )


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _report(suite: Suite, bench: Bench, version: str) -> str:
    """Tell on stderr how the suite ends on either side, and return the cell of the table."""
    try:
        comparison = compare_suite(suite, bench)
    except UnusableSuiteError as reason:
        sys.stderr.write(f"{version} {suite.name} {suite.version}: not compared, {reason}\n")
        return NOT_COMPARED
    for line in describe(comparison):
        sys.stderr.write(f"{version} {line}\n" if line[0] != " " else f"{line}\n")
    sys.stderr.flush()
    return format_cell(comparison)


def format_cell(comparison: Comparison) -> str:
    """Return how many tests were compared, and how many differ for which reasons."""
    count = sum(map(len, comparison.in_venv.outcomes.values()))
    if not comparison.differences:
        return f"{count:,}"
    reasons = dict.fromkeys(one.reason or "UNEXPLAINED" for one in comparison.differences)
    return f"{count:,}; {len(comparison.differences)} differ: {'; '.join(reasons)}"


def write_table(page: str, table: Mapping[str, Mapping[str, str]]) -> str:
    """Return `page` with the cells of `table` in it: version of Python → suite → cell."""
    start, end = MARKS
    old = page.partition(start)[2].partition(end)[0]
    lines = [line.strip("|").split("|") for line in old.splitlines() if line[:1] == "|"]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines] or [[HEAD], []]
    names = {f"{suite.name} {suite.version}": suite for suite in read_suites()}
    versions = sorted({*head[1:], *table}, key=lambda one: [int(part) for part in one.split(".")])
    # Known by the version too, so that what was found of another one goes away.
    cells = {
        (row[0].removesuffix(PART), version): cell
        for row in rows
        for version, cell in zip(head[1:], row[1:], strict=True)
    }
    for version, found in table.items():
        cells |= {
            (name, version): found[suite.name]
            for name, suite in names.items()
            if suite.name in found
        }
    written = [
        [
            name + (PART if suite.part else ""),
            *(cells.get((name, version), NOT_COMPARED) for version in versions),
        ]
        for name, suite in names.items()
        if any(cells.get((name, version), NOT_COMPARED) != NOT_COMPARED for version in versions)
    ]
    return replace_between(page, start, end, format_table([HEAD, *versions], written))


if __name__ == "__main__":
    sys.exit(main())

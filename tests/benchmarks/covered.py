"""Time `pytest --cov` on a Flask project of six statements, under pyx and in a virtual environment.

    pyx tests/benchmarks/covered.py [--python PATH]… [--rounds N]

needs the index that pip is configured for, and a uv. The two take turns, everything is warm, and
the medians are compared: the time that passes, and the processor time of all processes, which what
else the machine does changes less. ``$PYX_TEST_FORKY`` names a Debian root, whose newest Python is
measured as well. Exit status: 0, or 1 where either does not report six statements.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conformance.library_code import Ground
from forky import PYTHONS, run_program
from installed import PLAIN_PYTHON, find_version, forget_outer_start

from benchmarks.measure import format_table

if TYPE_CHECKING:
    from collections.abc import Sequence

REQUIRES = ("flask", "pytest", "pytest-cov")
STATEMENTS = 6
APPLICATION = """\
import flask
app = flask.Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""
TEST = """\
from application import app
def test():
    assert app.test_client().get("/").text == "hello"
"""
WORDS = ("-m", "pytest", "-q", "--cov", "-p", "no:cacheprovider")
TOTAL = re.compile(r"^TOTAL +(\d+) ", re.MULTILINE)
HEAD = ("Python", "packages", "statements", "time", "ratio", "processor time", "ratio")


def write_project(project: Path) -> None:
    """Write the application and its test, six statements in all."""
    (project / "application.py").write_text(APPLICATION, encoding="utf-8")
    (project / "test_application.py").write_text(TEST, encoding="utf-8")


def count_statements(output: str) -> int:
    """Return how many statements a report of coverage has; -1 if there is no report."""
    found = TOTAL.search(output)
    return int(found[1]) if found else -1


def spend(words: Sequence[str | Path], project: Path, ground: Ground) -> tuple[float, float, int]:
    """Run the tests once; return seconds, processor seconds, and how many statements it reports."""
    with tempfile.TemporaryFile() as stream:
        before = time.perf_counter()
        child = subprocess.Popen(
            words, cwd=project, env=ground.pyx.environ, stdin=subprocess.DEVNULL, stdout=stream
        )
        _, status, usage = os.wait4(child.pid, 0)
        elapsed = time.perf_counter() - before
        child.returncode = os.waitstatus_to_exitcode(status)
        stream.seek(0)
        count = count_statements(stream.read().decode())
    return elapsed, usage.ru_utime + usage.ru_stime, count


def measure(ground: Ground, version: str, *, links: bool, rounds: int) -> tuple[str, ...]:
    """Return the row of one interpreter and one layout."""
    project, python = ground.prepare("covered", REQUIRES, links=links)
    write_project(project)
    sides = [(ground.pyx.path, *WORDS), (python, *WORDS)]
    seen: list[list[tuple[float, float, int]]] = [[], []]
    for number in range(rounds + 2):
        # Each is first as often as last.
        for side in (0, 1) if number % 2 else (1, 0):
            spent = spend(sides[side], project, ground)
            if number >= 2:
                seen[side].append(spent)
    counts = sorted({count for side in seen for _, _, count in side})
    cells = [version, "a tree of links" if links else "one by one", ", ".join(map(str, counts))]
    for what in (0, 1):
        ours, plain = (statistics.median(each[what] for each in side) for side in seen)
        cells += [f"{ours:.2f} / {plain:.2f} s", f"{ours / plain:.2f}"]
    return tuple(cells)


def main() -> int:
    """Print the table; returns an exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", help="the path of an interpreter")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--uv", default=shutil.which("uv") or "uv")
    parser.add_argument("--json", action="store_true", help="print the rows alone")
    options = parser.parse_args()
    forget_outer_start()
    rows: dict[str, list[tuple[str, ...]]] = {}
    with tempfile.TemporaryDirectory(prefix="pyx-covered-") as temporary:
        for python in options.python or [PLAIN_PYTHON]:
            version = find_version(python)
            ground = Ground.make(Path(temporary, version).resolve(), python=python, uv=options.uv)
            rows[version] = [
                measure(ground, version, links=links, rounds=options.rounds)
                for links in (False, True)
            ]
        subprocess.run(["chmod", "-R", "u+w", temporary], check=False)
    if options.json:
        sys.stdout.write(json.dumps(rows))
        return 0
    words, seen = ["--uv", options.uv, "--rounds", str(options.rounds)], Path(options.uv).resolve()
    rows |= json.loads(run_program(__file__, PYTHONS[-1:], words, [seen.parent]))
    table = [row for each in rows.values() for row in each]
    sys.stdout.write(format_table(HEAD, table))
    return int(any(row[2] != str(STATEMENTS) for row in table))


if __name__ == "__main__":
    sys.exit(main())

"""Ask tools which code is a library's, under pyx and in a virtual environment, and compare.

``pyx tests/conformance/library_code.py [--python PATH]… [NAME]…`` needs the index that pip is
configured for, and a uv. Each program of ``library_code.toml`` runs in a virtual environment, and
under pyx with its packages on ``sys.path`` one by one and with so many that they become a tree of
links. ``$PYX_TEST_FORKY`` names a Debian root, whose newest Python is asked as well. It writes the
table "Library code and yours" of docs/compatibility.md; with names, those rows alone. Exit status:
0, or 1 where a row differs and does not say why.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import tomli

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from forky import PYTHONS, run_program
from installed import KINDS, PLAIN_PYTHON, Pyx, build_native, find_version, forget_outer_start
from pagetables import replace_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUESTIONS = Path(__file__).with_suffix(".toml")
PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
START = "<!-- library code: written by tests/conformance/library_code.py -->\n"
END = "<!-- end of library code -->\n"
HEAD = ("tool", "asks", "asked on", "packages one by one", "a tree of links")
SAME = "the same"
NO_WHEELS = "no wheels"
DOES_NOT_RUN = "does not run"
LIBRARY = "idna==3.10"
MINE = """\
import idna

def f():
    return idna.encode("example")

def fail():
    idna.encode("a" * 70)
"""
MAIN = "import mine\nmine.f()\n"
FILLERS = (
    *("six", "toml", "attrs", "certifi", "wheel", "zipp", "pytz", "iniconfig", "pluggy", "blinker"),
    *("itsdangerous", "markupsafe", "colorama", "tabulate", "termcolor", "wcwidth", "filelock"),
    *("decorator", "toolz", "cachetools", "sortedcontainers", "pathspec", "platformdirs"),
)
"""Small packages, so many that with them every environment is a tree of links."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What one tool is asked, by a program that prints the answer."""

    name: str
    requires: tuple[str, ...]
    asks: str
    program: str
    differs: str = ""
    """Why the answer under pyx is another one, if it is."""
    fails: bool = False
    """Whether a traceback is what it is asked for; elsewhere one is no answer."""


class AbsentToolError(Exception):
    """A tool cannot be asked on an interpreter: an explanation, and the words for the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """Where everything is made, and by what."""

    directory: Path
    pyx: Pyx
    uv: str
    python: str

    @classmethod
    def make(cls, directory: Path, *, python: str, uv: str) -> Ground:
        """Install pyx from this tree into the new `directory`."""
        directory.mkdir()
        native = build_native(directory, *KINDS)
        if native is None:
            sys.exit("there is no C compiler, and PYX_TEST_PROGRAM names no native program")
        kept = {name: value for name, value in os.environ.items() if name[:4] != "PYX_"}
        for ours, its in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
            if ours in kept:
                kept.setdefault(its, kept[ours])
        own = {"PYX_HOME": f"{directory}/home", "PYX_CACHE_DIR": f"{directory}/cache"}
        own |= {"PYX_PYTHON": python}
        kept.pop("PYTHONPATH", None)
        pyx = Pyx(directory / "bin", native, kept | own)
        return cls(directory=directory, pyx=pyx, uv=uv, python=python)

    def run(self, words: list[str | Path], project: Path, *, check: bool = True) -> str:
        """Run a process to its end; return what it printed. Raises RuntimeError if it failed."""
        done = subprocess.run(
            words,
            cwd=project,
            env=self.pyx.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{words[:4]}: {done.stdout.strip()[-800:]}")
        return done.stdout

    def prepare(self, name: str, requires: Sequence[str], *, links: bool) -> tuple[Path, Path]:
        """Lock packages, by wheels alone; return the project and a virtual environment's python.

        Raises AbsentToolError where one of them has no wheel for the interpreter.
        """
        project = self.directory / f"{name}-{'links' if links else 'direct'}"
        project.mkdir()
        wanted = [*requires, *(FILLERS if links else ())]
        (project / "requirements.in").write_text("\n".join(wanted), encoding="utf-8")
        python = ["--python", self.python]
        words = [self.uv, "pip", "compile", "--quiet", "--generate-hashes", *python]
        try:
            only = ["--only-binary", ":all:"]
            self.run([*words, *only, "requirements.in", "-o", "requirements.txt"], project)
        except RuntimeError as error:
            raise AbsentToolError(str(error), NO_WHEELS) from error
        venv = self.directory / f"{project.name}-venv"
        self.run([self.uv, "venv", "--quiet", *python, venv], project)
        plain = venv / "bin" / "python"
        sync = [self.uv, "pip", "sync", "--quiet", "--python", plain]
        self.run([*sync, "requirements.txt"], project)
        return project, plain

    def answer(self, question: Question, *, links: bool) -> tuple[str, str]:
        """Return what the program prints under pyx, and in a virtual environment.

        Raises AbsentToolError where it does not run in a virtual environment.
        """
        wanted = [LIBRARY, *question.requires]
        project, python = self.prepare(question.name, wanted, links=links)
        (project / "mine.py").write_text(MINE, encoding="utf-8")
        (project / "main.py").write_text(MAIN, encoding="utf-8")
        (project / "ask.py").write_text(question.program, encoding="utf-8")
        try:
            plain = self.run([python, "ask.py"], project)
        except RuntimeError as error:
            raise AbsentToolError(str(error), DOES_NOT_RUN) from error
        if not plain.strip() or ("Traceback (most recent" in plain and not question.fails):
            raise AbsentToolError(plain, DOES_NOT_RUN)
        for made in ("__pycache__", ".coverage", "cover", "test_mine.py", "test_fails.py"):
            path = project / made
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(True)
        ours = self.run([self.pyx.path, "ask.py"], project, check=False)
        shutil.rmtree(python.parents[1])
        return tell(ours, project), tell(plain, project)


def tell(output: str, project: Path) -> str:
    """Return an answer without what differs from run to run: addresses, times, places."""
    output = re.sub(r"\S*/site-packages/", "SITE/", output.replace(str(project), "PROJECT"))
    return re.sub(r"0x[0-9a-f]+|\b\d+\.\d+s\b", "…", output).strip()


def read_questions() -> dict[str, Question]:
    """Return what is to be asked, by the names of the tools."""
    data = tomli.loads(QUESTIONS.read_text(encoding="utf-8"))
    return {
        name: Question(name=name, **{**row, "requires": tuple(row["requires"])})
        for name, row in data.items()
    }


def compare(question: Question, ground: Ground) -> list[str]:
    """Return for each layout `SAME`, why it could not be asked, or the two answers."""
    cells = []
    for links in (False, True):
        try:
            ours, plain = ground.answer(question, links=links)
        except AbsentToolError as error:
            sys.stderr.write(f"{question.name}: {error.args[0]}\n")
            cells.append(error.args[1])
            continue
        cells.append(SAME if ours == plain else f"--- pyx\n{ours}\n--- venv\n{plain}")
    sys.stderr.write(f"{question.name}: {' | '.join(cells)}\n")
    return cells


def ask(pythons: Sequence[str], names: Sequence[str], uv: str) -> dict[str, dict[str, list[str]]]:
    """Return what `compare` says, by the versions of the interpreters and the names of tools."""
    questions = read_questions()
    found: dict[str, dict[str, list[str]]] = {}
    with tempfile.TemporaryDirectory(prefix="pyx-library-code-") as temporary:
        for python in pythons:
            version = find_version(python)
            ground = Ground.make(Path(temporary, version).resolve(), python=python, uv=uv)
            found[version] = {name: compare(questions[name], ground) for name in names}
        subprocess.run(["chmod", "-R", "u+w", temporary], check=False)
    return found


def format_row(question: Question, found: Mapping[str, list[str]]) -> tuple[tuple[str, ...], bool]:
    """Return the row of one tool, and whether it is as it should be on every version."""
    absent = {
        version: reason
        for version, cells in found.items()
        for reason in (NO_WHEELS, DOES_NOT_RUN)
        if reason in cells
    }
    asked = {version: cells for version, cells in found.items() if version not in absent}
    words = [", ".join(asked), *(f"{version}: {reason}" for version, reason in absent.items())]
    cells, well = [], True
    for number in range(2):
        differ = [version for version, answers in asked.items() if answers[number] != SAME]
        well &= not differ or bool(question.differs)
        where = "" if len(differ) == len(asked) else f"{', '.join(differ)}: "
        cells.append(where + (question.differs or "**differs**") if differ else SAME)
    return (question.name, question.asks, "; ".join(filter(None, words)), *cells), well


def main() -> int:
    """Do what the command line asks for; returns an exit status."""
    questions = read_questions()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", help="the path of an interpreter")
    parser.add_argument("--uv", default=shutil.which("uv") or "uv")
    parser.add_argument("--json", action="store_true", help="print the answers alone")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    forget_outer_start()
    names = options.names or list(questions)
    found = ask(options.python or [PLAIN_PYTHON], names, options.uv)
    if options.json:
        sys.stdout.write(json.dumps(found))
        return 0
    words, seen = ["--uv", options.uv, *names], [Path(options.uv).resolve().parent]
    found |= json.loads(run_program(__file__, PYTHONS[-1:], words, seen))
    rows, well = {}, True
    for name in names:
        answers = {version: answers[name] for version, answers in found.items()}
        rows[name], as_expected = format_row(questions[name], answers)
        well &= as_expected
    note = f"Last written on {datetime.now(timezone.utc):%Y-%m-%d}."
    page = replace_rows(PAGE.read_text(encoding="utf-8"), (START, END), HEAD, questions, rows, note)
    PAGE.write_text(page, encoding="utf-8")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())

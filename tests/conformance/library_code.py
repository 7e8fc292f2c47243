"""Ask tools which code is a library's, under pyx and in a virtual environment, and compare.

``pyx tests/conformance/library_code.py [--python PATH] [NAME]…`` needs the index that pip is
configured for, and a uv. Each program of ``library_code.toml`` runs in a virtual environment, and
under pyx with its packages on ``sys.path`` one by one and with so many that they become a tree of
links. It writes the table "Library code and yours" of docs/compatibility.md; with names, those rows
alone. Exit status: 0, or 1 where a row differs and does not say why.
"""

from __future__ import annotations

import argparse
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

from pagetables import replace_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

QUESTIONS = Path(__file__).with_suffix(".toml")
PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
START = "<!-- library code: written by tests/conformance/library_code.py -->\n"
END = "<!-- end of library code -->\n"
HEAD = ("tool", "asks", "packages one by one", "a tree of links")
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
    *("itsdangerous", "markupsafe", "colorama", "tabulate", "termcolor", "wcwidth", "docopt"),
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """Where everything is made, and by what."""

    directory: Path
    pyx: str
    uv: str
    python: str
    environ: Mapping[str, str]

    def run(self, words: list[str], project: Path, *, check: bool = True) -> str:
        """Run a process to its end; return what it printed. Raises RuntimeError if it failed."""
        done = subprocess.run(
            words,
            cwd=project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{words[:4]}: {done.stdout.strip()[-800:]}")
        return done.stdout

    def answer(self, question: Question, *, fillers: bool) -> tuple[str, str]:
        """Return what the program prints under pyx, and in a virtual environment."""
        project = self.directory / f"{question.name}-{'links' if fillers else 'direct'}"
        project.mkdir()
        (project / "mine.py").write_text(MINE, encoding="utf-8")
        (project / "main.py").write_text(MAIN, encoding="utf-8")
        (project / "ask.py").write_text(question.program, encoding="utf-8")
        wanted = [LIBRARY, *question.requires, *(FILLERS if fillers else ())]
        (project / "requirements.in").write_text("\n".join(wanted), encoding="utf-8")
        python = ["--python", self.python]
        compile_words = [self.uv, "pip", "compile", "--quiet", "--generate-hashes", *python]
        self.run([*compile_words, "requirements.in", "-o", "requirements.txt"], project)
        venv = self.directory / "venv"
        self.run([self.uv, "venv", "--quiet", *python, str(venv)], project)
        sync = [self.uv, "pip", "sync", "--quiet", "--python", str(venv / "bin" / "python")]
        self.run([*sync, "requirements.txt"], project)
        plain = self.run([str(venv / "bin" / "python"), "ask.py"], project)
        for made in ("__pycache__", ".coverage", "cover", "test_mine.py", "test_fails.py"):
            path = project / made
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(True)
        ours = self.run([self.pyx, *python, "ask.py"], project, check=False)
        shutil.rmtree(venv)
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


def compare(question: Question, ground: Ground) -> tuple[tuple[str, ...], bool]:
    """Return the row of one tool, and whether it is as it should be."""
    cells, well = [], True
    for fillers in (False, True):
        ours, plain = ground.answer(question, fillers=fillers)
        same = ours == plain
        if not same and not question.differs:
            well = False
            sys.stderr.write(f"{question.name}:\n--- pyx\n{ours}\n--- venv\n{plain}\n")
        cells.append("the same" if same else question.differs or "**differs**")
    return (question.name, question.asks, *cells), well


def main() -> int:
    """Do what the command line asks for; returns an exit status."""
    questions = read_questions()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=getattr(sys, "_base_executable", sys.executable))
    parser.add_argument("--pyx", default=shutil.which("pyx") or "pyx")
    parser.add_argument("--uv", default=shutil.which("uv") or "uv")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pyx-library-code-") as temporary:
        environ = {name: value for name, value in os.environ.items() if name[:4] != "PYX_"}
        environ |= {"PYX_HOME": f"{temporary}/home", "PYX_CACHE_DIR": f"{temporary}/cache"}
        for ours, its in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
            if ours in environ:
                environ.setdefault(its, environ[ours])
        ground = Ground(
            directory=Path(temporary),
            pyx=options.pyx,
            uv=options.uv,
            python=options.python,
            environ=environ,
        )
        rows, well = {}, True
        for name in options.names or questions:
            rows[name], as_expected = compare(questions[name], ground)
            well &= as_expected
            sys.stderr.write(f"{' | '.join(rows[name])}\n")
        subprocess.run(["chmod", "-R", "u+w", temporary], check=False)
    version = subprocess.run(
        [options.python, "-V"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    note = f"Last written on {datetime.now(timezone.utc):%Y-%m-%d}, with Python {version}."
    page = replace_rows(PAGE.read_text(encoding="utf-8"), (START, END), HEAD, questions, rows, note)
    PAGE.write_text(page, encoding="utf-8")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())

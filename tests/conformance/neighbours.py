"""Start programs by known tools, and see which modules beside them they find, under pyx and not.

    pyx tests/conformance/neighbours.py --python PATH…            # prints the table
    pyx tests/conformance/neighbours.py --python PATH… --write    # and writes it into the documents

Each program lies in ``app`` below the working directory; one module lies beside it and one in the
working directory. It tells which it can import, its arguments and the flags that decide it. The
tool runs by pyx and by the python of a virtual environment into which pip has installed the same
wheels, which are fetched first. ``$PYX_TEST_FORKY`` names a Debian root, whose two newest Pythons
are tried as well; what does not install there is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import format_table
from forky import PYTHONS, SealedRoot, list_own_places, list_places_of_pip, list_variables_of_pip
from installed import KINDS, PLAIN_PYTHON, ROOT, Pyx, build_native, forget_outer_start
from pagetables import replace_between
from wheelhouse import pylock_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DOCUMENT = ROOT / "docs" / "compatibility.md"
START = "<!-- neighbours: written by tests/conformance/neighbours.py -->\n"
END = "<!-- end of neighbours -->\n"
EMPTY = 'lock-version = "1.0"\ncreated-by = "tests"\npackages = []\n'
LEFT_OUT = "no wheels"

TELL = """\
import sys
def tried(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False
beside, below = tried("near_script"), tried("near_directory")
flags = sys.flags.isolated, sys.flags.ignore_environment, getattr(sys.flags, "safe_path", 0)
print("TOLD", beside, below, *map(int, flags), sys.argv[1:], flush=True)
"""
TOLD = re.compile(r"TOLD (True|False) (True|False) (.*?)(?:\\n|\n|\"|$)")
WEB = TELL + "def application(environ, start): start('200 OK', []); return [b'']\n"
CELERY = (
    "import os, signal\nfrom celery import Celery, signals\n"
    "app = Celery('tasks', broker='memory://')\n" + TELL + "@signals.worker_ready.connect\n"
    "def stop(**_): os.kill(os.getpid(), signal.SIGTERM)\n"
)
BOOK = {
    "cells": [
        {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
        | {"source": TELL.replace("sys.argv[1:]", "[]")}
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
# What an editor does: it starts the program with an adapter that waits, and attaches to it.
ATTACH = """\
import json, socket, subprocess, sys, time
port = socket.create_server(("127.0.0.1", 0)).getsockname()[1]
words = ["-m", "debugpy", "--listen", f"127.0.0.1:{port}", "--wait-for-client", "app/run.py"]
with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
    for _ in range(200):
        try:
            client = socket.create_connection(("127.0.0.1", port))
            break
        except OSError:
            time.sleep(0.1)
    stream = client.makefile("rwb")
    for number, name in enumerate(["initialize", "attach", "configurationDone"], 1):
        body = json.dumps({"seq": number, "type": "request", "command": name,
                           "arguments": {"adapterID": "x"}}).encode()
        stream.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
        stream.flush()
        while name != "configurationDone":
            length = int(stream.readline().split()[1])
            stream.readline()
            event = json.loads(stream.read(length))
            if event.get("command") == name or event.get("event") == "initialized":
                break
    # Whoever leaves lets the program go on to its end.
    print(process.stdout.readline())
    client.close()
"""
BESIDE = (
    "import os, subprocess, sys; program = os.path.join(os.path.dirname(sys.executable), "
    "sys.argv[1]); sys.exit(subprocess.call([program, *sys.argv[2:]]))"
)
PROFILED = ["py-spy", "record", "--duration", "1", "--format", "raw", "--output", os.devnull]
GUNICORN = ["--check-config", "--bind", "127.0.0.1:0", "app.web:application"]
WORKER = ["worker", "--pool", "prefork", "--concurrency", "1", "--without-gossip"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One way to start a program by a tool. `words` follow python; `{python}` names it."""

    name: str
    words: tuple[str, ...]
    needs: str = ""
    """The package that pip installs, if it is none of the library."""
    environ: Mapping[str, str] = field(default_factory=dict)


def row(name: str, *words: str, needs: str = "", **environ: str) -> Row:
    """Return a row."""
    return Row(name=name, words=words, needs=needs, environ=environ)


KERNEL = ["nbconvert", "--to", "notebook", "--execute", "--stdout", "app/book.ipynb"]
ROWS = (
    row("a script", "app/run.py", "x"),
    row("a module", "-m", "app.run", "x"),
    row("runpy, a path", "-c", "import runpy; runpy.run_path('app/run.py')"),
    row("runpy, a module", "-c", "import runpy; runpy.run_module('app.run')"),
    row("pdb, a script", "-m", "pdb", "-c", "continue", "-c", "quit", "app/run.py", "x"),
    row("pdb, a module", "-m", "pdb", "-c", "continue", "-c", "quit", "-m", "app.run", "x"),
    row("unittest", "-m", "unittest", "app.test_tell"),
    row("unittest discover", "-m", "unittest", "discover", "-s", "app"),
    row("Jupyter, nbconvert", "-m", "jupyter", *KERNEL, needs="nbconvert ipykernel"),
    row("Jupyter, `pyx env --kernel`", needs="nbconvert ipykernel"),
    row("IPython, a script", "-m", "IPython", "app/run.py", "x", needs="ipython"),
    row("IPython, `%run`", "-m", "IPython", "-c", "%run app/run.py x", needs="ipython"),
    row("debugpy, a script", "-m", "debugpy", "--listen", "0", "app/run.py", needs="debugpy"),
    row("debugpy, a module", "-m", "debugpy", "--listen", "0", "-m", "app.run", needs="debugpy"),
    row("debugpy, attach", "-c", ATTACH, needs="debugpy"),
    row("coverage, a script", "-m", "coverage", "run", "app/run.py", "x", needs="coverage"),
    row("coverage, a module", "-m", "coverage", "run", "-m", "app.run", "x", needs="coverage"),
    row("scalene", "-m", "scalene", "run", "--outfile", "out", "app/run.py", needs="scalene"),
    row("py-spy", "-c", BESIDE, *PROFILED, "--", "{python}", "app/run.py", needs="py-spy"),
    row("pytest", "-m", "pytest", "-q", "-s", "app", needs="pytest"),
    row("gunicorn", "-m", "gunicorn", *GUNICORN, needs="gunicorn"),
    row("celery", "-m", "celery", "-A", "app.tasks", *WORKER, needs="celery", C_FORCE_ROOT="1"),
)


def write_programs(directory: Path) -> None:
    """Write what the rows start into the new directory."""
    app = directory / "app"
    app.mkdir(parents=True)
    for name, text in {
        "near_script.py": "",
        "run.py": TELL,
        "test_tell.py": "import unittest\n"
        + TELL.replace("sys.argv[1:]", "[]")
        + "class T(unittest.TestCase):\n    def test_it(self): pass\n",
        "web.py": WEB,
        "tasks.py": CELERY,
        "book.ipynb": json.dumps(BOOK),
    }.items():
        (app / name).write_text(text, encoding="utf-8")
    (directory / "near_directory.py").touch()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One tool's packages, as pyx has them and as pip has installed them."""

    directory: Path
    venv: Path
    pyx: Pyx

    def start(self, row: Row, *, by_pyx: bool) -> str:
        """Return what the program told, or how the start failed."""
        python = [self.pyx.path] if by_pyx else [self.venv / "bin" / "python"]
        named = str(self.pyx.path if by_pyx else python[0])
        words = [word.replace("{python}", named) for word in row.words]
        environ = {**row.environ, "IPYTHONDIR": str(self.directory / "ipython")}
        if not words:
            python, words = [self.venv / "bin" / "python"], ["-m", "jupyter", *KERNEL]
            if by_pyx:
                self.pyx("env", "--kernel", cwd=self.directory, env=environ)
                words.append(f"--ExecutePreprocessor.kernel_name=pyx-{self.directory.name}")
        try:
            done = self.pyx.run([*python, *words], cwd=self.directory, env=environ)
        except subprocess.TimeoutExpired:
            return "came to no end"
        told = TOLD.search(done.stdout)
        return " ".join(told.groups()) if told else f"failed: {done.stderr.strip()[-300:]}"


def prepare(python: str, needs: str, root: Path, native: Path) -> Pair | None:
    """Fetch and install what `needs` names, for pyx and into a virtual environment.

    Returns None where pip finds no wheels for this interpreter.
    """
    root.mkdir()
    wheels, directory, venv = root / "wheels", root / "work", root / "venv"
    write_programs(directory)
    wheels.mkdir()
    subprocess.run([python, "-I", "-m", "venv", venv], check=True)
    # Isolated, for on the path of this process are packages that would count as installed.
    pip = [venv / "bin" / "python", "-I", "-m", "pip", "-q", "--disable-pip-version-check"]
    if needs:
        fetch = [*pip, "download", "--prefer-binary", "--dest", wheels, *needs.split()]
        if subprocess.run(fetch, check=False, stdout=sys.stderr).returncode:
            return None
        if list(wheels.glob("*.tar.gz")):
            return None
        install = [*pip, "install", "--no-index", "--no-deps", *wheels.iterdir()]
        subprocess.run(install, check=True, stdout=sys.stderr)
    text = pylock_text(sorted(wheels.iterdir())) if needs else EMPTY
    (directory / "pylock.toml").write_text(text, encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYX_", "JUPYTER"))}
    own = {"PYX_HOME": str(root / "home"), "PYX_CACHE_DIR": str(root / "cache")}
    own |= {"HOME": str(root), "PYX_PYTHON": python}
    return Pair(directory=directory, venv=venv, pyx=Pyx(root / "bin", native, kept | own))


def compare(python: str, root: Path, rows: Sequence[Row]) -> dict[str, str]:
    """Return what each row comes to: the neighbours that are found, or how the two differ."""
    native = build_native(root, *KINDS)
    if native is None:
        sys.exit("there is no C compiler, and PYX_TEST_PROGRAM names no native program")
    cells: dict[str, str] = {}
    for number, needs in enumerate(dict.fromkeys(row.needs for row in rows)):
        pair = prepare(python, needs, root / str(number), native)
        for each in (row for row in rows if row.needs == needs):
            if pair is None:
                cells[each.name] = LEFT_OUT
                continue
            plain, found = pair.start(each, by_pyx=False), pair.start(each, by_pyx=True)
            cells[each.name] = describe(plain) if plain == found else f"pyx {found}, venv {plain}"
            sys.stderr.write(f"{each.name}: {cells[each.name]}\n")
    return cells


def describe(told: str) -> str:
    """Return the neighbours that a program found, in the words of the table."""
    beside, below, *_ = told.split()
    names = {("True", "True"): "both", ("True", "False"): "script", ("False", "True"): "directory"}
    return names.get((beside, below), "neither" if beside == "False" else told)


def run_in_forky(rows: Sequence[Row], root: Path) -> dict[str, dict[str, str]]:
    """Return the cells of the Pythons in the root that ``$PYX_TEST_FORKY`` names."""
    named, native = os.environ.get("PYX_TEST_FORKY"), build_native(root, *KINDS)
    if not named or native is None:
        return {}
    path, places = list_own_places()
    own = {"PYTHONPATH": ":".join(path), "PYX_TEST_PROGRAM": str(native)}
    (root / "layer").mkdir()
    words = [word for name in PYTHONS for word in ("--python", f"/usr/bin/{name}")]
    done = SealedRoot(path=Path(named), layer=root / "layer").run(
        [f"/usr/bin/{PYTHONS[0]}", __file__, "--json", *words, *(row.name for row in rows)],
        seen=[*places, native.parent, *list_places_of_pip()],
        environ={**list_variables_of_pip(), **own},
        timeout=3600,
    )
    sys.stderr.write(done.stderr)
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


def main() -> int:
    """Print the table, or write it; the status is 1 if a row differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", help="the path of an interpreter")
    parser.add_argument("--json", action="store_true", help="print the cells alone")
    parser.add_argument("--write", action="store_true", help="write the table into the documents")
    parser.add_argument("row", nargs="*", help="the names of the rows")
    options = parser.parse_args()
    forget_outer_start()
    rows = [row for row in ROWS if not options.row or row.name in options.row]
    table: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        for python in options.python or [PLAIN_PYTHON]:
            tell = [python, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            version = subprocess.check_output(tell, text=True).strip()
            (root / version).mkdir()
            table[version] = compare(python, root / version, rows)
        if not options.json:
            table |= run_in_forky(rows, root)
    if options.json:
        sys.stdout.write(json.dumps(table))
        return 0
    text = format_rows(table, rows)
    sys.stdout.write(text)
    if options.write:
        page = replace_between(DOCUMENT.read_text(encoding="utf-8"), START, END, text)
        DOCUMENT.write_text(page, encoding="utf-8")
    return int(any("pyx " in cell for cells in table.values() for cell in cells.values()))


def format_rows(table: Mapping[str, Mapping[str, str]], rows: Sequence[Row]) -> str:
    """Return the table in Markdown."""
    cells = [(row.name, *(each[row.name] for each in table.values())) for row in rows]
    return format_table(["started by", *table], cells)


if __name__ == "__main__":
    sys.exit(main())

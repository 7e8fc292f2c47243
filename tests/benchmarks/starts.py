"""Measure warm starts: ``pyx tests/benchmarks/starts.py [--python 3.12] [--rounds 60]``.

Prints a table of ratios. The projects, the virtual environment and the store are made for the run
and lie below a temporary directory; `uv` is a peer where it is found on PATH.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Command, Row, format_table, measure

EMPTY = "print('hello')\n"
IMPORTS = "import os, json\nprint(json.dumps(os.getcwd()))\n"
FUNCTION = """\
def f{n}(a, b={n}):
    '''Return {n}.'''
    x = a + b * {n}
    return [x for _ in range(a)]

"""
LARGE = "".join(FUNCTION.format(n=n) for n in range(1150)) + "print('large')\n"


def main() -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="3.12", help="version of the interpreter")
    parser.add_argument("--pyx", default=shutil.which("pyx") or "pyx")
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        results = [
            measure(row, options.rounds)
            for row in make_rows(Path(directory), options.pyx, options.python)
        ]
    sys.stdout.write(format_table(results))
    exceeded = [
        result.row.name
        for result in results
        for peer, limit in result.row.at_most.items()
        if result.ratio(peer) > limit
    ]
    return 1 if exceeded else 0


def make_rows(directory: Path, pyx: str, version: str) -> list[Row]:
    """Make a project with three scripts, warm everything up, and return the rows."""
    environ = {
        "HOME": str(directory),
        "PATH": os.environ["PATH"],
        **{name: value for name, value in os.environ.items() if name.startswith("PYENV_")},
    }
    scripts = {"empty": EMPTY, "os and json": IMPORTS, "100 kB": LARGE}
    paths: dict[str, str] = {}
    for name, text in scripts.items():
        path = directory / f"{name.replace(' ', '_')}.py"
        path.write_text(text)
        # Bytecode is cached only for a script that has settled.
        os.utime(path, (time.time() - 60,) * 2)
        paths[name] = str(path)
    find = [pyx, "--python", version, "-c", "import sys; print(sys._base_executable)"]
    base = subprocess.run(find, env=environ, capture_output=True, text=True, check=True)
    bare = base.stdout.strip()
    venv = directory / "venv"
    subprocess.run([bare, "-m", "venv", "--without-pip", str(venv)], env=environ, check=True)
    time.sleep(2.5)
    rows = []
    for name, path in paths.items():
        subject = _command("pyx", environ, directory, pyx, "--python", version, path)
        for _ in range(3):
            subprocess.run(subject.words, env=environ, capture_output=True, check=True)
        peers = [
            _command("venv", environ, directory, str(venv / "bin" / "python"), path),
            _command("bare -I -S", environ, directory, bare, "-I", "-S", path),
        ]
        limits = {"venv": 0.65 if name == "100 kB" else 0.97}
        if name == "empty":
            limits["bare -I -S"] = 1.12
        uv = shutil.which("uv")
        if uv is not None:
            words = (uv, "run", "--offline", "--no-project", "--python", bare, path)
            peers.append(_command("uv run", environ, directory, *words))
            if name == "empty":
                limits["uv run"] = 0.38
        rows.append(Row(name=f"{name} script", subject=subject, peers=tuple(peers), at_most=limits))
    return rows


def _command(label: str, environ: dict[str, str], directory: Path, *words: str) -> Command:
    return Command(label=label, words=words, environ=environ, directory=str(directory))


if __name__ == "__main__":
    sys.exit(main())

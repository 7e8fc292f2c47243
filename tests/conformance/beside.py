"""The same packages for pyx and, by pip, in a virtual environment, for one interpreter or more.

What is tried by both is the business of the programs that import this.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import format_table
from forky import PYTHONS, run_program
from installed import PLAIN_PYTHON, ROOT, Pyx, find_version, forget_outer_start
from pagetables import replace_between
from wheelhouse import pylock_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DOCUMENT = ROOT / "docs" / "compatibility.md"
LEFT_OUT = "no wheels"
BUILT = ("pyspark",)
"""What has wheels nowhere, and is plain Python: one is built, for both."""
EMPTY = 'lock-version = "1.0"\ncreated-by = "tests"\npackages = []\n'


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One tool's packages, as pyx has them and as pip has installed them."""

    directory: Path
    """The project, with its lock."""
    venv: Path
    pyx: Pyx


def prepare(python: str, needs: str, root: Path, native: Path) -> Pair | None:
    """Fetch and install what `needs` names, for pyx and into a virtual environment.

    Everything lies below `root`, which is made; the project in ``work`` has its lock and nothing
    else. Returns None where pip finds no wheels for this interpreter.
    """
    wheels, directory, venv = root / "wheels", root / "work", root / "venv"
    directory.mkdir(parents=True)
    wheels.mkdir()
    subprocess.run([python, "-I", "-m", "venv", venv], check=True)
    # Isolated, for on the path of this process are packages that would count as installed.
    pip = [venv / "bin" / "python", "-I", "-m", "pip", "-q", "--disable-pip-version-check"]
    if needs:
        fetch = [*pip, "download", "--prefer-binary", "--dest", wheels, *needs.split()]
        if subprocess.run(fetch, check=False, stdout=sys.stderr).returncode:
            return None
        for source in wheels.glob("*.tar.gz"):
            if source.name.partition("-")[0] not in BUILT:
                return None
            build = [*pip, "wheel", "--use-pep517", "--no-deps", "--wheel-dir", wheels, source]
            subprocess.run(build, check=True, stdout=sys.stderr)
            source.unlink()
        install = [*pip, "install", "--no-index", "--no-deps", *wheels.iterdir()]
        subprocess.run(install, check=True, stdout=sys.stderr)
    text = pylock_text(sorted(wheels.iterdir())) if needs else EMPTY
    (directory / "pylock.toml").write_text(text, encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYX_", "JUPYTER"))}
    own = {"PYX_HOME": str(root / "home"), "PYX_CACHE_DIR": str(root / "cache")}
    own |= {"HOME": str(root), "PYX_PYTHON": python}
    return Pair(directory=directory, venv=venv, pyx=Pyx(root / "bin", native, kept | own))


def write_table(
    program: Path, names: Sequence[str], table: Mapping[str, Mapping[str, str]], head: str
) -> None:
    """Write the cells of `table` into the documents; a cell that it does not have stays."""
    start = f"<!-- {program.stem}: written by tests/conformance/{program.name} -->\n"
    end = f"<!-- end of {program.stem} -->\n"
    page = DOCUMENT.read_text(encoding="utf-8")
    lines = page.partition(start)[2].partition(end)[0].splitlines()
    (_, *versions), _, *rows = ([cell.strip() for cell in x.split("|")[1:-1]] for x in lines)
    merged = {
        version: {name: row[at] for name, *row in rows} for at, version in enumerate(versions)
    }
    for version, cells in table.items():
        merged.setdefault(version, {}).update(cells)
    columns = sorted(merged, key=lambda version: [int(part) for part in version.split(".")])
    cells = [(name, *(merged[each].get(name, "") for each in columns)) for name in names]
    text = format_table([head, *columns], cells)
    DOCUMENT.write_text(replace_between(page, start, end, text), encoding="utf-8")


def make_table(
    program: Path,
    description: str,
    names: Sequence[str],
    compare: Callable[[str, Path, Sequence[str]], dict[str, str]],
    head: str,
) -> int:
    """Print the table of `names` and Pythons that the command line asks for, or write it.

    `compare` gets the path of an interpreter, a directory of its own and names, and returns the
    cell of each; a cell where the two differ begins with ``pyx``. The table lies in the documents
    between marks with the name of `program`. Returns 1 if a cell differs.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--python", action="append", help="the path of an interpreter")
    parser.add_argument("--json", action="store_true", help="print the cells alone")
    parser.add_argument("--write", action="store_true", help="write the cells into the documents")
    parser.add_argument("row", nargs="*", help="the names of the rows")
    options = parser.parse_args()
    forget_outer_start()
    chosen = [name for name in names if not options.row or name in options.row]
    table: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        for python in options.python or [PLAIN_PYTHON]:
            version = find_version(python)
            (root / version).mkdir()
            table[version] = compare(python, root / version, chosen)
    if options.json:
        sys.stdout.write(json.dumps(table))
        return 0
    table |= json.loads(run_program(program, PYTHONS, chosen))
    cells = [(name, *(each[name] for each in table.values())) for name in chosen]
    sys.stdout.write(format_table([head, *table], cells))
    if options.write:
        write_table(program, names, table, head)
    return int(any(cell.startswith("pyx ") for row in table.values() for cell in row.values()))

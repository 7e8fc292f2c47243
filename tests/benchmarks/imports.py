"""Measure imports: ``pyx tests/benchmarks/imports.py --wheelhouse DIR [--quick]``.

The same programs run in a virtual environment that uv made and in pyx's environment of the same
lock: one that imports all that 78 distributions have, and the start of three known frameworks.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from ground import Ground, prepare_ground
from measure import Result, Row, format_results, list_exceeded, measure
from projects import Project, filled_project

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROUNDS, START_ROUNDS = 10, 25

# Tells which top-level names can be imported, one after another in one process.
FIND = """
import importlib, importlib.metadata, json, sys, warnings
warnings.simplefilter("ignore")
good = []
for name in sorted(importlib.metadata.packages_distributions()):
    if not name.isidentifier() or name.startswith("_"):
        continue
    try:
        importlib.import_module(name)
    except BaseException:
        continue
    good.append(name)
sys.stdout.write(json.dumps(good))
"""
DJANGO = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
"""
PANDAS = "import pandas\npandas.DataFrame({'a': [1, 2, 3]}).sum()\n"
FASTAPI = """
import fastapi
app = fastapi.FastAPI()
@app.get("/items/{number}")
def read(number: int, text: str = "") -> dict[str, str]:
    return {text: str(number)}
app.openapi()
"""
PROGRAMS = {
    "Django": ("django", DJANGO),
    "pandas": ("pandas", PANDAS),
    "FastAPI": ("fastapi", FASTAPI),
}


def measure_imports(ground: Ground) -> tuple[str, list[str]]:
    """Return the table, and what exceeds its budget; nothing without a wheelhouse."""
    if ground.wheelhouse is None:
        return "", []
    wheels = sorted(ground.wheelhouse.glob("*.whl"))
    with filled_project(ground, "imports", wheels) as project:
        # All imports take ten times as long as the start of a framework.
        results: list[Result] = [
            measure(row, min(ground.rounds, ROUNDS if row.at_most else START_ROUNDS))
            for row in make_rows(ground, project)
        ]
    return "### Imports\n\n" + format_results(results), list_exceeded(results)


def make_rows(ground: Ground, project: Project) -> list[Row]:
    """Write the programs into the project and return their rows, with all bytecode there."""
    venv_python = project.directory / ".venv" / "bin" / "python"
    names = json.loads(ground.call(venv_python, "-c", FIND, directory=project.directory))
    everything = "".join(f"import {name}\n" for name in names)
    programs = {f"import all {len(names)} top-level names of {project.size} packages": everything}
    programs |= {f"{what} starts": text for what, (name, text) in PROGRAMS.items() if name in names}
    rows = []
    for number, (what, path) in enumerate(_write(project, programs).items()):
        subject = ground.command("pyx", ground.pyx, path, directory=project.directory)
        peer = ground.command("venv", venv_python, path, directory=project.directory)
        at_most = {"venv": 1.02} if number == 0 else {}
        rows.append(Row(name=what, subject=subject, peers=(peer,), at_most=at_most))
    return rows


def _write(project: Project, programs: Mapping[str, str]) -> dict[str, Path]:
    paths = {}
    for number, (what, text) in enumerate(programs.items()):
        paths[what] = project.directory / f"program_{number}.py"
        paths[what].write_text(text)
    # A script's bytecode is cached only when the script has settled.
    time.sleep(2.5)
    return paths


def main() -> int:
    """Measure, print, and return 1 if a budget is exceeded."""
    with prepare_ground() as ground:
        text, exceeded = measure_imports(ground)
    sys.stdout.write(text or "name a directory of wheels: --wheelhouse DIR\n")
    sys.stderr.writelines(f"over budget: {line}\n" for line in exceeded)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())

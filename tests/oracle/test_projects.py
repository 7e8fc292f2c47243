"""The oracle of all readers: what a program imports under pyx is what the tool itself installs.

Every project of `projects` is written for every tool, locked by it against indexes on loopback,
and installed by it for CPython 3.10 and 3.13. The same lock under pyx has to give the same
distributions in the same versions, and the same import packages. The outcome is the table in
docs/locks.md; with `PYX_WRITE_LOCKS=1` each test writes its cell there.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from indexserver import IndexServer
from wheelhouse import make_sdist, make_source_tree, make_wheel

from oracle.matrix import read_cell, write_cell
from oracle.projects import PROJECTS
from oracle.tools import FORMATS, install, make_lock, render, tool_variables
from oracle.universe import YANKED, fill, make_environment, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from installed import Pyx

    from oracle.projects import Project
    from oracle.tools import Format

# Pipenv alone takes minutes on a busy machine.
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
]

PYTHONS = ("3.10", "3.13")

CELLS = [
    pytest.param(project, form, id=f"{project.name}-{form.name}")
    for project in PROJECTS
    for form in FORMATS
    if form.find_lack(project) is None
]

SEEN = """
import importlib, importlib.metadata, re
for found in sorted(importlib.metadata.distributions(), key=lambda d: d.metadata["Name"].lower()):
    name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
    modules = []
    for module in (name.replace("-", "_"), name.replace("-", ".")):
        try:
            modules.append(module + " " + importlib.import_module(module).__version__)
        except ImportError:
            pass
    print(name, found.version, *sorted(set(modules)))
"""


@pytest.fixture
def private(tmp_path: Path) -> Iterator[IndexServer]:
    """Run a second index, which alone has one of the distributions."""
    with IndexServer(tmp_path / "private") as server:
        make_wheel(server.directory, "secret-sauce", "1.2", requires=["plug"])
        yield server


@pytest.fixture
def directory(
    tmp_path: Path,
    wheels: Path,
    index: IndexServer,
    environ: dict[str, str],
) -> Path:
    """Give a directory with the local parts of projects, and fill the index."""
    fill(wheels)
    index.yanked |= YANKED
    make_wheel(wheels, "url-wheel", "0.9")
    libs = tmp_path / "project" / "libs"
    make_source_tree(libs / "tree", "path-tree", "0.3", requires=["name-codec"])
    make_source_tree(libs / "edit", "edit-tree", "0.4")
    make_wheel(libs, "local-wheel", "0.5", requires=["name-codec"])
    make_sdist(libs, "local-sdist", "0.6")
    environ |= make_repository(tmp_path / "repository", "git-tree", "0.7")
    environ |= tool_variables(tmp_path / "cache")
    return libs.parent


@pytest.mark.parametrize(("project", "form"), CELLS)
def test_programs_import_what_the_tool_installs(
    directory: Path,
    index: IndexServer,
    private: IndexServer,
    environ: dict[str, str],
    interpreters: dict[str, Path],
    pyx: Pyx,
    *,
    project: Project,
    form: Format,
) -> None:
    """Distributions, versions and import packages are those of the tool, for every choice."""
    if form.program is None:
        pytest.skip(f"no {form.tool} on the path or in PYX_ORACLE_{form.tool.upper()}")
    urls = {"index": index.url, "private": private.url, "files": index.file_url("")}
    for name, text in render(form, project, urls).items():
        path = directory / name
        if path.parent != directory:
            make_source_tree(path.parent, path.parent.name, "0.1.0")
        path.write_text(text)
    counts = []
    for python in PYTHONS:
        if python not in interpreters:
            pytest.skip(f"no CPython {python} here")
        counts.append(compare(directory, environ, interpreters[python], pyx, project, form))
    outcome = " / ".join(counts)
    if os.environ.get("PYX_WRITE_LOCKS"):
        write_cell(project.name, form.name, outcome)
    assert read_cell(project.name, form.name) == outcome


def compare(
    directory: Path,
    environ: dict[str, str],
    python: Path,
    pyx: Pyx,
    project: Project,
    form: Format,
) -> str:
    """Compare every choice for one interpreter; return how many distributions there were."""
    counts = []
    for choice in project.choices if form.has_choices else ((),):
        shutil.rmtree(directory / ".venv", ignore_errors=True)
        environment, _ = make_environment(directory / ".venv", python)
        environ |= {"VIRTUAL_ENV": str(environment), "UV_PYTHON": str(python)}
        if not (directory / form.lock).exists() or form.tool == "pipenv":
            make_lock(form, directory, environ, project)
        install(form, directory, environ, choice, project)
        wanted = pyx.run([environment / "bin" / "python", "-I", "-c", SEEN])
        assert wanted.returncode == 0, wanted.stderr
        own = ("--locked", "--python", str(python), *choice)
        found = pyx(*own, "-c", SEEN, cwd=directory, env={**environ, "VIRTUAL_ENV": None})
        assert (found.stdout, found.stderr) == (wanted.stdout, ""), choice
        counts.append(str(len(wanted.stdout.splitlines())))
    return "+".join(counts)

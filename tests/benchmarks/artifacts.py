"""Measure what is released, one artefact against the other: size, and how quickly each starts.

    pyx tests/benchmarks/artifacts.py WHEEL STANDALONE.tar.gz PACKAGE.deb [--quick]

Any number of wheels, archives of the standalone pyx and Debian packages. A wheel is installed by
pip from the index that it is configured for, with what it requires; the others are unpacked. Each
start is of the same interpreter: `pyx info`, which takes the slow path; the very first start of a
script, which finds interpreters and makes an environment; and a later one. Where valgrind is there,
it counts the instructions of `pyx info`, which do not depend on what else the machine does.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ground import prepare_ground
from measure import Command, Row, count_instructions, format_table, measure_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ground import Ground

KINDS = (".whl", ".tar.gz", ".deb")


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """One artefact, ready to be started."""

    artifact: Path
    tree: Path
    """All that is there once it is installed."""
    pyx: Path

    @property
    def size(self) -> int:
        """How many bytes its files have."""
        return sum(path.lstat().st_size for path in self.tree.rglob("*") if not path.is_dir())


def main() -> int:
    """Print the table."""
    named = [word for word in sys.argv[1:] if word.endswith(KINDS)]
    if not named:
        sys.stderr.write(f"name artefacts: files that end in {', '.join(KINDS)}\n")
        return 64
    rest = [word for word in sys.argv[1:] if word not in named]
    artifacts = [Path(name).resolve() for name in named]
    with prepare_ground(rest) as ground:
        sys.stdout.write(measure_artifacts(ground, artifacts))
    return 0


def measure_artifacts(ground: Ground, artifacts: list[Path]) -> str:
    """Return the table for `artifacts`."""
    installed = [
        install(ground, artifact, ground.directory / f"artifact-{number}")
        for number, artifact in enumerate(artifacts)
    ]
    project = ground.directory / "project"
    project.mkdir()
    (project / "h.py").write_text("pass\n", encoding="utf-8")
    rows = []
    counted: dict[str, Command] = {}
    for each in installed:
        environ = ground.environ(home=each.tree.name)
        # Relative places: each directory that a first start is prepared has its own.
        empty = {**environ, "PYX_HOME": "home", "PYX_CACHE_DIR": "cache"}
        for what, words, variables, prepare in (
            ("info", ("info",), environ, None),
            ("first", ("h.py",), empty, _prepare_empty(ground, each.tree.name)),
            ("later", ("h.py",), environ, None),
        ):
            label = f"{what} {each.artifact}"
            subject = ground.command(
                label, each.pyx, *words, directory=project, environ=variables, prepare=prepare
            )
            rows.append(Row(name=label, subject=subject, peers=()))
            if what == "info":
                counted[each.tree.name] = subject
    medians = measure_rows(rows, ground.rounds)[0].medians
    valgrind = ground.find("valgrind")
    counts = {
        name: count_instructions(command, valgrind) if valgrind else None
        for name, command in counted.items()
    }
    times = ("`pyx info`, ms", "first start, ms", "later, ms", "`pyx info`, million instructions")
    head = ("artefact", "file, MB", "installed, MB", *times)
    rows_told = (_tell(each, medians, counts[each.tree.name]) for each in installed)
    return format_table(head, rows_told)


def _tell(each: Installed, medians: Mapping[str, float], count: float | None) -> list[str]:
    sizes = [each.artifact.stat().st_size, each.size]
    times = [medians[f"{what} {each.artifact}"] for what in ("info", "first", "later")]
    return [
        each.artifact.name,
        *(f"{size / 1e6:.1f}" for size in sizes),
        *(f"{time:.1f}" for time in times),
        f"{count:.0f}" if count else "",
    ]


def _prepare_empty(ground: Ground, name: str) -> Callable[[], str]:
    numbers = itertools.count()

    def prepare() -> str:
        directory = ground.directory / f"empty-{name}-{next(numbers)}"
        directory.mkdir()
        (directory / "h.py").write_text("pass\n", encoding="utf-8")
        return str(directory)

    return prepare


def install(ground: Ground, artifact: Path, tree: Path) -> Installed:
    """Install `artifact` into `tree`, which is made. Raises RuntimeError, OSError."""
    if artifact.name.endswith(".tar.gz"):
        with tarfile.open(artifact) as packed:
            packed.extractall(tree, filter="tar")
            pyx = tree / packed.getnames()[0] / "pyx"
    elif artifact.name.endswith(".deb"):
        tree.mkdir()
        ground.call("/usr/bin/dpkg-deb", "-x", artifact, tree, directory=tree)
        pyx = tree / "usr/lib/pyx/pyx"
    else:
        ground.call(ground.python, "-I", "-m", "venv", tree, directory=ground.directory)
        python = tree / "bin" / "python"
        # The configuration of pip is the user's, and so is its home. At the end it goes itself.
        for words in (("install", artifact), ("uninstall", "--yes", "pip")):
            line = [python, "-I", "-m", "pip", "--quiet", *words]
            subprocess.run(line, stdout=2, check=True)
        pyx = tree / "bin" / "pyx"
    return Installed(artifact=artifact, tree=tree, pyx=pyx)


if __name__ == "__main__":
    sys.exit(main())

"""Measure bundles: ``pyx tests/benchmarks/bundles.py --wheelhouse DIR [--tools DIR] [--quick]``.

One program with twelve distributions is packed by pyx, pex (as a zipapp and for a virtual
environment), shiv, and into a virtual environment by venv and pip, all from the same wheels. Tells
what each takes, and how long it takes to start.
"""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from first import choose_wheels
from ground import Ground, prepare_ground
from measure import Command, Row, format_results, format_table, measure_rows
from projects import set_aside
from scale import measure_usage
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

ROUNDS = 15
PROGRAM = """\
import sys

def main():
    if sys.argv[1:]:
        for name in sys.argv[1].split(","):
            __import__(name)
    print("started")
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """What one tool made."""

    label: str
    file: Path
    """What is carried from here to there, an archive where the tool makes one."""
    seconds: float
    """How long it took to make."""
    words: tuple[str, ...]
    """How it is started."""
    root: Path | None = None
    """Where it unpacks itself when it is first started."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Variables that it needs for that."""


def measure_bundles(ground: Ground) -> str:
    """Return the tables. Raises RuntimeError where a tool fails."""
    place = ground.directory / "bundles"
    house = place / "wheels"
    house.mkdir(parents=True)
    wheels = [shutil.copy(wheel, house) for wheel in choose_wheels(ground)["few"]]
    files = {"starter/__init__.py": PROGRAM}
    starter = make_wheel(
        house, "starter", "1.0", files=files, entry_points={"starter": "starter:main"}
    )
    listed = [house / wheel for wheel in (*wheels, starter)]
    makers = [pack_pyx, pack_venv, *((pack_pex, pack_pex_venv) if ground.find("pex") else ())]
    makers += [pack_shiv] if ground.find("shiv") else []
    packed = [made for maker in makers if (made := _attempt(maker, ground, place, listed))]
    if not packed or packed[0].label != "pyx":
        raise RuntimeError("there is no bundle to compare with")
    ours, theirs = packed[0], packed[1:]
    imports = ",".join(_list_modules(listed))
    rows = []
    for name, words in {"prints a line": (), "imports all": (imports,)}.items():
        commands = [_start(ground, place, one, words) for one in (ours, *theirs)]
        rows.append(Row(name=f"start, {name}", subject=commands[0], peers=tuple(commands[1:])))
    first = [_first(ground, place, one) for one in (ours, *theirs) if one is ours or one.root]
    if len(first) > 1:
        rows.append(Row(name="first start", subject=first[0], peers=tuple(first[1:])))
    results = [measure_rows([row], min(ground.rounds, ROUNDS))[0] for row in rows]
    title = f"### A program with {len(listed)} packages, packed\n\n"
    return title + _describe(packed) + "\n" + format_results(results)


def _attempt(
    make: Callable[[Ground, Path, Sequence[Path]], Packed],
    ground: Ground,
    place: Path,
    wheels: Sequence[Path],
) -> Packed | None:
    try:
        return make(ground, place, wheels)
    except RuntimeError as error:
        sys.stderr.write(f"left out {make.__name__}: {error}\n")
        return None


def _list_modules(wheels: Sequence[Path]) -> list[str]:
    """Return a module of each wheel, which is named as its project is."""
    return sorted(wheel.name.split("-")[0].lower() for wheel in wheels)


def _start(ground: Ground, place: Path, packed: Packed, words: Sequence[str]) -> Command:
    environ = {**ground.environ(), **packed.settings}
    return ground.command(packed.label, *packed.words, *words, directory=place, environ=environ)


def _first(ground: Ground, place: Path, packed: Packed) -> Command:
    """Return a start that finds nothing unpacked; a bundle's is a start like any other."""

    def prepare() -> str:
        if packed.root is not None:
            set_aside(ground, packed.root)
        return str(place)

    environ = {**ground.environ(), **packed.settings}
    return ground.command(
        packed.label, *packed.words, directory=place, environ=environ, prepare=prepare
    )


def _describe(packed: Sequence[Packed]) -> str:
    rows = []
    for one in packed:
        carried = measure_usage(one.file) if one.file.is_dir() else None
        size = carried.bytes if carried else one.file.stat().st_size
        unpacked = measure_usage(one.root).bytes if one.root else size
        if one.label == "pyx":
            unpacked = measure_usage(one.file.with_name("pyx-bundle")).bytes
        rows.append([one.label, f"{size / 1e6:.1f}", f"{unpacked / 1e6:.1f}", f"{one.seconds:.1f}"])
    return format_table(("made by", "carried, MB", "unpacked, MB", "made in, s"), rows)


def _timed(make: Callable[[], object]) -> float:
    start = time.monotonic()
    make()
    return time.monotonic() - start


def _pins(wheels: Sequence[Path]) -> list[str]:
    return ["==".join(wheel.name.split("-")[:2]) for wheel in wheels]


def _local(wheels: Sequence[Path]) -> tuple[str, ...]:
    return ("--no-index", "--find-links", str(wheels[0].parent))


def pack_pyx(ground: Ground, place: Path, wheels: Sequence[Path]) -> Packed:
    """Make a bundle, as a directory and as an archive; the store has everything already."""
    project = place / "project"
    project.mkdir()
    (project / "pylock.toml").write_text(pylock_text(wheels))
    ground.call(ground.pyx, "sync", directory=project)
    directory, archive = place / "pyx-bundle", place / "pyx-bundle.tar.gz"
    ground.call(ground.pyx, "bundle", directory, "starter", directory=project)
    seconds = _timed(
        lambda: ground.call(ground.pyx, "bundle", archive, "starter", directory=project)
    )
    return Packed(label="pyx", file=archive, seconds=seconds, words=(str(directory / "run"),))


def pack_venv(ground: Ground, place: Path, wheels: Sequence[Path]) -> Packed:
    """Make a virtual environment with copies, by the interpreter's own tools."""
    directory = place / "venv"

    def make() -> None:
        ground.call(ground.python, "-m", "venv", "--without-pip", directory, directory=place)
        pip = (ground.python, "-m", "pip", "--python", directory / "bin" / "python", "install")
        options = ("--quiet", "--no-deps", *_local(wheels))
        ground.call(*pip, *options, *_pins(wheels), directory=place)

    seconds = _timed(make)
    words = (str(directory / "bin" / "starter"),)
    return Packed(label="venv and pip", file=directory, seconds=seconds, words=words)


def pack_pex(
    ground: Ground, place: Path, wheels: Sequence[Path], *more: str, label: str = "pex"
) -> Packed:
    """Make a pex file and start it once, so that it is unpacked."""
    name = label.replace(" --", "-")
    file, root = place / f"{name}.pex", place / f"{name}-root"
    settings = {"PEX_ROOT": str(root)}
    # Else it would fetch a pip of its own choice.
    given = ("--no-pypi", "--pre-resolved-dists", str(wheels[0].parent))
    words = (ground.find("pex") or "pex", "--python", ground.python, *given)
    words = (*words, "--console-script", "starter", "--output-file", str(file), *more)
    environ = {**ground.environ(), "PEX_ROOT": str(place / "pex-build")}
    seconds = _timed(lambda: ground.call(*words, *_pins(wheels), directory=place, environ=environ))
    start = (ground.python, str(file))
    ground.call(*start, directory=place, environ={**ground.environ(), **settings})
    return Packed(
        label=label, file=file, seconds=seconds, words=start, root=root, settings=settings
    )


def pack_pex_venv(ground: Ground, place: Path, wheels: Sequence[Path]) -> Packed:
    """Make a pex file that unpacks itself into a virtual environment."""
    return pack_pex(ground, place, wheels, "--venv", "prepend", label="pex --venv")


def pack_shiv(ground: Ground, place: Path, wheels: Sequence[Path]) -> Packed:
    """Make a shiv file and start it once, so that it is unpacked."""
    file, root = place / "app.pyz", place / "shiv-root"
    settings = {"SHIV_ROOT": str(root)}
    site = place / "shiv-site"

    def make() -> None:
        # Its own pip would take wheels for the interpreter that it runs on itself.
        pip = (ground.python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site)
        ground.call(*pip, *_local(wheels), *_pins(wheels), directory=place)
        words = (ground.find("shiv") or "shiv", "--python", ground.python)
        words = (*words, "--site-packages", str(site), "--console-script", "starter")
        ground.call(*words, "--output-file", file, directory=place)

    seconds = _timed(make)
    start = (ground.python, str(file))
    ground.call(*start, directory=place, environ={**ground.environ(), **settings})
    return Packed(
        label="shiv", file=file, seconds=seconds, words=start, root=root, settings=settings
    )


def main() -> int:
    """Measure and print."""
    with prepare_ground() as ground:
        sys.stdout.write(measure_bundles(ground))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure the direct layout against a farm of links: ``pyx tests/benchmarks/layouts.py [--quick]``.

A program imports one module from each of N entries: with every entry on `sys.path`, with one
directory of links to them, and with one directory that really holds them, as a virtual environment
has. It tells where `DIRECT_LIMIT` in `layout.py` belongs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ground import Ground, prepare_ground
from measure import Command, Result, Row, format_table, measure
from plot import Line, draw_plot

if TYPE_CHECKING:
    from pathlib import Path

SIZES = (4, 8, 12, 16, 24, 32, 48, 64, 100, 200, 400)
QUICK_SIZES = (8, 16, 100)
MODULES = 4
ROUNDS = 25
VERSIONS = ("3.9", "3.13")


def measure_layouts(ground: Ground) -> tuple[str, str]:
    """Return a table of ratios, and the plot of what imports cost beyond a start without any."""
    known = [version for version in VERSIONS if version in ground.pythons] or list(ground.pythons)
    sizes = QUICK_SIZES if ground.quick else SIZES
    rows: list[list[str]] = []
    lines: list[Line] = []
    for version in known:
        results = {
            size: measure(_make_row(ground, version, size), min(ground.rounds, ROUNDS))
            for size in sizes
        }
        rows += [
            [version, str(size), f"{r.ratio('flat'):.2f}", f"{_of_farm(r):.2f}"]
            for size, r in results.items()
        ]
        for label in ("direct", "farm", "flat"):
            points = [(size, r.medians[label]) for size, r in results.items()]
            lines.append(Line(label=f"{label}, {version}", points=points))
    head = ("Python", "entries", "direct / flat", "farm / flat")
    text = f"### Direct or farm, {MODULES} imports from each entry\n\n"
    title = "Start and imports by layout"
    plot = draw_plot(title, f"entries, {MODULES} imports each", "milliseconds", lines)
    return text + format_table(head, rows), plot


def _of_farm(result: Result) -> float:
    return result.medians["farm"] / result.medians["flat"]


def _make_row(ground: Ground, version: str, size: int) -> Row:
    directory = ground.directory / f"layouts-{version}-{size}"
    entries = [directory / "store" / f"entry{n}" for n in range(size)]
    for n, entry in enumerate(entries):
        _write_entry(entry, f"pack{n}")
    farm, flat = directory / "farm", directory / "flat"
    farm.mkdir()
    for n, entry in enumerate(entries):
        (farm / f"pack{n}").symlink_to(entry / f"pack{n}")
        _write_entry(flat, f"pack{n}")
    contenders = {"direct": entries, "farm": [farm], "flat": [flat]}
    commands = {
        label: _make_command(ground, version, directory, label, size, places)
        for label, places in contenders.items()
    }
    for command in commands.values():
        ground.call(*command.words, directory=directory)
    return Row(
        name=f"{size} entries",
        subject=commands["direct"],
        peers=(commands["farm"], commands["flat"]),
    )


def _write_entry(place: Path, name: str) -> None:
    (place / name).mkdir(parents=True)
    (place / name / "__init__.py").write_text("")
    for number in range(MODULES - 1):
        (place / name / f"m{number}.py").write_text(f"VALUE = {number}\n")


def _make_command(
    ground: Ground, version: str, directory: Path, label: str, size: int, places: list[Path]
) -> Command:
    program = directory / f"{label}.py"
    imports = "".join(
        f"import pack{n}\n" + "".join(f"import pack{n}.m{m}\n" for m in range(MODULES - 1))
        for n in range(size)
    )
    program.write_text(f"import sys\nsys.path += {[str(place) for place in places]!r}\n{imports}")
    words = (ground.pythons[version], "-I", "-S", program)
    return ground.command(label, *words, directory=directory)


def main() -> int:
    """Measure and print."""
    with prepare_ground() as ground:
        text, _ = measure_layouts(ground)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

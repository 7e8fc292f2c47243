"""Measure reading a lock and selecting from it: ``pyx -m benchmarks.locks``.

    cd tests && pyx -m benchmarks.locks [--count 300] [--rounds 9] [--uv UV] [--against TREE]

Prints for each format the median over fresh processes of the processor time, in seconds, that it
takes to read the lock and select from it, with the imports that needs. Then a uv.lock of 900
packages and 2 MB: the processor time of ``pyx list`` less that of one package, beside the same
difference of ``uv export --frozen``, and of another source tree of pyx. Returns 1 where a format is
over the budget of 0.25 s, or the difference over 0.12 s.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ground import Ground

BUDGET = 0.25
"""Seconds for 300 distributions, on the machine that the figures in docs/design.md are from."""

COUNT = 300

LARGE_BUDGET = 0.12
"""Seconds that a uv.lock of `LARGE_COUNT` distributions takes more than one of a single one."""

LARGE_COUNT, LARGE_SHARE = 900, 5
"""How many distributions, of which one in how many has compiled wheels: that makes 2 MB."""

TESTS = Path(__file__).resolve().parent.parent

PROGRAM = """\
import sys, time
from pathlib import Path
begin = time.process_time()
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.selection import select
from targets import make_interpreter
path = Path(sys.argv[1])
interpreter = make_interpreter("x86_64-manylinux_2_28")
chosen = select(read_lock(path, path.parent), interpreter, Choice(all_groups=True))
print(len(chosen.artifacts), time.process_time() - begin)
"""

BINARY_TAGS = tuple(
    f"{python}-{python}-{platform}"
    for python in ("cp39", "cp310", "cp311", "cp312", "cp313")
    for platform in (
        "macosx_10_9_x86_64",
        "macosx_11_0_arm64",
        "manylinux_2_17_aarch64.manylinux2014_aarch64",
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "musllinux_1_1_aarch64",
        "musllinux_1_1_x86_64",
        "win32",
        "win_amd64",
    )
)
MARKERS = (
    "",
    "python_version >= '3.9'",
    "sys_platform == 'linux'",
    "python_full_version < '3.11' or platform_system != 'Windows'",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """One distribution of the universe that every format locks."""

    number: int
    count: int
    share: int = 3

    @property
    def name(self) -> str:
        """Its normalised name."""
        return f"distribution-{self.number}"

    @property
    def version(self) -> str:
        """Its version."""
        return f"{self.number % 7}.{self.number % 13}.{self.number % 3}"

    @property
    def files(self) -> tuple[str, ...]:
        """One in `share` has forty compiled wheels, the others a portable one; all an sdist."""
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        tags = BINARY_TAGS if self.number % self.share == 0 else ("py3-none-any",)
        return (f"{stem}.tar.gz", *(f"{stem}-{tag}.whl" for tag in tags))

    @property
    def dependencies(self) -> tuple[tuple[str, str], ...]:
        """Names and markers of what it needs: up to three others that come later."""
        others = (2 * self.number + 1, 2 * self.number + 2, self.number + 7)
        return tuple(
            (f"distribution-{other}", MARKERS[other % len(MARKERS)])
            for other in dict.fromkeys(others)
            if other < self.count
        )


def digest(filename: str) -> str:
    """Return a digest for a file that does not exist."""
    return hashlib.sha256(filename.encode()).hexdigest()


def pylock(universe: list[Distribution]) -> Iterator[str]:
    """Yield the parts of a pylock.toml."""
    yield 'lock-version = "1.0"\ncreated-by = "benchmark"\n'
    for each in universe:
        yield f'\n[[packages]]\nname = "{each.name}"\nversion = "{each.version}"\n'
        if marker := MARKERS[each.number % 2]:
            yield f'marker = "{marker}"\n'
        sdist, *wheels = each.files
        yield f"sdist = {pylock_file(sdist)}\n"
        yield f"wheels = [{', '.join(map(pylock_file, wheels))}]\n"


def pylock_file(name: str) -> str:
    """Return the table of one file of a pylock.toml."""
    url = f"https://example.org/files/{digest(name)[:6]}/{name}"
    hashes = f'{{ sha256 = "{digest(name)}" }}'
    return f'{{ name = "{name}", url = "{url}", size = 1000, hashes = {hashes} }}'


def uv(universe: list[Distribution]) -> Iterator[str]:
    """Yield the parts of a uv.lock, laid out as uv does it."""
    yield 'version = 1\nrevision = 3\nrequires-python = ">=3.9"\n\n[[package]]\nname = "sample"\n'
    yield 'version = "0.1"\nsource = { virtual = "." }\n'
    yield 'dependencies = [\n    { name = "distribution-0" },\n]\n'
    for each in universe:
        yield f'\n[[package]]\nname = "{each.name}"\nversion = "{each.version}"\n'
        yield 'source = { registry = "https://example.org/simple" }\n'
        if each.dependencies:
            yield "dependencies = [\n"
        for name, marker in each.dependencies:
            yield f'    {{ name = "{name}"' + (f', marker = "{marker}"' if marker else "") + " },\n"
        if each.dependencies:
            yield "]\n"
        sdist, *wheels = each.files
        yield f"sdist = {uv_file(sdist)}\nwheels = [\n"
        yield from (f"    {uv_file(wheel)},\n" for wheel in wheels)
        yield "]\n"


def uv_file(name: str) -> str:
    """Return the table of one file of a uv.lock."""
    url = f"https://example.org/files/{digest(name)[:6]}/{name}"
    return f'{{ url = "{url}", hash = "sha256:{digest(name)}", size = 1000 }}'


def poetry(universe: list[Distribution]) -> Iterator[str]:
    """Yield the parts of a poetry.lock of version 2.1, whose packages say their groups."""
    yield from poetry_packages(universe, 'groups = ["main"]\n')
    yield '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.9"\ncontent-hash = "0"\n'


def poetry_walked(universe: list[Distribution]) -> Iterator[str]:
    """Yield the parts of a poetry.lock of version 2.0, which has to be walked."""
    yield from poetry_packages(universe, "")
    yield '[metadata]\nlock-version = "2.0"\npython-versions = ">=3.9"\ncontent-hash = "0"\n'


def poetry_packages(universe: list[Distribution], groups: str) -> Iterator[str]:
    """Yield the packages of a poetry.lock."""
    for each in universe:
        yield f'[[package]]\nname = "{each.name}"\nversion = "{each.version}"\noptional = false\n'
        yield f'python-versions = ">=3.9"\n{groups}'
        if groups and (marker := MARKERS[each.number % 2]):
            yield f'markers = "{marker}"\n'
        yield f"files = [{', '.join(map(named_file, each.files))}]\n\n"
        if each.dependencies:
            yield "[package.dependencies]\n"
        for name, marker in each.dependencies:
            yield f'{name} = {{ version = ">=0.0", markers = "{marker}" }}\n'
        yield "\n"


def named_file(name: str) -> str:
    """Return the table of one file of a poetry.lock or a pdm.lock."""
    return f'{{file = "{name}", hash = "sha256:{digest(name)}"}}'


def pdm(universe: list[Distribution]) -> Iterator[str]:
    """Yield the parts of a pdm.lock whose candidates say their groups."""
    yield from pdm_packages(universe, "inherit_metadata", 'groups = ["default"]\n')


def pdm_walked(universe: list[Distribution]) -> Iterator[str]:
    """Yield the parts of a pdm.lock that has to be walked."""
    yield from pdm_packages(universe, "cross_platform", "")


def pdm_packages(universe: list[Distribution], strategy: str, groups: str) -> Iterator[str]:
    """Yield the parts of a pdm.lock."""
    yield f'[metadata]\ngroups = ["default"]\nstrategy = ["{strategy}"]\nlock_version = "4.5.0"\n'
    yield '[[metadata.targets]]\nrequires_python = ">=3.9"\n\n'
    for each in universe:
        yield f'[[package]]\nname = "{each.name}"\nversion = "{each.version}"\n'
        yield f'requires_python = ">=3.9"\nsummary = "A summary"\n{groups}'
        if groups and (marker := MARKERS[each.number % 2]):
            yield f'marker = "{marker}"\n'
        needs = (
            f'"{name}>=0.0' + (f'; {marker}"' if marker else '"')
            for name, marker in each.dependencies
        )
        yield f"dependencies = [{', '.join(needs)}]\n"
        yield f"files = [{', '.join(map(named_file, each.files))}]\n\n"


def pipenv(universe: list[Distribution]) -> Iterator[str]:
    """Yield a Pipfile.lock."""
    packages = {
        each.name: {
            "hashes": [f"sha256:{digest(name)}" for name in each.files],
            "markers": MARKERS[each.number % 2],
            "version": f"=={each.version}",
        }
        for each in universe
    }
    meta = {"pipfile-spec": 6, "requires": {}, "sources": []}
    yield json.dumps({"_meta": meta, "default": packages}, indent=4)


def requirements(universe: list[Distribution]) -> Iterator[str]:
    """Yield the lines of a requirements.txt."""
    for each in universe:
        marker = MARKERS[each.number % 2]
        yield f"{each.name}=={each.version}" + (f" ; {marker}" if marker else "")
        yield from (f" \\\n    --hash=sha256:{digest(name)}" for name in each.files)
        yield "\n"


FORMATS: dict[str, tuple[str, Callable[[list[Distribution]], Iterator[str]]]] = {
    "pylock": ("pylock.toml", pylock),
    "uv": ("uv.lock", uv),
    "poetry 2.1": ("poetry.lock", poetry),
    "poetry 2.0": ("poetry.lock", poetry_walked),
    "pdm": ("pdm.lock", pdm),
    "pdm, walked": ("pdm.lock", pdm_walked),
    "pipenv": ("Pipfile.lock", pipenv),
    "requirements": ("requirements.txt", requirements),
}

PYPROJECT = """\
[project]
name = "sample"
version = "0.1"
requires-python = ">=3.9"
dependencies = ["distribution-0"]

[tool.pdm]
distribution = false

[tool.poetry]
package-mode = false
"""


def make_lock(directory: Path, label: str, count: int = COUNT, share: int = 3) -> Path:
    """Write a lock of `count` distributions in the format `label`, and return its path."""
    filename, write = FORMATS[label]
    universe = [Distribution(number=number, count=count, share=share) for number in range(count)]
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / filename
    path.write_text("".join(write(universe)), encoding="utf-8")
    (directory / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    return path


def make_environ(tree: Path) -> dict[str, str]:
    """Return the variables with which a python imports the launcher of a source tree."""
    path = os.pathsep.join([f"{tree}/launcher", f"{tree}/runtime"])
    return {**os.environ, "PYTHONPATH": path}


def measure(path: Path, rounds: int) -> tuple[int, float]:
    """Return how many artifacts a lock selects, and the median of the seconds of processor time."""
    command = [sys.executable, "-c", PROGRAM, str(path)]
    environ = make_environ(TESTS.parent)
    times = []
    chosen = 0
    for _ in range(rounds):
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=TESTS, env=environ
        )
        told = done.stdout.split()
        chosen = int(told[0])
        times.append(float(told[1]))
    return chosen, statistics.median(times)


def measure_command(command: list[str], directory: Path, environ: dict[str, str]) -> float:
    """Return the seconds of processor time that a command takes in `directory`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=directory, env=environ, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare_large(
    directory: Path, rounds: int, uv: str | None, against: Path | None = None
) -> dict[str, float]:
    """Return how much longer a large uv.lock takes than one of a single package, in seconds.

    All commands take turns. The least of a command stands for it, as what else runs only adds.
    """
    small = make_lock(directory / "one", "uv", 1).parent
    large = make_lock(directory / "large", "uv", LARGE_COUNT, LARGE_SHARE).parent
    commands: dict[str, tuple[list[str], dict[str, str]]] = {}
    trees = {"pyx list": TESTS.parent} | ({"pyx list, the other tree": against} if against else {})
    for label, tree in trees.items():
        command = [sys.executable, "-m", "pyx_launcher", "list"]
        # Each has a home of its own, where it keeps what it knows of interpreters.
        home = directory / label.replace(" ", "-")
        own = {"PYX_HOME": str(home), "PYX_CACHE_DIR": str(home / "cache")}
        commands[label] = (command, {**make_environ(tree), **own})
    if uv:
        words = [
            uv,
            "export",
            "--frozen",
            "--quiet",
            "--no-emit-project",
            "--python",
            sys.executable,
        ]
        commands["uv export --frozen"] = (words, dict(os.environ))
    times: dict[tuple[str, Path], list[float]] = {}
    for _ in range(rounds + 1):
        for label, (command, variables) in commands.items():
            for place in (small, large):
                took = measure_command(command, place, variables)
                times.setdefault((label, place), []).append(took)
    # The first round fills the caches.
    least = {key: min(found[1:]) for key, found in times.items()}
    return {label: least[label, large] - least[label, small] for label in commands}


def format_large(more: dict[str, float]) -> str:
    """Return the section of docs/performance.md about a large uv.lock."""
    ours = more["pyx list"]
    lines = [
        f"### A uv.lock of {LARGE_COUNT} packages and 2 MB\n",
        "Processor time, less that of a lock with one package; `pyx -m benchmarks.locks`.\n",
        "| what | against | ratio | pyx, ms | the other, ms |",
        "|---|---|---|---|---|",
    ]
    for label, seconds in more.items():
        if label != "pyx list":
            row = f"`{label}` | {ours / seconds:.2f} | {ours * 1000:.0f} | {seconds * 1000:.0f}"
            lines.append(f"| `pyx list` | {row} |")
    return "\n".join([*lines, ""])


def measure_locks(ground: Ground) -> str:
    """Return the section about a large uv.lock; empty where there is no uv to compare with."""
    uv = ground.find("uv")
    if uv is None:
        return ""
    return format_large(compare_large(ground.directory / "locks", ground.rounds, uv))


def main() -> int:
    """Measure every format, print a table, and return 1 if one is over the budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="distributions in each lock")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--uv", default=shutil.which("uv"), help="the uv to compare with")
    parser.add_argument("--against", type=Path, help="another source tree of pyx")
    options = parser.parse_args()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        for label in FORMATS:
            path = make_lock(Path(name) / label, label, options.count)
            chosen, seconds = measure(path, options.rounds)
            slowest = max(slowest, seconds)
            size = path.stat().st_size / 1e6
            sys.stdout.write(f"{label:14} {size:5.2f} MB  {chosen:4} chosen  {seconds:6.3f} s\n")
        more = compare_large(Path(name), options.rounds, options.uv, options.against)
    sys.stdout.write(f"\n{format_large(more)}")
    sys.stdout.write(f"\n`pyx list` takes {more['pyx list']:.3f} s, at most {LARGE_BUDGET}\n")
    return 1 if slowest > BUDGET or more["pyx list"] > LARGE_BUDGET else 0


if __name__ == "__main__":
    sys.exit(main())

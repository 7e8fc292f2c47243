"""Projects for the benchmarks, made from real wheels or from small generated ones.

Each has a `uv.lock`, which both uv and pyx obey, made by uv from an index on loopback.
"""

from __future__ import annotations

import itertools
import re
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from indexserver import IndexServer
from wheelhouse import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ground import Ground
    from measure import Command

FILES = ("pyproject.toml", "uv.lock")
WEB = frozenset(
    {
        *("blinker", "certifi", "charset-normalizer", "click", "flask", "idna", "itsdangerous"),
        *("jinja2", "markupsafe", "requests", "urllib3", "werkzeug"),
    }
)
"""Flask and Requests with all that they need: the real project of twelve distributions."""

_numbers = itertools.count()


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A directory with a lock, everything of which is in pyx's store and in uv's cache."""

    name: str
    size: int
    directory: Path


def make_wheels(directory: Path, count: int, modules: int) -> list[Path]:
    """Write `count` wheels of small modules into `directory`, and return them."""
    wheels = []
    for number in range(count):
        name = f"made_{number:05d}"
        files = {f"{name}/m{n}.py": f"VALUE = {n}\n" * 20 for n in range(modules)}
        files[f"{name}/__init__.py"] = f"__version__ = '{number}'\n"
        points = {f"made-{number}": f"{name}:main"} if number % 3 == 0 else None
        wheels.append(make_wheel(directory, name, "1.0", files=files, entry_points=points))
    return wheels


@contextmanager
def filled_project(ground: Ground, name: str, wheels: Sequence[Path]) -> Iterator[Project]:
    """Yield a project that needs exactly `wheels`, which lie in one directory.

    Its index runs as long as that. Raises RuntimeError where uv cannot lock it.
    """
    directory = ground.directory / f"project-{name}"
    directory.mkdir()
    pins = [re.sub(r"[-_.]+", "-", w.name.split("-")[0]).lower() for w in wheels]
    lines = [f'  "{pin}=={w.name.split("-")[1]}",' for pin, w in zip(pins, wheels, strict=True)]
    uv = ground.find("uv")
    if uv is None:
        raise RuntimeError("uv is not on PATH; it makes the locks")
    with IndexServer(wheels[0].parent) as index:
        (directory / "pyproject.toml").write_text(
            f'[project]\nname = "project-{name}"\nversion = "0"\nrequires-python = "==3.12.*"\n'
            "dependencies = [\n" + "\n".join(lines) + "\n]\n"
            # The wheels are those of this platform alone.
            f"[tool.uv]\nenvironments = [\"sys_platform == '{sys.platform}'\"]\n"
            f'[[tool.uv.index]]\nurl = "{index.url}"\ndefault = true\n'
        )
        ground.call(uv, "sync", "--quiet", directory=directory)
        ground.call(ground.pyx, "sync", directory=directory)
        yield Project(name=name, size=len(wheels), directory=directory)


def set_aside(ground: Ground, place: Path) -> None:
    """Move `place` out of the way, if it is there; see `Command.prepare` for why it is kept."""
    if place.exists():
        away = ground.directory / "aside"
        away.mkdir(exist_ok=True)
        place.rename(away / str(next(_numbers)))


def fresh_copy(ground: Ground, project: Project) -> str:
    """Return a new directory with the files of `project`."""
    directory = ground.directory / "copies" / str(next(_numbers))
    directory.mkdir(parents=True)
    for name in FILES:
        shutil.copy(project.directory / name, directory / name)
    return str(directory)


def first_start(ground: Ground, project: Project, label: str, *words: str) -> Command:
    """Return the first start of pyx in a new project, whose environment nobody has yet."""

    def prepare() -> str:
        set_aside(ground, ground.directory / "pyx" / "data" / "environments")
        return fresh_copy(ground, project)

    return ground.command(label, ground.pyx, *words, directory=project.directory, prepare=prepare)


def equal_start(ground: Ground, project: Project, label: str, *words: str) -> Command:
    """Return the first start of pyx in a new project whose lock another project has as well."""
    return ground.command(
        label,
        *(ground.pyx, *words),
        directory=project.directory,
        prepare=lambda: fresh_copy(ground, project),
    )


def switched(ground: Ground, project: Project, label: str, *words: str | Path) -> Command:
    """Return a command in a project whose lock is now one and now the other of two.

    Both were there before, as those of two branches are. They differ in a comment alone, so that
    they ask for the same.
    """
    directory = Path(fresh_copy(ground, project))
    lock = directory / "uv.lock"
    texts = [lock.read_text(), lock.read_text() + "# of the other branch\n"]
    turn = itertools.count()

    def prepare() -> str:
        lock.unlink()
        lock.write_text(texts[next(turn) % 2])
        # No command follows so closely that the times of the file could not tell.
        time.sleep(0.05)
        return str(directory)

    for _ in texts:
        prepare()
        ground.call(*map(str, words), directory=directory)
    return ground.command(label, *words, directory=directory, prepare=prepare)


def uv_sync(ground: Ground, project: Project, *options: str) -> Command:
    """Return `uv sync` in a new project."""
    uv = ground.find("uv") or "uv"
    return ground.command(
        " ".join(("`uv sync", *options)) + "`",
        *(uv, "sync", "--quiet", *options),
        directory=project.directory,
        prepare=lambda: fresh_copy(ground, project),
    )


def uv_run(ground: Ground, project: Project, program: str) -> Command:
    """Return `uv run` of `program` in a new project."""
    return ground.command(
        "`uv run`",
        *(ground.find("uv") or "uv", "run", "--quiet", "python", "-c", program),
        directory=project.directory,
        prepare=lambda: fresh_copy(ground, project),
    )

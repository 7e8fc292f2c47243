"""A store that is filled once per session, and the engines' projects with their locks.

The locks are pyx's own, made from the index that pip is configured for.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clusters.machines import Site
from conftest import FOREIGN_PREFIXES
from filelock import FileLock
from installed import Pyx, shared_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENGINES = {
    "ray": "ray[default]==2.59.0",
    "dask": "distributed==2026.8.0",
    "spark": "pyspark==4.3.0",
}
FIRST, SECOND = "4.11.0", "4.12.0"
"""The versions of humanize in the two locks of each engine."""
PYTHONS = ("3.12", "3.11", "3.13", "3.10")
"""What all three engines have wheels for, the most tried first."""


@pytest.fixture(scope="session")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    native: Path,
    interpreters: Mapping[str, Path],
    uv: Path,
) -> Site:
    """Give the shared store, still empty, and the means to fill it."""
    base = shared_directory(tmp_path_factory) / "clusters"
    python = next((interpreters[name] for name in PYTHONS if name in interpreters), None)
    if python is None:
        pytest.skip(f"there is none of Python {', '.join(PYTHONS)}")
    base.mkdir(exist_ok=True)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "only")
    environ = _variables(base) | {
        "PYX_HOME": str(base / "system"),
        "PYX_CACHE_DIR": str(base / "cache"),
        "PYX_PYTHON": str(python),
        "PYX_UV": str(uv),
    }
    return Site(base=base, pyx=Pyx(base / f"installed-{worker}", native, environ))


def _variables(base: Path) -> dict[str, str]:
    """Return variables with pip's configuration and nothing else of the user's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN_PREFIXES)}
    pip = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    for own in (".config/pip/pip.conf", ".pip/pip.conf"):
        if (Path.home() / own).exists():
            pip.setdefault("PIP_CONFIG_FILE", str(Path.home() / own))
    (base / "home").mkdir(exist_ok=True)
    return kept | pip | {"HOME": str(base / "home"), "NO_PROXY": "127.0.0.1,localhost"}


def prepare(site: Site, engine: str) -> None:
    """Lock the engine's two projects, and fill the shared store from the first."""
    first, second = (site.find_project(f"{engine}-{number}") for number in ("one", "two"))
    with FileLock(site.base / f"{engine}.lock"):
        if second.exists():
            return
        first.mkdir(parents=True, exist_ok=True)
        _run(site, "add", "--init", ENGINES[engine], f"humanize=={FIRST}", cwd=first)
        _run(site, "sync", "--compile", cwd=first)
        unfinished = second.with_suffix(".new")
        shutil.copytree(first, unfinished)
        manifest = unfinished / "pyproject.toml"
        manifest.write_text(manifest.read_text().replace(FIRST, SECOND))
        _run(site, "lock", cwd=unfinished)
        unfinished.rename(second)


def _run(site: Site, *words: str, cwd: Path) -> None:
    told = site.pyx(*words, cwd=cwd, timeout=600)
    assert told.returncode == 0, told.stderr


@pytest.fixture
def slow_path(site: Site) -> Iterator[None]:
    """Have a slow path again, whatever a test did to it."""
    yield
    site.pyx.repair_slow_path()


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Give a directory with a short name: paths of sockets may have no more than 107 bytes."""
    directory = Path(tempfile.mkdtemp(prefix="pyx-cl."))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)

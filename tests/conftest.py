"""Shared fixtures: a wheelhouse, an index on loopback, a clean environment, interpreters."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from indexserver import IndexServer
from installed import KINDS, PLAIN_PYTHON, Pyx, build_native, forget_outer_start, shared_directory

from pyx_launcher.dirs import Dirs
from pyx_launcher.environment.writer import settle_start
from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import probe_interpreter
from pyx_launcher.resolve.tools import Toolbox

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARY_MAGIC = (
    b"\x7fELF",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
)
"""How ELF and Mach-O files begin; a shim of pyenv is a script and begins otherwise."""

FOREIGN_PREFIXES = (
    "CI",
    "PIP_",
    "PYTHON",
    "PYX_",
    "UV_",
    "POETRY_",
    "PYENV_VERSION",
    "CONDA_",
    "XDG_",
    "VIRTUAL_",
)
# A job in the background is begun with Ctrl-C ignored, and what tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TELL = "import sys; print('%d.%d' % sys.version_info[:2] + getattr(sys, 'abiflags', ''), end='')"


forget_outer_start()

FIRST = (
    "test_architecture",
    "test_conventions",
    "files",
    "locks",
    "project",
    "record",
    "cli",
    "test_values",
)
"""What needs no process, and tells within a minute that something is wrong."""

LONG = (
    *("test_packaging", "test_wheels", "test_deb", "test_standalone", "test_docs", "test_site"),
    *("conformance", "test_costs", "test_editors", "test_programs", "test_recipes", "test_sets"),
)
"""What takes long by itself."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests in tiers that fail early: what needs no process, loopback, what takes long.

    With several workers what takes long is begun before the rest, or one of them would still be at
    it when the others have nothing left to do.
    """
    long = 1 if "PYTEST_XDIST_WORKER" in os.environ else 3

    def find_tier(item: pytest.Item) -> int:
        name = item.path.relative_to(Path(__file__).parent).parts[0].removesuffix(".py")
        return 0 if name in FIRST else long if name in LONG else 2

    items.sort(key=find_tier)


@pytest.fixture(autouse=True)
def direct_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a proxy of the machine away from the loopback servers."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name)
        monkeypatch.setenv(name, ",".join(filter(None, (known, "127.0.0.1", "localhost"))))


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Give an empty directory for artifacts, the one that `index` serves."""
    directory = tmp_path / "wheels"
    directory.mkdir()
    return directory


@pytest.fixture
def index(wheels: Path) -> Iterator[IndexServer]:
    """Run an index over `wheels`."""
    with IndexServer(wheels) as server:
        yield server


@pytest.fixture
def pyx_home(tmp_path: Path) -> Path:
    """Name the `PYX_HOME` of `environ`; it does not exist yet."""
    return tmp_path / "pyx-home"


@pytest.fixture(scope="session")
def probed(interpreters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a cache that knows every interpreter and how it starts, asked once in a session."""
    shared = shared_directory(tmp_path_factory)
    dirs = Dirs(home=shared / "probed-home", cache=shared / "probed")
    native = build_native(shared, *KINDS)
    dirs.interpreters.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(shared / "probed.lock"):
        for path in interpreters.values():
            found = probe_interpreter(path, cache=dirs.interpreters, template=find_template())
            if native is not None:
                settle_start(dirs, found, native)
    return dirs.interpreters


@pytest.fixture
def environ(
    tmp_path: Path,
    pyx_home: Path,
    index: IndexServer,
    direct_loopback: None,
    probed: Path,
    request: pytest.FixtureRequest,
) -> dict[str, str]:
    """Give variables to a process that then knows nothing of the machine but PATH and the index.

    What the interpreters are is known, too, since to ask each of them takes most of a test's time;
    and to uv, where a test has one.
    """
    made = make_environ(tmp_path, pyx_home, index.url, probed)
    if "uv" in request.fixturenames:
        known = request.getfixturevalue("probed_by_uv")
        shutil.copytree(known, Path(made["HOME"]) / ".cache" / "uv")
    return made


def make_environ(base: Path, pyx_home: Path, index_url: str, probed: Path) -> dict[str, str]:
    """Return these variables, with a home and a cache below `base`."""
    home = base / "home"
    home.mkdir()
    shutil.copytree(probed, base / "pyx-cache" / "interpreters")
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(FOREIGN_PREFIXES) and key != "NETRC"
    }
    return kept | {
        "HOME": str(home),
        "PYX_HOME": str(pyx_home),
        "PYX_CACHE_DIR": str(base / "pyx-cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index_url,
    }


@pytest.fixture(scope="session")
def interpreters() -> dict[str, Path]:
    """Find every real CPython from 3.9 on, oldest first: ``3.12`` (or ``3.13t``) → its binary."""
    found: dict[str, Path] = {}
    seen: set[Path] = set()
    for candidate in _candidates():
        path = candidate.resolve()
        if path in seen or not _is_binary(path):
            continue
        seen.add(path)
        version = _version(path)
        if version:
            found.setdefault(version, path)
    return dict(sorted(found.items(), key=lambda item: int(item[0].rstrip("td").split(".")[1])))


def _candidates() -> Iterator[Path]:
    yield Path(PLAIN_PYTHON)
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        if Path(directory).is_absolute():
            yield from sorted(Path(directory).glob("python3*"))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob("versions/*/bin/python3.*"), reverse=True)
    yield from sorted(Path.home().glob(".local/share/uv/python/*/bin/python3.*"), reverse=True)


def _is_binary(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) in BINARY_MAGIC and os.access(path, os.X_OK)
    except OSError:
        return False


def _version(path: Path) -> str | None:
    """Return the version of a CPython ≥ 3.9 that runs, else None."""
    told = subprocess.run(
        [path, "-I", "-S", "-c", TELL], capture_output=True, text=True, check=False
    )
    parts = told.stdout.rstrip("td").split(".")
    if told.returncode or parts[0] != "3" or not parts[-1].isdigit() or int(parts[-1]) < 9:
        return None
    return told.stdout


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the native program, compiled once per session as `KINDS` says."""
    program = build_native(shared_directory(tmp_path_factory), *KINDS)
    if program is None:
        pytest.skip("there is no C compiler")
    return program


@pytest.fixture
def pyx(tmp_path: Path, native: Path, environ: dict[str, str]) -> Pyx:
    """Give an installation of pyx made from this tree; calling it runs ``pyx`` as a process."""
    return Pyx(tmp_path / "installed", native, environ)


@pytest.fixture(scope="session")
def uv(tmp_path_factory: pytest.TempPathFactory, native: Path) -> Path:
    """Give a uv: the installed one, else the one that pyx itself would lock with."""
    named = os.environ.get("PYX_ORACLE_UV") or shutil.which("uv")
    if named:
        return Path(named)
    return own_toolbox(shared_directory(tmp_path_factory) / "uv", native).find_tool("uv")


@pytest.fixture(scope="session")
def probed_by_uv(
    uv: Path, interpreters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a cache of uv's that knows every interpreter, asked once in a session."""
    cache = shared_directory(tmp_path_factory) / "probed-by-uv"
    with FileLock(cache.with_suffix(".lock")):
        if not cache.exists():
            for path in interpreters.values():
                words = (uv, "python", "find", "--no-config", "--cache-dir", cache, path)
                subprocess.run(words, capture_output=True, check=True)
    return cache


@pytest.fixture(scope="session")
def vega(tmp_path_factory: pytest.TempPathFactory, native: Path) -> Path:
    """Give a python that can draw: the one that is named, else the one that pyx would draw with."""
    named = os.environ.get("PYX_VEGA")
    if named:
        return Path(named)
    return own_toolbox(shared_directory(tmp_path_factory) / "vega", native).find_python_with("vega")


def own_toolbox(home: Path, native: Path) -> Toolbox:
    """Return what fetches the tools that pyx itself would use, into `home`."""
    dirs = Dirs(home=home / "home", cache=home / "cache")
    return Toolbox(dirs=dirs, environ=os.environ, native=native, offline=False)

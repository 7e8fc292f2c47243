"""Where interpreters lie, and which real binary a path stands for; nothing is run to find out.

A virtual environment's python stands for its base, a shim of pyenv for the version that pyenv
would choose, anything else for itself if it is machine code.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pyx_launcher.dirs import guess_home
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from findpython.providers.base import BaseProvider
    from findpython.python import PythonVersion

Origin = Literal["named", "PATH", "installed"]

# ELF, then Mach-O: both byte orders of 32 and 64 bits, and universal files.
MACHINE_CODE = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
)

PYTHON_NAME = re.compile(r"python(?:3(?:\.(\d+)t?)?)?")
PYTHON_3_BINARY = re.compile(r"[Pp]ython(?!2)")
VERSION_IN_PATH = re.compile(r"(?<![\d.])3\.(\d+)(?:\.(\d+))?")
SHIM_ROOT = re.compile(rb'^export PYENV_ROOT="([^"]+)"$', re.MULTILINE)
SHIM_CALL = re.compile(rb'^exec "[^"]*pyenv" exec ', re.MULTILINE)
# pyenv-virtualenv keeps an environment at VERSION/envs/NAME; nothing else may leave its directory.
PYENV_NAME = re.compile(r"\w[\w.+-]*(?:/envs/\w[\w.+-]*)?")

# A symlink, a shim and nested virtual environments may follow one another, but not for ever.
MAX_STEPS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class InterpreterCandidate:
    """A path that may stand for an interpreter."""

    found_as: Path
    binary: Path | None
    """The machine code that it stands for, symlinks resolved; None if it stands for nothing."""
    origin: Origin
    inputs: tuple[Path, ...] = ()
    """The links and configuration files that decided what it stands for; some may not exist."""

    @property
    def minor(self) -> int | None:
        """The minor version of Python 3 as the name of the binary tells it."""
        found = PYTHON_NAME.fullmatch(self.binary.name) if self.binary else None
        return int(found[1]) if found and found[1] else None

    @property
    def version_hint(self) -> tuple[int, int]:
        """The highest minor and patch version in the path, for ordering; (-1, -1) without one."""
        found = VERSION_IN_PATH.findall(str(self.binary))
        return max(((int(minor), int(patch or -1)) for minor, patch in found), default=(-1, -1))

    @property
    def is_foreign(self) -> bool:
        """Whether the name alone says that this is another implementation or Python 2."""
        return self.binary is not None and not PYTHON_3_BINARY.match(self.binary.name)


def resolve_candidate(
    path: Path, environ: Mapping[str, str], *, origin: Origin = "named"
) -> InterpreterCandidate:
    """Return what `path`, a program or the directory of an environment, stands for."""
    inputs: list[Path] = []
    current: Path | None = path.absolute()
    try:
        for _ in range(MAX_STEPS):
            if current is None or _is_machine_code(current):
                break
            current = _follow(current, environ, inputs)
        binary = current if current and _is_machine_code(current) else None
    except PermissionError:
        # A name in a directory that may be listed and not be entered: to a shell it is not there.
        binary = None
    return InterpreterCandidate(found_as=path, binary=binary, origin=origin, inputs=tuple(inputs))


def _is_machine_code(path: Path) -> bool:
    """Return whether `path` is the end of the way: a binary that belongs to no environment."""
    if _pyvenv_cfg(path) or path != path.resolve():
        return False
    return path.is_file() and os.access(path, os.X_OK) and _read_head(path, 4) in MACHINE_CODE


def _follow(path: Path, environ: Mapping[str, str], inputs: list[Path]) -> Path | None:
    """Take one step from `path` to what it stands for, noting the files that decide it."""
    if path.is_dir():
        return _python_in(path / "bin")
    if config := _pyvenv_cfg(path):
        inputs.append(config)
        return _base_of(config, path.name)
    resolved = path.resolve()
    if resolved != path:
        inputs.append(path)
        # The directory of a link may itself be reached by links that lead into an environment.
        return resolved
    head = _read_head(path, 4096)
    if head.startswith(b"#!") and SHIM_CALL.search(head):
        return _follow_shim(path, head, environ, inputs)
    return None


def _read_head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def _pyvenv_cfg(python: Path) -> Path | None:
    """Return the configuration of the virtual environment that `python` belongs to (PEP 405)."""
    for directory in (python.parent, python.parent.parent):
        config = directory / "pyvenv.cfg"
        if config.is_file():
            return config
    return None


_LARGEST = 1 << 20
"""Characters of a file that has a line or some."""


def _base_of(config: Path, name: str) -> Path | None:
    values = {
        key.strip().lower(): value.strip()
        for key, found, value in (line.partition("=") for line in _read_lines(config))
        if found
    }
    home = values.get("home")
    if not home:
        return None
    version = re.match(r"3\.\d+", values.get("version_info") or values.get("version") or "")
    # `home` may hold several versions, so the version that the environment is for comes first.
    names = [f"python{version[0]}"] if version else []
    return _python_in(Path(home), *names, name)


def _python_in(directory: Path, *names: str) -> Path | None:
    programs = (directory / name for name in (*names, "python3", "python"))
    return next((program for program in programs if program.is_file()), None)


def _read_lines(path: Path | int) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST).splitlines()
    except OSError:
        return []


def read_version_words(path: Path, file: int | None = None) -> list[str]:
    """Return the first word of each line of a pyenv version file that is no comment.

    `file` is a descriptor of it, if it is open already, which is closed.
    """
    words = (line.split()[:1] for line in _read_lines(path if file is None else file))
    return [word for found in words for word in found if not word.startswith("#")]


def find_pyenv_root(environ: Mapping[str, str]) -> Path:
    """Return pyenv's directory, which need not exist."""
    root = environ.get("PYENV_ROOT")
    return Path(root) if root else guess_home(environ) / ".pyenv"


_LONGEST_NAME = 200
"""Characters; file systems take 255 bytes."""


def find_pyenv_prefix(root: Path, name: str) -> Path | None:
    """Return the directory of the version that pyenv takes `name` for, if it is installed.

    A part of a version number stands for the latest version that begins with it.
    """
    if len(name) > _LONGEST_NAME or not PYENV_NAME.fullmatch(name):
        return None
    versions = root / "versions"
    name = name.removeprefix("python-")
    if (versions / name).is_dir():
        return versions / name
    if not re.fullmatch(r"\d+(\.\d+)?", name):
        return None
    latest = max(
        (
            tuple(int(part) for part in entry.name.split("."))
            for entry in versions.glob(f"{name}.*")
            if re.fullmatch(r"\d+(\.\d+)+", entry.name)
        ),
        default=None,
    )
    return versions / ".".join(str(part) for part in latest) if latest else None


def _follow_shim(
    shim: Path, head: bytes, environ: Mapping[str, str], inputs: list[Path]
) -> Path | None:
    written = SHIM_ROOT.search(head)
    root = Path(os.fsdecode(written[1])) if written else find_pyenv_root(environ)
    chosen = environ.get("PYENV_VERSION")
    if chosen:
        names = chosen.split(":")
    else:
        inputs.append(root / "version")
        names = read_version_words(root / "version") or ["system"]
    for name in names:
        if name == "system":
            return _find_system(shim, environ)
        prefix = find_pyenv_prefix(root, name)
        if prefix and (prefix / "bin" / shim.name).is_file():
            return prefix / "bin" / shim.name
    return None


def _find_system(shim: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the first program on PATH of the same name that is no shim of pyenv."""
    for directory in path_directories(environ):
        program = directory / shim.name
        # Path.is_file would raise where the user may not look.
        if os.path.isfile(program) and not SHIM_CALL.search(_read_head(program, 4096)):
            return program
    return None


def path_directories(environ: Mapping[str, str]) -> list[Path]:
    """Return the directories of PATH; relative ones are left out, as they belong to anybody."""
    names = dict.fromkeys(environ.get("PATH", os.defpath).split(os.pathsep))
    return [directory for directory in map(Path, names) if directory.is_absolute()]


def path_candidates(environ: Mapping[str, str]) -> Iterator[InterpreterCandidate]:
    """Yield what the names of Python on PATH stand for, in the order of PATH, each once.

    In each directory python3 comes first, then python, then python3.N from the highest down.
    """
    seen: set[Path] = set()
    passed: list[Path] = []
    for directory in path_directories(environ):
        programs = _pythons_in(directory)
        # A Python that appears in an earlier directory would come first.
        names = {program.name for program in programs}
        passed += [directory / name for name in ("python3", "python") if name not in names]
        for program in programs:
            candidate = resolve_candidate(program, environ, origin="PATH")
            if candidate.binary not in seen:
                seen |= {candidate.binary} if candidate.binary else set()
                yield replace(candidate, inputs=(*passed, *candidate.inputs))


def _pythons_in(directory: Path) -> list[Path]:
    try:
        names = [name for name in os.listdir(directory) if PYTHON_NAME.fullmatch(name)]
    except OSError:
        return []
    return [directory / name for name in sorted(names, key=_name_rank)]


def _name_rank(name: str) -> tuple[int, int, str]:
    if name in {"python3", "python"}:
        return (0, 0, "") if name == "python3" else (1, 0, "")
    found = PYTHON_NAME.fullmatch(name)
    # Of one version the plain name comes before the free-threaded one, which ends in "t".
    return (2, -int(found[1]), name) if found and found[1] else (3, 0, name)


def installed_candidates(environ: Mapping[str, str]) -> list[InterpreterCandidate]:
    """Return what pyenv, uv, asdf, mise, rye and the installer for macOS have put in place.

    The highest version comes first, as far as the paths tell it.
    """
    found: dict[Path, InterpreterCandidate] = {}
    for provider in _providers(environ):
        for python in _list_pythons(provider):
            candidate = resolve_candidate(python.executable, environ, origin="installed")
            if candidate.binary:
                found.setdefault(candidate.binary, candidate)
    return sorted(found.values(), key=lambda one: one.version_hint, reverse=True)


def _list_pythons(provider: BaseProvider) -> list[PythonVersion]:
    try:
        return list(provider.find_pythons())
    except OSError:
        # What the user may not look into has nothing for the user.
        return []


def _providers(environ: Mapping[str, str]) -> list[BaseProvider]:
    # findpython takes 30 ms to import, and PATH nearly always has what is wanted.
    from findpython.providers.asdf import AsdfProvider
    from findpython.providers.macos import MacOSProvider
    from findpython.providers.pyenv import PyenvProvider
    from findpython.providers.rye import RyeProvider
    from findpython.providers.uv import UvProvider

    home = guess_home(environ)
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    mac = MacOSProvider.create()
    return [
        PyenvProvider(find_pyenv_root(environ)),
        UvProvider(Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")),
        AsdfProvider(Path(environ.get("ASDF_DATA_DIR") or home / ".asdf")),
        # mise lays its versions out as asdf does; its shims are links to mise, no interpreters.
        AsdfProvider(data / "mise"),
        RyeProvider(Path(environ.get("RYE_PY_ROOT") or home / ".rye" / "py")),
        *([mac] if mac else []),
    ]

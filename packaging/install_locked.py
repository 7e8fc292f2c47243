"""Install pyx and what it requires into an environment, exactly as this checkout has it locked.

    ENVIRONMENT/bin/python -I packaging/install_locked.py

installs into the environment whose python runs this: what ``launcher-requirements.txt`` names, and
then pyx itself, whose wheel is built with what ``build-requirements.txt`` names. All of it is
checked against hashes, and nothing else is installed. Says on stderr what is wrong. Exit status:
0; 69 where an index does not have a locked file, or the wheel cannot be built.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
LAUNCHER = PACKAGING / "launcher-requirements.txt"
BUILD = PACKAGING / "build-requirements.txt"
COMPILER = PACKAGING / "compiler-requirements.txt"

PIP = ("-I", "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check")
HASHED = ("--no-deps", "--require-hashes", "--only-binary", ":all:")

ASK = """\
import hatchling.build
print(*hatchling.build.get_requires_for_build_wheel(), sep="\\n")
"""
"""Asks the build backend (PEP 517) what it needs here besides itself."""

MAKE = """\
import sys
import hatchling.build
print(hatchling.build.build_wheel(sys.argv[1]))
"""

ENOUGH = 4
"""Distributions that cannot be had, before any can: then it is no single file that is missing."""


class InstallError(Exception):
    """What keeps pyx from being installed, in words for the user."""


def main() -> int:
    """Install into the environment of this process; returns an exit status."""
    python = Path(sys.executable)
    try:
        with tempfile.TemporaryDirectory(prefix="pyx-install-") as temporary:
            install(python, LAUNCHER)
            wheel = build_wheel(python, Path(temporary))
            install_wheel(python, wheel)
            remove_setuptools(python)
    except InstallError as error:
        sys.stderr.write(f"pyx: {error}\n")
        return 69
    return 0


def install(python: Path, requirements: Path, *options: str | Path) -> None:
    """Have pip install what the file `requirements` names, by hash, for `python`.

    Raises InstallError, which names the files that the index does not have.
    """
    words = (*HASHED, "--no-warn-script-location", *options, "-r", requirements)
    done = _run_pip(python, "install", *words)
    sys.stderr.write(done.stdout)
    if done.returncode:
        raise InstallError(_explain(python, requirements))


def install_wheel(python: Path, wheel: Path) -> None:
    """Have pip install exactly `wheel`, by name and hash, so that no path of it is recorded."""
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with tempfile.TemporaryDirectory(prefix="pyx-install-") as temporary:
        own = Path(temporary, "own.txt")
        own.write_text(f"{name}=={version} --hash=sha256:{digest}\n", encoding="ascii")
        places = ("--no-index", "--find-links", wheel.parent)
        done = _run_pip(python, "install", *HASHED, *places, "--no-warn-script-location", "-r", own)
    sys.stderr.write(done.stdout)
    if done.returncode:
        raise InstallError(f"pip could not install {wheel.name}; its message is above")


def remove_setuptools(python: Path) -> None:
    """Take away what ensurepip brings along up to 3.11, and nothing needs.

    Its ``.pth`` file would run code at every slow start.
    """
    if list(python.parent.parent.glob("lib/python*/site-packages/setuptools")):
        done = _run_pip(python, "uninstall", "--yes", "setuptools")
        sys.stderr.write(done.stdout)
        if done.returncode:
            raise InstallError("pip could not remove setuptools; its message is above")


def build_wheel(python: Path, directory: Path) -> Path:
    """Build the wheel of this checkout with the locked tools, in `directory`, and return it."""
    tools, built = directory / "tools", directory / "built"
    built.mkdir(parents=True)
    install(python, BUILD, "--target", tools)
    if "ziglang" in _run_backend(python, tools, ASK).split():
        install(python, COMPILER, "--target", tools, "--upgrade")
    return built / _run_backend(python, tools, MAKE, built).split()[-1]


def _run_backend(python: Path, tools: Path, code: str, *words: Path) -> str:
    """Run `code`, which calls the build backend in `tools`, and return what it printed."""
    foreign = ("PYTHON", "PYX_", "HATCH_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        [python, "-c", code, *words],
        cwd=ROOT,
        # The compiler is started by the backend, so it has to find the tools as well.
        env={**kept, "PYTHONPATH": str(tools)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InstallError(f"the wheel of {ROOT} cannot be built; the message is above")
    return done.stdout


def _run_pip(python: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *PIP, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _explain(python: Path, requirements: Path) -> str:
    """Find out, by asking for one at a time, which distributions cannot be had, and say so."""
    missing: list[str] = []
    had = 0
    with tempfile.TemporaryDirectory(prefix="pyx-install-") as temporary:
        one = Path(temporary, "one.txt")
        for line in _read_lines(requirements):
            one.write_text(f"{line}\n", encoding="ascii")
            words = ("--retries", "0", *HASHED, "-d", temporary, "-r", one)
            if _run_pip(python, "download", *words).returncode:
                missing.append(line)
            # What a marker leaves out on this machine was not asked for.
            had = len(list(Path(temporary).iterdir())) - 1
            if not had and len(missing) == ENOUGH:
                break
    if not missing:
        return "pip could not install what it could download (its message is above)"
    if not had:
        return (
            "pip can fetch nothing (its message is above); check the network and: pip config list"
        )
    named = "; ".join(map(_name_files, missing))
    return (
        f"your index does not have what this checkout is locked to: {named}. It was withdrawn or "
        "replaced, or there is none for this machine. Take a newer checkout (git pull), or name "
        "an index that has it: PIP_INDEX_URL=URL sh packaging/install.sh"
    )


def _read_lines(requirements: Path) -> Iterator[str]:
    """Yield each requirement of a file, with its hashes, on one line."""
    for line in requirements.read_text(encoding="ascii").replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            yield " ".join(line.split())


def _name_files(line: str) -> str:
    """Return name and version of a requirement, with its wheel where it has a single one."""
    name, _, version = line.split(maxsplit=1)[0].partition("==")
    text = (ROOT / "poetry.lock").read_text(encoding="utf-8")
    found = dict(re.findall(r'\{file = "([^"]+)", hash = "([^"]+)"\}', text))
    wheels = [file for file, digest in found.items() if digest in line and file.endswith(".whl")]
    return f"{name} {version}" + (f" ({wheels[0]})" if len(wheels) == 1 else "")


if __name__ == "__main__":
    sys.exit(main())

"""Use pyx as it is installed with the locked, the newest or the oldest set of what it requires.

    python3 .ci/sets.py locked|newest|oldest [PYTHON ...]

Each PYTHON (by default one of each version from 3.10 to 3.13 that is here; of the locked set the
oldest and the newest) gets pyx in an empty home: by ``packaging/install.sh``, or as a wheel with
the newest or oldest versions that its metadata allows. It runs the example, and the first of them
the table of tests below as well. Says on stderr what was run. If the newest set fails and the
locked one does not, the last line names the distribution whose newest release broke it. Exit
status: 0, or 1 where anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "packaging"))

from install_locked import LAUNCHER, InstallError, build_wheel  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
UV = ROOT / "launcher/pyx_launcher/resolve/pins/uv-requirements.txt"
EXAMPLE = ROOT / "examples/report/report.py"
TABLE = ("tests/test_endtoend.py", "tests/test_selection.py")
"""The promise of pyx as a table of projects and versions, and what chooses from a lock.

Of the first, `CHOSEN`: what interpreters and directories decide is no matter of libraries.
"""
CHOSEN = (
    "test_selection or each_project or zeros or source_distribution or another_version"
    " or sync_makes or does_not_name"
)
TOOLS = ("filelock", "hypothesis", "pytest", "pytest-timeout", "pytest-xdist")


def say(line: str) -> None:
    """Say one line on stderr."""
    sys.stderr.write(f".ci/sets.py: {line}\n")


class SetError(Exception):
    """Why pyx cannot be used with a set."""


class Place:
    """A directory with an environment of one interpreter, and an empty home beside it."""

    def __init__(self, directory: Path, python: str, uv: Path) -> None:
        """Make an environment of `python` without anything in it."""
        self.home, self.uv = directory / "home", uv
        self.home.mkdir(parents=True)
        self.python = directory / "environment" / "bin" / "python"
        run([python, "-I", "-m", "venv", "--without-pip", self.python.parent.parent])

    def install(self, *words: str | Path) -> None:
        """Have uv install what `words` ask for. Raises SetError."""
        run([self.uv, "pip", "install", "--quiet", "--python", self.python, *words])

    def list_versions(self) -> dict[str, str]:
        """Return the version of each distribution that is installed."""
        told = run([self.uv, "pip", "list", "--python", self.python, "--format", "json"])
        return {found["name"]: found["version"] for found in json.loads(told)}

    def check_example(self) -> None:
        """Raise SetError unless the example prints its report."""
        check_report(self.python.with_name("pyx"), self.home)

    def check_tests(self, tests: Sequence[str]) -> None:
        """Raise SetError unless `tests` pass with what is installed here."""
        kept = [f"{name}=={version}" for name, version in self.list_versions().items()]
        constraints = self.home / "constraints.txt"
        # pyx itself is not among them: the tests take the tree.
        constraints.write_text("\n".join(k for k in kept if not k.startswith("pyx-launcher=")))
        self.install("-c", constraints, *TOOLS)
        words = (
            "-q",
            "-n",
            "auto",
            "-p",
            "no:cacheprovider",
            "-m",
            "not network and not slow",
            "-k",
            CHOSEN,
        )
        run([self.python, "-m", "pytest", *words, *tests], cwd=ROOT, shown=True)


def run(command: Sequence[str | Path], cwd: Path | None = None, *, shown: bool = False) -> str:
    """Run a command and return what it printed. Raises SetError with its last lines."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=make_environ(),
        stdin=subprocess.DEVNULL,
        stdout=2 if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        said = "" if shown else f": {' '.join((done.stderr or done.stdout).split())[-800:]}"
        raise SetError(f"{Path(command[0]).name} {' '.join(map(str, command[1:4]))} failed{said}")
    return done.stdout or ""


def make_environ() -> dict[str, str]:
    """Return the variables of what is run: those of pip that say where things come from, for uv."""
    foreign = ("PYX_", "PYTHON", "VIRTUAL_ENV", "XDG_")
    environ = {n: v for n, v in os.environ.items() if not n.startswith(foreign)}
    for ours, its in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if ours in environ:
            environ.setdefault(its, environ[ours])
    return environ


def check_report(pyx: Path, home: Path) -> None:
    """Raise SetError unless `pyx` runs the example in an empty home."""
    environ = make_environ() | {"HOME": str(home)}
    command = [pyx, EXAMPLE]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode or "Vineyard" not in done.stdout:
        raise SetError(f"the example printed no report: {done.stderr.strip()[-800:]}")


def try_locked(python: str, directory: Path) -> None:
    """Do what the README says with `python`. Raises SetError."""
    home = directory / "home"
    home.mkdir(parents=True)
    environ = make_environ() | {"HOME": str(home)}
    command = ["sh", ROOT / "packaging" / "install.sh", python]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetError(f"install.sh failed: {done.stderr.strip()[-800:]}")
    check_report(home / ".local/bin/pyx", home)


def make_newest(place: Place, wheel: Path) -> None:
    """Install the wheel as pip would today."""
    place.install(wheel)


def make_oldest(place: Place, wheel: Path) -> None:
    """Install the wheel with the lowest versions that its metadata allows of what it names."""
    lowest = ("--resolution", "lowest-direct", "--only-binary", ":all:")
    place.install(*lowest, "-r", ROOT / "pyproject.toml")
    place.install("--no-deps", wheel)


def make_locked(place: Place, wheel: Path) -> None:
    """Install the wheel with what is locked."""
    place.install("--require-hashes", "--no-deps", "-r", LAUNCHER)
    place.install("--no-deps", wheel)


def find_culprit(
    newest: Mapping[str, str],
    locked: Mapping[str, str],
    install: Callable[[str], None],
    passes: Callable[[], bool],
) -> str | None:
    """Return the distribution whose newest release is to blame, as far as one is.

    What `newest` has is installed and fails. `install` takes a requirement such as ``name==1.0``.
    Each locked version is taken back alone; if none of them is enough, one after the other.
    """
    differing = [name for name in newest if locked.get(name, newest[name]) != newest[name]]
    for alone in (True, False):
        for name in differing:
            install(f"{name}=={locked[name]}")
            if passes():
                return name
            if alone:
                install(f"{name}=={newest[name]}")
    return None


def explain(place: Place, wheel: Path, directory: Path, python: str, check: Check) -> str:
    """Return the line that tells what the newest set failed for."""
    try:
        check(place)
    except SetError:
        pass
    else:
        return "the same set passes when it is tried again, so no release is to blame"
    newest = place.list_versions()
    other = Place(directory, python, place.uv)
    make_locked(other, wheel)
    locked = other.list_versions()
    try:
        check(other)
    except SetError:
        return "the locked set fails as well, so it is not the newest release of anything"

    def passes() -> bool:
        try:
            check(place)
        except SetError:
            return False
        return True

    def install(requirement: str) -> None:
        shutil.rmtree(place.home)
        place.home.mkdir()
        place.install("--no-deps", requirement)

    name = find_culprit(newest, locked, install, passes)
    if name is None:
        return "no locked version, taken back, mends it"
    return f"the newest release of {name} breaks pyx: {newest[name]}; locked is {locked[name]}"


def find_pythons() -> tuple[dict[str, str], list[str]]:
    """Return one interpreter of each version, and the versions that are not here."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found: dict[str, str] = {}
    for version in VERSIONS:
        places = [*root.glob(f"versions/{version}.*/bin/python{version}")]
        named = shutil.which(f"python{version}")
        for candidate in [*map(str, places), *([named] if named else [])]:
            told = subprocess.run(
                [candidate, "-I", "-c", "import ensurepip, sys; print(sys.executable)"],
                capture_output=True,
                text=True,
                check=False,
            )
            if told.returncode == 0:
                found.setdefault(version, told.stdout.strip())
    return found, [version for version in VERSIONS if version not in found]


def main() -> int:
    """Do what the command line asks for; returns an exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=("locked", "newest", "oldest"))
    parser.add_argument("python", nargs="*")
    options = parser.parse_args()
    # Whoever ends this ends what it runs, which `subprocess.run` does on its way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    pythons, missing = find_pythons()
    chosen: list[str] = options.python or [*pythons.values()]
    if options.kind == "locked" and not options.python:
        chosen = [*dict.fromkeys((*chosen[:1], *chosen[-1:]))]
    if not options.python and missing:
        say(f"{options.kind}: not run with Python {', '.join(missing)}, which is not here")
    with tempfile.TemporaryDirectory(prefix="pyx-sets-") as temporary:
        try:
            return run_all(options.kind, chosen, Path(temporary))
        except (SetError, InstallError) as error:
            say(f"{options.kind}: {error}")
            return 1
        finally:
            # What lies in a store is read-only.
            subprocess.run(["chmod", "-R", "u+w", temporary], check=False)  # noqa: S607


def run_all(kind: str, pythons: Sequence[str], directory: Path) -> int:
    """Try the set `kind` with each of `pythons`; returns an exit status. Raises SetError."""
    if kind == "locked":
        for number, python in enumerate(pythons):
            try_locked(python, directory / str(number))
            say(f"locked: the example runs with {python}")
        return 0
    tools = directory / "tools" / "bin" / "python"
    run([pythons[0], "-I", "-m", "venv", tools.parent.parent])
    run([tools, "-m", "pip", "--quiet", "install", "--require-hashes", "-r", UV])
    wheel = build_wheel(tools, directory / "wheel")
    make = make_newest if kind == "newest" else make_oldest
    for number, python in enumerate(pythons):
        place = Place(directory / str(number), python, tools.with_name("uv"))
        make(place, wheel)
        versions = place.list_versions()

        def check(place: Place, *, whole: bool = number == 0) -> None:
            place.check_example()
            if whole:
                place.check_tests(TABLE)

        try:
            check(place)
        except SetError as error:
            say(f"{kind}: {error}")
            if kind == "newest":
                say(explain(place, wheel, directory / f"{number}-locked", python, check))
            return 1
        listed = ", ".join(f"{name} {version}" for name, version in versions.items())
        say(f"{kind}: the example runs with {python} and {listed}")
    return 0


if TYPE_CHECKING:
    Check = Callable[[Place], None]

if __name__ == "__main__":
    sys.exit(main())

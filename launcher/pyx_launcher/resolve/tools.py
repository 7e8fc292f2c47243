"""Have what a rare command needs: uv, Poetry, PDM and Pipenv lock; CycloneDX describes, Vega draws.

Each has an environment of its own. What a tool consists of is pinned by hash in a lock of ours,
`pins/TOOL-requirements.txt`. It comes into the store and gets an environment as any program does,
for the interpreter pyx itself runs in. A variable such as `PYX_UV` names another one that is
installed already.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from pyx_launcher.dirs import resolve_dirs
from pyx_launcher.errors import InterpreterError, NotFoundError, UnavailableError, reading
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.installation import (
    find_base_python,
    find_native,
    find_template,
    is_standalone,
)
from pyx_launcher.interpreters.finder import Interpreter, find_interpreter, probe_interpreter
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.provision import Made, make_environment
from pyx_launcher.selection import Selection, select
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.dirs import Dirs

PINS = Path(__file__).with_name("pins")
NAMES = {"uv": "uv", "poetry": "Poetry", "pdm": "PDM", "pipenv": "Pipenv"}
"""The tools that lock: the program, and what a person calls it."""

LIBRARIES = {
    "cyclonedx": "cyclonedx-python-lib, which describes materials,",
    "vega": "vl-convert-python, which draws,",
}
"""The tools that a python imports, and what a person is told of each."""


def read_pinned_names() -> dict[str, frozenset[str]]:
    """Return what a person calls each tool, with the names of all that it may consist of."""
    pinned = {}
    for name in (*NAMES, *LIBRARIES):
        text = (PINS / f"{name}-requirements.txt").read_text(encoding="utf-8")
        label = NAMES.get(name) or LIBRARIES[name].partition(",")[0]
        pinned[f"{label}, for pyx"] = frozenset(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    return pinned


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolbox:
    """What it takes to have a tool here."""

    dirs: Dirs
    environ: Mapping[str, str]
    native: Path
    """The native program, which becomes the python of environments."""
    offline: bool

    @closed_to_others()
    def find_interpreter(
        self, origin: Path, requires: str, *, where: str, python: str | None
    ) -> Interpreter:
        """Return the interpreter for what the file `origin` requires at `where`, or `python` asks.

        Raises LockError for a specifier that is none, InterpreterError.
        """
        with reading(origin, where):
            versions = SpecifierSet(requires)
            # What a number is read from is looked at only when something is compared with it.
            versions.contains("3.9")
        return find_interpreter(
            request=python,
            requires_python=versions,
            start=origin.parent,
            environ=self.environ,
            cache=self.dirs.interpreters,
            template=find_template(),
            required_by=str(origin),
        ).interpreter

    @closed_to_others()
    def find_tool(self, name: str) -> Path:
        """Return the program `name`, one of `NAMES`, fetching it where it is not there.

        Raises NotFoundError where the user names one that is not there, and whatever keeps its
        distributions from being had.
        """
        return self._find(name, name, f"{NAMES[name]}, which writes the lock,")

    @closed_to_others()
    def find_python_with(self, name: str) -> Path:
        """Return a python that can import `name`, one of `LIBRARIES`. Raises as `find_tool`."""
        return self._find(name, "python", LIBRARIES[name])

    def _find(self, name: str, program: str, label: str) -> Path:
        variable = f"PYX_{name.upper()}"
        named = self.environ.get(variable)
        if named:
            if not os.access(named, os.X_OK) or os.path.isdir(named):
                raise NotFoundError(
                    f"{variable}={named} is not a program",
                    hint=f"unset {variable}: pyx has its own",
                )
            return Path(named).absolute()
        lock = read_lock(PINS / f"{name}-requirements.txt")
        interpreter = self.find_own_interpreter()
        selection = select(lock, interpreter, Choice())
        try:
            made = self._make_environment(selection, interpreter)
        except UnavailableError as error:
            # An index of one's own need not have the tools.
            raise UnavailableError(
                f"{label} is unavailable: {error.message}",
                hint=f"{error.hint or 'try again'}; or set {variable} to one that is installed",
            ) from error
        return made.environment.path / "bin" / program

    @closed_to_others()
    def find_own_interpreter(self) -> Interpreter:
        """Return the interpreter that tools run in: pyx's own, else any that is new enough."""
        if not is_standalone():
            own = Path(find_base_python())
            with contextlib.suppress(InterpreterError):
                return probe_interpreter(
                    own, cache=self.dirs.interpreters, template=find_template()
                )
        return find_interpreter(
            request=None,
            requires_python=SpecifierSet(">=3.10"),
            start=self.dirs.home,
            environ=self.environ,
            cache=self.dirs.interpreters,
            template=find_template(),
            required_by="a tool of pyx",
        ).interpreter

    @closed_to_others()
    def make_empty_environment(self, interpreter: Interpreter) -> Path:
        """Return an environment of `interpreter` without any distribution."""
        nothing = Selection(artifacts=(), extras=frozenset(), groups=frozenset())
        return self._make_environment(nothing, interpreter).environment.path

    def _make_environment(self, selection: Selection, interpreter: Interpreter) -> Made:
        return make_environment(
            selection,
            interpreter,
            self.dirs,
            self.environ,
            native=self.native,
            offline=self.offline,
        )

    @closed_to_others()
    def make_virtual_environment(self, interpreter: Interpreter) -> Path:
        """Return an empty environment as `venv` makes it, for a tool that takes no other."""
        words = f"{interpreter.path}\0{interpreter.version}"
        digest = hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        place = self.dirs.cache / "virtual" / digest
        if (place / "bin" / "activate").is_file():
            return place
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            command: list[str | Path] = [
                interpreter.path,
                "-I",
                "-m",
                "venv",
                "--without-pip",
                "--clear",
                place,
            ]
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise InterpreterError(
                f"{interpreter.path} cannot make a virtual environment, which Pipenv needs",
                hint="choose another one with --python",
            ) from error
        return place


def make_toolbox(environ: Mapping[str, str], *, offline: bool) -> Toolbox:
    """Return the toolbox of this installation."""
    return Toolbox(
        dirs=resolve_dirs(environ),
        environ=environ,
        native=find_native(),
        offline=offline,
    )

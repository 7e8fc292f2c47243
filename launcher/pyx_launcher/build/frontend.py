"""Turn a source tree into a wheel: a build frontend (PEP 517, PEP 660).

The backend runs in a temporary virtual environment of the interpreter that the wheel is for.
pip, also of that interpreter, installs there what the tree requires for its build, and nothing
else is there. A tree that requires nothing is built without pip and without a network.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pyx_launcher.errors import BuildError, PyxError
from pyx_launcher.index.settings import explain_offline
from pyx_launcher.installation import find_pip
from pyx_launcher.locks.common.packages import BuildRules
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from build import ProjectBuilder

    from pyx_launcher.build.process import BuildProcess

POETRY_BUILD_SYSTEM = """\
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
"""What Poetry builds its own projects with, also those that name no build system."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildPlace:
    """A virtual environment to build in."""

    path: Path
    bench: BuildProcess

    @property
    def python_executable(self) -> str:
        """Its interpreter."""
        return str(self.path / "bin" / "python")

    def make_extra_environ(self) -> Mapping[str, str]:
        """Return the variables that put its programs before all others."""
        return {"PATH": f"{self.path / 'bin'}:{self.bench.environ.get('PATH', '/usr/bin:/bin')}"}

    def make(self) -> None:
        """Create it, without pip. Raises BuildError."""
        python = str(self.bench.interpreter.path)
        command = [python, "-I", "-m", "venv", "--without-pip", str(self.path)]
        try:
            self.bench.run(command, directory=self.path.parent)
        except (subprocess.CalledProcessError, OSError) as error:
            raise self.bench.failure(
                f"{python} cannot make a virtual environment to build in",
                hint=f"install its module venv ({_venv_package(self.bench)} on Debian and Ubuntu)",
            ) from error

    def install(self, requirements: Iterable[str], constraints: Sequence[str] = ()) -> None:
        """Install what a build requires, within `constraints`. Raises BuildError."""
        wanted = sorted(requirements)
        if not wanted:
            return
        listed = ", ".join(wanted)
        if self.bench.offline and not self.bench.environ.get("PIP_FIND_LINKS"):
            why = explain_offline(self.bench.environ)
            raise BuildError(
                f"{self.bench.label} would have to be built, which needs {listed}, and {why.cause}",
                hint=why.hint,
            )
        requirements_file = self.path / "requirements.txt"
        # In a file pip obeys their markers, on its command line it would not.
        requirements_file.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        command = [*self._find_pip(), "install", "--no-compile", "--no-warn-script-location"]
        command += ["--progress-bar=off", "-r", str(requirements_file)]
        if constraints:
            constraints_file = self.path / "constraints.txt"
            constraints_file.write_text("\n".join(constraints) + "\n", encoding="utf-8")
            command += ["-c", str(constraints_file)]
        places = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
        secrets = [url for place in places for url in self.bench.environ.get(place, "").split()]
        try:
            self._run(command, secrets)
        except subprocess.CalledProcessError as error:
            raise self.bench.failure(f"pip cannot install what its build needs ({listed})") from (
                error
            )

    def _run(self, command: Sequence[str], secret: Sequence[str] = ()) -> None:
        variables = self.make_extra_environ()
        self.bench.run(command, directory=self.path, variables=variables, secret=secret)

    def _find_pip(self) -> list[str]:
        """Return the command that is pip for this environment: its own or the launcher's."""
        own = [self.python_executable, "-I", "-m", "pip"]
        if list(self.path.glob("lib/python*/site-packages/pip")):
            return own
        try:
            self._run([self.python_executable, "-I", "-m", "ensurepip", "--default-pip"])
            if list(self.path.glob("lib/python*/site-packages/setuptools")):
                # Up to 3.11 it comes along, and a build would get what it did not ask for.
                self._run([*own, "uninstall", "--quiet", "--yes", "setuptools"])
        except subprocess.CalledProcessError as error:
            launchers = find_pip(self.python_executable)
            if launchers and _works([*launchers, "--version"]):
                return launchers
            raise self.bench.failure(
                "pip is needed for that, and neither this interpreter nor pyx has it",
                hint="install the interpreter's module ensurepip "
                f"({_venv_package(self.bench)} on Debian and Ubuntu)",
            ) from error
        return own


def _venv_package(bench: BuildProcess) -> str:
    return f"apt install python{bench.interpreter.short.rstrip('t')}-venv"


def _works(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def build_wheel(
    tree: Path,
    into: Path,
    *,
    editable: bool,
    bench: BuildProcess,
    rules: BuildRules | None = None,
) -> Path:
    """Build `tree` into a new wheel in the directory `into` and return its path.

    `rules` is what the project that needs the wheel says about its build. An editable wheel
    points to the tree (PEP 660). Raises BuildError, which names the log.
    """
    import build

    _leave_warnings_to_the_log()
    kind: Literal["editable", "wheel"] = "editable" if editable else "wheel"
    rules = rules or BuildRules()
    settings = rules.settings or None
    with tempfile.TemporaryDirectory(prefix="pyx-build-") as temporary:
        place = BuildPlace(path=Path(temporary).resolve() / "environment", bench=bench)
        try:
            builder = _prepare(tree, Path(temporary), place)
            place.make()
            place.install({*builder.build_system_requires, *rules.requires}, rules.constraints)
            asked = builder.get_requires_for_build(kind, settings)
            place.install(asked, rules.constraints)
            return Path(builder.build(kind, into, settings))
        except (build.BuildException, build.BuildBackendException, UnicodeDecodeError) as error:
            raise _explain(error, kind, bench) from error


def read_requires(tree: Path) -> tuple[str, ...]:
    """Return what ``[build-system]`` requires; what its backend asks for besides, only it knows."""
    import tomli

    if _is_poetrys(tree):
        return ("poetry-core",)
    try:
        content = tomli.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = {}
    system = content.get("build-system", {})
    requires = system.get("requires") if isinstance(system, dict) else None
    if not isinstance(requires, list):
        # Without the table or the key this is what PEP 517 builds with.
        return ("setuptools",)
    return tuple(map(str, requires))


def _leave_warnings_to_the_log() -> None:
    """Keep the libraries from printing what backends warn of, which their output has as well."""
    import warnings

    import build
    import pyproject_hooks

    # Older releases do not have this one.
    of_backends = getattr(pyproject_hooks, "BuildBackendWarning", None)
    for category in filter(None, (of_backends, build.TypoWarning)):
        warnings.simplefilter("ignore", category)


def _prepare(tree: Path, temporary: Path, place: BuildPlace) -> ProjectBuilder:
    """Return what calls the hooks of the tree's backend."""
    from build import ProjectBuilder

    def run_hook(
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        extra = {**place.make_extra_environ(), **(extra_environ or {})}
        place.bench.run(cmd, directory=tree, variables=extra)

    described = tree
    if _is_poetrys(tree):
        described = temporary / "described"
        described.mkdir()
        (described / "pyproject.toml").write_text(POETRY_BUILD_SYSTEM, encoding="utf-8")
    return ProjectBuilder(described, python_executable=place.python_executable, runner=run_hook)


def _is_poetrys(tree: Path) -> bool:
    """Is it a project of Poetry that names no build system?"""
    import tomli

    try:
        content = tomli.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if "build-system" in content or (tree / "setup.py").exists():
        return False
    tool = content.get("tool", {})
    return (tree / "poetry.lock").exists() or (isinstance(tool, dict) and "poetry" in tool)


def _explain(error: Exception, kind: str, bench: BuildProcess) -> PyxError:
    from pyproject_hooks import BackendUnavailable, HookMissing

    cause = getattr(error, "exception", error)
    if isinstance(cause, PyxError):
        return cause
    if isinstance(cause, HookMissing):
        reason = "its build backend is too old for editable installs (PEP 660)"
        if kind == "wheel":
            reason = f"its build backend has no {cause.hook_name}"
        return bench.failure(reason, hint="require a newer backend in [build-system]")
    if isinstance(cause, BackendUnavailable):
        bench.note(str(cause).strip())
        name = getattr(cause, "backend_name", None) or "which it names"
        return bench.failure(f"the build backend {name} cannot be imported")
    if isinstance(cause, subprocess.CalledProcessError):
        return bench.failure(f"its build backend failed (exit status {cause.returncode})")
    return bench.failure(" ".join(str(error).split()))

"""Turn a source tree into a wheel: a build frontend (PEP 517, PEP 660).

The backend runs in a virtual environment of the interpreter that the wheel is for (`place`), which
has what the tree requires for its build and nothing else. A tree that requires nothing is built
without pip and without a network.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pyx_launcher.build.place import opened_place
from pyx_launcher.errors import PyxError
from pyx_launcher.locks.common.packages import BuildRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from build import ProjectBuilder

    from pyx_launcher.build.place import BuildPlace
    from pyx_launcher.build.process import BuildProcess

POETRY_BUILD_SYSTEM = """\
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
"""What Poetry builds its own projects with, also those that name no build system."""


def build_wheel(
    tree: Path,
    into: Path,
    *,
    editable: bool,
    bench: BuildProcess,
    rules: BuildRules | None = None,
    kept: Path | None = None,
) -> Path:
    """Build `tree` into a new wheel in the directory `into` and return its path.

    `rules` is what the project that needs the wheel says about its build. An editable wheel
    points to the tree (PEP 660). The environment is made for this build alone, or is the one at
    `kept`, where it stays for the next. Raises BuildError, which names the log.
    """
    import build

    _leave_warnings_to_the_log()
    kind: Literal["editable", "wheel"] = "editable" if editable else "wheel"
    rules = rules or BuildRules()
    settings = rules.settings or None
    with (
        tempfile.TemporaryDirectory(prefix="pyx-build-") as temporary,
        opened_place(kept, Path(temporary).resolve(), bench) as place,
    ):
        try:
            builder = _prepare(tree, Path(temporary), place)
            required = {*builder.build_system_requires, *rules.requires}
            place.prepare(required, rules.constraints)
            builder = _prepare(tree, Path(temporary), place)
            place.add(builder.get_requires_for_build(kind, settings))
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
        described.mkdir(exist_ok=True)
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

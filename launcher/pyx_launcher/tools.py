"""Programs in locked environments of their own, with links on the user's PATH.

    PYX_HOME/tools/NAME/    pyproject.toml   what was asked for
                            a lock           what it came to
                            environment      a link to the environment directory
    ~/.local/bin/PROGRAM    a link to PYX_HOME/tools/NAME/environment/bin/PROGRAM

To lock a directory, and to make an environment of one, is the business of two functions that are
passed in as `EnvironmentMaker`.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pyx_launcher.environment.editors import replace_link
from pyx_launcher.errors import (
    PyxError,
    RefusedError,
    StoreError,
    UnavailableError,
    UsageError,
)
from pyx_launcher.files.atomic import make_directory, remove_tree, storing, write_atomic
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.locks.common.tables import read_toml
from pyx_launcher.project.local import is_local, read_local
from pyx_launcher.project.named import PROJECT_FILE
from pyx_launcher.project.requirement import parse_requirement
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyx_launcher.environment.directory import Environment

_LINK = "environment"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a program's environment is made for."""

    requirements: tuple[str, ...]
    """The distribution that has the program, and what is to be there beside it."""
    python: str | None = None
    """The interpreter, as ``--python`` has it."""
    is_editable: bool = False
    """Is the first of them a directory that is used as it is, and not as it was?"""

    @property
    def name(self) -> str:
        """The normalised name of the distribution that has the program."""
        return canonicalize_name(Requirement(self.requirements[0]).name)

    def means_same(self, other: Wish) -> bool:
        """Tell whether `other` asks for the same, however the names are spelled."""
        same = self.python == other.python and self.is_editable == other.is_editable
        return same and (
            list(map(_normalise, self.requirements)) == list(map(_normalise, other.requirements))
        )


def _normalise(text: str) -> str:
    requirement = Requirement(text)
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentMaker:
    """How a directory with a pyproject.toml becomes an environment."""

    lock: Callable[[Path, Wish], None]
    """Write the lock, all pins as new as can be. Raises PyxError and leaves what was there."""
    build: Callable[[Path, Wish], Environment]
    """Make ready what the lock in the directory says."""
    python: Callable[[Wish], str]
    """The version X.Y that the interpreter of a wish has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """One installed distribution with its programs."""

    wish: Wish
    directory: Path
    version: str
    programs: tuple[str, ...]
    """Names on PATH that lead to it."""


def make_wish(
    requirements: Sequence[str], python: str | None, *, is_editable: bool = False
) -> Wish:
    """Return what is wished for; the first may be the path of a project.

    Raises UsageError for what is neither that nor a requirement (PEP 508).
    """
    first, *others = requirements
    if is_editable or first.startswith((".", "/", "~")) or is_local(first):
        first = str(read_local(first, Path.cwd(), is_editable=is_editable).requirement)
    for text in (first, *others):
        parse_requirement(text)
    return Wish(requirements=(first, *others), python=python, is_editable=is_editable)


def install(
    tools: Path, links: Path, wish: Wish, means: EnvironmentMaker, *, is_forced: bool = False
) -> tuple[Installed, bool]:
    """Lock and build what is wished for, and put its programs on PATH: all of it, or nothing.

    `tools` is the directory of all such environments, `links` the one on PATH. What is installed
    for another wish, such as another version, is replaced; a name alone leaves what stands beside
    it. Returns what is installed then, and whether that took anything: not where it was installed
    for this wish and with all its links.
    `is_forced` makes it anew in any case, and takes names on PATH that something else has.
    Raises RefusedError where a program's name is taken, UnavailableError where there is none, and
    what `means` raises.
    """
    directory = tools / wish.name
    if directory.exists():
        old = read_installed(directory, links)
        first, *others = wish.requirements
        more = replace(wish, requirements=(first, *(others or old.wish.requirements[1:])))
        if old.wish.means_same(more) and old.programs and not is_forced:
            return old, False
        return _replace(old, wish, tools, links, means, is_forced=is_forced), True
    with _making(tools) as new:
        environment = _make(new, wish, means)
        programs = list_programs(environment, wish)
        if not is_forced:
            _refuse_taken(links, programs, directory)
        try:
            os.rename(new, directory)
        except OSError as error:
            raise StoreError(f"{directory}: {error.strerror}") from error
    _link_programs(links, programs, directory)
    return _describe(directory, wish, environment, links), True


def upgrade(tools: Path, links: Path, name: str, means: EnvironmentMaker) -> tuple[str, Installed]:
    """Lock an installed distribution anew and take what that gives; return the old version, too.

    Whatever fails leaves the installed one as it is. Programs that are new or gone get or lose
    their links. Raises UsageError where it is not installed, and as `install` does.
    """
    directory = _find(tools, name)
    old = read_installed(directory, links)
    return old.version, _replace(old, old.wish, tools, links, means)


def _replace(
    old: Installed,
    wish: Wish,
    tools: Path,
    links: Path,
    means: EnvironmentMaker,
    *,
    is_forced: bool = False,
) -> Installed:
    """Make what is wished for and let it take the place of what is installed."""
    directory = old.directory
    with _making(tools) as new:
        for path in directory.iterdir():
            if not path.is_symlink():
                shutil.copy2(path, new / path.name)
        environment = _make(new, wish, means)
        programs = list_programs(environment, wish)
        if not is_forced:
            _refuse_taken(links, programs, directory)
        with storing(directory):
            for path in new.iterdir():
                if not path.is_symlink():
                    os.replace(path, directory / path.name)
            replace_link(directory / _LINK, environment.path)
    for gone in set(old.programs) - set(programs):
        (links / gone).unlink(missing_ok=True)
    _link_programs(links, programs, directory)
    return _describe(directory, wish, environment, links)


def uninstall(tools: Path, links: Path, name: str) -> tuple[str, ...]:
    """Remove an installed distribution and its links, whose names are returned.

    Raises UsageError where it is not installed, StoreError.
    """
    directory = _find(tools, name)
    programs = _find_links(links, directory)
    with storing(directory):
        for program in programs:
            (links / program).unlink(missing_ok=True)
        # Renamed first: what is left of it after an interruption is nobody's.
        grave = make_directory(tools, ".old.")
        os.rename(directory, grave / directory.name)
        shutil.rmtree(grave)
    return programs


def list_installed(tools: Path, links: Path) -> list[Installed]:
    """Return everything that is installed, by name."""
    with storing(tools):
        names = sorted(os.listdir(tools)) if tools.is_dir() else []
    return [read_installed(tools / name, links) for name in names if not name.startswith(".")]


def is_installed(tools: Path, name: str) -> bool:
    """Tell whether the distribution `name` is installed as a tool."""
    return (tools / canonicalize_name(name) / PROJECT_FILE).is_file()


def read_installed(directory: Path, links: Path) -> Installed:
    """Return what is installed in `directory`. Raises LockError for a damaged project file."""
    document = read_toml(directory / PROJECT_FILE)
    requirements = document.table("project").strings("dependencies")
    program = document.table("tool").table("pyx").table("program")
    first, *others = requirements or (directory.name,)
    editable = program.get("editable", str, "")
    wish = Wish(
        requirements=(editable or first, *others),
        python=program.get("python", str, "") or None,
        is_editable=bool(editable),
    )
    for text in wish.requirements:
        parse_requirement(text)
    version = document.table("project").get("version", str, "")
    return Installed(
        wish=wish,
        directory=directory,
        version=version,
        programs=_find_links(links, directory),
    )


def prepare(cache: Path, wish: Wish, means: EnvironmentMaker, *, days: float) -> Environment:
    """Return the environment of a program that is run and not installed.

    Its lock is kept in the directory `cache`, and made anew when it is older than `days`.
    """
    lock = cache / "locked"
    try:
        age = time.time() - lock.stat().st_mtime
    except OSError:
        age = None
    if age is not None and 0 <= age < days * 86400:
        return means.build(cache, wish)
    with _making(cache.parent) as new:
        environment = _make(new, wish, means)
        (new / lock.name).touch()
        old = new.with_name(f"{new.name}.old")
        with storing(cache):
            with contextlib.suppress(FileNotFoundError):
                os.rename(cache, old)
            # Another process may have been quicker, and its answer is as good.
            with contextlib.suppress(OSError):
                os.rename(new, cache)
        remove_tree(old)
    return environment


def _make(new: Path, wish: Wish, means: EnvironmentMaker) -> Environment:
    """Lock and build in the directory `new`, of which no error tells: it is gone by then."""
    try:
        return _make_in(new, wish, means)
    except PyxError as error:
        error.rename(f"{new}/{PROJECT_FILE}", wish.requirements[0])
        error.rename(f"{new}/", f"{wish.name}/")
        error.rename(str(new), wish.requirements[0])
        raise


def _make_in(new: Path, wish: Wish, means: EnvironmentMaker) -> Environment:
    with storing(new):
        _write_project(new, wish, means.python(wish))
    means.lock(new, wish)
    environment = means.build(new, wish)
    with storing(new):
        _write_project(new, wish, means.python(wish), _find_version(environment, wish))
        replace_link(new / _LINK, environment.path)
    return environment


def _write_project(directory: Path, wish: Wish, python: str, version: str = "0") -> None:
    """Write what is wished for; the version says what it came to, for `pyx tool list`."""
    import tomlkit

    first, *others = wish.requirements
    program: dict[str, object] = {"python": wish.python} if wish.python else {}
    uv: dict[str, object] = {"package": False}
    if wish.is_editable:
        # That uv is to take the directory as it is, it is told by a table of its own.
        program["editable"], directory_of = first, Requirement(first)
        first = directory_of.name
        path = unquote(urlsplit(directory_of.url or "").path)
        uv["sources"] = {first: {"path": path, "editable": True}}
    document = tomlkit.document()
    document["project"] = {
        "name": f"tool-{wish.name}",
        "version": version,
        "requires-python": f">={python}",
        "dependencies": [first, *others],
    }
    document["tool"] = {"uv": uv, "pyx": {"program": program}}
    write_atomic(directory / PROJECT_FILE, tomlkit.dumps(document).encode(), mode=0o644)


def _find_version(environment: Environment, wish: Wish) -> str:
    found = (e.facts for e in environment.entries if canonicalize_name(e.facts.name) == wish.name)
    return next((facts.version for facts in found), "0")


def list_programs(environment: Environment, wish: Wish) -> tuple[str, ...]:
    """Return the programs of the wished distribution itself, not of what it requires.

    Raises UnavailableError where it has none.
    """
    names: set[str] = set()
    for entry in environment.entries:
        if canonicalize_name(entry.facts.name) == wish.name:
            names |= {*entry.facts.scripts, *entry.facts.data.get("scripts", ())}
    programs = tuple(name for name in sorted(names) if (environment.path / "bin" / name).exists())
    if not programs:
        hint = f"a library goes into an environment: `pyx add @default {wish.name}`"
        raise UnavailableError(f"{wish.name} has no programs", hint=hint)
    return programs


def _refuse_taken(links: Path, programs: Sequence[str], directory: Path) -> None:
    taken = [
        links / name
        for name in programs
        if os.path.lexists(links / name) and not _leads_to(links / name, directory)
    ]
    if taken:
        names = ", ".join(map(str, taken))
        hint = f"move it away first: {shlex.join(['mv', str(taken[0]), f'{taken[0]}.old'])}"
        raise RefusedError(f"not made for {directory.name}: {names}", hint=hint)


def _link_programs(links: Path, programs: Sequence[str], directory: Path) -> None:
    with storing(links):
        links.mkdir(parents=True, exist_ok=True)
        for name in programs:
            replace_link(links / name, directory / _LINK / "bin" / name)


def _find_links(links: Path, directory: Path) -> tuple[str, ...]:
    with storing(links):
        names = sorted(os.listdir(links)) if links.is_dir() else []
    return tuple(name for name in names if _leads_to(links / name, directory))


def _leads_to(link: Path, directory: Path) -> bool:
    try:
        return Path(os.readlink(link)).is_relative_to(directory)
    except OSError:
        return False


def _find(tools: Path, name: str) -> Path:
    directory = tools / canonicalize_name(name)
    # A path would lead to a directory that is no tool's.
    if "/" in name or directory.name.startswith(".") or not directory.is_dir():
        # Only somebody who looks for one in vain waits for this.
        from difflib import get_close_matches

        names = os.listdir(tools) if tools.is_dir() else []
        known = [one for one in names if not one.startswith(".")]
        close = get_close_matches(directory.name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else "pyx tool list"
        raise UsageError(f"{name} is not installed", hint=hint)
    return directory


def _describe(directory: Path, wish: Wish, environment: Environment, links: Path) -> Installed:
    return Installed(
        wish=wish,
        directory=directory,
        version=_find_version(environment, wish),
        programs=_find_links(links, directory),
    )


@contextlib.contextmanager
def _making(parent: Path) -> Iterator[Path]:
    """Give an empty directory in `parent`, which is gone afterwards unless it was renamed."""
    with storing(parent), closed_to_others():
        parent.mkdir(parents=True, exist_ok=True)
        new = make_directory(parent, ".new.")
        new.chmod(0o755)
    try:
        yield new
    finally:
        remove_tree(new)

"""Run the tool a project locks with: which one it is, its command line, its variables.

A tool runs in the directory of the project and writes the lock there. What it says is repeated on
stderr only where it fails, and its warnings in any case: what has changed, pyx says itself.
The user's configuration of indexes, which is pip's, reaches it as variables of its own, except
where the project or those variables themselves say otherwise.
"""

from __future__ import annotations

import re
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING

import tomli
from packaging.utils import canonicalize_name

from pyx_launcher.children import run_child
from pyx_launcher.console import flush_streams, passing, repeat
from pyx_launcher.errors import CannotExecuteError, UnavailableError
from pyx_launcher.index.pip_config import read_settings
from pyx_launcher.index.settings import explain_offline
from pyx_launcher.resolve.explain import NO_WISHES, explain_failure, list_known
from pyx_launcher.resolve.surroundings import settle_uv
from pyx_launcher.resolve.tools import NAMES
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.index.pip_config import IndexSettings
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.project.pyproject import RequirementList
    from pyx_launcher.resolve.explain import Wishes
    from pyx_launcher.resolve.tools import Toolbox

UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")
_MISLEADING = (
    *("UV_PROJECT", "UV_WORKING_DIR", "UV_FROZEN", "UV_LOCKED", "UV_SCRIPT"),
    "UV_PYTHON",
)
"""Variables that would make a tool do something other than what it is asked here, or for another
interpreter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """Which pins of an existing lock a resolution may move."""

    everything: bool = False
    names: tuple[str, ...] = ()

    @property
    def bare_names(self) -> tuple[str, ...]:
        """The names without the versions that may be asked for, as they were typed."""
        return tuple(re.split(r"[\s\[<>=!~;@]", name, maxsplit=1)[0] for name in self.names)

    def __bool__(self) -> bool:
        """Is there anything to upgrade?"""
        return self.everything or bool(self.names)


NO_UPGRADE = Upgrade()


class ResolutionError(UnavailableError):
    """A tool found no solution, or could not look for one. It has said why itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """One of the tools, ready to be run for one interpreter."""

    name: str
    program: Path
    toolbox: Toolbox
    interpreter: Interpreter
    """The target's: what is built meanwhile is built for it."""
    own_index: bool = False
    """Does the project itself say which indexes there are?"""
    subject: str = ""
    """What is locked, for a person, where that is not the directory it runs in."""
    is_quiet: bool = False
    """Is it only heard where it fails?"""
    look: Callable[[int | None], None] | None = None
    """Called over and over while it runs, with its process, and once it has ended."""
    known: tuple[str, ...] = ()
    """The names of what was locked before."""
    wishes: Wishes = NO_WISHES

    def run(self, arguments: Sequence[str | Path], directory: Path) -> None:
        """Run it in `directory`. Raises ResolutionError where it fails."""
        self._run(arguments, directory, capture=False)

    def ask(self, arguments: Sequence[str | Path], directory: Path) -> str:
        """Run it and return what it prints. Raises ResolutionError where it fails."""
        return self._run(arguments, directory, capture=True)

    def _run(self, arguments: Sequence[str | Path], directory: Path, *, capture: bool) -> str:
        label = NAMES[self.name]
        more = ["--no-index"] if self.name == "uv" and self._is_without_index() else []
        if self.name == "uv" and self.is_quiet and "--quiet" not in arguments:
            more.append("--quiet")
        flush_streams()
        try:
            with passing(f"{label} is locking {self.subject or directory}"):
                done = run_child(
                    [self.program, *arguments, *more],
                    python=self.interpreter.path,
                    look=self.look,
                    cwd=directory,
                    env=self.variables() | self._own_settings(directory),
                    stdin=DEVNULL,
                    stdout=PIPE,
                    stderr=PIPE,
                    encoding="utf-8",
                    errors="replace",
                )
        except OSError as error:
            raise CannotExecuteError(
                f"cannot execute {self.program}: {error.strerror}",
                hint=f"unset PYX_{self.name.upper()}, or set it to a {label} that works",
            ) from error
        if done.returncode == 0 and not self.is_quiet:
            self._repeat(_find_warnings(done.stderr), directory)
        if done.returncode != 0:
            said = ("" if capture else done.stdout) + done.stderr
            self._repeat(said, directory)
            why = (
                f"status {done.returncode}"
                if done.returncode > 0
                else f"by signal {-done.returncode}"
            )
            subject = self.subject or directory
            names = list_known(self.known, self.toolbox.dirs.store)
            hint = (
                explain_failure(said, names, self.wishes) or f"the output of {label} above says why"
            )
            if self.toolbox.offline:
                offline = explain_offline(self.toolbox.environ)
                hint += f"; where that is the network: {offline.cause}, {offline.hint}"
            raise ResolutionError(
                f"{label} could not lock {subject} (it ended with {why}); nothing was changed",
                hint=hint,
            )
        return done.stdout or ""

    def _repeat(self, text: str, directory: Path) -> None:
        """Write on stderr what the tool has said, its directory under the name of the subject."""
        if self.subject:
            for name in (f"{directory.resolve()}", f"{directory}"):
                text = text.replace(name, self.subject)
        repeat(text)

    def _is_without_index(self) -> bool:
        environ = self.toolbox.environ
        named = self.own_index or any(environ.get(name) for name in UV_INDEXES)
        return not named and read_settings(environ).no_index

    def _own_settings(self, directory: Path) -> dict[str, str]:
        """Return variables that keep uv from settings above `directory`, where nobody has any."""
        if self.name != "uv":
            return {}
        return settle_uv(directory, self.toolbox.environ)

    def variables(self) -> dict[str, str]:
        """Return the variables of the tool's process."""
        environ = self.toolbox.environ
        settings = read_settings(environ)
        kept = {name: value for name, value in environ.items() if name not in _MISLEADING}
        wanted = connection_variables(settings)
        if self.name == "uv":
            wanted |= {"UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON": str(self.interpreter.path)}
            if self.toolbox.offline:
                wanted["UV_OFFLINE"] = "1"
            if not self.own_index and not any(environ.get(name) for name in UV_INDEXES):
                wanted |= uv_index_variables(settings)
        else:
            # Without one of its own, a tool makes an environment or remembers one in the project.
            make = self.toolbox.make_empty_environment
            if self.name == "pipenv":
                make = self.toolbox.make_virtual_environment
            kept["VIRTUAL_ENV"] = str(make(self.interpreter))
            wanted |= _other_variables(self.name, None if self.own_index else settings)
        return {**wanted, **kept}


def _find_warnings(text: str) -> str:
    """Return the lines that a tool means for a person even where all went well."""
    lines = (line for line in text.splitlines() if line.lower().startswith("warning"))
    return "\n".join(lines)


def connection_variables(settings: IndexSettings) -> dict[str, str]:
    """Return how to reach a server, in the variables that most programs know."""
    found: dict[str, str] = {}
    if settings.cert is not None:
        found |= dict.fromkeys(
            ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(settings.cert)
        )
    if settings.proxy:
        found |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), settings.proxy)
    return found


def uv_index_variables(settings: IndexSettings) -> dict[str, str]:
    """Return pip's configuration of indexes as uv's variables.

    Directories of wheels (``find-links``) are passed on only where they stand for the index: a
    lock would else name a directory of this machine for what everybody gets from an index.
    """
    found: dict[str, str] = {}
    if settings.index_url:
        found["UV_DEFAULT_INDEX"] = settings.index_url
    if settings.extra_index_urls:
        found["UV_INDEX"] = " ".join(settings.extra_index_urls)
        # As pip sees them, all indexes are equal.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if settings.trusted_hosts:
        found["UV_INSECURE_HOST"] = " ".join(settings.trusted_hosts)
    if settings.no_index:
        found["UV_FIND_LINKS"] = ",".join(settings.find_links)
    return found


def _other_variables(name: str, settings: IndexSettings | None) -> dict[str, str]:
    found = {
        "poetry": {"POETRY_VIRTUALENVS_CREATE": "false"},
        "pdm": {"PDM_CHECK_UPDATE": "0", "PDM_IGNORE_SAVED_PYTHON": "1"},
        "pipenv": {"PIPENV_YES": "1", "PIPENV_VERBOSITY": "-1", "PIPENV_NO_INHERIT": "1"},
    }[name]
    mirror = {"pdm": "PDM_PYPI_URL", "pipenv": "PIPENV_PYPI_MIRROR"}.get(name)
    if mirror and settings is not None and settings.index_url:
        found[mirror] = settings.index_url
    return found


def uv_arguments(upgrade: Upgrade) -> list[str]:
    """Return the command line by which uv writes its lock; other pins stay where they are."""
    return ["lock", *_uv_upgrade(upgrade)]


def poetry_arguments(upgrade: Upgrade) -> list[list[str]]:
    """Return the command lines, one after another, by which Poetry writes its lock."""
    quiet = ["--no-interaction", "--no-ansi"]
    if upgrade.everything:
        return [["lock", "--regenerate", *quiet]]
    update = [["update", "--lock", *quiet, "--", *upgrade.names]] if upgrade.names else []
    return [["lock", *quiet], *update]


def pdm_arguments(groups: Iterable[str], upgrade: Upgrade) -> list[str]:
    """Return the command line by which PDM writes its lock, for `groups` or those it has."""
    reuse = [] if upgrade.everything else ["--update-reuse"]
    return ["lock", *reuse, *(word for group in groups for word in ("-G", group))]


def pipenv_arguments(place: RequirementList, names: Sequence[str]) -> list[str]:
    """Return the command line by which Pipenv locks `names` of one category, or everything.

    Without names it moves every pin, for it has no way to keep them.
    """
    if not names:
        return ["lock"]
    where = ["--categories", place.group] if place.group else []
    if place.group in ("dev", "develop"):
        where = ["--dev"]
    return ["upgrade", "--lock-only", *where, *names]


def list_pdm_groups(lock: bytes | None, place: RequirementList) -> list[str]:
    """Return the groups that PDM is to lock: those in its lock and that of `place`.

    Empty where it chooses best itself, as it does for a first lock.
    """
    new = place.extra or place.group
    if lock is None or new is None:
        return []
    try:
        known = tomli.loads(lock.decode())["metadata"]["groups"]
    except (KeyError, TypeError, UnicodeDecodeError, tomli.TOMLDecodeError):
        # An empty or damaged lock is one that PDM has yet to write.
        return []
    return list(dict.fromkeys([*(group for group in known if group != "default"), new]))


def forget_pins(lock: bytes, names: Iterable[str]) -> bytes:
    """Return a pdm.lock without the pins of `names`, which PDM then chooses anew."""
    wanted = {canonicalize_name(name) for name in names}
    head, *packages = lock.decode("utf-8", "surrogateescape").split("\n[[package]]\n")
    kept = []
    for package in packages:
        found = re.match(r'name = "([^"]+)"', package)
        if not (found and canonicalize_name(found[1]) in wanted):
            kept.append(package)
    return "\n[[package]]\n".join([head, *kept]).encode("utf-8", "surrogateescape")


def _uv_upgrade(upgrade: Upgrade) -> list[str]:
    if upgrade.everything:
        return ["--upgrade"]
    return [word for name in upgrade.names for word in ("--upgrade-package", name)]


def compile_arguments(source: str, output: str, upgrade: Upgrade) -> list[str]:
    """Return the command line by which uv compiles a list of requirements to one with hashes."""
    return [
        *("pip", "compile", source, "--output-file", output),
        *("--universal", "--generate-hashes", "--quiet", "--no-emit-index-url"),
        *("--custom-compile-command", "pyx lock"),
        *_uv_upgrade(upgrade),
    ]


def list_arguments(source: str, output: str, upgrade: Upgrade) -> list[str]:
    """Return the command line by which uv locks a list of requirements to a pylock file."""
    return [
        *("pip", "compile", source, "--output-file", output, "--format", "pylock.toml"),
        *("--universal", "--quiet", "--no-header"),
        *_uv_upgrade(upgrade),
    ]


def names_index(data: Mapping[str, object], tables: Iterable[tuple[str, ...]]) -> bool:
    """Is one of `tables` (paths of keys) in the parsed pyproject.toml `data`?"""
    return any(_has(data, keys) for keys in tables)


def _has(data: object, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True

"""Every location pyx reads or writes outside a project, resolved once from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.errors import StoreError, UsageError
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SYSTEM_STORE = Path("/var/lib/pyx/store")
"""The store that root fills for all users of a machine (docs/install.md), where there is one."""

FORMAT_FILE = ".format"
"""What every store has since it has a format (formats.py), and nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dirs:
    """Absolute directories. None of them needs to exist."""

    home: Path
    """`PYX_HOME`: the store, the environments, the named environments."""

    cache: Path
    """`PYX_CACHE_DIR`: launch records, script bytecode, interpreter facts."""

    fallback_stores: tuple[Path, ...] = ()
    """`PYX_STORES`, else the system's: read-only stores behind the user's own, nearest first."""

    @property
    def store(self) -> Path:
        """The store that is written to."""
        return self.home / "store"

    @property
    def stores(self) -> tuple[Path, ...]:
        """Every store that is read, the writable one first."""
        return (self.store, *self.fallback_stores)

    @property
    def environments(self) -> Path:
        """The derived environment directories, one per DIGEST."""
        return self.home / "environments"

    @property
    def links(self) -> Path:
        """One link to each target that an environment links to; the environments share them."""
        return self.home / "links"

    @property
    def named(self) -> Path:
        """The named environments: user-level project directories."""
        return self.home / "named"

    @property
    def records(self) -> Path:
        """The launch records that the native program reads."""
        return self.cache / "launch"

    @property
    def decisions(self) -> Path:
        """What the launch records were decided from, by its content."""
        return self.cache / "decisions"

    @property
    def code(self) -> Path:
        """The cached bytecode of scripts."""
        return self.cache / "code"

    @property
    def interpreters(self) -> Path:
        """The cached facts about interpreters."""
        return self.cache / "interpreters"


def resolve_dirs(environ: Mapping[str, str]) -> Dirs:
    """Return the directories that `environ` asks for, absolute but with symlinks kept.

    Without `PYX_HOME` and `PYX_CACHE_DIR` they are platformdirs' user data and cache
    directories for ``pyx``; without `PYX_STORES`, even an empty one, `SYSTEM_STORE` lies behind
    them if it is there. The native program computes the cache directory by the same rule.
    Raises StoreError for a relative one where the working directory is gone.
    """
    home = environ.get("PYX_HOME")
    cache = environ.get("PYX_CACHE_DIR")
    stores = environ.get("PYX_STORES")
    own = _locate(home) if home else _ask(_place_data)
    if stores is None:
        # Who fills the system's store has no other behind it, and who may not look at it has none.
        is_behind = SYSTEM_STORE.parent != own and os.path.isdir(SYSTEM_STORE)
        stores = str(SYSTEM_STORE) if is_behind else ""
    return Dirs(
        home=own,
        cache=_locate(cache) if cache else _ask(_place_cache),
        fallback_stores=tuple(_locate(store) for store in stores.split(":") if store),
    )


def _place_data(name: str) -> Path:
    import platformdirs

    return platformdirs.user_data_path(name)


def _place_cache(name: str) -> Path:
    import platformdirs

    return platformdirs.user_cache_path(name)


def check_variables(dirs: Dirs, environ: Mapping[str, str]) -> None:
    """Raise UsageError where a variable of `environ` cannot mean what it says."""
    for variable in ("PYX_HOME", "PYX_CACHE_DIR", "PYX_STORES"):
        for name in environ.get(variable, "").split(":" if variable == "PYX_STORES" else "\0"):
            if name.split("/", 1)[0] == "~":
                # A directory of that name would be made, which nobody dares to remove.
                meant = find_home(environ) / name[2:]
                raise UsageError(
                    f"{variable}={name}: the shell did not expand the ~",
                    hint=_advise_export(variable, meant),
                )
    if os.path.lexists(dirs.home / FORMAT_FILE):
        raise UsageError(
            f"PYX_HOME={dirs.home} is a store, which lies in such a directory",
            hint=_advise_export("PYX_HOME", dirs.home.parent),
        )


def doubt_variables(dirs: Dirs, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each variable of `environ` that may mean something else than was meant."""
    for variable, path in (("PYX_HOME", dirs.home), ("PYX_CACHE_DIR", dirs.cache)):
        name = environ.get(variable)
        if name and not os.path.isabs(name):
            advice = _advise_export(variable, path)
            yield f"{variable}={name} is relative, so it means {path} only here; {advice}"
    names = [name for name in environ.get("PYX_STORES", "").split(":") if name]
    for name, path in zip(names, dirs.fallback_stores, strict=False):
        if not os.path.isdir(path):
            yield f"PYX_STORES: there is no store {path}"
        elif os.path.lexists(path / "store" / FORMAT_FILE):
            yield f"PYX_STORES: {path} is not a store; {path / 'store'} is one"
        elif not os.path.isabs(name):
            yield f"PYX_STORES: {name} is relative, so it means {path} only here"


def _advise_export(variable: str, path: Path) -> str:
    from shlex import quote

    return f"export {variable}={quote(str(path))}"


def find_home(environ: Mapping[str, str]) -> Path:
    """Return the user's home directory. Raises StoreError where nothing tells it."""
    home = environ.get("HOME")
    return Path(home) if home else _ask(lambda _: Path.home())


def guess_home(environ: Mapping[str, str]) -> Path:
    """Return where settings of the user's are looked for; ``/`` where there is no home directory.

    An arbitrary user of a container has none, and needs none.
    """
    try:
        return find_home(environ)
    except StoreError:
        return Path("/")


def _ask(place: Callable[[str], Path]) -> Path:
    try:
        return place("pyx")
    except RuntimeError as error:
        # Neither HOME nor the list of users has it, as for an arbitrary user of a container.
        raise StoreError(
            "there is no home directory", hint="set HOME, or PYX_HOME and PYX_CACHE_DIR"
        ) from error


def _locate(name: str) -> Path:
    path = Path(name)
    return path if path.is_absolute() else find_working_directory() / path


def find_working_directory() -> Path:
    """Return the working directory. Raises StoreError where it is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise StoreError("the working directory is gone", hint="cd to one that exists") from error

"""The environment directory of a list of store entries: its name, its facts, whether it is whole.

    ENVIRONMENTS/DIGEST/    a real PEP 405 environment that holds links and no distribution

The directory is derived: equal inputs have equal digests, and it can be deleted at any time.
Nothing waits for the disk when it is made, so a power cut may leave names without content. The
sizes of its files, which it knows itself, tell: such a directory is made anew.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from pyx_launcher.dirs import FORMAT_FILE
from pyx_launcher.errors import StoreError
from pyx_launcher.files.hashing import sha256
from pyx_launcher.files.ownership import check_closed
from pyx_launcher.record.record import FORMAT
from pyx_launcher.record.words import Launch, write_launch
from pyx_launcher.store.entry import touch_generation
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry

DIRECT_LIMIT = 16
"""More entries than this, each on `sys.path` by itself, cost more than one farm of links."""

LONG_MODULE = 32 << 10
"""Bytes of a module. To compile a shorter one once in each environment costs less than that every
import, at every start, looks in one more place."""

FARM = "lib/pyx/site-packages"
"""Where the farm lies in an environment: as deep as `site-packages`, since libraries look up from
there, and beside it, since what is installed into a directory is written through its links."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """What a selection means for one interpreter, on disk."""

    path: Path
    interpreter: Interpreter
    entries: tuple[Entry, ...]
    layout: str
    """`direct` or `farm`."""
    sys_path: tuple[str, ...]
    """What follows the standard library on `sys.path`."""
    conflicts: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """Its interpreter, as programs and editors see it."""
        return self.path / "bin" / "python"


def name_environment(dirs: Dirs, interpreter: Interpreter, entries: Sequence[Entry]) -> Path:
    """Return the directory for these inputs, whether or not it exists."""
    code = interpreter.pycompile + interpreter.pycompile_public
    digest = sha256(code + interpreter.encodings_hash)
    words = [
        str(FORMAT),
        str(DIRECT_LIMIT),
        str(LONG_MODULE),
        FARM,
        str(interpreter.path),
        interpreter.version,
        interpreter.cache_tag,
        interpreter.soabi,
        interpreter.encodings_file,
        *interpreter.stdlib,
        *(str(entry.path) for entry in entries),
    ]
    digest.update("\0".join(words).encode("utf-8", "surrogateescape"))
    return dirs.environments / digest.hexdigest()[:32]


def find_environment(
    dirs: Dirs, interpreter: Interpreter, entries: Sequence[Entry]
) -> Environment | None:
    """Return the environment of `entries` if it is there and whole."""
    path = name_environment(dirs, interpreter, entries)
    for place in list_environment_guards(path):
        check_closed(place)
    return read_environment(path, interpreter, entries)


def list_environment_guards(path: Path) -> list[Path]:
    """Return what others must not be able to write to where the environment `path` is used."""
    return [path, path / "environment.json", path / "bin", path / "launch"]


def reuse_environment(
    dirs: Dirs, interpreter: Interpreter, entries: Sequence[Entry]
) -> Environment | None:
    """Return the environment of `entries` if it is there and whole, and let its python start it."""
    found = find_environment(dirs, interpreter, entries)
    if found is not None:
        with contextlib.suppress(OSError):
            # So that its last use can be told: see `lastuse`.
            os.utime(found.path / "environment.json")
        with contextlib.suppress(OSError, StoreError):
            # A deletion in a store may have ended what its own launch record holds. In a home
            # that cannot be written it holds, or the environment's python says what to do.
            write_launch(found.path, found.path, launch_of_python(dirs, found))
    return found


def read_environment(
    path: Path, interpreter: Interpreter, entries: Sequence[Entry]
) -> Environment | None:
    """Return the environment at `path` if it is whole; what names it is not looked at."""
    try:
        facts = json.loads((path / "environment.json").read_bytes())
        environment = Environment(
            path=path,
            interpreter=interpreter,
            entries=tuple(entries),
            layout=facts["layout"],
            sys_path=tuple(facts["sys_path"]),
            conflicts=tuple(facts["conflicts"]),
        )
        sizes = dict(facts["sizes"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    try:
        installed = os.stat(path / "lib" / interpreter.lib_name / "site-packages").st_mtime_ns != 0
    except OSError:
        return None
    if installed:
        # What a program has installed it may have installed over scripts, and is not thrown away.
        sizes = {name: size for name, size in sizes.items() if not _is_script(name)}
    whole = (path / "launch").is_file() and sizes == measure(path, sizes)
    return environment if whole else None


def list_installed(path: Path) -> list[str]:
    """Return what programs have installed into the environment at `path`, sorted.

    Each as its metadata directory calls it, such as ``rich-14.0.0``.
    """
    installed = []
    for site_packages in path.glob("lib/python*/site-packages"):
        if os.stat(site_packages).st_mtime_ns != 0:
            installed += [found.stem for found in site_packages.glob("*.dist-info")]
    return sorted(installed)


def read_sizes(path: Path) -> dict[str, int]:
    """Return the sizes, in bytes, of what was written into the environment at `path`."""
    facts = json.loads((path / "environment.json").read_bytes())
    return dict(facts["sizes"])


def _is_script(name: str) -> bool:
    return name.startswith("bin/") and name != "bin/python"


def measure(path: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the sizes of those of the files `names` below `path` that are there."""
    sizes = {}
    for name in names:
        with contextlib.suppress(OSError):
            sizes[name] = os.stat(f"{path}/{name}").st_size
    return sizes


def launch_of(dirs: Dirs, environment: Environment) -> Launch:
    """Return what every start of the environment depends on."""
    generations = tuple(
        touch_generation(store) if store == dirs.store else store / ".generation"
        for store in dirs.stores
    )
    return Launch(interpreter=environment.interpreter, generations=generations)


def launch_of_python(dirs: Dirs, environment: Environment) -> Launch:
    """Return what a start by the environment's own python depends on.

    It has no slow path, and children of a running program must not fail because something else
    was deleted: what deletes from the user's own store deletes the environments that need it. Of
    that store only the format is watched, which tells when all of it is gone.
    """
    behind = (store / ".generation" for store in dirs.fallback_stores)
    watched = (dirs.store / FORMAT_FILE, *behind)
    return Launch(interpreter=environment.interpreter, generations=watched)

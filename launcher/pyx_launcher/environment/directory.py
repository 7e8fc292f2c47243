"""From store entries to an environment directory: its layout, `sys.path` and bootstrap.

    ENVIRONMENTS/DIGEST/    a real PEP 405 environment that holds links and no distribution

The directory is derived: equal inputs have equal digests, and it can be deleted at any time.
Nothing waits for the disk when it is made, so a power cut may leave names without content. The
sizes of its files, which it knows itself, tell: such a directory is made anew.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from typing import TYPE_CHECKING

from pyx_launcher.dirs import FORMAT_FILE
from pyx_launcher.environment.bootstrap import (
    Packages,
    find_customizations,
    write_bootstrap,
)
from pyx_launcher.environment.layout import (
    DIRECT_LIMIT,
    FARM,
    choose_layout,
    place_headers,
    plan_data,
    plan_headers,
    read_pth,
)
from pyx_launcher.environment.link_tree import write_farm
from pyx_launcher.environment.proof import prove_start
from pyx_launcher.environment.scripts import write_pip_answer, write_scripts
from pyx_launcher.errors import StoreError
from pyx_launcher.files.atomic import make_directory, remove_tree, storing, write_atomic
from pyx_launcher.files.hashing import sha256
from pyx_launcher.files.ownership import check_closed
from pyx_launcher.record.record import FORMAT
from pyx_launcher.record.words import Launch, write_launch
from pyx_launcher.store.entry import touch_generation
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry

_OURS = frozenset({"pyvenv.cfg", "boot", "bootstrap.pyc", "launch", "environment.json"})


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


def build_environment(
    dirs: Dirs, interpreter: Interpreter, entries: Sequence[Entry], native: Path
) -> tuple[Environment, bool]:
    """Return the environment of `entries` and whether it had to be made.

    `native` is the program that becomes its `bin/python`. Raises StoreError, and InterpreterError
    where no environment of the interpreter starts.
    """
    interpreter = settle_start(dirs, interpreter, native)
    found = find_environment(dirs, interpreter, entries)
    if found is not None:
        with contextlib.suppress(OSError):
            # So that its last use can be told: see `lastuse`.
            os.utime(found.path / "environment.json")
        _refresh_launch(dirs, found)
        return found, False
    path = name_environment(dirs, interpreter, entries)
    with storing(dirs.environments):
        dirs.environments.mkdir(parents=True, exist_ok=True)
        temporary = make_directory(dirs.environments, ".new.")
    try:
        with storing(path):
            _link_native(temporary, dirs, interpreter, native)
            made = _write_environment(temporary, path, dirs, interpreter, entries)
            _write_facts(temporary, made)
            write_launch(temporary, path, _launch_of_python(dirs, made))
            _publish(temporary, made)
    finally:
        remove_tree(temporary)
    return made, True


def settle_start(dirs: Dirs, interpreter: Interpreter, native: Path) -> Interpreter:
    """Return `interpreter` with the way its environments start, found out if nobody knows it yet.

    Raises StoreError, and InterpreterError where no environment of it starts.
    """
    if interpreter.way is not None:
        return interpreter

    def make(directory: Path) -> None:
        _link_native(directory, dirs, interpreter, native)
        _write_config(directory, interpreter)

    way = prove_start(interpreter, dirs.interpreters, dirs.environments, native, make)
    return replace(interpreter, way=way)


def find_environment(
    dirs: Dirs, interpreter: Interpreter, entries: Sequence[Entry]
) -> Environment | None:
    """Return the environment of `entries` if it is there and whole."""
    path = name_environment(dirs, interpreter, entries)
    for place in (path, path / "environment.json", path / "bin", path / "launch"):
        check_closed(place)
    return _read_environment(path, interpreter, entries)


def _publish(temporary: Path, made: Environment) -> None:
    temporary.chmod(0o755)
    while True:
        try:
            os.rename(temporary, made.path)
        except OSError as error:
            # It may have been taken away since, by another process that found it broken.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
        if _read_environment(made.path, made.interpreter, made.entries) is not None:
            # Another process was quicker, and equal names mean equal contents.
            return
        broken = make_directory(made.path.parent, ".old.")
        # Another process that finds it broken may take it away, too.
        with contextlib.suppress(FileNotFoundError):
            os.rename(made.path, broken / "environment")
        remove_tree(broken)


def _read_environment(
    path: Path, interpreter: Interpreter, entries: Sequence[Entry]
) -> Environment | None:
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
    whole = (path / "launch").is_file() and sizes == _measure(path, sizes)
    return environment if whole else None


def _is_script(name: str) -> bool:
    return name.startswith("bin/") and name != "bin/python"


def _measure(path: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the sizes of those of the files `names` below `path` that are there."""
    sizes = {}
    for name in names:
        with contextlib.suppress(OSError):
            sizes[name] = os.stat(f"{path}/{name}").st_size
    return sizes


def _refresh_launch(dirs: Dirs, environment: Environment) -> None:
    """Let the environment's own launch record hold again, if a deletion in a store ended that."""
    with contextlib.suppress(OSError, StoreError):
        # In a home that cannot be written it holds, or the environment's python says what to do.
        write_launch(environment.path, environment.path, _launch_of_python(dirs, environment))


def launch_of(dirs: Dirs, environment: Environment) -> Launch:
    """Return what every start of the environment depends on."""
    generations = tuple(
        touch_generation(store) if store == dirs.store else store / ".generation"
        for store in dirs.stores
    )
    return Launch(interpreter=environment.interpreter, generations=generations)


def _launch_of_python(dirs: Dirs, environment: Environment) -> Launch:
    """Return what a start by the environment's own python depends on.

    It has no slow path, and children of a running program must not fail because something else
    was deleted: what deletes from the user's own store deletes the environments that need it. Of
    that store only the format is watched, which tells when all of it is gone.
    """
    behind = (store / ".generation" for store in dirs.fallback_stores)
    watched = (dirs.store / FORMAT_FILE, *behind)
    return Launch(interpreter=environment.interpreter, generations=watched)


def _write_environment(
    temporary: Path, path: Path, dirs: Dirs, interpreter: Interpreter, entries: Sequence[Entry]
) -> Environment:
    """Write into `temporary` what will lie at `path`, but for the native program's part."""
    site_packages = temporary / "lib" / interpreter.lib_name / "site-packages"
    site_packages.mkdir(parents=True)
    layout = choose_layout(path / FARM, entries)
    if layout.name == "farm":
        (temporary / FARM).mkdir(parents=True)
        write_farm(layout.site_plan, temporary / FARM, dirs.links)
    data_plan = plan_data(interpreter, entries, skip=_OURS)
    conflicts = [*layout.site_plan.conflicts, *data_plan.conflicts]
    conflicts += write_farm(data_plan, temporary, dirs.links)
    for entry in entries:
        if "headers" in entry.facts.data:
            headers = place_headers(temporary, interpreter, entry)
            headers.mkdir(parents=True, exist_ok=True)
            write_farm(plan_headers(entry), headers, dirs.links)
    conflicts += write_scripts(temporary / "bin", path / "bin" / "python", entries, together=True)
    write_pip_answer(temporary / "bin")
    sys_path, pth_lines = read_pth(layout, entries, temporary / FARM, interpreter.tag_facts.python)
    if any(entry.facts.name == "coverage" for entry in entries):
        from pyx_launcher.environment.library_code import tell_coverage

        pth_lines.insert(0, (str(path), [tell_coverage(entries)]))
    made = Environment(
        path=path,
        interpreter=interpreter,
        entries=tuple(entries),
        layout=layout.name,
        sys_path=tuple(sys_path),
        conflicts=tuple(conflicts),
    )
    _write_config(temporary, interpreter)
    _write_bootstrap(temporary, made, pth_lines)
    # Whatever else comes to lie there is an installation.
    os.utime(site_packages, (0, 0))
    return made


def _link_native(temporary: Path, dirs: Dirs, interpreter: Interpreter, native: Path) -> None:
    """Put the native program into `bin`, in its role as the environment's python."""
    (temporary / "bin").mkdir()
    python = temporary / "bin" / "python"
    source = _keep_native(dirs, native)
    try:
        os.link(source, python)
    except OSError:
        import shutil

        # No later start looks at it, as one more link of the file that it should be changes it.
        shutil.copy2(source, python)
        with open(python, "rb") as file:
            os.fsync(file.fileno())
    for name in ("python3", f"python{interpreter.short}"):
        os.symlink("python", temporary / "bin" / name)


def _holds(path: Path, content: bytes) -> bool:
    """Is the file what it should be? A power cut may have left its name and not its bytes."""
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _keep_native(dirs: Dirs, native: Path) -> Path:
    """Return a copy of the native program below `PYX_HOME`, where every environment can link it."""
    try:
        content = native.read_bytes()
    except OSError as error:
        raise StoreError(f"{native}: {error.strerror}", hint="install pyx again") from error
    kept = dirs.home / "native" / sha256(content).hexdigest()[:16]
    if not _holds(kept, content):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(kept, content, mode=0o755, durable=True)
    return kept


def _write_config(temporary: Path, interpreter: Interpreter) -> None:
    config = (
        f"home = {interpreter.path.parent}\n"
        "include-system-site-packages = false\n"
        f"version = {interpreter.version}\n"
        f"executable = {interpreter.path}\n"
    )
    (temporary / "pyvenv.cfg").write_bytes(os.fsencode(config))


def _write_facts(temporary: Path, environment: Environment) -> None:
    """Write what later starts need to know, the sizes of all files that were written among it."""
    interpreter = environment.interpreter
    site_packages = f"lib/{interpreter.lib_name}/site-packages"
    written = ["pyvenv.cfg", "bootstrap.pyc"]
    for directory in ("bin", site_packages):
        with os.scandir(temporary / directory) as found:
            files = (item.name for item in found if item.is_file(follow_symlinks=False))
            written += [f"{directory}/{name}" for name in files]
    facts = {
        "layout": environment.layout,
        "sys_path": environment.sys_path,
        "conflicts": environment.conflicts,
        "interpreter": str(interpreter.path),
        "entries": [str(entry.path) for entry in environment.entries],
        "sizes": _measure(temporary, sorted(written)),
    }
    text = json.dumps(facts, indent=1, ensure_ascii=True)
    (temporary / "environment.json").write_text(text + "\n", encoding="utf-8")


def _write_bootstrap(
    temporary: Path, environment: Environment, pth_lines: list[tuple[str, list[str]]]
) -> None:
    interpreter = environment.interpreter
    write_bootstrap(
        temporary,
        interpreter,
        prefix=str(environment.path),
        packages=Packages(
            sys_path=environment.sys_path,
            pth_lines=pth_lines,
            customizations=find_customizations(
                interpreter, environment.entries, environment.sys_path
            ),
            site_packages=str(environment.path / "lib" / interpreter.lib_name / "site-packages"),
        ),
    )

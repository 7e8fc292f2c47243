"""Write an environment directory, so that it appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from typing import TYPE_CHECKING

from pyx_launcher.environment.bootstrap import Packages, find_customization, write_bootstrap
from pyx_launcher.environment.directory import (
    FARM,
    Environment,
    launch_of_python,
    measure,
    name_environment,
    read_environment,
    reuse_environment,
)
from pyx_launcher.environment.layout import (
    choose_layout,
    place_headers,
    plan_data,
    plan_headers,
    read_pth,
)
from pyx_launcher.environment.link_tree import write_farm
from pyx_launcher.environment.proof import proving_start
from pyx_launcher.environment.scripts import write_pip_answer, write_scripts
from pyx_launcher.errors import StoreError
from pyx_launcher.files.atomic import make_directory, remove_tree, storing, write_atomic
from pyx_launcher.files.hashing import sha256
from pyx_launcher.record.words import write_launch
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pyx_launcher.dirs import Dirs
    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry

_OURS = frozenset({"pyvenv.cfg", "boot", "bootstrap.pyc", "launch", "environment.json"})


def build_environment(
    dirs: Dirs, interpreter: Interpreter, entries: Sequence[Entry], native: Path
) -> tuple[Environment, bool]:
    """Return the environment of `entries` and whether it had to be made.

    `native` is the program that becomes its `bin/python`. Raises StoreError, and InterpreterError
    where no environment of the interpreter starts.
    """
    interpreter = settle_start(dirs, interpreter, native)
    found = reuse_environment(dirs, interpreter, entries)
    if found is not None:
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
            write_launch(temporary, path, launch_of_python(dirs, made))
            _publish(temporary, made)
    finally:
        remove_tree(temporary)
    return made, True


def settle_start(dirs: Dirs, interpreter: Interpreter, native: Path) -> Interpreter:
    """Return `interpreter` with the way its environments start, found out if nobody knows it yet.

    Raises StoreError, and InterpreterError where no environment of it starts.
    """
    with settling_start(dirs, interpreter, native) as settle:
        return settle()


@contextlib.contextmanager
def settling_start(
    dirs: Dirs, interpreter: Interpreter, native: Path
) -> Iterator[Callable[[], Interpreter]]:
    """Give what `settle_start` does as a function; what it needs to find out has begun."""
    if interpreter.way is not None:
        yield lambda: interpreter
        return

    def make(directory: Path) -> None:
        _link_native(directory, dirs, interpreter, native)
        _write_config(directory, interpreter)

    with proving_start(interpreter, dirs.interpreters, dirs.environments, native, make) as prove:
        yield lambda: replace(interpreter, way=prove())


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
        if read_environment(made.path, made.interpreter, made.entries) is not None:
            # Another process was quicker, and equal names mean equal contents.
            return
        broken = make_directory(made.path.parent, ".old.")
        # Another process that finds it broken may take it away, too.
        with contextlib.suppress(FileNotFoundError):
            os.rename(made.path, broken / "environment")
        remove_tree(broken)


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
        "sizes": measure(temporary, sorted(written)),
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
            customized=find_customization(interpreter, environment.entries, environment.sys_path),
            site_packages=str(environment.path / "lib" / interpreter.lib_name / "site-packages"),
        ),
    )

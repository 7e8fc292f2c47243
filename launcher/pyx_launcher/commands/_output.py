"""Where ``pyx bundle`` and ``pyx export`` write: something new, wholly there or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.dirs import find_working_directory
from pyx_launcher.errors import PyxError, StoreError, UsageError
from pyx_launcher.export.tar import SUFFIXES
from pyx_launcher.files.atomic import name_temporary, remove_tree, write_atomic
from pyx_launcher.files.lock import take_lock
from pyx_launcher.locks.common.packages import PackageDirectory
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyx_launcher.selection import Artifact
    from pyx_launcher.start.plan import Plan


def name_output(word: str) -> Path:
    """Return the absolute path of what is to be written.

    Raises UsageError where something is there, StoreError where its directory is not.
    """
    path = Path(os.path.normpath(find_working_directory() / word))
    if os.path.lexists(path):
        raise UsageError(f"{path} exists", hint=_advise(path))
    if not os.path.isdir(path.parent):
        raise StoreError(
            f"{path.parent} is not a directory", hint=shlex.join(["mkdir", "-p", str(path.parent)])
        )
    return path


def _advise(path: Path) -> str:
    """Return a hint that may be typed: nothing is to be removed but what a command had made."""
    if (path / "pyvenv.cfg").is_file() or path.name.endswith(SUFFIXES):
        return f"name another, or first: rm -r {shlex.quote(str(path))}"
    return "name the output first: see `pyx bundle --help` or `pyx export --help`"


def write_text(into: Path, word: str, text: str) -> None:
    """Write a file anew, or into what is not a file, such as a device or a pipe.

    Raises StoreError.
    """
    try:
        if os.path.exists(word) and not (os.path.isfile(word) or os.path.isdir(word)):
            with open(word, "w", encoding="utf-8") as stream:
                stream.write(text)
            return
        write_atomic(into, text.encode(), mode=0o644)
    except OSError as error:
        raise StoreError(f"cannot write {into}: {error.strerror}") from error


def name_picture(word: str, suffixes: tuple[str, ...], example: str) -> Path:
    """Return where a picture is to be written; what a link points at is written.

    Raises UsageError unless it ends like one of `suffixes`, so that no other file is replaced.
    """
    if not word.endswith(suffixes):
        raise UsageError(
            f"{word} does not end in {' or '.join(suffixes)}, so it is not clear what to draw"
            if len(suffixes) > 1
            else f"{word} does not end in {suffixes[0]}, as the name of a page does",
            hint=example,
        )
    into = Path(os.path.realpath(find_working_directory() / word))
    if not os.path.isdir(into.parent):
        raise StoreError(
            f"{into.parent} is not a directory", hint=shlex.join(["mkdir", "-p", str(into.parent)])
        )
    return into


@contextlib.contextmanager
def making(output: Path) -> Iterator[Path]:
    """Yield a new empty directory beside `output`; whatever is left in it afterwards is removed.

    Turns an OSError into a StoreError that names `output`.
    """
    temporary: Path | None = None
    mark = f".{output.name}.new."
    try:
        _sweep(output.parent, mark)
        temporary = name_temporary(output.parent, mark)
        with _claimed(temporary):
            temporary.mkdir(mode=0o700)
            yield temporary
    except PyxError:
        raise
    except OSError as error:
        raise _explain(error, output, temporary) from error
    finally:
        if temporary is not None:
            _remove(temporary)


@contextlib.contextmanager
def _claimed(directory: Path) -> Iterator[None]:
    """Say for as long as the block takes that somebody works in `directory`."""
    lock = directory.with_name(f"{directory.name}.lock")
    held = None
    try:
        held = take_lock(lock, patience=0, mode=0o600)
        yield
    finally:
        # No other will ever have this name.
        lock.unlink(missing_ok=True)
        if held is not None:
            held.release()


def _sweep(parent: Path, mark: str) -> None:
    """Remove what processes have left there that were making the same, and were killed."""
    for name in os.listdir(parent):
        if re.fullmatch(rf"{re.escape(mark)}[0-9a-f]{{16}}\.lock", name):
            lock = parent / name
            held = take_lock(lock, patience=0)
            if held is not None:
                remove_tree(lock.with_suffix(""))
                lock.unlink(missing_ok=True)
                held.release()


def _explain(error: OSError, output: Path, temporary: Path | None) -> StoreError:
    """Return the error to show: of the file that is copied, if it is that one's fault."""
    problem, file = error.strerror or str(error), error.filename
    if temporary is not None and isinstance(file, str) and not file.startswith(str(temporary)):
        hint = "correct it, or move it out of what is copied"
        return StoreError(f"cannot copy {file} into {output}: {problem}", hint=hint)
    hint = "free some space there, or name another place"
    return StoreError(f"cannot write {output}: {problem}", hint=hint)


def _remove(directory: Path) -> None:
    try:
        remove_tree(directory)
    except KeyboardInterrupt:
        # The user wants an end, and nothing left behind.
        remove_tree(directory)
        raise


def publish(made: Path, output: Path) -> None:
    """Rename `made` to `output`. Raises UsageError where something got there meanwhile."""
    if os.path.lexists(output):
        raise UsageError(f"{output} exists", hint="name another place")
    os.rename(made, output)


def take_copies(plan: Plan) -> Plan:
    """Return `plan` with every source tree installed as a wheel, rather than pointed to."""
    artifacts = tuple(map(_take_copy, plan.selection.artifacts))
    return replace(plan, selection=replace(plan.selection, artifacts=artifacts))


def _take_copy(artifact: Artifact) -> Artifact:
    source = artifact.source
    if not isinstance(source, PackageDirectory) or not source.editable:
        return artifact
    copied = PackageDirectory(path=source.path, editable=False, subdirectory=source.subdirectory)
    return replace(artifact, source=copied)

"""The hierarchy of errors: what can go wrong, and the exit status that says so.

Every error that a user can cause is a `PyxError`. `console` prints it as one line on stderr,
followed by its hint where it has one, and exits with its `exit_code`. Anything else that
escapes is a defect of pyx and shows its traceback.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


LONGEST_PROBLEM = 400
"""Characters."""


class PyxError(Exception):
    """A failure that the user, a file of theirs or their machine explains.

    `message` says what and where in one line; `hint` is something that can be typed or done.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def rename(self, old: str, new: str) -> None:
        """Say `new` for `old`, such as a directory that is gone when somebody reads of it."""
        self.message = self.message.replace(old, new)
        self.hint = self.hint and self.hint.replace(old, new)


class UsageError(PyxError):
    """The command line cannot be understood."""

    exit_code = 64


class LockError(PyxError):
    """A lock, or the pyproject.toml beside it, says something pyx cannot read or obey.

    `where` is the place inside the file: a line, or a table and key such as ``package[3].files``.
    """

    exit_code = 65

    def __init__(
        self, path: Path, problem: str, *, where: str | None = None, hint: str | None = None
    ) -> None:
        # What a broken file holds may have any length, and an error should still be read.
        where, problem = shorten(where or ""), shorten(problem)
        place = f"{path}: {where}" if where else f"{path}"
        super().__init__(f"{place}: {problem}", hint=hint)
        self.path = path
        self.where = where or None


def shorten(text: str) -> str:
    """Return `text` on one line; only its beginning and its end where it is very long."""
    half = LONGEST_PROBLEM // 2
    text = text.replace("\n", "\\n")
    return text if len(text) <= LONGEST_PROBLEM else f"{text[:half]}…{text[-half:]}"


@contextlib.contextmanager
def reading(path: Path, where: str | None = None, hint: str | None = None) -> Iterator[None]:
    """Turn whatever a reader raises on what is in `path` into a LockError.

    Every library that reads a value has errors of its own, and Python has more of them: numbers
    that are too long, names that no file can have, tables that nest too deeply.
    """
    try:
        yield
    except PyxError:
        raise
    except RecursionError as error:
        raise LockError(path, "it is nested too deeply", where=where, hint=hint) from error
    except OSError as error:
        if error.errno not in _FAULTS_OF_NAMES:
            raise
        problem = f"it has a name that no file can have: {error.strerror}"
        raise LockError(path, problem, where=where, hint=hint) from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        if isinstance(error, AttributeError) and type(error.obj).__module__ != "builtins":
            # Not a value of another kind, but a library or a module of another kind (`libraries`).
            raise
        problem = str(error).partition("\n")[0] or type(error).__name__
        raise LockError(path, problem, where=where, hint=hint) from error


_FAULTS_OF_NAMES = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EINVAL)


class UnavailableError(PyxError):
    """Something that is needed cannot be had here: an interpreter, an artifact, an index."""

    exit_code = 69
    unbuilt: tuple[str, ...] = ()
    """The names of packages that an index has, and whose source could not be built."""


class InterpreterError(UnavailableError):
    """No interpreter fits, or the one that was named does not work."""


class NoInterpreterError(InterpreterError):
    """No interpreter is what a lock, a project or a person asks for."""


class ArtifactError(UnavailableError):
    """No artifact of a locked distribution fits this interpreter, or none can be fetched."""


class BuildError(UnavailableError):
    """A source distribution or source tree could not be turned into a wheel."""


class LibraryError(PyxError):
    """A library that pyx is installed with does not do what pyx takes it to do."""

    exit_code = 70


class StoreError(PyxError):
    """The store, the cache or another file could not be read or written."""

    exit_code = 74


ELSEWHERE = "or set PYX_HOME and PYX_CACHE_DIR to directories elsewhere"

WAYS_OUT = {
    errno.ENOSPC: f"free up some space there (df -h), {ELSEWHERE}",
    errno.EDQUOT: f"your disk quota there is used up: free up some space (quota -s), {ELSEWHERE}",
    errno.EROFS: f"its file system is mounted read-only: remount it, {ELSEWHERE}",
    errno.EACCES: f"get write permission there (ls -ld), {ELSEWHERE}",
    errno.EPERM: f"it is protected (lsattr) or not yours: make it yours, {ELSEWHERE}",
    errno.ENOENT: f"a directory above it is missing, or a link is broken: create it, {ELSEWHERE}",
    errno.ENOTDIR: f"a file is in the way, where a directory is needed: move it, {ELSEWHERE}",
    errno.EEXIST: f"a file is in the way, where a directory is needed: move it, {ELSEWHERE}",
    errno.EISDIR: f"a directory is in the way, where a file is needed: move it, {ELSEWHERE}",
    errno.ELOOP: f"its links form a loop: remove one of them, {ELSEWHERE}",
    errno.ENAMETOOLONG: "its path is too long: set PYX_HOME and PYX_CACHE_DIR to shorter ones",
    errno.EMFILE: "too many files are open in this process: raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine: raise the limit (sysctl fs.file-max)",
    errno.EFBIG: "the file would be larger than allowed: raise the limit (ulimit -f)",
    errno.ENOMEM: "memory is short: close other programs, or raise the limit (ulimit -v)",
    errno.EIO: f"the disk is failing (dmesg): check it, {ELSEWHERE}",
    errno.ESTALE: f"the network file system has lost it: mount it again, {ELSEWHERE}",
    errno.ENOLCK: f"its file system does not support locks: {ELSEWHERE.removeprefix('or ')}",
}
"""What helps where a file cannot be written or read, by the reason that the system gives."""

_OF_MACHINE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOMEM),
        *(errno.EMFILE, errno.ENFILE, errno.EFBIG, errno.ENOLCK, errno.ESTALE),
    }
)


def is_fault_of_machine(error: OSError) -> bool:
    """Tell whether a full or failing disk, or a limit, explains `error`, wherever it came up."""
    return error.errno in _OF_MACHINE


def explain_fault(error: OSError, place: str | None = None) -> StoreError:
    """Return `error` with its way out; `place` says what was to be written, or only where."""
    name = error.filename
    where = os.fsdecode(name) if isinstance(name, str | bytes) else place
    lead = f"{where}: " if where else ""
    reason = error.strerror or str(error)
    return StoreError(
        f"{lead}{reason}", hint=WAYS_OUT.get(error.errno or 0, f"fix that, {ELSEWHERE}")
    )


class RefusedError(PyxError):
    """Obeying would be unsafe: a foreign lock, an artifact that is not the locked one."""

    exit_code = 77


class CannotExecuteError(PyxError):
    """The interpreter or program was found but could not be executed (as a shell's 126)."""

    exit_code = 126


class NotFoundError(PyxError):
    """The program to execute does not exist (as a shell's 127)."""

    exit_code = 127

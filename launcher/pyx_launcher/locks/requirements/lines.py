"""The lines of requirements.txt and of the files it includes, read as pip reads them.

https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.content import read_content
from pyx_launcher.locks.common.sources import find_local
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


VALUED = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "-r": "--requirement",
    "--requirement": "--requirement",
    "-c": "--constraint",
    "--constraint": "--constraint",
    "-e": "--editable",
    "--editable": "--editable",
    "--hash": "--hash",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
    "--trusted-host": "--trusted-host",
    "--use-feature": "--use-feature",
    "--global-option": "--global-option",
    "-C": "--config-settings",
    "--config-setting": "--config-settings",
    "--config-settings": "--config-settings",
}
"""The options with a value, each with the name under which it is handled."""

FLAGS = ("--no-index", "--require-hashes", "--pre", "--prefer-binary")

DEEPEST = 50

COMMENT = re.compile(r"(^|(?<=\s))#.*$")
QUOTED = re.compile(r"[\"'\\]")
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def advise(path: Path) -> str:
    """Return what makes a lock of the list `path`: pyx itself, if it has the name for that."""
    if path.name in ("", "requirements.txt"):
        return "run `pyx lock`"
    command = write_compilation(path)[1]
    return f"`{command}` pins what it lists, by hash; then name {shlex.split(command)[-1]}"


def write_compilation(path: Path, upgrade: Sequence[str] = ()) -> tuple[str, str]:
    """Return what the list `path` is compiled from, and the command for it, from where one is.

    `upgrade` are pip-compile's options for what is to be upgraded. Without a source it is the list
    itself that is compiled, into another file.
    """
    source, lock = path.with_suffix(".in"), path.with_suffix(".txt")
    if not source.is_file():
        source, lock = path, path.with_name(f"{path.stem}-locked.txt")
    # pip-compile writes into the lock how they are called.
    names = [_call(source), _call(lock)]
    words = ["pip-compile", "--generate-hashes", *upgrade, names[0], "-o", names[1]]
    return names[0], shlex.join(["pyx", "tool", "run", "--from", "pip-tools", *words])


def _call(path: Path) -> str:
    try:
        return str(path.relative_to(os.getcwd()))
    except (OSError, ValueError):
        return str(path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One logical line: what it requires, and its options in their order."""

    path: Path
    number: int
    """Where it begins."""

    text: str
    options: tuple[tuple[str, str], ...] = ()
    is_constraint: bool = False

    @property
    def place(self) -> str:
        """Where it is, for a line of the same or of another file."""
        return f"line {self.number} of {self.path.name}"

    def error(self, _: str, problem: str) -> LockError:
        """Return the error that this line has this problem; tables would name a key as well."""
        return LockError(self.path, problem, where=f"line {self.number}", hint=advise(self.path))

    def values(self, option: str) -> list[str]:
        """Return the values of one option."""
        return [value for name, value in self.options if name == option]


def read_lines(
    path: Path,
    environ: Mapping[str, str],
    *,
    is_constraint: bool = False,
    including: tuple[Path, ...] = (),
    done: set[tuple[Path, bool]] | None = None,
) -> Iterator[Line]:
    """Yield the lines of a file and, in their place, those of the files that it includes.

    `including` are the files on the way here, so that a circle is an error and not a hang, and
    `done` those that were read before, which would only say the same again.
    Raises LockError, and StoreError for a file that cannot be read.
    """
    done = set() if done is None else done
    for number, text in join_lines(read_content(path, advise(path))):
        expanded = VARIABLE.sub(lambda found: environ.get(found[1]) or found[0], text)
        line = parse_line(path, number, expanded, is_constraint=is_constraint)
        yield line
        for other in find_all_included(line):
            if other in (*including, path):
                raise line.error("", f"{other.name} includes itself")
            # A path that is too long for the system is an OSError for `Path.is_file`.
            if not os.path.isfile(other):
                raise line.error("", f"there is no file {other}")
            if len(including) > DEEPEST:
                raise line.error("", f"more than {DEEPEST} files include one another")
            constraining = bool(line.values("--constraint"))
            if (other, constraining) not in done:
                yield from read_lines(
                    other,
                    environ,
                    is_constraint=constraining,
                    including=(*including, path),
                    done=done,
                )
                done.add((other, constraining))


def find_all_included(line: Line) -> list[Path]:
    """Return the paths of the files that a line includes; one that requires something has none."""
    options = () if line.text else ("--requirement", "--constraint")
    return [find_included(line, value) for option in options for value in line.values(option)]


def find_included(line: Line, value: str) -> Path:
    """Return the path of an included file, which is relative to the file that includes it."""
    if not URL.match(value):
        return line.path.parent.joinpath(value)
    if not value.startswith("file:"):
        raise line.error("", f"{value} is not a file on this machine")
    return line.path.parent.joinpath(find_local(value))


def join_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines with the number of their first line, without comments.

    A backslash at the very end joins a line with the next one; a comment ends what it joined.
    """
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), start=1):
        first = first if parts else number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line.rstrip("\\"))
            continue
        joined = "".join(parts) + (f" {line}" if is_comment else line)
        parts = []
        if stripped := strip_comment(joined):
            yield first, stripped
    if stripped := strip_comment("".join(parts)):
        yield first, stripped


def strip_comment(text: str) -> str:
    """Return a logical line without its comment and the space around it."""
    # The search costs more than all the rest for a line with many hashes.
    return (COMMENT.sub("", text) if "#" in text else text).strip()


def parse_line(path: Path, number: int, text: str, *, is_constraint: bool) -> Line:
    """Split a logical line at its first word that is an option. Raises LockError."""
    start = re.search(r"(^| )-", text)
    requirement = text[: start.start()].rstrip() if start else text
    line = Line(path=path, number=number, text=requirement, is_constraint=is_constraint)
    if start is None:
        return line
    rest = text[start.start() :]
    try:
        # shlex takes milliseconds for a line with many hashes, and is seldom needed.
        words = shlex.split(rest) if QUOTED.search(rest) else rest.split()
    except ValueError as error:
        raise line.error("", "a quotation mark is missing") from error
    return Line(
        path=path,
        number=number,
        text=requirement,
        options=tuple(parse_options(line, words)),
        is_constraint=is_constraint,
    )


def parse_options(line: Line, words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the options among `words` with their values. Raises LockError for an unknown one."""
    remaining = iter(words)
    for word in remaining:
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            # A short option may have its value attached.
            name, value = word[:2], word[2:]
            equals = value
        if name in FLAGS and not equals:
            yield name, ""
            continue
        if name not in VALUED:
            raise line.error("", f"unknown option {word}")
        if not equals:
            value = next(remaining, "")
        if not value:
            raise line.error("", f"{name} needs a value")
        yield VALUED[name], value


def place_find_links(line: Line, value: str) -> str:
    """Return a value of ``--find-links``: a URL, or a path, of the file's directory if there."""
    beside = os.path.join(line.path.parent, value)
    return beside if not URL.match(value) and os.path.exists(beside) else value

"""The inline block of a script (PEP 723): find it, edit what it requires, put it back.

Takes and returns the bytes of the script. Every byte outside the block stays as it is, and the
lines of the block end as those of the script do.
"""

from __future__ import annotations

import os
import re
from shlex import quote
from typing import TYPE_CHECKING, Any

from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.files.hashing import sha256
from pyx_launcher.project.pyproject import (
    HINT_NOT_THERE,
    RequirementList,
    add_requirements,
    bound_requirements,
    parse_data,
    remove_requirements,
)
from pyx_launcher.record.checks import find_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

    from pyx_launcher.dirs import Dirs

_BLOCK = re.compile(
    rb"^# /// script\r?\n(?P<content>(?:#(?:\r?| [^\n]*)\n)+)^# ///\r?$", re.MULTILINE
)
"""As PEP 723 has it: up to the last line that can close it, with either kind of line."""

_TABLE = "[project]\n"
"""What makes a project's table of the keys of a block, which has the same names for them."""

_KEY_FORMAT = "1"
"""Changes where the same block would have to be locked in another way."""

_OPENING = re.compile(rb"^#[ \t]*///[ \t]*script[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_CLOSING = re.compile(r"#\s*///\s*")
"""What can only have been meant to open or to close a block, whether or not it does."""

_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")


def read_block_text(path: Path, source: bytes) -> str | None:
    """Return the TOML of the block in `source`, which came from `path`; None where there is none.

    Raises LockError for two blocks, or one that is no text.
    """
    if find_block(source) is None:
        raise LockError(path, "has two inline blocks `# /// script`", hint="remove one of them")
    found = _BLOCK.search(source)
    if found is None:
        return None
    try:
        content = found["content"].decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise LockError(path, "is not UTF-8", where="inline block") from error
    return "".join(line[2:] or "\n" for line in content.splitlines(keepends=True))


def find_fault(path: Path, source: bytes) -> LockError | None:
    """Return why what looks like a block of the script `path` is none; None where nothing does.

    PEP 723 has every tool pass over it, which nobody who wrote it can have meant.
    """
    found = _OPENING.search(source)
    if found is None or _BLOCK.search(source) is not None:
        return None
    first = source.count(b"\n", 0, found.start()) + 1
    if not _is_comment(source, first):
        return None
    opening, *lines = source[found.start() :].decode(errors="replace").splitlines()
    if opening != "# /// script":
        return _fault(path, first, f"`{opening}` does not open an inline block", "`# /// script`")
    for number, line in enumerate(lines, first + 1):
        if line == "# ///":
            return _fault(path, first, "the inline block is empty", "`# dependencies = []` in it")
        if _CLOSING.fullmatch(line):
            return _fault(path, number, f"`{line}` does not close the inline block", "`# ///`")
        if not line.startswith("#"):
            break
        if line != "#" and not line.startswith("# "):
            return _fault(path, number, f"`{line}` breaks the inline block", f"`# {line[1:]}`")
    return _fault(path, first, "the inline block has no end", "`# ///` behind its last line")


def _fault(path: Path, line: int, problem: str, instead: str) -> LockError:
    return LockError(path, problem, where=f"line {line}", hint=f"write {instead}")


def _is_comment(source: bytes, line: int) -> bool:
    """Tell whether a line that begins with `#` is a comment, and not a part of a string."""
    import io
    import tokenize

    try:
        tokens = tokenize.tokenize(io.BytesIO(source).readline)
        there = next(token for token in tokens if token.end[0] >= line and token.string)
    except (SyntaxError, StopIteration, tokenize.TokenError):
        return True
    return there.type == tokenize.COMMENT


def replace_block_text(source: bytes, text: str) -> bytes:
    """Return `source` with a block that holds the TOML `text`, before the code where it is new."""
    lines = ["#" if not line else f"# {line}" for line in text.splitlines()]
    block = "\n".join(["# /// script", *lines, "# ///"]).encode()
    newline = b"\r\n" if b"\r\n" in source else b"\n"
    found = _BLOCK.search(source)
    if found is not None:
        end = found.end() - found[0].endswith(b"\r")
        return source[: found.start()] + block.replace(b"\n", newline) + source[end:]
    head = _measure_head(source)
    before, after = source[:head], source[head:]
    if before and not before.endswith(b"\n"):
        before += newline
    gap = b"" if not after.strip() else b"\n"
    return before + (block + b"\n" + gap).replace(b"\n", newline) + after


def _measure_head(source: bytes) -> int:
    """Return where the lines end that must stay first: the interpreter's and the encoding's."""
    end = 3 if source.startswith(b"\xef\xbb\xbf") else 0
    for number, line in enumerate(source[end:].splitlines(keepends=True)[:2]):
        if not (_CODING.match(line) or (number == 0 and line.startswith(b"#!"))):
            break
        end += len(line)
    return end


def new_block_text(requires_python: str) -> str:
    """Return the TOML of a block that requires nothing yet."""
    return f'requires-python = "{requires_python}"\ndependencies = []\n'


def add_to_block(path: Path, text: str, requirements: Sequence[Requirement]) -> str:
    """Return the TOML of a block with `requirements`. Raises LockError."""
    return _strip(add_requirements(path, _TABLE + text, requirements, RequirementList()))


def bound_in_block(path: Path, text: str, versions: Mapping[str, str]) -> str:
    """Return the TOML of a block whose bare requirements ask for at least `versions`."""
    return _strip(bound_requirements(path, _TABLE + text, versions, RequirementList()))


def remove_from_block(path: Path, text: str, names: Iterable[str]) -> str:
    """Return the TOML of a block without `names`. Raises UsageError for one not there."""
    try:
        return _strip(remove_requirements(path, _TABLE + text, names, RequirementList()))
    except UsageError as error:
        if error.hint == HINT_NOT_THERE:
            error.hint = f"`pyx tree {quote(str(path))}` shows what there is, and what requires it"
        raise


def _strip(text: str) -> str:
    return text.removeprefix(_TABLE)


def name_block_lock(dirs: Dirs, script: Path, text: str) -> Path:
    """Return where the lock of the block with the TOML `text` is kept, whether or not it exists.

    `script` is resolved; it matters only where the block names places relative to it.
    """
    relative = relative_sources(parse_data(script, text))
    words = [_KEY_FORMAT, text, str(script.parent) if relative else ""]
    digest = sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()
    return dirs.home / "scripts" / f"pylock.{digest[:32]}.toml"


def relative_sources(data: Mapping[str, Any]) -> list[str]:
    """Return the distributions that the block takes from a path relative to the script."""
    sources = data.get("tool", {}).get("uv", {}).get("sources", {})
    return [
        name
        for name, source in sources.items()
        if isinstance(source, dict) and not os.path.isabs(str(source.get("path", "/")))
    ]

"""Files of variables, as ``--env-file`` names them: one ``NAME=value`` a line, as dotenv has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyx_launcher.errors import LockError, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_NAME = re.compile(r"(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*")
_SINGLE = re.compile(r"'(?P<text>[^']*)'")
_DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_BLANK = re.compile(r"\s*(?:#[^\n]*(?:\n|\Z)\s*)*")
_VARIABLE = re.compile(
    r"\\(?P<escaped>.)|\$(?:\{(?P<braced>\w+)\}|(?P<bare>[A-Za-z_]\w*))", re.DOTALL
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def add_variables(files: Sequence[str], environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables of a program: `environ`, and behind it what `files` say.

    Of several files a later one wins; what is set already wins over all of them. Raises UsageError
    for a file that is not there, LockError, which names the line, for one that is malformed.
    """
    if not files:
        return environ
    from pathlib import Path

    found: dict[str, str] = {}
    for name in files:
        path = Path(name).absolute()
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise UsageError(f"there is no file {path}", hint="name one that is there") from error
        except UnicodeDecodeError as error:
            raise LockError(path, "is not UTF-8", hint="write it in UTF-8") from error
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        found |= parse_variables(path, text, {**found, **environ})
    return {**found, **environ}


def parse_variables(path: Path, text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a file says; ``$NAME`` means what it said before, or else what `environ` has."""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    found: dict[str, str] = {}
    at = _skip_blank(text, 0)
    while at < len(text):
        head = _NAME.match(text, at)
        if head is None:
            raise _malformed(path, text, at, "expected NAME=value")
        known = {**found, **environ}
        value, end = _read_value(path, text, head.end(), known)
        rest = _REST.match(text, end)
        if rest is None:
            raise _malformed(path, text, end, "nothing may follow a closing quotation mark")
        found[head["name"]] = value
        at = _skip_blank(text, rest.end())
    return found


def _skip_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _read_value(path: Path, text: str, at: int, known: Mapping[str, str]) -> tuple[str, int]:
    if text[at : at + 1] == "'":
        quoted = _SINGLE.match(text, at)
        if quoted is None:
            raise _malformed(path, text, at, "a quotation mark is missing")
        return quoted["text"], quoted.end()
    if text[at : at + 1] == '"':
        quoted = _DOUBLE.match(text, at)
        if quoted is None:
            raise _malformed(path, text, at, "a quotation mark is missing")
        return _expand(quoted["text"], known), quoted.end()
    plain = _PLAIN.match(text, at)
    line = plain[0] if plain else ""
    return _expand(_COMMENT.sub("", line).strip(), known), at + len(line)


def _expand(text: str, known: Mapping[str, str]) -> str:
    def replace(found: re.Match[str]) -> str:
        if found["escaped"]:
            return _ESCAPES.get(found["escaped"], found["escaped"])
        return known.get(found["braced"] or found["bare"], "")

    return _VARIABLE.sub(replace, text)


def _malformed(path: Path, text: str, at: int, problem: str) -> LockError:
    number = text.count("\n", 0, at) + 1
    return LockError(path, problem, where=f"line {number}", hint="correct that line")

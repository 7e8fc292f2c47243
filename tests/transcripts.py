"""The code blocks of a Markdown page, and the run of those that are for a shell.

Input: pages as they are read on the site and on a forge. A block ```console holds commands after
``$ `` (continued after ``> ``), each followed by all that it prints, with ``…`` for any characters
and a line of its own, ``…``, for any lines. A block ```sh holds commands alone, whatever they
print. A block with ``title="NAME"`` is the content of that file.

Comments before a block say what a reader need not see: ``<!-- run … -->`` holds commands that make
the ground, ``<!-- exits STATUS -->`` the status of the block's last command, ``<!-- elsewhere:
REASON -->`` that it is no command for this ground, but run by another test, and ``<!-- not run:
REASON -->`` that nothing runs it.

Output: `Told` for each command, as a terminal showed it.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

FENCE = re.compile(r"( *)(```+)(\w*)(.*)$")
TITLE = re.compile(r'title="([^"]+)"')
COMMENT = re.compile(r"<!-- (run|exits|not run|elsewhere)\b:?\s*(.*?)\s*-->", re.DOTALL)
SHELLS = ("console", "sh")
ANYTHING = "…"
MARK = "\x1e"


class PageError(Exception):
    """A page is not written as this module reads it."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block."""

    line: int
    """The number of its first line in the page."""
    language: str
    text: str
    title: str | None = None
    exits: int = 0
    not_run: str | None = None
    elsewhere: str | None = None

    @property
    def is_run(self) -> bool:
        """Is it run on the ground of its page?"""
        return self.title is not None or (
            self.language in SHELLS and not (self.not_run or self.elsewhere)
        )


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command and what must come of it."""

    line: int
    text: str
    exits: int = 0
    output: tuple[str, ...] | None = None
    """What it prints, by lines; None where the page does not say."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of a command: what the terminal was sent, and its status."""

    text: str
    status: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines without spaces at their ends, and without empty lines around them."""
        lines = "\n".join(line.rstrip() for line in self.text.splitlines())
        return tuple(lines.strip("\n").splitlines())


def read_blocks(page: str) -> list[Block]:
    """Return the blocks of a page in order; comments that hold commands are blocks too.

    Raises PageError for a block that is not closed, has no language, or is made by indentation, and
    for a comment that is not directly before its block.
    """
    blocks: list[Block] = []
    lines = page.splitlines()
    said: dict[str, str] = {}
    at = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if lines[at].startswith("<!-- "):
            end = _find_end(lines, at, "-->")
            found = COMMENT.fullmatch("\n".join(lines[at : end + 1]))
            if found and found[1] == "run":
                blocks.append(Block(line=at + 1, language="sh", text=found[2]))
            elif found:
                said[found[1]] = found[2]
            at = end + 1
        elif fence:
            end = _find_end(lines, at + 1, fence[1] + fence[2])
            if not fence[3]:
                raise PageError(f"line {at + 1}: a block without a language")
            indent = len(fence[1])
            text = "\n".join(line[indent:] for line in lines[at + 1 : end])
            blocks.append(_make_block(at + 2, fence, text, said))
            said = {}
            at = end + 1
        else:
            if said and lines[at].strip():
                raise PageError(f"line {at + 1}: no block, where a comment announces one")
            _refuse_indented(lines, at)
            at += 1
    return blocks


def _find_end(lines: Sequence[str], start: int, end: str) -> int:
    for number in range(start, len(lines)):
        if lines[number].rstrip().endswith(end):
            return number
    raise PageError(f"line {start + 1}: {end!r} is missing")


def _make_block(line: int, fence: re.Match[str], text: str, said: Mapping[str, str]) -> Block:
    title = TITLE.search(fence[4])
    return Block(
        line=line,
        language=fence[3],
        text=text,
        title=title[1] if title else None,
        exits=int(said.get("exits", 0)),
        not_run=said.get("not run"),
        elsewhere=said.get("elsewhere"),
    )


def _refuse_indented(lines: Sequence[str], at: int) -> None:
    if not lines[at].startswith("    ") or not lines[at].strip():
        return
    before = next((line for line in reversed(lines[:at]) if line and line[0] != " "), "")
    if not re.match(r"([-*+]|\d+[.)]) |[!?]{3}", before):
        raise PageError(f"line {at + 1}: indented, where a block with ``` would have a language")


def read_commands(block: Block) -> list[Command]:
    """Return the commands of a shell block; one whose text is a file's content writes that file."""
    if block.title is not None:
        # The text is no command, and may hold whatever a shell would look for.
        end = "END-OF-FILE"
        text = f"mkdir -p \"$(dirname {block.title})\"; cat > {block.title} <<'{end}'\n"
        text += f"{block.text}\n{end}"
        return [Command(line=block.line, text=text)]
    if block.language == "sh":
        return [Command(line=block.line, text=f"set -e\n{block.text}\nset +e", exits=block.exits)]
    commands = list(_split_transcript(block))
    last = commands.pop()
    return [
        *commands,
        Command(line=last.line, text=last.text, output=last.output, exits=block.exits),
    ]


def _split_transcript(block: Block) -> Iterator[Command]:
    words: list[str] = []
    output: list[str] = []
    line = block.line
    for number, shown in enumerate(block.text.splitlines(), block.line):
        if shown.startswith("$ "):
            if words:
                yield Command(line=line, text="\n".join(words), output=tuple(output))
            words, output, line = [shown[2:]], [], number
        elif not words:
            raise PageError(f"line {number}: a transcript starts with a command after `$ `")
        elif shown.startswith("> ") and not output:
            words.append(shown[2:])
        else:
            output.append(shown.rstrip())
    if not words:
        raise PageError(f"line {block.line}: an empty transcript")
    while output and not output[-1]:
        output.pop()
    yield Command(line=line, text="\n".join(words), output=tuple(output))


def run_commands(
    commands: Sequence[Command],
    directory: Path,
    environ: Mapping[str, str],
    *,
    shell: str = "bash",
    seconds: float = 240,
) -> list[Told]:
    """Run `commands` one after the other in one shell on a terminal; it ends with the last.

    Standard input is empty. Raises TimeoutError when they take more than `seconds`.
    """
    script = "".join(
        f"printf '{MARK}%s\\n' begin\n{command.text}\nprintf '{MARK}%s\\n' $?\n"
        for command in commands
    )
    path = directory.parent / f".{directory.name}.sh"
    path.write_text(script, encoding="utf-8")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [shell, path],
        cwd=directory,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            text = read_terminal(ours, process, seconds)
        finally:
            process.kill()
            os.close(ours)
    return list(_split_output(text))


def read_terminal(terminal: int, process: subprocess.Popen[bytes], seconds: float) -> str:
    """Return everything that a terminal shows until all who have it are gone."""
    data = b""
    deadline = time.monotonic() + seconds
    while True:
        if not select.select([terminal], [], [], 0.2)[0]:
            if time.monotonic() > deadline:
                raise TimeoutError(data.decode("utf-8", "replace"))
            # A process that was left running may keep the terminal for ever.
            if process.poll() is not None:
                break
            continue
        try:
            read = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not read:
            break
        data += read
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _split_output(text: str) -> Iterator[Told]:
    for part in text.split(f"{MARK}begin\n")[1:]:
        shown, mark, status = part.partition(MARK)
        yield Told(text=shown, status=int(status.split()[0]) if mark else -1)


def find_difference(command: Command, told: Told) -> str | None:
    """Say what a command did that its page does not tell, or None."""
    shown = "\n".join(told.lines)
    if told.status != command.exits:
        status = "ended the shell" if told.status == -1 else f"exits {told.status}"
        return f"line {command.line}: `{command.text}` {status}, not {command.exits}:\n{shown}"
    if command.output is None or match_lines(command.output, told.lines):
        return None
    expected = "\n".join(command.output)
    return f"line {command.line}: `{command.text}` prints\n{shown}\nand not\n{expected}"


def match_lines(expected: Sequence[str], shown: Sequence[str]) -> bool:
    """Compare two outputs: ``…`` stands for characters, and alone on a line for any lines."""
    if not expected:
        return not shown
    head, *rest = expected
    if head == ANYTHING:
        return any(match_lines(rest, shown[at:]) for at in range(len(shown) + 1))
    if not shown:
        return False
    pattern = ".*".join(map(re.escape, head.split(ANYTHING)))
    return re.fullmatch(pattern, shown[0]) is not None and match_lines(rest, shown[1:])

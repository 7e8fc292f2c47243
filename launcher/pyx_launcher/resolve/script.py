"""Locks of inline blocks (PEP 723): where they are kept, and how they are made.

A lock beside the script is the user's. Where there is none, the block is locked once, on its first
start, into ``$PYX_HOME/scripts/pylock.KEY.toml``; the key is the block, so that only another block
means another resolution.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from pyx_launcher.errors import PyxError, StoreError
from pyx_launcher.files.atomic import make_directory, remove_tree
from pyx_launcher.files.ownership import closed_to_others
from pyx_launcher.locks.reader import name_script_locks
from pyx_launcher.project.inline_script import relative_sources, replace_block_text
from pyx_launcher.project.journal import read_file
from pyx_launcher.project.pyproject import parse_data, parse_document
from pyx_launcher.project.transaction import exclusive, write_file
from pyx_launcher.resolve.explain import collect_wishes
from pyx_launcher.resolve.runner import NO_UPGRADE, Tool, Upgrade, names_index, uv_arguments
from pyx_launcher.resolve.universal import lock_block
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.resolve.project import Tell
    from pyx_launcher.resolve.tools import Toolbox

_OWN_INDEX = (("tool", "uv", "index"), ("tool", "uv", "index-url"))


def name_lock_beside(script: Path) -> Path:
    """Return the lock that lies beside a script, or the one that would: ``pylock.STEM.toml``.

    It is uv's ``SCRIPT.lock`` where that is there, or where the format forbids the other name.
    """
    places = name_script_locks(script)
    return next((place for place in places if place.is_file()), places[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """The block of a script, and what it takes to lock it."""

    script: Path
    text: str
    """Its TOML, which the script itself need not hold yet."""
    toolbox: Toolbox
    interpreter: Interpreter
    typed: Sequence[Requirement] = ()
    """What was added to it right now."""

    def take_uv(self) -> Tool:
        """Return uv for the interpreter of the block."""
        return Tool(
            name="uv",
            program=self.toolbox.find_tool("uv"),
            toolbox=self.toolbox,
            interpreter=self.interpreter,
            own_index=names_index(parse_data(self.script, self.text), _OWN_INDEX),
            subject=str(self.script),
            wishes=collect_wishes(self.typed, self.script),
        )


def make_block(script: Path, text: str, toolbox: Toolbox, python: str | None) -> Block:
    """Return the block `text` of `script` with the interpreter that it, or `python`, asks for.

    Raises LockError and InterpreterError.
    """
    requires = str(parse_data(script, text).get("requires-python", ""))
    interpreter = toolbox.find_interpreter(
        script, requires, where="inline block: requires-python", python=python
    )
    return Block(script=script, text=text, toolbox=toolbox, interpreter=interpreter)


def lock_first(  # noqa: PLR0913 -- each is a fact that only the caller has.
    place: Path,
    script: Path,
    text: str,
    toolbox: Toolbox,
    tell: Tell,
    *,
    python: str | None,
    old: bytes | None = None,
) -> None:
    """Lock a block into `place`, where `old` is, unless another process has done so meanwhile.

    Raises PyxError, and then leaves nothing behind.
    """
    with exclusive(toolbox.dirs, place, tell):
        if read_file(place) != old:
            return
        block = make_block(script, text, toolbox, python)
        block.take_uv()
        tell(f"locking the inline block of {script}")
        write_file(place, resolve_block(block, place, old=old))


def resolve_block(
    block: Block, place: Path, *, upgrade: Upgrade = NO_UPGRADE, old: bytes | None = None
) -> bytes:
    """Return the pylock file for `block`, to be written to `place`.

    Versions in `old` are kept but for what `upgrade` names. Reads nothing of the script itself,
    and writes nothing beside it. Raises ResolutionError.
    """
    data = parse_data(block.script, block.text)
    with _workplace(block.toolbox) as directory:
        copy = directory / "script.py"
        copy.write_bytes(replace_block_text(b"", _moved(block, data, directory)))
        base = place.parent if relative_sources(data) else directory
        try:
            return lock_block(block.take_uv(), copy, base=base, old=old, upgrade=upgrade)
        except PyxError as error:
            error.rename(str(copy), str(block.script))
            raise


def lock_by_uv(
    block: Block, upgrade: Upgrade, look: Callable[[int | None], None], *, quiet: bool = False
) -> None:
    """Have uv write its own ``SCRIPT.lock`` beside the script, which holds the block already.

    `look` is called while it runs, as by `run_child`.
    """
    words = [*uv_arguments(upgrade), "--script", str(block.script)]
    # Here its own words name the script.
    tool = replace(block.take_uv(), subject="", is_quiet=quiet, look=look)
    tool.run(words, block.script.parent)


@contextlib.contextmanager
def _workplace(toolbox: Toolbox) -> Iterator[Path]:
    scripts = toolbox.dirs.home / "scripts"
    try:
        with closed_to_others():
            scripts.mkdir(parents=True, exist_ok=True)
        directory = make_directory(scripts, ".new.")
    except OSError as error:
        raise StoreError(f"cannot write to {scripts}: {error.strerror}") from error
    try:
        yield directory
    finally:
        remove_tree(directory)


def _moved(block: Block, data: Mapping[str, Any], directory: Path) -> str:
    """Return the TOML of the block as it means the same for a script in `directory`."""
    names = relative_sources(data)
    if not names:
        return block.text
    document: Any = parse_document(block.script, block.text)
    for name in names:
        source = document["tool"]["uv"]["sources"][name]
        source["path"] = os.path.relpath(block.script.parent / source["path"], directory)
    return str(document.as_string())

"""The programs of the matrix: read from `programs/*.toml`, one for each way to start each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROGRAMS = Path(__file__).with_name("programs")
SLOW, FAST, CHILD = "slow path", "fast path", "child"


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """A difference that must be: `pattern` is taken out of what both runs printed."""

    pattern: str
    reason: str
    since: int = 0
    """The first minor version of Python 3 that shows it."""
    until: int = 99


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One program and one way to start it. `{here}` in words and variables is its directory."""

    group: str
    name: str
    words: tuple[str, ...] = ("p.py",)
    shell: str | None = None
    """A shell command that starts python as ``"$@"``, instead of `words`."""
    files: Mapping[str, str] = field(default_factory=dict)
    setup: str | None = None
    """Python code that makes further files; it runs in the directory before anything else."""
    environ: Mapping[str, str] = field(default_factory=dict)
    inert: bool = False
    """The variables must not act: the virtual environment runs without them."""
    input: str = ""
    terminal: tuple[str, ...] | None = None
    """Lines typed at a terminal, each when the prompt is there."""
    encoding: str = "utf-8"
    """How words, files, variables and input become bytes."""
    since: int = 0
    until: int = 99
    runs: tuple[str, ...] = (SLOW, FAST, CHILD)
    explained: tuple[Explained, ...] = ()


def read_programs(groups: Sequence[str] = ()) -> tuple[Program, ...]:
    """Return the programs of all `groups`, or of every group, in the order of their files."""
    programs: list[Program] = []
    for path in sorted(PROGRAMS.glob("*.toml")):
        if not groups or path.stem in groups:
            programs += _read_group(path)
    return tuple(programs)


def list_groups() -> list[str]:
    """Return the names of all groups."""
    return sorted(path.stem for path in PROGRAMS.glob("*.toml"))


def _read_group(path: Path) -> Iterator[Program]:
    table = tomli.loads(path.read_text(encoding="utf-8"))
    explained = {name: Explained(**entry) for name, entry in table.get("explained", {}).items()}
    shared = table.get("files", {})
    for entry in table["program"]:
        known = dict(entry)
        name, text = known.pop("name"), known.pop("text", None)
        starts = known.pop("starts", None) or {"": known.pop("words", ["p.py"])}
        settings = known.pop("settings", None) or {"": known.pop("environ", {})}
        files = {**shared, **known.pop("files", {}), **({} if text is None else {"p.py": text})}
        known["explained"] = tuple(explained[word] for word in known.get("explained", ()))
        for key in {"runs", "terminal"} & known.keys():
            known[key] = tuple(known[key])
        for start, words in starts.items():
            for setting, environ in settings.items():
                label = " ".join(filter(None, (name, start, setting)))
                yield _make_program(path.stem, label, words, environ, files, known)


def _make_program(
    group: str,
    name: str,
    words: Any,
    environ: Any,
    files: Mapping[str, str],
    known: Mapping[str, Any],
) -> Program:
    start = {"shell": words} if isinstance(words, str) else {"words": tuple(words)}
    return Program(group=group, name=name, environ=environ, files=files, **start, **known)

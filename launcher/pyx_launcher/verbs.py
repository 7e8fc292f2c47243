"""The management commands as data: how each is called, what it takes and what it does.

The parser, ``--help``, the completion scripts and the manual page all go by this table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    """How one command is called."""

    forms: tuple[str, ...]
    """What can follow ``pyx``, one line for each form."""
    summary: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of its own beside pyx's: as typed, with the kind of its value if it has one."""
    actions: tuple[str, ...] = ()
    """The words of which one must come first."""
    speaks_of_start: bool = False
    """Are its words python's command line?"""
    passes_from: Mapping[str, int] = field(default_factory=dict)
    """After how many words all others belong to a program, by the action, or by ``""``."""

    @property
    def valued(self) -> tuple[str, ...]:
        """Its own options that take a value."""
        return tuple(text.split()[0] for text in self.options if " " in text)

    @property
    def flags(self) -> tuple[str, ...]:
        """Its own options that take none."""
        return tuple(text for text in self.options if " " not in text)

    def is_complete(self, words: Sequence[str]) -> bool:
        """Tell whether everything behind `words` belongs to a program."""
        first = words[0] if words and words[0] in self.passes_from else ""
        limit = self.passes_from.get(first)
        return limit is not None and len(words) >= limit


_JSON = "print JSON"

_PLACE = {
    "--optional EXTRA": "as a requirement of an extra of the project",
    "--dev": "as one of the group dev; --group GROUP: of any other",
    "--user": "in the environment @default",
    "--script SCRIPT": "in the inline block of a script",
}

VERBS: Mapping[str, Verb] = {
    "sync": Verb(
        forms=("sync [--compile] [SCRIPT]",),
        summary="make everything ready, and say what was done",
        options={"--compile": "also write the bytecode that first imports would write"},
        speaks_of_start=True,
    ),
    "info": Verb(
        forms=("info [--sbom] [SCRIPT]",),
        summary="say which lock, interpreter and sys.path a start gets, and why",
        options={"--sbom": "print the bill of materials instead: CycloneDX, as JSON"},
        speaks_of_start=True,
    ),
    "add": Verb(
        forms=(
            "add NAME… [--optional EXTRA | --group GROUP | --dev] [--init]",
            "add --script SCRIPT NAME…",
        ),
        summary="require distributions, and lock the project or the script anew",
        options={
            **_PLACE,
            "--init": "make the project where there is none",
        },
    ),
    "remove": Verb(
        forms=(
            "remove NAME… [--optional EXTRA | --group GROUP | --dev]",
            "remove --script SCRIPT NAME…",
        ),
        summary="require distributions no longer, and lock anew",
        options=_PLACE,
    ),
    "lock": Verb(
        forms=("lock [--upgrade [NAME…]]", "lock SCRIPT [--upgrade [NAME…]]"),
        summary="lock the project by its own tool, or a script's inline block beside it",
        options={"--upgrade": "move all pins, or those of the named distributions"},
    ),
    "run": Verb(
        forms=("run NAME [arguments]",),
        summary="run a console script of the environment, its bin first on PATH",
        passes_from={"": 1},
    ),
    "env": Verb(
        forms=(
            "env list [--json]",
            "env create NAME",
            "env remove NAME",
            "env show [NAME] [--json]",
            "env --link | --unlink",
            "env --kernel",
        ),
        summary="named environments, and what editors and Jupyter need",
        options={
            "--json": _JSON,
            "--link": "make .venv a link to the project's environment",
            "--unlink": "remove that link",
            "--kernel": "offer the environment to Jupyter as a kernel",
        },
        actions=("list", "create", "remove", "show"),
    ),
    "tool": Verb(
        forms=(
            "tool install NAME [--with DISTRIBUTION]…",
            "tool list [--json]",
            "tool upgrade [NAME]…",
            "tool uninstall NAME…",
            "tool run [--from DISTRIBUTION] NAME [arguments]",
        ),
        summary="programs in locked environments of their own, on PATH or run once",
        options={
            "--with DISTRIBUTION": "add a distribution to the program's environment",
            "--from DISTRIBUTION": "the distribution that has the program, if named otherwise",
            "--json": _JSON,
        },
        actions=("install", "list", "upgrade", "uninstall", "run"),
        passes_from={"run": 2},
    ),
    "list": Verb(
        forms=("list [--outdated | --attestations] [--json]",),
        summary="list the distributions that a start gets",
        options={
            "--outdated": "ask the index, show only what has newer versions",
            "--attestations": "ask the index who is claimed to have published the locked files",
            "--json": _JSON,
        },
    ),
    "tree": Verb(
        forms=("tree [--invert NAME] [--json]",),
        summary="show which distribution requires which",
        options={"--invert NAME": "show what requires NAME", "--json": _JSON},
    ),
    "which": Verb(
        forms=("which MODULE|DISTRIBUTION [--json]",),
        summary="say where an import comes from, and what locked it",
        options={"--json": _JSON},
    ),
    "diff": Verb(
        forms=("diff LOCK_A LOCK_B [--json]",),
        summary="compare what two locks mean; exit status 1 if they differ",
        options={"--json": _JSON},
    ),
    "store": Verb(
        forms=(
            "store verify [--repair]",
            "store gc [--keep DAYS] [--dry-run]",
            "store list [--json]",
            "store size [--json]",
            "store path",
            "store add WHEEL…",
        ),
        summary="look after the unpacked wheels that all projects share",
        options={
            "--repair": "verify: fetch what is damaged again",
            "--keep DAYS": "gc: what was used within so many days stays (30); 0 keeps what runs",
            "--dry-run": "gc: say what would go, and delete nothing",
            "--json": _JSON,
        },
        actions=("verify", "gc", "list", "size", "path", "add"),
    ),
}
"""The management commands. A verb wins over a file of that name; ``./sync`` runs the file."""

"""The management commands as data: how each is called, what it takes and what it does.

The parser, ``--help``, the completion scripts and the manual page all go by this table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyx_launcher.values import dataclass, field

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
    notes: str = ""
    """What its help and the manual say besides, in a paragraph."""
    unnamed: tuple[str, ...] = ()
    """The actions that belong to no environment, or ``""`` for all: they refuse ``@NAME``."""
    passes_at: str = ""
    """The option of python's with which that begins earlier."""
    short: Mapping[str, str] = field(default_factory=dict)
    """Other names of its options."""

    @property
    def command(self) -> str:
        """What a person types to call it; ``pyx`` itself for a verb without forms."""
        return f"pyx {self.forms[0].split()[0]}" if self.forms else "pyx"

    @property
    def valued(self) -> Mapping[str, str]:
        """Its own options that take a value, with the kind of that value."""
        pairs = (text.split() for text in self.options if " " in text)
        return dict(pairs)

    @property
    def flags(self) -> tuple[str, ...]:
        """Its own options that take none."""
        return tuple(text for text in self.options if " " not in text)

    def takes_name(self, action: str) -> bool:
        """Tell whether ``@NAME`` may come before it."""
        return not {"", action}.intersection(self.unnamed)

    def form_of(self, action: str) -> str:
        """Return the first form that has `action`; without any, its first form."""
        return next((form for form in self.forms if action in form.split()), self.forms[0])

    def options_of(self, action: str) -> frozenset[str]:
        """Return its own options that `action` takes, by its forms."""
        forms = (form for form in self.forms if action in form.split())
        return frozenset(option for form in forms for option in re.findall(r"--[a-z-]+", form))

    def is_complete(self, words: Sequence[str]) -> bool:
        """Tell whether everything behind `words` belongs to a program."""
        first = words[0] if words and words[0] in self.passes_from else ""
        limit = self.passes_from.get(first)
        return limit is not None and len(words) >= limit


_JSON = "print JSON"

_FOLLOW = {"--follow": "write through links that lead out of the project, to files of your own"}

_PLACE = {
    "--optional EXTRA": "as a requirement of an extra of the project",
    "--dev": "as a requirement of the group dev; --group GROUP: of any other",
    "--user": "in the environment @default",
    "--script SCRIPT": "in the inline block of a script",
}

VERBS: Mapping[str, Verb] = {
    "init": Verb(
        forms=("init [--lib] [--name NAME] [DIR]", "init --script FILE"),
        summary="make a new project or a new script",
        options={
            "--lib": "a library, in src, that others can install",
            "--name NAME": "the name of the project, if not that of its directory",
            "--script FILE": "a script that names its own requirements",
        },
        unnamed=("",),
    ),
    "sync": Verb(
        forms=("sync [--compile] [SCRIPT]",),
        summary="fetch what the lock names, make everything ready, and say what was done",
        options={"--compile": "also write the bytecode that first imports would write"},
        speaks_of_start=True,
    ),
    "info": Verb(
        forms=("info [SCRIPT] [--json | --sbom]",),
        summary="say which lock, interpreter and sys.path a start gets, and why",
        options={
            "--json": _JSON,
            "--sbom": "print the bill of materials instead: CycloneDX, as JSON",
        },
        speaks_of_start=True,
        notes="With --json it prints one object: lock and reason; stale (null, or path, problem and"
        " command); interpreter (path, version, reason); start (way: fast, public or null; reason);"
        " groups, extras, tools and hidden (lists); markers (a list: what tools answer in more than"
        " one way); distributions (the packages, each with name and version); missing (those not in"
        " the store); environment and layout (null where it is not made yet); sys_path (a list) and"
        " conflicts (a list); next_start (fast, reason). Keys may"
        " be added; none goes or changes its meaning.",
    ),
    "add": Verb(
        forms=(
            "add NAME… [--optional EXTRA | --group GROUP | --dev] [--init]",
            "add --requirements FILE [--constraints FILE] [--group GROUP | --dev] [--init]",
            "add --editable DIR [--group GROUP | --dev]",
            "add --script SCRIPT NAME…",
        ),
        summary="add packages to a project or a script, and lock it again",
        options={
            **_PLACE,
            "--requirements FILE": "require what a requirements file names (also -r)",
            "--constraints FILE": "this time, keep to the versions that a file allows (also -c)",
            "--editable DIR": "require the project in a directory, as it is there (also -e)",
            "--init": "make a project here if there is none",
            **_FOLLOW,
        },
        short={
            "-r": "--requirements",
            "--requirement": "--requirements",
            "-c": "--constraints",
            "--constraint": "--constraints",
            "-e": "--editable",
            "-D": "--dev",
            "-d": "--dev",
        },
    ),
    "remove": Verb(
        forms=(
            "remove NAME… [--optional EXTRA | --group GROUP | --dev]",
            "remove --requirements FILE [--optional EXTRA | --group GROUP | --dev]",
            "remove --script SCRIPT NAME…",
        ),
        summary="remove packages, and lock again",
        options={
            **_PLACE,
            "--requirements FILE": "what a requirements file lists and is required (also -r)",
            **_FOLLOW,
        },
        short={
            "-r": "--requirements",
            "--requirement": "--requirements",
            "-D": "--dev",
            "-d": "--dev",
        },
    ),
    "lock": Verb(
        forms=(
            "lock [--upgrade [NAME…]]",
            "lock SCRIPT [--upgrade [NAME…]]",
            "lock --check [SCRIPT]",
        ),
        summary="lock the project with its own tool, or a script's inline block beside it",
        options={
            "--upgrade": "upgrade all packages, or only those that are named (also -U)",
            "--check": "only check whether the lock is up to date; exit status 65 if it is not",
            **_FOLLOW,
        },
        short={"-U": "--upgrade"},
    ),
    "run": Verb(
        forms=("run NAME [arguments]",),
        summary="run a console script of the environment, its bin first on PATH",
        passes_from={"": 1},
    ),
    "env": Verb(
        forms=(
            "env list [--json]",
            "env create NAME [--clone OTHER]",
            "env remove NAME",
            "env show [NAME] [--json]",
            "env --link [--file] | --unlink",
            "env --kernel",
        ),
        summary="named environments, and what editors and Jupyter need",
        options={
            "--json": _JSON,
            "--link": "make .venv a link to the project's environment",
            "--file": "with --link: make it a file that holds the path (PEP 832, a draft)",
            "--unlink": "remove that link",
            "--kernel": "offer the environment to Jupyter as a kernel",
            "--clone OTHER": "create: with all that another environment has",
        },
        actions=("list", "create", "remove", "show"),
        unnamed=("list",),
    ),
    "tool": Verb(
        forms=(
            "tool install [--force] NAME… [--with PACKAGE]…",
            "tool install [--force] [--editable] DIR [--with PACKAGE]…",
            "tool list [--outdated] [--json]",
            "tool upgrade [NAME]…",
            "tool uninstall NAME…",
            "tool run [--from PACKAGE] [--with PACKAGE]… NAME[@VERSION] [arguments]",
            "tool ensurepath",
        ),
        summary="programs in locked environments of their own, on PATH or run once",
        options={
            "--with PACKAGE": "add a package to the program's environment",
            "--from PACKAGE": "the package that has the program, if its name is another",
            "--editable": "install: use the directory itself, not a copy of it (also -e)",
            "--force": "install: reinstall, and replace other programs of those names on PATH",
            "--outdated": "list: ask the index, show only what has newer versions",
            "--json": _JSON,
        },
        actions=("install", "list", "upgrade", "uninstall", "run", "ensurepath"),
        passes_from={"run": 2},
        unnamed=("",),
        short={"-e": "--editable"},
    ),
    "python": Verb(
        forms=("python list [--json]", "python find [VERSION]", "python pin [VERSION]"),
        summary="the interpreters that are there, and which one a start takes",
        options={"--json": _JSON},
        actions=("list", "find", "pin"),
        notes="`pin` writes .python-version, which every later start in that directory or below it"
        " goes by, or in the environment @NAME; without VERSION it tells what is pinned."
        " pyx brings no interpreters:"
        " `pyx tool run uv python install 3.13` fetches one, which pyx finds.",
    ),
    "list": Verb(
        forms=("list [SCRIPT] [--outdated | --attestations] [--json]",),
        summary="list the packages that a start gets",
        options={
            "--outdated": "ask the index, show only what has newer versions",
            "--attestations": "ask the index who is claimed to have published the locked files",
            "--json": _JSON,
        },
    ),
    "tree": Verb(
        forms=("tree [SCRIPT] [--package NAME | --invert NAME] [--json | --graph FILE]",),
        summary="show which package requires which",
        options={
            "--package NAME": "show only NAME and what it requires",
            "--invert NAME": "show what requires NAME",
            "--json": _JSON,
            "--graph FILE": "draw it instead, in FILE.svg, or as a page in FILE.html",
        },
    ),
    "which": Verb(
        forms=("which MODULE|PACKAGE [SCRIPT] [--json]",),
        summary="say where an import comes from, and what locked it",
        options={"--json": _JSON},
    ),
    "diff": Verb(
        forms=("diff LOCK_A LOCK_B [--json]",),
        summary="compare what two locks mean; exit status 1 if they differ",
        options={"--json": _JSON},
        unnamed=("",),
    ),
    "store": Verb(
        forms=(
            "store verify [--repair]",
            "store gc [--keep DAYS] [--dry-run]",
            "store list [--json]",
            "store size [--json]",
            "store report [--keep DAYS] FILE.html",
            "store path",
            "store add WHEEL…",
        ),
        summary="look after the unpacked wheels that all projects share",
        options={
            "--repair": "verify: fetch what is damaged again",
            "--keep DAYS": "gc, report: keep what was used in so many days (30); 0 keeps what runs",
            "--dry-run": "gc: say what would go, and delete nothing",
            "--json": _JSON,
        },
        actions=("verify", "gc", "list", "size", "report", "path", "add"),
        unnamed=("",),
    ),
    "bundle": Verb(
        forms=(
            "bundle [--no-compile] [--relocatable] OUT",
            "bundle OUT SCRIPT|DIR/|NAME [arguments]",
            "bundle OUT -m MODULE [arguments]",
        ),
        summary="write a directory or tar archive that runs without pyx, store and network",
        options={
            "--no-compile": "leave the bytecode out: smaller, and slower to start",
            "--relocatable": "does nothing: every bundle can be moved",
        },
        passes_from={"": 2},
        passes_at="-m",
    ),
    "export": Verb(
        forms=(
            "export --format pylock|requirements [-o FILE] [SCRIPT]",
            "export --format venv -o DIR [SCRIPT]",
        ),
        summary="write the lock for other tools, or as a virtual environment",
        options={
            "--format FORMAT": "pylock, requirements or venv",
            "--output OUT": "the file, else stdout; for venv the new directory; also -o",
        },
        short={"-o": "--output", "-f": "--format"},
    ),
}
"""The management commands. A verb wins over a file of that name; ``./sync`` runs the file."""

_ASKS_NOTHING = "leave it out: pyx never asks"
_NO_FILES = "leave it out: it makes no other files"
_ADDS = "leave it out: what is added is locked in the same step, and fetched by a start"
_EXACT = "leave it out: a start has exactly what the lock names"
_SHOWS = (
    "`pyx list` says which are editable, `pyx export --format requirements` writes what there is"
)
_HASHED = "leave it out: pip takes the file with its hashes as well"
_REVISION = "leave it out: it stands behind the URL, as in 'PACKAGE @ git+https://…@REVISION'"
_MARKER = "leave it out: it stands behind the package, as in 'PACKAGE; python_version < \"3.12\"'"
_UNBUILT = (
    "no option leaves the project itself out; "
    "without [build-system], or with package-mode = false, it is not built"
)

OPTIONS_OF_OTHERS: Mapping[str, str] = {
    "--check": "pyx lock --check",
    "--frozen": "leave it out: a start never changes the lock; --locked refuses one that is old",
    "--sync": _EXACT,
    "--no-sync": _EXACT,
    "--exact": _EXACT,
    "--isolated": _EXACT,
    **dict.fromkeys(("--no-root", "--no-self", "--no-install-project"), _UNBUILT),
    "--only": "--only-group NAME",
    "--only-dev": "--only-group dev",
    "--without": "--no-group NAME",
    "--prod": "--no-default-groups",
    "--production": "--no-default-groups",
    "--no-default": "--only-group NAME",
    "--extras": "--extra NAME",
    "--categories": "--group NAME",
    "--dev": "--group dev",
    "--directory": "`(cd DIR && pyx COMMAND)`",
    "-C": "`(cd DIR && pyx COMMAND)`",
    "--package": "--project DIR",
    "-p": "--python VERSION",
    "--tree": "pyx tree",
    "--outdated": "pyx list --outdated",
    "--verbose": "PYX_DEBUG=1 before the command",
    "--quiet": "2>/dev/null behind the command",
    "-q": "2>/dev/null behind the command",
    "--requirement": "pyx add -r FILE",
    "-r": "pyx add -r FILE",
    "-e": "pyx add -e DIR",
    "--editable": "pyx add -e DIR",
    "-U": "pyx lock --upgrade [NAME]",
    "--upgrade": "pyx lock --upgrade [NAME]",
    "--upgrade-package": "pyx lock --upgrade NAME",
    "-P": "pyx lock --upgrade NAME",
    "--channel": "leave it out: packages come from the index that pip is configured for",
    "--no-deps": "leave it out: what a package requires is always locked with it",
    "--require-hashes": "leave it out: every file is compared with its hash in any case",
    "--no-extra": "leave it out, and name the extras that are wanted",
    "--all-packages": "leave it out: a start is of one project, and --project names another",
    "--why": "pyx tree --invert NAME",
    "--no-update": "`pyx lock` moves no version unless it has to",
    "--regenerate": "pyx lock --upgrade",
    "-y": _ASKS_NOTHING,
    "--yes": _ASKS_NOTHING,
    "--no-interaction": _ASKS_NOTHING,
    "--no-input": _ASKS_NOTHING,
}
"""What to type for options that other tools have, where a command has none of that name.

NAME, VERSION, FILE and DIR stand for the value that was given, [NAME] for any number of them.
"""

OPTIONS_OF_COMMANDS: Mapping[str, Mapping[str, str]] = {
    "env": {
        **dict.fromkeys(("-n", "--name"), "pyx env ACTION NAME"),
        **dict.fromkeys(("-p", "--path", "-e", "--executable"), "pyx env show"),
        "--all": "`pyx env list` shows all of them; name one to remove it",
        "--display-name": "leave it out: a kernel has the name of its environment or project",
    },
    "run": dict.fromkeys(("-s", "--script"), "pyx FILE"),
    "list": {
        "-o": "--outdated",
        "-t": "pyx tree",
        "--format": "`pyx list --json`, or `pyx export --format requirements`",
        **dict.fromkeys(("-e", "--editable"), _SHOWS),
    },
    "info": dict.fromkeys(("-e", "--envs"), "pyx env list"),
    "tree": {"--script": "pyx tree FILE"},
    "export": {
        "--script": "pyx export --format requirements FILE",
        **dict.fromkeys(("--no-hashes", "--without-hashes"), _HASHED),
    },
    "init": {
        "--app": "pyx init [NAME]",
        "--package": "pyx init --lib [NAME]",
        **dict.fromkeys(("--no-readme", "--bare", "--no-pin-python", "--no-workspace"), _NO_FILES),
    },
    "add": {
        **dict.fromkeys(("--frozen", "--no-sync", "--no-install", "--lock"), _ADDS),
        "--workspace": "leave it out: a member of the workspace is known by its name",
        **dict.fromkeys(("--rev", "--tag", "--branch"), _REVISION),
        **dict.fromkeys(("--markers", "--marker", "--platform"), _MARKER),
    },
    "tool": {
        **dict.fromkeys(("-U", "--upgrade"), "pyx tool upgrade [NAME]"),
        "--all": "leave it out: `pyx tool upgrade` upgrades all",
        "--with-editable": "--with DIR",
    },
    "tool uninstall": {"--all": "`pyx tool list` shows all of them; name one to uninstall it"},
    "lock": {"--script": "pyx lock FILE", "--dry-run": "pyx list --outdated"},
    "remove": {"--dry-run": "pyx tree", "--lock": _ADDS},
    "sync": {"--dry-run": "pyx list", "--script": "pyx sync FILE"},
}
"""The same where a command, or one of its actions, means something else by them.

ACTION is what it was to do.
"""

ACTIONS_OF_OTHERS: Mapping[str, Mapping[str, str]] = {
    "env": {
        "use": "pyx python pin VERSION",
        "activate": 'pyx @NAME run "$SHELL"',
        "config": "pyx --env-file .env SCRIPT",
        "info": "pyx env show",
        "new": "pyx env create NAME",
        "rm": "pyx env remove NAME",
        "delete": "pyx env remove NAME",
        "export": "pyx export --format requirements",
        "update": "pyx @NAME lock --upgrade",
        "link": "pyx env --link",
        "unlink": "pyx env --unlink",
        "kernel": "pyx env --kernel",
    },
    "tool": {
        "add": "pyx tool install NAME",
        "remove": "pyx tool uninstall NAME",
        "rm": "pyx tool uninstall NAME",
        "update": "pyx tool upgrade [NAME]",
        "inject": "pyx tool install NAME --with PACKAGE",
        "upgrade-all": "pyx tool upgrade",
        "reinstall": "pyx tool install --force NAME",
        "update-shell": "pyx tool ensurepath",
    },
    "python": {
        "install": "pyx tool run uv python install VERSION",
        "uninstall": "pyx tool run uv python uninstall VERSION",
        "dir": "pyx python list",
        "use": "pyx python pin VERSION",
        "ls": "pyx python list",
        "update": "pyx tool run uv python install VERSION",
        "upgrade": "pyx tool run uv python upgrade VERSION",
    },
    "store": {
        "clean": "pyx store gc",
        "prune": "pyx store gc",
        "purge": "pyx store gc",
        "dir": "pyx store path",
        "info": "pyx store size",
    },
}
"""The same for the first words of commands."""

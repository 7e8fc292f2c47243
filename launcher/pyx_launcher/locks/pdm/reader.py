"""The reader of pdm.lock, versions 4.0 to 4.5.

What is chosen is what `pdm install` would install. Where the lock inherits metadata, each of its
candidates says its groups and its marker; an older one is walked (`pdm_walk`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.choice import choose_extras, choose_groups
from pyx_launcher.locks.common.fields import parse_specifiers
from pyx_launcher.locks.common.indexes import IndexOptions
from pyx_launcher.locks.common.markers import Conditions
from pyx_launcher.locks.common.packages import Chosen
from pyx_launcher.locks.common.specifiers import unite
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.locks.pdm.packages import Candidate, convert_candidate, read_candidates
from pyx_launcher.locks.pdm.project import DEFAULT, PdmProject, read_project
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.markers import Environment

    from pyx_launcher.locks.common.choice import Choice

KNOWN_VERSION = re.compile(r"4(\.[0-5](\.\d+)?)?\Z")

HINT = "run `pyx lock`"

INHERIT = "inherit_metadata"

EVERY_EXTRA = ":all"
"""What PDM takes in place of the name of an extra."""

# How PDM writes platforms: the system, perhaps a version of it, and the machine.
PLATFORM = re.compile(r"(?P<system>[a-z]+?)(linux)?(_\d+_\d+)?(_(?P<machine>[a-z].*))?\Z")
SYSTEMS = {"many": "linux", "musl": "linux", "alpine": "linux"}
SYSTEMS |= {"linux": "linux", "windows": "win32", "macos": "darwin"}
MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "i386": "x86", "i686": "x86"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LockTarget:
    """One of the environments that a lock was made for."""

    requires_python: SpecifierSet
    platform: str
    """As PDM writes it; empty for every platform."""
    implementation: str

    def has_platform(self, markers: Environment) -> bool:
        """Return whether it is for the platform and the implementation of this environment."""
        if self.implementation not in ("", markers["implementation_name"]):
            return False
        match = PLATFORM.match(self.platform)
        # What is not known to be another platform is left to the tags of the artifacts.
        if match is None or match["system"] not in SYSTEMS:
            return True
        system = SYSTEMS[match["system"]]
        machine = match["machine"] or ("aarch64" if system == "darwin" else "x86_64")
        own = markers["platform_machine"].lower()
        return (system, MACHINES.get(machine, machine)) == (
            markers["sys_platform"],
            MACHINES.get(own, own),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmLock:
    """A pdm.lock with the pyproject.toml beside it."""

    path: Path
    document: Table
    candidates: tuple[Candidate, ...]
    targets: tuple[LockTarget, ...]
    project: PdmProject | None
    requires_python: SpecifierSet
    kind: str = "pdm"

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The pyproject.toml, which says which groups there are, whether it exists or not."""
        return (self.path.with_name("pyproject.toml"),)

    @property
    def root(self) -> Path | None:
        """The directory of the project, where `pdm install` would install it."""
        return self.path.parent if self.project and self.project.is_distribution else None

    def choose_packages(self, markers: Environment, choice: Choice) -> Chosen:
        """Return what `choice` means for `markers`: packages without markers of their own."""
        extras, groups = self.choose(choice)
        self.check_platform(markers)
        conditions = Conditions(environment=markers, rule="pdm")
        if INHERIT in self.document.table("metadata").strings("strategy"):
            wanted = [c for c in self.candidates if is_wanted(c, conditions, extras | groups)]
        else:
            wanted = self.walk(conditions, extras | groups)
        return Chosen(
            requires_python=self.requires_python,
            packages=[
                convert_candidate(candidate, self.project, markers)
                for candidate in without_extras(wanted)
            ],
        )

    def choose(self, choice: Choice) -> tuple[frozenset[str], frozenset[str]]:
        """Return the extras and groups that `choice` means: by default everything locked.

        As with `pdm install --group`, the extras that were locked are left out as soon as
        something is asked for, and so are the other groups for development once one of them is.
        That option asks for an extra as well, or with ``:all`` for every one.
        """
        locked = self.locked_groups()
        known = self.project.extras if self.project else frozenset()
        extras = [name for name in locked if name in known]
        groups = [name for name in locked if name not in known]
        is_silent = not (choice.extras or choice.groups or choice.only_groups)
        as_extras = [name for name in choice.groups if canonicalize_name(name) in extras]
        choice = replace(
            choice,
            extras=(*choice.extras, *as_extras),
            groups=tuple(g for g in choice.groups if g not in (*as_extras, EVERY_EXTRA)),
            all_extras=choice.all_extras or EVERY_EXTRA in choice.groups,
        )
        chosen = choose_extras(self.path, choice, extras)
        if choice.default_groups and is_silent:
            chosen = frozenset(extras)
        default = () if any(name != DEFAULT for name in choice.groups) else groups
        own = [DEFAULT] if DEFAULT in groups else []
        return chosen, choose_groups(self.path, choice, groups, default, own=own)

    def find_indexes(self) -> IndexOptions:
        """Return the sources of the project; PDM asks all that may have what is wanted."""
        sources = self.project.sources if self.project else ()
        # The one that is configured for pip, if it is alone, is asked anyway.
        return IndexOptions(sources=sources if any(s.url for s in sources) else ())

    def locked_groups(self) -> list[str]:
        """Return the groups that were locked and that the project still has, normalised."""
        metadata = self.document.table("metadata")
        if self.project is None:
            return [canonicalize_name(name) for name in metadata.strings("groups")]
        known = self.project.groups
        if "groups" not in metadata.data:
            return sorted(known - self.project.extras)
        return [
            name for name in map(canonicalize_name, metadata.strings("groups")) if name in known
        ]

    def check_platform(self, markers: Environment) -> None:
        """Raise LockError where the lock was made for this Python, but for other platforms."""
        python = markers["python_full_version"].removesuffix("+")
        fitting = [t for t in self.targets if t.requires_python.contains(python, prereleases=True)]
        # Where no target is for this Python, that is what has to be said, and `select` does.
        if fitting and not any(target.has_platform(markers) for target in fitting):
            platform = f"{markers['sys_platform']} {markers['platform_machine']}"
            made_for = ", ".join(t.platform or t.implementation for t in fitting)
            table = self.document.table("metadata")
            raise table.error("targets", f"locked for {made_for}, and not for {platform}")

    def walk(self, conditions: Conditions, groups: frozenset[str]) -> list[Candidate]:
        """Return what is wanted of a lock whose candidates do not say what they are for."""
        # Few locks need the graph.
        from pyx_launcher.locks.pdm.walk import walk

        if self.project is None:
            problem = "without this strategy the lock needs the pyproject.toml beside it"
            raise self.document.table("metadata").error("strategy", f"no {INHERIT}: {problem}")
        return walk(self.candidates, conditions, self.project, groups)


def read_pdm_lock(path: Path) -> PdmLock:
    """Read a pdm.lock and the pyproject.toml beside it. Raises LockError, and StoreError."""
    document = read_toml(path, hint=HINT)
    metadata = document.table("metadata")
    version = metadata.require("lock_version", str)
    if not KNOWN_VERSION.match(version):
        problem = f"version {version} is not supported; pyx reads 4.0 to 4.5"
        raise metadata.error("lock_version", problem)
    targets = tuple(read_target(table) for table in metadata.tables("targets"))
    project = read_project(path.with_name("pyproject.toml"))
    if targets:
        requires_python = unite([target.requires_python for target in targets])
    else:
        requires_python = project.requires_python if project else SpecifierSet()
    return PdmLock(
        path=path,
        document=document,
        candidates=read_candidates(document),
        targets=targets,
        project=project,
        requires_python=requires_python,
    )


def read_target(table: Table) -> LockTarget:
    """Return one of ``[[metadata.targets]]``. Raises LockError."""
    text = table.get("requires_python", str, "")
    # PDM writes an asterisk for every version.
    allowed = "" if text == "*" else text
    return LockTarget(
        requires_python=parse_specifiers(table, "requires_python", allowed),
        platform=table.get("platform", str, ""),
        implementation=table.get("implementation", str, ""),
    )


def is_wanted(candidate: Candidate, conditions: Conditions, groups: frozenset[str]) -> bool:
    """Return whether a candidate of a lock that inherits metadata is for `groups` and applies.

    The marker means what PEP 508 says. PDM takes alternatives that join Python and platform
    apart, and installs for ``A and B or C and D`` what meets, say, C and B as well.
    """
    table = candidate.table
    named = table.strings("groups")
    if named and not any(canonicalize_name(group) in groups for group in named):
        return False
    return conditions.hold(table, "marker", table.get("marker", str, ""))


def without_extras(candidates: list[Candidate]) -> list[Candidate]:
    """Return one candidate for each name, where PDM has one more for each set of extras.

    Of several that apply at once the last one counts, as in PDM.
    """
    chosen: dict[str, Candidate] = {}
    for candidate in candidates:
        before = chosen.get(candidate.name)
        if before is None or not candidate.extras or before.extras:
            chosen[candidate.name] = candidate
    return list(chosen.values())

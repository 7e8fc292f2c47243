"""The reader of requirements.txt, where every requirement is pinned and hashed.

What is chosen is what `pip install --require-hashes -r requirements.txt` would install: pip then
takes nothing that is not listed, so every line whose marker holds is wanted and nothing else.
The file has no names of artifacts, so what an index serves is an `UnnamedFile`.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.choice import choose_extras, choose_groups
from pyx_launcher.locks.common.content import CONFLICT, TWO_SIDES, advise_conflict
from pyx_launcher.locks.common.fields import parse_name, parse_version
from pyx_launcher.locks.common.hash_only import Unhashed, UnnamedFile
from pyx_launcher.locks.common.markers import Conditions
from pyx_launcher.locks.common.packages import Chosen, Package
from pyx_launcher.locks.common.sources import file_package, find_filename, find_local, parse_wheel
from pyx_launcher.locks.requirements.lines import Line, advise, find_all_included, read_lines
from pyx_launcher.locks.requirements.options import (
    Formats,
    read_formats,
    read_options,
)
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.markers import Environment
    from packaging.version import Version

    from pyx_launcher.locks.common.choice import Choice
    from pyx_launcher.locks.common.indexes import IndexOptions

NAME = r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*"
PINNED = re.compile(NAME + r"\(?\s*===?\s*(?P<version>[^\s;,()*]+)\s*\)?\s*(;(?P<marker>.*))?\Z")
DIRECT = re.compile(NAME + r"@\s*(?P<place>\S+)\s*(\s;(?P<marker>.*))?\Z")
BARE = re.compile(r"(?P<place>[^\s;]*[/\\][^\s;]*|\S+\.whl)\s*(\s;(?P<marker>.*))?\Z")
HASH = re.compile(r"(?P<algorithm>sha256|sha384|sha512):(?P<digest>[0-9a-fA-F]+)\Z")
FRAGMENT = re.compile(r"(?:^|&)(sha256|sha384|sha512)=([0-9a-fA-F]+)")

# Characters, without hashes. The expressions above would take long for much more.
LONGEST_LINE = 4000

Digests = frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class PinnedRequirement:
    """One requirement: either pinned to a version or a direct reference."""

    line: Line
    name: NormalizedName
    version: Version | None
    place: str | None
    """The URL or path of a direct reference, without its fragment."""

    marker: str
    digests: Digests
    missing: LockError | None = None
    """What is to be said where it has no digest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequirementsLock:
    """A requirements.txt with everything that it includes."""

    path: Path
    lines: tuple[Line, ...]
    requirements: tuple[PinnedRequirement, ...]
    index_options: IndexOptions
    formats: Formats
    inputs: tuple[Path, ...]
    more: tuple[Path, ...] = ()
    """The files that were named beside `path`."""
    kind: str = "requirements"
    root: Path | None = None
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)

    def choose_packages(self, markers: Environment, choice: Choice) -> Chosen:
        """Return every requirement that applies to `markers`; there is nothing to choose from."""
        self.choose(choice)
        conditions = Conditions(environment=markers)
        chosen: dict[NormalizedName, PinnedRequirement] = {}
        for found in self.requirements:
            if conditions.hold(found.line, "", found.marker):
                other = chosen.get(found.name)
                chosen[found.name] = unite(other, found) if other else found
        for constraint in self.lines:
            if constraint.is_constraint and constraint.text:
                constrain(constraint, conditions, chosen)
        return Chosen(
            packages=[self.convert(found) for found in chosen.values()],
        )

    def choose(self, choice: Choice) -> tuple[frozenset[str], frozenset[str]]:
        """Return no extras and no groups; this kind of lock has none. Raises UsageError."""
        return (
            choose_extras(self.path, choice, ()),
            choose_groups(self.path, choice, ()),
        )

    def find_indexes(self) -> IndexOptions:
        """Return what the options in the file say."""
        return self.index_options

    def convert(self, found: PinnedRequirement) -> Package:
        """Return a requirement as a package without a marker."""
        if found.place is not None:
            return direct_package(found)
        wheels, sdists = self.formats.allowed(found.name)
        archive = UnnamedFile(found.digests, wheels=wheels, sdists=sdists, error=found.missing)
        return Package(
            name=found.name,
            version=found.version,
            index=self.index_options.only_index,
            archive=archive,
        )


def read_requirements(path: Path, *more: Path) -> RequirementsLock:
    """Read a requirements.txt and what it includes, and `more` of them as pip does with several.

    Raises LockError, and StoreError.
    """
    lines: list[Line] = []
    requirements: list[PinnedRequirement] = []
    # The first line that is wrong ends it, before the rest of a large file is looked at.
    done: set[tuple[Path, bool]] = set()
    for file in (path, *more):
        try:
            for line in read_lines(file, os.environ, done=done):
                lines.append(line)
                if not line.is_constraint and is_requirement(line):
                    requirements.append(parse_requirement(line))
        except LockError as error:
            if error.path != file and error.hint == advise(error.path):
                # What is included is locked with what includes it.
                error.hint = advise(file)
            raise
    included = dict.fromkeys(other for line in lines for other in find_all_included(line))
    return RequirementsLock(
        path=path,
        lines=tuple(lines),
        requirements=tuple(requirements),
        index_options=read_options(lines),
        formats=read_formats(lines),
        inputs=tuple(dict.fromkeys((*more, *included))),
        more=more,
    )


def is_requirement(line: Line) -> bool:
    """Return whether a line requires something. Raises LockError for one pyx cannot obey."""
    editables = line.values("--editable")
    if editables:
        raise line.error("", f"-e {editables[0]} has no hash, so it could not be checked")
    for option in ("--config-settings", "--global-option"):
        if line.text and line.values(option):
            raise line.error("", f"{option} is not supported")
    return bool(line.text)


def parse_requirement(line: Line) -> PinnedRequirement:
    """Return what a line requires. Raises LockError if it is not pinned."""
    text = shorten(line.text)
    if len(text) > LONGEST_LINE:
        raise line.error("", "longer than any requirement")
    if match := DIRECT.match(text) or BARE.match(text):
        return direct_requirement(line, match)
    pinned = PINNED.match(text)
    if CONFLICT.match(text):
        raise LockError(
            line.path, TWO_SIDES, where=f"line {line.number}", hint=advise_conflict(line.path)
        )
    if pinned is None:
        raise line.error("", explain(text))
    version = parse_version(line, "", pinned["version"])
    return PinnedRequirement(
        line=line,
        name=parse_name(line, "", pinned["name"]),
        version=version,
        place=None,
        marker=pinned["marker"] or "",
        digests=read_hashes(line),
        missing=line.error("", f"{shorten(text)} has no --hash, so it could not be checked"),
    )


def explain(text: str) -> str:
    """Return what is wrong with a requirement that is not pinned."""
    try:
        Requirement(text)
    except InvalidRequirement:
        return f"not a requirement: {text!r}"
    return f"{shorten(text)} is not pinned to one version with =="


def shorten(text: str) -> str:
    """Return a requirement without the spaces that continued lines leave in it."""
    return " ".join(text.split())


def direct_requirement(line: Line, match: re.Match[str]) -> PinnedRequirement:
    """Return a requirement that names its file. Raises LockError for what is no file."""
    place, _, fragment = match["place"].partition("#")
    digests = read_hashes(line) | {(a, d.lower()) for a, d in FRAGMENT.findall(fragment)}
    missing = line.error("", f"{match['place']} has no hash, so it could not be checked")
    if place.startswith(("git+", "hg+", "bzr+", "svn+")) or place.endswith("/"):
        if not digests:
            raise missing
        raise line.error("", f"{match['place']} is not a file, so its hash means nothing")
    if len(dict(digests)) < len(digests):
        raise line.error("", f"{match['place']} is one file, and has several hashes")
    name, version = match.groupdict().get("name"), None
    filename = find_filename(line, "", place) if "://" in place else posixpath.basename(place)
    if filename.endswith(".whl"):
        found, version = parse_wheel(line, "", filename)
        name = name or found
    egg = re.search(r"(?:^|&)egg=([A-Za-z0-9._-]+)", fragment)
    name = name or (egg[1] if egg else None)
    if name is None:
        raise line.error("", f"the name is missing: write it as NAME @ {place}")
    return PinnedRequirement(
        line=line,
        name=parse_name(line, "", name),
        version=version,
        place=place,
        marker=match["marker"] or "",
        digests=digests,
        missing=missing,
    )


def read_hashes(line: Line) -> Digests:
    """Return the hashes of a line. Raises LockError for one that is none."""
    digests = set()
    for value in line.values("--hash"):
        match = HASH.match(value)
        if match is None:
            raise line.error("", f"--hash={value} is not of the form sha256:DIGEST")
        digests.add((match["algorithm"], match["digest"].lower()))
    return frozenset(digests)


def unite(one: PinnedRequirement, other: PinnedRequirement) -> PinnedRequirement:
    """Return two requirements of the same name as one. Raises LockError if they differ."""
    if (one.version, one.place) != (other.version, other.place):
        there = f"{one.name} is required differently in {one.line.place}"
        raise other.line.error("", there)
    return PinnedRequirement(
        line=one.line,
        name=one.name,
        version=one.version,
        place=one.place,
        marker="",
        digests=common_hashes(other.line, one.digests, other.digests),
        missing=one.missing,
    )


def common_hashes(line: Line, one: Digests, other: Digests) -> Digests:
    """Return the hashes that both allow. Raises LockError if there is none."""
    if not one or not other:
        return one or other
    if not one & other:
        raise line.error("", "no hash is allowed both here and where this is required as well")
    return one & other


def constrain(
    line: Line, conditions: Conditions, chosen: dict[NormalizedName, PinnedRequirement]
) -> None:
    """Narrow what was chosen by one line of a constraints file. Raises LockError."""
    try:
        constraint = Requirement(line.text)
    except InvalidRequirement as error:
        raise line.error("", f"not a constraint: {line.text!r}") from error
    name = canonicalize_name(constraint.name)
    found = chosen.get(name)
    if found is None or not conditions.hold(line, "", str(constraint.marker or "")):
        return
    if constraint.url is not None:
        raise line.error("", "pyx reads no URLs in constraints")
    version = found.version
    if version is not None and not constraint.specifier.contains(version, prereleases=True):
        problem = f"{line.text} excludes version {version}, required in {found.line.place}"
        raise line.error("", problem)
    digests = read_hashes(line)
    if digests:
        chosen[name] = PinnedRequirement(
            line=found.line,
            name=name,
            version=version,
            place=found.place,
            marker="",
            digests=common_hashes(line, found.digests, digests),
            missing=found.missing,
        )


def direct_package(found: PinnedRequirement) -> Package:
    """Return a requirement that names its file."""
    place = found.place or ""
    local = "://" not in place
    path = place if local else find_local(place) if place.startswith("file:") else None
    url = place if path is None else None
    hashes = dict(found.digests)
    if found.missing is not None and not hashes:
        hashes = Unhashed(found.missing)
    return file_package(
        found.line, "", found.name, found.version, url=url, path=path, hashes=hashes
    )

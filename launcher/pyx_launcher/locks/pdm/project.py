"""What the pyproject.toml beside a pdm.lock says: its groups, its sources and what it requires."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.common.fields import parse_specifiers
from pyx_launcher.locks.common.indexes import NamedIndex, choose_sources
from pyx_launcher.locks.common.sources import check_url
from pyx_launcher.locks.common.specifiers import PLAIN, parse_specifier, split_extras
from pyx_launcher.locks.common.tables import Table, read_toml
from pyx_launcher.locks.pdm.variables import VARIABLE, expand_variables
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEFAULT = "default"

# The name of the source that takes the place of the index PDM asks by default.
DEFAULT_SOURCE = "pypi"
DEFAULT_CREDENTIALS: dict[str, Any] = {
    "user_variables": ("PDM_PYPI_USERNAME",),
    "password_variables": ("PDM_PYPI_PASSWORD",),
    "services": ("pdm-pypi-pypi",),
}

# A requirement in the notation of pip's ``--editable``, which PDM allows in its own table.
EDITABLE = re.compile(r"-e\s+(?P<url>[^\s;]+)\s*(;\s*(?P<marker>.*))?\Z")
EGG = re.compile(r"[#&]egg=(?P<name>[A-Za-z0-9._-]+)(\[(?P<extras>[^\]]*)\])?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """One line that asks for a distribution, in the pyproject.toml or in the lock."""

    name: NormalizedName | None
    """None for an editable tree that is asked for by its place alone."""
    extras: frozenset[str]
    table: Table
    """The table the line stands in, and its `key` there: where an error points to."""
    key: str

    specifier: SpecifierSet
    marker: str
    place: str | None = None
    """The URL or path that it names instead of versions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmProject:
    """The pyproject.toml of a project that PDM knows."""

    document: Table
    name: NormalizedName | None
    extras: frozenset[str]
    groups: frozenset[str]
    """Every group, normalised: ``default``, the extras and those for development."""
    sources: tuple[NamedIndex, ...]
    requires_python: SpecifierSet

    @property
    def pdm(self) -> Table:
        """The table ``[tool.pdm]``."""
        return self.document.table("tool").table("pdm")

    @property
    def is_distribution(self) -> bool:
        """Whether `pdm install` would install the project itself."""
        if self.name is None:
            return False
        if "package-type" in self.pdm.data:
            return self.pdm.require("package-type", str) == "library"
        return self.pdm.get("distribution", bool, True)

    def find_index(self, name: NormalizedName) -> str | None:
        """Return the index that `name` comes from; None where it could be one of several."""
        sources = choose_sources(self.sources, name)
        if len(sources) == 1 and sources[0].is_index:
            return sources[0].url or None
        return None


def read_project(path: Path) -> PdmProject | None:
    """Read a pyproject.toml; None where there is none.

    Raises LockError, which names the pyproject.toml, and StoreError.
    """
    if not path.is_file():
        return None
    document = read_toml(path)
    standard = document.table("project")
    pdm = document.table("tool").table("pdm")
    name = standard.get("name", str, "")
    extras = frozenset(map(canonicalize_name, standard.table("optional-dependencies").data))
    developing = (document.table("dependency-groups"), pdm.table("dev-dependencies"))
    return PdmProject(
        document=document,
        name=canonicalize_name(name) if name else None,
        extras=extras,
        groups=frozenset(
            {DEFAULT, *extras, *(canonicalize_name(key) for t in developing for key in t.data)}
        ),
        sources=read_sources(pdm),
        requires_python=read_requires_python(standard),
    )


def read_requires_python(standard: Table) -> SpecifierSet:
    """Return the Python versions that the project allows. Raises LockError."""
    text = standard.get("requires-python", str, "")
    return parse_specifiers(standard, "requires-python", text)


def read_sources(pdm: Table) -> tuple[NamedIndex, ...]:
    """Return the sources that PDM asks; the default one has no URL unless something names it."""
    sources = [read_source(table) for table in pdm.tables("source")]
    if not any(source.name == DEFAULT_SOURCE for source in sources):
        default = NamedIndex(name=DEFAULT_SOURCE, url=os.environ.get("PDM_PYPI_URL", ""))
        sources.insert(0, replace(default, **DEFAULT_CREDENTIALS))
    return tuple(sources)


def read_source(table: Table) -> NamedIndex:
    """Return one of ``[[tool.pdm.source]]``. Raises LockError."""
    name = table.get("name", str, "")
    url = table.get("url", str, "")
    if name == DEFAULT_SOURCE:
        url = url or os.environ.get("PDM_PYPI_URL", "")
    url = with_credentials(url, table.get("username", str, ""), table.get("password", str, ""))
    source = NamedIndex(
        name=name,
        url=check_url(table, "url", url),
        is_index=table.get("type", str, "index") == "index",
        includes=tuple(map(normalise_pattern, table.strings("include_packages"))),
        excludes=tuple(map(normalise_pattern, table.strings("exclude_packages"))),
        is_trusted=not table.get("verify_ssl", bool, True),
        services=(f"pdm-pypi-{name}",),
    )
    return replace(source, **DEFAULT_CREDENTIALS) if name == DEFAULT_SOURCE else source


def normalise_pattern(pattern: str) -> str:
    """Return a pattern of names in the form that normalised names have."""
    return re.sub(r"[^A-Za-z0-9?*\[\]-]+", "-", pattern).lower()


def with_credentials(url: str, username: str, password: str) -> str:
    """Return the URL of a source with its variables expanded and its credentials in it.

    What stands before the host is quoted, for passwords may hold any character.
    """
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    before, at, host = host.rpartition("@")
    if not at and username:
        before = ":".join(filter(None, (username, password)))
    before = VARIABLE.sub(lambda match: quote(os.environ.get(match[1], ""), safe=""), before)
    return f"{scheme}{mark}{before}{'@' * bool(before)}{expand_variables(host + slash + path)}"


def project_demands(project: PdmProject, groups: frozenset[str]) -> list[Demand]:
    """Return what the project asks for in these normalised groups. Raises LockError.

    A group that is included brings what it includes in turn, as PEP 735 has it and as PDM records
    in a lock that inherits metadata. Of any other lock PDM 2.26 leaves that out.
    """
    queue = sorted(groups)
    demands: list[Demand] = []
    for group in queue:
        for table, key, line in group_lines(project, group):
            if not isinstance(line, str):
                included = [canonicalize_name(include_of(project, table, key, line))]
            else:
                demand = parse_line(line, table, key)
                if demand.name is None or demand.name != project.name:
                    demands.append(demand)
                    continue
                # The project asks for its own extras, which are groups of it.
                included = [canonicalize_name(extra) for extra in sorted(demand.extras)]
            queue.extend(name for name in included if name not in queue)
    return demands


def group_lines(project: PdmProject, group: str) -> Iterator[tuple[Table, str, object]]:
    """Yield the entries of a group, each with the table and the key it stands under."""
    standard = project.document.table("project")
    if group == DEFAULT:
        yield from ((standard, "dependencies", line) for line in standard.strings("dependencies"))
        return
    optional = standard.table("optional-dependencies")
    developing = (
        project.document.table("dependency-groups"),
        project.pdm.table("dev-dependencies"),
    )
    for table in (optional,) if group in project.extras else developing:
        for key, entries in table.data.items():
            if canonicalize_name(key) == group:
                if not isinstance(entries, list):
                    raise table.unexpected(key, "an array", entries)
                yield from ((table, key, entry) for entry in entries)


def include_of(project: PdmProject, table: Table, key: str, entry: object) -> str:
    """Return the group that an entry of a group includes (PEP 735). Raises LockError."""
    name = entry.get("include-group") if isinstance(entry, dict) else None
    if not isinstance(name, str):
        raise table.unexpected(key, "requirements and include-groups", entry)
    if canonicalize_name(name) not in project.groups:
        raise table.error(key, f"includes group {name!r}, which does not exist")
    return name


def parse_line(line: str, table: Table, key: str) -> Demand:
    """Return the demand that a requirement states. Raises LockError."""
    # Many spaces in a row would make the expressions slow.
    line = " ".join(line.split())
    if editable := EDITABLE.match(line):
        return editable_demand(editable, table, key)
    try:
        if plain := PLAIN.match(line):
            return Demand(
                name=canonicalize_name(plain["name"]),
                extras=split_extras(plain["extras"]),
                table=table,
                key=key,
                specifier=parse_specifier(plain["specifier"]),
                marker=plain["marker"] or "",
            )
        requirement = Requirement(line)
    except (InvalidRequirement, InvalidSpecifier) as error:
        raise table.error(key, f"not a requirement: {line!r}") from error
    return Demand(
        name=canonicalize_name(requirement.name),
        extras=frozenset(map(canonicalize_name, requirement.extras)),
        table=table,
        key=key,
        specifier=requirement.specifier,
        marker=str(requirement.marker or ""),
        place=requirement.url,
    )


def editable_demand(match: re.Match[str], table: Table, key: str) -> Demand:
    """Return the demand that a line like ``-e URL#egg=NAME[EXTRA]; MARKER`` states."""
    egg = EGG.search(match["url"])
    return Demand(
        name=canonicalize_name(egg["name"]) if egg else None,
        extras=split_extras(egg["extras"] if egg else None),
        table=table,
        key=key,
        specifier=SpecifierSet(),
        marker=match["marker"] or "",
        place=match["url"].partition("#")[0],
    )

"""The walk through the graph of a uv.lock, for one marker environment and one choice.

A lock with conflicts (``[tool.uv] conflicts``) has markers such as ``extra ==
'extra-6-sample-cpu'``, which hold where the extra cpu of sample is active, whoever activated it.
So there the graph is walked twice: first to learn what is active, then to choose.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.common.filenames import are_same_version
from pyx_launcher.locks.uv.packages import UvPackage
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pyx_launcher.locks.common.markers import Conditions
    from pyx_launcher.locks.common.tables import Table

Node = tuple[UvPackage, str]
"""A package with the extra whose dependencies are meant; without a name for its own."""

Ways = frozenset[frozenset[str]]
"""The alternative ways to a node, each the set of conflict markers that have to hold on it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UvGraph:
    """A lock, and the marker environment it is walked for."""

    packages: Mapping[NormalizedName, list[UvPackage]]
    conditions: Conditions
    has_conflicts: bool

    def holds(self, edge: Edge, marker: str, active: Iterable[str]) -> bool:
        """Return whether a marker on the way through `edge` holds with these names active."""
        return self.conditions.hold(edge.table, "marker", marker, frozenset(active))


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """One dependency, as the lock resolved it."""

    package: UvPackage
    extras: tuple[str, ...]
    marker: str
    table: Table

    @property
    def nodes(self) -> list[Node]:
        """What it leads to."""
        return [(self.package, ""), *((self.package, extra) for extra in self.extras)]

    @property
    def activates(self) -> set[str]:
        """The names that conflict markers have for its extras."""
        return {encode("extra", self.package.name, extra) for extra in self.extras}


@dataclass(frozen=True, kw_only=True, slots=True)
class WalkStart:
    """Where a walk begins."""

    roots: tuple[UvPackage, ...] = ()
    extras: frozenset[str] = frozenset()
    """Extras of the roots."""

    groups: tuple[tuple[UvPackage, str], ...] = ()
    """The wanted dependency groups, each with the project that has it."""

    requirements: tuple[Table, ...] = ()
    """Requirements that belong to no project."""


class Walk:
    """What a walk has found so far."""

    def __init__(self, active: set[str], queue: list[Node]) -> None:
        """Begin with what is `active` and with the nodes of `queue`, and nothing found."""
        self.active = active
        self.queue = queue
        self.ways: dict[Node, Ways] = {}

    def add(self, node: Node, ways: Ways) -> bool:
        """Add ways to a node; return whether there is one that was not covered yet."""
        known = self.ways.get(node, frozenset())
        both = known | ways
        least = frozenset(way for way in both if not any(other < way for other in both))
        self.ways[node] = least
        return least != known


def walk(graph: UvGraph, start: WalkStart) -> tuple[list[UvPackage], frozenset[str]]:
    """Return what is to be installed, and the names of the extras and groups that are active."""
    found = begin(graph, start)
    if graph.has_conflicts:
        activate(graph, found)
    active = frozenset(found.active)
    reached = spread(graph, found.queue, lambda edge: graph.holds(edge, edge.marker, active))
    return reached, active


def reachable_projects(graph: UvGraph, start: WalkStart) -> set[str]:
    """Return the names that a walk could reach if every marker held."""
    queue = root_nodes(start)
    for package, group in start.groups:
        for edge in resolve_edges(graph, package.groups, group):
            queue.extend(edge.nodes)
    return {package.name for package in spread(graph, queue, lambda _: True)}


def spread(graph: UvGraph, nodes: list[Node], follow: Callable[[Edge], bool]) -> list[UvPackage]:
    """Return the packages of `nodes`, and of those that edges worth following lead to."""
    # As a mapping, they keep the order in which they are found.
    queue = dict.fromkeys(nodes)
    waiting = list(queue)
    for node in waiting:
        for edge in read_edges(graph, *node):
            if follow(edge):
                new = [other for other in edge.nodes if other not in queue]
                waiting.extend(new)
                queue.update(dict.fromkeys(new))
    return list(dict.fromkeys(package for package, _ in queue))


def root_nodes(start: WalkStart) -> list[Node]:
    """Return the projects themselves and those of their extras that are wanted."""
    return [
        (package, extra)
        for package in start.roots
        for extra in ("", *sorted(start.extras.intersection(package.extras.data)))
    ]


def begin(graph: UvGraph, start: WalkStart) -> Walk:
    """Return a walk that has taken the first steps, from the projects and their groups."""
    nodes = root_nodes(start)
    found = Walk({encode("project", package.name) for package in start.roots}, nodes)
    found.active |= {encode("extra", package.name, extra) for package, extra in nodes if extra}
    found.active |= {encode("group", package.name, group) for package, group in start.groups}
    for node in found.queue:
        found.add(node, frozenset({frozenset()}))
    for package, group in start.groups:
        for edge in resolve_edges(graph, package.groups, group):
            if graph.holds(edge, edge.marker, found.active | edge.activates):
                enter(found, edge, frozenset({conflict_markers(edge)}))
    for table in start.requirements:
        for edge in resolve_requirement(graph, table):
            enter(found, edge, frozenset({frozenset()}))
    return found


def enter(found: Walk, edge: Edge, ways: Ways) -> None:
    """Take one step from outside the graph into it."""
    found.active |= edge.activates
    for node in edge.nodes:
        found.add(node, ways)
        if node not in found.queue:
            found.queue.append(node)


def activate(graph: UvGraph, found: Walk) -> None:
    """Add to `found.active` the extras that dependencies ask for.

    A package may be passed on a way that later turns out to be closed, when an extra that
    excludes it becomes active; that is why every way is looked at again at each step.
    """
    queue = deque(found.queue)
    while queue:
        node = queue.popleft()
        for edge in read_edges(graph, *node):
            active = found.active | edge.activates
            ways = found.ways[node]
            if not graph.holds(edge, edge.marker, active) or not any(
                all(graph.holds(edge, marker, active) for marker in way) for way in ways
            ):
                continue
            found.active |= edge.activates
            own = conflict_markers(edge)
            further = frozenset(way | own for way in ways)
            queue.extend(new for new in edge.nodes if found.add(new, further))


def conflict_markers(edge: Edge) -> frozenset[str]:
    """Return the marker of an edge, if what is active has a say in it."""
    return frozenset({edge.marker} if "extra" in edge.marker else ())


def check_versions(reached: Iterable[UvPackage]) -> None:
    """Raise LockError where two versions of one project are to be installed."""
    versions: dict[NormalizedName, UvPackage] = {}
    for package in reached:
        other = versions.setdefault(package.name, package)
        if other is not package:
            problem = f"both {package.name} {other.version} and {package.version} are asked for"
            raise package.table.error("version", problem)


def encode(kind: str, project: NormalizedName, name: str = "") -> str:
    """Return the name that a conflict marker has for an extra, a group or a project."""
    return "-".join(filter(None, (kind, str(len(project)), project, name)))


def read_edges(graph: UvGraph, package: UvPackage, extra: str = "") -> Iterator[Edge]:
    """Yield the dependencies of a package, or those of one of its extras."""
    if extra:
        return resolve_edges(graph, package.extras, extra)
    return resolve_edges(graph, package.table, "dependencies")


def resolve_edges(graph: UvGraph, table: Table, key: str) -> Iterator[Edge]:
    """Yield the dependencies at `key` of `table`. Raises LockError for one that is not locked."""
    if key not in table.data:
        return
    for entry in table.tables(key):
        data = entry.data
        name = canonicalize_name(entry.require("name", str))
        extras: tuple[str, ...] = ()
        # A large lock has thousands of these, and most have neither.
        if "extra" in data or "extras" in data:
            extras = tuple(
                map(canonicalize_name, entry.strings("extra" if "extra" in data else "extras"))
            )
        yield Edge(
            package=resolve(graph, entry, name),
            extras=extras,
            marker=entry.get("marker", str, ""),
            table=entry,
        )


def resolve(graph: UvGraph, entry: Table, name: NormalizedName) -> UvPackage:
    """Return the package that a dependency means: version and source stand with it if needed."""
    candidates = graph.packages.get(name, [])
    several = len(candidates) > 1
    version = entry.get("version", str, "")
    source = entry.table("source").data if "source" in entry.data else {}
    if version or several:
        candidates = [p for p in candidates if is_of_version(p, version)]
    if source:
        candidates = [p for p in candidates if p.source.data == source]
    if len(candidates) == 1:
        return candidates[0]
    what = f"{name} {version}".rstrip()
    if candidates:
        raise entry.error("source", f"this key is missing: {what} is locked from several sources")
    if several and not version:
        raise entry.error("version", f"this key is missing: {name} is locked in several versions")
    raise entry.error("name", f"{what} is not in this lock")


def is_of_version(package: UvPackage, version: str) -> bool:
    """Return whether a package has this version, which is empty where that is dynamic."""
    locked = package.table.get("version", str, "")
    return locked == version or bool(version and are_same_version(locked, version))


def resolve_requirement(graph: UvGraph, table: Table) -> Iterator[Edge]:
    """Yield what a requirement of no project leads to; nothing where it does not apply."""
    conditions = graph.conditions
    marker = table.get("marker", str, "")
    if not conditions.hold(table, "marker", marker):
        return
    name = canonicalize_name(table.require("name", str))
    candidates = [p for p in graph.packages.get(name, []) if is_of_this_fork(conditions, p)]
    if len(candidates) != 1:
        versions = ", ".join(str(package.version) for package in candidates)
        problem = f"{name} is not in this lock" if not versions else f"{name} may be {versions}"
        raise table.error("name", problem)
    extras = tuple(map(canonicalize_name, table.strings("extras")))
    yield Edge(package=candidates[0], extras=extras, marker=marker, table=table)


def is_of_this_fork(conditions: Conditions, package: UvPackage) -> bool:
    """Return whether one of the ``resolution-markers`` of a package holds, if it has any."""
    texts = package.table.strings("resolution-markers")
    return not texts or any(
        conditions.hold(package.table, f"resolution-markers[{position}]", text)
        for position, text in enumerate(texts)
    )

"""Which distribution of an environment requires which, by the metadata of their entries."""

from __future__ import annotations

from importlib.metadata import PathDistribution
from typing import TYPE_CHECKING, cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class DependencyEdge:
    """One requirement that is met by a distribution of the same environment."""

    name: str
    """The normalised name of what is required."""
    specifier: str
    """The versions that would do; empty for any."""
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One distribution and what it requires, by name."""

    name: str
    version: str
    requires: tuple[DependencyEdge, ...] = ()


Graph = dict[str, Node]
"""Nodes by normalised name, in order."""


def build_graph(entries: Sequence[Entry], interpreter: Interpreter) -> Graph:
    """Return the graph of `entries`; extras count where another distribution asks for them.

    A requirement that cannot be parsed, or that nothing in the environment meets, is left out.
    """
    wishes: dict[str, list[Requirement]] = {
        canonicalize_name(entry.facts.name): _read_wishes(entry) for entry in entries
    }
    extras: dict[str, set[str]] = {name: set() for name in wishes}
    edges: dict[str, dict[str, DependencyEdge]] = {}
    changed = True
    while changed:
        edges = {
            name: _find_edges(wishes[name], extras[name], wishes, interpreter) for name in wishes
        }
        changed = False
        for edge in (edge for found in edges.values() for edge in found.values()):
            if not extras[edge.name].issuperset(edge.extras):
                extras[edge.name].update(edge.extras)
                changed = True
    versions: dict[str, str] = {
        canonicalize_name(entry.facts.name): entry.facts.version for entry in entries
    }
    return {
        name: Node(
            name=name,
            version=versions[name],
            requires=tuple(edges[name][key] for key in sorted(edges[name])),
        )
        for name in sorted(wishes)
    }


def invert_graph(graph: Graph) -> Graph:
    """Return the graph with every edge turned round: what requires each distribution."""
    users: dict[str, list[DependencyEdge]] = {name: [] for name in graph}
    for node in graph.values():
        for edge in node.requires:
            # The extras are those of what is required, which stands above its users now.
            turned = DependencyEdge(name=node.name, specifier=edge.specifier)
            users[edge.name].append(turned)
    return {
        node.name: Node(name=node.name, version=node.version, requires=tuple(users[node.name]))
        for node in graph.values()
    }


def find_roots(graph: Graph) -> list[str]:
    """Return names from which all others are reached: first those that nothing requires."""
    required = {edge.name for node in graph.values() for edge in node.requires}
    roots = [name for name in graph if name not in required]
    reached = _reach(graph, roots)
    for name in graph:
        # Only members of a circle, which all require one another, are left by now.
        if name not in reached:
            roots.append(name)
            reached |= _reach(graph, [name])
    return sorted(roots)


def _reach(graph: Graph, names: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [edge.name for edge in graph[name].requires]
    return reached


def _read_wishes(entry: Entry) -> list[Requirement]:
    wishes = []
    for directory in sorted(entry.path.glob("*.dist-info")):
        for text in PathDistribution(directory).requires or ():
            try:
                wishes.append(Requirement(text))
            except InvalidRequirement:
                continue
    return wishes


def _find_edges(
    wishes: Sequence[Requirement],
    extras: Iterable[str],
    known: Mapping[str, object],
    interpreter: Interpreter,
) -> dict[str, DependencyEdge]:
    edges: dict[str, DependencyEdge] = {}
    for wish in wishes:
        name = canonicalize_name(wish.name)
        if name in known and _applies(wish, extras, interpreter):
            old = edges.get(name)
            specifiers = {str(wish.specifier), old.specifier if old else ""} - {""}
            edges[name] = DependencyEdge(
                name=name,
                specifier=",".join(sorted(specifiers)),
                extras=tuple(sorted({*wish.extras, *(old.extras if old else ())})),
            )
    return edges


def _applies(wish: Requirement, extras: Iterable[str], interpreter: Interpreter) -> bool:
    if wish.marker is None:
        return True
    markers = cast("Mapping[str, str]", interpreter.markers)
    return any(wish.marker.evaluate({**markers, "extra": extra}) for extra in ("", *extras))

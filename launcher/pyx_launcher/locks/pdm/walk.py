"""Which candidates of a pdm.lock are wanted that does not say so: a walk over its graph.

PDM resolves such a lock again among the locked candidates. The walk finds the same: it starts
from what the project asks for, follows the dependencies that apply, and chooses between several
locked versions of a name by the specifiers it met. A name with extras is a node of its own.
"""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from pyx_launcher.locks.pdm.packages import Candidate, find_path
from pyx_launcher.locks.pdm.project import Demand, parse_line, project_demands
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyx_launcher.locks.common.markers import Conditions
    from pyx_launcher.locks.pdm.project import PdmProject

Node = tuple[NormalizedName, frozenset[str]]

# Each round of the walk settles one more choice between versions; real locks need two or three.
ROUNDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmGraph:
    """The candidates of a lock by name and extras, and what decides which dependencies apply."""

    candidates: dict[Node, tuple[Candidate, ...]]
    conditions: Conditions
    ignored: frozenset[str]
    """Names that need not be locked: the project itself and those that it excludes."""
    overridden: frozenset[str]
    """Names whose locked version counts, whatever is asked for."""


def walk(
    candidates: Sequence[Candidate],
    conditions: Conditions,
    project: PdmProject,
    groups: frozenset[str],
) -> list[Candidate]:
    """Return the candidates that `groups` of the project need, in the order of the lock.

    Raises LockError.
    """
    nodes: dict[Node, list[Candidate]] = {}
    for candidate in candidates:
        nodes.setdefault((candidate.name, candidate.extras), []).append(candidate)
    resolution = project.pdm.table("resolution")
    overrides = resolution.table("overrides").data
    excluded = map(canonicalize_name, resolution.strings("excludes"))
    graph = PdmGraph(
        candidates={node: tuple(several) for node, several in nodes.items()},
        conditions=conditions,
        ignored=frozenset({project.name or "", *excluded}),
        overridden=frozenset(map(canonicalize_name, overrides)),
    )
    chosen = settle(graph, project_demands(project, groups))
    return [c for c in candidates if chosen.get((c.name, c.extras)) is c]


def settle(graph: PdmGraph, roots: list[Demand]) -> dict[Node, Candidate]:
    """Return the candidate of every node that is reached.

    A name with several locked versions may be met before all that constrain it are known, so
    the walk is repeated with what the last round would have chosen until that is the same.
    """
    chosen: dict[Node, Candidate] = {}
    for _ in range(ROUNDS):
        demands = follow(graph, roots, chosen)
        choice = {node: choose(graph, node, demands) for node in demands}
        if all(chosen.get(node) is candidate for node, candidate in choice.items()):
            break
        chosen = choice
    for node, candidate in choice.items():
        check(graph, node, candidate, demands[node])
    return choice


def follow(
    graph: PdmGraph, roots: list[Demand], chosen: dict[Node, Candidate]
) -> dict[Node, list[Demand]]:
    """Return every node that is reached with the demands for it."""
    demands: dict[Node, list[Demand]] = {}
    queue = list(roots)
    for demand in queue:
        if demand.name in graph.ignored or not applies(graph, demand):
            continue
        node = find_node(graph, demand)
        met = demands.setdefault(node, [])
        met.append(demand)
        if len(met) == 1:
            candidate = chosen.get(node) or choose(graph, node, demands)
            queue.extend(dependencies_of(candidate))
    return demands


def applies(graph: PdmGraph, demand: Demand) -> bool:
    """Return whether the marker of a demand holds."""
    return graph.conditions.hold(demand.table, demand.key, demand.marker)


def find_node(graph: PdmGraph, demand: Demand) -> Node:
    """Return the node that a demand is for. Raises LockError where it is not locked."""
    if demand.name is not None:
        node = (demand.name, demand.extras)
        if node in graph.candidates:
            return node
    else:
        for node, several in graph.candidates.items():
            if any(is_at(candidate, demand.place or "") for candidate in several):
                return node
    extras = f"[{','.join(sorted(demand.extras))}]" if demand.extras else ""
    # The usual cause is a pyproject.toml that was edited since.
    stale = demand.table.advise("run `pyx lock`")
    raise stale.error(demand.key, f"{demand.name or demand.place}{extras} is not in pdm.lock")


def is_at(candidate: Candidate, place: str) -> bool:
    """Return whether a candidate is the local file or tree at `place`."""
    own, asked = find_path(candidate.place or ""), find_path(place)
    if not own or not asked:
        return False
    # A URL that build backends other than PDM's write is absolute; the lock's path is relative.
    base = candidate.table.path.parent
    return os.path.normpath(base / own) == os.path.normpath(base / asked)


def dependencies_of(candidate: Candidate) -> Iterator[Demand]:
    """Yield what a candidate asks for. Raises LockError."""
    table = candidate.table
    return (parse_line(line, table, "dependencies") for line in table.strings("dependencies"))


def choose(graph: PdmGraph, node: Node, demands: dict[Node, list[Demand]]) -> Candidate:
    """Return the candidate of this node that meets most of the demands, then the newest."""
    several = graph.candidates[node]
    if len(several) == 1:
        return several[0]
    # One version serves a name with whatever extras.
    asking = [demand for other, met in demands.items() if other[0] == node[0] for demand in met]
    return max(
        several,
        key=lambda candidate: (
            fits_python(graph, candidate),
            sum(meets(candidate, demand) for demand in asking),
            candidate.version,
        ),
    )


def fits_python(graph: PdmGraph, candidate: Candidate) -> bool:
    """Return whether the interpreter is within ``requires_python`` of the candidate."""
    text = candidate.table.get("requires_python", str, "")
    python = graph.conditions.environment["python_full_version"].removesuffix("+")
    try:
        return SpecifierSet(text).contains(python, prereleases=True)
    except InvalidSpecifier:
        # PDM leaves such metadata out of account as well.
        return True


def meets(candidate: Candidate, demand: Demand) -> bool:
    """Return whether the candidate is of a version, or from a place, that `demand` accepts."""
    if demand.place is not None:
        return candidate.place is not None
    return demand.specifier.contains(candidate.version, prereleases=True)


def check(graph: PdmGraph, node: Node, candidate: Candidate, demands: list[Demand]) -> None:
    """Raise LockError where several versions are locked and the chosen one will not do."""
    if len(graph.candidates[node]) == 1 or candidate.name in graph.overridden:
        return
    for demand in demands:
        if not meets(candidate, demand):
            versions = ", ".join(str(other.version) for other in graph.candidates[node])
            problem = f"no locked {candidate.name} ({versions}) suits this and its other dependants"
            raise demand.table.error(demand.key, problem)

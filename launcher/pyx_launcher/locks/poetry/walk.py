"""Which packages of a poetry.lock older than version 2.1 are wanted: a walk over its graph.

Such a lock lists every package of every platform, group and extra without saying which of
them is for what, so `poetry install` resolves again among the locked packages. The walk finds
the same: it starts from the project's dependencies, follows those that apply, and chooses
between several locked versions of a name by the constraints it met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.locks.poetry.constraints import allows_python
from pyx_launcher.locks.poetry.dependencies import (
    Dependency,
    ListedExtra,
    read_dependencies,
    read_extras,
)
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.utils import NormalizedName

    from pyx_launcher.locks.common.markers import Conditions
    from pyx_launcher.locks.common.tables import Table
    from pyx_launcher.locks.poetry.packages import PoetryPackage
    from pyx_launcher.locks.poetry.project import PoetryProject

# Poetry up to 1.1 never locks these, whoever depends on them.
NEVER_LOCKED = frozenset({"pip", "setuptools", "wheel", "distribute"})

# Each round of the walk settles one more choice between versions; real locks need two or three.
ROUNDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryGraph:
    """The packages of a lock by name, and what decides which of their dependencies apply."""

    packages: dict[NormalizedName, tuple[PoetryPackage, ...]]
    conditions: Conditions
    ignored: frozenset[str]
    """Names that need not be locked: the project itself and those Poetry never locks."""


def walk(
    packages: Sequence[PoetryPackage],
    conditions: Conditions,
    roots: Iterable[Dependency],
    extras: frozenset[str],
    project: PoetryProject | None,
) -> list[PoetryPackage]:
    """Return the packages that `roots` need, in the order of the lock. Raises LockError.

    `extras` are those of the project. As in Poetry, dependencies that wait for an extra that
    was not chosen still have a say in which versions are right, and a dependency of the
    project whose conditions do not hold is wanted all the same if these need it too.
    """
    by_name: dict[NormalizedName, list[PoetryPackage]] = {}
    for package in packages:
        by_name.setdefault(package.name, []).append(package)
    graph = PoetryGraph(
        packages={name: tuple(several) for name, several in by_name.items()},
        conditions=conditions,
        ignored=NEVER_LOCKED | {project.name or "" if project else ""},
    )
    roots = tuple(roots)
    applying = [root for root in roots if root.applies(conditions, extras)]
    resolved, demands = settle(graph, applying)
    wanted = [
        root
        for root in roots
        if (not root.optional or root.for_extras & extras)
        and (root.applies(conditions, extras) or is_met(root, resolved, demands))
    ]
    reached = follow(graph, wanted, resolved)
    return [p for p in packages if p.name in reached and resolved.get(p.name) is p]


def is_met(
    root: Dependency,
    resolved: dict[NormalizedName, PoetryPackage],
    demands: dict[NormalizedName, list[Dependency]],
) -> bool:
    """Return whether what others demand is also what `root` would, with the same extras."""
    return (
        root.name in resolved
        and meets(resolved[root.name], root)
        and (not root.extras or any(root.extras == d.extras for d in demands[root.name]))
    )


def settle(
    graph: PoetryGraph, roots: list[Dependency]
) -> tuple[dict[NormalizedName, PoetryPackage], dict[NormalizedName, list[Dependency]]]:
    """Return the package of every name that is reached, and the dependencies that ask for it.

    A name with several locked versions may be met before all that constrain it are known, so
    the walk is repeated with what the last round would have chosen until that is the same.
    """
    chosen: dict[NormalizedName, PoetryPackage] = {}
    for _ in range(ROUNDS):
        demands = follow(graph, roots, chosen)
        choice = {name: choose(graph, name, asking) for name, asking in demands.items()}
        if all(chosen.get(name) is package for name, package in choice.items()):
            break
        chosen = choice
    for name, package in choice.items():
        check_demands(graph, package, demands[name])
    return choice, demands


def follow(
    graph: PoetryGraph, roots: list[Dependency], chosen: dict[NormalizedName, PoetryPackage]
) -> dict[NormalizedName, list[Dependency]]:
    """Return every name that is reached with the dependencies that asked for it."""
    demands: dict[NormalizedName, list[Dependency]] = {}
    extras: dict[NormalizedName, frozenset[str]] = {}
    queue = list(roots)
    for dependency in queue:
        name = dependency.name
        if name not in graph.packages:
            if name not in graph.ignored:
                # The usual cause is a pyproject.toml that was edited since.
                stale = dependency.table.advise("run `pyx lock`")
                raise stale.error(dependency.key, f"{name} is not in poetry.lock")
            continue
        demands.setdefault(name, []).append(dependency)
        before = extras.get(name)
        if before is not None and dependency.extras <= before:
            continue
        extras[name] = (before or frozenset()) | dependency.extras
        package = chosen.get(name) or choose(graph, name, demands[name])
        queue.extend(needed_by(graph, package, extras[name]))
    return demands


def needed_by(
    graph: PoetryGraph, package: PoetryPackage, extras: frozenset[str]
) -> Iterator[Dependency]:
    """Yield the dependencies of `package` that apply with these extras of it."""
    if "dependencies" not in package.table.data:
        return
    listed = read_extras(package.table.table("extras"), package.name) if extras else {}
    active = close_extras(listed, extras)
    optional = {name for extra in active if extra in listed for name in listed[extra].names}
    for dependency in read_dependencies(package.table.table("dependencies")):
        if dependency.optional and dependency.name not in optional:
            continue
        if dependency.applies(graph.conditions, active):
            yield dependency


def close_extras(listed: dict[str, ListedExtra], extras: frozenset[str]) -> frozenset[str]:
    """Return `extras` with those that they ask for of the same distribution."""
    queue = list(extras)
    for extra in queue:
        if extra in listed:
            queue.extend(own for own in sorted(listed[extra].own_extras) if own not in queue)
    return frozenset(queue)


def choose(graph: PoetryGraph, name: NormalizedName, demands: list[Dependency]) -> PoetryPackage:
    """Return the package of this name that meets most of `demands`, then the newest."""
    several = graph.packages[name]
    if len(several) == 1:
        return several[0]
    return max(
        several,
        key=lambda package: (
            fits_python(graph, package),
            sum(meets(package, demand) for demand in demands),
            package.version,
        ),
    )


def fits_python(graph: PoetryGraph, package: PoetryPackage) -> bool:
    """Return whether the interpreter is within ``python-versions`` of the package."""
    constraint = package.table.get("python-versions", str, "*")
    try:
        return allows_python(constraint, graph.conditions.environment)
    except ValueError as error:
        raise package.table.error("python-versions", str(error)) from error


def meets(package: PoetryPackage, demand: Dependency) -> bool:
    """Return whether the package is of a version, and from a place, that `demand` accepts."""
    return demand.allows(package.version) and demand.comes_from(package.table.table("source"))


def check_demands(graph: PoetryGraph, package: PoetryPackage, demands: list[Dependency]) -> None:
    """Raise LockError where several versions are locked and the chosen one will not do."""
    if len(graph.packages[package.name]) == 1:
        return
    for demand in demands:
        if not meets(package, demand):
            versions = ", ".join(str(other.version) for other in graph.packages[package.name])
            problem = f"no locked {package.name} ({versions}) suits this and its other dependants"
            raise demand.table.error(demand.key, problem)


def roots_without_project(
    packages: Sequence[PoetryPackage], groups: frozenset[str], lock_extras: Table
) -> list[Dependency]:
    """Return the roots of a lock with no pyproject.toml beside it. Raises LockError.

    Every package that is not optional, is in one of `groups` (the old categories) and is not
    there for another such package is taken for a dependency of the project.
    """
    own = [p for p in packages if not p.table.get("optional", bool, False)]
    own = [p for p in own if p.table.get("category", str, "main") in groups]
    edges: dict[NormalizedName, set[NormalizedName]] = {}
    for p in own:
        edges.setdefault(p.name, set()).update(dependency_names(p) - {p.name})
    required = set().union(*edges.values())
    roots: dict[NormalizedName, PoetryPackage] = {}
    seen: set[NormalizedName] = set()
    # Packages that need one another in a circle have no root; the second pass finds those.
    for p in [*(p for p in own if p.name not in required), *own]:
        if p.name not in seen:
            roots[p.name] = p
            spread(p.name, edges, seen)
    dependencies = [Dependency(name=n, table=p.table, key="name") for n, p in roots.items()]
    return [*dependencies, *extra_roots(packages, lock_extras)]


def dependency_names(package: PoetryPackage) -> set[NormalizedName]:
    """Return the names in the dependencies of a package, whether they apply or not."""
    return {d.name for d in read_dependencies(package.table.table("dependencies"))}


def spread(
    name: NormalizedName,
    edges: dict[NormalizedName, set[NormalizedName]],
    seen: set[NormalizedName],
) -> None:
    """Add to `seen` all that can be reached from `name`."""
    queue = [name]
    for current in queue:
        if current not in seen:
            seen.add(current)
            queue.extend(edges.get(current, ()))


def extra_roots(packages: Sequence[PoetryPackage], lock_extras: Table) -> list[Dependency]:
    """Return what each extra of the project switches on, by the ``[extras]`` of the lock."""
    locked = {package.name for package in packages}
    return [
        Dependency(
            name=name,
            table=lock_extras,
            key=extra,
            optional=True,
            for_extras=frozenset({extra}),
        )
        for extra, listed in read_extras(lock_extras, "").items()
        for name in sorted(listed.names)
        if name in locked
    ]

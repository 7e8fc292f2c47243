"""Plan a tree of links that looks as if all its sources had been installed into one directory.

A name that one source owns becomes one link. A directory that several share becomes a real
directory with links below. Where two own the same file, the later one wins and that is reported.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from pyx_launcher.digests import sha256
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    """A directory whose content takes part, under a name for people."""

    path: Path
    label: str
    names: Sequence[str]
    """Its top-level names, known from the facts of the entry."""
    by_file: Collection[str] = ()
    """The directories, relative to `path`, whose files are linked each by itself, since libraries
    among them look around by ``$ORIGIN``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which links and directories to make; all paths relative to the tree."""

    links: dict[str, Path] = field(default_factory=dict)
    directories: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    """One line for each file that more than one source has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Claim:
    path: Path
    label: str
    real: frozenset[str]
    """Places that must not become links, as they or what is below is linked file by file."""


def plan_farm(
    roots: Iterable[Root], skip: frozenset[str] = frozenset(), real: frozenset[str] = frozenset()
) -> Plan:
    """Return the plan for `roots`, without the top-level names in `skip`.

    Only directories that several share, or whose files are linked one by one, are listed, and
    those in `real`, which the tree has already and which therefore cannot become links.
    """
    claims: dict[str, list[_Claim]] = {}
    for root in roots:
        own = frozenset(above for place in root.by_file for above in _list_above(place))
        for name in root.names:
            if name not in skip:
                claim = _Claim(path=root.path / name, label=root.label, real=own)
                claims.setdefault(name, []).append(claim)
    plan = Plan()
    _place(plan, "", claims, real)
    return plan


def _list_above(place: str) -> Iterator[str]:
    """Yield the directory `place` and all that it lies in."""
    while place:
        yield place
        place = place.rpartition("/")[0]


def _place(
    plan: Plan, prefix: str, claims: Mapping[str, Sequence[_Claim]], real: frozenset[str]
) -> None:
    for name, claimants in claims.items():
        place = prefix + name
        if len(claimants) == 1 and place not in claimants[0].real and place not in real:
            plan.links[place] = claimants[0].path
            continue
        directories = [claim for claim in claimants if claim.path.is_dir()]
        if len(directories) < len(claimants):
            winner = claimants[-1]
            plan.links[place] = winner.path
            if len(claimants) > 1:
                losers = ", ".join(claim.label for claim in claimants[:-1])
                plan.conflicts.append(f"{place}: {winner.label} wins over {losers}")
            continue
        plan.directories.append(place)
        _place(plan, place + "/", _claim_below(directories), real)


def _claim_below(directories: Sequence[_Claim]) -> dict[str, list[_Claim]]:
    below: dict[str, list[_Claim]] = {}
    for claim in directories:
        for name in sorted(os.listdir(claim.path)):
            if name != "__pycache__":
                child = _Claim(path=claim.path / name, label=claim.label, real=claim.real)
                below.setdefault(name, []).append(child)
    return below


def write_farm(plan: Plan, tree: Path, links: Path) -> list[str]:
    """Make the planned directories and links below `tree`, which exists. Raises OSError.

    `links` is a directory on the same file system, which need not exist, that keeps one of the
    links to each target for all further trees. Returns one line for each link whose place the
    tree had filled before: what is there stays.
    """
    taken: list[str] = []
    base = str(tree)
    for place in plan.directories:
        os.makedirs(f"{base}/{place}", exist_ok=True)
    with contextlib.suppress(OSError):
        os.makedirs(links, exist_ok=True)
    for place, target in plan.links.items():
        try:
            name = sha256(os.fsencode(target)).hexdigest()[:32]
            _link(str(target), f"{base}/{place}", f"{links}/{name}")
        except FileExistsError:
            taken.append(f"{place}: left out, the environment has its own")
    return taken


def _link(target: str, place: str, kept: str) -> None:
    """Make the symlink `place`. Raises FileExistsError where something is there."""
    if sys.platform != "linux":
        # Elsewhere a hard link may be made to what the symlink leads to.
        os.symlink(target, place)
    elif not _name_again(kept, place):
        os.symlink(target, place)
        with contextlib.suppress(OSError):
            os.link(place, kept, follow_symlinks=False)


def _name_again(kept: str, place: str) -> bool:
    """Give the symlink `kept` another name: no inode, no block, and a fraction of the time.

    On ext4 a symlink to more than 59 bytes takes 4 kB and up to ten times as long.
    """
    try:
        os.link(kept, place, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # It is not there yet, has as many names as it can have, or must have no second one.
        return False
    return True

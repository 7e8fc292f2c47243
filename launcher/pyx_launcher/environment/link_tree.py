"""Plan a tree of links that looks as if all its sources had been installed into one directory.

A name that one source owns becomes one link. A directory that several share becomes a real
directory with links below. Where two own the same file, the later one wins and that is reported.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from pyx_launcher.files.hashing import sha256
from pyx_launcher.values import dataclass, field, replace

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
    reach: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Other directories into which libraries in a directory look: where one of these is real, what
    looks into it must arrive there, and not beside it in `path`."""
    programs: Collection[str] = ()
    """The files, relative to `path`, that are never a symlink: an executable that looks around by
    ``$ORIGIN`` does so from where the kernel found it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkPlan:
    """Which links and directories to make; all paths relative to the tree."""

    links: dict[str, Path] = field(default_factory=dict)
    programs: set[str] = field(default_factory=set)
    """Those of the links that must be hard ones."""
    directories: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    """One line for each file that more than one source has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ownership:
    path: Path
    label: str
    real: frozenset[str]
    """Places that must not become links, as they or what is below is linked file by file."""
    programs: Collection[str]


def plan_farm(
    roots: Iterable[Root], skip: frozenset[str] = frozenset(), real: frozenset[str] = frozenset()
) -> LinkPlan:
    """Return the plan for `roots`, without the top-level names in `skip`.

    Only directories that several share, or whose files are linked one by one, are listed, and
    those in `real`, which the tree has already and which therefore cannot become links.
    """
    roots = list(roots)
    by_file = [set(root.by_file) for root in roots]
    while True:
        plan = _plan_once(roots, by_file, skip, real)
        made = {*plan.directories, *real}
        grown = False
        for root, own in zip(roots, by_file, strict=True):
            reaching = {here for here, found in root.reach.items() if not made.isdisjoint(found)}
            more = reaching - made - own
            own.update(more)
            grown = grown or bool(more)
        if not grown:
            return plan


def _plan_once(
    roots: Iterable[Root],
    by_file: Iterable[Collection[str]],
    skip: frozenset[str],
    real: frozenset[str],
) -> LinkPlan:
    claims: dict[str, list[_Ownership]] = {}
    for root, places in zip(roots, by_file, strict=True):
        own = frozenset(above for place in places for above in _list_above(place))
        for name in root.names:
            if name not in skip:
                claim = _Ownership(
                    path=root.path / name, label=root.label, real=own, programs=root.programs
                )
                claims.setdefault(name, []).append(claim)
    plan = LinkPlan()
    _place(plan, "", claims, real)
    return plan


def _list_above(place: str) -> Iterator[str]:
    """Yield the directory `place` and all that it lies in."""
    while place:
        yield place
        place = place.rpartition("/")[0]


def _place(
    plan: LinkPlan, prefix: str, claims: Mapping[str, Sequence[_Ownership]], real: frozenset[str]
) -> None:
    for name, claimants in claims.items():
        place = prefix + name
        if len(claimants) == 1 and place not in claimants[0].real and place not in real:
            _plan_link(plan, place, claimants[0])
            continue
        directories = [claim for claim in claimants if claim.path.is_dir()]
        if len(directories) < len(claimants):
            winner = claimants[-1]
            _plan_link(plan, place, winner)
            if len(claimants) > 1:
                losers = ", ".join(claim.label for claim in claimants[:-1])
                plan.conflicts.append(f"{place}: {winner.label} wins over {losers}")
            continue
        plan.directories.append(place)
        _place(plan, place + "/", _claim_below(directories), real)


def _plan_link(plan: LinkPlan, place: str, claim: _Ownership) -> None:
    plan.links[place] = claim.path
    if place in claim.programs:
        plan.programs.add(place)


def _claim_below(directories: Sequence[_Ownership]) -> dict[str, list[_Ownership]]:
    below: dict[str, list[_Ownership]] = {}
    for claim in directories:
        for name in sorted(os.listdir(claim.path)):
            if name != "__pycache__":
                child = replace(claim, path=claim.path / name)
                below.setdefault(name, []).append(child)
    return below


def write_farm(plan: LinkPlan, tree: Path, links: Path) -> list[str]:
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
            if place in plan.programs:
                _place_program(target, f"{base}/{place}")
                continue
            name = sha256(os.fsencode(target)).hexdigest()[:32]
            _link(str(target), f"{base}/{place}", f"{links}/{name}")
        except FileExistsError:
            taken.append(f"{place}: left out, the environment has its own")
    return taken


def _place_program(target: Path, place: str) -> None:
    """Give the program `target` another name. Raises FileExistsError where something is there."""
    try:
        os.link(target, place)
    except FileExistsError:
        raise
    except OSError:
        # It lies on another file system, or belongs to somebody else.
        import shutil

        if os.path.lexists(place):
            raise
        shutil.copy2(target, place)


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

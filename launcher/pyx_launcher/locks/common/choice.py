"""The extras and dependency groups that a user asks for, and what of them a lock has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.errors import UsageError
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which extras and dependency groups of a lock are wanted; names as the user typed them."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    all_extras: bool = False
    all_groups: bool = False
    default_groups: bool = True
    """Are the groups wanted that nobody asks for? The project's own requirements are no group."""
    only_groups: tuple[str, ...] = ()
    """Where there are any, nothing but these groups is wanted."""
    no_groups: tuple[str, ...] = ()
    """Groups that are left out whatever else is said."""
    no_dev: bool = False
    """Is the group for development left out, if there is one?"""
    unhashed: frozenset[str] = frozenset()
    """The projects, normalised, whose files are taken though the lock has no hash of them."""


def choose_extras(path: Path, choice: Choice, known: Collection[str]) -> frozenset[str]:
    """Return the normalised extras that `choice` asks for. Raises UsageError."""
    wanted = check_names(path, "extra", choice.extras, known)
    return frozenset(known) if choice.all_extras else wanted


def choose_groups(
    path: Path,
    choice: Choice,
    known: Collection[str],
    default: Collection[str] = (),
    *,
    own: Collection[str] = (),
    dev: str = "dev",
) -> frozenset[str]:
    """Return the normalised groups that `choice` asks for, with `default`. Raises UsageError.

    `own` are the names that stand for the project's own requirements, as ``main`` does: they are
    left out by name alone. `dev` is the group that ``--no-dev`` means.
    """
    every = {*known, *default, *own}
    wanted = check_names(path, "group", choice.groups, every)
    without = check_names(path, "no-group", choice.no_groups, every)
    only = check_names(path, "only-group", choice.only_groups, every)
    if choice.no_dev:
        without |= {dev}
    if only:
        return only - without
    if choice.all_groups:
        wanted |= frozenset(known)
    if choice.default_groups:
        wanted |= frozenset(default)
    return (wanted | frozenset(own)) - without


def check_names(
    path: Path, option: str, wanted: Collection[str], known: Collection[str]
) -> frozenset[str]:
    """Return `wanted` normalised. Raises UsageError that lists all the unknown and the known.

    `option` is the one that they were given with.
    """
    if not wanted:
        return frozenset()
    # A start without a choice, which may be known from before, needs no library.
    from packaging.utils import canonicalize_name

    names = {canonicalize_name(name): name for name in wanted}
    unknown = [name for normalised, name in names.items() if normalised not in known]
    if unknown:
        what = option.rpartition("-")[2]
        problem = f"{path}: has no {what} named {', '.join(sorted(unknown))}"
        raise UsageError(problem, hint=list_options(option, known))
    return frozenset(names)


def list_options(option: str, known: Collection[str]) -> str:
    """Return the hint that lists the options that would be understood."""
    if not known:
        return f"leave out --{option}: this lock has none"
    return "known are " + ", ".join(f"--{option} {name}" for name in sorted(known))

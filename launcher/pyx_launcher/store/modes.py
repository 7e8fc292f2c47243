"""Which files of an entry are read-only: the source of what programs import, and nothing else.

Programs copy what lies beside their modules, as templates of a new project, and a copy has the mode
of its original: it must come out as it would from a virtual environment. A module is not copied but
edited, by somebody who is looking for a mistake, and that must not reach other projects unnoticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyx_launcher.store.entry import DATA

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_SOURCE = ".py"
_NO_MODULES = f"{DATA}/"


def find_packages(places: Iterable[str]) -> set[str]:
    """Return the directories of those of the files `places` that make one a regular package."""
    found = (place.rpartition("/") for place in places)
    return {directory for directory, _, name in found if name == "__init__.py" and directory}


class Modes:
    """Chooses the mode of each file of an entry, whose regular packages are known."""

    def __init__(self, packages: Container[str]) -> None:
        """Take the directories that `find_packages` has found."""
        self._packages = packages
        # Of each directory: is it a package or below one, and is it beside packages?
        self._known: dict[str, tuple[bool, bool]] = {"": (False, False)}

    def choose(self, place: str, *, is_executable: bool) -> int:
        """Return the mode of the file at `place`, relative to its entry.

        A module is what lies in a regular package, and this in another, up to the top or to
        namespaces. What lies below a package in a directory that is none itself is not imported
        but read or copied: `alembic/templates/generic/env.py`, or
        `scrapy/templates/project/module/__init__.py`.
        """
        mode = 0o755 if is_executable else 0o644
        if not place.endswith(_SOURCE) or place.startswith(_NO_MODULES):
            return mode
        _, is_beside = self._look_at(place.rpartition("/")[0])
        return mode if is_beside else mode & 0o555

    def _look_at(self, directory: str) -> tuple[bool, bool]:
        """Tell of `directory` whether it has a package on its way, and what is none below that."""
        known = self._known.get(directory)
        if known is None:
            above, is_beside = self._look_at(directory.rpartition("/")[0])
            is_package = directory in self._packages
            known = (above or is_package, is_beside or (above and not is_package))
            self._known[directory] = known
        return known

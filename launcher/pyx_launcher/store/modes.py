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


def find_packages(places: Iterable[str]) -> set[str]:
    """Return the directories of those of the files `places` that make one a regular package."""
    found = (place.rpartition("/") for place in places)
    return {directory for directory, _, name in found if name == "__init__.py" and directory}


def choose_mode(place: str, packages: Container[str], *, is_executable: bool) -> int:
    """Return the mode of the file at `place`, relative to its entry.

    A module is what lies in a regular package, and this in another, up to the top or to namespaces.
    What lies below a package in a directory that is none itself is not imported but read or copied:
    `alembic/templates/generic/env.py`, or `scrapy/templates/project/module/__init__.py`.
    """
    mode = 0o755 if is_executable else 0o644
    is_module = (
        place.endswith(_SOURCE)
        and not place.startswith(f"{DATA}/")
        and not _is_beside_packages(place, packages)
    )
    return mode & 0o555 if is_module else mode


def _is_beside_packages(place: str, packages: Container[str]) -> bool:
    """Is there a directory on the way to `place` that is no package, though one above it is?"""
    above = False
    end = place.find("/")
    while end >= 0:
        is_package = place[:end] in packages
        if above and not is_package:
            return True
        above = above or is_package
        end = place.find("/", end + 1)
    return False

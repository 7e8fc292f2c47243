"""What a lock says of one distribution and of where it comes from, in the words of PEP 751.

The names are those of `packaging.pylock`, whose classes only the reader of pylock.toml needs: to
import them takes longer than to read most locks.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName
    from packaging.version import Version


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageWheel:
    """A wheel."""

    name: str | None = None
    url: str | None = None
    path: str | None = None
    size: int | None = None
    hashes: Mapping[str, str]

    @property
    def filename(self) -> str:
        """The name of the file, which says what it is for."""
        return self.name or _name_file(self.path, self.url)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageSdist:
    """A source distribution."""

    name: str | None = None
    url: str | None = None
    path: str | None = None
    size: int | None = None
    hashes: Mapping[str, str]

    @property
    def filename(self) -> str:
        """The name of the file."""
        return self.name or _name_file(self.path, self.url)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageArchive:
    """One file at a place of its own."""

    url: str | None = None
    path: str | None = None
    size: int | None = None
    hashes: Mapping[str, str]
    subdirectory: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageVcs:
    """A commit of a repository."""

    type: str
    url: str | None = None
    path: str | None = None
    requested_revision: str | None = None
    commit_id: str
    subdirectory: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageDirectory:
    """A source tree on this machine."""

    path: str
    editable: bool | None = None
    subdirectory: str | None = None


ROOT_SOURCE = PackageDirectory(path=".", editable=True)
"""What a lock's own project is built from."""

Source = PackageWheel | PackageSdist | PackageVcs | PackageDirectory | PackageArchive
"""Where one distribution comes from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One distribution of a lock, with all it may come from."""

    name: NormalizedName
    version: Version | None = None
    index: str | None = None
    vcs: PackageVcs | None = None
    directory: PackageDirectory | None = None
    archive: PackageArchive | None = None
    sdist: PackageSdist | None = None
    wheels: Sequence[PackageWheel] = ()
    make_sdist: Callable[[], PackageSdist | None] | None = None
    """What makes `sdist`, where there is a wheel that will hardly leave a need for it."""

    def find_sdist(self) -> PackageSdist | None:
        """Return the source distribution. Raises LockError for one that is not sound."""
        return self.sdist if self.make_sdist is None else self.make_sdist()

    @property
    def direct(self) -> Source | None:
        """What it comes from where there is nothing to choose; None for what an index serves."""
        return self.vcs or self.directory or self.archive


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRules:
    """What a project says about how one of its packages is built."""

    requires: tuple[str, ...] = ()
    """Requirements besides those that the package itself states for its build."""
    constraints: tuple[str, ...] = ()
    settings: Mapping[str, str | list[str]] = field(default_factory=dict)
    """What the build backend is told (PEP 517's ``config_settings``)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What a lock means for one marker environment and one choice of extras and groups."""

    packages: Sequence[Package]
    requires_python: SpecifierSet | None = None
    environments: Sequence[Marker] = ()
    """The only environments that the lock was made for; none where it is for all."""


class Wheels(Sequence[PackageWheel]):
    """The wheels of a distribution by name, of which each is made only when it is asked for."""

    __slots__ = ("_made", "_make", "names")

    def __init__(self, names: Sequence[str], make: Callable[[int], PackageWheel]) -> None:
        """Take the names of the files, and what makes the wheel at a position of them."""
        self.names = names
        self._make = make
        self._made: dict[int, PackageWheel] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.names)

    def __getitem__(self, position: Any) -> Any:  # noqa: ANN401 - as the base class has it
        """Return the wheel at `position`. Raises LockError for one that is not sound."""
        if position not in self._made:
            if not -1 < position < len(self.names):
                raise IndexError(position)
            self._made[position] = self._make(position)
        return self._made[position]


def list_filenames(wheels: Sequence[PackageWheel]) -> Sequence[str]:
    """Return the names of the files."""
    return wheels.names if isinstance(wheels, Wheels) else [wheel.filename for wheel in wheels]


def _name_file(path: str | None, url: str | None) -> str:
    if path is not None:
        return posixpath.basename(path.replace("\\", "/"))
    return posixpath.basename(unquote(urlsplit(url or "").path))

"""Find the files that a lock names: where it says they are, or on an index by their hashes.

unearth knows how to read the pages of an index; which file is the right one is decided here, by
the lock's hashes alone. It is imported only when a page must be read.
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from pyx_launcher.errors import ArtifactError, PyxError, RefusedError
from pyx_launcher.index.credentials import check_link, shown, split_login
from pyx_launcher.index.links import Offer, canonical, digests_of, list_directory
from pyx_launcher.index.pip_config import IndexSettings, read_settings
from pyx_launcher.index.session import ForbiddenError, MissingError, Session, UnreachableError
from pyx_launcher.index.settings import explain_offline, find_local_path
from pyx_launcher.index.verified_file import WantedFile, check_hashes, read_chunks, write_verified
from pyx_launcher.locks.common.indexes import NamedIndex, choose_sources
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from unearth import Link
    from unearth.fetchers import Fetcher

__all__ = ["Index", "IndexSettings", "Offer", "WantedFile", "read_settings"]

PROJECT_PAGE = "application/vnd.pypi.simple.v1+json"
"""The type of an index' page about a project (PEP 691)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """An index, or a place whose links are files, as `--find-links` has them."""

    url: str
    is_index: bool

    @property
    def is_local(self) -> bool:
        return find_local_path(self.url) is not None


class Index:
    """Everything that files can be fetched from. A context manager; `fetch` is safe in threads."""

    def __init__(
        self, settings: IndexSettings, *, offline: bool = False, backoff: float = 0.25
    ) -> None:
        """Remember where to look; `backoff` is the first wait between attempts, in seconds."""
        self._settings = settings
        self._offline = offline
        self._backoff = backoff
        self._lock = threading.RLock()
        self._opened: Session | None = None
        self._listings: dict[str, tuple[Offer, ...]] = {}

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._opened is not None:
            self._opened.close()

    def fetch(
        self, wanted: WantedFile, into: Path, progress: Callable[[int], None] | None = None
    ) -> Path:
        """Put the file into the directory `into`, under its own name, and return its path.

        `progress` is told the number of bytes that arrived since the last call; it is negative
        where an attempt failed and what it brought is lost. Raises ArtifactError if the file
        cannot be had, RefusedError if what was offered is not the locked file, and StoreError if
        it cannot be written. Then nothing of it is left in `into`.
        """
        if not re.fullmatch(r"[^/\\\0]+", wanted.filename) or wanted.filename in (".", ".."):
            raise RefusedError(f"{wanted.filename!r} of {wanted.name} is not the name of a file")
        told = progress or (lambda _: None)
        if wanted.path is not None:
            return write_verified(read_chunks(wanted.path), wanted, into, str(wanted.path), told)
        if wanted.url is None:
            return self._fetch_from_sources(wanted, into, told)
        if self._has_mirror(wanted):
            # What is configured stands in for the index that the URL belongs to.
            with contextlib.suppress(ArtifactError, RefusedError):
                return self._fetch_from_sources(wanted, into, told)
        return self._fetch_from_url(wanted.url, wanted, into, told)

    def is_local(self, wanted: WantedFile) -> bool:
        """Is the file on this machine, as far as names tell, so that no server need be asked?"""
        if wanted.path is not None or find_local_path(wanted.url or "://") is not None:
            return True
        name = canonical(wanted.filename)
        for source in filter(lambda source: source.is_local, self._sources(wanted)):
            with contextlib.suppress(ArtifactError, MissingError):
                if any(canonical(o.filename) == name for o in self._offers(source, wanted)):
                    return True
        return False

    def list_files(
        self, name: str, digests: Collection[tuple[str, str]], index: str | None
    ) -> dict[str, tuple[str, str]]:
        """Return the files of the project `name` that have one of `digests`, with that digest.

        Raises ArtifactError where no source that could be asked has any.
        """
        wanted = WantedFile(name=name, version=None, filename=name, hashes={}, index=index)
        found: dict[str, tuple[str, str]] = {}
        problems: list[PyxError] = []
        sources = self._sources(wanted)
        for source in sources:
            try:
                for offer in self._offers(source, wanted):
                    for pair in digests_of(offer, name):
                        if pair in digests:
                            found.setdefault(offer.filename, pair)
            except MissingError:
                continue
            except ArtifactError as problem:
                problems.append(problem)
        if found:
            return found
        if problems:
            raise problems[0]
        absence = f"no file of {name} on the indexes has a locked hash"
        hint = "name the index that has it in PIP_INDEX_URL, or run `pyx lock`"
        raise self._explain_absence(absence, sources, hint)

    def _fetch_from_url(
        self, url: str, wanted: WantedFile, into: Path, progress: Callable[[int], None]
    ) -> Path:
        """Take the file from where the lock says that it is, else by its hashes from an index."""
        try:
            return self._retrieve(url, wanted, into, progress)
        except MissingError:
            first = ArtifactError(
                f"{wanted.filename} is not at {shown(url)}",
                hint="run `pyx lock`: the file that the lock names was removed",
            )
        except (UnreachableError, ForbiddenError) as problem:
            # The default index is no other way to what a server of somebody else's has.
            if not (self._settings.index_url or self._settings.sources or wanted.index):
                raise
            first = problem
        try:
            return self._fetch_from_sources(wanted, into, progress)
        except (ArtifactError, RefusedError):
            raise first from None

    def list_offers(self, name: str, index: str | None) -> list[Offer]:
        """Return every file of the project `name`; `index` is the one its lock names.

        Nothing where no source knows the project. Raises ArtifactError where one cannot be asked.
        """
        wanted = WantedFile(name=name, version=None, filename=name, hashes={}, index=index)
        found: list[Offer] = []
        for source in self._sources(wanted):
            with contextlib.suppress(MissingError):
                found += self._offers(source, wanted)
        return found

    def read_pages(self, name: str, index: str | None) -> Iterator[tuple[str, bytes]]:
        """Yield URL and content of the pages about the project `name`, asked for as JSON.

        A source that does not know it, or that is a directory, has none. Raises ArtifactError
        where one cannot be asked.
        """
        wanted = WantedFile(name=name, version=None, filename=name, hashes={}, index=index)
        for source in self._sources(wanted):
            if source.is_index and not source.is_local:
                url = f"{source.url.rstrip('/')}/{name}/"
                with contextlib.suppress(MissingError):
                    yield url, self.read_linked(url, source.url, PROJECT_PAGE)

    def read_linked(self, url: str, source: str, kind: str) -> bytes:
        """Return what is at `url`, to which `source` leads, asked for as of the type `kind`.

        Raises RefusedError for a link that must not be followed, MissingError, ArtifactError.
        """
        check_link(source, url, self._settings.trusted_hosts)
        session = self._open_session(_locate(url), source)
        return session.get(url, headers={"Accept": kind}).content

    def _fetch_from_sources(
        self, wanted: WantedFile, into: Path, progress: Callable[[int], None]
    ) -> Path:
        """Ask one source after the other; a failure counts only if no other has the file."""
        problems: list[PyxError] = []
        sources = self._sources(wanted)
        for source in sources:
            try:
                found = self._fetch_from(source, wanted, into, progress)
            except (ArtifactError, RefusedError) as problem:
                problems.append(problem)
            else:
                if found is not None:
                    return found
        # A file that was offered and is another one tells more than a server that was away.
        if problems:
            raise min(problems, key=lambda problem: not isinstance(problem, RefusedError))
        if self._offline:
            raise self._explain_offline(wanted)
        hint = "name the index that has it in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL"
        raise self._explain_absence(f"{wanted.filename} is on no index", sources, hint)

    def _fetch_from(
        self, source: _Source, wanted: WantedFile, into: Path, progress: Callable[[int], None]
    ) -> Path | None:
        """Return the file if `source` has it, None if it has nothing of that name or hash."""
        name = canonical(wanted.filename)
        rejected: RefusedError | None = None
        try:
            offers = self._offers(source, wanted)
            known = [o for o in offers if o.fits(wanted) or canonical(o.filename) == name]
            for offer in sorted(known, key=lambda o: not o.fits(wanted)):
                try:
                    check_link(source.url, offer.url, self._settings.trusted_hosts)
                    check_hashes(wanted, offer.hashes, shown(source.url))
                    return self._retrieve(offer.url, wanted, into, progress)
                except RefusedError as problem:
                    rejected = rejected or problem
        except MissingError:
            return None
        if rejected is not None:
            raise rejected
        return None

    def _sources(self, wanted: WantedFile) -> list[_Source]:
        """Return whom to ask for `wanted`, local ones first; offline those alone."""
        settings = self._settings
        sources = [_Source(url=url, is_index=False) for url in settings.find_links]
        if wanted.index is not None and not settings.no_index:
            # The names of what a project has from its own index are no matter of other servers.
            sources = [source for source in sources if source.is_local]
        if not settings.no_index:
            sources += self._indexes(wanted)
        # The lock's hashes say which file is right, so the cheapest source may come first.
        sources.sort(key=lambda source: not source.is_local)
        return [s for s in dict.fromkeys(sources) if s.is_local or not self._offline]

    def _indexes(self, wanted: WantedFile) -> Iterator[_Source]:
        if wanted.index is not None:
            named = [NamedIndex(url=wanted.index)]
        else:
            named = [*choose_sources(self._settings.sources, wanted.name)]
            named = named or [NamedIndex(url="")]
        for source in named:
            if source.url and not self._is_default(source.url):
                yield _Source(url=source.url, is_index=source.is_index)
            else:
                yield from (_Source(url=url, is_index=True) for url in self._index_urls())

    def _is_default(self, url: str) -> bool:
        """Is this the default index, and another configured in its place?"""
        if self._settings.index_url is None or self._offline or find_local_path(url) is not None:
            return False
        return split_login(url).url.rstrip("/") == _default_index().rstrip("/")

    def _has_mirror(self, wanted: WantedFile) -> bool:
        """Is the lock's file one of the default index, with another configured in its place?"""
        mirror = self._settings.index_url
        if wanted.index is None or mirror is None or not self._is_default(wanted.index):
            return False
        return split_login(mirror).url.rstrip("/") != _default_index().rstrip("/")

    def _index_urls(self) -> list[str]:
        urls = [*self._settings.extra_index_urls]
        if self._settings.index_url is not None:
            urls.insert(0, self._settings.index_url)
        elif not self._offline:
            urls.insert(0, _default_index())
        return urls

    def _offers(self, source: _Source, wanted: WantedFile) -> Iterable[Offer]:
        if source.is_index:
            return self._linked(f"{source.url.rstrip('/')}/{wanted.name}/", source.url)
        with self._lock:
            if source.url not in self._listings:
                path = find_local_path(source.url)
                if path is None or path.suffix in (".html", ".htm"):
                    listing = self._linked(source.url, source.url)
                else:
                    listing = list_directory(path)
                self._listings[source.url] = tuple(listing)
            return self._listings[source.url]

    def _linked(self, url: str, source: str) -> list[Offer]:
        """Return what the page at `url`, one of `source`'s, links to."""
        from unearth.collector import collect_links_from_location

        location = _locate(url)
        # unearth's protocol has the types of requests; its own client does not match it either.
        fetcher = cast("Fetcher", self._open_session(location, source))
        try:
            links = list(collect_links_from_location(fetcher, location))
            return [
                Offer(
                    url=link.normalized,
                    filename=link.filename,
                    hashes={a: str(digests[0]) for a, digests in (link.hash_option or {}).items()},
                    requires_python=link.requires_python or "",
                    is_yanked=link.is_yanked,
                )
                for link in links
            ]
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            from pyx_launcher.libraries import find_mismatch

            if find_mismatch(error):
                raise
            # Anything may come as a page, and unearth takes it to be well-formed.
            raise ArtifactError(f"{shown(url)} is not a page of an index") from error

    def _open_session(self, location: Link, source: str) -> Session:
        """Return the session, once it is known that a page of `source` may be asked for."""
        from unearth.collector import is_secure_origin

        session = self._session()
        if not is_secure_origin(cast("Fetcher", session), location):
            raise ArtifactError(
                f"{shown(source)} is not asked: it has no TLS and its host is not a trusted one",
                hint=f"PIP_TRUSTED_HOST={urlsplit(shown(source)).netloc}",
            )
        session.learn(source)
        return session

    def _retrieve(
        self, url: str, wanted: WantedFile, into: Path, progress: Callable[[int], None]
    ) -> Path:
        path = find_local_path(url)
        if path is not None:
            return write_verified(read_chunks(path), wanted, into, str(path), progress)
        if self._offline:
            raise self._explain_offline(wanted)
        _require_http(url)
        session = self._session()
        session.learn(wanted.index or "")
        return session.download(url, wanted, into, progress)

    def _explain_offline(self, wanted: WantedFile) -> ArtifactError:
        why = explain_offline(self._settings.environ)
        message = f"{wanted.filename} is not in the store, and {why.cause}"
        return ArtifactError(message, hint=why.hint)

    def _explain_absence(self, problem: str, asked: Sequence[_Source], hint: str) -> ArtifactError:
        """Return what to tell of what no source has; `hint` where no setting is the reason."""
        shown_urls = ", ".join(shown(source.url) for source in asked) or "none may be asked"
        if self._offline:
            hint = explain_offline(self._settings.environ).hint
        elif self._settings.no_index:
            origin = self._settings.forbidden_by or "no-index"
            hint = f"{origin} says that no index is asked; PIP_NO_INDEX=0 allows it for one start"
        return ArtifactError(f"{problem}: {shown_urls}", hint=hint)

    def _session(self) -> Session:
        with self._lock:
            if self._opened is None:
                self._opened = Session(self._settings, backoff=self._backoff)
            return self._opened


@functools.cache
def _default_index() -> str:
    """Return the index that unearth asks when it is told of none."""
    from unearth import PackageFinder

    return PackageFinder().sources[0]["url"]


def _locate(url: str) -> Link:
    """Return unearth's form of a URL or path. Raises ArtifactError for what is neither."""
    from unearth import Link

    path = find_local_path(url)
    if path is not None:
        return Link.from_path(path.absolute())
    _require_http(url)
    return Link(url)


def _require_http(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ArtifactError(f"{shown(url)} is not a URL that files can be fetched from")

"""What a lock and its project say about indexes: which there are, and who asks which.

Nothing is looked up here. Credentials stay where they are until something must be fetched: the
name of an index tells in which variables, and under which names in keyring, its tool keeps them.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch

from pyx_launcher.values import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedIndex:
    """An index, or a page of links, that a project names."""

    url: str = field(repr=False)
    """It may have credentials in it. Empty for what is configured for pip, else the default."""

    name: str = ""
    is_index: bool = True
    """False for a page or a directory of links, as `--find-links` has them."""

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    """Patterns of project names: some come from here alone, others never."""

    is_trusted: bool = False
    """Is its certificate not to be verified?"""

    user_variables: tuple[str, ...] = ()
    password_variables: tuple[str, ...] = ()
    """Environment variables with its credentials; the first that is set counts."""

    services: tuple[str, ...] = ()
    """What its tool calls it in keyring."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexOptions:
    """Where the tool that wrote a lock would look for files, besides what pip is configured to."""

    index_urls: tuple[str, ...] | None = None
    """In place of the configured ones; None leaves those."""

    extra_index_urls: tuple[str, ...] = ()
    """In addition to the configured ones."""

    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()

    sources: tuple[NamedIndex, ...] = ()
    """To ask in place of the configured ones for what names no index of its own."""

    named: tuple[NamedIndex, ...] = ()
    """Further ones, which are asked only where a package names them, but have credentials."""

    @property
    def only_index(self) -> str | None:
        """The one place where anything may be looked for, if there is just one."""
        urls = self.index_urls or ()
        return urls[0] if len(urls) == 1 and not (self.find_links or self.no_index) else None


def choose_sources(sources: tuple[NamedIndex, ...], name: str) -> tuple[NamedIndex, ...]:
    """Return which of `sources` a project comes from: who includes it, else who allows it."""
    including = tuple(s for s in sources if _matches(name, s.includes))
    return including or tuple(s for s in sources if not _matches(name, s.excludes))


def name_variable(text: str) -> str:
    """Return a name as it stands in an environment variable of uv."""
    return re.sub(r"[^A-Za-z0-9]", "_", text).upper()


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)

"""Where files are looked for: as pip is configured, with what a lock and its tool say besides.

The tools' own variables and files are read here for their credentials alone; which index has what
is for the lock to say.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyx_launcher.dirs import guess_home
from pyx_launcher.index.credentials import Login, find_origin, join_login, split_login
from pyx_launcher.index.pip_config import read_settings
from pyx_launcher.locks.common.project_indexes import uvs_index
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyx_launcher.index.pip_config import IndexSettings
    from pyx_launcher.locks.common.indexes import IndexOptions, NamedIndex

UV_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
"""Variables with one or several of ``URL`` and ``NAME=URL``."""


def read_index_settings(options: IndexOptions, environ: Mapping[str, str]) -> IndexSettings:
    """Return where to look for files. Raises StoreError and UsageError as `read_settings` does."""
    settings = read_settings(environ)
    urls = options.index_urls
    default = urls[0] if urls else settings.index_url or environ.get("PIPENV_PYPI_MIRROR")
    named = [
        replace(index, url=index.url or split_login(default or "").url)
        for index in (*options.sources, *options.named)
    ]
    trusted = tuple(
        origin[1] if origin[2] is None else f"{origin[1]}:{origin[2]}"
        for index in named
        if index.is_trusted and (origin := find_origin(index.url))
    )
    return replace(
        settings,
        index_url=default,
        extra_index_urls=(
            *(urls[1:] if urls else settings.extra_index_urls),
            *options.extra_index_urls,
        ),
        find_links=(*options.find_links, *settings.find_links),
        no_index=options.no_index or settings.no_index,
        forbidden_by="--no-index in the lock" if options.no_index else settings.forbidden_by,
        trusted_hosts=(*options.trusted_hosts, *trusted, *settings.trusted_hosts),
        sources=options.sources,
        logins=tuple(find_logins(named, environ)),
    )


@dataclass(frozen=True, slots=True)
class Offline:
    """Why nothing may be fetched, and what to do where something has to be."""

    cause: str
    hint: str


def explain_offline(environ: Mapping[str, str]) -> Offline:
    """Return the reason of a start that fetches nothing: the variable, else the option."""
    if environ.get("PYX_OFFLINE", "") not in ("", "0"):
        return Offline("PYX_OFFLINE is set", "run it once with PYX_OFFLINE=0")
    return Offline("--offline was given", "run it once without --offline")


def find_logins(named: Iterable[NamedIndex], environ: Mapping[str, str]) -> Iterator[Login]:
    """Yield what the tools' variables and files have of credentials for indexes."""
    poetrys = _read_poetrys(environ)
    for index in (*named, *_read_uvs(environ)):
        if find_origin(index.url) is None:
            continue
        login = split_login(index.url)
        user = _first(environ, index.user_variables)
        password = _first(environ, index.password_variables)
        if user is None and password is None and login.password is None:
            user, password = poetrys.get(index.name, (None, None))
        yield Login(
            url=login.url,
            user=login.user if user is None else user,
            password=login.password if password is None else password,
            services=index.services,
        )


def build_variables(settings: IndexSettings, *, offline: bool = False) -> dict[str, str]:
    """Return the variables that have pip look for what a build requires where pyx itself looks.

    Offline these are directories on this machine alone.
    """
    sources = [source for source in settings.sources if source.url]
    links = []
    for link in (*settings.find_links, *(s.url for s in sources if not s.is_index)):
        path = find_local_path(link)
        if path is not None:
            # In a path a space would end it.
            links.append(path.absolute().as_uri())
        elif not offline:
            links.append(link)
    if offline:
        return {"PIP_FIND_LINKS": " ".join(links), "PIP_NO_INDEX": "1"}
    indexes = [_with_login(s.url, settings) for s in sources if s.is_index]
    if len(sources) == len(settings.sources) and indexes:
        configured: tuple[str | None, ...] = ()
    else:
        configured = (settings.index_url, *settings.extra_index_urls)
    indexes = [*(_with_login(url, settings) for url in configured if url), *indexes]
    variables = {
        "PIP_INDEX_URL": indexes[0] if indexes else "",
        "PIP_EXTRA_INDEX_URL": " ".join(indexes[1:]),
        "PIP_FIND_LINKS": " ".join(links),
        "PIP_TRUSTED_HOST": " ".join(settings.trusted_hosts),
        "PIP_NO_INDEX": "1" if settings.no_index else "",
    }
    return {name: value for name, value in variables.items() if value} | {
        "PIP_RETRIES": str(settings.retries)
    }


def find_local_path(url: str) -> Path | None:
    """Return the path that a ``file:`` URL, or a plain path in pip's settings, stands for."""
    if url.startswith("file:"):
        return Path(unquote(re.sub(r"^file:(//[^/]*)?|#.*", "", url)))
    return None if "://" in url else Path(url)


def _with_login(url: str, settings: IndexSettings) -> str:
    bare = split_login(url)
    for login in settings.logins:
        same = login.url.rstrip("/") == bare.url.rstrip("/")
        if same and bare.password is None and login.user and login.password is not None:
            return join_login(url, login.user, login.password)
    return url


def _first(environ: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((environ[name] for name in names if name in environ), None)


def _read_uvs(environ: Mapping[str, str]) -> Iterator[NamedIndex]:
    """Yield the indexes that uv's own variables name."""
    for variable in UV_VARIABLES:
        for word in environ.get(variable, "").split():
            name, equals, url = word.partition("=")
            named = bool(equals) and "://" not in name
            yield uvs_index(name if named else "", url if named else word)


def _read_poetrys(environ: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Return user and password of each source that Poetry keeps without a keyring, by name."""
    config = environ.get("XDG_CONFIG_HOME") or guess_home(environ) / ".config"
    directory = Path(environ.get("POETRY_CONFIG_DIR") or Path(config, "pypoetry"))
    try:
        text = (directory / "auth.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    import tomli

    try:
        tables = tomli.loads(text).get("http-basic", {})
    except tomli.TOMLDecodeError:
        return {}
    found = {}
    for name, table in tables.items() if isinstance(tables, dict) else ():
        if isinstance(table, dict):
            user, password = table.get("username"), table.get("password")
            found[name] = (
                user if isinstance(user, str) else None,
                password if isinstance(password, str) else None,
            )
    return found

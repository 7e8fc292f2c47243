"""Where pip would look for files: its configuration files and variables, read as pip reads them.

The user has already told pip about mirrors, proxies and certificates; pyx obeys without asking
again. See https://pip.pypa.io/en/stable/topics/configuration/ for files and precedence.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.dirs import guess_home
from pyx_launcher.errors import StoreError, UsageError
from pyx_launcher.index import stall
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyx_launcher.index.credentials import Login
    from pyx_launcher.locks.common.indexes import NamedIndex

SECTIONS = ("global", "download", "install")
"""The sections that matter, later ones win: what pip downloads with, then what it installs with."""

ALIASES = {"default-timeout": "timeout", "pypi-url": "index-url"}
"""Long options of pip that are other names of the same thing."""

TRUE = ("y", "yes", "t", "true", "on", "1")
FALSE = ("n", "no", "f", "false", "off", "0")


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexSettings:
    """How and where to look for files. `index_url` None stands for the default index of unearth."""

    environ: Mapping[str, str] = field(
        default_factory=lambda: os.environ, repr=False, compare=False
    )
    """The variables that name netrc, proxies and where programs lie."""

    index_url: str | None = field(default=None, repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    forbidden_by: str = field(default="", compare=False)
    """What says `no_index`, for a person."""
    trusted_hosts: tuple[str, ...] = ()
    cert: Path | None = None
    client_cert: Path | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout: float = stall.TIMEOUT
    connect_timeout: float = stall.CONNECT_TIMEOUT
    retries: int = stall.RETRIES
    silent_retries: int = stall.SILENT_RETRIES
    keyring: str = "auto"
    """How keyring is asked, in the words of pip's ``--keyring-provider``."""
    sources: tuple[NamedIndex, ...] = ()
    """The project's own, to ask in place of the configured ones where a lock names no index."""
    logins: tuple[Login, ...] = ()
    """Credentials that belong to indexes and do not stand in their URLs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    """One configured value, and the words that tell the user where it stands."""

    text: str
    origin: str


def read_settings(environ: Mapping[str, str]) -> IndexSettings:
    """Return what pip's configuration files and the `PIP_…` variables of `environ` say.

    Raises StoreError for a file that cannot be read or parsed, and UsageError for a value that
    pip would not accept either.
    """
    values = _merged(environ)
    index_url = values.get("index-url")
    proxy = values.get("proxy")
    keyring = values.get("keyring-provider")
    return IndexSettings(
        environ=environ,
        index_url=index_url.text if index_url else None,
        extra_index_urls=_words(values.get("extra-index-url")),
        find_links=tuple(_expanded(w, environ) for w in _words(values.get("find-links"))),
        no_index=_flag(values.get("no-index")),
        forbidden_by=values["no-index"].origin if "no-index" in values else "",
        trusted_hosts=_words(values.get("trusted-host")),
        cert=_path(values.get("cert"), environ) or _bundle_of_requests(environ),
        client_cert=_path(values.get("client-cert"), environ),
        proxy=proxy.text if proxy else None,
        timeout=_number(values.get("timeout"), stall.TIMEOUT),
        connect_timeout=_number(values.get("timeout"), stall.CONNECT_TIMEOUT),
        retries=int(_number(values.get("retries"), stall.RETRIES)),
        silent_retries=int(_number(values.get("retries"), stall.SILENT_RETRIES)),
        keyring=keyring.text if keyring else "auto",
    )


def _merged(environ: Mapping[str, str]) -> dict[str, _Value]:
    """Return the value that wins for each option: by section first, then by file.

    As in pip, a variable beats every section, and ``[install]`` in a system file beats
    ``[global]`` in a user's file.
    """
    by_section: dict[str, dict[str, _Value]] = {section: {} for section in SECTIONS}
    for path in list_config_files(environ):
        for section, found in _read_file(path).items():
            by_section[section].update(found)
    merged: dict[str, _Value] = {}
    for section in SECTIONS:
        # An empty value undoes the same key of an earlier file, but no other section's.
        merged |= {option: value for option, value in by_section[section].items() if value.text}
    for variable, text in environ.items():
        if variable.startswith("PIP_") and text:
            merged[_option(variable[4:])] = _Value(text=text, origin=variable)
    return merged


def _option(name: str) -> str:
    option = name.lower().replace("_", "-").removeprefix("--")
    return ALIASES.get(option, option)


def list_config_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the configuration files in the order in which they override one another."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    yield from _system_files(environ)
    # A file that PIP_CONFIG_FILE names takes the place of the user's, provided it exists.
    if not (named and Path(named).exists()):
        yield from _user_files(environ)
    if named:
        yield Path(named)


def _system_files(environ: Mapping[str, str]) -> Iterator[Path]:
    if sys.platform == "darwin":
        yield Path("/Library/Application Support/pip/pip.conf")
        return
    for directory in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep):
        if directory:
            yield Path(directory, "pip", "pip.conf")
    yield Path("/etc/pip.conf")


def _user_files(environ: Mapping[str, str]) -> Iterator[Path]:
    home = guess_home(environ)
    yield home / ".pip" / "pip.conf"
    support = home / "Library" / "Application Support" / "pip"
    if sys.platform == "darwin":
        yield (support if support.is_dir() else home / ".config" / "pip") / "pip.conf"
    else:
        config = environ.get("XDG_CONFIG_HOME") or home / ".config"
        yield Path(config, "pip", "pip.conf")


def _read_file(path: Path) -> dict[str, dict[str, _Value]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        # As in pip: a file that may not be read, like one that does not exist, says nothing.
        return {}
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: pip's configuration cannot be read: {error}") from error
    # Few machines have such a file, and the parser costs milliseconds.
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        problem = " ".join(error.message.split())
        raise StoreError(f"{path}: pip's configuration cannot be read: {problem}") from error
    return {
        section: {
            _option(key): _Value(text=value or "", origin=f"{path}: [{section}] {key}")
            for key, value in parser.items(section)
        }
        for section in parser.sections()
        if section in SECTIONS
    }


def _words(value: _Value | None) -> tuple[str, ...]:
    return tuple(value.text.split()) if value else ()


def _flag(value: _Value | None) -> bool:
    if value is None or value.text.lower() in FALSE:
        return False
    if value.text.lower() in TRUE:
        return True
    raise UsageError(f"{value.origin}: {value.text!r} is neither yes nor no")


def _number(value: _Value | None, default: float) -> float:
    try:
        number = float(value.text) if value else default
    except ValueError:
        number = -1
    if value and not 0 <= number < float("inf"):
        raise UsageError(f"{value.origin}: {value.text!r} is not a number")
    return number


def _path(value: _Value | None, environ: Mapping[str, str]) -> Path | None:
    return Path(_expanded(value.text, environ)) if value else None


def _expanded(text: str, environ: Mapping[str, str]) -> str:
    return str(guess_home(environ) / text[2:]) if text.startswith("~/") else text


def _bundle_of_requests(environ: Mapping[str, str]) -> Path | None:
    """Return the bundle that pip takes, through requests, where nobody named one to pip itself."""
    bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    return Path(bundle) if bundle else None

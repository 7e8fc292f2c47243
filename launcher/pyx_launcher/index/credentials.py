"""Whose user and password a URL is asked with; and URLs as they may be shown to anybody.

They come, the first that is found, from the URL itself, from the index it belongs to (its URL, or
what its project's tool keeps under its name), from netrc, and once a server has refused, from
keyring. They belong to an origin: scheme, host and port. No other ever gets them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from pyx_launcher.dirs import guess_home
from pyx_launcher.errors import RefusedError
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

PORTS = {"http": 80, "https": 443}

KEYRING_SECONDS = 60
"""How long the program `keyring` may take, which may have to ask its user to unlock something."""

Pair = tuple[str, str]
"""User and password."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What is known of the credentials for an index. Neither user nor password is ever shown."""

    url: str
    """The index, without credentials."""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    services: tuple[str, ...] = ()
    """Names under which a tool keeps them in keyring."""


def split_login(url: str) -> Login:
    """Return a URL without its credentials, and those."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return Login(url=url)
    before, at, host = parts.netloc.rpartition("@")
    if not at:
        return Login(url=url)
    user, colon, password = before.partition(":")
    return Login(
        url=parts._replace(netloc=host).geturl(),
        user=unquote(user),
        password=unquote(password) if colon else None,
    )


def drop_login(url: str) -> str:
    """Return a URL for others: without credentials, but a user of ssh's belongs to the place."""
    login = split_login(url)
    is_place = login.password is None and not url.startswith(("https:", "http:"))
    return url if is_place else login.url


def join_login(url: str, user: str, password: str) -> str:
    """Return `url` with these credentials in it, for a program that can be told in no other way."""
    parts = urlsplit(split_login(url).url)
    before = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return parts._replace(netloc=f"{before}@{parts.netloc}").geturl()


def shown(url: str) -> str:
    """Return a URL as it may be printed: without user, password and query, any of them secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def hide_secrets(text: str, urls: Iterable[str]) -> str:
    """Return `text` without what is secret in `urls`, in whatever form a program repeats it.

    That are users, passwords and queries, each with or without the rest of the URL, and as pip
    shows them, which hides passwords but not the users before them. A user ``git`` is nobody's
    secret.
    """
    for url in urls:
        try:
            parts = urlsplit(url)
        except ValueError:
            text = text.replace(url, shown(url))
            continue
        text = text.replace(url, shown(url))
        before, _, _ = parts.netloc.rpartition("@")
        user, colon, password = before.partition(":")
        if before:
            text = text.replace(f"{before}@", "")
        if user and colon:
            text = text.replace(f"{user}:****@", "").replace(
                f"{quote(unquote(user), safe='')}:****@", ""
            )
        if user and user != "git":
            text = text.replace(f"{user}@", "")
        if parts.query:
            text = text.replace(f"?{parts.query}", "")
        for secret in (password, unquote(password), *_list_values(parts.query)):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "****")
    return text


_SHORTEST_SECRET = 4
"""Characters. What is shorter is in many a word."""


def _list_values(query: str) -> list[str]:
    values = [part.partition("=")[2] or part for part in query.split("&")]
    return [*values, *map(unquote, values)]


def find_origin(url: str) -> tuple[str, str, int | None] | None:
    """Return what credentials belong to: scheme, host and port; None for what has no host."""
    try:
        parts = urlsplit(url)
        if not parts.hostname:
            return None
        return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None


def check_link(source: str, target: str, trusted: Collection[str]) -> None:
    """Raise RefusedError where a server leads off the web, or from TLS to where there is none.

    `trusted` are the hosts, or hosts with ports, to which pip is configured to talk so.
    """
    before, after = find_origin(source), find_origin(target)
    if before is None:
        # A directory of this machine leads where its user likes.
        return
    if after is None or after[0] not in PORTS:
        # The client also has a way to the files of this machine.
        raise RefusedError(
            f"{shown(source)} leads to {shown(target)}, which is not a web address",
            hint="name another index in PIP_INDEX_URL, or run `pyx lock`",
        )
    if (before[0], after[0]) != ("https", "http"):
        return
    host = after[1] if after[2] is None else f"{after[1]}:{after[2]}"
    if host not in trusted and after[1] not in trusted:
        raise RefusedError(
            f"{shown(source)} has TLS and leads to {shown(target)}, which has none",
            hint=f"if that server is to be trusted: PIP_TRUSTED_HOST={host}",
        )


def _split_path(url: str) -> list[str]:
    return urlsplit(split_login(url).url).path.strip("/").split("/")


class Credentials:
    """Everything that is known of users and passwords. Safe in threads."""

    def __init__(
        self, logins: Iterable[Login], environ: Mapping[str, str], keyring: str = "auto"
    ) -> None:
        """Know `logins`; netrc and keyring are found by `environ`.

        `keyring` is pip's ``--keyring-provider``: auto, disabled, import or subprocess.
        """
        self._logins = list(logins)
        self._environ = environ
        self._provider = keyring
        self._lock = threading.Lock()
        self._netrc = _Netrc(environ)
        self._told: dict[tuple[str, str], Pair | None] = {}

    def learn(self, index_url: str) -> None:
        """Take what stands in the URL of an index, which its files are asked with, too."""
        login = split_login(index_url)
        with self._lock:
            if login not in self._logins:
                self._logins.append(login)

    def find(self, url: str) -> Pair | None:
        """Return what to ask for `url` with at first; None for nothing."""
        own, index = split_login(url), self._find_index(url)
        user = own.user
        for login in (own, index):
            if login is None or user not in (None, login.user):
                continue
            user = login.user if user is None else user
            if user is not None and login.password is not None:
                return user, login.password
        found = self._netrc.find(urlsplit(own.url).hostname or "")
        if found is not None and user in (None, found[0]):
            return found
        # A token may stand where the user does, with nothing behind it.
        return None if user is None else (user, "")

    def ask_keyring(self, url: str) -> Pair | None:
        """Return what keyring has for `url`, whose server has refused what `find` found."""
        own, index = split_login(url), self._find_index(url)
        user = own.user or (index.user if index else None) or ""
        host = urlsplit(own.url).netloc
        places = [*(index.services if index else ()), *([index.url] if index else ()), host]
        with self._lock:
            # Every thread that was refused comes here, and whoever unlocks it does so once.
            for place in dict.fromkeys(places):
                if (place, user) not in self._told:
                    self._told[place, user] = self._ask(place, user)
                found = self._told[place, user]
                if found is not None:
                    return found
        return None

    def _find_index(self, url: str) -> Login | None:
        """Return the index of the same origin whose path has most in common with that of `url`."""
        origin, steps = find_origin(url), _split_path(url)
        with self._lock:
            same = [login for login in self._logins if origin and find_origin(login.url) == origin]

        def fitness(login: Login) -> tuple[int, bool, bool]:
            pairs = zip(_split_path(login.url), steps, strict=False)
            shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
            return shared, login.password is not None, login.user is not None

        return max(same, key=fitness, default=None)

    def _ask(self, place: str, user: str) -> Pair | None:
        if self._provider in ("auto", "import"):
            with contextlib.suppress(ImportError):
                return _ask_module(place, user)
        if self._provider in ("auto", "subprocess"):
            import shutil

            program = shutil.which("keyring", path=self._environ.get("PATH", os.defpath))
            if program is not None:
                return self._ask_program(program, place, user)
        return None

    def _ask_program(self, program: str, place: str, user: str) -> Pair | None:
        # Few starts fetch anything, and fewer are refused.
        import subprocess

        # Releases before 25.2 know neither the option nor a user they were not told.
        for words in (["--mode=creds", "get", place, user], ["get", place, user or "__token__"]):
            try:
                done = subprocess.run(
                    [program, *words],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    env={**self._environ, "PYTHONIOENCODING": "utf-8"},
                    timeout=KEYRING_SECONDS,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                return None
            lines = done.stdout.decode("utf-8", "replace").splitlines()
            if done.returncode == 0 and len(lines) == (2 if words[0] != "get" else 1):
                return (lines[0], lines[1]) if len(lines) > 1 else (user or "__token__", lines[0])
        return None


class _Netrc:
    """The user's netrc, read when it is first asked."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._lock = threading.Lock()
        self._entries: Mapping[str, Pair] | None = None

    def find(self, host: str) -> Pair | None:
        """Return user and password for a host; None where it has none."""
        with self._lock:
            if self._entries is None:
                self._entries = self._read()
            return self._entries.get(host) or self._entries.get("default")

    def _read(self) -> Mapping[str, Pair]:
        import netrc

        path = self._environ.get("NETRC") or str(guess_home(self._environ) / ".netrc")
        try:
            hosts = netrc.netrc(path).hosts
        except (OSError, ValueError, netrc.NetrcParseError):
            # As with pip: one that cannot be read says nothing, and the server will refuse.
            return {}
        return {host: (user or "", password or "") for host, (user, _, password) in hosts.items()}


def _ask_module(place: str, user: str) -> Pair | None:
    """Ask the library `keyring`, where the launcher has it. Raises ImportError."""
    import importlib

    keyring = importlib.import_module("keyring")
    try:
        found = keyring.get_credential(place, user or None)
    except Exception:  # noqa: BLE001 - its backends raise whatever they like.
        return None
    return (found.username, found.password) if found is not None else None

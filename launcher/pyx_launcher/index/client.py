"""The HTTP client: proxies, certificates, and credentials for the one origin they belong to."""

from __future__ import annotations

import functools
import ipaddress
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
from unearth.fetchers import PyPIClient

from pyx_launcher.errors import StoreError, UsageError
from pyx_launcher.index.credentials import check_link, find_origin, split_login

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    from pyx_launcher.index.credentials import Credentials
    from pyx_launcher.index.pip_config import IndexSettings


class Authentication(httpx2.Auth):
    """Asks with what is known at first, and once more with what keyring has.

    The client itself follows redirects, and drops the header where one leads to another origin.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Yield the request with its credentials."""
        url = str(request.url)
        request.url = httpx2.URL(split_login(url).url)
        first = self._credentials.find(url)
        response = yield _signed(request, first)
        if response.status_code != 401 or find_origin(str(response.url)) != find_origin(url):
            return
        second = self._credentials.ask_keyring(url)
        if second is not None and second != first:
            yield _signed(request, second)


def _signed(request: httpx2.Request, pair: tuple[str, str] | None) -> httpx2.Request:
    return next(httpx2.BasicAuth(*pair).auth_flow(request)) if pair else request


def open_client(settings: IndexSettings, credentials: Credentials) -> PyPIClient:
    """Return a client that obeys `settings`. Raises UsageError, and StoreError for certificates."""
    context = _tls_context(settings)
    timeout = httpx2.Timeout(
        settings.timeout,
        connect=settings.connect_timeout,
        # Threads that wait for a connection of the pool wait for one another, not for a server.
        pool=None,
    )
    try:
        # The variables that httpx would read itself are those of the process, not the given ones.
        client = PyPIClient(
            trusted_hosts=settings.trusted_hosts,
            verify=context,
            timeout=timeout,
            follow_redirects=True,
            trust_env=False,
            mounts=_find_proxies(settings, context),
        )
    except (ValueError, ImportError, httpx2.InvalidURL) as error:
        # The message of the library would show the password of the proxy.
        raise UsageError(
            "the proxy that is configured is of a kind that cannot be used",
            hint="check PIP_PROXY, HTTPS_PROXY and ALL_PROXY",
        ) from error
    client.auth = Authentication(credentials)
    trusted = frozenset(settings.trusted_hosts)
    client.event_hooks = {"response": [functools.partial(_check_redirect, trusted=trusted)]}
    return client


def _check_redirect(response: httpx2.Response, *, trusted: Collection[str]) -> None:
    if response.has_redirect_location:
        target = response.request.url.join(response.headers["Location"])
        check_link(str(response.request.url), str(target), trusted)


def _find_proxies(
    settings: IndexSettings, context: ssl.SSLContext
) -> dict[str, httpx2.BaseTransport | None]:
    """Return a transport for each pattern of URLs: a proxy, or None for the direct way."""
    if settings.proxy:
        proxies = {"all://": settings.proxy}
    else:
        proxies = {
            f"{scheme}://": proxy
            for scheme in ("http", "https", "all")
            if (proxy := _read_variable(settings.environ, f"{scheme}_proxy"))
        }
    if not proxies:
        return {}
    exceptions = _read_variable(settings.environ, "no_proxy").split(",")
    passed = [host.strip() for host in exceptions if host.strip()]
    if "*" in passed and not settings.proxy:
        return {}
    mounts: dict[str, httpx2.BaseTransport | None] = {
        pattern: httpx2.HTTPTransport(verify=context, proxy=_with_scheme(proxy), trust_env=False)
        for pattern, proxy in proxies.items()
    }
    patterns = () if settings.proxy else map(_find_pattern, passed)
    return mounts | dict.fromkeys(filter(None, patterns))


def _read_variable(environ: Mapping[str, str], name: str) -> str:
    """Return a variable of curl's, in small letters or, except on a CGI server, in capitals."""
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return environ.get(name, "")
    return environ.get(name) or environ.get(name.upper(), "")


def _with_scheme(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def _find_pattern(host: str) -> str | None:
    """Return the client's pattern for an entry of ``NO_PROXY``; None for what is none.

    A name stands for itself and all below it, an address or a network for itself.
    """
    try:
        network = ipaddress.ip_network(host.strip("[]"), strict=False)
    except ValueError:
        if not re.fullmatch(r"[\w.*-]+(:\d+)?", host):
            return None
        return f"all://{host}" if host.startswith(("localhost", "*")) else f"all://*{host}"
    if "/" not in host:
        return f"all://[{host.strip('[]')}]" if network.version == 6 else f"all://{host}"
    address, _, prefix = host.partition("/")
    return f"all://[{address}]/{prefix}" if network.version == 6 else f"all://{host}"


def _tls_context(settings: IndexSettings) -> ssl.SSLContext:
    """Return what the configured certificates ask for."""
    named = settings.environ.get("SSL_CERT_FILE") or settings.environ.get("SSL_CERT_DIR")
    path = settings.cert or (Path(named) if named else None)
    try:
        if path is None:
            context = httpx2.create_ssl_context(trust_env=False)
        elif path.is_dir():
            context = ssl.create_default_context(capath=path)
        else:
            context = ssl.create_default_context(cafile=path)
        path = settings.client_cert
        if path is not None:
            context.load_cert_chain(path)
    except OSError as error:
        raise StoreError(
            f"{path}: the certificates cannot be read: {error.strerror or error}",
            hint="check PIP_CERT, PIP_CLIENT_CERT, REQUESTS_CA_BUNDLE and SSL_CERT_FILE",
        ) from error
    return context

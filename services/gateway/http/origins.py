"""Protects the API from web pages, as MLflow's server does since 3.5 (``mlflow/server/security_utils.py``).

A malicious page can make a visitor's browser send requests to a server on the visitor's machine or
network. Two headers reveal such requests:

- ``Origin``: browsers add it to the requests of a page from another address.
- ``Host``: in a DNS rebinding attack the page's own host name points at this server. To the browser the
  page and the server then have the same address, but ``Host`` still contains the page's name.

There are two differences from MLflow. A page from the same address as the server may send requests that
change something, because the gateway itself serves it. Host addresses are parsed: MLflow compares them with
patterns such as ``10.*``, which ``10.example.com`` matches.
"""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp.web import BaseRequest, RequestKey, Response

from services.gateway.http.settings import HttpSettings, is_loopback
from shared.contracts.errors import DomainError, ErrorCode

EXTRA_HEADERS = RequestKey("EXTRA_HEADERS", dict[str, str])
"""Request key of the headers that CORS adds to the answer, whether it is streamed or not."""

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
EXEMPT = frozenset({"/health", "/health/live", "/health/ready", "/version"})
"""Paths of health probes, which may send any ``Host``."""

REMEMBERED = 1000
"""The number of hosts, and of origins, whose test is cached."""

_WRONG_HOST = (
    "Invalid Host header: possible DNS rebinding attack. WARREN_HTTP_ALLOWED_HOSTS names the hosts "
    "that this server answers to."
)
_WRONG_ORIGIN = (
    "Cross-origin request blocked. WARREN_HTTP_CORS_ALLOWED_ORIGINS names the web pages that may "
    "use this server."
)


class OriginGuard:
    """Checks ``Host`` and ``Origin`` of each request."""

    def __init__(self, settings: HttpSettings, host: str) -> None:
        """``host`` is the address that the gateway listens on."""
        # An empty list means localhost and private addresses.
        hosts = _listed(settings.allowed_hosts) or ([] if is_loopback(host) else ["*"])
        self._is_allowed_host = _cached(
            lambda value: _is_host(value, hosts) if hosts else _is_private_host(value)
        )
        origins = _listed(settings.cors_allowed_origins)
        self._is_allowed_origin = _cached(
            lambda value: _is_local(value) or _matches(value, origins)
        )
        self._any_origin = "*" in origins

    def check(self, request: BaseRequest) -> Response | None:
        """Return the answer to a preflight; None for a request that may pass. Raises DomainError(PERMISSION_DENIED)."""
        headers = request.headers
        if not self._is_allowed_host(headers.get("Host", "")) and request.path not in EXEMPT:
            raise DomainError(ErrorCode.PERMISSION_DENIED, _WRONG_HOST)
        origin = headers.get("Origin")
        return None if origin is None else self._check_origin(request, origin)

    def _check_origin(self, request: BaseRequest, origin: str) -> Response | None:
        allowed = self._is_allowed_origin(origin)
        if allowed:
            request[EXTRA_HEADERS] = self._permission(origin)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return _preflight(request)
        own = origin.partition("://")[2] == request.headers.get("Host", "")
        # Reads need no refusal: without the CORS headers the browser keeps the answer from the page.
        if not allowed and not own and request.method in CHANGING:
            raise DomainError(ErrorCode.PERMISSION_DENIED, _WRONG_ORIGIN)
        return None

    def _permission(self, origin: str) -> dict[str, str]:
        exposed = {"Access-Control-Expose-Headers": "Retry-After, X-Request-Id"}
        if self._any_origin:
            # With "*" a browser adds no stored credentials, so the page itself must know a token.
            return {"Access-Control-Allow-Origin": "*", **exposed}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
            **exposed,
        }


def _cached(test: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return a test of a header that ignores case. Its results are cached, because each request sends the header."""
    # Clients choose the values, so the cache needs a bound.
    return lru_cache(REMEMBERED)(lambda value: test(value.lower()))


def _listed(text: str) -> list[str]:
    return [each.strip().lower() for each in text.split(",") if each.strip()]


def _matches(value: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _is_host(value: str, patterns: Sequence[str]) -> bool:
    return _matches(value, patterns) or _matches(_without_port(value), patterns)


def _is_private_host(value: str) -> bool:
    """Return whether a Host is this machine or a private address (RFC 1918, RFC 4193)."""
    host = _without_port(value)
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_private
    except ValueError:
        return False


def _without_port(value: str) -> str:
    host, colon, port = value.rpartition(":")
    return host if colon and port.isdecimal() else value


def _is_local(origin: str) -> bool:
    try:
        return urlsplit(origin).hostname in {"localhost", "127.0.0.1", "::1"}
    except ValueError:
        return False


def _preflight(request: BaseRequest) -> Response:
    permission = request.get(EXTRA_HEADERS)
    if permission is None:
        return Response(status=HTTPStatus.NO_CONTENT)
    asked = request.headers.get("Access-Control-Request-Headers")
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
        "Access-Control-Max-Age": "600",
        **({"Access-Control-Allow-Headers": asked} if asked else {}),
    }
    return Response(status=HTTPStatus.NO_CONTENT, headers=headers)

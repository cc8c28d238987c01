"""The access mode: whether anonymous callers are allowed."""

from typing import Literal

from aiohttp.web import BaseRequest
from multidict import istr

from services.gateway.http.settings import is_loopback
from shared.contracts.errors import DomainError, ErrorCode

Mode = Literal["open", "token"]
"""``open`` lets anonymous clients use the root project as Developers. ``token`` requires a token."""


_OF_PROXIES = tuple(
    istr(name)
    for name in (
        "X-Forwarded-For",
        "Forwarded",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Real-IP",
        "Via",
    )
)
"""Headers of proxies. A proxy that adds any header adds at least one of these."""

_PROXIED = (
    "The request came through a proxy (it has the header {header}). Without WARREN_ACCESS_MODE, a server on "
    "loopback is open to anonymous clients and refuses requests through proxies. Set "
    "WARREN_ACCESS_MODE=token to require tokens, or WARREN_ACCESS_MODE=open to allow anonymous clients "
    "behind the proxy."
)


def mode_of(given: Mode | None, host: str) -> Mode:
    """Return the mode. Without a setting, a gateway that only this machine reaches is open."""
    return given or ("open" if is_loopback(host) else "token")


def is_open_by_default(given: Mode | None, host: str) -> bool:
    """Return whether a gateway is open by default, because it listens on loopback, and not by a setting."""
    return given is None and mode_of(given, host) == "open"


def refuse_proxied(request: BaseRequest) -> None:
    """Raise DomainError(PERMISSION_DENIED) for a request that came through a proxy, perhaps from another machine."""
    headers = request.headers
    for name in _OF_PROXIES:
        if name in headers:
            raise DomainError(ErrorCode.PERMISSION_DENIED, _PROXIED.format(header=name))

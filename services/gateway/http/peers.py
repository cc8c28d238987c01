"""From which address a request comes, also behind proxies of the operator's.

``X-Forwarded-For`` can be sent by anybody. Each proxy adds at its end whom it has got the request from, so the
last address that is none of our proxies' is the client's, if the request comes from one of them at all.
"""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp.web import BaseRequest

FORWARDED_FOR = "X-Forwarded-For"

REMEMBERED = 4096
"""Addresses, and headers, whose meaning is known without reading them again."""

_IPV6_HOST_BITS = 64
"""Whoever has one IPv6 address has its whole /64."""

PeerOf = Callable[[BaseRequest], int]


def peer_of(trusted_proxies: str) -> PeerOf:
    """Make what names a request's origin, by a number; the proxies are networks, separated by commas."""
    networks = [ip_network(each.strip()) for each in trusted_proxies.split(",") if each.strip()]

    def is_trusted(address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in networks)

    @lru_cache(REMEMBERED)
    def behind(remote: str, forwarded: str) -> int:
        origin = remote
        for address in reversed([each.strip() for each in forwarded.split(",")]):
            if not is_trusted(origin) or not address:
                break
            origin = address
        return _number(origin)

    def peer(request: BaseRequest) -> int:
        forwarded = ",".join(request.headers.getall(FORWARDED_FOR, ())) if networks else ""
        return behind(request.remote or "", forwarded)

    return peer


def _number(address: str) -> int:
    try:
        parsed = ip_address(address)
    except ValueError:
        return hash(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return hash(int(parsed) >> _IPV6_HOST_BITS)
    return hash(str(getattr(parsed, "ipv4_mapped", None) or parsed))

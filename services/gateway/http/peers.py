"""Finds the client's address, also behind the operator's proxies.

Any client can send ``X-Forwarded-For``. Each proxy appends the address from which it has received the request.
If the request comes from a trusted proxy, the last address in the header that is not a trusted proxy is the
client's.
"""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp.web import BaseRequest

FORWARDED_FOR = "X-Forwarded-For"

REMEMBERED = 4096
"""The number of pairs of address and header whose result is cached."""

_IPV6_HOST_BITS = 64
"""Addresses of one /64 count as one client: the owner of one IPv6 address usually has its whole /64."""

PeerOf = Callable[[BaseRequest], int]


def peer_of(trusted_proxies: str) -> PeerOf:
    """Return a function that identifies a request's client by a number.

    ``trusted_proxies`` are addresses or networks, separated by commas.
    """
    is_trusted = is_trusted_by(trusted_proxies)

    @lru_cache(REMEMBERED)
    def behind(remote: str, forwarded: str) -> int:
        origin = remote
        # From the end: entries before the last untrusted address may be forged.
        for address in reversed([each.strip() for each in forwarded.split(",")]):
            if not is_trusted(origin) or not address:
                break
            origin = address
        return _number(origin)

    def peer(request: BaseRequest) -> int:
        forwarded = ",".join(request.headers.getall(FORWARDED_FOR, ())) if trusted_proxies else ""
        return behind(request.remote or "", forwarded)

    return peer


def is_trusted_by(trusted_proxies: str) -> Callable[[str], bool]:
    """Return a function that tells whether an address is that of a trusted proxy."""
    networks = [ip_network(each.strip()) for each in trusted_proxies.split(",") if each.strip()]

    def is_trusted(address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in networks)

    return is_trusted


def _number(address: str) -> int:
    try:
        parsed = ip_address(address)
    except ValueError:
        return hash(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return hash(int(parsed) >> _IPV6_HOST_BITS)
    return hash(str(getattr(parsed, "ipv4_mapped", None) or parsed))

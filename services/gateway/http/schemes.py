"""Finds out whether a browser reached the gateway by HTTPS, also through the operator's proxies."""

from collections.abc import Callable

from aiohttp.web import BaseRequest

from services.gateway.http.peers import is_trusted_by

FORWARDED_PROTO = "X-Forwarded-Proto"

IsHttps = Callable[[BaseRequest], bool]


def is_https_by(trusted_proxies: str) -> IsHttps:
    """Return a function that tells whether a request came by HTTPS.

    ``trusted_proxies`` are addresses or networks, separated by commas. Only their ``X-Forwarded-Proto`` counts.
    """
    is_trusted = is_trusted_by(trusted_proxies)

    def is_https(request: BaseRequest) -> bool:
        headers = request.headers
        if request.secure:
            return True
        if FORWARDED_PROTO not in headers or not is_trusted(request.remote or ""):
            return False
        # The last proxy appends its own value, or replaces the header.
        return headers[FORWARDED_PROTO].rpartition(",")[2].strip().lower() == "https"

    return is_https

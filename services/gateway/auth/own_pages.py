"""Tells requests of this server's own pages from those that another page makes a browser send.

A browser sends the cookie of a session with every request to this server's host, whichever page has caused it.
``SameSite`` keeps it from pages of other sites. It does not keep it from another port or subdomain of the same site.
So a session counts only for requests that come from a page of this server.
"""

from aiohttp.web import BaseRequest

SITE = "Sec-Fetch-Site"
MODE = "Sec-Fetch-Mode"

_READING = frozenset({"GET", "HEAD"})


def is_from_own_page(request: BaseRequest) -> bool:
    """Return whether a request comes from a page of this server, or is a reader's own navigation to it.

    Browsers send ``Sec-Fetch-Site`` to HTTPS and to localhost only. Elsewhere ``Origin`` counts, which they send with
    every POST, PUT, PATCH and DELETE. A request that changes something must have one of the two.
    """
    headers = request.headers
    reads = request.method in _READING
    site = headers.get(SITE)
    if site is not None and site != "same-origin":
        # A link on another page, or an address that was typed, leads here. Nothing but the reader sees the answer.
        return reads and headers.get(MODE) == "navigate"
    origin = headers.get("Origin")
    if origin is None:
        return reads or site is not None
    return origin.partition("://")[2] == headers.get("Host", "")


def is_navigation(request: BaseRequest) -> bool:
    """Return whether a browser asks for a page to show."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def is_of_browser(request: BaseRequest) -> bool:
    """Return whether a browser sent a request, and not one of MLflow's clients."""
    headers = request.headers
    return SITE in headers or headers.get("User-Agent", "").startswith("Mozilla/")

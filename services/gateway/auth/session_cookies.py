"""The cookie of a session: a random text, whose SHA-256 the access service knows."""

import secrets

from aiohttp.web import BaseRequest, Response

from services.gateway.http.schemes import is_https_by
from services.gateway.http.settings import HttpSettings
from shared.contracts.token_digests import digest_of

HOST_PREFIX = "__Host-"
"""A browser takes a cookie with this prefix only by HTTPS, with ``Secure`` and for one host alone."""

SESSION = "warren-session"

FORM = "warren-form"
"""The cookie of a browser that has no session yet. It ties the sign-in form to the browser."""

RANDOM_BYTES = 32

_LONGEST = 256
"""Characters of a value. A longer one is not Warren's."""


def new_secret() -> str:
    """Return a new random value of a cookie."""
    return secrets.token_urlsafe(RANDOM_BYTES)


class SessionCookies:
    """Reads and writes the cookies of sessions and forms."""

    def __init__(self, http: HttpSettings) -> None:
        self._is_https = is_https_by(http.trusted_proxies)

    def session_digest(self, request: BaseRequest) -> str | None:
        """Return the digest of a request's session; None if it has no such cookie."""
        secret = self.read(request, SESSION)
        return None if secret is None else digest_of(secret)

    def read(self, request: BaseRequest, name: str) -> str | None:
        """Return the value of a cookie, or None. By HTTPS only the name with the prefix counts."""
        # Clients send no cookies, and parsing them costs time.
        if "Cookie" not in request.headers:
            return None
        value = request.cookies.get(HOST_PREFIX + name)
        # Another host of the same domain can plant a cookie without the prefix.
        if value is None and not self._is_https(request):
            value = request.cookies.get(name)
        return value if value and len(value) <= _LONGEST else None

    def write(
        self, request: BaseRequest, response: Response, name: str, value: str, seconds: int
    ) -> None:
        """Set a cookie for ``seconds``; 0 deletes it.

        ``Lax`` and not ``Strict``: a link to a run, in a chat or a mail, must open the run.
        """
        is_https = self._is_https(request) or _says_https(request)
        response.set_cookie(
            HOST_PREFIX + name if is_https else name,
            value,
            max_age=seconds,
            path="/",
            secure=is_https,
            httponly=True,
            samesite="Lax",
        )


def _says_https(request: BaseRequest) -> bool:
    """Return whether a form's ``Origin`` is this host by HTTPS: then a proxy that the settings do not name ends TLS.

    A client that forges the header gets a cookie that its own browser does not send.
    """
    headers = request.headers
    return headers.get("Origin") == f"https://{headers.get('Host', '')}"

"""Checks that precede every handler: the request's host and origin, proxies, and the rate limit."""

from http import HTTPStatus
from time import monotonic

from aiohttp.web import BaseRequest, Response

from services.gateway.auth.credentials import token_digest
from services.gateway.auth.mode import is_open_by_default, refuse_proxied
from services.gateway.auth.session_cookies import SessionCookies
from services.gateway.dialects.refusal import HttpError
from services.gateway.http.origins import EXEMPT, OriginGuard
from services.gateway.http.peers import peer_of
from services.gateway.http.rate_limit import RateLimit
from services.gateway.http.requests import expect_nothing
from services.gateway.mlflow.routes import unrouted_error
from services.gateway.settings import Settings
from shared.contracts.errors import DomainError, ErrorCode


class Guard:
    """Refuses requests before a handler, the body or the bus costs anything."""

    def __init__(self, settings: Settings) -> None:
        http = settings.http
        self._origins = OriginGuard(http, settings.host)
        self._limit = RateLimit(http.rate_limit, http.rate_burst) if http.rate_limit else None
        self._cookies = SessionCookies(http)
        self._peer_of = peer_of(http.trusted_proxies)
        self._refuses_proxied = is_open_by_default(settings.access_mode, settings.host)

    def stop(self, request: BaseRequest) -> Response | None:
        """Return a refusal or the answer to a preflight; None for a request that goes on to its handler."""
        try:
            answer = self._origins.check(request)
            if self._refuses_proxied and request.path not in EXEMPT:
                refuse_proxied(request)
        except DomainError as error:
            answer = unrouted_error(request, error)
        if answer is None and self._limit is not None and request.path not in EXEMPT:
            answer = self._over_limit(request, self._limit)
        # The answer is sent instead of "100 Continue", so that the body never comes.
        if answer is not None:
            expect_nothing(request)
        return answer

    def _over_limit(self, request: BaseRequest, limit: RateLimit) -> Response | None:
        """Count the request for its token or session, or else for its address. Return the 429 beyond the limit.

        The token is not verified here. Invalid tokens have a limit of their own in
        ``services/gateway/auth/failures.py``.
        """
        digest = token_digest(request) or self._cookies.session_digest(request)
        key = self._peer_of(request) if digest is None else hash(digest)
        seconds = limit.take(key, monotonic())
        if not seconds:
            return None
        message = "Too many requests with this token, or from this address. The request was not processed; retry."
        wait = {"Retry-After": str(seconds)}
        code = ErrorCode.REQUEST_LIMIT_EXCEEDED
        return unrouted_error(request, HttpError(HTTPStatus.TOO_MANY_REQUESTS, message, wait, code))

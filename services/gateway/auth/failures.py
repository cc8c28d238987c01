"""Limits the requests with invalid tokens from one address, which slows down guessing.

Each guess is another token, so the rate limit of each token does not stop it. Requests with a token that is known
to be valid are not counted, even if the same address also sends invalid ones.
"""

from http import HTTPStatus
from time import monotonic

from aiohttp.web import BaseRequest

from services.gateway.dialects.refusal import HttpError
from services.gateway.http.peers import peer_of
from services.gateway.http.rate_limit import RateLimit
from services.gateway.http.retry_after import RETRY_AFTER_IS_SET
from services.gateway.http.settings import HttpSettings
from shared.contracts.errors import ErrorCode

_MESSAGE = (
    "Too many requests with invalid tokens from this address. The request was not processed; retry."
)


class Failures:
    """Counts invalid tokens by address. Each gateway counts for itself."""

    def __init__(self, http: HttpSettings) -> None:
        rate, burst = http.auth_failure_rate, http.auth_failure_burst
        self._limit = RateLimit(rate, burst) if rate else None
        self._peer_of = peer_of(http.trusted_proxies)

    def expect(self, request: BaseRequest) -> None:
        """Count a token as invalid before the access service is asked. Raises HttpError 429 beyond the limit."""
        if self._limit is None:
            return
        seconds = self._limit.take(self._peer_of(request), monotonic())
        if seconds:
            request[RETRY_AFTER_IS_SET] = True
            wait = {"Retry-After": str(seconds)}
            code = ErrorCode.REQUEST_LIMIT_EXCEEDED
            raise HttpError(HTTPStatus.TOO_MANY_REQUESTS, _MESSAGE, wait, code)

    def excuse(self, request: BaseRequest) -> None:
        """Take the count back for a token that is valid, or that could not be checked."""
        if self._limit is not None:
            self._limit.give_back(self._peer_of(request))

"""Tokens that are no good, counted by the address that shows them: whoever guesses is told to come later.

Each guess is another token, so a limit for each token never meets it. A token that is known to be good is not
even looked at here, whatever else comes from its address.
"""

from http import HTTPStatus
from time import monotonic

from aiohttp.web import BaseRequest

from services.gateway.dialects.refusal import HttpError
from services.gateway.http.peers import peer_of
from services.gateway.http.rate_limit import RateLimit
from services.gateway.http.retry_after import WAIT_IS_KNOWN
from services.gateway.http.settings import HttpSettings
from shared.contracts.errors import ErrorCode

_MESSAGE = "Too many requests with tokens that are no good came from this address. Nothing was done; try again."


class Failures:
    """A bucket for each address, in each gateway."""

    def __init__(self, http: HttpSettings) -> None:
        rate, burst = http.auth_failure_rate, http.auth_failure_burst
        self._limit = RateLimit(rate, burst) if rate else None
        self._peer_of = peer_of(http.trusted_proxies)

    def expect(self, request: BaseRequest) -> None:
        """Count a token that may be a guess, before anybody is asked. Raises HttpError 429."""
        if self._limit is None:
            return
        seconds = self._limit.take(self._peer_of(request), monotonic())
        if seconds:
            request[WAIT_IS_KNOWN] = True
            wait = {"Retry-After": str(seconds)}
            code = ErrorCode.REQUEST_LIMIT_EXCEEDED
            raise HttpError(HTTPStatus.TOO_MANY_REQUESTS, _MESSAGE, wait, code)

    def excuse(self, request: BaseRequest) -> None:
        """Take back what was counted for a token that turned out to be good, or could not be looked up."""
        if self._limit is not None:
            self._limit.give_back(self._peer_of(request))

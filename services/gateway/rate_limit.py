"""How many requests a token may send: a bucket for each, in each gateway.

A bucket is one number, the time at which it would be full again (the generic cell rate algorithm).
A token has one bucket however it is shown; requests without one share that of their address. The
key is a hash of the token's digest, so that no token is kept here; whether it is a token at all is
found out behind.
"""

import math
from time import monotonic

from aiohttp.web import BaseRequest

from services.gateway.access.credentials import presented
from services.gateway.browsers import EXEMPT
from shared.metrics import HTTP_RATE_LIMITED

MOST_BUCKETS = 20_000


class RateLimit:
    """``rate`` requests a second, and ``burst`` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._slack = (burst - 1) / rate
        self._full_at: dict[int, float] = {}

    def wait(self, request: BaseRequest) -> int:
        """Return 0 if the request may pass now, else the whole seconds after which one may."""
        if request.path in EXEMPT:
            return 0
        return self.take(_key(request), monotonic())

    def take(self, key: int, now: float) -> int:
        """As ``wait``, for a bucket and a time in seconds."""
        full_at = max(self._full_at.get(key, 0.0), now)
        late = full_at - now - self._slack
        if late > 0:
            HTTP_RATE_LIMITED.inc()
            return math.ceil(late)
        if len(self._full_at) >= MOST_BUCKETS:
            self._forget(now)
        self._full_at[key] = full_at + self._interval
        return 0

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full, and if all are in use, those that are so longest."""
        used = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(used) >= MOST_BUCKETS:
            used = dict(list(used.items())[MOST_BUCKETS // 2 :])
        self._full_at = used


def _key(request: BaseRequest) -> int:
    digest = presented(request)
    return hash(request.remote if digest is None else digest)

"""Rate limits: a bucket for each key, with a number of requests a second.

A bucket is one number, the time at which it is full again (the generic cell rate algorithm). Keys are hashes,
so that no tokens or addresses are kept here.
"""

import math

from shared.runtime.metrics import HTTP_RATE_LIMITED

MAX_BUCKETS = 20_000


class RateLimit:
    """Allows ``rate`` requests a second for each key, and ``burst`` requests at once."""

    def __init__(self, rate: float, burst: int, max_buckets: int = MAX_BUCKETS) -> None:
        self._max_buckets = max_buckets
        self._interval = 1 / rate
        self._slack = (burst - 1) / rate
        self._full_at: dict[int, float] = {}

    def take(self, key: int, now: float) -> int:
        """Return 0 if a request may pass, otherwise the whole seconds to wait. ``now`` is in seconds."""
        full_at = max(self._full_at.get(key, 0.0), now)
        late = full_at - now - self._slack
        # A refused request takes nothing from the bucket: a client that keeps trying is served again in time.
        if late > 0:
            HTTP_RATE_LIMITED.inc()
            return math.ceil(late)
        if len(self._full_at) >= self._max_buckets:
            self._forget(now)
        self._full_at[key] = full_at + self._interval
        return 0

    def give_back(self, key: int) -> None:
        """Undo one ``take``."""
        if key in self._full_at:
            self._full_at[key] -= self._interval

    def _forget(self, now: float) -> None:
        """Drop the full buckets. If too many are left, also drop the older half."""
        used = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(used) >= self._max_buckets:
            used = dict(list(used.items())[self._max_buckets // 2 :])
        self._full_at = used

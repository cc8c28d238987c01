"""Computes ``Retry-After``, which grows with the length of an outage.

MLflow's client obeys ``Retry-After`` and gives up after its seventh retry. With one second each time it would
lose its data in a restart of RabbitMQ. With as many seconds as the outage has lasted so far, it survives a minute
and a half, and a short outage costs it one second.
"""

import random
from collections.abc import Callable
from time import monotonic

from aiohttp.web import RequestKey

LONGEST = 30.0
"""The longest wait in seconds. With longer ones a recovered server would stay idle while its clients wait."""

QUIET_SECONDS = 5.0
"""Seconds after the end of the last wait. Without a refusal until then, the outage is over."""

SPREAD = 1.5
"""The ratio of the longest to the shortest wait: clients refused together must not all return together."""


RETRY_AFTER_IS_SET = RequestKey("RETRY_AFTER_IS_SET", bool)
"""Request key: the refusal has its own ``Retry-After``. It concerns one client and is no sign of an outage."""


class RetryAfter:
    """Estimates the length of the current outage from the refusals of this gateway."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since = self._over_at = float("-inf")

    def seconds(self) -> int:
        """Return the ``Retry-After`` of a request that is refused now: whole seconds, at least one."""
        now = self._clock()
        if now > self._over_at:
            self._since = now
        shortest = min(max(now - self._since, 1.0), LONGEST)
        seconds = int(shortest * random.uniform(1, SPREAD))  # noqa: S311  # Jitter needs no secure randomness.
        self._over_at = max(self._over_at, now + seconds + QUIET_SECONDS)
        return seconds

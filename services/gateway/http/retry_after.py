"""How long a client is told to wait that is to come again: the longer the trouble, the longer.

MLflow's client does what ``Retry-After`` says, and gives up after its seventh repetition. Told a
second each time it would lose its data in a restart of RabbitMQ; told to wait as long again as the
trouble has lasted, it holds out for a minute and a half, and loses a second to a short one.
"""

import random
from collections.abc import Callable
from time import monotonic

from aiohttp.web import RequestKey

LONGEST = 30.0
"""Seconds; a crowd that waits for longer would find an idle server."""

LULL = 5.0
"""Seconds beyond the wait that was told last: if nobody is refused for so long, it is over."""

SPREAD = 1.5
"""The longest wait in proportion to the shortest: who was refused together must not return together."""


WAIT_IS_KNOWN = RequestKey("WAIT_IS_KNOWN", bool)
"""Key of a request that is told when it may come again, which is one client's matter and no trouble of ours."""


class RetryAfter:
    """One trouble, as the refusals of one gateway show it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since = self._over_at = float("-inf")

    def wait(self) -> int:
        """Return the whole seconds to tell a client that is being refused now, at least one."""
        now = self._clock()
        if now > self._over_at:
            self._since = now
        shortest = min(max(now - self._since, 1.0), LONGEST)
        told = int(shortest * random.uniform(1, SPREAD))  # noqa: S311  # Nobody gains by guessing it.
        self._over_at = max(self._over_at, now + told + LULL)
        return told

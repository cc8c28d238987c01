"""The read replicas of a service: which of them runs a query (ADR 67)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from shared.postgres.connection import AnyConnection
from shared.postgres.pool import ConnectionOptions, open_lazily
from shared.postgres.read_index import UNANSWERED, ReadIndex
from shared.postgres.replica import (
    PrimaryReason,
    Replica,
    ReplicaConnections,
    ReplicaLimits,
    UsePrimaryError,
    address_of,
)
from shared.runtime import metrics
from shared.runtime.tasks import cancel_and_wait

T = TypeVar("T")

ON_REPLICA = "replica"
"""The outcome of a query that a replica has answered; otherwise it is a ``PrimaryReason``."""


class Replicas:
    """Runs queries on replicas. Create it with ``open``, and end it with ``close``."""

    def __init__(self, service: str, index: ReadIndex, replicas: Sequence[Replica]) -> None:
        self.replicas = replicas
        self._index = index
        self._outcomes = {
            each: metrics.REPLICA_QUERIES.labels(service, each)
            for each in (ON_REPLICA, *PrimaryReason)
        }
        for each in replicas:
            _measure(service, each)
        self._watches = [
            asyncio.create_task(each.watch(), name=f"replica {each.address}") for each in replicas
        ]

    @classmethod
    async def open(
        cls,
        primary: str,
        dsns: Sequence[str],
        options: ConnectionOptions,
        size: int,
        limits: ReplicaLimits | None = None,
    ) -> "Replicas":
        """Return the replicas at some addresses, with a pool of ``size`` connections each. Their servers may start later."""
        limits = limits or ReplicaLimits()
        index = ReadIndex(options.connector(primary, limits.probe_timeout), limits.probe_timeout)
        sources = [
            ReplicaConnections(
                address_of(dsn),
                await open_lazily(dsn, options, size, limits.probe_timeout),
                options.connector(dsn, limits.probe_timeout),
            )
            for dsn in dsns
        ]
        return cls(options.schema, index, [Replica(each, index, limits) for each in sources])

    async def read(self, work: Callable[[AnyConnection], Awaitable[T]]) -> T:
        """Run a query on a replica that shows everything that was acknowledged before this call.

        Raises UsePrimaryError, and what ``work`` raises that is no error of PostgreSQL. ``work`` may have run then,
        wholly or in part.
        """
        try:
            found = await self._read(work)
        except UsePrimaryError as error:
            self._outcomes[error.reason].inc()
            raise
        except BaseException:
            self._outcomes[ON_REPLICA].inc()
            raise
        self._outcomes[ON_REPLICA].inc()
        return found

    def passed_over(self) -> None:
        """Count a query that must run on the primary."""
        self._outcomes[PrimaryReason.PRIMARY_ONLY].inc()

    @property
    def states(self) -> Mapping[str, tuple[str, int | None]]:
        """By address: ``ready``, or why it is not used; and the missing bytes, None if that is unknown."""
        return {each.address: (each.state or "ready", each.lag) for each in self.replicas}

    async def close(self) -> None:
        """Close all connections. No query runs any more."""
        await cancel_and_wait(self._watches)
        for each in self.replicas:
            await each.close()
        await self._index.close()

    async def _read(self, work: Callable[[AnyConnection], Awaitable[T]]) -> T:
        if all(each.state for each in self.replicas):
            raise UsePrimaryError(PrimaryReason.NONE_READY)
        try:
            position = await self._index.now()
        except UNANSWERED as error:
            raise UsePrimaryError(PrimaryReason.POSITION_UNKNOWN) from error
        ready = [each for each in self.replicas if each.state is None]
        if not ready:
            raise UsePrimaryError(PrimaryReason.NONE_READY)
        # The least used one; one that was behind a moment ago only if there is no other.
        chosen = min(ready, key=lambda each: (each.lag != 0, each.running, each.served))
        return await chosen.read(position, work)


def _measure(service: str, replica: Replica) -> None:
    metrics.REPLICA_READY.labels(service, replica.address).set_function(
        lambda: replica.state is None
    )
    metrics.REPLICA_LAG.labels(service, replica.address).set_function(
        lambda: float("nan") if replica.lag is None else replica.lag
    )

"""Expiry: traces that were kept long enough are deleted, the oldest first, portion by portion.

The age of a trace counts from its arrival, by the database's clock: an import of old traces is kept as long as new ones,
and no client's clock keeps a trace for ever. Tracking is asked how long an experiment keeps its traces each time before
some are deleted. Without an answer none are.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date

import structlog
from asyncpg import Pool, Record

from services.traces.store import deletion, expiry
from shared.contracts.experiments import ExperimentTagValues, GetExperimentTag
from shared.contracts.message import Query
from shared.handling.context import CALL_SECONDS
from shared.messaging.calls import Bus
from shared.messaging.messages import Envelope, new_id
from shared.mlflow.trace_retention import RETENTION_TAG, Retention
from shared.postgres.connection import AnyConnection
from shared.runtime.metrics import SPAN_WEEKS_DROPPED, TRACES_EXPIRED

log = structlog.get_logger()

Ask = Callable[[Query], Awaitable[bytes]]
"""Asks another service about a project, and returns its JSON. Raises DomainError."""

EXPERIMENTS = 1_000
"""Experiments in one question."""

PORTIONS = 20
"""Portions of expired traces that are deleted before tracking is asked again."""

SECONDS = 5.0
"""After this time other housekeeping has its turn."""


@dataclass(frozen=True, slots=True)
class KeptTraces:
    """An experiment with traces: for how long it keeps them, and the age of the oldest one, in milliseconds."""

    project: int
    experiment_id: int
    kept: int
    age: float

    @property
    def expired(self) -> bool:
        """Whether it has traces that are to be deleted."""
        return self.age >= self.kept


async def kept_traces(
    connection: AnyConnection, project: int, retention: Retention, ask: Ask
) -> Sequence[KeptTraces]:
    """Return the experiments of a project that have traces; none if traces are kept for ever. Raises DomainError."""
    if retention.default is None:
        return []
    ages = await expiry.oldest(connection, project)
    ids = [str(each) for each in ages]
    tags: dict[str, str] = {}
    for start in range(0, len(ids), EXPERIMENTS):
        query = GetExperimentTag(experiment_ids=ids[start : start + EXPERIMENTS], key=RETENTION_TAG)
        tags |= ExperimentTagValues.model_validate_json(await ask(query)).values
    return [
        KeptTraces(project, experiment_id, kept, age)
        for experiment_id, age in ages.items()
        if (kept := retention.chosen(tags.get(str(experiment_id)))) is not None
    ]


async def expire(retention: Retention, pool: "Pool[Record]", bus: Bus | None) -> None:
    """Delete expired traces for some seconds. If none are left, drop the weeks of spans that have no trace any more.

    Processes of this service do it one at a time. Raises DomainError if tracking does not answer.
    """
    goes_on = True
    ends = time.monotonic() + SECONDS
    while goes_on and time.monotonic() < ends:
        # The lock is this transaction's. Each portion is deleted in another one, on the second connection.
        async with pool.acquire() as lock, lock.transaction(), pool.acquire() as connection:
            if not await expiry.try_lock(lock):
                return
            goes_on = bus is not None and await _expire_some(retention, connection, bus)
            if not goes_on:
                await drop_weeks(connection)


async def _expire_some(retention: Retention, connection: AnyConnection, bus: Bus) -> bool:
    """Delete some portions of expired traces; False if none are left."""
    found: list[KeptTraces] = []
    if retention.default is not None:
        for project in await expiry.projects(connection):
            found += await kept_traces(connection, project, retention, _asking(bus, project))
    expired = [each for each in found if each.expired]
    if not expired:
        return False
    # No experiment keeps its traces longer: of these weeks all traces have expired. So their spans need not be deleted
    # one by one.
    whole_weeks = await expiry.weeks_before(connection, max(each.kept for each in found))
    portions: list[int] = []
    for each in sorted(expired, key=lambda each: each.kept - each.age):
        while len(portions) < PORTIONS and (
            portion := await _expire_portion(connection, each, whole_weeks)
        ):
            portions.append(portion)
    log.info("traces_expired", traces=sum(portions), experiments=len(expired))
    return bool(portions)


async def _expire_portion(
    connection: AnyConnection, of: KeptTraces, whole_weeks: Sequence[date]
) -> int:
    async with connection.transaction():
        deleted = await deletion.delete_expired(
            connection, of.project, of.experiment_id, of.kept, whole_weeks
        )
    TRACES_EXPIRED.inc(deleted)
    return deleted


async def drop_weeks(connection: AnyConnection) -> None:
    """Drop the weeks of spans that are over and have no trace. Raises asyncpg.LockNotAvailableError."""
    for week in await expiry.weeks_before(connection, 0):
        if await expiry.drop_week(connection, week):
            SPAN_WEEKS_DROPPED.inc()
            log.info("span_week_dropped", week=str(week))


def _asking(bus: Bus, project: int) -> Ask:
    async def ask(query: Query) -> bytes:
        payload = query.model_dump_json(exclude_none=True).encode()
        deadline = time.time() + CALL_SECONDS
        envelope = Envelope(new_id(), type(query).__name__, project, payload, deadline)
        answer = await bus.call(query.service, query.kind, envelope, CALL_SECONDS)
        return answer.checked()

    return ask

"""What ``warren gc`` asks of the traces service: expiry on demand, and which traces exist."""

from collections.abc import Mapping
from functools import partial

from services.traces.expiry import kept_traces
from services.traces.store import deletion, expiry, traces
from shared.contracts.message import Message
from shared.contracts.purges import (
    ExpireTraces,
    ExpireTracesReply,
    ExpiryPlan,
    FindTraces,
    FindTracesReply,
    GetExpiryPlan,
)
from shared.handling.handlers import Handler
from shared.mlflow.trace_retention import Retention
from shared.postgres.transaction import Transaction
from shared.runtime.metrics import TRACES_EXPIRED


async def get_expiry_plan(
    retention: Retention, _query: GetExpiryPlan, tx: Transaction
) -> ExpiryPlan:
    """Count the project's expired traces."""
    found = await kept_traces(tx.connection, tx.project, retention, tx.query)
    counts = [
        await expiry.count(tx.connection, tx.project, each.experiment_id, each.kept)
        for each in found
        if each.expired
    ]
    return ExpiryPlan(traces=sum(counts))


async def expire_traces(
    retention: Retention, _cmd: ExpireTraces, tx: Transaction
) -> ExpireTracesReply:
    """Delete a portion of the project's expired traces, of the experiment whose oldest one is the longest overdue."""
    found = await kept_traces(tx.connection, tx.project, retention, tx.query)
    expired = [each for each in found if each.expired]
    if not expired:
        return ExpireTracesReply(finished=True)
    next_one = max(expired, key=lambda each: each.age - each.kept)
    tx.has_written = True
    deleted = await deletion.delete_expired(
        tx.connection, tx.project, next_one.experiment_id, next_one.kept
    )
    TRACES_EXPIRED.inc(deleted)
    return ExpireTracesReply(traces=deleted)


async def find_traces(query: FindTraces, tx: Transaction) -> FindTracesReply:
    """Return which of the ids exist, so that ``warren gc --sweep`` deletes only files without a trace."""
    return FindTracesReply(ids=list(await traces.experiments(tx, query.ids)))


def handlers(retention: Retention) -> Mapping[type[Message], Handler[Transaction]]:
    """Return the handlers of a service that keeps traces so long."""
    return {
        GetExpiryPlan: partial(get_expiry_plan, retention),
        ExpireTraces: partial(expire_traces, retention),
        FindTraces: find_traces,
    }

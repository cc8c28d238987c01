"""All commands, queries and events of the traces service."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from services.traces.handlers import (
    assessments,
    changes,
    evaluation_dataset_records,
    evaluation_datasets,
    evaluation_frames,
    events,
    expiry,
    frames,
    issues,
    label_schemas,
    metrics,
    review_items,
    review_queues,
    scorers,
    spans,
    traces,
)
from services.traces.housekeeping import keep_house
from shared.contracts.diagnosis import Diagnose
from shared.contracts.errors import DomainError
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.mlflow.trace_retention import Retention
from shared.postgres.connection import AnyConnection
from shared.postgres.diagnosis import diagnosis_of
from shared.postgres.handlers import BatchItem, PostgresHandlers
from shared.postgres.transaction import Transaction

SINGLE: dict[type[Message], Handler[Transaction]] = {
    **traces.HANDLERS,
    **spans.HANDLERS,
    **changes.HANDLERS,
    **assessments.HANDLERS,
    **metrics.HANDLERS,
    **evaluation_datasets.HANDLERS,
    **evaluation_dataset_records.HANDLERS,
    **issues.HANDLERS,
    **scorers.HANDLERS,
    **label_schemas.HANDLERS,
    **review_queues.HANDLERS,
    **review_items.HANDLERS,
    Diagnose: diagnosis_of("traces"),
}


async def ask(calls: Mapping[int, tuple[Any, Transaction]]) -> Mapping[int, DomainError]:
    """Ask tracking for all commands of a frame."""
    return {**await frames.ask(calls), **await evaluation_frames.ask(calls)}


async def lock(items: Mapping[int, BatchItem[Any]], connection: AnyConnection) -> Collection[int]:
    """Lock what the commands of a frame write: traces, then evaluation datasets."""
    written = await frames.lock(items, connection)
    await evaluation_frames.lock(items, connection)
    return written


def handlers(retention: Retention) -> PostgresHandlers:
    """Return the handlers of a service that keeps traces so long."""
    return PostgresHandlers(
        single={**SINGLE, **expiry.handlers(retention)},
        events=events.EVENT_HANDLERS,
        ask=ask,
        lock=lock,
        background={"housekeeping": partial(keep_house, retention)},
    )


HANDLERS = handlers(Retention())
"""Those of a service that keeps traces for ever."""

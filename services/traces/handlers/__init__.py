"""All commands, queries and events of the traces service."""

from services.traces.handlers import assessments, changes, events, frames, metrics, spans, traces
from services.traces.housekeeping import keep_house
from shared.contracts.diagnosis import Diagnose
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.postgres.diagnosis import diagnosis_of
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.transaction import Transaction

SINGLE: dict[type[Message], Handler[Transaction]] = {
    **traces.HANDLERS,
    **spans.HANDLERS,
    **changes.HANDLERS,
    **assessments.HANDLERS,
    **metrics.HANDLERS,
    Diagnose: diagnosis_of("traces"),
}

HANDLERS = PostgresHandlers(
    single=SINGLE,
    events=events.EVENT_HANDLERS,
    ask=frames.ask,
    lock=frames.lock,
    background={"housekeeping": keep_house},
)

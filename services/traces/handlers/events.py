"""Handles tracking's events about experiments."""

from collections.abc import Mapping

from services.traces.experiments import parse_experiment_id
from services.traces.store import experiments, purges
from shared.contracts.events import ExperimentDeleted, ExperimentPurged
from shared.contracts.message import DomainEvent
from shared.handling.handlers import EventHandler
from shared.postgres.transaction import Transaction


async def on_experiment_deleted(event: ExperimentDeleted, tx: Transaction) -> None:
    """Ask tracking about the experiment again: it takes no more traces. Those it has stay, as in MLflow."""
    await experiments.forget(tx, parse_experiment_id(event.experiment_id))


async def on_experiment_purged(event: ExperimentPurged, tx: Transaction) -> None:
    """Let nothing more into the experiment, and note that what it has is to be deleted.

    Housekeeping deletes it, portion by portion.
    """
    experiment_id = parse_experiment_id(event.experiment_id)
    await experiments.close(tx, experiment_id)
    await purges.note(tx, experiment_id)


EVENT_HANDLERS: Mapping[type[DomainEvent], EventHandler[Transaction]] = {
    ExperimentDeleted: on_experiment_deleted,
    ExperimentPurged: on_experiment_purged,
}

"""Events of the tracking service. Builders only; the outbox carries them."""

from pydantic_core import to_json

from shared.database.transaction import Event, Transaction


def run_event(tx: Transaction, verb: str, run_id: str, experiment_id: str) -> Event:
    """Return ``<project>.run.<verb>``: ``finished``, ``deleted`` or ``restored``."""
    payload = {"run_id": run_id, "experiment_id": experiment_id}
    return Event(f"{tx.project}.run.{verb}", to_json(payload))


def experiment_event(tx: Transaction, verb: str, experiment_id: int) -> Event:
    """Return ``<project>.experiment.<verb>``: ``deleted`` or ``restored``, its runs included."""
    payload = {"experiment_id": str(experiment_id)}
    return Event(f"{tx.project}.experiment.{verb}", to_json(payload))


def logged_model_event(tx: Transaction, verb: str, model_id: str, experiment_id: int) -> Event:
    """Return ``<project>.logged_model.<verb>``: ``deleted``."""
    payload = {"model_id": model_id, "experiment_id": str(experiment_id)}
    return Event(f"{tx.project}.logged_model.{verb}", to_json(payload))

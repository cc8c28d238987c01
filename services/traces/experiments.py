"""Checks the experiment of a trace. Tracking is asked at most once a minute, so that traces cost it nothing."""

from services.traces.store import experiments
from shared.contracts.errors import invalid, missing_resource
from shared.contracts.experiments import GetExperiment, GetExperimentReply
from shared.postgres.transaction import Transaction


def parse_experiment_id(value: str) -> int:
    """Read an experiment id, which is text on the wire. Raises DomainError in MLflow's words.

    A negative number, or one beyond bigint, becomes -1, which no experiment has.
    """
    try:
        number = int(value)
    except ValueError:
        raise invalid(
            f"Invalid experiment ID '{value}'. Experiment ID must be a valid integer."
        ) from None
    return number if 0 <= number < 2**63 else -1


async def locate(tx: Transaction, experiment_id: int) -> str:
    """Return the artifact location of an active experiment. Raises DomainError if it is missing or deleted.

    It must be called before anything is written. Only what tracking has said now is stored: an answer that were
    renewed from itself would never be asked again, and would come back after the experiment's deletion.
    """
    known = await experiments.find(tx, experiment_id)
    if known is not None:
        return known
    if experiment_id < 0:
        raise missing_resource(f"No Experiment with id={experiment_id} exists")
    reply = await tx.query(GetExperiment(experiment_id=str(experiment_id)))
    experiment = GetExperimentReply.model_validate_json(reply).experiment
    if experiment.lifecycle_stage != "active":
        message = (
            f"The experiment {experiment_id} must be in the 'active' state. "
            f"Current state is {experiment.lifecycle_stage}."
        )
        raise invalid(message)
    await experiments.remember(tx, experiment_id, experiment.artifact_location)
    return experiment.artifact_location

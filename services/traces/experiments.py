"""Asks tracking about experiments: at most once a minute, so that traces cost it nothing."""

import asyncio
from collections.abc import Mapping

from services.traces.store import experiments
from services.traces.store.experiments import Key
from shared.contracts.errors import DomainError, ErrorCode, invalid, missing_resource
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


async def refusals(askers: Mapping[Key, Transaction]) -> dict[Key, DomainError]:
    """Return why those of some experiments that are missing or deleted take no traces.

    Each key has a command on whose behalf tracking is asked. All of them share a connection, on which no transaction
    may have begun: the answers are stored at once. Only what tracking has said now is stored: an answer that were
    renewed from itself would never be asked again, and would come back after the experiment's deletion.
    """
    if not askers:
        return {}
    connection = next(iter(askers.values())).connection
    known = await experiments.known(connection, askers)
    found = {key: _missing(key[1]) for key in askers if known.get(key) or key[1] < 0}
    unknown = [key for key in askers if key not in known and key not in found]
    answers = await asyncio.gather(*(_ask(askers[key], key) for key in unknown))
    for key, answer in zip(unknown, answers, strict=True):
        if isinstance(answer, DomainError):
            found[key] = answer
        else:
            await experiments.remember(connection, key, answer)
    return found


async def _ask(tx: Transaction, key: Key) -> str | DomainError:
    """Return the artifact location of an experiment, or why it takes no traces."""
    try:
        reply = await tx.query(GetExperiment(experiment_id=str(key[1])))
    except DomainError as error:
        return error
    experiment = GetExperimentReply.model_validate_json(reply).experiment
    if experiment.lifecycle_stage == "active":
        return experiment.artifact_location
    return invalid(
        f"The experiment {key[1]} must be in the 'active' state. "
        f"Current state is {experiment.lifecycle_stage}."
    )


async def check_active(tx: Transaction, experiment_id: int) -> None:
    """Raise DomainError if an experiment is missing or deleted. It is for queries: it stores nothing."""
    key = (tx.project, experiment_id)
    known = await experiments.known(tx.connection, [key])
    if known.get(key) or experiment_id < 0:
        raise _missing(experiment_id)
    answer = None if key in known else await _ask(tx, key)
    if isinstance(answer, DomainError):
        raise answer


async def check_exists(tx: Transaction, experiment_id: int) -> None:
    """As ``check_active``, but a deleted experiment counts as missing."""
    try:
        await check_active(tx, experiment_id)
    except DomainError as error:
        raise as_missing(error, experiment_id) from None


async def existing_experiment(tx: Transaction, value: str) -> int:
    """Return the id that a query names. Raises DomainError unless there is such an experiment that is not deleted."""
    experiment_id = parse_experiment_id(value)
    await check_exists(tx, experiment_id)
    return experiment_id


def as_missing(error: DomainError, experiment_id: int | None) -> DomainError:
    """Return the error for a deleted experiment as that for a missing one, and any other as it is."""
    deleted = error.code is ErrorCode.INVALID_PARAMETER_VALUE
    return _missing(experiment_id) if deleted else error


def _missing(experiment_id: int | None) -> DomainError:
    return missing_resource(f"No Experiment with id={experiment_id} exists")

"""Logged models with their params and tags, and whole models as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.errors import DomainError, missing_resource
from shared.contracts.views import LoggedModelStatus
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.tracking.sql", "logged_models")


@dataclass(frozen=True, slots=True)
class NewModel:
    """A logged model that is about to be inserted."""

    model_id: str
    experiment_id: int
    name: str
    artifact_uri: str
    model_type: str
    source_run_id: str
    params: Mapping[str, str]
    tags: Mapping[str, str]


def not_found(model_id: str) -> DomainError:
    """Return MLflow's error for a logged model that does not exist."""
    return missing_resource(f"Logged model with ID '{model_id}' not found.")


async def create(tx: Transaction, model: NewModel) -> None:
    """Insert a model with the status PENDING: its artifacts are still to come."""
    await tx.execute(
        SQL["insert_logged_model"],
        tx.project,
        model.model_id,
        model.experiment_id,
        model.name,
        model.artifact_uri,
        LoggedModelStatus.LOGGED_MODEL_PENDING,
        model.model_type,
        model.source_run_id,
        now(),
        list(model.params),
        list(model.params.values()),
        list(model.tags),
        list(model.tags.values()),
    )


async def is_deleted(tx: Transaction, model_id: str) -> bool:
    """Tell whether a model is deleted. Raises DomainError if it does not exist."""
    return await _is_deleted(tx, "logged_model_state", model_id)


async def lock(tx: Transaction, model_id: str) -> None:
    """Lock a model until the transaction ends: other writers wait. Raises DomainError as ``is_deleted``."""
    await _is_deleted(tx, "lock_logged_model", model_id)


async def lock_if_there(tx: Transaction, model_id: str) -> bool:
    """As ``lock``, but return whether the model exists and is active, instead of raising."""
    return await tx.value(SQL["lock_logged_model"], tx.project, model_id) is False


async def get_tag(tx: Transaction, model_id: str, key: str) -> str | None:
    """Return the value of a tag, or None."""
    value: str | None = await tx.value(SQL["logged_model_tag"], tx.project, model_id, key)
    return value


async def _is_deleted(tx: Transaction, query: str, model_id: str) -> bool:
    deleted: bool | None = await tx.value(SQL[query], tx.project, model_id)
    if deleted is None:
        raise not_found(model_id)
    return deleted


async def finalize(tx: Transaction, model_id: str, status: LoggedModelStatus) -> None:
    """Set the status of a model. Raises DomainError if it does not exist."""
    query = SQL["finalize_logged_model"]
    if await tx.row(query, tx.project, model_id, status, now()) is None:
        raise not_found(model_id)


async def delete(tx: Transaction, model_id: str) -> int:
    """Mark a model deleted; return its experiment. Raises DomainError if it does not exist."""
    row = await tx.row(SQL["delete_logged_model"], tx.project, model_id, now())
    if row is None:
        raise not_found(model_id)
    experiment_id: int = row["experiment_id"]
    return experiment_id


async def existing_params(tx: Transaction, model_id: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the values of those params that the model has."""
    rows = await tx.rows(SQL["logged_model_params"], tx.project, model_id, keys)
    return {row["key"]: row["value"] for row in rows}


async def insert_params(tx: Transaction, model_id: str, params: Mapping[str, str]) -> None:
    """Insert new params of a locked model."""
    keys, values = list(params), list(params.values())
    await tx.execute(SQL["insert_logged_model_params"], tx.project, model_id, keys, values)


async def set_tags(tx: Transaction, model_id: str, tags: Mapping[str, str]) -> None:
    """Set or overwrite tags."""
    keys, values = list(tags), list(tags.values())
    await tx.execute(SQL["set_logged_model_tags"], tx.project, model_id, keys, values)


async def delete_tag(tx: Transaction, model_id: str, key: str) -> bool:
    """Remove a tag; False if there is no such tag."""
    row = await tx.row(SQL["delete_logged_model_tag"], tx.project, model_id, key)
    return row is not None


async def read(tx: Transaction, model_ids: Sequence[str]) -> bytes:
    """Return whole models as JSON objects, comma-separated, in the order of the ids."""
    text: bytes = await tx.value(SQL["read_logged_models"], tx.project, model_ids)
    return text

"""Registered models and their tags, and whole models as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import UniqueViolationError

from shared.contracts.views import ModelStage
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.registry.sql", "registered_models")


@dataclass(frozen=True, slots=True)
class FoundModel:
    """An existing model; ``prompt`` is the value of its tag ``mlflow.prompt.is_prompt``."""

    registered_model_id: UUID
    prompt: str | None


async def create(tx: Transaction, name: str, description: str, tags: Mapping[str, str]) -> bool:
    """Insert a model; False if the name is taken. Its id is the command's."""
    keys, values = list(tags), list(tags.values())
    row = await tx.row(
        SQL["create_registered_model"],
        tx.project,
        tx.envelope.id,
        name,
        description,
        now(),
        keys,
        values,
    )
    return row is not None


async def find(tx: Transaction, name: str) -> FoundModel | None:
    """Find a model by its name."""
    row = await tx.row(SQL["find_registered_model"], tx.project, name)
    return FoundModel(row["registered_model_id"], row["prompt"]) if row else None


async def lock_name(tx: Transaction, name: str) -> None:
    """Reserve a name until the transaction ends: others that create or rename a model wait for it."""
    await tx.value(SQL["lock_model_name"], tx.project, name)


async def lock(tx: Transaction, name: str) -> UUID | None:
    """Lock a model until the transaction ends, so that its set of versions stays; return its id.

    The next statement sees what other transactions committed while this one waited for the lock.
    """
    model_id: UUID | None = await tx.value(SQL["lock_registered_model"], tx.project, name)
    return model_id


async def rename(tx: Transaction, model_id: UUID, name: str) -> bool:
    """Rename a model; False if another model has just taken the name."""
    try:
        await tx.execute(SQL["rename_registered_model"], tx.project, model_id, name, now())
    except UniqueViolationError:
        # PostgreSQL accepts no further statement in this transaction, so the caller must raise.
        return False
    return True


async def update(tx: Transaction, name: str, description: str) -> UUID | None:
    """Replace the description and return the model's id; None if there is no such model."""
    return await _changed(tx, "update_registered_model", name, description, now())


async def delete(tx: Transaction, name: str) -> UUID | None:
    """Delete a model with its versions, tags and aliases; return its id, None if there is no such model."""
    return await _changed(tx, "delete_registered_model", name)


async def set_tag(tx: Transaction, name: str, key: str, value: str) -> UUID | None:
    """Set or overwrite a tag and return the model's id; None if there is no such model."""
    return await _changed(tx, "set_registered_model_tag", name, key, value)


async def _changed(tx: Transaction, query: str, name: str, *values: object) -> UUID | None:
    row = await tx.row(SQL[query], tx.project, name, *values)
    return row["registered_model_id"] if row else None


async def delete_tag(tx: Transaction, model_id: UUID, key: str) -> bool:
    """Remove a tag; False if there is no such tag."""
    row = await tx.row(SQL["delete_registered_model_tag"], tx.project, model_id, key)
    return row is not None


async def latest_versions(
    tx: Transaction, model_id: UUID, stages: Sequence[ModelStage]
) -> list[int]:
    """Return the number of the newest version in each stage; a stage without versions gives none."""
    rows = await tx.rows(SQL["latest_versions"], tx.project, model_id, list(stages))
    return [row["version"] for row in rows]


async def read(tx: Transaction, model_ids: Sequence[UUID]) -> bytes:
    """Return whole models as the dialect's JSON objects, comma-separated, in the order of the ids."""
    text: bytes = await tx.value(
        SQL["read_registered_models"], tx.project, model_ids, list(ModelStage), tx.envelope.dialect
    )
    return text

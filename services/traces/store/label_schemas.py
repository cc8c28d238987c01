"""Label schemas, without the default question, which has no row."""

from collections.abc import Sequence

from asyncpg import Record

from services.traces.replies.reviewed_pages import Bounds
from shared.contracts.label_schemas import CreateLabelSchema, UpdateLabelSchema
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "label_schemas")


async def insert(
    tx: Transaction, schema_id: str, experiment_id: int, new: CreateLabelSchema, time: int
) -> Record | None:
    """Insert a label schema; None if its name is taken."""
    return await tx.row(
        SQL["insert_label_schema"],
        tx.project,
        schema_id,
        experiment_id,
        new.name,
        new.type,
        new.instruction,
        new.enable_comment,
        new.input.model_dump_json(exclude_none=True),
        time,
    )


async def find(tx: Transaction, schema_id: str) -> Record | None:
    """Return a label schema."""
    return await tx.row(SQL["find_label_schema"], tx.project, schema_id)


async def lock(tx: Transaction, schema_id: str) -> Record | None:
    """Lock and return a label schema."""
    return await tx.row(SQL["lock_label_schema"], tx.project, schema_id)


async def find_by_name(tx: Transaction, experiment_id: int, name: str) -> Record | None:
    """Return the label schema with a name."""
    return await tx.row(SQL["find_label_schema_by_name"], tx.project, experiment_id, name)


async def page(tx: Transaction, experiment_id: int, bounds: Bounds) -> list[Record]:
    """Return the rows of a page, and one more if another page follows."""
    values = (tx.project, experiment_id, *bounds.after, bounds.limit + 1)
    return await tx.rows(SQL["list_label_schemas"], *values)


async def known(tx: Transaction, experiment_id: int, schema_ids: Sequence[str]) -> set[str]:
    """Return those of some ids that are label schemas of an experiment."""
    values = (tx.project, experiment_id, list(schema_ids))
    rows = await tx.rows(SQL["known_label_schemas"], *values)
    return {row["schema_id"] for row in rows}


async def update(tx: Transaction, cmd: UpdateLabelSchema, time: int) -> Record:
    """Change a locked label schema. Raises UniqueViolationError if another one has just taken the name."""
    given = None if cmd.input is None else cmd.input.model_dump_json(exclude_none=True)
    values = (cmd.name, cmd.instruction, cmd.enable_comment, given, time)
    (row,) = await tx.rows(SQL["update_label_schema"], tx.project, cmd.schema_id, *values)
    return row


async def delete(tx: Transaction, schema_id: str) -> None:
    """Delete a label schema."""
    await tx.execute(SQL["delete_label_schema"], tx.project, schema_id)

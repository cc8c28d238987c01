"""Deletes, in portions, the scorers and reviews of purged experiments, and the items of deleted review queues."""

from asyncpg import Pool, Record

from services.traces.store import label_schemas, review_items, review_queues, scorers
from shared.postgres.connection import AnyConnection

_OF_EXPERIMENT = (
    # Versions are found by their scorers.
    scorers.SQL["purge_scorer_versions"],
    scorers.SQL["purge_scorers"],
    label_schemas.SQL["purge_label_schemas"],
    review_queues.SQL["purge_review_queues"],
)


async def delete_some(
    connection: AnyConnection, project: int, experiment_id: int, most: int
) -> int:
    """Delete a portion of what an experiment has. Returns the number of rows; fewer than ``most``: nothing is left."""
    await connection.execute(
        review_queues.SQL["lock_purged_review_queues"].sql, project, experiment_id, most
    )
    for statement in _OF_EXPERIMENT:
        status = await connection.execute(statement.sql, project, experiment_id, most)
        if _count(status) >= most:
            return most
    return 0


async def delete_items(pool: "Pool[Record]", most: int) -> bool:
    """Delete a portion of the items of a deleted queue; False if there is no such queue."""
    queries = review_items.SQL
    async with pool.acquire() as connection, connection.transaction():
        noted = await connection.fetchrow(queries["next_deleted_queue"].sql)
        if noted is None:
            return False
        key = (noted["project_id"], noted["queue_id"])
        status = await connection.execute(queries["delete_some_items"].sql, *key, most)
        if _count(status) < most:
            await connection.execute(queries["finish_deleted_queue"].sql, *key)
        return True


def _count(status: str) -> int:
    """Return the number of rows in what PostgreSQL says of a statement, such as ``DELETE 5``."""
    return int(status.rpartition(" ")[2])

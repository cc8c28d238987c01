"""The database's clock, which all processes of a service share."""

from shared.postgres.connection import AnyConnection

_MILLISECONDS = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


async def database_now(connection: AnyConnection) -> int:
    """Return the database's time in Unix milliseconds."""
    moment: int = await connection.fetchval(_MILLISECONDS)
    return moment

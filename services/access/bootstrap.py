"""The first administrator's token: the operator gives it, or the first start creates it."""

import asyncpg

from shared.contracts.token_digests import digest_of, new_token
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.queries import load_queries
from shared.runtime.clock import now

SQL = load_queries("services.access.sql", "bootstrap")

SCHEMA = "access"


async def ensure_root_token(dsn: str, given: str = "") -> str | None:
    """Migrate the schema and give the first administrator a token if there is none.

    ``given`` is stored as one of this user's tokens; a revoked token stays revoked. Without ``given`` the very first
    start creates a token and returns it: it can't be read later. Raises NewerSchemaError, OSError.
    """
    await migrate(dsn, SCHEMA, service_migrations(SCHEMA))
    connection = await asyncpg.connect(dsn, server_settings={"search_path": SCHEMA})
    try:
        async with connection.transaction():
            await connection.execute(SQL["lock_root"].sql)
            if not given and await connection.fetchval(SQL["has_token"].sql):
                return None
            token = given or new_token()
            digest = bytes.fromhex(digest_of(token))
            name = "WARREN_ROOT_TOKEN" if given else "first start"
            await connection.execute(SQL["insert_root_token"].sql, digest, name, now())
            return None if given else token
    finally:
        await connection.close()

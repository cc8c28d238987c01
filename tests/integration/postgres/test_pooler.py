"""PgBouncer in front of PostgreSQL: used where a session is a session, else refused with a sentence."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local.embedded.account import nobody
from deploy.local.embedded.process import ChildProcess, Program, free_ports
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.pool import ConnectionOptions
from shared.postgres.pooler import PoolerError

TRACKING = service_migrations("tracking")
SETTINGS = ConnectionOptions("tracking", "").settings
IGNORE = f"ignore_startup_parameters = {','.join(SETTINGS)}"

pytestmark = pytest.mark.skipif(not shutil.which("pgbouncer"), reason="PgBouncer is not installed")

Pooler: TypeAlias = Callable[[str, str], AbstractAsyncContextManager[str]]


@pytest.fixture
async def pgbouncer(database_dsn: str, open_directory: Path) -> Pooler:
    parts = urlsplit(database_dsn)

    @asynccontextmanager
    async def running(mode: str, line: str = "") -> AsyncIterator[str]:
        (port,) = free_ports(1)
        users = open_directory / "users.txt"
        users.write_text(f'"{parts.username}" "{parts.password}"\n')
        config = open_directory / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={parts.port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {users}\npool_mode = {mode}\n{line}\n"
        )
        # As PostgreSQL, it does not run as root.
        account = nobody() if os.geteuid() == 0 else None
        if account:
            for path in (users, config):
                os.chown(path, account.uid, account.gid)
        process = ChildProcess(
            Program(
                name="pgbouncer",
                arguments=["pgbouncer", str(config)],
                log=open_directory / "log",
                account=account,
            )
        )
        await process.start()

        async def listening() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await process.wait_until(listening, 10.0)
        yield database_dsn.replace(f":{parts.port}/", f":{port}/")
        await process.kill()

    return running


async def tables(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    count = await connection.fetchval(
        "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'tracking')"
    )
    await connection.close()
    return int(count)


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize(
    ("line", "reason"),
    [("", "unsupported startup parameter"), (IGNORE, "settings .search_path.")],
    ids=["default", "ignoring"],
)
async def test_a_pooler_that_drops_settings_is_refused_before_anything_is_made(
    database_dsn: str, pgbouncer: Pooler, mode: str, line: str, reason: str
) -> None:
    async with pgbouncer(mode, line) as dsn:
        with pytest.raises(PoolerError, match=f"PgBouncer.*{reason}.*give it PostgreSQL's own"):
            await migrate(dsn, "tracking", TRACKING)
    assert await tables(database_dsn) == 0


async def test_a_pooler_of_transactions_is_refused_and_one_of_sessions_is_used(
    database_dsn: str, pgbouncer: Pooler
) -> None:
    connection = await asyncpg.connect(database_dsn)
    database = urlsplit(database_dsn).path[1:]
    for name, value in SETTINGS.items():
        # What the pooler drops, the database sets.
        await connection.execute(f"ALTER DATABASE {database} SET {name} = '{value}'")
    await connection.close()
    async with pgbouncer("transaction", IGNORE) as dsn:
        with pytest.raises(PoolerError, match="another session for each transaction"):
            await migrate(dsn, "tracking", TRACKING)
    assert await tables(database_dsn) == 0
    async with pgbouncer("session", IGNORE) as dsn:
        assert await migrate(dsn, "tracking", TRACKING) == len(TRACKING)

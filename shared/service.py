"""A service on PostgreSQL and the bus: its parts, opened and closed in order."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog
from asyncpg import Pool, Record

from shared.bus import inbox, outbox
from shared.bus.executor import Executor
from shared.bus.transport import Transport
from shared.bus.worker import Worker
from shared.database.migrations import migrate, service_migrations
from shared.database.pool import open_pool
from shared.database.transaction import Handlers

log = structlog.get_logger()

INBOX_MEMORY = timedelta(hours=24)
"""How long a repeated ``Idempotency-Key`` or frame is recognised."""

PRUNE_INTERVAL = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What a service needs to know, whatever its own settings are called.

    ``command_frames`` and ``query_frames`` bound the frames that are worked on at a time.
    """

    name: str
    dsn: str
    schema: str
    pool_size: int
    command_frames: int
    query_frames: int


class PostgresService:
    """A running service; made by ``start``, ended by ``close``."""

    def __init__(
        self, pool: "Pool[Record]", worker: Worker, background: list[asyncio.Task[None]]
    ) -> None:
        self._pool = pool
        self._worker = worker
        self._background = background

    @classmethod
    async def start(
        cls, settings: ServiceSettings, handlers: Handlers, transport: Transport
    ) -> "PostgresService":
        """Migrate the schema, open the pool, consume. Raises NewerSchemaError, OSError."""
        await migrate(settings.dsn, settings.schema, service_migrations(settings.name))
        pool = await open_pool(
            settings.dsn,
            schema=settings.schema,
            size=settings.pool_size,
            application_name=f"warren-{settings.name}",
        )
        worker = Worker(
            transport,
            settings.name,
            Executor(pool, handlers),
            command_frames=settings.command_frames,
            query_frames=settings.query_frames,
        )
        await worker.start()
        background = [
            asyncio.create_task(outbox.relay(pool, transport), name="outbox-relay"),
            asyncio.create_task(_prune(pool), name="inbox-prune"),
        ]
        log.info("service_started", schema=settings.schema)
        return cls(pool, worker, background)

    async def close(self) -> None:
        """Finish what was begun, then leave the broker and the database."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._worker.drain()
        await self._pool.close()
        log.info("service_stopped")


async def _prune(pool: "Pool[Record]") -> None:
    """Forget old inbox rows, until cancelled."""
    while True:
        try:
            await pool.execute(inbox.SQL["prune"], INBOX_MEMORY)
        except Exception:
            log.exception("inbox_prune_failed")
        await asyncio.sleep(PRUNE_INTERVAL)

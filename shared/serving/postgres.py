"""Composes a service on PostgreSQL and the bus, and opens and closes its parts in order."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog
from asyncpg import Pool, Record

from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.topology import ASKS, Layout
from shared.messaging.transport import Transport
from shared.messaging.worker import Worker
from shared.postgres import inbox, outbox
from shared.postgres.diagnosis import with_replicas_diagnosed
from shared.postgres.event_executor import EventExecutor
from shared.postgres.executor import Executor
from shared.postgres.explaining import explain_postgres_errors
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.pool import ConnectionOptions, open_pool
from shared.postgres.replicas import Replicas
from shared.runtime.health import Checks
from shared.runtime.settings import PREFIX, PostgresServiceSettings, ProcessSettings
from shared.runtime.tasks import cancel_and_wait
from shared.serving.process import process, run_until_signalled, serve_until_signalled
from shared.tracing.hooks import OFF, Tracing

log = structlog.get_logger()

INBOX_MEMORY = timedelta(hours=24)
"""How long a repeated ``Idempotency-Key`` or frame is recognised: the age up to which inbox rows are kept."""

PRUNE_INTERVAL = 600.0


class PostgresService:
    """A running service. ``start`` creates it, ``close`` ends it."""

    def __init__(
        self,
        pool: "Pool[Record]",
        executor: Executor,
        worker: Worker,
        bus: BusClient | None,
        background: list[asyncio.Task[None]],
    ) -> None:
        self._pool = pool
        self._executor = executor
        self._worker = worker
        self._bus = bus
        self._background = background

    @classmethod
    async def start(
        cls,
        name: str,
        settings: PostgresServiceSettings,
        handlers: PostgresHandlers,
        connect: Callable[[], Transport],
        tracing: Tracing = OFF,
    ) -> "PostgresService":
        """Migrate the service's schema, which has the service's name, open the pool, and consume.

        ``connect`` returns a transport that is not started yet. A service that calls other services has a
        second transport for its calls, so that their answers never wait behind its own work.
        Raises NewerSchemaError, OSError.
        """
        await migrate(settings.dsn, name, service_migrations(name))
        pool = await open_pool(
            settings.dsn,
            schema=name,
            size=settings.pool_size,
            application_name=f"warren-{name}",
            query_logger=tracing.query_logger,
        )
        bus = None
        if ASKS.get(name):
            bus = BusClient(connect())
            await bus.start()
        replicas = None
        if settings.replica_dsns:
            options = ConnectionOptions(name, f"warren-{name}-reader", tracing.query_logger)
            replicas = await Replicas.open(
                settings.dsn, settings.replica_dsns, options, settings.pool_size
            )
            handlers = with_replicas_diagnosed(handlers, replicas)
        executor = Executor(
            pool,
            handlers,
            tracing.bus(bus) if bus else None,
            replicas,
            query_timeout=settings.query_timeout,
        )
        transport = connect()
        worker = Worker(
            transport,
            name,
            tracing.processor(executor, name),
            command_frames=settings.command_frames,
            query_frames=settings.query_frames,
        )
        events = tracing.events(EventExecutor(pool, handlers), name) if handlers.events else None
        await worker.start(events)
        background = [
            asyncio.create_task(
                outbox.relay(pool, transport, executor.events_committed), name="outbox-relay"
            ),
            asyncio.create_task(outbox.watch(pool, name), name="outbox-watch"),
            asyncio.create_task(_prune(pool), name="inbox-prune"),
            *(
                asyncio.create_task(task(pool, bus), name=name)
                for name, task in handlers.background.items()
            ),
        ]
        log.info("service_started", name=name)
        return cls(pool, executor, worker, bus, background)

    @property
    def checks(self) -> Checks:
        """The readiness checks of its own connections. The services that it calls are not checked."""
        return {"bus": self._bus_ready, "database": self._database_ready}

    async def _bus_ready(self) -> bool:
        return self._worker.ready and (self._bus is None or self._bus.ready)

    async def _database_ready(self) -> bool:
        return await self._pool.fetchval("SELECT true") is True

    async def close(self) -> None:
        """Finish the work that has begun, then disconnect from the broker and the database."""
        # In this order: the relay publishes through the worker's transport, which `drain` closes, and
        # handlers that are still at work need the bus and the pool. Events that are not published now
        # stay in the outbox.
        await cancel_and_wait(self._background)
        await self._worker.drain()
        await self._executor.close()
        if self._bus:
            await self._bus.close()
        await self._pool.close()
        log.info("service_stopped")


def run_service(
    name: str,
    settings: PostgresServiceSettings,
    handlers: PostgresHandlers,
    common: ProcessSettings,
) -> None:
    """Run the process of a service until SIGTERM or SIGINT, then finish the work that has begun."""
    with process(name, common) as tracing:
        run_until_signalled(_serve(name, settings, handlers, common, tracing))


async def _serve(
    name: str,
    settings: PostgresServiceSettings,
    handlers: PostgresHandlers,
    common: ProcessSettings,
    tracing: Tracing,
) -> None:
    # The queues of the services that it calls are declared too, so services may start in any order.
    services = [name, *ASKS.get(name, ())]
    connect = partial(
        AmqpTransport,
        common.amqp_url,
        party=name,
        services=services,
        layout=Layout(common.transient_queues),
    )

    async def start() -> PostgresService:
        with explain_postgres_errors(f"{PREFIX}{name.upper()}_DSN is its address"):
            return await PostgresService.start(name, settings, handlers, connect, tracing)

    await serve_until_signalled(start, common.monitor)


async def _prune(pool: "Pool[Record]") -> None:
    """Delete old inbox rows, until cancelled."""
    while True:
        try:
            await pool.execute(inbox.SQL["prune"].sql, INBOX_MEMORY)
        except Exception:
            log.exception("inbox_prune_failed")
        await asyncio.sleep(PRUNE_INTERVAL)

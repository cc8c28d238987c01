"""``python -m services.standalone``: all of Warren in one process, on an embedded PostgreSQL."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from pydantic_settings import CliApp

from services.gateway.app import create_app
from services.gateway.server import RunningServer, serve
from services.gateway.settings import Settings as GatewaySettings
from services.standalone.settings import StandaloneSettings
from services.tracking import service as tracking
from services.tracking.settings import TrackingSettings
from shared.bus.client import BusClient
from shared.bus.memory import MemoryBroker, MemoryTransport
from shared.embedded.postgres import EmbeddedPostgres
from shared.process import run_until_signalled, stop_signal
from shared.telemetry import configure_logging

DATABASE = "warren"


@asynccontextmanager
async def database(settings: StandaloneSettings) -> AsyncIterator[str]:
    """Give the DSN of the given PostgreSQL, or of an embedded one for as long as the block runs."""
    if settings.tracking_dsn:
        yield settings.tracking_dsn
        return
    async with EmbeddedPostgres(settings.data / "postgres") as postgres:
        await _create_database(postgres.dsn("postgres"))
        yield postgres.dsn(DATABASE)


async def _create_database(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


@asynccontextmanager
async def warren(settings: StandaloneSettings, dsn: str) -> AsyncIterator[RunningServer]:
    """Run the services and the gateway on the memory transport; closes them in order."""
    broker = MemoryBroker(["tracking"])
    service = await tracking.start(TrackingSettings(tracking_dsn=dsn), MemoryTransport(broker))
    bus = BusClient(MemoryTransport(broker))
    await bus.start()
    gateway = GatewaySettings(host=settings.host, port=settings.port)
    server = await serve(create_app(bus, gateway), gateway)
    try:
        yield server
    finally:
        await server.close()
        await bus.close()
        await service.close()


async def run(settings: StandaloneSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = stop_signal()
    async with database(settings) as dsn, warren(settings, dsn) as server:
        url = f"http://{settings.host}:{server.port}"
        print(  # noqa: T201  # This line is the command's output.
            f"Warren is ready: {url}    (export MLFLOW_TRACKING_URI={url})", flush=True
        )
        await stop.wait()


def main() -> None:
    """Read the settings and run."""
    settings = CliApp.run(StandaloneSettings)
    configure_logging("standalone", settings.log_level)
    try:
        run_until_signalled(run(settings))
    except (OSError, asyncio.CancelledError) as error:
        sys.exit(f"Warren could not start: {error}")


if __name__ == "__main__":
    main()

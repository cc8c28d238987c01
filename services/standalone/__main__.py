"""``python -m services.standalone``: all of Warren in one process, on an embedded PostgreSQL."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from services.gateway.app import create_app
from services.gateway.server import RunningServer, serve
from services.gateway.settings import Settings as GatewaySettings
from services.registry.handlers import HANDLERS as REGISTRY
from services.standalone.settings import StandaloneSettings
from services.tracking.handlers import HANDLERS as TRACKING
from shared.bus.client import BusClient
from shared.bus.memory import MemoryBroker, MemoryTransport
from shared.database.transaction import Handlers
from shared.embedded.postgres import EmbeddedPostgres
from shared.embedded.provision import provision
from shared.process import run_until_signalled, stop_signal
from shared.service import PostgresService
from shared.settings import PostgresServiceSettings, read_settings
from shared.telemetry import configure_logging

POSTGRES_SERVICES: Mapping[str, Handlers] = {"tracking": TRACKING, "registry": REGISTRY}


@asynccontextmanager
async def databases(settings: StandaloneSettings) -> AsyncIterator[Mapping[str, str]]:
    """Give each service's DSN: of the given PostgreSQL, or of an embedded one that the block runs."""
    if settings.postgres_dsn:
        yield dict.fromkeys(POSTGRES_SERVICES, settings.postgres_dsn)
        return
    async with EmbeddedPostgres(settings.data / "postgres") as postgres:
        yield await provision(postgres, POSTGRES_SERVICES)


@asynccontextmanager
async def warren(
    settings: StandaloneSettings, dsns: Mapping[str, str]
) -> AsyncIterator[RunningServer]:
    """Run the services and the gateway on the memory transport; closes them in reverse order."""
    connect = partial(MemoryTransport, MemoryBroker(list(POSTGRES_SERVICES)))
    async with AsyncExitStack() as running:
        for name, handlers in POSTGRES_SERVICES.items():
            service = await PostgresService.start(
                name, PostgresServiceSettings(dsn=dsns[name]), handlers, connect
            )
            running.push_async_callback(service.close)
        bus = BusClient(connect())
        await bus.start()
        running.push_async_callback(bus.close)
        gateway = GatewaySettings(host=settings.host, port=settings.port)
        server = await serve(create_app(bus, gateway), gateway)
        running.push_async_callback(server.close)
        yield server


async def run(settings: StandaloneSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = stop_signal()
    async with databases(settings) as dsns, warren(settings, dsns) as server:
        url = f"http://{settings.host}:{server.port}"
        print(  # noqa: T201  # This line is the command's output.
            f"Warren is ready: {url}    (export MLFLOW_TRACKING_URI={url})", flush=True
        )
        await stop.wait()


def main() -> None:
    """Read the settings and run."""
    settings = read_settings(StandaloneSettings)
    configure_logging("standalone", settings.log_level)
    try:
        run_until_signalled(run(settings))
    except (OSError, asyncio.CancelledError) as error:
        sys.exit(f"Warren could not start: {error}")


if __name__ == "__main__":
    main()

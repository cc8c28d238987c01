"""``python -m services.standalone``: all of Warren in one process, on embedded servers."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial

from services.access.bootstrap import SCHEMA as ACCESS_SCHEMA
from services.access.bootstrap import ensure_root_token
from services.access.handlers import HANDLERS as ACCESS
from services.artifacts import service as artifacts
from services.gateway.app import create_app
from services.gateway.server import RunningServer, serve
from services.gateway.settings import Settings as GatewaySettings
from services.registry.handlers import HANDLERS as REGISTRY
from services.standalone.servers import Servers, servers
from services.standalone.settings import StandaloneSettings
from services.tracking.handlers import HANDLERS as TRACKING
from shared.bus.client import BusClient
from shared.bus.memory import MemoryBroker, MemoryTransport
from shared.database.transaction import Handlers
from shared.monitor import Check, Monitor
from shared.process import run_until_signalled, stop_signal
from shared.projects import ROOT_PROJECT
from shared.service import PostgresService
from shared.settings import PostgresServiceSettings, read_settings
from shared.telemetry import configure_logging
from shared.tracing.hooks import OFF, Tracing
from shared.tracing.start import start_tracing

POSTGRES_SERVICES: Mapping[str, Handlers] = {
    "tracking": TRACKING,
    "registry": REGISTRY,
    ACCESS_SCHEMA: ACCESS,
}


@asynccontextmanager
async def warren(
    settings: StandaloneSettings, under: Servers, monitor: Monitor, tracing: Tracing = OFF
) -> AsyncIterator[RunningServer]:
    """Run the services and the gateway on the memory transport; closes them in reverse order."""
    checks: dict[str, Check] = {}
    connect = partial(MemoryTransport, MemoryBroker([*POSTGRES_SERVICES, artifacts.NAME]))
    async with AsyncExitStack() as running:
        for name, handlers in POSTGRES_SERVICES.items():
            dsn = PostgresServiceSettings(dsn=under.dsns[name])
            service = await PostgresService.start(name, dsn, handlers, connect, tracing)
            running.push_async_callback(service.close)
            checks |= {f"{name}.{check}": ask for check, ask in service.checks.items()}
        storing = await artifacts.ArtifactsService.start(
            under.s3, settings.max_artifact_bytes, connect(), tracing
        )
        running.push_async_callback(storing.close)
        checks |= {f"{artifacts.NAME}.{check}": ask for check, ask in storing.checks.items()}
        bus = BusClient(connect())
        gateway = GatewaySettings(
            host=settings.host,
            port=settings.port,
            max_artifact_bytes=settings.max_artifact_bytes,
            direct_artifacts=settings.direct_artifacts,
            storage_ca_file=under.s3.ca_file,
            http=settings.http,
            access_mode=settings.access_mode,
            gitlab_url=settings.gitlab_url,
        )
        app = create_app(bus, gateway, tracing)
        await bus.start()
        running.push_async_callback(bus.close)
        server = await serve(app, gateway)
        running.push_async_callback(server.close)
        monitor.started(checks)
        running.callback(monitor.leaving)
        yield server


async def run(settings: StandaloneSettings, tracing: Tracing) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = stop_signal()
    async with (
        Monitor().listening(settings.monitor) as monitor,
        servers(settings, POSTGRES_SERVICES) as under,
    ):
        token = await ensure_root_token(under.dsns[ACCESS_SCHEMA], settings.root_token)
        async with warren(settings, under, monitor, tracing) as server:
            print(ready(f"http://{settings.host}:{server.port}", token), flush=True)  # noqa: T201
            await stop.wait()


def ready(url: str, token: str | None) -> str:
    """Return the lines that are the command's output; a token is shown when it was just made."""
    project = f"{url}/api/v4/projects/{ROOT_PROJECT}/ml/mlflow"
    lines = [
        f"Warren is ready: {url}    (export MLFLOW_TRACKING_URI={url})",
        f"As a project of GitLab's: {project}",
    ]
    if token:
        lines.append(
            f"The administrator's token, shown this once: {token}    "
            f"(export MLFLOW_TRACKING_TOKEN={token})"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the settings and run."""
    settings = read_settings(StandaloneSettings)
    configure_logging("standalone", settings.log_level)
    try:
        with closing(start_tracing("standalone", settings.tracing)) as tracing:
            run_until_signalled(run(settings, tracing))
    except* (OSError, asyncio.CancelledError) as errors:
        sys.exit("\n".join(f"Warren could not start: {error}" for error in errors.exceptions))


if __name__ == "__main__":
    main()

"""``python -m deploy.local.standalone``: all of Warren in one process, with embedded servers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module

from deploy.local.standalone.servers import Servers, servers
from deploy.local.standalone.settings import StandaloneSettings
from deploy.services import POSTGRES_SERVICES
from services.access.bootstrap import SCHEMA as ACCESS_SCHEMA
from services.access.bootstrap import ensure_root_token
from services.artifacts import service as artifacts
from services.gateway.app import create_app
from services.gateway.http.server import RunningServer, serve
from services.gateway.http.tls import server_context
from services.gateway.http.web_address import hints, url_of
from services.gateway.settings import Settings as GatewaySettings
from services.traces.handlers import handlers as traces_handlers
from shared.contracts.root_project import ROOT_PROJECT
from shared.messaging.client import BusClient
from shared.messaging.memory import MemoryBroker, MemoryTransport
from shared.mlflow.trace_retention import retention_of
from shared.postgres.explaining import explain_postgres_errors
from shared.postgres.handlers import PostgresHandlers
from shared.runtime.health import Check, Monitor
from shared.runtime.listening import refuse_taken_port
from shared.runtime.settings import PostgresServiceSettings, read_settings
from shared.runtime.starting import starting
from shared.serving.postgres import PostgresService
from shared.serving.process import process, run_until_signalled, stop_signal
from shared.tracing.hooks import OFF, Tracing

HANDLERS: Mapping[str, PostgresHandlers] = {
    name: import_module(f"services.{name}.handlers").HANDLERS for name in POSTGRES_SERVICES
}


@asynccontextmanager
async def warren(
    settings: StandaloneSettings, under: Servers, monitor: Monitor, tracing: Tracing = OFF
) -> AsyncIterator[RunningServer]:
    """Run the services and the gateway on the memory transport. They are closed in reverse order."""
    checks: dict[str, Check] = {}
    connect = partial(MemoryTransport, MemoryBroker([*POSTGRES_SERVICES, artifacts.NAME]))
    async with AsyncExitStack() as running:
        kept = retention_of(settings.traces_retention, settings.traces_longest_retention)
        for name, handlers in {**HANDLERS, "traces": traces_handlers(kept)}.items():
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
            ui_directory=settings.ui_directory,
            model_prices=settings.model_prices,
        )
        app = create_app(bus, gateway, tracing)
        await bus.start()
        running.push_async_callback(bus.close)
        server = await serve(app, gateway)
        running.push_async_callback(server.close)
        monitor.started(checks)
        running.callback(monitor.drain)
        yield server


async def run(settings: StandaloneSettings, tracing: Tracing) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = stop_signal()
    async with AsyncExitStack() as running:
        with starting():
            refuse_taken_port(settings.host, settings.port)
            server_context(settings.http)
            monitor = await running.enter_async_context(Monitor().listening(settings.monitor))
            under = await running.enter_async_context(servers(settings, POSTGRES_SERVICES))
            with explain_postgres_errors("WARREN_POSTGRES_DSN is its address"):
                token = await ensure_root_token(under.dsns[ACCESS_SCHEMA], settings.root_token)
                server = await running.enter_async_context(
                    warren(settings, under, monitor, tracing)
                )
        print(ready(settings, server.port, token), flush=True)
        await stop.wait()


def ready(settings: StandaloneSettings, port: int, token: str | None) -> str:
    """Return the output of the command. It has the administrator's token if this start created it."""
    url = url_of(settings.host, port, settings.http)
    project = f"{url}/api/v4/projects/{ROOT_PROJECT}/ml/mlflow"
    lines = [
        f"Warren is ready: {url}    (export MLFLOW_TRACKING_URI={url})",
        f"As a project of GitLab's: {project}",
        *hints(settings.host, port, settings.http),
    ]
    if token:
        lines.append(
            f"The administrator's token, shown this once: {token}    "
            f"(export MLFLOW_TRACKING_TOKEN={token})"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the settings and run Warren."""
    settings = read_settings(StandaloneSettings)
    with process("standalone", settings, "Warren") as tracing:
        run_until_signalled(run(settings, tracing))


if __name__ == "__main__":
    main()

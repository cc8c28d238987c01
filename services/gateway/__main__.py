"""``python -m services.gateway``: runs the gateway between HTTP clients and RabbitMQ."""

import asyncio
from contextlib import AsyncExitStack

import structlog

from services.gateway.app import create_app
from services.gateway.http.health import checks
from services.gateway.http.server import serve
from services.gateway.mlflow.endpoints import ENDPOINTS
from services.gateway.settings import Settings
from shared.contracts.access import Authorize
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.topology import GATEWAY, Layout
from shared.runtime.health import Monitor
from shared.runtime.settings import read_settings
from shared.runtime.starting import starting
from shared.runtime.tasks import cancel_and_wait
from shared.serving.process import process, run_until_signalled, stop_signal
from shared.tracing.hooks import Tracing

SERVICES = sorted({Authorize.service, *(endpoint.contract.service for endpoint in ENDPOINTS)})

_log = structlog.get_logger(__name__)


async def run(settings: Settings, tracing: Tracing) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests under way and stop."""
    leave = stop_signal()
    layout = Layout(settings.transient_queues)
    transport = AmqpTransport(settings.amqp_url, party=GATEWAY, services=SERVICES, layout=layout)
    bus = BusClient(transport)
    async with AsyncExitStack() as running:
        with starting():
            monitor = await running.enter_async_context(Monitor().listening(settings.monitor))
            server = await serve(create_app(bus, settings, tracing), settings)
        monitor.started(checks(bus))
        _log.info("gateway_started", host=settings.host, port=server.port)
        # HTTP starts before RabbitMQ is connected: until then the probes answer and other requests get 429.
        connecting = asyncio.create_task(_connect(bus, leave))
        await leave.wait()
        monitor.drain()
        await server.close()
        failed = connecting.done() and connecting.exception()
        await cancel_and_wait([connecting])
        await bus.close()
        if failed:
            raise failed
    _log.info("gateway_stopped")


async def _connect(bus: BusClient, leave: asyncio.Event) -> None:
    """Start the bus. After an error that no retry mends, stop the process with that error."""
    try:
        await bus.start()
    except Exception:
        leave.set()
        raise


def main() -> None:
    """Read the settings and run the gateway."""
    settings = read_settings(Settings)
    with process("gateway", settings) as tracing:
        run_until_signalled(run(settings, tracing))


if __name__ == "__main__":
    main()

"""``python -m services.tracking``: RabbitMQ on one side, PostgreSQL on the other."""

from pydantic_settings import CliApp

from services.tracking.service import start
from services.tracking.settings import TrackingSettings
from shared.bus.amqp import AmqpTransport
from shared.process import run_until_signalled, stop_signal
from shared.telemetry import configure_logging


async def run(settings: TrackingSettings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is under way and leave."""
    stop = stop_signal()
    transport = AmqpTransport(settings.amqp_url, name="tracking", services=["tracking"])
    service = await start(settings, transport)
    await stop.wait()
    await service.close()


def main() -> None:
    """Read the settings and run."""
    settings = CliApp.run(TrackingSettings)
    configure_logging("tracking", settings.log_level)
    run_until_signalled(run(settings))


if __name__ == "__main__":
    main()

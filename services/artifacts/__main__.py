"""``python -m services.artifacts``: RabbitMQ on one side, an S3 server on the other."""

from services.artifacts.service import NAME, ArtifactsService
from services.artifacts.settings import ArtifactsSettings
from shared.bus.amqp import AmqpTransport
from shared.process import run_until_signalled, serve_until_signalled
from shared.settings import read_settings
from shared.telemetry import configure_logging


async def run(settings: ArtifactsSettings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is under way and leave."""
    transport = AmqpTransport(settings.amqp_url, name=NAME, services=[NAME])
    limit = settings.max_artifact_bytes
    await serve_until_signalled(
        lambda: ArtifactsService.start(settings.s3, limit, transport), settings.monitor
    )


def main() -> None:
    """Read the settings and run."""
    settings = read_settings(ArtifactsSettings)
    configure_logging(NAME, settings.log_level)
    run_until_signalled(run(settings))


if __name__ == "__main__":
    main()

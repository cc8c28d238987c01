"""``python -m services.artifacts``: the process of the artifacts service, between RabbitMQ and an S3 server."""

from services.artifacts.service import NAME, ArtifactsService
from services.artifacts.settings import ArtifactsSettings
from shared.messaging.amqp import AmqpTransport
from shared.messaging.topology import Layout
from shared.runtime.settings import read_settings
from shared.serving.process import process, run_until_signalled, serve_until_signalled
from shared.tracing.hooks import Tracing


async def run(settings: ArtifactsSettings, tracing: Tracing) -> None:
    """Serve until SIGTERM or SIGINT, then finish the work in progress."""
    layout = Layout(settings.transient_queues)
    transport = AmqpTransport(settings.amqp_url, party=NAME, services=[NAME], layout=layout)
    limit = settings.max_artifact_bytes
    await serve_until_signalled(
        lambda: ArtifactsService.start(settings.s3, limit, transport, tracing), settings.monitor
    )


def main() -> None:
    """Read the settings and run the service."""
    settings = read_settings(ArtifactsSettings)
    with process(NAME, settings) as tracing:
        run_until_signalled(run(settings, tracing))


if __name__ == "__main__":
    main()

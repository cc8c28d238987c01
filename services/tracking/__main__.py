"""``python -m services.tracking``: RabbitMQ on one side, PostgreSQL on the other."""

from services.tracking.handlers import HANDLERS
from services.tracking.settings import TrackingSettings
from shared.runtime.settings import read_settings
from shared.serving.postgres import run_service


def main() -> None:
    """Read the settings and run."""
    settings = read_settings(TrackingSettings)
    run_service("tracking", settings.tracking, HANDLERS, settings)


if __name__ == "__main__":
    main()

"""``python -m services.traces``: RabbitMQ on one side, PostgreSQL on the other."""

from services.traces.handlers import handlers
from services.traces.settings import TracesSettings
from shared.runtime.settings import read_settings
from shared.serving.postgres import run_service


def main() -> None:
    """Read the settings and run."""
    settings = read_settings(TracesSettings)
    run_service("traces", settings.traces, handlers(settings.traces.kept), settings)


if __name__ == "__main__":
    main()

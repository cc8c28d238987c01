"""``python -m services.registry``: RabbitMQ on one side, PostgreSQL on the other."""

from services.registry.handlers import HANDLERS
from services.registry.settings import RegistrySettings
from shared.runtime.settings import read_settings
from shared.serving.postgres import run_service


def main() -> None:
    """Read the settings and run."""
    settings = read_settings(RegistrySettings)
    run_service("registry", settings.registry, HANDLERS, settings)


if __name__ == "__main__":
    main()

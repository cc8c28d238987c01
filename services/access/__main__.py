"""``python -m services.access``: the process of the access service, between RabbitMQ and PostgreSQL."""

import asyncio
import sys

from services.access.bootstrap import SCHEMA, ensure_root_token
from services.access.handlers import HANDLERS
from services.access.settings import AccessSettings
from shared.postgres.explaining import explain_postgres_errors
from shared.runtime.settings import read_settings
from shared.runtime.starting import exit_on_start_error
from shared.serving.postgres import run_service


def main() -> None:
    """Read the settings, print a new administrator's token, and run the service."""
    settings = read_settings(AccessSettings)
    with exit_on_start_error(SCHEMA), explain_postgres_errors("WARREN_ACCESS_DSN is its address"):
        token = asyncio.run(ensure_root_token(settings.access.dsn, settings.root_token))
    if token:
        # Printed and not logged, because logs contain no secrets.
        print(first_token(token), file=sys.stderr, flush=True)  # noqa: T201
    run_service(SCHEMA, settings.access, HANDLERS, settings)


def first_token(token: str) -> str:
    """Return the line that shows a new token to the operator, once."""
    return f"The administrator's token, shown this once: {token}"


if __name__ == "__main__":
    main()

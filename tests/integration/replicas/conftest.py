"""A primary with the schemas of tracking and registry, and its standby."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from shared.postgres.migrate import migrate, service_migrations
from tests.standby import Standby


@pytest.fixture(scope="package")
async def primary(server_directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(server_directory / "primary", fsync=False) as server:
        for name in ("tracking", "registry"):
            await migrate(server.dsn("postgres"), name, service_migrations(name))
        yield server


@pytest.fixture(scope="package")
async def standby(server_directory: Path, primary: EmbeddedPostgres) -> AsyncIterator[Standby]:
    async with Standby(server_directory / "standby", primary) as server:
        yield server

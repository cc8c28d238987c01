"""Fixtures of whole Warrens, for the folders whose tests speak HTTP; their conftest.py imports what they need."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from tests.web_server import WebServer, stack, standalone


@asynccontextmanager
async def running(server: WebServer) -> AsyncIterator[WebServer]:
    """Run a server for as long as the block runs."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def running_stack(
    directory: Path, postgres: EmbeddedPostgres, rabbitmq: EmbeddedRabbitMQ, **processes: Any
) -> AsyncIterator[WebServer]:
    """Run a stack on the session's PostgreSQL and RabbitMQ, in a database and a virtual host of its own."""
    name = directory.name.replace("-", "_")
    connection = await asyncpg.connect(postgres.dsn("postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    await rabbitmq.add_vhosts([name])
    described = stack(directory, postgres.dsn(name), rabbitmq.vhost_url(name), **processes)
    async with running(described) as server:
        yield server


@pytest.fixture(scope="session")
async def standalone_warren(
    tmp_path_factory: pytest.TempPathFactory, server_directory: Path
) -> AsyncIterator[WebServer]:
    """Run what `make run` runs; it brings its own PostgreSQL."""
    async with running(
        standalone(_folder(tmp_path_factory, server_directory, "standalone"))
    ) as server:
        yield server


@pytest.fixture(scope="session")
async def stack_warren(
    tmp_path_factory: pytest.TempPathFactory,
    server_directory: Path,
    postgres: EmbeddedPostgres,
    rabbitmq: EmbeddedRabbitMQ,
) -> AsyncIterator[WebServer]:
    """Run what `make stack` runs, with two workers of each service."""
    folder = _folder(tmp_path_factory, server_directory, "stack")
    async with running_stack(folder, postgres, rabbitmq, tracking=2, registry=2) as server:
        yield server


def _folder(factory: pytest.TempPathFactory, parent: Path, name: str) -> Path:
    """Make a new folder in one that the user `nobody` can reach."""
    folder = parent / factory.mktemp(name).name
    folder.mkdir(mode=0o755)
    return folder

"""Real servers for the tests: one PostgreSQL and one RabbitMQ for the whole session, each started at its first use."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.embedded.postgres import EmbeddedPostgres
from shared.embedded.rabbitmq import EmbeddedRabbitMQ

CACHE = Path(__file__).parent.parent / ".warren/cache/rabbitmq"
VHOST_BATCH = 20
"""A call of rabbitmqctl takes a second, whatever it does, so virtual hosts are made in batches."""


@pytest.fixture(scope="session")
def server_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory that the user `nobody` can reach, as PostgreSQL needs where the tests run as root."""
    directory = tmp_path_factory.mktemp("servers")
    for parent in (directory, *directory.parents):
        if parent == Path("/tmp"):
            break
        parent.chmod(parent.stat().st_mode | 0o011)
    return directory


@pytest.fixture(scope="session")
async def postgres(server_directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(server_directory / "postgres", fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def _numbers() -> itertools.count:
    return itertools.count(1)


@pytest.fixture
async def database_dsn(postgres: EmbeddedPostgres, _numbers: itertools.count) -> AsyncIterator[str]:
    """Give each test an empty database of its own."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres.dsn(name)
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture(scope="session")
async def rabbitmq(server_directory: Path) -> AsyncIterator[EmbeddedRabbitMQ]:
    async with EmbeddedRabbitMQ(server_directory / "rabbitmq", CACHE) as node:
        yield node


@pytest.fixture(scope="session")
def _vhosts() -> list[str]:
    return []


@pytest.fixture
async def amqp_vhost_url(
    rabbitmq: EmbeddedRabbitMQ, _vhosts: list[str], _numbers: itertools.count
) -> str:
    """Give each test an empty virtual host of its own."""
    if not _vhosts:
        _vhosts.extend(f"test_{next(_numbers)}" for _ in range(VHOST_BATCH))
        await rabbitmq.add_vhosts(_vhosts)
    return rabbitmq.vhost_url(_vhosts.pop())

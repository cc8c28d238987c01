"""Real servers for the tests: one PostgreSQL, RabbitMQ and S3 a session, started when asked for."""

import gc
import itertools
import logging
import re
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import asyncpg
import pytest
import structlog
from xdist.scheduler import LoadScopeScheduling

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from deploy.local.embedded.s3 import EmbeddedS3
from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import connect
from tests.service_pools import registry_pool, service_pools, traces_pool, tracking_pool

__all__ = ["registry_pool", "service_pools", "traces_pool", "tracking_pool"]

VHOST_BATCH = 20
"""A call of rabbitmqctl takes a second, whatever it does, so virtual hosts are made in batches."""


SERVERS_OF_CLIENTS = re.compile(r"tests/compat/.*\[.*\b(standalone|stack|project)\b")


class Shares(LoadScopeScheduling):  # type: ignore[misc]
    """Give a file's tests to one worker, but those of stock clients by the server that they need."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        server = SERVERS_OF_CLIENTS.match(nodeid)
        return f"{file}::{server[1]}" if server else file


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> Shares:
    """Share the tests out among the workers of `make test`; it names the long ones first."""
    config.option.loadscopereorder = False
    return Shares(config, log)


def pytest_configure() -> None:
    """Let structlog write plain tracebacks. It would render them with rich, which takes a second each."""
    *processors, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, plain])


def pytest_collection_finish() -> None:
    """Keep what the tests have imported out of every garbage collection.

    A full collection looks at all objects. Of hundreds of thousands almost all live as long as the process, and
    a test that builds the gateway causes one: that would be half of its time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Let a test configure logging, as processes do, and forget it afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, structlog.get_config()
    yield
    root.handlers[:], root.level, sys.excepthook = before[:3]
    structlog.configure(**before[3])
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Return a directory whose parents let `nobody` pass, as PostgreSQL needs under root."""
    with tempfile.TemporaryDirectory(prefix="warren-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """Return a directory like `open_directory`, for the whole session."""
    with tempfile.TemporaryDirectory(prefix="warren-tests-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
async def postgres(server_directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(server_directory / "postgres", fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def _numbers() -> itertools.count:
    return itertools.count(1)


@asynccontextmanager
async def _new_database(server: EmbeddedPostgres, number: int) -> AsyncIterator[str]:
    name = f"test_{number}"
    admin = await asyncpg.connect(server.dsn("postgres"))
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    yield server.dsn(name)
    # The test may have restarted the server, hence a new connection.
    admin = await asyncpg.connect(server.dsn("postgres"))
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def database_dsn(postgres: EmbeddedPostgres, _numbers: itertools.count) -> AsyncIterator[str]:
    """Give each test an empty database of its own."""
    async with _new_database(postgres, next(_numbers)) as dsn:
        yield dsn


@pytest.fixture
async def another_dsn(postgres: EmbeddedPostgres, _numbers: itertools.count) -> AsyncIterator[str]:
    """A second one, for what is restored or upgraded."""
    async with _new_database(postgres, next(_numbers)) as dsn:
        yield dsn


@pytest.fixture(scope="session")
async def rabbitmq(server_directory: Path) -> AsyncIterator[EmbeddedRabbitMQ]:
    async with EmbeddedRabbitMQ(server_directory / "rabbitmq") as node:
        yield node


@pytest.fixture(scope="session")
async def s3(server_directory: Path) -> AsyncIterator[EmbeddedS3]:
    async with EmbeddedS3(server_directory / "s3", bucket="test-*") as server:
        yield server


@pytest.fixture
def storage(s3: EmbeddedS3) -> S3Settings:
    """A bucket of the test's own, and the keys of the user who may use it and make none."""
    bucket = f"test-{secrets.token_hex(8)}"
    administrator = S3Settings(endpoint=s3.endpoint, bucket=bucket, **asdict(s3.credentials))
    connect(administrator, s3.endpoint).make_bucket(bucket)
    return administrator.model_copy(update=asdict(s3.bucket_credentials))


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

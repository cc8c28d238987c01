"""A Warren of many processes on servers that can be stopped, by way of links that can be broken."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from deploy.local.embedded.s3 import EmbeddedS3
from services.artifacts.settings import S3Settings
from tests.faults.proxy import Proxy
from tests.warren_fixtures import running
from tests.web_server import WebServer, stack

NAME = "faults"
PROCESSES: dict[str, Any] = {"gateway": 2, "tracking": 2, "registry": 2, "artifacts": 2}


@dataclass(frozen=True)
class Site:
    """A running Warren, the servers under it, and the links between them."""

    warren: WebServer
    postgres: EmbeddedPostgres
    rabbitmq: EmbeddedRabbitMQ
    s3: EmbeddedS3
    to_postgres: Proxy
    to_rabbitmq: Proxy
    to_s3: Proxy
    storage: S3Settings
    restarts: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.warren.url

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(PROCESSES)

    @property
    def links(self) -> tuple[Proxy, Proxy, Proxy]:
        return self.to_postgres, self.to_rabbitmq, self.to_s3

    def crash_storage(self) -> None:
        """Kill the S3 server at this very moment; it is started again, as under a supervisor."""
        os.killpg(self.s3.pid, signal.SIGKILL)
        self.restarts.append(asyncio.create_task(self._restart_storage()))

    async def _restart_storage(self) -> None:
        await self.s3.kill()
        await self.s3.start()


@pytest.fixture(scope="package")
async def site(
    server_directory, postgres: EmbeddedPostgres, rabbitmq: EmbeddedRabbitMQ, s3: EmbeddedS3
) -> AsyncIterator[Site]:
    connection = await asyncpg.connect(postgres.dsn("postgres"))
    await connection.execute(f"CREATE DATABASE {NAME}")
    await connection.close()
    await rabbitmq.add_vhosts([NAME])
    folder = server_directory / NAME
    folder.mkdir(mode=0o755)
    async with (
        Proxy(postgres.dsn(NAME)) as to_postgres,
        Proxy(rabbitmq.vhost_url(NAME)) as to_rabbitmq,
        Proxy(s3.endpoint) as to_s3,
    ):
        storage = S3Settings(endpoint=to_s3.url, bucket=NAME, **asdict(s3.credentials))
        described = stack(folder, to_postgres.url, to_rabbitmq.url, storage, **PROCESSES)
        async with running(described) as warren:
            made = Site(warren, postgres, rabbitmq, s3, to_postgres, to_rabbitmq, to_s3, storage)
            yield made
            await asyncio.gather(*made.restarts)

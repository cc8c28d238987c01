"""The PostgreSQL and RabbitMQ servers of a comparison, with a database for each peer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from tests.bench.peers import FASTTRACKML, MLFLOW, WARREN
from tests.web_server import ROOT

DATABASES = {WARREN: "warren", MLFLOW: "mlflow", FASTTRACKML: "fasttrackml"}
"""The database of each peer, by its name."""


@dataclass(frozen=True)
class Servers:
    """The running servers. ``dsns`` has the address of each peer's database, by the peer's name."""

    postgres: EmbeddedPostgres
    rabbitmq: EmbeddedRabbitMQ
    dsns: dict[str, str]

    @property
    def amqp_url(self) -> str:
        """The address of RabbitMQ."""
        return self.rabbitmq.url


@asynccontextmanager
async def running_servers(data: Path) -> AsyncIterator[Servers]:
    """Run both servers, with their data below a directory, which may have databases of an earlier run."""
    cache = ROOT / ".warren" / "cache" / "rabbitmq"
    async with (
        EmbeddedPostgres(data / "postgres") as postgres,
        EmbeddedRabbitMQ(data / "rabbitmq", cache) as rabbitmq,
    ):
        connection = await asyncpg.connect(postgres.dsn("postgres"))
        try:
            rows = await connection.fetch("SELECT datname FROM pg_database")
            existing = {row["datname"] for row in rows}
            for database in DATABASES.values():
                if database not in existing:
                    await connection.execute(f"CREATE DATABASE {database}")
        finally:
            await connection.close()
        dsns = {name: postgres.dsn(database) for name, database in DATABASES.items()}
        yield Servers(postgres, rabbitmq, dsns)

"""One of three nodes of RabbitMQ is lost under load: the one that leads tracking's queue of commands.

It takes most of a minute: three nodes start, and one of them twice.
"""

import asyncpg
import pytest

from tests.faults.load import loaded
from tests.faults.rabbitmq_cluster import RabbitMQCluster
from tests.warren_fixtures import running
from tests.web_server import stack

NAME = "clustered"


@pytest.fixture
async def cluster(server_directory):
    (server_directory / NAME).mkdir(mode=0o755)
    async with RabbitMQCluster(server_directory / NAME / "rabbitmq") as cluster:
        yield cluster


@pytest.fixture
async def warren(server_directory, postgres, cluster, monkeypatch):
    connection = await asyncpg.connect(postgres.dsn("postgres"))
    await connection.execute(f"CREATE DATABASE {NAME}")
    await connection.close()
    monkeypatch.setenv("WARREN_TRANSIENT_QUEUES", "quorum")
    folder = server_directory / NAME / "warren"
    described = stack(folder, postgres.dsn(NAME), cluster.url, gateway=2, tracking=2, registry=2)
    async with running(described) as warren:
        yield warren


async def test_the_loss_of_the_leading_node_loses_and_doubles_nothing(warren, cluster):
    async with loaded(warren.url) as load:
        await load.acknowledges(200)
        leader = await cluster.leader("tracking.commands")
        await leader.kill()
        await load.acknowledges(300)
        refusals = load.book.refusals.copy()
        await load.acknowledges(200)
        assert load.book.refusals == refusals, "after the fail-over clients notice nothing"
        await leader.start()
        await cluster.becomes_whole()
        await load.acknowledges(100)

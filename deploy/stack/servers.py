"""The servers under the services: given ones where an address names them, else private ones."""

import asyncio
from dataclasses import dataclass

from deploy.stack.settings import StackSettings
from deploy.stack.supervisor import Supervisor
from shared.embedded.postgres import EmbeddedPostgres
from shared.embedded.progress import announce
from shared.embedded.provision import provision
from shared.embedded.rabbitmq import EmbeddedRabbitMQ


@dataclass(frozen=True)
class Addresses:
    """Where the services find the servers."""

    amqp_url: str
    tracking_dsn: str


async def start_servers(settings: StackSettings, supervisor: Supervisor) -> Addresses:
    """Start what was not given, side by side; the supervisor stops them."""
    async with asyncio.TaskGroup() as group:
        amqp_url = group.create_task(_rabbitmq(settings, supervisor))
        tracking_dsn = group.create_task(_postgres(settings, supervisor))
    return Addresses(amqp_url.result(), tracking_dsn.result())


async def _rabbitmq(settings: StackSettings, supervisor: Supervisor) -> str:
    if settings.amqp_url:
        return settings.amqp_url
    announce("Starting RabbitMQ ...")
    node = EmbeddedRabbitMQ(settings.data / "rabbitmq")
    await node.start()
    supervisor.watch("rabbitmq", node)
    return node.url


async def _postgres(settings: StackSettings, supervisor: Supervisor) -> str:
    if settings.tracking_dsn:
        return settings.tracking_dsn
    announce("Starting PostgreSQL ...")
    server = EmbeddedPostgres(settings.data / "postgres")
    await server.start()
    supervisor.watch("postgres", server)
    return (await provision(server, ["tracking"]))["tracking"]

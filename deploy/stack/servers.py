"""The servers under the services: given ones where an address names them, else private ones."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.stack.settings import POSTGRES_SERVICES, StackSettings
from deploy.stack.supervisor import Supervisor
from shared.embedded.postgres import EmbeddedPostgres
from shared.embedded.progress import announce
from shared.embedded.provision import provision
from shared.embedded.rabbitmq import EmbeddedRabbitMQ


@dataclass(frozen=True)
class Addresses:
    """Where the services find the servers; `dsns` by the service's name."""

    amqp_url: str = ""
    dsns: Mapping[str, str] = field(default_factory=dict)


async def start_servers(settings: StackSettings, supervisor: Supervisor) -> Addresses:
    """Start what was not given, side by side; the supervisor stops them."""
    async with asyncio.TaskGroup() as group:
        amqp_url = group.create_task(_rabbitmq(settings, supervisor))
        dsns = group.create_task(_postgres(settings, supervisor))
    return Addresses(amqp_url.result(), dsns.result())


async def _rabbitmq(settings: StackSettings, supervisor: Supervisor) -> str:
    if settings.amqp_url:
        return settings.amqp_url
    announce("Starting RabbitMQ ...")
    node = EmbeddedRabbitMQ(settings.data / "rabbitmq")
    await node.start()
    supervisor.watch("rabbitmq", node)
    return node.url


async def _postgres(settings: StackSettings, supervisor: Supervisor) -> Mapping[str, str]:
    given = {name: dsn for name in POSTGRES_SERVICES if (dsn := settings.given_dsn(name))}
    missing = [name for name in POSTGRES_SERVICES if name not in given]
    if not missing:
        return given
    announce("Starting PostgreSQL ...")
    server = EmbeddedPostgres(settings.data / "postgres")
    await server.start()
    supervisor.watch("postgres", server)
    return {**given, **await provision(server, missing)}

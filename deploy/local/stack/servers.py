"""The servers that the services need: given ones if a setting has their address, else private ones."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.local.embedded.bucket import BUCKET, provision_bucket
from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.progress import announce
from deploy.local.embedded.provision import provision_services
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from deploy.local.embedded.s3 import EmbeddedS3
from deploy.local.stack.settings import StackSettings
from deploy.local.stack.supervisor import Supervisor
from deploy.services import POSTGRES_SERVICES
from services.artifacts.settings import S3Settings
from shared.messaging.connection import connect
from shared.messaging.declarations import declare_all
from shared.messaging.topology import PARTIES, Layout
from shared.runtime.settings import ProcessSettings, read_environment

SECONDS_TO_CONNECT = 30.0


@dataclass(frozen=True)
class Addresses:
    """Addresses of the servers. `dsns` has one per service, `amqp_urls` one per party.

    `amqp_url` is the administrator's address of RabbitMQ.
    """

    amqp_url: str = ""
    amqp_urls: Mapping[str, str] = field(default_factory=dict)
    dsns: Mapping[str, str] = field(default_factory=dict)
    s3: S3Settings | None = None


async def start_servers(settings: StackSettings, supervisor: Supervisor) -> Addresses:
    """Start the servers that were not given, concurrently. The supervisor stops them."""
    async with asyncio.TaskGroup() as group:
        amqp = group.create_task(_rabbitmq(settings, supervisor))
        dsns = group.create_task(_postgres(settings, supervisor))
        s3 = group.create_task(_s3(settings, supervisor))
    return Addresses(*amqp.result(), dsns.result(), s3.result())


async def _rabbitmq(
    settings: StackSettings, supervisor: Supervisor
) -> tuple[str, Mapping[str, str]]:
    """Return the administrator's address and each party's. A given RabbitMQ has one address for all."""
    if settings.amqp_url:
        return settings.amqp_url, dict.fromkeys(PARTIES, settings.amqp_url)
    announce("Starting RabbitMQ ...")
    node = EmbeddedRabbitMQ(settings.data / "rabbitmq", parties=PARTIES)
    await node.start()
    supervisor.watch("rabbitmq", node)
    async with await connect(node.url, name="stack", seconds=SECONDS_TO_CONNECT) as connection:
        # The stack has no setting for the queues' type. It reads the services' own variable.
        await declare_all(connection, Layout(read_environment(ProcessSettings).transient_queues))
    return node.url, {party: node.url_of(party) for party in PARTIES}


async def _postgres(settings: StackSettings, supervisor: Supervisor) -> Mapping[str, str]:
    given = {name: dsn for name in POSTGRES_SERVICES if (dsn := settings.given_dsn(name))}
    missing = [name for name in POSTGRES_SERVICES if name not in given]
    if not missing:
        return given
    announce("Starting PostgreSQL ...")
    server = EmbeddedPostgres(settings.data / "postgres")
    await server.start()
    supervisor.watch("postgres", server)
    return {**given, **await provision_services(server, missing)}


async def _s3(settings: StackSettings, supervisor: Supervisor) -> S3Settings:
    if settings.s3:
        return settings.s3
    announce("Starting the S3 server ...")
    server = EmbeddedS3(settings.data / "s3", bucket=BUCKET)
    await server.start()
    supervisor.watch("s3", server)
    return await provision_bucket(server)

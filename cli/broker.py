"""Connections of the commands to RabbitMQ: the bus's client, and a plain connection."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractConnection

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.connection import CONNECTION_ERRORS, connect
from shared.messaging.topology import CLI, Layout
from shared.runtime.settings import ProcessSettings

SECONDS_TO_CONNECT = 15.0


def unreachable() -> DomainError:
    """Return the error for an unreachable broker."""
    message = (
        "RabbitMQ can't be reached; WARREN_AMQP_URL says where it is. "
        "(`make run` has none; that of `make stack` is in stack.json among its data.)"
    )
    return DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message)


@asynccontextmanager
async def bus_client(
    settings: ProcessSettings, services: Sequence[str]
) -> AsyncIterator[BusClient]:
    """Open a client that calls these services. Raises DomainError if the broker is unreachable."""
    layout = Layout(settings.transient_queues)
    transport = AmqpTransport(settings.amqp_url, party=CLI, services=services, layout=layout)
    bus = BusClient(transport)
    try:
        try:
            await asyncio.wait_for(bus.start(), SECONDS_TO_CONNECT)
        except TimeoutError:
            raise unreachable() from None
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def connected(settings: ProcessSettings) -> AsyncIterator[AbstractConnection]:
    """Open a connection that declares nothing. Raises DomainError if the broker is unreachable."""
    try:
        connection = await connect(settings.amqp_url, name=CLI, seconds=SECONDS_TO_CONNECT)
    except CONNECTION_ERRORS:
        raise unreachable() from None
    async with connection:
        yield connection

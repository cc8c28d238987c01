"""Declares the topology to RabbitMQ.

Provisioning declares all of it with an administrator's account, and then declares a mark. A process whose
account may declare nothing waits for that mark. Without provisioning, each process declares what it uses.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

from shared.messaging import topology
from shared.messaging.topology import Layout, QueueSpec


class NotProvisionedError(ConnectionError):
    """The topology of this release is not declared, and this account may not declare it."""


def mark(layout: Layout) -> str:
    """Return the name of the exchange that marks a layout as declared.

    The name is the same for both types of transient queues. The layout of another release has another
    name, and both marks may exist.
    """
    specs = [asdict(spec) for spec in layout.queues(topology.SERVICES)]
    lasting = [
        {**spec, "type": "", "arguments": {}} if spec["replaceable"] else spec for spec in specs
    ]
    digest = hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()
    return f"topology.{digest[:16]}"


async def ensure(
    connection: AbstractConnection, party: str, services: Sequence[str], layout: Layout
) -> None:
    """Declare what a party uses, unless the mark shows that it is declared. Raises NotProvisionedError."""
    # The mark costs one round trip at each connection, in place of about fifty declarations.
    try:
        async with connection.channel() as channel:
            await channel.declare_exchange(mark(layout), passive=True)
    except ChannelNotFoundEntity:
        queues = layout.queues(services)
        try:
            async with connection.channel() as channel:
                await declare(connection, channel, layout.exchanges(queues, party), queues)
        except ChannelAccessRefused as error:
            fault = "RabbitMQ lacks the queues of this release: run deploy.provision."
            raise NotProvisionedError(fault) from error


async def declare_all(connection: AbstractConnection, layout: Layout) -> None:
    """Declare the whole topology, and then the mark. Takes an administrator's account."""
    queues = layout.queues(topology.SERVICES)
    exchanges = {name for party in topology.PARTIES for name in layout.exchanges(queues, party)}
    async with connection.channel() as channel:
        await declare(connection, channel, sorted(exchanges), queues)
        # The mark comes last, so it never stands for a topology that is declared in part.
        await channel.declare_exchange(mark(layout), durable=True)


async def declare(
    connection: AbstractConnection,
    channel: AbstractChannel,
    exchanges: Sequence[str],
    queues: Sequence[QueueSpec],
) -> None:
    """Declare exchanges, queues and bindings, and undo retired bindings. Existing ones stay as they are."""
    for name in exchanges:
        await channel.declare_exchange(name, topology.exchange_type(name), durable=True)
    for spec in queues:
        if spec.replaceable:
            await _declare_replaceable(connection, spec)
            queue = await channel.get_queue(spec.name, ensure=False)
        else:
            queue = await _declare_queue(channel, spec)
        for binding in spec.bindings:
            await queue.bind(binding.exchange, binding.key)
        for binding in spec.retired:
            await queue.unbind(binding.exchange, binding.key)


async def _declare_queue(channel: AbstractChannel, spec: QueueSpec) -> aio_pika.abc.AbstractQueue:
    return await channel.declare_queue(spec.name, durable=True, arguments=dict(spec.all_arguments))


async def _declare_replaceable(connection: AbstractConnection, spec: QueueSpec) -> None:
    """Declare a queue that may exist with another type.

    While a setting is changed process by process, some processes want a quorum queue and others a
    classic one. A process that wants a quorum queue replaces a classic one. A process that wants a
    classic queue uses what exists. So the queue does not change back and forth.
    """
    # RabbitMQ closes a channel when it refuses a declaration, so each try has its own channel.
    try:
        async with connection.channel() as channel:
            await _declare_queue(channel, spec)
    except ChannelPreconditionFailed:
        if spec.type == "quorum":
            async with connection.channel() as channel:
                await channel.queue_delete(spec.name)
                await _declare_queue(channel, spec)

"""The topology, as it is declared to RabbitMQ.

Provisioning declares it whole, by an administrator's account, and leaves a mark that says so. A process whose
account may declare nothing waits for that mark; where nobody provisions, each process declares what it uses.
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
    """The account may not declare the topology, and nobody else has declared that of this release."""


def mark(layout: Layout) -> str:
    """Name the exchange that is there once the layout is: the same for each type of transient queues.

    Another release's layout has another name, and both may be there.
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
    """See to it that what a party uses is there. Raises NotProvisionedError."""
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
    """Declare everything, and leave the mark. Takes an administrator's account."""
    queues = layout.queues(topology.SERVICES)
    exchanges = {name for party in topology.PARTIES for name in layout.exchanges(queues, party)}
    async with connection.channel() as channel:
        await declare(connection, channel, sorted(exchanges), queues)
        await channel.declare_exchange(mark(layout), durable=True)


async def declare(
    connection: AbstractConnection,
    channel: AbstractChannel,
    exchanges: Sequence[str],
    queues: Sequence[QueueSpec],
) -> None:
    """Declare exchanges, queues and bindings; what is there already is left as it is."""
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
    """Declare a queue that may be there with another type, on channels that a refusal may cost.

    While processes are given another setting, some want the one type and some the other. Whoever
    wants a replicated queue replaces a single one; whoever does not takes what there is.
    """
    try:
        async with connection.channel() as channel:
            await _declare_queue(channel, spec)
    except ChannelPreconditionFailed:
        if spec.type == "quorum":
            async with connection.channel() as channel:
                await channel.queue_delete(spec.name)
                await _declare_queue(channel, spec)

"""The topology, as it is declared to RabbitMQ by every process that uses it."""

from collections.abc import Sequence

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelPreconditionFailed

from shared.messaging import topology
from shared.messaging.topology import QueueSpec


async def declare(
    connection: AbstractConnection, channel: AbstractChannel, queues: Sequence[QueueSpec]
) -> None:
    """Declare exchanges, queues and bindings; what is there already is left as it is."""
    events = await channel.declare_exchange(
        topology.EVENTS, aio_pika.ExchangeType.TOPIC, durable=True
    )
    dead_letters = await channel.declare_exchange(
        topology.DEAD_LETTERS, aio_pika.ExchangeType.DIRECT, durable=True
    )
    for spec in queues:
        if spec.replaceable:
            await _declare_replaceable(connection, spec)
            continue
        queue = await _declare_queue(channel, spec)
        if spec.dead_letters_of:
            await queue.bind(dead_letters, spec.dead_letters_of)
        for topic in spec.topics:
            await queue.bind(events, topology.binding_key(topic))
        for topic in spec.retired:
            await queue.unbind(events, topology.binding_key(topic))


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

"""Dead letters: lets an operator list, replay and drop them.

A message becomes a dead letter for one of three reasons. Its handler raised an unexpected error, or
its last attempt failed: ``shared.messaging.worker`` then publishes it with the reason. Or it killed one
worker after another until RabbitMQ's delivery limit was reached: RabbitMQ then moves it.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from shared.messaging import topology
from shared.messaging.messages import Frame, decode_frame, encode_frame
from shared.messaging.packing import pack

NO_DEADLINE = 2.0**40
"""Deadline of a replayed command, in Unix seconds. Its sender stopped waiting long ago, so it is never too late."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. ``queue`` is the queue in which it died, and to which a replay sends it.

    ``died`` is in Unix milliseconds. ``names`` are the names of a frame's commands, or an event's
    topic; a message that is neither has no names.
    """

    id: str
    queue: str
    reason: str
    attempts: int
    died: int | None
    names: Sequence[str]
    projects: Sequence[int]
    request_ids: Sequence[str]
    payloads: Sequence[bytes]


class HeldLetter:
    """A dead letter during a pass. It returns to its queue at the end, unless it was replayed or dropped."""

    def __init__(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, queue: str
    ) -> None:
        self._channel = channel
        self._message = message
        self.letter = read_letter(queue, message)

    async def replay(self) -> None:
        """Send the message back to the queue in which it died.

        The original is removed after the broker has confirmed the copy. If this process is killed in
        between, both exist. They have the same id, so the service's inbox makes a second replay harmless.
        """
        copy = aio_pika.Message(
            _without_deadlines(self._message),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=self._message.message_id,
            headers=_topic(self._message.headers),
        )
        requests = topology.exchange_name(topology.CLI, topology.REQUESTS)
        exchange = await self._channel.get_exchange(requests, ensure=False)
        await exchange.publish(copy, routing_key=self.letter.queue, mandatory=True)
        await self._message.ack()

    async def drop(self) -> None:
        """Remove the message for good."""
        await self._message.ack()


_PROJECT = re.compile(r"[0-9]{1,19}")


def queues() -> list[str]:
    """List the queues whose messages may become dead letters."""
    return topology.persistent_queues()


@asynccontextmanager
async def dead_letters(
    connection: AbstractConnection, queue: str
) -> AsyncIterator[AsyncIterator[HeldLetter]]:
    """Iterate once over the dead letters of a queue. A missing queue has none."""
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    try:
        async with aclosing(_held(channel, queue)) as held:
            yield held
    finally:
        # Closing the channel returns every message that was neither replayed nor dropped, in its old place.
        if not channel.is_closed:
            await channel.close()


async def _held(channel: AbstractChannel, queue: str) -> AsyncGenerator[HeldLetter, None]:
    name = topology.dead_letter_queue(queue)
    try:
        declared = await channel.declare_queue(name, passive=True)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return
    # The pass ends after the messages that were there at its start: a replayed message may die again
    # at once, and would otherwise be read for ever.
    for _ in range(declared.declaration_result.message_count or 0):
        message = await declared.get(fail=False)
        if message is None:
            return
        yield HeldLetter(channel, message, queue)


def read_letter(queue: str, message: AbstractIncomingMessage) -> DeadLetter:
    """Describe a message of a dead-letter queue. Its contents may be anything."""
    headers = message.headers
    topic = headers.get(topology.TOPIC_HEADER)
    letter = DeadLetter(
        id=message.message_id or "",
        queue=queue,
        reason=_reason(headers),
        attempts=_int_or_none(headers.get(topology.ATTEMPT_HEADER)) or 0,
        died=_died(headers),
        names=[],
        projects=[],
        request_ids=[],
        payloads=[message.body],
    )
    if topic is not None:
        project, _, name = str(topic).partition(".")
        return replace(
            letter, names=[name], projects=[int(project)] if _PROJECT.fullmatch(project) else []
        )
    frame = _frame(message)
    if frame is None:
        return letter
    return replace(
        letter,
        names=[envelope.name for envelope in frame.envelopes],
        projects=sorted({envelope.project for envelope in frame.envelopes}),
        request_ids=[envelope.request_id for envelope in frame.envelopes],
        payloads=[envelope.payload for envelope in frame.envelopes],
    )


def _frame(message: AbstractIncomingMessage) -> Frame | None:
    try:
        return decode_frame(UUID(hex=message.message_id), message.body)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _without_deadlines(message: AbstractIncomingMessage) -> bytes:
    frame = _frame(message)
    if frame is None:
        return message.body
    timeless = [replace(envelope, deadline=NO_DEADLINE) for envelope in frame.envelopes]
    return pack(encode_frame(replace(frame, envelopes=timeless)))


def _topic(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header that names an event's topic. The others go: attempts are counted from the start."""
    return {key: headers[key] for key in (topology.TOPIC_HEADER,) if key in headers}


def _reason(headers: Mapping[str, Any]) -> str:
    if reason := headers.get(topology.REASON_HEADER):
        return str(reason)
    death = _death(headers)
    if death.get("reason") == "delivery_limit":
        return f"delivered {topology.DELIVERY_LIMIT + 1} times, and each time its worker died"
    return str(death.get("reason", "unknown"))


def _died(headers: Mapping[str, Any]) -> int | None:
    time = _death(headers).get("time")
    if isinstance(time, datetime):
        return int(time.timestamp() * 1000)
    return _int_or_none(headers.get(topology.DIED_HEADER))


def _death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return RabbitMQ's newest ``x-death`` entry.

    A message that a worker gave up has none: the worker publishes it again without headers that are lists.
    """
    deaths = headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict):
        return deaths[0]
    return {}


def _int_or_none(value: object) -> int | None:
    return value if isinstance(value, int) else None

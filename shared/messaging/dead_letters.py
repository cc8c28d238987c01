"""Dead letters: what they are, and how an operator looks at them, sends them back or drops them.

A message dies for one of three reasons: its handler raised what nobody expects, it was given up after
its last attempt (both ``shared.messaging.worker``, which notes why), or RabbitMQ's delivery limit was reached
because it killed worker after worker.
"""

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
"""A replayed command was given up by its sender long ago: nobody is waiting, so it can't be late."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter; ``queue`` is where it died and where it would go back to.

    ``died`` is in Unix milliseconds, ``names`` are those of the commands in a frame, or an event's
    topic. What is not a frame has no names.
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
    """A dead letter in our hands: back in its queue when the pass ends, unless something was done to it."""

    def __init__(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, queue: str
    ) -> None:
        self._channel = channel
        self._message = message
        self.letter = read_letter(queue, message)

    async def replay(self) -> None:
        """Send it back to the queue where it died.

        The broker has confirmed the copy before the original goes. Killed in between, both are
        there: the copy has the same id, so the inbox of its service makes a second replay harmless.
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
        """Forget it."""
        await self._message.ack()


def queues() -> list[str]:
    """List the queues that messages may die in."""
    return topology.lasting_queues()


@asynccontextmanager
async def dead_letters(
    connection: AbstractConnection, queue: str
) -> AsyncIterator[AsyncIterator[HeldLetter]]:
    """Go once through the dead letters of a queue; none if there is no such queue."""
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    try:
        async with aclosing(_held(channel, queue)) as held:
            yield held
    finally:
        # What was neither replayed nor dropped goes back, in its place.
        if not channel.is_closed:
            await channel.close()


async def _held(channel: AbstractChannel, queue: str) -> AsyncGenerator[HeldLetter, None]:
    name = topology.dead_letter_queue(queue)
    try:
        declared = await channel.declare_queue(name, passive=True)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return
    # Not more than were there at the beginning: a replayed one may die again at once.
    for _ in range(declared.declaration_result.message_count or 0):
        message = await declared.get(fail=False)
        if message is None:
            return
        yield HeldLetter(channel, message, queue)


def read_letter(queue: str, message: AbstractIncomingMessage) -> DeadLetter:
    """Describe a message of a queue of dead letters; its contents may be anything."""
    headers = message.headers
    topic = headers.get(topology.TOPIC_HEADER)
    letter = DeadLetter(
        id=message.message_id or "",
        queue=queue,
        reason=_reason(headers),
        attempts=_whole(headers.get(topology.ATTEMPT_HEADER)) or 0,
        died=_died(headers),
        names=[],
        projects=[],
        request_ids=[],
        payloads=[message.body],
    )
    if topic is not None:
        project, _, name = str(topic).partition(".")
        return replace(letter, names=[name], projects=[int(project)] if project.isdigit() else [])
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
    """Keep of the headers what says which event it is; attempts are counted anew."""
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
    return _whole(headers.get(topology.DIED_HEADER))


def _death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return RabbitMQ's own newest note of the death, if it was the one that killed the message."""
    deaths = headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict):
        return deaths[0]
    return {}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None

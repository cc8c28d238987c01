"""A channel to RabbitMQ that costs no task and no queue for each frame; see ``direct_connection``."""

import asyncio
from asyncio import StreamWriter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias, cast

import pamqp.frame
import structlog
from aiormq.exceptions import ChannelClosed, ChannelInvalidStateError, DeliveryError
from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel, Confirm
from pamqp.header import ContentHeader

log = structlog.get_logger()

REMEMBERED = 256
"""The number of exchanges and keys whose frames are cached."""

UNLIMITED_FRAME = 131_072
"""Bytes of the frames that are sent to a broker which limits them not at all (``frame_max`` 0)."""

_AROUND_PAYLOAD = 8
"""Bytes of a frame besides its payload."""


class Message(NamedTuple):
    """A message that the broker has delivered."""

    delivery: Basic.Deliver
    properties: Basic.Properties
    body: bytes


OnMessage: TypeAlias = Callable[[Message], None]


class _Unconfirmed(NamedTuple):
    """A published message that waits for its confirm."""

    message_id: str
    confirm: asyncio.Future[None]


@lru_cache(REMEMBERED)
def _encoded_publish(number: int, exchange: str, routing_key: str, *, mandatory: bool) -> bytes:
    """Return the frame of a method. It is cached: nearly all messages go to few queues."""
    method = Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
    return pamqp.frame.marshal(method, number)


class DirectChannel:
    """Publishes, consumes and acknowledges. ``on_close`` is called when the broker ends it or one of its consumers.

    Only one coroutine at a time may call the methods that wait for an answer of the broker.
    """

    def __init__(self, writer: StreamWriter, number: int, frame_max: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._number = number
        self._payload_max = (frame_max or UNLIMITED_FRAME) - _AROUND_PAYLOAD
        self._confirms = False
        self._published = 0
        self._unconfirmed: dict[int, _Unconfirmed] = {}
        self._returned: set[str] = set()
        self._consumers: dict[str, OnMessage] = {}
        self._answer: asyncio.Future[Frame] | None = None
        # The message that is being received: its method, its header and its body so far.
        self._method: Basic.Deliver | Basic.Return | None = None
        self._header = ContentHeader()
        self._pieces: list[bytes] = []
        self._missing = 0
        self.is_closed = False
        self.on_close: Callable[[], object] = lambda: None

    async def open(self, *, confirms: bool) -> None:
        """Open the channel."""
        await self._call(Channel.Open())
        if confirms:
            await self._call(Confirm.Select())
            self._confirms = True

    async def consume(
        self, queue: str, on_message: OnMessage, *, prefetch: int = 0, no_ack: bool = False
    ) -> str:
        """Start a consumer with at most ``prefetch`` unacknowledged messages, and return its tag."""
        if prefetch:
            await self._call(Basic.Qos(prefetch_count=prefetch))
        tag = f"{self._number}.{len(self._consumers)}"
        self._consumers[tag] = on_message
        await self._call(Basic.Consume(queue=queue, consumer_tag=tag, no_ack=no_ack))
        return tag

    async def cancel(self, tag: str) -> None:
        """End a consumer. Its messages can still be acknowledged."""
        await self._call(Basic.Cancel(consumer_tag=tag))

    async def publish(
        self,
        body: bytes,
        exchange: str,
        routing_key: str,
        properties: Basic.Properties,
        *,
        mandatory: bool = False,
    ) -> None:
        """Publish a message, and wait for the confirm if the channel has confirms.

        Raises DeliveryError for a refused message, and for a mandatory one that no queue takes.
        """
        method = _encoded_publish(self._number, exchange, routing_key, mandatory=mandatory)
        header = ContentHeader(body_size=len(body), properties=properties)
        size = self._payload_max
        pieces = (ContentBody(body[at : at + size]) for at in range(0, len(body), size))
        self._write(header, *pieces, before=method)
        if self._confirms:
            self._published += 1
            confirm = self._loop.create_future()
            self._unconfirmed[self._published] = _Unconfirmed(properties.message_id or "", confirm)
            await confirm

    async def drain(self) -> None:
        """Wait until the socket has taken what was published."""
        await self._writer.drain()

    def acknowledge(self, delivery_tag: int) -> None:
        """Acknowledge a message."""
        self._write(Basic.Ack(delivery_tag=delivery_tag))

    def on_frames(self, frames: Sequence[bytes]) -> None:
        """Handle frames of the broker."""
        for raw in frames:
            _, _, frame = pamqp.frame.unmarshal(raw)
            match frame:
                case ContentBody():
                    piece = frame.value or b""
                    self._pieces.append(piece)
                    self._missing -= len(piece)
                    if self._missing <= 0:
                        self._on_message()
                case ContentHeader():
                    self._header, self._missing, self._pieces = frame, frame.body_size or 0, []
                    if not self._missing:
                        self._on_message()
                case Basic.Deliver() | Basic.Return():
                    self._method = frame
                case Basic.Ack() | Basic.Nack():
                    self._on_confirm(frame)
                case Frame():
                    self._on_control(frame)

    def on_lost(self, error: Exception) -> None:
        """Fail all that waits, because the connection is lost."""
        if not self.is_closed:
            self._end(error)

    def _on_message(self) -> None:
        """Handle a whole message: give it to its consumer, or note that it came back."""
        properties = self._header.properties
        if isinstance(self._method, Basic.Return):
            # The confirm of a returned message follows.
            self._returned.add(properties.message_id or "")
        elif self._method and (on_message := self._consumers.get(self._method.consumer_tag or "")):
            body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            try:
                on_message(Message(self._method, properties, body))
            except Exception:
                # An error must not reach the socket, which would close.
                log.exception("message_not_handled", exchange=self._method.exchange)

    def _on_confirm(self, frame: Basic.Ack | Basic.Nack) -> None:
        last = frame.delivery_tag or 0
        tags = [tag for tag in self._unconfirmed if tag <= last] if frame.multiple else [last]
        for tag in tags:
            message_id, confirm = self._unconfirmed.pop(tag)
            refused = isinstance(frame, Basic.Nack) or message_id in self._returned
            self._returned.discard(message_id)
            if confirm.done():  # Its publisher was cancelled.
                continue
            if refused:
                confirm.set_exception(DeliveryError(None, frame))
            else:
                confirm.set_result(None)

    def _on_control(self, frame: Frame) -> None:
        """Handle the broker's answer to a request, or the end of the channel or of a consumer."""
        if isinstance(frame, Channel.Close):
            self._write(Channel.CloseOk())
            self._end(ChannelClosed(frame.reply_code, frame.reply_text))
        elif isinstance(frame, Basic.Cancel):
            self.on_close()
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(frame)

    async def _call(self, request: Frame) -> None:
        """Send a request and wait for its answer."""
        self._answer = self._loop.create_future()
        self._write(request)
        await self._answer

    def _write(self, *frames: Frame | ContentHeader | ContentBody, before: bytes = b"") -> None:
        if self.is_closed:
            fault = "The channel is closed."
            raise ChannelInvalidStateError(fault)
        encoded = [pamqp.frame.marshal(frame, self._number) for frame in frames]
        self._writer.write(b"".join([before, *encoded]))

    def _end(self, error: Exception) -> None:
        self.is_closed = True
        waiting = [confirm for _, confirm in self._unconfirmed.values()]
        if self._answer is not None:
            waiting.append(cast("asyncio.Future[None]", self._answer))
        self._unconfirmed.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)
        self.on_close()

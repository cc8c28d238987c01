"""A connection to RabbitMQ some of whose channels do not pass through aiormq (ADR 71).

aiormq serves every AMQP frame with a queue and a task, and every message with two tasks and several futures; a
message is three frames. Gateway and tracking spent a third of their CPU time on that. So the channels that carry
messages take their frames from the socket themselves, and write to it. aiormq keeps the handshake, TLS, heartbeats
and the channels of declarations. pamqp encodes and decodes the frames of both.
"""

import asyncio
from collections.abc import Callable
from struct import Struct
from typing import Any, cast

import aio_pika
from aiormq import Connection as AiormqConnection
from aiormq.connection import TransportFactory
from aiormq.exceptions import AMQPConnectionError
from pamqp.commands import Connection as ConnectionMethods
from pamqp.constants import FRAME_BODY, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD
from pamqp.heartbeat import Heartbeat
from yarl import URL

from shared.messaging.direct_channel import DirectChannel

_HEAD = Struct(">BHI")
"""The beginning of a frame: its type, its channel, and the size of its payload."""

_AROUND_PAYLOAD = _HEAD.size + 1
"""Bytes of a frame besides its payload; the last one marks its end."""

_FRAME_TYPES = frozenset({FRAME_METHOD, FRAME_HEADER, FRAME_BODY, FRAME_HEARTBEAT})

_METHOD = Struct(">I")
"""The beginning of a method's payload: its class and its number in it."""

_ALARMS = (ConnectionMethods.Blocked.index, ConnectionMethods.Unblocked.index)

_CONNECTION = 0
"""The channel of what concerns the whole connection."""

_ALIVE_SECONDS = 1.0
"""Between two heartbeats that aiormq gets from here."""


class FrameSplitter(asyncio.StreamReaderProtocol):
    """The protocol of a socket. It gives the frames of ``channels`` to them, and all others to aiormq's reader.

    ``is_blocked`` is true while the broker has an alarm for memory or disk and reads nothing of this connection. The
    broker says so when it gets the first message during the alarm, and again when the alarm ends.
    """

    def __init__(self, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(reader, loop=loop)
        self._clock = loop.time
        self._alive_at = 0.0
        self._incomplete = b""
        self.channels: dict[int, DirectChannel] = {}
        self.is_blocked = False
        self.on_alarm: Callable[[bool], None] = lambda _is_blocked: None

    def data_received(self, data: bytes) -> None:
        """Split the bytes into frames. An incomplete one waits for its rest."""
        if self._incomplete:
            data = self._incomplete + data
        start = 0
        direct: dict[DirectChannel, list[bytes]] = {}
        while len(data) - start >= _AROUND_PAYLOAD:
            kind, number, size = _HEAD.unpack_from(data, start)
            end = start + size + _AROUND_PAYLOAD
            if kind not in _FRAME_TYPES:
                end = len(data)  # A server of another protocol. aiormq ends the connection.
            elif end > len(data):
                break
            channel = self.channels.get(number)
            if channel is None:
                if number == _CONNECTION and kind == FRAME_METHOD:
                    self._note_alarm(data, start + _HEAD.size)
                super().data_received(data[start:end])
            else:
                direct.setdefault(channel, []).append(data[start:end])
            start = end
        self._incomplete = data[start:]
        for channel, frames in direct.items():
            channel.on_frames(frames)
        now = self._clock()
        if direct and now - self._alive_at > _ALIVE_SECONDS:
            # The broker sends no heartbeats while it sends messages, and aiormq does not see these.
            self._alive_at = now
            super().data_received(Heartbeat().marshal())

    def _note_alarm(self, data: bytes, start: int) -> None:
        """Note whether a method, which starts there, begins or ends the broker's alarm."""
        (method,) = _METHOD.unpack_from(data, start)
        if method in _ALARMS:
            self.is_blocked = method == ConnectionMethods.Blocked.index
            self.on_alarm(self.is_blocked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all channels."""
        super().connection_lost(exc)
        for channel in [*self.channels.values()]:
            channel.on_lost(ConnectionResetError("The connection to RabbitMQ was lost."))


class _Sockets(TransportFactory):
    """Opens the socket of a connection, with a FrameSplitter."""

    splitter: FrameSplitter
    writer: asyncio.StreamWriter

    async def create(
        self, url: URL, **options: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = options.pop("ssl_context_provider")
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        self.splitter = FrameSplitter(reader, loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: self.splitter,
                url.host or "",
                url.port or 0,
                ssl=await tls.get_context() if url.scheme == "amqps" else None,
                **options,
            )
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        self.writer = asyncio.StreamWriter(transport, self.splitter, reader, loop)
        return reader, self.writer


class DirectConnection(aio_pika.Connection):
    """A connection of aio-pika that can also open direct channels."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sockets = self.kwargs["transport_factory"] = _Sockets()

    @property
    def is_blocked(self) -> bool:
        """Return whether the broker takes no messages because of an alarm for memory or disk."""
        return self._sockets.splitter.is_blocked

    def watch_alarms(self, on_alarm: Callable[[bool], None]) -> None:
        """Call a function with True when an alarm begins to block this connection, and with False when it ends."""
        self._sockets.splitter.on_alarm = on_alarm

    async def direct_channel(self, *, confirms: bool = False) -> DirectChannel:
        """Open a channel. With ``confirms`` the broker confirms each message that is published there."""
        if self.transport is None:
            fault = "The connection is closed."
            raise ConnectionError(fault)
        tune = cast("AiormqConnection", self.transport.connection).connection_tune
        channels = self._sockets.splitter.channels
        # aiormq numbers its channels from 1 on.
        number = (tune.channel_max or 65_535) - len(channels)
        channel = DirectChannel(self._sockets.writer, number, tune.frame_max)
        channels[number] = channel
        await channel.open(confirms=confirms)
        return channel

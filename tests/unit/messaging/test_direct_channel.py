"""Channels that take their frames from the socket: what the broker sends is played by pamqp's frames."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pamqp.frame
import pytest
from aiormq.exceptions import ChannelClosed, ChannelInvalidStateError, DeliveryError
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel, Confirm, Connection
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from shared.messaging.direct_channel import DirectChannel, Message
from shared.messaging.direct_connection import FrameSplitter

NUMBER = 2047
FRAME_MAX = 64


class Socket:
    """The broker's end of a socket with one direct channel. It answers requests at once if it is told to."""

    def __init__(self, frame_max: int = FRAME_MAX) -> None:
        self.sent: list[Any] = []
        self.answers: dict[str, Any] = {}
        self.reader = asyncio.StreamReader()
        self.splitter = FrameSplitter(self.reader, asyncio.get_running_loop())
        self.channel = DirectChannel(cast("Any", self), NUMBER, frame_max)
        self.splitter.channels[NUMBER] = self.channel

    def write(self, data: bytes) -> None:
        """Take what the channel sends."""
        while data:
            size, number, frame = pamqp.frame.unmarshal(data)
            assert number == NUMBER
            self.sent.append(frame)
            data = data[size:]
            if frame.name in self.answers:
                self.receive(self.answers[frame.name])

    def receive(self, *frames: Any) -> None:
        """Send frames to the channel."""
        self.splitter.data_received(on_wire(NUMBER, *frames))

    async def consume(self, on_message: Callable[[Message], None]) -> str:
        """Start a consumer."""
        self.answers["Basic.Consume"] = Basic.ConsumeOk("tag")
        return await self.channel.consume("queue", on_message, no_ack=True)

    async def open_with_confirms(self) -> None:
        """Open the channel with confirms."""
        self.answers |= {"Channel.Open": Channel.OpenOk(), "Confirm.Select": Confirm.SelectOk()}
        await self.channel.open(confirms=True)

    def publish(self, message_id: str = "m", body: bytes = b"body") -> asyncio.Task[None]:
        """Publish a message."""
        properties = Basic.Properties(message_id=message_id)
        return asyncio.create_task(
            self.channel.publish(body, "exchange", "key", properties, mandatory=True)
        )


def on_wire(number: int, *frames: Any) -> bytes:
    return b"".join(pamqp.frame.marshal(frame, number) for frame in frames)


def message(tag: str, body: bytes, *, method: Any = None) -> list[Any]:
    pieces = [ContentBody(body[at : at + 5]) for at in range(0, len(body), 5)]
    header = ContentHeader(body_size=len(body), properties=Basic.Properties(message_id="m"))
    return [
        method or Basic.Deliver(tag, 1, redelivered=False, exchange="x", routing_key="k"),
        header,
        *pieces,
    ]


@given(st.lists(st.binary(max_size=20), max_size=4), st.lists(st.integers(0, 600)))
async def test_bytes_in_any_pieces_are_the_same_messages(
    bodies: list[bytes], cuts: list[int]
) -> None:
    socket = Socket()
    received: list[bytes] = []
    tag = await socket.consume(lambda delivered: received.append(delivered.body))
    other = on_wire(1, Channel.OpenOk()), on_wire(0, Connection.CloseOk())
    data = b"".join(
        [other[0], *(on_wire(NUMBER, *message(tag, each)) for each in bodies), other[1]]
    )
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in pairwise(places):
        socket.splitter.data_received(data[start:end])
    assert received == bodies
    socket.splitter.eof_received()
    # Frames of other channels are aiormq's. It also gets heartbeats, which the broker does not send between messages.
    rest = (await socket.reader.read()).replace(Heartbeat().marshal(), b"")
    assert rest == b"".join(other)


async def test_what_is_no_frame_goes_to_aiormq() -> None:
    socket = Socket()
    socket.splitter.data_received(b"AMQP\x00\x01\x00\x00")
    socket.splitter.eof_received()
    assert await socket.reader.read() == b"AMQP\x00\x01\x00\x00"


async def test_broker_without_a_limit_gets_frames_of_128_kibibytes() -> None:
    socket = Socket(frame_max=0)
    body = bytes(200_000)
    await socket.channel.publish(body, "exchange", "key", Basic.Properties())
    pieces = [each.value for each in socket.sent if isinstance(each, ContentBody)]
    assert [len(each) for each in pieces] == [131_064, 68_936]


async def test_a_large_body_is_sent_in_frames_of_the_negotiated_size() -> None:
    socket = Socket()
    await socket.publish(body=bytes(150))
    _, header, *pieces = socket.sent
    assert header.body_size == 150
    assert [len(piece.value) for piece in pieces] == [56, 56, 38]


async def test_a_publisher_waits_for_its_confirm() -> None:
    socket = Socket()
    await socket.open_with_confirms()
    first, second, third = (socket.publish(name) for name in "abc")
    await asyncio.sleep(0)
    socket.receive(Basic.Ack(delivery_tag=2, multiple=True))
    await asyncio.gather(first, second)
    assert not third.done()
    socket.receive(Basic.Nack(delivery_tag=3))
    with pytest.raises(DeliveryError):
        await third


async def test_a_returned_message_is_refused_and_its_neighbour_is_not() -> None:
    socket = Socket()
    await socket.open_with_confirms()
    lost, taken = socket.publish("m"), socket.publish("n")
    await asyncio.sleep(0)
    socket.receive(*message("", b"body", method=Basic.Return(312, "NO_ROUTE", "exchange", "key")))
    socket.receive(Basic.Ack(delivery_tag=2, multiple=True))
    with pytest.raises(DeliveryError):
        await lost
    await taken


async def test_a_cancelled_publisher_does_not_disturb_the_next() -> None:
    socket = Socket()
    await socket.open_with_confirms()
    cancelled, next_one = socket.publish("a"), socket.publish("b")
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    socket.receive(Basic.Ack(delivery_tag=1), Basic.Ack(delivery_tag=2))
    await next_one


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda socket: socket.receive(Channel.Close(404, "no exchange", 0, 0)), ChannelClosed),
        (lambda socket: socket.splitter.connection_lost(None), ConnectionError),
    ],
)
async def test_the_end_of_a_channel_fails_all_that_waits(
    end: Callable[[Socket], None], error: type[Exception]
) -> None:
    socket = Socket()
    closed: list[bool] = []
    await socket.open_with_confirms()
    socket.channel.on_close = lambda: closed.append(socket.channel.is_closed)
    publishing = socket.publish()
    opening = asyncio.create_task(socket.channel.cancel("tag"))
    await asyncio.sleep(0)
    end(socket)
    for waiting in (publishing, opening):
        with pytest.raises(error):
            await waiting
    assert closed == [True]
    with pytest.raises(ChannelInvalidStateError):
        socket.channel.acknowledge(1)


async def test_the_end_of_a_consumer_is_reported() -> None:
    socket = Socket()
    ended: list[bool] = []
    tag = await socket.consume(lambda _message: None)
    socket.channel.on_close = lambda: ended.append(True)
    socket.receive(Basic.Cancel(consumer_tag=tag, nowait=True))
    assert ended == [True]


async def test_an_error_of_a_consumer_does_not_close_the_socket() -> None:
    socket = Socket()
    received: list[bytes] = []

    def fail_once(delivered: Message) -> None:
        received.append(delivered.body)
        if len(received) == 1:
            raise ValueError

    tag = await socket.consume(fail_once)
    socket.receive(*message(tag, b"a"), *message(tag, b"b"))
    assert received == [b"a", b"b"]

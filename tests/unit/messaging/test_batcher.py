import asyncio
from typing import Any, cast
from uuid import UUID

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.batch_limits import BatchLimits
from shared.messaging.batcher import RequestBatcher, SentFrame
from shared.messaging.messages import (
    Answer,
    Envelope,
    decode_frame,
    decode_reply,
    encode_replies,
    new_id,
)

FAR = 1e9


def pieces(body, size):
    return [next(decode_reply(each)) for each in encode_replies({0: Answer(body)}, size)]


def sent_frame():
    return SentFrame(new_id(), b"", {}, 0.0)


def test_answer_is_whole_with_its_last_piece():
    sent = sent_frame()
    assert [sent.add_piece(each) for each in pieces(b"abcdef", 4)] == [None, b"abcdef"]


def test_answer_that_a_second_worker_starts_over_is_the_second_one():
    sent = sent_frame()
    unfinished, _ = pieces(b"abcdef", 4)
    assert sent.add_piece(unfinished) is None
    assert [sent.add_piece(each) for each in pieces(b"ABCDEF", 3)] == [None, b"ABCDEF"]


def test_last_piece_of_an_answer_without_its_first_one_is_dropped():
    sent = sent_frame()
    _, last = pieces(b"abcdef", 4)
    assert sent.add_piece(last) is None


class Transport:
    """Keeps what is published."""

    def __init__(self):
        self.published = []

    async def publish(self, publication):
        self.published.append(publication)

    def reply_address(self, service):
        return f"replies of {service}"

    def frames(self):
        return [
            decode_frame(UUID(hex=each.message_id), each.body).envelopes for each in self.published
        ]

    def payloads(self):
        return [[envelope.payload for envelope in envelopes] for envelopes in self.frames()]


class Sender:
    """A batcher with the transport that it publishes to."""

    def __init__(self, limits):
        self.transport = Transport()
        self.batcher = RequestBatcher(
            cast("Any", self.transport), "toy", "commands", limits, lambda: 0.0
        )

    def add(self, *payloads, seconds=FAR):
        return [self.batcher.add(Envelope(new_id(), "Add", 1, p, FAR), seconds) for p in payloads]

    async def send(self, *payloads, seconds=FAR):
        """Add calls, and let the event loop publish the frames that are due."""
        calls = self.add(*payloads, seconds=seconds)
        await turns()
        return calls

    async def reply(self, frame, *indexes):
        [body] = encode_replies({index: Answer(b"{}") for index in indexes})
        self.batcher.on_reply(UUID(hex=self.transport.published[frame].message_id), body)
        await turns()


async def turns():
    for _ in range(4):
        await asyncio.sleep(0)


async def test_calls_of_one_turn_of_the_event_loop_share_a_frame():
    sender = Sender(BatchLimits())
    await sender.send(b"1", b"2")
    assert sender.transport.payloads() == [[b"1", b"2"]]


async def test_calls_wait_for_the_first_answer_of_the_only_frame():
    sender = Sender(BatchLimits(frames_in_flight=1))
    first, second = await sender.send(b"1", b"2")
    await sender.send(b"3")
    assert len(sender.transport.published) == 1
    await sender.reply(0, 0)
    assert first.answer.done()
    assert not second.answer.done()
    assert sender.transport.payloads() == [[b"1", b"2"], [b"3"]]
    await sender.send(b"4")
    await sender.reply(0, 1)
    assert len(sender.transport.published) == 2
    await sender.reply(1, 0)
    assert sender.transport.payloads() == [[b"1", b"2"], [b"3"], [b"4"]]


async def test_slow_frame_makes_room_for_another():
    sender = Sender(BatchLimits(frames_in_flight=1, slot_seconds=0.0))
    [slow] = await sender.send(b"1")
    await sender.send(b"2")
    assert len(sender.transport.published) == 1
    sender.batcher.expire()
    await turns()
    assert sender.transport.payloads() == [[b"1"], [b"2"]]
    await sender.reply(0, 0)
    assert slow.answer.done()


async def test_further_frame_leaves_when_it_has_lingered():
    sender = Sender(BatchLimits(linger=0.01))
    await sender.send(*[b"1"] * 7)
    await sender.send(b"2")
    assert len(sender.transport.published) == 1
    async with asyncio.timeout(5):
        while len(sender.transport.published) == 1:
            await asyncio.sleep(0.001)
    assert sender.transport.payloads()[1] == [b"2"]


async def test_waiting_bytes_are_counted():
    sender = Sender(BatchLimits(min_batch_bytes=100))
    [*_, large] = await sender.send(*[b"{}"] * 9, b"x" * 100)
    await sender.send(b"x" * 99)
    assert len(sender.transport.published) == 1
    await sender.send(b"x")
    assert len(sender.transport.published) == 2
    sender.batcher.remove(large)
    await sender.send(b"x")
    assert len(sender.transport.published) == 2


async def test_frame_is_bounded_and_leaves_out_calls_that_are_cancelled():
    sender = Sender(BatchLimits(max_batch_size=2, frame_bytes=10, min_batch_size=1))
    calls = sender.add(b"1" * 8, b"2" * 8, b"3", b"4", b"5")
    calls[1].answer.cancel()
    await turns()
    assert sender.transport.payloads() == [[b"1" * 8, b"3"], [b"4", b"5"]]


async def test_too_many_calls_are_refused():
    for limits in (BatchLimits(max_unanswered=2), BatchLimits(max_unanswered_bytes=2)):
        sender = Sender(limits)
        call, _ = sender.add(b"1", b"2")
        with pytest.raises(DomainError, match="Too many requests"):
            sender.add(b"3")
        sender.batcher.remove(call)
        sender.add(b"3")


async def test_call_that_was_not_sent_in_time_is_refused_and_a_sent_one_is_uncertain():
    sender = Sender(BatchLimits(frames_in_flight=1))
    [sent] = await sender.send(b"1", seconds=0)
    [waiting] = await sender.send(b"2", seconds=0)
    sender.batcher.expire()
    assert sent.answer.exception().code == ErrorCode.TEMPORARILY_UNAVAILABLE
    assert waiting.answer.exception().code == ErrorCode.REQUEST_LIMIT_EXCEEDED
    assert sender.batcher.sent == {}
    await sender.send(b"3")
    assert sender.transport.payloads() == [[b"1"], [b"3"]]


async def test_call_with_an_earlier_deadline_need_not_wait_for_those_in_front():
    sender = Sender(BatchLimits(frames_in_flight=1))
    await sender.send(b"1")
    [patient] = await sender.send(b"2")
    [hasty] = await sender.send(b"3", seconds=0)
    sender.batcher.expire()
    assert hasty.answer.exception().code is ErrorCode.REQUEST_LIMIT_EXCEEDED
    assert not patient.answer.done()
    await sender.reply(0, 0)
    assert sender.transport.payloads() == [[b"1"], [b"2"]]


async def test_frames_in_flight_are_sent_again_under_their_ids():
    sender = Sender(BatchLimits())
    await sender.send(b"1")
    sender.batcher.send_again()
    await turns()
    first, second = sender.transport.published
    assert (first.message_id, first.body) == (second.message_id, second.body)


async def test_closed_batcher_says_what_may_have_been_done():
    sender = Sender(BatchLimits(frames_in_flight=1))
    [sent] = await sender.send(b"sent")
    [waiting] = await sender.send(b"waiting")
    await sender.batcher.close()
    with pytest.raises(DomainError, match="may or may not"):
        await sent.answer
    with pytest.raises(DomainError, match="Nothing was done"):
        await waiting.answer

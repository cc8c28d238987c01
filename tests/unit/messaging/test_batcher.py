import asyncio

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.batcher import Call, Limits, RequestBatcher, SentFrame
from shared.messaging.messages import Answer, Envelope, decode_reply, encode_replies, new_id

NOW = 100.0
FAR = 1e12


def pieces(body, size):
    return [next(decode_reply(each)) for each in encode_replies({0: Answer(body)}, size)]


def test_answer_is_whole_with_its_last_piece():
    sent = SentFrame(b"", {})
    assert [sent.complete(each) for each in pieces(b"abcdef", 4)] == [None, b"abcdef"]


def test_answer_that_a_worker_began_and_another_one_gives_again_is_the_second_ones():
    sent = SentFrame(b"", {})
    unfinished, _ = pieces(b"abcdef", 4)
    assert sent.complete(unfinished) is None
    assert [sent.complete(each) for each in pieces(b"ABCDEF", 3)] == [None, b"ABCDEF"]


def test_rest_of_an_answer_whose_beginning_was_lost_completes_nothing():
    sent = SentFrame(b"", {})
    _, rest = pieces(b"abcdef", 4)
    assert sent.complete(rest) is None


def lane_of(limits, *payloads, since=NOW):
    batcher = RequestBatcher("toy", "commands", limits)
    for payload in payloads:
        add(batcher, payload, since=since)
    return batcher


def add(batcher, payload=b"{}", *, since=NOW, until=FAR):
    envelope = Envelope(new_id(), "Add", 1, payload, FAR)
    call = Call(envelope, asyncio.get_running_loop().create_future(), since, until)
    batcher.add(call)
    return call


async def test_first_frame_leaves_at_once_and_the_next_one_with_company_or_patience():
    batcher = lane_of(Limits(min_batch_size=3, linger=0.5), *[b"{}"] * 10)
    assert batcher.due_in(NOW) == 0
    batcher.next_frame()
    assert batcher.due_in(NOW) is None
    add(batcher)
    add(batcher)
    assert batcher.due_in(NOW + 0.2) == pytest.approx(0.3)
    assert batcher.due_in(NOW + 0.6) == 0
    add(batcher)
    assert batcher.due_in(NOW) == 0


async def test_few_calls_share_the_frames_that_may_be_under_way():
    batcher = lane_of(Limits(frames_in_flight=3), *[b"{}"] * 4)
    batcher.next_frame()
    add(batcher)
    assert batcher.due_in(NOW) > 0
    add(batcher)
    assert batcher.due_in(NOW) == 0


async def test_bytes_are_company_too():
    batcher = lane_of(Limits(min_batch_bytes=100), *[b"{}"] * 10)
    batcher.next_frame()
    call = add(batcher, b"x" * 100)
    assert batcher.due_in(NOW) == 0
    batcher.next_frame()
    batcher.answered(call)
    add(batcher)
    assert batcher.due_in(NOW) > 0


async def test_no_frame_leaves_without_a_slot_however_long_it_waited():
    batcher = lane_of(Limits(frames_in_flight=1), b"{}")
    _, sent = batcher.next_frame()
    add(batcher)
    assert batcher.due_in(NOW + 60) is None
    batcher.release(sent)
    batcher.release(sent)
    assert batcher.in_flight == 0
    assert batcher.due_in(NOW) == 0


async def test_frame_is_bounded_and_leaves_out_those_who_have_gone():
    batcher = lane_of(
        Limits(max_batch_size=2, frame_bytes=10), b"1" * 8, b"2" * 8, b"3", b"4", b"5"
    )
    batcher.waiting[1].answer.cancel()
    frames = []
    while (following := batcher.next_frame()) is not None:
        frames.append([c.envelope.payload for c in following[1].calls.values()])
    assert frames == [[b"1" * 8, b"3"], [b"4", b"5"]]
    assert batcher.waiting_bytes == 0


async def test_call_that_was_not_sent_in_time_is_refused_and_a_sent_one_is_uncertain():
    batcher = lane_of(Limits())
    sent = add(batcher, until=NOW)
    batcher.next_frame()
    waiting = add(batcher, until=NOW)
    batcher.expire(NOW)
    codes = {call: call.answer.exception().code for call in (sent, waiting)}
    assert codes[sent] == ErrorCode.TEMPORARILY_UNAVAILABLE
    assert codes[waiting] == ErrorCode.REQUEST_LIMIT_EXCEEDED
    assert (batcher.in_flight, batcher.sent, batcher.waiting_bytes) == (0, {}, 0)


async def test_who_has_less_patience_need_not_wait_for_those_in_front():
    batcher = lane_of(Limits())
    patient, hasty = add(batcher, until=NOW + 30), add(batcher, until=NOW + 10)
    batcher.expire(NOW + 10)
    assert hasty.answer.exception().code is ErrorCode.REQUEST_LIMIT_EXCEEDED
    _, sent = batcher.next_frame()
    assert (list(sent.calls.values()), batcher.waiting_bytes) == ([patient], 0)


async def test_a_lane_that_is_given_up_says_what_may_have_been_done():
    batcher = lane_of(Limits(), b"sent")
    _, sent = batcher.next_frame()
    waiting = add(batcher)
    batcher.abandon()
    with pytest.raises(DomainError, match="may or may not"):
        await sent.calls[0].answer
    with pytest.raises(DomainError, match="Nothing was done"):
        await waiting.answer

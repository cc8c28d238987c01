import asyncio

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.lane import Call, Lane, Limits, SentFrame
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
    lane = Lane("toy", "commands", limits)
    for payload in payloads:
        add(lane, payload, since=since)
    return lane


def add(lane, payload=b"{}", *, since=NOW, until=FAR):
    envelope = Envelope(new_id(), "Add", 1, payload, FAR)
    call = Call(envelope, asyncio.get_running_loop().create_future(), since, until)
    lane.add(call)
    return call


async def test_first_frame_leaves_at_once_and_the_next_one_with_company_or_patience():
    lane = lane_of(Limits(company=3, patience=0.5), *[b"{}"] * 10)
    assert lane.due_in(NOW) == 0
    lane.next_frame()
    assert lane.due_in(NOW) is None
    add(lane)
    add(lane)
    assert lane.due_in(NOW + 0.2) == pytest.approx(0.3)
    assert lane.due_in(NOW + 0.6) == 0
    add(lane)
    assert lane.due_in(NOW) == 0


async def test_few_calls_share_the_frames_that_may_be_under_way():
    lane = lane_of(Limits(frames_in_flight=3), *[b"{}"] * 4)
    lane.next_frame()
    add(lane)
    assert lane.due_in(NOW) > 0
    add(lane)
    assert lane.due_in(NOW) == 0


async def test_bytes_are_company_too():
    lane = lane_of(Limits(company_bytes=100), *[b"{}"] * 10)
    lane.next_frame()
    call = add(lane, b"x" * 100)
    assert lane.due_in(NOW) == 0
    lane.next_frame()
    lane.answered(call)
    add(lane)
    assert lane.due_in(NOW) > 0


async def test_no_frame_leaves_without_a_slot_however_long_it_waited():
    lane = lane_of(Limits(frames_in_flight=1), b"{}")
    _, sent = lane.next_frame()
    add(lane)
    assert lane.due_in(NOW + 60) is None
    lane.release(sent)
    lane.release(sent)
    assert lane.in_flight == 0
    assert lane.due_in(NOW) == 0


async def test_frame_is_bounded_and_leaves_out_those_who_have_gone():
    lane = lane_of(Limits(frame_envelopes=2, frame_bytes=10), b"1" * 8, b"2" * 8, b"3", b"4", b"5")
    lane.waiting[1].answer.cancel()
    frames = []
    while (following := lane.next_frame()) is not None:
        frames.append([c.envelope.payload for c in following[1].calls.values()])
    assert frames == [[b"1" * 8, b"3"], [b"4", b"5"]]
    assert lane.waiting_bytes == 0


async def test_call_that_was_not_sent_in_time_is_refused_and_a_sent_one_is_uncertain():
    lane = lane_of(Limits())
    sent = add(lane, until=NOW)
    lane.next_frame()
    waiting = add(lane, until=NOW)
    lane.expire(NOW)
    codes = {call: call.answer.exception().code for call in (sent, waiting)}
    assert codes[sent] == ErrorCode.TEMPORARILY_UNAVAILABLE
    assert codes[waiting] == ErrorCode.REQUEST_LIMIT_EXCEEDED
    assert (lane.in_flight, lane.sent, lane.waiting_bytes) == (0, {}, 0)


async def test_who_has_less_patience_need_not_wait_for_those_in_front():
    lane = lane_of(Limits())
    patient, hasty = add(lane, until=NOW + 30), add(lane, until=NOW + 10)
    lane.expire(NOW + 10)
    assert hasty.answer.exception().code is ErrorCode.REQUEST_LIMIT_EXCEEDED
    _, sent = lane.next_frame()
    assert (list(sent.calls.values()), lane.waiting_bytes) == ([patient], 0)


async def test_a_lane_that_is_given_up_says_what_may_have_been_done():
    lane = lane_of(Limits(), b"sent")
    _, sent = lane.next_frame()
    waiting = add(lane)
    lane.abandon()
    with pytest.raises(DomainError, match="may or may not"):
        await sent.calls[0].answer
    with pytest.raises(DomainError, match="Nothing was done"):
        await waiting.answer

"""When a frame leaves."""

import pytest

from shared.messaging.batch_limits import BatchLimits

LIMITS = BatchLimits(frames_in_flight=3, min_batch_size=8, min_batch_bytes=100, linger=0.5)


def due_in(waiting, *, waiting_bytes=0, waited=0.0, unanswered=1000, in_flight=1):
    return LIMITS.due_in(waiting, waiting_bytes, waited, unanswered, in_flight)


def test_nothing_is_due_without_a_call():
    assert due_in(0, in_flight=0) is None


def test_first_frame_leaves_at_once():
    assert due_in(1, in_flight=0) == 0


def test_further_frame_lingers():
    assert due_in(1) == 0.5
    assert due_in(1, waited=0.2) == pytest.approx(0.3)
    assert due_in(1, waited=0.6) == 0


def test_further_frame_leaves_with_enough_calls():
    assert due_in(7) > 0
    assert due_in(8) == 0


def test_further_frame_leaves_with_enough_bytes():
    assert due_in(1, waiting_bytes=99) > 0
    assert due_in(1, waiting_bytes=100) == 0


def test_further_frame_leaves_with_its_share_of_few_calls():
    assert due_in(1, unanswered=4) > 0
    assert due_in(2, unanswered=6) == 0


@pytest.mark.parametrize(("waiting", "waited"), [(1, 60.0), (1000, 0.0)])
def test_no_frame_leaves_while_enough_are_in_flight(waiting, waited):
    assert due_in(waiting, waited=waited, in_flight=3) is None
    assert due_in(waiting, waited=waited, in_flight=2) == 0

"""Which answers of the access service are remembered, and for how long."""

import asyncio
import json
import time

import pytest

from services.gateway.auth.authorizations import REFUSAL_TTL, TOPICS, TTL, Authorizations, Key
from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Answer, new_id
from tests.unit.gateway.fake_bus import FakeBus

GOOD = {"state": "active", "project": {"id": 7, "path": "a/b"}, "abilities": [], "scopes": []}


class Clock:
    """Time that passes when the test says so."""

    def __init__(self):
        self.passed = 0.0

    def __call__(self):
        return 1000 + self.passed


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bus():
    bus = FakeBus()
    answer(bus)
    return bus


@pytest.fixture
def known(bus, clock):
    return Authorizations(bus, opens_root=False, clock=clock)


@pytest.fixture
def few(bus):
    return Authorizations(bus, opens_root=False, max_answers=10)


def answer(bus, **fields):
    bus.replies["Authorize"] = Answer(json.dumps({**GOOD, **fields}).encode())


def event(topic, **fields):
    return ReceivedEvent(new_id(), 1, topic, json.dumps(fields).encode())


async def test_concurrent_requests_ask_once(bus, known):
    bus.hold.clear()
    asking = [asyncio.ensure_future(known.grant(Key("d", "p"))) for _ in range(50)]
    await bus.called.wait()
    bus.hold.set()
    assert len(set(map(id, await asyncio.gather(*asking)))) == 1
    assert len(bus.sent) == 1


async def test_who_leaves_does_not_take_the_answer_along(bus, known):
    bus.hold.clear()
    first = asyncio.ensure_future(known.grant(Key("d", "p")))
    await bus.called.wait()
    second = asyncio.ensure_future(known.grant(Key("d", "p")))
    await asyncio.sleep(0)
    first.cancel()
    bus.hold.set()
    assert (await second).is_positive


async def test_tokens_and_projects_are_told_apart(bus, known):
    for key in (("d", "p"), ("d", "q"), ("e", "p")):
        await known.grant(Key(*key))
    assert len(bus.sent) == 3


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, TTL),
        ({"state": "unknown"}, REFUSAL_TTL),
        ({"project": None}, REFUSAL_TTL),
        ({"fresh_for": 10_000}, 10),
        ({"state": "revoked", "fresh_for": 10_000}, REFUSAL_TTL),
    ],
)
async def test_an_answer_is_believed_for_a_while(bus, known, clock, fields, seconds):
    answer(bus, **fields)
    await known.grant(Key("d", "p"))
    clock.passed = seconds - 0.1
    await known.grant(Key("d", "p"))
    assert len(bus.sent) == 1
    clock.passed = seconds + 0.1
    await known.grant(Key("d", "p"))
    assert len(bus.sent) == 2


async def test_failures_are_not_remembered(bus, known):
    bus.replies["Authorize"] = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "away")
    with pytest.raises(DomainError):
        await known.grant(Key("d", "p"))
    answer(bus)
    assert (await known.grant(Key("d", "p"))).is_positive


async def test_what_is_known_counts_while_nobody_can_be_asked(bus, known, clock):
    await known.grant(Key("d", "p"))
    bus.replies["Authorize"] = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "away")
    clock.passed = TTL - 1
    assert (await known.grant(Key("d", "p"))).is_positive
    clock.passed = TTL + 1
    with pytest.raises(DomainError):
        await known.grant(Key("d", "p"))


async def test_a_revoked_token_is_forgotten_in_all_projects_and_no_other(bus, known):
    for key in (("d", "p"), ("d", "q"), ("e", "p")):
        await known.grant(Key(*key))
    known.on_event(event("token.revoked", digests=["d"]))
    for key in (("d", "p"), ("d", "q"), ("e", "p")):
        await known.grant(Key(*key))
    assert len(bus.sent) == 5


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS if topic not in {"token.revoked", "session.ended"}]
)
async def test_other_events_make_everything_forgotten(bus, known, topic):
    await known.grant(Key("d", "p"))
    known.on_event(event(topic))
    await known.grant(Key("d", "p"))
    assert len(bus.sent) == 2


async def test_an_answer_that_an_event_overtook_is_not_kept(bus, known):
    bus.hold.clear()
    first = asyncio.ensure_future(known.grant(Key("d", "p")))
    await bus.called.wait()
    known.on_event(event("token.revoked", digests=["d"]))
    second = asyncio.ensure_future(known.grant(Key("d", "p")))
    await asyncio.sleep(0)
    bus.hold.set()
    await asyncio.gather(first, second)
    assert len(bus.sent) == 2
    # Neither is kept for certain: the second was asked after the event, and is.
    await known.grant(Key("d", "p"))
    assert len(bus.sent) == 2


async def test_guesses_do_not_drive_out_what_is_in_use(bus, few):
    await few.grant(Key("good", "p"))
    answer(bus, state="unknown")
    for number in range(50):
        await few.grant(Key(f"guess {number}", "p"))
    assert len(few._refused) == 10
    before = len(bus.sent)
    assert (await few.grant(Key("good", "p"))).is_positive
    assert len(bus.sent) == before


async def test_what_was_not_asked_for_longest_is_forgotten_first(bus, few):
    await few.grant(Key("first", "p"))
    for number in range(50):
        await few.grant(Key(f"other {number}", "p"))
        await few.grant(Key("first", "p"))
    assert len(bus.sent) == 51
    await few.grant(Key("other 40", "p"))
    assert len(bus.sent) == 52


async def test_a_remembered_check_costs_microseconds(known):
    await known.grant(Key("d", "p"))
    began = time.perf_counter()
    for _ in range(1000):
        await known.grant(Key("d", "p"))
    assert (time.perf_counter() - began) / 1000 < 0.0005

"""Spans of many requests leave the event loop to others after each span."""

import asyncio

import pytest

from services.gateway.otlp.prices import Prices
from services.gateway.otlp.requests import Received
from services.gateway.otlp.resources import Resource
from services.gateway.otlp.spans import SpanRefusedError
from services.gateway.otlp.turns import Turns
from tests.unit.gateway.otlp.requests import a_span

NO_PRICES = Prices(None)


def refused():
    raise SpanRefusedError("bad")


async def test_one_span_is_read_in_a_turn_whatever_the_number_of_requests():
    turn, read_in = 0, []

    def read():
        read_in.append(turn)
        return a_span()

    async def count_turns():
        nonlocal turn
        while True:
            await asyncio.sleep(0)
            turn += 1

    turns = Turns()
    counting = asyncio.create_task(count_turns())
    spans = [Received(Resource(), 100, read) for _ in range(10)]
    await asyncio.gather(*(turns.read(span, NO_PRICES) for span in spans))
    counting.cancel()
    assert len(read_in) == len(set(read_in)) == 10


async def test_refused_span_gives_its_turn_back():
    turns = Turns()
    for _ in range(2):
        with pytest.raises(SpanRefusedError):
            await turns.read(Received(Resource(), 100, refused), NO_PRICES)
    assert (await turns.read(Received(Resource(), 100, a_span), NO_PRICES)).is_root

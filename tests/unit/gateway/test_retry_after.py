"""Clients that are refused are told to wait for as long as the trouble has lasted."""

from services.gateway.http.retry_after import LONGEST, LULL, SPREAD, RetryAfter
from shared.contracts.errors import DomainError, ErrorCode

REPETITIONS = 7
"""Of MLflow's client (MLFLOW_HTTP_REQUEST_MAX_RETRIES)."""


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_a_client_that_obeys_is_there_for_more_than_a_minute():
    clock = Clock()
    patience = RetryAfter(clock)
    began = clock.now
    for _ in range(REPETITIONS):
        clock.now += patience.wait()
    assert clock.now - began > 60


def test_waits_grow_with_the_trouble_and_are_spread():
    clock = Clock()
    patience = RetryAfter(clock)
    assert patience.wait() == 1
    for lasted in range(1, 200):
        clock.now += 1
        assert min(lasted, LONGEST) - 1 <= patience.wait() <= min(lasted, LONGEST) * SPREAD
    assert len({patience.wait() for _ in range(100)}) > 5


def test_trouble_is_over_when_nobody_was_refused_after_the_wait():
    clock = Clock()
    patience = RetryAfter(clock)
    for _ in range(20):
        told = patience.wait()
        clock.now += 1
    clock.now += told + LULL / 2
    assert patience.wait() > 1
    clock.now += LONGEST * SPREAD + LULL + 1
    assert patience.wait() == 1


async def test_a_gateway_tells_it(client, bus, monkeypatch):
    waits = iter((1, 4))
    monkeypatch.setattr(RetryAfter, "wait", lambda _self: next(waits))
    for code in (ErrorCode.REQUEST_LIMIT_EXCEEDED, ErrorCode.TEMPORARILY_UNAVAILABLE):
        bus.reply = DomainError(code, "later")
        response = await client.post("/api/2.0/mlflow/runs/log-metric", json={})
        assert response.headers["Retry-After"] == ("1" if response.status == 429 else "4")

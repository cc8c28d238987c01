"""Clients that are refused are told to wait for as long as the trouble has lasted."""

from services.gateway.http.retry_after import LONGEST, QUIET_SECONDS, SPREAD, RetryAfter
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
    retry_after = RetryAfter(clock)
    began = clock.now
    for _ in range(REPETITIONS):
        clock.now += retry_after.seconds()
    assert clock.now - began > 60


def test_waits_grow_with_the_trouble_and_are_spread():
    clock = Clock()
    retry_after = RetryAfter(clock)
    assert retry_after.seconds() == 1
    for lasted in range(1, 200):
        clock.now += 1
        assert min(lasted, LONGEST) - 1 <= retry_after.seconds() <= min(lasted, LONGEST) * SPREAD
    assert len({retry_after.seconds() for _ in range(100)}) > 5


def test_trouble_is_over_when_nobody_was_refused_after_the_wait():
    clock = Clock()
    retry_after = RetryAfter(clock)
    for _ in range(20):
        told = retry_after.seconds()
        clock.now += 1
    clock.now += told + QUIET_SECONDS / 2
    assert retry_after.seconds() > 1
    clock.now += LONGEST * SPREAD + QUIET_SECONDS + 1
    assert retry_after.seconds() == 1


async def test_a_gateway_tells_it(client, bus, monkeypatch):
    waits = iter((1, 4))
    monkeypatch.setattr(RetryAfter, "seconds", lambda _self: next(waits))
    for code in (ErrorCode.REQUEST_LIMIT_EXCEEDED, ErrorCode.TEMPORARILY_UNAVAILABLE):
        bus.reply = DomainError(code, "later")
        response = await client.post("/api/2.0/mlflow/runs/log-metric", json={})
        assert response.headers["Retry-After"] == ("1" if response.status == 429 else "4")

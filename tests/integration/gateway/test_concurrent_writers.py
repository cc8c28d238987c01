"""Fifty writers on the same run and the same keys: no deadlock, no lost and no doubled point."""

import asyncio
from collections import Counter

import pytest

from tests.rest import Api, api, metric

WRITERS = 50
REQUESTS = 20
KEYS = ("loss", "accuracy", "val/loss")


@pytest.fixture(params=["standalone", "stack"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_warren").url)


async def _write(rest: Api, run: str, writer: int) -> list[int]:
    """Log single points and batches by turns, at steps of the writer's own; the keys in an order of its own."""
    statuses = []
    for number in range(REQUESTS):
        step = writer * REQUESTS + number
        points = [metric(key, step / 7, step) for key in KEYS]
        turned = points[writer % len(KEYS) :] + points[: writer % len(KEYS)]
        if number % 2:
            answers = [await rest.post("runs/log-batch", {"run_id": run, "metrics": turned})]
        else:
            answers = [
                await rest.post("runs/log-metric", {"run_id": run, **each}) for each in turned
            ]
        statuses += [answer.status for answer in answers]
    return statuses


async def test_fifty_writers_of_the_same_keys_lose_and_double_nothing(url: str) -> None:
    async with api(url) as rest:
        run = await rest.new_run("0")
        statuses = await asyncio.gather(*(_write(rest, run, writer) for writer in range(WRITERS)))
        assert Counter(status for each in statuses for status in each).keys() == {200}

        steps = list(range(WRITERS * REQUESTS))
        for key in KEYS:
            history = await rest.history(run, key)
            assert sorted(point["step"] for point in history) == steps
        data = (await rest.get("runs/get", run_id=run)).body["run"]["data"]
        latest = {each["key"]: each["step"] for each in data["metrics"]}
        assert latest == dict.fromkeys(KEYS, steps[-1])


async def test_fifty_writers_of_the_same_points_leave_each_point_once(url: str) -> None:
    async with api(url) as rest:
        run = await rest.new_run("0")
        body = {
            "run_id": run,
            "metrics": [metric(key, 1.0, step) for key in KEYS for step in range(10)],
        }
        answers = await asyncio.gather(*(rest.post("runs/log-batch", body) for _ in range(WRITERS)))
        assert {answer.status for answer in answers} == {200}
        for key in KEYS:
            assert [point["step"] for point in await rest.history(run, key)] == list(range(10))


async def test_fifty_writers_of_one_param_leave_one_value_and_tell_the_others(url: str) -> None:
    async with api(url) as rest:
        run = await rest.new_run("0")
        bodies = [{"run_id": run, "key": "rate", "value": str(writer)} for writer in range(WRITERS)]
        answers = await asyncio.gather(*(rest.post("runs/log-parameter", body) for body in bodies))
        winners = [str(writer) for writer, answer in enumerate(answers) if answer.status == 200]
        assert len(winners) == 1
        losers = [answer for answer in answers if answer.status != 200]
        assert {(each.status, each.body["error_code"]) for each in losers} == {
            (400, "INVALID_PARAMETER_VALUE")
        }
        data = (await rest.get("runs/get", run_id=run)).body["run"]["data"]
        assert data["params"] == [{"key": "rate", "value": winners[0]}]


async def test_experiments_of_one_name_are_made_once(url: str) -> None:
    async with api(url) as rest:
        name = f"only-one-{await rest.new_run('0')}"
        answers = await asyncio.gather(
            *(rest.post("experiments/create", {"name": name}) for _ in range(WRITERS))
        )
        assert Counter(answer.status for answer in answers) == {200: 1, 400: WRITERS - 1}
        codes = {answer.body["error_code"] for answer in answers if answer.status != 200}
        assert codes == {"RESOURCE_ALREADY_EXISTS"}

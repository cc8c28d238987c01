"""A long history comes in parts, which make up one answer."""

import base64
import json
from typing import Any

import pytest

from services.tracking.handlers import metrics
from services.tracking.handlers.metrics import get_metric_history
from shared.contracts.errors import DomainError, ErrorCode
from shared.mlflow.parts import Part
from shared.postgres.transaction import Transaction
from tests.integration.tracking.conftest import PROJECT, Tracking, parsed
from tests.integration.tracking.test_metric_blocks import insert_rising
from tests.integration.tracking.test_metrics import log
from tests.integration.tracking.test_purges import purge

POINTS = [(t, -t, v) for t in range(2) for v in (-1.5, 0, "NaN", 2.5)] + [(9, 9, 9.25)]


async def part_of(tracking: Tracking, most: int, **fields: Any) -> Part:
    call: Any = parsed("GetMetricHistory", fields, PROJECT)
    async with tracking.pool.acquire() as connection:
        tx = Transaction(PROJECT, call.envelope, connection=connection)
        return Part.decode(bytes(await get_metric_history(call.message, tx, most)))


async def parts_of(tracking: Tracking, most: int, **fields: Any) -> list[bytes]:
    part = await part_of(tracking, most, **fields)
    texts = [part.text]
    while part.continuation is not None:
        part = await part_of(tracking, most, **{**fields, "continuation": part.continuation})
        texts.append(part.text)
    return texts


@pytest.mark.parametrize("most", [1, 2, 3, 8, 9, 10])
@pytest.mark.parametrize("limit", [None, 1, 4, 8, 9, 10])
async def test_parts_make_up_the_answer(tracking: Tracking, most: int, limit: int | None) -> None:
    run_id = await tracking.run()
    await log(tracking, run_id, POINTS)
    asked = {"run_id": run_id, "metric_key": "m", "max_results": limit}
    whole = await tracking.call("GetMetricHistory", **asked)
    texts = await parts_of(tracking, most, **asked)
    assert json.loads(b"".join(texts)) == whole
    assert len(whole["metrics"]) == min(limit or 9, 9)
    assert len(texts) == -(-len(whole["metrics"]) // most)


async def test_second_page_also_comes_in_parts(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await log(tracking, run_id, POINTS)
    asked = {"run_id": run_id, "metric_key": "m", "max_results": 5}
    token = (await tracking.call("GetMetricHistory", **asked))["next_page_token"]
    page = json.loads(b"".join(await parts_of(tracking, 2, **asked, page_token=token)))
    assert [(p["timestamp"], p["step"], p["value"]) for p in page["metrics"]] == POINTS[5:]
    assert "next_page_token" not in page


async def test_points_that_are_logged_meanwhile_do_not_disturb(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await log(tracking, run_id, [(t, t, 0.5) for t in range(0, 20, 2)])
    asked = {"run_id": run_id, "metric_key": "m"}
    first = await part_of(tracking, 4, **asked)
    await log(tracking, run_id, [(1, 1, 0.5), (11, 11, 0.5), (99, 99, 0.5)])
    rest = await parts_of(tracking, 4, **asked, continuation=first.continuation)
    found = json.loads(b"".join([first.text, *rest]))["metrics"]
    assert [p["step"] for p in found] == [0, 2, 4, 6, 8, 10, 11, 12, 14, 16, 18, 99]


async def test_purge_in_the_middle_is_an_error(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await log(tracking, run_id, POINTS)
    asked = {"run_id": run_id, "metric_key": "m"}
    first = await part_of(tracking, 4, **asked)
    await tracking.call("DeleteRun", run_id=run_id)
    await purge(tracking, run_ids=[run_id])
    with pytest.raises(DomainError, match="purged while its history was read") as refused:
        await part_of(tracking, 4, **asked, continuation=first.continuation)
    assert refused.value.code is ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_long_keys_make_short_parts(tracking: Tracking) -> None:
    run_id = await tracking.run()
    await insert_rising(tracking.pool, run_id, 20_000)
    await tracking.pool.execute("UPDATE metric_series SET key = repeat('ä', 250)")
    asked = {"run_id": run_id, "metric_key": "ä" * 250}
    texts = await parts_of(tracking, metrics.PART_POINTS, **asked)
    assert len(texts) > 1
    assert max(map(len, texts)) < 1.1 * metrics.PART_BYTES
    found = json.loads(b"".join(texts))["metrics"]
    assert [p["step"] for p in found] == [*range(1, 20_001)]


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        b"[1,2]",
        b'["WzEsMSwxXQ==",0]',
        b'["WzEsMSwxXQ==",true]',
        b'["WzEsMSwxXQ==",2147483648]',
        b'["x",1]',
    ],
)
async def test_bad_continuations_are_refused(tracking: Tracking, content: bytes) -> None:
    continuation = base64.urlsafe_b64encode(content).decode()
    with pytest.raises(DomainError, match="page token"):
        await part_of(tracking, 9, run_id="a" * 32, metric_key="m", continuation=continuation)

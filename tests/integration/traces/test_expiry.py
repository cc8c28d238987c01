"""Traces expire by the time of their arrival: the oldest first, with their spans, labels and files, and no others."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from services.traces.expiry import drop_weeks, expire
from services.traces.handlers import handlers
from services.traces.housekeeping import purge_portion
from services.traces.store import deletion
from shared.contracts.errors import DomainError, ErrorCode
from shared.mlflow.trace_retention import Retention, milliseconds
from tests.explaining import pages_read
from tests.integration.traces.conftest import MILLISECONDS, PROJECT, Traces, span

MONTH = Retention(milliseconds("30d"), milliseconds("90d"))


@pytest.fixture
def traces(pool, tracking) -> Traces:
    """The service, which keeps traces for a month."""
    return Traces(pool, tracking, handlers(MONTH))


def monday(days_ago: int) -> date:
    day = (datetime.now(UTC) - timedelta(days=days_ago)).date()
    return day - timedelta(days=day.weekday())


async def arrive(traces, pool, trace_id: str, days_ago: int, experiment: str = "1") -> None:
    """Store a trace with two spans that has arrived so long ago."""
    await traces.log(span(trace_id, 1), span(trace_id, 2, parent=1), experiment=experiment)
    week = monday(days_ago)
    await pool.execute(
        "UPDATE traces SET arrived_at = now() - $2 * interval '1 day', week = $3 WHERE trace_id = $1",
        *(trace_id, days_ago, week),
    )
    await pool.execute("UPDATE spans SET week = $2 WHERE trace_id = $1", trace_id, week)


async def left(pool) -> list[str]:
    rows = await pool.fetch("SELECT trace_id FROM traces ORDER BY trace_id")
    found = [row["trace_id"] for row in rows]
    for table in ("spans", "trace_labels"):
        of = await pool.fetch(f"SELECT DISTINCT trace_id FROM {table} ORDER BY trace_id")
        assert [row["trace_id"] for row in of] == found, table
    return found


def tag(duration: str) -> str:
    return json.dumps({"type": "duration", "value": duration})


async def test_traces_that_arrived_long_ago_expire(traces, pool, tracking):
    await arrive(traces, pool, "tr-new", 29)
    await arrive(traces, pool, "tr-old", 31)
    await expire(MONTH, pool, tracking)
    assert await left(pool) == ["tr-new"]


async def test_without_a_retention_nothing_expires(traces, pool, tracking):
    await arrive(traces, pool, "tr-old", 1000)
    tracking.tags["1"] = tag("1d")
    await expire(Retention(), pool, tracking)
    assert await left(pool) == ["tr-old"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (tag("10d"), ["tr-5"]),
        (tag("60d"), ["tr-20", "tr-40", "tr-5"]),
        (tag("400d"), ["tr-20", "tr-40", "tr-5", "tr-80"]),
        ("not JSON", ["tr-20", "tr-5"]),
        (tag("10w"), ["tr-20", "tr-5"]),
        ('{"type": "duration", "value": 3}', ["tr-20", "tr-5"]),
    ],
)
async def test_an_experiments_tag_chooses_up_to_the_longest(traces, pool, tracking, value, kept):
    for days in (5, 20, 40, 80, 100):
        await arrive(traces, pool, f"tr-{days}", days)
    await arrive(traces, pool, "tr-other", 40, experiment="2")
    tracking.tags["1"] = value
    await expire(MONTH, pool, tracking)
    assert await left(pool) == kept


async def test_a_tag_keeps_no_longer_than_the_retention_without_the_longest(traces, pool, tracking):
    await arrive(traces, pool, "tr-old", 31)
    tracking.tags["1"] = tag("60d")
    await expire(Retention(MONTH.default), pool, tracking)
    assert await left(pool) == []


async def test_nothing_expires_while_tracking_does_not_answer(traces, pool, tracking):
    await arrive(traces, pool, "tr-old", 31)

    async def refuse(*_args):
        raise DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "away")

    tracking.call = refuse
    with pytest.raises(DomainError, match="away"):
        await expire(MONTH, pool, tracking)
    assert await left(pool) == ["tr-old"]


async def test_the_oldest_expire_first_in_portions(traces, pool, tracking, monkeypatch):
    for days in (31, 50, 40):
        await arrive(traces, pool, f"tr-{days}", days)
    monkeypatch.setattr(deletion, "SPANS", 3)
    found = []
    while not (await traces.call("ExpireTraces"))["finished"]:
        found.append(await left(pool))
    assert found == [["tr-31"], []]
    monkeypatch.setattr(deletion, "PORTION", 1)
    await arrive(traces, pool, "tr-1", 31)
    await arrive(traces, pool, "tr-2", 32)
    assert (await traces.call("GetExpiryPlan"))["traces"] == 2
    assert await traces.call("ExpireTraces") == {"traces": 1, "finished": False}
    assert await left(pool) == ["tr-1"]


async def test_a_project_expires_its_own_traces_alone(traces, pool):
    await arrive(traces, pool, "tr-old", 31)
    assert (await traces.call("ExpireTraces", PROJECT + 1))["finished"]
    assert (await traces.call("GetExpiryPlan", PROJECT + 1))["traces"] == 0
    assert await left(pool) == ["tr-old"]


async def test_one_process_at_a_time_looks_for_expired_traces(traces, pool, tracking):
    await arrive(traces, pool, "tr-old", 31)
    call, asked, go_on = tracking.call, asyncio.Event(), asyncio.Event()

    async def slow(*args):
        asked.set()
        await go_on.wait()
        return await call(*args)

    tracking.call = slow
    first = asyncio.create_task(expire(MONTH, pool, tracking))
    await asked.wait()
    await expire(MONTH, pool, tracking)
    assert len(tracking.asked) == 1
    assert await left(pool) == ["tr-old"]
    go_on.set()
    await first
    assert await left(pool) == []


async def partition(pool, week: date) -> str:
    name = f"spans_{week:%Y%m%d}"
    await pool.execute(
        f"CREATE TABLE {name} PARTITION OF spans FOR VALUES FROM ('{week}') TO ('{week + timedelta(7)}')"
    )
    return name


REFUSE_ROWS = """
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'a span of a week that is dropped was deleted'; END $$;
    CREATE TRIGGER refuse BEFORE DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse();
"""


async def exists(pool, name: str) -> bool:
    return await pool.fetchval("SELECT to_regclass($1) IS NOT NULL", name)


async def test_a_week_whose_traces_have_all_expired_is_dropped(traces, pool, tracking):
    old, mixed = [await partition(pool, monday(days)) for days in (120, 60)]
    tracking.tags["2"] = tag("90d")
    for number in range(3):
        await arrive(traces, pool, f"tr-{number}", 120)
    await arrive(traces, pool, "tr-gone", 60)
    await arrive(traces, pool, "tr-kept", 60, experiment="2")
    assert await pool.fetchval(f"SELECT count(*) FROM {old}") == 6
    await pool.execute(REFUSE_ROWS.format(old))
    await expire(MONTH, pool, tracking)
    assert await left(pool) == ["tr-kept"]
    assert [await exists(pool, each) for each in (old, mixed)] == [False, True]
    tracking.tags.clear()
    await expire(MONTH, pool, tracking)
    assert await left(pool) == []
    assert not await exists(pool, mixed)


async def test_a_week_that_is_read_for_long_is_dropped_later(traces, pool, tracking):
    name = await partition(pool, monday(60))
    async with pool.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT count(*) FROM spans")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await asyncio.wait_for(expire(MONTH, pool, tracking), 5)
        assert await exists(pool, name)
    await expire(MONTH, pool, tracking)
    assert not await exists(pool, name)


async def test_weeks_of_today_and_of_the_future_stay(pool):
    async with pool.acquire() as connection:
        await drop_weeks(connection)
    for days in (0, -7, -28):
        assert await exists(pool, f"spans_{monday(days):%Y%m%d}")


async def directories(pool) -> list[list[str]]:
    """Return the directories of the events that were emitted, and forget these."""
    rows = await pool.fetch("DELETE FROM outbox RETURNING topic, payload")
    assert {row["topic"] for row in rows} <= {f"{PROJECT}.trace.deleted"}
    return [json.loads(row["payload"])["artifact_uris"] for row in rows]


def directory(trace_id: str) -> str:
    return f"mlflow-artifacts:/{PROJECT}/1/traces/{trace_id}/artifacts"


async def test_whatever_deletes_a_trace_tells_where_its_files_are(traces, pool, tracking):
    await arrive(traces, pool, "tr-1", 31)
    await expire(MONTH, pool, tracking)
    assert await directories(pool) == [[directory("tr-1")]]
    await traces.start("tr-2")
    await traces.call("DeleteTraces", experiment_id="1", trace_ids=["tr-2"])
    assert await directories(pool) == [[directory("tr-2")]]
    await traces.start("tr-3")
    await traces.call("DeleteTraces", experiment_id="1", max_timestamp_millis=MILLISECONDS)
    assert await directories(pool) == [[directory("tr-3")]]
    await traces.start("tr-4")
    await traces.happen("experiment.purged", experiment_id="1")
    while await purge_portion(pool):
        pass
    assert await directories(pool) == [[directory("tr-4")]]


@pytest.mark.parametrize(
    "value",
    [
        "s3://bucket/traces/tr-1/artifacts",
        f"mlflow-artifacts:/{PROJECT}/1/0123/artifacts",
        f"mlflow-artifacts:/{PROJECT}/1/traces/tr-2/artifacts",
        "",
    ],
)
async def test_a_tag_that_leads_to_another_directory_deletes_nothing_there(traces, pool, value):
    await traces.start("tr-1")
    await traces.call("SetTraceTag", trace_id="tr-1", key="mlflow.artifactLocation", value=value)
    await traces.call("DeleteTraces", experiment_id="1", trace_ids=["tr-1"])
    assert await directories(pool) == []


async def test_what_has_expired_is_found_by_an_index(pool):
    """Of 20,000 traces one has expired, and then all of them."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            """
            INSERT INTO traces (project_id, trace_id, experiment_id, request_time, state, week, arrived_at)
            SELECT 1, n::text, n % 100, n, 'OK', '2026-01-05', now() - n * interval '1 minute'
            FROM generate_series(1, 20000) AS n
            """
        )
        await connection.execute("ANALYZE traces; SET LOCAL plan_cache_mode = force_generic_plan")
        sql = deletion.SQL["choose_expired_traces"].sql
        for kept in (19_899.0 * 60_000, 0.0):
            rows = await connection.fetch(
                f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {sql}", 1, 0, kept, 50, 1000, []
            )
            plan = "\n".join(row[0] for row in rows)
            assert "traces_arrival_idx" in plan
            assert pages_read(plan) < 1000, plan
        await connection.execute("DELETE FROM traces")

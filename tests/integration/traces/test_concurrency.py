"""Writers of the same traces at once: none waits for another service under a lock, none is in a deadlock with another."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from services.traces.housekeeping import keep_house, purge_portion
from services.traces.store import deletion
from shared.contracts.errors import DomainError
from shared.messaging.messages import Envelope
from shared.mlflow.trace_retention import Retention
from shared.runtime.tasks import cancel_and_wait
from tests.integration.traces.conftest import MILLISECONDS, PROJECT, FakeTracking, envelope, span

FEEDBACK = {"assessment_name": "correct", "feedback": {"value": True}}

SOON = 5.0
"""Seconds that a test waits for what must not wait."""


def tag(trace_id: str, value: str = "x") -> Envelope:
    return envelope("SetTraceTag", trace_id=trace_id, key="k", value=value)


def started(trace_id: str, experiment: str = "1") -> Envelope:
    location = {"mlflow_experiment": {"experiment_id": experiment}}
    info = {"trace_id": trace_id, "trace_location": location, "state": "OK"}
    return envelope("StartTraceV3", trace={"trace_info": info})


def logged(*spans: Any, experiment: str = "1") -> Envelope:
    return envelope("LogSpans", experiment_id=experiment, spans=spans)


def deleted(**fields: Any) -> Envelope:
    return envelope("DeleteTraces", experiment_id=fields.pop("experiment", "1"), **fields)


@pytest.mark.parametrize("asking", ["experiment", "run"])
async def test_no_trace_is_locked_while_tracking_is_asked(traces, tracking, asking):
    """A frame whose first command writes to a trace, and whose second one has to ask."""
    await traces.start("tr-1")
    tracking.runs.add("r")
    asked, answer = asyncio.Event(), asyncio.Event()
    tracking.call = _held(tracking, asked, answer)
    second = {
        "experiment": started("tr-2", experiment="2"),
        "run": envelope("LinkTracesToRun", trace_ids=["tr-1"], run_id="r"),
    }[asking]
    frame = asyncio.create_task(traces.frame(tag("tr-1"), second))
    await asyncio.wait_for(asked.wait(), SOON)
    (other,) = await asyncio.wait_for(traces.frame(tag("tr-1", "y")), SOON)
    assert other.error is None
    answer.set()
    assert [each.error for each in await frame] == [None, None]


def _held(
    tracking: FakeTracking, asked: asyncio.Event, answer: asyncio.Event
) -> Callable[..., Awaitable[Any]]:
    call = tracking.call

    async def held(*args: Any, **kwargs: Any) -> Any:
        asked.set()
        await answer.wait()
        return await call(*args, **kwargs)

    return held


async def test_frames_that_meet_traces_in_another_order_are_in_no_deadlock(traces, deadlocks):
    ids = [f"tr-{number}" for number in range(8)]
    for turn in range(10):
        frames = [_of_all(ids, turn, backwards=bool(number % 2)) for number in range(8)]
        for answers in await asyncio.gather(*(traces.frame(*frame) for frame in frames)):
            assert [each.error for each in answers] == [None] * len(answers)
        # The next turn makes the traces again.
        await traces.frame(deleted(trace_ids=ids))
    assert deadlocks == []


def _of_all(ids: list[str], turn: int, *, backwards: bool) -> list[Envelope]:
    commands = [
        message
        for number, each in enumerate(ids)
        for message in (
            logged(span(each, turn), span(ids[-number - 1], turn)),
            started(each, experiment=str(1 + number % 2)),
        )
    ]
    return commands[::-1] if backwards else commands


async def test_a_deletion_by_time_beside_writers_is_in_no_deadlock(traces, deadlocks):
    # The order of their times is not that of their ids.
    ids = [f"tr-{number}" for number in range(20)]
    for turn in range(10):
        for number, each in enumerate(ids):
            await traces.log(span(each, 100 - number))
        until = MILLISECONDS + 1_000_000
        await asyncio.gather(
            traces.frame(*(tag(each, str(turn)) for each in ids)),
            traces.frame(deleted(max_timestamp_millis=until)),
            traces.frame(logged(*(span(each, 200) for each in ids))),
            traces.frame(deleted(max_timestamp_millis=until, max_traces=5)),
        )
    assert deadlocks == []


async def test_labels_of_a_trace_that_is_deleted_meanwhile_do_not_stay(traces, tracking, pool):
    tracking.runs.add("r")
    prompts = [{"name": "p", "version": "1"}]
    for turn in range(30):
        trace_id = f"tr-{turn}"
        await traces.start(trace_id)
        await asyncio.gather(
            traces.frame(tag(trace_id)),
            traces.frame(envelope("LinkTracesToRun", trace_ids=[trace_id], run_id="r")),
            traces.frame(
                envelope("LinkPromptsToTrace", trace_id=trace_id, prompt_versions=prompts)
            ),
            traces.frame(deleted(trace_ids=[trace_id])),
        )
        await traces.frame(deleted(trace_ids=[trace_id]))
    assert await _orphans(pool) == []


async def test_spans_that_make_a_trace_anew_give_it_an_artifact_location(traces):
    for _ in range(20):
        await traces.log(span("tr-1", 1))
        await asyncio.gather(
            traces.frame(deleted(trace_ids=["tr-1"])), traces.frame(logged(span("tr-1", 2)))
        )
        tags = await _tags(traces, "tr-1")
        assert tags is None or tags["mlflow.artifactLocation"].endswith("/traces/tr-1/artifacts")


async def _tags(traces, trace_id: str) -> dict[str, str] | None:
    try:
        return (await traces.info(trace_id))["tags"]
    except DomainError:
        return None


async def test_labels_follow_their_trace_into_another_experiment(traces, pool):
    for turn in range(30):
        trace_id = f"tr-{turn}"
        await traces.start(trace_id)
        await asyncio.gather(
            traces.frame(started(trace_id, experiment="2")),
            *(
                traces.frame(
                    envelope("SetTraceTag", trace_id=trace_id, key=f"k{number}", value="v")
                )
                for number in range(4)
            ),
        )
    assert await _orphans(pool) == []


async def test_a_purge_waits_for_the_writers_of_its_experiment(traces, tracking, pool):
    """A writer that tracking has vouched for, and that commits after the purge has begun."""
    await traces.start("tr-1")
    async with pool.acquire() as connection, connection.transaction():
        # The frame stops at the row that this transaction holds.
        await connection.execute("SELECT FROM traces WHERE trace_id = 'tr-1' FOR UPDATE")
        frame = asyncio.create_task(traces.frame(started("tr-0"), tag("tr-1")))
        await _blocked(pool)
        del tracking.stages["1"]
        event = asyncio.create_task(traces.happen("experiment.purged", experiment_id="1"))
        await asyncio.wait([event], timeout=0.2)
        while event.done() and await purge_portion(pool):
            await asyncio.sleep(0)
    await frame
    await event
    while await purge_portion(pool):
        pass
    assert await pool.fetchval("SELECT count(*) FROM traces") == 0


async def _blocked(pool) -> None:
    while not await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        await asyncio.sleep(0.01)


async def test_a_purge_deletes_what_comes_after_a_trace_of_many_spans(traces, tracking, pool):
    for number in range(3):
        await traces.log(span(f"tr-{number}", 1))
    await pool.execute(
        """
        INSERT INTO spans
        SELECT of.* FROM (SELECT * FROM spans ORDER BY trace_id DESC LIMIT 1) AS s
        CROSS JOIN generate_series(1, $1) AS n
        CROSS JOIN jsonb_populate_record(
            NULL::spans, to_jsonb(s) || jsonb_build_object('span_id', n)
        ) AS of
        """,
        deletion.SPANS,
    )
    del tracking.stages["1"]
    await traces.happen("experiment.purged", experiment_id="1")
    while await purge_portion(pool):
        pass
    assert await pool.fetchval("SELECT count(*) FROM traces") == 0
    assert await pool.fetchval("SELECT count(*) FROM spans") == 0


async def test_an_answer_older_than_the_purge_lets_no_trace_in(traces, tracking, pool):
    asked, answer = asyncio.Event(), asyncio.Event()
    call = tracking.call

    async def late(*args: Any, **kwargs: Any) -> Any:
        said = await call(*args, **kwargs)
        asked.set()
        await answer.wait()
        return said

    tracking.call = late
    frame = asyncio.create_task(traces.frame(started("tr-1")))
    await asked.wait()
    del tracking.stages["1"]
    await traces.happen("experiment.purged", experiment_id="1")
    while await purge_portion(pool):
        pass
    answer.set()
    (refused,) = await frame
    assert refused.error is not None
    with pytest.raises(DomainError, match="No Experiment with id=1"):
        await traces.start("tr-2")
    assert await pool.fetchval("SELECT count(*) FROM traces") == 0


async def test_many_writers_of_few_traces_leave_nothing_behind(traces, tracking, pool, deadlocks):
    """Every acknowledged span of a trace that was not deleted is there, and everything belongs to a trace."""
    random.seed(7)
    tracking.runs.add("r")
    kept, lost = [f"tr-k{n}" for n in range(4)], [f"tr-d{n}" for n in range(4)]
    sent: set[tuple[str, str]] = set()

    def write(writer: int, turn: int) -> Envelope:
        trace_id = random.choice(kept + lost)
        number = 1000 * writer + turn
        spans = [span(each, number) for each in random.sample(kept + lost, 3)]
        choice = random.randrange(8)
        if choice < 2:
            sent.update((each["trace_id"], each["span_id"]) for each in spans)
            return logged(*spans, experiment=random.choice("12"))
        return [
            started(trace_id, experiment=random.choice("12")),
            tag(trace_id),
            envelope("DeleteTraceTag", trace_id=trace_id, key="k"),
            envelope("LinkTracesToRun", trace_ids=random.sample(kept + lost, 4), run_id="r"),
            deleted(experiment=random.choice("12"), trace_ids=random.sample(lost, 2)),
            envelope("CreateAssessment", trace_id=trace_id, assessment=FEEDBACK),
        ][choice - 2]

    async def work(writer: int) -> None:
        for turn in range(6):
            commands = [write(writer, 10 * turn + each) for each in range(5)]
            for message, answer in zip(commands, await traces.frame(*commands), strict=True):
                assert answer.error is None or message.name != "LogSpans", answer

    await asyncio.gather(*(work(writer) for writer in range(16)))
    assert deadlocks == []
    assert await _orphans(pool) == []
    rows = await pool.fetch("SELECT trace_id, span_id FROM spans")
    stored = {(row["trace_id"], row["span_id"]) for row in rows}
    assert stored <= sent
    assert {each for each in sent if each[0] in kept} <= stored
    for row in await pool.fetch("SELECT trace_id FROM traces"):
        tags = await _tags(traces, row["trace_id"])
        assert tags is not None
        assert "mlflow.artifactLocation" in tags


async def _orphans(pool) -> list[asyncpg.Record]:
    """Return labels and spans without a trace, and labels in another experiment than their trace."""
    return await pool.fetch(
        """
        SELECT l.trace_id, l.key, l.experiment_id, t.experiment_id AS other
        FROM trace_labels AS l LEFT JOIN traces AS t USING (project_id, trace_id)
        WHERE t.experiment_id IS DISTINCT FROM l.experiment_id
        UNION ALL
        SELECT s.trace_id, s.span_id, NULL, NULL
        FROM spans AS s LEFT JOIN traces AS t USING (project_id, week, trace_id)
        WHERE t.trace_id IS NULL
        UNION ALL
        SELECT a.trace_id, a.assessment_id, a.experiment_id, t.experiment_id
        FROM assessments AS a LEFT JOIN traces AS t USING (project_id, trace_id)
        WHERE t.experiment_id IS DISTINCT FROM a.experiment_id
        UNION ALL
        SELECT i.item_id, i.queue_id, NULL, NULL
        FROM review_queue_items AS i
        LEFT JOIN traces AS t ON t.project_id = i.project_id AND t.trace_id = i.item_id
        WHERE t.trace_id IS NULL
        """
    )


async def test_a_refused_command_leaves_no_trace_behind(traces, pool):
    """Its frame has made the trace before the command is refused."""
    bad = {"trace_id": "tr-1", "tags": {"k" * 251: "v"}}
    good = logged(span("tr-2", 1))
    refused = envelope("LogSpans", experiment_id="1", spans=[span("tr-1", 1)], traces=[bad])
    first, second = await traces.frame(refused, good)
    assert (first.error is not None, second.error) == (True, None)
    rows = await pool.fetch("SELECT project_id, trace_id FROM traces")
    assert [tuple(row) for row in rows] == [(PROJECT, "tr-2")]


async def test_a_frame_of_unknown_experiments_asks_about_each_once(traces, tracking):
    answers = await traces.frame(*(started(f"tr-{n}", experiment=str(n % 4)) for n in range(12)))
    assert [each.error is None for each in answers] == [n % 4 in (1, 2) for n in range(12)]
    assert sorted(each.payload for each in tracking.asked) == [
        b'{"experiment_id":"%d"}' % n for n in range(4)
    ]


async def test_one_trace_twice_in_a_frame_is_one_trace(traces):
    commands = [logged(span("tr-1", 1)), started("tr-1", experiment="2"), logged(span("tr-1", 2))]
    assert [each.error for each in await traces.frame(*commands)] == [None] * 3
    info = await traces.info("tr-1")
    assert info["trace_location"]["mlflow_experiment"] == {"experiment_id": "2"}


async def test_new_partitions_do_not_wait_in_front_of_readers(pool):
    async with pool.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT count(*) FROM spans")
        # The fifth week from now has no partition yet.
        with pytest.raises(asyncpg.LockNotAvailableError):
            await asyncio.wait_for(pool.execute("SELECT make_span_partitions(5)"), SOON)


async def test_purges_go_on_while_partitions_cannot_be_made(traces, pool, monkeypatch):
    await traces.start("tr-1")
    await traces.happen("experiment.purged", experiment_id="1")

    async def fail(_pool: Any) -> None:
        message = "no partitions today"
        raise RuntimeError(message)

    monkeypatch.setattr("services.traces.housekeeping.make_partitions", fail)
    task = asyncio.create_task(keep_house(Retention(), pool, None))
    async with asyncio.timeout(SOON):
        while await pool.fetchval("SELECT count(*) FROM traces"):
            await asyncio.sleep(0.01)
    await cancel_and_wait([task])

"""Spans: stored once, in any order and in several requests, and read back whole."""

import asyncio
import json
from datetime import date

import pytest

from services.traces.store.spans import SQL
from shared.contracts import limits
from shared.contracts.errors import DomainError
from shared.messaging.messages import Frame, new_id
from tests.explaining import pages_read
from tests.integration.traces.conftest import MILLISECONDS, again, envelope, span


async def contents(traces, trace_id="tr-1", form="mlflow"):
    """Return the spans of all pages, and the number of pages."""
    found, token, pages = [], "", 0
    while True:
        page = await traces.call("ListSpans", trace_id=trace_id, page_token=token, form=form)
        found += page["spans"]
        pages += 1
        token = page.get("next_page_token")
        if not token:
            return found, pages


async def names(traces, trace_id="tr-1"):
    found, _ = await contents(traces, trace_id)
    return [each["name"] for each in found]


async def test_spans_make_their_trace(traces):
    await traces.log(span("tr-1", 2, parent=1), span("tr-1", 3, parent=1))
    info = await traces.info("tr-1")
    assert (info["state"], info["execution_duration"]) == ("IN_PROGRESS", "2s")
    assert info["request_time"] == "2026-01-01T00:00:02.000Z"
    await traces.log(
        span("tr-1", 1),
        traces=[
            {
                "trace_id": "tr-1",
                "tags": {"service.name": "shop"},
                "metadata": {"mlflow.trace.session": "s"},
                "request_preview": "in",
                "response_preview": "out",
            }
        ],
    )
    info = await traces.info("tr-1")
    assert (info["state"], info["execution_duration"]) == ("OK", "3s")
    assert info["request_time"] == "2026-01-01T00:00:01.000Z"
    assert (info["request_preview"], info["response_preview"]) == ("in", "out")
    assert info["trace_metadata"] == {"mlflow.trace.session": "s"}
    assert info["tags"] == {
        "mlflow.trace.spansLocation": "TRACKING_STORE",
        "mlflow.artifactLocation": "mlflow-artifacts:/7/1/traces/tr-1/artifacts",
        "service.name": "shop",
    }
    assert await names(traces) == ["step 1", "step 2", "step 3"]


async def test_the_state_is_that_of_the_span_without_a_parent(traces):
    await traces.log(span("tr-1", 1, status="ERROR"), span("tr-1", 2, parent=1))
    await traces.log(span("tr-2", 1), span("tr-2", 2, parent=1, status="ERROR"))
    assert [(await traces.info(each))["state"] for each in ("tr-1", "tr-2")] == ["ERROR", "OK"]


@pytest.mark.parametrize("spans_first", [True, False])
async def test_what_the_client_says_of_its_trace_counts_whatever_comes_first(traces, spans_first):
    said = {"trace_metadata": {"mlflow.trace.session": "own"}, "request_preview": "own"}
    inferred = {
        "trace_id": "tr-1",
        "metadata": {"mlflow.trace.session": "other", "mlflow.trace.user": "ada"},
        "request_preview": "other",
        "response_preview": "other",
    }
    if spans_first:
        await traces.log(span("tr-1", 1), traces=[inferred])
    await traces.start("tr-1", **said)
    if not spans_first:
        await traces.log(span("tr-1", 1), traces=[inferred])
    info = await traces.info("tr-1")
    assert info["request_time"] == "2026-01-01T00:00:00.000Z"
    assert info["execution_duration"] == "1.500s"
    assert (info["request_preview"], info["response_preview"]) == ("own", "other")
    assert info["trace_metadata"] == {
        "mlflow.trace.session": "own",
        "mlflow.trace.user": "ada",
        "mlflow.trace.infoFinalized": "true",
    }
    assert info["tags"]["mlflow.trace.spansLocation"] == "TRACKING_STORE"


async def test_a_span_that_comes_again_is_stored_once(traces, pool):
    message = envelope("LogSpans", experiment_id="1", spans=[span("tr-1", 1)] * 2)
    frame = Frame(new_id(), "commands", [message])
    for _ in range(2):
        await traces.frame(frame=frame)
    await traces.frame(again(message))
    assert await pool.fetchval("SELECT count(*) FROM spans") == 1


async def test_an_unfinished_span_is_replaced_and_never_replaces(traces):
    unfinished = span("tr-1", 1, end_time_ns=None, name="begun")
    await traces.log(unfinished)
    assert (await traces.info("tr-1"))["state"] == "IN_PROGRESS"
    await traces.log(span("tr-1", 1, name="done"), unfinished)
    assert await names(traces) == ["done"]
    await traces.log(unfinished)
    assert await names(traces) == ["done"]
    assert (await traces.info("tr-1"))["state"] == "OK"


async def test_spans_of_one_trace_from_many_senders_at_once(traces):
    """MLflow's server runs into unique violations and deadlocks here."""
    senders = [
        traces.log(span("tr-1", number, parent=0 if number else None)) for number in range(50)
    ]
    await asyncio.gather(*senders, *(traces.start("tr-1") for _ in range(10)))
    assert len(await names(traces)) == 50
    assert (await traces.info("tr-1"))["state"] == "OK"


async def test_spans_of_a_trace_of_another_experiment_join_it(traces):
    await traces.start("tr-1", experiment="2")
    await traces.log(span("tr-1", 1), experiment="1")
    location = (await traces.info("tr-1"))["trace_location"]
    assert location["mlflow_experiment"] == {"experiment_id": "2"}


async def test_a_missing_experiment_is_refused(traces):
    with pytest.raises(DomainError, match="No Experiment"):
        await traces.log(span("tr-1", 1), experiment="3")


def usage(number: int) -> dict[str, int]:
    return {"input_tokens": number, "output_tokens": 1, "total_tokens": number + 1}


def cost(number: float) -> dict[str, float]:
    return {"input_cost": number, "output_cost": 0.0, "total_cost": number}


async def sums(traces):
    metadata = (await traces.info("tr-1"))["trace_metadata"]
    return [json.loads(metadata[key]) for key in ("mlflow.trace.tokenUsage", "mlflow.trace.cost")]


async def test_tokens_and_costs_are_summed_without_what_a_parent_has_summed(traces):
    await traces.log(
        span("tr-1", 2, parent=1, token_usage=usage(5), cost=cost(0.5)),
        span("tr-1", 3, parent=1, token_usage=usage(7), cost=cost(0.25)),
    )
    assert await sums(traces) == [
        {"input_tokens": 12, "output_tokens": 2, "total_tokens": 14},
        cost(0.75),
    ]
    await traces.log(span("tr-1", 1, token_usage=usage(12)))
    assert await sums(traces) == [usage(12), cost(0.75)]


async def test_sums_that_the_client_has_sent_stay(traces):
    own = json.dumps(usage(100))
    await traces.start("tr-1", trace_metadata={"mlflow.trace.tokenUsage": own})
    await traces.log(span("tr-1", 1, token_usage=usage(5), cost=cost(0.5)))
    assert await sums(traces) == [usage(100), cost(0.5)]


async def test_tag_with_the_name_of_a_sum_is_no_sum(traces):
    await traces.start("tr-1", tags={"mlflow.trace.tokenUsage": json.dumps(usage(100))})
    await traces.log(span("tr-1", 1, token_usage=usage(5), cost=cost(0.5)))
    assert await sums(traces) == [usage(5), cost(0.5)]


async def test_spans_that_come_after_the_clients_sums_count(traces):
    await traces.log(span("tr-1", 1, token_usage=usage(5), cost=cost(0.5)))
    await traces.start("tr-1")
    await traces.log(span("tr-1", 2, token_usage=usage(7), cost=cost(0.25)))
    assert await sums(traces) == [
        {"input_tokens": 12, "output_tokens": 2, "total_tokens": 14},
        cost(0.75),
    ]


@pytest.mark.parametrize("said", ["null", "[]", "{}", '{"total_tokens": "x"}', "no JSON"])
async def test_what_a_client_says_of_tokens_without_a_total_stays(traces, said):
    await traces.start("tr-1", trace_metadata={"mlflow.trace.tokenUsage": said})
    await traces.log(span("tr-1", 1, token_usage=usage(5)))
    assert (await traces.info("tr-1"))["trace_metadata"]["mlflow.trace.tokenUsage"] == said


async def test_a_large_trace_is_read_in_pages(traces):
    text = "x" * 30_000
    attributes = {"mlflow.spanInputs": json.dumps(text)}
    spans = [span("tr-1", n, None if n == 50 else 50, attributes=attributes) for n in range(100)]
    for start in range(0, 100, 20):
        await traces.log(*spans[start : start + 20])
    found, pages = await contents(traces)
    assert [each["name"] for each in found] == [
        "step 50",
        *(f"step {number}" for number in range(100) if number != 50),
    ]
    assert pages == 4
    assert len(text) * len(found) > 2 * limits.SPANS_JSON


async def test_a_page_costs_its_own_spans_in_a_week_that_is_not_analyzed_yet(pool):
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            """
            INSERT INTO spans (
                project_id, week, trace_id, span_id, parent_span_id, start_time, name, type, status, model_name,
                model_provider, size, content, experiment_id
            )
            SELECT 7, '2026-01-05', 'tr-1', n::text, '1', n, '', '', '', '', '', 2500, repeat(md5(n::text), 70), 1
            FROM generate_series(1, 5000) AS n
            """
        )
        place = (7, date(2026, 1, 5), "tr-1", True, 2000, "", limits.SPANS, limits.SPANS_JSON)
        for mode in ("force_custom_plan", "force_generic_plan"):
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            explained = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {SQL['list_spans'].sql}"
            plan = "\n".join(row[0] for row in await connection.fetch(explained, *place))
            assert pages_read(plan) < 500, plan
        await connection.execute("DELETE FROM spans")


async def test_a_span_larger_than_a_page_is_alone_in_it(traces):
    large = {"mlflow.spanInputs": json.dumps("x" * 2 * limits.SPANS_JSON)}
    for number in range(3):
        await traces.log(span("tr-1", number, attributes=large))
    found, pages = await contents(traces)
    assert ([each["name"] for each in found], pages) == (["step 0", "step 1", "step 2"], 3)


async def test_a_trace_is_read_as_otlp_has_it(traces):
    attributes = {
        "mlflow.traceRequestId": '"tr-1"',
        "mlflow.spanInputs": json.dumps({"a": 1, "b": [1.5, True, None, "é"]}),
        "plain": "not JSON",
        "huge": str(2**70),
        "nan": "NaN",
        "nul": '"\\u0000"',
    }
    await traces.log(span("tr-1", 1, attributes=attributes))
    trace = (await traces.call("GetTrace", trace_id="tr-1"))["trace"]
    assert trace["trace_info"] == await traces.info("tr-1")
    (found,) = trace["spans"]
    assert found == {
        "trace_id": "AAAAAAAAAAAAAAAAAAAAAA==",
        "span_id": "AAAAAAAAAAE=",
        "name": "step 1",
        "start_time_unix_nano": (MILLISECONDS + 1000) * 1_000_000,
        "end_time_unix_nano": (MILLISECONDS + 2000) * 1_000_000,
        "status": {"code": "STATUS_CODE_OK"},
        "attributes": [
            {"key": "mlflow.traceRequestId", "value": {"string_value": "tr-1"}},
            {
                "key": "mlflow.spanInputs",
                "value": {
                    "kvlist_value": {
                        "values": [
                            {"key": "a", "value": {"int_value": 1}},
                            {
                                "key": "b",
                                "value": {
                                    "array_value": {
                                        "values": [
                                            {"double_value": 1.5},
                                            {"bool_value": True},
                                            {},
                                            {"string_value": "é"},
                                        ]
                                    }
                                },
                            },
                        ]
                    }
                },
            },
            {"key": "plain", "value": {"string_value": "not JSON"}},
            {"key": "huge", "value": {"string_value": str(2**70)}},
            {"key": "nan", "value": {"double_value": "NaN"}},
            {"key": "nul", "value": {"string_value": "\0"}},
        ],
    }


async def test_a_trace_is_incomplete_until_all_its_spans_have_come(traces):
    stats = {"mlflow.trace.sizeStats": json.dumps({"num_spans": 2})}
    await traces.start("tr-1", trace_metadata=stats)
    await traces.log(span("tr-1", 1))
    await traces.log(span("tr-2", 1))
    with pytest.raises(DomainError, match="not fully exported yet") as caught:
        await traces.call("GetTrace", trace_id="tr-1")
    assert caught.value.parameter == "allow_partial"
    partial = await traces.call("GetTrace", trace_id="tr-1", allow_partial=True)
    assert len(partial["trace"]["spans"]) == 1
    ids = ["tr-1", "tr-2", "tr-3"]
    assert await traces.call("BatchGetTraces", trace_ids=ids) == {"trace_ids": ["tr-2"]}
    await traces.log(span("tr-1", 2, parent=1))
    assert await traces.call("BatchGetTraces", trace_ids=ids) == {"trace_ids": ["tr-1", "tr-2"]}


@pytest.mark.parametrize("token", ["x", "eHg=", "WzEsMiwzXQ==", "W3RydWUsIDEsICJcdTAwMDAiXQ=="])
async def test_a_token_that_was_not_made_here_is_refused(traces, token):
    await traces.log(span("tr-1", 1))
    with pytest.raises(DomainError, match="Invalid page token"):
        await traces.call("ListSpans", trace_id="tr-1", page_token=token)


async def test_spans_without_a_partition_of_their_week_are_kept_all_the_same(traces, pool):
    await traces.start("tr-1")
    await pool.execute("UPDATE traces SET week = '2001-01-01'")
    await traces.log(span("tr-1", 1))
    assert await pool.fetchval("SELECT count(*) FROM spans_default") == 1
    assert await names(traces) == ["step 1"]

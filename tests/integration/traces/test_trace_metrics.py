"""Figures over traces and their spans, and the correlation of two filters."""

import json
import math

import pytest

from shared.contracts.errors import DomainError
from tests.integration.traces.conftest import MILLISECONDS, span

DAY = 86_400_000
TOKENS = "mlflow.trace.tokenUsage"


@pytest.fixture
async def filled(traces):
    """Six traces on three days, of which the last one has no duration, tokens or session."""
    for number in range(6):
        usage = {"input_tokens": number, "output_tokens": 2 * number, "total_tokens": 3 * number}
        measured = {TOKENS: json.dumps(usage), "mlflow.trace.session": f"s{number // 2}"}
        await traces.start(
            f"tr-{number}",
            request_time=f"2026-01-0{1 + number // 2}T10:00:0{number}Z",
            execution_duration=f"{number}s" if number < 5 else None,
            state="ERROR" if number == 2 else "OK",
            tags={"mlflow.traceName": f"name {number % 2}"},
            trace_metadata=measured if number < 5 else {},
        )
    await traces.log(
        span("tr-0", 1, name="agent", type="AGENT"),
        span("tr-0", 2, 1, name="ask", type="LLM", cost={"input_cost": 0.5, "total_cost": 1.0}, model_name="m"),
        span("tr-1", 1, name="ask", type="LLM", status="ERROR", cost={"total_cost": 2.0}, model_name="m"),
        span("tr-1", 2, 1, name="n" * 300, type="TOOL", end_time_ns=None),
        span("tr-4", 90_000, name="ask", type="LLM", cost={"total_cost": math.inf}, model_name="x"),
        span("tr-4", 90_001, name="ask", type="LLM", cost={"total_cost": 4.0}),
    )  # fmt: skip
    return traces


def aggregation(name):
    """Return an aggregation by the name of its value."""
    if name[0] == "P":
        return {"aggregation_type": "PERCENTILE", "percentile_value": float(name[1:])}
    return {"aggregation_type": name}


async def figures(traces, view, metric, *names, **fields):
    """Return the dimensions and the values of each data point."""
    asked = [aggregation(name) for name in names]
    fields = {"experiment_ids": ["1"], "view_type": view, **fields}
    reply = await traces.call("QueryTraceMetrics", metric_name=metric, aggregations=asked, **fields)
    assert all(point["metric_name"] == metric for point in reply["data_points"])
    return [(list(p["dimensions"].values()), p["values"]) for p in reply["data_points"]]


async def test_traces_are_counted_and_measured(filled):
    assert await figures(filled, "TRACES", "trace_count", "COUNT") == [([], {"COUNT": 6})]
    assert await figures(filled, 1, "session_count", "COUNT") == [([], {"COUNT": 3})]
    assert await figures(filled, "TRACES", "latency", "AVG", "MIN", "MAX", "P50", "P99") == [
        ([], {"AVG": 2000, "MIN": 0, "MAX": 4000, "P50.0": 2000, "P99.0": 3960})
    ]
    assert await figures(filled, "TRACES", "total_tokens", "SUM", "AVG", "P25") == [
        ([], {"SUM": 30, "AVG": 6, "P25.0": 3})
    ]
    # No trace has any: there is no figure.
    assert await figures(filled, "TRACES", "cache_read_input_tokens", "SUM") == []


async def test_groups_are_in_the_order_of_their_dimensions(filled):
    assert await figures(filled, "TRACES", "trace_count", "COUNT", dimensions=["trace_status", "trace_name"]) == [
        (["ERROR", "name 0"], {"COUNT": 1}),
        (["OK", "name 0"], {"COUNT": 2}),
        (["OK", "name 1"], {"COUNT": 3}),
    ]  # fmt: skip
    assert await figures(filled, "TRACES", "latency", "MAX", dimensions=["trace_name"]) == [
        (["name 0"], {"MAX": 4000}),
        (["name 1"], {"MAX": 3000}),
    ]


async def test_times_are_grouped_into_buckets(filled):
    fields = {
        "time_interval_seconds": 86_400,
        "start_time_ms": MILLISECONDS,
        "end_time_ms": MILLISECONDS + 2 * DAY - 1,
    }
    assert await figures(filled, "TRACES", "trace_count", "COUNT", **fields) == [
        (["2026-01-01T00:00:00+00:00"], {"COUNT": 2}),
        (["2026-01-02T00:00:00+00:00"], {"COUNT": 2}),
    ]
    # The range is that of the traces, the buckets are those of the spans.
    assert await figures(filled, "SPANS", "span_count", "COUNT", dimensions=["span_type"], **fields) == [
        (["2026-01-01T00:00:00+00:00", "AGENT"], {"COUNT": 1}),
        (["2026-01-01T00:00:00+00:00", "LLM"], {"COUNT": 2}),
        (["2026-01-01T00:00:00+00:00", "TOOL"], {"COUNT": 1}),
    ]  # fmt: skip


async def test_spans_are_counted_and_measured(filled):
    assert await figures(filled, "SPANS", "span_count", "COUNT") == [([], {"COUNT": 6})]
    assert await figures(filled, "SPANS", "latency", "AVG", "P50", dimensions=["span_name"]) == [
        (["agent"], {"AVG": 1000, "P50.0": 1000}),
        (["ask"], {"AVG": 1000, "P50.0": 1000}),
    ]
    assert await figures(filled, "SPANS", "span_count", "COUNT", dimensions=["span_name", "span_status"]) == [
        (["agent", "OK"], {"COUNT": 1}),
        (["ask", "ERROR"], {"COUNT": 1}),
        (["ask", "OK"], {"COUNT": 3}),
        (["n" * 300, "OK"], {"COUNT": 1}),
    ]  # fmt: skip
    # A cost that is no number is none, and neither is a model without a name.
    assert await figures(filled, "SPANS", "total_cost", "SUM", "MAX") == [
        ([], {"SUM": 7, "MAX": 4})
    ]
    by_model = {"dimensions": ["span_model_name"]}
    assert await figures(filled, "SPANS", "total_cost", "SUM", **by_model) == [(["m"], {"SUM": 3})]
    assert await figures(filled, "SPANS", "span_count", "COUNT", **by_model) == [
        (["m"], {"COUNT": 2}),
        (["x"], {"COUNT": 1}),
    ]
    # The range of costs is that of the spans.
    later = {"start_time_ms": MILLISECONDS + 2000}
    assert await figures(filled, "SPANS", "total_cost", "SUM", **later) == [([], {"SUM": 5})]


@pytest.mark.parametrize(
    ("view", "filters", "count"),
    [
        ("TRACES", ["trace.status = 'ERROR'"], 1),
        ("TRACES", ["trace.status = 'nonsense'"], 0),
        ("TRACES", ["trace.tag.`mlflow.traceName` = 'name 1'"], 3),
        ("TRACES", ["trace.metadata.`mlflow.trace.session` = 's1'", "trace.status = 'OK'"], 1),
        ("TRACES", ["trace.metadata.mlflow.sourceRun = 'r'"], 1),
        ("SPANS", ['span.type = "LLM"'], 4),
        ("SPANS", ["span.name = 'ask'", "span.status = 'ERROR'"], 1),
        ("SPANS", ["trace.metadata.`mlflow.trace.session` = 's0'", "span.name = 'ask'"], 2),
        ("SPANS", [f"span.name = '{'n' * 300}'"], 1),
        ("SPANS", ["trace.status = 'ERROR'"], 0),
    ],
)
async def test_filters(filled, tracking, view, filters, count):
    tracking.runs.add("r")
    await filled.call("LinkTracesToRun", trace_ids=["tr-3"], run_id="r")
    metric = "trace_count" if view == "TRACES" else "span_count"
    assert await figures(filled, view, metric, "COUNT", filters=filters) == [([], {"COUNT": count})]


async def test_pages_of_groups(filled):
    fields = {
        "experiment_ids": ["1"],
        "view_type": "TRACES",
        "metric_name": "trace_count",
        "aggregations": [{"aggregation_type": "COUNT"}],
        "dimensions": ["trace_name"],
        "time_interval_seconds": 86_400,
        "start_time_ms": 0,
        "end_time_ms": 2**63 - 1,
    }
    found, token = [], None
    while True:
        page = await filled.call("QueryTraceMetrics", max_results=4, page_token=token, **fields)
        found += [tuple(point["dimensions"].values()) for point in page["data_points"]]
        token = page.get("next_page_token")
        if not token:
            break
    assert len(found) == 6
    assert found == sorted(set(found))


async def test_tokens_of_spans_and_of_mlflow_2_count(traces):
    await traces.log(
        span("tr-1", 1, token_usage={"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
    )
    started = await traces.call("StartTrace", experiment_id="1", timestamp_ms=MILLISECONDS)
    trace_id = started["trace_info"]["request_id"]
    usage = [
        {
            "key": TOKENS,
            "value": '{"input_tokens": "5", "output_tokens": 0.5, "total_tokens": true}',
        }
    ]
    await traces.call(
        "EndTrace", trace_id=trace_id, timestamp_ms=MILLISECONDS, request_metadata=usage
    )
    assert await figures(traces, "TRACES", "input_tokens", "SUM") == [([], {"SUM": 8})]
    assert await figures(traces, "TRACES", "output_tokens", "SUM") == [([], {"SUM": 4})]
    # A trace that comes again without tokens keeps them.
    await traces.start("tr-1")
    assert await figures(traces, "TRACES", "total_tokens", "SUM") == [([], {"SUM": 7})]


@pytest.mark.parametrize(
    "usage", ["x", "[" * 9_000, "[1]", '{"input_tokens": 1e400, "total_tokens": null}', "9" * 9_000]
)
async def test_tokens_that_are_no_numbers_are_left_out(traces, usage):
    await traces.start("tr-1", trace_metadata={TOKENS: usage})
    assert await figures(traces, "TRACES", "input_tokens", "SUM") == []


async def test_figures_follow_a_trace_into_another_experiment_and_never_leave_the_project(filled):
    await filled.start("tr-0", experiment="2")
    counted = await figures(filled, "SPANS", "span_count", "COUNT", experiment_ids=["2"])
    assert counted == [([], {"COUNT": 2})]
    elsewhere = await filled.call(
        "QueryTraceMetrics", 8, experiment_ids=["1", "2"], view_type="SPANS", metric_name="span_count",
        aggregations=[{"aggregation_type": "COUNT"}],
    )  # fmt: skip
    assert elsewhere["data_points"][0]["values"] == {"COUNT": 0}


async def test_assessments_are_counted_and_measured(filled):
    given = [
        ("tr-0", "good", True),
        ("tr-0", "good", False),
        ("tr-1", "good", " Yes "),
        ("tr-2", "good", "perhaps"),
    ]
    overridden = ""
    for number, (trace_id, name, value) in enumerate(
        [*given, ("tr-3", "score", 4), ("tr-4", "score", 5)]
    ):
        fields = {"trace_id": trace_id, "assessment_name": name, "source": {"source_type": "HUMAN"}}
        assessment = {**fields, "feedback": {"value": value}}
        if number == 1:
            assessment["overrides"] = overridden
        reply = await filled.call("CreateAssessment", trace_id=trace_id, assessment=assessment)
        overridden = reply["assessment"]["assessment_id"]
    expected = {"feedback": None, "expectation": {"value": "x" * 400}}
    fields = {"trace_id": "tr-5", "assessment_name": "answer", "source": {"source_type": "HUMAN"}}
    await filled.call("CreateAssessment", trace_id="tr-5", assessment={**fields, **expected})
    by_name = {"dimensions": ["assessment_name"]}
    assert await figures(filled, "ASSESSMENTS", "assessment_count", "COUNT", **by_name) == [
        (["answer"], {"COUNT": 1}),
        (["good"], {"COUNT": 3}),
        (["score"], {"COUNT": 2}),
    ]
    assert await figures(filled, "ASSESSMENTS", "assessment_value", "AVG", "P50", **by_name) == [
        (["good"], {"AVG": 0.5, "P50.0": 0.5}),
        (["score"], {"AVG": 4.5, "P50.0": 4.5}),
    ]
    by_value = {"dimensions": ["assessment_value"], "filters": ["assessment.name = 'good'"]}
    assert await figures(filled, "ASSESSMENTS", "assessment_count", "COUNT", **by_value) == [
        (['" Yes "'], {"COUNT": 1}),
        (['"perhaps"'], {"COUNT": 1}),
        (["false"], {"COUNT": 1}),
    ]
    wanted = {"filters": ["assessment.type = 'feedback'", "trace.status = 'OK'"]}
    assert await figures(filled, "ASSESSMENTS", "assessment_count", "COUNT", **wanted) == [
        ([], {"COUNT": 4})
    ]
    daily = {
        "time_interval_seconds": 86_400,
        "start_time_ms": MILLISECONDS + DAY,
        "end_time_ms": MILLISECONDS + 2 * DAY - 1,
    }
    assert await figures(filled, "ASSESSMENTS", "assessment_count", "COUNT", **daily) == [
        (["2026-01-02T00:00:00+00:00"], {"COUNT": 2})
    ]


COUNT = [{"aggregation_type": "COUNT"}]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"view_type": "NONSENSE"}, "Invalid value"),
        ({"metric_name": "x"}, "metric_name must be one of ['trace_count', 'session_count', 'latency'"),
        ({"aggregations": []}, "aggregation"),
        ({"aggregations": [{"aggregation_type": "SUM"}]}, "invalid aggregation_type(s): ['SUM']. Supported"),
        ({"aggregations": [{"aggregation_type": "COUNT", "percentile_value": 1}]}, "only allowed for PERCENTILE"),
        ({"metric_name": "latency", "aggregations": [{"aggregation_type": "PERCENTILE"}]}, "is required"),
        ({"metric_name": "latency", "aggregations": [aggregation("P101")]}, "between 0 and 100, got 101.0"),
        ({"metric_name": "latency", "aggregations": [aggregation("PNaN")]}, "between 0 and 100"),
        ({"dimensions": ["span_name"]}, "dimension(s): ['span_name']. Supported dimensions: ['trace_name', 'trace_status']"),
        ({"time_interval_seconds": 60}, "start_time_ms and end_time_ms are required"),
        ({"time_interval_seconds": -1, "start_time_ms": 0, "end_time_ms": 1}, "'time_interval_seconds'"),
        ({"time_interval_seconds": 2**62, "start_time_ms": 0, "end_time_ms": 1}, "'time_interval_seconds'"),
        ({"max_results": 0}, "positive integer"),
        ({"max_results": 10_001}, "at most 10000"),
        ({"page_token": "x"}, "Invalid page token"),
        ({"experiment_ids": ["x"]}, "Invalid experiment ID"),
        ({"filters": ["span.name = 'a'"]}, "Filtering by span is only supported for SPANS view type, got TRACES"),
        ({"filters": ["assessment.name = 'a'"]}, "Filtering by assessment is only supported for ASSESSMENTS"),
        ({"filters": ["trace.status = 'OK' AND trace.status = 'OK'"]}, "Expected one filter clause"),
        ({"filters": [""]}, "Could not be parsed"),
        ({"filters": ["status = 'OK'"]}, "Columns should be specified as"),
        ({"filters": ["x.status = 'OK'"]}, "Invalid view type 'x'"),
        ({"filters": ["trace.x = 'OK'"]}, "Invalid entity 'x' specified for view type 'trace'"),
        ({"filters": ["trace.tag = 'OK'"]}, "requires a key"),
        ({"filters": ["trace.status.x = 'OK'"]}, "does not require a key"),
        ({"filters": ["trace.status != 'OK'"]}, "only '=' operator is supported"),
        ({"filters": ["trace.status = 5"]}, "Expected a quoted string value"),
        ({"filters": ["trace.status = ('a')"]}, "Expected a quoted string value"),
    ],
)  # fmt: skip
async def test_a_mistake_is_explained(traces, fields, message):
    asked = {
        "experiment_ids": ["1"],
        "view_type": "TRACES",
        "metric_name": "trace_count",
        "aggregations": COUNT,
    }
    with pytest.raises(DomainError) as caught:
        await traces.call("QueryTraceMetrics", **{**asked, **fields})
    assert message in caught.value.message


async def test_bounds_beyond_what_can_be_stored(filled):
    for view, metric, name in (("TRACES", "trace_count", "COUNT"), ("SPANS", "total_cost", "SUM")):
        for start, end in ((-(2**63), 2**63 - 1), (2**63 - 1, 2**63 - 1), (-(2**63), -(2**63))):
            for interval in (None, 9_000_000_000, 1):
                await figures(
                    filled, view, metric, name,
                    start_time_ms=start, end_time_ms=end, time_interval_seconds=interval,
                )  # fmt: skip


async def correlation(traces, first, second, base=None):
    return await traces.call(
        "CalculateTraceFilterCorrelation",
        experiment_ids=["1"],
        filter_string1=first,
        filter_string2=second,
        base_filter=base,
    )


async def test_two_filters_correlate(filled):
    found = await correlation(filled, "name = 'name 1'", "span.type = 'TOOL'")
    counts = [found[f"{name}_count"] for name in ("filter1", "filter2", "joint", "total")]
    assert counts == [3, 1, 1, 6]
    assert found["npmi"] == pytest.approx(math.log(2) / math.log(6))
    found = await correlation(filled, "status = 'ERROR'", "name = 'name 1'")
    assert (found["npmi"], found["joint_count"]) == (-1, 0)
    found = await correlation(filled, "timestamp > 0", "tags.none IS NULL", "status = 'OK'")
    assert (found["npmi"], found["total_count"]) == (1, 5)
    found = await correlation(filled, "tags.none = 'x'", "status = 'OK'")
    assert "npmi" not in found
    assert "npmi_smoothed" not in found
    found = await correlation(
        filled, "text LIKE '%ask%'", "execution_time >= 0 AND status IN ('OK')"
    )
    assert (found["filter1_count"], found["filter2_count"], found["joint_count"]) == (3, 4, 3)


@pytest.mark.parametrize("name", ["filter_string1", "filter_string2", "base_filter"])
async def test_a_wrong_filter_of_a_correlation_is_explained(traces, name):
    fields = {"filter_string1": "status = 'OK'", "filter_string2": "status = 'OK'", name: "x = 1"}
    with pytest.raises(DomainError, match="Invalid attribute key 'x'"):
        await traces.call("CalculateTraceFilterCorrelation", experiment_ids=["1"], **fields)

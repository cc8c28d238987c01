"""Searches of traces, figures over them and correlations of filters are those of MLflow's newest server.

MLflow's store on SQLite interpolates percentiles as PostgreSQL does. Where an answer differs on purpose, ADR 78 says
why; those filters are not here.
"""

import base64
import json
import subprocess
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.contracts.errors import DomainError
from tests.compat.conftest import NEWEST, venv_of
from tests.integration.traces.conftest import MILLISECONDS, FakeTracking, Traces, span
from tests.service_pools import Pool

SCRIPT = Path(__file__).with_name("mlflow_trace_store.py")
DAY = 86_400_000
TRACES = 30
STATES = ("OK", "OK", "OK", "ERROR", "IN_PROGRESS")
TYPES = ("AGENT", "LLM", "TOOL", "CHAT_MODEL")
STATUSES = ("OK", "OK", "ERROR", "UNSET")
MODELS = ("gpt-4o", "claude")
SESSION, USAGE, NAME = "mlflow.trace.session", "mlflow.trace.tokenUsage", "mlflow.traceName"


Asked = list[tuple[str, list[Any], list[str]]]
"""Metrics, each with its aggregations and dimensions. A number is a percentile."""


def trace_id(number):
    return f"tr-{number:032x}"


def made(random, number):
    usage = {f"{side}_tokens": random.randint(0, 9) for side in ("input", "output", "total")}
    metadata = {SESSION: f"s{number % 7}", USAGE: json.dumps(usage)}
    return {
        "trace_id": trace_id(number),
        "request_time": MILLISECONDS + number * DAY // 8 + random.randint(0, 9),
        "execution_duration": random.randrange(0, 2_000, 100),
        "state": random.choice(STATES),
        "tags": {NAME: f"agent {number % 3}", "team": random.choice(("red", "blue"))},
        "trace_metadata": metadata if number % 4 else {},
    }


def spans_of(random, number):
    """Return spans of a trace, as the gateway sends them."""
    found = []
    for place in range(1, 1 + random.randint(1, 4)):
        kind, model = random.choice(TYPES), random.choice(MODELS)
        cost = {"input_cost": place / 8, "output_cost": 0.25, "total_cost": place / 8 + 0.25}
        priced = kind in ("LLM", "CHAT_MODEL")
        values = {
            "mlflow.traceRequestId": trace_id(number),
            "mlflow.spanType": kind,
            "question": f"What is {number}? {random.choice(('Quickly!', 'slowly'))}",
            **({"mlflow.llm.cost": cost, "mlflow.llm.model": model} if priced else {}),
        }
        fields = {
            "name": random.choice(("ask", "Search", "step é")),
            "type": kind,
            "status": random.choice(STATUSES),
            "start_time_ns": (MILLISECONDS + number * DAY // 8 + place) * 1_000_000 + 7,
            "attributes": {key: json.dumps(value) for key, value in values.items()},
            **({"cost": cost, "model_name": model} if priced else {}),
        }
        end = fields["start_time_ns"] + random.randint(0, 3_000_000_000)
        made = span(trace_id(number), place, 1 if place > 1 else None, end_time_ns=end, **fields)
        content = json.loads(made["content"])
        content["trace_id"] = base64.b64encode(number.to_bytes(16, "big")).decode()
        found.append({**made, "content": json.dumps(content)})
    return found


def searches():
    filters = [
        f"span.{key} {comparison}"
        for key, comparison in (
            *product(("name",), ("= 'ask'", "!= 'ask'", "IN ('ask', 'x')", "NOT IN ('ask')", "LIKE 's%'", "RLIKE '^S'")),
            *product(("type",), ("= 'LLM'", "!= 'LLM'", "LIKE '%L%'", "IN ('TOOL', 'AGENT')", "= 'none'")),
            *product(("status",), ("= 'ERROR'", "!= 'OK'", "IN ('UNSET')", "NOT IN ('OK', 'UNSET')")),
            ("content", "LIKE '%slowly%'"),
            ("content", "ILIKE '%SLOWLY%'"),
            ("attributes.question", "LIKE '%What is 7?%'"),
            ("attributes.`question`", "ILIKE '%WHAT IS 7?%'"),
            ("attributes.question", "RLIKE '^What is [78]'"),
            ("attributes.none", "LIKE '%'"),
        )
    ]  # fmt: skip
    filters += [
        "span.name = 'ask' AND span.type = 'LLM'",
        "span.type = 'LLM' AND span.status = 'ERROR' AND span.content LIKE '%slowly%'",
        "span.type = 'TOOL' AND tags.team = 'red' AND status = 'OK'",
        "trace.text LIKE '%Quickly%'",
        "trace.text ILIKE '%quickly%' AND trace.status = 'ERROR'",
        "execution_time > 1000",
        "execution_time <= 300 AND status != 'OK'",
        f"end_time >= {MILLISECONDS + 3 * DAY}",
        "status IN ('ERROR', 'IN_PROGRESS')",
        "span.size = 'a'",
        "span.content = 'a'",
        "span.name > 'a'",
        "span.name = 5",
        "trace.text = 'a'",
    ]
    orders = [
        [],
        ["execution_time"],
        ["execution_time DESC"],
        ["status", "timestamp ASC"],
        ["name"],
    ]
    return [[text, orders[number % len(orders)]] for number, text in enumerate(filters)]


def figures():
    of_traces: Asked = [
        ("trace_count", ["COUNT"], ["trace_status"]),
        ("session_count", ["COUNT"], []),
        ("latency", ["AVG", "MIN", "MAX", 50, 90, 99.5], ["trace_name"]),
        ("input_tokens", ["SUM", "AVG", 75], []),
        ("total_tokens", ["SUM"], ["trace_name"]),
        ("cache_read_input_tokens", ["SUM"], []),
    ]
    of_spans: Asked = [
        ("span_count", ["COUNT"], ["span_name", "span_type"]),
        ("span_count", ["COUNT"], ["span_status", "span_model_name"]),
        ("latency", ["AVG", "MIN", "MAX", 50, 99], ["span_name"]),
        ("total_cost", ["SUM", "AVG", 50], ["span_model_name"]),
        ("input_cost", ["SUM"], []),
    ]
    labels = [f"trace.metadata.`{SESSION}` = 's1'", f"trace.tag.`{NAME}` = 'agent 1'"]
    filters = {
        "TRACES": [[], ["trace.status = 'ERROR'"], *([each] for each in labels)],
        "SPANS": [[], ["span.type = 'LLM'"], ["trace.tag.team = 'red'", "span.status = 'OK'"]],
    }  # fmt: skip
    times = [
        {},
        {"time_interval_seconds": 86_400, "start_time_ms": MILLISECONDS, "end_time_ms": MILLISECONDS + 9 * DAY},
        {"start_time_ms": MILLISECONDS + DAY, "end_time_ms": MILLISECONDS + 2 * DAY},
    ]  # fmt: skip
    wrong: list[tuple[str, str, str, dict[str, list[str]]]] = [
        ("TRACES", "nonsense", "COUNT", {}),
        ("TRACES", "latency", "SUM", {}),
        ("SPANS", "span_count", "COUNT", {"dimensions": ["trace_name"]}),
        ("TRACES", "trace_count", "COUNT", {"filters": ["span.name = 'a'"]}),
    ]
    return [
        {
            "view_type": view,
            "metric_name": metric,
            "aggregations": [
                ("PERCENTILE", each) if isinstance(each, int | float) else (each, None)
                for each in names
            ],
            "dimensions": dimensions,
            "filters": wanted,
            **time,
        }
        for view, metrics in (("TRACES", of_traces), ("SPANS", of_spans))
        for metric, names, dimensions in metrics
        for wanted in filters[view]
        for time in times
    ] + [
        {"view_type": view, "metric_name": metric, "aggregations": [(name, None)], **fields}
        for view, metric, name, fields in wrong
    ]


CORRELATIONS = [
    ["status = 'ERROR'", "span.status = 'ERROR'", None],
    ["tags.team = 'red'", "execution_time > 500", f"timestamp > {MILLISECONDS + DAY}"],
    ["name = 'agent 1'", "name = 'agent 2'", None],
    ["name = 'agent 1'", "name = 'none'", None],
    ["trace.text LIKE '%slowly%'", "span.type = 'LLM' AND span.name = 'ask'", "status = 'OK'"],
    ["timestamp > 0", "timestamp > 0", None],
    ["nonsense = 1", "timestamp > 0", None],
]


@pytest.fixture(scope="module")
def given():
    random = Random(78)
    return {
        "traces": [made(random, number) for number in range(TRACES)],
        "spans": [spans_of(random, number) for number in range(TRACES)],
        "searches": searches(),
        "figures": figures(),
        "correlations": CORRELATIONS,
    }


@pytest.fixture(scope="module")
def mlflows(given):
    """What MLflow's own store answers."""
    spans = [[json.loads(each["content"]) for each in group] for group in given["spans"]]
    python = venv_of(NEWEST) / "bin" / "python"
    text = json.dumps({**given, "spans": spans})
    said = subprocess.run((python, SCRIPT), input=text, check=True, capture_output=True, text=True)
    return json.loads(said.stdout)


@pytest.fixture
async def traces(given, traces_pool: Pool):
    traces = Traces(traces_pool, FakeTracking())
    for group in given["spans"]:
        await traces.log(*group)
    for each in given["traces"]:
        await traces.start(
            each["trace_id"],
            request_time=iso(each["request_time"]),
            execution_duration=f"{each['execution_duration'] / 1000}s",
            **{key: each[key] for key in ("state", "tags", "trace_metadata")},
        )
    return traces


def iso(milliseconds):
    days, rest = divmod(milliseconds - MILLISECONDS, DAY)
    return f"2026-01-{1 + days:02}T{rest // 3_600_000:02}:{rest // 60_000 % 60:02}:{rest % 60_000 / 1000:06.3f}Z"


async def answered(asking):
    try:
        return await asking
    except DomainError as error:
        return {"error": str(error.code)}


def loosely(points):
    return points if isinstance(points, dict) else [(d, pytest.approx(v)) for d, v in points]


async def test_answers_are_mlflows(given, mlflows, traces):
    for (text, orders), expected in zip(given["searches"], mlflows["searches"], strict=True):
        found = await answered(traces.search(filter=text, order_by=orders))
        assert (found if isinstance(found, dict) else found[0]) == expected, text
    for asked, expected in zip(given["figures"], mlflows["figures"], strict=True):
        found = await answered(computed(traces, asked))
        assert found == loosely(expected), asked
    for asked, expected in zip(given["correlations"], mlflows["correlations"], strict=True):
        found = await answered(correlated(traces, *asked))
        wanted = expected if isinstance(expected, dict) else pytest.approx(expected)
        assert found == wanted, asked


async def computed(traces, asked):
    aggregations = [
        {"aggregation_type": kind, "percentile_value": percent}
        for kind, percent in asked["aggregations"]
    ]
    fields = {**asked, "aggregations": aggregations}
    reply = await traces.call("QueryTraceMetrics", experiment_ids=["1"], **fields)
    return [(each["dimensions"], each["values"]) for each in reply["data_points"]]


async def correlated(traces, first, second, base):
    found = await traces.call(
        "CalculateTraceFilterCorrelation",
        experiment_ids=["1"],
        filter_string1=first,
        filter_string2=second,
        base_filter=base,
    )
    counts = [found[f"{name}_count"] for name in ("filter1", "filter2", "joint", "total")]
    return [found.get("npmi"), found.get("npmi_smoothed"), *counts]

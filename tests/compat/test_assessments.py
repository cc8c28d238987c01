"""Assessments are those of MLflow's newest server: the same requests have the same answers."""

import json

import pytest

from tests.compat.assessment_requests import (
    HUMAN,
    LATER,
    THEN,
    create,
    delete,
    get,
    info,
    serialized,
    start,
    update,
)
from tests.compat.mlflow_server import (
    Request,
    answers_of_mlflow,
    answers_of_warren,
    comparable,
)
from tests.integration.traces.conftest import FakeTracking, Traces
from tests.service_pools import Pool

LONG_TRACE = "line\n" * 3000
VALUES = [
    5,
    0.5,
    -1e300,
    True,
    False,
    None,
    "yes",
    'a "quoted" ü 🐇',
    "",
    [1, "a", None],
    [],
    {"a": {"b": [1.5]}},
    {},
]
REQUESTS = [
    start("tr-1"),
    *(create(f"f{number}", feedback={"value": value}) for number, value in enumerate(VALUES)),
    *(create("e", expectation={"value": value}) for value in VALUES),
    *(create("e", expectation=serialized(value)) for value in (VALUES[0], *VALUES[9:])),
    create("e", expectation=serialized('{"n": 12345678901234567890, "f": 1.0, "ü": "\\u00fc"}')),
    create("e", expectation=serialized("null")),
    create("e", expectation={"serialized_value": {"serialization_format": "XML", "value": "1"}}),
    create("e", expectation={**serialized([2]), "value": 1}),
    create("none"),
    create("f", feedback={}),
    create("e", expectation={}),
    create("f", feedback={"value": None, "error": {"error_code": "E", "error_message": "m"}}),
    create("f", feedback={"error": {"error_code": "E", "stack_trace": LONG_TRACE}}),
    create("iss-1", issue={"issue_name": "slow"}, rationale="because", source=HUMAN),
    create("iss-1", issue={}),
    create(
        "full",
        "full",
        feedback={"value": "v"},
        source=HUMAN,
        rationale="why",
        span_id="0123456789abcdef",
        metadata={"k": "v", "mlflow.assessment.sourceRunId": "r"},
        create_time=THEN,
        last_update_time=LATER,
        trace_id="tr-other",
        valid=False,
    ),
    get("full"),
    create("e", "expected", expectation={"value": "v"}, rationale="dropped", metadata={"a": "1"}),
    create("f", feedback={"value": 1}, source={"source_type": 2}),
    create("f", feedback={"value": 1}, source={"source_type": "ROBOT"}),
    create("f", "own", feedback={"value": 1}, assessment_id="my-own"),
    get("own"),
    # Changes.
    update("full", "assessmentName,rationale", assessment_name="new", rationale=""),
    update("full", "feedback", feedback={"value": 2, "error": {"error_code": "E"}}),
    update("full", "feedback", rationale="not named"),
    update("full", "metadata", metadata={"k": "w", "l": "x"}),
    update("full", "nonsense", assessment_name="ignored"),
    update("full", "expectation", expectation={"value": 1}),
    update("expected", "expectation", expectation=serialized({"a": 1})),
    update("expected", "expectation"),
    update("expected", "feedback", feedback={"value": 1}),
    update("expected", "rationale,metadata", rationale="dropped", metadata={"b": "2"}),
    update("full", "", assessment_name="x"),
    Request("PATCH", "traces/tr-1/assessments/$full", {"update_mask": "rationale"}),
    # Overriding, and what follows from it.
    create("f", "first", feedback={"value": 1}),
    create("f", "second", feedback={"value": 2}, overrides="$first"),
    get("first"),
    update("first", "feedback", feedback={"value": 3}),
    create("f", "third", feedback={"value": 3}, overrides="$second"),
    get("second"),
    delete("third"),
    get("second"),
    get("first"),
    delete("second"),
    get("first"),
    create("e", expectation={"value": 1}, overrides="$first"),
    create("f", feedback={"value": 1}, overrides="nothing"),
    get("first"),
    delete("second"),
    # What is not there.
    create("f", trace="tr-9", feedback={"value": 1}),
    get("full", trace="tr-9"),
    get("second"),
    update("full", "rationale", trace="tr-9", rationale="x"),
    update("second", "rationale", rationale="x"),
    delete("full", trace="tr-9"),
    Request("POST", "traces/tr-1/assessments", {}),
    info(),
    # Beside their trace.
    start(
        "tr-2",
        assessments=[
            {"assessment_name": "a", "feedback": {"value": 1}, "create_time": THEN},
            {"assessment_name": "b", "expectation": {"value": 1}, "create_time": LATER},
            {"assessment_id": "given", "assessment_name": "c", "feedback": {"value": True}},
        ],
    ),
    start("tr-2", assessments=[{"assessment_id": "given", "feedback": {"value": False}}]),
    start("tr-3", assessments=[{"assessment_name": "empty"}]),
    Request("POST", "traces/batchGetInfos", {"trace_ids": ["tr-2", "tr-1"]}),
    start("tr-1", experiment="2"),
    info(),
    Request("POST", "traces/delete-traces", {"experiment_id": "2", "request_ids": ["tr-1"]}),
    get("full"),
    start("tr-1"),
    info(),
]  # fmt: skip


@pytest.fixture(scope="module")
def mlflows():
    return answers_of_mlflow(REQUESTS)


def assessments_in(answer):
    """Return what an answer says about assessments. Those of a trace have no order in MLflow."""
    if not isinstance(answer, dict):
        return answer
    infos = answer.get("trace_infos", [answer.get("trace", {}).get("trace_info")])
    if infos == [None]:
        return read(answer.get("assessment", answer))
    return [
        sorted(map(read, each.get("assessments", [])), key=lambda a: json.dumps(comparable(a)))
        for each in infos
    ]


def read(assessment):
    """Return an assessment whose serialized value is read: how its JSON is written does not count."""
    serialized = assessment.get("expectation", {}).get("serialized_value")
    return (
        {**assessment, "expectation": json.loads(serialized["value"])} if serialized else assessment
    )


async def test_every_answer_is_mlflows(mlflows, traces_pool: Pool):
    found = await answers_of_warren(Traces(traces_pool, FakeTracking()), REQUESTS)
    different = [
        (request, answer, expected)
        for request, expected, answer in zip(REQUESTS, mlflows, found, strict=True)
        if comparable(assessments_in(answer)) != comparable(assessments_in(expected))
    ]
    assert different == []

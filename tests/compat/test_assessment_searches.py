"""Searches by assessments find the traces that MLflow's newest server finds."""

import pytest

from shared.mlflow.search import bounded
from shared.mlflow.search.bounded import Budget
from tests.compat.assessment_requests import create, serialized, start
from tests.compat.mlflow_server import Request, answers_of_mlflow, answers_of_warren
from tests.integration.traces.conftest import FakeTracking, Traces
from tests.integration.traces.test_search import SMALL
from tests.service_pools import Pool

SESSION = {"mlflow.trace.session": "s1"}
VALUES = [
    5,
    5.5,
    -1e300,
    1e20,
    True,
    False,
    None,
    "yes",
    "no",
    "5",
    "true",
    'a "b" \\ c',
    "ü",
    ["a", 1],
    {"a": 1},
    "x" * 300,
]


def trace(number, **info):
    return start(f"tr-{number:02}", request_time=f"2020-01-01T00:00:{number:02}Z", **info)


def of(number, name="f", save="", **fields):
    return create(name, save, f"tr-{number:02}", **fields)


def filling():
    for number, value in enumerate(VALUES):
        yield trace(number)
        yield of(number, feedback={"value": value})
        yield of(number, "e", expectation={"value": 0} if value is None else {"value": value})
    yield trace(20)
    yield of(20, "e", expectation=serialized(7))
    yield of(20, "e", expectation=serialized({"b": [1]}))
    yield of(20, "other.name", feedback={"value": 1})
    yield of(20, "name", feedback={"value": "n"})
    # A feedback that is overridden counts no more; a reference to an issue does.
    yield trace(21)
    yield of(21, save="first", feedback={"value": "old"})
    yield of(21, save="second", feedback={"value": "new"}, overrides="$first")
    yield of(21, "iss-1", "ref", issue={"issue_name": "slow"})
    yield of(21, "z", feedback={"value": 1}, overrides="$ref")
    yield of(21, "error", feedback={"error": {"error_code": "E"}})
    # What assesses a session counts for its traces.
    for number in range(22, 26):
        session = SESSION if number < 25 else {"mlflow.trace.session": "s2"}
        yield trace(number, trace_metadata=session)
    yield of(22, "whole", feedback={"value": "good"}, metadata=SESSION)
    yield of(22, "whole number", feedback={"value": 3}, metadata=SESSION)
    yield of(23, "whole", feedback={"value": "bad"})
    yield trace(26, experiment="2")
    yield of(26, feedback={"value": "yes"})
    yield of(26, "whole", feedback={"value": "good"})


TEXTS = ["5", "5.0", "true", "yes", "Yes", '"yes"', "null", "ü", "1e+20", '["a", 1.0]', "x" * 300]
PATTERNS = ["%yes%", "%YES%", "%5%", "_5_", "%", "%.0", "%\\\\%", '"y%', "%xxx%"]
FILTERS = [
    *(f"feedback.f {sign} '{text}'" for text in TEXTS for sign in ("=", "!=")),
    *(f"expectation.e {sign} '{text}'" for text in ("5.0", "7", "0.0") for sign in ("=", "!=")),
    *(f"feedback.f {like} '{text}'" for text in PATTERNS for like in ("LIKE", "ILIKE")),
    "feedback.f RLIKE 'yes|no'",
    "feedback.f RLIKE '5[.]'",
    *(
        f"{name} {sign} {number}"
        for name in ("feedback.f", "expectation.e")
        for number in ("5", "5.0", "5.5", "-1e300", "0", "-3", "1e19")
        for sign in ("<", "<=", ">", ">=")
    ),
    "feedback.f IS NULL",
    "feedback.f IS NOT NULL",
    "expectation.f IS NOT NULL",
    "feedback.z IS NULL",
    "feedback.`whole number` > 2",
    "feedback.`whole number` > 3",
    "feedback.whole = 'good'",
    "feedback.whole != 'good'",
    "feedback.whole LIKE '%oo%'",
    "feedback.whole IS NULL",
    "feedback.whole IS NOT NULL",
    "feedback.error = 'null'",
    "feedback.error IS NOT NULL",
    "feedback.`other.name` = '1.0'",
    "issue.id = 'iss-1'",
    "issue.id = 'iss-2'",
    "feedback.f > 1 AND feedback.f < 6 AND expectation.e = '5.0'",
    "feedback.f = 'new' AND issue.id = 'iss-1' AND status = 'OK'",
    # Mistakes.
    "feedback.f = 5",
    "feedback.f > '5'",
    "feedback.f IN ('a')",
    "feedback.f NOT LIKE 'a'",
    "feedback.f > abc",
    "feedback.f = abc",
    "issue.id != 'a'",
    "issue.id IS NULL",
    "issue.id = 5",
]  # fmt: skip


def search(text, experiments):
    places = [
        {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": each}}
        for each in experiments
    ]
    body = {"locations": places, "filter": text, "max_results": 100}
    return Request("POST", "traces/search", body)


SEARCHES = [search(text, ids) for ids in (["1"], ["1", "2"]) for text in FILTERS]
ORDERED = Request("POST", "traces/search", {**search("", ["1"]).body, "order_by": ["feedback.f"]})
REQUESTS = [*filling(), *SEARCHES, ORDERED]


def found(answer):
    if isinstance(answer, dict):
        return [each["trace_id"] for each in answer.get("traces", [])]
    return answer


@pytest.fixture(scope="module")
def mlflows():
    return answers_of_mlflow(REQUESTS)


@pytest.mark.parametrize("budget", [Budget(), SMALL], ids=["bounds", "small bounds"])
async def test_searches_find_mlflows_traces(mlflows, traces_pool: Pool, monkeypatch, budget):
    monkeypatch.setattr(bounded, "Budget", lambda: budget)
    answers = await answers_of_warren(Traces(traces_pool, FakeTracking()), REQUESTS)
    compared = list(zip(REQUESTS, answers, mlflows, strict=True))[-len(SEARCHES) - 1 :]
    different = {
        request.body["filter"]: (found(answer), found(expected))
        for request, answer, expected in compared
        if found(answer) != found(expected)
    }
    assert different == {}

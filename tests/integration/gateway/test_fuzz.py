"""Bad input, as a fuzzer makes it from /openapi.json: always an answer below 500, errors in MLflow's envelope."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from services.gateway.openapi.document import describe
from shared.contracts.errors import ErrorCode
from tests.rest import api
from tests.warren_fixtures import running
from tests.web_server import standalone

EXAMPLES = 20
"""For each operation and mode."""

OPERATIONS = [
    (method.upper(), path)
    for path, methods in describe()["paths"].items()
    for method in methods
    if not path.startswith("/api/v4/")
]
"""Those of MLflow's API."""

TAKES_ANYTHING = {
    ("GET", "/api/2.0/mlflow-artifacts/artifacts/{path}"),
    ("PUT", "/api/2.0/mlflow-artifacts/artifacts/{path}"),
    ("GET", "/api/2.0/mlflow-artifacts/presigned/{artifact_path}"),
    ("GET", "/api/3.0/mlflow/workspaces"),
    ("GET", "/api/3.0/mlflow/workspaces/{workspace_name}"),
}
"""Their input is at most a path and bytes: no request can differ from what the description allows."""

MALFORMED = {
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"run_id": "\xff\xfe"}',
    "a list": b"[]",
    "null": b"null",
    "a string": b'"x"',
    "a number": b"1e999",
    "a lone surrogate": rb'{"run_id": "\ud800", "name": "\ud800", "key": "\ud800"}',
    "a NUL": rb'{"run_id": "\u0000", "name": "a\u0000b", "experiment_id": "\u0000"}',
    "deep": b'{"run_id": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "wrong types": b'{"run_id": {}, "name": [], "experiment_id": {}, "key": 1, "metrics": 7}',
    "nulls": b'{"run_id": null, "name": null, "experiment_id": null, "metrics": null}',
    "huge numbers": b'{"run_id": 1, "experiment_id": 99999999999999999999999999, "step": 1e400}',
    "twice the same key": b'{"run_id": "a", "run_id": "b"}',
}


WORDS = [
    "metrics.",
    "metrics.m",
    "params.p",
    "tags.`a",
    "b`",
    "attributes.start_time",
    "attributes.run_id",
    "status",
    "run_name",
    "datasets.name",
    "name",
    "creation_time",
    "end_time",
    "version_number",
    "tag.`mlflow.prompt.is_prompt`",
    "=",
    "!=",
    "<",
    ">=",
    "LIKE",
    "ILIKE",
    "IN",
    "NOT",
    "IS",
    "NULL",
    "AND",
    "and",
    "OR",
    "'x'",
    '"x"',
    "`x`",
    "'",
    '"',
    "`",
    "(",
    ")",
    ",",
    "('a','b')",
    "('a')",
    "()",
    "1",
    "-1.5",
    "1e400",
    "NaN",
    "99999999999999999999",
    "ASC",
    "DESC",
    ".",
    "\\",
    "%",
    "'%'",
    "'\\'",
    ";",
    "--",
    "é",
]
"""What filters and orders are made of, and what they should not hold."""


@dataclass(frozen=True)
class Fuzzed:
    """A Warren of these tests' own, and what exists in it: a fuzzer never guesses an id."""

    url: str
    run_id: str
    experiment_id: str


@pytest.fixture(scope="module")
async def fuzzed(server_directory) -> AsyncIterator[Fuzzed]:
    described = standalone(server_directory / "fuzzed", direct_artifacts=True)
    async with running(described) as server, api(server.url) as rest:
        experiment = await rest.new_experiment("fuzzed")
        yield Fuzzed(server.url, await rest.new_run(experiment), experiment)


@pytest.fixture(scope="module")
def schema(fuzzed):
    document = requests.get(f"{fuzzed.url}/openapi.json", timeout=20).json()
    # With random tokens, each request would be refused for its token.
    del document["security"]
    loaded = schemathesis.openapi.from_dict(document)
    loaded.config.update(base_url=fuzzed.url)
    return loaded


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        (*operation, mode)
        for operation in OPERATIONS
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or operation not in TAKES_ANYTHING
    ],
)
def test_fuzzed_request_is_answered_or_refused_in_mlflow_envelope(
    schema, fuzzed, method, path, mode
):
    operation = schema[path][method]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def is_well_answered(case: Case, known: bool) -> None:
        if known:
            point_to_what_exists(case, fuzzed)
        response = case.call(session=session, timeout=20)
        check_answer(response.status_code, response.text, path)

    with requests.Session() as session:
        is_well_answered()


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_body_is_refused_by_every_route(fuzzed, body):
    async with aiohttp.ClientSession(
        fuzzed.url, headers={"Content-Type": "application/json"}
    ) as session:
        for method, path in OPERATIONS:
            if method != "GET":
                async with session.request(method, path, data=body) as response:
                    check_answer(response.status, await response.text(), path)


@pytest.mark.parametrize(
    "path",
    ["runs/search", "experiments/search", "registered-models/search", "model-versions/search"],
)
def test_fuzzed_filter_and_order_are_answered_or_refused(fuzzed, path):
    phrases = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)

    @settings(max_examples=400, derandomize=True, deadline=None, database=None)
    @given(condition=phrases, order=phrases)
    def is_well_answered(condition: str, order: str) -> None:
        body = {"filter": condition, "order_by": [order] if order else []}
        if path == "runs/search":
            body["experiment_ids"] = [fuzzed.experiment_id]
        url = f"{fuzzed.url}/api/2.0/mlflow/{path}"
        if path in ("runs/search", "experiments/search"):
            response = session.post(url, json=body, timeout=20)
        else:
            response = session.get(url, params=body, timeout=20)
        check_answer(response.status_code, response.text)

    with requests.Session() as session:
        is_well_answered()


def point_to_what_exists(case: Case, fuzzed: Fuzzed) -> None:
    """Let a request get past the search for its run or experiment, to the code behind it."""
    known: dict[str, Any] = {
        "run_id": fuzzed.run_id,
        "run_ids": [fuzzed.run_id],
        "experiment_id": fuzzed.experiment_id,
        "experiment_ids": [fuzzed.experiment_id],
    }
    for part in (case.body, case.query):
        if isinstance(part, dict):
            part.update({name: known[name] for name in known.keys() & part.keys()})


def check_answer(status: int, text: str, path: str = "") -> None:
    assert status < 500, text
    body = json.loads(text)
    if status != 200:
        # OTLP's errors are ``google.rpc.Status``, whose code is a number.
        own = {"code"} if path.endswith("/v1/traces") else set()
        assert set(body) == {"error_code", "message"} | own, text
        assert body["error_code"] in set(ErrorCode), text
        assert isinstance(body["message"], str), text

"""No request asks for more than the table of limits lets it."""

import json
import time

import pytest
from pydantic import ValidationError

from services.gateway.gitlab.endpoints import ENDPOINTS as REST_ENDPOINTS
from services.gateway.gitlab.workspaces import ENDPOINTS as WORKSPACE_ENDPOINTS
from services.gateway.mlflow.endpoints import ENDPOINTS
from shared.contracts import limits
from shared.contracts.datasets import LogInputs
from shared.contracts.errors import DomainError
from shared.contracts.metrics import LogMetric
from shared.contracts.runs import CreateRun, SearchRuns
from tests.unit.contracts.samples import Schema

STORED = {
    "description",
    "model_json",
    "profile",
    "run_name",
    "schema_",
    "source",
    "user_id",
    "value",
}
"""Fields of MLflow's that are stored as they are. GitLab's REST API takes 100 kB, which bounds its texts."""

CLIENTS = {
    *(endpoint.contract for endpoint in ENDPOINTS),
    *(endpoint.contract for endpoint in (*REST_ENDPOINTS, *WORKSPACE_ENDPOINTS)),
}


JUST_TOO_MANY = limits.NULLABLE_FIELDS // 2 + 1
"""Fields with a list each, of which one body has more than are looked at."""


def nodes(contracts):
    for contract in contracts:
        schema = Schema(contract)
        for node, _ in schema.objects(schema.root):
            for name, child in node["properties"].items():
                yield f"{contract.__name__}.{name}", name, schema.resolved(child), schema


def test_every_list_of_a_request_has_a_greatest_number():
    lists = [(where, node) for where, _, node, _ in nodes(CLIENTS) if node.get("type") == "array"]
    assert len(lists) > 20
    assert [where for where, node in lists if "maxItems" not in node] == []


def test_every_text_that_is_read_has_a_greatest_length():
    unbounded = set()
    for _, name, node, schema in nodes({endpoint.contract for endpoint in ENDPOINTS}):
        text = schema.resolved(node["items"]) if node.get("type") == "array" else node
        said = text.keys() & {"maxLength", "enum", "const", "format", "pattern"}
        if text.get("type") == "string" and not said:
            unbounded.add(name)
    assert unbounded <= STORED


@pytest.mark.parametrize(
    "body",
    ['{%s, "max_results": "x"}', '{"experiment_ids": [{%s}], "max_results": null}'],
    ids=["beside", "inside"],
)
def test_refusing_many_unknown_fields_costs_little_more_than_reading_them(body):
    unknown = ",".join(f'"k{number}" : [null]' for number in range(JUST_TOO_MANY))
    payload = (body % unknown).encode()
    began = time.thread_time()
    with pytest.raises(ValidationError):
        SearchRuns.model_validate_json(payload)
    validated = time.thread_time()
    with pytest.raises(DomainError, match=r"max_results|experiment_ids"):
        SearchRuns.parse(payload)
    assert time.thread_time() - validated < 3 * (validated - began)


def test_nulls_are_removed_beside_the_largest_text_that_is_stored():
    schema = json.dumps({f"column{number}": [None] for number in range(JUST_TOO_MANY)})
    dataset = {"name": "n", "digest": "d", "source_type": "s", "source": "s", "schema": schema}
    inputs = {"run_id": "r", "datasets": [{"dataset": dataset | {"profile": None}, "tags": None}]}
    assert LogInputs.parse(json.dumps(inputs).encode()).datasets[0].dataset.name == "n"


def refusal(contract, **fields):
    with pytest.raises(DomainError) as caught:
        contract.parse(json.dumps(fields).encode())
    return caught.value.message


def test_what_is_too_much_is_named_with_its_limit():
    assert refusal(SearchRuns, order_by=["," * 7_000_000]) == (
        f"'order_by[0]' exceeds the maximum length of {limits.ORDER} characters"
    )
    assert refusal(SearchRuns, order_by=["a"] * 21) == "'order_by' can contain at most 20 elements."
    assert refusal(CreateRun, tags=[{"key": "k"}] * 200_000) == (
        "'tags' can contain at most 1000 elements."
    )
    dataset = {"name": "n", "digest": "d", "source_type": "s", "source": "s"}
    assert refusal(LogInputs, run_id="r", datasets=[{"dataset": dataset}] * 1001) == (
        "'datasets' can contain at most 1000 elements."
    )
    assert refusal(LogMetric, run_id="r", key="k" * (limits.WORD + 1), value=1, timestamp=1) == (
        "'key' exceeds the maximum length of 20000 characters"
    )


def test_a_list_is_read_up_to_its_first_fault():
    """Otherwise 50,000 wrong elements would make 50,000 complaints, of which one is said."""
    body = json.dumps({"experiment_ids": [7] * 50_000}).encode()
    with pytest.raises(ValueError, match="1 validation error"):
        SearchRuns.model_validate_json(body)

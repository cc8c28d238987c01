"""The description is complete, valid and made from the table."""

import json
import re
from typing import Any, cast

import jsonschema_rs
import pytest
import schemathesis

from services.gateway.gitlab import endpoints as rest
from services.gateway.http.routing import plain
from services.gateway.openapi.artifacts import describe_packages, describe_streams
from services.gateway.openapi.document import describe
from services.gateway.openapi.operations import ENDPOINTS
from services.gateway.openapi.otlp import describe_otlp

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture(scope="module")
def document():
    return json.loads(json.dumps(describe()))


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


async def test_it_is_served(client, document):
    assert await (await client.get("/openapi.json")).json() == document


def test_every_endpoint_is_described(document):
    for endpoint in ENDPOINTS:
        operations = document["paths"][plain(endpoint.prefixes[0] + endpoint.path)]
        for method in endpoint.methods.lower().split():
            assert operations[method]["operationId"].startswith(endpoint.contract.__name__)


def test_operation_ids_are_unique(document):
    ids = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere(document):
    for reference in set(references(document)):
        _, _, kind, name = reference.split("/")
        assert name in document["components"][kind]


def test_schemas_are_valid_json_schemas(document):
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})


def test_schemathesis_reads_all_operations(document):
    schema = schemathesis.openapi.from_dict(document)
    operations = [cast("Any", operation).ok() for operation in schema.get_all_operations()]
    in_tables = sum(len(endpoint.methods.split()) for endpoint in ENDPOINTS)
    others = len([*describe_streams(), *describe_packages(), *describe_otlp()])
    assert len(operations) == in_tables + others


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.methods} {e.path}")
def test_every_answer_with_a_body_is_described_by_its_reply(document, endpoint):
    assert (endpoint.reply is None) == (endpoint.status == 204)
    path = document["paths"][plain(endpoint.prefixes[0] + endpoint.path)]
    for method in endpoint.methods.lower().split():
        content = path[method]["responses"][str(endpoint.status)].get("content")
        if endpoint.reply is None:
            assert content is None
        elif endpoint.reply is bool:
            assert content == {"application/json": {"schema": {"type": "boolean"}}}
        else:
            assert f"#/components/schemas/{endpoint.reply.__name__}" in set(references(content))


@pytest.mark.parametrize("endpoint", rest.ENDPOINTS, ids=lambda e: f"{e.methods} {e.path}")
def test_gitlabs_rest_api_is_described_but_for_what_the_gateway_adds(document, endpoint):
    operation = document["paths"][f"/api/v4{endpoint.path}"][endpoint.methods.lower()]
    assert str(endpoint.status) in operation["responses"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    told = {each["name"] for each in operation["parameters"] if "name" in each}
    told |= body.get("schema", {}).get("properties", {}).keys()
    assert not told & {"own_digest", "new_digest", *endpoint.implied_fields}
    missing = endpoint.contract.model_fields.keys() - told
    assert missing <= {"own_digest", "new_digest", *endpoint.implied_fields}


def test_required_fields_and_constraints_are_told(document):
    schema = document["components"]["schemas"]["LogMetric"]
    assert schema["required"] == ["run_id", "key", "value", "timestamp"]
    assert schema["properties"]["key"]["minLength"] == 1


def test_int64_may_be_a_string_in_requests(document):
    timestamp = document["components"]["schemas"]["LogMetric"]["properties"]["timestamp"]
    number, text = timestamp["anyOf"]
    assert number["maximum"] == 2**63 - 1
    assert re.search(text["pattern"], "-12")


def test_field_names_are_those_of_the_wire(document):
    assert "schema" in document["components"]["schemas"]["Dataset"]["properties"]


def test_query_parameters_come_from_the_contract(document):
    operation = document["paths"]["/api/2.0/mlflow/experiments/search"]["get"]
    fields = {p["name"]: p for p in operation["parameters"] if "name" in p}
    assert fields["order_by"]["schema"]["type"] == "array"
    assert fields["filter"]["schema"]["type"] == "string"
    assert not fields["filter"]["required"]


def test_security_tells_where_a_session_counts_and_where_nothing_is_needed(document):
    ways = {
        "own": document["security"],
        "rest": document["paths"]["/api/v4/users"]["post"]["security"],
        "public": document["paths"]["/api/v4/projects"]["get"]["security"],
        "workspace": document["paths"]["/api/3.0/mlflow/workspaces"]["post"]["security"],
    }
    tokens = {"Bearer", "Basic", "PrivateToken"}
    told = {name: {"".join(each) for each in listed} for name, listed in ways.items()}
    assert told == {
        "own": tokens | {"Session", ""},
        "rest": tokens,
        "public": tokens | {""},
        "workspace": tokens | {"Session"},
    }
    assert set(document["components"]["securitySchemes"]) == tokens | {"Session"}


def test_commands_take_an_idempotency_key(document):
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    paths = document["paths"]
    assert key in paths["/api/2.0/mlflow/runs/create"]["post"]["parameters"]
    assert key not in paths["/api/2.0/mlflow/runs/get"]["get"]["parameters"]

"""MLflow's API behind ``/api/v4/projects/<project>/ml/mlflow``."""

import json

import pytest

from services.gateway.http.routing import variables
from services.gateway.mlflow.endpoints import ENDPOINTS
from shared.contracts.errors import ErrorCode
from shared.contracts.validation import missing_value
from shared.messaging.messages import Answer

MOUNT = "/api/v4/projects/1/ml/mlflow"
API = f"{MOUNT}/api/2.0/mlflow"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def filled(path):
    for name in variables(path):
        path = path.replace(f"{{{name}}}", "x").replace(f"{{{name}:path}}", "x")
    return path


@pytest.mark.parametrize(
    ("endpoint", "prefix"),
    [(endpoint, prefix) for endpoint in ENDPOINTS for prefix in endpoint.prefixes],
    ids=lambda value: getattr(value, "path", value),
)
async def test_whole_table_is_served_in_gitlabs_dialect(client, bus, endpoint, prefix):
    bus.reply = Answer(b'{"run":{"info":{"artifact_uri":""}},"model":{"info":{"artifact_uri":""}}}')
    path = filled(MOUNT + prefix + endpoint.path)
    response = await client.request(
        endpoint.methods.split()[-1], path, json={"run_id": "r", "path": "a"}
    )
    assert response.status == 200, await response.text()
    service, kind, envelope = bus.sent[-1]
    assert (service, kind) == (endpoint.contract.service, endpoint.contract.kind)
    assert (envelope.name, envelope.dialect) == (endpoint.contract.__name__, "gitlab")
    assert envelope.project == 1


@pytest.mark.parametrize(
    "path", ["/health", "/version", "/api/3.0/mlflow/server-info", "/health/ready"]
)
async def test_clients_may_probe(client, path):
    assert (await client.get(MOUNT + path)).status == 200


@pytest.mark.parametrize("project", ["2", "01", "root%2Fother", "a", "9" * 30, "1%2F", "%31%00"])
async def test_other_projects_are_not_found_before_parameters_are_looked_at(client, bus, project):
    bus.replies["Authorize"] = Answer(b'{"state":"active","user_id":2,"scopes":["api"]}')
    response = await client.post(
        f"/api/v4/projects/{project}/ml/mlflow/api/2.0/mlflow/runs/search",
        headers={"PRIVATE-TOKEN": "glpat-abcdefghijklmnopqrstuv"},
    )
    assert response.status == 404
    assert (await response.json())["message"].startswith("404 Project Not Found - ")
    assert [envelope.name for _, _, envelope in bus.sent] == ["Authorize"]


async def test_encoded_id_is_the_same_project(client, bus):
    path = API.replace("/1/", "/%31/") + "/runs/get"
    assert (await client.get(path, params={"run_id": "r"})).status == 200


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/runs/nothing",
        "/api/v4/projects/1/ml",
        "/api/v4/nothing",
        "/api/v4/projects//ml/mlflow/api/2.0/mlflow/runs/get",
    ],
)
async def test_unknown_route_answers_as_gitlab(client, path):
    response = await client.get(path)
    assert response.status == 404
    assert (await response.json())["error"] == "404 Not Found"


async def test_wrong_method_answers_as_gitlab(client):
    response = await client.put(f"{API}/runs/get")
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    assert (await response.json())["error"] == "405 Not Allowed"


async def test_error_of_a_service_is_in_gitlabs_envelope(client, bus):
    bus.reply = Answer(b"Not now.", ErrorCode("BAD_REQUEST"))
    body = await (await client.get(f"{API}/runs/get")).json()
    assert body == {"error_code": "BAD_REQUEST", "message": "Not now."}
    bus.reply = Answer.refusal(missing_value("run_id"))
    assert (await (await client.get(f"{API}/runs/get")).json())["error"] == "run_id is missing"


async def test_json_body_of_logging_is_not_touched(client, bus):
    body = b'{ "run_id":"a",  "key":"k", "value":0.50, "timestamp":1}'
    await client.post(
        f"{API}/runs/log-metric", data=body, headers={"Content-Type": "application/json"}
    )
    assert bus.envelope.payload == body


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        ("runs/search", {"order_by": "metrics.m ASC"}, {"order_by": ["metrics.m ASC"]}),
        ("runs/search", {"order_by": ["a DESC", "b"]}, {"order_by": ["a DESC", "b"]}),
        ("runs/search", {"order_by": "created_at"}, {"order_by": ["start_time DESC"]}),
        ("runs/search", {"order_by": "name asc"}, {"order_by": ["run_name asc"]}),
        ("runs/search", {"order_by": ""}, {"order_by": []}),
        ("runs/search", {"order_by": "  "}, {"order_by": ["  "]}),
        ("runs/search", {"experiment_ids": [1, "2"]}, {"experiment_ids": ["1", "2"]}),
        ("experiments/search", {"order_by": "created_at DESC"}, {"order_by": ["creation_time DESC"]}),
        ("experiments/search", {"orderBy": "updated_at"}, {"orderBy": ["last_update_time ASC"]}),
        ("runs/create", {"experiment_id": 1}, {"experiment_id": "1"}),
        ("runs/create", {"experiment_id": True}, {"experiment_id": True}),
        ("runs/create", {"experiment_id": "1", "start_time": 5}, {"experiment_id": "1", "start_time": 5}),
    ],
)  # fmt: skip
async def test_types_of_gitlab_become_mlflows(client, bus, path, given, expected):
    assert (await client.post(f"{API}/{path}", json=given)).status == 200
    assert bus.parameters == expected


async def test_form_is_read_with_racks_names(client, bus):
    form = "experiment_id=3&run_name=a%20b&tags[][key]=k&tags[][value]=v&tags[][key]=l&unknown=1"
    await client.post(f"{API}/runs/create", data=form, headers=FORM)
    assert bus.parameters == {
        "experiment_id": "3",
        "run_name": "a b",
        "tags": [{"key": "k", "value": "v"}, {"key": "l"}],
    }


async def test_list_of_texts_in_a_form(client, bus):
    form = "experiment_ids[]=1&experiment_ids[]=2&order_by=name"
    await client.post(f"{API}/runs/search", data=form, headers=FORM)
    assert bus.parameters == {"experiment_ids": ["1", "2"], "order_by": ["name"]}


async def test_query_string_joins_the_body_which_goes_first(client, bus):
    await client.post(f"{API}/runs/set-tag?run_id=q&key=q&private_token=x", json={"key": "b"})
    assert bus.parameters == {"run_id": "q", "key": "b"}


async def test_query_string_alone_is_enough_for_a_post(client, bus):
    await client.post(f"{API}/experiments/create?name=n")
    assert bus.parameters == {"name": "n"}


@pytest.mark.parametrize("body", [b"{", b"[1]", b"1", b"null"])
async def test_body_that_is_no_object_is_left_to_the_service(client, bus, body):
    headers = {"Content-Type": "application/json"}
    assert (await client.post(f"{API}/runs/search?a=b", data=body, headers=headers)).status == 200
    assert bus.envelope.payload == body


async def test_other_content_types_are_refused(client, bus):
    response = await client.post(
        f"{API}/runs/search", data=b"x", headers={"Content-Type": "text/plain"}
    )
    assert response.status == 400
    assert not bus.sent


async def test_form_over_the_limit_is_refused(client, settings):
    data = b"name=" + b"x" * settings.max_body_bytes
    response = await client.post(f"{API}/experiments/create", data=data, headers=FORM)
    assert response.status == 400
    assert "at most" in json.loads(await response.read())["message"]


async def test_form_of_too_many_fields_is_refused(client, bus):
    data = b"&".join([b"name=x"] * 10_001)
    response = await client.post(f"{API}/experiments/create", data=data, headers=FORM)
    assert response.status == 400
    assert "at most 10000 fields" in json.loads(await response.read())["message"]
    assert not bus.sent


@pytest.mark.parametrize("content_type", ["application/json", FORM["Content-Type"]])
@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b'{"experiment_ids":"\\ud800"}',
        b'{"order_by":NaN,"experiment_ids":1e400}',
        b'{"experiment_ids":' + b"[" * 5000,
        b"order_by[]=%ff&order_by[x]=1&experiment_ids[][][a]=&=&&experiment_ids[][a]=1",
        b"order_by=%00&max_results=" + b"9" * 5000,
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else value,
)
async def test_no_body_is_an_internal_error(client, bus, content_type, body):
    response = await client.post(
        f"{API}/runs/search?order_by=%ff", data=body, headers={"Content-Type": content_type}
    )
    assert response.status in {200, 400}

"""``/graphql``: what is sent for each field, and what comes back."""

import asyncio
import json
from typing import Any
from unittest.mock import Mock

import pytest

from services.gateway.auth.authenticators import ANONYMOUS
from services.gateway.dialects.mlflow import MLFLOW
from services.gateway.graphql.execution import GraphQLRequest, execute
from services.gateway.graphql.prepared import PreparedQueries
from services.gateway.graphql.resolvers import QuerySender
from services.gateway.service_client import ServiceClient
from shared.contracts.errors import ErrorCode, missing_resource
from shared.messaging.messages import Answer
from tests.unit.gateway.graphql import queries as q

MOUNT = "/api/v4/projects/1/ml/mlflow"
TOKEN = {"PRIVATE-TOKEN": "glpat-abcdefghijklmnopqrstuv"}

RUN: dict[str, Any] = {
    "info": {"run_id": "r", "run_uuid": "r", "experiment_id": "7", "status": "RUNNING", "start_time": 2**53 + 1},
    "data": {
        "metrics": [
            {"key": "m", "value": 0.5, "step": -3, "timestamp": 2**40},
            {"key": "n", "value": "NaN", "timestamp": 1},
        ]
    },
}  # fmt: skip
OTHER_RUN = RUN | {"info": RUN["info"] | {"run_id": "s"}}
EXPERIMENT = {"experiment_id": "7", "name": "e", "tags": [{"key": "k", "value": "v"}]}
VERSION = {"name": "m", "version": "1", "run_id": "r", "status": "READY", "current_stage": "None"}


def answer(**fields):
    return Answer(json.dumps(fields).encode())


@pytest.fixture
def bus(bus):
    bus.replies |= {
        "GetExperiment": answer(experiment=EXPERIMENT),
        "GetRun": answer(run=RUN),
        "SearchRuns": answer(runs=[RUN, OTHER_RUN]),
        "SearchModelVersions": answer(model_versions=[VERSION]),
        "ListArtifacts": answer(root_uri="mlflow-artifacts:/x", files=[{"path": "d", "is_dir": True}]),
    }  # fmt: skip
    return bus


async def ask(client, query, mount="", headers=None, **given):
    body = q.body_of(query, **given)
    async with client.post(f"{mount}/graphql", json=body, headers=headers) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def text(client, query, variables=None, **more):
    async with client.post(
        "/graphql", json={"query": query, "variables": variables, **more}
    ) as response:
        assert response.status == 200, await response.text()
        return await response.json()


def sent(bus):
    """Return the messages by name; those that are sent at once have no order."""
    return {envelope.name: json.loads(envelope.payload) for _, _, envelope in bus.sent}


async def test_get_experiment_is_one_query(client, bus):
    body = await ask(client, q.GET_EXPERIMENT, experimentId="7")
    assert body["errors"] is None
    assert body["data"]["mlflowGetExperiment"] == {
        "apiError": None,
        "experiment": {
            "artifactLocation": "",
            "creationTime": "0",
            "effectiveTraceArchivalRetention": "",
            "experimentId": "7",
            "lastUpdateTime": "0",
            "lifecycleStage": "",
            "name": "e",
            "tags": [{"key": "k", "value": "v", "__typename": "MlflowExperimentTag"}],
            "__typename": "MlflowExperiment",
        },
        "__typename": "MlflowGetExperimentResponse",
    }
    assert sent(bus) == {"GetExperiment": {"experimentId": "7"}}


async def test_run_has_its_experiment_and_versions(client, bus):
    body = await ask(client, q.GET_RUN, runId="r")
    run = body["data"]["mlflowGetRun"]["run"]
    assert run["experiment"]["name"] == "e"
    assert [each["version"] for each in run["modelVersions"]] == ["1"]
    assert sent(bus) == {
        "GetRun": {"runId": "r"},
        "GetExperiment": {"experiment_id": "7"},
        "SearchModelVersions": {"filter": "run_id IN ('r')"},
    }


async def test_nested_queries_are_sent_at_once(client, bus):
    replies = {name: bus.replies.pop(name) for name in ("GetExperiment", "SearchModelVersions")}
    waiting, both = [], asyncio.Event()
    call = bus.call

    async def meet(service, kind, envelope, seconds=None):
        if envelope.name in replies:
            waiting.append(envelope.name)
            if len(waiting) == len(replies):
                both.set()
            await asyncio.wait_for(both.wait(), 5)
            return replies[envelope.name]
        return await call(service, kind, envelope, seconds)

    bus.call = meet
    assert (await ask(client, q.GET_RUN, runId="r"))["errors"] is None


async def test_what_is_not_selected_is_not_asked_for(client, bus):
    await text(client, '{ mlflowGetRun(input: {runUuid: "r"}) { run { info { runId } } } }')
    assert sent(bus) == {"GetRun": {"runUuid": "r"}}


async def test_64_bit_integers_are_texts_and_nan_is_null(client):
    run = (await ask(client, q.GET_RUN, runId="r"))["data"]["mlflowGetRun"]["run"]
    assert (run["info"]["startTime"], run["info"]["endTime"]) == (str(2**53 + 1), "0")
    metrics = [(each["value"], each["step"], each["timestamp"]) for each in run["data"]["metrics"]]
    assert metrics == [(0.5, "-3", str(2**40)), (None, "0", "1")]


async def test_missing_objects_have_defaults(client):
    run = (await ask(client, q.GET_RUN, runId="r"))["data"]["mlflowGetRun"]["run"]
    assert run["outputs"] == {"modelOutputs": [], "__typename": "MlflowRunOutputs"}


async def test_runs_of_a_search_share_the_nested_queries(client, bus):
    body = await ask(client, q.SEARCH_RUNS, experimentIds=["7"], runViewType="ALL", maxResults=5)
    runs = body["data"]["mlflowSearchRuns"]["runs"]
    assert [len(run["modelVersions"]) for run in runs] == [1, 0]
    assert len(bus.sent) == 3
    assert sent(bus) == {
        "SearchRuns": {"experimentIds": ["7"], "runViewType": "ALL", "maxResults": 5},
        "GetExperiment": {"experiment_id": "7"},
        "SearchModelVersions": {"filter": "run_id IN ('r', 's')"},
    }


async def test_every_page_of_nested_versions_is_read(client, bus):
    pages = iter(
        [answer(model_versions=[VERSION], next_page_token="t"), answer(model_versions=[VERSION])]
    )
    call = bus.call

    async def paged(service, kind, envelope, seconds=None):
        reply = await call(service, kind, envelope, seconds)
        return next(pages) if envelope.name == "SearchModelVersions" else reply

    bus.call = paged
    body = await ask(client, q.GET_RUN, runId="r")
    assert len(body["data"]["mlflowGetRun"]["run"]["modelVersions"]) == 2
    assert sent(bus)["SearchModelVersions"] == {
        "filter": "run_id IN ('r')",
        "page_token": "t",
    }


async def test_artifacts_are_those_of_the_run_that_tracking_knows(client, bus):
    bus.replies["GetRun"] = answer(run={"info": {"artifact_uri": "mlflow-artifacts:/x"}})
    body = await ask(client, q.LIST_ARTIFACTS, runId="r", path="d")
    assert body["data"]["mlflowListArtifacts"]["files"] == [
        {"path": "d", "isDir": True, "fileSize": "0"}
    ]
    expected = {"runId": "r", "path": "d", "artifact_uri": "mlflow-artifacts:/x"}
    assert sent(bus)["ListArtifacts"] == expected


async def test_no_client_names_the_place_of_artifacts(client, bus):
    body = await ask(client, q.LIST_ARTIFACTS, runId="r", artifactUri="s3://other")
    assert body["data"] is None
    assert "artifactUri" in body["errors"][0]
    assert not bus.sent


async def test_error_of_the_api_is_in_api_error_where_it_is_selected(client, bus):
    bus.replies["GetRun"] = Answer.refusal(missing_resource("Run with id=x not found"))
    body = await ask(client, q.GET_RUN, runId="x")
    error = {"code": "RESOURCE_DOES_NOT_EXIST", "message": "Run with id=x not found", "helpUrl": ""}
    assert body == {
        "data": {
            "mlflowGetRun": {
                "apiError": {**error, "__typename": "ApiError"},
                "run": None,
                "__typename": "MlflowGetRunResponse",
            }
        },
        "errors": None,
    }


async def test_error_of_the_api_is_a_text_where_api_error_is_not_selected(client, bus):
    bus.replies["GetRun"] = Answer.refusal(missing_resource("Run with id=x not found"))
    body = await text(
        client,
        '{ a: mlflowGetRun(input: {runId: "x"}) { run { info { runId } } }'
        '  b: mlflowGetExperiment(input: {experimentId: "7"}) { experiment { name } } }',
    )
    assert body == {
        "data": {"a": None, "b": {"experiment": {"name": "e"}}},
        "errors": ["Run with id=x not found"],
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ErrorCode.REQUEST_LIMIT_EXCEEDED, 429),
        (ErrorCode.TEMPORARILY_UNAVAILABLE, 503),
        (ErrorCode.INTERNAL_ERROR, 500),
    ],
)
async def test_servers_own_errors_are_the_answer_to_the_request(client, bus, code, status):
    bus.replies["GetRun"] = Answer(b"Later.", code)
    response = await client.post("/graphql", json=q.body_of(q.GET_RUN, runId="r"))
    assert response.status == status
    assert (await response.json())["error_code"] == code


async def test_project_has_its_own_address(client, bus):
    await ask(client, q.GET_RUN, MOUNT, TOKEN, runId="r")
    assert {envelope.dialect for _, _, envelope in bus.sent[1:]} == {"gitlab"}


async def test_caller_is_asked_for_a_token_as_in_rest(client, bus):
    bus.replies["Authorize"] = Answer(b'{"state":"unknown"}')
    for mount in ("", MOUNT):
        of_rest = await client.get(f"{mount}/api/2.0/mlflow/runs/get?run_id=r", headers=TOKEN)
        response = await client.post(f"{mount}/graphql", json={}, headers=TOKEN)
        assert (response.status, await response.json()) == (401, await of_rest.json())
        challenge = "WWW-Authenticate"
        assert response.headers.get(challenge) == of_rest.headers.get(challenge)


async def test_caller_without_the_registry_sees_runs_without_versions(client, bus):
    bus.replies["Authorize"] = answer(
        state="active",
        user_id=2,
        username="u",
        scopes=["read_api"],
        project={"id": 2, "path": "a/b"},
        abilities=["read_model_experiments"],
    )
    mount = "/api/v4/projects/2/ml/mlflow"
    body = await ask(client, q.GET_RUN, mount, TOKEN, runId="r")
    assert body["errors"] is None
    assert body["data"]["mlflowGetRun"]["run"]["modelVersions"] == []
    body = await ask(client, q.SEARCH_MODEL_VERSIONS, mount, TOKEN)
    of_rest = await client.get(f"{mount}/api/2.0/mlflow/model-versions/search", headers=TOKEN)
    expected = await of_rest.json()
    assert body["data"]["mlflowSearchModelVersions"]["apiError"] == {
        "code": expected["error_code"],
        "message": expected["message"],
    }
    assert body["data"]["mlflowSearchModelVersions"]["modelVersions"] is None
    assert "SearchModelVersions" not in sent(bus)


async def test_get_reads_the_body_as_in_mlflow(client):
    response = await client.get("/graphql", json={"query": "{__typename}"})
    assert await response.json() == {"data": {"__typename": "Query"}, "errors": None}


async def test_merged_fields_and_fragments(client):
    body = await text(
        client,
        'query { mlflowGetExperiment(input: {experimentId: "7"}) { ...a experiment { name } } }'
        "fragment a on MlflowGetExperimentResponse { experiment { ... on MlflowExperiment { experimentId x: name } } }",
    )
    experiment = {"experimentId": "7", "x": "e", "name": "e"}
    assert body == {"data": {"mlflowGetExperiment": {"experiment": experiment}}, "errors": None}


async def test_operation_is_chosen_by_name(client):
    both = "query A { a: __typename } mutation B { b: __typename }"
    assert (await text(client, both, operationName="B"))["data"] == {"b": "Mutation"}
    assert (await text(client, both))["errors"] == [
        "Must provide operation name if query contains multiple operations."
    ]
    assert (await text(client, both, operationName="C"))["errors"] == [
        "Unknown operation named 'C'."
    ]


async def test_same_text_is_parsed_once(client, monkeypatch):
    from services.gateway.graphql import prepared

    prepare = Mock(wraps=prepared.prepare)
    monkeypatch.setattr(prepared, "prepare", prepare)
    # Other tests share the server, so the text is one that they do not send.
    for text_of_input in "abc":
        query = "query ParsedOnce($text: String) { test(inputString: $text) { output } }"
        body = await text(client, query, {"text": text_of_input})
        assert body["data"] == {"test": {"output": text_of_input}}
    assert prepare.call_count == 1


async def found_runs(bus, **limits):
    """Return what a search of runs answers if the services' replies have these limits."""

    async def allow(_contract):
        pass

    services = ServiceClient(bus, ANONYMOUS, MLFLOW.name, "r-1", 30.0)
    request = GraphQLRequest(q.SEARCH_RUNS, {"data": {"experimentIds": ["7"]}}, None)
    sender = QuerySender(services, allow, **limits)
    body = json.loads(await execute(request, PreparedQueries(), sender, MLFLOW))
    return body["data"]["mlflowSearchRuns"]


async def test_answer_over_the_limit_is_refused(bus):
    found = await found_runs(bus, max_received=100)
    assert "maxResults" in found["apiError"]["message"]


async def test_large_answer_is_worked_on_in_a_thread(bus):
    found = await found_runs(bus, large_replies=0)
    assert len(found["runs"]) == 2

"""GraphQL over a whole Warren, in open mode: each query reads what REST has written."""

import itertools
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from shared.contracts.root_project import ROOT_PROJECT
from tests.rest import Api, api, metric
from tests.unit.gateway.graphql import queries as q

MOUNT = f"/api/v4/projects/{ROOT_PROJECT}/ml/mlflow"
UNKNOWN = "0" * 32
NUMBERS = itertools.count()


class Logged(NamedTuple):
    """What was logged, and where: a tracking URI."""

    rest: Api
    url: str
    name: str
    experiment: str
    run: str
    info: dict[str, Any]

    async def ask(self, query: str, **given: Any) -> Any:
        """Return the answer to a query with this input."""
        body = q.body_of(query, **given)
        async with self.rest.session.post(f"{self.url}/graphql", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def data(self, query: str, **given: Any) -> Any:
        """Return the only field of an answer without errors."""
        body = await self.ask(query, **given)
        assert body["errors"] is None
        (value,) = body["data"].values()
        assert value["apiError"] is None
        return value


@pytest.fixture(params=["", MOUNT], ids=["root", "project"])
async def logged(request, warren) -> AsyncIterator[Logged]:
    url = warren.url + request.param
    async with api(url) as rest:
        name = f"graphql {next(NUMBERS)}"
        experiment = await rest.new_experiment(name)
        run = await rest.new_run(experiment, run_name="first")
        pair = {"key": "k", "value": "v"}
        points = [metric("m", step / 2, step) for step in range(-3, 40)]
        points.append({**metric("n", 0, 2**53 + 1), "value": "NaN"})
        await rest.done(
            "runs/log-batch", {"run_id": run, "metrics": points, "params": [pair], "tags": [pair]}
        )
        dataset = {"name": "d", "digest": "x", "source_type": "local", "source": "{}"}
        inputs = {"run_id": run, "datasets": [{"dataset": dataset}]}
        await rest.done("runs/log-inputs", inputs)
        info = (await rest.get("runs/get", run_id=run)).body["run"]["info"]
        # In GitLab's dialect a model needs an experiment of its name.
        await rest.done("registered-models/create", {"name": f"{name} model"})
        version = {"name": f"{name} model", "source": info["artifact_uri"], "run_id": run}
        await rest.done("model-versions/create", version)
        root = info["artifact_uri"].partition(":/")[2]
        place = f"{url}/api/2.0/mlflow-artifacts/artifacts/{root}/d/f.txt"
        async with rest.session.put(place, data=b"12345") as response:
            assert response.status == 200
        yield Logged(rest, url, name, experiment, run, info)


async def test_experiment(logged):
    found = await logged.data(q.GET_EXPERIMENT, experimentId=logged.experiment)
    assert found["experiment"]["name"] == logged.name


async def test_run_with_its_experiment_and_versions(logged):
    run = (await logged.data(q.GET_RUN, runId=logged.run))["run"]
    assert run["info"]["artifactUri"] == logged.info["artifact_uri"]
    assert run["experiment"]["name"] == logged.name
    assert [each["name"] for each in run["modelVersions"]] == [f"{logged.name} model"]
    assert {"key": "k", "value": "v", "__typename": "MlflowParam"} in run["data"]["params"]
    values = {each["key"]: (each["value"], each["step"]) for each in run["data"]["metrics"]}
    assert values == {"m": (19.5, "39"), "n": (None, str(2**53 + 1))}
    assert run["inputs"]["datasetInputs"][0]["dataset"]["name"] == "d"


async def test_search_of_runs(logged):
    ids = [logged.experiment]
    second = await logged.rest.new_run(logged.experiment)
    found = await logged.data(q.SEARCH_RUNS, experimentIds=ids, runViewType="ALL")
    versions = {each["info"]["runId"]: len(each["modelVersions"]) for each in found["runs"]}
    assert versions == {logged.run: 1, second: 0}
    page = await logged.data(q.SEARCH_RUNS, experimentIds=ids, maxResults=1)
    token = page["nextPageToken"]
    rest = await logged.data(q.SEARCH_RUNS, experimentIds=ids, maxResults=1, pageToken=token)
    assert [len(page["runs"]), len(rest["runs"]), rest["nextPageToken"]] == [1, 1, ""]
    filtered = await logged.data(q.SEARCH_RUNS, experimentIds=ids, filter="metrics.m > 19")
    assert [each["info"]["runId"] for each in filtered["runs"]] == [logged.run]


async def test_metric_history(logged):
    given = {"runIds": [logged.run], "metricKey": "m", "maxResults": 5}
    sampled = (await logged.data(q.METRIC_HISTORY, **given))["metrics"]
    assert len(sampled) < 43
    given |= {"startStep": 0, "endStep": 3}
    steps = [each["step"] for each in (await logged.data(q.METRIC_HISTORY, **given))["metrics"]]
    assert steps == ["0", "1", "2", "3"]


async def test_artifacts(logged):
    top = await logged.data(q.LIST_ARTIFACTS, runId=logged.run)
    assert top["rootUri"] == logged.info["artifact_uri"]
    assert [(each["path"], each["isDir"]) for each in top["files"]] == [("d", True)]
    inner = await logged.data(q.LIST_ARTIFACTS, runUuid=logged.run, path="d")
    assert inner["files"] == [{"path": "d/f.txt", "isDir": False, "fileSize": "5"}]


async def test_datasets(logged):
    found = await logged.data(q.SEARCH_DATASETS, experimentIds=[logged.experiment])
    assert [each["name"] for each in found["datasetSummaries"]] == ["d"]


async def test_model_versions(logged):
    given = {"filter": f"run_id = '{logged.run}'", "maxResults": "10"}
    (version,) = (await logged.data(q.SEARCH_MODEL_VERSIONS, **given))["modelVersions"]
    of_rest = await logged.rest.get("model-versions/search", filter=given["filter"])
    assert version["version"] == of_rest.body["model_versions"][0]["version"]


@pytest.mark.parametrize(
    ("query", "given", "path"),
    [
        (q.GET_RUN, {"runId": UNKNOWN}, "runs/get?run_id=" + UNKNOWN),
        (q.GET_RUN, {"runId": "a\0b"}, "runs/get?run_id=a%00b"),
        (q.GET_RUN, {}, "runs/get"),
        (q.GET_EXPERIMENT, {"experimentId": "-1"}, "experiments/get?experiment_id=-1"),
        (q.LIST_ARTIFACTS, {"runId": UNKNOWN}, "artifacts/list?run_id=" + UNKNOWN),
        (q.SEARCH_MODEL_VERSIONS, {"filter": "("}, "model-versions/search?filter=("),
        (q.METRIC_HISTORY, {"runIds": []}, "metrics/get-history-bulk-interval"),
    ],
)
async def test_error_is_that_of_rest(logged, query, given, path):
    body = await logged.ask(query, **given)
    assert body["errors"] is None
    (value,) = body["data"].values()
    rest = f"{logged.url}/api/2.0/mlflow/{path}"
    async with logged.rest.session.get(rest) as response:
        expected = await response.json()
    error = value.pop("apiError")
    assert (error["code"], error["message"]) == (expected["error_code"], expected["message"])
    assert not any(each for name, each in value.items() if name != "__typename")


async def test_fields_of_one_request_have_their_own_errors(logged):
    query = (
        "query ($a: String, $b: String) {"
        " a: mlflowGetRun(input: {runId: $a}) { run { info { runName } } }"
        " b: mlflowGetRun(input: {runId: $b}) { run { info { runName } } } }"
    )
    body = {"query": query, "variables": {"a": logged.run, "b": UNKNOWN}}
    async with logged.rest.session.post(f"{logged.url}/graphql", json=body) as response:
        answer = await response.json()
    assert answer["data"] == {"a": {"run": {"info": {"runName": "first"}}}, "b": None}
    assert answer["errors"] == [f"Run with id={UNKNOWN} not found"]

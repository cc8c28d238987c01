"""GraphQL as MLflow's newest server has it: the same schema, and the same answers to what its UI asks.

Both servers are filled with the same requests. Ids, times and places that the servers choose are compared by
their presence.
"""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from graphql import build_schema, lexicographic_sort_schema, print_schema

from deploy.local.embedded.process import free_ports
from services.gateway.graphql.schema import SCHEMA
from tests.compat.conftest import NEWEST, PROJECT_MOUNT, venv_of
from tests.rest import TIMESTAMP, metric
from tests.unit.gateway.graphql import queries as q
from tests.warren_fixtures import running
from tests.web_server import WebServer, web_server

SCRIPT = Path(__file__).with_name("mlflow_schema.py")
CHOSEN = {
    "artifactLocation", "artifactUri", "creationTime", "experimentId", "lastUpdateTime", "modelId", "nextPageToken",
    "rootUri", "runId", "runUuid", "source",
}  # fmt: skip
"""What each server chooses. A dataset's source is the client's, but a model version's is a place."""

UNORDERED = {"metrics", "params", "tags", "aliases"}
"""Lists that MLflow reads from its database without an order; a history has one."""


def canonical(text: str) -> str:
    """Return a schema without descriptions, sorted by names."""
    schema = lexicographic_sort_schema(build_schema(text))
    for each in schema.type_map.values():
        each.description = None
        for field in getattr(each, "fields", {}).values():
            field.description = None
    return print_schema(schema)


def test_schema_is_mlflows():
    python = venv_of(NEWEST) / "bin" / "python"
    said = subprocess.run((python, SCRIPT), check=True, capture_output=True, text=True)
    assert canonical(print_schema(SCHEMA)) == canonical(said.stdout)
    assert [each.name for each in SCHEMA.directives] == ["component"]


class Filled(NamedTuple):
    """A server with an experiment and its runs; ``url`` is a tracking URI."""

    session: aiohttp.ClientSession
    url: str
    experiment: str
    run: str
    other: str

    async def ask(self, query: str, **given: Any) -> Any:
        """Return what is answered to a query with this input."""
        return await self.send(q.body_of(query, **given))

    async def send(self, body: Mapping[str, Any]) -> Any:
        """Return what is answered to a body."""
        async with self.session.post(f"{self.url}/graphql", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()


async def fill(session: aiohttp.ClientSession, url: str) -> Filled:
    """Log the same to a server, whichever it is."""

    async def done(path: str, **body: Any) -> Any:
        async with session.post(f"{url}/api/2.0/mlflow/{path}", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    pair = {"key": "k", "value": "v"}
    experiment = (await done("experiments/create", name="graphql", tags=[pair]))["experiment_id"]
    runs = []
    for number in range(2):
        made = await done(
            "runs/create",
            experiment_id=experiment,
            start_time=TIMESTAMP + number,
            run_name=f"run {number}",
            user_id="u",
            tags=[pair],
        )
        runs.append(made["run"]["info"])
    run = runs[0]["run_id"]
    metrics = [metric("m", step / 2, step) for step in range(-3, 40)]
    metrics += [{**metric("nan", 0, 1), "value": "NaN"}, metric("max", 1.7976931348623157e308, 0)]
    await done(
        "runs/log-batch",
        run_id=run,
        metrics=metrics,
        params=[pair],
        tags=[pair],
    )
    dataset = {"name": "d", "digest": "x", "source_type": "local", "source": "{}", "schema": "{}"}
    context = {"key": "mlflow.data.context", "value": "train"}
    await done("runs/log-inputs", run_id=run, datasets=[{"dataset": dataset, "tags": [context]}])
    await done("runs/update", run_id=run, status="FINISHED", end_time=TIMESTAMP + 60_000)
    root = runs[0]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    for path in ("model/weights.bin", "f.txt"):
        place = f"{url}/api/2.0/mlflow-artifacts/artifacts/{root}/{path}"
        async with session.put(place, data=b"12345") as response:
            assert response.status == 200, await response.text()
    await done("registered-models/create", name="graphql")
    source = f"{runs[0]['artifact_uri']}/model"
    await done("model-versions/create", name="graphql", source=source, run_id=run, tags=[pair])
    await done("registered-models/alias", name="graphql", alias="best", version="1")
    return Filled(session, url, experiment, run, runs[1]["run_id"])


@pytest.fixture(scope="module")
async def mlflow(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filled]:
    """MLflow's own server, filled."""
    folder = tmp_path_factory.mktemp("mlflow")
    venv = venv_of(NEWEST) / "bin"
    (port,) = free_ports(1)
    arguments = [str(venv / "mlflow"), "server", "--port", str(port), "--workers", "1"]
    arguments += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    arguments += ["--artifacts-destination", str(folder / "artifacts")]
    environment = {
        "PATH": f"{venv}{os.pathsep}{os.environ.get('PATH', '')}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    server = web_server(arguments, environment, folder / "server", port, folder)
    async with running(server), aiohttp.ClientSession() as session:
        yield await fill(session, server.url)


@pytest.fixture(scope="module")
async def warren(standalone_warren: WebServer) -> AsyncIterator[Filled]:
    """Warren in its dialect of MLflow, filled by an anonymous client, as MLflow's server has."""
    async with aiohttp.ClientSession() as session:
        yield await fill(session, standalone_warren.url)


def _sorted_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def comparable(value: Any, key: str = "") -> Any:
    """Return an answer without what the servers choose themselves."""
    if isinstance(value, dict):
        return {name: comparable(each, name) for name, each in value.items()}
    if isinstance(value, list):
        items = [comparable(each) for each in value]
        return sorted(items, key=_sorted_json) if key in UNORDERED else items
    return bool(value) if key in CHOSEN else value


def differences(ours: Any, theirs: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the places where two answers differ, and both values."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        for name, value in ours.items():
            yield from differences(value, theirs[name], f"{place}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(*pair, f"{place}[{index}]")
    elif ours != theirs:
        yield place, ours, theirs


async def both(mlflow: Filled, warren: Filled, query: str, name: str, **given: Any) -> Any:
    """Ask both servers for the same of their own; return what Warren says after comparing it."""
    answers = []
    for each in (mlflow, warren):
        ids = {"experiment": each.experiment, "run": each.run, "other": each.other}
        own = {
            key: [ids.get(item, item) for item in value]
            if isinstance(value, list)
            else ids.get(value, value)
            for key, value in given.items()
        }
        answers.append(await each.ask(query, **own))
    theirs, ours = answers
    assert list(differences(comparable(ours), comparable(theirs))) == []
    assert ours["data"][name] is not None
    return ours["data"][name]


async def test_experiment(mlflow, warren):
    found = await both(
        mlflow, warren, q.GET_EXPERIMENT, "mlflowGetExperiment", experimentId="experiment"
    )
    assert found["experiment"]["tags"]


@pytest.mark.parametrize("field", ["runId", "runUuid"])
@pytest.mark.parametrize("run", ["run", "other"])
async def test_run_with_its_experiment_and_versions(mlflow, warren, field, run):
    found = await both(mlflow, warren, q.GET_RUN, "mlflowGetRun", **{field: run})
    versions = found["run"]["modelVersions"]
    assert [each["version"] for each in versions] == (["1"] if run == "run" else [])


async def test_search_of_runs(mlflow, warren):
    found = await both(
        mlflow, warren, q.SEARCH_RUNS, "mlflowSearchRuns", experimentIds=["experiment"]
    )
    assert [len(each["modelVersions"]) for each in found["runs"]] == [0, 1]


async def test_search_of_runs_by_pages(mlflow, warren):
    given = {
        "experimentIds": ["experiment"],
        "filter": "tags.k = 'v'",
        "orderBy": ["attributes.start_time ASC"],
        "maxResults": 1,
    }
    found = await both(mlflow, warren, q.SEARCH_RUNS, "mlflowSearchRuns", **given)
    assert found["nextPageToken"]


async def test_metric_history(mlflow, warren):
    name = "mlflowGetMetricHistoryBulkInterval"
    given = {"runIds": ["run", "other"], "metricKey": "m"}
    found = await both(mlflow, warren, q.METRIC_HISTORY, name, **given)
    assert len(found["metrics"]) == 43


@pytest.mark.parametrize("path", ["", "model"])
async def test_artifacts(mlflow, warren, path):
    given = {"runId": "run"} | ({"path": path} if path else {})
    found = await both(mlflow, warren, q.LIST_ARTIFACTS, "mlflowListArtifacts", **given)
    assert found["files"]


async def test_datasets(mlflow, warren):
    name = "mlflowSearchDatasets"
    found = await both(mlflow, warren, q.SEARCH_DATASETS, name, experimentIds=["experiment"])
    assert found["datasetSummaries"]


async def test_model_versions(mlflow, warren):
    given = {"filter": "name = 'graphql'", "orderBy": ["version_number DESC"], "maxResults": "5"}
    name = "mlflowSearchModelVersions"
    found = await both(mlflow, warren, q.SEARCH_MODEL_VERSIONS, name, **given)
    assert found["modelVersions"]


async def test_error_of_the_api_has_mlflows_words(mlflow, warren):
    query = '{ mlflowGetRun(input: {runId: "unknown"}) { run { info { runId } } } }'
    theirs, ours = [await each.send({"query": query}) for each in (mlflow, warren)]
    assert ours == theirs
    assert ours["data"] == {"mlflowGetRun": None}


async def test_error_is_in_api_error_which_mlflow_leaves_null(mlflow, warren):
    theirs, ours = [await each.ask(q.GET_RUN, runId="0" * 32) for each in (mlflow, warren)]
    error = ours["data"]["mlflowGetRun"]["apiError"]
    assert (error["code"], [error["message"]]) == ("RESOURCE_DOES_NOT_EXIST", theirs["errors"])
    assert (ours["errors"], theirs["data"]) == (None, {"mlflowGetRun": None})


@pytest.mark.parametrize(
    "query",
    [
        "{ nope }",
        "{ mlflowGetRun { run { nope } } }",
        "{ mlflowGetRun(input: {runId: 1}) { run { info { runId } } } }",
        "query ($d: MlflowGetRunInput!) { mlflowGetRun(input: $d) { run { info { runId } } } }",
        "{" + " __typename" * 11 + "}",
        "{ test {" + "".join(f" a{n}: output" for n in range(11)) + "} }",
        "{ test {" + " output" * 1_000 + "} }",
        "{ __type" * 11 + "}" * 11,
        "{ ...f } fragment f on Query { ...f }",
        "{ __typename @include(if: true) }",
        "query A { __typename } query B { __typename }",
    ],
)
async def test_both_refuse(mlflow, warren, query):
    for each in (mlflow, warren):
        answer = await each.send({"query": query})
        assert answer["data"] is None
        assert answer["errors"]


@pytest.mark.parametrize(
    "query",
    [
        "{" + "".join(f" a{n}: __typename" for n in range(10)) + "}",
        '{ test(inputString: "a") {' + " output" * 99 + "} }",
        'query A @component(name: "x") { a: test(inputString: "a") { output } }',
    ],
)
async def test_both_accept(mlflow, warren, query):
    theirs, ours = [await each.send({"query": query}) for each in (mlflow, warren)]
    assert ours == theirs
    assert ours["errors"] is None


async def test_project_answers_with_gitlabs_numbers_of_versions(standalone_warren, warren):
    of_project = warren._replace(url=standalone_warren.url + PROJECT_MOUNT)
    answer = await of_project.ask(q.GET_RUN, runId=warren.run)
    assert answer["errors"] is None
    run = answer["data"]["mlflowGetRun"]["run"]
    assert (run["info"]["runName"], len(run["modelVersions"])) == ("run 0", 1)

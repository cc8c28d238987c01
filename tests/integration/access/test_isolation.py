"""A token of project A reads and changes nothing of project B, whatever it asks for and however.

Every route of MLflow's API is asked, at A's own mount, with what only B has: ids of runs, experiments,
models and versions, artifact paths, page tokens, filters; and at B's mount, at the root with none,
and at the root in each of the two workspaces.
"""

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.artifacts import routes as streams
from services.gateway.gitlab import workspaces
from services.gateway.http.routing import variables
from services.gateway.mlflow.endpoints import ENDPOINTS, PROXY_PREFIXES
from tests.integration.access.conftest import NUMBERS, Api
from tests.unit.gateway.graphql import queries as q

SECRET = "onlyinb"
"""Part of every name in B, which requests tell."""

HIDDEN = "hiddeninb"
"""Every value and the content of files in B, which no request tells."""

EXAMPLES = 150

NO_PROJECT = {
    "error_code": "NOT_FOUND",
    "message": "404 Project Not Found - The project does not exist, or you have no access to it.",
}


class Project:
    """A project with one thing of each kind in it."""

    def __init__(self, api: Api, number: int, workspace: str) -> None:
        self.api = api
        self.number = number
        self.workspace = workspace
        self.mount = f"/api/v4/projects/{number}/ml/mlflow"

    async def ask(self, method: str, path: str, **fields: Any) -> Any:
        return await self._ask("2.0", method, path, fields)

    async def ask_v3(self, method: str, path: str, **fields: Any) -> Any:
        return await self._ask("3.0", method, path, fields)

    async def _ask(self, version: str, method: str, path: str, fields: dict[str, Any]) -> Any:
        status, body = await self.api(
            method,
            f"{self.mount}/api/{version}/mlflow/{path}",
            params=fields if method == "GET" else None,
            json=None if method == "GET" else fields,
        )
        assert status == 200, body
        return body

    async def fill(self) -> dict[str, list[Any]]:
        """Make things; return their names, ids and page tokens by the fields that take them."""
        experiments = [
            (await self.ask("POST", "experiments/create", name=f"{SECRET}-{n}"))["experiment_id"]
            for n in range(3)
        ]
        runs = [
            (await self.ask("POST", "runs/create", experiment_id=e, run_name=f"{SECRET} run"))[
                "run"
            ]
            for e in experiments[1:]
            for _ in range(2)
        ]
        run, root = runs[0]["info"]["run_id"], runs[0]["info"]["artifact_uri"]
        point = {"key": SECRET, "value": 4711.5, "timestamp": 1, "step": 1}
        pair = {"key": SECRET, "value": HIDDEN}
        await self.ask(
            "POST", "runs/log-batch", run_id=run, metrics=[point], params=[pair], tags=[pair]
        )
        made = await self.ask(
            "POST", "logged-models", experiment_id=experiments[1], name=SECRET, tags=[pair]
        )
        model = made["model"]["info"]["model_id"]
        await self.ask("POST", "registered-models/create", name=SECRET, tags=[pair])
        version = await self.ask(
            "POST", "model-versions/create", name=SECRET, source=root, run_id=run
        )
        number = version["model_version"]["version"]
        await self.ask("POST", "registered-models/alias", name=SECRET, alias="best", version=number)
        path = root.removeprefix("mlflow-artifacts:/") + "/f.txt"
        proxy = f"{self.mount}{PROXY_PREFIXES[0]}artifacts/{path}"
        assert (await self.api("PUT", proxy, data=HIDDEN.encode()))[0] == 200
        trace = f"tr-{SECRET}"
        place = {"mlflow_experiment": {"experiment_id": experiments[1]}}
        info = {"trace_id": trace, "trace_location": place, "request_time": "2026-01-01T00:00:00Z"}
        labels = {"tags": {SECRET: HIDDEN}, "trace_metadata": {SECRET: HIDDEN}}
        status, body = await self.api(
            "POST",
            f"{self.mount}/api/3.0/mlflow/traces",
            json={"trace": {"trace_info": {**info, "request_preview": HIDDEN, **labels}}},
        )
        assert status == 200, body
        tags = json.dumps({SECRET: HIDDEN})
        made = await self.ask_v3(
            "POST", "datasets/create", name=SECRET, tags=tags, experiment_ids=experiments[1:]
        )
        dataset = made["dataset"]["dataset_id"]
        records = json.dumps([{"inputs": {"q": SECRET}, "expectations": {"a": HIDDEN}}])
        await self.ask_v3("POST", f"datasets/{dataset}/records", records=records)
        found = await self.ask_v3("GET", f"datasets/{dataset}/records")
        record = json.loads(found["records"])[0]["dataset_record_id"]
        reviews = await self.fill_reviews(experiments[1], trace)
        assessments = await self.fill_assessments(experiments[1], trace)
        search = {"max_results": 1}
        page = await self.ask("POST", "runs/search", experiment_ids=experiments, **search)
        pages = await self.ask("POST", "experiments/search", **search)
        return {
            "run_id": [run],
            "run_ids": [[run]],
            "source_run_id": [run],
            "experiment_id": experiments[1:],
            "experiment_ids": [experiments],
            "experiment_name": [f"{SECRET}-1"],
            "name": [SECRET, f"{SECRET}-1"],
            "version": [number],
            "model_id": [model],
            "trace_id": [trace],
            "trace_ids": [[trace]],
            "request_ids": [[trace]],
            "locations": [[place]],
            "dataset_id": [dataset],
            "dataset_record_ids": [[record]],
            "records": [records],
            "filter_string": [f"tags.{SECRET} != 'x'", f"name = '{SECRET}'", ""],
            "trace": [{"trace_info": info}],
            "prompt_versions": [[{"name": SECRET, "version": "1"}]],
            **reviews,
            **assessments,
            "alias": ["best"],
            "key": [SECRET],
            "tag_key": [SECRET],
            "metric_key": [SECRET],
            "page_token": [page["next_page_token"], pages["next_page_token"]],
            "path": [path, "f.txt", path.rpartition("/")[0], f"../../{path}", f"/{path}"],
            "artifact_path": [path, path.rpartition("/")[0]],
            "artifact_uri": [root],
            "source": [root, f"models:/{SECRET}/{number}", f"runs:/{run}/f.txt"],
            "filter": [
                f"tags.{SECRET} != 'x'",
                f"name LIKE '{SECRET}%'",
                f"name = '{SECRET}' OR name != 'x'",
                "",
            ],
        }

    async def fill_assessments(self, experiment: str, trace: str) -> dict[str, list[Any]]:
        """Assess a trace and describe an issue; return their ids by the fields that take them."""
        feedback = {"assessment_name": SECRET, "feedback": {"value": HIDDEN}}
        made = await self.ask_v3("POST", f"traces/{trace}/assessments", assessment=feedback)
        own = {"experiment_id": experiment, "name": SECRET, "description": HIDDEN}
        issue = await self.ask_v3("POST", "issues", **own)
        return {
            "assessment_id": [made["assessment"]["assessment_id"]],
            "assessment": [{**feedback, "overrides": made["assessment"]["assessment_id"]}],
            "update_mask": ["feedback"],
            "issue_id": [issue["issue"]["issue_id"]],
        }

    async def fill_reviews(self, experiment: str, trace: str) -> dict[str, list[Any]]:
        """Make a scorer, a label schema and a review queue; return their ids by the fields that take them."""
        own = {"experiment_id": experiment, "name": SECRET}
        scorer = await self.ask_v3(
            "POST", "scorers/register", **own, serialized_scorer=json.dumps({"name": HIDDEN})
        )
        schema = await self.ask_v3(
            "POST",
            "label-schemas/create",
            **own,
            type="FEEDBACK",
            input={"text": {}},
            instruction=HIDDEN,
        )
        schema_id = schema["label_schema"]["schema_id"]
        queue = await self.ask_v3(
            "POST", "review-queues/create", **own, queue_type="CUSTOM", schema_ids=[schema_id]
        )
        queue_id = queue["review_queue"]["queue_id"]
        await self.ask_v3("POST", "review-queues/items/add", queue_id=queue_id, item_ids=[trace])
        return {
            "scorer_ids": [[scorer["scorer_id"]]],
            "schema_id": [schema_id],
            "schema_ids": [[schema_id]],
            "queue_id": [queue_id],
            "item_id": [trace],
            "item_ids": [[trace]],
        }

    async def reviews(self, experiment: str) -> list[Any]:
        """Return the scorers, label schemas, review queues and items of an experiment."""
        queues = await self.ask_v3("GET", "review-queues/list", experiment_id=experiment)
        return [
            await self.ask_v3("GET", "scorers/list", experiment_id=experiment),
            await self.ask_v3("GET", "label-schemas/list", experiment_id=experiment),
            queues,
            *[
                await self.ask_v3("GET", "review-queues/items/list", queue_id=each["queue_id"])
                for each in queues["review_queues"]
            ],
        ]

    async def snapshot(self) -> str:
        """Return all that there is, to compare."""
        experiments = await self.ask(
            "POST", "experiments/search", max_results=1000, view_type="ALL"
        )
        ids = [each["experiment_id"] for each in experiments["experiments"]]
        found = [
            experiments,
            await self.ask("POST", "runs/search", experiment_ids=ids, run_view_type="ALL"),
            await self.ask("POST", "logged-models/search", experiment_ids=ids),
            await self.ask("GET", "registered-models/search"),
            await self.ask("GET", "model-versions/search"),
            await self.ask("GET", "traces", experiment_ids=ids),
            *[await self.reviews(each) for each in ids],
            await self.ask_v3("POST", "issues/search", include_trace_count=True),
            await self.ask_v3(
                "POST",
                "traces/search",
                locations=[{"mlflow_experiment": {"experiment_id": each}} for each in ids],
            ),
        ]
        datasets = (await self.ask_v3("POST", "datasets/search")).get("datasets", [])
        for each in datasets:
            path = f"datasets/{each['dataset_id']}"
            found += [each, await self.ask_v3("GET", f"{path}/records")]
            found.append(await self.ask_v3("GET", f"{path}/experiment-ids"))
        artifacts = f"{self.mount}{PROXY_PREFIXES[0]}artifacts?path={self.number}"
        return json.dumps([*found, await self.api("GET", artifacts)], sort_keys=True)


@pytest.fixture(scope="session")
async def two(house):
    """Projects A and B, of different people; B is filled. Give them, and what B holds."""
    group = await house.make("/groups", name="g", path=f"isolated{next(NUMBERS)}")
    made = [
        await house.make("/projects", path=name, namespace_id=group["id"]) for name in ("a", "b")
    ]
    # Owner: who may do everything in A.
    apis = [await house.member(50, f"/projects/{each['id']}") for each in made]
    names = [f"{group['path']}--{each['path']}" for each in made]
    a, b = (
        Project(api, each["id"], name) for api, each, name in zip(apis, made, names, strict=True)
    )
    held = await b.fill()
    assert HIDDEN in await b.snapshot(), "there would be nothing to leak"
    return a, b, held


def generic(name: str) -> Any:
    """Return something that a field takes which names nothing of B's."""
    return {
        "value": "1",
        "timestamp": 1,
        "step": 1,
        "new_name": "renamed",
        "stage": "Production",
        "description": "overwritten",
        "model_json": "{}",
        "serialized_scorer": "{}",
        "sample_rate": 0,
        "queue_type": "CUSTOM",
        "type": "FEEDBACK",
        "input": {"text": {}},
        "user": "ada",
        "users": ["ada"],
        "update_users": True,
        "update_schema_ids": True,
        "num_parts": 1,
        "upload_id": "u",
        "parts": [],
        "status": None,
        "tags": [{"key": "k", "value": "overwritten"}],
        "params": [{"key": "k", "value": "overwritten"}],
        "max_results": 5,
    }.get(name)


def request_of(endpoint: Any, pick: Any) -> tuple[str, dict[str, Any]]:
    """Return path and fields of a request that names what ``pick`` chooses for each field."""
    fields = {}
    for name in endpoint.contract.model_fields:
        value = pick(name)
        if value is not None:
            fields[name] = value
    path = endpoint.path
    for name in variables(path):
        text = str(fields.get(name) or "x")
        for template in (f"{{{name}}}", f"{{{name}:path}}"):
            path = path.replace(template, text.replace("../", "%2E%2E%2F"))
    return endpoint.prefixes[0] + path, fields


async def send(api: Api, method: str, url: str, fields: dict[str, Any]) -> tuple[int, str]:
    """Send a request in a form that the route takes; return its status and all of the answer."""
    if method == "GET":
        pairs = [
            (name, str(each))
            for name, value in fields.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        status, body = await api("GET", url, params=pairs, raw=True)
    else:
        status, body = await api(method, url, json=fields, raw=True)
    return status, body


def leaks(body: str) -> bool:
    """Tell whether an answer says something of B that only B knows."""
    return "4711.5" in body or HIDDEN in body


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.methods} {e.path}")
async def test_no_route_of_as_mount_leads_to_b(two, endpoint):
    a, b, held = two
    before = await b.snapshot()
    for turn in range(max(map(len, held.values()))):
        chosen = {name: values[turn % len(values)] for name, values in held.items()}
        url, fields = request_of(endpoint, lambda name, of=chosen: of.get(name, generic(name)))
        for method in endpoint.methods.split():
            status, body = await send(a.api, method, a.mount + url, fields)
            assert status < 500 or "INVALID_STATE" in body, body  # MLflow's status for that.
            assert not leaks(body), (method, url, fields, body)
            status, body = await send(a.api, method, b.mount + url, fields)
            assert (status, json.loads(body)) == (404, NO_PROJECT)
            status, body = await send(a.api, method, url, fields)
            assert status == 404, body
            status, body = await send(a.api.within(b.workspace), method, url, fields)
            unknown = f"Workspace '{b.workspace}' not found"
            assert (status, json.loads(body)["message"]) == (404, unknown)
            status, body = await send(a.api.within(a.workspace), method, url, fields)
            assert status < 500 or "INVALID_STATE" in body, body
            assert not leaks(body), (method, url, fields, body)
    assert await b.snapshot() == before


async def test_no_way_of_streaming_leads_to_b(two):
    a, b, held = two
    before = await b.snapshot()
    run, model = held["run_id"][0], held["model_id"][0]
    asked = [
        *(
            (method, f"{prefix}artifacts/{path}")
            for prefix in PROXY_PREFIXES
            for method in ("GET", "PUT", "DELETE")
            for path in (
                held["path"][0],
                f"{a.number}/..%2F{held['path'][0]}",
                f"%2F{held['path'][0]}",
            )
        ),
        ("GET", f"{streams.GET_ARTIFACT}?run_id={run}&run_uuid={run}&path=f.txt"),
        ("GET", f"{streams.GET_VERSION_ARTIFACT}?name={SECRET}&version=1&path=f.txt"),
        (
            "GET",
            streams.GET_MODEL_ARTIFACT.replace("{model_id}", model) + "?artifact_file_path=f.txt",
        ),
        *(
            ("GET", f"{path}?request_id={held['trace_id'][0]}{more}")
            for path in streams.GET_TRACE_ARTIFACTS
            for more in ("", "&path=0189aaaa-0000-7000-8000-000000000000")
        ),
        ("POST", f"{streams.UPLOAD_ARTIFACT}?run_uuid={run}&path=f.txt"),
    ]
    at_root = (a.api, a.api.within(a.workspace), a.api.within(b.workspace))
    for method, url in asked:
        for api, mount in ((a.api, a.mount), (a.api, b.mount), *((api, "") for api in at_root)):
            data = {"data": b"overwritten"} if method in ("PUT", "POST") else {}
            status, body = await api(method, mount + url, raw=True, **data)
            assert 400 <= status < 500, (method, mount, url, body)
            assert not leaks(body)
    for side, method in ((a, "GET"), (a, "PUT"), (b, "GET"), (b, "PUT")):
        for owner in ("1", f"candidate:{run}", "candidate:1"):
            url = f"/api/v4/projects/{side.number}/packages/ml_models/{owner}/files/f.txt"
            status, body = await a.api(
                method, url, raw=True, **({"data": b"x"} if method == "PUT" else {})
            )
            assert status == 404, body
    assert await b.snapshot() == before


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (q.GET_EXPERIMENT, {"experimentId": "experiment_id"}),
        (q.GET_RUN, {"runId": "run_id"}),
        (q.SEARCH_RUNS, {"experimentIds": "experiment_ids", "filter": "filter"}),
        (q.SEARCH_RUNS, {"experimentIds": "experiment_ids", "pageToken": "page_token"}),
        (q.METRIC_HISTORY, {"runIds": "run_ids", "metricKey": "metric_key"}),
        (q.LIST_ARTIFACTS, {"runId": "run_id", "path": "path"}),
        (q.SEARCH_DATASETS, {"experimentIds": "experiment_ids"}),
        (q.SEARCH_MODEL_VERSIONS, {"filter": "filter"}),
    ],
)
async def test_no_query_in_graphql_leads_to_b(two, query, fields):
    a, b, held = two
    for turn in range(5):
        given = {name: held[of][turn % len(held[of])] for name, of in fields.items()}
        body = q.body_of(query, **given)
        for api, mount in ((a.api, a.mount), (a.api.within(a.workspace), "")):
            status, said = await api("POST", f"{mount}/graphql", json=body, raw=True)
            assert status == 200, said
            assert not leaks(said), (given, said)
            assert SECRET not in json.dumps(json.loads(said)["data"]).replace(str(given), "")
        status, said = await a.api("POST", f"{b.mount}/graphql", json=body)
        assert (status, said) == (404, NO_PROJECT)
        for workspace in ("", b.workspace):
            status, said = await a.api.within(workspace)("POST", "/graphql", json=body)
            assert status == 404, said
        anonymous = Api(a.api.session, a.api.url)
        for mount in ("", a.mount, b.mount):
            assert (await anonymous("POST", f"{mount}/graphql", json=body))[0] == 401


async def test_graphql_shows_a_projects_own_people_what_is_in_it(two):
    _, b, held = two
    for api, mount in ((b.api, b.mount), (b.api.within(b.workspace), "")):
        body = q.body_of(q.GET_RUN, runId=held["run_id"][0])
        status, said = await api("POST", f"{mount}/graphql", json=body)
        assert (status, said["errors"]) == (200, None)
        run = said["data"]["mlflowGetRun"]["run"]
        assert run["data"]["params"][0]["value"] == HIDDEN
        assert [each["name"] for each in run["modelVersions"]] == [SECRET]


@pytest.mark.parametrize("path", ["", "/members", "/members/all", "/members/1", "/access_tokens"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_gitlabs_api_reveals_nothing_of_b(two, method, path):
    a, b, _ = two
    for fields in ({}, {"name": "x", "user_id": 1, "access_level": 10}):
        url = f"/api/v4/projects/{b.number}{path}"
        options = {"params": fields} if method == "GET" else {"json": fields}
        status, body = await a.api(method, url, raw=True, **options)
        assert status in (400, 404, 405), body
        assert '"b"' not in body
    _, listed = await a.api("GET", "/api/v4/projects")
    assert b.number not in [each["id"] for each in listed]


async def test_no_mixture_of_a_and_b_leads_to_b(two):
    """Draw routes, and for each field something of B's, something of one's own, or nonsense."""
    a, b, held = two
    before = await b.snapshot()
    for endpoint, choices in drawn(held):
        url, fields = request_of(endpoint, choices.get)
        for method in endpoint.methods.split():
            for api, mount in ((a.api, a.mount), (a.api.within(a.workspace), "")):
                status, body = await send(api, method, mount + url, fields)
                assert status < 500 or "INVALID_STATE" in body, body  # MLflow's status for that.
                assert not leaks(body), (method, url, fields, body)
    assert await b.snapshot() == before


async def test_no_request_about_workspaces_tells_of_b_or_changes_it(two):
    a, b, _ = two
    before = await b.snapshot()
    for prefix, method in product(workspaces.PREFIXES, ("GET", "PATCH", "DELETE")):
        for query in ("", "?mode=CASCADE"):
            for api in (a.api, a.api.within(a.workspace)):
                url = f"{prefix}workspaces/{b.workspace}{query}"
                body = {} if method == "GET" else {"json": {"description": "overwritten"}}
                status, said = await api(method, url, **body)
                assert (status, said["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
        _, listed = await a.api("GET", f"{prefix}workspaces")
        assert b.workspace not in [each["name"] for each in listed["workspaces"]]
    assert await b.snapshot() == before


def drawn(held: dict[str, list[Any]]) -> list[tuple[Any, dict[str, Any]]]:
    """Draw examples; hypothesis itself runs no coroutines."""
    found: list[tuple[Any, dict[str, Any]]] = []

    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(ENDPOINTS), st.data())
    def draw(endpoint: Any, data: Any) -> None:
        choices = {}
        for name in endpoint.contract.model_fields:
            own = [generic(name), "0", "1"]
            choices[name] = data.draw(st.sampled_from([*held.get(name, []), *own]), name)
        found.append((endpoint, choices))

    draw()
    return found

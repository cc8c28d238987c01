"""MLflow's workspaces on a whole Warren: which project a name means, and who may do what with it."""

import pytest

from tests.integration.access.conftest import name

WORKSPACES = "/api/3.0/mlflow/workspaces"
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=5"


async def make(api, workspace, **fields):
    return await api("POST", WORKSPACES, json={"name": workspace, **fields})


async def listed(api):
    status, body = await api("GET", WORKSPACES)
    assert status == 200, body
    return [each["name"] for each in body["workspaces"]]


async def test_a_workspace_is_a_project_in_its_makers_namespace(house):
    ann = await house.member(0, "")
    workspace = name("team-")
    status, made = await make(ann, workspace, description="d")
    assert (status, made) == (201, {"workspace": {"name": workspace, "description": "d"}})
    path = f"{ann.user['username']}%2F{workspace}"
    status, project = await ann("GET", f"/api/v4/projects/{path}")
    assert (status, project["visibility"], project["description"]) == (200, "private", "d")
    status, experiment = await ann.within(workspace)(
        "POST", "/api/2.0/mlflow/experiments/create", json={"name": "e"}
    )
    assert status == 200
    get = f"/api/v4/projects/{path}/ml/mlflow/api/2.0/mlflow/experiments/get"
    status, found = await ann("GET", f"{get}?experiment_id={experiment['experiment_id']}")
    assert (status, found["experiment"]["name"]) == (200, "e")
    # By one name only.
    longer = f"{ann.user['username']}--{workspace}"
    assert (await ann.within(longer)("GET", SEARCH))[0] == 404
    assert workspace in await listed(ann)


async def test_a_groups_project_goes_by_its_path(house, group):
    await house.make("/projects", path="Churn", namespace_id=group["id"])
    workspace = f"{group['path']}--churn"
    assert (await house.within(workspace)("GET", SEARCH))[0] == 200
    assert workspace in await listed(house)
    maintainer = await house.member(40, f"/groups/{group['id']}")
    status, made = await make(maintainer, f"{group['path']}--made-here")
    assert (status, made["workspace"]["name"]) == (201, f"{group['path']}--made-here")
    assert (await house.within(f"{group['path']}--made-here")("GET", SEARCH))[0] == 200
    developer = await house.member(30, f"/groups/{group['id']}")
    assert (await make(developer, f"{group['path']}--other"))[0] == 403
    stranger = await house.member(0, "")
    status, body = await make(stranger, f"{group['path']}--other")
    assert (status, body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


async def test_a_path_of_digits_is_no_groups_number(house, group):
    status, body = await make(house, f"{group['id']}--new")
    assert (status, body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    digits = await house.make("/groups", name="d", path=f"{group['id']}000")
    assert (await make(house, f"{digits['path']}--new"))[0] == 201
    assert (await house.within(f"{digits['path']}--new")("GET", SEARCH))[0] == 200


async def test_projects_without_a_name_in_the_grammar_are_not_listed(house, group):
    made = await house.make("/projects", path="a_b", namespace_id=group["id"])
    assert not [each for each in await listed(house) if each.startswith(f"{group['path']}--")]
    assert (await house("GET", f"/api/v4/projects/{made['id']}"))[0] == 200


async def test_a_short_name_means_one_project_for_every_caller(house):
    ann, bob = await house.member(0, ""), await house.member(0, "")
    workspace = name("shared-")
    assert (await make(ann, workspace))[0] == 201
    status, body = await make(bob, workspace)
    assert (status, body["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")
    # A project of the same path elsewhere takes nothing away, nor does being a member of it.
    own = await bob.make("/projects", path=workspace)
    await bob.make(f"/projects/{own['id']}/members", user_id=ann.user["id"], access_level=40)
    await ann.within(workspace)("POST", "/api/2.0/mlflow/experiments/create", json={"name": "mine"})
    experiments = f"/api/v4/projects/{own['id']}/ml/mlflow{SEARCH}"
    _, found = await bob("GET", experiments)
    assert [each["name"] for each in found["experiments"]] == ["Default"]
    status, body = await bob.within(workspace)("GET", SEARCH)
    assert (status, body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert body["message"] == f"Workspace '{workspace}' not found"


async def test_roles_count_as_for_projects(house):
    owner = await house.member(0, "")
    workspace = name("roles-")
    await make(owner, workspace)
    _, project = await owner("GET", f"/api/v4/projects/{owner.user['username']}%2F{workspace}")
    place = f"/projects/{project['id']}"
    one = f"{WORKSPACES}/{workspace}"
    stranger = await house.member(0, "")
    asked = {"GET": {}, "PATCH": {"json": {"description": "x"}}, "DELETE": {}}
    for method, options in asked.items():
        status, body = await stranger(method, one, **options)
        assert (status, body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert workspace not in await listed(stranger)
    guest, maintainer = await house.member(10, place), await house.member(40, place)
    assert (await guest("GET", one))[0] == 200
    assert (await guest("PATCH", one, json={"description": "x"}))[0] == 403
    assert (await guest.within(workspace)("GET", SEARCH))[0] == 200
    create = "/api/2.0/mlflow/experiments/create"
    status, body = await guest.within(workspace)("POST", create, json={"name": "e"})
    assert (status, body["error_code"]) == (403, "PERMISSION_DENIED")
    status, changed = await maintainer("PATCH", one, json={"description": "x"})
    assert (status, changed["workspace"]["description"]) == (200, "x")
    assert (await maintainer("DELETE", one))[0] == 403
    assert (await owner("DELETE", one))[0] == 204
    assert (await owner("GET", one))[0] == 404
    assert (await owner.within(workspace)("GET", SEARCH))[0] == 404


@pytest.mark.parametrize(
    ("path", "fields", "kinds"),
    [
        ("2.0/mlflow/experiments/create", {"name": "e"}, "experiments"),
        ("2.0/mlflow/runs/create", {"experiment_id": "0"}, "runs"),
        ("2.0/mlflow/logged-models", {"experiment_id": "0"}, "logged models"),
        ("2.0/mlflow/registered-models/create", {"name": "m"}, "registered models"),
    ],
)
async def test_a_workspace_that_holds_something_is_deleted_on_request_only(
    house, path, fields, kinds
):
    workspace = name("full-")
    await make(house, workspace)
    status, body = await house.within(workspace)("POST", f"/api/{path}", json=fields)
    assert status == 200, body
    one = f"{WORKSPACES}/{workspace}"
    status, body = await house("DELETE", one)
    assert (status, body["error_code"]) == (409, "RESOURCE_CONFLICT")
    assert f"it still contains {kinds}." in body["message"]
    assert (await house("DELETE", f"{one}?mode=SET_DEFAULT"))[0] == 501
    assert (await house("DELETE", f"{one}?mode=cascade"))[0] == 400
    assert (await house("GET", one))[0] == 200
    assert (await house("DELETE", f"{one}?mode=CASCADE"))[0] == 204
    assert (await house("GET", one))[0] == 404


async def test_the_default_workspace_is_the_root_project(house):
    status, found = await house("GET", f"{WORKSPACES}/default")
    assert (status, found["workspace"]["name"]) == (200, "default")
    assert (await house.within("default")("GET", SEARCH))[0] == 200
    assert (await house.within("root--default")("GET", SEARCH))[0] == 404
    assert (await house("DELETE", f"{WORKSPACES}/default"))[0] == 400
    assert (await make(house, "default"))[0] == 400


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "x"},
        {"name": "Team"},
        {"name": "api"},
        {"name": "a---b"},
        {"name": "wsx", "default_artifact_root": "s3://b/r"},
        {"name": "wsx", "trace_archival_config": {"retention": "30d"}},
        {"name": "wsx", "description": "d" * 2001},
        [],
    ],
)
async def test_bad_requests_are_told_so(house, fields):
    status, body = await house("POST", WORKSPACES, json=fields)
    assert (status, body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


async def test_an_update_changes_something(house):
    workspace = name("update-")
    await make(house, workspace, description="d")
    one = f"{WORKSPACES}/{workspace}"
    assert (await house("PATCH", one, json={}))[0] == 400
    assert (await house("PATCH", one, json={"default_artifact_root": "s3://b/r"}))[0] == 400
    cleared = {"default_artifact_root": ""}
    status, body = await house("PATCH", one, json=cleared)
    assert (status, body["workspace"]["description"]) == (200, "d")


async def test_a_token_is_asked_for(house):
    anonymous = house.of("")
    for method, path in (("GET", WORKSPACES), ("GET", f"{WORKSPACES}/default")):
        status, body = await anonymous(method, path)
        assert (status, body["error_code"]) == (401, "UNAUTHENTICATED")
    reader = await house.member(0, "", ["read_api"])
    assert (await make(reader, name("reader-")))[0] == 403


@pytest.mark.parametrize(
    "odd",
    [
        "%00",
        "a%00b",
        "%ED%A0%80",
        "%FF",
        "a%2Fb",
        "..",
        "%2e%2e",
        "a" * 5000,
        "default%20",
        "%F0%9F%90%87",
    ],
)
async def test_odd_names_are_refused(house, odd):
    for method in ("GET", "PATCH", "DELETE"):
        options = {} if method == "GET" else {"json": {"description": "x"}}
        status, body = await house(method, f"{WORKSPACES}/{odd}", **options)
        assert (status, body["error_code"]) in (
            (400, "INVALID_PARAMETER_VALUE"),
            (404, "ENDPOINT_NOT_FOUND"),
        )

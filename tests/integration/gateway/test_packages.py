"""GitLab's file routes and MLflow's artifact proxy are two ways to the same files."""

import uuid
from urllib.parse import quote

import pytest
from yarl import URL

from tests.integration.gateway.artifacts_api import Artifacts
from tests.rest import api

NAMES = ["model.pkl", "with space.txt", "größe-模型-🐇 (1)@=,.txt", "100%25.txt", "d/e/f+g.txt"]


class Packages:
    """A project's files as GitLab's REST API has them."""

    def __init__(self, session, server):
        self.session = session
        self.url = f"{server}/api/v4/projects/1/packages/ml_models"

    async def put(self, owner, path, data):
        async with self.session.put(self.to(owner, path), data=data) as answer:
            return answer.status, await answer.json()

    async def get(self, owner, path, method="GET"):
        async with self.session.request(method, self.to(owner, path)) as answer:
            return answer.status, await answer.read()

    def to(self, owner, path):
        return URL(f"{self.url}/{owner}/files/{quote(path)}", encoded=True)


@pytest.fixture
async def project(standalone_warren):
    async with api(f"{standalone_warren.url}/api/v4/projects/1/ml/mlflow") as rest:
        yield rest


@pytest.fixture
def packages(session, standalone_warren):
    return Packages(session, standalone_warren.url)


@pytest.fixture
async def run(session, standalone_warren):
    return await Artifacts.of_new_run(session, standalone_warren.url)


async def iid_of(project, run):
    return (await project.get("runs/get", run_id=run.run_id)).body["run"]["info"]["iid"]


async def test_files_of_a_run_are_its_artifacts(packages, project, run):
    candidate = f"candidate:{await iid_of(project, run)}"
    for name in NAMES:
        assert await packages.put(candidate, name, name.encode()) == (
            201,
            {"message": "201 Created"},
        )
        assert await run.get(name) == (200, name.encode())
    await run.put("d/e/other.txt", b"other")
    assert await packages.get(candidate, "d/e/other.txt") == (200, b"other")
    assert await packages.get(candidate, "d/e/other.txt", "HEAD") == (200, b"")
    assert await run.list("d/e") == {"f+g.txt": len("d/e/f+g.txt"), "other.txt": 5}


async def test_files_of_a_version_are_those_of_its_run(packages, project):
    name = f"packages-{uuid.uuid4().hex}"
    await project.done("registered-models/create", {"name": name})
    made = await project.done("model-versions/create", {"name": name, "source": ""})
    version = made["model_version"]
    assert (await packages.put(version["version"], "d/a.txt", b"content"))[0] == 201
    listed = (await project.get("artifacts/list", run_id=version["run_id"])).body["files"]
    assert listed == [{"path": "d", "is_dir": True}]
    run = (await project.get("runs/get", run_id=version["run_id"])).body["run"]
    by_run = f"candidate:{run['info']['iid']}"
    assert await packages.get(by_run, "d/a.txt") == (200, b"content")


async def test_directories_and_absent_files_are_not_found(packages, project, run):
    candidate = f"candidate:{await iid_of(project, run)}"
    await packages.put(candidate, "d/a", b"x")
    for path in ("d", "d/b", "d/a/b"):
        assert (await packages.get(candidate, path))[0] == 404


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a//b", "/x", "a/", "", "%2e%2e/x", "..\\b"])
async def test_path_cannot_leave_the_run(packages, project, run, path):
    candidate = f"candidate:{await iid_of(project, run)}"
    for answer in (
        await packages.put(candidate, path, b"x"),
        await packages.get(candidate, path),
    ):
        assert answer[0] in {400, 404}


@pytest.mark.parametrize("owner", ["candidate:999999999", "999999999", "candidate:0", "0"])
async def test_unknown_owner_is_not_found(packages, owner):
    status, body = await packages.put(owner, "a", b"x")
    assert (status, body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")

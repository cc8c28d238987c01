"""A client reads at once what it has written, also where a second service has to follow the first."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from shared.contracts.root_project import ROOT_PROJECT
from tests.rest import Api, api

MOUNT = f"/api/v4/projects/{ROOT_PROJECT}/ml/mlflow"
TIMES = 30


class Clients(NamedTuple):
    """The client that writes and reads, and one of GitLab's dialect, where models have experiments."""

    dialect: str
    own: Api
    gitlab: Api

    async def experiment(self, name: str) -> Any:
        """Return the experiment of a name, or None."""
        answer = await self.own.get("experiments/get-by-name", experiment_name=name)
        return answer.body.get("experiment")

    async def delete(self, path: str, **body: str) -> None:
        """Send a DELETE that must be accepted."""
        async with self.own.session.delete(path, json=body) as response:
            assert response.status == 200, await response.text()


@pytest.fixture(params=["mlflow", "gitlab"])
async def clients(request: pytest.FixtureRequest, stack_warren: Any) -> AsyncIterator[Clients]:
    """Clients of a stack, whose services have a broker between them."""
    async with api(stack_warren.url) as mlflow, api(stack_warren.url + MOUNT) as gitlab:
        own = mlflow if request.param == "mlflow" else gitlab
        yield Clients(request.param, own, gitlab)


async def test_the_experiment_of_a_deleted_model_is_deleted(clients: Clients) -> None:
    for time in range(TIMES):
        name = f"deleted-{clients.dialect}-{time}"
        await clients.gitlab.done("registered-models/create", {"name": name})
        experiment_id = (await clients.experiment(f"[model]{name}"))["experiment_id"]
        run_id = await clients.own.new_run(experiment_id)
        await clients.delete("registered-models/delete", name=name)
        assert await clients.experiment(f"[model]{name}") is None
        found = await clients.own.get("experiments/get", experiment_id=experiment_id)
        assert found.body["experiment"]["lifecycle_stage"] == "deleted"
        run = (await clients.own.get("runs/get", run_id=run_id)).body["run"]
        assert run["info"]["lifecycle_stage"] == "deleted"


async def test_the_experiment_of_a_renamed_model_is_renamed(clients: Clients) -> None:
    name = f"renamed-{clients.dialect}"
    await clients.gitlab.done("registered-models/create", {"name": f"{name}-0"})
    for time in range(TIMES):
        names = {"name": f"{name}-{time}", "new_name": f"{name}-{time + 1}"}
        await clients.own.done("registered-models/rename", names)
        assert await clients.experiment(f"[model]{names['name']}") is None
        experiment = await clients.experiment(f"[model]{names['new_name']}")
        assert experiment["lifecycle_stage"] == "active"


async def test_the_run_of_a_deleted_version_is_deleted(clients: Clients) -> None:
    name = f"version-{clients.dialect}"
    await clients.gitlab.done("registered-models/create", {"name": name})
    for number in range(1, TIMES + 1):
        made = (await clients.gitlab.done("model-versions/create", {"name": name}))["model_version"]
        version = made["version"] if clients.dialect == "gitlab" else str(number)
        await clients.delete("model-versions/delete", name=name, version=version)
        run = (await clients.own.get("runs/get", run_id=made["run_id"])).body["run"]
        assert run["info"]["lifecycle_stage"] == "deleted"


async def test_a_logged_model_names_its_versions(clients: Clients) -> None:
    name = f"logged-{clients.dialect}"
    await clients.own.done("registered-models/create", {"name": name})
    logged = await clients.own.done("logged-models", {"experiment_id": "0", "name": "x"})
    model_id = logged["model"]["info"]["model_id"]
    expected = []
    for _ in range(TIMES):
        body = {"name": name, "source": f"models:/{model_id}", "model_id": model_id}
        made = (await clients.own.done("model-versions/create", body))["model_version"]
        expected.append({"name": name, "version": made["version"]})
        read = await clients.own.get(f"logged-models/{model_id}")
        tags = {tag["key"]: tag["value"] for tag in read.body["model"]["info"]["tags"]}
        assert json.loads(tags["mlflow.modelVersions"]) == expected

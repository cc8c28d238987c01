"""Spans reach no project but the caller's, whatever ids they name."""

from typing import Any, NamedTuple

import pytest

from tests.integration.access.conftest import NUMBERS, Api
from tests.unit.gateway.otlp.requests import JSON, a_span, json_of

TRACES = "/api/3.0/mlflow/traces"
OURS, THEIRS = b"ours" * 4, b"theirs!!" * 2


class Sender(NamedTuple):
    """A project, one of its people, and an experiment in it."""

    api: Api
    mount: str
    workspace: str
    experiment_id: str

    async def send(
        self, *spans: Any, at: "Sender | None" = None, **headers: str
    ) -> tuple[int, Any]:
        """Send spans with this person's token, behind the mount of ``at``; return status and answer."""
        mount = (at or self).mount
        own = JSON | {"x-mlflow-experiment-id": self.experiment_id}
        own |= {"PRIVATE-TOKEN": self.api.token} if self.api.token else {}
        async with self.api.session.post(
            f"{self.api.url}{mount}/v1/traces", data=json_of(*spans), headers=own | headers
        ) as response:
            return response.status, await response.json()

    async def trace(self, trace_id: bytes) -> tuple[int, Any]:
        return await self.api("GET", f"{self.mount}{TRACES}/tr-{trace_id.hex()}")

    async def names(self, trace_id: bytes) -> set[str]:
        """Return the names of a trace's spans."""
        status, said = await self.api(
            "GET", f"{self.mount}{TRACES}/get?trace_id=tr-{trace_id.hex()}&allow_partial=true"
        )
        assert status == 200, said
        return {each["name"] for each in said["trace"]["spans"]}


async def _sender(house: Api, role: int, scopes: tuple[str, ...] = ("api",)) -> Sender:
    group = await house.make("/groups", name="g", path=f"otlp{next(NUMBERS)}")
    project = await house.make("/projects", path="p", namespace_id=group["id"])
    owner = await house.member(50, f"/projects/{project['id']}")
    mount = f"/api/v4/projects/{project['id']}/ml/mlflow"
    status, made = await owner(
        "POST", f"{mount}/api/2.0/mlflow/experiments/create", json={"name": "e"}
    )
    assert status == 200, made
    api = owner if role == 50 else await house.member(role, f"/projects/{project['id']}", scopes)
    return Sender(api, mount, f"{group['path']}--p", made["experiment_id"])


@pytest.fixture
async def two(house: Api) -> tuple[Sender, Sender]:
    return await _sender(house, 50), await _sender(house, 50)


async def test_the_same_trace_id_is_another_trace_in_another_project(two: Any) -> None:
    a, b = two
    assert (await b.send(a_span(1, trace_id=THEIRS, name="secret")))[0] == 200
    before = await b.trace(THEIRS)
    assert (await a.trace(THEIRS))[0] == 404
    for span in (a_span(1, trace_id=THEIRS, name="mine"), a_span(2, trace_id=THEIRS, name="other")):
        assert await a.send(span) == (200, {})
    assert await a.names(THEIRS) == {"mine", "other"}
    assert await b.names(THEIRS) == {"secret"}
    assert await b.trace(THEIRS) == before


async def test_spans_do_not_enter_another_project(two: Any) -> None:
    a, b = two
    span = a_span(1, trace_id=OURS)
    status, said = await a.send(span, at=b)
    assert (status, said["message"]) == (
        404,
        "404 Project Not Found - The project does not exist, or you have no access to it.",
    )
    # At the root, a header names the project.
    for workspace, expected in ((b.workspace, 404), (a.workspace, 200)):
        root = a._replace(mount="")
        assert (await root.send(span, **{"X-MLFLOW-WORKSPACE": workspace}))[0] == expected
    assert (await a.send(span, **{"X-MLFLOW-WORKSPACE": a.workspace}))[0] == 400
    assert (await a.trace(OURS))[0] == 200
    assert (await b.trace(OURS))[0] == 404


async def test_experiment_and_run_of_another_project_are_unknown(two: Any) -> None:
    a, b = two
    ours = await a.api("POST", f"{a.mount}/api/2.0/mlflow/experiments/create", json={"name": "2"})
    theirs = await b.api(
        "POST",
        f"{b.mount}/api/2.0/mlflow/runs/create",
        json={"experiment_id": b.experiment_id, "run_name": "r"},
    )
    # Numbers of experiments count in each project: this one exists in A alone.
    number = ours[1]["experiment_id"]
    status, said = await b.send(a_span(1, trace_id=OURS), **{"x-mlflow-experiment-id": number})
    assert status == 404, said
    run_id = theirs[1]["run"]["info"]["run_id"]
    status, said = await a.send(a_span(1, trace_id=OURS), **{"x-mlflow-run-id": run_id})
    assert status == 200
    assert "not linked to the run" in said["partialSuccess"]["errorMessage"]


@pytest.mark.parametrize(
    ("role", "scopes", "status"),
    # GitLab answers 401 to who is in the project without the right.
    [(10, ("api",), 401), (20, ("api",), 401), (30, ("api",), 200), (30, ("read_api",), 403)],
)
async def test_sender_needs_the_right_to_write_experiments(
    house: Api, role: int, scopes: Any, status: int
) -> None:
    sender = await _sender(house, role, scopes)
    assert (await sender.send(a_span(1, trace_id=OURS)))[0] == status
    anonymous = sender._replace(api=Api(house.session, house.url))
    answer = await anonymous.send(a_span(1, trace_id=OURS))
    assert (answer[0], answer[1]["code"]) == (401, 16)

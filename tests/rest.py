"""MLflow's REST API as tests and benches speak it: paths, bodies and statuses, without a client's retries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

TIMESTAMP = 1_760_000_000_000


class Answer(NamedTuple):
    """A status and the decoded body."""

    status: int
    body: Any


class Api:
    """One server's `/api/2.0/mlflow/`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Use a session whose base is the API's root."""
        self.session = session

    async def post(self, path: str, body: Any) -> Answer:
        """Send JSON."""
        async with self.session.post(path, json=body) as response:
            return Answer(response.status, await response.json(content_type=None))

    async def get(self, path: str, **query: str) -> Answer:
        """Read."""
        async with self.session.get(path, params=query) as response:
            return Answer(response.status, await response.json(content_type=None))

    async def done(self, path: str, body: Any) -> Any:
        """Send JSON that must be accepted, and return the answer."""
        answer = await self.post(path, body)
        if answer.status != 200:
            message = f"{path} answered {answer.status}: {answer.body}"
            raise AssertionError(message)
        return answer.body

    async def new_experiment(self, name: str) -> str:
        """Make an experiment and return its id."""
        return str((await self.done("experiments/create", {"name": name}))["experiment_id"])

    async def new_run(self, experiment_id: str, **fields: Any) -> str:
        """Make a run and return its id."""
        body = {"experiment_id": experiment_id, "start_time": TIMESTAMP, **fields}
        return str((await self.done("runs/create", body))["run"]["info"]["run_id"])

    async def history(self, run_id: str, key: str) -> list[dict[str, Any]]:
        """Read all points of a metric."""
        answer = await self.get("metrics/get-history", run_id=run_id, metric_key=key)
        assert answer.status == 200, answer
        return list(answer.body.get("metrics", []))


def metric(key: str, value: float, step: int) -> dict[str, Any]:
    """Describe a point whose time follows from its step."""
    return {"key": key, "value": value, "step": step, "timestamp": TIMESTAMP + step}


@asynccontextmanager
async def api(
    url: str, connections: int = 100, token: str = "", workspace: str = ""
) -> AsyncIterator[Api]:
    """Open a session on a server, with a token if it asks for one, and in a workspace if it is not the default one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if workspace:
        headers["X-MLFLOW-WORKSPACE"] = workspace
    async with aiohttp.ClientSession(
        f"{url}/api/2.0/mlflow/",
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(total=120),
        headers=headers,
    ) as session:
        yield Api(session)

"""Scorers, label schemas and review queues are those of MLflow's newest server: what requests change and refuse."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from services.gateway.mlflow.endpoints import ENDPOINTS
from shared.contracts.errors import DomainError
from tests.compat.conftest import NEWEST, venv_of
from tests.compat.review_requests import FAMILIES, Names
from tests.integration.traces.conftest import FakeTracking, Traces

SCRIPT = Path(__file__).with_name("mlflow_reviews.py")
CONTRACTS = {
    (method, endpoint.path): endpoint.contract
    for endpoint in ENDPOINTS
    for method in endpoint.methods.split()
    # MLflow 2 has a path of traces, too.
    if not endpoint.prefixes[0].startswith("/api/2.0") or endpoint.path != "traces"
}

OWN_WORDS = (
    "Custom scorer registration",
    "Malformed JSON",
    "Missing value for required parameter",
    "Invalid ",
)
"""Beginnings of messages whose rest is Warren's own."""


@pytest.fixture(scope="module")
def of_mlflow():
    """What MLflow's server answers, by family."""
    python = venv_of(NEWEST) / "bin" / "python"
    said = subprocess.run((python, SCRIPT), check=True, capture_output=True, text=True)
    return json.loads(said.stdout)


class Warren:
    """The traces service, asked by the paths of the API."""

    def __init__(self, pool):
        tracking = FakeTracking()
        tracking.stages = {"1": "active", "2": "active", "3": "deleted"}
        self._traces = Traces(pool, tracking)
        self._experiments = iter(tracking.stages)

    async def send(self, method, path, fields):
        """Return the answer to a request."""
        if path == "experiments/create":
            return {"experiment_id": next(self._experiments)}
        if path == "experiments/delete":
            return {}
        # Two queues of the same millisecond have no order.
        await asyncio.sleep(0.002)
        try:
            return await self._traces.call(CONTRACTS[method, path].__name__, **fields)
        except DomainError as error:
            return {"error_code": error.code, "message": error.message}


def comparable(answer):
    """Return an answer without the rest of a message that is in Warren's own words."""
    message = answer.get("message", "")
    own = [each for each in OWN_WORDS if message.startswith(each)]
    return {**answer, "message": own[0]} if own else answer


@pytest.mark.parametrize("family", FAMILIES)
async def test_answers_are_mlflows(of_mlflow, traces_pool, family):
    warren, names = Warren(traces_pool), Names()
    for request, expected in zip(FAMILIES[family], of_mlflow[family], strict=True):
        answer = names.answer(request, await warren.send(*names.fill(request)))
        assert comparable(answer) == comparable(expected), request

"""Evaluation datasets are those of MLflow's newest server: what requests change, find and refuse."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest

from services.gateway.mlflow.endpoints import ENDPOINTS
from shared.contracts.errors import DomainError
from tests.compat.conftest import NEWEST, venv_of
from tests.compat.evaluation_dataset_requests import REQUESTS, Names
from tests.integration.traces.conftest import FakeTracking, Traces

SCRIPT = Path(__file__).with_name("mlflow_evaluation_datasets.py")


@pytest.fixture(scope="module")
def of_mlflow():
    """What MLflow's server answers to each request."""
    python = venv_of(NEWEST) / "bin" / "python"
    said = subprocess.run((python, SCRIPT), check=True, capture_output=True, text=True)
    return json.loads(said.stdout)


class Warren:
    """The traces service, asked by the paths of the API."""

    def __init__(self, pool):
        self._traces = Traces(pool, FakeTracking())
        self._experiments = iter(("1", "2"))

    async def send(self, method, path, fields):
        """Return the answer to a request."""
        if path == "experiments/create":
            return {"experiment_id": next(self._experiments)}
        endpoint, parameters = _found(method, path)
        # Two datasets of the same millisecond have no order.
        await asyncio.sleep(0.002)
        try:
            return await self._traces.call(
                endpoint.contract.__name__, **{**(fields or {}), **parameters}
            )
        except DomainError as error:
            return {"error_code": error.code}


def _found(method, path):
    for endpoint in ENDPOINTS:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.path)
        match = re.fullmatch(pattern, path)
        if match and method in endpoint.methods.split():
            return endpoint, match.groupdict()
    raise AssertionError(path)


async def test_answers_are_mlflows(of_mlflow, traces_pool):
    warren, names = Warren(traces_pool), Names()
    for request, expected in zip(REQUESTS, of_mlflow, strict=True):
        answer = await warren.send(*names.fill(request))
        found = json.loads(json.dumps(names.answer(request, answer)))
        assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)

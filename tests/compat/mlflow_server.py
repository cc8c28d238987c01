"""Golden comparisons: the same requests for MLflow's own server and for the traces service, and what differs."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from services.gateway.http.routing import RouteTable
from services.gateway.mlflow.endpoints import ENDPOINTS
from shared.contracts.errors import DomainError
from tests.compat.conftest import NEWEST, venv_of
from tests.integration.traces.conftest import Traces

SCRIPT = Path(__file__).with_name("mlflow_rest.py")
V3 = "/api/3.0/mlflow/"

_CHOSEN_TIME = re.compile(r'"20(?!20-)\d\d-\d\d-\d\dT[^"]*Z"')
_CHOSEN_ID = re.compile(r"\b(a|iss)-[0-9a-f]{32}\b")


class Request(NamedTuple):
    """A request. ``saved`` names values of its answer by their keys; later requests write them as ``$name``."""

    method: str
    path: str
    body: Any = None
    saved: Mapping[str, Sequence[str]] = MappingProxyType({})


def answers_of_mlflow(requests: Sequence[Request]) -> list[Any]:
    """Return the body of each answer, or the code of its error. The experiments 1 and 2 exist."""
    create = "/api/2.0/mlflow/experiments/create"
    made = [["POST", create, {"name": f"e{each}"}] for each in (1, 2)]
    given = [*made, *([r.method, V3 + r.path, r.body, dict(r.saved)] for r in requests)]
    python = venv_of(NEWEST) / "bin" / "python"
    said = subprocess.run(
        (python, SCRIPT), input=json.dumps(given), check=True, capture_output=True, text=True
    )
    answers = json.loads(said.stdout)[len(made) :]
    return [body if status == 200 else body["error_code"] for status, body in answers]


async def answers_of_warren(traces: Traces, requests: Sequence[Request]) -> list[Any]:
    """Return the same of the traces service."""
    table = RouteTable()
    for endpoint in ENDPOINTS:
        for method, path in endpoint.routes:
            table.add(method, path, endpoint.contract)  # type: ignore[arg-type]
    saved: dict[str, str] = {}
    return [await _answer(table, traces, each, saved) for each in requests]


async def _answer(
    table: RouteTable, traces: Traces, request: Request, saved: dict[str, str]
) -> Any:
    method, path, text = request.method, request.path, json.dumps(request.body or {})
    for name, value in saved.items():
        path, text = path.replace(f"${name}", value), text.replace(f"${name}", value)
    route = table.find(V3 + path)
    assert route is not None, path
    contract: Any = route.methods[method].handler
    try:
        answer = await traces.call(contract.__name__, **{**json.loads(text), **route.parameters})
    except DomainError as error:
        return error.code
    for name, keys in request.saved.items():
        found = answer
        for key in keys:
            found = found[key]
        saved[name] = found
    return answer


def comparable(answer: Any) -> Any:
    """Return an answer without the times that a server chose and without empty fractions of times, its ids numbered."""
    text = _CHOSEN_TIME.sub('"now"', json.dumps(answer)).replace(".000Z", "Z")
    ids: dict[str, str] = {}
    text = _CHOSEN_ID.sub(lambda found: ids.setdefault(found[0], f"{found[1]}-{len(ids)}"), text)
    return json.loads(text)

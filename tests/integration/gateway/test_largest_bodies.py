"""The largest request that each endpoint takes is answered soon, and does not delay other clients' metrics."""

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest

from services.gateway.mlflow.endpoints import ENDPOINTS
from shared.contracts import limits
from shared.contracts.message import Message
from tests.rest import Api, api, metric
from tests.unit.contracts.samples import Schema

SECONDS = 3.0
"""For an answer. On two cores without other work no answer takes one second."""

HELD_UP = 0.1
"""Seconds that a metric of another client may take meanwhile, in the median; the very slowest, as an answer."""

JSON = {"Content-Type": "application/json"}

BIG = [e for e in ENDPOINTS if {"POST", "PATCH", "DELETE"} & set(e.methods.split())]
SEARCHES = [e for e in BIG if "order_by" in e.contract.model_fields]


class Bodies:
    """Bodies of a contract at its limits; ``known`` are the values of fields that name what there is."""

    def __init__(self, contract: type[Message], known: dict[str, Any]) -> None:
        self._schema = Schema(contract)
        self._known = known
        self._numbers = itertools.count()

    def many(self) -> dict[str, Any]:
        """Return lists that are full, of texts as short as may be."""
        return self._object(self._schema.root, self._word)

    def long(self) -> dict[str, Any]:
        """Return texts that are as long as may be, of what parsers stumble over."""
        return self._object(self._schema.root, self._long, most=2)

    def _object(self, node: dict[str, Any], text: Any, most: int = 10**6) -> dict[str, Any]:
        return {
            name.removesuffix("_"): self._value(name, self._schema.resolved(child), text, most)
            for name, child in node["properties"].items()
        }

    def _value(self, name: str, node: dict[str, Any], text: Any, most: int) -> Any:
        if name in self._known:
            return self._known[name]
        if node.get("type") == "array":
            items = self._schema.resolved(node["items"])
            number = min(node["maxItems"], most)
            return [self._value(name, items, text, most) for _ in range(number)]
        if "properties" in node:
            return self._object(node, text, most)
        if node.get("type") == "string" and "enum" not in node and "pattern" not in node:
            return text(name, node)
        return self._schema.minimal(node, name)

    def _word(self, name: str, node: dict[str, Any]) -> str:
        if name in ("filter", "order_by"):
            return "," * node["maxLength"]
        return f"x{next(self._numbers):x}"

    def _long(self, name: str, node: dict[str, Any]) -> str:
        if name == "order_by":
            return "`" + "a" * (node["maxLength"] - 2) + "`"
        most = node.get("maxLength", 1_000_000)
        return ("a/" * most)[: most - 1] + "a"


def _valid(contract: type[Message], known: dict[str, Any]) -> dict[str, Any]:
    """Return a search that is as much as is accepted: 200 clauses, of which one is long, and 20 orders."""
    ids = ",".join(f"'{number:032x}'" for number in range(5000))
    tags = [f"tags.k{number} = 'v'" for number in range(199)]
    lists = "attributes.run_id" if contract.__name__ == "SearchRuns" else ""
    clauses = [*tags, f"{lists} IN ({ids})"] if lists else tags
    return {
        **{name: value for name, value in known.items() if name in contract.model_fields},
        "filter": " AND ".join(clauses),
        "order_by": [f"tags.o{number}" for number in range(limits.ORDERS)],
    }


@asynccontextmanager
async def metrics_of_another(rest: Api, run: str) -> Any:
    """Log metrics without a pause; yield the list of seconds that each took."""
    seconds: list[float] = []

    async def log() -> None:
        for step in itertools.count():
            began = time.monotonic()
            await rest.done("runs/log-metric", {"run_id": run, **metric("loss", 0.5, step)})
            seconds.append(time.monotonic() - began)

    task = asyncio.create_task(log())
    yield seconds
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
async def known(warren):
    async with api(warren.url) as rest:
        experiment = await rest.new_experiment(f"largest-{time.monotonic_ns()}")
        run = await rest.new_run(experiment)
        body = {"experiment_id": experiment, "name": "m"}
        model = (await rest.done("/api/2.0/mlflow/logged-models", body))["model"]["info"][
            "model_id"
        ]
        made = await rest.done("/api/3.0/mlflow/datasets/create", {"name": "d"})
        records = [{"inputs": {"n": number, "q": "a" * 500}} for number in range(3000)]
        yield {
            "dataset_id": made["dataset"]["dataset_id"],
            "records": json.dumps(records),
            "experiment_id": experiment,
            "run_id": run,
            "model_id": model,
            "experiment_ids": [experiment] * limits.EXPERIMENTS,
            "num_parts": limits.PARTS,
            "artifact_path": f"1/{experiment}/{run}/artifacts",
        }


def requests_of(endpoint, known) -> Iterator[tuple[str, str, str, bytes]]:
    contract, (method, *_) = endpoint.contract, [m for m in endpoint.methods.split() if m != "GET"]
    path = endpoint.prefixes[0] + endpoint.path
    for name in ("model_id", "dataset_id", "tag_key", "key", "path", "artifact_path"):
        there = "x" if contract.__name__.startswith("Delete") else known.get(name, "x")
        path = path.replace(f"{{{name}}}", there).replace(f"{{{name}:path}}", there)
    # What the other requests need is not deleted.
    bodies = Bodies(contract, {} if contract.__name__.startswith("Delete") else known)
    made = {"many": bodies.many(), "long": bodies.long()}
    if endpoint in SEARCHES and contract.__name__ != "SearchLoggedModels":
        made["valid"] = _valid(contract, known)
    for kind, body in made.items():
        yield kind, method, path, json.dumps(body).encode()


class Measured(NamedTuple):
    """Seconds of one request, and of another client's metrics meanwhile."""

    seconds: float
    metric: float
    slowest_metric: float
    status: int
    what: str


async def test_the_largest_request_of_each_endpoint_delays_no_metric(warren, known, capsys):
    measured = []
    async with api(warren.url) as rest, api(warren.url) as other:
        run = await other.new_run("0")
        for endpoint in BIG:
            for kind, method, path, body in requests_of(endpoint, known):
                async with metrics_of_another(other, run) as seconds:
                    await asyncio.sleep(0.02)
                    began, before = time.monotonic(), len(seconds)
                    async with rest.session.request(
                        method, path, data=body, headers=JSON
                    ) as answer:
                        await answer.read()
                    took = time.monotonic() - began
                    await asyncio.sleep(0.02)
                during = seconds[before:] or [took]
                what = f"{endpoint.contract.__name__} ({kind}, {len(body)} bytes)"
                median = statistics.median(during)
                measured.append(Measured(took, median, max(during), answer.status, what))
    with capsys.disabled():
        slowest, held = max(measured), max(measured, key=lambda each: each.slowest_metric)
        sys.stdout.write(f"\nslowest answer: {slowest}\nslowest metric: {held}\n")
    # 501 is the answer where direct transfers are off.
    faults = [each for each in measured if each.status >= HTTPStatus.INTERNAL_SERVER_ERROR]
    assert [each for each in faults if each.status != HTTPStatus.NOT_IMPLEMENTED] == []
    assert [each for each in measured if each.seconds > SECONDS] == []
    assert statistics.median(each.metric for each in measured) < HELD_UP
    assert [each for each in measured if each.slowest_metric > SECONDS] == []

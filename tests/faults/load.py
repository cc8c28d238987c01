"""Clients that write without pause, a book of what they were told, and a look at what is stored.

The one checker of all fault tests. Every write is recognisable (its step, name or source is its own).
What was acknowledged must be stored, once; what is stored must have been asked for. A patient client
repeats a request as MLflow's does (``http_request`` in ``mlflow/utils/rest_utils.py``: 429, 500, 502,
503, 504 and lost connections, after ``Retry-After`` or a pause); creations carry an Idempotency-Key,
because without one a client could not repeat them after a lost answer without making two.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

from tests.rest import TIMESTAMP, Api, api, metric

REPEATED = {429, 500, 502, 503, 504}
PATIENCE_SECONDS = 240.0
"""MLflow's client repeats a request seven times, and each time the gateway may take its 30 seconds."""

RUNS = 4
MODELS = 3
BATCH = 5


@dataclass
class Book:
    """What was asked for and what was acknowledged: points by run and key, creations by kind."""

    asked: dict[Any, set[Any]] = field(default_factory=dict)
    acknowledged: dict[Any, set[Any]] = field(default_factory=dict)
    refusals: Counter[Any] = field(default_factory=Counter)
    errors: list[Any] = field(default_factory=list)

    def ask(self, where: Any, what: set[Any]) -> None:
        self.asked.setdefault(where, set()).update(what)

    def acknowledge(self, where: Any, what: set[Any]) -> None:
        self.acknowledged.setdefault(where, set()).update(what)

    def count(self) -> int:
        return sum(map(len, self.acknowledged.values()))


class Load:
    """So many clients on one Warren; ``patient`` ones repeat what was refused, others note an error."""

    def __init__(self, url: str, session: aiohttp.ClientSession, *, patient: bool) -> None:
        self.book = Book()
        self._url = url
        self._session = session
        self._patient = patient
        self._stopping = asyncio.Event()
        self._clients: list[asyncio.Task[None]] = []
        self._steps = itertools.count(1)
        self._name = uuid4().hex[:8]
        self._experiment = ""
        self._runs: list[str] = []

    async def begin(self, clients: int) -> None:
        """Make what is written to, then start the clients."""
        body = {"name": f"load-{self._name}"}
        self._experiment = (await self._post("experiments/create", body))["experiment_id"]
        for _ in range(RUNS):
            made = await self._post("runs/create", {"experiment_id": "0", "start_time": TIMESTAMP})
            self._runs.append(made["run"]["info"]["run_id"])
        for number in range(MODELS):
            await self._post("registered-models/create", {"name": self._model(number)})
        self._clients = [asyncio.create_task(self._client(number)) for number in range(clients)]

    async def acknowledges(self, writes: int) -> None:
        """Wait for so many more acknowledged writes, however long this machine takes for them."""
        wanted = self.book.count() + writes
        while self.book.count() < wanted and not self.book.errors:
            for client in self._clients:
                if client.done():
                    client.result()
            await asyncio.sleep(0.02)

    async def end(self) -> None:
        """Let every client finish what it has begun."""
        self._stopping.set()
        await asyncio.gather(*self._clients)

    async def check(self) -> None:
        """Compare. Raises AssertionError for anything lost, doubled or never asked for."""
        assert not self.book.errors, self.book.errors[:3]
        async with api(self._url) as rest:
            stored = await self._stored(rest)
        for where, acknowledged in self.book.acknowledged.items():
            found = Counter(stored[where])
            lost = acknowledged - found.keys()
            doubled = {each for each, count in found.items() if count > 1}
            foreign = found.keys() - self.book.asked[where]
            assert (where, lost, doubled, foreign) == (where, set(), set(), set())

    async def _stored(self, rest: Api) -> dict[Any, list[Any]]:
        stored: dict[Any, list[Any]] = {}
        for run in self._runs:
            for key in ("single", "batch"):
                stored[run, key] = [point["step"] for point in await rest.history(run, key)]
            data = (await rest.get("runs/get", run_id=run)).body["run"]["data"]
            stored[run, "tags"] = [tag["key"] for tag in data["tags"] if tag["key"].startswith("t")]
            stored[run, "params"] = [param["key"] for param in data.get("params", [])]
        stored["runs"] = await self._run_names(rest)
        stored["versions"] = [
            source for number in range(MODELS) for source in await self._sources(rest, number)
        ]
        return stored

    async def _client(self, number: int) -> None:
        kinds = (self._point, self._batch, self._point, self._run, self._batch, self._version)
        for turn in itertools.count(number):
            if self._stopping.is_set():
                return
            await kinds[turn % len(kinds)](next(self._steps) * BATCH)

    async def _point(self, step: int) -> None:
        run = self._runs[step % RUNS]
        body = {"run_id": run, **metric("single", step, step)}
        await self._write((run, "single"), {step}, "runs/log-metric", body)

    async def _batch(self, step: int) -> None:
        run = self._runs[step % RUNS]
        steps = range(step, step + BATCH)
        body = {
            "run_id": run,
            "metrics": [metric("batch", each, each) for each in steps],
            "params": [{"key": f"p{step}", "value": str(step)}],
            "tags": [{"key": f"t{step}", "value": str(step)}],
        }
        self.book.ask((run, "params"), {f"p{step}"})
        self.book.ask((run, "tags"), {f"t{step}"})
        if await self._write((run, "batch"), set(steps), "runs/log-batch", body):
            self.book.acknowledge((run, "params"), {f"p{step}"})
            self.book.acknowledge((run, "tags"), {f"t{step}"})

    async def _run(self, step: int) -> None:
        body = {"experiment_id": self._experiment, "run_name": f"r{step}", "start_time": TIMESTAMP}
        await self._write("runs", {f"r{step}"}, "runs/create", body)

    async def _version(self, step: int) -> None:
        source = f"s3://elsewhere/{step}"
        body = {"name": self._model(step % MODELS), "source": source}
        await self._write("versions", {source}, "model-versions/create", body)

    async def _write(self, where: Any, what: set[Any], path: str, body: Any) -> bool:
        self.book.ask(where, what)
        if await self._post(path, body) is None:
            return False
        self.book.acknowledge(where, what)
        return True

    async def _post(self, path: str, body: Any) -> Any:
        """Send until it is accepted; None if it never was."""
        headers = {"Idempotency-Key": uuid4().hex}
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            status: int | str
            try:
                async with self._session.post(
                    f"{self._url}/api/2.0/mlflow/{path}", json=body, headers=headers
                ) as response:
                    answer = await response.json(content_type=None)
                    status, wait = response.status, response.headers.get("Retry-After", "0.2")
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                status, wait, answer = type(error).__name__, "0.2", repr(error)
            if status == 200:
                return answer
            self.book.refusals[status] += 1
            late = asyncio.get_running_loop().time() > deadline
            lost = isinstance(status, str)
            if late or not (lost or (self._patient and status in REPEATED)):
                self.book.errors.append((path, status, answer))
                return None
            await asyncio.sleep(float(wait))

    def _model(self, number: int) -> str:
        return f"model-{self._name}-{number}"

    async def _run_names(self, rest: Api) -> list[str]:
        names: list[str] = []
        token = ""
        while True:
            body = {"experiment_ids": [self._experiment], "max_results": 5000, "page_token": token}
            page = await rest.done("runs/search", body)
            names += [run["info"]["run_name"] for run in page.get("runs", [])]
            token = page.get("next_page_token", "")
            if not token:
                return names

    async def _sources(self, rest: Api, number: int) -> list[str]:
        sources: list[str] = []
        token = ""
        while True:
            wanted = {"filter": f"name = '{self._model(number)}'", "max_results": "1000"}
            answer = await rest.get("model-versions/search", **wanted, page_token=token)
            assert answer.status == 200, answer
            sources += [each["source"] for each in answer.body.get("model_versions", [])]
            token = answer.body.get("next_page_token", "")
            if not token:
                return sources


@asynccontextmanager
async def loaded(url: str, clients: int = 16, *, patient: bool = True) -> AsyncIterator[Load]:
    """Run a load for as long as the block runs; afterwards compare what it was told with what is there."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60)
    ) as session:
        load = Load(url, session, patient=patient)
        await load.begin(clients)
        try:
            yield load
        finally:
            await load.end()
        await load.check()

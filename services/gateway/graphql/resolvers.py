"""Resolvers: each field of an operation becomes the queries that MLflow's REST API sends for the same thing.

A resolver returns a service's JSON. What a query selects besides it, the experiment and the model versions of a run,
is asked for only then, and for all runs of an answer together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from pydantic_core import from_json, to_json

from services.gateway.artifacts.roots import uri_of_run
from services.gateway.auth.refusals import AccessRefused
from services.gateway.graphql.limits import MAX_RECEIVED
from services.gateway.graphql.projection import Projection
from services.gateway.http.fields import overlay_of
from services.gateway.service_client import ServiceClient
from shared.contracts.artifacts import ListArtifacts
from shared.contracts.datasets import SearchDatasets
from shared.contracts.errors import invalid
from shared.contracts.experiments import GetExperiment
from shared.contracts.message import Query
from shared.contracts.metrics import GetMetricHistoryBulkInterval
from shared.contracts.model_versions import SearchModelVersions
from shared.contracts.runs import GetRun, SearchRuns

Json = dict[str, Any]
Input = Mapping[str, Any]

TOGETHER = 50
"""Queries that are sent at once for the experiments of an answer's runs."""

RUNS_PER_FILTER = 100

IN_THREAD = 256 * 1024
"""Bytes of replies, from which on a request is worked on in threads."""

T = TypeVar("T")


@dataclass(slots=True)
class Asking:
    """Sends queries on behalf of one request. ``allow`` raises AccessRefused if the caller may not send a query.

    ``received`` counts the bytes of the services' replies.
    """

    services: ServiceClient
    allow: Callable[[type[Query]], Awaitable[None]]
    received: int = 0

    async def ask(self, contract: type[Query], fields: Input) -> Json:
        """Send a query of these fields, as a REST request of the caller, and return its reply. Raises DomainError."""
        return await self.forward(contract, to_json(dict(fields)))

    async def forward(self, contract: type[Query], payload: bytes) -> Json:
        """Send a payload as a query and return its reply. Raises DomainError."""
        await self.allow(contract)
        reply = await self.services.forward(contract, payload)
        self.received += len(reply)
        if self.received > MAX_RECEIVED:
            raise invalid(
                f"The answer has more than {MAX_RECEIVED} bytes. "
                "Ask for less with maxResults, or use the REST API."
            )
        parsed: Json = await self.in_thread_if_large(from_json, reply)
        return parsed

    async def in_thread_if_large(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return the result of ``work``. If the replies are large, it runs in a thread, so that the event loop goes on."""
        if self.received > IN_THREAD:
            return await asyncio.to_thread(work, *arguments)
        return work(*arguments)


Resolver = Callable[[Asking, Input, Projection], Awaitable[Json]]
"""Returns the JSON of a field from its arguments and what is selected of it. Raises DomainError."""


def _plain(contract: type[Query]) -> Resolver:
    """Return the resolver of a field whose input and response are those of one query."""

    async def resolve(asking: Asking, given: Input, _selected: Projection) -> Json:
        return await asking.ask(contract, given)

    return resolve


async def _get_run(asking: Asking, given: Input, selected: Projection) -> Json:
    reply = await asking.ask(GetRun, given)
    await _add_nested(asking, [reply["run"]], "run", selected)
    return reply


async def _search_runs(asking: Asking, given: Input, selected: Projection) -> Json:
    reply = await asking.ask(SearchRuns, given)
    await _add_nested(asking, reply["runs"], "runs", selected)
    return reply


async def _list_artifacts(asking: Asking, given: Input, _selected: Projection) -> Json:
    payload = to_json(dict(given))
    await asking.allow(ListArtifacts)
    found = await uri_of_run(payload, asking.services)
    return await asking.forward(ListArtifacts, overlay_of(ListArtifacts).put(payload, found))


async def _echo(_asking: Asking, given: Input, _selected: Projection) -> Json:
    return {"output": given.get("inputString")}


async def _add_nested(
    asking: Asking, runs: Sequence[Json], place: str, selected: Projection
) -> None:
    """Put the experiment and the model versions into each run, as far as they are selected."""
    if not runs:
        return
    wanted: list[Awaitable[None]] = []
    if selected.selects(place, "experiment"):
        wanted.append(_add_experiments(asking, runs))
    if selected.selects(place, "modelVersions"):
        wanted.append(_add_versions(asking, runs))
    await asyncio.gather(*wanted)


async def _add_experiments(asking: Asking, runs: Sequence[Json]) -> None:
    ids = dict.fromkeys(run["info"]["experiment_id"] for run in runs)
    found: Json = {}
    for some in _batches(ids, TOGETHER):
        replies = await asyncio.gather(
            *(asking.ask(GetExperiment, {"experiment_id": each}) for each in some)
        )
        found |= {each["experiment"]["experiment_id"]: each["experiment"] for each in replies}
    for run in runs:
        run["experiment"] = found[run["info"]["experiment_id"]]


async def _add_versions(asking: Asking, runs: Sequence[Json]) -> None:
    """Put the versions that were registered from a run into it. A caller who may not read the registry sees none."""
    of_run: dict[str, list[Json]] = {run["info"]["run_id"]: [] for run in runs}
    try:
        for some in _batches(of_run, RUNS_PER_FILTER):
            for version in await _versions_of(asking, some):
                of_run[version["run_id"]].append(version)
    except AccessRefused:
        return
    for run in runs:
        run["model_versions"] = of_run[run["info"]["run_id"]]


async def _versions_of(asking: Asking, run_ids: Sequence[str]) -> list[Json]:
    listed = ", ".join(f"'{each}'" for each in run_ids)
    fields: Json = {"filter": f"run_id IN ({listed})"}
    versions: list[Json] = []
    while True:
        reply = await asking.ask(SearchModelVersions, fields)
        versions += reply["model_versions"]
        if not reply.get("next_page_token"):
            return versions
        fields["page_token"] = reply["next_page_token"]


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


QUERIES: tuple[type[Query], ...] = (
    GetExperiment,
    GetRun,
    SearchRuns,
    GetMetricHistoryBulkInterval,
    ListArtifacts,
    SearchDatasets,
    SearchModelVersions,
)
"""All that a request may send. None of them changes anything."""

RESOLVERS: Mapping[str, Resolver] = {
    "mlflowGetExperiment": _plain(GetExperiment),
    "mlflowGetRun": _get_run,
    "mlflowSearchRuns": _search_runs,
    "mlflowGetMetricHistoryBulkInterval": _plain(GetMetricHistoryBulkInterval),
    "mlflowListArtifacts": _list_artifacts,
    "mlflowSearchDatasets": _plain(SearchDatasets),
    "mlflowSearchModelVersions": _plain(SearchModelVersions),
    "test": _echo,
    "testMutation": _echo,
}
"""The resolver of each field of Query and Mutation."""

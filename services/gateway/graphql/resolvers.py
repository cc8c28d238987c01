"""Resolvers: each field of an operation becomes the queries that MLflow's REST API sends for the same thing.

A resolver returns a service's JSON. The experiment and the model versions of a run are queries of their own. They are
sent only if they are selected, and for all runs of an answer together.
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

QUERIES_AT_ONCE = 50
"""Queries that are sent at once for the experiments of an answer's runs."""

RUNS_PER_FILTER = 100

LARGE_REPLIES = 256 * 1024
"""Bytes of replies. A request with more is parsed and projected in threads."""

T = TypeVar("T")


@dataclass(slots=True)
class QuerySender:
    """Sends queries on behalf of one request. ``allow`` raises AccessRefused if the caller may not send a query.

    ``received`` counts the bytes of the services' replies. More than ``max_received`` are refused, and with more than
    ``large_replies`` a request is parsed and projected in threads.
    """

    services: ServiceClient
    allow: Callable[[type[Query]], Awaitable[None]]
    max_received: int = MAX_RECEIVED
    large_replies: int = LARGE_REPLIES
    received: int = 0

    async def ask(self, contract: type[Query], fields: Input) -> Json:
        """Send a query of these fields, as a REST request of the caller, and return its reply. Raises DomainError."""
        return await self.forward(contract, to_json(dict(fields)))

    async def forward(self, contract: type[Query], payload: bytes) -> Json:
        """Send a payload as a query and return its reply. Raises DomainError."""
        await self.allow(contract)
        reply = await self.services.forward(contract, payload)
        self.received += len(reply)
        if self.received > self.max_received:
            raise invalid(
                f"The answer has more than {self.max_received} bytes. "
                "Ask for less with maxResults, or use the REST API."
            )
        parsed: Json = await self.in_thread_if_large(from_json, reply)
        return parsed

    async def in_thread_if_large(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return the result of ``work``. If the replies are large, it runs in a thread, so that the event loop goes on."""
        if self.received > self.large_replies:
            return await asyncio.to_thread(work, *arguments)
        return work(*arguments)


Resolver = Callable[[QuerySender, Input, Projection], Awaitable[Json]]
"""Returns the JSON of a field from its arguments and what is selected of it. Raises DomainError."""


def _plain(contract: type[Query]) -> Resolver:
    """Return the resolver of a field whose input and response are those of one query."""

    async def resolve(sender: QuerySender, given: Input, _selected: Projection) -> Json:
        return await sender.ask(contract, given)

    return resolve


async def _get_run(sender: QuerySender, given: Input, selected: Projection) -> Json:
    reply = await sender.ask(GetRun, given)
    await _add_nested(sender, [reply["run"]], "run", selected)
    return reply


async def _search_runs(sender: QuerySender, given: Input, selected: Projection) -> Json:
    reply = await sender.ask(SearchRuns, given)
    await _add_nested(sender, reply["runs"], "runs", selected)
    return reply


async def _list_artifacts(sender: QuerySender, given: Input, _selected: Projection) -> Json:
    payload = to_json(dict(given))
    await sender.allow(ListArtifacts)
    found = await uri_of_run(payload, sender.services)
    return await sender.forward(ListArtifacts, overlay_of(ListArtifacts).put(payload, found))


async def _echo(_sender: QuerySender, given: Input, _selected: Projection) -> Json:
    return {"output": given.get("inputString")}


async def _add_nested(
    sender: QuerySender, runs: Sequence[Json], place: str, selected: Projection
) -> None:
    """Put the experiment and the model versions into each run, as far as they are selected."""
    if not runs:
        return
    wanted: list[Awaitable[None]] = []
    if selected.selects(place, "experiment"):
        wanted.append(_add_experiments(sender, runs))
    if selected.selects(place, "modelVersions"):
        wanted.append(_add_versions(sender, runs))
    await asyncio.gather(*wanted)


async def _add_experiments(sender: QuerySender, runs: Sequence[Json]) -> None:
    ids = dict.fromkeys(run["info"]["experiment_id"] for run in runs)
    found: Json = {}
    for some in _batches(ids, QUERIES_AT_ONCE):
        replies = await asyncio.gather(
            *(sender.ask(GetExperiment, {"experiment_id": each}) for each in some)
        )
        found |= {each["experiment"]["experiment_id"]: each["experiment"] for each in replies}
    for run in runs:
        run["experiment"] = found[run["info"]["experiment_id"]]


async def _add_versions(sender: QuerySender, runs: Sequence[Json]) -> None:
    """Put the versions that were registered from a run into it. A caller who may not read the registry sees none."""
    of_run: dict[str, list[Json]] = {run["info"]["run_id"]: [] for run in runs}
    try:
        for some in _batches(of_run, RUNS_PER_FILTER):
            for version in await _versions_of(sender, some):
                of_run[version["run_id"]].append(version)
    except AccessRefused:
        return
    for run in runs:
        run["model_versions"] = of_run[run["info"]["run_id"]]


async def _versions_of(sender: QuerySender, run_ids: Sequence[str]) -> list[Json]:
    listed = ", ".join(f"'{each}'" for each in run_ids)
    fields: Json = {"filter": f"run_id IN ({listed})"}
    versions: list[Json] = []
    while True:
        reply = await sender.ask(SearchModelVersions, fields)
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
"""All queries that a request may send."""

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

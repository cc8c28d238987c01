"""Spans: storing them, and reading them page by page.

A trace may have tens of megabytes of spans. No message carries more of them than ``limits.SPANS_JSON`` characters, but
for a single larger span.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pydantic_core import from_json, to_json

from services.traces.experiments import parse_experiment_id
from services.traces.handlers.traces import artifact_location
from services.traces.replies.otlp_json import otlp_span
from services.traces.replies.span_tokens import read_token, write_token
from services.traces.replies.trace_infos import with_assessments
from services.traces.replies.trace_json import trace_info
from services.traces.rules import sums
from services.traces.rules.spanned import grouped, met_traces
from services.traces.store import experiments, labels, spans, traces
from services.traces.store.labels import Labelled, Row
from services.traces.store.spans import START, SpanPage
from services.traces.store.traces import Place
from services.traces.validation import (
    ARTIFACT_LOCATION,
    COST,
    LONGEST_METADATA,
    LONGEST_TAG,
    SIZE_STATS,
    SPANS_LOCATION,
    TOKEN_USAGE,
    TRACKING_STORE,
    stored,
    trace_not_found,
)
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.spans import ListSpans, LogSpans, Span
from shared.contracts.traces import BatchGetTraces, GetTrace, ReadableTraces
from shared.handling.handlers import Handler
from shared.postgres.handlers import Contention
from shared.postgres.transaction import Transaction


class _Sum(NamedTuple):
    """A field of a span, the metadata of a trace that sums it, its number to compare by, and how it is summed."""

    field: str
    metadata: str
    compared: str
    over: Callable[[Sequence[sums.Node]], Mapping[str, float]]


_SUMS = (
    _Sum("token_usage", TOKEN_USAGE, "total_tokens", sums.token_usage),
    _Sum("cost", COST, "total_cost", sums.cost),
)
_SUMMED_IN = tuple(each.metadata for each in _SUMS)

Known = Mapping[labels.Key, str]
"""The labels that traces have already."""


async def log_spans(cmd: LogSpans, tx: Transaction) -> Empty:
    """Store spans, and what they say about their traces."""
    if not cmd.spans:
        return Empty()
    groups = grouped(cmd.spans)
    said = {each.trace_id: each for each in cmd.traces if each.trace_id in groups}
    tags = {key: stored(each.tags, "tag", LONGEST_TAG) for key, each in said.items()}
    gaps = {key: stored(each.metadata, "metadata", LONGEST_METADATA) for key, each in said.items()}
    places = await traces.meet(tx, met_traces(cmd))
    if places.keys() != groups.keys():
        # A trace was deleted before the frame locked it, and its spans came with an experiment that takes no more.
        raise Contention
    await spans.upsert(tx, cmd.spans, places)
    set_rows: list[Row] = []
    add_rows: list[Row] = []
    for key, place in places.items():
        trace = Labelled(key, place.experiment_id)
        own = {SPANS_LOCATION: TRACKING_STORE}
        set_rows += labels.rows(trace, "tag", {**tags.get(key, {}), **own})
        add_rows += labels.rows(trace, "metadata", gaps.get(key, {}))
    known = await labels.values(
        tx, list(places), ("tag", "metadata"), (ARTIFACT_LOCATION, *_SUMMED_IN)
    )
    set_rows += await _sums(tx, groups, places, known)
    add_rows += await _artifact_locations(tx, places, known)
    await labels.set_all(tx, set_rows)
    await labels.add_all(tx, add_rows)
    return Empty()


async def _artifact_locations(
    tx: Transaction, places: Mapping[str, Place], known: Known
) -> list[Row]:
    """Return the artifact locations of those traces that have none, because these are their first spans."""
    rows: list[Row] = []
    locations: dict[int, str | None] = {}
    for key in places:
        if (key, "tag", ARTIFACT_LOCATION) in known:
            continue
        experiment_id = places[key].experiment_id
        if experiment_id not in locations:
            locations[experiment_id] = await experiments.locate(tx, experiment_id)
        if location := locations[experiment_id]:
            artifacts = {ARTIFACT_LOCATION: artifact_location(location, key)}
            rows += labels.rows(Labelled(key, experiment_id), "tag", artifacts)
    return rows


async def _sums(
    tx: Transaction,
    groups: Mapping[str, Sequence[Span]],
    places: Mapping[str, Place],
    known: Known,
) -> list[Row]:
    """Return the sums of tokens and costs over the spans of each trace of which some came that have any.

    The whole tree is summed again, because a span with the sum of others may come before or after them. A number that a
    client has sent with its trace stays until the stored spans add up to more: then it has not known all of them. On
    MLflow's server it stays for ever, and so does the sum of those spans that came before the client's trace.
    """
    measured = [
        (trace_id, sum_)
        for trace_id, group in groups.items()
        for sum_ in _SUMS
        if any(getattr(span, sum_.field) for span in group)
    ]
    if not measured:
        return []
    trees = await spans.measured(tx, {trace_id: places[trace_id].week for trace_id, _ in measured})
    rows: list[Row] = []
    tokens: dict[str, Sequence[int | None]] = {}
    for trace_id, sum_ in measured:
        place, total = places[trace_id], sum_.over(trees[trace_id])
        said = known.get((trace_id, "metadata", sum_.metadata)) if place.finalized else None
        if said is None or sums.exceeds(total, said, sum_.compared):
            trace = Labelled(trace_id, place.experiment_id)
            summed = {sum_.metadata: json.dumps(total)}
            rows += labels.rows(trace, "metadata", summed)
            if counted := sums.tokens_of(summed, TOKEN_USAGE):
                tokens[trace_id] = counted
    await traces.set_tokens(tx, tokens)
    return rows


async def list_spans(query: ListSpans, tx: Transaction) -> bytes:
    """Return a page of a trace's spans."""
    week = await spans.find_week(tx, query.trace_id)
    if week is None:
        raise trace_not_found(query.trace_id)
    after = read_token(query.page_token) if query.page_token else START
    page = await spans.page(tx, query.trace_id, week, after)
    if query.form == "otlp":
        return b'{%b"spans":[%b]}' % (_token(page), _otlp(page))
    return b'{%b"spans":[%b]}' % (_token(page), ",".join(page.contents).encode())


def _otlp(page: SpanPage) -> bytes:
    return b",".join(map(otlp_span, page.contents))


def _token(page: SpanPage) -> bytes:
    """Return the field of the next page's token. It comes first, where the gateway finds it without parsing the rest."""
    return b'"next_page_token":"%b",' % write_token(page.last).encode() if page.last else b""


async def get_trace(query: GetTrace, tx: Transaction) -> bytes:
    """Return a trace with the first page of its spans."""
    row = next(iter(await traces.read(tx, [query.trace_id])), None)
    week = await spans.find_week(tx, query.trace_id)
    if row is None or week is None:
        raise DomainError(
            ErrorCode.RESOURCE_DOES_NOT_EXIST, f"Trace with ID {query.trace_id} is not found."
        )
    (info,) = await with_assessments(tx, [row], "v3")
    if info["tags"].get(SPANS_LOCATION) != TRACKING_STORE:
        message = "Trace data not stored in tracking store"
        raise invalid(message)
    if not query.allow_partial and await spans.count(tx, query.trace_id, week) < _expected(info):
        raise incomplete(query.trace_id)
    page = await spans.page(tx, query.trace_id, week, START)
    trace = b'{"trace_info":%b,"spans":[%b]}' % (to_json(info), _otlp(page))
    return b'{%b"trace":%b}' % (_token(page), trace)


def incomplete(trace_id: str) -> DomainError:
    """Return MLflow's error for a trace of which spans are missing. Its parameter tells the gateway to try again."""
    message = f"Trace with ID {trace_id} is not fully exported yet, please try again later."
    return DomainError(ErrorCode.RESOURCE_DOES_NOT_EXIST, message, "allow_partial")


def _expected(info: Mapping[str, Mapping[str, str]]) -> int:
    """Return how many spans a trace's client has counted; 1 if it has not counted them."""
    try:
        number = int(from_json(info["trace_metadata"][SIZE_STATS])["num_spans"])
    except (KeyError, ValueError, TypeError):
        return 1
    return number


async def batch_get_traces(query: BatchGetTraces, tx: Transaction) -> ReadableTraces:
    """Return the ids of those traces whose spans can be read. The gateway gets them one by one."""
    rows = await traces.read(tx, list(dict.fromkeys(query.trace_ids)))
    if query.experiment_ids is not None:
        wanted = {parse_experiment_id(each) for each in query.experiment_ids}
        rows = [row for row in rows if row["experiment_id"] in wanted]
    found: list[str] = []
    for row in rows:
        info = trace_info(row, "v3")
        week = await spans.find_week(tx, row["trace_id"])
        if week is None or info["tags"].get(SPANS_LOCATION) != TRACKING_STORE:
            continue
        if await spans.count(tx, row["trace_id"], week) >= _expected(info):
            found.append(row["trace_id"])
    return ReadableTraces(trace_ids=found)


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    LogSpans: log_spans,
    ListSpans: list_spans,
    GetTrace: get_trace,
    BatchGetTraces: batch_get_traces,
}

"""Traces: MLflow's ``traces`` requests, of its versions 2 and 3, except their spans."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic_core import to_json

from services.traces.experiments import parse_experiment_id
from services.traces.replies.trace_infos import info_reply, number_that_fits, with_assessments
from services.traces.rules import assessments as assessment_rules
from services.traces.rules.sums import tokens_of
from services.traces.store import assessments, experiments, labels, search_traces, traces
from services.traces.store.labels import Labelled
from services.traces.store.search_traces import Searched
from services.traces.store.traces import NewTrace
from services.traces.validation import (
    ARTIFACT_LOCATION,
    FINALIZED,
    LONGEST_METADATA,
    LONGEST_TAG,
    TOKEN_USAGE,
    preview,
    stored,
    trace_not_found,
)
from shared.contracts.errors import invalid
from shared.contracts.experiments import Tag
from shared.contracts.message import Message
from shared.contracts.traces import (
    BatchGetTraceInfos,
    EndTrace,
    GetTraceInfo,
    GetTraceInfoV3,
    SearchTraces,
    SearchTracesV3,
    StartTrace,
    StartTraceV3,
    TraceForm,
    TraceState,
)
from shared.handling.handlers import Handler
from shared.mlflow.artifact_paths import below
from shared.postgres.handlers import Contention
from shared.postgres.transaction import Transaction

TRACES_DIRECTORY = "traces"
"""The directory of an experiment in which clients put what they upload for its traces."""


async def start_trace_v3(cmd: StartTraceV3, tx: Transaction) -> bytes:
    """Store what a client knows of a trace, usually at its end."""
    info = cmd.trace.trace_info
    place = info.trace_location.mlflow_experiment
    if place is None:
        message = "A trace must be located in an experiment: trace.trace_info.trace_location.mlflow_experiment."
        raise invalid(message, "trace.trace_info.trace_location")
    experiment_id = parse_experiment_id(place.experiment_id)
    tags = stored(info.tags, "tag", LONGEST_TAG)
    metadata = stored(info.trace_metadata, "metadata", LONGEST_METADATA)
    new = NewTrace(
        info.trace_id,
        experiment_id,
        info.request_time,
        info.execution_duration,
        info.state,
        info.client_request_id,
        preview(info.request_preview),
        preview(info.response_preview),
        tokens=tokens_of(metadata, TOKEN_USAGE),
    )
    assessed = [
        assessment_rules.stored(each, assessment_rules.repeatable_id(info.trace_id, place, each))
        for place, each in enumerate(info.assessments)
    ]
    await _start(tx, new, tags, {**metadata, FINALIZED: "true"})
    await assessments.add(tx, info.trace_id, experiment_id, assessed)
    return await info_reply(tx, info.trace_id, "v3")


async def start_trace(cmd: StartTrace, tx: Transaction) -> bytes:
    """Start a trace of MLflow 2; its id is the command's."""
    tags = stored(_mapping(cmd.tags), "tag", LONGEST_TAG)
    metadata = stored(_mapping(cmd.request_metadata), "metadata", LONGEST_METADATA)
    new = NewTrace(
        tx.envelope.id.hex,
        parse_experiment_id(cmd.experiment_id),
        cmd.timestamp_ms,
        None,
        TraceState.IN_PROGRESS,
        finalized=False,
        tokens=tokens_of(metadata, TOKEN_USAGE),
    )
    await _start(tx, new, tags, metadata)
    return await info_reply(tx, new.trace_id, "v2")


async def _start(
    tx: Transaction, new: NewTrace, tags: Mapping[str, str], metadata: Mapping[str, str]
) -> None:
    location = await experiments.locate(tx, new.experiment_id)
    # The frame has made the trace, and keeps the experiment from being purged.
    if location is None or not await traces.start(tx, new):
        raise Contention
    labelled = Labelled(new.trace_id, new.experiment_id)
    artifacts = {ARTIFACT_LOCATION: artifact_location(location, new.trace_id)}
    # The location is the server's: it comes last.
    all_tags = labels.rows(labelled, "tag", {**tags, **artifacts})
    await labels.set_all(tx, [*all_tags, *labels.rows(labelled, "metadata", metadata)])


def artifact_location(experiment: str, trace_id: str) -> str:
    """Return the URI of the directory for a trace's files."""
    return below(experiment, TRACES_DIRECTORY, trace_id, "artifacts")


async def end_trace(cmd: EndTrace, tx: Transaction) -> bytes:
    """End a trace of MLflow 2. Its metadata and tags are added to those it has."""
    tags = stored(_mapping(cmd.tags), "tag", LONGEST_TAG)
    metadata = stored(_mapping(cmd.request_metadata), "metadata", LONGEST_METADATA)
    if not await traces.locked(tx, [cmd.trace_id]):
        raise trace_not_found(cmd.trace_id)
    experiment_id = await traces.end(tx, cmd.trace_id, cmd.timestamp_ms, cmd.status)
    if experiment_id is None:
        raise trace_not_found(cmd.trace_id)
    if tokens := tokens_of(metadata, TOKEN_USAGE):
        await traces.set_tokens(tx, {cmd.trace_id: tokens})
    labelled = Labelled(cmd.trace_id, experiment_id)
    tag_rows = labels.rows(labelled, "tag", tags)
    await labels.set_all(tx, [*tag_rows, *labels.rows(labelled, "metadata", metadata)])
    return await info_reply(tx, cmd.trace_id, "v2")


def _mapping(entries: Sequence[Tag]) -> dict[str, str]:
    return {entry.key: entry.value for entry in entries}


async def get_trace_info(query: GetTraceInfo, tx: Transaction) -> bytes:
    """Return a trace in MLflow 2's form."""
    return await info_reply(tx, query.trace_id, "v2")


async def get_trace_info_v3(query: GetTraceInfoV3, tx: Transaction) -> bytes:
    """Return a trace in MLflow 3's form."""
    return await info_reply(tx, query.trace_id, "v3")


async def batch_get_trace_infos(query: BatchGetTraceInfos, tx: Transaction) -> bytes:
    """Return traces in the order of their ids."""
    rows = await traces.read(tx, list(dict.fromkeys(query.trace_ids)))
    if query.experiment_ids is not None:
        wanted = {parse_experiment_id(each) for each in query.experiment_ids}
        rows = [row for row in rows if row["experiment_id"] in wanted]
    return to_json({"trace_infos": await with_assessments(tx, rows, "v3")})


async def search_traces_v3(query: SearchTracesV3, tx: Transaction) -> bytes:
    """Search traces; the reply has MLflow 3's form."""
    # MLflow's server ignores other places, too.
    searched = [
        each.mlflow_experiment.experiment_id
        for each in query.locations
        if each.mlflow_experiment is not None
    ]
    return await _search(tx, Searched.of(query, searched), "v3")


async def search_traces_v2(query: SearchTraces, tx: Transaction) -> bytes:
    """Search traces; the reply has MLflow 2's form."""
    return await _search(tx, Searched.of(query, query.experiment_ids), "v2")


async def _search(tx: Transaction, searched: Searched, form: TraceForm) -> bytes:
    page = await search_traces.search_trace_ids(tx.connection, tx.project, searched)
    if form == "v3":
        fitting = await number_that_fits(tx, page.items)
        if fitting < len(page.items):
            # A shorter page, and a token that continues after it.
            shorter = replace(searched, max_results=fitting)
            page = await search_traces.search_trace_ids(tx.connection, tx.project, shorter)
    rows = await traces.read(tx, page.items)
    reply: dict[str, object] = {"traces": await with_assessments(tx, rows, form)}
    if page.next_page_token:
        reply["next_page_token"] = page.next_page_token
    return to_json(reply)


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    StartTraceV3: start_trace_v3,
    StartTrace: start_trace,
    EndTrace: end_trace,
    GetTraceInfo: get_trace_info,
    GetTraceInfoV3: get_trace_info_v3,
    BatchGetTraceInfos: batch_get_trace_infos,
    SearchTracesV3: search_traces_v3,
    SearchTraces: search_traces_v2,
}

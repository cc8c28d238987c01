"""What a frame does before its commands: it asks tracking for all of them, then locks what they write.

In this order, because asking takes up to seconds, and no other frame may wait for a lock that long. Experiments are
locked before traces, and traces in the order of their ids. What hangs on a trace, such as its spans and its labels, is
only written under the trace's lock. So no two frames wait for each other, and nothing stays behind a deleted trace.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.traces import experiments
from services.traces.experiments import parse_experiment_id
from services.traces.rules.label_rules import experiment_of_default
from services.traces.rules.review_rules import item_ids_of
from services.traces.rules.spanned import met_traces
from services.traces.store import experiments as stored_experiments
from services.traces.store import issues, traces
from services.traces.store.traces import Beginning
from services.traces.validation import check_links
from shared.contracts.assessments import CreateAssessment, DeleteAssessment, UpdateAssessment
from shared.contracts.errors import DomainError
from shared.contracts.issues import CreateIssue, UpdateIssue
from shared.contracts.label_schemas import CreateLabelSchema, UpdateLabelSchema
from shared.contracts.message import Message
from shared.contracts.purges import ExpireTraces
from shared.contracts.review_queues import (
    AddItemsToReviewQueue,
    CreateReviewQueue,
    GetOrCreateUserQueue,
)
from shared.contracts.runs import GetRun
from shared.contracts.scorers import DeleteScorer, RegisterScorer, UpsertOnlineScoringConfig
from shared.contracts.spans import LogSpans
from shared.contracts.traces import (
    DeleteTraces,
    DeleteTraceTag,
    EndTrace,
    LinkPromptsToTrace,
    LinkTracesToRun,
    SetTraceTag,
    StartTrace,
    StartTraceV3,
    TraceState,
)
from shared.messaging.messages import Envelope
from shared.postgres.connection import AnyConnection
from shared.postgres.handlers import BatchItem, Contention
from shared.postgres.transaction import Transaction

Calls = Mapping[int, tuple[Any, Transaction]]
Refusals = dict[int, DomainError]


@dataclass(frozen=True, slots=True)
class Writes:
    """The traces that a command writes, and the issue that it changes.

    ``begin`` returns those that it makes in the experiment if they are missing: spans must be looked through for it, and
    asking does not need them. The experiment and ``run_id`` must exist.
    With ``only_if_missing`` the experiment counts only for missing traces: spans of a trace that is there are stored
    whatever has become of their sender's experiment. With ``hides_deleted`` a deleted experiment counts as missing.
    """

    trace_ids: Collection[str] = ()
    begin: Callable[[], Mapping[str, Beginning]] = dict
    experiment_id: int | None = None
    only_if_missing: bool = False
    hides_deleted: bool = False
    run_id: str | None = None
    issue_id: str | None = None

    def refusal(self, error: DomainError) -> DomainError:
        """Return the command's error if its experiment has this one."""
        return experiments.as_missing(error, self.experiment_id) if self.hides_deleted else error


def _log_spans(cmd: LogSpans, _envelope: Envelope) -> Writes:
    if not cmd.spans:
        return Writes()
    experiment_id = parse_experiment_id(cmd.experiment_id)
    begin = partial(_begun_by_spans, cmd, experiment_id)
    return Writes(begin=begin, experiment_id=experiment_id, only_if_missing=True)


def _begun_by_spans(cmd: LogSpans, experiment_id: int) -> dict[str, Beginning]:
    return {
        each.trace_id: Beginning(
            experiment_id, each.start_time, each.state or TraceState.IN_PROGRESS
        )
        for each in met_traces(cmd)
    }


def _start_trace_v3(cmd: StartTraceV3, _envelope: Envelope) -> Writes:
    info = cmd.trace.trace_info
    place = info.trace_location.mlflow_experiment
    if place is None:
        return Writes()
    experiment_id = parse_experiment_id(place.experiment_id)
    begun = {info.trace_id: Beginning(experiment_id, info.request_time, info.state)}
    return Writes(begin=lambda: begun, experiment_id=experiment_id)


def _start_trace(cmd: StartTrace, envelope: Envelope) -> Writes:
    experiment_id = parse_experiment_id(cmd.experiment_id)
    begun = {envelope.id.hex: Beginning(experiment_id, cmd.timestamp_ms, TraceState.IN_PROGRESS)}
    return Writes(begin=lambda: begun, experiment_id=experiment_id)


def _link_traces(cmd: LinkTracesToRun, _envelope: Envelope) -> Writes:
    check_links(cmd.trace_ids)
    return Writes(cmd.trace_ids, run_id=cmd.run_id)


def _one_trace(
    cmd: EndTrace
    | SetTraceTag
    | DeleteTraceTag
    | LinkPromptsToTrace
    | CreateAssessment
    | UpdateAssessment
    | DeleteAssessment,
    _envelope: Envelope,
) -> Writes:
    return Writes([cmd.trace_id])


def _create_issue(cmd: CreateIssue, _envelope: Envelope) -> Writes:
    experiment_id = parse_experiment_id(cmd.experiment_id)
    run_id = cmd.source_run_id or None
    return Writes(experiment_id=experiment_id, hides_deleted=True, run_id=run_id)


def _update_issue(cmd: UpdateIssue, _envelope: Envelope) -> Writes:
    return Writes(issue_id=cmd.issue_id)


def _in_experiment(
    cmd: RegisterScorer | DeleteScorer | UpsertOnlineScoringConfig, _envelope: Envelope
) -> Writes:
    return Writes(experiment_id=parse_experiment_id(cmd.experiment_id))


def _in_reviewed_experiment(
    cmd: CreateLabelSchema | CreateReviewQueue | GetOrCreateUserQueue, _envelope: Envelope
) -> Writes:
    return Writes(experiment_id=parse_experiment_id(cmd.experiment_id), hides_deleted=True)


def _update_label_schema(cmd: UpdateLabelSchema, _envelope: Envelope) -> Writes:
    return Writes(experiment_id=experiment_of_default(cmd.schema_id), hides_deleted=True)


def _add_items(cmd: AddItemsToReviewQueue, _envelope: Envelope) -> Writes:
    return Writes(item_ids_of(cmd.item_ids))


WRITES: Mapping[type[Message], Callable[[Any, Envelope], Writes]] = {
    LogSpans: _log_spans,
    StartTraceV3: _start_trace_v3,
    StartTrace: _start_trace,
    EndTrace: _one_trace,
    SetTraceTag: _one_trace,
    DeleteTraceTag: _one_trace,
    LinkPromptsToTrace: _one_trace,
    CreateAssessment: _one_trace,
    UpdateAssessment: _one_trace,
    DeleteAssessment: _one_trace,
    LinkTracesToRun: _link_traces,
    CreateIssue: _create_issue,
    UpdateIssue: _update_issue,
    RegisterScorer: _in_experiment,
    DeleteScorer: _in_experiment,
    UpsertOnlineScoringConfig: _in_experiment,
    CreateLabelSchema: _in_reviewed_experiment,
    UpdateLabelSchema: _update_label_schema,
    CreateReviewQueue: _in_reviewed_experiment,
    GetOrCreateUserQueue: _in_reviewed_experiment,
    AddItemsToReviewQueue: _add_items,
}
"""Every command that writes what hangs on an experiment or on traces it names. It may raise DomainError, which refuses
the command."""

ALONE: Collection[type[Message]] = {DeleteTraces, ExpireTraces}
"""Commands that find the traces themselves, and lock them. They share no transaction with others."""


async def ask(calls: Calls) -> Refusals:
    """Ask tracking about the experiments and runs of a frame's commands, about each of them once."""
    if len(calls) > 1 and any(type(message) in ALONE for message, _ in calls.values()):
        raise Contention
    writes, refused = _writes_of(calls)
    of_experiments: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    of_runs: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for index, each in writes.items():
        project = calls[index][1].project
        if each.experiment_id is not None:
            of_experiments[project, each.experiment_id].append(index)
        if each.run_id is not None:
            of_runs[project, each.run_id].append(index)
    askers = {key: calls[indexes[0]][1] for key, indexes in of_experiments.items()}
    for key, error in (await experiments.refusals(askers)).items():
        refused.update({index: writes[index].refusal(error) for index in of_experiments[key]})
    runs = [(indexes, calls[indexes[0]][1], run_id) for (_, run_id), indexes in of_runs.items()]
    errors = await asyncio.gather(*(_refusal_of_run(tx, run_id) for _, tx, run_id in runs))
    for (indexes, _, _), error_ in zip(runs, errors, strict=True):
        if error_ is not None:
            refused.update(dict.fromkeys(indexes, error_))
    for index in [*refused]:
        if index in writes and await _can_do_without(calls[index][1], writes[index]):
            del refused[index]
    return refused


def _writes_of(calls: Calls) -> tuple[dict[int, Writes], Refusals]:
    writes: dict[int, Writes] = {}
    refused: Refusals = {}
    for index, (message, tx) in calls.items():
        if of := WRITES.get(type(message)):
            try:
                writes[index] = of(message, tx.envelope)
            except DomainError as error:
                refused[index] = error
    return writes, refused


async def _refusal_of_run(tx: Transaction, run_id: str) -> DomainError | None:
    try:
        await tx.query(GetRun(run_id=run_id))
    except DomainError as error:
        return error
    return None


async def _can_do_without(tx: Transaction, writes: Writes) -> bool:
    """Return whether a command whose experiment is refused needs none, since all of its traces are there."""
    if not writes.only_if_missing:
        return False
    begun = list(writes.begin())
    return len(await traces.experiments(tx, begun)) == len(begun)


async def lock(items: Mapping[int, BatchItem[Any]], connection: AnyConnection) -> Collection[int]:
    """Lock the traces of a frame, make the missing ones, and return the commands for which some were made.

    Raises Contention if an experiment was deleted after tracking was asked: then it must be asked again.
    """
    writes = {
        index: (item.envelope.project, of(item.message, item.envelope))
        for index, item in items.items()
        if (of := WRITES.get(type(item.message)))
    }
    keys = {
        (project, each.experiment_id)
        for project, each in writes.values()
        if each.experiment_id is not None
    }
    vouched = await stored_experiments.lock(connection, keys) if keys else set()
    wanted: dict[tuple[int, str], Beginning | None] = {}
    makers: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    for index, (project, each) in writes.items():
        begun = each.begin()
        for trace_id in (*each.trace_ids, *begun):
            wanted.setdefault((project, trace_id), None)
        if each.experiment_id is None:
            continue
        if (project, each.experiment_id) in vouched:
            for trace_id, beginning in begun.items():
                wanted[project, trace_id] = beginning
                makers[project, trace_id].add(index)
        elif not each.only_if_missing:
            raise Contention
    made = await traces.lock(connection, wanted) if wanted else ()
    changed = {(project, each.issue_id) for project, each in writes.values() if each.issue_id}
    if changed:
        await issues.lock(connection, changed)
    return {index for key in made for index in makers[key]}

"""Changes of traces after they were logged: tags, links, deletion.

The frame has locked the traces that a command names (``handlers.frames``).
"""

from collections.abc import Mapping

from services.traces.experiments import parse_experiment_id
from services.traces.store import deletion, labels, traces
from services.traces.store.labels import Labelled
from services.traces.validation import (
    LONGEST_KEY,
    LONGEST_TAG,
    check_tag,
    check_tag_key,
    trace_not_found,
)
from shared.contracts import limits
from shared.contracts.errors import invalid, missing_resource
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.traces import (
    DeleteTraces,
    DeleteTracesReply,
    DeleteTraceTag,
    LinkPromptsToTrace,
    LinkTracesToRun,
    SetTraceTag,
)
from shared.handling.handlers import Handler
from shared.mlflow.validation import check_length
from shared.postgres.transaction import Transaction


async def set_trace_tag(cmd: SetTraceTag, tx: Transaction) -> Empty:
    """Set or overwrite a tag."""
    check_tag(cmd.key, "set")
    check_tag_key(cmd.key)
    trace = await _find(tx, cmd.trace_id)
    await labels.set_all(tx, labels.rows(trace, "tag", {cmd.key: cmd.value[:LONGEST_TAG]}))
    return Empty()


async def delete_trace_tag(cmd: DeleteTraceTag, tx: Transaction) -> Empty:
    """Remove a tag."""
    check_tag(cmd.key, "deleted")
    await _find(tx, cmd.trace_id)
    if not await labels.delete(tx, cmd.trace_id, "tag", cmd.key):
        message = f"No trace tag with key '{cmd.key}' for trace with ID '{cmd.trace_id}'"
        raise missing_resource(message)
    return Empty()


async def link_traces_to_run(cmd: LinkTracesToRun, tx: Transaction) -> Empty:
    """Link traces to a run. Traces that do not exist are left out, as in MLflow."""
    found = await traces.locked(tx, cmd.trace_ids)
    linked = [Labelled(trace_id, experiment) for trace_id, experiment in found.items()]
    await labels.add_all(
        tx, [row for trace in linked for row in labels.rows(trace, "run", {cmd.run_id: ""})]
    )
    return Empty()


async def link_prompts_to_trace(cmd: LinkPromptsToTrace, tx: Transaction) -> Empty:
    """Link versions of prompts to a trace. As in MLflow, it is not checked that they exist."""
    trace = await _find(tx, cmd.trace_id)
    prompts = {f"{each.name}/{each.version}": "" for each in cmd.prompt_versions}
    for prompt in prompts:
        check_length("prompt_versions", LONGEST_KEY, prompt)
    await labels.add_all(tx, labels.rows(trace, "prompt", prompts))
    return Empty()


async def delete_traces(cmd: DeleteTraces, tx: Transaction) -> DeleteTracesReply:
    """Delete traces with their spans."""
    if cmd.max_timestamp_millis is None and not cmd.request_ids:
        message = "Either `max_timestamp_millis` or `trace_ids` must be specified."
        raise invalid(message)
    if cmd.max_timestamp_millis is not None and cmd.request_ids:
        message = "Only one of `max_timestamp_millis` and `trace_ids` can be specified."
        raise invalid(message)
    if cmd.request_ids and cmd.max_traces is not None:
        message = "`max_traces` can't be specified if `trace_ids` is specified."
        raise invalid(message)
    if cmd.max_traces is not None and cmd.max_traces <= 0:
        message = f"`max_traces` must be a positive integer, received {cmd.max_traces}."
        raise invalid(message)
    experiment_id = parse_experiment_id(cmd.experiment_id)
    most = min(cmd.max_traces or limits.DELETED_TRACES, limits.DELETED_TRACES)
    deleted = await deletion.delete(
        tx, experiment_id, cmd.request_ids, cmd.max_timestamp_millis, most
    )
    return DeleteTracesReply(traces_deleted=deleted)


async def _find(tx: Transaction, trace_id: str) -> Labelled:
    found = await traces.locked(tx, [trace_id])
    if trace_id not in found:
        raise trace_not_found(trace_id)
    return Labelled(trace_id, found[trace_id])


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    SetTraceTag: set_trace_tag,
    DeleteTraceTag: delete_trace_tag,
    LinkTracesToRun: link_traces_to_run,
    LinkPromptsToTrace: link_prompts_to_trace,
    DeleteTraces: delete_traces,
}

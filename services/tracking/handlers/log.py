"""The hot path: ``runs/log-metric``, ``log-batch``, ``log-parameter`` and ``set-tag`` in one batch.

All such calls of a frame are one batch. If all of them have metrics alone, one statement does it.
Otherwise the states of the runs and the existing params are read first. Then each call is checked in
order, and what the accepted calls log is written together. A refused call leaves nothing behind.
Points that name a logged model cost two more statements: one looks the model up, one writes the point
to the model's metrics.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.tracking.handlers.runs import RUN_NAME
from services.tracking.store import log as store
from services.tracking.store import model_metrics
from services.tracking.store.log import (
    ACTIVE,
    MISSING,
    EntryKey,
    Points,
    RunKey,
    RunList,
    RunRows,
)
from services.tracking.store.logged_models import not_found as model_not_found
from services.tracking.validation import (
    check_batch_limits,
    check_metric,
    check_run_id,
    check_unique_params,
    checked_param,
    checked_tag,
    is_run_id,
    run_not_active,
    run_not_found,
)
from shared.contracts.errors import DomainError, invalid
from shared.contracts.message import Message
from shared.contracts.metrics import LogMetric, Point
from shared.contracts.runs import LogBatch, LogParam, SetTag
from shared.messaging.messages import Answer
from shared.postgres.connection import AnyConnection
from shared.postgres.handlers import BatchHandler, BatchItem, BatchResult

EMPTY = Answer(b"{}")

LogCommand = LogMetric | LogBatch | LogParam | SetTag


@dataclass(slots=True)
class Entry:
    """The points, params and tags of one call. They have passed all checks that need no database.

    ``index`` is the call's position in the batch, ``run`` the run's position in the ``RunList``.
    ``batched`` is true for ``log-batch``, whose errors have other words.
    """

    index: int
    run_key: RunKey
    metrics: Sequence[Point] = ()
    params: Sequence[tuple[str, str]] = ()
    tags: Sequence[tuple[str, str]] = ()
    models: Collection[str] = ()
    batched: bool = False
    run: int = -1

    @property
    def project(self) -> int:
        """The number of the run's project."""
        return self.run_key[0]

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.run_key[1]


async def log(
    calls: Sequence[BatchItem[LogCommand]], connection: AnyConnection
) -> list[BatchResult]:
    """Carry out all calls; return one result for each, in order. Raises Contention."""
    results: list[BatchResult] = [EMPTY] * len(calls)
    entries = []
    for index, call in enumerate(calls):
        try:
            entries.append(_checked(index, call))
        except DomainError as error:
            results[index] = error
    if any(entry.models for entry in entries):
        entries = await _keep_known_models(connection, entries, results)
    if not entries:
        return results
    runs = RunList(list({entry.run_key for entry in entries}))
    for entry in entries:
        entry.run = runs.positions[entry.run_key]
    # Metrics alone need no look at the runs first: the statement that appends them returns their states.
    if any(entry.params or entry.tags or not entry.metrics for entry in entries):
        await _log_anything(connection, runs, entries, results)
    else:
        states = await _append(connection, runs, entries)
        _keep_active(entries, states, results)
    return results


def _checked(index: int, call: BatchItem[LogCommand]) -> Entry:
    """Return what a call logs. Raises DomainError."""
    message, envelope = call.message, call.envelope
    entry = Entry(index, (envelope.project, message.run_id))
    if type(message) is LogMetric:
        point = message.point
        check_metric(point)
        entry.metrics = (point,)
        if message.model_id:
            entry.models = (message.model_id,)
    elif type(message) is LogBatch:
        _check_batch(entry, message)
    elif type(message) is LogParam:
        entry.params = (checked_param(message),)
    elif type(message) is SetTag:
        entry.tags = (checked_tag(message),)
    if not is_run_id(message.run_id):
        raise run_not_found(message.run_id)
    return entry


def _check_batch(entry: Entry, batch: LogBatch) -> None:
    check_run_id(batch.run_id)
    for index, point in enumerate(batch.metrics):
        check_metric(point, index)
    entry.metrics = batch.metrics
    entry.models = {model for point in batch.metrics if (model := point.get("model_id"))}
    entry.params = [
        checked_param(param, f"params[{index}].") for index, param in enumerate(batch.params)
    ]
    entry.tags = [checked_tag(tag, f"tags[{index}].") for index, tag in enumerate(batch.tags)]
    check_batch_limits(batch)
    check_unique_params(batch.params)
    entry.batched = True


async def _keep_known_models(
    connection: AnyConnection, entries: Sequence[Entry], results: list[BatchResult]
) -> list[Entry]:
    """Refuse the calls with a point of a logged model that does not exist; return the others."""
    wanted = {(entry.project, model_id) for entry in entries for model_id in entry.models}
    known = await model_metrics.known_models(connection, wanted)
    kept = []
    for entry in entries:
        missing = [each for each in entry.models if (entry.project, each) not in known]
        if missing:
            results[entry.index] = model_not_found(min(missing))
        else:
            kept.append(entry)
    return kept


async def _log_anything(
    connection: AnyConnection,
    runs: RunList,
    entries: Sequence[Entry],
    results: list[BatchResult],
) -> None:
    rows = await store.find_runs(connection, runs)
    active = _keep_active(entries, rows.states, results)
    if any(entry.params for entry in active):
        active = await _log_params(connection, runs, rows, active, results)
    if any(entry.tags for entry in active):
        await _set_tags(connection, runs, rows, active)
    if any(entry.metrics for entry in active):
        await _append(connection, runs, active)


def _keep_active(
    entries: Sequence[Entry], states: Sequence[int], results: list[BatchResult]
) -> list[Entry]:
    """Refuse the calls whose run is missing or deleted; return the others."""
    active = []
    for entry in entries:
        state = states[entry.run]
        if state == ACTIVE:
            active.append(entry)
        elif state == MISSING:
            results[entry.index] = run_not_found(entry.run_id)
        else:
            results[entry.index] = run_not_active(entry.run_id)
    return active


async def _append(connection: AnyConnection, runs: RunList, entries: Sequence[Entry]) -> list[int]:
    points = Points()
    for entry in entries:
        points.add(entry.run, entry.metrics)
    states = await store.append_metrics(connection, runs, points)
    if any(entry.models for entry in entries):
        await model_metrics.append(connection, runs, points, states)
    return states


async def _log_params(
    connection: AnyConnection,
    runs: RunList,
    rows: RunRows,
    entries: Sequence[Entry],
    results: list[BatchResult],
) -> list[Entry]:
    """Insert the params of the calls that change no existing value; return those calls.

    The calls are checked in order, so the first of two that disagree wins.
    """
    wanted = list({(entry.run, key) for entry in entries for key, _ in entry.params})
    known = await store.existing_params(connection, runs, wanted)
    fresh: dict[EntryKey, str] = {}
    kept = []
    for entry in entries:
        if changed := _changed_params(entry, known):
            results[entry.index] = changed
            continue
        for key, value in entry.params:
            if (entry.run, key) not in known:
                known[entry.run, key] = fresh[entry.run, key] = value
        kept.append(entry)
    if fresh:
        await store.insert_params(connection, runs, rows, fresh)
    return kept


def _changed_params(entry: Entry, known: Mapping[EntryKey, str]) -> DomainError | None:
    """Return MLflow's error if a call gives an existing param another value; otherwise None."""
    changes = [
        {"key": key, "old_value": known[entry.run, key], "new_value": value}
        for key, value in entry.params
        if known.get((entry.run, key), value) != value
    ]
    if not changes:
        return None
    if entry.batched:
        return invalid(
            f"Changing param values is not allowed. Params were already logged='{changes}' "
            f"for run ID='{entry.run_id}'."
        )
    change = changes[0]
    return invalid(
        f"Changing param values is not allowed. Param with key='{change['key']}' was already "
        f"logged with value='{change['old_value']}' for run ID='{entry.run_id}'. "
        f"Attempted logging new value '{change['new_value']}'."
    )


async def _set_tags(
    connection: AnyConnection, runs: RunList, rows: RunRows, entries: Sequence[Entry]
) -> None:
    """Set tags; the last value of a key wins. The tag mlflow.runName also renames the run.

    As in MLflow, an empty mlflow.runName is ignored. Names are written first: ``update_run``, too, locks
    a run before its tag. With different orders the two could deadlock.
    """
    tags: dict[EntryKey, str] = {}
    names: dict[int, str] = {}
    for entry in entries:
        for key, value in entry.tags:
            if key == RUN_NAME:
                if not value:
                    continue
                names[entry.run] = value
            tags[entry.run, key] = value
    if names:
        await store.rename_runs(connection, runs, names)
    if tags:
        await store.upsert_tags(connection, runs, rows, tags)


def is_points_only(calls: Sequence[BatchItem[Message]]) -> bool:
    """Tell whether all calls log points and nothing else: one statement, which is safe to repeat.

    Identical points are one point. Calls with points of logged models don't count: they need more
    statements.
    """
    return all(
        (type(message) is LogMetric and not message.model_id)
        or (
            type(message) is LogBatch
            and bool(message.metrics)
            and not message.params
            and not message.tags
            and not any(point.get("model_id") for point in message.metrics)
        )
        for message in (call.message for call in calls)
    )


BATCH_HANDLERS: Mapping[type[Message], BatchHandler] = {
    LogMetric: log,
    LogBatch: log,
    LogParam: log,
    SetTag: log,
}

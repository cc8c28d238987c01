"""Histories of metrics: MLflow's ``metrics/*``."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.tracking.store import metrics
from services.tracking.store.blocks import work_of
from services.tracking.store.metrics import BIGINT, START, Place, Remainder
from services.tracking.validation import check_count, is_run_id
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.message import Message
from shared.contracts.metrics import (
    GetMetricHistory,
    GetMetricHistoryBulk,
    GetMetricHistoryBulkInterval,
)
from shared.contracts.validation import API_DOCS_HINT, missing_value
from shared.handling.handlers import Handler
from shared.mlflow.pages import page_end, page_json
from shared.mlflow.parts import Part
from shared.postgres.transaction import Transaction

MAX_RUNS = 100
MAX_POINTS = 25_000
MAX_POINTS_PER_RUN = 2_500


PART_POINTS = 25_000
"""The most points of a part of a history: as many as MLflow's clients want of a page."""

PART_BYTES = 4 * 1024**2
"""About the size of the largest parts, to which long keys contribute most."""

_POINT_BYTES = 75
"""About the size of a point's JSON without its key."""


async def get_metric_history(
    query: GetMetricHistory, tx: Transaction, most: int = PART_POINTS
) -> bytes:
    """Read the points of one metric, ordered by timestamp, step and value. An unknown run has none.

    More than ``most`` points come in parts.
    """
    limit = query.max_results
    if limit is not None and limit <= 0:
        message = (
            f"Invalid value {limit} for parameter 'max_results' supplied. "
            "It must be a positive integer."
        )
        raise invalid(message, "max_results")
    wanted = Remainder(Place.parse(query.page_token) if query.page_token else START, limit)
    if query.continuation:
        wanted = Remainder.parse(query.continuation)
    if not is_run_id(query.run_id):
        return page_json("metrics", b"", None)
    size = min(most, PART_BYTES // (len(query.metric_key.encode()) + _POINT_BYTES))
    if wanted.limit is not None:
        size = min(size, wanted.limit)
    page = await metrics.history(tx, query.run_id, query.metric_key, wanted.after, size)
    if page.unsettled:
        tx.defer(*work_of(tx.project, UUID(query.run_id), query.metric_key))
    return _part(query, page, wanted.limit, size).encode()


def _part(query: GetMetricHistory, page: metrics.Page, limit: int | None, size: int) -> Part:
    """Return a page of ``size`` points as a part of an answer with ``limit`` points."""
    begin = b"," if query.continuation else b'{"metrics":['
    if query.continuation and not page.points:
        message = f"The run {query.run_id} was purged while its history was read."
        raise DomainError(ErrorCode.RESOURCE_DOES_NOT_EXIST, message)
    if page.next is None or limit == size:
        token = page.next.token() if page.next else None
        return Part(begin + page.points + page_end(token))
    left = None if limit is None else limit - size
    return Part(begin + page.points, Remainder(page.next, left).token())


async def get_metric_history_bulk(query: GetMetricHistoryBulk, tx: Transaction) -> bytes:
    """Read the points of one metric in several runs, ordered by run."""
    check_count("GetMetricHistoryBulk", "run_id", query.run_id, MAX_RUNS)
    if query.metric_key is None:
        message = "GetMetricHistoryBulk request must specify a metric_key."
        raise invalid(message)
    wanted = MAX_POINTS if query.max_results is None else query.max_results
    limit = max(0, min(wanted, MAX_POINTS))
    points = await metrics.history_bulk(tx, _known(query.run_id), query.metric_key, limit)
    return page_json("metrics", points, None)


async def get_metric_history_bulk_interval(
    query: GetMetricHistoryBulkInterval, tx: Transaction
) -> bytes:
    """Read a sample of the points of one metric in several runs, for charts."""
    if not query.run_ids:
        raise missing_value("run_ids")
    if len(query.run_ids) > MAX_RUNS:
        message = (
            f"GetMetricHistoryBulkInterval request must specify at most {MAX_RUNS} run_ids. "
            f"Received {len(query.run_ids)} run_ids. {API_DOCS_HINT}"
        )
        raise invalid(message)
    if not query.metric_key:
        raise missing_value("metric_key")
    limit = MAX_POINTS_PER_RUN if query.max_results is None else query.max_results
    if not 1 <= limit <= MAX_POINTS_PER_RUN:
        message = f"max_results must be between 1 and {MAX_POINTS_PER_RUN}. {API_DOCS_HINT}"
        raise invalid(message)
    points, unsettled = await metrics.history_sampled(
        tx, _known(query.run_ids), query.metric_key, limit, _steps(query)
    )
    for run_id in unsettled:
        tx.defer(*work_of(tx.project, run_id, query.metric_key))
    return page_json("metrics", points, None)


def _steps(query: GetMetricHistoryBulkInterval) -> range:
    """Return the requested steps; all steps if none are requested. Raises DomainError."""
    start, end = query.start_step, query.end_step
    if start is None and end is None:
        return BIGINT
    if start is None or end is None:
        message = "If either start step or end step are specified, both must be specified."
        raise invalid(message)
    if start > end:
        message = (
            "end_step must be greater than start_step. "
            f"Found start_step={start} and end_step={end}."
        )
        raise invalid(message)
    return range(start, end + 1)


def _known(run_ids: Sequence[str]) -> list[str]:
    """Return the ids that a run of this server can have. Others have no points."""
    return [run_id for run_id in run_ids if is_run_id(run_id)]


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    GetMetricHistory: get_metric_history,
    GetMetricHistoryBulk: get_metric_history_bulk,
    GetMetricHistoryBulkInterval: get_metric_history_bulk_interval,
}

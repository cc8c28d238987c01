"""Figures over traces: aggregates, and how two filters correlate."""

from collections.abc import Mapping, Sequence

from services.traces.correlation import JEFFREYS_PRIOR, npmi
from services.traces.experiments import parse_experiment_id
from services.traces.store import correlations, trace_metrics
from services.traces.store.scope import Scope
from shared.contracts.message import Message
from shared.contracts.trace_metrics import (
    CalculateTraceFilterCorrelation,
    QueryTraceMetrics,
    QueryTraceMetricsReply,
    TraceFilterCorrelation,
)
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def query_trace_metrics(query: QueryTraceMetrics, tx: Transaction) -> QueryTraceMetricsReply:
    """Return figures over traces or spans."""
    experiments = _experiments(query.experiment_ids)
    return await trace_metrics.query_metrics(tx.connection, tx.project, query, experiments)


async def calculate_trace_filter_correlation(
    query: CalculateTraceFilterCorrelation, tx: Transaction
) -> TraceFilterCorrelation:
    """Return how two filters correlate."""
    scope = Scope(tx.project, _experiments(query.experiment_ids))
    counts = await correlations.count(tx.connection, scope, query)
    return TraceFilterCorrelation(
        npmi=npmi(counts),
        npmi_smoothed=npmi(counts, JEFFREYS_PRIOR),
        filter1_count=counts.first,
        filter2_count=counts.second,
        joint_count=counts.joint,
        total_count=counts.total,
    )


def _experiments(experiment_ids: Sequence[str]) -> list[int]:
    return list(dict.fromkeys(map(parse_experiment_id, experiment_ids)))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    QueryTraceMetrics: query_trace_metrics,
    CalculateTraceFilterCorrelation: calculate_trace_filter_correlation,
}

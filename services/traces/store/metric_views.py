"""The metrics of traces, spans and assessments: their aggregations and dimensions, as MLflow allows them.

Source: ``mlflow/store/tracking/utils/sql_trace_metrics_utils.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.contracts.errors import invalid
from shared.contracts.trace_metrics import AggregationType, MetricAggregation, MetricViewType

TIME_BUCKET: Final = "time_bucket"
MOST_PERCENT: Final = 100

_COUNT: Final = frozenset({AggregationType.COUNT})
_MEASURED: Final = frozenset(
    {AggregationType.AVG, AggregationType.MIN, AggregationType.MAX, AggregationType.PERCENTILE}
)
_SUMMED: Final = _MEASURED | {AggregationType.SUM}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: the expression that is aggregated, and what may be asked of it. NULL has no value."""

    expression: str
    aggregations: frozenset[AggregationType]
    dimensions: Sequence[str] = ()


# A rating is a number, a truth value, or yes or no: ``assessment_aggregate`` in MLflow.
_RATING: Final = """CASE
    WHEN a.number IS NOT NULL THEN a.number
    WHEN a.value = 'true' THEN 1
    WHEN a.value = 'false' THEN 0
    WHEN a.value ~* '^"\\s*yes\\s*"$' THEN 1
    WHEN a.value ~* '^"\\s*no\\s*"$' THEN 0
END"""

_NAME: Final = ("trace_name",)
_MODEL: Final = ("span_model_name", "span_model_provider")

METRICS: Final[Mapping[MetricViewType, Mapping[str, Metric]]] = {
    MetricViewType.TRACES: {
        "trace_count": Metric("t.trace_id", _COUNT, ("trace_name", "trace_status")),
        "session_count": Metric("DISTINCT session.value", _COUNT),
        "latency": Metric("t.execution_duration", _MEASURED, _NAME),
        "input_tokens": Metric("t.input_tokens", _SUMMED, _NAME),
        "output_tokens": Metric("t.output_tokens", _SUMMED, _NAME),
        "total_tokens": Metric("t.total_tokens", _SUMMED, _NAME),
        "cache_read_input_tokens": Metric("t.cache_read_input_tokens", _SUMMED, _NAME),
        "cache_creation_input_tokens": Metric("t.cache_creation_input_tokens", _SUMMED, _NAME),
    },
    MetricViewType.SPANS: {
        "span_count": Metric(
            "s.trace_id",
            _COUNT,
            ("span_name", "span_type", "span_status", *_MODEL),
        ),
        "latency": Metric(
            "(s.end_time - s.start_time) / 1000000", _MEASURED, ("span_name", "span_status")
        ),
        "input_cost": Metric("s.input_cost", _SUMMED, _MODEL),
        "output_cost": Metric("s.output_cost", _SUMMED, _MODEL),
        "total_cost": Metric("s.total_cost", _SUMMED, _MODEL),
    },
    MetricViewType.ASSESSMENTS: {
        "assessment_count": Metric("a.trace_id", _COUNT, ("assessment_name", "assessment_value")),
        "assessment_value": Metric(_RATING, _MEASURED, ("assessment_name",)),
    },
}

DIMENSIONS: Final = {
    "trace_name": "name.value",
    "trace_status": "t.state",
    "span_name": "s.name",
    "span_type": "s.type",
    "span_status": "s.status",
    "span_model_name": "s.model_name",
    "span_model_provider": "s.model_provider",
    "assessment_name": "a.name",
    "assessment_value": "a.value",
}


def find_metric(
    view_type: MetricViewType,
    name: str,
    aggregations: Sequence[MetricAggregation],
    dimensions: Sequence[str],
) -> Metric:
    """Return a metric. Raises DomainError, in MLflow's words, for what can't be asked of it."""
    metrics = METRICS[view_type]
    metric = metrics.get(name)
    if metric is None:
        raise invalid(f"metric_name must be one of {list(metrics)}, got '{name}'")
    if not aggregations:
        raise invalid("A metric needs an aggregation.", "aggregations", missing=True)
    wrong = {each.aggregation_type for each in aggregations} - metric.aggregations
    if wrong:
        raise invalid(
            f"Found invalid aggregation_type(s): {_sorted(wrong)}. "
            f"Supported aggregation types: {_sorted(metric.aggregations)}"
        )
    if strange := set(dimensions) - set(metric.dimensions):
        raise invalid(
            f"Found invalid dimension(s): {sorted(strange)}. "
            f"Supported dimensions: {sorted(metric.dimensions)}"
        )
    for each in aggregations:
        _check_percentile(each)
    return metric


def _sorted(types: frozenset[AggregationType] | set[AggregationType]) -> list[str]:
    return sorted(str(each) for each in types)


def _check_percentile(aggregation: MetricAggregation) -> None:
    """Raise DomainError for a wrong percentile. MLflow has the same texts, with status 500."""
    value = aggregation.percentile_value
    if aggregation.aggregation_type is not AggregationType.PERCENTILE:
        if value is not None:
            kind = aggregation.aggregation_type
            raise invalid(
                f"Percentile value is only allowed for PERCENTILE aggregation type, got {kind}"
            )
    elif value is None:
        raise invalid("Percentile value is required for PERCENTILE aggregation")
    elif not 0 <= value <= MOST_PERCENT:
        raise invalid(f"Percentile value must be between 0 and 100, got {value}")


def label(aggregation: MetricAggregation) -> str:
    """Return the name of an aggregation's value, such as ``P99.0``."""
    if aggregation.aggregation_type is AggregationType.PERCENTILE:
        return f"P{aggregation.percentile_value}"
    return str(aggregation.aggregation_type)

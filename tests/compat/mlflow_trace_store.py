"""Run by a client's Python: ask that release's own store about given traces, and print its answers as JSON.

It reads ``{"traces": …, "spans": …, "searches": …, "figures": …, "correlations": …}``. Traces and spans are as
``TraceInfo`` and ``Span.to_dict`` have them; a search is a filter and an ``order_by``. An error is printed as ``error``.
"""

import json
import math
import sys
import tempfile

from mlflow.entities import TraceInfo, TraceLocation, TraceState
from mlflow.entities.span import Span
from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

EXPERIMENT = "0"


def started(given):
    return TraceInfo(
        **{**given, "state": TraceState(given["state"])},
        trace_location=TraceLocation.from_experiment_id(EXPERIMENT),
    )


def searched(text, orders):
    found, _ = store.search_traces([EXPERIMENT], text, 100, orders)
    return [each.trace_id for each in found]


def computed(view_type, aggregations, **fields):
    points = store.query_trace_metrics(
        [EXPERIMENT],
        MetricViewType(view_type),
        aggregations=[
            MetricAggregation(AggregationType(k), p and float(p)) for k, p in aggregations
        ],
        **fields,
    )
    return [[each.dimensions, {k: float(v) for k, v in each.values.items()}] for each in points]


def correlated(first, second, base):
    found = store.calculate_trace_filter_correlation([EXPERIMENT], first, second, base)
    counts = [found.filter1_count, found.filter2_count, found.joint_count, found.total_count]
    values = (found.npmi, found.npmi_smoothed)
    return [None if math.isnan(each) else each for each in values] + counts


def answered(ask, *args, **fields):
    try:
        return ask(*args, **fields)
    except MlflowException as error:
        return {"error": error.error_code}


with tempfile.TemporaryDirectory() as folder:
    store = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", f"{folder}/artifacts")
    given = json.load(sys.stdin)
    for spans in given["spans"]:
        store.log_spans(EXPERIMENT, [Span.from_dict(each) for each in spans])
    # What a trace says of itself counts: it comes last.
    for trace in given["traces"]:
        store.start_trace(started(trace))
    answers = {
        "searches": [answered(searched, *each) for each in given["searches"]],
        "figures": [answered(computed, **each) for each in given["figures"]],
        "correlations": [answered(correlated, *each) for each in given["correlations"]],
    }
    json.dump(answers, sys.stdout)

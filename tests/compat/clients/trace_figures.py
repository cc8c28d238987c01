"""Traces are found by their spans and text, figures are computed over them, and two filters correlate."""

import mlflow
from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType
from mlflow.tracing.client import TracingClient
from mlflow.tracking import MlflowClient
from scenario import flush, new_experiment

SINCE = "3.17"

client, tracing = MlflowClient(), TracingClient()
experiment_id = new_experiment("figures")

for number in range(3):
    with (
        mlflow.start_span("agent", span_type="AGENT"),
        mlflow.start_span("tool", span_type="TOOL", attributes={"number": number}) as span,
    ):
        span.set_inputs({"question": f"What is {number}?"})
flush()


def found(text):
    return len(client.search_traces([experiment_id], text))


assert found("span.type = 'TOOL' AND span.name = 'tool'") == 3
assert found("span.type = 'TOOL' AND span.name = 'agent'") == 0
assert found("span.attributes.number LIKE '%2%'") == 1
assert found("trace.text LIKE '%What is 1?%'") == 1

points = tracing.store.query_trace_metrics(
    [experiment_id],
    MetricViewType.SPANS,
    "span_count",
    [MetricAggregation(AggregationType.COUNT)],
    dimensions=["span_type"],
)
assert [(each.dimensions["span_type"], each.values) for each in points] == [
    ("AGENT", {"COUNT": 3}),
    ("TOOL", {"COUNT": 3}),
], points

result = tracing.calculate_trace_filter_correlation(
    [experiment_id], "span.attributes.number LIKE '%2%'", "span.type = 'TOOL'"
)
counts = (result.filter1_count, result.filter2_count, result.joint_count, result.total_count)
assert counts == (1, 3, 1, 3), result

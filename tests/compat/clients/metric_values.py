"""Metric values: NaN and infinities, the latest by step rather than by arrival, repeated points, default steps."""

import math
import sys

import mlflow
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from scenario import new_experiment, new_run, refused

client = MlflowClient()
run_id = new_run(client, "metric-values")


def latest(key: str) -> float:
    """Return the run's value of a metric."""
    return float(client.get_run(run_id).data.metrics[key])


client.log_batch(
    run_id,
    metrics=[
        Metric("nan", math.nan, 1, 0),
        Metric("infinite", math.inf, 1, 0),
        Metric("negative", -math.inf, 1, 0),
        Metric("tiny", 5e-324, 1, 0),
        Metric("whole", 3, 1, 0),
    ],
)
assert math.isnan(latest("nan"))
assert latest("infinite") == sys.float_info.max
assert latest("negative") == -sys.float_info.max
assert latest("tiny") == 5e-324
assert latest("whole") == 3.0
assert math.isnan(client.get_metric_history(run_id, "nan")[0].value)

# The latest is of the highest step, then of the latest time, then the highest value.
client.log_metric(run_id, "late", 1.0, timestamp=100, step=5)
client.log_metric(run_id, "late", 2.0, timestamp=200, step=3)
assert latest("late") == 1.0
client.log_metric(run_id, "late", 3.0, timestamp=101, step=5)
assert latest("late") == 3.0
client.log_metric(run_id, "late", 2.5, timestamp=101, step=5)
assert latest("late") == 3.0
client.log_metric(run_id, "late", 4.0, timestamp=50, step=-1)
assert latest("late") == 3.0
history = [
    (point.timestamp, point.step, point.value)
    for point in client.get_metric_history(run_id, "late")
]
assert history == [(50, -1, 4.0), (100, 5, 1.0), (101, 5, 2.5), (101, 5, 3.0), (200, 3, 2.0)], (
    history
)

# The same point twice is one point; within a batch too.
for _ in range(3):
    client.log_metric(run_id, "twice", 1.0, timestamp=7, step=7)
client.log_batch(run_id, metrics=[Metric("twice", 1.0, 7, 7), Metric("twice", 1.0, 7, 7)])
assert len(client.get_metric_history(run_id, "twice")) == 1

new_experiment("metric-values-fluent")
with mlflow.start_run() as active:
    mlflow.log_metric("m", 1)
    mlflow.log_metric("m", 2, step=4)
points = client.get_metric_history(active.info.run_id, "m")
assert [(point.step, point.value) for point in points] == [(0, 1.0), (4, 2.0)], points
assert all(point.timestamp > 1_500_000_000_000 for point in points), points

for bad in ("", "a/../b", "/a", "a" * 251, "new\nline"):
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_metric(run_id, bad, 1.0)

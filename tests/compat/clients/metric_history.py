"""A history of 10,000 points, logged in batches of 1,000 and read back whole."""

from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from scenario import new_run

POINTS = 10_000
START = 1_760_000_000_000

client = MlflowClient()
run_id = new_run(client, "metric-history")
points = [Metric("loss", 1 / (step + 1), START + step, step) for step in range(POINTS)]
for first in range(0, POINTS, 1000):
    client.log_batch(run_id, metrics=points[first : first + 1000])

history = client.get_metric_history(run_id, "loss")
assert len(history) == POINTS, len(history)
assert [(point.step, point.timestamp) for point in history] == [
    (step, START + step) for step in range(POINTS)
]
assert all(point.value == 1 / (point.step + 1) for point in history)
assert client.get_run(run_id).data.metrics == {"loss": 1 / POINTS}
assert client.get_metric_history(run_id, "never logged") == []

"""Nested runs: the parent's tag, searching for children, and resuming a run by its id."""

import mlflow
from mlflow.tracking import MlflowClient
from scenario import new_experiment

experiment = new_experiment("nested-runs")
client = MlflowClient()

with mlflow.start_run(run_name="parent") as parent:
    mlflow.log_param("depth", 0)
    for number in range(3):
        with mlflow.start_run(run_name=f"child-{number}", nested=True) as child:
            mlflow.log_metric("score", number)
            with mlflow.start_run(nested=True) as grandchild:
                mlflow.log_metric("score", number * 10)

assert client.get_parent_run(grandchild.info.run_id).info.run_id == child.info.run_id
assert client.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
assert client.get_parent_run(parent.info.run_id) is None

children = client.search_runs(
    [experiment],
    f"tags.mlflow.parentRunId = '{parent.info.run_id}'",
    order_by=["metrics.score DESC"],
)
assert [run.info.run_name for run in children] == ["child-2", "child-1", "child-0"], children
assert len(client.search_runs([experiment])) == 7

with mlflow.start_run(run_id=parent.info.run_id):
    mlflow.log_metric("resumed", 1)
resumed = client.get_run(parent.info.run_id)
assert resumed.info.status == "FINISHED", resumed.info
assert resumed.data.metrics == {"resumed": 1}, resumed.data.metrics

try:
    with mlflow.start_run(run_name="failing") as failing:
        raise ValueError("the training went wrong")
except ValueError:
    assert client.get_run(failing.info.run_id).info.status == "FAILED"

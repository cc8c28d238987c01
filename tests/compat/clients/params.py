"""Params: written once, the same again is fine, another value is a conflict; a failed batch leaves nothing."""

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient
from scenario import new_experiment, new_run, refused

client = MlflowClient()
run_id = new_run(client, "params")

client.log_param(run_id, "rate", 0.01)
client.log_param(run_id, "rate", 0.01)
with refused("INVALID_PARAMETER_VALUE", "rate", "0.01", "0.02"):
    client.log_param(run_id, "rate", 0.02)
assert client.get_run(run_id).data.params == {"rate": "0.01"}

with refused("INVALID_PARAMETER_VALUE"):
    client.log_batch(
        run_id,
        metrics=[Metric("m", 1.0, 1, 1)],
        params=[Param("fresh", "1"), Param("rate", "3")],
        tags=[RunTag("t", "1")],
    )
data = client.get_run(run_id).data
assert data.params == {"rate": "0.01"}, data.params
assert data.metrics == {}, data.metrics
assert "t" not in data.tags, data.tags

client.log_batch(run_id, params=[Param(f"p{number}", str(number)) for number in range(100)])
assert len(client.get_run(run_id).data.params) == 101
client.log_param(run_id, "dots.and/slashes and-dashes_1", "x")
client.log_param(run_id, "long", "v" * 6000)
client.log_param(run_id, "text", "ünï ☃ \"quoted\" 'single'\nsecond line")
params = client.get_run(run_id).data.params
assert params["long"] == "v" * 6000
assert params["text"] == "ünï ☃ \"quoted\" 'single'\nsecond line"
with refused("INVALID_PARAMETER_VALUE"):
    client.log_param(run_id, "k" * 251, "x")
with refused("INVALID_PARAMETER_VALUE"):
    client.log_param(run_id, "../escape", "x")

new_experiment("params-fluent")
with mlflow.start_run() as active:
    mlflow.log_params({"a": 1, "b": None, "c": [1, 2], "d": True})
fluent = client.get_run(active.info.run_id).data.params
assert fluent == {"a": "1", "b": "None", "c": "[1, 2]", "d": "True"}, fluent

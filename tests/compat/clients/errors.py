"""The error codes that a client's user sees."""

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.rest_utils import http_request
from scenario import new_run, refused, unique

client = MlflowClient()
missing = "0" * 32
run_id = new_run(client, "errors")

for call in (
    lambda: client.get_run(missing),
    lambda: client.log_metric(missing, "m", 1.0),
    lambda: client.log_param(missing, "p", 1),
    lambda: client.set_tag(missing, "t", 1),
    lambda: client.log_batch(missing, metrics=[Metric("m", 1.0, 1, 1)]),
    lambda: client.set_terminated(missing),
    lambda: client.delete_run(missing),
):
    with refused("RESOURCE_DOES_NOT_EXIST", missing):
        call()
for call in (
    lambda: client.get_experiment("987654321"),
    lambda: client.create_run("987654321"),
    lambda: client.rename_experiment("987654321", unique("x")),
    lambda: client.delete_experiment("987654321"),
    lambda: client.restore_experiment("987654321"),
    lambda: client.set_experiment_tag("987654321", "k", "v"),
):
    with refused("RESOURCE_DOES_NOT_EXIST", "987654321"):
        call()
with refused("INVALID_PARAMETER_VALUE"):
    client.create_experiment("")
with refused("INVALID_PARAMETER_VALUE"):
    client.create_experiment("n" * 501)


def post(path: str, body: object) -> tuple[int, str]:
    """Send what the client itself would never send, and return the status and the error code."""
    credentials = client._tracking_client.store.get_host_creds()
    answer = http_request(
        credentials, f"/api/2.0/mlflow/{path}", "POST", json=body, raise_on_status=False
    )
    return answer.status_code, answer.json()["error_code"]


metric = {"key": "m", "value": 1.0, "timestamp": 1, "step": 0}
too_many = {
    "metrics": [metric] * 1001,
    "params": [{"key": f"p{number}", "value": "x"} for number in range(101)],
    "tags": [{"key": f"t{number}", "value": "x"} for number in range(101)],
}
bad = (400, "INVALID_PARAMETER_VALUE")
for field, items in too_many.items():
    assert post("runs/log-batch", {"run_id": run_id, field: items}) == bad, field
assert post("runs/log-metric", {"run_id": run_id, "key": "m"}) == bad
assert post("runs/log-metric", {"run_id": run_id, **metric, "value": "abc"}) == bad
assert post("runs/log-metric", {"run_id": run_id, **metric, "timestamp": "yesterday"}) == bad
assert post("runs/create", {"experiment_id": 0, "start_time": "not a time"}) == bad
assert post("experiments/create", {}) == bad
assert post("no/such/route", {})[0] == 404

data = client.get_run(run_id).data
assert (data.metrics, data.params) == ({}, {}), data
client.log_batch(
    run_id,
    metrics=[Metric(f"m{number}", number, 1, 1) for number in range(800)],
    params=[Param(f"p{number}", "x") for number in range(100)],
    tags=[RunTag(f"t{number}", "x") for number in range(100)],
)
assert len(client.get_run(run_id).data.metrics) == 800

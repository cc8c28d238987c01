"""The life of a run: names, status, end, deletion and what a deleted run refuses, restoration."""

import re
import time

from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from scenario import refused, unique

client = MlflowClient()
experiment = client.create_experiment(unique("run-lifecycle"))
now = int(time.time() * 1000)

named = client.create_run(
    experiment, run_name="named", start_time=now, tags={"mlflow.user": "ada", "k": "v"}
)
assert named.info.run_name == "named", named.info
assert named.data.tags["mlflow.runName"] == "named", named.data.tags
# In GitLab's dialect a run is of the token's user, who has a number.
assert named.info.user_id == "ada" or named.info.user_id.isdecimal(), named.info
assert (named.info.status, named.info.lifecycle_stage) == ("RUNNING", "active"), named.info
assert (named.info.start_time, named.info.end_time) == (now, None), named.info
assert named.info.experiment_id == experiment
assert named.info.run_id in named.info.artifact_uri, named.info

nameless = client.create_run(experiment)
assert re.fullmatch(r"[a-z]+-[a-z]+(-[a-z]+)?-\d+", nameless.info.run_name), nameless.info
assert nameless.data.tags["mlflow.runName"] == nameless.info.run_name
assert nameless.info.start_time >= now, nameless.info

by_tag = client.create_run(experiment, tags={"mlflow.runName": "from the tag"})
assert by_tag.info.run_name == "from the tag", by_tag.info
with refused("INVALID_PARAMETER_VALUE"):
    client.create_run(experiment, run_name="one", tags={"mlflow.runName": "another"})

run_id = named.info.run_id
client.update_run(run_id, status="SCHEDULED")
assert client.get_run(run_id).info.status == "SCHEDULED"
client.set_terminated(run_id, "KILLED", end_time=now + 5)
ended = client.get_run(run_id).info
assert (ended.status, ended.end_time) == ("KILLED", now + 5), ended
client.log_metric(run_id, "after the end", 1.0)

client.delete_run(run_id)
assert client.get_run(run_id).info.lifecycle_stage == "deleted"
for write in (
    lambda: client.log_metric(run_id, "m", 1.0),
    lambda: client.log_param(run_id, "p", 1),
    lambda: client.set_tag(run_id, "t", 1),
    lambda: client.delete_tag(run_id, "k"),
    lambda: client.log_batch(run_id, metrics=[Metric("m", 1.0, 1, 1)]),
    lambda: client.update_run(run_id, name="x"),
):
    with refused("INVALID_PARAMETER_VALUE", run_id):
        write()
client.restore_run(run_id)
restored = client.get_run(run_id)
assert restored.info.lifecycle_stage == "active"
assert restored.data.metrics == {"after the end": 1.0}, restored.data.metrics
client.log_metric(run_id, "m", 2.0)

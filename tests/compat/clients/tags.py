"""Run tags: overwriting, deleting, and the run name that follows its tag and leads it."""

from mlflow.entities import RunTag
from mlflow.tracking import MlflowClient
from scenario import new_run, refused

client = MlflowClient()
run_id = new_run(client, "tags")

client.set_tag(run_id, "stage", "one")
client.set_tag(run_id, "stage", "two")
client.set_tag(run_id, "empty", "")
client.log_batch(
    run_id, tags=[RunTag("same", "first"), RunTag("same", "last"), RunTag("ключ", "значение")]
)
tags = client.get_run(run_id).data.tags
assert tags["stage"] == "two", tags
assert tags["same"] == "last", tags
assert tags["ключ"] == "значение", tags

client.delete_tag(run_id, "stage")
assert "stage" not in client.get_run(run_id).data.tags
with refused("RESOURCE_DOES_NOT_EXIST"):
    client.delete_tag(run_id, "stage")

client.set_tag(run_id, "mlflow.runName", "by tag")
assert client.get_run(run_id).info.run_name == "by tag"
client.update_run(run_id, name="by name")
run = client.get_run(run_id)
assert (run.info.run_name, run.data.tags["mlflow.runName"]) == ("by name", "by name"), run
client.set_tag(run_id, "mlflow.note.content", "# Notes\n\n" + "n" * 4000)
assert len(client.get_run(run_id).data.tags["mlflow.note.content"]) == 4009
with refused("INVALID_PARAMETER_VALUE"):
    client.set_tag(run_id, "k" * 251, "x")

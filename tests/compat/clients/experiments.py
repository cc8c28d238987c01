"""The life of an experiment: create, find, rename, tag, delete, restore."""

import mlflow
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient
from scenario import refused, unique

client = MlflowClient()
default = client.get_experiment("0")
assert (default.name, default.lifecycle_stage) == ("Default", "active"), default

name, renamed = unique("experiment"), unique("renamed")
experiment_id = client.create_experiment(name, tags={"owner": "tests", "emoji": "🐇"})
experiment = client.get_experiment(experiment_id)
assert experiment.name == name
assert experiment.tags == {"owner": "tests", "emoji": "🐇"}, experiment.tags
assert experiment.lifecycle_stage == "active"
assert experiment.artifact_location, experiment
assert experiment.creation_time > 1_500_000_000_000, experiment
assert client.get_experiment_by_name(name).experiment_id == experiment_id
assert client.get_experiment_by_name(unique("missing")) is None
with refused("RESOURCE_ALREADY_EXISTS"):
    client.create_experiment(name)

client.rename_experiment(experiment_id, renamed)
after = client.get_experiment(experiment_id)
assert after.name == renamed
assert after.last_update_time >= experiment.last_update_time
assert client.get_experiment_by_name(name) is None

client.set_experiment_tag(experiment_id, "owner", "somebody else")
client.set_experiment_tag(experiment_id, "added", "")
tags = client.get_experiment(experiment_id).tags
assert tags["owner"] == "somebody else", tags
if hasattr(client, "delete_experiment_tag"):
    client.delete_experiment_tag(experiment_id, "emoji")
    assert "emoji" not in client.get_experiment(experiment_id).tags

run_id = client.create_run(experiment_id).info.run_id
client.delete_experiment(experiment_id)
assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
assert client.get_experiment_by_name(renamed).lifecycle_stage == "deleted"
assert client.get_run(run_id).info.lifecycle_stage == "deleted"
assert experiment_id not in [each.experiment_id for each in client.search_experiments()]
assert experiment_id in [
    each.experiment_id for each in client.search_experiments(ViewType.DELETED_ONLY)
]
with refused("RESOURCE_ALREADY_EXISTS"):
    client.create_experiment(renamed)
with refused("INVALID_PARAMETER_VALUE"):
    client.create_run(experiment_id)

client.restore_experiment(experiment_id)
assert client.get_experiment(experiment_id).lifecycle_stage == "active"
assert client.get_run(run_id).info.lifecycle_stage == "active"

assert mlflow.set_experiment(renamed).experiment_id == experiment_id
assert mlflow.set_experiment(experiment_id=experiment_id).name == renamed
with refused("RESOURCE_DOES_NOT_EXIST"):
    client.get_experiment("987654321")

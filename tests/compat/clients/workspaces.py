"""Workspaces without a token: there is the default one, and none can be made."""

import mlflow
from mlflow.tracking import MlflowClient
from scenario import refused, unique

SINCE = "3.10"
DIALECT = "mlflow"

assert [each.name for each in mlflow.list_workspaces()] == ["default"]
assert mlflow.get_workspace("default").name == "default"
with refused("RESOURCE_DOES_NOT_EXIST", "not found"):
    mlflow.get_workspace(unique("none"))
with refused("UNAUTHENTICATED"):
    mlflow.create_workspace(unique("new"))
with refused("UNAUTHENTICATED"):
    mlflow.update_workspace("default", description="changed")

mlflow.set_workspace("default")
name = unique("in the default workspace")
experiment_id = mlflow.create_experiment(name)
mlflow.set_workspace(None)
assert MlflowClient().get_experiment_by_name(name).experiment_id == experiment_id

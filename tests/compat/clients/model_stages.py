"""Stages, which MLflow deprecates and its clients still have."""

import warnings

from mlflow.tracking import MlflowClient
from scenario import refused, unique

warnings.filterwarnings("ignore", category=FutureWarning)
DIALECT = "mlflow"
client = MlflowClient()
name = unique("model")
client.create_registered_model(name)
for _ in range(4):
    client.create_model_version(name, "s3://bucket/path")


def move(version: int, stage: str, *, archive: bool = False) -> str:
    """Move a version and return the stage that the answer tells."""
    moved = client.transition_model_version_stage(
        name, str(version), stage, archive_existing_versions=archive
    )
    return str(moved.current_stage)


def latest(*stages: str) -> dict[str, str]:
    """Return the newest version of each stage."""
    found = client.get_latest_versions(name, list(stages) or None)
    return {version.current_stage: version.version for version in found}


assert move(1, "production") == "Production"
assert move(2, "STAGING") == "Staging"
assert latest() == {"Production": "1", "Staging": "2", "None": "4"}
assert latest("production") == {"Production": "1"}
assert latest("Archived") == {}
assert move(3, "Production") == "Production"
assert latest("Production") == {"Production": "3"}
assert move(4, "Production", archive=True) == "Production"
assert client.get_model_version(name, "1").current_stage == "Archived"
assert client.get_model_version(name, "3").current_stage == "Archived"
assert client.get_model_version(name, "2").current_stage == "Staging"
newest = client.get_registered_model(name).latest_versions
assert {each.current_stage: each.version for each in newest} == latest()

with refused("INVALID_PARAMETER_VALUE", "Invalid Model Version stage: nonsense"):
    move(1, "nonsense")
with refused("RESOURCE_DOES_NOT_EXIST", f"Model Version (name={name}, version=9) not found"):
    move(9, "Staging")

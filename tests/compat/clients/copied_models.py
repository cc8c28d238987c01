"""`models:/` URIs: what they resolve to, and copies of versions under another name."""

import warnings

import mlflow
from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository
from mlflow.tracking import MlflowClient
from scenario import new_run, refused, unique

warnings.filterwarnings("ignore", category=FutureWarning)
client = MlflowClient()
name, copies = unique("model"), unique("copies")
run_id = new_run(client, "copied")
root = client.get_run(run_id).info.artifact_uri
client.create_registered_model(name)
for number in (1, 2, 3):
    tags = {"number": str(number)}
    client.create_model_version(name, f"{root}/{number}", run_id, tags=tags, description="d")
client.set_registered_model_alias(name, "champion", "1")
client.transition_model_version_stage(name, "2", "Production")


def resolved(suffix: str) -> str:
    """Return the last part of the location that a client would load the model from."""
    location = ModelsArtifactRepository.get_underlying_uri(f"models:/{name}{suffix}")
    assert location.startswith(root), location
    return str(location.rpartition("/")[2])


assert resolved("/1") == "1"
assert resolved("/3") == "3"
assert resolved("@champion") == "1"
assert resolved("/Production") == "2"
assert resolved("/latest") == "3"

copy = client.copy_model_version(f"models:/{name}@champion", copies)
assert (copy.name, copy.version) == (copies, "1"), copy
assert copy.source == f"models:/{name}/1"
assert (copy.run_id, copy.tags, copy.description) == (run_id, {"number": "1"}, "d"), copy
again = client.copy_model_version(f"models:/{copies}/1", copies)
assert (again.version, again.source) == ("2", f"models:/{copies}/1")
for version in ("1", "2"):
    assert client.get_model_version_download_uri(copies, version) == f"{root}/1"
registered = mlflow.register_model(f"models:/{name}/3", copies)
assert (registered.version, registered.run_id) == ("3", run_id), registered
assert client.get_model_version_download_uri(copies, "3") == f"{root}/3"

# The client wraps what the server says of the source.
with refused("INTERNAL_ERROR", f"Model Version (name={name}, version=9) not found"):
    client.copy_model_version(f"models:/{name}/9", copies)
with refused("INTERNAL_ERROR", "Registered model alias nobody not found."):
    client.copy_model_version(f"models:/{name}@nobody", copies)

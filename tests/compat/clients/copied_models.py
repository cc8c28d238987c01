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
first, second, third = (
    client.create_model_version(
        name, f"{root}/{number}", run_id, tags={"number": str(number)}, description="d"
    ).version
    for number in (1, 2, 3)
)
client.set_registered_model_alias(name, "champion", first)
client.transition_model_version_stage(name, second, "Production")


def resolved(suffix: str) -> str:
    """Return the last part of the location that a client would load the model from."""
    location = ModelsArtifactRepository.get_underlying_uri(f"models:/{name}{suffix}")
    assert location.startswith(root), location
    return str(location.rpartition("/")[2])


assert resolved(f"/{first}") == "1"
assert resolved(f"/{third}") == "3"
assert resolved("@champion") == "1"
assert resolved("/Production") == "2"
assert resolved("/latest") == "3"

copy = client.copy_model_version(f"models:/{name}@champion", copies)
assert copy.name == copies, copy
assert copy.source == f"models:/{name}/{first}"
assert (copy.run_id, copy.tags, copy.description) == (run_id, {"number": "1"}, "d"), copy
again = client.copy_model_version(f"models:/{copies}/{copy.version}", copies)
assert again.source == f"models:/{copies}/{copy.version}"
for version in (copy.version, again.version):
    assert client.get_model_version_download_uri(copies, version) == f"{root}/1"
registered = mlflow.register_model(f"models:/{name}/{third}", copies)
if not registered.aliases:  # In GitLab's dialect this one has a run of its own, and an alias.
    assert registered.run_id == run_id, registered
assert client.get_model_version_download_uri(copies, registered.version) == f"{root}/3"

# The client wraps what the server says of the source.
with refused("INTERNAL_ERROR", f"Model Version (name={name}, version=999999) not found"):
    client.copy_model_version(f"models:/{name}/999999", copies)
with refused("INTERNAL_ERROR", "Registered model alias nobody not found."):
    client.copy_model_version(f"models:/{name}@nobody", copies)

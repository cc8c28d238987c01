"""The life of a model version: create, read, describe, tag, delete."""

from mlflow.tracking import MlflowClient
from scenario import new_run, refused, unique

client = MlflowClient()
name = unique("model")
client.create_registered_model(name)
run_id = new_run(client, "versions")
run = client.get_run(run_id)

source = f"{run.info.artifact_uri}/model"
version = client.create_model_version(
    name, source, run_id, tags={"a": 1}, run_link="https://example.org/run", description="first"
)
assert (version.name, version.version, version.status) == (name, "1", "READY"), version
assert (version.source, version.run_id) == (source, run_id), version
assert version.run_link == "https://example.org/run"
assert version.description == "first"
assert version.current_stage == "None"
assert version.tags == {"a": "1"}
read = client.get_model_version(name, "1")
assert dict(read) == dict(version), (dict(read), dict(version))
assert client.get_model_version_download_uri(name, "1") == source
assert client.create_model_version(name, "s3://bucket/path").version == "2"

assert client.update_model_version(name, "1", description="changed").description == "changed"
client.set_model_version_tag(name, "1", "b", "2")
client.set_model_version_tag(name, "1", "a", "3")
assert client.get_model_version(name, "1").tags == {"a": "3", "b": "2"}
client.delete_model_version_tag(name, "1", "a")
client.delete_model_version_tag(name, "1", "a")
assert client.get_model_version(name, "1").tags == {"b": "2"}

client.delete_model_version(name, "2")
with refused("RESOURCE_DOES_NOT_EXIST", f"Model Version (name={name}, version=2) not found"):
    client.get_model_version(name, "2")
assert [v.version for v in client.search_model_versions(f"name = '{name}'")] == ["1"]

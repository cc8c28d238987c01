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
assert (version.name, version.status) == (name, "READY"), version
one = version.version
assert (version.source, version.run_id) == (source, run_id), version
assert version.run_link == "https://example.org/run"
assert version.description == "first"
assert version.current_stage == "None"
assert version.tags == {"a": "1"}
read = client.get_model_version(name, one)
assert dict(read) == dict(version), (dict(read), dict(version))
assert client.get_model_version_download_uri(name, one) == source
two = client.create_model_version(name, "s3://bucket/path").version
assert int(two) > int(one)

assert client.update_model_version(name, one, description="changed").description == "changed"
client.set_model_version_tag(name, one, "b", "2")
client.set_model_version_tag(name, one, "a", "3")
assert client.get_model_version(name, one).tags == {"a": "3", "b": "2"}
client.delete_model_version_tag(name, one, "a")
client.delete_model_version_tag(name, one, "a")
assert client.get_model_version(name, one).tags == {"b": "2"}

client.delete_model_version(name, two)
with refused("RESOURCE_DOES_NOT_EXIST", f"Model Version (name={name}, version={two}) not found"):
    client.get_model_version(name, two)
assert [v.version for v in client.search_model_versions(f"name = '{name}'")] == [one]

"""The registry's refusals that a client's user sees."""

from mlflow.tracking import MlflowClient
from scenario import new_run, refused, unique

DIALECT = "mlflow"
client = MlflowClient()
name = unique("model")
client.create_registered_model(name)
client.create_model_version(name, "s3://bucket/path")
missing = unique("missing")
run_id = new_run(client, "errors")

for call in (
    lambda: client.get_registered_model(missing),
    lambda: client.rename_registered_model(missing, unique("x")),
    lambda: client.update_registered_model(missing, "d"),
    lambda: client.delete_registered_model(missing),
    lambda: client.set_registered_model_tag(missing, "k", "v"),
    lambda: client.delete_registered_model_tag(missing, "k"),
    lambda: client.delete_registered_model_alias(missing, "a"),
    lambda: client.get_model_version_by_alias(missing, "a"),
    lambda: client.create_model_version(missing, "s3://bucket/path"),
):
    with refused("RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={missing} not found"):
        call()
for call in (
    lambda: client.get_model_version(name, "9"),
    lambda: client.update_model_version(name, "9", "d"),
    lambda: client.delete_model_version(name, "9"),
    lambda: client.set_model_version_tag(name, "9", "k", "v"),
    lambda: client.delete_model_version_tag(name, "9", "k"),
    lambda: client.get_model_version_download_uri(name, "9"),
    lambda: client.set_registered_model_alias(name, "a", "9"),
):
    with refused("RESOURCE_DOES_NOT_EXIST", f"Model Version (name={name}, version=9) not found"):
        call()
for call in (
    lambda: client.create_registered_model(""),
    lambda: client.create_registered_model("a/b"),
    lambda: client.create_registered_model("a:b"),
    lambda: client.create_registered_model(".."),
    lambda: client.rename_registered_model(name, "a/b"),
    lambda: client.get_model_version(name, "one"),
    lambda: client.set_registered_model_tag(name, "k" * 251, "v"),
    lambda: client.set_registered_model_tag(name, "k", "v" * 100_001),
    lambda: client.set_model_version_tag(name, "1", "a,b", "v"),
    lambda: client.create_model_version(name, "/etc/passwd"),
    lambda: client.create_model_version(name, "model"),
    lambda: client.create_model_version(name, "file:///etc"),
    lambda: client.create_model_version(name, "s3://bucket/../path"),
    lambda: client.create_model_version(name, "s3://bucket/%2e%2e/path"),
    lambda: client.create_model_version(name, f"runs:/{run_id}/model", "0" * 32),
    lambda: client.create_model_version(name, "mlflow-artifacts:/0/other/artifacts", run_id),
    lambda: client.create_model_version(name, "mlflow-artifacts:/0/other/artifacts"),
):
    with refused("INVALID_PARAMETER_VALUE"):
        call()
assert client.get_registered_model(name).latest_versions[0].version == "1"
